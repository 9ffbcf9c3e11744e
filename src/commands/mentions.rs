//! Where images are named that no pod spec has: values of releases whose charts are not here, and `images` of builds that take in what
//! is known only online. Reads those files once more, for their positions.

use std::collections::{BTreeMap, BTreeSet};

use super::parallel;
use super::settings::Settings;
use crate::config::{Config, PullSecret};
use crate::deliveries::delivery::Kind;
use crate::deliveries::graph::{Code, Deployment, Graph};
use crate::deliveries::releases::{Layer, Release};
use crate::effects::source;
use crate::objects::mentions::{Named, OPEN, named};
use crate::plan::File;
use crate::plan::finding::ObjectRef;
use crate::plan::mentions::{By, Mention};
use crate::plan::place::runs;
use kubelet_keyring::reference::ImageRef;
use lossless_yaml::span::{LineIndex, Position};
use offline_kustomize::kustomization::Kustomization;
use offline_kustomize::repository::{folder, join};
use offline_kustomize::value::Value;

/// A release whose chart is not known.
pub struct Unknown<'u> {
    /// Index of the file of its object.
    pub file: usize,
    /// Where the object starts.
    pub position: Position,
    /// The object.
    pub object: ObjectRef,
    /// The release.
    pub release: &'u Release,
    /// Images that its pods are known to have.
    pub known: Vec<String>,
    /// Where it goes, if that is known.
    pub deployment: Option<&'u Deployment>,
}

/// What texts name, by their paths.
struct Texts(BTreeMap<String, Read>);

/// What a text names.
struct Read {
    /// Images, and where each stands.
    images: Vec<(String, Position)>,
    /// Names of pull secrets.
    pull_secrets: Vec<String>,
}

impl Texts {
    fn read<'p>(settings: &Settings, paths: impl Iterator<Item = &'p str>) -> Self {
        let paths: Vec<&str> = paths.collect::<BTreeSet<_>>().into_iter().collect();
        let threads = parallel::computing(settings.scan.threads);
        let below = source::Below::new(&settings.root);
        let read = parallel::map(&paths, threads, |path| {
            let text = below.bytes(path).and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.unwrap_or_default();
            let lines = LineIndex::new(&text);
            let Named { images, pull_secrets } = named(&text);
            let images = images.into_iter().map(|(image, at)| (image, lines.position(at))).collect();
            Read { images, pull_secrets }
        });
        Self(paths.into_iter().map(str::to_owned).zip(read).collect())
    }

    fn of(&self, path: &str) -> &Read {
        const NOTHING: &Read = &Read { images: Vec::new(), pull_secrets: Vec::new() };
        self.0.get(path).unwrap_or(NOTHING)
    }
}

