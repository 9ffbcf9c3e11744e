//! The answer for a whole repository: what is asked of it once everything has been followed.
//!
//! Objects that no build reaches are answered here from their facts; nothing is read or built.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::claims::{Own, PlainClaim};
use super::cluster::{Builds, Cluster};
use super::deployment::{
    ChartObject, Deployment, GeneratedSecret, Options, Pods, Rule, Source, checked, settle,
};
use super::roles::Role;
use crate::deliveries::delivery::DeliveryAt;
use crate::deliveries::flux;
use crate::deliveries::scanned::Scanned;
use crate::objects::object::Object;
use offline_kustomize::notice::{Code, Notice};
use offline_kustomize::repository::{contains, folder, folders};
use offline_kustomize::schema;
use offline_kustomize::value::Value;

/// A file that nothing takes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The nearest folder with a kustomization, which does not list it.
    pub kustomization: Option<String>,
    /// Whether it lies outside of everything that Flux and Argo CD deliver. Else it lies beside a kustomization that does not list it.
    pub is_outside: bool,
}

/// The answer for a whole repository.
#[derive(Debug, Default)]
pub struct Graph {
    /// Places of objects that builds yield, by file and object.
    pub(super) built: HashMap<(usize, usize), Vec<Deployment>>,
    /// Files that builds have read: what is not in `built` was deleted there.
    pub(super) reached: HashSet<usize>,
    /// Files that kustomizations have among their resources, whether these are built or not.
    pub(super) listed: HashSet<usize>,
    /// Plain folders of Argo CD Applications.
    pub(super) plain: HashMap<String, Vec<PlainClaim>>,
    /// Files that Argo CD leaves out.
    pub(super) skipped: HashSet<usize>,
    /// What files are for, other than holding objects to deploy.
    pub roles: BTreeMap<String, Role>,
    /// What there is to say, sorted by file and line.
    pub notices: Vec<Notice>,
    /// Notices that hold no longer, by their indexes.
    pub settled: BTreeSet<usize>,
    /// Secrets that generators make.
    pub generated: Vec<GeneratedSecret>,
    /// The objects of charts that kustomizations name, wherever these are built.
    pub charts: Vec<ChartObject>,
    /// The folders of this repository that Flux and Argo CD deliver.
    pub delivered: BTreeSet<String>,
    /// Files with objects that were left alone because nothing deploys them.
    pub undelivered: usize,
    /// Folders with a kustomization.
    pub(super) kustomized: HashSet<String>,
    /// What builds yield, to tell what cannot be in one cluster.
    pub builds: Builds,
    /// The Applications that ApplicationSets make.
    pub applications: HashMap<DeliveryAt, Vec<Value>>,
    /// The objects that each notice on a chart is about.
    pub(super) asked_by: HashMap<Notice, BTreeSet<DeliveryAt>>,
    /// Which sources are this repository.
    pub(super) own: Own,
}

impl Graph {
    /// Whether a source of Argo CD is this repository.
    pub fn is_own_url(&self, url: &str) -> bool {
        self.own.is_own_url(url, false)
    }

    /// Whether a source of Flux is this repository.
    pub fn is_own_source(&self, source: &flux::Source) -> bool {
        self.own.is_own_flux(source, false)
    }

    /// Takes back that the objects of releases cannot be known: of the objects that ask for charts that are, and of entries of
    /// kustomizations by their file and line.
    pub fn release_known(&mut self, objects: &BTreeSet<DeliveryAt>, entries: &BTreeSet<(String, usize)>) {
        let is_known = |notice: &Notice| {
            notice.code == Code::ChartUnknown
                && match self.asked_by.get(notice) {
                    Some(spots) => spots.is_subset(objects),
                    None => entries.contains(&(notice.file.clone(), notice.line)),
                }
        };
        self.settled = (0..self.notices.len()).filter(|nth| is_known(&self.notices[*nth])).collect();
    }

    /// Whether a file at that path would lie in a folder that is delivered; true where nothing here tells what is.
    pub fn delivers(&self, path: &str) -> bool {
        self.delivered.is_empty() || self.delivered.iter().any(|folder| contains(folder, path))
    }

    /// Why nothing takes a file in, as far as that can be known.
    pub fn stray(&self, files: &[Scanned<'_>], file: usize) -> Option<Stray> {
        let path = files[file].path;
        if self.reaches(files, file) {
            return None;
        }
        let nearest = folders(path).find(|folder| self.kustomized.contains(*folder));
        let is_outside = nearest != Some(folder(path));
        (!is_outside || !self.delivered.is_empty())
            .then(|| Stray { kustomization: nearest.map(str::to_owned), is_outside })
    }

    /// Whether a build or a delivery takes in a file.
    pub fn reaches(&self, files: &[Scanned<'_>], file: usize) -> bool {
        self.reached.contains(&file) || self.claims(files, file).next().is_some()
    }

    /// The plain folders of Argo CD that take a file in.
    fn claims<'g>(
        &'g self,
        files: &[Scanned<'g>],
        file: usize,
    ) -> impl Iterator<Item = &'g PlainClaim> + use<'g> {
        let path = files[file].path;
        let is_asked = !self.plain.is_empty() && !self.skipped.contains(&file);
        folders(path).filter(move |_| is_asked).flat_map(move |folder| {
            let inner = path.get(folder.len()..).unwrap_or(path).trim_start_matches('/');
            self.plain.get(folder).into_iter().flatten().filter(move |claim| claim.takes(inner, path))
        })
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
    Deployment {
        cluster,
        namespace,
        misnamed,
        name,
        pods: Pods::Written,
        source,
        root: None,
        doubt: None,
        tree: None,
    }
}
