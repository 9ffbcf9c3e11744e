//! Where and how a mapping gains a key, or a list under it an entry, by insertion alone.
//!
//! [`Slot::find`] looks once, at parse time; the [`Slot`] it returns is small plain data from which
//! [`Slot::edits`] makes the edits for any entries later, without the tree. A place that cannot be written with
//! certainty is a [`Refusal`].

use super::edit::Edit;
use super::emit;
use super::layout::{self, FlowStyle};
use super::parse::Node;
use super::refusal::Refusal;
use super::span::{Span, line_end, line_start};

/// What a field holds: one entry or a list of them, each a plain string or a mapping with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// A list; else a single entry.
    pub list: bool,
    /// The key of each entry, as `name` in `{name: x}`; none for plain strings.
    pub key: Option<&'static str>,
}

const SINGLE_STRING: Form = Form { list: false, key: None };

/// An entry that is already there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Its name.
    pub name: String,
    /// Byte offset of the entry.
    pub offset: usize,
}

/// Room for entries of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    key: Box<str>,
    /// Keys of mappings that are made around it, outermost first.
    around: Box<[Box<str>]>,
    /// How many columns further in each of them has what it holds.
    step: usize,
    form: Form,
    place: Place,
    flow: FlowStyle,
    newline: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Key and value on lines of their own, after the line that ends at `at`.
    KeyLines { at: usize, indent: usize, dash: usize },
    /// Key and value before the first key, which moves to a line of its own.
    KeyBefore { at: usize, indent: usize, dash: usize },
    /// Key and value before the first key of a flow mapping; `line` is the indent where that key starts a line.
    KeyFlow { at: usize, line: Option<Box<str>> },
    /// Key and value in an empty flow mapping.
    KeyFlowOnly { at: usize },
    /// Key and value after the last value of a flow mapping.
    KeyFlowLast { at: usize, line: Option<Box<str>> },
    /// Entries of a block sequence, after the line that ends at `at`; `flow` as the entry before.
    Entries { at: usize, indent: usize, gap: Box<str>, flow: bool },
    /// Entries of a flow sequence: after `at`; `comma` follows the last entry already; `line` as above, with the
    /// place after a comment if one stands behind the last entry.
    EntriesFlow { at: usize, comma: bool, line: Option<(Box<str>, usize)> },
    /// The first entries of `[]`.
    Brackets { at: usize },
    /// The value in place of a written null.
    Instead { span: Span },
    /// The value below a key without one, on lines after the one that ends at `at`.
    ValueLines { at: usize, indent: usize, dash: usize },
    /// The value right after the colon: in a flow mapping, or a single string.
    ValueInLine { at: usize },
    /// The name and its key in a mapping that is there and empty.
    NamePair { at: usize },
    /// The name right after the colon of its key.
    NameInLine { at: usize },
    /// The name in place of a written null.
    NameInstead { span: Span },
}

impl Place {
    /// Where it begins; new lines end as the line of this byte does.
    fn offset(&self) -> usize {
        match *self {
            Self::KeyLines { at, .. }
            | Self::KeyBefore { at, .. }
            | Self::KeyFlow { at, .. }
            | Self::KeyFlowOnly { at }
            | Self::KeyFlowLast { at, .. }
            | Self::Entries { at, .. }
            | Self::EntriesFlow { at, .. }
            | Self::Brackets { at }
            | Self::ValueLines { at, .. }
            | Self::ValueInLine { at }
            | Self::NamePair { at }
            | Self::NameInLine { at } => at,
            Self::Instead { span } | Self::NameInstead { span } => span.start,
        }
    }
}

/// Where a new key goes in a block mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// First, right below the line of the mapping's own key, where no comment can be torn from what it speaks of.
    First,
    /// After the last key.
    Last,
}

