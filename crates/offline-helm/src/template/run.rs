//! What all templates of one rendering share: its limits, how much of them is used, and what nests in what.

use super::limits::Limits;
use super::node::Tree;
use super::set::Set;
use crate::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Instant;

/// How often Helm lets a template include itself.
const NESTED: usize = 1_000;

/// One rendering.
pub(super) struct Run {
    limits: Limits,
    started: Instant,
    steps: Cell<u64>,
    depth: Cell<usize>,
    made: Cell<usize>,
    /// What functions gave in place of something random.
    stand_ins: RefCell<BTreeSet<(&'static str, crate::value::Str)>>,
    /// How often each template is included at the moment.
    included: RefCell<HashMap<String, usize>>,
    /// Texts that `tpl` has read.
    texts: RefCell<HashMap<crate::value::Str, Rc<Vec<Rc<Tree>>>>>,
}

impl Run {
    pub(super) fn new(limits: Limits) -> Self {
        Run {
            limits,
            started: Instant::now(),
            steps: Cell::default(),
            depth: Cell::default(),
            made: Cell::default(),
            stand_ins: RefCell::default(),
            included: RefCell::default(),
            texts: RefCell::default(),
        }
    }

    /// One more node.
    pub(super) fn step(&self) -> Result<(), String> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if steps > self.limits.steps {
            return Err(format!("the templates take more than {} steps", self.limits.steps));
        }
        if steps.is_multiple_of(1024) && self.started.elapsed() > self.limits.time {
            return Err(format!("the templates take more than {} s", self.limits.time.as_secs()));
        }
        Ok(())
    }

    /// One level deeper. An error ends the rendering, so that only success has to be left again.
    pub(super) fn enter(&self) -> Result<(), String> {
        let depth = self.depth.get() + 1;
        self.depth.set(depth);
        if depth > self.limits.depth {
            return Err(format!("templates nest deeper than {} levels", self.limits.depth));
        }
        Ok(())
    }

    pub(super) fn leave(&self) {
        self.depth.set(self.depth.get() - 1);
    }

    /// Counts what a function or a template has made.
    pub(super) fn made(&self, value: &Value) -> Result<(), String> {
        self.count(match value {
            Value::Str(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(list) => 32 * list.items().len(),
            _ => 0,
        })
    }

    /// Notes what stands in for something random.
    pub(super) fn stood_in(&self, function: &'static str, value: &Value) {
        let mut texts = self.stand_ins.borrow_mut();
        let mut add = |value: &Value| {
            if let Value::Str(text) = value {
                texts.insert((function, text.clone()));
            }
        };
        match value {
            Value::Object(object) => {
                ["Cert", "Key"].iter().filter_map(|name| object.field(name)).for_each(|it| add(&it))
            }
            value => add(value),
        }
    }

    /// The functions whose stand-ins are in a text, as they are or in base64. Short ones could be there by chance.
    pub(super) fn stand_ins_in(&self, text: &[u8]) -> Vec<&'static str> {
        let texts = self.stand_ins.borrow();
        let is_there = |value: &[u8]| memchr::memmem::find(text, value).is_some();
        let found = texts.iter().filter(|(_, value)| {
            value.len() >= 4
                && (is_there(value.as_bytes()) || is_there(STANDARD.encode(value.as_bytes()).as_bytes()))
        });
        found.map(|(function, _)| *function).collect()
    }

    /// Counts bytes that are made.
    pub(super) fn count(&self, bytes: usize) -> Result<(), String> {
        let made = self.made.get().saturating_add(bytes);
        self.made.set(made);
        if made > self.limits.output {
            return Err(format!("the templates make more than {} MiB of text", self.limits.output >> 20));
        }
        Ok(())
    }

    /// One more `include` of that name within others of it.
    pub(super) fn include(&self, name: &str) -> Result<(), String> {
        let mut included = self.included.borrow_mut();
        match included.get_mut(name) {
            Some(count) if *count > NESTED => Err(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )),
            Some(count) => {
                *count += 1;
                Ok(())
            }
            None => {
                included.insert(name.to_owned(), 1);
                Ok(())
            }
        }
    }

    /// The end of an `include`.
    pub(super) fn included(&self, name: &str) {
        if let Some(count) = self.included.borrow_mut().get_mut(name) {
            *count -= 1;
        }
    }

    /// What `tpl` reads, once for each text.
    pub(super) fn read(
        &self,
        text: &crate::value::Str,
    ) -> Result<Rc<Vec<Rc<Tree>>>, super::error::TemplateError> {
        if let Some(trees) = self.texts.borrow().get(text) {
            return Ok(trees.clone());
        }
        self.count(text.len()).ok();
        let trees = super::parser::parse(Set::NAME, &text.text())?;
        let trees = Rc::new(trees.into_iter().map(Rc::new).collect::<Vec<_>>());
        self.texts.borrow_mut().insert(text.clone(), trees.clone());
        Ok(trees)
    }
}
