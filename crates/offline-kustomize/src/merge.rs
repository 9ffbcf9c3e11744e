//! Strategic merge patches as kustomize applies them.
//!
//! Follows kustomize's own merge (kyaml `merge2` and `walk`) and not the API server's, oddities included: what a
//! patch mentions moves to the front of a list, `$patch: replace` on one item of a list does nothing, an item
//! without its key confuses its neighbours. A build is what kustomize yields.

use std::fmt;
use std::sync::Arc;

use super::schema::Type;
use super::value::Value;

/// Items of a list that merges; beyond it no pod is real and matching by key costs too much.
const MAX_ITEMS: usize = 1_000;

/// Why kustomize refuses a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeError {
    /// A field is a mapping here and a list or scalar there.
    Shape,
    /// `$patch` is none of replace, delete, merge.
    Directive(String),
    /// A list that merges by key is longer than any real one.
    Long,
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape => f.write_str("a field of the patch has another shape than in the object"),
            Self::Directive(value) => write!(f, "`$patch: {value}` is none of `replace`, `delete`, `merge`"),
            Self::Long => write!(f, "a list that merges has more than {MAX_ITEMS} items"),
        }
    }
}

/// Applies `patch` to `object`; nothing is left when the patch deletes it.
///
/// # Errors
/// A patch that kustomize refuses.
pub fn merge(object: &Value, patch: &Value) -> Result<Option<Value>, MergeError> {
    Ok(walk(Some(object), Some(patch), None)?.map(|(value, _)| value))
}

/// Which of the two sides a result is an edited form of; kustomize edits in place, so later steps see it there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Object,
    Patch,
}

type Walked = Option<(Value, Side)>;

enum Shape {
    Nothing,
    Scalar,
    Map,
    List,
}

fn shape(value: Option<&Value>) -> Shape {
    match value {
        None | Some(Value::Null) => Shape::Nothing,
        Some(Value::Scalar(..)) => Shape::Scalar,
        Some(Value::Map(_)) => Shape::Map,
        Some(Value::List(_)) => Shape::List,
    }
}

/// Depth is bounded by `value::MAX_DEPTH`: both sides are trees within it.
fn walk(object: Option<&Value>, patch: Option<&Value>, known: Option<Type>) -> Result<Walked, MergeError> {
    let Some(patch) = patch else {
        let Some(object) = object else { return Ok(None) };
        let changed = untouched(object, known)?;
        return Ok(Some((changed.unwrap_or_else(|| object.clone()), Side::Object)));
    };
    let kind = known.or_else(|| embedded(object)).or_else(|| embedded(Some(patch)));
    match (shape(object), shape(Some(patch))) {
        (_, Shape::Nothing) => Ok(None),
        (Shape::Nothing | Shape::Scalar, Shape::Scalar) => Ok(Some((patch.clone(), Side::Patch))),
        (Shape::Nothing, _) => Ok(added(patch, kind)?.map(|value| (value, Side::Patch))),
        (Shape::Map, Shape::Map) => match directive(patch)? {
            Some(Directive::Delete) => Ok(None),
            Some(Directive::Replace) => Ok(Some((added_fields(patch, kind)?, Side::Patch))),
            Some(Directive::Merge) | None => {
                let mut result = object.cloned().unwrap_or(Value::Null);
                let beside = |name: &str| patch.get(name).is_none();
                for (name, value) in
                    object.map_or(&[][..], Value::pairs).iter().filter(|(name, _)| beside(name))
                {
                    if let Some(value) = untouched(value, kind.and_then(|kind| kind.field(name)))? {
                        result.set(name, value);
                    }
                }
                for (name, value) in patch.pairs().iter().filter(|(name, _)| &**name != DIRECTIVE) {
                    match walk(result.get(name), Some(value), kind.and_then(|kind| kind.field(name)))? {
                        Some((value, _)) => result.set(name, value),
                        None => drop(result.remove(name)),
                    }
                }
                Ok(Some((result, Side::Object)))
            }
        },
        (Shape::List, Shape::List) => {
            let Some(Type::List(keys, _)) = kind else { return Ok(Some((patch.clone(), Side::Patch))) };
            let (directive, items) = list_directive(patch.items())?;
            let (object, side) = match directive {
                Some(Directive::Delete) => return Ok(None),
                Some(Directive::Replace) => (None, Side::Patch),
                Some(Directive::Merge) | None => (object, Side::Object),
            };
            let list = Associative { keys, item: kind.and_then(Type::item) }
                .merge(object.map(Value::items), &items)?;
            Ok(Some((Value::list(list), side)))
        }
        _ => Err(MergeError::Shape),
    }
}

