//! What Go's `unicode` says of a letter: what kind it is of, and its other case.
//!
//! The kinds are Unicode's general categories as of the version that Go knows; the standard library knows other properties, and newer
//! letters.

use regex_syntax::hir::{Class, HirKind};
use std::borrow::Cow;
use std::sync::OnceLock;

/// The first letter and its length; a byte that begins none is the replacement character.
pub(super) fn first(text: &[u8]) -> Option<(char, usize)> {
    let byte = *text.first()?;
    if byte.is_ascii() {
        return Some((char::from(byte), 1));
    }
    let chunk = text[..text.len().min(4)].utf8_chunks().next()?;
    Some(
        chunk
            .valid()
            .chars()
            .next()
            .map_or((char::REPLACEMENT_CHARACTER, 1), |letter| (letter, letter.len_utf8())),
    )
}

/// The last letter and its length, likewise.
pub(super) fn last(text: &[u8]) -> Option<(char, usize)> {
    let from = text.len().saturating_sub(4);
    let start = (from..text.len()).rev().find(|at| text[*at] & 0xc0 != 0x80).unwrap_or(from);
    match first(text.get(start..)?) {
        Some((letter, size)) if start + size == text.len() => Some((letter, size)),
        found => found.map(|_| (char::REPLACEMENT_CHARACTER, 1)),
    }
}

/// The text of bytes; every byte that is part of no letter becomes a replacement character.
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(out)
}

/// Letters that have something in common.
struct Kind {
    expression: &'static str,
    ranges: OnceLock<Vec<(char, char)>>,
}

impl Kind {
    const fn new(expression: &'static str) -> Kind {
        Kind { expression, ranges: OnceLock::new() }
    }

    fn has(&self, letter: char) -> bool {
        let ranges = self.ranges.get_or_init(|| {
            let expression = format!(r"[{}&&\p{{Age:15.0}}]", self.expression);
            match regex_syntax::parse(&expression).map(regex_syntax::hir::Hir::into_kind) {
                Ok(HirKind::Class(Class::Unicode(class))) => {
                    class.ranges().iter().map(|range| (range.start(), range.end())).collect()
                }
                _ => Vec::new(),
            }
        });
        let after = ranges.partition_point(|(start, _)| *start <= letter);
        after.checked_sub(1).is_some_and(|at| letter <= ranges[at].1)
    }
}

/// `unicode.IsPrint`, and `strconv.IsPrint` with it.
pub(super) fn is_print(letter: char) -> bool {
    static KIND: Kind = Kind::new(r"\p{L}\p{M}\p{N}\p{P}\p{S}\x20");
    if letter.is_ascii() { matches!(letter, ' '..='~') } else { KIND.has(letter) }
}

/// `unicode.IsLetter`
pub(crate) fn is_letter(letter: char) -> bool {
    static KIND: Kind = Kind::new(r"\p{L}");
    if letter.is_ascii() { letter.is_ascii_alphabetic() } else { KIND.has(letter) }
}

/// `unicode.IsNumber`
pub(super) fn is_number(letter: char) -> bool {
    static KIND: Kind = Kind::new(r"\p{N}");
    if letter.is_ascii() { letter.is_ascii_digit() } else { KIND.has(letter) }
}

/// `unicode.IsDigit`
pub(crate) fn is_digit(letter: char) -> bool {
    static KIND: Kind = Kind::new(r"\p{Nd}");
    if letter.is_ascii() { letter.is_ascii_digit() } else { KIND.has(letter) }
}

/// `unicode.IsPunct`
pub(super) fn is_punctuation(letter: char) -> bool {
    static KIND: Kind = Kind::new(r"\p{P}");
    KIND.has(letter)
}

/// `unicode.IsUpper`
pub(super) fn is_upper(letter: char) -> bool {
    static KIND: Kind = Kind::new(r"\p{Lu}");
    if letter.is_ascii() { letter.is_ascii_uppercase() } else { KIND.has(letter) }
}

/// `unicode.IsLower`
pub(super) fn is_lower(letter: char) -> bool {
    static KIND: Kind = Kind::new(r"\p{Ll}");
    if letter.is_ascii() { letter.is_ascii_lowercase() } else { KIND.has(letter) }
}

/// `unicode.IsTitle`
pub(super) fn is_title(letter: char) -> bool {
    static KIND: Kind = Kind::new(r"\p{Lt}");
    KIND.has(letter)
}

/// Whether Go knows the letter at all.
fn is_known(letter: char) -> bool {
    static KIND: Kind = Kind::new(r"\p{Any}");
    letter.is_ascii() || KIND.has(letter)
}

/// A letter's other case, if Go knows both.
fn known(letter: char, other: char) -> char {
    if other == letter || is_known(letter) && is_known(other) { other } else { letter }
}

/// `unicode.ToUpper`
pub(super) fn upper(letter: char) -> char {
    let mut mapped = letter.to_uppercase();
    match (mapped.next(), mapped.next(), letter) {
        (Some(one), None, _) => known(letter, one),
        // Two letters where all of Unicode is asked; Go has the one with the iota below.
        (_, _, '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}') => {
            char::from_u32(u32::from(letter) + 8).unwrap_or(letter)
        }
        (_, _, '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}') => {
            char::from_u32(u32::from(letter) + 9).unwrap_or(letter)
        }
        _ => letter,
    }
}

/// `unicode.ToLower`
pub(super) fn lower(letter: char) -> char {
    match letter {
        // With a dot above in all of Unicode, without one in Go.
        '\u{130}' => 'i',
        _ => known(letter, letter.to_lowercase().next().unwrap_or(letter)),
    }
}

/// `unicode.ToTitle`
pub(super) fn title(letter: char) -> char {
    match letter {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian, which has capitals only where all is capital.
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => letter,
        _ => upper(letter),
    }
}
