//! Documents at their markers, and the little that can be told of one without parsing it.
//!
//! A slice runs from its marker line to the next one and holds at most one document. The head (top-level
//! `apiVersion` and `kind` of an ordinary block mapping) lets the caller dismiss most documents of a repository
//! at memory speed; where a head cannot be told with certainty it is `None` and the caller parses.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use serde::de::IgnoredAny;

use super::span::Span;

/// One part of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// From the marker line (or the start of the file) to the next marker line (or the end).
    pub span: Span,
    /// Position among the documents of the file as a YAML loader counts them, from 0.
    pub document: usize,
}

/// The documents of `text`, each with the directives (`%YAML`) before its marker.
pub fn split(text: &str) -> Vec<Slice> {
    let mut slices = Vec::new();
    let mut document = 0;
    let mut start = 0;
    let mut explicit = false;
    for (at, starts) in markers(text) {
        if !explicit && starts && is_directive(&text[start..at]) {
            explicit = true;
            continue;
        }
        push(text, Span::new(start, at), explicit, &mut document, &mut slices);
        // A `...` line ends a document; what follows is a document only if it has content.
        start = if starts { at } else { next_line(text, at) };
        explicit = starts;
    }
    push(text, Span::new(start, text.len()), explicit, &mut document, &mut slices);
    slices
}

fn push(text: &str, span: Span, explicit: bool, document: &mut usize, slices: &mut Vec<Slice>) {
    if explicit || first_content(span.of(text)).is_some() {
        slices.push(Slice { span, document: *document });
        *document += 1;
    }
}

/// Offsets of marker lines and whether each starts (`---`) or ends (`...`) a document.
fn markers(text: &str) -> impl Iterator<Item = (usize, bool)> {
    let bytes = text.as_bytes();
    let first = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let is_marker = move |at: usize| {
        let starts = bytes[at..].starts_with(b"---");
        let marker = starts || bytes[at..].starts_with(b"...");
        let ends = bytes.get(at + 3).is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        (marker && ends).then_some((at, starts))
    };
    let dashes = memmem::find_iter(bytes, b"\n---").map(|at| at + 1);
    let dots = memmem::find_iter(bytes, b"\n...").map(|at| at + 1);
    let mut later: Vec<_> = dots.filter_map(is_marker).collect();
    let mut all: Vec<_> = is_marker(first).into_iter().chain(dashes.filter_map(is_marker)).collect();
    if !later.is_empty() {
        all.append(&mut later);
        all.sort_unstable();
    }
    all.into_iter()
}

/// Whether the text before a marker holds directives: no content can begin with their sign.
fn is_directive(text: &str) -> bool {
    first_content(text).is_some_and(|at| text.as_bytes()[at] == b'%')
}

fn next_line(text: &str, at: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |end| at + end + 1)
}

/// Offset of the first byte that is neither blank nor comment nor the `---` of a marker line.
pub fn first_content(slice: &str) -> Option<usize> {
    let bytes = slice.as_bytes();
    let mut at = if slice.starts_with('\u{feff}') { 3 } else { 0 };
    if bytes[at..].starts_with(b"---") && bytes.get(at + 3).is_none_or(u8::is_ascii_whitespace) {
        at += 3;
    }
    loop {
        match bytes.get(at)? {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'#' => at += memchr::memchr(b'\n', &bytes[at..])?,
            _ => return Some(at),
        }
    }
}

/// Top-level `apiVersion` and `kind` of a document whose root is an ordinary block mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'t> {
    /// Value of `apiVersion`, empty when the key is missing.
    pub api_version: &'t str,
    /// Value of `kind`.
    pub kind: &'t str,
}

