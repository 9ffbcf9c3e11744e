//! Charts: what their files say about them, and their subcharts.
//!
//! A chart is read from plain data, names and bytes, so that it can come from a folder, an archive or a Git tree. What is not
//! part of it is never looked at.

mod archive;
mod coalesce;
mod dependencies;
pub(crate) mod file;
mod helmignore;
mod metadata;
mod model;
mod read;

pub use archive::{unpack, without_mark};
pub use file::{ChartError, File};
pub use helmignore::{Rules, matches_path};
pub use metadata::{Dependency, Maintainer, Metadata};

pub(crate) use coalesce::{coalesce_values, deep_copy};
pub(crate) use dependencies::{check, process};
pub(crate) use model::Chart;
