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
    /// Whether what is made is laid over what a controller makes itself.
    pub is_laid_over: bool,
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
    (may_be_made && mapping.is_mapping()).then(|| Spot {
        path,
        mapping,
        around: keys.into(),
        is_laid_over: false,
    })
}

/// Templates of pods that controllers lay over their own, so that they may hold as little as they like.
const TEMPLATES: [&str; 2] = ["podTemplate", "podTemplateSpec"];

/// So many keys at the end of the way to a mapping for pull secrets may be made: settings called `pod`, alone or in a `template`, and the
/// pod spec of a template that a schema leaves open.
fn made_keys(steps: &[Step<'_>], is_open: bool) -> usize {
    match steps {
        [.., Step::Key(template), Step::Key("spec")] if is_open && TEMPLATES.contains(template) => 2,
        [_, .., Step::Key("template"), Step::Key("pod")] => 2,
        [_, .., Step::Key("pod")] => 1,
        _ => 0,
    }
}

/// Where such mappings would be made for what a field path leads to, wherever they are missing, and what would hold all that is made.
pub fn templates<'d, 't, 'p>(
    root: Node<'d, 't>,
    base: &Path,
    path: &'p FieldPath<'_>,
    is_open: bool,
) -> Vec<(Path, Spot<'d, 't, 'p>)> {
    let steps: Vec<Step<'p>> = path.steps().collect();
    let above = steps.len() - made_keys(&steps, is_open);
    let keys =
        steps[above..].iter().filter_map(|step| if let Step::Key(key) = step { Some(*key) } else { None });
    let keys: Vec<&'p str> = keys.collect();
    let spot = |(parent, mut mapping): (Path, Node<'d, 't>)| {
        let (mut path, mut missing) = (parent.clone(), &keys[..]);
        while let [next, rest @ ..] = missing
            && let Some(there) = mapping.get(next).map(Node::resolved).filter(|there| !there.is_null())
        {
            (path, mapping, missing) = (path.key(next), there, rest);
        }
        let is_one = !missing.is_empty() && mapping.is_mapping();
        is_one.then(|| (parent, Spot { path, mapping, around: missing.to_vec(), is_laid_over: true }))
    };
    if keys.is_empty() {
        return Vec::new();
    }
    walk(root, base, &path.first(above)).into_iter().filter_map(spot).collect()
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
