//! A set of templates by name, and what they render to.

use super::exec::State;
use super::node::Tree;
use super::run::Run;
use super::{Limits, TemplateError, Value, parser};
use std::collections::HashMap;
use std::rc::Rc;

/// The templates of a chart and its subcharts: one set, in which names are global.
pub struct Engine {
    limits: Limits,
    set: Set<'static>,
}

/// Templates by name, over those of another set.
pub(super) struct Set<'a> {
    below: Option<&'a Set<'a>>,
    trees: HashMap<String, Rc<Tree>>,
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
    fn add(&mut self, tree: Rc<Tree>) {
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

impl Engine {
    /// An empty set.
    pub fn new(limits: Limits) -> Self {
        Engine { limits, set: Set { below: None, trees: HashMap::new() } }
    }

    /// Reads a template under a name. What it defines takes the place of what had the name.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), TemplateError> {
        for tree in parser::parse(name, text)? {
            self.set.add(Rc::new(tree));
        }
        Ok(())
    }

    /// What the template of that name gives for the data, `<no value>` taken out.
    pub fn render(&self, name: &str, data: Value) -> Result<Vec<u8>, TemplateError> {
        self.renderer().render(name, data)
    }

    /// Renders several templates that share the limits.
    pub fn renderer(&self) -> Renderer<'_> {
        Renderer { set: &self.set, run: Run::new(self.limits.clone()) }
    }
}

/// One rendering of a chart: its templates, one after the other, within the same limits.
pub struct Renderer<'a> {
    set: &'a Set<'a>,
    run: Run,
}

impl Renderer<'_> {
    /// What the template of that name gives for the data, `<no value>` taken out.
    pub fn render(&self, name: &str, data: Value) -> Result<Vec<u8>, TemplateError> {
        let mut out = Vec::new();
        match self.set.get(name) {
            Some(tree) => {
                State::new(&self.run, self.set, tree, data).root(&mut out).map_err(|error| *error)?
            }
            None => return Err(unknown(name)),
        }
        Ok(without_no_value(out))
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

/// Runs on a thread whose stack is large enough for the depth that [`Limits`] allow.
pub fn with_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(Limits::STACK).spawn_scoped(scope, run);
        match thread.map(|thread| thread.join()) {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => panic!("no thread: {error}"),
        }
    })
}
