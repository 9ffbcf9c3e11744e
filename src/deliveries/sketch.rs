//! Sketches: objects remade from the facts of the scan, with nothing but what a build can change that we care for.
//!
//! Most builds can be followed on sketches, so that no file is read twice. Containers without an image, other fields
//! and other kinds are left out; where those matter the build takes the whole objects instead.

use offline_kustomize::repository::Sketch;
use offline_kustomize::value::Value;

use super::delivery::Delivery;
use super::scanned::Scanned;
use crate::objects::object::{Container, ContainerList, Object, PodSpec};
use lossless_yaml::insert::Form;
use lossless_yaml::path::Step;

/// Where an object lies in its file: the document and the way through `items` of Lists. None for an object that a
/// custom resource embeds: kustomize does not see it as one.
pub fn place(object: &Object) -> Option<(usize, Vec<usize>)> {
    let mut items = Vec::new();
    let mut steps = object.path.0.iter();
    while let Some(step) = steps.next() {
        match (step, steps.next()) {
            (Step::Key(key), Some(Step::Index(index))) if key == "items" => items.push(*index),
            _ => return None,
        }
    }
    Some((object.document, items))
}

/// Everything that the scan remembers of a file; none when the facts do not tell enough.
pub fn sketches(file: &Scanned<'_>) -> Option<Vec<Sketch>> {
    let of_object = |object: &Object| {
        let (document, items) = place(object)?;
        Some(Sketch { document, items, tree: sketch(object)?, partial: true })
    };
    // What asks for a delivery is there whole.
    let is_whole = |object: &&Object| {
        let asks = |it: &Delivery| place(object).is_some_and(|at| at == (it.document, it.items.clone()));
        !file.deliveries().iter().any(asks)
    };
    let objects = file.objects.iter().filter(is_whole).map(of_object);
    let deliveries = file.deliveries().iter().map(|delivery| {
        let (document, items) = (delivery.document, delivery.items.clone());
        Some(Sketch { document, items, tree: delivery.tree.clone(), partial: false })
    });
    objects.chain(deliveries).collect()
}

/// A sketch of an object; none when the facts do not tell enough.
fn sketch(object: &Object) -> Option<Value> {
    place(object)?;
    let pairs = |pairs: &[(String, String)]| {
        Value::map(pairs.iter().map(|(key, value)| (key.as_str(), Value::text(value))))
    };
    let mut metadata = Value::map([("name", Value::text(&object.name))]);
    if let Some(namespace) = &object.namespace {
        metadata.set("namespace", Value::text(namespace));
    }
    for (field, map) in [("labels", &object.labels), ("annotations", &object.annotations)] {
        if !map.is_empty() {
            metadata.set(field, pairs(map));
        }
    }
    let mut result = Value::map([
        ("apiVersion", Value::text(&object.api_version)),
        ("kind", Value::text(&object.kind)),
        ("metadata", metadata),
    ]);
    for pod_spec in &object.pod_specs {
        let steps = pod_spec.path.0.get(object.path.0.len()..)?;
        fill(reach(&mut result, steps)?, pod_spec)?;
    }
    Some(result)
}

/// The mapping at the end of a path, made on the way.
fn reach<'v>(root: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    let mut at = root;
    for (nth, step) in steps.iter().enumerate() {
        let empty = match steps.get(nth + 1) {
            Some(Step::Index(_)) => Value::list(Vec::new()),
            Some(Step::Key(_)) | None => Value::map([]),
        };
        at = match step {
            Step::Key(key) => {
                if at.get(key).is_none() {
                    at.set(key, empty);
                }
                at.get_mut(key)?
            }
            Step::Index(index) => {
                let items = at.items_mut()?;
                while items.len() <= *index {
                    items.push(empty.clone());
                }
                items.get_mut(*index)?
            }
        };
    }
    Some(at)
}

fn fill(spec: &mut Value, facts: &PodSpec) -> Option<()> {
    for (list, field) in [
        (ContainerList::Init, "initContainers"),
        (ContainerList::Containers, "containers"),
        (ContainerList::Ephemeral, "ephemeralContainers"),
        (ContainerList::Volume, "volumes"),
    ] {
        let entry = |container: &Container| {
            let (name, image) = (Value::text(&container.name), Value::text(&container.image));
            match list {
                ContainerList::Volume => {
                    Value::map([("name", name), ("image", Value::map([("reference", image)]))])
                }
                _ => Value::map([("name", name), ("image", image)]),
            }
        };
        let items: Vec<Value> = facts.containers.iter().filter(|one| one.list == list).map(entry).collect();
        if !items.is_empty() {
            spec.set(field, Value::list(items));
        }
    }
    if facts.containers.iter().any(|container| container.list == ContainerList::Other) {
        return None;
    }
    let standard = facts.slot.as_ref().is_ok_and(|slot| {
        slot.key() == "imagePullSecrets" && slot.form() == Form { list: true, key: Some("name") }
    });
    if !standard {
        return None;
    }
    if let Some(account) = &facts.service_account {
        spec.set("serviceAccountName", Value::text(account));
    }
    if !facts.pull_secrets.is_empty() {
        let entry =
            |secret: &crate::objects::object::PullSecret| Value::map([("name", Value::text(&secret.name))]);
        spec.set("imagePullSecrets", Value::list(facts.pull_secrets.iter().map(entry).collect()));
    }
    Some(())
}
