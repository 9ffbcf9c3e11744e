//! Parser events to nodes with true byte spans: the only module that speaks to granit-parser.
//!
//! Keeps what editing needs and repairs what the parser's marks leave out: an indentless sequence starts at its
//! dash, a block collection has no usable end, a null that nobody wrote has an empty span. Aliases are links,
//! never copies. Works without recursion; depth, and with it memory, is bounded by the parser's own limit.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StructureStyle};

use super::span::Span;

/// Why a piece of YAML cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Byte offset in the file.
    pub offset: usize,
    /// The reason, in the words of the parser.
    pub reason: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ParseError {}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; its type follows from its text.
    Plain,
    /// In single or double quotes: always a string.
    Quoted,
    /// `|` or `>`: always a string.
    Block,
}

#[derive(Debug)]
enum Data<'t> {
    Scalar { value: Cow<'t, str>, style: Style },
    Mapping { flow: bool },
    Sequence { flow: bool },
    Alias { target: u32 },
}

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Entry<'t> {
    data: Data<'t>,
    span: Span,
    parent: u32,
    first: u32,
    next: u32,
    anchored: bool,
    /// How many aliases point here.
    aliases: u32,
    tag: Option<Box<str>>,
}

/// One document of a stream: an arena of nodes in source order.
#[derive(Debug)]
pub struct Document<'t> {
    text: &'t str,
    entries: Vec<Entry<'t>>,
}

/// A node of a [`Document`]; cheap to copy.
#[derive(Clone, Copy)]
pub struct Node<'d, 't> {
    document: &'d Document<'t>,
    id: u32,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A single value.
    Scalar(Style),
    /// `key: value` pairs.
    Mapping {
        /// Whether it is written in braces.
        flow: bool,
    },
    /// A list.
    Sequence {
        /// Whether it is written in brackets.
        flow: bool,
    },
    /// `*name`.
    Alias,
}

/// Parses the documents in `slice` of `text`; spans are offsets into `text`.
///
/// # Errors
/// The first place that is no YAML, or nested deeper than 255 levels.
pub fn parse(text: &str, slice: Span) -> Result<Vec<Document<'_>>, ParseError> {
    let mut documents = Vec::new();
    read(text, slice, |builder, ended| {
        if ended {
            documents.push(builder.finish());
        }
        true
    })?;
    Ok(documents)
}

/// The first answer of `find` to the nodes of the first document in `slice`, in source order. Each is seen as soon as it begins,
/// below what surrounds it, so that nothing behind the answer is read; none where an error comes before it.
pub fn find_first<T>(text: &str, slice: Span, find: impl Fn(Node<'_, '_>) -> Option<T>) -> Option<T> {
    let mut answer = None;
    let mut seen = 0;
    let _ = read(text, slice, |builder, ended| {
        let document = &builder.document;
        answer = document.nodes_from(seen).find_map(&find);
        seen = document.entries.len();
        answer.is_none() && !ended
    });
    answer
}

/// Whether the documents in `slice` of `text` can be parsed; makes no tree of them.
///
/// # Errors
/// The first place that is no YAML, or nested deeper than 255 levels.
pub fn check(text: &str, slice: Span) -> Result<(), ParseError> {
    events(text, slice, |_, _| Ok(true))
}

/// Feeds a builder; `each` sees it after every event, with whether that ended a document, and tells whether to go on.
fn read<'t>(
    text: &'t str,
    slice: Span,
    mut each: impl FnMut(&mut Builder<'t>, bool) -> bool,
) -> Result<(), ParseError> {
    let mut builder = Builder::new(text);
    events(text, slice, |event, span| {
        let ended = builder.event(event, span)?;
        Ok(each(&mut builder, ended))
    })
}

/// Hands over event after event with its place in `text`, until told not to go on.
fn events<'t>(
    text: &'t str,
    slice: Span,
    mut each: impl FnMut(Event<'t>, Span) -> Result<bool, ParseError>,
) -> Result<(), ParseError> {
    let source = slice.of(text);
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(source, options);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| scan_error(&error, source, slice.start))?;
        let (start, end) = (span.start.byte_offset(), span.end.byte_offset());
        let (Some(start), Some(end)) = (start, end) else {
            return Err(ParseError { offset: slice.start, reason: "position unknown".to_owned() });
        };
        if !each(event, Span::new(slice.start + start, slice.start + end))? {
            break;
        }
    }
    Ok(())
}

fn scan_error(error: &ScanError, source: &str, base: usize) -> ParseError {
    let marker = error.marker();
    let offset = marker.byte_offset().unwrap_or_else(|| {
        source.char_indices().nth(marker.index()).map_or(source.len(), |(offset, _)| offset)
    });
    ParseError { offset: base + offset, reason: error.info() }
}

