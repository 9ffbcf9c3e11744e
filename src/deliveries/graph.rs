//! Where every object of a repository is deployed, offline and without guessing.
//!
//! In this order: kustomize builds, Flux and Argo CD, `metadata.namespace`, the destination of an Argo CD
//! Application, the configuration's rules, its default. What cannot be followed is `None` and named in a notice.
//! Built once for a run; objects that no build reaches are answered from their facts, so that a repository without
//! kustomizations costs nothing.

mod assemble;
mod claims;
pub mod cluster;
mod outcome;
mod roles;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::deliveries::scanned::Scanned;
use crate::objects::names::is_label;
use crate::objects::object::{ContainerList, Object};
use claims::PlainClaim;
pub use cluster::{Builds, Cluster};
pub use offline_kustomize::notice::{Code, Notice};
pub use offline_kustomize::repository::Load;
use offline_kustomize::repository::{contains, folder as folder_of};
use offline_kustomize::schema;
pub use roles::Role;

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
    /// The notice that says why something is unknown: its index in [`Graph::notices`].
    pub doubt: Option<usize>,
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

/// A file that nothing takes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The nearest folder with a kustomization, which does not list it.
    pub kustomization: Option<String>,
    /// Whether it lies outside of everything that Flux and Argo CD deliver. Else it lies beside a kustomization that does not list it.
    pub is_outside: bool,
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
    /// Has work done.
    pub each: Each<'a>,
}

/// Calls a function with every number below the first argument, each once, in any order and on any threads.
pub type Each<'a> = &'a (dyn Fn(usize, &(dyn Fn(usize) + Sync)) + Sync);

/// The answer for a whole repository.
#[derive(Debug, Default)]
pub struct Graph {
    /// Places of objects that builds yield, by file and object.
    built: HashMap<(usize, usize), Vec<Deployment>>,
    /// Files that builds have read: what is not in `built` was deleted there.
    reached: HashSet<usize>,
    /// Files that kustomizations have among their resources, whether these are built or not.
    listed: HashSet<usize>,
    /// Plain folders of Argo CD Applications.
    plain: HashMap<String, Vec<PlainClaim>>,
    /// Files that Argo CD leaves out.
    skipped: HashSet<usize>,
    /// What files are for, other than holding objects to deploy.
    pub roles: BTreeMap<String, Role>,
    /// What there is to say, sorted by file and line.
    pub notices: Vec<Notice>,
    /// Secrets that generators make.
    pub generated: Vec<GeneratedSecret>,
    /// The folders of this repository that Flux and Argo CD deliver.
    pub delivered: BTreeSet<String>,
    /// Folders with a kustomization.
    kustomized: HashSet<String>,
    /// What builds yield, to tell what cannot be in one cluster.
    pub builds: Builds,
}

