//! Sprig's functions that ask whether a value is empty, and copies of values.

use super::arguments::{NO_TYPE, elements, fixed, slice, variadic};
use super::semver::Version;
use super::signature::{Function, Type};
use crate::value::{List, Map, Value};
use Type::{Any, Bool};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    variadic("default", &[Any], Any, default),
    fixed("empty", &[Any], |args| Ok(Value::Bool(is_empty(&args[0])))),
    variadic("coalesce", &[], Any, |args| {
        Ok(args.iter().find(|arg| !is_empty(arg)).cloned().unwrap_or(Value::Nil))
    }),
    variadic("all", &[], Any, |args| Ok(Value::Bool(!args.iter().any(is_empty)))),
    variadic("any", &[], Any, |args| Ok(Value::Bool(!args.iter().all(is_empty)))),
    fixed("compact", &[Any], compact),
    fixed("mustCompact", &[Any], compact),
    fixed("ternary", &[Any, Any, Bool], |args| Ok(args[usize::from(!args[2].truth())].clone())),
    fixed("deepCopy", &[Any], deep_copy),
    fixed("mustDeepCopy", &[Any], deep_copy),
];

/// Values within values; a value can hold itself.
const DEPTH: usize = 1_000;

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) if slice(value).is_none() && object.entries().is_none() => false,
        _ => !value.truth(),
    }
}

fn default(args: &[Value]) -> Result<Value, String> {
    Ok(match args {
        [_, given, ..] if !is_empty(given) => given.clone(),
        _ => args[0].clone(),
    })
}

fn compact(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "Cannot compact on type ", "")?;
    Ok(Value::list(items.iter().filter(|item| !is_empty(item)).cloned().collect()))
}

fn deep_copy(args: &[Value]) -> Result<Value, String> {
    match &args[0] {
        Value::Nil => Err(NO_TYPE.to_owned()),
        value => copy(value, 0),
    }
}

/// A value whose maps are nobody else's.
fn copy(value: &Value, depth: usize) -> Result<Value, String> {
    if depth > DEPTH {
        return Err("values nest without end".to_owned());
    }
    Ok(match value {
        Value::Map(map) => {
            let mut entries = BTreeMap::new();
            for (key, value) in map.entries().iter() {
                entries.insert(key.clone(), copy(value, depth + 1)?);
            }
            Value::Map(Rc::new(Map::typed(map.kind(), entries)))
        }
        Value::List(list) if !list.is_nil() => {
            let items = list.items().iter().map(|item| copy(item, depth + 1)).collect::<Result<_, _>>()?;
            Value::List(Rc::new(List::typed(list.kind(), items)))
        }
        // What a version is made of cannot be copied, so that none is left of it.
        Value::Object(object) if object.as_any().is::<Version>() => Value::object(Version::default()),
        other => other.clone(),
    })
}
