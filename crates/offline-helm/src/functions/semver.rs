//! Versions and what is asked of them, as the Go package Masterminds/semver reads both: loosely.
//!
//! Constraints stand in `constraint`.

use super::count::{no_arguments, wrong_count};
use crate::value::{IntKind, Kind, Object, Str, Value};
use std::any::Any;
use std::cmp::Ordering;

const MOST_BYTES: usize = 256;

/// A version. Its missing parts are zero.
#[derive(Clone, Debug, Default)]
pub struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    /// What follows the `-`; `""` if nothing does.
    pub(super) pre: String,
    metadata: String,
    original: String,
    /// Whether it is Go's struct and not a pointer to one, as the methods that count up give it.
    by_value: bool,
}

impl Version {
    /// Reads `v1.2.3-rc.1+build`, also with fewer parts.
    pub fn parse(original: &str) -> Result<Version, String> {
        if original.len() > MOST_BYTES {
            return Err(format!("version string is too long (max {MOST_BYTES} bytes)"));
        }
        let invalid = || "invalid semantic version".to_owned();
        let rest = original.strip_prefix('v').unwrap_or(original);
        let (rest, metadata) = rest.split_once('+').map_or((rest, None), |(rest, after)| (rest, Some(after)));
        let (numbers, pre) = rest.split_once('-').map_or((rest, None), |(rest, after)| (rest, Some(after)));
        let numbers: Vec<&str> = numbers.split('.').collect();
        let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if numbers.len() > 3 || !numbers.iter().all(digits) {
            return Err(invalid());
        }
        if ![pre, metadata].into_iter().flatten().all(identifiers) {
            return Err(invalid());
        }
        let number = |at: usize| {
            let part = numbers.get(at).copied().unwrap_or("0");
            part.parse::<u64>().map_err(|_| {
                format!(
                    "error parsing version segment: strconv.ParseUint: parsing \"{part}\": value out of range"
                )
            })
        };
        let (major, minor, patch) = (number(0)?, number(1)?, number(2)?);
        let (pre, metadata) = (pre.unwrap_or_default().to_owned(), metadata.unwrap_or_default().to_owned());
        let leading_zero = |part: &str| {
            part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if pre.split('.').any(leading_zero) {
            return Err("version segment starts with 0".to_owned());
        }
        Ok(Version { major, minor, patch, pre, metadata, original: original.to_owned(), by_value: false })
    }

    /// How the version was written.
    pub(super) fn original(&self) -> String {
        self.original.clone()
    }

    /// Which of two versions is newer. Metadata does not count.
    pub fn compare(&self, other: &Version) -> Ordering {
        let numbers = |version: &Version| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| match (self.pre.as_str(), other.pre.as_str()) {
            ("", "") => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (a, b) => compare_pre(a, b),
        })
    }

    fn written(&self) -> String {
        let mut out = format!("{}.{}.{}", self.major, self.minor, self.patch);
        for (sign, part) in [('-', &self.pre), ('+', &self.metadata)] {
            if !part.is_empty() {
                out.push(sign);
                out.push_str(part);
            }
        }
        out
    }

    /// The version with other parts, as a method gives it.
    fn with(&self, major: u64, minor: u64, patch: u64, pre: &str, metadata: &str) -> Value {
        let mut next = Version {
            major,
            minor,
            patch,
            pre: pre.to_owned(),
            metadata: metadata.to_owned(),
            original: String::new(),
            by_value: true,
        };
        let v = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{v}{}", next.written());
        Value::object(next)
    }

    fn increment(&self, name: &str) -> Result<Value, String> {
        let next = |number: u64, part: &str| {
            number.checked_add(1).ok_or_else(|| format!("{part} version increment would overflow uint64"))
        };
        Ok(match name {
            "IncMajor" => self.with(next(self.major, "major")?, 0, 0, "", ""),
            "IncMinor" => self.with(self.major, next(self.minor, "minor")?, 0, "", ""),
            _ if self.pre.is_empty() => self.with(self.major, self.minor, next(self.patch, "patch")?, "", ""),
            _ => self.with(self.major, self.minor, self.patch, "", ""),
        })
    }

    fn set(&self, name: &str, part: &str) -> Result<Value, String> {
        let (major, minor, patch) = (self.major, self.minor, self.patch);
        if name == "SetMetadata" {
            if !part.is_empty() && !identifiers(part) {
                return Err("invalid metadata string".to_owned());
            }
            return Ok(self.with(major, minor, patch, &self.pre, part));
        }
        let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !part.is_empty() && !identifiers(part) {
            return Err("invalid prerelease string".to_owned());
        }
        if part.split('.').any(|part| part.len() > 1 && part.starts_with('0') && numeric(part)) {
            return Err("version segment starts with 0".to_owned());
        }
        Ok(self.with(major, minor, patch, part, &self.metadata))
    }

    /// The methods that compare with another version.
    fn relation(&self, name: &str, other: &Version) -> Value {
        let order = self.compare(other);
        Value::Bool(match name {
            "LessThan" => order.is_lt(),
            "LessThanEqual" => order.is_le(),
            "GreaterThan" => order.is_gt(),
            "GreaterThanEqual" => order.is_ge(),
            "Equal" => order.is_eq(),
            _ => return Value::int(order as i64),
        })
    }
}

/// Dot-separated words of letters, digits and hyphens.
fn identifiers(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric()))
}

/// Numbers come before words, fewer words before more.
pub(super) fn compare_pre(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (a, b) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => (a.unwrap_or(""), b.unwrap_or("")),
        };
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse::<u64>().ok() } else { None }
        };
        let order = match (number(a), number(b)) {
            _ if a == b => Ordering::Equal,
            _ if a.is_empty() || b.is_empty() => a.len().cmp(&b.len()),
            (None, None) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => {
                if a > b {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl Object for Version {
    fn type_name(&self) -> &'static str {
        if self.by_value { "semver.Version" } else { "*semver.Version" }
    }

    fn kind(&self) -> Kind {
        if self.by_value { Kind::Struct } else { Kind::Pointer }
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        let number = |number: u64| Value::Int(number as i64, IntKind::Uint64);
        let plain = match name {
            "Major" => number(self.major),
            "Minor" => number(self.minor),
            "Patch" => number(self.patch),
            "Prerelease" => Value::str(self.pre.as_str()),
            "Metadata" => Value::str(self.metadata.as_str()),
            "String" => Value::str(self.written()),
            "Original" if !self.by_value => Value::str(self.original.as_str()),
            "IncMajor" | "IncMinor" | "IncPatch" => {
                return Some(no_arguments(name, args).and_then(|()| self.increment(name)));
            }
            "SetPrerelease" | "SetMetadata" => {
                return Some(match args {
                    [Value::Str(part)] => self.set(name, &part.text()),
                    _ => Err(wrong_count(name, 1, args)),
                });
            }
            "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual" | "Equal" | "Compare"
                if !self.by_value =>
            {
                let other = match args {
                    [Value::Object(other)] => other.as_any().downcast_ref::<Version>(),
                    _ => return Some(Err(wrong_count(name, 1, args))),
                };
                let refused = || "wrong type for value; expected *semver.Version".to_owned();
                return Some(other.ok_or_else(refused).map(|other| self.relation(name, other)));
            }
            _ => return None,
        };
        Some(no_arguments(name, args).map(|()| plain))
    }

    fn text(&self) -> Str {
        self.written().into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
