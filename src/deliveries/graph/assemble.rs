//! Puts the graph together: finds the roots, has them built, lets Flux and Argo CD objects, built ones included, name
//! further roots, and keeps where each object comes out.

mod builds;
mod deliver;
mod fleet;
mod outer;
mod variables;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::answer::Graph;
use super::claims::Own;
use super::deployment::{Deployment, Options};
use super::roles::roles;
use crate::deliveries::delivery::{Delivery, DeliveryAt, Kind};
use crate::deliveries::flux::FluxKustomization;
use crate::deliveries::scanned::Scanned;
use crate::deliveries::sketch::sketches;
use builds::{Builds, Built};
use offline_kustomize::notice::{Code, Notice, Notices};
use offline_kustomize::repository::{File, Load, Repository, contains, folders};
use offline_kustomize::value::Value;
use outer::{Claim, Outer};
use variables::Settings;

/// Roots that are built together, one after the other. Neighbours have much in common; others are built by other threads
/// at the same time.
const TOGETHER: usize = 64;

/// The answer for a repository.
pub(super) fn graph<'a>(files: &'a [Scanned<'a>], load: Load<'a>, options: &'a Options<'a>) -> Graph {
    let known: Vec<File<'a>> = files
        .iter()
        .map(|file| {
            let kustomization = file.facts.and_then(|facts| facts.kustomization.as_ref());
            File { path: file.path, kustomization }
        })
        .collect();
    let sketches = |file: usize| sketches(&files[file]);
    let repository = Repository::new(&known, &sketches, load).with_charts(options.charts);
    let uses = uses(&repository);
    Assembler::new(files, &repository, &uses, load, options).graph()
}

/// How often each kustomization is included by another one.
fn uses(repository: &Repository<'_>) -> HashMap<usize, usize> {
    let mut uses = HashMap::new();
    let mut at = 0;
    // The number grows while folders that were not scanned are found.
    while at < repository.len() {
        for child in repository.included(at) {
            *uses.entry(child).or_insert(0) += 1;
        }
        at += 1;
    }
    uses
}

struct Assembler<'r, 'a> {
    files: &'a [Scanned<'a>],
    load: Load<'a>,
    options: &'a Options<'a>,
    /// Every path, sorted.
    paths: Vec<&'a str>,
    /// The folders that hold them, once a set has asked.
    folders: OnceLock<Vec<String>>,
    repository: &'r Repository<'a>,
    uses: &'r HashMap<usize, usize>,
    own: Own,
    graph: Graph,
    notices: Notices,
    /// What to build because an object says so.
    claims: Vec<Claim>,
    claimed: BTreeSet<usize>,
    /// Delivery objects that were acted upon, by file, document and way through Lists.
    seen: HashMap<DeliveryAt, Vec<Value>>,
    claim_count: usize,
    /// Kustomizations that are built with kustomize's load restriction.
    restricted: HashSet<Arc<str>>,
    /// Where variables may come from, once somebody has asked.
    settings: Option<Settings<'r, 'a>>,
}

