//! What an action writes for a value.

use super::value::Value;

/// Writes a value as Go's `Fprint` does.
pub(super) fn print(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    match value {
        Value::Nil => out.extend_from_slice(b"<no value>"),
        Value::Str(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Int(number, super::IntKind::Int | super::IntKind::Int64 | super::IntKind::Int32) => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        _ => return Err("not yet".into()),
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
