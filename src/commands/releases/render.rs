//! A chart with the values of a release, rendered and tried.

use std::collections::BTreeMap;
use std::iter;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::settings::{Settings, shown};
use super::made::Object;
use super::umbrella::{self, Missing, completed};
use crate::config::Config;
use crate::deliveries::delivery::{DELIVERY_GROUPS, Kind, kind_of};
use crate::deliveries::facts::{ChartFacts, FILE, Facts, estimate};
use crate::deliveries::graph::ChartObject;
use crate::deliveries::releases::{Chart, Layer, Release, post_rendered};
use crate::effects::charts;
use crate::effects::source;
use crate::plan::File;
use crate::plan::place::PodRun;
use lossless_yaml::parse::{Node, parse};
use lossless_yaml::split::split;
use offline_helm::probe::{Pod, Probed, given, pod_spec_path, probe};
use offline_kustomize::documents::documents;
use offline_kustomize::repository::{folder, folders, join};
use offline_kustomize::value::Value;

/// What a chart makes of the values of a release.
pub(super) struct Rendered {
    pub probed: Probed,
    /// The chart, and where it was found.
    pub chart: String,
    /// What is not known of the values.
    pub hidden: Option<String>,
    /// Whether facts tell of a part of it.
    pub by_facts: bool,
    /// Objects that it makes and that deploy more.
    pub deliveries: Vec<Object>,
}

/// Files of charts, each read once.
#[derive(Default)]
pub(super) struct Charts(Mutex<BTreeMap<(PathBuf, bool), Read>>);

/// A chart as it was read, or why it cannot be.
type Read = Arc<Result<Contents, String>>;

struct Contents {
    files: Vec<offline_helm::File>,
    /// What it names and does not have.
    missing: Vec<Missing>,
    /// Whether its templates speak of objects that deploy more.
    may_deploy: bool,
}

impl Contents {
    fn new(root: &FilePath, folder: &FilePath, files: Vec<offline_helm::File>, is_fetched: bool) -> Self {
        let (files, missing) = if is_fetched { completed(root, folder, files) } else { (files, Vec::new()) };
        let speaks = |file: &offline_helm::File| {
            let text = String::from_utf8_lossy(&file.data);
            file.name.contains("templates/") && DELIVERY_GROUPS.iter().any(|group| text.contains(group))
        };
        let may_deploy = files.iter().any(speaks);
        Self { files, missing, may_deploy }
    }
}

/// Facts, read when they are asked for.
pub(super) type LazyFacts<'f> = dyn Fn() -> &'f Facts + Sync + 'f;

/// Why a chart tells nothing.
pub(super) enum Refused {
    /// It does not render.
    Fails(String),
    /// Of something that it names nothing is known.
    Unknown,
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self::Fails(reason)
    }
}

impl Charts {
    /// `is_fetched` is whether the host fetches what the chart names, too.
    fn read(&self, root: &FilePath, chart: &FilePath, is_fetched: bool) -> Read {
        let key = (chart.to_owned(), is_fetched);
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&key) {
            return Arc::clone(found);
        }
        let files = charts::read(root, chart).map_err(|error| error.to_string());
        let files = Arc::new(files.map(|files| Contents::new(root, chart, files, is_fetched)));
        known().insert(key, Arc::clone(&files));
        files
    }
}

