//! From nodes to Rust values: a serde deserializer whose errors know the bytes that they are about.
//!
//! YAML 1.2 core types; null stands for an empty list or mapping where one is expected. Duplicate keys are errors.
//! Aliases and merge keys are followed, within limits on depth and size. Which keys are known is up to the type
//! (`deny_unknown_fields`). Nothing is converted: a number is no string.

mod access;
mod error;
mod scalar;
mod spanned;

use std::cell::Cell;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Visitor};
use serde::forward_to_deserialize_any;

use super::parse::{Kind, Node};
use super::span::Span;
use access::{Items, UnitVariant, Variant};
use scalar::Scalar;

pub use error::{Error, Problem};
pub use spanned::Spanned;

/// How deep values may nest; the parser allows a written file no more, aliases could go on.
const DEPTH_LIMIT: usize = 256;
/// How many steps through nodes a read may take besides those that a document without aliases needs.
const REPEATED_STEPS: usize = 100_000;
/// How many errors [`from_node_reporting_all`] looks for.
const ERROR_LIMIT: usize = 20;

/// Reads a node and all below it.
///
/// # Errors
/// The first node that does not fit.
pub fn from_node<'d, T: Deserialize<'d>>(node: Node<'d, '_>) -> Result<T, Error> {
    Context::new(node, &[]).read(node)
}

/// Reads a node and all below it, and when it does not fit goes on as if the part that does not were not there.
///
/// # Errors
/// Every node that does not fit, up to twenty, in the order of the file. An error that only follows from an earlier
/// one (the key is missing because it is misspelt) is not among them.
pub fn from_node_reporting_all<'d, T: Deserialize<'d>>(node: Node<'d, '_>) -> Result<T, Vec<Error>> {
    let mut errors = Vec::new();
    let mut set_aside = Vec::new();
    loop {
        let context = Context::new(node, &set_aside);
        let error = match context.read(node) {
            Ok(value) if errors.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        let culprit = context.culprit.get();
        let is_last = matches!(error.problem(), Problem::TooLarge) || errors.len() + 1 == ERROR_LIMIT;
        if !error.follows {
            errors.push(error);
        }
        match culprit {
            Some(culprit) if culprit != node && !is_last => set_aside.push(culprit),
            _ => break,
        }
    }
    errors.sort_by_key(Error::offset);
    Err(errors)
}

/// What all values of one read share.
struct Context<'c, 'd, 't> {
    /// Steps that may still be taken.
    budget: Cell<usize>,
    /// The node that the error is about.
    culprit: Cell<Option<Node<'d, 't>>>,
    /// Keys, values and items to be read as if they were not there.
    set_aside: &'c [Node<'d, 't>],
}

/// A node on its way to become a value.
struct Value<'c, 'd, 't> {
    context: &'c Context<'c, 'd, 't>,
    /// As written: possibly an alias.
    written: Node<'d, 't>,
    /// What it stands for.
    node: Node<'d, 't>,
    /// Where messages about it point to.
    offset: usize,
    depth: usize,
    /// Whether it is the key of a mapping, which is text whatever it looks like.
    is_key: bool,
}

impl Copy for Value<'_, '_, '_> {}
impl Clone for Value<'_, '_, '_> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'c, 'd, 't> Context<'c, 'd, 't> {
    fn new(root: Node<'d, 't>, set_aside: &'c [Node<'d, 't>]) -> Self {
        // A node is looked at as part of its collection and read by itself.
        let budget = 2 * root.document().nodes().count() + REPEATED_STEPS;
        Self { budget: Cell::new(budget), culprit: Cell::new(None), set_aside }
    }

    fn read<T: Deserialize<'d>>(&'c self, root: Node<'d, 't>) -> Result<T, Error> {
        let offset = root.span().start;
        let value =
            Value { context: self, written: root, node: root.resolved(), offset, depth: 0, is_key: false };
        value.read(std::marker::PhantomData)
    }

    fn is_set_aside(&self, node: Node<'d, 't>) -> bool {
        self.set_aside.contains(&node)
    }
}

impl<'c, 'd, 't> Value<'c, 'd, 't> {
    fn child(self, written: Node<'d, 't>) -> Self {
        let (node, offset) = (written.resolved(), written.span().start);
        Self { written, node, offset, depth: self.depth + 1, is_key: false, ..self }
    }

