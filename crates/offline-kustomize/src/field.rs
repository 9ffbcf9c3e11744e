//! Paths of kustomize into objects: field specs (`spec/template/spec/containers[]/image`), which reach every item of
//! a list on their way, and dotted field paths (`spec.containers.[name=web].image`) of replacements and vars.

use std::fmt;

use super::selector::Expression;
use super::value::{MAX_DEPTH, Value};

/// Why a path does not lead anywhere, as kustomize sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// The path goes on where the object has a scalar, or ends where it has a collection.
    Shape(String),
    /// The path leads to nothing.
    Missing(String),
    /// A `[key=value]` step that cannot be read.
    Step(String),
    /// The field grows beyond any real one.
    Long(String),
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(path) => write!(f, "`{path}` has another shape in the object"),
            Self::Missing(path) => write!(f, "`{path}` is not there"),
            Self::Step(step) => write!(f, "`{step}` is no step of a field path"),
            Self::Long(path) => write!(f, "`{path}` grows beyond bounds"),
        }
    }
}

/// Which fields of which kinds a transformer touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSpec {
    /// API group; empty: any.
    pub group: String,
    /// API version without the group; empty: any.
    pub version: String,
    /// Kind; empty: any.
    pub kind: String,
    /// Steps of the path; one that ends with `[]` must be a list.
    pub path: Vec<String>,
    /// Whether a missing field is made.
    pub create: bool,
}

impl FieldSpec {
    /// A spec for every kind.
    pub fn anywhere(path: &str, create: bool) -> Self {
        Self { path: split(path, '/'), create, ..Self::default() }
    }

    /// A spec for one kind.
    pub fn of_kind(kind: &str, path: &str) -> Self {
        Self { kind: kind.to_owned(), path: split(path, '/'), ..Self::default() }
    }

    /// Reads an entry of a `configurations` file.
    pub fn read(tree: &Value) -> Self {
        let text = |key| tree.str_at(key).unwrap_or_default();
        Self {
            group: text("group").to_owned(),
            version: text("version").to_owned(),
            kind: text("kind").to_owned(),
            path: split(text("path"), '/'),
            create: tree.get("create").is_some_and(Value::is_true),
        }
    }

    /// Whether it is for objects of this group, version and kind.
    pub fn applies_to(&self, group: &str, version: &str, kind: &str) -> bool {
        let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        fits(&self.group, group) && fits(&self.version, version) && fits(&self.kind, kind)
    }

    /// Hands every field that the path leads to over; with `create`, an empty text is made where the spec allows it.
    ///
    /// # Errors
    /// A path that runs into a scalar, and what `set` refuses.
    pub fn visit(
        &self,
        object: &mut Value,
        create: bool,
        set: &mut dyn FnMut(&mut Value) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        if self.path.len() > MAX_DEPTH {
            return Err(FieldError::Step(self.path[0].clone()));
        }
        self.descend(object, &self.path, create && self.create, set)
    }

    /// Depth is bounded by that of the object.
    fn descend(
        &self,
        at: &mut Value,
        path: &[String],
        create: bool,
        set: &mut dyn FnMut(&mut Value) -> Result<(), FieldError>,
    ) -> Result<(), FieldError> {
        let Some((step, rest)) = path.split_first() else { return set(at) };
        match at {
            Value::Null => Ok(()),
            Value::Scalar(..) => Err(FieldError::Shape(self.path.join("/"))),
            Value::List(_) => {
                for item in at.items_mut().into_iter().flatten() {
                    self.descend(item, path, create, set)?;
                }
                Ok(())
            }
            Value::Map(_) => {
                let (name, is_list) =
                    step.strip_suffix("[]").map_or((step.as_str(), false), |name| (name, true));
                if create && !is_list && at.get(name).is_none_or(Value::is_null) {
                    at.set(name, if rest.is_empty() { Value::text("") } else { Value::map([]) });
                }
                // Looked for before it is taken to be written, so that an object without it stays shared.
                match at.get(name) {
                    Some(_) => match at.get_mut(name) {
                        Some(field) => self.descend(field, rest, create, set),
                        None => Ok(()),
                    },
                    None => Ok(()),
                }
            }
        }
    }
}

/// Splits a path; a delimiter behind a backslash belongs to the step, one at the start means nothing.
pub fn split(path: &str, delimiter: char) -> Vec<String> {
    let path = path.strip_prefix(delimiter).unwrap_or(path);
    let mut steps: Vec<String> = Vec::new();
    for step in path.split(delimiter) {
        match steps.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push(delimiter);
                last.push_str(step);
            }
            None => steps.push(step.to_owned()),
        }
    }
    steps
}

