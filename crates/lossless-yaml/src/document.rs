//! A document as a tree: an arena of nodes in source order, and how it grows.
//!
//! Aliases are links, never copies.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::span::Span;

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

/// What a node holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Data<'t> {
    Scalar { value: Cow<'t, str>, style: Style },
    Mapping { flow: bool },
    Sequence { flow: bool },
    Alias { target: u32 },
}

const NONE: u32 = u32::MAX;

#[derive(Debug, PartialEq)]
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
#[derive(Debug, PartialEq)]
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

/// A document that grows by node after node.
pub(crate) struct Tree<'t> {
    document: Document<'t>,
    /// Open collections and, for each, its last child.
    open: Vec<(u32, u32)>,
}

impl<'t> Tree<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { document: Document { text, entries: Vec::new() }, open: Vec::new() }
    }

    /// The document as far as it has grown; the next one begins.
    pub(crate) fn finish(&mut self) -> Document<'t> {
        let next = Document { text: self.document.text, entries: Vec::new() };
        std::mem::replace(&mut self.document, next)
    }

    pub(crate) fn document(&self) -> &Document<'t> {
        &self.document
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.document.entries.len()
    }

    /// Adds a node to the collection that is open; none when there are too many for its number.
    pub(crate) fn push(&mut self, data: Data<'t>, span: Span) -> Option<u32> {
        let id = u32::try_from(self.len()).ok().filter(|&id| id != NONE)?;
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
        self.document.entries.push(Entry {
            data,
            span,
            parent,
            first: NONE,
            next: NONE,
            anchored: false,
            aliases: 0,
            tag: None,
        });
        Some(id)
    }

    /// Opens a collection that was added.
    pub(crate) fn open(&mut self, id: u32) {
        self.open.push((id, NONE));
    }

    /// Closes the collection that was opened last, at the end of its span.
    pub(crate) fn close(&mut self, end: usize) {
        if let Some((id, _)) = self.open.pop() {
            self.document.entries[id as usize].span.end = end;
        }
    }

    /// The span of the key whose value comes next, if the collection that is open is a mapping and the key a scalar.
    pub(crate) fn last_key(&self) -> Option<Span> {
        let &(collection, last) = self.open.last()?;
        let is_mapping = matches!(self.document.entries[collection as usize].data, Data::Mapping { .. });
        let entry = self.document.entries.get(last as usize).filter(|_| is_mapping)?;
        matches!(entry.data, Data::Scalar { .. }).then_some(entry.span)
    }

    /// Gives a node the properties that are written before it.
    pub(crate) fn set_properties(&mut self, id: u32, anchored: bool, tag: Option<String>) {
        let entry = &mut self.document.entries[id as usize];
        entry.anchored = anchored;
        entry.tag = tag.map(String::into_boxed_str);
    }

    /// Counts an alias of a node.
    pub(crate) fn count_alias(&mut self, target: u32) {
        self.document.entries[target as usize].aliases += 1;
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

    /// The nodes from a number on.
    pub(crate) fn nodes_from(&self, first: usize) -> impl Iterator<Item = Node<'_, 't>> {
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
