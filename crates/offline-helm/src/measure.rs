//! What can be known of a chart for later, when it is not at hand: its pods, the values that give them a pull secret, and the values
//! that name their images. All of it is tried by rendering.

use crate::candidates::{DEPTH, candidates, each};
use crate::chart::{Chart, File};
use crate::probe::{Base, Candidate, NAME, Pod, Trial, Way, at, set, with_name};
use crate::render::{Error, Options, Session};
use crate::template::with_stack;
use crate::value::{Map, Str, Value};
use crate::values::{Layer, merge, overlay};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A registry that no chart has.
const REGISTRY: &str = "pullcred.invalid";

/// A tag that no image has, which charts can compare with versions; and a digest.
const TAG: &str = "99.99.99";
const DIGEST: &str = "sha256:9e8f0d7c6b5a49382716059483726150493827160594837261504938271605ab";

/// Keys that say where an image is from, in the order in which one of them is taken.
const MOVES: [&str; 6] = ["registry", "imageRegistry", "repository", "image", "name", "hub"];

/// Those of them that tell of an image by themselves; the others may be for many.
const OF_ONE: [&str; 3] = ["repository", "image", "name"];

/// Keys beside it that say more of an image.
const FIELDS: [&str; 8] = ["registry", "repository", "image", "name", "tag", "version", "digest", "sha"];

/// Keys that switch a part of a chart on.
const SWITCHES: [&str; 4] = ["enable", "create", "install", "deploy"];

/// What stands for any key of a map.
const ANY: &str = "*";

/// A key that no chart has.
const OTHER_KEY: &str = "pullcredprobe";

/// What is known of a chart once it is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// The chart's name, and its version.
    pub chart: (String, String),
    /// The pods that it deploys with the values that were given.
    pub pods: Vec<Pod>,
    /// The pods of parts that are off with these values, and that one switch turns on.
    pub optional_pods: Vec<Pod>,
    /// The fewest values that reach every pod that any value reaches.
    pub set: Vec<Candidate>,
    /// Every value that reaches pods. Their numbers count `pods` first, then `optional_pods`.
    pub reaches: Vec<Reach>,
    /// Every value that names images.
    pub images: Vec<ImageValue>,
    /// Values that move images with values of their own: which, and how many images of how many.
    pub registries: Vec<(Vec<String>, usize, usize)>,
    /// A map each entry of which is a workload, where the given values have one; `*` stands for its keys, and for those of maps in it, in
    /// the paths of `images`.
    pub workloads: Option<Vec<String>>,
    /// Images that no value of `images` names.
    pub other_images: Vec<String>,
}

/// A value that reaches pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The value, and how it holds names.
    pub value: Candidate,
    /// The pods that it reaches.
    pub pods: BTreeSet<usize>,
    /// Those of them for which another value takes its place.
    pub loses: BTreeSet<usize>,
    /// Whether it reaches all of them through ServiceAccounts.
    pub is_account: bool,
}

/// A value that names images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageValue {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// The key below that changes the registry; none where the value is the whole image.
    pub moves: Option<String>,
    /// Keys beside that one that say more of the image.
    pub fields: Vec<String>,
    /// The images that it names as the chart is; none where the given values name it.
    pub default: BTreeSet<String>,
    /// Whether only optional pods have them.
    pub is_optional: bool,
}

/// Measures a chart. Later layers are laid over earlier ones: the chart must render with them.
///
/// # Errors
/// The chart cannot be rendered with these layers.
pub fn measure(files: Vec<File>, layers: &[Layer], options: &Options) -> Result<Measured, Error> {
    with_stack(|| {
        let given = merge(layers)?;
        let mut session = Session::new(files, options)?;
        let default = Base::of(session.render(&given)?);
        let values = switched_on(&mut session, &given, &default);
        let mut base = Base::of(session.render(&values)?);
        forget_tests(&mut base);
        // The pods that are always there come first.
        let is_default = |pod: &Pod| default.pods.iter().any(|other| is_same(pod, other));
        let mut order: Vec<usize> = (0..base.pods.len()).collect();
        order.sort_by_key(|nth| (!is_default(&base.pods[*nth]), label(&base.pods[*nth])));
        base.pods = order.iter().map(|nth| base.pods[*nth].clone()).collect();
        base.holders = order.iter().map(|nth| base.holders[*nth]).collect();
        let certain = base.pods.iter().filter(|pod| is_default(pod)).count();
        let about = &session.chart().metadata;
        let chart = (about.name.clone(), about.version.clone());
        let tried = candidates(session.chart(), &values, &[]);
        let default_images = default.pods.iter().filter(|pod| !pod.is_test).flat_map(images_of).collect();
        let mut measuring = Measuring { trial: Trial { session, values, base }, certain, default_images };
        let reaches = measuring.reaches(&tried);
        let set = measuring.fewest(&reaches);
        let mut images = measuring.images();
        let registries = measuring.registries(&images);
        let workloads = measuring.generalized(&given, &mut images);
        let pods = measuring.trial.base.pods;
        let named: BTreeSet<&String> = images.iter().flat_map(|image| &image.default).collect();
        let others = measuring.default_images.into_iter().filter(|image| !named.contains(image));
        let other_images = others.collect();
        // What the values say is true of these values only.
        let all = Value::Map(given);
        for image in &mut images {
            let own = image.path.iter().chain(&image.moves).map(String::as_str);
            if image.path.iter().any(|key| key == ANY) || at(&all, own).is_some() {
                image.default.clear();
            }
        }
        let (pods, optional_pods) = (pods[..certain].to_vec(), pods[certain..].to_vec());
        Ok(Measured { chart, pods, optional_pods, set, reaches, images, registries, workloads, other_images })
    })
}

