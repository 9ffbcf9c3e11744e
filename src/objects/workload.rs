//! Which kinds hold pull secrets, and where: the catalog plus what the user's configuration adds to it.

use std::collections::{HashSet, VecDeque};

use super::catalog;
use super::field_path::{FieldPath, Step};
use super::site::{Purpose, Site, Suspect};
use lossless_yaml::parse::Node;
use lossless_yaml::path::{self, Path};

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

/// Mappings that may be made where they are not there: settings of pods, of which none at all means the defaults.
const SETTINGS: [&str; 2] = ["podTemplate", "taskRunTemplate"];

/// A mapping that gains a field, below others that are made first.
pub struct Spot<'d, 't, 'p> {
    /// Where the mapping is.
    pub path: Path,
    /// The mapping.
    pub mapping: Node<'d, 't>,
    /// Keys of the mappings to make in it, outermost first.
    pub around: Vec<&'p str>,
}

/// Where the mapping that a field path leads to would be made, if all that is missing may be.
pub fn missing<'d, 't, 'p>(
    root: Node<'d, 't>,
    base: &Path,
    path: &'p FieldPath<'_>,
) -> Option<Spot<'d, 't, 'p>> {
    let key = |step| if let Step::Key(key) = step { Some(key) } else { None };
    // The mapping itself is missing in any case, which hardly any site allows.
    path.steps().last().and_then(key).filter(|last| SETTINGS.contains(last))?;
    let mut keys: VecDeque<&str> = path.steps().map(key).collect::<Option<_>>()?;
    let (mut path, mut mapping) = (base.clone(), root.resolved());
    while let Some(next) = keys.front().and_then(|key| mapping.get(key)).filter(|next| !next.is_null()) {
        path = path.key(keys.pop_front()?);
        mapping = next;
    }
    let may_be_made = !keys.is_empty() && keys.iter().all(|key| SETTINGS.contains(key));
    (may_be_made && mapping.is_mapping()).then(|| Spot { path, mapping, around: keys.into() })
}

/// Templates of pods that controllers lay over their own, so that they may hold as little as they like.
const TEMPLATES: [&str; 2] = ["podTemplate", "podTemplateSpec"];

/// Where such a template would be made for the pod spec that a field path leads to, wherever it is missing.
pub fn templates<'d, 't, 'p>(
    root: Node<'d, 't>,
    base: &Path,
    path: &'p FieldPath<'_>,
) -> Vec<Spot<'d, 't, 'p>> {
    let steps: Vec<Step<'p>> = path.steps().collect();
    let [above @ .., Step::Key(template), Step::Key(spec)] = &steps[..] else { return Vec::new() };
    let (template, spec) = (*template, *spec);
    if !TEMPLATES.contains(&template) {
        return Vec::new();
    }
    let spot = |(path, mapping): (Path, Node<'d, 't>)| {
        let is_there = |node: &Node<'d, 't>| !node.is_null();
        let spot = match mapping.get(template).map(Node::resolved).filter(is_there) {
            Some(there) if there.get(spec).is_some_and(|spec| is_there(&spec)) => return None,
            Some(there) => Spot { path: path.key(template), mapping: there, around: vec![spec] },
            None => Spot { path, mapping, around: vec![template, spec] },
        };
        spot.mapping.is_mapping().then_some(spot)
    };
    walk(root, base, &path.first(above.len())).into_iter().filter_map(spot).collect()
}

/// Whether a place that is there does the work of a template that would be made in a mapping: a field in it or above it, or a template
/// further out.
pub fn does_the_work(place: &Path, parent: &Path) -> bool {
    let is =
        |step: &path::Step, keys: &[&str]| matches!(step, path::Step::Key(key) if keys.contains(&&**key));
    match &place.0[..] {
        [above @ .., template, spec] if is(template, &TEMPLATES) && is(spec, &["spec"]) => {
            parent.0.starts_with(above) && parent.0.len() > above.len()
        }
        field => parent.0.starts_with(field),
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
