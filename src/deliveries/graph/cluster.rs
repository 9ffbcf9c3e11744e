//! Which cluster something is deployed to, as far as the repository tells, and whether two things can be in one.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// The cluster that Argo CD itself runs in: the same name means another cluster beside each Argo CD.
pub(super) const OWN: &str = "in-cluster";

/// What is known of the cluster that something is deployed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cluster {
    /// Its name: what a target, a destination, a `kubeConfig` or the folder at the entry of a chain calls it. None when nothing
    /// tells, so that it may be any.
    pub name: Option<Arc<str>>,
    /// The build that yields it; none for what is applied as it is written.
    pub build: Option<usize>,
}

/// What every build yields: two that yield the same object cannot be in one cluster, for one of them would undo the other.
#[derive(Clone, Debug, Default)]
pub struct Builds(Vec<Vec<u64>>);

impl Builds {
    /// Notes what a build yields, and returns its number.
    pub(super) fn add(&mut self, mut objects: Vec<u64>) -> usize {
        objects.sort_unstable();
        objects.dedup();
        objects.shrink_to_fit();
        self.0.push(objects);
        self.0.len() - 1
    }

    /// Whether two things may be in one cluster.
    pub fn may_share(&self, one: &Cluster, other: &Cluster) -> bool {
        if one.build.is_some() && one.build == other.build {
            return true;
        }
        match (&one.name, &other.name) {
            (Some(a), Some(b)) if a != b => false,
            (Some(a), Some(_)) if **a != *OWN => true,
            _ => match (one.build, other.build) {
                (Some(a), Some(b)) => !collide(&self.0[a], &self.0[b]),
                _ => true,
            },
        }
    }
}

/// Whether two sorted lists have a member in common.
fn collide(mut a: &[u64], mut b: &[u64]) -> bool {
    while let (Some(first), Some(second)) = (a.first(), b.first()) {
        match first.cmp(second) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => a = &a[1..],
            std::cmp::Ordering::Greater => b = &b[1..],
        }
    }
    false
}

/// An object as a cluster knows it. None for a namespace: many a build brings it along, and all mean the same.
pub(super) fn identity(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<u64> {
    if kind == "Namespace" && group.is_empty() {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    (group, kind, namespace, name).hash(&mut hasher);
    Some(hasher.finish())
}

/// The names of clusters, sorted, each once.
pub fn names<'c>(clusters: impl Iterator<Item = &'c Cluster>) -> Vec<&'c str> {
    let names: HashSet<&str> = clusters.filter_map(|cluster| cluster.name.as_deref()).collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_in_one_cluster() {
        let mut builds = Builds::default();
        let web = |namespace| identity("apps", "Deployment", Some(namespace), "web");
        let one = builds.add(web("shop").into_iter().collect());
        let two = builds.add(web("shop").into_iter().chain(web("other")).collect());
        let three = builds.add(web("blog").into_iter().collect());
        let at = |name: Option<&str>, build| Cluster { name: name.map(Arc::from), build };
        for (a, b, expected) in [
            (at(None, Some(one)), at(None, Some(one)), true),
            (at(None, Some(one)), at(None, Some(two)), false),
            (at(None, Some(one)), at(None, Some(three)), true),
            (at(None, Some(one)), at(None, None), true),
            (at(Some("prod"), Some(one)), at(None, Some(two)), false),
            (at(Some("prod"), Some(one)), at(Some("prod"), Some(two)), true),
            (at(Some("prod"), Some(one)), at(Some("dev"), Some(three)), false),
            (at(Some(OWN), Some(one)), at(Some(OWN), Some(two)), false),
            (at(Some("prod"), None), at(Some("dev"), None), false),
            (at(Some("prod"), None), at(None, None), true),
        ] {
            assert_eq!(builds.may_share(&a, &b), expected, "{a:?} {b:?}");
            assert_eq!(builds.may_share(&b, &a), expected, "{b:?} {a:?}");
        }
        assert_eq!(identity("", "Namespace", None, "shop"), None);
    }
}
