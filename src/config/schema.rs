//! The JSON Schema of the configuration object, made from the types that read it.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::stored::Object;
use crate::kube::site::{Purpose, Shape, Suspect};
use crate::yaml::de::Spanned;

/// The JSON Schema (draft 2020-12) of the configuration object; `codes` are those of all findings.
pub fn schema(codes: &[&str]) -> serde_json::Value {
    let mut schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Object>().to_value();
    schema["$defs"]["Finding"]["properties"]["code"]["enum"] = codes.into();
    schema
}

/// A value is described alike with and without its position.
impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Names that another module owns, as the values of an enumeration.
macro_rules! names {
    ($($type:ident: $names:expr;)+) => {$(
        pub(super) struct $type;

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "enum": $names })
            }
        }
    )+};
}

names! {
    Shapes: shape_names();
    Purposes: purpose_names();
    Suspects: suspect_names();
}

/// Shapes that can be written.
pub(super) fn shape_names() -> Vec<&'static str> {
    Shape::ALL.iter().filter(|shape| **shape != Shape::Other).map(|shape| shape.name()).collect()
}

/// Purposes that are off by default.
pub(super) fn purpose_names() -> Vec<&'static str> {
    Purpose::ALL.iter().filter(|purpose| **purpose != Purpose::Pod).map(|purpose| purpose.name()).collect()
}

/// Doubts.
pub(super) fn suspect_names() -> Vec<&'static str> {
    Suspect::ALL.iter().map(|suspect| suspect.name()).collect()
}