/// Renders a chart with the values of a release of the file at `path`.
pub(super) fn render(
    files: &[File],
    settings: &Settings,
    charts: &Charts,
    path: &str,
    release: &Release,
    chart: &FilePath,
    (built, facts): (Option<&Finished>, &LazyFacts<'_>),
) -> Result<Rendered, Refused> {
    let found = shown(chart.strip_prefix(&settings.root).unwrap_or(chart));
    // Flux and Argo CD fetch what the chart of a repository names; kustomize and Helm take what is there.
    let is_fetched = matches!(release.chart, Chart::Folder(_));
    let chart = charts.read(&settings.root, chart, is_fetched);
    let Contents { files: known, missing, may_deploy } = chart.as_ref().as_ref().map_err(String::clone)?;
    let mut chart = known.clone();
    if release.replaces_own_values {
        chart.iter_mut().filter(|file| file.name == "values.yaml").for_each(|file| file.data.clear());
    }
    let (layers, hidden) = layers(files, settings, path, release);
    let namespace = release.namespace.as_deref();
    let options = offline_helm::Options {
        release: release.name.clone(),
        namespace: namespace.unwrap_or("default").to_owned(),
        ..offline_helm::Options::default()
    };
    let is_finished = built.is_none() && !release.post_renderers.is_empty();
    // Few releases ask for what the chart makes besides pods.
    let mut rendering = (*may_deploy || is_finished || !missing.is_empty())
        .then(|| offline_helm::render(chart.clone(), &layers, &options));
    if !missing.is_empty() && matches!(rendering, Some(Err(_))) {
        // What its templates take from a chart that is not here they cannot have; without pods they are none of our business.
        if chart.iter().any(charts::has_pods) {
            return Err(Refused::Unknown);
        }
        chart.retain(|file| !file.name.starts_with("templates/"));
        rendering = Some(offline_helm::render(chart.clone(), &layers, &options));
    }
    let rendering = rendering.transpose().map_err(words)?;
    let deliveries =
        rendering.as_ref().filter(|_| *may_deploy).map(|made| deliveries(made, &found)).unwrap_or_default();
    let own = match rendering.as_ref().filter(|_| is_finished) {
        Some(rendering) => finished(release, rendering)?,
        None => Finished(BTreeMap::new()),
    };
    let finished = built.unwrap_or(&own);
    let wants = |pod: &Pod| lacks(&finished.of(pod), namespace, &settings.config);
    let mut probed = probe(chart, &layers, &options, &[], &wants).map_err(words)?;
    probed.pods = probed.pods.iter().map(|pod| finished.of(pod)).collect();
    let mut chart = format!("`{found}`");
    if !missing.is_empty() {
        let wants = |pod: &Pod| lacks(pod, namespace, &settings.config);
        if !umbrella::told(&mut probed, missing, facts(), (known, &layers), &release.name, &wants) {
            return Err(Refused::Unknown);
        }
        let names: Vec<String> = missing.iter().map(|it| format!("`{}`", it.name)).collect();
        chart.push_str(&format!(" and {} (known, though not here)", names.join(", ")));
    }
    Ok(Rendered { probed, chart, hidden, by_facts: !missing.is_empty(), deliveries })
}

/// The objects of Flux, Argo CD and the like that the chart in a folder makes.
fn deliveries(rendering: &offline_helm::Rendering, folder: &str) -> Vec<Object> {
    let mut found = Vec::new();
    for manifest in &rendering.manifests {
        let trees = documents(&manifest.text).unwrap_or_default();
        for object in trees.iter().flat_map(within) {
            let text = |path: &[&str]| object.at(path).and_then(Value::as_str).unwrap_or_default();
            let deploys =
                |kind| !matches!(kind, Kind::ChartSource | Kind::GitRepository | Kind::ArtifactGenerator);
            if kind_of(text(&["apiVersion"]), text(&["kind"])).is_some_and(deploys) {
                // Helm names a template by its chart, which may be called otherwise than its folder.
                let below = manifest.source.split_once('/').map_or("", |(_, below)| below);
                found.push(Object {
                    kind: text(&["kind"]).to_owned(),
                    name: text(&["metadata", "name"]).to_owned(),
                    template: join(folder, below).unwrap_or_default(),
                    text: manifest.text.clone(),
                });
            }
        }
    }
    found
}

/// An object, and those that it lists.
fn within(object: &Value) -> Vec<&Value> {
    let items = object.at(&["items"]).map_or(&[][..], Value::items);
    iter::once(object).chain(items.iter().flat_map(within)).collect()
}

/// Images and pull secrets of pods by their kind and name, where post-renderers have changed them.
#[derive(Debug, PartialEq)]
pub(super) struct Finished(BTreeMap<(String, String), Pod>);

impl Finished {
    /// What a build has made of the objects of a chart.
    pub(super) fn of_build(objects: &[&ChartObject]) -> Self {
        let pods = objects.iter().filter_map(|object| {
            let (kind, name) = &object.was;
            Some(((kind.to_string(), name.to_string()), pod_of(&object.object)?))
        });
        Finished(pods.collect())
    }

    /// A pod as it is deployed.
    fn of(&self, pod: &Pod) -> Pod {
        match self.0.get(&(pod.kind.clone(), pod.name.clone())) {
            Some(Pod { images, pull_secrets, .. }) => {
                Pod { images: images.clone(), pull_secrets: pull_secrets.clone(), ..pod.clone() }
            }
            None => pod.clone(),
        }
    }
}

/// What the post-renderers of a release make of its pods.
fn finished(release: &Release, rendering: &offline_helm::Rendering) -> Result<Finished, String> {
    let texts: Vec<&str> = rendering.manifests.iter().map(|manifest| &*manifest.text).collect();
    let objects = post_rendered(&release.post_renderers, &texts.join("\n---\n"))
        .map_err(|reason| format!("a post-renderer of the release fails: {reason}"))?;
    let key = |object: &Value| {
        let name = object.at(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
        (object.str_at("kind").unwrap_or_default().to_owned(), name.to_owned())
    };
    Ok(Finished(objects.iter().filter_map(|object| Some((key(object), pod_of(object)?))).collect()))
}

/// Images and pull secrets of the pods of an object, if it has any.
fn pod_of(object: &Value) -> Option<Pod> {
    let name = |value: &Value| value.str_at("name").unwrap_or_default().to_owned();
    let spec = pod_spec_path(object.str_at("kind")?).and_then(|path| object.at(path))?;
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let containers = lists.iter().flat_map(|key| spec.get(key).map_or(&[][..], Value::items));
    let images = containers.filter_map(|it| Some((name(it), it.str_at("image")?.to_owned()))).collect();
    let pull_secrets = spec.get("imagePullSecrets").map_or(&[][..], Value::items).iter().map(name).collect();
    Some(Pod { images, pull_secrets, ..Pod::default() })
}

/// What a release deploys as far as facts about its chart tell; `None`: they do not.
pub(super) fn estimated(
    files: &[File],
    settings: &Settings,
    path: &str,
    release: &Release,
    facts: &ChartFacts,
) -> Option<Rendered> {
    let (layers, hidden) = layers(files, settings, path, release);
    let values = given(&layers).ok()?;
    let wants = |pod: &Pod| lacks(pod, release.namespace.as_deref(), &settings.config);
    let probed = estimate(facts, &values, &release.name, &wants)?;
    let version = if facts.version.is_empty() {
        String::new()
    } else {
        format!(", measured with version {}", facts.version)
    };
    let how = if facts.is_own { format!("known from {FILE}") } else { "known, though not here".to_owned() };
    let chart = format!("`{}` ({how}{version})", facts.chart);
    Some(Rendered { probed, chart, hidden, by_facts: true, deliveries: Vec::new() })
}

/// The layers of a release's values, and what of them cannot be read here.
pub(super) fn layers(
    files: &[File],
    settings: &Settings,
    path: &str,
    release: &Release,
) -> (Vec<offline_helm::Layer>, Option<String>) {
    let mut layers = Vec::new();
    let mut hidden = None;
    for layer in &release.layers {
        match values(files, settings, path, layer) {
            Ok(layer) => layers.extend(layer),
            Err(what) => hidden = Some(what),
        }
    }
    (layers, hidden)
}

/// What is wrong, with its place in the chart.
pub fn words(error: offline_helm::Error) -> String {
    match error {
        offline_helm::Error::Template(error) if error.line > 0 => {
            format!("{}:{}:{}: {}", error.template, error.line, error.column, error.message)
        }
        other => other.to_string(),
    }
}

/// Whether pods need a configured pull secret that they do not have.
fn lacks(pod: &Pod, namespace: Option<&str>, config: &Config) -> bool {
    let run = PodRun {
        namespace: pod.namespace.as_deref().or(namespace),
        account: "",
        images: pod.images.iter().map(|(name, image)| (name.as_str(), image.as_str())).collect(),
        is_proven: true,
        pull_secrets: Vec::new(),
        added: Vec::new(),
        deployment: None,
    };
    run.needs(config).into_iter().any(|nth| !pod.pull_secrets.contains(&config.secrets[nth].name))
}

/// A layer as the engine takes it. The error names what cannot be read.
fn values(
    files: &[File],
    settings: &Settings,
    path: &str,
    layer: &Layer,
) -> Result<Option<offline_helm::Layer>, String> {
    let file = |name: &str, text: String| offline_helm::Layer::File { name: name.to_owned(), text };
    Ok(match layer {
        Layer::Text(text) => Some(file("values", text.clone())),
        Layer::Set(line) => Some(offline_helm::Layer::Set(line.clone())),
        Layer::SetText(line) => Some(offline_helm::Layer::Text(line.clone())),
        Layer::Hidden(what) => return Err(what.clone()),
        Layer::File { path, optional } => match source::text(&settings.root, path) {
            Some(text) => Some(file(path, text)),
            None if *optional => None,
            None => return Err(format!("the values file `{path}`")),
        },
        Layer::ConfigMap { name, key, optional, target } => {
            match (config_map(files, settings, path, name, key), target) {
                (Some(text), None) => Some(file(name, text)),
                (Some(text), Some(target)) => {
                    Some(offline_helm::Layer::Set(format!("{target}={}", text.replace(',', "\\,"))))
                }
                (None, _) if *optional => None,
                (None, _) => return Err(format!("the ConfigMap `{name}`")),
            }
        }
    })
}

/// What a ConfigMap holds under a key: one that a kustomization around the release makes, or one that lies beside it.
fn config_map(files: &[File], settings: &Settings, path: &str, name: &str, key: &str) -> Option<String> {
    for around in folders(path) {
        for file in files.iter().filter(|file| folder(&file.path) == around) {
            if let Some(fields) = file.delivery.as_ref().and_then(|delivery| delivery.kustomization.as_ref())
            {
                let is_it = |own: &str| is_called(name, own);
                let generator =
                    fields.config_maps.iter().find(|entry| entry.value.str_at("name").is_some_and(is_it));
                let Some(generator) = generator else { continue };
                let entries =
                    generator.value.get("files").map_or(&[][..], offline_kustomize::value::Value::items);
                for entry in entries.iter().filter_map(|entry| entry.as_str()) {
                    let (named, from) = entry.split_once('=').unwrap_or_else(|| (last(entry), entry));
                    if named == key {
                        return source::text(&settings.root, &join(around, from)?);
                    }
                }
            } else if file
                .facts
                .as_ref()
                .is_ok_and(|facts| facts.settings.as_ref().is_some_and(|it| it.may_be(name)))
            {
                let text = source::text(&settings.root, &file.path)?;
                if let Some(found) = in_config_map(&text, name, key) {
                    return Some(found);
                }
            }
        }
    }
    None
}

/// Whether a generated ConfigMap is meant: a build may have added its hash.
fn is_called(name: &str, own: &str) -> bool {
    let hash = name.strip_prefix(own).map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    hash.is_some_and(|hash| {
        hash.is_empty() || hash.len() == 10 && hash.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a ConfigMap of a file holds under a key.
fn in_config_map(text: &str, name: &str, key: &str) -> Option<String> {
    for slice in split(text) {
        for document in parse(text, slice.span).ok()? {
            let Some(root) = document.root() else { continue };
            let is_it = root.str_at("kind") == Some("ConfigMap")
                && root.path(&["metadata", "name"]).and_then(Node::as_str) == Some(name);
            if is_it {
                return root.path(&["data", key]).and_then(Node::as_str).map(str::to_owned);
            }
        }
    }
    None
}
