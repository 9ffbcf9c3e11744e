//! Where the variables of a Flux `Kustomization` come from: the object itself, and ConfigMaps and Secrets of the repository.
//!
//! Files are loaded only where they may hold the name that somebody asks for: most ConfigMaps are dashboards and scripts, long and
//! nobody's variables. Of several that have the name the nearest counts;
//! where that does not tell one, nothing is known of it.

use std::collections::HashMap;

use crate::deliveries::flux::FluxKustomization;
use crate::deliveries::flux::variables::Variables;
use crate::deliveries::scanned::Scanned;
use crate::objects::called::Called;
use offline_kustomize::documents::documents;
use offline_kustomize::generate::{Kind, generate};
use offline_kustomize::repository::{Load, Repository, objects};
use offline_kustomize::value::Value;

/// ConfigMaps and Secrets of the repository.
pub(super) struct Settings<'r, 'a> {
    /// Files that hold some, and what they may be called.
    files: Vec<(&'a str, &'a Called)>,
    load: Load<'a>,
    /// Kustomizations, which generate some.
    repository: &'r Repository<'a>,
    /// Those that were asked for, by whether it is a Secret, and by name.
    asked: HashMap<(bool, String), Vec<Setting>>,
}

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

impl<'r, 'a> Settings<'r, 'a> {
    /// Those of files, which are loaded when it comes to that; `repository` generates more.
    pub(super) fn new(files: &'a [Scanned<'a>], load: Load<'a>, repository: &'r Repository<'a>) -> Self {
        let files = files.iter().filter_map(|file| Some((file.path, file.settings?))).collect();
        Self { files, load, repository, asked: HashMap::new() }
    }

    /// Whether a configuration of Argo CD lets it build without kustomize's load restriction.
    pub(super) fn lift_restriction(&mut self) -> bool {
        self.named(false, "argocd-cm").iter().any(Setting::lifts_restriction)
    }

    /// Adds what an object of a file takes from ConfigMaps and Secrets.
    pub(super) fn fill(&mut self, variables: &mut Variables, flux: &FluxKustomization, file: &str) {
        for source in flux.variable_sources() {
            match nearest(self.named(source.is_secret, &source.name), file, &flux.namespace) {
                Some(setting) => {
                    setting.known.iter().for_each(|(name, value)| variables.add(name, value));
                    setting.hidden.iter().for_each(|name| variables.hide(name));
                }
                None if source.is_optional => {}
                None => variables.open(),
            }
        }
    }

    /// The ConfigMaps, or the Secrets, of a name.
    fn named(&mut self, is_secret: bool, name: &str) -> &[Setting] {
        let Self { files, load, repository, asked } = self;
        asked.entry((is_secret, name.to_owned())).or_insert_with(|| {
            let mut found = committed(files, *load, is_secret, name);
            found.extend(generated(repository, is_secret, name));
            found
        })
    }
}

/// Those that stand in a file.
fn committed(files: &[(&str, &Called)], load: Load<'_>, is_secret: bool, name: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (file, _) in files.iter().filter(|(_, called)| called.may_be(name)) {
        let text = load(file).and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(text) = text.filter(|text| text.contains(name)) else { continue };
        let found = documents(&text).ok().and_then(|documents| objects(&documents).ok());
        let objects = found.into_iter().flatten();
        settings.extend(objects.filter_map(|found| setting(file, &found.object, is_secret, name)));
    }
    settings
}

/// Those that kustomize generates.
fn generated(repository: &Repository<'_>, is_secret: bool, name: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    for at in 0..repository.len() {
        let known = repository.get(at);
        let read = |path: &str| repository.bytes(&repository.path(&known.folder, path).ok()?);
        let (kind, list) = match is_secret {
            false => (Kind::ConfigMap, &known.fields.config_maps),
            true => (Kind::Secret, &known.fields.secrets),
        };
        for entry in list.iter().filter(|entry| entry.value.str_at("name") == Some(name)) {
            let options = known.fields.generator_options.as_ref();
            if let Ok((object, _)) = generate(kind, &entry.value, options, &read) {
                settings.extend(setting(&known.file, &object, is_secret, name));
            }
        }
    }
    settings
}

/// An object of a file, when it is the one that is asked for.
fn setting(file: &str, object: &Value, is_secret: bool, name: &str) -> Option<Setting> {
    let kind = if is_secret { "Secret" } else { "ConfigMap" };
    let text = |path: &[&str]| object.at(path).and_then(Value::as_str).unwrap_or_default();
    if text(&["apiVersion"]) != "v1" || text(&["kind"]) != kind || text(&["metadata", "name"]) != name {
        return None;
    }
    let entries = |field: &str| object.get(field).map_or(&[][..], Value::pairs).iter();
    let mut setting = Setting {
        file: file.to_owned(),
        namespace: text(&["metadata", "namespace"]).to_owned(),
        known: Vec::new(),
        hidden: Vec::new(),
    };
    if is_secret {
        // Encrypted or not, what a Secret holds is nobody's to show.
        setting.hidden.extend(entries("data").chain(entries("stringData")).map(|(key, _)| key.to_string()));
    } else {
        let value = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        setting.known.extend(entries("data").map(|(key, text)| (key.to_string(), value(text))));
    }
    Some(setting)
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
