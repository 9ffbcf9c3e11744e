//! Simulated kustomize builds.

pub mod accumulate;
pub mod config;
pub mod field;
pub mod generate;
pub mod json_patch;
pub mod merge;
pub mod notice;
pub mod patch;
pub mod references;
pub mod replace;
pub mod repository;
pub mod resource;
pub mod schema;
pub mod selector;
pub mod sketch;
pub mod step;
pub mod transform;
pub mod value;
pub mod vars;
