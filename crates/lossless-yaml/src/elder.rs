//! What readers of YAML 1.1 make of a text: those of kubectl, kustomize, Flux and Argo CD, which descend from libyaml.
//!
//! They refuse some of what readers of 1.2 take (a line of a tab only, an empty key), and see line breaks where these see letters. A
//! file that they do not read reaches no cluster, so nothing is edited in it.

use crate::obvious;
use crate::split::split;
use serde::Deserialize as _;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Where such a reader gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Why, in the reader's words.
    pub reason: String,
}

/// Reads a text as libyaml does.
///
/// # Errors
/// The first place that it refuses.
pub fn read(text: &str) -> Result<(), Refused> {
    for slice in split(text) {
        let document = slice.span.of(text);
        if !obvious::read(document, &mut |_, _| {}) {
            parsed(document).map_err(|refused| {
                let before =
                    text.as_bytes()[..slice.span.start].iter().filter(|byte| **byte == b'\n').count();
                Refused { line: refused.line + before, ..refused }
            })?;
        }
    }
    Ok(())
}

/// Reads one document.
fn parsed(text: &str) -> Result<(), Refused> {
    // The mark at the beginning is taken off before any reader of theirs sees the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for document in serde_yaml::Deserializer::from_str(text) {
        if let Err(error) = IgnoredAny::deserialize(document) {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
            // What is about the content, and not about its form, is none of its business.
            if reason.contains("recursion limit") || reason.contains("repetition limit") {
                return Ok(());
            }
            return Err(Refused { line, column, reason });
        }
    }
    Ok(())
}

/// Reads what a type asks for out of the first document, and no more.
///
/// # Errors
/// The first place that such a reader refuses, or where the content is not what the type wants.
pub fn read_as<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_yaml::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let reason = error.to_string();
        Refused { line, column, reason: reason.split(" at line ").next().unwrap_or_default().to_owned() }
    })
}

/// The offset of the first line break of YAML 1.1 that newer readers take for a letter, outside of double quotes.
pub fn line_break(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_break = |at: &usize| {
        bytes[*at..].starts_with(&[0xC2, 0x85])
            || bytes[*at..].starts_with(&[0xE2, 0x80, 0xA8])
            || bytes[*at..].starts_with(&[0xE2, 0x80, 0xA9])
    };
    let is_outside =
        |at: &usize| double_quotes(&text[super::span::line_start(text, *at)..*at]).is_multiple_of(2);
    memchr::memchr2_iter(0xC2, 0xE2, bytes).filter(is_break).find(is_outside)
}

/// How many double quotes a line has that no backslash escapes.
fn double_quotes(line: &str) -> usize {
    let mut count = 0;
    let mut is_escaped = false;
    for byte in line.bytes() {
        match byte {
            b'\\' => is_escaped = !is_escaped,
            b'"' if !is_escaped => count += 1,
            _ => is_escaped = false,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_new_readers_take_is_refused() {
        for text in ["a: 1\n", "a: [1,\n\t\n2]\n", "a: &x 1\nb: *x\n---\nc: {}\n", "", "# only\n"] {
            assert_eq!(read(text), Ok(()), "{text}");
        }
        for text in [": x\n", "a: 1\n\t\nb: 2\n", "a:\n\t\n  b: 1\n", "a: x\u{2028}y\n"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn line_breaks_of_the_elders() {
        for (text, found) in [
            ("a: x\u{2028}y\n", true),
            ("a: 1 # x\u{85}b: 2\n", true),
            ("a: \"x\u{2029}y\"\n", false),
            ("a: \"x\\\"\u{2029}y\"\n", false),
            ("a: b\n", false),
        ] {
            assert_eq!(line_break(text).is_some(), found, "{text}");
        }
    }
}
