//! A set of templates by name, and what they render to.

use super::error::TemplateError;
use super::exec::State;
use super::limits::Limits;
use super::parser;
use super::run::Run;
use super::set::{Set, unknown, without_no_value};
use crate::value::Value;
use std::collections::HashMap;
use std::rc::Rc;

/// The templates of a chart and its subcharts: one set, in which names are global.
pub struct Engine {
    limits: Limits,
    set: Set<'static>,
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
    /// The functions whose stand-ins for something random are in a text that was rendered.
    pub fn stand_ins_in(&self, text: &[u8]) -> Vec<&'static str> {
        self.run.stand_ins_in(text)
    }

    /// What the template of that name gives for the data, `<no value>` taken out.
    pub fn render(&self, name: &str, data: Value) -> Result<Vec<u8>, TemplateError> {
        self.render_as_go(name, data).map(without_no_value)
    }

    /// The same as Go has it: what prints nothing is `<no value>`.
    pub fn render_as_go(&self, name: &str, data: Value) -> Result<Vec<u8>, TemplateError> {
        let tree = self.set.get(name).ok_or_else(|| unknown(name))?;
        let mut out = Vec::new();
        State::new(&self.run, self.set, tree, data).root(&mut out).map_err(|error| *error)?;
        Ok(out)
    }
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
