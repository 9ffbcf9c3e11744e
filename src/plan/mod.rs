//! The plan: every change of the repository and every finding about it, as plain data.
//!
//! Pure. `check` stops here, `--diff` shows it, `inject` writes it, `generate` prints its result; nothing computes
//! a change in any other way.

pub mod adopt;
pub mod closure;
pub mod credentials;
pub mod finding;
pub mod grant;
pub mod ignores;
pub mod mentions;
pub mod missing;
pub mod notices;
pub mod place;
pub mod pull_secrets;
pub mod remarks;
pub mod resources;
pub mod secrets;
pub mod service_accounts;

use std::sync::Arc;

use crate::deliveries::delivery::DeliveryFacts;
use crate::deliveries::graph::{Deployment, Stray};
use crate::objects::adders::Adder;
use crate::objects::object::Object;
use crate::objects::read::FileFacts;
use finding::Finding;

/// One file of the repository and what it tells.
#[derive(Debug)]
pub struct File {
    /// Path relative to the repository's root, with `/`.
    pub path: String,
    /// Whether the run is about this file; others only inform it.
    pub selected: bool,
    /// Its facts, or why it cannot be read.
    pub facts: Result<FileFacts, String>,
    /// Whether it is the template of a chart, and `delivery` what the chart makes of it.
    pub is_made: bool,
    /// Whether that is so only with the chart's own values, for nothing here deploys it.
    pub is_guess: bool,
    /// What it tells about deliveries: a kustomization, Flux and Argo CD objects.
    pub delivery: Option<Box<DeliveryFacts>>,
    /// Where each of its objects is deployed, in their order.
    pub deployments: Vec<Vec<Deployment>>,
    /// Where each of the Secrets that it brings is deployed, in their order.
    pub shipped: Vec<Vec<Deployment>>,
    /// Why nothing takes it in, if it brings Secrets and that is known.
    pub stray: Option<Stray>,
    /// The namespaces that it declares, as builds name them.
    pub declared: Vec<String>,
    /// The controllers of the repository that add pull secrets, the same for all files: those first that change ServiceAccounts, which a pod
    /// takes over before anything else changes it.
    pub adders: Arc<[Adding]>,
}

/// A controller that adds pull secrets, where it is told to.
#[derive(Clone, Debug)]
pub struct Adding {
    /// What it does.
    pub adder: Adder,
    /// The file that tells it to.
    pub file: String,
    /// Where that is deployed.
    pub deployments: Vec<Deployment>,
}

impl File {
    /// A file that was read, before anything is known about its deployments.
    pub fn new(path: String, selected: bool, facts: Result<FileFacts, String>) -> Self {
        Self {
            path,
            selected,
            facts,
            is_made: false,
            is_guess: false,
            delivery: None,
            deployments: Vec::new(),
            shipped: Vec::new(),
            stray: None,
            declared: Vec::new(),
            adders: Arc::default(),
        }
    }

    /// Its objects; none when it cannot be read.
    pub fn objects(&self) -> &[Object] {
        self.facts.as_ref().map_or(&[], |facts| &facts.objects)
    }
}

/// Everything that a run would do and say.
#[derive(Debug, Default)]
pub struct Plan {
    /// Changes, sorted by file, object and pod spec.
    pub additions: Vec<Addition>,
    /// Facts about the user's tree, sorted by file and position.
    pub findings: Vec<Finding>,
}

impl Plan {
    /// The names that a pod spec gains.
    pub fn added(&self, file: usize, object: usize, pod_spec: usize) -> &[String] {
        let place = |addition: &Addition| (addition.file, addition.object, addition.pod_spec);
        match self.additions.binary_search_by_key(&(file, object, pod_spec), place) {
            Ok(nth) => &self.additions[nth].names,
            Err(_) => &[],
        }
    }
}

/// Entries for one pull secret list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Index of the file.
    pub file: usize,
    /// Index of the object in its facts.
    pub object: usize,
    /// Index of the pod spec in the object.
    pub pod_spec: usize,
    /// Names to add, in order.
    pub names: Vec<String>,
}
