//! Which values of a chart give its pods a pull secret: found by trying, never by name alone.
//!
//! A value counts only if, once it is set, pods have exactly one entry more than before and nothing else in any object has
//! changed. What the candidates are is a guess, from the chart's values, its templates and whatever the caller knows; what
//! comes out is not.

use crate::candidates::{SHAPES, candidates};
use crate::chart::File;
use crate::render::{Error, Manifest, Options, Rendering, Session};
use crate::template::with_stack;
use crate::value::{Map, Str, Value};
use crate::values::{Layer, merge, overlay};
use crate::yaml::from_yaml;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub use crate::candidates::{Candidate, Shape};

/// Candidates that are tried; a chart with more has them in lists that no single value reaches.
const MOST_CANDIDATES: usize = 60;

/// The name that is tried. No chart has it.
pub(crate) const NAME: &str = "pullcred-probe";

/// Pods that a chart deploys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// The kind of their object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its own namespace, where it has one.
    pub namespace: Option<String>,
    /// The file of the chart that makes it.
    pub source: String,
    /// Names of containers and their images.
    pub images: Vec<(String, String)>,
    /// The pull secrets that it has.
    pub pull_secrets: Vec<String>,
    /// The ServiceAccount that it runs as.
    pub service_account: Option<String>,
    /// Whether only `helm test` runs it.
    pub is_test: bool,
}

/// A value that reaches pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// How it holds names.
    pub shape: Shape,
    /// The names that it holds now, from any layer.
    pub present: Vec<String>,
    /// Whether these names, in its own form, are all that it holds.
    pub is_whole: bool,
    /// The pods that it reaches, as places in [`Probed::pods`].
    pub pods: Vec<usize>,
}

/// What trying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// All pods of the release.
    pub pods: Vec<Pod>,
    /// The fewest values that reach those pods of the wanted ones that any value reaches.
    pub ways: Vec<Way>,
    /// Wanted pods that no value reaches.
    pub unreached: Vec<usize>,
}

/// Finds the values that reach the pods which `wants` asks for. Later layers are laid over earlier ones;
/// `known` are candidates that are tried first.
///
/// # Errors
/// The chart cannot be rendered with these layers.
pub fn probe(
    files: Vec<File>,
    layers: &[Layer],
    options: &Options,
    known: &[Candidate],
    wants: &(dyn Fn(&Pod) -> bool + Sync),
) -> Result<Probed, Error> {
    with_stack(|| {
        let values = merge(layers)?;
        let mut session = Session::new(files, options)?;
        let base = Base::of(session.render(&values)?);
        let wanted: Vec<usize> =
            (0..base.pods.len()).filter(|at| !base.pods[*at].is_test && wants(&base.pods[*at])).collect();
        if wanted.is_empty() {
            return Ok(Probed { pods: base.pods, ..Probed::default() });
        }
        let mut candidates = candidates(session.chart(), &values, known);
        candidates.truncate(MOST_CANDIDATES * SHAPES.len());
        let mut trial = Trial { session, values, base };
        let ways = trial.search(&candidates, &wanted);
        let reached: BTreeSet<usize> = ways.iter().flat_map(|way| way.pods.iter().copied()).collect();
        let unreached = wanted.into_iter().filter(|at| !reached.contains(at)).collect();
        Ok(Probed { pods: trial.base.pods, ways, unreached })
    })
}

/// The values that layers give together, without those of any chart.
///
/// # Errors
/// A layer is not what it should be.
pub fn given(layers: &[Layer]) -> Result<Value, Error> {
    Ok(Value::Map(merge(layers)?))
}

/// What the chart gives as it is.
pub(crate) struct Base {
    /// Every document by its place among those of its file.
    manifests: Vec<Manifest>,
    pub(crate) pods: Vec<Pod>,
    /// The document of each pod.
    pub(crate) holders: Vec<usize>,
}

