//! A place that an object is deployed to, and what decides it.
//!
//! Data, and the one order in which the namespace is settled where no build tells it. Follows nothing itself.

use std::sync::Arc;

use super::cluster::Cluster;
use crate::deliveries::argocd;
use crate::objects::names::is_label;
use crate::objects::object::ContainerList;
use offline_kustomize::repository::Charts;
use offline_kustomize::value::Value;

/// What decides where an object is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A kustomization.
    Kustomize,
    /// A Flux `Kustomization`.
    Flux,
    /// An Argo CD `Application` or `ApplicationSet`.
    ArgoCd,
    /// A `fleet.yaml` of Fleet.
    Fleet,
    /// `metadata.namespace`.
    Metadata,
    /// A rule of the configuration.
    Config,
    /// The configuration's default.
    Default,
}

impl Rule {
    /// Its name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kustomize => "kustomize",
            Self::Flux => "flux",
            Self::ArgoCd => "argocd",
            Self::Fleet => "fleet",
            Self::Metadata => "metadata",
            Self::Config => "config",
            Self::Default => "default",
        }
    }
}

/// One step from the object's file outwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub rule: Rule,
    /// Its file.
    pub file: Arc<str>,
    /// The line that sets the namespace there, else the one that brings the object in; from 1.
    pub line: usize,
}

/// One place that an object is deployed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its cluster, as far as that is known.
    pub cluster: Cluster,
    /// Its namespace; none when nothing tells, or the kind has none.
    pub namespace: Option<String>,
    /// What is written for a namespace that no namespace can be called.
    pub misnamed: Option<Box<str>>,
    /// Its name there; none when it cannot be known.
    pub name: Option<String>,
    /// Its pod specs there.
    pub pods: Pods,
    /// How it comes there, from the object's file outwards.
    pub source: Vec<Source>,
    /// The kustomization that is built for it, if any.
    pub root: Option<Arc<str>>,
    /// The notice that says why something is unknown: its index in [`Graph::notices`](super::Graph::notices).
    pub doubt: Option<usize>,
    /// The object as a build yields it, where it asks for a chart: its values may have been patched.
    pub tree: Option<Arc<Value>>,
}

impl Deployment {
    /// Whether Flux or Argo CD bring it into the cluster.
    pub fn is_delivered(&self) -> bool {
        self.source.iter().any(|step| matches!(step.rule, Rule::Flux | Rule::ArgoCd | Rule::Fleet))
    }
}

/// The pod specs of a deployed object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pods {
    /// As they are written in the file.
    Written,
    /// As a build yields them, in the order of the object's own.
    Built(Vec<Pod>),
    /// They cannot be known.
    Unknown,
}

/// A pod spec as a build yields it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Its images, one for each container that has one.
    pub images: Vec<Image>,
    /// Its pull secrets; none where the name ends with a hash that cannot be known.
    pub pull_secrets: Vec<Option<String>>,
    /// `serviceAccountName`.
    pub service_account: Option<String>,
}

/// An image of a deployed pod spec.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Image {
    /// Where it is used.
    pub list: ContainerList,
    /// The container, or the volume of an image volume.
    pub container: String,
    /// The image.
    pub image: String,
}

/// A Secret that a generator of a build makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedSecret {
    /// Its cluster, as far as that is known.
    pub cluster: Cluster,
    /// Its namespace; none when nothing tells.
    pub namespace: Option<String>,
    /// Its name; none when it ends with a hash that cannot be known.
    pub name: Option<String>,
    /// `type`.
    pub kind: String,
    /// The kustomization that is built.
    pub root: Arc<str>,
    /// The kustomization that makes it.
    pub file: Arc<str>,
    /// The line there.
    pub line: usize,
}

