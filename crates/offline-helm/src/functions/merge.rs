//! The rules by which Helm merges dictionaries: those of the Go package mergo, as Sprig calls it.
//!
//! A dictionary within the destination is changed in place. What is missing or empty there is taken from the source as it is,
//! so that both hold the same dictionary afterwards.

use crate::value::{Kind, Map, MapType, Value};
use std::fmt;
use std::rc::Rc;

/// Dictionaries within dictionaries; a dictionary that holds itself ends here.
const DEPTH: usize = 1_000;

/// Entries that one merge may look at.
const MOST_ENTRIES: usize = 10_000_000;

/// What happens to a value that both have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The destination's stays, unless it is empty.
    KeepFirst,
    /// The source's is taken.
    TakeLast,
}

/// Why two dictionaries cannot be merged.
pub(super) enum Error {
    /// Helm gives nothing here.
    Types,
    /// Go panics.
    Unassignable,
    /// Helm would not end.
    Endless,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Types => "src and dst must be of same type",
            Error::Unassignable => {
                "reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string"
            }
            Error::Endless => "the dictionaries are nested too deeply to be merged",
        })
    }
}

/// Merges the source into the destination.
pub(super) fn merge(into: &Rc<Map>, source: &Rc<Map>, rule: Rule) -> Result<(), Error> {
    Merge { rule, looked_at: 0 }.level(into, source, 0)
}

struct Merge {
    rule: Rule,
    looked_at: usize,
}

impl Merge {
    fn level(&mut self, into: &Rc<Map>, source: &Rc<Map>, depth: usize) -> Result<(), Error> {
        if depth > DEPTH {
            return Err(Error::Endless);
        }
        // Either may be changed on the way, also if it is one dictionary.
        let keys: Vec<_> = source.entries().keys().cloned().collect();
        for key in keys {
            self.looked_at += 1;
            if self.looked_at > MOST_ENTRIES {
                return Err(Error::Endless);
            }
            let Some(new) = source.get(key.as_bytes()) else { continue };
            let old = into.get(key.as_bytes());
            if new.is_nil() {
                if self.rule == Rule::TakeLast {
                    into.set(key, new);
                }
                continue;
            }
            match (&old, &new) {
                (Some(Value::Map(old)), Value::Map(new)) => {
                    self.level(old, new, depth + 1)?;
                    if !old.is_empty() {
                        continue;
                    }
                }
                (Some(old), Value::Map(_)) => self.refuse_pointer(old)?,
                _ => {}
            }
            if self.rule == Rule::TakeLast || old.is_none_or(|old| is_empty(&old)) {
                if into.kind() == MapType::Str && source.kind() != MapType::Str {
                    return Err(Error::Unassignable);
                }
                into.set(key, new);
            }
        }
        Ok(())
    }

    /// A pointer keeps its place, but a dictionary does not fit into it.
    fn refuse_pointer(&self, old: &Value) -> Result<(), Error> {
        match old {
            Value::Object(object) if object.kind() == Kind::Pointer && self.rule == Rule::KeepFirst => {
                Err(Error::Types)
            }
            _ => Ok(()),
        }
    }
}

/// Whether a value counts as missing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.entries().is_some_and(|entries| entries.is_empty()),
        value => !value.truth(),
    }
}
