//! Facts about one Kubernetes object: what is kept of a document once its tree is gone.
//!
//! Plain owned data, small, made by [`super::read`]. Holds no decision.

use lossless_yaml::insert::{Form, Slot};
use lossless_yaml::literal::Literal;
use lossless_yaml::parse::Node;
use lossless_yaml::path::Path;
use lossless_yaml::refusal::Refusal;
use lossless_yaml::span::Position;

/// An object that has pod specs or pull secrets of its own: a workload, a ServiceAccount, a custom resource.
#[derive(Clone, Debug)]
pub struct Object {
    /// `apiVersion`, group and version.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`; empty when only `generateName` is given.
    pub name: String,
    /// `metadata.generateName`.
    pub generate_name: Option<String>,
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// The line that it is written at; that of the object when it has none.
    pub namespace_line: usize,
    /// `metadata.labels`, sorted.
    pub labels: Vec<(String, String)>,
    /// `metadata.annotations`, sorted, but for those that hold whole objects.
    pub annotations: Vec<(String, String)>,
    /// Position among the documents of the file as a YAML loader counts them, from 0.
    pub document: usize,
    /// Where the object lies in its document: the root, an item of a List, an embedded object.
    pub path: Path,
    /// Where the object starts.
    pub position: Position,
    /// Where pull secrets belong, in document order.
    pub pod_specs: Vec<PodSpec>,
    /// Whether no API server would take it as it is written, for want of a selector: then it is an object only where a
    /// kustomization lists it among its resources and writes the selector.
    pub is_fragment: bool,
}

/// A pod spec, or a custom resource's own place for pull secrets, or (without containers) a ServiceAccount's.
#[derive(Clone, Debug)]
pub struct PodSpec {
    /// Where it lies in its document.
    pub path: Path,
    /// Where it starts.
    pub position: Position,
    /// Everything in it that names an image.
    pub containers: Vec<Container>,
    /// `serviceAccountName` (or the older `serviceAccount`).
    pub service_account: Option<String>,
    /// The pull secrets written there now, in order.
    pub pull_secrets: Vec<PullSecret>,
    /// Room for more of them.
    pub slot: Result<Slot, Refusal>,
    /// Where it lies where its anchor stands, if it is shared by aliases: the place that is edited.
    pub written_at: Path,
    /// How many places of the document share what would be edited; 1 unless aliases point there.
    pub users: usize,
    /// The text of the document in which all of that lies, where it is one: values of a chart that stand in a text.
    pub within: Option<Box<Within>>,
    /// The chart that makes it, if one does.
    pub chart: Option<Box<FromChart>>,
}

/// What a chart has to do with a pod spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromChart {
    /// The chart, and where it was found.
    pub chart: String,
    /// The values that it is given, later ones over earlier ones.
    pub values: Vec<String>,
    /// The value that gives its pods their pull secrets, if there is one.
    pub value: Option<String>,
    /// The keys that lead to that value, and what it takes.
    pub takes: Option<(Vec<String>, Form)>,
    /// Kind and name of the objects whose pods it stands for.
    pub pods: Vec<String>,
    /// The pull secrets that the value has from a layer below, which a list in the edited one replaces: they are written there, too.
    pub carried: Vec<String>,
    /// File and line of what asks for the chart, where the values are in another file.
    pub asked_at: Option<(String, usize)>,
}

/// A text that is YAML itself.
#[derive(Clone, Debug)]
pub struct Within {
    /// Where it lies in its document.
    pub path: Path,
    /// The text.
    pub literal: Literal,
}

/// Something that pulls an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Which list it stands in.
    pub list: ContainerList,
    /// Its name; of an image volume that of the volume.
    pub name: String,
    /// The image as written.
    pub image: String,
    /// Where the image is written.
    pub position: Position,
}

/// Where in a pod spec an image is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerList {
    /// `initContainers`.
    Init,
    /// `containers`.
    Containers,
    /// `ephemeralContainers`.
    Ephemeral,
    /// `volumes[].image.reference`.
    Volume,
    /// A field called `image` anywhere else in a custom resource.
    Other,
}

/// An entry of a pull secret list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullSecret {
    /// Name of the Secret.
    pub name: String,
    /// Where it is written.
    pub position: Position,
}

impl Object {
    /// An object with a name and nothing more; `place` is its document, where it lies there and where it starts.
    pub fn bare(api_version: &str, kind: &str, name: &str, place: (usize, Path, Position)) -> Self {
        let (document, path, position) = place;
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            generate_name: None,
            namespace: None,
            namespace_line: position.line,
            labels: Vec::new(),
            annotations: Vec::new(),
            document,
            path,
            position,
            pod_specs: Vec::new(),
            is_fragment: false,
        }
    }

    /// The group of `apiVersion`, empty for the core group.
    pub fn group(&self) -> &str {
        group(&self.api_version)
    }

    /// Whether it is a `v1` ServiceAccount.
    pub fn is_service_account(&self) -> bool {
        self.kind == "ServiceAccount" && self.api_version == "v1"
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The name people know it by: `name`, or `generateName` as it is written.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { self.generate_name.as_deref().unwrap_or_default() } else { &self.name }
    }
}

impl PodSpec {
    /// What two pod specs of one file share exactly when they are edited at the same place.
    pub fn place(&self) -> Option<(usize, usize, Vec<&str>)> {
        let start = self.within.as_ref().map_or(0, |within| within.literal.start());
        let slot = self.slot.as_ref().ok()?;
        Some((start, slot.place().0, slot.keys().collect()))
    }

    /// The ServiceAccount that the pods run as.
    pub fn account_name(&self) -> &str {
        self.service_account.as_deref().unwrap_or("default")
    }
}

/// The group of an `apiVersion`, empty for the core group.
pub fn group(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// The version of an `apiVersion`.
pub fn version(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or(api_version, |(_, version)| version)
}
/// Annotations that hold whole objects; of no use here and large.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The texts of labels or annotations, by key.
pub fn texts(mapping: Node<'_, '_>) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = mapping
        .pairs()
        .filter_map(|(key, value)| Some((key.as_str()?, value.resolved().as_str()?)))
        .filter(|(key, _)| *key != LAST_APPLIED)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    texts.sort();
    texts.shrink_to_fit();
    texts
}
