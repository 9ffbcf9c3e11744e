//! Functions of Go and Helm that the engine provides itself: comparisons, `index`, `len`, and what ends a rendering.

use crate::functions::Type::{self, Any, Reflect};
use crate::value::{IntKind, List, Map, MapType, Str, Value};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A function that the engine itself provides.
pub(super) struct Builtin {
    pub(super) name: &'static str,
    pub(super) params: &'static [Type],
    pub(super) rest: Option<Type>,
    pub(super) kind: Kind,
}

/// Which of them it is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    And,
    Or,
    Include,
    Tpl,
    Plain(fn(&[Value]) -> Result<Value, String>),
}

/// All of them, by name.
pub(super) const BUILTINS: &[Builtin] = &[
    builtin("and", &[Reflect], Some(Reflect), Kind::And),
    builtin("or", &[Reflect], Some(Reflect), Kind::Or),
    builtin("include", &[Type::Str, Any], None, Kind::Include),
    builtin("tpl", &[Type::Str, Any], None, Kind::Tpl),
    builtin("required", &[Type::Str, Any], None, Kind::Plain(required)),
    builtin("fail", &[Type::Str], None, Kind::Plain(fail)),
    builtin("lookup", &[Type::Str, Type::Str, Type::Str, Type::Str], None, Kind::Plain(lookup)),
    builtin("not", &[Reflect], None, Kind::Plain(not)),
    builtin("len", &[Reflect], None, Kind::Plain(len)),
    builtin("index", &[Reflect], Some(Reflect), Kind::Plain(index)),
    builtin("call", &[Reflect], Some(Reflect), Kind::Plain(call)),
    builtin("eq", &[Reflect], Some(Reflect), Kind::Plain(eq)),
    builtin("ne", &[Reflect, Reflect], None, Kind::Plain(ne)),
    builtin("lt", &[Reflect, Reflect], None, Kind::Plain(lt)),
    builtin("le", &[Reflect, Reflect], None, Kind::Plain(le)),
    builtin("gt", &[Reflect, Reflect], None, Kind::Plain(gt)),
    builtin("ge", &[Reflect, Reflect], None, Kind::Plain(ge)),
];

const fn builtin(name: &'static str, params: &'static [Type], rest: Option<Type>, kind: Kind) -> Builtin {
    Builtin { name, params, rest, kind }
}

fn required(args: &[Value]) -> Result<Value, String> {
    match args {
        [message, value] => match value {
            Value::Nil => Err(text_of(message)),
            Value::Str(text) if text.is_empty() => Err(text_of(message)),
            _ => Ok(value.clone()),
        },
        _ => Ok(Value::Nil),
    }
}

fn fail(args: &[Value]) -> Result<Value, String> {
    Err(args.first().map(text_of).unwrap_or_default())
}

fn text_of(value: &Value) -> String {
    value.as_str().map(|text| text.text().into_owned()).unwrap_or_default()
}

/// There is no cluster to look into.
fn lookup(_: &[Value]) -> Result<Value, String> {
    Ok(Value::map([]))
}

fn not(args: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(!args.first().is_some_and(Value::truth)))
}

fn len(args: &[Value]) -> Result<Value, String> {
    let value = args.first().unwrap_or(&Value::Nil);
    match length(value) {
        Some(length) => Ok(Value::int(length as i64)),
        None if value.is_nil() => Err("len of nil pointer".to_owned()),
        None => Err(format!("len of type {}", value.type_name())),
    }
}

/// How many elements or bytes a value has, if it has any.
fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Str(text) => Some(text.len()),
        Value::Bytes(bytes) => Some(bytes.len()),
        Value::List(list) => Some(list.items().len()),
        Value::Map(map) => Some(map.len()),
        Value::Object(object) => object.entries().map(|entries| entries.len()),
        _ => None,
    }
}