/// What releases name whose charts are not known.
pub fn of_releases(files: &[File], settings: &Settings, unknown: &[Unknown<'_>]) -> Vec<Mention> {
    let paths = unknown.iter().flat_map(|it| {
        let own = files[it.file].path.as_str();
        let values = it.release.layers.iter().filter_map(|layer| match layer {
            Layer::File { path, .. } => Some(path.as_str()),
            _ => None,
        });
        std::iter::once(own).chain(values)
    });
    let texts = Texts::read(settings, paths);
    let inlines = parallel::map(unknown, parallel::computing(settings.scan.threads), |it| {
        it.release
            .layers
            .iter()
            .map(|layer| if let Layer::Text(text) = layer { named(text) } else { Named::default() })
            .collect::<Vec<_>>()
    });
    let mut mentions = Vec::new();
    for (it, inlines) in unknown.iter().zip(inlines) {
        let (mut found, pull_secrets) = of_layers(it, files[it.file].path.as_str(), inlines, &texts);
        let known: BTreeSet<(String, String)> =
            it.known.iter().filter_map(|image| repository(image)).collect();
        found.retain(|(image, ..)| {
            repository(image).is_none_or(|it| match image.ends_with(OPEN) {
                true => known.iter().all(|(registry, _)| *registry != it.0),
                false => !known.contains(&it),
            })
        });
        let deployment = it.deployment;
        let namespace =
            deployment.and_then(|it| it.namespace.clone()).or_else(|| it.release.namespace.clone());
        mentions.extend(found.into_iter().map(|(image, file, position)| Mention {
            file,
            position,
            image,
            by: By::Values(ObjectRef { namespace: namespace.clone(), ..it.object.clone() }),
            cluster: deployment.and_then(|it| it.cluster.name.as_deref()).map(str::to_owned),
            namespace: namespace.clone(),
            pull_secrets: pull_secrets.clone(),
            is_told: !it.known.is_empty(),
        }));
    }
    each_once(mentions)
}

/// The images that the values of a release name, with the file and the place of each, and the pull secrets. `path` is the release's own file,
/// `inlines` what the layers name that stand in it.
fn of_layers(
    it: &Unknown<'_>,
    path: &str,
    inlines: Vec<Named>,
    texts: &Texts,
) -> (Vec<(String, String, Position)>, Vec<String>) {
    let mut found: Vec<(String, String, Position)> = Vec::new();
    let mut pull_secrets = Vec::new();
    for (layer, inline) in it.release.layers.iter().zip(inlines) {
        match layer {
            Layer::Text(_) => {
                pull_secrets.extend(inline.pull_secrets);
                let written = &texts.of(path).images;
                found.extend(inline.images.into_iter().map(|(image, _)| {
                    let is_it = |(other, at): &&(String, Position)| *other == image && *at >= it.position;
                    let at = written.iter().find(is_it).map_or(it.position, |(_, at)| *at);
                    (image, path.to_owned(), at)
                }));
            }
            Layer::File { path: values, .. } => {
                let Read { images, pull_secrets: names } = texts.of(values);
                found.extend(images.iter().map(|(image, at)| (image.clone(), values.clone(), *at)));
                pull_secrets.extend(names.iter().cloned());
            }
            Layer::Set(line) | Layer::SetText(line) => {
                let (name, value) = line.split_once('=').unwrap_or_default();
                let key = name.rsplit('.').next().unwrap_or(name);
                let inline = named(&format!("{key}: {value:?}\n"));
                found.extend(
                    inline.images.into_iter().map(|(image, _)| (image, path.to_owned(), it.position)),
                );
                if name.to_ascii_lowercase().contains("pullsecret") {
                    pull_secrets.push(value.to_owned());
                }
            }
            Layer::ConfigMap { .. } | Layer::Hidden(_) => {}
        }
    }
    (found, pull_secrets)
}

/// What objects of other tools name that deploy charts.
pub fn of_others(files: &[File], settings: &Settings) -> Vec<Mention> {
    let is_other = |file: &&File| {
        let deliveries = file.delivery.iter().flat_map(|facts| &facts.deliveries);
        deliveries.into_iter().any(|it| it.kind == Kind::OtherRelease)
    };
    let texts = Texts::read(settings, files.iter().filter(is_other).map(|file| file.path.as_str()));
    let mut mentions = Vec::new();
    for file in files {
        let Some(facts) = &file.delivery else { continue };
        let starts: Vec<Position> = facts.deliveries.iter().map(|it| it.position).collect();
        for delivery in facts.deliveries.iter().filter(|it| it.kind == Kind::OtherRelease) {
            let text = |keys: &[&str]| {
                delivery.tree.at(keys).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
            };
            if text(&["kind"]) == "HelmChart" && text(&["apiVersion"]).starts_with("helm.cattle.io/") {
                continue;
            }
            let next = starts.iter().find(|start| **start > delivery.position);
            let object = ObjectRef {
                api_version: text(&["apiVersion"]),
                kind: text(&["kind"]),
                name: text(&["metadata", "name"]),
                namespace: None,
            };
            let Read { images, pull_secrets } = texts.of(&file.path);
            let own =
                images.iter().filter(|(_, at)| *at >= delivery.position && next.is_none_or(|next| at < next));
            mentions.extend(own.map(|(image, position)| Mention {
                file: file.path.clone(),
                position: *position,
                image: image.clone(),
                by: By::Values(object.clone()),
                cluster: None,
                namespace: None,
                pull_secrets: pull_secrets.clone(),
                is_told: false,
            }));
        }
    }
    each_once(mentions)
}

/// What `images` of kustomizations name for what is known only online.
pub fn of_builds(files: &[File], graph: &Graph) -> Vec<Mention> {
    let unknown = graph.notices.iter().filter(|notice| notice.code != Code::LoadRestricted);
    let open: BTreeSet<&str> = unknown.map(|notice| folder(&notice.file)).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let kustomizations: BTreeMap<&str, (&File, &Kustomization)> = files
        .iter()
        .filter_map(|file| {
            Some((folder(&file.path), (file, file.delivery.as_ref()?.kustomization.as_ref()?)))
        })
        .collect();
    let deployed = repositories(files);
    let mut mentions = Vec::new();
    for (folder, (file, fields)) in &kustomizations {
        if fields.images.is_empty() || !(fields.component || reaches(folder, &kustomizations, &open)) {
            continue;
        }
        for entry in &fields.images {
            let rule = &entry.value;
            let name = if rule.new_name.is_empty() { &rule.name } else { &rule.new_name };
            let known = ImageRef::parse_open(name).ok();
            let is_deployed = |image: &ImageRef<'_>| {
                deployed.contains(&(image.registry().to_owned(), image.repository().to_owned()))
            };
            if known.as_ref().is_none_or(is_deployed) {
                continue;
            }
            let end = match (rule.digest.as_str(), rule.new_tag.as_str()) {
                ("", "") => String::new(),
                ("", tag) => format!(":{tag}"),
                (digest, _) => format!("@{digest}"),
            };
            mentions.push(Mention {
                file: file.path.clone(),
                position: Position { line: entry.line, column: 1 },
                image: format!("{name}{end}"),
                by: By::Images,
                cluster: None,
                namespace: fields.namespace.as_ref().map(|namespace| namespace.value.clone()),
                pull_secrets: Vec::new(),
                is_told: false,
            });
        }
    }
    each_once(mentions)
}

