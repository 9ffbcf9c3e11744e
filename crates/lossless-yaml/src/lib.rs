//! YAML as bytes: where documents and nodes lie, how to add to them without touching anything else, and how to prove it.
//!
//! Knows nothing of Kubernetes. Positions are byte offsets into the file from one parser ([`parse`]);
//! a second parser ([`verify`]) judges every edit. Files are never re-emitted.

pub mod de;
pub mod edit;
pub mod elder;
pub mod emit;
pub mod insert;
pub mod layout;
pub mod nearest;
pub mod parse;
pub mod path;
pub mod remove;
pub mod span;
pub mod split;
pub mod verify;
