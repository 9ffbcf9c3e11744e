//! YAML in the form that nearly all manifests have, told without a parser: blocks of `key: value` and `- item`, plain and quoted scalars,
//! block scalars, lists of words, comments.
//!
//! What is taken for obvious here, every reader takes, older ones too, and all see the same in it; the properties hold that against a
//! descendant of libyaml. Anything else (anchors, tags, tabs, most flow collections) is no mistake, but the
//! business of a parser. It costs a tenth of one.

use memchr::{memchr, memchr_iter};

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
    /// Any other scalar.
    Scalar,
    /// A flow collection.
    Flow,
}

/// Collections within each other up to which a text is obvious.
const DEPTH: usize = 64;

/// Whether all of a text is obvious; `see` is shown what stands at each place up to then.
pub fn read<'t>(text: &'t str, see: &mut impl FnMut(&[Level<'t>], Found<'t>)) -> bool {
    let mut reader = Reader { rest: text, levels: Vec::with_capacity(16), see };
    while let Some(line) = reader.next() {
        if reader.line(line).is_none() {
            return false;
        }
    }
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

struct Reader<'t, 's, S> {
    rest: &'t str,
    levels: Vec<Level<'t>>,
    see: &'s mut S,
}

impl<'t, S: FnMut(&[Level<'t>], Found<'t>)> Reader<'t, '_, S> {
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
            self.levels.clear();
            return (content == "---").then_some(());
        }
        while self.levels.last().is_some_and(|level| level.column > indent) {
            self.levels.pop();
            // A document has one root.
            self.levels.first()?;
        }
        self.node(content, indent)
    }

    /// What stands at a column, up to the end of its line or of a scalar that goes on.
    fn node(&mut self, mut content: &'t str, mut column: usize) -> Option<()> {
        loop {
            if content == "-" || content.starts_with("- ") {
                self.dash(column)?;
                let item = content[1..].trim_start_matches(' ');
                if item.is_empty() || item.starts_with('#') {
                    self.found(Found::Nothing);
                    return Some(());
                }
                column += content.len() - item.len();
                content = item;
            } else if let Some((key, value)) = key(content) {
                self.key(column, key)?;
                if value.is_empty() || value.starts_with('#') {
                    self.found(Found::Nothing);
                    return Some(());
                }
                return self.scalar(value);
            } else {
                // A scalar at the place of a key would have to be one.
                self.levels.last().filter(|level| level.column < column)?;
                return self.scalar(content);
            }
        }
    }

    /// A dash: the next item of the sequence there, or the first of a new one.
    fn dash(&mut self, column: usize) -> Option<()> {
        match self.levels.last_mut() {
            Some(level) if level.column == column => {
                let may = level.key.is_none() || level.waits || level.dashes;
                level.dashes = level.key.is_some();
                level.waits = true;
                may.then_some(())
            }
            _ => self.open(Level { column, key: None, waits: true, dashes: false }),
        }
    }

    /// A key: the next of the mapping there, or the first of a new one.
    fn key(&mut self, column: usize, key: &'t str) -> Option<()> {
        let level = Level { column, key: Some(key), waits: true, dashes: false };
        match self.levels.last_mut() {
            Some(open) if open.column == column => {
                open.key?;
                *open = level;
                Some(())
            }
            _ => self.open(level),
        }
    }

    fn open(&mut self, level: Level<'t>) -> Option<()> {
        if let Some(outer) = self.levels.last_mut() {
            if !outer.waits {
                return None;
            }
            outer.waits = false;
        }
        self.levels.push(level);
        (self.levels.len() < DEPTH).then_some(())
    }

    fn found(&mut self, found: Found<'t>) {
        (self.see)(&self.levels, found);
    }

    /// A value, and the lines on which it goes on.
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
                self.quoted(&value[1..], quote, outer)?;
                Found::Scalar
            }
            b'|' | b'>' => {
                matches!(&bytes[1..], b"" | b"-" | b"+").then_some(())?;
                self.block(outer)?;
                Found::Scalar
            }
            b'{' | b'[' => {
                let value = without_comment(value).unwrap_or(value);
                (value == "{}" || is_list(value)).then_some(())?;
                Found::Flow
            }
            first => {
                let begins = first.is_ascii_alphanumeric()
                    || b"_/.$+(<~^;\\=".contains(&first)
                    || first == b'-' && bytes.get(1).is_some_and(|next| *next != b' ')
                    || first >= 0x80;
                let alone = without_comment(value);
                (begins && is_plain(alone.unwrap_or(value))).then_some(())?;
                match (self.goes_on(outer)?, alone) {
                    (false, _) => Found::Plain(alone.unwrap_or(value)),
                    (true, None) => Found::Scalar,
                    // A comment ends a scalar.
                    (true, Some(_)) => return None,
                }
            }
        };
        self.found(found);
        Some(())
    }

    /// The lines on which a plain scalar goes on; whether there are any.
    fn goes_on(&mut self, outer: usize) -> Option<bool> {
        let mut any = false;
        while let Some(line) = self.further(outer)? {
            (!line.starts_with('#') && is_plain(line)).then_some(())?;
            any = true;
        }
        Some(any)
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

    /// A quoted scalar behind its first quote; nothing may stand behind the last one.
    fn quoted(&mut self, mut rest: &'t str, quote: u8, outer: usize) -> Option<()> {
        loop {
            match closing(rest.as_bytes(), quote)? {
                Some(end) => {
                    let behind = &rest[end + 1..];
                    return (behind.is_empty() || without_comment(behind) == Some("")).then_some(());
                }
                None => rest = self.further(outer)??,
            }
        }
    }

    /// The lines of a block scalar.
    fn block(&mut self, outer: usize) -> Option<()> {
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
        Some(())
    }
}

