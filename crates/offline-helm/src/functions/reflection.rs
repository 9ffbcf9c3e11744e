//! Functions that ask what a value is.

use super::arguments::{bytes, fixed};
use super::equal::Comparison;
use super::semver::Version;
use super::signature::{Function, Type::Any, Type::Str};
use crate::value::{Object, Value};
use std::rc::Rc;

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

/// Whether two objects are equal: of one type, and printed alike; a version also remembers how it was written.
pub(super) fn object_equal(a: &Rc<dyn Object>, b: &Rc<dyn Object>) -> bool {
    let version = |object: &Rc<dyn Object>| object.as_any().downcast_ref::<Version>().map(Version::original);
    std::ptr::addr_eq(Rc::as_ptr(a), Rc::as_ptr(b))
        || (a.type_name() == b.type_name() && a.text() == b.text() && version(a) == version(b))
}
