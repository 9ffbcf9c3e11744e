//! Objects that charts make and that deploy more: an app of apps. They count as if they stood in the template that makes them, and what they
//! deploy is looked at in one more round; nothing is ever written there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::deliveries::delivery;
use crate::effects::source;
use crate::objects::marks::Marks;
use crate::plan::{File, notices};
use lossless_yaml::span::Position;
use offline_kustomize::value::Value;

/// An object that a chart makes and that deploys more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) name: String,
    /// The template that makes it, from the repository's root.
    pub(super) template: String,
    /// The object as the chart makes it.
    pub(super) text: String,
}

/// Such objects by the templates that make them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    templates: BTreeMap<String, Texts>,
    count: usize,
}

/// How many may be followed: a chart that makes itself several times makes ever more of them.
const MOST: usize = 1_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Texts {
    all: BTreeSet<String>,
    is_guess: bool,
}

impl Made {
    /// Whether there are too many to follow any of them.
    pub fn is_full(&self) -> bool {
        self.count > MOST
    }

    /// Adds an object, once; `is_guess` is whether the chart that makes it may have other values than are here.
    pub(super) fn add(&mut self, object: &Object, is_guess: bool) {
        if self.is_full() {
            return;
        }
        let texts = self.templates.entry(object.template.clone()).or_default();
        texts.is_guess |= is_guess;
        self.count += usize::from(texts.all.insert(object.text.clone()));
    }

    /// Whether an object is among them.
    pub(super) fn has(&self, object: &Object) -> bool {
        self.templates.get(&object.template).is_some_and(|texts| texts.all.contains(&object.text))
    }

    /// Lets the templates, in a repository with that root, say what they make.
    pub fn tell(&self, files: &mut [File], root: &Path) {
        for file in files {
            let Some(texts) = self.templates.get(&file.path) else { continue };
            let text = texts.all.iter().map(String::as_str).collect::<Vec<_>>().join("\n---\n");
            let mut facts = delivery::read(&file.path, &text, Marks::of(&text));
            let template = source::text(root, &file.path).unwrap_or_default();
            for delivery in facts.iter_mut().flat_map(|facts| &mut facts.deliveries) {
                let of = |key: &[&str]| delivery.tree.at(key).and_then(Value::as_str).unwrap_or_default();
                let line = line_of(&template, of(&["kind"]), of(&["metadata", "name"]));
                delivery.position = Position { line, column: 1 };
                (delivery.namespace_line, delivery.destination_line) = (None, None);
            }
            file.delivery = facts;
            notices::rendered(file);
            file.is_made = true;
            file.is_guess = texts.is_guess;
        }
    }
}

/// The line of a template on which an object of that kind and name seems to start: where its kind is written, with that name below if it
/// is written at all; the first line for what is put together otherwise.
fn line_of(template: &str, kind: &str, name: &str) -> usize {
    let value = |line: &str, key: &str| {
        let line = line.trim_start_matches([' ', '-']);
        let value = line.strip_prefix(key)?.strip_prefix(':')?.trim();
        Some(value.trim_matches(['"', '\'']).to_owned())
    };
    let is = |line: &str, key: &str, wanted: &str| value(line, key).is_some_and(|found| found == wanted);
    let lines: Vec<&str> = template.lines().collect();
    let mut found = None;
    let mut start = 0;
    for document in lines.split_inclusive(|line| line.starts_with("---")) {
        if let Some(at) = document.iter().position(|line| is(line, "kind", kind)) {
            let first =
                document[..at].iter().rposition(|line| value(line, "apiVersion").is_some()).unwrap_or(at);
            let is_named = document.iter().any(|line| is(line, "name", name));
            if is_named || found.is_none() {
                found = Some(start + first + 1);
            }
            if is_named {
                break;
            }
        }
        start += document.len();
    }
    found.unwrap_or(1)
}
