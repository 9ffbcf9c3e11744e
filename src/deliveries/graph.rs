//! Where every object of a repository is deployed, offline and without guessing.
//!
//! In this order: kustomize builds, Flux and Argo CD, `metadata.namespace`, the destination of an Argo CD
//! Application, the configuration's rules, its default. What cannot be followed is `None` and named in a notice.
//! Built once for a run; objects that no build reaches are answered from their facts, so that a repository without
//! kustomizations costs nothing.

mod answer;
mod assemble;
mod claims;
pub mod cluster;
mod deployment;
mod outcome;
mod roles;

use crate::deliveries::scanned::Scanned;

pub use answer::{Graph, Stray};
pub use claims::normal_url;
pub use cluster::{Builds, Cluster};
pub use deployment::{
    ChartObject, Deployment, Each, GeneratedSecret, Image, Options, Pod, Pods, Rule, Source, Told, checked,
};
pub use offline_kustomize::notice::{Code, Notice};
pub use offline_kustomize::repository::Load;
pub use roles::Role;

impl Graph {
    /// Follows every delivery of a repository. `load` is asked for files that only builds name.
    pub fn new(files: &[Scanned<'_>], load: Load<'_>, options: &Options<'_>) -> Self {
        if files.iter().all(|file| file.facts.is_none()) {
            return Self::default();
        }
        assemble::graph(files, load, options)
    }
}
