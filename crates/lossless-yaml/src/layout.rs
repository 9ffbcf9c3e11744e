//! What the author of a file does: columns, distance of dashes, line endings, quotes and blanks of flow style.

use super::parse::{Document, Kind, Node, Style};
use super::span::{line_end, line_start};

/// The column of a byte offset, in characters from 0.
pub fn column(text: &str, offset: usize) -> usize {
    let start = line_start(text, offset);
    let line = &text[start..offset];
    line.strip_prefix('\u{feff}').unwrap_or(line).chars().count()
}

/// Whether only blanks stand before `offset` in its line.
pub fn starts_line(text: &str, offset: usize) -> bool {
    text[line_start(text, offset)..offset].bytes().all(|byte| byte == b' ')
}

/// The line break that ends the line of `offset`; for an unterminated last line that of the line before.
pub fn newline(text: &str, offset: usize) -> &'static str {
    let bytes = text.as_bytes();
    let end = memchr::memchr(b'\n', &bytes[offset..])
        .map(|at| offset + at)
        .or_else(|| memchr::memrchr(b'\n', &bytes[..offset]));
    match end {
        Some(at) if at > 0 && bytes[at - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

/// How many columns the dashes of a block sequence stand right of the keys of the mapping that holds it; none unless
/// both are written in block style.
pub fn dash_distance(mapping: Node<'_, '_>, value: Node<'_, '_>) -> Option<usize> {
    let block =
        mapping.kind() == Kind::Mapping { flow: false } && value.kind() == Kind::Sequence { flow: false };
    let text = mapping.document().text();
    block.then(|| column(text, value.span().start).checked_sub(column(text, mapping.span().start)))?
}

/// How many columns the keys of a block mapping stand right of those of the mapping around it.
pub fn step(mapping: Node<'_, '_>) -> Option<usize> {
    let block = |node: &Node<'_, '_>| node.kind() == Kind::Mapping { flow: false };
    let parent = mapping.parent().filter(|parent| block(parent) && block(&mapping))?;
    let text = mapping.document().text();
    let step = column(text, mapping.span().start).checked_sub(column(text, parent.span().start));
    step.filter(|&step| step > 0)
}

/// [`dash_distance`] of a node that may be such a sequence.
pub fn dash_distance_of(node: Node<'_, '_>) -> Option<usize> {
    dash_distance(node.parent()?, node)
}

/// The distance of the first block sequence of a document that stands below a key.
pub fn first_dash_distance(document: &Document<'_>) -> Option<usize> {
    document.nodes().find_map(dash_distance_of)
}

/// Where the last written byte of a node's content lies (one past it); `None` where it cannot be told, because
/// trailing blank lines may belong to a block scalar.
pub fn content_end(node: Node<'_, '_>) -> Option<usize> {
    let mut node = node;
    let mut floor = node.span().start;
    loop {
        match node.kind() {
            Kind::Scalar(Style::Block) => return None,
            Kind::Scalar(_) if node.span().is_empty() => return Some(floor),
            Kind::Scalar(_) | Kind::Alias => return Some(node.span().end),
            Kind::Mapping { flow: true } | Kind::Sequence { flow: true } => return Some(node.span().end),
            Kind::Mapping { flow: false } => {
                let (key, value) = node.pairs().last()?;
                // The span of a null that nobody wrote may lie after comments: its key ends with the colon.
                let text = node.document().text();
                floor = memchr::memchr(b':', &text.as_bytes()[key.span().end..])
                    .map_or(key.span().end, |at| key.span().end + at + 1);
                node = value;
            }
            Kind::Sequence { flow: false } => {
                let item = node.items().last()?;
                floor = dash_of(node, item)? + 1;
                node = item;
            }
        }
    }
}

/// Offset of the dash of an item of a block sequence.
pub fn dash_of(sequence: Node<'_, '_>, item: Node<'_, '_>) -> Option<usize> {
    let text = sequence.document().text();
    let first = sequence.span().start;
    let dash_column = column(text, first);
    let mut at = item.span().start;
    loop {
        let start = line_start(text, at);
        let line = &text[start..line_end(text, start)];
        let skip = if line.starts_with('\u{feff}') { 3 } else { 0 };
        let dash = start + skip + dash_column;
        let in_line = dash <= at && text.as_bytes().get(dash) == Some(&b'-');
        if in_line && (dash == first || starts_line(text, dash)) {
            return Some(dash);
        }
        if start == 0 || start <= first {
            return None;
        }
        at = start - 1;
    }
}

/// How flow collections of a mapping are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowStyle {
    /// Keys stand in double quotes, as in JSON.
    pub quoted: bool,
    /// A blank follows each colon and comma.
    pub spaced: bool,
}

impl FlowStyle {
    /// Reads the style off the first pair of a flow mapping; block mappings get the ordinary one.
    pub fn of(mapping: Node<'_, '_>) -> Self {
        let ordinary = Self { quoted: false, spaced: true };
        let Some((key, _)) = mapping.pairs().next().filter(|_| mapping.is_flow()) else { return ordinary };
        let bytes = mapping.document().text().as_bytes();
        let after = key.span().end;
        let colon = memchr::memchr(b':', &bytes[after..]).map_or(after, |at| after + at);
        let tight = bytes.get(colon + 1).is_some_and(|byte| !byte.is_ascii_whitespace());
        let quoted = bytes.get(key.span().start) == Some(&b'"');
        // Without quotes a colon needs its blank.
        Self { quoted, spaced: !(quoted && tight) }
    }
}
