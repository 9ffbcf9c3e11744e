//! What releases deploy, as objects like all others: one for each place of values, with a deployment for each place of pods.

use std::collections::{BTreeMap, BTreeSet};

use super::super::settings::Settings;
use super::asker::{Asker, Use};
use super::render::Rendered;
use crate::deliveries::graph::{self, Deployment, Pods, checked};
use crate::deliveries::releases::{Layer, Place, Release};
use crate::effects::source;
use crate::objects::object::{Container, ContainerList, FromChart, Object, PodSpec, PullSecret};
use crate::objects::values::{Room, room, room_in_text};
use crate::plan::File;
use lossless_yaml::insert::Form;
use lossless_yaml::path::Path;
use lossless_yaml::refusal::Refusal;
use lossless_yaml::span::Position;
use offline_helm::probe::{Pod, Shape, Way};

/// Objects in the making, by the file that holds their values.
#[derive(Default)]
pub(super) struct Merged {
    objects: Vec<Making>,
    /// By the object that asks and the place of values.
    known: BTreeMap<(usize, usize, Path, usize, Path), usize>,
    /// Files of values that releases take of which nobody knows what they make of them, and such a release.
    doubts: BTreeMap<String, String>,
}

struct Making {
    file: usize,
    /// File and line of what asks for the chart, if the values are elsewhere.
    asked_at: Option<(String, usize)>,
    text: String,
    object: Object,
    /// What its pod specs stand for, in their order.
    parts: Vec<Part>,
    /// Its deployments, each with its pods by pod spec.
    deployments: Vec<(Deployment, BTreeMap<usize, graph::Pod>)>,
}

/// What a pod spec stands for.
#[derive(Clone, PartialEq, Eq)]
enum Part {
    /// All pods that a value reaches.
    Way(Vec<String>),
    /// One pod that no value reaches, or that needs none: kind, namespace and name.
    Pod(String, Option<String>, String),
}

impl Merged {
    /// Adds what a release deploys somewhere.
    pub(super) fn add(
        &mut self,
        files: &[File],
        settings: &Settings,
        asker: &Asker,
        it: &Use,
        rendered: &Rendered,
    ) {
        let file = match &it.release.place {
            Place::File(path) => {
                files.iter().position(|file| file.path == *path && file.facts.is_ok()).unwrap_or(asker.file)
            }
            Place::Inline(_) | Place::Text(_) => asker.file,
        };
        let place = match &it.release.place {
            Place::Inline(path) | Place::Text(path) => path.clone(),
            Place::File(_) => Path::default(),
        };
        let key = (asker.file, asker.document, asker.path.clone(), file, place);
        let nth = match self.known.get(&key) {
            Some(nth) => *nth,
            None => {
                let Some(making) = Making::new(files, settings, asker, it, file) else { return };
                self.objects.push(making);
                self.known.insert(key, self.objects.len() - 1);
                self.objects.len() - 1
            }
        };
        self.objects[nth].add(asker, it, rendered);
    }

    /// A release whose chart is not known, or does not render: what it makes of more values nobody can say.
    pub(super) fn doubt(&mut self, asker: &Asker, release: &Release) {
        for layer in &release.layers {
            if let Layer::File { path, .. } = layer {
                self.doubts.insert(path.clone(), format!("`{}` `{}`", asker.kind, asker.name));
            }
        }
    }

    /// Values of one file that several releases take are one place: written once, if all can take the same.
    fn share(&mut self) {
        let mut shared: BTreeMap<(usize, String), Vec<(usize, usize)>> = BTreeMap::new();
        for (nth, making) in self.objects.iter().enumerate().filter(|(_, making)| making.asked_at.is_some()) {
            for (at, pod_spec) in making.object.pod_specs.iter().enumerate() {
                if let Some(value) = pod_spec.chart.as_ref().and_then(|chart| chart.value.clone()) {
                    shared.entry((making.file, value)).or_default().push((nth, at));
                }
            }
        }
        for ((_, value), places) in shared.into_iter().filter(|(_, places)| places.len() > 1) {
            let slots = || places.iter().map(|(nth, at)| &self.objects[*nth].object.pod_specs[*at].slot);
            let form = slots().find_map(|slot| Some(slot.as_ref().ok()?.form()));
            let agree = slots().all(|slot| slot.as_ref().is_ok_and(|slot| Some(slot.form()) == form));
            for (nth, at) in &places {
                let pod_spec = &mut self.objects[*nth].object.pod_specs[*at];
                pod_spec.users = places.len();
                if !agree && pod_spec.slot.is_ok() {
                    let reason =
                        format!("another release that shares the file cannot take `{value}` like this");
                    pod_spec.slot = Err(Refusal::Other(reason));
                }
            }
        }
    }

