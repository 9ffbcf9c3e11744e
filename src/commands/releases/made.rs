//! Objects that charts make and that deploy more: an app of apps. They count as if they stood in the template that makes them, and what they
//! deploy is looked at in one more round; nothing is ever written there.

use std::collections::{BTreeMap, BTreeSet};

use crate::deliveries::delivery;
use crate::objects::marks::Marks;
use crate::plan::{File, notices};
use lossless_yaml::span::Position;

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

    /// Lets the templates say what they make.
    pub fn tell(&self, files: &mut [File]) {
        for file in files {
            let Some(texts) = self.templates.get(&file.path) else { continue };
            let text = texts.all.iter().map(String::as_str).collect::<Vec<_>>().join("\n---\n");
            let mut facts = delivery::read(&file.path, &text, Marks::of(&text));
            for (nth, delivery) in facts.iter_mut().flat_map(|facts| &mut facts.deliveries).enumerate() {
                // No line of the template is theirs alone, and yet they must not be taken for each other.
                delivery.position = Position { line: nth + 1, column: 1 };
                (delivery.namespace_line, delivery.destination_line) = (None, None);
            }
            file.delivery = facts;
            notices::rendered(file);
            file.is_made = true;
            file.is_guess = texts.is_guess;
        }
    }
}
