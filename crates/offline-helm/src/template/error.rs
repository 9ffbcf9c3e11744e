//! What is wrong with a template, where, and the words Go has for it.

use std::fmt;

/// An error of a template: it cannot be read, or fails while it runs.
#[derive(Clone, Debug)]
pub struct TemplateError {
    /// The template, for example `chart/templates/deployment.yaml`.
    pub template: String,
    /// The line, from 1; 0 where it is not known.
    pub line: usize,
    /// The column in bytes, from 1; 0 where it is not known.
    pub column: usize,
    /// What is wrong, without the place.
    pub message: String,
    /// The whole text as Go words it.
    pub go: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.go)
    }
}

impl std::error::Error for TemplateError {}