    /// What a release that nobody knows takes, too, is left alone.
    fn doubted(&mut self, files: &[File]) {
        for making in self.objects.iter_mut().filter(|making| making.asked_at.is_some()) {
            let Some(who) = self.doubts.get(&files[making.file].path) else { continue };
            for pod_spec in making.object.pod_specs.iter_mut().filter(|pod_spec| pod_spec.slot.is_ok()) {
                let reason = format!("{who} shares the file, and nobody knows what it makes of more values");
                pod_spec.slot = Err(Refusal::Other(reason));
            }
        }
    }

    /// Puts the objects into their files.
    pub(super) fn finish(mut self, files: &mut [File], mut digest: impl FnMut(usize, &str)) {
        self.share();
        self.doubted(files);
        for mut making in self.objects {
            if making.object.pod_specs.is_empty() {
                continue;
            }
            let file = &mut files[making.file];
            let Ok(facts) = &mut file.facts else { continue };
            digest(making.file, &making.text);
            let count = making.object.pod_specs.len();
            let deployments: Vec<Deployment> = making
                .deployments
                .into_iter()
                .map(|(mut deployment, mut pods)| {
                    if deployment.pods != Pods::Unknown {
                        let pods = (0..count).map(|nth| pods.remove(&nth).unwrap_or_default());
                        deployment.pods = Pods::Built(pods.collect());
                    }
                    deployment
                })
                .collect();
            for chart in making.object.pod_specs.iter_mut().filter_map(|pod_spec| pod_spec.chart.as_mut()) {
                chart.asked_at.clone_from(&making.asked_at);
            }
            // Whether a value is right for all that share it is known only now.
            making.object.position = making.object.pod_specs[0].position;
            facts.objects.push(making.object);
            file.deployments.push(deployments);
        }
    }
}

impl Making {
    fn new(files: &[File], settings: &Settings, asker: &Asker, it: &Use, file: usize) -> Option<Self> {
        let text = source::text(&settings.root, &files[file].path)?;
        let is_own = file == asker.file;
        let (document, path, position) = if is_own {
            (asker.document, asker.path.clone(), asker.position)
        } else {
            (0, Path::default(), Position::START)
        };
        let mut object =
            Object::bare(&asker.api_version, &asker.kind, &asker.name, (document, path, position));
        object.namespace.clone_from(&it.release.namespace);
        let asked_at = (!is_own).then(|| (files[asker.file].path.clone(), asker.position.line));
        Some(Self { file, asked_at, text, object, parts: Vec::new(), deployments: Vec::new() })
    }

    fn add(&mut self, asker: &Asker, it: &Use, rendered: &Rendered) {
        let probed = &rendered.probed;
        let release_namespace = it.release.namespace.clone();
        // Pods run in the namespace of the release, but for those that have one of their own.
        let mut pods: BTreeMap<Option<String>, BTreeMap<usize, graph::Pod>> = BTreeMap::new();
        for way in &probed.ways {
            let all: Vec<&Pod> = way.pods.iter().map(|nth| &probed.pods[*nth]).collect();
            let nth = self.of_way(asker, it, rendered, way, &all);
            let namespaces: BTreeSet<&Option<String>> = all.iter().map(|pod| &pod.namespace).collect();
            for namespace in namespaces {
                let here: Vec<&Pod> = all.iter().filter(|pod| pod.namespace == *namespace).copied().collect();
                pods.entry(namespace.clone()).or_default().insert(nth, built(&here));
            }
        }
        let reached: BTreeSet<usize> = probed.ways.iter().flat_map(|way| way.pods.iter().copied()).collect();
        for (nth, pod) in
            probed.pods.iter().enumerate().filter(|(nth, pod)| !reached.contains(nth) && !pod.is_test)
        {
            let part = Part::Pod(pod.kind.clone(), pod.namespace.clone(), pod.name.clone());
            let made = || pod_spec(&[pod], &asker.path, asker.position, from(it, rendered, None, &[pod]));
            let at = self.part(part, made);
            if probed.unreached.contains(&nth) {
                let reason = format!("no value of the chart gives it to `{}` `{}`", pod.kind, pod.name);
                self.object.pod_specs[at].slot = Err(Refusal::Other(reason));
            }
            pods.entry(pod.namespace.clone()).or_default().insert(at, built(&[pod]));
        }
        let Some(deployment) = &it.deployment else { return };
        for (namespace, pods) in pods {
            let mut deployment = deployment.clone();
            let is_moved = deployment.namespace.is_some();
            let is_other = |own: &String| !is_moved || Some(own) != release_namespace.as_ref();
            if let Some(namespace) = namespace.filter(is_other) {
                (deployment.namespace, deployment.misnamed) = checked(Some(namespace));
            }
            if !self.deployments.iter().any(|(known, of)| *known == deployment && *of == pods) {
                self.deployments.push((deployment, pods));
            }
        }
    }

