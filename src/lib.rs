//! pullcred: an offline rewriter of Kubernetes manifests.
//!
//! One straight line: scan → parse → resolve namespaces → match images → plan → apply → report.
//! The rooms lie in layers and import only from a lower one; `docs/architecture.md` draws the map. The formats below them are
//! crates of their own.

pub mod commands;
pub mod config;
pub mod deliveries;
pub mod effects;
pub mod objects;
pub mod plan;
pub mod report;
