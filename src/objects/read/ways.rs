//! Walks over the tree of one object: what is somewhere below it, where a node is written and what leads there besides.

use crate::objects::mentions::is_full;
use lossless_yaml::parse::Node;
use lossless_yaml::path::{Path, Step};

/// A key given twice in the object itself, or on the way from there to a node below it when the way leads through it.
pub(super) fn duplicate_above(object: Node<'_, '_>, node: Node<'_, '_>) -> Option<String> {
    let mut below = node;
    while let Some(above) = below.parent().filter(|_| below != object) {
        let key = above.pairs().find(|(_, value)| *value == below).and_then(|(key, _)| key.as_str());
        if let Some(key) = key
            && above.pairs().filter(|(other, _)| other.as_str() == Some(key)).count() > 1
        {
            return Some(key.to_owned());
        }
        below = above;
    }
    object.duplicate_key().and_then(Node::as_str).map(str::to_owned)
}

/// The path of a node where it is written.
pub(super) fn path_of(node: Node<'_, '_>) -> Path {
    let mut steps = Vec::new();
    let mut below = node;
    while let Some(above) = below.parent() {
        if above.is_sequence() {
            let nth = above.items().position(|item| item == below).unwrap_or_default();
            steps.push(Step::Index(nth));
        } else if let Some((key, _)) = above.pairs().find(|(_, value)| *value == below) {
            steps.push(Step::Key(key.as_str().unwrap_or_default().to_owned()));
        }
        below = above;
    }
    steps.reverse();
    Path(steps)
}

/// How many places a node stands in: its own and one for every alias of it or of what it lies in.
pub(super) fn users(node: Node<'_, '_>) -> usize {
    1 + std::iter::successors(Some(node), |node| node.parent()).map(Node::alias_count).sum::<usize>()
}

/// An image that a field called `image` names with its registry, somewhere below.
pub(super) fn named_image(object: Node<'_, '_>) -> Option<String> {
    let mut waiting = vec![object];
    while let Some(node) = waiting.pop() {
        for (key, value) in node.pairs() {
            if key.as_str() == Some("image")
                && let Some(text) = value.as_str().filter(|text| is_full(text))
            {
                return Some(text.to_owned());
            }
            waiting.push(value);
        }
        waiting.extend(node.items());
    }
    None
}

/// Whether a list called `containers` somewhere below holds something with an `image`.
pub(super) fn runs_containers(object: Node<'_, '_>) -> bool {
    let mut waiting = vec![object];
    while let Some(node) = waiting.pop() {
        for (key, value) in node.pairs() {
            if key.as_str() == Some("containers")
                && value.items().any(|item| item.str_at("image").is_some() && item.get("name").is_some())
            {
                return true;
            }
            waiting.push(value);
        }
        waiting.extend(node.items());
    }
    false
}

/// What an object of a kind that no catalog has does with images, if anything.
pub(super) fn what_runs(object: Node<'_, '_>) -> Option<String> {
    if runs_containers(object) {
        return Some("runs containers".to_owned());
    }
    named_image(object).map(|image| format!("names the image `{image}`"))
}
