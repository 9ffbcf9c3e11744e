//! Functions that ask about versions.

use super::arguments::{fixed, text};
use super::constraint::Constraints;
use super::semver::Version;
use super::signature::{Function, Type};
use crate::value::Value;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("semver", &[Type::Str], |args| Ok(Value::object(Version::parse(&text(&args[0]))?))),
    fixed("semverCompare", &[Type::Str, Type::Str], compare),
];

fn compare(args: &[Value]) -> Result<Value, String> {
    let constraints = Constraints::parse(&text(&args[0]))?;
    Ok(Value::Bool(constraints.allow(&Version::parse(&text(&args[1]))?)))
}
