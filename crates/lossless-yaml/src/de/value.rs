//! A node on its way to become a value, and what all values of one read share: limits, and the node that an error is about.

use std::cell::Cell;

use serde::Deserialize;
use serde::de::DeserializeSeed;

use super::error::{Error, Problem};
use super::scalar::Scalar;
use crate::parse::{Kind, Node};
use crate::span::Span;

/// How deep values may nest; the parser allows a written file no more, aliases could go on.
const DEPTH_LIMIT: usize = 256;
/// How many steps through nodes a read may take besides those that a document without aliases needs.
const REPEATED_STEPS: usize = 100_000;

/// What all values of one read share.
pub(super) struct Context<'c, 'd, 't> {
    /// Steps that may still be taken.
    pub(super) budget: Cell<usize>,
    /// The node that the error is about.
    pub(super) culprit: Cell<Option<Node<'d, 't>>>,
    /// Keys, values and items to be read as if they were not there.
    pub(super) set_aside: &'c [Node<'d, 't>],
}

/// A node on its way to become a value.
pub(super) struct Value<'c, 'd, 't> {
    pub(super) context: &'c Context<'c, 'd, 't>,
    /// As written: possibly an alias.
    pub(super) written: Node<'d, 't>,
    /// What it stands for.
    pub(super) node: Node<'d, 't>,
    /// Where messages about it point to.
    pub(super) offset: usize,
    pub(super) depth: usize,
    /// Whether it is the key of a mapping, which is text whatever it looks like.
    pub(super) is_key: bool,
}

impl Copy for Value<'_, '_, '_> {}
impl Clone for Value<'_, '_, '_> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'c, 'd, 't> Context<'c, 'd, 't> {
    pub(super) fn new(root: Node<'d, 't>, set_aside: &'c [Node<'d, 't>]) -> Self {
        // A node is looked at as part of its collection and read by itself.
        let budget = 2 * root.document().nodes().count() + REPEATED_STEPS;
        Self { budget: Cell::new(budget), culprit: Cell::new(None), set_aside }
    }

    pub(super) fn read<T: Deserialize<'d>>(&'c self, root: Node<'d, 't>) -> Result<T, Error> {
        let offset = root.span().start;
        let value =
            Value { context: self, written: root, node: root.resolved(), offset, depth: 0, is_key: false };
        value.read(std::marker::PhantomData)
    }

    pub(super) fn is_set_aside(&self, node: Node<'d, 't>) -> bool {
        self.set_aside.contains(&node)
    }
}

impl<'c, 'd, 't> Value<'c, 'd, 't> {
    pub(super) fn child(self, written: Node<'d, 't>) -> Self {
        let (node, offset) = (written.resolved(), written.span().start);
        Self { written, node, offset, depth: self.depth + 1, is_key: false, ..self }
    }

    pub(super) fn read<S: DeserializeSeed<'d>>(self, seed: S) -> Result<S::Value, Error> {
        let result = self.step().and_then(|()| seed.deserialize(self));
        result.map_err(|error| self.located(error))
    }

    pub(super) fn step(self) -> Result<(), Error> {
        let Some(budget) = self.context.budget.get().checked_sub(1) else {
            return Err(Error::new(Problem::TooLarge));
        };
        self.context.budget.set(budget);
        if self.depth > DEPTH_LIMIT { Err(Error::new(Problem::TooDeep)) } else { Ok(()) }
    }

    /// The innermost node that sees an error is the one it is about.
    pub(super) fn located(self, mut error: Error) -> Error {
        if error.offset.is_none() {
            error.offset = Some(self.offset);
            self.context.culprit.set(Some(self.written));
        }
        error
    }

    pub(super) fn span(self) -> Span {
        let span = self.written.span();
        if span.is_empty() { Span::new(self.offset, self.offset) } else { span }
    }

    pub(super) fn describe(self) -> &'static str {
        match self.node.kind() {
            Kind::Mapping { .. } => "a mapping",
            Kind::Sequence { .. } => "a list",
            Kind::Scalar(_) | Kind::Alias => Scalar::of(self.node).describe(),
        }
    }

    pub(super) fn wrong_type(self, expected: &str) -> Error {
        Error::wrong_type(expected, self.describe())
    }
}
