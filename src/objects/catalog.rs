//! The catalog: where the objects of each known kind keep pull secrets.
//!
//! Built-in kinds are a table in this file, custom kinds the embedded `data/catalog.tsv`, which `data/README.md`
//! explains. A look-up is a binary search on that text, whose kinds the compiler finds: nothing is set up at run time and
//! nothing is allocated. A kind that neither knows has no sites; nothing is guessed from the look of an object.

use super::field_path::FieldPath;
use super::site::{Purpose, Shape, Site, Suspect, What};
use std::cmp::Ordering;

/// One line per site, sorted: group, kind, path, site and notes, divided by tabs.
const CUSTOM: &str = without_first_line(include_str!("../../data/catalog.tsv"));

/// Where the rows of each custom kind start, found by the compiler.
static STARTS: [usize; starts::<0>(CUSTOM).1] = starts(CUSTOM).0;

/// A kind with at least one site.
#[derive(Clone, Copy, Debug)]
pub struct Kind(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    BuiltIn(What, &'static str),
    Custom(&'static str),
}

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In none.
    Cluster,
    /// The sources do not tell, or differ.
    Unknown,
}

/// The kind of that name in that group (`""` for `v1`). All versions of a kind are one: see [`Site::applies_to`].
pub fn lookup(group: &str, kind: &str) -> Option<Kind> {
    let source = match built_in(group, kind) {
        Some((what, path)) => Source::BuiltIn(what, path),
        None => Source::Custom(rows(group, kind)?),
    };
    Some(Kind(source))
}

/// Whether the kind has any site.
pub fn knows(group: &str, kind: &str) -> bool {
    lookup(group, kind).is_some()
}

impl Kind {
    /// Whether Kubernetes itself has the kind.
    pub fn is_built_in(self) -> bool {
        matches!(self.0, Source::BuiltIn(..))
    }

    /// Where its objects live.
    pub fn scope(self) -> Scope {
        let Source::Custom(rows) = self.0 else { return Scope::Namespaced };
        match rows.lines().next().and_then(|row| note(row, "scope")) {
            None => Scope::Namespaced,
            Some("cluster") => Scope::Cluster,
            Some(_) => Scope::Unknown,
        }
    }

    /// Its sites, sorted by path.
    pub fn sites(self) -> impl Iterator<Item = Site> {
        let (fixed, rows) = match self.0 {
            Source::BuiltIn(what, path) => (built_in_site(what, path), ""),
            Source::Custom(rows) => (None, rows),
        };
        // No row is lost here: a test reads each of them.
        fixed.into_iter().chain(rows.lines().filter_map(custom_site))
    }
}

/// The built-in kinds, in the groups that any release of Kubernetes has served them in.
fn built_in(group: &str, kind: &str) -> Option<(What, &'static str)> {
    Some(match (group, kind) {
        ("", "Pod") => (What::PodSpec, "spec"),
        ("", "PodTemplate") => (What::PodSpec, "template.spec"),
        ("", "ReplicationController")
        | ("apps", "StatefulSet")
        | ("apps" | "extensions", "DaemonSet" | "Deployment" | "ReplicaSet")
        | ("batch", "Job") => (What::PodSpec, "spec.template.spec"),
        ("batch", "CronJob") => (What::PodSpec, "spec.jobTemplate.spec.template.spec"),
        ("", "ServiceAccount") => (What::Field(Shape::ListOfNames), "imagePullSecrets"),
        _ => return None,
    })
}

fn built_in_site(what: What, path: &'static str) -> Option<Site> {
    let purpose = if what == What::PodSpec { Purpose::Pod } else { Purpose::ServiceAccount };
    Some(Site {
        what,
        path: FieldPath::parse(path).ok()?,
        purpose,
        suspect: None,
        is_open: false,
        versions: "",
    })
}

/// The site of one row.
fn custom_site(row: &'static str) -> Option<Site> {
    let mut columns = row.split('\t').skip(2);
    let (path, site) = (columns.next()?, columns.next()?);
    Some(Site {
        what: match site {
            "pod-spec" | "open-pod-spec" => What::PodSpec,
            "embedded-object" => What::EmbeddedObject,
            "containers-only" => What::ContainersOnly,
            shape => What::Field(Shape::from_name(shape)?),
        },
        path: FieldPath::parse(path).ok()?,
        purpose: note(row, "purpose").map_or(Some(Purpose::Pod), Purpose::from_name)?,
        suspect: match note(row, "suspect") {
            Some(name) => Some(Suspect::from_name(name)?),
            None => None,
        },
        is_open: site == "open-pod-spec",
        versions: note(row, "versions").unwrap_or(""),
    })
}

/// The value of a note in the last column: `name=value`, divided by spaces.
fn note<'a>(row: &'a str, name: &str) -> Option<&'a str> {
    let notes = row.split('\t').nth(4)?;
    notes.split(' ').find_map(|one| one.strip_prefix(name)?.strip_prefix('='))
}

/// The rows of one custom kind.
fn rows(group: &str, kind: &str) -> Option<&'static str> {
    let found = STARTS.binary_search_by(|&start| compare(&CUSTOM.as_bytes()[start..], group, kind)).ok()?;
    if group.contains('\t') || kind.contains('\t') {
        return None; // `group` ran on into the next column.
    }
    let end = STARTS.get(found + 1).copied().unwrap_or(CUSTOM.len());
    Some(&CUSTOM[STARTS[found]..end])
}

/// Whether the kind of the first of these rows comes before or after the given one. A tab is less than any byte of a
/// column, so that the order of rows is that of their columns.
fn compare(mut rows: &[u8], group: &str, kind: &str) -> Ordering {
    for part in [group, "\t", kind, "\t"] {
        let (head, rest) = rows.split_at(part.len().min(rows.len()));
        match head.cmp(part.as_bytes()) {
            Ordering::Equal => rows = rest,
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

/// Where a new kind starts in the rows, at most the first `N` times, and how often one does.
const fn starts<const N: usize>(rows: &str) -> ([usize; N], usize) {
    let rows = rows.as_bytes();
    let (mut starts, mut count) = ([0; N], 0);
    let (mut at, mut previous) = (0, 0);
    while at < rows.len() {
        // The row's kind is another one if its first two columns differ from those of the row before.
        let (row, mut tabs, mut same) = (at, 0, at > 0);
        while tabs < 2 {
            same = same && rows[at] == rows[previous + at - row];
            tabs += (rows[at] == b'\t') as usize;
            at += 1;
        }
        if !same {
            if count < N {
                starts[count] = row;
            }
            count += 1;
        }
        while rows[at] != b'\n' {
            at += 1;
        }
        at += 1;
        previous = row;
    }
    (starts, count)
}

/// Leaves out the names of the columns.
const fn without_first_line(text: &str) -> &str {
    let mut end = 0;
    while text.as_bytes()[end] != b'\n' {
        end += 1;
    }
    text.split_at(end + 1).1
}

#[cfg(test)]
mod tests;
