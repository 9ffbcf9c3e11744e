//! The SOPS file format for age recipients, and whole-file age: bytes in, bytes out.
//!
//! Knows nothing of Kubernetes and touches no file, clock or environment: data keys and nonces are drawn from the
//! randomness that the caller passes, the time is a parameter. Crate `age` alone draws ephemeral keys from the operating
//! system and starts plugins; it has no other interface.
//!
//! [`document`] ties the parts together and is where to start; [`rewrite`] changes encrypted files in place; every
//! other module does one thing. The format is that of getsops/sops 3.13, each part names its source there. Not supported,
//! and said so in errors: key services besides age, Shamir key groups, dotenv and INI files.

pub mod cipher;
pub mod creation_rules;
pub mod document;
mod emit;
pub mod identity;
pub mod mac;
pub mod metadata;
pub mod read;
pub mod recipients;
pub mod rewrite;
pub mod rules;
mod scalar;
pub mod tree;
pub mod value;
