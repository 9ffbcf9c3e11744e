//! Releases of charts that are in the repository: what they deploy becomes objects like all others, with room in their values.
//!
//! A chart is rendered with the release's values, and a value is taken for one of pull secrets only if it has been tried. What is not
//! in the repository, or cannot be read here, stays what the deliveries say of it.

use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use super::parallel;
use super::settings::{Settings, shown};
use crate::config::Config;
use crate::deliveries::graph::{Graph, checked};
use crate::deliveries::releases::{self, Layer, Place, Release};
use crate::effects::charts;
use crate::effects::source::{self, Source};
use crate::objects::object::{Container, ContainerList, Object, PodSpec, PullSecret};
use crate::objects::read::SkipReason;
use crate::objects::values::{Room, room, room_in_text};
use crate::plan::finding::{Code, Finding, ObjectRef};
use crate::plan::place::PodRun;
use crate::plan::{File, notices};
use lossless_yaml::insert::{Form, Refusal};
use lossless_yaml::path::Path;
use lossless_yaml::span::Position;
use offline_helm::probe::{Pod, Probed, Shape, Way, probe};
use offline_kustomize::repository::{folder, folders, join};

/// What was found out about the releases of a repository.
#[derive(Debug, Default)]
pub struct Releases {
    /// The objects that were added, and where they go whatever a build says.
    fixed: Vec<Fixed>,
    /// File and line of the objects whose charts are known.
    known: BTreeSet<(String, usize)>,
    /// What is to be said.
    pub findings: Vec<Finding>,
}

#[derive(Debug)]
struct Fixed {
    file: usize,
    object: usize,
    namespace: Option<String>,
    cluster: Option<String>,
}

/// A release and what its chart gives.
struct Found {
    /// The file of the release.
    file: usize,
    /// Its chart.
    chart: PathBuf,
    release: Release,
    outcome: Result<Rendered, String>,
}

struct Rendered {
    probed: Probed,
    /// Whether some values are not known.
    hidden: Option<String>,
}

/// Renders the charts of all releases and adds what they deploy to the files in which their values stand. `digest` is told of files
/// that gain their first object.
pub fn attach(files: &mut [File], settings: &Settings, mut digest: impl FnMut(usize, &str)) -> Releases {
    let mut all = Releases::default();
    let found = find(files, settings);
    leave_charts(files, settings, &found);
    for found in found {
        let path = files[found.file].path.clone();
        let line = found.release.position.line;
        match found.outcome {
            Ok(rendered) => {
                all.known.insert((path, line));
                for (file, text, object) in objects(files, settings, found.file, &found.release, &rendered) {
                    digest(file, &text);
                    let Ok(facts) = &mut files[file].facts else { continue };
                    facts.objects.push(object);
                    all.fixed.push(Fixed {
                        file,
                        object: facts.objects.len() - 1,
                        namespace: found
                            .release
                            .namespace
                            .clone()
                            .filter(|_| found.release.is_fixed || file != found.file),
                        cluster: found.release.cluster.clone(),
                    });
                }
            }
            // What Flux fills in may be what it fails for.
            Err(_) if found.release.has_variables() => {}
            Err(reason) => {
                let release = &found.release;
                all.known.insert((path.clone(), line));
                let mut finding = finding(
                    Code::ChartFails,
                    &path,
                    release,
                    format!(
                        "the chart of `{}` `{}` does not render with its values: {reason}",
                        release.kind, release.name
                    ),
                );
                finding.hint = Some("`pullcred generate CHART` shows more".to_owned());
                all.findings.push(finding);
            }
        }
    }
    all
}