impl Deployment {
    /// One of which nothing is known but how it came about.
    pub fn unknown(cluster: Cluster, source: Vec<Source>, root: Option<Arc<str>>) -> Self {
        Self {
            cluster,
            namespace: None,
            misnamed: None,
            name: None,
            pods: Pods::Unknown,
            source,
            root,
            doubt: None,
            tree: None,
        }
    }
}

/// An object of a chart that a kustomization names, as a build leaves it.
#[derive(Clone, Debug)]
pub struct ChartObject {
    /// The kustomization that names the chart.
    pub file: Arc<str>,
    /// The line there.
    pub line: usize,
    /// The name of the release.
    pub release: Arc<str>,
    /// Kind and name as the chart has them.
    pub was: (Arc<str>, Arc<str>),
    /// The object.
    pub object: Value,
    /// Where it goes; its pods and its namespace are those of `object`.
    pub deployment: Deployment,
}

/// A namespace that a user told: by a rule or as the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The namespace.
    pub namespace: String,
    /// The line that tells.
    pub line: usize,
}

/// What the repository itself does not tell.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The configuration's file.
    pub config: &'a str,
    /// The configuration's rule for a path.
    pub rule: &'a (dyn Fn(&str) -> Option<Told> + Sync),
    /// The configuration's default.
    pub default: Option<&'a Told>,
    /// The namespace that Argo CD fills in for everything that is generated now.
    pub application: Option<&'a str>,
    /// URLs of the repository's remotes: sources of Flux and Argo CD that are one of them are this repository.
    pub remotes: &'a [String],
    /// Whether Flux leaves a file out of what it fetches.
    pub left_out: &'a (dyn Fn(&str) -> bool + Sync),
    /// Renders the charts that kustomizations name.
    pub charts: Charts<'a>,
    /// Has work done.
    pub each: Each<'a>,
}

impl<'a> Options<'a> {
    /// Those of a repository without Git and configuration.
    pub fn bare(each: Each<'a>) -> Self {
        Self {
            config: "",
            rule: &|_| None,
            default: None,
            application: None,
            remotes: &[],
            left_out: &|_| false,
            charts: &|_, _, _| None,
            each,
        }
    }
}

/// Calls a function with every number below the first argument, each once, in any order and on any threads.
pub type Each<'a> = &'a (dyn Fn(usize, &(dyn Fn(usize) + Sync)) + Sync);

/// The border for namespaces: one that cannot be called so is unknown, and what is written is kept to be said.
pub fn checked(namespace: Option<String>) -> (Option<String>, Option<Box<str>>) {
    match namespace {
        Some(text) if !is_label(&text) => {
            // What only a cluster fills in has no text to show.
            (None, (!text.contains(argocd::UNKNOWN)).then(|| text.into()))
        }
        namespace => (namespace, None),
    }
}

/// What an Argo CD destination fills in.
#[derive(Clone, Debug)]
pub(super) struct Fill {
    pub namespace: Option<String>,
    pub cluster: Option<Arc<str>>,
    pub source: Source,
}

/// The namespace of an object that neither a build nor its metadata tells.
pub(super) fn settle(
    path: &str,
    cluster_scoped: bool,
    fill: Option<&Fill>,
    options: &Options<'_>,
    source: &mut Vec<Source>,
) -> Option<String> {
    if cluster_scoped {
        return None;
    }
    if let Some(namespace) = options.application {
        return Some(namespace.to_owned());
    }
    if let Some((fill, namespace)) = fill.and_then(|fill| Some((fill, fill.namespace.clone()?))) {
        source.push(fill.source.clone());
        // A destination that only a cluster knows is no reason to take the configuration's word instead.
        return (!namespace.contains(argocd::UNKNOWN)).then_some(namespace);
    }
    let rule = (options.rule)(path).map(|told| (Rule::Config, told));
    let (rule, told) = rule.or_else(|| Some((Rule::Default, options.default?.clone())))?;
    source.push(Source { rule, file: Arc::from(options.config), line: told.line });
    Some(told.namespace)
}
