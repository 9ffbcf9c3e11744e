//! Resources on their way through a build: an object, the identities it had, how it came here.
//!
//! Identity is what kustomize calls it: group, version, kind, name and *effective* namespace (`default` when none is
//! given). Patches and references find a resource by its present identity and by every former one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::schema;
use super::value::Value;

/// What kustomize takes for the namespace of objects that have none.
const NO_NAMESPACE: &str = "_non_namespaceable_";

/// An identity that a resource had before a transformer changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// Its kind.
    pub kind: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its effective namespace.
    pub namespace: Arc<str>,
}

/// Where a resource was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A scanned file, by its index; position of the document in it; the way through `items` of Lists.
    Scanned(usize, usize, Vec<usize>),
    /// A file that was not scanned.
    Read,
    /// A generator of a kustomization (its index), at this line.
    Generated(usize, usize),
    /// A chart that a kustomization (its index) names at this line, under this name of a release.
    Chart(usize, usize, Arc<str>),
}

/// One resource of a build.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Where it was read.
    pub origin: Origin,
    /// The object as the build has made it so far.
    pub object: Value,
    /// Whether `object` holds only what matters to us.
    pub sketch: bool,
    /// Former identities, oldest first.
    pub former: Arc<Vec<Former>>,
    /// Name prefixes and suffixes that were added, in order.
    pub affixes: Arc<(Vec<String>, Vec<String>)>,
    /// How it came into the build.
    pub place: Place,
    /// The kustomization and line that set its namespace last.
    pub namespaced_by: Option<(usize, usize)>,
    /// The kustomization and line of something that cannot be followed and may have changed it.
    pub uncertain: Option<(usize, usize)>,
    /// What a generated resource still lacks.
    pub generated: Option<Generated>,
    /// Names of the vars that read from it.
    pub vars: Vec<String>,
}

/// Generator marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Whether a hash of its content will end its name.
    pub hash: bool,
    /// Whether its content is known.
    pub known: bool,
    /// What to do when its identity is taken already.
    pub behavior: Behavior,
}

/// `behavior` of a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// The identity must be new.
    Create,
    /// It takes another's place.
    Replace,
    /// Its data are added to another's.
    Merge,
}

/// A place in the tree of inclusions: the line of a kustomization that names a file, and how that kustomization was
/// included itself.
#[derive(Clone, Debug)]
pub struct Place {
    /// Line in the kustomization of `visit`.
    pub line: usize,
    /// The inclusion.
    pub visit: Arc<Visit>,
}

/// One inclusion of a kustomization in a build; the including place is set once it is known.
#[derive(Debug)]
pub struct Visit {
    /// Index of the kustomization.
    pub kustomization: usize,
    /// Where it was included from; unset for the root of a build.
    pub from: std::sync::OnceLock<Place>,
}

impl Visit {
    /// An inclusion of which the including side is not known yet.
    pub fn new(kustomization: usize) -> Arc<Self> {
        Arc::new(Self { kustomization, from: std::sync::OnceLock::new() })
    }
}

impl Drop for Visit {
    /// Takes a long chain apart without recursion.
    fn drop(&mut self) {
        let mut next = self.from.take();
        while let Some(place) = next {
            next = Arc::into_inner(place.visit).and_then(|mut visit| visit.from.take());
        }
    }
}

/// Group and version of an `apiVersion`.
pub fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

