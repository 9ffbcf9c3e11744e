//! YAML in the form that nearly all manifests have, told without a parser: blocks of `key: value` and `- item`, plain and quoted scalars,
//! block scalars, flow collections of words, anchors and aliases, comments.
//!
//! What is taken for obvious here, every reader takes, older ones too, and all see the same in it; the properties hold that against a
//! descendant of libyaml. Anything else (tags, tabs, merge keys, other flow collections) is no mistake, but the business of a parser. It
//! costs a tenth of one.

mod line;

use memchr::memchr;

pub(crate) use line::words;
use line::{closing, indent, is_plain, is_printable, key, without_comment};

/// A collection that is open, the outermost first.
#[derive(Clone, Copy, Debug)]
pub struct Level<'t> {
    /// Where its keys or dashes stand.
    column: usize,
    /// The key that was read last; none in a sequence.
    pub key: Option<&'t str>,
    /// Whether the value of the last key, or the last item, may still come.
    waits: bool,
    /// A mapping whose last value is a sequence with its dashes below the key.
    dashes: bool,
}

impl Level<'_> {
    /// Whether what comes below are items, not the value of [`key`](Self::key) itself.
    pub fn has_items(&self) -> bool {
        self.key.is_none() || self.dashes
    }
}

/// What stands behind a key or a dash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'t> {
    /// Nothing on its line: a collection, a scalar on the next line, or null.
    Nothing,
    /// A plain scalar of one line.
    Plain(&'t str),
    /// A plain scalar of several lines, as it is written.
    Lines(&'t str),
    /// A scalar with its quotes, as it is written.
    Quoted(&'t str),
    /// A block scalar.
    Block(Block<'t>),
    /// A flow collection of words, with its brackets.
    Flow(&'t str),
    /// An alias of an anchor before it, with its star.
    Alias(&'t str),
}

impl Found<'_> {
    /// Whether this is a scalar that somebody wrote.
    pub fn is_scalar(self) -> bool {
        !matches!(self, Self::Nothing | Self::Flow(_) | Self::Alias(_))
    }
}

/// A block scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'t> {
    /// `|` or `>`, and what stands behind it for the line breaks at its end.
    pub header: &'t str,
    /// Its lines, from the one behind the header.
    pub body: &'t str,
    /// How far its lines are indented.
    pub indent: usize,
}

/// Who is shown an obvious text, piece by piece; offsets are bytes of the text.
pub(crate) trait Visitor<'t> {
    /// What stands behind the key or dash that the last of the levels read last.
    fn found(&mut self, levels: &[Level<'t>], found: Found<'t>);

    /// A document begins, at its mark.
    fn begin(&mut self) {}

    /// A block collection begins, at its first key or dash.
    fn open(&mut self, _at: usize, _is_mapping: bool) {}

    /// A key of the collection that is open, with its quotes.
    fn key(&mut self, _written: &'t str) {}

    /// An anchor, with its ampersand: of the scalar that is found next, or of the collection that begins next.
    fn anchor(&mut self, _written: &'t str) {}

    /// A dash of the collection that is open.
    fn dash(&mut self, _at: usize) {}

    /// The collection that was opened last ends; the next thing stands here.
    fn close(&mut self, _at: usize) {}
}

impl<'t, F: FnMut(&[Level<'t>], Found<'t>)> Visitor<'t> for F {
    fn found(&mut self, levels: &[Level<'t>], found: Found<'t>) {
        self(levels, found);
    }
}

/// Collections within each other up to which a text is obvious.
const DEPTH: usize = 64;

/// Whether all of a text is obvious; `see` is shown what stands at each place up to then.
pub fn read<'t>(text: &'t str, see: &mut impl FnMut(&[Level<'t>], Found<'t>)) -> bool {
    visit(text, see)
}

/// [`read`], for those who want to know where things stand.
pub(crate) fn visit<'t>(text: &'t str, visitor: &mut impl Visitor<'t>) -> bool {
    let mut reader =
        Reader { text, rest: text, levels: Vec::with_capacity(16), anchors: Vec::new(), visitor };
    while let Some(line) = reader.next() {
        if reader.line(line).is_none() {
            return false;
        }
    }
    reader.close_to(text.len(), |_| true);
    true
}

/// The values of these keys of an obvious document with content, each a plain scalar of one line or not there.
pub fn plain_values<'t, const N: usize>(text: &'t str, keys: [&str; N]) -> Option<[Option<&'t str>; N]> {
    let mut values = [None; N];
    let (mut any, mut certain) = (false, true);
    let is_obvious = read(text, &mut |levels, found| {
        any = true;
        let at = levels[0].key.and_then(|key| keys.iter().position(|wanted| *wanted == key));
        let Some(at) = at else { return };
        match found {
            Found::Plain(text) if levels.len() == 1 && !levels[0].has_items() && values[at].is_none() => {
                certain &= !matches!(text, "~" | "null" | "Null" | "NULL");
                values[at] = Some(text);
            }
            _ => certain = false,
        }
    });
    (is_obvious && any && certain).then_some(values)
}

struct Reader<'t, 'v, V> {
    text: &'t str,
    rest: &'t str,
    levels: Vec<Level<'t>>,
    /// Those of the document up to here.
    anchors: Vec<&'t str>,
    visitor: &'v mut V,
}

impl<'t, V: Visitor<'t>> Reader<'t, '_, V> {
    /// Where a part of the text begins.
    fn offset(&self, part: &str) -> usize {
        part.as_ptr().addr() - self.text.as_ptr().addr()
    }

    /// The text from the beginning of one part to the end of another.
    fn between(&self, first: &str, last: &str) -> &'t str {
        &self.text[self.offset(first)..self.offset(last) + last.len()]
    }

    /// Closes collections, the innermost first, as long as they end.
    fn close_to(&mut self, at: usize, ends: impl Fn(&Level<'t>) -> bool) {
        while let Some(level) = self.levels.pop_if(|level| ends(level)) {
            if level.dashes {
                self.visitor.close(at);
            }
            self.visitor.close(at);
        }
    }

    /// The next line, without its end.
    fn next(&mut self) -> Option<&'t str> {
        let line = self.peek()?;
        self.take(line);
        Some(line)
    }

    fn peek(&self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let line = memchr(b'\n', self.rest.as_bytes()).map_or(self.rest, |end| &self.rest[..end]);
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    fn take(&mut self, line: &str) {
        let rest = &self.rest[line.len()..];
        self.rest = rest.strip_prefix('\r').unwrap_or(rest).get(1..).unwrap_or_default();
    }

    /// A line that begins a node, or none.
    fn line(&mut self, line: &'t str) -> Option<()> {
        let indent = indent(line);
        let content = line[indent..].trim_end_matches(' ');
        if content.is_empty() {
            return Some(());
        }
        is_printable(content, false).then_some(())?;
        if content.starts_with('#') {
            return Some(());
        }
        if indent == 0 && (content.starts_with("---") || content.starts_with("...")) {
            self.close_to(self.offset(content), |_| true);
            self.anchors.clear();
            self.visitor.begin();
            return (content == "---").then_some(());
        }
        // A document has one root.
        self.levels.first().is_none_or(|root| root.column <= indent).then_some(())?;
        self.close_to(self.offset(content), |level| level.column > indent);
        self.node(content, indent)
    }

    /// What stands at a column, up to the end of its line or of a scalar that goes on.
    fn node(&mut self, mut content: &'t str, mut column: usize) -> Option<()> {
        loop {
            if content == "-" || content.starts_with("- ") {
                self.dash(column, content)?;
                let item = content[1..].trim_start_matches(' ');
                if item.is_empty() || item.starts_with('#') {
                    self.found(Found::Nothing);
                    return Some(());
                }
                if item.starts_with(['&', '*']) {
                    // What looks like a key or a dash behind it would be one, in a collection that the anchor is not of.
                    let (_, rest) = item.split_once(' ').unwrap_or((item, ""));
                    let rest = rest.trim_start_matches(' ');
                    (rest.is_empty() || key(rest).is_none() && !rest.starts_with('-')).then_some(())?;
                    return self.value(item);
                }
                column += content.len() - item.len();
                content = item;
            } else if let Some((key, value)) = key(content) {
                self.key(column, key, content)?;
                if value.is_empty() || value.starts_with('#') {
                    self.found(Found::Nothing);
                    return Some(());
                }
                return self.value(value);
            } else {
                // A scalar at the place of a key would have to be one.
                self.levels.last().filter(|level| level.column < column)?;
                return self.scalar(content);
            }
        }
    }

    /// A dash: the next item of the sequence there, or the first of a new one.
    fn dash(&mut self, column: usize, content: &'t str) -> Option<()> {
        let at = self.offset(content);
        match self.levels.last_mut() {
            Some(level) if level.column == column => {
                let begins = level.key.is_some() && !level.dashes;
                (!begins || level.waits).then_some(())?;
                level.dashes = level.key.is_some();
                level.waits = true;
                if begins {
                    self.visitor.open(at, false);
                }
            }
            _ => self.open(Level { column, key: None, waits: true, dashes: false }, at)?,
        }
        self.visitor.dash(at);
        Some(())
    }

    /// A key: the next of the mapping there, or the first of a new one.
    fn key(&mut self, column: usize, key: &'t str, content: &'t str) -> Option<()> {
        let at = self.offset(content);
        let level = Level { column, key: Some(key), waits: true, dashes: false };
        match self.levels.last_mut() {
            Some(open) if open.column == column => {
                open.key?;
                if std::mem::replace(open, level).dashes {
                    self.visitor.close(at);
                }
            }
            _ => self.open(level, at)?,
        }
        let quotes = self.offset(key) - at;
        self.visitor.key(&content[..key.len() + 2 * quotes]);
        Some(())
    }

    fn open(&mut self, level: Level<'t>, at: usize) -> Option<()> {
        if let Some(outer) = self.levels.last_mut() {
            if !outer.waits {
                return None;
            }
            outer.waits = false;
        }
        self.levels.push(level);
        (self.levels.len() < DEPTH).then_some(())?;
        self.visitor.open(at, level.key.is_some());
        Some(())
    }

    fn found(&mut self, found: Found<'t>) {
        self.visitor.found(&self.levels, found);
    }

    /// What stands behind a key or a dash, and is something.
    fn value(&mut self, value: &'t str) -> Option<()> {
        let (sign, name) = value.split_at_checked(1)?;
        if !matches!(sign, "&" | "*") {
            return self.scalar(value);
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
        let end = name.bytes().take_while(|byte| is_name(byte)).count();
        let (name, rest) = name.split_at_checked(end)?;
        let is_known = self.anchors.contains(&name);
        (!name.is_empty() && is_known == (sign == "*") && (rest.is_empty() || rest.starts_with(' ')))
            .then_some(())?;
        let rest = rest.trim_start_matches(' ');
        let is_alone = rest.is_empty() || rest.starts_with('#');
        let written = &value[..=end];
        if sign == "*" {
            let level = self.levels.last_mut().filter(|level| level.waits && is_alone)?;
            level.waits = false;
            self.found(Found::Alias(written));
            return Some(());
        }
        self.anchors.push(name);
        self.visitor.anchor(written);
        if is_alone {
            self.found(Found::Nothing);
            return Some(());
        }
        self.scalar(rest)
    }

    /// A scalar or a flow collection, and the lines on which it goes on.
    fn scalar(&mut self, value: &'t str) -> Option<()> {
        let level = self.levels.last_mut()?;
        if !level.waits {
            return None;
        }
        level.waits = false;
        let outer = level.column;
        let bytes = value.as_bytes();
        let found = match bytes[0] {
            quote @ (b'"' | b'\'') => {
                let last = self.quoted(&value[1..], quote, outer)?;
                Found::Quoted(self.between(value, last))
            }
            b'|' | b'>' => {
                matches!(&bytes[1..], b"" | b"-" | b"+").then_some(())?;
                let body = self.rest;
                let indent = self.block(outer)?;
                Found::Block(Block { header: value, body: &body[..body.len() - self.rest.len()], indent })
            }
            b'{' | b'[' => {
                let value = without_comment(value).unwrap_or(value);
                words(value, |_| {})?;
                Found::Flow(value)
            }
            first => {
                let begins = first.is_ascii_alphanumeric()
                    || b"_/.$+(<~^;\\=".contains(&first)
                    || first == b'-' && bytes.get(1).is_some_and(|next| *next != b' ')
                    || first >= 0x80;
                let alone = without_comment(value);
                (begins && is_plain(alone.unwrap_or(value))).then_some(())?;
                match (self.goes_on(outer)?, alone) {
                    (None, _) => Found::Plain(alone.unwrap_or(value)),
                    (Some(last), None) => Found::Lines(self.between(value, last)),
                    // A comment ends a scalar.
                    (Some(_), Some(_)) => return None,
                }
            }
        };
        self.found(found);
        Some(())
    }

    /// The last of the lines on which a plain scalar goes on, if there are any.
    fn goes_on(&mut self, outer: usize) -> Option<Option<&'t str>> {
        let mut last = None;
        while let Some(line) = self.further(outer)? {
            (!line.starts_with('#') && is_plain(line)).then_some(())?;
            last = Some(line);
        }
        Some(last)
    }

    /// The next line that belongs to a scalar within a collection at column `outer`, without the space around it. Blank ones are nothing
    /// but space wherever a scalar ends.
    fn further(&mut self, outer: usize) -> Option<Option<&'t str>> {
        while let Some(line) = self.peek() {
            let indent = indent(line);
            let content = line[indent..].trim_end_matches(' ');
            if content.is_empty() {
                self.take(line);
            } else if indent > outer {
                self.take(line);
                return is_printable(content, false).then_some(Some(content));
            } else {
                break;
            }
        }
        Some(None)
    }

    /// A quoted scalar behind its first quote: what it has on its last line; nothing may stand behind it.
    fn quoted(&mut self, mut rest: &'t str, quote: u8, outer: usize) -> Option<&'t str> {
        loop {
            match closing(rest.as_bytes(), quote)? {
                Some(end) => {
                    let (last, behind) = rest.split_at(end + 1);
                    return (behind.is_empty() || without_comment(behind) == Some("")).then_some(last);
                }
                None => rest = self.further(outer)??,
            }
        }
    }

    /// The lines of a block scalar: how far they are indented.
    fn block(&mut self, outer: usize) -> Option<usize> {
        let mut inner = None;
        while let Some(line) = self.peek() {
            let indent = indent(line);
            if indent == line.len() {
                // Spaces before the first line may say how far the block is indented.
                (inner.is_some() || line.is_empty()).then_some(())?;
            } else if indent <= outer || inner.is_some_and(|inner| indent < inner) {
                break;
            } else {
                // A tab at its beginning may be meant for its indentation.
                (inner.is_some() || !line[indent..].starts_with('\t')).then_some(())?;
                inner = inner.or(Some(indent));
                is_printable(&line[indent..], true).then_some(())?;
            }
            self.take(line);
        }
        Some(inner.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_obvious(text: &str) -> bool {
        read(text, &mut |_, _| {})
    }

    #[test]
    fn what_manifests_look_like_is_obvious() {
        for text in [
            "",
            "# only\n",
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: {}\n---\n",
            "a:\n- b: 1\n  c:\n  - d\n  -\n    e: f\n- - g\n  - h\ni: [\"get\", list]\n",
            "a: |\n  b: {{\n\n    c\td\n# no\ne: >-\n  f\n",
            "a: b\n  c - d\n\n  e\nf: 'it''s\n  g'\nh: \"i\\\"\n  j\\\n  k\"\n",
            "a:\n  b c\n  d\n\"e/f\": 1\n",
            "a: größer “als”\n",
            "a: b # c\nd: 'e'   # f: g\nh: [i, 'j, k', -l, m n] # l\nr: {s: t u, \"v\": 'w'}\nx: { }\nm: # n\n  - o\n  - # p\n    q\n",
            "a: b\r\nc: |\r\n  d\r\n  e",
            "a: &b-1 c\nd: *b-1 # e\nf: &g\n  h: &i 'j'\nk:\n  - *g\n  - &l m\n  - &n\n    o: *i\n",
        ] {
            assert!(is_obvious(text), "{text}");
        }
    }

    #[test]
    fn what_needs_a_parser_is_not() {
        for text in [
            "a: *b\n",
            "a: &b c\nd: &b e\n",
            "a: &b c\n---\nd: *b\n",
            "- &a b: c\n",
            "- &a - c\n",
            "a: &b\nc: *b d\n",
            "a: &b c\n<<: *b\n",
            "a: &b c\n*b : d\n",
            "a: &b\tc\n",
            "a: !!str b\n",
            "a: {b: [c]}\n",
            "a: {b}\n",
            "a: [b: c]\n",
            "a: [b,]\n",
            "a: ['b''c']\n",
            "a: [\"b\\n\"]\n",
            "a: b # c\n  d\n",
            "a: 'b'# c\n",
            "a: b: c\n",
            "a: b\n  c: d\n",
            "a:\n  - b\n c: d\n",
            "a: |2\n   b\n",
            "a: |\n   \n  b\n",
            "a: |\n  \tb\n",
            "a: [b, - c]\n",
            "\ta: b\n",
            "a: b\rc\n",
            "a: \"b\" c\n",
            "a: \"\\q\"\n",
            "a: \"b\n",
            "--- a\n",
            "%YAML 1.1\n---\n",
            "a\n",
            "- a\nb: c\n",
            "  a: b\nc: d\n",
            "a: x\u{2028}y\n",
            "? a\n: b\n",
            "<<: a\n",
            ": a\n",
        ] {
            assert!(!is_obvious(text), "{text}");
        }
    }

    #[test]
    fn places_are_told() {
        let mut seen = Vec::new();
        let text = "metadata:\n  name: a\n  annotations:\n    b/c: 'd'\nspec:\n- e\n";
        assert!(read(text, &mut |levels, found| {
            let keys: Vec<_> = levels.iter().map(|level| level.key.unwrap_or("-")).collect();
            seen.push(format!("{} {found:?}", keys.join(".")));
        }));
        assert_eq!(
            seen,
            [
                "metadata Nothing",
                "metadata.name Plain(\"a\")",
                "metadata.annotations Nothing",
                "metadata.annotations.b/c Quoted(\"'d'\")",
                "spec Nothing",
                "spec Plain(\"e\")",
            ]
        );
    }
}
