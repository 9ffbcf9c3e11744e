//! What a deserializer hands out piece by piece: items of a list, pairs of a mapping, the content of a variant.

use std::collections::BTreeSet;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::error::{Error, Problem};
use super::value::Value;
use crate::nearest::nearest;
use crate::parse::{Kind, Style};

impl<'c, 'd, 't> Value<'c, 'd, 't> {
    /// The text of a key.
    pub(super) fn key_text(self) -> Result<&'d str, Error> {
        match self.node.kind() {
            Kind::Scalar(_) if self.node.is_null() => Ok("null"),
            Kind::Scalar(_) => Ok(self.node.as_str().unwrap_or_default()),
            _ => Err(self.wrong_type("a key")),
        }
    }

    /// The pairs of a mapping: its own, then what merge keys add; none for null.
    pub(super) fn pairs(self) -> Result<Pairs<'c, 'd, 't>, Error> {
        if !self.node.is_mapping() && !self.node.is_null() {
            return Err(self.wrong_type("a mapping"));
        }
        let mut pairs = Pairs { mapping: self, found: Vec::new(), left_out: Vec::new() };
        let mut seen = BTreeSet::new();
        let mut waiting = vec![self];
        while let Some(mapping) = waiting.pop() {
            let mut own = BTreeSet::new();
            let mut merged = Vec::new();
            for (key, value) in mapping.node.pairs() {
                let (key, mut value) = (mapping.child(key), mapping.child(value));
                if value.written.span().is_empty() {
                    value.offset = key.offset; // a null that nobody wrote has no better place
                }
                let text = key.step().and_then(|()| key.key_text()).map_err(|error| key.located(error))?;
                if self.context.is_set_aside(key.written) || self.context.is_set_aside(value.written) {
                    pairs.left_out.push(text);
                } else if text == "<<" && key.node.kind() == Kind::Scalar(Style::Plain) {
                    merged.extend(value.merged()?);
                } else if !own.insert(text) {
                    return Err(key.located(Error::new(Problem::DuplicateKey(text.to_owned()))));
                } else if seen.insert(text) {
                    pairs.found.push((Value { is_key: true, ..key }, value));
                }
            }
            // The first one is the strongest.
            waiting.extend(merged.into_iter().rev());
        }
        pairs.found.reverse();
        Ok(pairs)
    }

    /// The mappings that a merge key's value stands for.
    fn merged(self) -> Result<Vec<Self>, Error> {
        let all = match self.node.kind() {
            Kind::Sequence { .. } => self.node.items().map(|item| self.child(item)).collect(),
            _ => vec![self],
        };
        match all.iter().find(|one| !one.node.is_mapping()) {
            Some(other) => Err(other.located(other.wrong_type("a mapping to merge"))),
            None => Ok(all),
        }
    }
}

/// Items that are left, the next one last.
pub(super) struct Items<'c, 'd, 't>(pub(super) Vec<Value<'c, 'd, 't>>);

impl<'d> de::SeqAccess<'d> for Items<'_, 'd, '_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'d>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.0.pop().map(|item| item.read(seed)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The pairs of a mapping, the next one last.
pub(super) struct Pairs<'c, 'd, 't> {
    mapping: Value<'c, 'd, 't>,
    pub(super) found: Vec<(Value<'c, 'd, 't>, Value<'c, 'd, 't>)>,
    /// Keys that are set aside.
    pub(super) left_out: Vec<&'d str>,
}

impl Pairs<'_, '_, '_> {
    /// A key that was set aside, or that a key that was set aside must have meant, is not missing.
    pub(super) fn judge(&self, mut error: Error) -> Error {
        if let (None, Problem::MissingKey(missing)) = (error.offset, error.problem()) {
            error.follows = self.left_out.iter().any(|key| nearest(key, [*missing]).is_some());
        }
        self.mapping.located(error)
    }
}

impl<'d> de::MapAccess<'d> for &mut Pairs<'_, 'd, '_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'d>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.found.last().map(|(key, _)| key.read(seed)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'d>>(&mut self, seed: S) -> Result<S::Value, Error> {
        match self.found.pop() {
            Some((_, value)) => value.read(seed),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.found.len())
    }
}

/// Makes a word the variant of that name.
pub(super) struct UnitVariant<V>(pub(super) V);

impl<'d, V: Visitor<'d>> Visitor<'d> for UnitVariant<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.expecting(f)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
        self.0.visit_enum(word.into_deserializer())
    }
}

/// A mapping of one key, which names the variant.
pub(super) struct Variant<'c, 'd, 't> {
    pub(super) key: Value<'c, 'd, 't>,
    pub(super) value: Value<'c, 'd, 't>,
}

impl<'c, 'd, 't> de::EnumAccess<'d> for Variant<'c, 'd, 't> {
    type Error = Error;
    type Variant = Value<'c, 'd, 't>;

    fn variant_seed<S: DeserializeSeed<'d>>(self, seed: S) -> Result<(S::Value, Self::Variant), Error> {
        Ok((self.key.read(seed).map_err(Error::of_key)?, self.value))
    }
}

impl<'d> de::VariantAccess<'d> for Value<'_, 'd, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.read(std::marker::PhantomData)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'d>>(self, seed: S) -> Result<S::Value, Error> {
        self.read(seed)
    }

    fn tuple_variant<V: Visitor<'d>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_seq(self, visitor).map_err(|error| self.located(error))
    }

    fn struct_variant<V: Visitor<'d>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor).map_err(|error| self.located(error))
    }
}
