//! pullcred: an offline rewriter of Kubernetes manifests.
//!
//! One straight line: scan → parse → resolve namespaces → match images → plan → apply → report.
//! The modules lie in layers and import only from a lower one; `docs/architecture.md` draws the map.

pub mod image;
pub mod kube;
pub mod sops;
pub mod yaml;
