//! A file of a chart, and what is wrong with one.

use std::fmt;

/// A file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path within the chart, parted by `/`.
    pub name: String,
    /// What it holds; without a byte order mark.
    pub data: Vec<u8>,
}

/// Why a chart cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartError {
    /// The file that is wrong, within the chart, as far as it is one file.
    pub file: Option<String>,
    /// What is wrong, in Helm's words where it has some.
    pub message: String,
}

impl ChartError {
    /// An error of a file, or of the whole chart.
    pub fn new(file: Option<&str>, message: impl Into<String>) -> Self {
        ChartError { file: file.map(str::to_owned), message: message.into() }
    }

    /// The error of a subchart, told of the chart around it.
    pub(super) fn below(self, folder: &str) -> Self {
        let file = self.file.map(|file| format!("charts/{folder}/{file}"));
        ChartError { file: file.or_else(|| Some(format!("charts/{folder}"))), message: self.message }
    }
}

impl fmt::Display for ChartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ChartError {}