    /// The pod spec of a part, made if it is new.
    fn part(&mut self, part: Part, make: impl FnOnce() -> PodSpec) -> usize {
        if let Some(nth) = self.parts.iter().position(|known| *known == part) {
            return nth;
        }
        self.parts.push(part);
        self.object.pod_specs.push(make());
        self.parts.len() - 1
    }

    /// The pod spec of what a value reaches, with room in the values.
    fn of_way(&mut self, asker: &Asker, it: &Use, rendered: &Rendered, way: &Way, pods: &[&Pod]) -> usize {
        let (text, document, own) = (self.text.clone(), self.object.document, self.object.path.clone());
        let is_own = self.file == asker.file;
        let shape = form(way.shape);
        let (place, within) = match &it.release.place {
            Place::Inline(_) | Place::Text(_) if asker.is_made => (None, None),
            Place::Inline(values) => (room(&text, document, &below(asker, values), &way.path, shape), None),
            Place::File(_) if is_own => (None, None),
            Place::File(_) => (room(&text, 0, &Path::default(), &way.path, shape), None),
            Place::Text(values) => room_in_text(&text, document, &below(asker, values), &way.path, shape)
                .map_or((None, None), |(room, within)| (Some(room), Some(Box::new(within)))),
        };
        let refusal = refusal(asker, it, rendered, way, place.as_ref());
        let carried = match &place {
            Some(place) if place.present.is_empty() => way.present.clone(),
            _ => Vec::new(),
        };
        let position = self.object.position;
        let nth = self.part(Part::Way(way.path.clone()), || {
            let chart = FromChart { carried: carried.clone(), ..from(it, rendered, Some(way), pods) };
            let mut pod_spec = pod_spec(pods, &own, position, chart);
            pod_spec.within = within;
            if let Some(place) = place {
                pod_spec.path = place.mapping.clone();
                pod_spec.written_at = place.mapping;
                pod_spec.position = place.position;
                pod_spec.pull_secrets = place.present;
                pod_spec.slot = place.slot;
            }
            pod_spec
        });
        let pod_spec = &mut self.object.pod_specs[nth];
        if pod_spec.chart.as_ref().is_some_and(|chart| chart.carried != carried) {
            let reason = format!("layers below `{}` differ between its deployments", way.path.join("."));
            pod_spec.slot = Err(Refusal::Other(reason));
        }
        if let Some(chart) = &mut pod_spec.chart {
            chart.pods.extend(named(pods));
            let mut known = BTreeSet::new();
            chart.pods.retain(|pod| known.insert(pod.clone()));
        }
        // What one deployment cannot take is not written for the others either.
        if let Some(refusal) = refusal {
            pod_spec.slot = Err(refusal);
        }
        nth
    }
}

/// A path of the document, to what lies in what an object asks for.
fn below(asker: &Asker, values: &Path) -> Path {
    let steps = asker.path.0.iter().chain(&asker.template.0).chain(&values.0);
    Path(if asker.kind == "Kustomization" { values.0.clone() } else { steps.cloned().collect() })
}

fn form(shape: Shape) -> Form {
    match shape {
        Shape::ListOfNames => Form { list: true, key: Some("name") },
        Shape::ListOfStrings => Form { list: true, key: None },
        Shape::OneString => Form { list: false, key: None },
    }
}