fn label(pod: &Pod) -> (&str, &str) {
    (&pod.kind, &pod.name)
}

fn is_same(pod: &Pod, other: &Pod) -> bool {
    label(pod) == label(other)
}

/// What `helm test` runs is no part of what is deployed.
fn forget_tests(base: &mut Base) {
    let keep: Vec<bool> = base.pods.iter().map(|pod| !pod.is_test).collect();
    let mut keeps = keep.iter();
    base.holders.retain(|_| *keeps.next().unwrap_or(&true));
    base.pods.retain(|pod| !pod.is_test);
}

/// The values with every part switched on that can be, beside what is there by default.
fn switched_on(session: &mut Session<'_>, given: &Rc<Map>, default: &Base) -> Rc<Map> {
    let mut switches = BTreeSet::new();
    let is_off = |key: &str, value: &Value| {
        let key = key.to_ascii_lowercase();
        matches!(value, Value::Bool(false)) && (key.ends_with("enabled") || SWITCHES.contains(&&*key))
    };
    leaves(session.chart(), given, &mut |path, value| {
        if path.last().is_some_and(|key| is_off(key, value)) {
            switches.insert((path.len(), path.to_vec()));
        }
    });
    let mut left: Vec<Vec<String>> = switches.into_iter().map(|(_, path)| path).collect();
    let mut values = given.clone();
    let mut containers = owned(default);
    // A part within a part can be switched on only once that one is.
    loop {
        let before = left.len();
        left.retain(|path| {
            let trial = Rc::new(crate::chart::deep_copy(&values));
            if set(&trial, path, Value::Bool(true)).is_none() {
                return true;
            }
            let Ok(rendering) = session.render(&trial) else { return true };
            let now = owned(&Base::of(rendering));
            let gains = now.len() > containers.len() && now.is_superset(&containers);
            if gains {
                values = trial;
                containers = now;
            }
            !gains
        });
        if left.len() == before {
            return values;
        }
    }
}

/// Every container of every pod.
fn owned(base: &Base) -> BTreeSet<(String, String, String)> {
    let pods = base.pods.iter().filter(|pod| !pod.is_test);
    let container = |pod: &Pod, name: &str| (pod.kind.clone(), pod.name.clone(), name.to_owned());
    pods.flat_map(|pod| pod.images.iter().map(move |(name, _)| container(pod, name))).collect()
}

fn images_of(pod: &Pod) -> impl Iterator<Item = String> + '_ {
    pod.images.iter().map(|(_, image)| image.clone())
}

/// Shows every value of a chart and of its subcharts with the keys that lead to it from the top; `given` is laid over the chart's own.
fn leaves(chart: &Chart, given: &Map, see: &mut dyn FnMut(&[String], &Value)) {
    let own = Rc::new(crate::chart::deep_copy(&chart.values));
    overlay(&own, given);
    within(chart, &own, &mut Vec::new(), see);
}

fn within(chart: &Chart, values: &Map, above: &mut Vec<String>, see: &mut dyn FnMut(&[String], &Value)) {
    each(values, above, 1, see);
    if above.len() >= DEPTH {
        return;
    }
    for (name, subchart) in chart.subcharts() {
        let own = Rc::new(crate::chart::deep_copy(&subchart.values));
        if let Some(Value::Map(over)) = values.get(name.as_bytes()) {
            overlay(&own, &over);
        }
        above.push(name.to_owned());
        within(subchart, &own, above, see);
        above.pop();
    }
}

