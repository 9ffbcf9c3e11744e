//! The JSON Schema of the configuration object, made from the types that read it.

use schemars::generate::SchemaSettings;

use super::stored::Object;

/// The JSON Schema (draft 2020-12) of the configuration object; `codes` are those of all findings.
pub fn schema(codes: &[&str]) -> serde_json::Value {
    let mut schema =
        SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Object>().to_value();
    schema["$defs"]["Finding"]["properties"]["code"]["enum"] = codes.into();
    schema
}