struct Builder<'t> {
    document: Document<'t>,
    /// Open collections and, for each, its last child.
    open: Vec<(u32, u32)>,
    /// Anchor ids of the parser and the nodes that carry them.
    anchors: Vec<(usize, u32)>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        Self { document: Document { text, entries: Vec::new() }, open: Vec::new(), anchors: Vec::new() }
    }

    fn finish(&mut self) -> Document<'t> {
        self.anchors.clear();
        let next = Document { text: self.document.text, entries: Vec::new() };
        std::mem::replace(&mut self.document, next)
    }

    /// Takes one event; true when it ended a document.
    fn event(&mut self, event: Event<'t>, span: Span) -> Result<bool, ParseError> {
        match event {
            Event::Scalar(value, style, anchor, tag) => {
                let (value, style) = match style {
                    // A null that nobody wrote is reported as `~` with an empty span.
                    ScalarStyle::Plain if span.is_empty() => (Cow::Borrowed(""), Style::Plain),
                    ScalarStyle::Plain => (value, Style::Plain),
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => (value, Style::Quoted),
                    ScalarStyle::Literal | ScalarStyle::Folded => (value, Style::Block),
                };
                self.push(Data::Scalar { value, style }, span, anchor, tag.map(|tag| tag.original()))?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let id = self.push(Data::Mapping { flow }, span, anchor, tag.map(|tag| tag.original()))?;
                self.open.push((id, NONE));
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let start = if flow { span.start } else { self.dash_after_key(span.start) };
                let span = Span::new(start, span.end);
                let id = self.push(Data::Sequence { flow }, span, anchor, tag.map(|tag| tag.original()))?;
                self.open.push((id, NONE));
            }
            Event::MappingEnd | Event::SequenceEnd => {
                if let Some((id, _)) = self.open.pop() {
                    self.document.entries[id as usize].span.end = span.end;
                }
            }
            Event::Alias(anchor) => {
                let target = self.anchors.iter().rev().find(|(id, _)| *id == anchor).map(|(_, node)| *node);
                let Some(target) = target else {
                    return Err(ParseError { offset: span.start, reason: "unknown anchor".to_owned() });
                };
                self.document.entries[target as usize].aliases += 1;
                self.push(Data::Alias { target }, span, 0, None)?;
            }
            Event::DocumentEnd => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    /// An indentless sequence is reported at its first item; its true start is the first dash after its key.
    fn dash_after_key(&self, reported: usize) -> usize {
        let key = match self.open.last() {
            Some(&(_, key)) if key != NONE => &self.document.entries[key as usize],
            _ => return reported,
        };
        if !matches!(key.data, Data::Scalar { .. }) {
            return reported;
        }
        // Only the colon, blanks, comments and properties stand between a key and the first dash.
        let bytes = self.document.text.as_bytes();
        let mut at = key.span.end;
        while let Some(&byte) = bytes.get(at) {
            at += match byte {
                b'-' => return at,
                b':' | b' ' | b'\t' | b'\r' | b'\n' => 1,
                b'#' => memchr::memchr(b'\n', &bytes[at..]).unwrap_or(bytes.len() - at),
                b'&' | b'!' => bytes[at..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count(),
                _ => return reported,
            };
        }
        reported
    }

    fn push(
        &mut self,
        data: Data<'t>,
        span: Span,
        anchor: usize,
        tag: Option<String>,
    ) -> Result<u32, ParseError> {
        let id = u32::try_from(self.document.entries.len())
            .ok()
            .filter(|&id| id != NONE)
            .ok_or_else(|| ParseError { offset: span.start, reason: "too many nodes".to_owned() })?;
        let mut parent = NONE;
        if let Some((collection, last)) = self.open.last_mut() {
            parent = *collection;
            let previous = std::mem::replace(last, id);
            if previous == NONE {
                self.document.entries[parent as usize].first = id;
            } else {
                self.document.entries[previous as usize].next = id;
            }
        }
        if anchor != 0 {
            self.anchors.push((anchor, id));
        }
        let tag = tag.map(String::into_boxed_str);
        self.document.entries.push(Entry {
            data,
            span,
            parent,
            first: NONE,
            next: NONE,
            anchored: anchor != 0,
            aliases: 0,
            tag,
        });
        Ok(id)
    }
}

impl<'t> Document<'t> {
    /// The top node; an empty document has an empty scalar.
    pub fn root(&self) -> Option<Node<'_, 't>> {
        (!self.entries.is_empty()).then_some(Node { document: self, id: 0 })
    }

    /// The file that the spans point into.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Every node, in source order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_, 't>> {
        self.nodes_from(0)
    }

    fn nodes_from(&self, first: usize) -> impl Iterator<Item = Node<'_, 't>> {
        (first as u32..self.entries.len() as u32).map(|id| Node { document: self, id })
    }
}

impl PartialEq for Node<'_, '_> {
    /// Whether both are the same node of the same document, not merely alike.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.id == other.id
    }
}