/// Charts that releases use, or that are kept for them, are somebody else's: nothing in them is edited.
fn leave_charts(files: &mut [File], settings: &Settings, found: &[Found]) {
    let kept = settings.config.charts.iter().map(|folder| settings.base.join(folder));
    let below = |folder: PathBuf| Some(shown(folder.strip_prefix(&settings.root).ok()?) + "/");
    let folders: BTreeSet<String> = found
        .iter()
        .map(|found| found.chart.clone())
        .chain(kept)
        .filter_map(below)
        .filter(|path| path != "/")
        .collect();
    if folders.is_empty() {
        return;
    }
    for file in files {
        if file.path.match_indices('/').any(|(at, _)| folders.contains(&file.path[..=at])) {
            notices::leave_to_helm(file);
        }
    }
}

impl Releases {
    /// Puts releases where they say that they go, and takes back what was said of those that are known.
    pub fn settle(&self, files: &mut [File], graph: &mut Graph) {
        for fixed in &self.fixed {
            let Some(deployments) = files[fixed.file].deployments.get_mut(fixed.object) else { continue };
            for deployment in deployments {
                if fixed.namespace.is_some() {
                    (deployment.namespace, deployment.misnamed) = checked(fixed.namespace.clone());
                }
                if let Some(cluster) = &fixed.cluster {
                    deployment.cluster.name = Some(Arc::from(cluster.as_str()));
                }
            }
        }
        graph.release_known(&self.known);
    }
}

fn finding(code: Code, path: &str, release: &Release, message: String) -> Finding {
    Finding {
        code,
        severity: code.severity(),
        file: path.to_owned(),
        position: release.position,
        message,
        hint: None,
        object: Some(ObjectRef {
            api_version: release.api_version.clone(),
            kind: release.kind.clone(),
            name: release.name.clone(),
            namespace: release.namespace.clone(),
        }),
    }
}

/// The releases whose charts are there, rendered.
fn find(files: &[File], settings: &Settings) -> Vec<Found> {
    let is_read = |file: &&File| {
        let facts = file.facts.as_ref();
        let passed_over = |reason| matches!(reason, SkipReason::Template | SkipReason::OptOut);
        let whole = facts.is_ok_and(|facts| {
            facts.errors.is_empty() && !facts.skips.iter().any(|skip| passed_over(skip.reason))
        });
        let delivers = file.delivery.as_ref().is_some_and(|delivery| {
            !delivery.deliveries.is_empty()
                || delivery.kustomization.as_ref().is_some_and(|fields| !fields.charts.is_empty())
        });
        whole && delivers
    };
    let homes: Vec<PathBuf> =
        settings.config.charts.iter().map(|folder| settings.base.join(folder)).collect();
    let mut asked = Vec::new();
    for (nth, file) in files.iter().enumerate().filter(|(_, file)| is_read(file)) {
        let Some(text) = text_of(&settings.root, &file.path) else { continue };
        if !releases::may_hold(&file.path, &text) {
            continue;
        }
        for release in releases::read(&file.path, &text) {
            if let Some(chart) = charts::find(&settings.root, &homes, &release.chart) {
                asked.push((nth, release, chart));
            }
        }
    }
    let threads = parallel::computing(settings.scan.threads);
    let outcomes = parallel::map(&asked, threads, |(file, release, chart)| {
        render(files, settings, &files[*file].path, release, chart)
    });
    let found = asked.into_iter().zip(outcomes);
    found.map(|((file, release, chart), outcome)| Found { file, chart, release, outcome }).collect()
}

fn text_of(root: &FilePath, path: &str) -> Option<String> {
    match source::read(&root.join(path)) {
        Ok(Source::Text(text)) => Some(text),
        _ => None,
    }
}

fn render(
    files: &[File],
    settings: &Settings,
    path: &str,
    release: &Release,
    chart: &FilePath,
) -> Result<Rendered, String> {
    let chart = charts::read(&settings.root, chart).map_err(|error| error.to_string())?;
    let mut layers = Vec::new();
    let mut hidden = None;
    for layer in &release.layers {
        match values(files, settings, path, layer) {
            Ok(Some(layer)) => layers.push(layer),
            Ok(None) => {}
            Err(what) => hidden = Some(what),
        }
    }
    let namespace = release.namespace.as_deref();
    let options = offline_helm::Options {
        release: release.release.clone(),
        namespace: namespace.unwrap_or("default").to_owned(),
        ..offline_helm::Options::default()
    };
    let wants = |pod: &Pod| lacks(pod, namespace, &settings.config);
    let probed = probe(chart, &layers, &options, &[], &wants).map_err(words)?;
    Ok(Rendered { probed, hidden })
}