/// Why nothing can be written, if so.
fn refusal(asker: &Asker, it: &Use, rendered: &Rendered, way: &Way, place: Option<&Room>) -> Option<Refusal> {
    let value = way.path.join(".");
    if let Some(hidden) = &rendered.hidden {
        return Some(Refusal::Other(format!("{hidden} cannot be read here and may set `{value}`")));
    }
    let Some(place) = place else {
        let what = match &it.release.place {
            Place::File(path) => format!("`{path}` is not read"),
            _ if asker.is_made => "its values stand in a template, which is not edited".to_owned(),
            Place::Text(_) => "its values are a text that is not edited".to_owned(),
            Place::Inline(_) => "nothing here holds its values".to_owned(),
        };
        return Some(Refusal::Other(format!("{what}; `{value}` belongs there")));
    };
    let elsewhere = way.present.iter().find(|name| !place.present.iter().any(|secret| secret.name == **name));
    // Names alone are carried over into a list that is new.
    let elsewhere = elsewhere.filter(|_| !(way.is_whole && place.present.is_empty()));
    elsewhere.map(|name| {
        Refusal::Other(format!(
            "`{value}` is a list of other values with `{name}`, which a list here would replace"
        ))
    })
}

/// Pods of a release as if they were one, as a deployment has them.
fn built(pods: &[&Pod]) -> graph::Pod {
    let images = pods.iter().flat_map(|pod| &pod.images).map(|(name, image)| graph::Image {
        list: ContainerList::Other,
        container: name.clone(),
        image: image.clone(),
    });
    graph::Pod {
        images: images.collect(),
        pull_secrets: shared(pods).map(|name| Some(name.clone())).collect(),
        service_account: account(pods),
    }
}

/// The pull secrets that all of them have.
fn shared<'p>(pods: &'p [&'p Pod]) -> impl Iterator<Item = &'p String> {
    let names = pods.first().map_or(&[][..], |pod| &pod.pull_secrets);
    names.iter().filter(|name| pods.iter().all(|pod| pod.pull_secrets.contains(name)))
}

/// The ServiceAccount that all of them run as.
fn account(pods: &[&Pod]) -> Option<String> {
    let account = pods.first().and_then(|pod| pod.service_account.clone());
    account.filter(|name| pods.iter().all(|pod| pod.service_account.as_ref() == Some(name)))
}

/// The chart that makes pods, for people.
fn from(it: &Use, rendered: &Rendered, way: Option<&Way>, pods: &[&Pod]) -> FromChart {
    let values = it.release.layers.iter().map(|layer| match layer {
        Layer::Text(_) => "the values of the release".to_owned(),
        Layer::File { path, .. } => format!("`{path}`"),
        Layer::ConfigMap { name, .. } => format!("the ConfigMap `{name}`"),
        Layer::Set(line) | Layer::SetText(line) => {
            format!("the parameter `{}`", line.split('=').next().unwrap_or_default())
        }
        Layer::Hidden(what) => format!("{what} (which cannot be read here)"),
    });
    FromChart {
        chart: rendered.chart.clone(),
        values: values.collect(),
        value: way.map(|way| way.path.join(".")),
        // A list with names would be written anew without them.
        takes: way.filter(|way| way.present.is_empty()).map(|way| (way.path.clone(), form(way.shape))),
        pods: named(pods).collect(),
        carried: Vec::new(),
        asked_at: None,
    }
}

fn named<'p>(pods: &'p [&'p Pod]) -> impl Iterator<Item = String> + 'p {
    pods.iter().map(|pod| format!("{}/{}", pod.kind, pod.name))
}

/// Pods of a release as if they were one, as the file has them.
fn pod_spec(pods: &[&Pod], path: &Path, position: Position, chart: FromChart) -> PodSpec {
    let containers = pods.iter().flat_map(|pod| &pod.images).map(|(name, image)| Container {
        list: ContainerList::Other,
        name: name.clone(),
        image: image.clone(),
        position,
    });
    PodSpec {
        path: path.clone(),
        position,
        containers: containers.collect(),
        service_account: account(pods),
        pull_secrets: shared(pods).map(|name| PullSecret { name: name.clone(), position }).collect(),
        slot: Err(Refusal::Layout),
        written_at: path.clone(),
        users: 1,
        within: None,
        chart: Some(Box::new(chart)),
    }
}
