//! ServiceAccounts of the repository: what they list, and what the pods that run as them need.
//!
//! A pod takes its ServiceAccount's pull secrets only while it has none of its own; admission never merges them.

use std::collections::{BTreeMap, BTreeSet};

use super::File;
use super::pull_secrets::needed_by;
use crate::config::Config;
use crate::kube::object::{Object, PodSpec};

/// Namespace (none where unknown) and name.
type Key<'f> = (Option<&'f str>, &'f str);

/// Every ServiceAccount that is written or used somewhere.
#[derive(Default)]
pub struct Accounts<'f>(BTreeMap<Key<'f>, Account<'f>>);

/// One of them.
#[derive(Default)]
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
        let facts = files.iter().filter_map(|file| file.facts.as_ref().ok());
        for object in facts.flat_map(|facts| &facts.objects) {
            let namespace = object.namespace.as_deref();
            for pod_spec in &object.pod_specs {
                if object.is_service_account() {
                    let account = accounts.0.entry((namespace, &object.name)).or_default();
                    account.written = true;
                    account.listed.extend(pod_spec.pull_secrets.iter().map(|secret| secret.name.as_str()));
                } else {
                    let account = accounts.0.entry((namespace, pod_spec.account_name())).or_default();
                    account.needs.extend(needed_by(config, pod_spec));
                }
            }
        }
        accounts
    }

    /// The ServiceAccount that the pods of a workload run as.
    pub fn of(&self, object: &'f Object, pod_spec: &'f PodSpec) -> Option<&Account<'f>> {
        self.0.get(&(object.namespace.as_deref(), pod_spec.account_name()))
    }

    /// What is known of a ServiceAccount that is written in the repository.
    pub fn get(&self, account: &'f Object) -> Option<&Account<'f>> {
        self.0.get(&(account.namespace.as_deref(), account.name.as_str()))
    }
}
