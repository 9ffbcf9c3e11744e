//! How much a template may use; what it needs more is an error, never a hang.

/// Limits of one rendering. Real charts stay far below the default.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Nodes that are executed, and elements that functions make.
    pub steps: u64,
    /// Templates within templates, and nodes within nodes.
    pub depth: usize,
    /// Bytes of output, of text within functions too.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { steps: 50_000_000, depth: 1_500, output: 256 << 20 }
    }
}
