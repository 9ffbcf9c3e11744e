//! Why a node is not what a Rust type needs, kept structured until someone prints it.
//!
//! Names keys, kinds of values and what would have been right. Never quotes a value, but one that a fixed list of
//! words was expected for: files may hold credentials where they do not belong.

use std::fmt;

use serde::de::{Expected, Unexpected};

use crate::nearest::{listed, nearest, quoted};

/// A node that does not fit, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    problem: Problem,
    /// Byte in the file; none until the deserializer of the node concerned has seen the error.
    pub(super) offset: Option<usize>,
    /// Whether it is there only because of an error that was reported before.
    pub(super) follows: bool,
}

/// What is wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A key that nobody reads.
    UnknownKey {
        /// As written.
        key: String,
        /// The keys that are read here.
        valid: &'static [&'static str],
    },
    /// A word that is none of a fixed list.
    UnknownValue {
        /// As written.
        value: String,
        /// That list.
        valid: &'static [&'static str],
    },
    /// A key that must be there.
    MissingKey(&'static str),
    /// A key that is there for the second time.
    DuplicateKey(String),
    /// A mapping that must hold exactly one of these keys.
    NotOneKey(&'static [&'static str]),
    /// Another kind of node was expected.
    Type {
        /// What was expected, with its article.
        expected: String,
        /// What is there, with its article.
        found: &'static str,
    },
    /// Aliases nest deeper than any file that somebody wrote.
    TooDeep,
    /// Aliases multiply the file beyond measure.
    TooLarge,
    /// What the type itself has to say.
    Other(String),
}

impl Error {
    pub(super) fn new(problem: Problem) -> Self {
        Self { problem, offset: None, follows: false }
    }

    pub(super) fn wrong_type(expected: impl Into<String>, found: &'static str) -> Self {
        Self::new(Problem::Type { expected: expected.into(), found })
    }

    /// Byte in the file: the key for what is wrong with a key, the value for what is wrong with a value, the first
    /// byte of the mapping for a key that is missing.
    pub fn offset(&self) -> usize {
        self.offset.unwrap_or(0)
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let meant = |wrong: &str, valid: &[&'static str], otherwise: &str| {
            Some(match nearest(wrong, valid.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None if valid.is_empty() => "no key is valid here: write `{}`".to_owned(),
                None => format!("{otherwise}: {}", listed(valid.iter().copied())),
            })
        };
        match &self.problem {
            Problem::UnknownKey { key, valid } => meant(key, valid, "valid keys"),
            Problem::UnknownValue { value, valid } => meant(value, valid, "valid values"),
            Problem::NotOneKey(valid) => Some(format!("valid keys: {}", listed(valid.iter().copied()))),
            Problem::DuplicateKey(_) => Some("keep one of them".to_owned()),
            Problem::Type { expected, found } => match (expected.as_str(), *found) {
                ("a string", "a number" | "a boolean") => Some("put it in quotes".to_owned()),
                ("a list", "a string" | "a number" | "a boolean") => Some("put it in brackets".to_owned()),
                ("a list", "a mapping") => Some("begin it with `- `".to_owned()),
                _ => None,
            },
            Problem::MissingKey(_) | Problem::TooDeep | Problem::TooLarge | Problem::Other(_) => None,
        }
    }

    /// The key of a mapping stood for a variant, so to its author it is a key.
    pub(super) fn of_key(mut self) -> Self {
        if let Problem::UnknownValue { value, valid } = self.problem {
            self.problem = Problem::UnknownKey { key: value, valid };
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::UnknownKey { key, .. } => write!(f, "unknown key {}", quoted(key)),
            Problem::UnknownValue { value, .. } => write!(f, "unknown value {}", quoted(value)),
            Problem::MissingKey(key) => write!(f, "missing key `{key}`"),
            Problem::DuplicateKey(key) => write!(f, "key {} is there twice", quoted(key)),
            Problem::NotOneKey(_) => f.write_str("expected a mapping with exactly one key"),
            Problem::Type { expected, found } => write!(f, "expected {expected}, found {found}"),
            Problem::TooDeep => f.write_str("aliases nest too deeply"),
            Problem::TooLarge => f.write_str("aliases repeat too much of the file"),
            Problem::Other(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(Problem::Other(reason.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            // A word that names a variant, but one that comes with content.
            Unexpected::UnitVariant => return Self::wrong_type("a mapping", "a string"),
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a mapping",
            _ => "a string",
        };
        Self::wrong_type(expected.to_string(), found)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Problem::Other(format!("expected {expected}")))
    }

    fn unknown_variant(value: &str, valid: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownValue { value: value.to_owned(), valid })
    }

    fn unknown_field(key: &str, valid: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownKey { key: key.to_owned(), valid })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Problem::MissingKey(key))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Self::new(Problem::DuplicateKey(key.to_owned()))
    }
}