/// Splits a dotted path; brackets hold `key=value` together and quote a name with dots.
pub fn split_dotted(path: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut rest = split(path, '.').into_iter();
    while let Some(mut step) = rest.next() {
        if step.starts_with('[') && !step.ends_with(']') {
            for more in rest.by_ref() {
                let last = more.ends_with(']');
                step.push('.');
                step.push_str(&more);
                if last {
                    break;
                }
            }
            if !step.contains('=') {
                step = step.trim_matches(['[', ']']).to_owned();
            }
        }
        steps.push(step);
    }
    steps
}

/// One step of a dotted path.
enum Step<'p> {
    Index(usize),
    Last,
    Every,
    /// An item with this text under this key; the item's own text when the key is empty.
    Item(&'p str, &'p str),
    Key(&'p str),
}

fn step(text: &str) -> Result<Step<'_>, FieldError> {
    if let Ok(index) = text.parse::<i64>() {
        return usize::try_from(index).map(Step::Index).map_err(|_| FieldError::Step(text.to_owned()));
    }
    Ok(match text {
        "-" => Step::Last,
        "*" => Step::Every,
        _ if text.starts_with('[') && text.ends_with(']') && text.len() > 1 => {
            let (key, value) =
                text[1..text.len() - 1].split_once('=').ok_or_else(|| FieldError::Step(text.to_owned()))?;
            Step::Item(key, value)
        }
        _ => Step::Key(text),
    })
}

