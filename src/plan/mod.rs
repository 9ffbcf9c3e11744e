//! The plan: every change of the repository and every finding about it, as plain data.
//!
//! Pure. `check` stops here, `--diff` shows it, `inject` writes it, `generate` prints its result; nothing computes
//! a change in any other way.

pub mod finding;
pub mod pull_secrets;

use crate::image::pattern::RegistryKey;
use crate::kube::read::FileFacts;
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
}

/// What the user asks for.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Configured secrets in their order.
    pub secrets: Vec<SecretRule>,
    /// Registries whose images the node pulls by its own identity.
    pub node_identity: Vec<RegistryKey>,
    /// Where references are written.
    pub into: Into,
}

/// A configured secret as far as references are concerned.
#[derive(Clone, Debug)]
pub struct SecretRule {
    /// Name of the Secret.
    pub name: String,
    /// Keys of the registries it serves, aliases included; empty for every image.
    pub registries: Vec<RegistryKey>,
}

/// Where references are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Into {
    /// To every pod spec.
    #[default]
    Pods,
    /// To the ServiceAccounts that the pods use.
    ServiceAccounts,
    /// To both.
    Both,
}

/// Everything that a run would do and say.
#[derive(Debug, Default)]
pub struct Plan {
    /// Changes, in order of [`Addition::file`], then of the place in the file.
    pub additions: Vec<Addition>,
    /// Facts about the user's tree, sorted by file and position.
    pub findings: Vec<Finding>,
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