impl Base {
    pub(crate) fn of(rendering: Rendering) -> Self {
        let mut manifests = rendering.manifests;
        let tests: Vec<bool> = rendering.hooks.iter().map(crate::Hook::is_test).collect();
        let hooks_from = manifests.len();
        manifests.extend(rendering.hooks.into_iter().map(|hook| hook.manifest));
        let mut base = Base { manifests, pods: Vec::new(), holders: Vec::new() };
        let has_pods = |manifest: &Manifest| pod_spec_path(&manifest.kind).is_some();
        for (at, manifest) in base.manifests.iter().enumerate().filter(|(_, manifest)| has_pods(manifest)) {
            let Ok(object) = from_yaml(&manifest.text) else { continue };
            if let Some(mut pod) = pod(&object, &manifest.kind) {
                pod.source.clone_from(&manifest.source);
                pod.is_test = at >= hooks_from && tests[at - hooks_from];
                base.pods.push(pod);
                base.holders.push(at);
            }
        }
        base
    }
}

/// The keys that lead from an object of a kind to its pod spec.
pub fn pod_spec_path(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "Pod" => &["spec"],
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "ReplicationController" => {
            &["spec", "template", "spec"]
        }
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return None,
    })
}

pub(crate) fn at<'v>(value: &Value, path: impl IntoIterator<Item = &'v str>) -> Option<Value> {
    path.into_iter().try_fold(value.clone(), |value, key| value.as_map()?.get(key.as_bytes()))
}

fn text_at(value: &Value, path: &[&str]) -> Option<String> {
    at(value, path.iter().copied())?.as_str().map(|text| text.text().into_owned())
}

fn names(list: Option<Value>) -> Vec<String> {
    let Some(Value::List(list)) = list else { return Vec::new() };
    list.items().iter().filter_map(|item| text_at(item, &["name"])).collect()
}

fn pod(object: &Value, kind: &str) -> Option<Pod> {
    let spec = at(object, pod_spec_path(kind)?.iter().copied())?;
    let mut images = Vec::new();
    for key in ["initContainers", "containers", "ephemeralContainers"] {
        let Some(Value::List(list)) = at(&spec, [key]) else { continue };
        for container in list.items() {
            if let Some(image) = text_at(container, &["image"]) {
                images.push((text_at(container, &["name"]).unwrap_or_default(), image));
            }
        }
    }
    (!images.is_empty()).then(|| Pod {
        kind: kind.to_owned(),
        name: text_at(object, &["metadata", "name"]).unwrap_or_default(),
        namespace: text_at(object, &["metadata", "namespace"]),
        source: String::new(),
        images,
        pull_secrets: names(at(&spec, ["imagePullSecrets"])),
        service_account: text_at(&spec, &["serviceAccountName"])
            .or_else(|| text_at(&spec, &["serviceAccount"])),
        is_test: false,
    })
}

pub(crate) struct Trial<'o> {
    pub(crate) session: Session<'o>,
    pub(crate) values: Rc<Map>,
    pub(crate) base: Base,
}