/// The value that a dotted path leads to; none when there is nothing.
///
/// # Errors
/// A path that does not fit the object's shape.
pub fn lookup<'v>(object: &'v Value, path: &[String]) -> Result<Option<&'v Value>, FieldError> {
    let mut at = object;
    for text in path.iter().map(|step| step.trim()).filter(|step| !step.is_empty()) {
        let shape = || FieldError::Shape(path.join("."));
        let next = match (step(text)?, at) {
            (Step::Key(key), Value::Map(_)) => at.get(key),
            (Step::Index(index), Value::List(items)) => items.get(index),
            (Step::Last, Value::List(items)) => items.last(),
            (Step::Item(key, value), Value::List(items)) => items.iter().find(|item| {
                let text = if key.is_empty() { Some(*item) } else { item.get(key) };
                text.and_then(Value::as_str) == Some(value)
            }),
            _ => return Err(shape()),
        };
        match next {
            Some(value) if !value.is_null() => at = value,
            _ => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// Hands every place that a dotted path leads to over and counts them. Unlike in [`lookup`] the value in
/// `[key=value]` is an unanchored regular expression, `*` is every item, and with `create` missing parts are made,
/// their last one as a copy of it.
///
/// # Errors
/// A path that does not fit the object's shape, and what `set` refuses.
pub fn visit(
    object: &mut Value,
    path: &[String],
    create: Option<&Value>,
    set: &mut dyn FnMut(&mut Value) -> Result<(), FieldError>,
) -> Result<usize, FieldError> {
    let Some((text, rest)) = path.split_first() else {
        set(object)?;
        return Ok(1);
    };
    if path.len() > MAX_DEPTH {
        return Err(FieldError::Step(text.clone()));
    }
    let missing = || FieldError::Missing(text.clone());
    let shape = || FieldError::Shape(text.clone());
    match step(text)? {
        Step::Index(index) => {
            let items = object.items_mut().ok_or_else(shape)?;
            if let (true, Some(leaf)) = (items.len() == index, create) {
                items.push(made(rest, leaf));
            }
            visit(items.get_mut(index).ok_or_else(missing)?, rest, create, set)
        }
        Step::Every => {
            let mut count = 0;
            for item in object.items_mut().ok_or_else(shape)? {
                count += visit(item, rest, create, set)?;
            }
            Ok(count)
        }
        Step::Item(key, pattern) => {
            let matches = Expression::new(pattern).ok_or_else(|| FieldError::Step(text.clone()))?;
            let items = object.items_mut().ok_or_else(shape)?;
            let mut count = 0;
            let fits = |item: &Value| {
                let text = if key.is_empty() { Some(item) } else { item.get(key) };
                text.and_then(Value::as_str).is_some_and(|text| matches.fits(text.trim()))
            };
            for item in items.iter_mut().filter(|item| fits(item)) {
                // An item found by its own text is the end of the path, whatever follows.
                count += if key.is_empty() {
                    visit(item, &[], create, set)?
                } else {
                    visit(item, rest, create, set)?
                };
            }
            if let (0, Some(_)) = (count, create) {
                let value = Value::text(pattern);
                let mut item = if key.is_empty() { value } else { Value::map([(key, value)]) };
                count += visit(&mut item, if key.is_empty() { &[] } else { rest }, create, set)?;
                items.push(item);
            }
            Ok(count)
        }
        // A hyphen is an ordinary key here.
        Step::Last => visit_key(object, "-", rest, create, set),
        Step::Key(key) => visit_key(object, key, rest, create, set),
    }
}

fn visit_key(
    object: &mut Value,
    key: &str,
    rest: &[String],
    create: Option<&Value>,
    set: &mut dyn FnMut(&mut Value) -> Result<(), FieldError>,
) -> Result<usize, FieldError> {
    match object {
        Value::Null => return Ok(0),
        Value::Map(_) => {}
        _ => return Err(FieldError::Shape(key.to_owned())),
    }
    if let (None, Some(leaf)) = (object.get(key), create) {
        object.set(key, made(rest, leaf));
    }
    match object.get(key) {
        None => Ok(0),
        // Structured text (JSON in an annotation): nothing that a pod is made of.
        Some(Value::Scalar(..)) if !rest.is_empty() => Ok(1),
        Some(_) => object.get_mut(key).map_or(Ok(0), |field| visit(field, rest, create, set)),
    }
}

/// What is made where the rest of a path finds nothing.
fn made(rest: &[String], leaf: &Value) -> Value {
    match rest.first().map(|next| step(next)) {
        None => match leaf {
            Value::Map(_) => Value::map([]),
            Value::List(_) => Value::list(Vec::new()),
            _ => Value::text(""),
        },
        Some(Ok(Step::Key(_))) | Some(Err(_)) => Value::map([]),
        Some(Ok(_)) => Value::list(Vec::new()),
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

    #[test]
    fn paths_split_with_escapes_and_brackets() {
        assert_eq!(split("a/b\\/c/d", '/'), ["a", "b/c", "d"]);
        assert_eq!(split("/a", '/'), ["a"]);
        assert_eq!(split_dotted("a.[name=x.y].b"), ["a", "[name=x.y]", "b"]);
        assert_eq!(split_dotted("metadata.annotations.[a.b/c]"), ["metadata", "annotations", "a.b/c"]);
    }

    #[test]
    fn field_specs_reach_every_item() {
        let mut object = read("{spec: {containers: [{image: a}, {image: b}, {name: c}], other: 1}}");
        let spec = FieldSpec::anywhere("spec/containers[]/image", true);
        let mut seen = Vec::new();
        let mut set = |value: &mut Value| {
            seen.push(value.as_str().unwrap().to_owned());
            Ok(())
        };
        spec.visit(&mut object, false, &mut set).unwrap();
        assert_eq!(seen, ["a", "b"]);
        let missing = FieldSpec::anywhere("metadata/namespace", true);
        let mut set = |value: &mut Value| {
            *value = Value::text("shop");
            Ok(())
        };
        missing.visit(&mut object, true, &mut set).unwrap();
        assert_eq!(object.at(&["metadata", "namespace"]), Some(&Value::text("shop")));
        let beyond = FieldSpec::anywhere("spec/other/x", false);
        assert!(beyond.visit(&mut object, false, &mut |_| Ok(())).is_err());
    }

    #[test]
    fn dotted_paths_look_up_one_value() {
        let object = read("{a: [{name: web, image: x}, {name: db}], b: [p, q]}");
        let found = |path: &str| lookup(&object, &split_dotted(path)).unwrap().and_then(Value::as_str);
        assert_eq!(found("a.[name=web].image"), Some("x"));
        assert_eq!((found("b.1"), found("b.-"), found("b.[=p]")), (Some("q"), Some("q"), Some("p")));
        assert_eq!((found("a.5.image"), found("c.d")), (None, None));
        assert!(lookup(&object, &split_dotted("b.x")).is_err());
    }

    #[test]
    fn dotted_paths_visit_all_that_match_and_create() {
        let mut object = read("{a: [{name: web, image: x}, {name: web-2, image: y}]}");
        let set = &mut |value: &mut Value| {
            *value = Value::text("z");
            Ok(())
        };
        // The pattern is not anchored: kustomize's own behaviour.
        assert_eq!(visit(&mut object, &split_dotted("a.[name=web].image"), None, set), Ok(2));
        assert_eq!(visit(&mut object, &split_dotted("a.*.image"), None, set), Ok(2));
        assert_eq!(visit(&mut object, &split_dotted("a.0.none"), None, set), Ok(0));
        assert!(visit(&mut object, &split_dotted("a.7.image"), None, set).is_err());
        let leaf = Value::text("");
        assert_eq!(visit(&mut object, &split_dotted("b.[name=q].image"), Some(&leaf), set), Ok(1));
        assert_eq!(object.get("b"), Some(&read("[{name: 'q', image: 'z'}]")));
    }
}
