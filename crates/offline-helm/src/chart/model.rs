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

    /// The charts within it, each by the key under which its values stand: once for each alias.
    pub(crate) fn subcharts(&self) -> impl Iterator<Item = (&str, &Self)> {
        let needed = &self.metadata.dependencies;
        let is_needed = move |name: &str| needed.iter().any(|one| one.name == name);
        let named = needed.iter().filter_map(|one| {
            let key = if one.alias.is_empty() { &one.name } else { &one.alias };
            Some((key.as_str(), self.dependencies.iter().find(|chart| chart.name() == one.name)?))
        });
        let others = self.dependencies.iter().filter(move |chart| !is_needed(chart.name()));
        named.chain(others.map(|chart| (chart.name(), chart)))
    }

    /// Whether it only gives named templates.
    pub(crate) fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }
}
