//! What a release deploys as far as facts tell: pods, their images, and the values that give them a pull secret.

use super::entry::{ChartFacts, Form, Loses, Place};
use super::image::{at, images, of_value};
use offline_helm::probe::{Pod, Probed, Shape, Way};
use offline_helm::value::Value;
use std::collections::BTreeMap;

/// A pod that the chart deploys.
struct Member {
    kind: String,
    name: String,
    /// How the facts call it.
    label: String,
    /// Its key in the map of workloads.
    key: Option<String>,
    /// Its own images, where it is known which they are.
    images: Option<Vec<(String, String)>>,
    is_optional: bool,
}

/// A pod, and the names of the pull secrets that it has.
type Named<'m> = (&'m Member, Vec<String>);

/// What a release of that name deploys with these values; `wants` is asked which pods lack a pull secret that they need. `None`: the
/// facts do not tell.
pub fn estimate(
    facts: &ChartFacts,
    values: &Value,
    release: &str,
    wants: &dyn Fn(&Pod) -> bool,
) -> Option<Probed> {
    let members = match &facts.controllers {
        Some(map) => workloads(facts, map, values, release),
        None => named(facts, release),
    };
    if members.iter().all(|member| member.is_optional) {
        return None;
    }
    let all: Vec<(String, String)> = images(facts, values).into_iter().map(container).collect();
    let mut probed = Probed::default();
    // The pods of each value, with the names that they have now.
    let mut groups: BTreeMap<(usize, Vec<String>), Vec<Named<'_>>> = BTreeMap::new();
    for member in &members {
        match target(facts, member, values) {
            Some((nth, keys, names)) => groups.entry((nth, keys)).or_default().push((member, names)),
            None if member.is_optional => {}
            None => {
                let pod = pod(member, member.images.clone().unwrap_or_else(|| all.clone()), Vec::new());
                if wants(&pod) {
                    probed.unreached.push(probed.pods.len());
                }
                probed.pods.push(pod);
            }
        }
    }
    for ((nth, keys), members) in groups {
        let start = probed.pods.len();
        let only = if let [(member, _)] = &members[..] { Some(*member) } else { None };
        let mut shared: Option<Vec<String>> = None;
        for (member, names) in members {
            match &member.images {
                Some(images) => probed.pods.push(pod(member, images.clone(), names)),
                // Which of them has which image is not known.
                None => match &mut shared {
                    Some(shared) => shared.retain(|name| names.contains(name)),
                    None => shared = Some(names),
                },
            }
        }
        if let Some(names) = shared {
            let (kind, name) = match only {
                Some(member) => (member.kind.clone(), member.name.clone()),
                None => ("Pods".to_owned(), keys.join(".")),
            };
            let whole =
                Member { kind, name, label: String::new(), key: None, images: None, is_optional: false };
            probed.pods.push(pod(&whole, all.clone(), names));
        }
        let pods: Vec<usize> = (start..probed.pods.len()).collect();
        if pods.iter().any(|nth| wants(&probed.pods[*nth])) {
            let shape = facts.paths[nth].shape;
            let value = at(values, keys.iter().map(String::as_str));
            let present = names(value.as_ref(), shape);
            let shape = Shape::from(shape);
            let is_whole = matches!(&value, Some(Value::List(list)) if shape.is_names(list.items()));
            probed.ways.push(Way { path: keys, shape, present, is_whole, pods });
        }
    }
    Some(probed)
}

fn container(image: String) -> (String, String) {
    let name = image.split(['@']).next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default().split(':').next().unwrap_or_default();
    (name.to_owned(), image)
}

fn pod(member: &Member, images: Vec<(String, String)>, pull_secrets: Vec<String>) -> Pod {
    Pod { kind: member.kind.clone(), name: member.name.clone(), images, pull_secrets, ..Pod::default() }
}

/// Pods that the facts name, called as the release makes them.
fn named(facts: &ChartFacts, release: &str) -> Vec<Member> {
    let member = |label: &String, is_optional| {
        let (kind, name) = label.split_once('/').unwrap_or(("Pod", label));
        let name = match name.strip_prefix("rel") {
            Some(rest) if rest.is_empty() || rest.starts_with('-') => format!("{release}{rest}"),
            _ => name.to_owned(),
        };
        Member { kind: kind.to_owned(), name, label: label.clone(), key: None, images: None, is_optional }
    };
    let certain = facts.pods.iter().map(|label| member(label, false));
    certain.chain(facts.optional_pods.iter().map(|label| member(label, true))).collect()
}

