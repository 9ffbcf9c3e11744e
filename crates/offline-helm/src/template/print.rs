//! What an action writes for a value.

use crate::functions::fmt::plain;
use crate::value::{IntKind, Value};

/// Writes a value as Go's `Fprint` does.
pub(super) fn print(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Nil => out.extend_from_slice(b"<no value>"),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Int(number, IntKind::Int | IntKind::Int64) => {
            out.extend_from_slice(number.to_string().as_bytes())
        }
        _ => return plain(value, out),
    }
    Ok(())
}

/// The same, for messages.
pub(super) fn text(value: &Value) -> String {
    let mut out = Vec::new();
    match print(value, &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => value.type_name().to_owned(),
    }
}