fn indent(line: &str) -> usize {
    line.bytes().take_while(|byte| *byte == b' ').count()
}

/// Whether there are but letters that all readers take for such: no control characters, no line breaks of YAML 1.1.
fn is_printable(text: &str, tabs: bool) -> bool {
    // Without a branch, so that many bytes are looked at in one step.
    if text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~')) {
        return true;
    }
    text.chars().all(|letter| match letter {
        '\t' => tabs,
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        _ => matches!(letter, ' '..='~' | '\u{a0}'..='\u{fffd}'),
    })
}

/// Whether a plain scalar, or a line of one, has nothing in it that would end it.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr_iter(b':', bytes).all(|at| bytes.get(at + 1).is_some_and(|next| *next != b' '))
        && memchr_iter(b'#', bytes).all(|at| at > 0 && bytes[at - 1] != b' ')
}

/// Where a quoted scalar ends on a line, if it does; none at all for escapes that not every reader knows.
fn closing(line: &[u8], quote: u8) -> Option<Option<usize>> {
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            b'\\' if quote == b'"' => {
                matches!(line.get(at + 1), None | Some(b'"' | b'\\' | b'n' | b't')).then_some(())?;
                at += 1;
            }
            b'\'' if quote == b'\'' && line.get(at + 1) == Some(&b'\'') => at += 1,
            byte if byte == quote => return Some(Some(at)),
            _ => {}
        }
        at += 1;
    }
    Some(None)
}

/// A key and what stands behind its colon.
fn key(content: &str) -> Option<(&str, &str)> {
    let bytes = content.as_bytes();
    let (key, end) = match bytes[0] {
        quote @ (b'"' | b'\'') => {
            let end = 1 + memchr(quote, &bytes[1..])?;
            (&content[1..end], end + 1)
        }
        first if first.is_ascii_alphanumeric() || b"_/.$".contains(&first) => {
            let in_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_/.$-".contains(byte);
            let end = bytes.iter().take_while(|byte| in_key(byte)).count();
            (&content[..end], end)
        }
        _ => return None,
    };
    let value = content[end..].strip_prefix(':')?;
    let plain = key.len() < 512 && !key.contains('\\') && (value.is_empty() || value.starts_with(' '));
    plain.then(|| (key, value.trim_start_matches(' ')))
}

/// A value of one line without the comment behind it, if there is one.
fn without_comment(value: &str) -> Option<&str> {
    let at = memchr_iter(b'#', value.as_bytes()).find(|at| *at > 0 && value.as_bytes()[at - 1] == b' ')?;
    Some(value[..at].trim_end_matches(' '))
}

/// Whether this is a flow sequence of words, quoted or not: `["get", list]`.
fn is_list(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else { return false };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.".contains(&byte);
    let is_quoted = |byte: u8| is_word(byte) || b" *-:=@+$(){}".contains(&byte);
    let inner = inner.trim_matches(' ');
    inner.is_empty()
        || inner.split(',').all(|item| match item.trim_matches(' ').as_bytes() {
            [b'"', word @ .., b'"'] | [b'\'', word @ .., b'\''] => word.iter().all(|byte| is_quoted(*byte)),
            word => {
                let word = word.strip_prefix(b"-").unwrap_or(word);
                word.first().is_some_and(|first| is_word(*first))
                    && word.iter().all(|byte| is_word(*byte) || *byte == b'-')
            }
        })
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
            "a: b # c\nd: 'e'   # f: g\nh: [i, 'j k', -l, m-n] # l\nm: # n\n  - o\n  - # p\n    q\n",
            "a: b\r\nc: |\r\n  d\r\n  e",
        ] {
            assert!(is_obvious(text), "{text}");
        }
    }

    #[test]
    fn what_needs_a_parser_is_not() {
        for text in [
            "a: &b c\n",
            "a: *b\n",
            "a: !!str b\n",
            "a: {b: c}\n",
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
                "metadata.annotations.b/c Scalar",
                "spec Nothing",
                "spec Plain(\"e\")",
            ]
        );
    }
}