impl Slot {
    /// The entries of `form` that are there under `key` of `mapping`, and the place for more of them, or the reason
    /// why there is none. `dashes` is the distance of dashes from their key to use where the file's author shows none
    /// nearby.
    pub fn find(
        mapping: Node<'_, '_>,
        key: &str,
        form: Form,
        key_place: KeyPlace,
        dashes: usize,
    ) -> (Vec<Present>, Result<Self, Refusal>) {
        if mapping.pairs().filter(|(name, _)| name.resolved().as_str() == Some(key)).count() > 1 {
            return (Vec::new(), Err(Refusal::DuplicateKey(key.to_owned())));
        }
        let there = mapping.get(key).filter(|value| !value.is_null());
        let present = match there.map(|value| present(value, form)).transpose() {
            Ok(present) => present.unwrap_or_default(),
            Err(refusal) => return (Vec::new(), Err(refusal)),
        };
        (present, Self::room(mapping, key, form, key_place, dashes))
    }

    fn room(
        mapping: Node<'_, '_>,
        key: &str,
        form: Form,
        key_place: KeyPlace,
        dashes: usize,
    ) -> Result<Self, Refusal> {
        if let Some(twice) = mapping.duplicate_key() {
            return Err(Refusal::DuplicateKey(twice.as_str().unwrap_or_default().to_owned()));
        }
        let text = mapping.document().text();
        let flow = FlowStyle::of(mapping);
        let own = mapping.pairs().find(|(name, _)| name.resolved().as_str() == Some(key));
        let (place, flow) = match own.map(|(name, value)| (name, value.resolved())) {
            None if mapping.get(key).is_some() => return Err(Refusal::Merged),
            None => (new_key_place(mapping, key_place, dashes)?, flow),
            Some((name, value)) if value.is_null() => (null_place(mapping, name, value, form, dashes)?, flow),
            Some((_, value)) if !form.list => (single_place(value, form)?, FlowStyle::of(value)),
            Some((_, value)) => match value.items().last() {
                None => (Place::Brackets { at: value.span().start + 1 }, flow),
                Some(last) if !value.is_flow() => (append_block(value, last)?, FlowStyle::of(last)),
                Some(last) if last.is_mapping() => (append_flow(value, last)?, FlowStyle::of(last)),
                Some(last) => {
                    let quoted = last.span().of(text).starts_with('"');
                    (append_flow(value, last)?, FlowStyle { quoted, ..flow })
                }
            },
        };
        let newline = layout::newline(text, place.offset());
        Ok(Self { key: key.into(), around: Box::default(), step: 0, form, place, flow, newline })
    }

    /// Room for a field of a mapping that is not there yet: `mapping` gains the first of the keys `around`, that one the
    /// next, and the last one the field.
    ///
    /// # Errors
    /// As [`Slot::find`].
    pub fn make(
        mapping: Node<'_, '_>,
        around: &[&str],
        key: &str,
        form: Form,
        key_place: KeyPlace,
        dashes: usize,
    ) -> Result<Self, Refusal> {
        let first = around.first().unwrap_or(&key);
        if mapping.get(first).is_some() {
            // A null, which would have to give way.
            return Err(Refusal::Layout);
        }
        let slot = Self::room(mapping, first, form, key_place, dashes)?;
        let step = layout::step(mapping).unwrap_or(2);
        Ok(Self { key: key.into(), around: around.iter().map(|&key| key.into()).collect(), step, ..slot })
    }

    /// What two slots of one file share exactly when they are the same place. One mapping may have several fields.
    pub fn place(&self) -> (usize, &str) {
        (self.place.offset(), &self.key)
    }