impl Resource {
    /// A resource as it was read.
    pub fn new(origin: Origin, object: Value, sketch: bool, place: Place) -> Self {
        Self {
            origin,
            object,
            sketch,
            place,
            former: Arc::default(),
            affixes: Arc::default(),
            namespaced_by: None,
            uncertain: None,
            generated: None,
            vars: Vec::new(),
        }
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.object.str_at("apiVersion").unwrap_or_default()
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        self.object.str_at("kind").unwrap_or_default()
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.object.at(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default()
    }

    /// `metadata.namespace`, empty when there is none.
    pub fn namespace(&self) -> &str {
        self.object.at(&["metadata", "namespace"]).and_then(Value::as_str).unwrap_or_default()
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.object.at(&["metadata", "annotations", key]).and_then(Value::as_str)
    }

    /// Whether its kind is known to live outside namespaces.
    pub fn is_cluster_scoped(&self) -> bool {
        schema::is_cluster_scoped(self.api_version(), self.kind())
    }

    /// The namespace as identities compare it.
    pub fn effective_namespace(&self) -> &str {
        effective(self.api_version(), self.kind(), self.namespace())
    }

    /// Keeps the present identity before it changes.
    pub fn remember(&mut self) {
        let present = Former {
            kind: Arc::from(self.kind()),
            name: Arc::from(self.name()),
            namespace: Arc::from(self.effective_namespace()),
        };
        Arc::make_mut(&mut self.former).push(present);
    }

    /// Kind, name and effective namespace as they first were.
    pub fn original(&self) -> (&str, &str, &str) {
        match self.former.first() {
            Some(former) => (&former.kind, &former.name, &former.namespace),
            None => (self.kind(), self.name(), self.effective_namespace()),
        }
    }

    /// Writes a field of `metadata`.
    pub fn set_metadata(&mut self, key: &str, value: Value) {
        match self.object.get_mut("metadata") {
            Some(metadata) => metadata.set(key, value),
            None => self.object.set("metadata", Value::map([(key, value)])),
        }
    }
}

fn effective<'n>(api_version: &str, kind: &str, namespace: &'n str) -> &'n str {
    if schema::is_cluster_scoped(api_version, kind) {
        NO_NAMESPACE
    } else if namespace.is_empty() {
        "default"
    } else {
        namespace
    }
}

/// An identity to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// Effective namespace.
    pub namespace: String,
}

impl Id {
    /// The identity of an object.
    pub fn of(object: &Value) -> Self {
        let text = |path: &[&str]| object.at(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text(&["apiVersion"]), text(&["kind"]));
        let namespace = effective(&api_version, &kind, &text(&["metadata", "namespace"])).to_owned();
        Self { api_version, kind, name: text(&["metadata", "name"]), namespace }
    }

    fn is_present(&self, resource: &Resource) -> bool {
        resource.name() == self.name
            && resource.kind() == self.kind
            && same_version(resource.api_version(), &self.api_version)
            && resource.effective_namespace() == self.namespace
    }

    fn is_former(&self, resource: &Resource) -> bool {
        let fits = |former: &Former| {
            *former.name == *self.name
                && *former.kind == *self.kind
                && default(&former.namespace) == self.namespace
        };
        same_version(resource.api_version(), &self.api_version) && resource.former.iter().any(fits)
    }
}

fn default(namespace: &str) -> &str {
    if namespace.is_empty() { "default" } else { namespace }
}

fn same_version(left: &str, right: &str) -> bool {
    group_version(left) == group_version(right)
}

/// Two resources of a build have one identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict(pub Id);

/// The resources of a build in order, found by name.
#[derive(Debug, Default)]
pub struct Resources {
    list: Vec<Resource>,
    /// The kustomization and line of the first entry whose resources are missing here because no one can know them
    /// offline. What finds no target may then have one all the same.
    pub open: Option<(usize, usize)>,
    /// Positions by every name that a resource has or had; may hold more than that. None after a change.
    by_name: Option<HashMap<Arc<str>, Vec<usize>>>,
}

impl Resources {
    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// One by its position.
    pub fn get(&self, at: usize) -> &Resource {
        &self.list[at]
    }

    /// One to write; its names must stay.
    pub fn get_mut(&mut self, at: usize) -> &mut Resource {
        &mut self.list[at]
    }

    /// One to write, names included.
    pub fn rename(&mut self, at: usize) -> &mut Resource {
        self.by_name = None;
        &mut self.list[at]
    }

