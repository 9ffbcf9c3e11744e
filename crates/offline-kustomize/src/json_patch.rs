//! JSON patches (RFC 6902) as kustomize applies them: negative indexes count from the end, `replace` may create a
//! key, everything else that is not there is an error.

use std::fmt;

use super::documents::leaves_out;
use super::value::{Limit, MAX_NODES, Value};

/// A patch: its operations in order.
#[derive(Clone, Debug)]
pub struct JsonPatch(Vec<Operation>);

#[derive(Clone, Debug)]
struct Operation {
    kind: Kind,
    path: String,
    from: String,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

/// Why a patch cannot be read or applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonPatchError {
    /// An operation that RFC 6902 does not know.
    Operation(String),
    /// No list of operations.
    Shape,
    /// The path leads to nothing.
    Missing(String),
    /// A `test` failed.
    Test(String),
    /// The object grew beyond bounds.
    Limit(Limit),
}

impl fmt::Display for JsonPatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(name) => write!(f, "`{name}` is no operation of a JSON patch"),
            Self::Shape => f.write_str("a JSON patch is a list of operations"),
            Self::Missing(path) => write!(f, "`{path}` is not there"),
            Self::Test(path) => write!(f, "the test of `{path}` fails"),
            Self::Limit(limit) => limit.fmt(f),
        }
    }
}

impl JsonPatch {
    /// Reads a list of operations.
    ///
    /// # Errors
    /// Anything else.
    pub fn read(tree: &Value) -> Result<Self, JsonPatchError> {
        let Value::List(items) = tree else { return Err(JsonPatchError::Shape) };
        items.iter().map(Operation::read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the outcome may hang on what a sketch of an object (`super::sketch`) leaves out without a trace:
    /// values to compare or copy, and the places of containers in their lists.
    pub fn needs_whole_object(&self) -> bool {
        let in_list = |path: &str| {
            let mut steps = path
                .split('/')
                .skip_while(|step| !step.to_lowercase().ends_with("containers") && *step != "volumes");
            steps.next().is_some() && steps.next().is_some()
        };
        self.0.iter().any(|operation| {
            matches!(operation.kind, Kind::Test | Kind::Copy | Kind::Move) || in_list(&operation.path)
        })
    }

    /// Applies every operation.
    ///
    /// # Errors
    /// The first operation that does not apply.
    pub fn apply(&self, object: &Value) -> Result<Value, JsonPatchError> {
        let mut result = object.clone();
        let mut looked_at = 0;
        let is_known = |operation: &&Operation| {
            !leaves_out(object, &operation.path) && !leaves_out(object, &operation.from)
        };
        for operation in self.0.iter().filter(is_known) {
            operation.apply(&mut result)?;
            if operation.kind == Kind::Copy {
                looked_at += result.within_limits().map_err(JsonPatchError::Limit)?;
                if looked_at > 20 * MAX_NODES {
                    return Err(JsonPatchError::Limit(Limit::Nodes));
                }
            }
        }
        result.within_limits().map_err(JsonPatchError::Limit)?;
        Ok(result)
    }
}

impl Operation {
    fn read(tree: &Value) -> Result<Self, JsonPatchError> {
        if !matches!(tree, Value::Map(_)) {
            return Err(JsonPatchError::Shape);
        }
        let kind = match tree.str_at("op").unwrap_or_default() {
            "add" => Kind::Add,
            "remove" => Kind::Remove,
            "replace" => Kind::Replace,
            "move" => Kind::Move,
            "copy" => Kind::Copy,
            "test" => Kind::Test,
            other => return Err(JsonPatchError::Operation(other.to_owned())),
        };
        let text = |key| tree.str_at(key).unwrap_or_default().to_owned();
        let value = tree.get("value").cloned().unwrap_or(Value::Null);
        Ok(Self { kind, path: text("path"), from: text("from"), value })
    }

    fn apply(&self, object: &mut Value) -> Result<(), JsonPatchError> {
        match self.kind {
            Kind::Add => add(object, &self.path, self.value.clone()),
            Kind::Remove => remove(object, &self.path).map(drop),
            Kind::Replace if self.path.is_empty() => {
                *object = self.value.clone();
                Ok(())
            }
            Kind::Replace => replace(object, &self.path, self.value.clone()),
            Kind::Move => {
                let value = remove(object, &self.from)?;
                add(object, &self.path, value)
            }
            Kind::Copy => {
                let value = get(object, &self.from)?;
                add(object, &self.path, value)
            }
            Kind::Test => {
                let found = if self.path.is_empty() { object.clone() } else { get(object, &self.path)? };
                if same(&found, &self.value) { Ok(()) } else { Err(JsonPatchError::Test(self.path.clone())) }
            }
        }
    }
}

fn missing(path: &str) -> JsonPatchError {
    JsonPatchError::Missing(path.to_owned())
}

/// The collection that holds the end of `path`, and the key or index there.
fn locate<'v>(object: &'v mut Value, path: &str) -> Option<(&'v mut Value, String)> {
    let (before, key) = path.rsplit_once('/')?;
    let mut at = object;
    for step in before.split('/').skip(1) {
        let step = unescape(step);
        at = match at {
            Value::Map(_) => at.get_mut(&step)?,
            Value::List(items) => {
                let index = index(&step, items.len())?;
                at.items_mut()?.get_mut(index)?
            }
            _ => return None,
        };
    }
    matches!(at, Value::Map(_) | Value::List(_)).then(|| (at, unescape(key)))
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn index(step: &str, length: usize) -> Option<usize> {
    let index: i64 = step.parse().ok()?;
    let index = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(index).ok()
}

fn add(object: &mut Value, path: &str, value: Value) -> Result<(), JsonPatchError> {
    let (holder, key) = locate(object, path).ok_or_else(|| missing(path))?;
    match holder.items_mut() {
        None => holder.set(&key, value),
        Some(items) if key == "-" => items.push(value),
        Some(items) => {
            let index = index(&key, items.len() + 1).filter(|&index| index <= items.len());
            items.insert(index.ok_or_else(|| missing(path))?, value);
        }
    }
    Ok(())
}

fn replace(object: &mut Value, path: &str, value: Value) -> Result<(), JsonPatchError> {
    let (holder, key) = locate(object, path).ok_or_else(|| missing(path))?;
    match holder.items_mut() {
        None => holder.set(&key, value),
        Some(items) => {
            let index = index(&key, items.len()).and_then(|index| items.get_mut(index));
            *index.ok_or_else(|| missing(path))? = value;
        }
    }
    Ok(())
}

fn remove(object: &mut Value, path: &str) -> Result<Value, JsonPatchError> {
    let (holder, key) = locate(object, path).ok_or_else(|| missing(path))?;
    match holder.items_mut() {
        None => holder.remove(&key).ok_or_else(|| missing(path)),
        Some(items) => {
            let index = index(&key, items.len()).filter(|&index| index < items.len());
            Ok(items.remove(index.ok_or_else(|| missing(path))?))
        }
    }
}

/// A key that is not there reads as null, an index that is not there is an error.
fn get(object: &mut Value, path: &str) -> Result<Value, JsonPatchError> {
    let (holder, key) = locate(object, path).ok_or_else(|| missing(path))?;
    match holder {
        Value::List(items) => {
            index(&key, items.len()).and_then(|index| items.get(index).cloned()).ok_or_else(|| missing(path))
        }
        _ => Ok(holder.get(&key).cloned().unwrap_or(Value::Null)),
    }
}

/// Equality of JSON values: the order of keys does not matter, the type of a scalar does. Depth is bounded by
/// `value::MAX_DEPTH`.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Scalar(l, lp), Value::Scalar(r, rp)) => l == r && (*lp && typed(l)) == (*rp && typed(r)),
        (Value::List(l), Value::List(r)) => {
            l.len() == r.len() && l.iter().zip(r.iter()).all(|(l, r)| same(l, r))
        }
        (Value::Map(l), Value::Map(r)) => {
            l.len() == r.len() && l.iter().all(|(key, l)| right.get(key).is_some_and(|r| same(l, r)))
        }
        _ => false,
    }
}