/// Reads the head of a slice, or `None` when only a parser could: no `kind` at the first column, flow style,
/// quoted keys, anchors, a key given twice.
pub fn head(slice: &str) -> Option<Head<'_>> {
    let first = *slice.as_bytes().get(first_content(slice)?)?;
    // A root in flow style, a quoted or block scalar, a property, an alias or a complex key decides otherwise.
    if matches!(first, b'{' | b'[' | b'"' | b'\'' | b'|' | b'>' | b'&' | b'*' | b'!' | b'?' | b'-') {
        return None;
    }
    let kind = KIND.value(slice)?;
    let api_version = API_VERSION.value(slice);
    if api_version.is_none() && memmem::find(slice.as_bytes(), b"apiVersion").is_some() {
        return None;
    }
    Some(Head { api_version: api_version.unwrap_or_default(), kind })
}

/// A key at the first column, with the line break before it: made ready once, for most documents are so small that this takes
/// longer than the search.
struct TopLevel(LazyLock<Finder<'static>>);

static KIND: TopLevel = TopLevel(LazyLock::new(|| Finder::new("\nkind:")));
static API_VERSION: TopLevel = TopLevel(LazyLock::new(|| Finder::new("\napiVersion:")));

impl TopLevel {
    /// The plain or simply quoted value of the key, when it stands there once.
    fn value<'t>(&self, slice: &'t str) -> Option<&'t str> {
        let key = &self.0.needle()[1..];
        let bytes = slice.as_bytes();
        let start = if slice.starts_with('\u{feff}') { 3 } else { 0 };
        let at_start = bytes[start..].starts_with(key).then_some(start);
        let mut found = at_start.into_iter().chain(self.0.find_iter(bytes).map(|at| at + 1));
        let start = found.next()? + key.len();
        if found.next().is_some() {
            return None;
        }
        let line =
            &slice[start..memchr::memchr(b'\n', &bytes[start..]).map_or(slice.len(), |end| start + end)];
        if !line.starts_with([' ', '\t']) {
            return None;
        }
        let value = line.split_once(" #").map_or(line, |(value, _)| value).trim();
        let value = match value.as_bytes() {
            [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] if !inner.is_empty() => {
                &value[1..=inner.len()]
            }
            _ => value,
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-' | b'_');
        // A plain scalar may go on in the next line, further in; `kind` and `apiVersion` of real objects never do.
        let rest = &slice[start + line.len()..];
        let goes_on = rest.strip_prefix('\n').is_some_and(|rest| rest.starts_with([' ', '\t']));
        (!value.is_empty() && value.bytes().all(plain) && !goes_on).then_some(value)
    }
}

/// Whether a document whose head cannot be told has no `kind` at its top for certain: JSON without that key, or a block mapping
/// without a line that could bring it.
pub fn lacks_kind(slice: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Root {
        kind: Option<IgnoredAny>,
    }
    let Some(start) = first_content(slice) else { return true };
    let content = &slice[start..];
    match content.as_bytes()[0] {
        b'{' => serde_json::from_str(content).is_ok_and(|root: Root| root.kind.is_none()),
        b'[' => serde_json::from_str::<IgnoredAny>(content).is_ok(),
        first if may_bring_kind(content) || first == b'%' => false,
        // Keys of the root stand at the column of the first one, which has to be the first column.
        _ => {
            let starts_line = matches!(slice.as_bytes()[..start], [] | [.., b'\n'] | [0xEF, 0xBB, 0xBF]);
            let mut lines = memchr::memchr2_iter(b'\n', b'\r', content.as_bytes());
            starts_line && !lines.any(|at| may_bring_kind(&content[at + 1..]))
        }
    }
}

