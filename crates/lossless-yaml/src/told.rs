//! Obvious texts as trees: what the parser makes of them, made without it at a tenth of its cost.
//!
//! Whatever cannot be made exactly as the parser makes it, spans included, is left to the parser; the properties compare both.

use std::borrow::Cow;

use super::document::{Data, Document, Style, Tree};
use super::obvious::{self, Block, Found, Level, Visitor, words};
use super::span::Span;

/// The one document in `slice` of `text`, if all of it is obvious.
pub(crate) fn document(text: &str, slice: Span) -> Option<Document<'_>> {
    let mut teller = Teller {
        text,
        base: slice.start,
        tree: Tree::new(text),
        null: None,
        anchors: Vec::new(),
        anchor: None,
        begun: false,
        fails: false,
    };
    let is_obvious = obvious::visit(slice.of(text), &mut teller);
    (is_obvious && !teller.fails && teller.tree.len() > 0).then(|| teller.tree.finish())
}

struct Teller<'t> {
    text: &'t str,
    /// Where the slice begins.
    base: usize,
    tree: Tree<'t>,
    /// Where the last key or dash ends, while nothing is its value yet.
    null: Option<usize>,
    /// Anchors, and the nodes that carry them.
    anchors: Vec<(&'t str, u32)>,
    /// The anchor of what comes next.
    anchor: Option<&'t str>,
    /// Whether there was a mark of a document.
    begun: bool,
    /// Whether something has to be left to the parser.
    fails: bool,
}

impl<'t> Teller<'t> {
    fn span(&self, part: &str) -> Span {
        let start = part.as_ptr().addr() - self.text.as_ptr().addr();
        Span::new(start, start + part.len())
    }

    fn push(&mut self, data: Data<'t>, span: Span) -> Option<u32> {
        let id = self.tree.push(data, span);
        self.fails |= id.is_none();
        if let Some((id, anchor)) = id.zip(self.anchor.take()) {
            self.tree.set_properties(id, true, None);
            self.anchors.push((anchor, id));
        }
        id
    }

    fn scalar(&mut self, value: impl Into<Cow<'t, str>>, style: Style, span: Span) {
        self.push(Data::Scalar { value: value.into(), style }, span);
    }

    /// Writes down the null that nobody wrote.
    fn end_value(&mut self) {
        if let Some(at) = self.null.take() {
            // As an item the parser finds it in one place or another.
            self.fails |= self.text.as_bytes()[at - 1] == b'-' || self.anchor.is_some();
            self.scalar("", Style::Plain, Span::new(at, at));
        }
    }

    fn word(&mut self, written: &'t str) {
        let span = self.span(written);
        match quoted(written) {
            Some(value) => self.scalar(value, Style::Quoted, span),
            None => self.scalar(written, Style::Plain, span),
        }
    }

    fn block(&mut self, block: Block<'t>) {
        let Some(value) = text_of(block) else {
            self.fails = true;
            return;
        };
        // The parser's span begins at the first letter and takes in the indentation of what comes next, up to its own.
        let body = self.span(block.body);
        let blank = |byte: &u8| matches!(byte, b' ' | b'\r' | b'\n');
        let start = body.start + block.body.bytes().take_while(blank).count();
        let behind = &self.text.as_bytes()[body.end..];
        let end = body.end + behind.iter().take(block.indent).take_while(|byte| **byte == b' ').count();
        self.scalar(value, Style::Block, Span::new(start, end));
    }

    fn flow(&mut self, written: &'t str) {
        let is_mapping = written.starts_with('{');
        let data = if is_mapping { Data::Mapping { flow: true } } else { Data::Sequence { flow: true } };
        let span = self.span(written);
        let Some(id) = self.push(data, span) else { return };
        self.tree.open(id);
        let _ = words(written, |word| self.word(word));
        self.tree.close(span.end);
    }
}

impl<'t> Visitor<'t> for Teller<'t> {
    fn found(&mut self, _: &[Level<'t>], found: Found<'t>) {
        if found != Found::Nothing {
            self.null = None;
        }
        match found {
            Found::Nothing => {}
            Found::Plain(written) => self.word(written),
            Found::Lines(written) => {
                let value = joined(written);
                self.scalar(value, Style::Plain, self.span(written));
            }
            Found::Quoted(written) => match quoted(written) {
                Some(value) => self.scalar(value, Style::Quoted, self.span(written)),
                None => self.fails = true,
            },
            Found::Block(block) => self.block(block),
            Found::Flow(written) => self.flow(written),
            Found::Alias(written) => {
                let target = self.anchors.iter().find(|(name, _)| *name == &written[1..]).map(|(_, id)| *id);
                let Some(target) = target else {
                    self.fails = true;
                    return;
                };
                self.tree.count_alias(target);
                self.push(Data::Alias { target }, self.span(written));
            }
        }
    }

    fn begin(&mut self) {
        // Another document, and be it an empty one.
        self.fails |= std::mem::replace(&mut self.begun, true) || self.tree.len() > 0;
    }

    fn open(&mut self, at: usize, is_mapping: bool) {
        self.null = None;
        let data = if is_mapping { Data::Mapping { flow: false } } else { Data::Sequence { flow: false } };
        let at = self.base + at;
        if let Some(id) = self.push(data, Span::new(at, at)) {
            self.tree.open(id);
        }
    }

    fn anchor(&mut self, written: &'t str) {
        self.anchor = Some(&written[1..]);
    }

    fn key(&mut self, written: &'t str) {
        let span = self.span(written);
        self.end_value();
        self.word(written);
        self.null = Some(span.end);
    }

    fn dash(&mut self, at: usize) {
        self.end_value();
        self.null = Some(self.base + at + 1);
    }

    fn close(&mut self, at: usize) {
        self.end_value();
        self.tree.close(self.base + at);
    }
}