    /// The field's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The keys that are written: those of mappings around the field that are not there, outermost first, and its own.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.around.iter().map(|key| &**key).chain([self.key()])
    }

    /// What the field holds.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The edits that add `names`, in order. A field for a single entry takes the first one.
    pub fn edits(&self, names: &[&str]) -> Vec<Edit> {
        if names.is_empty() {
            return Vec::new();
        }
        let newline = self.newline;
        let lines = |lines: Vec<String>| lines.into_iter().map(|line| format!("{newline}{line}")).collect();
        let comma = if self.flow.spaced { ", " } else { "," };
        match &self.place {
            Place::KeyLines { at, indent, dash } => {
                vec![Edit::insert(*at, lines(self.key_lines(names, *indent, *dash)))]
            }
            Place::KeyBefore { at, indent, dash } => {
                let text = self.key_lines(names, *indent, *dash).join(newline);
                let text = format!("{}{newline}{:indent$}", text.trim_start(), "");
                vec![Edit::insert(*at, text)]
            }
            Place::KeyFlow { at, line } => {
                let pair = self.flow_pair(names);
                let text = match line {
                    Some(indent) => format!("{pair},{newline}{indent}"),
                    None => format!("{pair}{comma}"),
                };
                vec![Edit::insert(*at, text)]
            }
            Place::KeyFlowOnly { at } => vec![Edit::insert(*at, self.flow_pair(names))],
            Place::KeyFlowLast { at, line } => {
                let pair = self.flow_pair(names);
                let text = match line {
                    Some(indent) => format!(",{newline}{indent}{pair}"),
                    None => format!("{comma}{pair}"),
                };
                vec![Edit::insert(*at, text)]
            }
            Place::Entries { at, indent, gap, flow } => {
                let entry = |name: &&str| {
                    let entry = if *flow { self.flow_entry(name) } else { self.block_entry(name) };
                    format!("{:indent$}-{gap}{entry}", "")
                };
                vec![Edit::insert(*at, lines(names.iter().map(entry).collect()))]
            }
            Place::EntriesFlow { at, comma: there, line } => {
                let separator = match line {
                    Some((indent, _)) => format!("{newline}{indent}"),
                    None if self.flow.spaced => " ".to_owned(),
                    None => String::new(),
                };
                let entries: Vec<String> = names.iter().map(|name| self.flow_entry(name)).collect();
                let entries = format!("{separator}{}", entries.join(&format!(",{separator}")));
                let after = line.as_ref().map_or(*at, |(_, after)| *after);
                match *there {
                    true => vec![Edit::insert(after, entries + ",")],
                    false if after != *at => {
                        vec![Edit::insert(*at, ",".to_owned()), Edit::insert(after, entries)]
                    }
                    false => vec![Edit::insert(*at, format!(",{entries}"))],
                }
            }
            Place::Brackets { at } => {
                let entries: Vec<String> = names.iter().map(|name| self.flow_entry(name)).collect();
                vec![Edit::insert(*at, entries.join(comma))]
            }
            Place::Instead { span } => vec![Edit { span: *span, text: self.flow_value(names) }],
            Place::ValueLines { at, indent, dash } => {
                vec![Edit::insert(*at, lines(self.value_lines(names, *indent, *dash)))]
            }
            Place::ValueInLine { at } => vec![Edit::insert(*at, format!(" {}", self.flow_value(names)))],
            Place::NamePair { at } => {
                let entry = self.flow_entry(names[0]);
                let pair = entry.strip_prefix('{').and_then(|entry| entry.strip_suffix('}'));
                vec![Edit::insert(*at, pair.unwrap_or(&entry).to_owned())]
            }
            Place::NameInLine { at } => vec![Edit::insert(*at, format!(" {}", self.flow_scalar(names[0])))],
            Place::NameInstead { span } => vec![Edit { span: *span, text: self.flow_scalar(names[0]) }],
        }
    }

    fn key_lines(&self, names: &[&str], indent: usize, dash: usize) -> Vec<String> {
        let line = |indent: usize, key: &str| format!("{:indent$}{}:", "", emit::scalar(key));
        let around = self.around.iter().zip(0..).map(|(key, depth)| line(indent + depth * self.step, key));
        let mut lines: Vec<String> = around.collect();
        let indent = indent + lines.len() * self.step;
        if self.form == SINGLE_STRING {
            lines.push(format!("{} {}", line(indent, &self.key), emit::scalar(names[0])));
        } else {
            lines.push(line(indent, &self.key));
            lines.extend(self.value_lines(names, indent, dash));
        }
        lines
    }

    fn value_lines(&self, names: &[&str], indent: usize, dash: usize) -> Vec<String> {
        if self.form.list {
            let at = indent + dash;
            names.iter().map(|name| format!("{:at$}- {}", "", self.block_entry(name))).collect()
        } else {
            let at = indent + dash.max(2);
            vec![format!("{:at$}{}", "", self.block_entry(names[0]))]
        }
    }

    fn block_entry(&self, name: &str) -> String {
        match self.form.key {
            Some(key) => format!("{key}: {}", emit::scalar(name)),
            None => emit::scalar(name).into_owned(),
        }
    }

    fn flow_pair(&self, names: &[&str]) -> String {
        let blank = if self.flow.spaced { " " } else { "" };
        let pair = |key: &str, value: String| format!("{}:{blank}{value}", self.flow_scalar(key));
        let field = pair(&self.key, self.flow_value(names));
        self.around.iter().rev().fold(field, |inner, key| pair(key, format!("{{{inner}}}")))
    }

    fn flow_value(&self, names: &[&str]) -> String {
        if !self.form.list {
            return self.flow_entry(names[0]);
        }
        let entries: Vec<String> = names.iter().map(|name| self.flow_entry(name)).collect();
        format!("[{}]", entries.join(if self.flow.spaced { ", " } else { "," }))
    }

    fn flow_entry(&self, name: &str) -> String {
        let blank = if self.flow.spaced { " " } else { "" };
        match self.form.key {
            Some(key) => format!("{{{}:{blank}{}}}", self.flow_scalar(key), self.flow_scalar(name)),
            None => self.flow_scalar(name),
        }
    }

    fn flow_scalar(&self, text: &str) -> String {
        if self.flow.quoted { emit::quoted(text) } else { emit::scalar(text).into_owned() }
    }
}

