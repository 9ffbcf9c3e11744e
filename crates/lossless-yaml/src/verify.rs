//! The second opinion: what a file means after an edit is what it meant before plus the intended entries.
//!
//! Judged on the events of yaml-rust2, which shares no code with the parser that gave the positions. Where it
//! refuses a file that other readers take (flow style closed at the column of its key, a tab after a colon), the
//! events of granit-parser are compared instead. Positions of either parser play no part.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;

use yaml_rust2::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::TScalarStyle;

use super::insert::Form;
use super::parse::{self, Kind, Node, Style};
use super::path::{Path, Step};
use super::span::Span;
use super::split::split;

/// What an edit is meant to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Which document of the file, as a YAML loader counts them, from 0.
    pub document: usize,
    /// The mapping that holds the field, where its anchor stands if it is shared.
    pub mapping: Path,
    /// The field's key, below those of mappings that are made around it.
    pub keys: Vec<String>,
    /// What the field holds.
    pub form: Form,
    /// The entries that come at its end.
    pub names: Vec<String>,
}

/// The edit would not do what it was meant to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The file as it is cannot be read whole.
    Before(parse::ParseError),
    /// The file could not be read afterwards.
    After(String),
    /// It would mean something else than intended.
    Meaning(String),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(error) => error.fmt(f),
            Self::After(reason) => write!(f, "the edit would make the file unreadable: {reason}"),
            Self::Meaning(place) => write!(f, "the edit would change the meaning of `{place}`"),
        }
    }
}

/// Whether `after` means what `before` means plus what is intended, and nothing else.
///
/// The second parser reads the documents whose bytes differ. A marker at the start of a line ends whatever stands before
/// it, so the others mean what they meant; they only have to be YAML, for a file is written whole or not at all.
///
/// # Errors
/// What differs.
pub fn verify(before: &str, after: &str, intents: &[Intent]) -> Result<(), Mismatch> {
    let (old, new) = (split(before), split(after));
    if old.len() != new.len() {
        return Err(Mismatch::Meaning("---".to_owned()));
    }
    let mut by_document: HashMap<usize, Vec<&Intent>> = HashMap::new();
    for intent in intents {
        by_document.entry(intent.document).or_default().push(intent);
    }
    let mut seen = 0;
    for (old, new) in old.iter().zip(&new) {
        let (here, there) = (old.span.of(before), new.span.of(after));
        if here == there {
            parse::check(before, old.span).map_err(Mismatch::Before)?;
            continue;
        }
        seen += verify_slice(here, there, old.document, &by_document).map_err(|mismatch| match mismatch {
            Mismatch::Before(error) => {
                Mismatch::Before(parse::ParseError { offset: old.span.start + error.offset, ..error })
            }
            other => other,
        })?;
    }
    match intents.get(seen..) {
        None | Some([]) => Ok(()),
        Some(_) => Err(Mismatch::Meaning("a document that did not change".to_owned())),
    }
}

/// The same for one slice; `first` is the number of its document. Returns how many of the intents are about it.
fn verify_slice(
    before: &str,
    after: &str,
    first: usize,
    intents: &HashMap<usize, Vec<&Intent>>,
) -> Result<usize, Mismatch> {
    let (old, new) = both(before, after)?;
    if old.len() != new.len() {
        return Err(Mismatch::Meaning("---".to_owned()));
    }
    let mut seen = 0;
    for (nth, (old, new)) in old.iter().zip(&new).enumerate() {
        let number = first + nth;
        let mut undone = Vec::new();
        let (mut before, mut after) = (Walker::new(old), Walker::new(new));
        for intent in intents.get(&number).map_or(&[][..], Vec::as_slice) {
            let undo = intent.undo(&mut before, &mut after);
            undone.push(
                undo.ok_or_else(|| {
                    Mismatch::Meaning(format!("{}.{}", intent.mapping, intent.keys.join(".")))
                })?,
            );
        }
        seen += undone.len();
        undone.sort_by_key(|undo: &Undo<'_>| undo.range.start);
        if !old.equals(new, &undone) {
            return Err(Mismatch::Meaning(format!("document {}", number + 1)));
        }
    }
    Ok(seen)
}

/// A text that is meant to hold something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Which document of the file, as a YAML loader counts them, from 0.
    pub document: usize,
    /// The text.
    pub path: Path,
    /// What it is meant to hold, but for line breaks at its end.
    pub text: String,
}