impl<'r, 'a> Assembler<'r, 'a> {
    fn new(
        files: &'a [Scanned<'a>],
        repository: &'r Repository<'a>,
        uses: &'r HashMap<usize, usize>,
        load: Load<'a>,
        options: &'a Options<'a>,
    ) -> Self {
        let mut paths: Vec<&str> = files.iter().map(|file| file.path).collect();
        paths.sort_unstable();
        let deliveries =
            files.iter().flat_map(|file| file.deliveries().iter().map(|delivery| (file.path, delivery)));
        Self {
            files,
            load,
            options,
            paths,
            folders: OnceLock::new(),
            repository,
            uses,
            own: Own::new(deliveries, options.remotes),
            graph: Graph::default(),
            notices: Notices::default(),
            claims: Vec::new(),
            claimed: BTreeSet::new(),
            seen: HashMap::new(),
            claim_count: 0,
            restricted: HashSet::new(),
            settings: None,
        }
    }

    fn graph(mut self) -> Graph {
        let (roles, resources) = roles(self.files, self.repository);
        self.graph.roles = roles;
        self.graph.listed.extend(&resources);
        let folders = (0..self.repository.len()).map(|at| self.repository.get(at).folder.to_string());
        self.graph.kustomized = folders.collect();
        for (at, file) in self.files.iter().enumerate() {
            if file.facts.is_some_and(|facts| facts.skipped_by_argocd) {
                self.graph.skipped.insert(at);
            }
        }
        let (repository, uses) = (self.repository, self.uses);
        let is_root = |at: &usize| !uses.contains_key(at) && !repository.get(*at).fields.component;
        let roots: Vec<usize> = (0..repository.len()).filter(is_root).collect();
        // What stands in plain files first; what builds yield is found on the way.
        let files = self.files;
        let taken_in = FluxFolders::of(files, &self.own);
        for (file, scanned) in files.iter().enumerate().filter(|(at, _)| !resources.contains(at)) {
            // A patch of such an object is not one.
            let role = self.graph.roles.contains_key(scanned.path);
            for delivery in scanned.deliveries().iter().filter(|_| !role) {
                // What Flux builds may come out changed: by variables, by patches of the object that has it built.
                if !taken_in.takes(scanned.path) || self.brings_itself(file, delivery) {
                    self.act(file, delivery, &delivery.tree, None);
                }
            }
        }
        self.act_upon_bundles();
        self.follow();
        self.build_unclaimed(roots);
        // Objects that no build yields, or whose builds all fail, are still acted upon as they are written.
        for (file, scanned) in files.iter().enumerate().filter(|(_, file)| !file.deliveries().is_empty()) {
            let has_role = self.graph.roles.contains_key(scanned.path);
            let is_waiting = resources.contains(&file) || !has_role && taken_in.takes(scanned.path);
            for delivery in scanned.deliveries().iter().filter(|_| is_waiting) {
                if !self.seen.contains_key(&delivery.at(file)) {
                    self.act(file, delivery, &delivery.tree, None);
                }
            }
        }
        self.follow();
        self.finish()
    }

    /// Whether an object has the folder built that it lies in itself.
    fn brings_itself(&self, file: usize, delivery: &Delivery) -> bool {
        delivery.kind == Kind::FluxKustomization
            && FluxKustomization::read(&delivery.tree)
                .folder()
                .is_some_and(|folder| contains(&folder, self.files[file].path))
    }

    /// Builds what is asked for, and what those builds ask for, until there is nothing more.
    fn follow(&mut self) {
        while !self.claims.is_empty() {
            let claims = std::mem::take(&mut self.claims);
            for (claim, mut built) in claims.iter().zip(self.build(&claims)) {
                let deliveries = std::mem::take(&mut built.deliveries);
                self.keep(built);
                self.act_upon(deliveries, claim.outer.cluster.as_ref());
            }
        }
    }

    /// Builds the roots that no object asks for, not even one of these builds.
    fn build_unclaimed(&mut self, roots: Vec<usize>) {
        let alone = |root| Claim { root, outer: Outer::default() };
        let waiting: Vec<Claim> =
            roots.into_iter().filter(|root| !self.claimed.contains(root)).map(alone).collect();
        let mut plain = Vec::with_capacity(waiting.len());
        for (claim, mut built) in waiting.iter().zip(self.build(&waiting)) {
            if !self.claimed.contains(&claim.root) {
                // A kustomization that nothing brings in is the entry of what it brings.
                let entry = self.repository.get(claim.root).folder;
                let mut deliveries = std::mem::take(&mut built.deliveries);
                // One that has this very folder built may change the others: they are what its build yields.
                let files = self.files;
                let is_own = |(file, nth, tree): &(usize, usize, Value)| {
                    files[*file].deliveries()[*nth].kind == Kind::FluxKustomization
                        && FluxKustomization::read(tree).folder().as_deref() == Some(&*entry)
                };
                if deliveries.iter().any(is_own) {
                    deliveries.retain(is_own);
                }
                let entry = (!entry.is_empty()).then_some(entry);
                self.act_upon(deliveries, entry.as_ref());
                self.follow();
                plain.push((claim.root, built));
            }
        }
        for (root, built) in plain {
            if !self.claimed.contains(&root) {
                self.keep(built);
            }
        }
    }

    fn act_upon(&mut self, deliveries: Vec<(usize, usize, Value)>, cluster: Option<&Arc<str>>) {
        let files = self.files;
        for (file, nth, tree) in deliveries {
            let delivery: &'a Delivery = &files[file].deliveries()[nth];
            self.act(file, delivery, &tree, cluster);
        }
    }

    /// Builds roots, on several threads; the results are in their order and do not depend on the threads.
    fn build(&mut self, claims: &[Claim]) -> Vec<Built> {
        let parts: Vec<&[Claim]> = claims.chunks(TOGETHER).collect();
        let done: Vec<OnceLock<(Vec<Built>, Vec<Notice>)>> = parts.iter().map(|_| OnceLock::new()).collect();
        let (files, options, repository, uses) = (self.files, self.options, self.repository, self.uses);
        (options.each)(parts.len(), &|nth| {
            let mut builds = Builds::new(files, options, repository, uses);
            let built = parts[nth].iter().map(|claim| builds.build(claim)).collect();
            let _ = done[nth].set((built, builds.notices().to_vec()));
        });
        let mut result = Vec::with_capacity(claims.len());
        for (mut part, notices) in done.into_iter().filter_map(OnceLock::into_inner) {
            let places: Vec<usize> = notices.into_iter().map(|notice| self.notices.add(notice)).collect();
            let deployments = part.iter_mut().flat_map(|built| &mut built.places);
            moved(deployments.map(|(_, deployment)| deployment), &places);
            result.append(&mut part);
        }
        result
    }

    /// Keeps one of equal deployments, sorts the notices and lets deployments point to where they went.
    fn finish(mut self) -> Graph {
        let is_lifted = self.lifts_restriction();
        let counts = |at: &usize| {
            let notice = &self.notices.list()[*at];
            notice.code != Code::LoadRestricted
                || !is_lifted && self.restricted.contains(notice.file.as_str())
        };
        let mut order: Vec<usize> = (0..self.notices.list().len()).filter(counts).collect();
        order.sort_by_key(|&at| &self.notices.list()[at]);
        let mut places = vec![0; self.notices.list().len()];
        order.iter().enumerate().for_each(|(new, &old)| places[old] = new);
        self.graph.built.values_mut().for_each(distinct);
        moved(self.graph.built.values_mut().flatten(), &places);
        self.graph.own = self.own;
        self.graph.notices = order.into_iter().map(|old| self.notices.list()[old].clone()).collect();
        self.graph
    }

    /// Whether Argo CD is configured to build without the load restriction.
    fn lifts_restriction(&mut self) -> bool {
        if self.notices.list().iter().all(|notice| notice.code != Code::LoadRestricted) {
            return false;
        }
        self.settings().lift_restriction()
    }

    /// Where variables may come from; loaded when first asked for.
    fn settings(&mut self) -> &mut Settings<'r, 'a> {
        self.settings.get_or_insert_with(|| Settings::new(self.files, self.load, self.repository))
    }

    fn keep(&mut self, built: Built) {
        let number = self.graph.builds.add(built.objects);
        for (place, mut deployment) in built.places {
            deployment.cluster.build = Some(number);
            self.graph.built.entry(place).or_default().push(deployment);
        }
        let numbered = built.generated.into_iter().map(|mut secret| {
            secret.cluster.build = Some(number);
            secret
        });
        self.graph.generated.extend(numbered);
        let numbered = built.charts.into_iter().map(|mut object| {
            object.deployment.cluster.build = Some(number);
            object
        });
        self.graph.charts.extend(numbered);
        self.graph.reached.extend(built.files);
        if !built.is_unrestricted {
            self.restricted.extend(built.kustomizations);
        }
    }
}