fn index(args: &[Value]) -> Result<Value, String> {
    let Some((first, indexes)) = args.split_first() else { return Ok(Value::Nil) };
    if first.is_nil() {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = first.clone();
    for key in indexes {
        item = match &item {
            Value::Nil => return Err("index of nil pointer".to_owned()),
            Value::Str(text) => byte_at(text.as_bytes(), key, "string")?,
            Value::Bytes(bytes) => byte_at(bytes, key, "slice")?,
            Value::List(list) => list.items()[position(key, list.items().len(), "slice")?].clone(),
            Value::Map(map) => element(map, &map_key(key)?),
            Value::Object(object) => match object.entries() {
                Some(entries) if object.kind() == crate::value::Kind::Slice => {
                    entries[position(key, entries.len(), "slice")?].1.clone()
                }
                Some(_) => object.field(&map_key(key)?.text()).unwrap_or(Value::Nil),
                None => return Err(format!("can't index item of type {}", object.type_name())),
            },
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

/// The element of a key; what is not there is the zero value of the map's elements.
pub(super) fn element(map: &Map, key: &Str) -> Value {
    map.get(key.as_bytes()).unwrap_or_else(|| match map.kind() {
        MapType::Str => Value::str(""),
        MapType::Any | MapType::Values => Value::Nil,
    })
}

fn map_key(key: &Value) -> Result<Str, String> {
    match key {
        Value::Str(text) => Ok(text.clone()),
        Value::Nil => Err("value is nil; should be of type string".to_owned()),
        other => Err(format!("value has type {}; should be string", other.type_name())),
    }
}

fn byte_at(bytes: &[u8], key: &Value, what: &str) -> Result<Value, String> {
    Ok(Value::Int(i64::from(bytes[position(key, bytes.len(), what)?]), IntKind::Uint8))
}

fn position(key: &Value, length: usize, what: &str) -> Result<usize, String> {
    let number = match key {
        Value::Int(number, _) => *number,
        Value::Nil => return Err("cannot index slice/array with nil".to_owned()),
        other => return Err(format!("cannot index slice/array with type {}", other.type_name())),
    };
    match usize::try_from(number) {
        Ok(at) if at < length => Ok(at),
        Ok(at) if at == length => Err(format!("reflect: {what} index out of range")),
        _ => Err(format!("index out of range: {number}")),
    }
}

fn call(args: &[Value]) -> Result<Value, String> {
    match args.first() {
        None | Some(Value::Nil) => Err("call of nil".to_owned()),
        Some(value) => Err(format!("non-function of type {}", value.type_name())),
    }
}

/// What can be compared with what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Other,
    Bool,
    Int,
    Uint,
    Float,
    Str,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(_, kind) if kind.is_unsigned() => Basic::Uint,
        Value::Int(..) => Basic::Int,
        Value::Float(_) => Basic::Float,
        Value::Str(_) => Basic::Str,
        _ => Basic::Other,
    }
}

fn eq(args: &[Value]) -> Result<Value, String> {
    let Some((first, others)) = args.split_first() else { return Ok(Value::Bool(false)) };
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn equal(first: &Value, second: &Value) -> Result<bool, String> {
    let (kind, other) = (basic(first), basic(second));
    if kind != other {
        return match (first, second) {
            (Value::Int(a, _), Value::Int(b, _)) => Ok(*a >= 0 && *b >= 0 && a == b),
            (Value::Nil, _) | (_, Value::Nil) => Ok(false),
            _ => Err(incompatible(first, second)),
        };
    }
    match (first, second) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Int(a, _), Value::Int(b, _)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Str(a), Value::Str(b)) => Ok(a == b),
        _ => equal_others(first, second),
    }
}

fn equal_others(first: &Value, second: &Value) -> Result<bool, String> {
    if first.kind_name() != second.kind_name() && !first.is_nil() && !second.is_nil() {
        return Err(format!("non-comparable types {}, {}", first.type_name(), second.type_name()));
    }
    let is_nil = |value: &Value| match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        _ => false,
    };
    if is_nil(first) || is_nil(second) {
        return Ok(is_nil(first) == is_nil(second));
    }
    match (first, second) {
        (Value::Object(a), Value::Object(b)) if a.kind() == crate::value::Kind::Pointer => {
            Ok(Rc::ptr_eq(a, b))
        }
        (Value::Object(a), Value::Object(b)) if a.kind() == crate::value::Kind::Struct => {
            Ok(a.text() == b.text())
        }
        _ => Err(format!("non-comparable type {}", second.type_name())),
    }
}