/// Whether `after` means what `before` means but for texts that are meant to hold something else.
///
/// # Errors
/// What differs.
pub fn verify_rewritten(before: &str, after: &str, texts: &[Rewritten]) -> Result<(), Mismatch> {
    let (mut old, new) = both(before, after)?;
    for text in texts {
        let differs = || Mismatch::Meaning(text.path.to_string());
        let at = |marks: &Marks| Walker::new(marks).locate(&text.path).ok_or_else(differs);
        let (marks, other) = old.get_mut(text.document).zip(new.get(text.document)).ok_or_else(differs)?;
        let (here, there) = (at(marks)?, at(other)?);
        let Mark::Scalar { value, plain: false, .. } = &other.marks[there] else { return Err(differs()) };
        if value.trim_end_matches('\n') != text.text.trim_end_matches('\n') {
            return Err(differs());
        }
        let Mark::Scalar { value: known, .. } = &mut marks.marks[here] else { return Err(differs()) };
        // What the line breaks at its end are worth may not change either.
        let breaks = |text: &str| text.len() - text.trim_end_matches('\n').len();
        if breaks(known) != breaks(value) {
            return Err(differs());
        }
        known.clone_from(value);
    }
    let same = old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| old.marks == new.marks);
    if same { Ok(()) } else { Err(Mismatch::Meaning("what stands around the text".to_owned())) }
}

/// Items that are meant to be taken out of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Which document of the file, as a YAML loader counts them, from 0.
    pub document: usize,
    /// The mapping that holds the list.
    pub mapping: Path,
    /// The list's key.
    pub key: String,
    /// The items' indexes.
    pub items: Vec<usize>,
}

/// Whether `after` means what `before` means but for the items that are meant to go.
///
/// # Errors
/// What differs.
pub fn verify_removal(before: &str, after: &str, removal: &Removal) -> Result<(), Mismatch> {
    let (mut old, new) = both(before, after)?;
    let differs = || Mismatch::Meaning(format!("{}.{}", removal.mapping, removal.key));
    let marks = old.get_mut(removal.document).ok_or_else(differs)?;
    let mapping = Walker::new(marks).locate(&removal.mapping).ok_or_else(differs)?;
    let (_, list) = marks.value_of(mapping, &removal.key).ok_or_else(differs)?;
    if !matches!(marks.marks[list], Mark::Sequence { .. }) {
        return Err(differs());
    }
    let mut items = Vec::new();
    let mut item = list + 1;
    while marks.marks.get(item).is_some_and(|mark| *mark != Mark::End) {
        items.push(item..marks.ends[item]);
        item = marks.ends[item];
    }
    for &index in removal.items.iter().rev() {
        marks.marks.drain(items.get(index).cloned().ok_or_else(differs)?);
    }
    let same = old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| old.marks == new.marks);
    if same { Ok(()) } else { Err(differs()) }
}

/// The documents of a file before and after an edit, both as the same parser sees them.
fn both(before: &str, after: &str) -> Result<(Vec<Marks>, Vec<Marks>), Mismatch> {
    Ok(match second(before) {
        Ok(old) => (old, second(after).map_err(Mismatch::After)?),
        Err(_) => {
            let old = first(before).map_err(Mismatch::Before)?;
            (old, first(after).map_err(|error| Mismatch::After(error.reason))?)
        }
    })
}

/// One node boundary of a document, free of positions.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    Scalar { value: String, plain: bool, anchored: bool, tag: Option<String> },
    Sequence { anchored: bool, tag: Option<String> },
    Mapping { anchored: bool, tag: Option<String> },
    End,
    Alias(usize),
}

/// The marks of one document, and for each node the index one past its last mark.
#[derive(Default)]
struct Marks {
    marks: Vec<Mark>,
    ends: Vec<usize>,
    open: Vec<usize>,
}

/// Finds nodes by their path. Paths that come in order of their list indexes are found in linear time: the walk
/// through a list goes on where it last was.
struct Walker<'m> {
    marks: &'m Marks,
    /// For each list that was walked through, the item last reached: its number and its mark.
    reached: BTreeMap<usize, (usize, usize)>,
}

impl<'m> Walker<'m> {
    fn new(marks: &'m Marks) -> Self {
        Self { marks, reached: BTreeMap::new() }
    }

    /// Index of the node at `path`.
    fn locate(&mut self, path: &Path) -> Option<usize> {
        path.0.iter().try_fold(0, |at, step| match step {
            Step::Key(key) => Some(self.marks.value_of(at, key)?.1),
            Step::Index(index) => self.item(at, *index),
        })
    }