impl Trial<'_> {
    /// The fewest ways to the wanted pods: one that reaches all of them, else those that reach most of what is left.
    fn search(&mut self, candidates: &[Candidate], wanted: &[usize]) -> Vec<Way> {
        let mut found: Vec<Way> = Vec::new();
        for candidate in candidates {
            if found.iter().any(|way| way.path == candidate.path) {
                continue;
            }
            let Some(pods) = self.reach(std::slice::from_ref(candidate)) else { continue };
            if !wanted.iter().any(|at| pods.contains(at)) {
                continue;
            }
            let whole = wanted.iter().all(|at| pods.contains(at));
            let (present, is_whole) = self.present(&candidate.path, candidate.shape);
            found.push(Way { path: candidate.path.clone(), shape: candidate.shape, present, is_whole, pods });
            if whole {
                return vec![found.swap_remove(found.len() - 1)];
            }
        }
        self.choose(found, wanted)
    }

    /// The fewest of the ways that were found to the wanted pods.
    pub(crate) fn choose(&mut self, mut found: Vec<Way>, wanted: &[usize]) -> Vec<Way> {
        let mut left: BTreeSet<usize> = wanted.iter().copied().collect();
        let mut chosen: Vec<Way> = Vec::new();
        while let Some(best) = best(&found, &left) {
            let mut trial: Vec<Candidate> = chosen.iter().map(Way::candidate).collect();
            trial.push(found[best].candidate());
            let way = found.swap_remove(best);
            // Together they have to do what each does alone.
            let expected: BTreeSet<usize> =
                chosen.iter().flat_map(|way| &way.pods).chain(&way.pods).copied().collect();
            if self
                .reach(&trial)
                .is_some_and(|pods| pods.iter().copied().collect::<BTreeSet<_>>() == expected)
            {
                left.retain(|at| !way.pods.contains(at));
                chosen.push(way);
            }
        }
        chosen
    }

    /// The names that a value holds now, from whatever layer, and whether they are all that it holds.
    fn present(&self, path: &[String], shape: Shape) -> (Vec<String>, bool) {
        let all = self.effective();
        let Some(Value::List(list)) = at(&Value::Map(all), path.iter().map(String::as_str)) else {
            return (Vec::new(), true);
        };
        let name = |item: &Value| match item {
            Value::Str(text) => Some(text.text().into_owned()),
            other => text_at(other, &["name"]),
        };
        (list.items().iter().filter_map(name).collect(), shape.is_names(list.items()))
    }

    /// The values that hold without any subchart looked at: the chart's own, and what is laid over them.
    fn effective(&self) -> Rc<Map> {
        let all = Rc::new(crate::chart::deep_copy(&self.session.chart().values));
        overlay(&all, &self.values);
        all
    }

    /// The pods that gain the name when values are set; `None` where anything else changes.
    fn reach(&mut self, candidates: &[Candidate]) -> Option<Vec<usize>> {
        self.reached(candidates).map(|(mut own, through)| {
            own.extend(through);
            own.into_iter().collect()
        })
    }

    /// The pods that gain the name when values are set, and those that gain it through their ServiceAccount.
    pub(crate) fn reached(&mut self, candidates: &[Candidate]) -> Option<(BTreeSet<usize>, BTreeSet<usize>)> {
        let effective = Value::Map(self.effective());
        let values = Rc::new(crate::chart::deep_copy(&self.values));
        for candidate in candidates {
            let now = at(&effective, candidate.path.iter().map(String::as_str));
            set(&values, &candidate.path, with_name(now, candidate.shape, NAME)?)?;
        }
        let rendering = self.session.render(&values).ok()?;
        let hooks = rendering.hooks.into_iter().map(|hook| hook.manifest);
        let after: Vec<Manifest> = rendering.manifests.into_iter().chain(hooks).collect();
        if after.len() != self.base.manifests.len() {
            return None;
        }
        let mut pods = BTreeSet::new();
        let mut accounts = BTreeSet::new();
        for (nth, (before, after)) in self.base.manifests.iter().zip(&after).enumerate() {
            if before.text == after.text && before.source == after.source {
                continue;
            }
            if before.source != after.source || before.kind != after.kind {
                return None;
            }
            let (old, new) = (from_yaml(&before.text).ok()?, from_yaml(&after.text).ok()?);
            if !gains_only(&old, &new) {
                return None;
            }
            let gained = |path: &[&str]| {
                let path = path.iter().copied().chain(["imagePullSecrets"]);
                names(at(&new, path)).iter().any(|name| name == NAME)
            };
            if before.kind == "ServiceAccount" && gained(&[]) {
                accounts.extend(text_at(&new, &["metadata", "name"]));
            }
            if pod_spec_path(&before.kind).is_some_and(gained)
                && let Some(pod) = self.base.holders.iter().position(|holder| *holder == nth)
            {
                pods.insert(pod);
            }
        }
        // A list of its own switches off what a pod's ServiceAccount has.
        let through = (0..self.base.pods.len()).filter(|at| {
            let pod = &self.base.pods[*at];
            let has_account = pod.service_account.as_ref().is_some_and(|name| accounts.contains(name));
            has_account && pod.pull_secrets.is_empty() && !pods.contains(at)
        });
        let through = through.collect();
        Some((pods, through))
    }
}

impl Way {
    pub(crate) fn candidate(&self) -> Candidate {
        Candidate { path: self.path.clone(), shape: self.shape }
    }
}