/// What becomes of a part of an object that the patch says nothing about: a list that merges by key loses items with
/// the same key all the same. None when nothing changes, which is the rule.
fn untouched(object: &Value, kind: Option<Type>) -> Result<Option<Value>, MergeError> {
    match (object, kind) {
        (Value::List(items), Some(Type::List(keys, _))) if !keys.is_empty() => {
            let list = Associative { keys, item: kind.and_then(Type::item) }.merge(Some(items), &[])?;
            Ok((list != **items).then(|| Value::list(list)))
        }
        (Value::Map(pairs), Some(kind)) => {
            let mut result = None;
            for (name, value) in pairs.iter() {
                if let Some(value) = kind.field(name).map_or(Ok(None), |kind| untouched(value, Some(kind)))? {
                    result.get_or_insert_with(|| object.clone()).set(name, value);
                }
            }
            Ok(result)
        }
        _ => Ok(None),
    }
}

/// What becomes of a part of a patch that the object has no counterpart of.
fn added(patch: &Value, kind: Option<Type>) -> Result<Option<Value>, MergeError> {
    let kind = kind.or_else(|| embedded(Some(patch)));
    match patch {
        Value::Null => Ok(None),
        Value::Scalar(..) => Ok(Some(patch.clone())),
        Value::Map(_) => match directive(patch) {
            Ok(Some(Directive::Delete)) => Ok(None),
            _ => added_fields(patch, kind).map(Some),
        },
        Value::List(items) => match kind {
            Some(Type::List(keys, _)) => {
                let item = kind.and_then(Type::item);
                Ok(Some(Value::list(Associative { keys, item }.merge(None, items)?)))
            }
            _ => Ok(Some(patch.clone())),
        },
    }
}

fn added_fields(patch: &Value, kind: Option<Type>) -> Result<Value, MergeError> {
    let mut pairs = Vec::new();
    for (name, value) in patch.pairs().iter().filter(|(name, _)| &**name != DIRECTIVE) {
        // A list below an added mapping may begin with a directive of its own.
        let kind = kind.and_then(|kind| kind.field(name));
        let added = match (value, kind) {
            (Value::List(items), Some(Type::List(..))) => match list_directive(items)? {
                // Kustomize merges the list with itself, so the directive is gone on both sides.
                (Some(Directive::Merge), items) => {
                    let list = Value::list(items);
                    walk(Some(&list), Some(&list), kind)?.map(|(value, _)| value)
                }
                _ => walk(Some(value), Some(value), kind)?.map(|(value, _)| value),
            },
            _ => added(value, kind)?,
        };
        if let Some(value) = added {
            pairs.push((Arc::clone(name), value));
        }
    }
    Ok(Value::Map(Arc::new(pairs)))
}

/// Objects inside custom resources carry their own type.
fn embedded(value: Option<&Value>) -> Option<Type> {
    let value = value?;
    Type::of(value.str_at("apiVersion")?, value.str_at("kind")?)
}

const DIRECTIVE: &str = "$patch";

#[derive(Clone, Copy)]
enum Directive {
    Delete,
    Replace,
    Merge,
}

fn directive(patch: &Value) -> Result<Option<Directive>, MergeError> {
    Ok(match patch.get(DIRECTIVE).map(text) {
        None => None,
        Some("delete") => Some(Directive::Delete),
        Some("replace") => Some(Directive::Replace),
        Some("merge") => Some(Directive::Merge),
        Some(other) => return Err(MergeError::Directive(other.to_owned())),
    })
}