impl Graph {
    /// Follows every delivery of a repository. `load` is asked for files that only builds name.
    pub fn new(files: &[Scanned<'_>], load: Load<'_>, options: &Options<'_>) -> Self {
        if files.iter().all(|file| file.facts.is_none()) {
            return Self::default();
        }
        assemble::graph(files, load, options)
    }

    /// Whether a file at that path would lie in a folder that is delivered; true where nothing here tells what is.
    pub fn delivers(&self, path: &str) -> bool {
        self.delivered.is_empty() || self.delivered.iter().any(|folder| contains(folder, path))
    }

    /// Why nothing takes a file in, as far as that can be known.
    pub fn stray(&self, files: &[Scanned<'_>], file: usize) -> Option<Stray> {
        let path = files[file].path;
        if self.reached.contains(&file) || self.claims(files, file).next().is_some() {
            return None;
        }
        let mut folder = folder_of(path);
        let own = self.kustomized.contains(folder);
        loop {
            if self.kustomized.contains(folder) {
                return Some(Stray { kustomization: Some(folder.to_owned()), is_outside: !own })
                    .filter(|_| own || !self.delivered.is_empty());
            }
            if folder.is_empty() {
                return (!self.delivered.is_empty())
                    .then_some(Stray { kustomization: None, is_outside: true });
            }
            folder = folder_of(folder);
        }
    }

    /// The plain folders of Argo CD that take a file in.
    fn claims<'g>(&'g self, files: &[Scanned<'_>], file: usize) -> impl Iterator<Item = &'g PlainClaim> {
        let path = files[file].path;
        let mut claims: Vec<&PlainClaim> = Vec::new();
        if !self.plain.is_empty() && !self.skipped.contains(&file) {
            let mut folder = folder_of(path);
            loop {
                let inner = path.get(folder.len()..).unwrap_or(path).trim_start_matches('/');
                claims.extend(
                    self.plain.get(folder).into_iter().flatten().filter(|claim| claim.takes(inner, path)),
                );
                if folder.is_empty() {
                    break;
                }
                folder = folder_of(folder);
            }
        }
        claims.into_iter()
    }

    /// Whether a kustomization has a file among its resources.
    pub fn lists(&self, file: usize) -> bool {
        self.listed.contains(&file) || self.reached.contains(&file)
    }

    /// Whether a build takes in what cannot be followed here.
    pub fn has_unknowns(&self) -> bool {
        self.notices.iter().any(|notice| matches!(notice.code, Code::RemoteBaseUnknown | Code::Unknowable))
    }

    /// Where an object is deployed; empty when every build that reads its file leaves it out.
    pub fn deployments(
        &self,
        files: &[Scanned<'_>],
        file: usize,
        object: usize,
        options: &Options<'_>,
    ) -> Cow<'_, [Deployment]> {
        if let Some(built) = self.built.get(&(file, object)) {
            return Cow::Borrowed(built);
        }
        if self.reached.contains(&file) {
            return Cow::Borrowed(&[]);
        }
        let (path, object) = (files[file].path, &files[file].objects[object]);
        let claims: Vec<&PlainClaim> = self.claims(files, file).collect();
        let mut result: Vec<Deployment> = Vec::new();
        let claims: Vec<Option<&PlainClaim>> =
            if claims.is_empty() { vec![None] } else { claims.into_iter().map(Some).collect() };
        for claim in claims {
            let deployment = plain(path, object, claim, options);
            if !result.contains(&deployment) {
                result.push(deployment);
            }
        }
        Cow::Owned(result)
    }
}

/// The place of an object that is applied as it is written.
fn plain(path: &str, object: &Object, claim: Option<&PlainClaim>, options: &Options<'_>) -> Deployment {
    let mut source = Vec::new();
    let is_forced = claim.is_some_and(|claim| claim.is_forced);
    let own = object.namespace.clone().filter(|namespace| !namespace.is_empty() && !is_forced);
    if own.is_some() {
        source.push(Source { rule: Rule::Metadata, file: Arc::from(path), line: object.namespace_line });
    }
    let fill = claim.map(|claim| &claim.fill);
    let cluster = schema::is_cluster_scoped(&object.api_version, &object.kind);
    let namespace = own.or_else(|| settle(path, cluster, fill, options, &mut source));
    let named =
        |step: &Source, claim: &PlainClaim| step.rule == claim.source.rule && step.file == claim.source.file;
    if let Some(claim) = claim.filter(|claim| !source.iter().any(|step| named(step, claim))) {
        source.push(claim.source.clone());
    }
    let name = (!object.name.is_empty()).then(|| object.name.clone());
    let (namespace, misnamed) = checked(namespace);
    let cluster = Cluster { name: fill.and_then(|fill| fill.cluster.clone()), build: None };
    Deployment { cluster, namespace, misnamed, name, pods: Pods::Written, source, root: None, doubt: None }
}

/// The border for namespaces: one that cannot be called so is unknown, and what is written is kept to be said.
fn checked(namespace: Option<String>) -> (Option<String>, Option<Box<str>>) {
    match namespace {
        Some(text) if !is_label(&text) => {
            // What only a cluster fills in has no text to show.
            (None, (!text.contains(super::argocd::UNKNOWN)).then(|| text.into()))
        }
        namespace => (namespace, None),
    }
}

/// What an Argo CD destination fills in.
#[derive(Clone, Debug)]
pub(super) struct Fill {
    namespace: Option<String>,
    cluster: Option<Arc<str>>,
    source: Source,
}

/// The namespace of an object that neither a build nor its metadata tells.
fn settle(
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
        return (!namespace.contains(super::argocd::UNKNOWN)).then_some(namespace);
    }
    let rule = (options.rule)(path).map(|told| (Rule::Config, told));
    let (rule, told) = rule.or_else(|| Some((Rule::Default, options.default?.clone())))?;
    source.push(Source { rule, file: Arc::from(options.config), line: told.line });
    Some(told.namespace)
}
