//! ServiceAccounts of the repository: what they list, and what the pods that run as them need.
//!
//! A pod takes its ServiceAccount's pull secrets only while it has none of its own; admission never merges them.

use std::collections::{BTreeMap, BTreeSet};

use super::File;
use super::place::{PodRun, runs};
use crate::config::Config;
use crate::objects::object::Object;

/// Namespace (none where unknown) and name.
type Key<'f> = (Option<&'f str>, &'f str);

/// Every ServiceAccount that is written or used somewhere.
#[derive(Default)]
pub struct Accounts<'f>(BTreeMap<Key<'f>, Account<'f>>);

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
    pub fn new(files: &'f [File], config: &Config) -> Self {
        let mut accounts = Self::default();
        for file in files {
            for (nth, object) in file.objects().iter().enumerate() {
                if object.is_service_account() {
                    for key in keys(file, nth, object) {
                        let account = accounts.0.entry(key).or_default();
                        account.written = true;
                        let listed = object.pod_specs.iter().flat_map(|place| &place.pull_secrets);
                        account.listed.extend(listed.map(|secret| secret.name.as_str()));
                    }
                    continue;
                }
                for index in 0..object.pod_specs.len() {
                    for run in runs(file, nth, object, index) {
                        let account = accounts.0.entry((run.namespace, run.account)).or_default();
                        account.needs.extend(run.needs(config));
                    }
                }
            }
        }
        accounts
    }

    /// What the ServiceAccounts that a pod spec runs as have in common for it; none when it has none.
    pub fn of(&self, runs: &[PodRun<'f>]) -> Option<Account<'f>> {
        join(runs.iter().filter_map(|run| self.0.get(&(run.namespace, run.account))))
    }

    /// What is known of a ServiceAccount that is written in the repository, in all of its namespaces.
    pub fn get(&self, file: &'f File, nth: usize, object: &'f Object) -> Account<'f> {
        join(keys(file, nth, object).into_iter().filter_map(|key| self.0.get(&key))).unwrap_or_default()
    }
}

/// Whether a ServiceAccount is deployed to nothing but namespaces that are left alone.
pub fn is_left_alone(file: &File, nth: usize, object: &Object, config: &Config) -> bool {
    keys(file, nth, object).into_iter().all(|(namespace, _)| config.namespaces.excludes_known(namespace))
}

/// Where a ServiceAccount is deployed, and under which name.
fn keys<'f>(file: &'f File, nth: usize, object: &'f Object) -> Vec<Key<'f>> {
    match file.deployments.get(nth).map(Vec::as_slice) {
        None | Some([]) => vec![(object.namespace.as_deref(), &object.name)],
        Some(deployments) => deployments
            .iter()
            .map(|it| (it.namespace.as_deref(), it.name.as_deref().unwrap_or(&object.name)))
            .collect(),
    }
}

fn join<'a, 'f: 'a>(accounts: impl Iterator<Item = &'a Account<'f>>) -> Option<Account<'f>> {
    accounts.cloned().reduce(|mut all, next| {
        all.written |= next.written;
        for name in next.listed {
            if !all.listed.contains(&name) {
                all.listed.push(name);
            }
        }
        all.needs.extend(next.needs);
        all
    })
}
