//! A chart as it is while it is prepared.

use super::file::File;
use super::metadata::Metadata;
use crate::value::Map;
use std::rc::Rc;

/// A chart and the charts within it. It holds values that are shared, so it stays where it was made.
#[derive(Clone)]
pub(crate) struct Chart {
    pub(crate) metadata: Metadata,
    /// `values.yaml`
    pub(crate) values: Rc<Map>,
    /// `values.schema.json`
    pub(crate) schema: Option<Rc<[u8]>>,
    pub(crate) templates: Rc<[File]>,
    /// What is neither template nor chart: `.Files`, and `crds/`.
    pub(crate) files: Rc<[File]>,
    pub(crate) dependencies: Vec<Chart>,
}

impl Chart {
    pub(crate) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether it only gives named templates.
    pub(crate) fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }
}