/// The text of a quoted scalar, if it is told in a few words.
fn quoted(written: &str) -> Option<Cow<'_, str>> {
    let quote = *written.as_bytes().first().filter(|quote| matches!(quote, b'"' | b'\''))?;
    let inner = &written[1..written.len() - 1];
    let escape = if quote == b'"' { '\\' } else { '\'' };
    let inner = match inner.contains('\n') {
        // An escaped line break is none.
        true if quote == b'"' && (inner.contains("\\\n") || inner.contains("\\\r")) => return None,
        true => Cow::Owned(joined(inner)),
        false => Cow::Borrowed(inner),
    };
    if !inner.contains(escape) {
        return Some(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' if quote == b'"' => match letters.next()? {
                'n' => '\n',
                't' => '\t',
                escaped @ ('"' | '\\') => escaped,
                _ => return None,
            },
            '\'' if quote == b'\'' => letters.next()?,
            letter => letter,
        });
    }
    Some(Cow::Owned(text))
}

/// Lines joined as those of plain and quoted scalars are: by a space, or by the breaks of the blank lines between them.
fn joined(written: &str) -> String {
    const SPACE: [char; 2] = [' ', '\r'];
    let mut text = String::with_capacity(written.len());
    let (first, rest) = written.split_once('\n').unwrap_or((written, ""));
    text.push_str(first.trim_end_matches(SPACE));
    let mut blank = 0;
    let mut lines = rest.split('\n').map(|line| line.trim_start_matches(SPACE)).peekable();
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        if line.is_empty() && !is_last {
            blank += 1;
            continue;
        }
        match std::mem::take(&mut blank) {
            0 => text.push(' '),
            breaks => text.extend(std::iter::repeat_n('\n', breaks)),
        }
        text.push_str(if is_last { line } else { line.trim_end_matches(SPACE) });
    }
    text
}

/// The text of a block scalar with letters in it.
fn text_of(block: Block<'_>) -> Option<String> {
    let (style, chomping) = block.header.split_at(1);
    let is_folded = style == ">";
    // Spaces at the end of a file may be a line, or none.
    (block.indent > 0 && !block.body.ends_with(' ')).then_some(())?;
    let mut text = String::with_capacity(block.body.len());
    // Whether a line break may have to become a space.
    let mut joins = false;
    for line in block.body.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line).get(block.indent..).unwrap_or_default();
        if is_folded && !line.is_empty() {
            // Lines that are indented further keep their breaks.
            (!line.starts_with([' ', '\t'])).then_some(())?;
            if joins {
                text.pop();
                if !text.ends_with('\n') {
                    text.push(' ');
                }
            }
            joins = true;
        }
        text.push_str(line);
        text.push('\n');
    }
    if chomping != "+" {
        text.truncate(text.trim_end_matches('\n').len());
        if chomping.is_empty() {
            text.push('\n');
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_whole;

    #[test]
    fn what_is_told_is_what_the_parser_makes() {
        for text in [
            "# head\n---\na: b\nc: # d\n  e:\n  - f: g\n    h:\n  - - i\n\nj: ~\n\"k/l\": 'it''s'\n",
            "a: [b c, 'd, e', \"f\", -1]\ng: {h: i, \"j\": 'k'}\nl: []\nm: { } # n\n",
            "a: b\n  c\n\n\n  d\nf: \"g\\\"\n\n  h\\n\"\ni: ' j\n  '\n",
            "a: |\n  b: {{\n\n    c\n\nd: |-\n e\nf: |+\n    g\n\n\nh: >-\n  i\n  j\n\n  k\nl: >\n\n  m\n",
            "a:\r\n  - b\r\n  - c: |\r\n      d\r\n    e: f\r\n      g\r\n",
            "a: &b-1 c\nd: *b-1 # e\nf: &g\n  h: &i 'j'\nk:\n  - *g\n  - &l m\n  - &n\n    o: *i\np: &q [r]\n",
            "a: größe\n# “b”\nc: 'é'\n",
        ] {
            // Behind something else, as a document of a stream is.
            let stream = format!("x: y\n---\n{text}");
            let slice = Span::new(9, stream.len());
            assert_eq!(
                Ok(document(&stream, slice).into_iter().collect()),
                parse_whole(&stream, slice),
                "{text}"
            );
        }
    }

    #[test]
    fn what_the_parser_makes_in_its_own_way_is_left_to_it() {
        for text in [
            "",
            "# a\n",
            "---\n",
            "---\n---\na: b\n",
            "a: b\n---\n",
            "a:\n-\n- b\n",
            "a: >-\n  b\n    c\n",
            "a: |+\n  b\n  ",
        ] {
            assert!(document(text, Span::new(0, text.len())).is_none(), "{text}");
        }
    }
}
