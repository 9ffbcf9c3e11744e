//! How functions read what they were called with, and the limits of what they make.
//!
//! The engine has checked count and types, so a reader here never refuses: what cannot be is read as Go's zero value.

pub(super) use super::bounds::{MOST_BYTES, too_long};
use super::signature::{Function, Type};
use crate::value::{IntKind, Kind, List, Value};
use std::borrow::Cow;
use std::rc::Rc;

/// What Go says where a function looks at the type of `nil`.
pub(super) const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

/// What Go says where it reflects on the type of `nil`.
pub(super) const NO_TYPE: &str = "reflect: call of reflect.Value.Type on zero Value";

/// As many elements as a list may get from one call.
pub(super) const MOST_ELEMENTS: usize = 10_000_000;

/// What a function does.
pub(super) type Call = fn(&[Value]) -> Result<Value, String>;

/// A function with so many parameters.
pub(super) const fn fixed(name: &'static str, params: &'static [Type], call: Call) -> Function {
    Function { name, params, rest: None, call }
}

/// A function that takes any number of arguments after the first ones.
pub(super) const fn variadic(
    name: &'static str,
    params: &'static [Type],
    rest: Type,
    call: Call,
) -> Function {
    Function { name, params, rest: Some(rest), call }
}

/// The bytes of a `string`.
pub(super) fn bytes(value: &Value) -> &[u8] {
    value.as_str().map_or(&[], |text| text.as_bytes())
}

/// The text of a `string`; what is not UTF-8 becomes replacement characters.
pub(super) fn text(value: &Value) -> Cow<'_, str> {
    super::letters::lossy(bytes(value))
}

/// An `int`, `int64` or `uint32`.
pub(super) fn int(value: &Value) -> i64 {
    match value {
        Value::Int(number, _) => *number,
        _ => 0,
    }
}

/// The elements of a slice; `None`: it is none.
pub(super) fn slice(value: &Value) -> Option<Cow<'_, [Value]>> {
    match value {
        Value::List(list) => Some(Cow::Borrowed(list.items())),
        Value::Bytes(bytes) => {
            Some(bytes.iter().map(|&byte| Value::Int(byte.into(), IntKind::Uint8)).collect())
        }
        Value::Object(object) if object.kind() == Kind::Slice => {
            Some(object.entries()?.into_iter().map(|(_, value)| value).collect())
        }
        _ => None,
    }
}

/// The elements of a slice. The words of the error stand around the kind of what is none.
pub(super) fn elements<'a>(value: &'a Value, before: &str, after: &str) -> Result<Cow<'a, [Value]>, String> {
    match slice(value) {
        Some(items) => Ok(items),
        None if value.is_nil() => Err(NIL_POINTER.to_owned()),
        None => Err(format!("{before}{}{after}", value.kind_name())),
    }
}

/// A list, unless it is too long.
pub(super) fn list_of(list: List) -> Result<Value, String> {
    if list.items().len() > MOST_ELEMENTS {
        return Err(too_many());
    }
    Ok(Value::List(Rc::new(list)))
}

/// The error of a list that is too long.
pub(super) fn too_many() -> String {
    format!("the list would have more than {MOST_ELEMENTS} elements")
}

/// A text, unless it is too long.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<Value, String> {
    if bytes.len() > MOST_BYTES {
        return Err(too_long());
    }
    Ok(Value::str(bytes))
}

/// The text in double quotes, with Go's escapes.
pub(super) fn quoted(text: &str) -> String {
    super::fmt::quote(text.as_bytes(), false)
}

/// What `print` gives, for messages.
pub(super) fn shown(value: &Value) -> String {
    let text = super::fmt::sprint(std::slice::from_ref(value));
    text.map_or_else(|error| error, |text| String::from_utf8_lossy(&text).into_owned())
}
