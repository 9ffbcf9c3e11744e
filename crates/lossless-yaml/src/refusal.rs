//! Why a place in a file is left alone.

use std::fmt;

/// Why a place is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The field holds something of another form than it must.
    WrongForm(&'static str),
    /// The mapping has this key twice; readers differ in which one counts.
    DuplicateKey(String),
    /// The field comes in by a merge key (`<<`); a field of its own would hide it.
    Merged,
    /// A tag or anchor stands where the entry would have to go.
    Property,
    /// An empty text stands where the name would have to go.
    EmptyText,
    /// The layout leaves no place that is certain.
    Layout,
    /// The mapping that would hold the field is not there, and what else it would have to hold is not known.
    Absent(String),
    /// Something that the caller knows stands in the way: a clause that follows "but".
    Other(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongForm(expected) => write!(f, "the field is not {expected}"),
            Self::DuplicateKey(key) => write!(f, "key `{key}` is given twice"),
            Self::Merged => f.write_str("the field comes from a merge key"),
            Self::Property => f.write_str("the field has a tag or an anchor but no value"),
            Self::EmptyText => f.write_str("the field holds an empty text, which stays what it is"),
            Self::Layout => f.write_str("the layout leaves no certain place for an entry"),
            Self::Absent(path) => write!(f, "there is no place for `{path}`"),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}
