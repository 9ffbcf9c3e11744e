//! A root that somebody asks to have built, and what stands around the build: who asks, and what they set and replace.

use std::sync::Arc;

use crate::deliveries::flux::variables::Variables;
use crate::deliveries::graph::cluster::Cluster;
use crate::deliveries::graph::deployment::{Fill, Source};

/// A root to build.
pub(super) struct Claim {
    pub root: usize,
    pub outer: Outer,
}

/// What stands around a build.
#[derive(Clone, Default)]
pub(super) struct Outer {
    /// The object that asks for it.
    pub source: Option<Source>,
    /// Whether that object sets the namespace, and not the kustomization.
    pub sets_namespace: bool,
    /// Whether the kustomization is generated: there is no file to name.
    pub generated: bool,
    pub fill: Option<Fill>,
    /// The name of the cluster that it is for.
    pub cluster: Option<Arc<str>>,
    /// What Flux replaces after the build.
    pub variables: Option<Arc<Variables>>,
}

impl Outer {
    /// The cluster, as far as what stands around a build tells it.
    pub fn cluster(&self) -> Cluster {
        Cluster { name: self.cluster.clone(), build: None }
    }
}
