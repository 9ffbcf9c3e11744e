//! Charts of kustomizations, rendered for the builds that take them in, so that these transform their objects as they do all others.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock};

use super::super::settings::Settings;
use super::asker::{About, Asker, is_read};
use super::render::layers;
use crate::deliveries::releases::{self, Release};
use crate::effects::charts;
use crate::effects::source;
use crate::plan::File;
use lossless_yaml::span::Position;
use offline_kustomize::documents::documents;
use offline_kustomize::kustomization::{Kustomization, is_inline};
use offline_kustomize::repository::{folder, join};
use offline_kustomize::value::Value;

type Objects = Option<Arc<Vec<Value>>>;
/// A kustomization, the line that names a chart, and the name of the release.
type Key = (String, usize, String);

/// Renders the charts that kustomizations of the repository name, each once and only if a build asks for it.
pub fn inflater<'f>(
    files: &'f [File],
    settings: &'f Settings,
) -> impl Fn(&str, usize, &Value) -> Objects + Sync + use<'f> {
    // Most repositories have builds without charts: nothing is looked for until one asks.
    let known = LazyLock::new(move || known(files, settings));
    let homes = homes(settings);
    move |file, line, entry| {
        let key = (file.to_owned(), line, releases::release_name(entry).to_owned());
        let (release, objects) = known.get(&key)?;
        objects.get_or_init(|| rendered(files, settings, &homes, file, release, entry)).clone()
    }
}

/// The charts that kustomizations name, and room for what they make.
fn known(files: &[File], settings: &Settings) -> HashMap<Key, (Release, OnceLock<Objects>)> {
    let mut known = HashMap::new();
    for (nth, file) in files.iter().enumerate().filter(|(_, file)| is_read(file)) {
        let Some(fields) = file.delivery.as_ref().and_then(|facts| facts.kustomization.as_ref()) else {
            continue;
        };
        let named = generators(files, nth, fields, settings).into_iter();
        let named = named.map(|(_, line, release)| (line, release));
        for (line, release) in releases::charts(&file.path, fields).into_iter().chain(named) {
            known.insert((file.path.clone(), line, release.name.clone()), (release, OnceLock::new()));
        }
    }
    known
}

/// The folders in which charts are kept.
pub(super) fn homes(settings: &Settings) -> Vec<PathBuf> {
    settings.config.charts.iter().map(|folder| settings.base.join(folder)).collect()
}

/// The objects of a chart, if it is here, renders, and everything is known that decides about them.
fn rendered(
    files: &[File],
    settings: &Settings,
    homes: &[PathBuf],
    file: &str,
    release: &Release,
    entry: &Value,
) -> Objects {
    let found = charts::find(&settings.root, homes, &release.chart).ok()??;
    let chart = charts::read(&settings.root, &found.path).ok()?;
    let (layers, hidden) = layers(files, settings, file, release);
    if hidden.is_some() {
        return None;
    }
    let mut options = offline_helm::Options {
        release: release.name.clone(),
        namespace: release.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        ..offline_helm::Options::default()
    };
    let versions = entry.get("apiVersions").map_or(&[][..], Value::items);
    options.api_versions =
        versions.iter().filter_map(|version| version.as_str().map(str::to_owned)).collect();
    if let Some(version) = entry.str_at("kubeVersion").filter(|version| !version.is_empty()) {
        version.clone_into(&mut options.kube_version);
    }
    let rendering = offline_helm::render(chart, &layers, &options).ok()?;
    let asks = |key: &str| entry.get(key).is_some_and(Value::is_true);
    let crds = rendering.crds.iter().filter(|_| asks("includeCRDs"));
    let hooks =
        rendering.hooks.iter().filter(|hook| !(asks("skipHooks") || asks("skipTests") && hook.is_test()));
    let all = crds.chain(&rendering.manifests).chain(hooks.map(|hook| &hook.manifest));
    let mut objects = Vec::new();
    for manifest in all {
        objects.extend(documents(&manifest.text).ok()?.into_iter().filter(|object| !object.is_empty()));
    }
    Some(Arc::new(objects))
}

/// The charts that a kustomization inflates by generators in files of their own, and the lines that name these.
pub(super) fn generators(
    files: &[File],
    kustomization: usize,
    fields: &Kustomization,
    settings: &Settings,
) -> Vec<(Asker, usize, Release)> {
    let path = &files[kustomization].path;
    let mut found = Vec::new();
    for entry in fields.generators.iter().filter(|entry| !is_inline(&entry.value)) {
        let Some(named) = join(folder(path), &entry.value) else { continue };
        let Some(at) = files.iter().position(|file| file.path == named && file.facts.is_ok()) else {
            continue;
        };
        let Some(text) = source::text(&settings.root, &named) else { continue };
        for (document, tree) in documents(&text).unwrap_or_default().iter().enumerate() {
            let Some(release) = releases::generated(path, fields, tree) else { continue };
            let text = |key: &str| tree.str_at(key).unwrap_or_default().to_owned();
            let called = [text("apiVersion"), text("kind"), release.name.clone()];
            let about = About::Entry(path.clone(), entry.line);
            let asker = Asker { document, about, ..Asker::new(at, called, Position::START) };
            found.push((asker, entry.line, release));
        }
    }
    found
}
