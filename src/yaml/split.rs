//! Documents at their markers, and the little that can be told of one without parsing it.
//!
//! A slice runs from its marker line to the next one and holds at most one document. The head (top-level
//! `apiVersion` and `kind` of an ordinary block mapping) lets the caller dismiss most documents of a repository
//! at memory speed; where a head cannot be told with certainty it is `None` and the caller parses.

use memchr::memmem;

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
    let kind = top_level(slice, "kind:")?;
    let api_version = top_level(slice, "apiVersion:");
    if api_version.is_none() && memmem::find(slice.as_bytes(), b"apiVersion").is_some() {
        return None;
    }
    Some(Head { api_version: api_version.unwrap_or_default(), kind })
}

/// The plain or simply quoted value of a key that stands once at the first column.
fn top_level<'t>(slice: &'t str, key: &str) -> Option<&'t str> {
    let bytes = slice.as_bytes();
    let mut found = None;
    let start = if slice.starts_with('\u{feff}') { 3 } else { 0 };
    let at_start = bytes[start..].starts_with(key.as_bytes()).then_some(start);
    let lines = memmem::find_iter(bytes, key.as_bytes()).filter(|&at| at > 0 && bytes[at - 1] == b'\n');
    for at in at_start.into_iter().chain(lines) {
        if found.replace(at + key.len()).is_some() {
            return None;
        }
    }
    let start = found?;
    let line = &slice[start..memchr::memchr(b'\n', &bytes[start..]).map_or(slice.len(), |end| start + end)];
    if !line.starts_with([' ', '\t']) {
        return None;
    }
    let value = line.split_once(" #").map_or(line, |(value, _)| value).trim();
    let value = match value.as_bytes() {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] if !inner.is_empty() => &value[1..=inner.len()],
        _ => value,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-' | b'_');
    // A plain scalar may go on in the next line, further in; `kind` and `apiVersion` of real objects never do.
    let rest = &slice[start + line.len()..];
    let goes_on = rest.strip_prefix('\n').is_some_and(|rest| rest.starts_with([' ', '\t']));
    (!value.is_empty() && value.bytes().all(plain) && !goes_on).then_some(value)
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
}