/// Registries that Flux fetches charts and manifests from: those that it needs a credential for, and those that a configured secret is for.
pub fn of_sources(files: &[File], config: &Config) -> Vec<Mention> {
    let mut mentions = Vec::new();
    for file in files.iter().filter(|file| file.facts.is_ok()) {
        let deliveries = file.delivery.iter().flat_map(|facts| &facts.deliveries);
        for delivery in deliveries.filter(|delivery| delivery.kind == Kind::ChartSource) {
            let text =
                |keys: &[&str]| delivery.tree.at(keys).and_then(Value::as_str).unwrap_or_default().to_owned();
            let url = text(&["spec", "url"]);
            let Some(place) = url.strip_prefix("oci://") else { continue };
            let namespace = Some(text(&["metadata", "namespace"])).filter(|namespace| !namespace.is_empty());
            let secret = text(&["spec", "secretRef", "name"]);
            let object = ObjectRef {
                api_version: text(&["apiVersion"]),
                kind: text(&["kind"]),
                name: text(&["metadata", "name"]),
                namespace: namespace.clone(),
            };
            let mention = Mention {
                file: file.path.clone(),
                position: delivery.position,
                image: place.trim_end_matches('/').to_owned(),
                by: By::Source(object),
                cluster: None,
                namespace,
                pull_secrets: Some(secret).into_iter().filter(|secret| !secret.is_empty()).collect(),
                is_told: false,
            };
            let serves = mention.secret(config);
            let is_meant =
                |secret: &PullSecret| Some(&*secret.name) == serves && !secret.is_for_every_image();
            if !mention.pull_secrets.is_empty() || config.secrets.iter().any(is_meant) {
                mentions.push(mention);
            }
        }
    }
    mentions
}

/// The registry and the repository of an image.
fn repository(image: &str) -> Option<(String, String)> {
    let image = ImageRef::parse_open(image).ok()?;
    Some((image.registry().to_owned(), image.repository().to_owned()))
}

/// Registries and repositories of all images of pod specs.
fn repositories(files: &[File]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for file in files {
        for (nth, object) in file.objects().iter().enumerate() {
            for place in 0..object.pod_specs.len() {
                for run in runs(file, nth, object, place) {
                    let images = run.images.iter().filter_map(|(_, image)| ImageRef::parse_open(image).ok());
                    found.extend(images.map(|it| (it.registry().to_owned(), it.repository().to_owned())));
                }
            }
        }
    }
    found
}

/// Whether the build of a folder takes in what is not known.
fn reaches(
    start: &str,
    kustomizations: &BTreeMap<&str, (&File, &Kustomization)>,
    open: &BTreeSet<&str>,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![start.to_owned()];
    while let Some(at) = waiting.pop() {
        if open.contains(at.as_str()) {
            return true;
        }
        let Some((_, fields)) = kustomizations.get(at.as_str()) else { continue };
        let entries = fields.resources.iter().chain(&fields.components);
        let below: Vec<String> = entries.filter_map(|entry| join(&at, &entry.value)).collect();
        if seen.insert(at) {
            waiting.extend(below);
        }
    }
    false
}

fn each_once(mut mentions: Vec<Mention>) -> Vec<Mention> {
    let mut seen = BTreeSet::new();
    mentions.retain(|it| {
        let place = (it.cluster.clone(), it.namespace.clone(), it.who());
        seen.insert((it.file.clone(), it.position, it.image.clone(), place))
    });
    mentions.sort_by(|a, b| (&a.file, a.position, &a.image).cmp(&(&b.file, b.position, &b.image)));
    mentions
}
