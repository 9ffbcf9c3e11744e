//! How much a rendering may use; what it needs more is an error, never a hang.

use std::time::Duration;

/// Limits of one rendering. Real charts stay far below the default.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Nodes that are executed.
    pub steps: u64,
    /// Lists, pipelines and templates within each other.
    pub depth: usize,
    /// Bytes that templates write and functions make, all together.
    pub output: usize,
    /// How long it may take.
    pub time: Duration,
}

impl Limits {
    /// The stack, in bytes, that the default depth needs; only what is used of it takes memory.
    pub(super) const STACK: usize = 512 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Limits { steps: 50_000_000, depth: 20_000, output: 1 << 30, time: Duration::from_secs(60) }
    }
}
