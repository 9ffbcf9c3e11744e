//! The images that values of a chart name, as far as facts tell how.

use super::entry::{ChartFacts, Image};
use offline_helm::value::Value;

/// The image of a default, in parts.
#[derive(Default)]
struct Parts {
    registry: String,
    path: String,
    /// With the `:` or `@` in front.
    suffix: String,
}

impl Parts {
    fn of(image: &str) -> Self {
        let (registry, rest) = match image.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
            _ => ("", image),
        };
        let end = rest.find([':', '@']).unwrap_or(rest.len());
        Self { registry: registry.to_owned(), path: rest[..end].to_owned(), suffix: rest[end..].to_owned() }
    }

    fn name(&self) -> String {
        if self.registry.is_empty() { self.path.clone() } else { format!("{}/{}", self.registry, self.path) }
    }
}

/// The value at the end of keys.
pub fn at<'k>(values: &Value, keys: impl IntoIterator<Item = &'k str>) -> Option<Value> {
    keys.into_iter().try_fold(values.clone(), |value, key| value.as_map()?.get(key.as_bytes()))
}

/// A scalar as text.
fn text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::Str(text) => Some(text.text().into_owned()),
        Value::Int(number, _) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
    .filter(|text| !text.is_empty())
}

/// Whether values turn off what is at a path, or something around it.
fn is_off(values: &Value, keys: &[&str]) -> bool {
    (1..=keys.len()).any(|end| {
        let enabled = at(values, keys[..end].iter().copied().chain(["enabled"]));
        matches!(enabled, Some(Value::Bool(false)))
    })
}

/// Whether values speak of the part that has an image.
fn is_asked_for(values: &Value, keys: &[&str]) -> bool {
    let part = if keys.len() > 1 { &keys[..keys.len() - 1] } else { keys };
    at(values, part.iter().copied()).is_some()
}

/// The images that pods run with these values, as far as can be told.
pub(super) fn images(facts: &ChartFacts, values: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for image in &facts.images {
        let keys: Vec<&str> = image.path.split('.').collect();
        if is_off(values, &keys) || image.optional && !is_asked_for(values, &keys) {
            continue;
        }
        let given = at(values, keys.iter().copied());
        if image.default.is_empty() {
            found.extend(of_values(image, given.as_ref(), &Parts::default()));
        }
        for default in &image.default {
            let parts = Parts::of(default);
            found.extend(of_values(image, given.as_ref(), &parts));
            found.extend(moved(facts, image, values, given.as_ref(), parts));
        }
    }
    found.extend(facts.other_images.iter().cloned());
    let mut seen = std::collections::BTreeSet::new();
    // What a value moves for all is no longer where it was.
    let everything: Vec<String> = found.into_iter().filter(|image| seen.insert(image.clone())).collect();
    match everywhere(facts, values) {
        Some(registry) => everything
            .into_iter()
            .filter(|image| {
                let host = Parts::of(image).registry;
                host == Parts::of(&format!("{registry}/x")).registry || !is_default(facts, image)
            })
            .collect(),
        None => everything,
    }
}

fn is_default(facts: &ChartFacts, image: &str) -> bool {
    facts.images.iter().any(|known| known.default.iter().any(|default| default == image))
}

/// The registry that a value gives to all images.
fn everywhere(facts: &ChartFacts, values: &Value) -> Option<String> {
    let all = facts.global_registry.iter().filter(|(_, reach)| *reach == "all");
    all.filter_map(|(path, _)| text(at(values, path.split('.')))).next()
}

/// The image in the registry that a value for many images gives it.
fn moved(
    facts: &ChartFacts,
    image: &Image,
    values: &Value,
    given: Option<&Value>,
    mut parts: Parts,
) -> Option<String> {
    let registry = facts.global_registry.keys().find_map(|path| text(at(values, path.split('.'))))?;
    parts.registry = registry.trim_end_matches('/').to_owned();
    let given = given.and_then(|given| without_registry(image, given));
    of_values(image, given.as_ref(), &parts)
}

/// What is given for an image but its own registry.
fn without_registry(image: &Image, given: &Value) -> Option<Value> {
    let map = given.as_map()?;
    let kept = map.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>();
    let is_registry = |key: &str| key == "registry" && image.moves.as_deref() == Some("registry");
    Some(Value::map(kept.into_iter().filter(|(key, _)| !is_registry(&key.text()))))
}

/// An image with what values say of it.
pub(super) fn of_value(image: &Image, given: &Value) -> Option<String> {
    of_values(image, Some(given), &Parts::default())
}

fn of_values(image: &Image, given: Option<&Value>, default: &Parts) -> Option<String> {
    if let Some(whole) = text(given.cloned()) {
        return Some(whole);
    }
    let field = |key: &str| text(given.and_then(|given| at(given, [key])));
    let of_fields = |keys: &[&str]| {
        keys.iter().filter(|key| image.fields.iter().any(|field| field == *key)).find_map(|key| field(key))
    };
    let name = match image.moves.as_deref() {
        None => default.name(),
        Some("registry") => {
            let path = of_fields(&["repository", "image", "name"]).unwrap_or_else(|| default.path.clone());
            let registry = field("registry").unwrap_or_else(|| default.registry.clone());
            let parts = Parts { registry, path, suffix: String::new() };
            // A path may have a registry of its own, where the default has none.
            let is_whole = default.registry.is_empty() || !Parts::of(&parts.path).registry.is_empty();
            if is_whole && field("registry").is_none() { parts.path } else { parts.name() }
        }
        Some(key) => {
            let registry = of_fields(&["registry"]).map(|registry| registry + "/").unwrap_or_default();
            let whole = of_fields(&["name", "image"]).filter(|name| name.contains('/'));
            match field(key).or(whole) {
                Some(name) => registry + &name,
                None if registry.is_empty() => default.name(),
                None => registry + &default.path,
            }
        }
    };
    if name.is_empty() {
        return None;
    }
    let tag = of_fields(&["tag", "version"]).map(|tag| format!(":{tag}"));
    let digest = of_fields(&["digest"])
        .map(|digest| format!("@{digest}"))
        .or_else(|| of_fields(&["sha"]).map(|sha| format!("@sha256:{}", sha.trim_start_matches("sha256:"))));
    let has_own = name.rsplit('/').next().is_some_and(|end| end.contains([':', '@']));
    let suffix = match (tag, digest) {
        _ if has_own => String::new(),
        (None, None) => default.suffix.clone(),
        (tag, digest) => tag.unwrap_or_default() + &digest.unwrap_or_default(),
    };
    Some(name + &suffix)
}
