//! What one file tells about deliveries: its kustomization fields, and the Flux and Argo CD objects in it.
//!
//! Made while the file is scanned. Delivery objects are few, so their trees are kept whole: a build may patch them.

use crate::objects::marks::Marks;
use crate::objects::object::group;
use lossless_yaml::parse::{Node, parse};
use lossless_yaml::span::{LineIndex, Position};
use lossless_yaml::split::split;
use offline_kustomize::kustomization::{self, Kustomization};
use offline_kustomize::value::Value;

/// Facts of one file; most files have none.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFacts {
    /// Fields of the kustomization, if kustomize would look for a file of this name.
    pub kustomization: Option<Kustomization>,
    /// Flux and Argo CD objects.
    pub deliveries: Vec<Delivery>,
    /// Whether the file asks Argo CD to leave it out.
    pub skipped_by_argocd: bool,
}

/// What a delivery object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Flux `Kustomization`.
    FluxKustomization,
    /// Flux `HelmRelease`.
    HelmRelease,
    /// Flux `HelmRepository` or `OCIRepository`: tells where a chart comes from.
    ChartSource,
    /// Flux `GitRepository`: tells which source is which repository.
    GitRepository,
    /// Flux `ArtifactGenerator`: tells which folders of which sources an `ExternalArtifact` is made of.
    ArtifactGenerator,
    /// Argo CD `Application`.
    Application,
    /// Argo CD `ApplicationSet`.
    ApplicationSet,
    /// An object of another tool that deploys a chart or a package: it is named, and what it deploys is not known.
    OtherRelease,
}

/// A Flux or Argo CD object.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What it is.
    pub kind: Kind,
    /// Position among the documents of the file.
    pub document: usize,
    /// The way to it through `items` of Lists.
    pub items: Vec<usize>,
    /// The object.
    pub tree: Value,
    /// Where the object starts.
    pub position: Position,
    /// Line of the field that sets the namespace (`targetNamespace`, `kustomize.namespace`).
    pub namespace_line: Option<usize>,
    /// Line of `destination.namespace`.
    pub destination_line: Option<usize>,
}

/// Which object of a repository: its file, its document there and the way to it through `items` of Lists.
pub type DeliveryAt = (usize, usize, Vec<usize>);

impl Delivery {
    /// Which object of the repository it is, in that file.
    pub fn at(&self, file: usize) -> DeliveryAt {
        (file, self.document, self.items.clone())
    }
}

/// The groups of delivery objects, or what their names have in common.
pub const DELIVERY_GROUPS: [&str; 8] = [
    "fluxcd.",
    "argoproj.io",
    "helm.cattle.io",
    "helm.crossplane.io",
    "addons.cluster.x-k8s.io",
    "config.projectsveltos.io",
    "packaging.carvel.dev",
    "kappctrl.k14s.io",
];

/// The kind of a delivery object, by its type.
pub fn kind_of(api_version: &str, kind: &str) -> Option<Kind> {
    Some(match (group(api_version), kind) {
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => Kind::FluxKustomization,
        ("helm.toolkit.fluxcd.io", "HelmRelease") => Kind::HelmRelease,
        ("source.toolkit.fluxcd.io", "HelmRepository" | "OCIRepository") => Kind::ChartSource,
        ("source.toolkit.fluxcd.io", "GitRepository") => Kind::GitRepository,
        ("source.extensions.fluxcd.io", "ArtifactGenerator") => Kind::ArtifactGenerator,
        ("argoproj.io", "Application") => Kind::Application,
        ("argoproj.io", "ApplicationSet") => Kind::ApplicationSet,
        ("helm.cattle.io", "HelmChart" | "HelmChartConfig")
        | ("helm.fluxcd.io", "HelmRelease")
        | ("helm.crossplane.io", "Release")
        | ("addons.cluster.x-k8s.io", "HelmChartProxy")
        | ("config.projectsveltos.io", "ClusterProfile" | "Profile")
        | ("packaging.carvel.dev", "PackageInstall")
        | ("kappctrl.k14s.io", "App")
        | ("fluxcd.controlplane.io", "ResourceSet") => Kind::OtherRelease,
        _ => return None,
    })
}

