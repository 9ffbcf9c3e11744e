//! Values as YAML, JSON and TOML and back, and sums.

use super::arguments::{NO_TYPE, bytes, fixed, text};
use super::signature::{Function, Type};
use super::{json, json_reader, toml};
use crate::value::{List, ListType, Str, Value};
use crate::yaml::{from_yaml, to_yaml, to_yaml_pretty};
use Type::Any;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use std::fmt::Write as _;
use std::rc::Rc;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("toYaml", &[Any], |args| Ok(lines(to_yaml(&args[0])))),
    fixed("mustToYaml", &[Any], |args| to_yaml(&args[0]).map(|text| lines(Ok(text)))),
    fixed("toYamlPretty", &[Any], |args| Ok(lines(to_yaml_pretty(&args[0])))),
    fixed("fromYaml", &[Type::Str], |args| Ok(from_yaml_map(&text(&args[0])))),
    fixed("fromYamlArray", &[Type::Str], |args| Ok(from_yaml_list(&text(&args[0])))),
    fixed("toJson", &[Any], |args| Ok(Value::str(json::write(&args[0], true).unwrap_or_default()))),
    fixed("mustToJson", &[Any], |args| json::write(&args[0], true).map(Value::str)),
    fixed("toRawJson", &[Any], |args| json::write(&args[0], false).map(Value::str)),
    fixed("mustToRawJson", &[Any], |args| json::write(&args[0], false).map(Value::str)),
    fixed("toPrettyJson", &[Any], |args| Ok(Value::str(json::write_pretty(&args[0]).unwrap_or_default()))),
    fixed("mustToPrettyJson", &[Any], |args| json::write_pretty(&args[0]).map(Value::str)),
    fixed("fromJson", &[Type::Str], |args| Ok(from_json_map(bytes(&args[0])))),
    fixed("fromJsonArray", &[Type::Str], |args| Ok(from_json_list(bytes(&args[0])))),
    fixed("mustFromJson", &[Type::Str], |args| json_reader::read(bytes(&args[0]))),
    fixed("toToml", &[Any], |args| match &args[0] {
        Value::Nil => Err(NO_TYPE.to_owned()),
        value => Ok(Value::str(toml::write(value).unwrap_or_else(|error| error))),
    }),
    fixed("mustToToml", &[Any], |args| match &args[0] {
        Value::Nil => Err(NO_TYPE.to_owned()),
        value => toml::write(value).map(Value::str),
    }),
    fixed("fromToml", &[Type::Str], |args| Ok(map_or_error(toml::read(&text(&args[0]))))),
    fixed("sha1sum", &[Type::Str], |args| Ok(hex(&Sha1::digest(bytes(&args[0]))))),
    fixed("sha256sum", &[Type::Str], |args| Ok(hex(&Sha256::digest(bytes(&args[0]))))),
    fixed("sha512sum", &[Type::Str], |args| Ok(hex(&Sha512::digest(bytes(&args[0]))))),
    fixed("adler32sum", &[Type::Str], |args| Ok(Value::str(adler32(bytes(&args[0])).to_string()))),
];

fn hex(digest: &[u8]) -> Value {
    let mut text = String::with_capacity(digest.len() * 2);
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
    Value::str(text)
}

/// Without the newline at the end; what cannot be written is nothing.
fn lines(written: Result<String, String>) -> Value {
    let mut text = written.unwrap_or_default();
    if text.ends_with('\n') {
        text.pop();
    }
    Value::str(text)
}

fn error_map(error: String) -> Value {
    Value::map([(Str::from("Error"), Value::str(error))])
}

fn map_or_error(read: Result<Value, String>) -> Value {
    read.unwrap_or_else(error_map)
}

/// The error of reading something else than what is wanted.
fn other_kind(before: &str, value: &Value, wanted: &str) -> String {
    let kind = match value {
        Value::Str(_) => "string",
        Value::Bool(_) => "bool",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    format!("{before}json: cannot unmarshal {kind} into Go value of type {wanted}")
}

const MAP: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";
const DECODING: &str = "error unmarshaling JSON: while decoding JSON: ";

fn as_map(read: Result<Value, String>, before: &str) -> Value {
    match read {
        Ok(Value::Nil) => Value::map([]),
        Ok(map @ Value::Map(_)) => map,
        Ok(other) => error_map(other_kind(before, &other, MAP)),
        Err(error) => error_map(error),
    }
}

fn as_list(read: Result<Value, String>, before: &str, null: Value) -> Value {
    match read {
        Ok(Value::Nil) => null,
        Ok(list @ Value::List(_)) => list,
        Ok(other) => Value::list(vec![Value::str(other_kind(before, &other, LIST))]),
        Err(error) => Value::list(vec![Value::str(error)]),
    }
}

fn from_yaml_map(text: &str) -> Value {
    as_map(from_yaml(text), DECODING)
}

fn from_yaml_list(text: &str) -> Value {
    as_list(from_yaml(text), DECODING, Value::list(Vec::new()))
}

fn from_json_map(text: &[u8]) -> Value {
    as_map(json_reader::read(text), "")
}

fn from_json_list(text: &[u8]) -> Value {
    // `null` takes the empty list away.
    as_list(json_reader::read(text), "", Value::List(Rc::new(List::nil(ListType::Any))))
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1u32, 0u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}