/// Values in which every text that is a key is that of the other key.
fn called(value: &Value, key: &str) -> Value {
    match value {
        Value::Str(text) if text.text() == key => Value::str(OTHER_KEY),
        Value::List(list) => Value::list(list.items().iter().map(|item| called(item, key)).collect()),
        Value::Map(map) => {
            Value::map(map.entries().iter().map(|(name, value)| (name.clone(), called(value, key))))
        }
        other => other.clone(),
    }
}

struct Measuring<'o> {
    trial: Trial<'o>,
    /// So many of the pods are there by default.
    certain: usize,
    /// The images that are there by default.
    default_images: BTreeSet<String>,
}

impl Measuring<'_> {
    /// Every value that reaches pods, in the first form that does.
    fn reaches(&mut self, tried: &[Candidate]) -> Vec<Reach> {
        let mut found: Vec<Reach> = Vec::new();
        for candidate in tried {
            if found.iter().any(|reach| reach.value.path == candidate.path) {
                continue;
            }
            let Some((own, through)) = self.trial.reached(std::slice::from_ref(candidate)) else { continue };
            if own.is_empty() && through.is_empty() {
                continue;
            }
            let is_account = own.is_empty();
            let pods = own.into_iter().chain(through).collect();
            found.push(Reach { value: candidate.clone(), pods, loses: BTreeSet::new(), is_account });
        }
        for nth in 0..found.len() {
            found[nth].loses = self.loses(&found, nth);
        }
        found
    }

    /// The pods that have no name of a value once other values that reach them have one, too.
    fn loses(&mut self, found: &[Reach], nth: usize) -> BTreeSet<usize> {
        const OWN: &str = "pullcred-own";
        let one = &found[nth];
        let shares = |other: &Reach| !other.is_account && !other.pods.is_disjoint(&one.pods);
        let others: Vec<&Reach> = found.iter().filter(|other| *other != one && shares(other)).collect();
        if one.is_account || others.is_empty() {
            return BTreeSet::new();
        }
        let values = Rc::new(crate::chart::deep_copy(&self.trial.values));
        let put = |reach: &Reach, name: &str| {
            let value = with_name(None, reach.value.shape, name);
            value.and_then(|value| set(&values, &reach.value.path, value)).is_some()
        };
        let is_set = others.into_iter().all(|other| put(other, NAME)) && put(one, OWN);
        let Some(after) = is_set.then(|| self.render(&values)).flatten() else { return BTreeSet::new() };
        let keeps = |nth: &usize| after[*nth].pull_secrets.iter().any(|name| name == OWN);
        one.pods.iter().copied().filter(|nth| !keeps(nth)).collect()
    }

    /// The pods with other values, in their order. `None`: they are others.
    fn render(&mut self, values: &Rc<Map>) -> Option<Vec<Pod>> {
        let after = Base::of(self.trial.session.render(values).ok()?).pods;
        let find = |pod: &Pod| after.iter().find(|other| is_same(pod, other)).cloned();
        self.trial.base.pods.iter().map(find).collect()
    }

    /// The fewest values that reach every pod that any value reaches.
    fn fewest(&mut self, reaches: &[Reach]) -> Vec<Candidate> {
        let way = |reach: &Reach| Way {
            path: reach.value.path.clone(),
            shape: reach.value.shape,
            present: Vec::new(),
            is_whole: true,
            pods: reach.pods.iter().copied().collect(),
        };
        let wanted: Vec<usize> = (0..self.trial.base.pods.len()).collect();
        // Pods before ServiceAccounts: a list of a pod's own switches these off.
        let mut ways: Vec<Way> = reaches.iter().filter(|reach| !reach.is_account).map(way).collect();
        ways.extend(reaches.iter().filter(|reach| reach.is_account).map(way));
        let mut set: Vec<Candidate> = self.trial.choose(ways, &wanted).iter().map(Way::candidate).collect();
        set.sort();
        set
    }

    /// The images that change when a value is set: which they were, and what each became.
    fn changed(&mut self, path: &[String], text: &str) -> Option<Vec<(usize, String, String)>> {
        let values = Rc::new(crate::chart::deep_copy(&self.trial.values));
        set(&values, path, Value::str(text))?;
        let after = self.render(&values)?;
        let mut changed = Vec::new();
        for (nth, (old, new)) in self.trial.base.pods.iter().zip(&after).enumerate() {
            if old.images.len() != new.images.len() {
                return None;
            }
            for ((_, old), (_, new)) in old.images.iter().zip(&new.images) {
                if old != new {
                    changed.push((nth, old.clone(), new.clone()));
                }
            }
        }
        (!changed.is_empty()).then_some(changed)
    }

    /// Every value that names images.
    fn images(&mut self) -> Vec<ImageValue> {
        let all: BTreeSet<String> = self.all_images();
        let is_part = |text: &str| !text.is_empty() && all.iter().any(|image| image.contains(text));
        let text = |value: &Value| value.as_str().map(|text| text.text().into_owned());
        let (mut maps, mut texts) = (Vec::new(), Vec::new());
        leaves(self.trial.session.chart(), &self.trial.values, &mut |path, value| match value {
            Value::Map(map) => {
                let names = |key: &&str| match map.get(key.as_bytes()) {
                    Some(Value::Nil) => true,
                    Some(value) => text(&value).is_some_and(|it| it.is_empty() || is_part(&it)),
                    None => false,
                };
                if OF_ONE.iter().any(names) {
                    maps.push((path.to_vec(), map.clone()));
                }
            }
            Value::Str(_) => {
                let whole = text(value).unwrap_or_default();
                if all.contains(&whole) && whole.contains(['/', ':']) {
                    texts.push(path.to_vec());
                }
            }
            _ => {}
        });
        let mut found: BTreeMap<Vec<String>, ImageValue> = BTreeMap::new();
        for (path, map) in maps {
            // What is a whole image, with nothing beside it, is measured as a text.
            let is_alone = FIELDS.iter().filter(|key| map.get(key.as_bytes()).is_some()).count() == 1;
            let is_whole = |key: &str| {
                let whole = map.get(key.as_bytes()).as_ref().and_then(text);
                is_alone && whole.is_some_and(|whole| all.contains(&whole))
            };
            let held: Vec<&str> =
                MOVES.into_iter().filter(|key| map.get(key.as_bytes()).is_some() && !is_whole(key)).collect();
            for key in held {
                let to = if matches!(key, "registry" | "imageRegistry" | "hub") {
                    REGISTRY.to_owned()
                } else {
                    format!("{REGISTRY}/probe")
                };
                let own: Vec<String> = path.iter().cloned().chain([key.to_owned()]).collect();
                let Some(changed) = self.changed(&own, &to) else { continue };
                if changed.iter().all(|(.., new)| new.starts_with(&format!("{REGISTRY}/"))) {
                    let fields = self.fields(&path, &map, key, &changed);
                    found
                        .entry(path.clone())
                        .or_insert_with(|| self.image(path.clone(), Some(key.to_owned()), fields, &changed));
                    break;
                }
            }
        }
        for path in texts {
            // A map that names the image has been measured as one.
            if path.split_last().is_some_and(|(_, above)| found.contains_key(above)) {
                continue;
            }
            let to = format!("{REGISTRY}/probe:{TAG}");
            let Some(changed) = self.changed(&path, &to) else { continue };
            if changed.iter().all(|(.., new)| *new == to) {
                found
                    .entry(path.clone())
                    .or_insert_with(|| self.image(path.clone(), None, Vec::new(), &changed));
            }
        }
        let mut found: Vec<ImageValue> = found.into_values().collect();
        // A value for all of them says nothing of those that have values of their own.
        let is_global = |image: &ImageValue| image.path.first().is_some_and(|key| key == "global");
        let own: BTreeSet<String> =
            found.iter().filter(|image| !is_global(image)).flat_map(|image| image.default.clone()).collect();
        found.retain(|image| !is_global(image) || !image.default.is_subset(&own));
        found
    }

    fn image(
        &self,
        path: Vec<String>,
        moves: Option<String>,
        fields: Vec<String>,
        changed: &[(usize, String, String)],
    ) -> ImageValue {
        let default = changed.iter().map(|(_, old, _)| old.clone()).collect();
        let is_optional =
            changed.iter().all(|(pod, old, _)| *pod >= self.certain || !self.default_images.contains(old));
        ImageValue { path, moves, fields, default, is_optional }
    }

    /// The keys beside the one that moves an image which say more of the same images.
    fn fields(
        &mut self,
        path: &[String],
        map: &Map,
        moves: &str,
        moved: &[(usize, String, String)],
    ) -> Vec<String> {
        let mut fields = Vec::new();
        for key in FIELDS.into_iter().filter(|key| *key != moves && map.get(key.as_bytes()).is_some()) {
            let to = match key {
                "tag" | "version" => TAG.to_owned(),
                "digest" => DIGEST.to_owned(),
                "sha" => DIGEST.trim_start_matches("sha256:").to_owned(),
                "registry" => REGISTRY.to_owned(),
                _ => "pullcred/probe".to_owned(),
            };
            let own: Vec<String> = path.iter().cloned().chain([key.to_owned()]).collect();
            let Some(changed) = self.changed(&own, &to) else { continue };
            let is_moved = |old: &str| moved.iter().any(|(_, other, _)| other == old);
            if changed.iter().all(|(_, old, new)| is_moved(old) && new.contains(&to)) {
                fields.push(key.to_owned());
            }
        }
        fields
    }

    fn all_images(&self) -> BTreeSet<String> {
        self.trial.base.pods.iter().flat_map(images_of).collect()
    }

    /// Puts `*` for keys that may be any in the paths of images, and returns the map of workloads.
    ///
    /// A key may be any if the pods are there with the same images once it is called otherwise, wherever the values speak of it.
    fn generalized(&mut self, given: &Rc<Map>, images: &mut Vec<ImageValue>) -> Option<Vec<String>> {
        let mut known: BTreeMap<Vec<String>, bool> = BTreeMap::new();
        let mut workloads: Option<Vec<String>> = None;
        for image in images.iter_mut() {
            let path = image.path.clone();
            for end in 1..path.len() {
                let own = &path[..=end];
                if !matches!(
                    at(&Value::Map(given.clone()), own.iter().map(String::as_str)),
                    Some(Value::Map(_))
                ) {
                    break;
                }
                let is_any = match known.get(own) {
                    Some(is_any) => *is_any,
                    None => self.may_be_any(own),
                };
                known.insert(own.to_vec(), is_any);
                if is_any {
                    ANY.clone_into(&mut image.path[end]);
                    workloads.get_or_insert_with(|| path[..end].to_vec());
                }
            }
        }
        images.sort_by(|a, b| a.path.cmp(&b.path));
        images.dedup_by(|later, one| {
            let is_same = later.path == one.path;
            if is_same {
                one.is_optional &= later.is_optional;
                one.default.append(&mut later.default);
                let more: Vec<String> =
                    later.fields.drain(..).filter(|field| !one.fields.contains(field)).collect();
                one.fields.extend(more);
            }
            is_same
        });
        workloads
    }

    fn may_be_any(&mut self, own: &[String]) -> bool {
        let Some((key, above)) = own.split_last() else { return false };
        let values = Rc::new(crate::chart::deep_copy(&self.trial.values));
        let Some(Value::Map(map)) = at(&Value::Map(values.clone()), above.iter().map(String::as_str)) else {
            return false;
        };
        let renamed = Value::map(map.entries().iter().map(|(name, value)| {
            (if name.text() == *key { Str::from(OTHER_KEY) } else { name.clone() }, value.clone())
        }));
        if set(&values, above, renamed).is_none() {
            return false;
        }
        let Value::Map(values) = called(&Value::Map(values), key) else { return false };
        let images = |base: &Base| {
            let mut all: Vec<String> =
                base.pods.iter().filter(|pod| !pod.is_test).flat_map(images_of).collect();
            all.sort();
            all
        };
        let after = self.trial.session.render(&values).map(Base::of);
        after.is_ok_and(|after| images(&after) == images(&self.trial.base))
    }

    /// Values that move images which have values of their own.
    fn registries(&mut self, images: &[ImageValue]) -> Vec<(Vec<String>, usize, usize)> {
        let keys = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        let known = ["global.imageRegistry", "global.image.registry", "global.registry", "global.hub"];
        let mut tried: BTreeSet<Vec<String>> = known.into_iter().map(keys).collect();
        leaves(self.trial.session.chart(), &self.trial.values, &mut |path, value| {
            let key = path.last().map(|key| key.to_ascii_lowercase()).unwrap_or_default();
            let is_empty = matches!(value, Value::Nil | Value::Str(_));
            if is_empty && (key.ends_with("registry") || key == "hub") {
                tried.insert(path.to_vec());
            }
        });
        let of_one = |path: &[String]| {
            path.split_last().is_some_and(|(key, above)| {
                images.iter().any(|image| image.path == above && image.moves.as_ref() == Some(key))
            })
        };
        let all = self.all_images().len();
        let mut found = Vec::new();
        for path in tried.into_iter().filter(|path| !of_one(path)) {
            let Some(changed) = self.changed(&path, REGISTRY) else { continue };
            if changed.iter().all(|(.., new)| new.starts_with(&format!("{REGISTRY}/"))) {
                let moved: BTreeSet<&String> = changed.iter().map(|(_, old, _)| old).collect();
                found.push((path, moved.len(), all));
            }
        }
        found
    }
}