impl Eq for Node<'_, '_> {}

impl Hash for Node<'_, '_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for Node<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at byte {}", self.kind(), self.span().start)
    }
}

impl<'d, 't> Node<'d, 't> {
    fn entry(self) -> &'d Entry<'t> {
        &self.document.entries[self.id as usize]
    }

    fn at(self, id: u32) -> Option<Self> {
        (id != NONE).then_some(Self { document: self.document, id })
    }

    /// Its number in the document, in source order from 0.
    pub fn id(self) -> usize {
        self.id as usize
    }

    /// What it is; an alias is an alias until [`Node::resolved`].
    pub fn kind(self) -> Kind {
        match self.entry().data {
            Data::Scalar { style, .. } => Kind::Scalar(style),
            Data::Mapping { flow } => Kind::Mapping { flow },
            Data::Sequence { flow } => Kind::Sequence { flow },
            Data::Alias { .. } => Kind::Alias,
        }
    }

    /// The document it belongs to.
    pub fn document(self) -> &'d Document<'t> {
        self.document
    }

    /// Its bytes. A flow collection and a scalar end exactly; the end of a block collection is where the next
    /// token starts, after blank lines and comments, and must not be written at.
    pub fn span(self) -> Span {
        self.entry().span
    }

    /// The tag as written, such as `!!str` or `!vault`.
    pub fn tag(self) -> Option<&'d str> {
        self.entry().tag.as_deref()
    }

    /// Whether an anchor names it, so that aliases may point here.
    pub fn is_anchored(self) -> bool {
        self.entry().anchored
    }

    /// How many aliases point here.
    pub fn alias_count(self) -> usize {
        self.entry().aliases as usize
    }

    /// Whether it is a `key: value` collection.
    pub fn is_mapping(self) -> bool {
        matches!(self.entry().data, Data::Mapping { .. })
    }

    /// Whether it is a list.
    pub fn is_sequence(self) -> bool {
        matches!(self.entry().data, Data::Sequence { .. })
    }

    /// Whether it is written in brackets or braces.
    pub fn is_flow(self) -> bool {
        matches!(self.entry().data, Data::Mapping { flow: true } | Data::Sequence { flow: true })
    }

    /// Whether it reads as null: nothing, `~`, `null`.
    pub fn is_null(self) -> bool {
        match &self.entry().data {
            Data::Scalar { value, style: Style::Plain } => {
                matches!(&**value, "" | "~" | "null" | "Null" | "NULL") && self.tag() != Some("!!str")
            }
            _ => false,
        }
    }

    /// The text of a scalar, escapes resolved; none for a collection, an alias or a null.
    pub fn as_str(self) -> Option<&'d str> {
        match &self.entry().data {
            Data::Scalar { value, .. } if !self.is_null() => Some(value),
            _ => None,
        }
    }

    /// The node itself, or the one an alias points to.
    pub fn resolved(self) -> Self {
        match self.entry().data {
            // An anchor cannot stand on an alias, so one step is enough.
            Data::Alias { target } => Self { document: self.document, id: target },
            _ => self,
        }
    }

    /// The collection it stands in.
    pub fn parent(self) -> Option<Self> {
        self.at(self.entry().parent)
    }

    /// Children in source order: items of a sequence; keys and values in turn of a mapping. Aliases stay aliases.
    pub fn children(self) -> impl Iterator<Item = Self> {
        self.children_if(true)
    }

    fn children_if(self, wanted: bool) -> impl Iterator<Item = Self> {
        let first = if wanted { self.entry().first } else { NONE };
        std::iter::successors(self.at(first), |child| child.at(child.entry().next))
    }

    /// Items of a sequence, aliases as aliases; nothing for any other node.
    pub fn items(self) -> impl Iterator<Item = Self> {
        self.children_if(self.is_sequence())
    }

    /// Pairs of a mapping as written, aliases as aliases, merge keys as `<<`; nothing for any other node.
    pub fn pairs(self) -> impl Iterator<Item = (Self, Self)> {
        let mut children = self.children_if(self.is_mapping());
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The value of `key` as written in this very mapping; the first one when it is there twice.
    pub fn get_own(self, key: &str) -> Option<Self> {
        self.pairs().find(|(name, _)| name.resolved().as_str() == Some(key)).map(|(_, value)| value)
    }

    /// The value of `key`, aliases resolved, merge keys (`<<`) followed.
    pub fn get(self, key: &str) -> Option<Self> {
        let node = self.resolved();
        if let Some(value) = node.get_own(key) {
            return Some(value.resolved());
        }
        // Merges of merges form a graph without cycles, but a wide one could be walked again and again: each once.
        let mut waiting: Vec<Self> = node.merged().collect();
        let mut seen = std::collections::HashSet::new();
        while let Some(next) = waiting.pop() {
            if !seen.insert(next.span().start) {
                continue;
            }
            if let Some(value) = next.get_own(key) {
                return Some(value.resolved());
            }
            waiting.extend(next.merged());
        }
        None
    }

    /// The mappings that merge keys bring in, the weakest first.
    fn merged(self) -> impl Iterator<Item = Self> {
        self.pairs().filter(|(key, _)| key.as_str() == Some("<<")).flat_map(|(_, value)| {
            let value = value.resolved();
            let mut all: Vec<Self> = if value.is_sequence() { value.items().collect() } else { vec![value] };
            all.reverse();
            all.into_iter().map(Self::resolved)
        })
    }

    /// [`Node::get`] along several keys.
    pub fn path(self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self.resolved(), |node, key| node.get(key))
    }

    /// The text of the scalar under `key`.
    pub fn str_at(self, key: &str) -> Option<&'d str> {
        self.get(key)?.as_str()
    }

    /// A key that this mapping has twice, second occurrence.
    pub fn duplicate_key(self) -> Option<Self> {
        let mut seen = std::collections::BTreeSet::new();
        self.pairs()
            .map(|(key, _)| key)
            .find(|key| key.as_str().is_some_and(|name| name != "<<" && !seen.insert(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Document<'_> {
        parse(text, Span::new(0, text.len())).unwrap().remove(0)
    }

    #[test]
    fn spans_are_bytes_of_the_file_after_a_byte_order_mark_and_other_scripts() {
        let text = "\u{feff}# é\na: \"ü\"\nb: x\n";
        let document = one(text);
        let root = document.root().unwrap();
        assert_eq!(root.get("a").unwrap().span().of(text), "\"ü\"");
        assert_eq!(root.get("b").unwrap().span().of(text), "x");
    }

    #[test]
    fn an_indentless_sequence_starts_at_its_dash() {
        for text in [
            "k:\n- - b\n",
            "k: # - no\n- &a-b x\n- c\n",
            "k:\n-\n- c\n",
            "k: &x-y !!seq\n-   # - c\n  x: 1\n",
        ] {
            let document = one(text);
            let list = document.root().unwrap().get("k").unwrap();
            assert_eq!(list.span().start, text.find("\n-").unwrap() + 1, "{text}");
        }
    }

    #[test]
    fn a_null_that_nobody_wrote_is_empty() {
        let text = "a:\nb: ~\nc: \"\"\n";
        let document = one(text);
        let root = document.root().unwrap();
        assert!(root.get("a").unwrap().is_null() && root.get("a").unwrap().span().is_empty());
        assert!(root.get("b").unwrap().is_null() && !root.get("b").unwrap().span().is_empty());
        assert_eq!(root.get("c").unwrap().as_str(), Some(""));
    }

    #[test]
    fn aliases_and_merge_keys_are_followed_when_asked() {
        let text = "base: &b {x: 1, y: 2}\nover:\n  <<: *b\n  x: 3\nsame: *b\n";
        let document = one(text);
        let root = document.root().unwrap();
        assert_eq!(root.path(&["over", "y"]).unwrap().as_str(), Some("2"));
        assert_eq!(root.path(&["over", "x"]).unwrap().as_str(), Some("3"));
        assert_eq!(root.path(&["same", "x"]).unwrap().as_str(), Some("1"));
        assert_eq!(root.get_own("same").unwrap().kind(), Kind::Alias);
    }

    #[test]
    fn errors_carry_the_offset_in_the_file() {
        let text = "ok: 1\n---\na: [\n";
        let error = parse(text, Span::new(6, text.len())).unwrap_err();
        assert!(error.offset >= 6, "{error:?}");
        assert!(!error.reason.is_empty());
    }

    #[test]
    fn depth_is_an_error_not_a_crash() {
        let text = "[".repeat(100_000);
        assert!(parse(&text, Span::new(0, text.len())).is_err());
    }
}