    fn item(&mut self, list: usize, index: usize) -> Option<usize> {
        let Marks { marks, ends, .. } = self.marks;
        matches!(marks.get(list)?, Mark::Sequence { .. }).then_some(())?;
        let start = self.reached.get(&list).copied().filter(|(nth, _)| *nth <= index);
        let (nth, item) = start.unwrap_or((0, list + 1));
        let is_item = |item: &usize| marks.get(*item).is_some_and(|mark| *mark != Mark::End);
        let item = (nth..index).try_fold(item, |item, _| is_item(&item).then(|| ends[item]))?;
        self.reached.insert(list, (index, item));
        Some(item).filter(is_item)
    }
}

/// Marks of the edited document that go, and the old ones that stood there.
struct Undo<'a> {
    range: Range<usize>,
    old: &'a [Mark],
}

impl Marks {
    fn push(&mut self, mark: Mark) {
        let index = self.marks.len();
        match mark {
            Mark::Sequence { .. } | Mark::Mapping { .. } => self.open.push(index),
            Mark::End => {
                if let Some(start) = self.open.pop() {
                    self.ends[start] = index + 1;
                }
            }
            Mark::Scalar { .. } | Mark::Alias(_) => {}
        }
        self.ends.push(index + 1);
        self.marks.push(mark);
    }

    /// Indexes of a key of the mapping at `at` and of its value.
    fn value_of(&self, at: usize, key: &str) -> Option<(usize, usize)> {
        matches!(self.marks.get(at)?, Mark::Mapping { .. }).then_some(())?;
        let mut name = at + 1;
        while self.marks.get(name)? != &Mark::End {
            let value = self.ends[name];
            if matches!(&self.marks[name], Mark::Scalar { value, .. } if value == key) {
                return Some((name, value));
            }
            name = *self.ends.get(value)?;
        }
        None
    }

    /// Whether these marks are those of `new` once every range of `undone` (sorted) is put back.
    fn equals(&self, new: &Self, undone: &[Undo<'_>]) -> bool {
        let mut done = 0;
        let mut rest = &self.marks[..];
        let mut take = |expected: &[Mark]| {
            let same = rest.get(..expected.len()) == Some(expected);
            rest = rest.get(expected.len()..).unwrap_or_default();
            same
        };
        for undo in undone {
            let Some(kept) = new.marks.get(done..undo.range.start) else { return false };
            if !take(kept) || !take(undo.old) {
                return false;
            }
            done = undo.range.end;
        }
        take(&new.marks[done..]) && rest.is_empty()
    }
}

impl Intent {
    /// What must be taken out of `new`, if the intended entries are there and right.
    fn undo<'a>(&self, before: &mut Walker<'a>, after: &mut Walker<'_>) -> Option<Undo<'a>> {
        let (old, new) = (before.marks, after.marks);
        let (first, inner) = self.keys.split_first()?;
        let before = old.value_of(before.locate(&self.mapping)?, first);
        let before = before.map(|(_, value)| &old.marks[value..old.ends[value]]);
        let (key, value) = new.value_of(after.locate(&self.mapping)?, first)?;
        let end = new.ends[value];
        let entries: Vec<Mark> = self.names.iter().flat_map(|name| self.entry(name)).collect();
        match before {
            // A list that was there keeps all it had and ends with the new entries.
            Some([Mark::Sequence { .. }, ..]) if inner.is_empty() => {
                let list = self.form.list && matches!(new.marks[value], Mark::Sequence { .. });
                let start = (end - 1).checked_sub(entries.len()).filter(|&start| list && start > value)?;
                (new.marks[start..end - 1] == entries[..]).then_some(Undo { range: start..end - 1, old: &[] })
            }
            // Else the field was missing or null, and holds nothing but the new entries now.
            None | Some([Mark::Scalar { .. }]) => {
                if let Some([mark]) = before {
                    is_null(mark).then_some(())?;
                }
                let mut whole = entries;
                if self.form.list {
                    whole.insert(0, Mark::Sequence { anchored: false, tag: None });
                    whole.push(Mark::End);
                } else if self.names.len() != 1 {
                    return None;
                }
                for key in inner.iter().rev() {
                    whole.splice(..0, [Mark::Mapping { anchored: false, tag: None }, scalar(key)]);
                    whole.push(Mark::End);
                }
                let start = if before.is_some() { value } else { key };
                (new.marks[value..end] == whole[..])
                    .then_some(Undo { range: start..end, old: before.unwrap_or_default() })
            }
            // A single entry was there without its name, and is the new one now.
            Some(lacking) if inner.is_empty() && !self.form.list && self.names.len() == 1 => {
                (self.lacks_name(lacking) && new.marks[value..end] == entries[..])
                    .then_some(Undo { range: value..end, old: lacking })
            }
            Some(_) => None,
        }
    }

