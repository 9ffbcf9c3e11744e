//! What a build has made of an object: its pod specs, read from the tree that the build yields.

use super::deployment::{Image, Pod};
use crate::objects::object::{ContainerList, Object, PodSpec};
use lossless_yaml::insert::Form;
use lossless_yaml::path::Step;
use offline_kustomize::value::Value;

/// The value at a path.
pub(super) fn at<'v>(tree: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.items().get(*index),
    })
}

/// The pod specs of an object as a build yields them. `skip` steps of their paths lead to the object in its file;
/// `original` is the tree before the build, for images that only their text finds.
pub(super) fn pods(tree: &Value, object: &Object, skip: usize, original: Option<&Value>) -> Vec<Pod> {
    let mut places = original.map(image_places).unwrap_or_default();
    object
        .pod_specs
        .iter()
        .map(|pod_spec| {
            let steps = pod_spec.path.0.get(skip..).unwrap_or_default();
            let mut pod = at(tree, steps).map(|spec| pod(spec, pod_spec)).unwrap_or_default();
            for container in pod_spec.containers.iter().filter(|c| c.list == ContainerList::Other) {
                let found = places.iter().position(|(_, text)| *text == container.image);
                let place = found.map(|nth| places.remove(nth).0);
                let image = match &place {
                    Some(place) => at(tree, place).and_then(Value::as_str).map(str::to_owned),
                    None => Some(container.image.clone()),
                };
                let name = container.name.clone();
                pod.images.extend(image.map(|image| Image {
                    list: ContainerList::Other,
                    container: name,
                    image,
                }));
            }
            if pod_spec.containers.iter().any(|container| container.list == ContainerList::Other) {
                // Custom kinds may name it elsewhere; builds hardly ever change it.
                pod.service_account = pod.service_account.or_else(|| pod_spec.service_account.clone());
            }
            pod
        })
        .collect()
}

fn pod(spec: &Value, facts: &PodSpec) -> Pod {
    let mut images = Vec::new();
    for (list, field) in [
        (ContainerList::Init, "initContainers"),
        (ContainerList::Containers, "containers"),
        (ContainerList::Ephemeral, "ephemeralContainers"),
    ] {
        for container in spec.get(field).map_or(&[][..], Value::items) {
            let text = |key| container.str_at(key).unwrap_or_default().to_owned();
            let image = Image { list, container: text("name"), image: text("image") };
            images.extend((!image.image.is_empty()).then_some(image));
        }
    }
    for volume in spec.get("volumes").map_or(&[][..], Value::items) {
        if let Some(image) = volume.at(&["image", "reference"]).and_then(Value::as_str) {
            let container = volume.str_at("name").unwrap_or_default().to_owned();
            images.push(Image { list: ContainerList::Volume, container, image: image.to_owned() });
        }
    }
    let account = spec.str_at("serviceAccountName").or_else(|| spec.str_at("serviceAccount"));
    Pod { images, pull_secrets: pull_secrets(spec, facts), service_account: account.map(str::to_owned) }
}

/// The pull secrets in the field of a pod spec, whatever its form.
fn pull_secrets(spec: &Value, facts: &PodSpec) -> Vec<Option<String>> {
    let standard = Form { list: true, key: Some("name") };
    let (key, form) =
        facts.slot.as_ref().map_or(("imagePullSecrets", standard), |slot| (slot.key(), slot.form()));
    let field = spec.get(key).filter(|field| !field.is_null());
    let entries = match field {
        Some(Value::List(items)) => items.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let name = |entry: &Value| match (form.key, entry) {
        (Some(key), Value::Map(_)) => Some(entry.str_at(key).map(str::to_owned)),
        (None, Value::Scalar(text, _)) => Some(Some(text.to_string())),
        _ => None,
    };
    entries.iter().filter_map(name).collect()
}

/// Every text under a key `image`, in document order, with its path. The way down is a stack of its own.
fn image_places(tree: &Value) -> Vec<(Vec<Step>, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![(Vec::new(), tree)];
    while let Some((path, value)) = waiting.pop() {
        let below = |step: Step| {
            let mut path: Vec<Step> = path.clone();
            path.push(step);
            path
        };
        for (nth, item) in value.items().iter().enumerate().rev() {
            waiting.push((below(Step::Index(nth)), item));
        }
        for (key, item) in value.pairs().iter().rev() {
            match item {
                Value::Scalar(text, _) if &**key == "image" => {
                    found.push((below(Step::Key("image".to_owned())), text.to_string()));
                }
                _ => waiting.push((below(Step::Key(key.to_string())), item)),
            }
        }
    }
    found
}
