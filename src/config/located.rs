//! A value with its place in the configuration, so that whatever objects to it later can say where it stands.

use lossless_yaml::span::Position;

/// A value and where the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub position: Position,
}
