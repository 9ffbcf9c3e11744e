//! Templates by name, and what every text that they give goes through.

use super::error::TemplateError;
use super::node::Tree;
use std::collections::HashMap;
use std::rc::Rc;

/// Templates by name, over those of another set.
pub(super) struct Set<'a> {
    pub(super) below: Option<&'a Set<'a>>,
    pub(super) trees: HashMap<String, Rc<Tree>>,
}

impl<'a> Set<'a> {
    /// The name of Helm's set, and so of what `tpl` reads.
    pub(super) const NAME: &'static str = "gotpl";

    /// The set with the templates that `tpl` has read over it.
    pub(super) fn over(below: &'a Set<'a>, trees: &[Rc<Tree>]) -> Self {
        let mut set = Set { below: Some(below), trees: HashMap::new() };
        trees.iter().for_each(|tree| set.add(tree.clone()));
        set
    }

    /// Adds a template. One that is blank does not take the place of another.
    pub(super) fn add(&mut self, tree: Rc<Tree>) {
        if !tree.root.is_blank() || self.get(&tree.name).is_none() {
            self.trees.insert(tree.name.clone(), tree);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Rc<Tree>> {
        let mut set = self;
        loop {
            match (set.trees.get(name), set.below) {
                (Some(tree), _) => return Some(tree),
                (None, Some(below)) => set = below,
                (None, None) => return None,
            }
        }
    }
}

/// Go's words for a template that is not there.
pub(super) fn unknown(name: &str) -> TemplateError {
    let message =
        format!("no template {} associated with template \"{}\"", super::quote::quote(name), Set::NAME);
    TemplateError {
        template: name.to_owned(),
        line: 0,
        column: 0,
        go: format!("template: {message}"),
        message,
    }
}

/// What prints nothing prints `<no value>` in Go; Helm takes it out again.
pub(super) fn without_no_value(text: Vec<u8>) -> Vec<u8> {
    const NO_VALUE: &[u8] = b"<no value>";
    if memchr::memmem::find(&text, NO_VALUE).is_none() {
        return text;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some(at) = memchr::memmem::find(rest, NO_VALUE) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + NO_VALUE.len()..];
    }
    out.extend_from_slice(rest);
    out
}
