//! ServiceAccounts of the repository: what they list, and what the pods that run as them need.
//!
//! A pod takes its ServiceAccount's pull secrets only while it has none of its own; admission never merges them.

use std::collections::{BTreeMap, BTreeSet};

use super::File;
use super::place::{PodRun, runs};
use crate::config::Config;
use crate::deliveries::graph::{Builds, Cluster};
use crate::objects::object::Object;

/// Namespace (none where unknown) and name.
type Key<'f> = (Option<&'f str>, &'f str);

/// Every ServiceAccount that is written or used somewhere, in each cluster that is known of it.
pub struct Accounts<'f> {
    all: BTreeMap<Key<'f>, Vec<(Cluster, Account<'f>)>>,
    builds: &'f Builds,
}

/// One of them, or several that one manifest or one workload is deployed as.
#[derive(Clone, Debug, Default)]
pub struct Account<'f> {
    /// Whether a manifest of it is in the repository.
    pub written: bool,
    /// What that manifest lists, in order.
    pub listed: Vec<&'f str>,
    /// Positions of the configured secrets that its pods need.
    pub needs: BTreeSet<usize>,
}

impl<'f> Accounts<'f> {
    /// Collects them from the whole repository, whatever the run is limited to.
    pub fn new(files: &'f [File], builds: &'f Builds, config: &Config) -> Self {
        let mut accounts = Self { all: BTreeMap::new(), builds };
        for file in files {
            for (nth, object) in file.objects().iter().enumerate() {
                if object.is_service_account() {
                    for (cluster, key) in places(file, nth, object) {
                        let account = accounts.entry(cluster, key);
                        account.written = true;
                        let listed = object.pod_specs.iter().flat_map(|place| &place.pull_secrets);
                        account.listed.extend(listed.map(|secret| secret.name.as_str()));
                    }
                    continue;
                }
                for index in 0..object.pod_specs.len() {
                    for run in runs(file, nth, object, index) {
                        let cluster = run.cluster().cloned().unwrap_or_default();
                        let needs = run.needs(config);
                        accounts.entry(cluster, (run.namespace, run.account)).needs.extend(needs);
                    }
                }
            }
        }
        accounts
    }

    fn entry(&mut self, cluster: Cluster, key: Key<'f>) -> &mut Account<'f> {
        let known = self.all.entry(key).or_default();
        // Objects of one build come one after the other.
        let at = known.iter().rposition(|(other, _)| *other == cluster).unwrap_or_else(|| {
            known.push((cluster, Account::default()));
            known.len() - 1
        });
        &mut known[at].1
    }

    /// What is known of a ServiceAccount wherever it may be the one of that cluster.
    fn at<'a>(&'a self, cluster: &'a Cluster, key: Key<'a>) -> impl Iterator<Item = &'a Account<'f>> {
        let known = self.all.get(&key).into_iter().flatten();
        let here = known.filter(|(other, _)| self.builds.may_share(other, cluster));
        here.map(|(_, account)| account)
    }

    /// What the ServiceAccounts that a pod spec runs as have in common for it; none when it has none.
    pub fn of(&self, runs: &[PodRun<'f>]) -> Option<Account<'f>> {
        let nowhere = Cluster::default();
        let mut all = None;
        for run in runs {
            let cluster = run.deployment.map_or(&nowhere, |deployment| &deployment.cluster);
            self.at(cluster, (run.namespace, run.account)).for_each(|account| join(&mut all, account));
        }
        all
    }

    /// What is known of a ServiceAccount that is written in the repository, in all of its places.
    pub fn get(&self, file: &'f File, nth: usize, object: &'f Object) -> Account<'f> {
        let mut all = None;
        for (cluster, key) in places(file, nth, object) {
            self.at(&cluster, key).for_each(|account| join(&mut all, account));
        }
        all.unwrap_or_default()
    }
}

/// Whether a ServiceAccount is deployed to nothing but namespaces that are left alone.
pub fn is_left_alone(file: &File, nth: usize, object: &Object, config: &Config) -> bool {
    places(file, nth, object)
        .into_iter()
        .all(|(_, (namespace, _))| config.namespaces.excludes_known(namespace))
}

/// Where a ServiceAccount is deployed, and under which name.
fn places<'f>(file: &'f File, nth: usize, object: &'f Object) -> Vec<(Cluster, Key<'f>)> {
    match file.deployments.get(nth).map(Vec::as_slice) {
        None | Some([]) => vec![(Cluster::default(), (object.namespace.as_deref(), &object.name))],
        Some(deployments) => deployments
            .iter()
            .map(|it| {
                let name = it.name.as_deref().unwrap_or(&object.name);
                (it.cluster.clone(), (it.namespace.as_deref(), name))
            })
            .collect(),
    }
}

/// Adds what one more has to what several have in common.
fn join<'f>(all: &mut Option<Account<'f>>, next: &Account<'f>) {
    let Some(all) = all else {
        *all = Some(next.clone());
        return;
    };
    all.written |= next.written;
    for name in &next.listed {
        if !all.listed.contains(name) {
            all.listed.push(name);
        }
    }
    all.needs.extend(&next.needs);
}
