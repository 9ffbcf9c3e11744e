//! Images and the registries they come from, judged as a kubelet judges them.
//!
//! [`mod@reference`] reads the text of an `image:` field, [`pattern`] decides which `auths` keys serve it. Both repeat what the
//! real programs do, oddities included; `e2e/keyring.sh` holds them against the kubelet's own code. Nothing here knows where an
//! image was written or what a credential is.

mod glob;
pub mod pattern;
pub mod reference;
mod url;
