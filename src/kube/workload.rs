//! Which kinds hold pull secrets, and where: the catalog plus what the user's configuration adds to it.

use std::collections::HashSet;

use super::catalog;
use super::field_path::{FieldPath, Step};
use super::site::{Purpose, Site, Suspect};
use crate::yaml::parse::Node;
use crate::yaml::path::Path;

/// The kinds of one run.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    /// `customResources` of the configuration: group, kind and site.
    pub custom: Vec<(String, String, Site)>,
    /// Purposes besides the pods' own images that are served too.
    pub purposes: Vec<Purpose>,
    /// Doubts about sites of the catalog that do not count here.
    pub suspects: Vec<Suspect>,
}

impl Kinds {
    /// Whether objects of a kind can hold anything of interest.
    pub fn knows(&self, group: &str, kind: &str) -> bool {
        catalog::knows(group, kind) || self.custom.iter().any(|(g, k, _)| g == group && k == kind)
    }

    /// The sites of a kind in one version that are in use.
    pub fn sites<'k>(
        &'k self,
        group: &'k str,
        kind: &'k str,
        version: &'k str,
    ) -> impl Iterator<Item = Site> + 'k {
        let custom = self.custom.iter().filter(move |(g, k, _)| g == group && k == kind);
        let known = catalog::lookup(group, kind);
        let built_in = known.is_some_and(catalog::Kind::is_built_in);
        let known = known.into_iter().flat_map(catalog::Kind::sites);
        custom.map(|(_, _, site)| site.clone()).chain(known.filter(move |site| {
            let purpose = built_in || site.purpose == Purpose::Pod || self.purposes.contains(&site.purpose);
            site.applies_to(version)
                && purpose
                && site.suspect.is_none_or(|doubt| self.suspects.contains(&doubt))
        }))
    }
}

/// Every node that a field path leads to from `root`, with its path; aliases resolved on the way. A list that
/// several aliases lead to is walked through once: lists of aliases of lists would grow without end.
pub fn walk<'d, 't>(root: Node<'d, 't>, base: &Path, path: &FieldPath<'_>) -> Vec<(Path, Node<'d, 't>)> {
    let mut found = vec![(base.clone(), root.resolved())];
    for step in path.steps() {
        let mut next = Vec::new();
        if !matches!(step, Step::Key(_)) {
            let mut seen = HashSet::new();
            found.retain(|(_, node)| seen.insert(*node));
        }
        for (path, node) in found {
            match step {
                Step::Key(key) => next.extend(node.get(key).map(|value| (path.key(key), value))),
                Step::Items => {
                    next.extend(
                        node.items().enumerate().map(|(nth, item)| (path.index(nth), item.resolved())),
                    );
                }
                Step::Values => {
                    next.extend(node.pairs().filter_map(|(key, value)| {
                        Some((path.key(key.resolved().as_str()?), value.resolved()))
                    }))
                }
            }
        }
        found = next;
    }
    found
}