/// Folders that Flux builds from this repository, as far as the objects as they are written tell.
struct FluxFolders(BTreeSet<String>);

impl FluxFolders {
    fn of(files: &[Scanned<'_>], own: &Own) -> Self {
        let deliveries = files.iter().flat_map(Scanned::deliveries);
        let read = deliveries
            .filter(|delivery| delivery.kind == Kind::FluxKustomization)
            .map(|delivery| FluxKustomization::read(&delivery.tree));
        let folders = read.filter_map(|flux| {
            let path = flux.folder()?;
            own.is_own_flux(&flux.source, path.is_empty()).then_some(path)
        });
        Self(folders.collect())
    }

    /// Whether one of them holds a file.
    fn takes(&self, path: &str) -> bool {
        folders(path).any(|folder| self.0.contains(folder))
    }
}

/// Leaves out what differs from an earlier one in its way only.
fn distinct(deployments: &mut Vec<Deployment>) {
    let mut seen = HashSet::with_capacity(deployments.len());
    // Two builds are two places, whatever they have in common: nothing tells that their clusters are one.
    let place = |it: &'_ Deployment| (it.cluster.name.clone(), it.root.clone());
    let new: Vec<bool> = deployments
        .iter()
        .map(|it| it.namespace.is_none() || seen.insert((place(it), &it.namespace, &it.name, &it.pods)))
        .collect();
    let mut new = new.into_iter();
    deployments.retain(|_| new.next().unwrap_or(true));
    deployments.shrink_to_fit();
}

/// Notices have moved to these places.
fn moved<'d>(deployments: impl Iterator<Item = &'d mut Deployment>, places: &[usize]) {
    for deployment in deployments {
        deployment.doubt = deployment.doubt.and_then(|old| places.get(old).copied());
    }
}
