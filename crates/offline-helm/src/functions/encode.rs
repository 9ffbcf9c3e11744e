//! Values as YAML, JSON and TOML and back, base64 and base32, and sums.

use super::arguments::{bytes, fixed, from_base64, text};
use super::{Function, Type, json, toml};
use crate::template::{List, Str, Value};
use crate::yaml::{from_yaml, to_yaml, to_yaml_pretty};
use Type::Any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
    fixed("fromJson", &[Type::Str], |args| Ok(from_json_map(&text(&args[0])))),
    fixed("fromJsonArray", &[Type::Str], |args| Ok(from_json_list(&text(&args[0])))),
    fixed("mustFromJson", &[Type::Str], |args| json::read(&text(&args[0]))),
    fixed("toToml", &[Any], |args| Ok(Value::str(toml::write(&args[0]).unwrap_or_else(|error| error)))),
    fixed("mustToToml", &[Any], |args| toml::write(&args[0]).map(Value::str)),
    fixed("fromToml", &[Type::Str], |args| Ok(map_or_error(toml::read(&text(&args[0]))))),
    fixed("b64enc", &[Type::Str], |args| Ok(Value::str(STANDARD.encode(bytes(&args[0]))))),
    fixed(
        "b64dec",
        &[Type::Str],
        |args| Ok(from_base64(bytes(&args[0])).map_or_else(Value::str, Value::str)),
    ),
    fixed("b32enc", &[Type::Str], |args| Ok(Value::str(base32_encode(bytes(&args[0]))))),
    fixed("b32dec", &[Type::Str], |args| Ok(Value::str(base32_decode(bytes(&args[0]))))),
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

fn as_list(read: Result<Value, String>, before: &str) -> Value {
    match read {
        // `null` takes the empty list away.
        Ok(Value::Nil) => Value::List(Rc::new(List::nil(crate::template::ListType::Any))),
        Ok(list @ Value::List(_)) => list,
        Ok(other) => Value::list(vec![Value::str(other_kind(before, &other, LIST))]),
        Err(error) => Value::list(vec![Value::str(error)]),
    }
}

fn from_yaml_map(text: &str) -> Value {
    as_map(from_yaml(text), DECODING)
}

fn from_yaml_list(text: &str) -> Value {
    as_list(from_yaml(text), DECODING)
}

fn from_json_map(text: &str) -> Value {
    as_map(json::read(text), "")
}

fn from_json_list(text: &str) -> Value {
    as_list(json::read(text), "")
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut block = [0; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let number = u64::from_be_bytes(block);
        let letters = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let digit = (number >> (35 - 5 * at)) & 31;
            out.push(if at < letters { char::from(BASE32[digit as usize]) } else { '=' });
        }
    }
    out
}

fn base32_decode(text: &[u8]) -> Vec<u8> {
    let plain: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let wrong = |at: usize| format!("illegal base32 data at input byte {at}").into_bytes();
    if !plain.len().is_multiple_of(8) {
        return wrong(plain.len() / 8 * 8);
    }
    let mut out = Vec::with_capacity(plain.len() / 8 * 5);
    for (block, letters) in plain.chunks(8).enumerate() {
        let used = letters.iter().position(|letter| *letter == b'=').unwrap_or(8);
        let mut number = 0u64;
        for (at, letter) in letters.iter().enumerate() {
            let digit = match BASE32.iter().position(|known| known == letter) {
                Some(digit) if at < used => digit as u64,
                None if at >= used && *letter == b'=' => 0,
                _ => return wrong(block * 8 + at),
            };
            number = number << 5 | digit;
        }
        out.extend_from_slice(&number.to_be_bytes()[3..3 + used * 5 / 8]);
    }
    out
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1u32, 0u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}
