//! Simulated kustomize builds: what `kustomize build` yields, as far as it concerns names, namespaces, images and pull
//! secrets.
//!
//! Follows kustomize 5, its oddities included, and is compared with the real program (`e2e/kustomize.sh`). Starts no
//! program, opens no file and no connection; what is known only online is said to be unknown.
//!
//! [`repository`] tells what paths lead to, [`step`] what a kustomization does, [`accumulate`] runs the builds. Objects
//! are [`sketch`]es made from the facts of the scan wherever those suffice, and whole [`value`] trees elsewhere.

pub mod accumulate;
pub mod config;
pub mod documents;
pub mod field;
pub mod generate;
pub mod json_patch;
pub mod kustomization;
pub mod merge;
pub mod notice;
pub mod patch;
pub mod plugin;
pub mod references;
pub mod replace;
pub mod repository;
pub mod resource;
pub mod schema;
pub mod selector;
pub mod step;
pub mod transform;
pub mod value;
pub mod vars;
