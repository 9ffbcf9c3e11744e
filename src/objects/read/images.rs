//! The images of an object, and the place of those that it has no room for.

use crate::objects::field_path::FieldPath;
use crate::objects::object::{Container, ContainerList, PodSpec};
use crate::objects::site::Site;
use crate::objects::workload::walk;
use lossless_yaml::parse::Node;
use lossless_yaml::path::Path;
use lossless_yaml::refusal::Refusal;
use lossless_yaml::span::Position;

/// Where images are looked for, and the objects of the same document that have places of their own.
type Within<'d, 't, 'e> = (Node<'d, 't>, &'e [Node<'d, 't>]);

/// Tells the position of an offset in the file.
type At<'a> = &'a dyn Fn(usize) -> Position;

/// The images of an object in which nothing is there that could take a pull secret, as a place that takes none: what its kind has for
/// that is known, and what else would have to stand there is not.
pub(super) fn without_room<'d, 't>(
    (object, embedded): Within<'d, 't, '_>,
    path: &Path,
    sites: &[Site],
    at: At<'_>,
) -> Option<PodSpec> {
    let there = |site: &Site| {
        let mapping = site.mapping();
        let steps = mapping.steps().count();
        let lies = |below: &FieldPath<'_>| !walk(object, path, below).is_empty();
        (0..steps).rev().find(|above| lies(&mapping.first(*above)))
    };
    // The one of which most is there; of equals the first.
    let site = sites.iter().rev().filter(|site| site.field().is_some()).max_by_key(|site| there(site))?;
    let (key, _) = site.field()?;
    let mut containers = Vec::new();
    other_images((object, embedded), true, &mut containers, at);
    if containers.is_empty() {
        return None;
    }
    let missing = site.mapping();
    Some(PodSpec {
        path: path.clone(),
        position: at(object.span().start),
        containers,
        service_account: None,
        pull_secrets: Vec::new(),
        slot: Err(Refusal::Absent(format!("{missing}.{key}"))),
        written_at: path.clone(),
        users: 1,
        within: None,
        chart: None,
    })
}

/// Images where every pod spec keeps them.
pub(super) fn containers(pod_spec: Node<'_, '_>, at: At<'_>) -> Vec<Container> {
    let lists = [
        (ContainerList::Init, "initContainers"),
        (ContainerList::Containers, "containers"),
        (ContainerList::Ephemeral, "ephemeralContainers"),
        (ContainerList::Volume, "volumes"),
    ];
    let mut containers = Vec::new();
    for (list, key) in lists {
        for item in pod_spec.get(key).into_iter().flat_map(Node::items).map(Node::resolved) {
            let image = match list {
                ContainerList::Volume => item.path(&["image", "reference"]),
                _ => item.get("image"),
            };
            let Some((image, text)) = image.and_then(|image| Some((image, image.as_str()?))) else {
                continue;
            };
            if text.is_empty() {
                continue;
            }
            containers.push(Container {
                list,
                name: item.str_at("name").unwrap_or_default().to_owned(),
                image: text.to_owned(),
                position: at(image.span().start),
            });
        }
    }
    containers
}

/// Texts under a key called `image` right in `scope`, or anywhere below it, that are not in `containers` yet.
pub(super) fn other_images<'d, 't>(
    (scope, embedded): Within<'d, 't, '_>,
    is_deep: bool,
    containers: &mut Vec<Container>,
    at: At<'_>,
) {
    let mut waiting = vec![scope];
    while let Some(node) = waiting.pop() {
        if embedded.contains(&node) {
            continue;
        }
        for (key, value) in node.pairs() {
            if key.as_str() == Some("image")
                && let Some(image) = value.as_str().filter(|image| !image.is_empty())
            {
                let position = at(value.span().start);
                if !containers.iter().any(|known| known.position == position) {
                    let name = node.str_at("name").unwrap_or_default().to_owned();
                    let (list, image) = (ContainerList::Other, image.to_owned());
                    containers.push(Container { list, name, image, position });
                }
            }
            // A Ceph block device has an `image` that is none.
            if is_deep && key.as_str() != Some("rbd") {
                waiting.push(value);
            }
        }
        waiting.extend(node.items());
    }
    containers.sort_by_key(|container| (container.list, container.position));
}