/// Entries of a value, in order; those without a name are passed over.
fn present(value: Node<'_, '_>, form: Form) -> Result<Vec<Present>, Refusal> {
    let entries: Vec<Node<'_, '_>> = match form.list {
        true if !value.is_sequence() => return Err(Refusal::WrongForm("a list")),
        true => value.items().map(Node::resolved).filter(|entry| !entry.is_null()).collect(),
        false => vec![value],
    };
    let fits = |entry: &Node<'_, '_>| match form.key {
        Some(_) => entry.is_mapping(),
        None => entry.as_str().is_some(),
    };
    if !entries.iter().all(fits) {
        return Err(Refusal::WrongForm(match (form.list, form.key) {
            (true, Some(_)) => "a list of mappings",
            (true, None) => "a list of strings",
            (false, Some(_)) => "a mapping",
            (false, None) => "a string",
        }));
    }
    let present = |entry: Node<'_, '_>| {
        let name = form.key.map_or_else(|| entry.as_str(), |key| entry.str_at(key))?;
        (!name.is_empty()).then(|| Present { name: name.to_owned(), offset: entry.span().start })
    };
    Ok(entries.into_iter().filter_map(present).collect())
}

/// Where a key that is not there goes.
fn new_key_place(mapping: Node<'_, '_>, key_place: KeyPlace, dashes: usize) -> Result<Place, Refusal> {
    match key_place {
        _ if mapping.is_flow() => flow_key_place(mapping, key_place),
        KeyPlace::First => first_key_place(mapping, dashes),
        KeyPlace::Last => match last_key_place(mapping, dashes) {
            Some(place) => Ok(place),
            None => before_last_key(mapping, dashes),
        },
    }
}

/// The author's distance of dashes in this mapping: `containers`, else `initContainers`, else `volumes`.
fn own_dashes(mapping: Node<'_, '_>, otherwise: usize) -> usize {
    ["containers", "initContainers", "volumes"]
        .iter()
        .find_map(|wanted| {
            let (_, value) = mapping.pairs().find(|(key, _)| key.as_str() == Some(*wanted))?;
            layout::dash_distance(mapping, value)
        })
        .unwrap_or(otherwise)
}

