//! The plan to bytes: the finished text of each file, judged before it goes anywhere.
//!
//! A file whose edit cannot be proved right is reported and stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::objects::object::Within;
use crate::objects::read::FileFacts;
use crate::objects::values::room;
use crate::plan::Addition;
use lossless_yaml::edit::{self, Edit};
use lossless_yaml::elder;
use lossless_yaml::refusal::Refusal;
use lossless_yaml::span::{LineIndex, Position, Span};
use lossless_yaml::verify::{Intent, Mismatch, Rewritten, verify, verify_rewritten};

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
    if additions.is_empty() {
        // Nothing changes, so one reader is enough; what it refuses, ours tells more exactly.
        return elders(text).map(|()| text.to_owned()).map_err(|refused| match verify(text, text, &[]) {
            Err(Mismatch::Before(error)) => {
                Refused { position: LineIndex::new(text).position(error.offset), reason: error.reason }
            }
            _ => refused,
        });
    }
    let Changes { here: Change { edits, intents, later }, within: texts, first } = changes(facts, additions);
    let refused = |mismatch: Mismatch| Refused {
        position: match &mismatch {
            Mismatch::Before(error) => LineIndex::new(text).position(error.offset),
            _ => first,
        },
        reason: mismatch.to_string(),
    };
    let after = changed(text, &edits)?;
    verify(text, &after, &intents).map_err(refused)?;
    let after = within(&after, &edits, texts.into_values(), first)?;
    let after = grown(after, &later).map_err(|reason| Refused { position: first, reason })?;
    elders(text)?;
    elders(&after)?;
    Ok(after)
}

/// What changes in one text.
#[derive(Default)]
struct Change {
    edits: Vec<Edit>,
    intents: Vec<Intent>,
    /// What only finds its place once the rest is there.
    later: Vec<Intent>,
}

/// What changes in a file.
struct Changes<'f> {
    here: Change,
    /// In texts of it that are YAML themselves, by where they start.
    within: BTreeMap<usize, Text<'f>>,
    /// Where the first place is.
    first: Position,
}

fn changes<'f>(facts: &'f FileFacts, additions: &[&Addition]) -> Changes<'f> {
    let mut changes = Changes { here: Change::default(), within: BTreeMap::new(), first: Position::START };
    let mut places = BTreeSet::new();
    // Mappings that are made by one addition and hold the field of another.
    let mut made = BTreeSet::new();
    for addition in additions {
        let object = &facts.objects[addition.object];
        let pod_spec = &object.pod_specs[addition.pod_spec];
        let (Ok(slot), Some(place)) = (&pod_spec.slot, pod_spec.place()) else { continue };
        if places.is_empty() {
            changes.first = pod_spec.position;
        }
        // One place reached through several aliases is written once.
        let at = (place.0, place.1);
        if !places.insert(place) {
            continue;
        }
        let names: Vec<&str> = addition.names.iter().map(String::as_str).collect();
        let mut intent = Intent {
            document: object.document,
            mapping: pod_spec.written_at.clone(),
            keys: slot.keys().map(str::to_owned).collect(),
            form: slot.form(),
            names: addition.names.clone(),
        };
        let is_first = intent.keys.len() == 1 || made.insert((at, intent.keys[0].clone()));
        let change = match &pod_spec.within {
            None => &mut changes.here,
            Some(within) => {
                intent.document = 0;
                let (document, change) = (object.document, Change::default());
                let text = Text { document, within, change };
                &mut changes.within.entry(within.literal.start()).or_insert(text).change
            }
        };
        if is_first {
            change.edits.extend(slot.edits(&names));
            change.intents.push(intent);
        } else {
            change.later.push(intent);
        }
    }
    changes
}

/// What changes in a text that is YAML itself.
struct Text<'f> {
    document: usize,
    within: &'f Within,
    change: Change,
}

/// Adds one after the other what only finds its place once the one before is there.
fn grown(text: String, intents: &[Intent]) -> Result<String, String> {
    intents.iter().try_fold(text, |text, intent| {
        let room = room(&text, intent.document, &intent.mapping, &intent.keys, intent.form);
        let room = room.ok_or_else(|| Refusal::Layout.to_string())?;
        let slot = room.slot.map_err(|refusal| refusal.to_string())?;
        let names: Vec<&str> = intent.names.iter().map(String::as_str).collect();
        let after = changed(&text, &slot.edits(&names)).map_err(|refused| refused.reason)?;
        let keys = slot.keys().map(str::to_owned).collect();
        let intent = Intent { mapping: room.mapping, keys, ..intent.clone() };
        verify(&text, &after, &[intent]).map_err(|mismatch| mismatch.to_string())?;
        Ok(after)
    })
}

/// The one insertion that makes a text of another, if one is enough.
fn insertion(before: &str, after: &str) -> Option<Edit> {
    let same = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let at = (0..=same).rev().find(|at| before.is_char_boundary(*at))?;
    let end = after.len().checked_sub(before.len() - at)?;
    (after.get(end..)? == &before[at..]).then(|| Edit::insert(at, after[at..end].to_owned()))
}

fn changed(text: &str, edits: &[Edit]) -> Result<String, Refused> {
    edit::apply(text, edits).map_err(|overlap| Refused {
        position: LineIndex::new(text).position(overlap.span.start),
        reason: "two edits overlap".to_owned(),
    })
}

/// Changes the texts within a file, each judged for itself and the file around them; `done` are the edits that moved them.
fn within<'f>(
    before: &str,
    done: &[Edit],
    texts: impl Iterator<Item = Text<'f>>,
    first: Position,
) -> Result<String, Refused> {
    let refused = |mismatch: Mismatch| Refused { position: first, reason: mismatch.to_string() };
    let mut edits = Vec::new();
    let mut meant = Vec::new();
    for text in texts {
        let inner = &text.within.literal.text;
        let Change { edits: mut inward, intents, later } = text.change;
        let after = changed(inner, &inward)?;
        verify(inner, &after, &intents).map_err(refused)?;
        let uncertain = || Refused {
            position: first,
            reason: "the text leaves no certain place for an entry".to_owned(),
        };
        let mut after = after;
        if !later.is_empty() {
            after = grown(after, &later).map_err(|reason| Refused { position: first, reason })?;
            inward = vec![insertion(inner, &after).ok_or_else(uncertain)?];
        }
        let outward = text.within.literal.outward(&inward).ok_or_else(uncertain)?;
        let ahead = done.iter().filter(|edit| edit.span.start <= text.within.literal.start());
        let moved: usize = ahead.clone().map(|edit| edit.text.len()).sum();
        let gone: usize = ahead.map(|edit| edit.span.len()).sum();
        edits.extend(outward.into_iter().map(|edit| {
            let at = |offset: usize| offset + moved - gone;
            Edit { span: Span::new(at(edit.span.start), at(edit.span.end)), text: edit.text }
        }));
        meant.push(Rewritten { document: text.document, path: text.within.path.clone(), text: after });
    }
    if meant.is_empty() {
        return Ok(before.to_owned());
    }
    let after = changed(before, &edits)?;
    verify_rewritten(before, &after, &meant).map_err(refused)?;
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