/// The way that reaches most of what is left; among equals the first.
fn best(found: &[Way], left: &BTreeSet<usize>) -> Option<usize> {
    let gain = |way: &Way| way.pods.iter().filter(|at| left.contains(at)).count();
    (0..found.len()).rev().filter(|at| gain(&found[*at]) > 0).max_by_key(|at| gain(&found[*at]))
}

/// A value with a name more than now. `None`: it holds something else.
pub(crate) fn with_name(now: Option<Value>, shape: Shape, name: &str) -> Option<Value> {
    let mut items = match (now, shape) {
        (None | Some(Value::Nil), _) => Vec::new(),
        // Defaults that say "none" in another type than the templates take.
        (Some(Value::Str(text)), _) if text.is_empty() => Vec::new(),
        (Some(Value::Map(map)), _) if map.is_empty() => Vec::new(),
        (Some(Value::List(list)), Shape::ListOfNames | Shape::ListOfStrings) => list.items().to_vec(),
        _ => return None,
    };
    match shape {
        Shape::ListOfNames => items.push(Value::map([(Str::from("name"), Value::str(name))])),
        Shape::ListOfStrings => items.push(Value::str(name)),
        Shape::OneString => return Some(Value::str(name)),
    }
    Some(Value::list(items))
}

/// Sets a value, with the maps that lead to it. `None`: something else is in the way.
pub(crate) fn set(values: &Rc<Map>, path: &[String], value: Value) -> Option<()> {
    let (last, parents) = path.split_last()?;
    let mut here = values.clone();
    for key in parents {
        here = match here.get(key.as_bytes()) {
            Some(Value::Map(map)) => map,
            None | Some(Value::Nil) => {
                let map = Rc::new(Map::new(BTreeMap::new()));
                here.set(key.as_str(), Value::Map(map.clone()));
                map
            }
            Some(_) => return None,
        };
    }
    here.set(last.as_str(), value);
    Some(())
}

/// Whether an object differs only by the name, which lists called `imagePullSecrets` have once more.
fn gains_only(before: &Value, after: &Value) -> bool {
    let mut waiting = vec![(before.clone(), after.clone())];
    while let Some((a, b)) = waiting.pop() {
        match (&a, &b) {
            (Value::Nil, Value::Nil) => {}
            (Value::Bool(a), Value::Bool(b)) if a == b => {}
            (Value::Float(a), Value::Float(b)) if a == b => {}
            (Value::Str(a), Value::Str(b)) if a == b => {}
            (Value::List(a), Value::List(b)) if a.items().len() == b.items().len() => {
                waiting.extend(a.items().iter().cloned().zip(b.items().iter().cloned()));
            }
            (Value::Map(a), Value::Map(b)) => {
                if a.entries().keys().any(|key| b.get(key.as_bytes()).is_none()) {
                    return false;
                }
                for (key, value) in b.entries().iter() {
                    let old = a.get(key.as_bytes());
                    match (key.as_bytes(), value) {
                        (b"imagePullSecrets", Value::List(new)) => {
                            match without_name(old.as_ref(), new.items()) {
                                Some(pair) => waiting.push(pair),
                                None => return false,
                            }
                        }
                        _ => match old {
                            Some(old) => waiting.push((old, value.clone())),
                            None => return false,
                        },
                    }
                }
            }
            _ => return false,
        }
    }
    true
}

/// A list before, and after without the name. `None`: the name is there twice, or in another shape.
fn without_name(old: Option<&Value>, new: &[Value]) -> Option<(Value, Value)> {
    let is_name = |item: &&Value| {
        text_at(item, &["name"]).as_deref() == Some(NAME) && item.as_map().is_some_and(|map| map.len() == 1)
    };
    if new.iter().filter(is_name).count() > 1 {
        return None;
    }
    let old = match old {
        None | Some(Value::Nil) => Value::list(Vec::new()),
        Some(list @ Value::List(_)) => list.clone(),
        Some(_) => return None,
    };
    Some((old, Value::list(new.iter().filter(|item| !is_name(item)).cloned().collect())))
}
