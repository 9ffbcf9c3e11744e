//! YAML as bytes: where documents and nodes lie, how to add to them without touching anything else, and how to prove it.
//!
//! Owns positions, layouts, edits and their proof. Refuses to guess: a place that is not certain is a [`refusal::Refusal`], and files are
//! never re-emitted. Knows nothing of Kubernetes. Positions are byte offsets into the file from one parser ([`parse`]);
//! a second parser ([`verify`]) judges every edit, and a third tells what older readers refuse ([`elder`]).
//!
//! ```
//! use lossless_yaml::edit::apply;
//! use lossless_yaml::insert::{Form, KeyPlace, Slot};
//! use lossless_yaml::parse::parse;
//! use lossless_yaml::path::Path;
//! use lossless_yaml::span::Span;
//! use lossless_yaml::verify::{Intent, verify};
//!
//! let text = "spec:\n  # what runs\n  containers: [{image: 'a'}]   # one\n";
//! let documents = parse(text, Span::new(0, text.len())).map_err(|error| error.reason)?;
//! let spec = documents[0].root().and_then(|root| root.get("spec")).ok_or("no spec")?;
//!
//! // The field is a list of mappings with the one key `name`; no entry is there yet.
//! let form = Form { list: true, key: Some("name") };
//! let (present, slot) = Slot::find(spec, "imagePullSecrets", form, KeyPlace::First, 2);
//! assert!(present.is_empty());
//! let edits = slot.map_err(|refusal| refusal.to_string())?.edits(&["regcred"]);
//! let after = apply(text, &edits).map_err(|_| "overlap")?;
//! assert_eq!(
//!     after,
//!     "spec:\n  imagePullSecrets:\n    - name: regcred\n  # what runs\n  containers: [{image: 'a'}]   # one\n"
//! );
//!
//! // What a second parser reads after is what it read before, plus what was meant.
//! let intent = Intent {
//!     document: 0,
//!     mapping: Path::default().key("spec"),
//!     keys: vec!["imagePullSecrets".to_owned()],
//!     form,
//!     names: vec!["regcred".to_owned()],
//! };
//! verify(text, &after, &[intent]).map_err(|mismatch| mismatch.to_string())?;
//! # Ok::<(), String>(())
//! ```

pub mod de;
mod document;
pub mod edit;
pub mod elder;
pub mod emit;
pub mod insert;
pub mod layout;
pub mod literal;
pub mod nearest;
pub mod obvious;
pub mod parse;
pub mod path;
pub mod refusal;
pub mod remove;
pub mod span;
pub mod split;
mod told;
pub mod verify;