fn first_key_place(mapping: Node<'_, '_>, dashes: usize) -> Result<Place, Refusal> {
    let text = mapping.document().text();
    let start = mapping.span().start;
    let indent = layout::column(text, start);
    let dash = own_dashes(mapping, dashes);
    if let Some(key) = key_of(mapping) {
        let line = line_end(text, key.span().end);
        // Blank lines and comments may stand between; a tag or anchor must stay above what it belongs to.
        let between = text.get(line..line_start(text, start)).unwrap_or("-");
        let only_comments = between
            .lines()
            .all(|line| line.trim_start_matches(' ').is_empty() || line.trim_start().starts_with('#'));
        if start > line && only_comments && layout::starts_line(text, start) {
            return Ok(Place::KeyLines { at: line, indent, dash });
        }
    }
    if text[line_start(text, start)..start].contains('\t') {
        return Err(Refusal::Layout);
    }
    Ok(Place::KeyBefore { at: start, indent, dash })
}

/// The key whose value `mapping` is, as written; none for items of a sequence and for the root.
fn key_of<'d, 't>(mapping: Node<'d, 't>) -> Option<Node<'d, 't>> {
    let parent = mapping.parent().filter(|parent| parent.is_mapping() && !parent.is_flow())?;
    parent.pairs().find(|(_, value)| *value == mapping).map(|(key, _)| key)
}

fn last_key_place(mapping: Node<'_, '_>, dashes: usize) -> Option<Place> {
    let text = mapping.document().text();
    let end = layout::content_end(mapping)?;
    let rest = text[end..line_end(text, end)].trim_start();
    (rest.is_empty() || rest.starts_with('#')).then(|| Place::KeyLines {
        at: line_end(text, end),
        indent: layout::column(text, mapping.span().start),
        dash: own_dashes(mapping, dashes),
    })
}

/// Before the last key, where blank lines after it may be content.
fn before_last_key(mapping: Node<'_, '_>, dashes: usize) -> Result<Place, Refusal> {
    let text = mapping.document().text();
    let (key, _) = mapping.pairs().last().ok_or(Refusal::Layout)?;
    let start = key.span().start;
    let indent = layout::column(text, mapping.span().start);
    let alone = layout::starts_line(text, start) && layout::column(text, start) == indent;
    alone
        .then(|| Place::KeyBefore { at: start, indent, dash: own_dashes(mapping, dashes) })
        .ok_or(Refusal::Layout)
}

fn flow_key_place(mapping: Node<'_, '_>, key_place: KeyPlace) -> Result<Place, Refusal> {
    let text = mapping.document().text();
    let indent = |at: usize| {
        let line = &text[line_start(text, at)..at];
        line.bytes().all(|byte| matches!(byte, b' ' | b'\t')).then(|| Box::from(line))
    };
    let last = mapping.pairs().last().filter(|(_, value)| !value.span().is_empty());
    if let (KeyPlace::Last, Some((key, value))) = (key_place, last) {
        // Without a comma behind the last value the new pair can follow it.
        let end = value.span().end;
        if next_token(text, end).is_some_and(|at| text.as_bytes()[at] == b'}') {
            return Ok(Place::KeyFlowLast { at: end, line: indent(key.span().start) });
        }
    }
    // A property of the key or a `?` may stand before it.
    let at = next_token(text, mapping.span().start + 1).ok_or(Refusal::Layout)?;
    if mapping.pairs().next().is_none() {
        return Ok(Place::KeyFlowOnly { at: mapping.span().start + 1 });
    }
    Ok(Place::KeyFlow { at, line: indent(at) })
}

/// Offset of the next byte inside a flow collection that is neither blank nor comment.
fn next_token(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'#' => at += memchr::memchr(b'\n', &bytes[at..])?,
            _ => return Some(at),
        }
    }
}

fn null_place(
    mapping: Node<'_, '_>,
    key: Node<'_, '_>,
    value: Node<'_, '_>,
    form: Form,
    dashes: usize,
) -> Result<Place, Refusal> {
    let text = mapping.document().text();
    if value.is_anchored() || value.tag().is_some() {
        return Err(Refusal::Property);
    }
    if !value.span().is_empty() {
        return Ok(Place::Instead { span: value.span() });
    }
    let colon = colon_of(mapping, key)?;
    if mapping.is_flow() || form == SINGLE_STRING {
        return Ok(Place::ValueInLine { at: colon + 1 });
    }
    let rest = text[colon + 1..line_end(text, colon)].trim_start();
    let is_explicit = text[key.span().end..colon].contains('\n');
    if is_explicit || !(rest.is_empty() || rest.starts_with('#')) {
        return Err(Refusal::Layout);
    }
    let start = mapping.span().start;
    if text[line_start(text, start)..start].contains('\t') {
        return Err(Refusal::Layout);
    }
    let indent = layout::column(text, start);
    let at = line_end(text, colon);
    Ok(Place::ValueLines { at, indent, dash: own_dashes(mapping, dashes) })
}

