//! The plan to bytes: the finished text of each file, judged before it goes anywhere.
//!
//! A file whose edit cannot be proved right is reported and stays as it is.

use std::collections::BTreeSet;

use crate::objects::read::FileFacts;
use crate::plan::Addition;
use lossless_yaml::edit;
use lossless_yaml::elder;
use lossless_yaml::span::{LineIndex, Position};
use lossless_yaml::verify::{Intent, Mismatch, verify};

/// Why a file stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where.
    pub position: Position,
    /// Why.
    pub reason: String,
}

/// The text of a file with all its additions.
///
/// # Errors
/// Where and why the result could not be proved right.
pub fn finished(text: &str, facts: &FileFacts, additions: &[&Addition]) -> Result<String, Refused> {
    let mut edits = Vec::new();
    let mut intents: Vec<Intent> = Vec::new();
    let mut places = BTreeSet::new();
    let mut first = Position::START;
    for addition in additions {
        let object = &facts.objects[addition.object];
        let pod_spec = &object.pod_specs[addition.pod_spec];
        let Ok(slot) = &pod_spec.slot else { continue };
        if places.is_empty() {
            first = pod_spec.position;
        }
        // One place reached through several aliases is written once.
        if !places.insert(slot.place()) {
            continue;
        }
        let names: Vec<&str> = addition.names.iter().map(String::as_str).collect();
        edits.extend(slot.edits(&names));
        intents.push(Intent {
            document: object.document,
            mapping: pod_spec.written_at.clone(),
            keys: slot.keys().map(str::to_owned).collect(),
            form: slot.form(),
            names: addition.names.clone(),
        });
    }
    let after = edit::apply(text, &edits).map_err(|overlap| Refused {
        position: LineIndex::new(text).position(overlap.span.start),
        reason: "two edits overlap".to_owned(),
    })?;
    verify(text, &after, &intents).map_err(|mismatch| Refused {
        position: match &mismatch {
            Mismatch::Before(error) => LineIndex::new(text).position(error.offset),
            _ => first,
        },
        reason: mismatch.to_string(),
    })?;
    elders(text)?;
    elders(&after)?;
    Ok(after)
}

/// Whether the readers that clusters use take a text.
///
/// # Errors
/// Where and why they do not.
pub fn elders(text: &str) -> Result<(), Refused> {
    elder::read(text).map_err(|refused| Refused {
        position: Position { line: refused.line, column: refused.column },
        reason: format!("kubectl, kustomize, Flux and Argo CD do not read it: {}", refused.reason),
    })
}
