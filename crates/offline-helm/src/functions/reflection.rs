//! Functions that ask what a value is.

use super::arguments::{bytes, fixed};
use super::equal::Comparison;
use super::signature::{Function, Type::Any, Type::Str};
use crate::value::Value;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("typeOf", &[Any], |args| Ok(Value::str(args[0].type_name()))),
    fixed("typeIs", &[Str, Any], |args| Ok(Value::Bool(bytes(&args[0]) == args[1].type_name().as_bytes()))),
    fixed("typeIsLike", &[Str, Any], type_is_like),
    fixed("kindOf", &[Any], |args| Ok(Value::str(args[0].kind_name()))),
    fixed("kindIs", &[Str, Any], |args| Ok(Value::Bool(bytes(&args[0]) == args[1].kind_name().as_bytes()))),
    fixed("deepEqual", &[Any, Any], |args| Comparison::default().equal(&args[0], &args[1]).map(Value::Bool)),
];

fn type_is_like(args: &[Value]) -> Result<Value, String> {
    let (target, name) = (bytes(&args[0]), args[1].type_name().as_bytes());
    Ok(Value::Bool(target == name || name.strip_prefix(b"*") == Some(target)))
}
