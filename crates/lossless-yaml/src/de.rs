//! From nodes to Rust values: a serde deserializer whose errors know the bytes that they are about.
//!
//! YAML 1.2 core types; null stands for an empty list or mapping where one is expected. Duplicate keys are errors.
//! Aliases and merge keys are followed, within limits on depth and size. Which keys are known is up to the type
//! (`deny_unknown_fields`). Nothing is converted: a number is no string.

mod access;
mod error;
mod scalar;
mod spanned;
mod value;

use serde::Deserialize;
use serde::de::{self, Visitor};
use serde::forward_to_deserialize_any;

use super::parse::{Kind, Node};
use access::{Items, UnitVariant, Variant};
use scalar::Scalar;
use value::{Context, Value};

pub use error::{Error, Problem};
pub use spanned::Spanned;

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
