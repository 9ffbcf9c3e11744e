//! Helm's own objects: Go structs, and types with methods, behind one trait.
//!
//! A template sees fields, methods and, for map and list types, elements. What an object does not name does not exist, and a
//! template that asks for it fails with Go's words.

use super::value::{Str, Value};
use std::any::Any;

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
