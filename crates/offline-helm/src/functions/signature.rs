//! What the engine knows of a function: its name, the Go types of its parameters, what it does.

use crate::value::Value;

/// The Go type of a parameter. What a function gets has this type: the engine has checked, or converted a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: any value, [`Value::Nil`] included.
    Any,
    /// `reflect.Value`: any value; differs from `Any` only where Go tells a missing value.
    Reflect,
    /// `string`: always [`Value::Str`].
    Str,
    /// `int`: always [`Value::Int`] of that kind.
    Int,
    /// `int64`
    Int64,
    /// `uint32`
    Uint32,
    /// `bool`
    Bool,
    /// `float64`
    Float,
    /// `map[string]interface {}`: [`Value::Map`], or [`Value::Nil`] for a nil map.
    Map,
    /// `[]interface {}`: [`Value::List`]; a nil slice for `nil`.
    List,
    /// `[]string`, likewise.
    Strings,
    /// `[][]interface {}`, likewise.
    Lists,
    /// A type of an [`Object`](crate::value::Object) that has this Go name, `time.Time` for example.
    Object(&'static str),
}

/// A function of templates.
pub struct Function {
    /// The name that templates call.
    pub name: &'static str,
    /// The parameters that must be given.
    pub params: &'static [Type],
    /// The type of any further ones; `None`: there are no further ones.
    pub rest: Option<Type>,
    /// What it does. The error is what follows `error calling NAME: `.
    pub call: fn(&[Value]) -> Result<Value, String>,
}
