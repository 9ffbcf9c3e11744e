//! Go's `reflect.DeepEqual`: types count, nil slices are not empty ones, and what refers to itself can be compared.
//!
//! Nothing here recurses; a comparison that would take too long is an error.

use super::semver::Version;
use crate::value::{Object, Str, Value};
use std::collections::HashSet;
use std::rc::Rc;

/// As many pairs as one call may compare.
const MOST_PAIRS: u64 = 20_000_000;

/// What one call has compared.
#[derive(Default)]
pub(super) struct Comparison {
    pairs: u64,
}

/// Values of which it is asked whether they hold an equal one.
pub(super) struct Set {
    scalars: HashSet<Scalar>,
    others: Vec<Value>,
}

/// A value that is equal exactly if type and content are.
#[derive(PartialEq, Eq, Hash)]
enum Scalar {
    Nil,
    Bool(bool),
    Int(i64, &'static str),
    Float(u64),
    Str(Str),
}

impl Scalar {
    fn of(value: &Value) -> Option<Scalar> {
        match value {
            Value::Nil => Some(Scalar::Nil),
            Value::Bool(truth) => Some(Scalar::Bool(*truth)),
            Value::Int(number, kind) => Some(Scalar::Int(*number, kind.type_name())),
            // A NaN equals nothing; the two zeros are one.
            Value::Float(number) if number.is_nan() => None,
            Value::Float(number) => Some(Scalar::Float((number + 0.0).to_bits())),
            Value::Str(text) => Some(Scalar::Str(text.clone())),
            _ => None,
        }
    }
}

impl Set {
    /// Adds a value.
    pub(super) fn insert(&mut self, value: Value) {
        match Scalar::of(&value) {
            Some(scalar) => {
                self.scalars.insert(scalar);
            }
            None => self.others.push(value),
        }
    }

    /// Whether an equal value is among them.
    pub(super) fn contains(&self, value: &Value, comparison: &mut Comparison) -> Result<bool, String> {
        if let Some(scalar) = Scalar::of(value) {
            return Ok(self.scalars.contains(&scalar));
        }
        for other in &self.others {
            if comparison.equal(value, other)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Comparison {
    /// A set whose questions count to this call.
    pub(super) fn set(&self) -> Set {
        Set { scalars: HashSet::new(), others: Vec::new() }
    }

    /// Whether two values are deeply equal.
    pub(super) fn equal(&mut self, a: &Value, b: &Value) -> Result<bool, String> {
        let mut waiting = Vec::new();
        let mut seen = HashSet::new();
        if !self.shallow(a, b, &mut waiting, &mut seen)? {
            return Ok(false);
        }
        while let Some((a, b)) = waiting.pop() {
            if !self.shallow(&a, &b, &mut waiting, &mut seen)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Compares two values down to their elements, which have to wait. Pairs that were seen before are taken as equal.
    fn shallow(
        &mut self,
        a: &Value,
        b: &Value,
        waiting: &mut Vec<(Value, Value)>,
        seen: &mut HashSet<(usize, usize)>,
    ) -> Result<bool, String> {
        self.pairs += 1;
        if self.pairs > MOST_PAIRS {
            return Err("too many values to compare".to_owned());
        }
        Ok(match (a, b) {
            (Value::List(a), Value::List(b)) => {
                if a.kind() != b.kind() || a.is_nil() != b.is_nil() || a.items().len() != b.items().len() {
                    return Ok(false);
                }
                if !Rc::ptr_eq(a, b) && seen.insert((Rc::as_ptr(a) as usize, Rc::as_ptr(b) as usize)) {
                    waiting.extend(a.items().iter().cloned().zip(b.items().iter().cloned()));
                }
                true
            }
            (Value::Map(a), Value::Map(b)) => {
                if a.kind() != b.kind() || a.len() != b.len() {
                    return Ok(false);
                }
                if Rc::ptr_eq(a, b) || !seen.insert((Rc::as_ptr(a) as usize, Rc::as_ptr(b) as usize)) {
                    return Ok(true);
                }
                let (a, b) = (a.entries(), b.entries());
                let same_keys = a.keys().eq(b.keys());
                waiting.extend(a.values().cloned().zip(b.values().cloned()));
                same_keys
            }
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Object(a), Value::Object(b)) => object_equal(a, b),
            (a, b) => match (Scalar::of(a), Scalar::of(b)) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        })
    }
}

/// Whether two objects are equal: of one type, and printed alike; a version also remembers how it was written.
fn object_equal(a: &Rc<dyn Object>, b: &Rc<dyn Object>) -> bool {
    let version = |object: &Rc<dyn Object>| object.as_any().downcast_ref::<Version>().map(Version::original);
    std::ptr::addr_eq(Rc::as_ptr(a), Rc::as_ptr(b))
        || (a.type_name() == b.type_name() && a.text() == b.text() && version(a) == version(b))
}
