//! Text to nodes with true byte spans: the only module that speaks to granit-parser, for all that is not obvious.
//!
//! Keeps what editing needs and repairs what the parser's marks leave out: an indentless sequence starts at its
//! dash, a block collection has no usable end, a null that nobody wrote has an empty span. Works without recursion; depth, and with it
//! memory, is bounded by the parser's own limit.

use std::borrow::Cow;
use std::fmt;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StructureStyle};

use super::document::{Data, Tree};
pub use super::document::{Document, Kind, Node, Style};
use super::span::Span;
use super::told;

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

/// Parses the documents in `slice` of `text`; spans are offsets into `text`.
///
/// # Errors
/// The first place that is no YAML, or nested deeper than 255 levels.
pub fn parse(text: &str, slice: Span) -> Result<Vec<Document<'_>>, ParseError> {
    match told::document(text, slice) {
        Some(document) => Ok(vec![document]),
        None => parse_whole(text, slice),
    }
}

/// [`parse`] by the parser alone, whatever the form: it judges the other way.
///
/// # Errors
/// As [`parse`].
pub fn parse_whole(text: &str, slice: Span) -> Result<Vec<Document<'_>>, ParseError> {
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
        answer = builder.tree.document().nodes_from(seen).find_map(&find);
        seen = builder.tree.len();
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
    text: &'t str,
    tree: Tree<'t>,
    /// Anchor ids of the parser and the nodes that carry them.
    anchors: Vec<(usize, u32)>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, tree: Tree::new(text), anchors: Vec::new() }
    }

    fn finish(&mut self) -> Document<'t> {
        self.anchors.clear();
        self.tree.finish()
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
                self.tree.open(id);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let start = if flow { span.start } else { self.dash_after_key(span.start) };
                let span = Span::new(start, span.end);
                let id = self.push(Data::Sequence { flow }, span, anchor, tag.map(|tag| tag.original()))?;
                self.tree.open(id);
            }
            Event::MappingEnd | Event::SequenceEnd => self.tree.close(span.end),
            Event::Alias(anchor) => {
                let target = self.anchors.iter().rev().find(|(id, _)| *id == anchor).map(|(_, node)| *node);
                let Some(target) = target else {
                    return Err(ParseError { offset: span.start, reason: "unknown anchor".to_owned() });
                };
                self.tree.count_alias(target);
                self.push(Data::Alias { target }, span, 0, None)?;
            }
            Event::DocumentEnd => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    /// An indentless sequence is reported at its first item; its true start is the first dash after its key.
    fn dash_after_key(&self, reported: usize) -> usize {
        let Some(key) = self.tree.last_key() else { return reported };
        // Only the colon, blanks, comments and properties stand between a key and the first dash.
        let bytes = self.text.as_bytes();
        let mut at = key.end;
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
        let id = self
            .tree
            .push(data, span)
            .ok_or_else(|| ParseError { offset: span.start, reason: "too many nodes".to_owned() })?;
        if anchor != 0 {
            self.anchors.push((anchor, id));
        }
        if anchor != 0 || tag.is_some() {
            self.tree.set_properties(id, anchor != 0, tag);
        }
        Ok(id)
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
    fn a_sequence_that_is_an_item_starts_at_its_own_dash() {
        let text = "k:\n- a\n- - b: c\n- &x [d]\n";
        for documents in [parse(text, Span::new(0, text.len())), parse_whole(text, Span::new(0, text.len()))]
        {
            let documents = documents.unwrap();
            let items = documents[0].root().unwrap().get("k").unwrap().items();
            let starts: Vec<_> = items.map(|item| item.span().start).collect();
            assert_eq!(starts, [5, 9, 21]);
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