/// Where the name of the single entry goes that is there. An entry that has a name leaves no room; its place is never used.
fn single_place(value: Node<'_, '_>, form: Form) -> Result<Place, Refusal> {
    let there = Place::Instead { span: value.span() };
    let Some(key) = form.key else {
        return if value.as_str() == Some("") { Err(Refusal::EmptyText) } else { Ok(there) };
    };
    let name = value.pairs().find(|(name, _)| name.resolved().as_str() == Some(key));
    if name.is_some_and(|(_, name)| !name.resolved().is_null() && name.resolved().as_str() != Some("")) {
        return Ok(there);
    }
    if value.is_anchored() || value.tag().is_some() {
        // Whoever else refers to it would gain the name, too.
        return Err(Refusal::Property);
    }
    let Some((key, name)) = name else {
        let empty = value.is_flow() && value.pairs().next().is_none();
        return if empty { Ok(Place::NamePair { at: value.span().start + 1 }) } else { Err(Refusal::Layout) };
    };
    if name.is_anchored() || name.tag().is_some() || name.resolved() != name {
        return Err(Refusal::Property);
    }
    match name.span() {
        _ if !name.is_null() => Err(Refusal::EmptyText),
        span if !span.is_empty() => Ok(Place::NameInstead { span }),
        _ => colon_of(value, key).map(|colon| Place::NameInLine { at: colon + 1 }),
    }
}

/// Offset of the colon of a key without a value.
fn colon_of(mapping: Node<'_, '_>, key: Node<'_, '_>) -> Result<usize, Refusal> {
    let text = mapping.document().text();
    next_token(text, key.span().end).filter(|&at| text.as_bytes()[at] == b':').ok_or(Refusal::Layout)
}

fn append_block(list: Node<'_, '_>, last: Node<'_, '_>) -> Result<Place, Refusal> {
    let text = list.document().text();
    let dash = layout::dash_of(list, last).ok_or(Refusal::Layout)?;
    let end = if last.is_null() && last.span().is_empty() {
        dash + 1
    } else {
        layout::content_end(last).ok_or(Refusal::Layout)?
    };
    let line = line_end(text, end);
    let rest = text[end..line].trim_start();
    if !(rest.is_empty() || rest.starts_with('#')) {
        return Err(Refusal::Layout);
    }
    let gap: String = text[dash + 1..].chars().take_while(|&c| c == ' ').collect();
    let gap = if gap.is_empty() { " ".to_owned() } else { gap };
    let indent = layout::column(text, list.span().start);
    Ok(Place::Entries { at: line, indent, gap: gap.into(), flow: last.is_flow() })
}

fn append_flow(list: Node<'_, '_>, last: Node<'_, '_>) -> Result<Place, Refusal> {
    let text = list.document().text();
    let bytes = text.as_bytes();
    if last.span().is_empty() {
        return Err(Refusal::Layout);
    }
    let end = last.span().end;
    let next = next_token(text, end).ok_or(Refusal::Layout)?;
    let (at, comma) = match bytes[next] {
        b',' => (next + 1, true),
        b']' => (end, false),
        _ => return Err(Refusal::Layout),
    };
    let start = last.span().start;
    let indent = &text[line_start(text, start)..start];
    let line = indent.bytes().all(|byte| matches!(byte, b' ' | b'\t')).then(|| {
        // Behind a comment on the last entry's line, so that the comment stays with it.
        let rest = text[at..line_end(text, at)].trim_start();
        let after = if rest.starts_with('#') { line_end(text, at) } else { at };
        (Box::from(indent), after)
    });
    Ok(Place::EntriesFlow { at, comma, line })
}