fn incompatible(first: &Value, second: &Value) -> String {
    format!("incompatible types for comparison: {} and {}", first.type_name(), second.type_name())
}

/// `lt`'s rules; `eq`'s are others.
fn less(first: &Value, second: &Value) -> Result<bool, String> {
    let bad = || "invalid type for comparison".to_owned();
    let (kind, other) = (basic(first), basic(second));
    if kind == Basic::Other || other == Basic::Other {
        return Err(bad());
    }
    match (first, second) {
        (Value::Int(a, left), Value::Int(b, right)) => Ok(match (left.is_unsigned(), right.is_unsigned()) {
            (false, false) => a < b,
            (true, true) => (*a as u64) < (*b as u64),
            (false, true) => *a < 0 || (*a as u64) < (*b as u64),
            (true, false) => *b >= 0 && (*a as u64) < (*b as u64),
        }),
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b) == Some(Ordering::Less)),
        (Value::Str(a), Value::Str(b)) => Ok(a < b),
        _ if kind != other => Err(incompatible(first, second)),
        _ => Err(bad()),
    }
}

fn compare(args: &[Value], judge: fn(&Value, &Value) -> Result<bool, String>) -> Result<Value, String> {
    match args {
        [first, second] => judge(first, second).map(Value::Bool),
        _ => Ok(Value::Bool(false)),
    }
}

fn ne(args: &[Value]) -> Result<Value, String> {
    compare(args, |first, second| equal(first, second).map(|equal| !equal))
}

fn lt(args: &[Value]) -> Result<Value, String> {
    compare(args, less)
}

fn le(args: &[Value]) -> Result<Value, String> {
    compare(args, less_or_equal)
}

fn less_or_equal(first: &Value, second: &Value) -> Result<bool, String> {
    Ok(less(first, second)? || equal(first, second)?)
}

fn gt(args: &[Value]) -> Result<Value, String> {
    compare(args, |first, second| less_or_equal(first, second).map(|less| !less))
}

fn ge(args: &[Value]) -> Result<Value, String> {
    compare(args, |first, second| less(first, second).map(|less| !less))
}

/// The methods of `chartutil.Values`. `None`: it has no such method.
pub(super) fn values_method(map: &Rc<Map>, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
    let value = Value::Map(map.clone());
    Some(match (name, args) {
        ("AsMap", []) => Ok(Value::Map(Rc::new(Map::new(map.entries().clone())))),
        ("YAML", []) => crate::yaml::to_yaml(&value).map(Value::str),
        ("Table", [Value::Str(path)]) => table(map, &path.text()),
        ("PathValue", [Value::Str(path)]) => path_value(map, &path.text()),
        ("AsMap" | "YAML" | "Table" | "PathValue", _) => Err(format!("wrong number of args for {name}")),
        _ => return None,
    })
}

fn table(map: &Rc<Map>, path: &str) -> Result<Value, String> {
    let mut here = map.clone();
    for name in path.split('.') {
        here = match here.get(name.as_bytes()) {
            Some(Value::Map(next)) => next,
            _ => return Err(format!("\"{name}\" is not a table")),
        };
    }
    let entries: BTreeMap<Str, Value> = here.entries().clone();
    Ok(Value::values(entries))
}

fn path_value(map: &Rc<Map>, path: &str) -> Result<Value, String> {
    let missing = || format!("\"{path}\" is not a value");
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    let holder = if parents.is_empty() {
        map.clone()
    } else {
        table(map, parents)?.as_map().ok_or_else(missing)?.clone()
    };
    match holder.get(last.as_bytes()) {
        None | Some(Value::Nil | Value::Map(_)) => Err(missing()),
        Some(value) => Ok(value),
    }
}

/// What `Type::List` and its like get for `nil`.
pub(super) fn nil_of(kind: Type) -> Option<Value> {
    use crate::value::ListType;
    let list = |kind| Some(Value::List(Rc::new(List::nil(kind))));
    match kind {
        Type::Any | Type::Reflect | Type::Map => Some(Value::Nil),
        Type::List => list(ListType::Any),
        Type::Strings => list(ListType::Str),
        Type::Lists => list(ListType::Lists),
        _ => None,
    }
}
