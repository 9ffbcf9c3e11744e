//! Images and the registries they come from, judged as a kubelet judges them.
//!
//! Owns the grammar of image references and the matching of keys. Refuses nothing that a kubelet takes, and takes nothing that it refuses.
//! [`mod@reference`] reads the text of an `image:` field, [`pattern`] decides which `auths` keys serve it. Both repeat what the
//! real programs do, oddities included; `e2e/keyring.sh` holds them against the kubelet's own code. Nothing here knows where an
//! image was written or what a credential is.
//!
//! ```
//! use kubelet_keyring::pattern::{RegistryKey, lookup};
//! use kubelet_keyring::reference::ImageRef;
//!
//! let image = ImageRef::parse("registry.example.com/team/app:1")?;
//! assert_eq!((image.registry(), image.repository(), image.tag()), ("registry.example.com", "team/app", Some("1")));
//!
//! let keys = ["*.example.com", "registry.example.com/team", "https://index.docker.io/v1/"];
//! let keys: Vec<RegistryKey> = keys.iter().filter_map(|key| RegistryKey::parse(key).ok()).collect();
//! // The credentials that a kubelet tries, in its order: the longer key first.
//! assert_eq!(lookup(&keys, &image), [1, 0]);
//!
//! // A pipeline has still to fill the tag in; the registry is known all the same.
//! assert_eq!(ImageRef::parse_open("registry.example.com/team/app:${TAG}")?.registry(), "registry.example.com");
//! # Ok::<(), kubelet_keyring::reference::ReferenceError>(())
//! ```

mod glob;
pub mod pattern;
pub mod reference;
mod url;
