//! Everything that comes from outside or goes there: files, credentials, identities, other programs.
//!
//! Fetches and writes; what is to be done is decided in [`crate::plan`].

pub mod apply;
pub mod charts;
pub mod clone;
pub mod credentials;
pub mod docker;
pub mod facts;
pub mod identities;
pub mod look;
pub mod process;
pub mod recipients;
pub mod scan;
pub mod seal;
pub mod source;
pub mod tree;
pub mod trust;
