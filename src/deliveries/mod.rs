//! How a repository reaches clusters: Flux and Argo CD objects, the kustomize builds that they ask for, and the places where every
//! object comes out.
//!
//! Turns facts about files into places; decides nothing about pull secrets.

pub mod argocd;
pub mod delivery;
pub mod facts;
pub mod flux;
pub mod graph;
pub mod releases;
pub mod scanned;
pub mod sketch;
