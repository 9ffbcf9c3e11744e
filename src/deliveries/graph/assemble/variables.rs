//! Where the variables of a Flux `Kustomization` come from: the object itself, and ConfigMaps and Secrets of the repository.
//!
//! Files with such objects are read only once somebody asks for variables. Of several that have the name the nearest counts; where
//! that does not tell one, nothing is known of it.

use std::collections::HashMap;

use crate::deliveries::flux::FluxKustomization;
use crate::deliveries::flux::variables::Variables;
use crate::deliveries::scanned::Scanned;
use offline_kustomize::documents::documents;
use offline_kustomize::generate::{Kind, generate};
use offline_kustomize::repository::{Load, Repository, objects};
use offline_kustomize::value::Value;

/// ConfigMaps and Secrets of the repository, by kind and name.
#[derive(Default)]
pub(super) struct Settings(HashMap<(bool, String), Vec<Setting>>);

/// One of them.
struct Setting {
    file: String,
    namespace: String,
    known: Vec<(String, String)>,
    hidden: Vec<String>,
}

impl Setting {
    /// Whether it is the configuration of an Argo CD that builds without kustomize's load restriction.
    fn lifts_restriction(&self) -> bool {
        let mut options = self.known.iter().filter(|(key, _)| key.starts_with("kustomize.buildOptions"));
        options.any(|(_, value)| value.contains("LoadRestrictionsNone"))
    }
}

impl Settings {
    /// Reads them: `files` may have such objects, and kustomizations generate some.
    pub(super) fn read(files: &[Scanned<'_>], load: Load<'_>, repository: &Repository<'_>) -> Self {
        let mut settings = Self(HashMap::new());
        for file in files.iter().filter(|file| file.has_settings) {
            let text = load(file.path).and_then(|bytes| String::from_utf8(bytes).ok());
            let found = text.and_then(|text| objects(&documents(&text).ok()?).ok());
            for object in found.into_iter().flatten().map(|found| found.object) {
                settings.add(file.path, &object);
            }
        }
        for at in 0..repository.len() {
            let known = repository.get(at);
            let read = |path: &str| repository.bytes(&repository.path(&known.folder, path).ok()?);
            let lists = [(Kind::ConfigMap, &known.fields.config_maps), (Kind::Secret, &known.fields.secrets)];
            for (kind, entry) in
                lists.into_iter().flat_map(|(kind, list)| list.iter().map(move |one| (kind, one)))
            {
                let options = known.fields.generator_options.as_ref();
                if let Ok((object, _)) = generate(kind, &entry.value, options, &read) {
                    settings.add(&known.file, &object);
                }
            }
        }
        settings
    }

    /// Whether a configuration of Argo CD lets it build without kustomize's load restriction.
    pub(super) fn lift_restriction(&self) -> bool {
        let configured = self.0.get(&(false, "argocd-cm".to_owned()));
        configured.into_iter().flatten().any(Setting::lifts_restriction)
    }

    /// What the variables of an object of a file hold.
    pub(super) fn variables(&self, flux: &FluxKustomization, file: &str) -> Variables {
        let mut variables = Variables::default();
        for source in flux.variable_sources() {
            let all = self.0.get(&(source.is_secret, source.name.clone()));
            match all.and_then(|all| nearest(all, file, &flux.namespace)) {
                Some(setting) => {
                    setting.known.iter().for_each(|(name, value)| variables.add(name, value));
                    setting.hidden.iter().for_each(|name| variables.hide(name));
                }
                None if source.is_optional => {}
                None => variables.open(),
            }
        }
        flux.inline_variables().for_each(|(name, value)| variables.add(name, value));
        variables
    }

    fn add(&mut self, file: &str, object: &Value) {
        let is_secret = match (object.str_at("apiVersion"), object.str_at("kind")) {
            (Some("v1"), Some("ConfigMap")) => false,
            (Some("v1"), Some("Secret")) => true,
            _ => return,
        };
        let text = |path: &[&str]| object.at(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let entries = |field: &str| object.get(field).map_or(&[][..], Value::pairs).iter();
        let mut setting = Setting {
            file: file.to_owned(),
            namespace: text(&["metadata", "namespace"]),
            known: Vec::new(),
            hidden: Vec::new(),
        };
        if is_secret {
            // Encrypted or not, what a Secret holds is nobody's to show.
            setting
                .hidden
                .extend(entries("data").chain(entries("stringData")).map(|(key, _)| key.to_string()));
        } else {
            let value = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            setting.known.extend(entries("data").map(|(key, text)| (key.to_string(), value(text))));
        }
        self.0.entry((is_secret, text(&["metadata", "name"]))).or_default().push(setting);
    }
}

/// The one that shares the longest way with a file, in the namespace or in none that is told.
fn nearest<'s>(all: &'s [Setting], file: &str, namespace: &str) -> Option<&'s Setting> {
    let fits = |setting: &&Setting| setting.namespace.is_empty() || setting.namespace == namespace;
    let shared = |setting: &Setting| {
        let steps = setting.file.split('/').zip(file.split('/'));
        steps.take_while(|(a, b)| a == b).count()
    };
    let best = all.iter().filter(fits).map(shared).max()?;
    let mut nearest = all.iter().filter(fits).filter(|setting| shared(setting) == best);
    let first = nearest.next()?;
    // Equal ones are one.
    nearest.all(|other| other.known == first.known && other.hidden == first.hidden).then_some(first)
}