    /// All to write; their names must stay.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.list.iter_mut()
    }

    /// All to write, names included.
    pub fn rename_all(&mut self) -> std::slice::IterMut<'_, Resource> {
        self.by_name = None;
        self.list.iter_mut()
    }

    /// Puts one in another's place.
    pub fn replace(&mut self, at: usize, resource: Resource) {
        self.by_name = None;
        self.list[at] = resource;
    }

    /// Drops what patches have deleted.
    pub fn drop_empty(&mut self) {
        if self.list.iter().any(|resource| resource.object.is_empty()) {
            self.list.retain(|resource| !resource.object.is_empty());
            self.by_name = None;
        }
    }

    /// Keeps what fits.
    pub fn retain(&mut self, keep: impl FnMut(&Resource) -> bool) {
        self.list.retain(keep);
        self.by_name = None;
    }

    /// Adds one at the end.
    ///
    /// # Errors
    /// Its present identity is taken.
    pub fn push(&mut self, resource: Resource) -> Result<(), Conflict> {
        let id = Id::of(&resource.object);
        let named = self.named(&id.name).to_vec();
        if named.iter().any(|&at| id.is_present(&self.list[at])) {
            return Err(Conflict(id));
        }
        let at = self.list.len();
        if let Some(index) = &mut self.by_name {
            enter(index, at, &resource);
        }
        self.list.push(resource);
        Ok(())
    }

    /// Adds all of another build's.
    ///
    /// # Errors
    /// An identity that is taken.
    pub fn append(&mut self, other: Self) -> Result<(), Conflict> {
        if self.list.is_empty() {
            *self = Self { open: self.open.or(other.open), ..other };
            return Ok(());
        }
        self.open = self.open.or(other.open);
        other.list.into_iter().try_for_each(|resource| self.push(resource))
    }

    /// Positions of resources that may have, or have had, a name.
    pub fn named(&mut self, name: &str) -> &[usize] {
        let list = &self.list;
        let index = self.by_name.get_or_insert_with(|| {
            let mut index = HashMap::new();
            list.iter().enumerate().for_each(|(at, resource)| enter(&mut index, at, resource));
            index
        });
        index.get(name).map_or(&[], Vec::as_slice)
    }

    /// Positions of resources that have, or have had, an identity.
    pub fn find(&mut self, id: &Id) -> Vec<usize> {
        let found = self.named(&id.name).to_vec();
        let fits = |at: &usize| {
            let resource = &self.list[*at];
            !resource.object.is_empty() && (id.is_present(resource) || id.is_former(resource))
        };
        found.into_iter().filter(fits).collect()
    }

    /// An identity that two resources have at present.
    pub fn conflict(&self) -> Option<Conflict> {
        let mut seen = HashSet::with_capacity(self.list.len());
        let twice = self.list.iter().filter(|resource| !resource.object.is_empty()).find(|resource| {
            let version = group_version(resource.api_version());
            let namespace = resource.effective_namespace();
            !seen.insert((version, resource.kind(), resource.name(), namespace))
        });
        twice.map(|resource| Conflict(Id::of(&resource.object)))
    }
}

impl Clone for Resources {
    /// Without the index: a copy may never be asked.
    fn clone(&self) -> Self {
        Self { list: self.list.clone(), open: self.open, by_name: None }
    }
}

impl IntoIterator for Resources {
    type Item = Resource;
    type IntoIter = std::vec::IntoIter<Resource>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

fn enter(index: &mut HashMap<Arc<str>, Vec<usize>>, at: usize, resource: &Resource) {
    let mut add = |name: &str| match index.get_mut(name) {
        Some(places) if places.last() == Some(&at) => {}
        Some(places) => places.push(at),
        None => drop(index.insert(Arc::from(name), vec![at])),
    };
    resource.former.iter().for_each(|former| add(&former.name));
    add(resource.name());
}
