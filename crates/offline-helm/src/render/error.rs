//! Why a chart is not rendered.

use crate::chart::ChartError;
use crate::template::TemplateError;
use std::fmt;

/// Why a chart cannot be rendered.
#[derive(Clone, Debug)]
pub enum Error {
    /// The chart is not what a chart has to be.
    Chart(ChartError),
    /// The values do not fit.
    Values(String),
    /// A template is wrong, or fails.
    Template(TemplateError),
    /// What a template gives is no manifest.
    Manifest {
        /// The template.
        template: String,
        /// What is wrong.
        message: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Chart(error) => error.fmt(f),
            Error::Values(message) => f.write_str(message),
            Error::Template(error) => error.fmt(f),
            Error::Manifest { template, message } => write!(f, "YAML parse error on {template}: {message}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<ChartError> for Error {
    fn from(error: ChartError) -> Self {
        Error::Chart(error)
    }
}

impl From<TemplateError> for Error {
    fn from(error: TemplateError) -> Self {
        Error::Template(error)
    }
}
