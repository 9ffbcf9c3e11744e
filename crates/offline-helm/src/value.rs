//! Values as Go has them.
//!
//! A map is shared by all who hold it: `set`, `unset` and `merge` change it for everyone. Lists never change. Strings are
//! bytes, as in Go. Dropping a value never recurses, however deep a template has nested it.

use std::any::Any;
use std::borrow::{Borrow, Cow};
use std::cell::{Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// Bytes as text; what is not UTF-8 becomes the replacement character.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    // The lossy reading looks at each byte, this one at many in one step.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The same of bytes that nobody else needs.
pub(crate) fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// A Go string: bytes that are text nearly always.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Str(Rc<[u8]>);

impl Str {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text; what is not UTF-8 becomes the replacement character.
    pub fn text(&self) -> Cow<'_, str> {
        text(&self.0)
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is `""`.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Str(text.as_bytes().into())
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Str(text.into_bytes().into())
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Self {
        Str(bytes.into())
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Self {
        Str(bytes.into())
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text(), f)
    }
}

/// The Go type of a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntKind {
    /// `int`
    Int,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `uint8`, an element of a string or of bytes
    Uint8,
    /// `uint32`
    Uint32,
    /// `uint64`
    Uint64,
    /// `time.Duration`
    Duration,
}

/// A value of a template.
#[derive(Clone)]
pub enum Value {
    /// `nil`
    Nil,
    /// `bool`
    Bool(bool),
    /// A whole number of some type.
    Int(i64, IntKind),
    /// `float64`, which numbers of a values file are
    Float(f64),
    /// `string`
    Str(Str),
    /// `[]byte`
    Bytes(Rc<[u8]>),
    /// A slice.
    List(Rc<List>),
    /// A map with string keys.
    Map(Rc<Map>),
    /// A Helm object: struct, pointer, or a type with methods.
    Object(Rc<dyn Object>),
}

/// The element type of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListType {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Str,
    /// `[]int`
    Int,
    /// `[][]interface {}`
    Lists,
}

/// The type of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapType {
    /// `map[string]interface {}`
    Any,
    /// `map[string]string`
    Str,
    /// `chartutil.Values`, which goes wherever `map[string]interface {}` goes
    Values,
}

/// A slice; it never changes.
pub struct List {
    kind: ListType,
    nil: bool,
    items: Vec<Value>,
}

impl List {
    /// A slice of any elements.
    pub fn new(items: Vec<Value>) -> Self {
        List::typed(ListType::Any, items)
    }

    /// A slice whose elements all have one type.
    pub fn typed(kind: ListType, items: Vec<Value>) -> Self {
        List { kind, nil: false, items }
    }

    /// A nil slice: prints and counts as an empty one, encodes as `null`.
    pub fn nil(kind: ListType) -> Self {
        List { kind, nil: true, items: Vec::new() }
    }

    /// The element type.
    pub fn kind(&self) -> ListType {
        self.kind
    }

    /// Whether it is a nil slice.
    pub fn is_nil(&self) -> bool {
        self.nil
    }

    /// The elements.
    pub fn items(&self) -> &[Value] {
        &self.items
    }
}

/// A map with string keys, sorted as Go prints and ranges over them.
pub struct Map {
    kind: MapType,
    entries: RefCell<BTreeMap<Str, Value>>,
}

impl Map {
    /// A map of any values.
    pub fn new(entries: BTreeMap<Str, Value>) -> Self {
        Map::typed(MapType::Any, entries)
    }

    /// A map of a certain type.
    pub fn typed(kind: MapType, entries: BTreeMap<Str, Value>) -> Self {
        Map { kind, entries: RefCell::new(entries) }
    }

    /// The type.
    pub fn kind(&self) -> MapType {
        self.kind
    }

    /// The entries, to read. Not to be held while anything could write to the map.
    pub fn entries(&self) -> Ref<'_, BTreeMap<Str, Value>> {
        self.entries.borrow()
    }

    /// The entries, to change. Not to be held while anything else could look at the map.
    pub fn entries_mut(&self) -> RefMut<'_, BTreeMap<Str, Value>> {
        self.entries.borrow_mut()
    }

    /// The value of a key; cheap, since values are shared.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.entries.borrow().get(key).cloned()
    }

    /// Sets a key for everyone who holds the map.
    pub fn set(&self, key: impl Into<Str>, value: Value) {
        // The old value is dropped after the borrow has ended.
        let _old = self.entries.borrow_mut().insert(key.into(), value);
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }
}

impl Value {
    /// A string.
    pub fn str(text: impl Into<Str>) -> Value {
        Value::Str(text.into())
    }

    /// A Go `int`.
    pub fn int(number: i64) -> Value {
        Value::Int(number, IntKind::Int)
    }

    /// A Go `int64`, which `--set` gives.
    pub fn int64(number: i64) -> Value {
        Value::Int(number, IntKind::Int64)
    }

