//! Everything that Secrets need from outside: credentials, identities, other programs, and the files that are there.
//!
//! Fetches and writes; what is to be done is decided in [`crate::plan`].

pub mod clone;
pub mod credentials;
pub mod docker;
pub mod identities;
pub mod process;