    fn read<S: DeserializeSeed<'d>>(self, seed: S) -> Result<S::Value, Error> {
        let result = self.step().and_then(|()| seed.deserialize(self));
        result.map_err(|error| self.located(error))
    }

    fn step(self) -> Result<(), Error> {
        let Some(budget) = self.context.budget.get().checked_sub(1) else {
            return Err(Error::new(Problem::TooLarge));
        };
        self.context.budget.set(budget);
        if self.depth > DEPTH_LIMIT { Err(Error::new(Problem::TooDeep)) } else { Ok(()) }
    }

    /// The innermost node that sees an error is the one it is about.
    fn located(self, mut error: Error) -> Error {
        if error.offset.is_none() {
            error.offset = Some(self.offset);
            self.context.culprit.set(Some(self.written));
        }
        error
    }

    fn span(self) -> Span {
        let span = self.written.span();
        if span.is_empty() { Span::new(self.offset, self.offset) } else { span }
    }

    fn describe(self) -> &'static str {
        match self.node.kind() {
            Kind::Mapping { .. } => "a mapping",
            Kind::Sequence { .. } => "a list",
            Kind::Scalar(_) | Kind::Alias => Scalar::of(self.node).describe(),
        }
    }

    fn wrong_type(self, expected: &str) -> Error {
        Error::wrong_type(expected, self.describe())
    }
}

impl<'d> de::Deserializer<'d> for Value<'_, 'd, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_key {
            return visitor.visit_borrowed_str(self.key_text()?);
        }
        match self.node.kind() {
            Kind::Mapping { .. } => self.deserialize_map(visitor),
            Kind::Sequence { .. } => self.deserialize_seq(visitor),
            Kind::Scalar(_) | Kind::Alias => match Scalar::of(self.node) {
                Scalar::Null => visitor.visit_unit(),
                Scalar::Bool(value) => visitor.visit_bool(value),
                Scalar::Signed(value) => visitor.visit_i64(value),
                Scalar::Unsigned(value) => visitor.visit_u64(value),
                Scalar::Float(value) => visitor.visit_f64(value),
                Scalar::Text(value) => visitor.visit_borrowed_str(value),
            },
        }
    }

    fn deserialize_bool<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        match Scalar::of(self.node) {
            Scalar::Bool(value) if !self.is_key => visitor.visit_bool(value),
            _ => Err(self.wrong_type("`true` or `false`")),
        }
    }

    fn deserialize_str<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_key {
            return visitor.visit_borrowed_str(self.key_text()?);
        }
        match self.node.kind() {
            Kind::Scalar(_) => match Scalar::of(self.node) {
                Scalar::Text(text) => visitor.visit_borrowed_str(text),
                _ => Err(self.wrong_type("a string")),
            },
            _ => Err(self.wrong_type("a string")),
        }
    }

    fn deserialize_string<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'d>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        if !self.node.is_sequence() && !self.node.is_null() {
            return Err(self.wrong_type("a list"));
        }
        let mut items: Vec<Self> = self
            .node
            .items()
            .filter(|item| !self.context.is_set_aside(*item))
            .map(|item| self.child(item))
            .collect();
        items.reverse();
        visitor.visit_seq(Items(items))
    }

    fn deserialize_tuple<V: Visitor<'d>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'d>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut pairs = self.pairs()?;
        let result = visitor.visit_map(&mut pairs);
        result.map_err(|error| pairs.judge(error))
    }

    fn deserialize_struct<V: Visitor<'d>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == spanned::NAME {
            return visitor.visit_seq(spanned::Parts::new(self));
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'d>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if !self.node.is_mapping() {
            return self.deserialize_str(UnitVariant(visitor));
        }
        let mut pairs = self.pairs()?;
        match (pairs.found.pop(), pairs.found.is_empty()) {
            (Some((key, value)), true) => visitor.visit_enum(Variant { key, value }),
            _ => {
                let mut error = Error::new(Problem::NotOneKey(variants));
                error.follows = !pairs.left_out.is_empty();
                Err(error)
            }
        }
    }

    fn deserialize_identifier<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'d>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'d>>
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
    }
}

#[cfg(test)]
mod tests;
