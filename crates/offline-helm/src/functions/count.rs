//! The number of arguments that a method takes.

use crate::value::Value;

/// Refuses arguments of a method that takes none.
pub(super) fn no_arguments(name: &str, args: &[Value]) -> Result<(), String> {
    if args.is_empty() { Ok(()) } else { Err(wrong_count(name, 0, args)) }
}

/// Go's words for a wrong number of arguments.
pub(super) fn wrong_count(name: &str, wanted: usize, args: &[Value]) -> String {
    format!("wrong number of args for {name}: want {wanted} got {}", args.len())
}
