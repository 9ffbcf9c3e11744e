//! Functions of lists. None changes a list that it was given.
//!
//! Go's nil slices are kept apart from empty ones, since they encode as `null`.

use super::arguments::{elements, fixed, list_of, variadic};
use super::cast;
use super::equal::Comparison;
use super::signature::{Function, Type::Any, Type::Int};
use crate::value::{List, ListType, Value};
use std::rc::Rc;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    variadic("tuple", &[], Any, list),
    variadic("list", &[], Any, list),
    fixed("push", &[Any, Any], push),
    fixed("mustPush", &[Any, Any], push),
    fixed("append", &[Any, Any], push),
    fixed("mustAppend", &[Any, Any], push),
    fixed("prepend", &[Any, Any], prepend),
    fixed("mustPrepend", &[Any, Any], prepend),
    fixed("first", &[Any], first),
    fixed("mustFirst", &[Any], first),
    fixed("rest", &[Any], rest),
    fixed("mustRest", &[Any], rest),
    fixed("last", &[Any], last),
    fixed("mustLast", &[Any], last),
    fixed("initial", &[Any], initial),
    fixed("mustInitial", &[Any], initial),
    fixed("reverse", &[Any], reverse),
    fixed("mustReverse", &[Any], reverse),
    fixed("uniq", &[Any], uniq),
    fixed("mustUniq", &[Any], uniq),
    variadic("without", &[Any], Any, without),
    variadic("mustWithout", &[Any], Any, without),
    fixed("has", &[Any, Any], has),
    fixed("mustHas", &[Any, Any], has),
    variadic("slice", &[Any], Any, slice),
    variadic("mustSlice", &[Any], Any, slice),
    variadic("concat", &[], Any, concat),
    fixed("chunk", &[Int, Any], chunk),
    fixed("mustChunk", &[Int, Any], chunk),
];

fn list(args: &[Value]) -> Result<Value, String> {
    list_of(List::new(args.to_vec()))
}

fn nil() -> Value {
    Value::List(Rc::new(List::nil(ListType::Any)))
}

fn push(args: &[Value]) -> Result<Value, String> {
    let mut items = elements(&args[0], "Cannot push on type ", "")?.into_owned();
    items.push(args[1].clone());
    list_of(List::new(items))
}

fn prepend(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "Cannot prepend on type ", "")?;
    list_of(List::new(std::iter::once(&args[1]).chain(items.iter()).cloned().collect()))
}

fn first(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "Cannot find first on type ", "")?;
    Ok(items.first().cloned().unwrap_or(Value::Nil))
}

fn last(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "Cannot find last on type ", "")?;
    Ok(items.last().cloned().unwrap_or(Value::Nil))
}

fn rest(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "Cannot find rest on type ", "")?;
    items.split_first().map_or_else(|| Ok(nil()), |(_, rest)| list_of(List::new(rest.to_vec())))
}

fn initial(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "Cannot find initial on type ", "")?;
    items.split_last().map_or_else(|| Ok(nil()), |(_, initial)| list_of(List::new(initial.to_vec())))
}

fn reverse(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "Cannot find reverse on type ", "")?;
    list_of(List::new(items.iter().rev().cloned().collect()))
}

fn uniq(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "Cannot find uniq on type ", "")?;
    let mut comparison = Comparison::default();
    let mut seen = comparison.set();
    let mut kept = Vec::new();
    for item in items.iter() {
        if !seen.contains(item, &mut comparison)? {
            seen.insert(item.clone());
            kept.push(item.clone());
        }
    }
    list_of(List::new(kept))
}

fn without(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "Cannot find without on type ", "")?;
    let mut comparison = Comparison::default();
    let mut omitted = comparison.set();
    args[1..].iter().cloned().for_each(|value| omitted.insert(value));
    let mut kept = Vec::new();
    for item in items.iter() {
        if !omitted.contains(item, &mut comparison)? {
            kept.push(item.clone());
        }
    }
    list_of(List::new(kept))
}

fn has(args: &[Value]) -> Result<Value, String> {
    if args[1].is_nil() {
        return Ok(Value::Bool(false));
    }
    let mut comparison = Comparison::default();
    for item in elements(&args[1], "Cannot find has on type ", "")?.iter() {
        if comparison.equal(&args[0], item)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn slice(args: &[Value]) -> Result<Value, String> {
    let items = elements(&args[0], "list should be type of slice or array but ", "")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, cast::to_int64);
    let end = args.get(2).map_or(items.len() as i64, cast::to_int64);
    let part = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let part = part.and_then(|(start, end)| items.get(start..end));
    let part = part.ok_or("reflect.Value.Slice: slice index out of bounds")?;
    match &args[0] {
        Value::Bytes(bytes) => Ok(Value::Bytes(bytes[start as usize..end as usize].into())),
        Value::List(list) => list_of(List::typed(list.kind(), part.to_vec())),
        _ => list_of(List::typed(ListType::Str, part.to_vec())),
    }
}

fn concat(args: &[Value]) -> Result<Value, String> {
    let mut all = Vec::new();
    for list in args {
        all.extend_from_slice(&elements(list, "Cannot concat type ", " as list")?);
    }
    if all.is_empty() { Ok(nil()) } else { list_of(List::new(all)) }
}

/// Go counts the chunks with floating point numbers, so a size of zero or less fails in its own ways.
fn chunk(args: &[Value]) -> Result<Value, String> {
    let size = super::arguments::int(&args[0]);
    let items = elements(&args[1], "Cannot chunk type ", "")?;
    let refused = || "runtime error: makeslice: len out of range".to_owned();
    let count = cast::float_to_int(((items.len() as f64 - 1.0) / size as f64).floor() + 1.0);
    let count = usize::try_from(count).map_err(|_| refused())?;
    let mut chunks = Vec::new();
    for index in 0..count {
        let rest = cast::float_to_int((items.len() as f64 % size as f64).floor());
        let len = if index + 1 == count && rest != 0 { rest } else { size };
        let len = usize::try_from(len).map_err(|_| refused())?;
        let start = index.saturating_mul(len.max(size.unsigned_abs() as usize));
        let part = items.get(start..start.saturating_add(len)).ok_or("reflect: slice index out of range")?;
        chunks.push(list_of(List::new(part.to_vec()))?);
    }
    list_of(List::typed(ListType::Lists, chunks))
}