    /// A slice of any elements.
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(List::new(items)))
    }

    /// A `[]string`.
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Value {
        let items = items.into_iter().map(Value::str).collect();
        Value::List(Rc::new(List::typed(ListType::Str, items)))
    }

    /// A `map[string]interface {}`.
    pub fn map(entries: impl IntoIterator<Item = (Str, Value)>) -> Value {
        Value::Map(Rc::new(Map::new(entries.into_iter().collect())))
    }

    /// A map of the type `chartutil.Values`.
    pub fn values(entries: impl IntoIterator<Item = (Str, Value)>) -> Value {
        Value::Map(Rc::new(Map::typed(MapType::Values, entries.into_iter().collect())))
    }

    /// Helm's object.
    pub fn object(object: impl Object) -> Value {
        Value::Object(Rc::new(object))
    }

    /// From parsed JSON; numbers become `float64`, as Helm reads values files.
    pub fn from_json(json: serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Nil,
            serde_json::Value::Bool(truth) => Value::Bool(truth),
            serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Value::str(text),
            serde_json::Value::Array(items) => Value::list(items.into_iter().map(Value::from_json).collect()),
            serde_json::Value::Object(entries) => {
                Value::map(entries.into_iter().map(|(key, value)| (Str::from(key), Value::from_json(value))))
            }
        }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Rc<Map>> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&Rc<List>> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&Str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    /// Go's truth: neither zero nor empty nor nil.
    pub fn truth(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(truth) => *truth,
            Value::Int(number, _) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            Value::List(list) => !list.items.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Object(object) => object.truth(),
        }
    }

    /// Go's name of the type, as `typeOf` prints it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_, kind) => kind.type_name(),
            Value::Float(_) => "float64",
            Value::Str(_) => "string",
            Value::Bytes(_) => "[]uint8",
            Value::List(list) => list.kind.type_name(),
            Value::Map(map) => map.kind.type_name(),
            Value::Object(object) => object.type_name(),
        }
    }

    /// Go's name of the kind, as `kindOf` prints it.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Nil => "invalid",
            Value::Int(_, IntKind::Duration) => "int64",
            Value::Bytes(_) | Value::List(_) => "slice",
            Value::Map(_) => "map",
            Value::Object(object) => object.kind().name(),
            other => other.type_name(),
        }
    }

    fn is_container(&self) -> bool {
        matches!(self, Value::List(_) | Value::Map(_))
    }
}

impl IntKind {
    /// Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            IntKind::Int => "int",
            IntKind::Int32 => "int32",
            IntKind::Int64 => "int64",
            IntKind::Uint8 => "uint8",
            IntKind::Uint32 => "uint32",
            IntKind::Uint64 => "uint64",
            IntKind::Duration => "time.Duration",
        }
    }

    /// Whether the type has no sign.
    pub fn is_unsigned(self) -> bool {
        matches!(self, IntKind::Uint8 | IntKind::Uint32 | IntKind::Uint64)
    }
}

impl ListType {
    /// Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            ListType::Any => "[]interface {}",
            ListType::Str => "[]string",
            ListType::Int => "[]int",
            ListType::Lists => "[][]interface {}",
        }
    }
}

impl MapType {
    /// Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            MapType::Any => "map[string]interface {}",
            MapType::Str => "map[string]string",
            MapType::Values => "chartutil.Values",
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.items.iter().any(Value::is_container) {
            dismantle(std::mem::take(&mut self.items));
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let entries = self.entries.get_mut();
        if entries.values().any(Value::is_container) {
            dismantle(std::mem::take(entries).into_values().collect());
        }
    }
}

/// Drops nested values one by one instead of one within the other.
fn dismantle(mut waiting: Vec<Value>) {
    while let Some(value) = waiting.pop() {
        match value {
            Value::List(list) => {
                if let Some(mut list) = Rc::into_inner(list) {
                    waiting.append(&mut list.items);
                }
            }
            Value::Map(map) => {
                if let Some(mut map) = Rc::into_inner(map) {
                    waiting.extend(std::mem::take(map.entries.get_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}

/// The kind of a Go type, as `kindOf` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ptr`
    Pointer,
    /// `struct`
    Struct,
    /// `map`
    Map,
    /// `slice`
    Slice,
}

impl Kind {
    /// The name that reflection gives.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Pointer => "ptr",
            Kind::Struct => "struct",
            Kind::Map => "map",
            Kind::Slice => "slice",
        }
    }
}

/// A Go value with fields or methods, for example `.Files` or the result of `semver`.
pub trait Object: Any {
    /// Go's name of the type, for example `*semver.Version`; stands in error messages and in `typeOf`.
    fn type_name(&self) -> &'static str;

    /// The kind of the type.
    fn kind(&self) -> Kind;

    /// The field of that name; for a map type the element. `None`: there is none.
    fn field(&self, name: &str) -> Option<Value>;

    /// Calls the method of that name. `None`: there is none. The error is what follows `error calling NAME: `.
    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        let _ = (name, args);
        None
    }

    /// Key and value pairs in order where the type is a map (keys are strings) or a list (keys are numbers).
    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        None
    }

    /// What `print` and `toString` give.
    fn text(&self) -> Str;

    /// What `toYaml` and `toJson` encode; by default the text.
    fn data(&self) -> Value {
        Value::Str(self.text())
    }

    /// Whether an `if` takes it as true. Structs and pointers always are.
    fn truth(&self) -> bool {
        self.entries().is_none_or(|entries| !entries.is_empty())
    }

    /// For functions that take this very type.
    fn as_any(&self) -> &dyn Any;
}