/// Reads the facts of a file; none when it has nothing to do with deliveries.
pub fn read(path: &str, text: &str, marks: Marks) -> Option<Box<DeliveryFacts>> {
    let is_kustomization = kustomization::is_kustomization(path);
    if !is_kustomization && !marks.deliveries && !marks.skip_rendering {
        return None;
    }
    let kustomization = is_kustomization.then(|| kustomization::read(text));
    let deliveries = if marks.deliveries { deliveries(text) } else { Vec::new() };
    Some(Box::new(DeliveryFacts { kustomization, deliveries, skipped_by_argocd: marks.skip_rendering }))
}

fn deliveries(text: &str) -> Vec<Delivery> {
    let lines = LineIndex::new(text);
    let mut result = Vec::new();
    for slice in split(text) {
        // What is no YAML is reported where its objects are read.
        let Ok(documents) = parse(text, slice.span) else { continue };
        for (nth, document) in documents.iter().enumerate() {
            let mut waiting: Vec<_> = document.root().map(|root| (root, Vec::new())).into_iter().collect();
            while let Some((node, items)) = waiting.pop() {
                let node = node.resolved();
                let (api_version, kind) =
                    (node.str_at("apiVersion"), node.str_at("kind").unwrap_or_default());
                if let Some(kind) = kind_of(api_version.unwrap_or_default(), kind) {
                    result.extend(delivery(node, kind, slice.document + nth, items, &lines));
                } else if kind.ends_with("List") && items.len() < 8 {
                    let list = node.get("items").into_iter().flat_map(Node::items).enumerate();
                    waiting
                        .extend(list.map(|(at, item)| (item, items.iter().copied().chain([at]).collect())));
                }
            }
        }
    }
    result
}

fn delivery(
    node: Node<'_, '_>,
    kind: Kind,
    document: usize,
    items: Vec<usize>,
    lines: &LineIndex<'_>,
) -> Option<Delivery> {
    let tree = Value::from_node(node).ok()?;
    let line_of = |path: &[&str]| node.path(path).map(|node| lines.position(node.span().start).line);
    let spec = |path: &[&str]| {
        let prefix: &[&str] =
            if kind == Kind::ApplicationSet { &["spec", "template", "spec"] } else { &["spec"] };
        line_of(&[prefix, path].concat())
    };
    Some(Delivery {
        kind,
        document,
        items,
        tree,
        position: lines.position(node.span().start),
        namespace_line: match kind {
            Kind::FluxKustomization => spec(&["targetNamespace"]),
            _ => spec(&["source", "kustomize", "namespace"]),
        },
        destination_line: spec(&["destination", "namespace"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(path: &str, text: &str) -> Option<Box<DeliveryFacts>> {
        read(path, text, Marks::of(text))
    }

    #[test]
    fn only_files_of_deliveries_have_facts() {
        assert!(facts("web.yaml", "apiVersion: v1\nkind: Pod\n").is_none());
        assert!(facts("a/kustomization.yaml", "namespace: x\n").unwrap().kustomization.is_some());
        assert!(facts("a.yaml", "# +argocd:skip-file-rendering\n").unwrap().skipped_by_argocd);
    }

    #[test]
    fn delivery_objects_carry_their_lines() {
        let text = "kind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n- apiVersion: argoproj.io/v1alpha1\n  kind: Application\n  spec:\n    destination:\n      namespace: shop\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  targetNamespace: x\n";
        let facts = facts("a.yaml", text).unwrap();
        let seen: Vec<_> = facts
            .deliveries
            .iter()
            .map(|d| {
                (d.kind, d.document, d.items.clone(), d.position.line, d.namespace_line, d.destination_line)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (Kind::Application, 0, vec![1], 5, None, Some(9)),
                (Kind::FluxKustomization, 1, vec![], 11, Some(14), None),
            ]
        );
    }
}