/// Whether `line` can be the beginning of a pair of the root whose key is `kind`, as it is, quoted, escaped, tagged, anchored,
/// aliased or merged.
fn may_bring_kind(line: &str) -> bool {
    line.starts_with("kind") || line.starts_with(['"', '\'', '?', '!', '&', '*', '<', '{', '[', '|', '>'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(&str, usize)> {
        split(text).into_iter().map(|slice| (slice.span.of(text), slice.document)).collect()
    }

    #[test]
    fn documents_are_counted_as_a_loader_counts_them() {
        assert_eq!(parts("a: 1\n---\nb: 2\n"), [("a: 1\n", 0), ("---\nb: 2\n", 1)]);
        assert_eq!(parts("# licence\n---\na: 1\n"), [("---\na: 1\n", 0)]);
        assert_eq!(parts("---\n---\na: 1"), [("---\n", 0), ("---\na: 1", 1)]);
        assert_eq!(parts("a: 1\n...\n# between\n--- # x\nb: 2\n"), [("a: 1\n", 0), ("--- # x\nb: 2\n", 1)]);
        assert_eq!(parts("a: 1\n...\nb: 2\n"), [("a: 1\n", 0), ("b: 2\n", 1)]);
        assert_eq!(parts("a: |\n  ---\n----\n"), [("a: |\n  ---\n----\n", 0)]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn crlf_markers_and_a_byte_order_mark() {
        assert_eq!(parts("\u{feff}---\r\na: 1\r\n---\r\nb: 1"), [("---\r\na: 1\r\n", 0), ("---\r\nb: 1", 1)]);
    }

    #[test]
    fn directives_belong_to_the_document_behind_them() {
        assert_eq!(
            parts("# c\n%YAML 1.1\n---\na: 1\n---\nb: 1\n...\n%TAG ! x\n---\nc: 1\n"),
            [("# c\n%YAML 1.1\n---\na: 1\n", 0), ("---\nb: 1\n", 1), ("%TAG ! x\n---\nc: 1\n", 2)]
        );
        assert_eq!(parts("%YAML 1.1\n---\n...\n%x"), [("%YAML 1.1\n---\n", 0), ("%x", 1)]);
    }

    #[test]
    fn heads_of_ordinary_documents() {
        let head = |text| head(text).map(|head| (head.api_version, head.kind));
        assert_eq!(
            head("---\napiVersion: apps/v1 # x\nkind: Deployment\nspec: {}\n"),
            Some(("apps/v1", "Deployment"))
        );
        assert_eq!(head("kind: 'Pod'\r\napiVersion: \"v1\"\r\n"), Some(("v1", "Pod")));
        assert_eq!(head("spec:\n  kind: Inner\nkind: Outer\napiVersion: v1"), Some(("v1", "Outer")));
        assert_eq!(head("{kind: Pod}"), None);
        assert_eq!(head("'kind': Pod\n"), None);
        assert_eq!(head("kind: Pod\nkind: Job\n"), None);
        assert_eq!(head("kind: &k Pod\n"), None);
        assert_eq!(head("kind:\n  Pod\n"), None);
        assert_eq!(head("a: 1\n"), None);
        assert_eq!(head("kind: Pod\n\"apiVersion\": v1\n"), None);
    }

    #[test]
    fn a_kind_is_missed_only_where_none_can_be() {
        for text in [
            "",
            "# kind: Pod\n",
            "name: x\n\nspec:\n  kind: Pod\n- a\n",
            "\u{feff}a: 1\r\nb: 2\r\n",
            "---\n# c\na: |\n kind: Pod\n",
            "{\"spec\": {\"kind\": \"Pod\"}}\n",
            "--- [{\"kind\": \"Pod\"}]",
        ] {
            assert!(lacks_kind(text), "{text}");
        }
        for text in [
            "a: 1\nkind: Pod\n",
            "a: 1\rkind: Pod\n",
            "a: 1\nkind : Pod\n",
            "a: 1\n\"k\\u0069nd\": Pod\n",
            "a: 1\n? kind\n: Pod\n",
            "a: &a {kind: Pod}\n<<: *a\n",
            "a: &k kind\n*k : Pod\n",
            "  a: 1\n  kind: Pod\n",
            "--- !!map\na: 1\n",
            "%YAML 1.2\n---\n  kind: Pod\n",
            "{\"k\\u0069nd\": \"Pod\"}",
            "{kind: Pod}",
            "{\"a\": 1}\nkind: Pod\n",
            "[a]: 1\nkind: Pod\n",
        ] {
            assert!(!lacks_kind(text), "{text}");
        }
    }
}
