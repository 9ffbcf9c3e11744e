//! pullcred: an offline rewriter of Kubernetes manifests.
//!
//! One straight line: scan → parse → resolve namespaces → match images → plan → apply → report.
//! The modules lie in layers and import only from a lower one; `docs/architecture.md` draws the map.

pub mod apply;
pub mod cli;
pub mod config;
pub mod image;
pub mod kube;
pub mod plan;
pub mod report;
pub mod scan;
pub mod secrets;
pub mod sops;
pub mod source;
pub mod yaml;