/// The directive of a whole list, an item that holds nothing else, and the list without such items.
fn list_directive(items: &[Value]) -> Result<(Option<Directive>, Vec<Value>), MergeError> {
    let whole =
        items.iter().find(|item| item.get(DIRECTIVE).is_some()).filter(|item| item.pairs().len() == 1);
    let Some(whole) = whole else { return Ok((None, items.to_vec())) };
    let found = directive(whole)?;
    let keep = |item: &&Value| !item.is_empty() && (item.get(DIRECTIVE) != whole.get(DIRECTIVE));
    Ok((found, items.iter().filter(keep).cloned().collect()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A list whose items are matched by keys.
struct Associative {
    keys: &'static [&'static str],
    item: Option<Type>,
}

impl Associative {
    /// Merges `patch` into `object`, or `patch` into itself when the object has no such list.
    fn merge(&self, object: Option<&[Value]>, patch: &[Value]) -> Result<Vec<Value>, MergeError> {
        if patch.len() + object.map_or(0, <[Value]>::len) > MAX_ITEMS {
            return Err(MergeError::Long);
        }
        if self.keys.is_empty() {
            let kept = object.unwrap_or_default().iter().filter(|item| !patch.contains(item));
            return Ok(patch.iter().chain(kept).cloned().collect());
        }
        let alone = object.is_none();
        let mut list = object.unwrap_or(patch).to_vec();
        let rows = self.rows(patch, object.unwrap_or_default());
        let used: Vec<&str> =
            self.keys.iter().copied().filter(|key| rows.iter().any(|row| !row.of(key).is_empty())).collect();
        let used = if used.is_empty() { self.keys.to_vec() } else { used };
        let mut merged: Vec<Value> = Vec::new();
        for row in &rows {
            let row = row.restricted(&used);
            let wanted = row.told();
            let at = list.iter().position(|item| wanted.matches(item));
            let walked = if alone {
                at.map(|at| added(&list[at], self.item))
                    .transpose()?
                    .flatten()
                    .map(|value| (value, Side::Object))
            } else {
                let patch = patch.iter().find(|item| wanted.matches(item));
                walk(at.map(|at| &list[at]), patch, self.item)?
            };
            let Some((mut value, side)) = walked.filter(|(value, _)| !is_nothing(value)) else {
                row.put(&mut list, None);
                continue;
            };
            for (key, told) in row.0.iter().filter(|(_, told)| !told.is_empty()) {
                if value.get(key).is_none() {
                    value.set(key, Value::text(told));
                }
            }
            if let (Some(at), Side::Object) = (at, side) {
                list[at] = value.clone();
            }
            row.put(&mut merged, Some(value));
        }
        if rows.is_empty() {
            return Ok(list);
        }
        for item in list {
            let mut told = Row(Vec::new());
            for &key in &used {
                match item.get(key) {
                    Some(value) => told.0.push((key, text(value).to_owned())),
                    None => merged.push(item.clone()),
                }
            }
            // Pairs of keys and texts are matched by position: after a missing key they no longer fit together.
            let told = Row(used.iter().copied().zip(told.0.into_iter().map(|(_, text)| text)).collect());
            if used.len() > 1 {
                told.put_for(&used, &mut merged, None);
            }
            told.put_for(&used, &mut merged, Some(item));
        }
        Ok(merged)
    }

    /// The keys of every item, those of the patch first.
    fn rows(&self, patch: &[Value], object: &[Value]) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for item in patch.iter().chain(object) {
            let told = |key: &&'static str| (*key, item.get(key).map_or("", text).to_owned());
            let row = Row(self.keys.iter().map(told).collect());
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Map(pairs) => pairs.is_empty(),
        _ => false,
    }
}

/// The keys that name an item, with the item's own texts; empty where the item has none.
#[derive(Clone, PartialEq, Eq)]
struct Row(Vec<(&'static str, String)>);

impl Row {
    fn of(&self, key: &str) -> &str {
        self.0.iter().find(|(name, _)| *name == key).map_or("", |(_, text)| text)
    }

    fn restricted(&self, keys: &[&str]) -> Self {
        Self(self.0.iter().filter(|(key, _)| keys.contains(key)).cloned().collect())
    }

    /// Without the keys that the item lacks, unless it lacks all.
    fn told(&self) -> Self {
        let told: Vec<_> = self.0.iter().filter(|(_, text)| !text.is_empty()).cloned().collect();
        if told.is_empty() { self.clone() } else { Self(told) }
    }

    /// Whether an item carries exactly these keys.
    fn matches(&self, item: &Value) -> bool {
        let fits = |(key, told): &(&str, String)| {
            item.get(key).is_some_and(|value| !value.is_null() && text(value) == told)
        };
        matches!(item, Value::Map(_)) && self.0.iter().all(fits)
    }

    fn put(&self, list: &mut Vec<Value>, item: Option<Value>) {
        let keys: Vec<&'static str> = self.0.iter().map(|(key, _)| *key).collect();
        self.put_for(&keys, list, item);
    }

    /// Replaces or removes the items that match, or appends; items without content are dropped on the way.
    /// Other than in [`Row::matches`] an empty text stands for any.
    fn put_for(&self, keys: &[&'static str], list: &mut Vec<Value>, item: Option<Value>) {
        let by_key = self.0.first().is_some_and(|(_, told)| !told.is_empty());
        let mut found = false;
        let mut result = Vec::with_capacity(list.len() + 1);
        for old in list.drain(..).filter(|old| !is_nothing(old)) {
            if !matches!(old, Value::Map(_)) {
                if by_key {
                    result.push(old);
                }
                continue;
            }
            // Without any text kustomize takes no item for a match and forgets them all.
            let matched = !self.0.is_empty()
                && keys.iter().all(|key| {
                    let told = self.0.iter().find(|(name, _)| name == key).map_or("", |(_, told)| told);
                    old.get(key).is_some_and(|value| told.is_empty() || text(value) == told)
                });
            if !matched {
                if !self.0.is_empty() {
                    result.push(old);
                }
                continue;
            }
            found = true;
            result.extend(item.clone());
        }
        if let (false, Some(item)) = (found, item) {
            result.push(item);
        }
        *list = result;
    }
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

    /// Merges a pod spec patch into a pod spec of a Deployment.
    fn pod(object: &str, patch: &str) -> Value {
        let wrap = |spec: &str| {
            read(&format!("{{apiVersion: apps/v1, kind: Deployment, spec: {{template: {{spec: {spec}}}}}}}"))
        };
        let merged = merge(&wrap(object), &wrap(patch)).unwrap().unwrap();
        merged.at(&["spec", "template", "spec"]).unwrap().clone()
    }

    #[test]
    fn containers_merge_by_name_and_the_patched_come_first() {
        let spec = pod(
            "{containers: [{name: a, image: a:1}, {name: b, image: b:1, args: [x]}]}",
            "{containers: [{name: b, image: b:2}, {name: c, image: c:1}]}",
        );
        let expected = "[{name: b, image: b:2, args: [x]}, {name: c, image: c:1}, {name: a, image: a:1}]";
        assert_eq!(spec.get("containers"), Some(&read(expected)));
    }

    #[test]
    fn items_and_lists_can_be_deleted_and_replaced() {
        let object =
            "{containers: [{name: a, image: a:1}, {name: b, image: b:1}], imagePullSecrets: [{name: x}]}";
        let spec = pod(object, "{containers: [{name: a, $patch: delete}], imagePullSecrets: null}");
        assert_eq!(spec, read("{containers: [{name: b, image: b:1}]}"));
        let spec = pod(object, "{containers: [{$patch: replace}, {name: c, image: c:1}]}");
        assert_eq!(spec.get("containers"), Some(&read("[{name: c, image: c:1}]")));
        let spec = pod(object, "{$patch: replace, containers: []}");
        assert_eq!(spec, read("{containers: []}"));
    }

    #[test]
    fn kustomize_oddities_are_kept() {
        // Each was seen with kustomize 5.8.2.
        let object = "{containers: [{name: a, image: a:1}, {name: b, image: b:1}, {name: c, image: c:1}]}";
        let spec = pod(object, "{containers: [{name: b, $patch: replace, image: b:2}]}");
        let names: Vec<_> =
            spec.get("containers").unwrap().items().iter().map(|c| c.str_at("image").unwrap()).collect();
        assert_eq!(names, ["b:1", "a:1", "c:1"]);
        let spec = pod(object, "{containers: [{image: z:1}, {name: c, image: c:2}]}");
        assert_eq!(spec.get("containers"), Some(&read("[{name: c, image: c:2}]")));
        let spec = pod(object, "{$patch: replace, containers: [{name: i, image: i:2}, {$patch: merge}]}");
        assert_eq!(spec, read("{containers: [{name: i, image: i:2}]}"));
        let spec = pod(object, "{initContainers: [{$patch: replace}, {name: i, image: i:2}]}");
        assert_eq!(spec.get("initContainers"), Some(&read("[{$patch: replace}]")));
    }

    #[test]
    fn lists_of_unknown_kinds_are_replaced() {
        let rollout =
            |spec: &str| read(&format!("{{apiVersion: argoproj.io/v1alpha1, kind: Rollout, spec: {spec}}}"));
        let merged = merge(&rollout("{containers: [{name: a}]}"), &rollout("{containers: [{name: b}]}"));
        assert_eq!(merged.unwrap().unwrap().get("spec"), Some(&read("{containers: [{name: b}]}")));
    }

    #[test]
    fn a_whole_object_can_be_deleted_and_a_wrong_shape_is_refused() {
        let object = read("{apiVersion: apps/v1, kind: Deployment, spec: {}}");
        assert_eq!(merge(&object, &read("{$patch: delete}")), Ok(None));
        assert_eq!(merge(&object, &read("{spec: [1]}")), Err(MergeError::Shape));
        assert_eq!(merge(&object, &read("{$patch: drop}")), Err(MergeError::Directive("drop".to_owned())));
    }
}