    /// Whether these marks are a mapping that is empty, or holds no more than the key of a name that is null.
    fn lacks_name(&self, marks: &[Mark]) -> bool {
        let [Mark::Mapping { anchored: false, tag: None }, inner @ .., Mark::End] = marks else {
            return false;
        };
        match inner {
            [] => self.form.key.is_some(),
            [Mark::Scalar { value, .. }, name] => Some(value.as_str()) == self.form.key && is_null(name),
            _ => false,
        }
    }

    fn entry(&self, name: &str) -> Vec<Mark> {
        match self.form.key {
            Some(key) => {
                vec![Mark::Mapping { anchored: false, tag: None }, scalar(key), scalar(name), Mark::End]
            }
            None => vec![scalar(name)],
        }
    }
}

/// Whether it is a null without a tag or an anchor.
fn is_null(mark: &Mark) -> bool {
    matches!(mark, Mark::Scalar { value, plain: true, anchored: false, tag: None }
        if matches!(&**value, "" | "~" | "null" | "Null" | "NULL"))
}

/// What is new is written plain or quoted as it needs; either way it is a string.
fn scalar(value: &str) -> Mark {
    Mark::Scalar { value: value.to_owned(), plain: is_plain(value, false), anchored: false, tag: None }
}

/// A quoted word and the same word plain are equal only when no reader takes the plain one for something else.
fn is_plain(value: &str, plain: bool) -> bool {
    plain || matches!(super::emit::scalar(value), Cow::Borrowed(_))
}

fn second(text: &str) -> Result<Vec<Marks>, String> {
    // It takes a byte order mark for a part of the first key.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str(text);
    let mut documents = Vec::new();
    let mut marks = Marks::default();
    let tag = |tag: Option<yaml_rust2::parser::Tag>| tag.map(|tag| format!("{}{}", tag.handle, tag.suffix));
    loop {
        let (event, _) = parser.next_token().map_err(|error| error.to_string())?;
        marks.push(match event {
            Event::Scalar(value, style, anchor, its_tag) => {
                let written_plain = style == TScalarStyle::Plain;
                let plain = is_plain(&value, written_plain);
                Mark::Scalar { value, plain, anchored: anchor != 0, tag: tag(its_tag) }
            }
            Event::SequenceStart(anchor, its_tag) => {
                Mark::Sequence { anchored: anchor != 0, tag: tag(its_tag) }
            }
            Event::MappingStart(anchor, its_tag) => {
                Mark::Mapping { anchored: anchor != 0, tag: tag(its_tag) }
            }
            Event::SequenceEnd | Event::MappingEnd => Mark::End,
            Event::Alias(anchor) => Mark::Alias(anchor),
            Event::DocumentEnd => {
                documents.push(std::mem::take(&mut marks));
                continue;
            }
            Event::StreamEnd => return Ok(documents),
            Event::Nothing | Event::StreamStart | Event::DocumentStart => continue,
        });
    }
}

fn first(text: &str) -> Result<Vec<Marks>, parse::ParseError> {
    let documents = parse::parse(text, Span::new(0, text.len()))?;
    Ok(documents.iter().map(|document| document.root().map(marks_of).unwrap_or_default()).collect())
}

fn marks_of(root: Node<'_, '_>) -> Marks {
    let mut marks = Marks::default();
    let mut anchors = Vec::new();
    // Children lie behind their parents in source order; `None` closes a collection.
    let mut waiting = vec![Some(root)];
    while let Some(next) = waiting.pop() {
        let Some(node) = next else {
            marks.push(Mark::End);
            continue;
        };
        let (anchored, tag) = (node.is_anchored(), node.tag().map(str::to_owned));
        if anchored {
            anchors.push(node);
        }
        marks.push(match node.kind() {
            Kind::Scalar(style) => {
                let value = node.as_str().unwrap_or("~").to_owned();
                let plain = is_plain(&value, style == Style::Plain);
                Mark::Scalar { value, plain, anchored, tag }
            }
            Kind::Alias => {
                let target = node.resolved();
                Mark::Alias(anchors.iter().position(|anchor| *anchor == target).unwrap_or(usize::MAX))
            }
            Kind::Sequence { .. } => Mark::Sequence { anchored, tag },
            Kind::Mapping { .. } => Mark::Mapping { anchored, tag },
        });
        if node.is_mapping() || node.is_sequence() {
            waiting.push(None);
            let children: Vec<_> = node.children().collect();
            waiting.extend(children.into_iter().rev().map(Some));
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Form = Form { list: true, key: Some("name") };

    fn judge(before: &str, after: &str, path: &[&str]) -> bool {
        let mapping = path.iter().fold(Path::default(), |path, key| path.key(key));
        let keys = vec!["imagePullSecrets".to_owned()];
        verify(before, after, &[Intent { document: 0, mapping, keys, form: LIST, names: vec!["r".into()] }])
            .is_ok()
    }

    #[test]
    fn the_intended_entries_and_nothing_else() {
        let before = "spec:\n  a: 1\n";
        assert!(judge(before, "spec:\n  imagePullSecrets: [{name: r}]\n  a: 1\n", &["spec"]));
        assert!(judge(before, "spec:\n  a: 1\n  imagePullSecrets:\n  - name: r\n", &["spec"]));
        for wrong in [
            before,
            "spec:\n  imagePullSecrets: [{name: x}]\n  a: 1\n",
            "spec:\n  imagePullSecrets: [{name: r}]\n  a: 2\n",
            "spec:\n  imagePullSecrets: [{name: r}]\n  a: '1'\n",
            "spec:\n  imagePullSecrets: [{name: r}, {name: r}]\n  a: 1\n",
            "imagePullSecrets: [{name: r}]\nspec:\n  a: 1\n",
            "spec:\n  imagePullSecrets: [{name: r}]\n  a: 1\n---\nb: 1\n",
            "spec:\n  imagePullSecrets: &x [{name: r}]\n  a: 1\n",
            "spec: [\n",
        ] {
            assert!(!judge(before, wrong, &["spec"]), "{wrong}");
        }
    }

    #[test]
    fn mappings_that_are_made_hold_the_field_alone() {
        let before = "spec:\n  a: 1\n";
        let judge = |after: &str| {
            let keys = ["t", "p"].map(str::to_owned).to_vec();
            let mapping = Path::default().key("spec");
            let form = Form { list: true, key: None };
            verify(before, after, &[Intent { document: 0, mapping, keys, form, names: vec!["r".into()] }])
                .is_ok()
        };
        assert!(judge("spec:\n  t:\n    p: [r]\n  a: 1\n"));
        for wrong in [
            "spec:\n  t: {p: [r], q: 1}\n  a: 1\n",
            "spec:\n  p: [r]\n  a: 1\n",
            "spec:\n  t: {t: {p: [r]}}\n  a: 1\n",
        ] {
            assert!(!judge(wrong), "{wrong}");
        }
    }

    #[test]
    fn an_existing_list_keeps_order_and_a_null_gives_way() {
        let before = "imagePullSecrets: [{name: a}, {name: b}]\n";
        assert!(judge(before, "imagePullSecrets: [{name: a}, {name: b}, {name: r}]\n", &[]));
        assert!(!judge(before, "imagePullSecrets: [{name: b}, {name: a}, {name: r}]\n", &[]));
        assert!(!judge(before, "imagePullSecrets: [{name: r}]\n", &[]));
        assert!(judge("imagePullSecrets: ~\n", "imagePullSecrets: [{name: r}]\n", &[]));
        assert!(!judge("imagePullSecrets: x\n", "imagePullSecrets: [{name: r}]\n", &[]));
    }

    #[test]
    fn flow_style_that_only_libyaml_readers_take_is_judged_too() {
        let before = "spec:\n  args: [\n    a\n  ]\n  b: 1\n".replace("  ]", "]");
        assert!(second(&before).is_err());
        let after = before.replacen("spec:\n", "spec:\n  imagePullSecrets: [{name: r}]\n", 1);
        let _ = judge(&before, &after, &["spec"]);
        let before = "a:\t1\nspec:\n  b: 1\n";
        assert!(second(before).is_err());
        assert!(judge(before, "a:\t1\nspec:\n  imagePullSecrets: [{name: r}]\n  b: 1\n", &["spec"]));
        assert!(!judge(before, "a:\t2\nspec:\n  imagePullSecrets: [{name: r}]\n  b: 1\n", &["spec"]));
    }
}