/// Pods that stand in the values, each with its images.
fn workloads(facts: &ChartFacts, map: &str, values: &Value, release: &str) -> Vec<Member> {
    let Some(Value::Map(entries)) = at(values, map.split('.')) else { return Vec::new() };
    let mut found = Vec::new();
    let is_on = |value: &Value| !matches!(at(value, ["enabled"]), Some(Value::Bool(false)));
    let on = entries.entries().iter().filter(|(_, value)| value.as_map().is_some() && is_on(value)).count();
    for (key, value) in entries.entries().iter() {
        if value.as_map().is_none() || !is_on(value) {
            continue;
        }
        let key = key.text().into_owned();
        let kind = at(value, ["type"]).and_then(|kind| Some(kind.as_str()?.text().to_ascii_lowercase()));
        let kind = match kind.as_deref() {
            Some("statefulset") => "StatefulSet",
            Some("daemonset") => "DaemonSet",
            Some("cronjob") => "CronJob",
            Some("job") => "Job",
            _ => "Deployment",
        };
        let mut images = Vec::new();
        for image in &facts.images {
            let keys: Vec<&str> = image.path.split('.').collect();
            let own: Vec<&str> = keys.iter().skip(map.split('.').count() + 1).copied().collect();
            let Some(star) = own.iter().position(|key| *key == "*") else { continue };
            let Some(Value::Map(containers)) = at(value, own[..star].iter().copied()) else { continue };
            for (name, container) in containers.entries().iter() {
                if !is_on(container) {
                    continue;
                }
                let below = own[star + 1..].iter().copied();
                // Defaults of the containers of one workload, and of all.
                let layers = [
                    at(values, ["defaultContainerOptions"].into_iter().chain(below.clone())),
                    at(value, ["defaultContainerOptions"].into_iter().chain(below.clone())),
                    at(container, below),
                ];
                let given = layers.into_iter().flatten().reduce(over);
                if let Some(image) = given.and_then(|given| of_value(image, &given)) {
                    images.push((name.text().into_owned(), image));
                }
            }
        }
        let name = if on == 1 { release.to_owned() } else { format!("{release}-{key}") };
        let label = format!("{kind}/{name}");
        let images = Some(images);
        found.push(Member { kind: kind.to_owned(), name, label, key: Some(key), images, is_optional: false });
    }
    found
}

/// One value laid over another.
fn over(below: Value, above: Value) -> Value {
    let (Value::Map(low), Value::Map(high)) = (&below, &above) else { return above };
    let low = low.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>();
    let high = high.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>();
    Value::map(low.into_iter().chain(high))
}

/// The value in which a pull secret of a pod belongs, as the place of its path among the facts', its keys, and the names that the pod
/// has from all values.
fn target(facts: &ChartFacts, member: &Member, values: &Value) -> Option<(usize, Vec<String>, Vec<String>)> {
    let place_of = |path: &str| facts.paths.iter().position(|place| place.path == path);
    let reaching = |nth: &usize| keys(&facts.paths[*nth], member);
    let chosen =
        facts.set.iter().filter_map(|value| place_of(&value.path)).find(|nth| reaching(nth).is_some())?;
    let holds = |nth: usize| {
        let keys = keys(&facts.paths[nth], member)?;
        let names = names(at(values, keys.iter().map(String::as_str)).as_ref(), facts.paths[nth].shape);
        Some((nth, keys, names))
    };
    let own = holds(chosen)?;
    let others = (0..facts.paths.len()).filter(|nth| *nth != chosen).filter_map(holds);
    let mut others: Vec<_> = others.filter(|(_, _, names)| !names.is_empty()).collect();
    let place = &facts.paths[chosen];
    // The more particular value is the one that counts; a list of the pod's own switches off its ServiceAccount's.
    let replaced = |nth: usize| {
        let other = &facts.paths[nth];
        loses(place, member) && !loses(other, member) || other.service_account && !place.service_account
    };
    let pod_own = own.2.is_empty();
    others.sort_by_key(|(_, keys, _)| std::cmp::Reverse(keys.len()));
    if let Some(nth) = others.iter().position(|(nth, ..)| replaced(*nth) && (pod_own || loses(place, member)))
    {
        return Some(others.swap_remove(nth));
    }
    let (nth, keys, mut names) = own;
    for (_, _, more) in others {
        names.extend(more);
    }
    names.sort();
    names.dedup();
    Some((nth, keys, names))
}

fn loses(place: &Place, member: &Member) -> bool {
    match &place.loses {
        None => false,
        Some(Loses::All(all)) => *all,
        Some(Loses::Some(pods)) => pods.contains(&member.label),
    }
}

/// The keys of a value for a pod, if it reaches it.
fn keys(place: &Place, member: &Member) -> Option<Vec<String>> {
    if place.pods.as_ref().is_some_and(|pods| !pods.contains(&member.label)) {
        return None;
    }
    let mut key = member.key.clone();
    let fill = |part: &str| if part == "*" { key.take() } else { Some(part.to_owned()) };
    place.path.split('.').map(fill).collect()
}

/// The names that a value holds.
fn names(value: Option<&Value>, form: Form) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(|text| text.text().into_owned());
    match (value, form) {
        (Some(value @ Value::Str(_)), Form::String) => {
            text(value).into_iter().filter(|it| !it.is_empty()).collect()
        }
        (Some(Value::List(list)), _) => {
            let name = |item: &Value| text(item).or_else(|| at(item, ["name"]).as_ref().and_then(text));
            list.items().iter().filter_map(name).collect()
        }
        _ => Vec::new(),
    }
}

impl From<Form> for Shape {
    fn from(form: Form) -> Self {
        match form {
            Form::ListName => Self::ListOfNames,
            Form::ListString => Self::ListOfStrings,
            Form::String => Self::OneString,
        }
    }
}