/// What is wrong, with its place in the chart.
fn words(error: offline_helm::Error) -> String {
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
        deployment: None,
    };
    run.needs(config).into_iter().any(|nth| !pod.pull_secrets.contains(&config.secrets[nth].name))
}

/// The text of a layer. The error names what cannot be read.
fn values(
    files: &[File],
    settings: &Settings,
    path: &str,
    layer: &Layer,
) -> Result<Option<offline_helm::Layer>, String> {
    let file = |name: &str, text: String| offline_helm::Layer::File { name: name.to_owned(), text };
    match layer {
        Layer::Text(text) => Ok(Some(file("values", text.clone()))),
        Layer::File(name) => match text_of(&settings.root, name) {
            Some(text) => Ok(Some(file(name, text))),
            None => Err(format!("the values file `{name}`")),
        },
        Layer::ConfigMap { name, key, optional } => match config_map(files, settings, path, name, key) {
            Some(text) => Ok(Some(file(name, text))),
            None if *optional => Ok(None),
            None => Err(format!("the ConfigMap `{name}`")),
        },
        Layer::Hidden(what) => Err(what.clone()),
    }
}

/// What a ConfigMap holds under a key: one that a kustomization around the release makes, or one that lies beside it.
fn config_map(files: &[File], settings: &Settings, path: &str, name: &str, key: &str) -> Option<String> {
    for around in folders(path) {
        for file in files.iter().filter(|file| folder(&file.path) == around) {
            if let Some(fields) = file.delivery.as_ref().and_then(|delivery| delivery.kustomization.as_ref())
            {
                let generator =
                    fields.config_maps.iter().find(|entry| entry.value.str_at("name") == Some(name));
                let Some(generator) = generator else { continue };
                let entries =
                    generator.value.get("files").map_or(&[][..], offline_kustomize::value::Value::items);
                for entry in entries.iter().filter_map(|entry| entry.as_str()) {
                    let (named, from) = entry.split_once('=').unwrap_or_else(|| (last(entry), entry));
                    if named == key {
                        return text_of(&settings.root, &join(around, from)?);
                    }
                }
            } else if file.facts.as_ref().is_ok_and(|facts| facts.has_settings) {
                let text = text_of(&settings.root, &file.path)?;
                if let Some(found) = releases::config_map(&text, name, key) {
                    return Some(found);
                }
            }
        }
    }
    None
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The object of a release, with the file in which its values are written and the text of that.
fn objects(
    files: &[File],
    settings: &Settings,
    own: usize,
    release: &Release,
    rendered: &Rendered,
) -> Vec<(usize, String, Object)> {
    let (file, document) = match &release.place {
        Place::File(path) => match files.iter().position(|file| file.path == *path && file.facts.is_ok()) {
            Some(file) => (file, 0),
            None => (own, release.document),
        },
        Place::Inline(_) | Place::Text(_) => (own, release.document),
    };
    let Some(text) = text_of(&settings.root, &files[file].path) else { return Vec::new() };
    let at = if file == own { release.position } else { Position::START };
    let path = if file == own { release.path.clone() } else { Path::default() };
    let mut object =
        Object::bare(&release.api_version, &release.kind, &release.name, (document, path.clone(), at));
    object.namespace.clone_from(&release.namespace);
    let probed = &rendered.probed;
    for way in &probed.ways {
        let pods: Vec<&Pod> = way.pods.iter().map(|nth| &probed.pods[*nth]).collect();
        let shape = form(way.shape);
        let (place, within) = match &release.place {
            Place::Inline(values) => (room(&text, document, values, &way.path, shape), None),
            Place::File(_) if file == own => (None, None),
            Place::File(_) => (room(&text, 0, &Path::default(), &way.path, shape), None),
            Place::Text(at) => room_in_text(&text, document, at, &way.path, shape)
                .map_or((None, None), |(room, within)| (Some(room), Some(Box::new(within)))),
        };
        let slot = refusal(release, rendered, way, place.as_ref());
        let mut pod_spec = pod_spec(&pods, &path, at);
        pod_spec.within = within;
        if let Some(place) = place {
            pod_spec.path = place.mapping.clone();
            pod_spec.written_at = place.mapping;
            pod_spec.position = place.position;
            for secret in place.present {
                if !pod_spec.pull_secrets.iter().any(|known| known.name == secret.name) {
                    pod_spec.pull_secrets.push(secret);
                }
            }
            pod_spec.slot = slot.map_or(place.slot, Err);
        } else if let Some(refusal) = slot {
            pod_spec.slot = Err(refusal);
        }
        object.pod_specs.push(pod_spec);
    }
    let reached: BTreeSet<usize> = probed.ways.iter().flat_map(|way| way.pods.iter().copied()).collect();
    for (nth, pod) in
        probed.pods.iter().enumerate().filter(|(nth, pod)| !reached.contains(nth) && !pod.is_test)
    {
        let mut pod_spec = pod_spec(&[pod], &path, at);
        if probed.unreached.contains(&nth) {
            let reason = format!("no value of the chart gives it to `{}` `{}`", pod.kind, pod.name);
            pod_spec.slot = Err(Refusal::Other(reason));
        }
        object.pod_specs.push(pod_spec);
    }
    if object.pod_specs.is_empty() { Vec::new() } else { vec![(file, text, object)] }
}

fn form(shape: Shape) -> Form {
    match shape {
        Shape::ListOfNames => Form { list: true, key: Some("name") },
        Shape::ListOfStrings => Form { list: true, key: None },
        Shape::OneString => Form { list: false, key: None },
    }
}

/// Why nothing can be written, if so.
fn refusal(release: &Release, rendered: &Rendered, way: &Way, place: Option<&Room>) -> Option<Refusal> {
    let value = way.path.join(".");
    if let Some(hidden) = &rendered.hidden {
        return Some(Refusal::Other(format!("{hidden} cannot be read here and may set `{value}`")));
    }
    let Some(place) = place else {
        let what = match &release.place {
            Place::File(path) => format!("`{path}` is not read"),
            Place::Text(_) => "its values are a text that is not edited".to_owned(),
            Place::Inline(_) => "nothing here holds its values".to_owned(),
        };
        return Some(Refusal::Other(format!("{what}; `{value}` belongs there")));
    };
    let elsewhere = way.present.iter().find(|name| !place.present.iter().any(|secret| secret.name == **name));
    elsewhere.map(|name| {
        Refusal::Other(format!(
            "`{value}` is a list of other values with `{name}`, which a list here would replace"
        ))
    })
}

/// Pods of a release, as if they were one.
fn pod_spec(pods: &[&Pod], path: &Path, position: Position) -> PodSpec {
    let containers = pods.iter().flat_map(|pod| &pod.images).map(|(name, image)| Container {
        list: ContainerList::Other,
        name: name.clone(),
        image: image.clone(),
        position,
    });
    let first = pods.first();
    let account = first.and_then(|pod| pod.service_account.clone());
    let same = pods.iter().all(|pod| pod.service_account == account);
    // What all of them have.
    let names = first.map_or(&[][..], |pod| &pod.pull_secrets);
    let shared = names.iter().filter(|name| pods.iter().all(|pod| pod.pull_secrets.contains(name)));
    PodSpec {
        path: path.clone(),
        position,
        containers: containers.collect(),
        service_account: account.filter(|_| same),
        pull_secrets: shared.map(|name| PullSecret { name: name.clone(), position }).collect(),
        slot: Err(Refusal::Layout),
        written_at: path.clone(),
        users: 1,
        within: None,
    }
}
