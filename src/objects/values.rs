//! Room for a pull secret in the values of a chart: in an object that holds them, or in a file of their own.

use super::object::{PullSecret, Within};
use lossless_yaml::insert::{Form, KeyPlace, Slot};
use lossless_yaml::layout;
use lossless_yaml::literal::Literal;
use lossless_yaml::parse::{Node, parse};
use lossless_yaml::path::{Path, Step};
use lossless_yaml::refusal::Refusal;
use lossless_yaml::span::{LineIndex, Position};
use lossless_yaml::split::split;

/// A place in values.
#[derive(Clone, Debug)]
pub struct Room {
    /// The mapping that gains the field, or the one around it that is there.
    pub mapping: Path,
    /// Where it starts.
    pub position: Position,
    /// The names that the field holds in this file.
    pub present: Vec<PullSecret>,
    /// Room for more of them.
    pub slot: Result<Slot, Refusal>,
}

/// Looks for the field at the end of `keys`, below the place `values` of a document; what is missing on the way there is made.
/// `None`: the document has no such place.
pub fn room(text: &str, document: usize, values: &Path, keys: &[String], form: Form) -> Option<Room> {
    let lines = LineIndex::new(text);
    for slice in split(text) {
        let documents = parse(text, slice.span).ok()?;
        if let Some(found) = document.checked_sub(slice.document).and_then(|nth| documents.get(nth)) {
            let dashes = layout::first_dash_distance(found).unwrap_or(2);
            return room_below(found.root()?, values, keys, form, dashes, &lines);
        }
    }
    None
}

/// The same within a text of the document.
pub fn room_in_text(
    text: &str,
    document: usize,
    at: &Path,
    keys: &[String],
    form: Form,
) -> Option<(Room, Within)> {
    let (Step::Key(last), parents) = at.0.split_last()? else { return None };
    for slice in split(text) {
        let documents = parse(text, slice.span).ok()?;
        let Some(found) = document.checked_sub(slice.document).and_then(|nth| documents.get(nth)) else {
            continue;
        };
        let holder = parents.iter().try_fold(found.root()?.resolved(), |node, step| {
            let next = match step {
                Step::Key(key) => node.get_own(key),
                Step::Index(nth) => node.items().nth(*nth),
            };
            next.map(Node::resolved)
        })?;
        let (key, value) = holder.pairs().find(|(key, _)| key.as_str() == Some(last))?;
        let literal = Literal::of(key, value)?;
        let mut room = room(&literal.text, 0, &Path::default(), keys, form)?;
        let position = LineIndex::new(text).position(value.span().start);
        room.position = position;
        room.present.iter_mut().for_each(|secret| secret.position = position);
        return Some((room, Within { path: at.clone(), literal }));
    }
    None
}

fn room_below(
    root: Node<'_, '_>,
    values: &Path,
    keys: &[String],
    form: Form,
    dashes: usize,
    lines: &LineIndex<'_>,
) -> Option<Room> {
    let mut steps: Vec<Step> = values.0.clone();
    steps.extend(keys.iter().map(|key| Step::Key(key.clone())));
    let (Some(Step::Key(field)), parents) = (steps.last().cloned(), &steps[..steps.len() - 1]) else {
        return None;
    };
    let mut here = root.resolved();
    let mut at = Path::default();
    let mut shared = root.alias_count() > 0;
    let mut left = parents;
    while let Some((step, rest)) = left.split_first() {
        let next = match step {
            Step::Key(key) => here.get_own(key),
            Step::Index(nth) => here.items().nth(*nth),
        };
        let Some(next) = next.filter(|next| !next.is_null()) else { break };
        shared |= next.alias_count() > 0 || next != next.resolved();
        here = next.resolved();
        at = match step {
            Step::Key(key) => at.key(key),
            Step::Index(nth) => at.index(*nth),
        };
        left = rest;
    }
    let position = lines.position(here.span().start);
    let made: Vec<&str> = left
        .iter()
        .map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None })
        .collect::<Option<_>>()?;
    let (present, slot) = if !here.is_mapping() {
        (Vec::new(), Err(Refusal::WrongForm("a map of values")))
    } else if shared {
        (Vec::new(), Err(Refusal::Layout))
    } else if made.is_empty() {
        let (present, slot) = Slot::find(here, &field, form, KeyPlace::Last, dashes);
        match slot {
            // Behind a block of text there is no certain end.
            Err(Refusal::Layout) => Slot::find(here, &field, form, KeyPlace::First, dashes),
            slot => (present, slot),
        }
    } else {
        let made = |place| Slot::make(here, &made, &field, form, place, dashes);
        (Vec::new(), made(KeyPlace::Last).or_else(|_| made(KeyPlace::First)))
    };
    let present = present
        .into_iter()
        .map(|present| PullSecret { position: lines.position(present.offset), name: present.name })
        .collect();
    Some(Room { mapping: at, position, present, slot })
}
