//! Names that other rooms own and the configuration may use: as values of enumerations in its schema, and for its errors.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::objects::site::{Purpose, Shape, Suspect};

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
