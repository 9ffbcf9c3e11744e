//! Functions of dictionaries. A dictionary is shared: `set`, `unset` and the merges change it for all who hold it.
//!
//! Go's maps have no order; wherever it would show, keys are sorted here.

use super::arguments::{bytes, fixed, list_of, variadic};
use super::merge::{self, Rule};
use super::signature::{Function, Type};
use crate::value::{List, Map, MapType, Str, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    variadic("dict", &[], Type::Any, dict),
    fixed("get", &[Type::Map, Type::Str], get),
    fixed("set", &[Type::Map, Type::Str, Type::Any], set),
    fixed("unset", &[Type::Map, Type::Str], unset),
    fixed("hasKey", &[Type::Map, Type::Str], has_key),
    variadic("pluck", &[Type::Str], Type::Map, pluck),
    variadic("keys", &[], Type::Map, keys),
    variadic("pick", &[Type::Map], Type::Str, pick),
    variadic("omit", &[Type::Map], Type::Str, omit),
    fixed("values", &[Type::Map], values),
    variadic("dig", &[], Type::Any, dig),
    variadic("merge", &[Type::Map], Type::Map, |args| merge_all(args, Rule::KeepFirst, true)),
    variadic("mustMerge", &[Type::Map], Type::Map, |args| merge_all(args, Rule::KeepFirst, false)),
    variadic("mergeOverwrite", &[Type::Map], Type::Map, |args| merge_all(args, Rule::TakeLast, true)),
    variadic("mustMergeOverwrite", &[Type::Map], Type::Map, |args| merge_all(args, Rule::TakeLast, false)),
];

/// The value of a key; nothing of a nil map.
fn entry(dict: &Value, key: &[u8]) -> Option<Value> {
    dict.as_map()?.get(key)
}

fn dict(args: &[Value]) -> Result<Value, String> {
    let mut entries = BTreeMap::new();
    for pair in args.chunks(2) {
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::str(""));
        entries.insert(super::text::string(&pair[0])?, value);
    }
    Ok(Value::map(entries))
}

fn get(args: &[Value]) -> Result<Value, String> {
    Ok(entry(&args[0], bytes(&args[1])).unwrap_or_else(|| Value::str("")))
}

fn set(args: &[Value]) -> Result<Value, String> {
    let map = args[0].as_map().ok_or("assignment to entry in nil map")?;
    map.set(bytes(&args[1]), args[2].clone());
    Ok(args[0].clone())
}

fn unset(args: &[Value]) -> Result<Value, String> {
    if let Some(map) = args[0].as_map() {
        // The value is dropped after the borrow has ended.
        let _old = map.entries_mut().remove(bytes(&args[1]));
    }
    Ok(args[0].clone())
}

fn has_key(args: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(entry(&args[0], bytes(&args[1])).is_some()))
}

fn pluck(args: &[Value]) -> Result<Value, String> {
    list_of(List::new(args[1..].iter().filter_map(|dict| entry(dict, bytes(&args[0]))).collect()))
}

fn keys(args: &[Value]) -> Result<Value, String> {
    let maps = args.iter().filter_map(Value::as_map);
    Ok(Value::strings(maps.flat_map(|map| map.entries().keys().cloned().collect::<Vec<Str>>())))
}

fn pick(args: &[Value]) -> Result<Value, String> {
    let picked =
        args[1..].iter().filter_map(|key| Some((key.as_str()?.clone(), entry(&args[0], bytes(key))?)));
    Ok(Value::map(picked))
}

fn omit(args: &[Value]) -> Result<Value, String> {
    let mut rest = args[0].as_map().map(|map| map.entries().clone()).unwrap_or_default();
    for key in &args[1..] {
        rest.remove(bytes(key));
    }
    Ok(Value::map(rest))
}

fn values(args: &[Value]) -> Result<Value, String> {
    let values = args[0].as_map().map(|map| map.entries().values().cloned().collect());
    list_of(List::new(values.unwrap_or_default()))
}

fn dig(args: &[Value]) -> Result<Value, String> {
    let [keys @ .., default, dict] = args else {
        return Err("dig needs at least three arguments".to_owned());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".to_owned());
    }
    let mut step = plain_map(dict)?;
    if let Some(other) = keys.iter().find(|key| key.as_str().is_none()) {
        return Err(conversion(other, "string"));
    }
    for (at, key) in keys.iter().enumerate() {
        match step.get(bytes(key)) {
            None => return Ok(default.clone()),
            Some(value) if at + 1 == keys.len() => return Ok(value),
            Some(value) => step = plain_map(&value)?,
        }
    }
    Ok(default.clone())
}

/// `dig` takes `map[string]interface {}` and no other map.
fn plain_map(value: &Value) -> Result<Rc<Map>, String> {
    match value.as_map() {
        Some(map) if map.kind() == MapType::Any => Ok(map.clone()),
        _ => Err(conversion(value, "map[string]interface {}")),
    }
}

/// The words of a type assertion that fails.
fn conversion(value: &Value, wanted: &str) -> String {
    let got = if value.is_nil() { "nil" } else { value.type_name() };
    format!("interface conversion: interface {{}} is {got}, not {wanted}")
}

/// `merge` gives an empty text where `mustMerge` fails.
fn merge_all(args: &[Value], rule: Rule, swallow: bool) -> Result<Value, String> {
    let mut into = args[0].clone();
    for source in args[1..].iter().filter_map(Value::as_map) {
        // A nil map becomes a new one, unless all are nil.
        if into.is_nil() {
            into = Value::map([]);
        }
        let Value::Map(into) = &into else { continue };
        match merge::merge(into, source, rule) {
            Err(merge::Error::Types) if swallow => return Ok(Value::str("")),
            merged => merged.map_err(|error| error.to_string())?,
        }
    }
    Ok(into)
}