/// Whether plain text reads as a number or a boolean.
fn typed(text: &str) -> bool {
    matches!(text, "true" | "false") || text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lossless_yaml::parse::parse;
    use lossless_yaml::span::Span;

    fn read(text: &str) -> Value {
        let documents = parse(text, Span::new(0, text.len())).unwrap();
        Value::from_node(documents[0].root().unwrap()).unwrap()
    }

    fn apply(object: &str, patch: &str) -> Result<Value, JsonPatchError> {
        JsonPatch::read(&read(patch))?.apply(&read(object))
    }

    #[test]
    fn every_operation() {
        let patch = "
- {op: test, path: /a/0, value: x}
- {op: add, path: /a/-, value: z}
- {op: add, path: /a/1, value: y}
- {op: replace, path: /a/-1, value: zz}
- {op: remove, path: /b}
- {op: copy, from: /a/0, path: /c}
- {op: move, from: /a/1, path: /d~1e}
- {op: replace, path: /f, value: {g: 1}}
";
        assert_eq!(apply("{a: [x], b: 1}", patch), Ok(read("{a: [x, zz], c: x, d/e: y, f: {g: 1}}")));
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        for patch in [
            "[{op: remove, path: /x}]",
            "[{op: add, path: /x/y, value: 1}]",
            "[{op: replace, path: /a/5, value: 1}]",
            "[{op: add, path: /a/3, value: 1}]",
            "[{op: move, from: /x, path: /y}]",
        ] {
            assert!(matches!(apply("{a: [x]}", patch), Err(JsonPatchError::Missing(_))), "{patch}");
        }
        let failed = apply("{a: 1}", "[{op: test, path: /a, value: '1'}]");
        assert_eq!(failed, Err(JsonPatchError::Test("/a".to_owned())));
    }

    #[test]
    fn copies_cannot_grow_an_object_without_bound() {
        let patch = "- {op: copy, from: /a, path: /a/-}\n".repeat(64);
        assert!(matches!(apply("{a: [x, y, z]}", &patch), Err(JsonPatchError::Limit(_))));
    }

    #[test]
    fn only_lists_of_known_operations_are_patches() {
        assert_eq!(apply("{}", "{op: add}"), Err(JsonPatchError::Shape));
        assert_eq!(apply("{}", "[{op: drop, path: /a}]"), Err(JsonPatchError::Operation("drop".to_owned())));
    }
}
