//! The SOPS file format for age recipients, and whole-file age: bytes in, bytes out.
//!
//! Owns the format: values, data key, MAC, metadata, creation rules, recipients. Refuses what it could not write back alike. Knows nothing of
//! Kubernetes and touches no file, clock or environment: data keys and nonces are drawn from the
//! randomness that the caller passes, the time is a parameter. Crate `age` alone draws ephemeral keys from the operating
//! system and starts plugins; it has no other interface.
//!
//! [`document`] ties the parts together and is where to start; [`in_place`] encrypts a
//! file without touching the rest of it, [`rewrite`] changes encrypted files; every
//! other module does one thing. The format is that of getsops/sops 3.13, each part names its source there. Not supported,
//! and said so in errors: key services besides age, Shamir key groups, dotenv and INI files.
//!
//! ```
//! use sops_age::document::{Encrypted, Timestamp, encrypt, parse_plain};
//! use sops_age::identity::{Identities, generate};
//! use sops_age::recipients::Recipient;
//! use sops_age::rules::{Choice, Rules};
//!
//! let (identity, recipient) = generate();
//! let recipient = Recipient::parse(&recipient).map_err(|error| error.to_string())?;
//! let rules = Rules::new(Choice::EncryptedRegex, "^(data|stringData)$", false).map_err(|error| error.to_string())?;
//! // For an example only: real randomness comes from the operating system.
//! let mut counter = 0u8;
//! let mut random = |bytes: &mut [u8]| bytes.fill_with(|| { counter = counter.wrapping_add(1); counter });
//!
//! let plain = parse_plain("kind: Secret\nstringData:\n  token: hidden\n").map_err(|error| error.to_string())?;
//! let now = Timestamp::from_unix(1_700_000_000);
//! let file = encrypt(&plain, &rules, &[recipient], &now, &mut random).map_err(|error| error.to_string())?;
//! assert!(file.starts_with("kind: Secret\n") && !file.contains("hidden"));
//!
//! let mut identities = Identities::default();
//! identities.add(&identity).map_err(|error| error.to_string())?;
//! let opened = Encrypted::parse(&file).and_then(|file| file.decrypt(&identities)).map_err(|error| error.to_string())?;
//! assert!(opened == plain);
//! # Ok::<(), String>(())
//! ```

pub mod cipher;
pub mod creation_rules;
pub mod document;
mod emit;
pub mod identity;
pub mod in_place;
pub mod mac;
pub mod metadata;
pub mod read;
pub mod recipients;
pub mod rewrite;
pub mod rules;
mod scalar;
mod spelling;
pub mod tree;
pub mod value;
