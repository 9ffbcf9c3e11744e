//! `strconv.Quote` and its kin: texts and letters in quotes, with Go's escapes.

use super::super::letters::is_print;
use std::fmt::Write as _;

/// `strconv.Quote`; with `ascii` nothing above ASCII stays as it is.
pub(crate) fn quote(text: &[u8], ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|letter| quote_letter(letter, '"', ascii, &mut out));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

/// One letter of what stands between such quotes.
pub(super) fn quote_letter(letter: char, around: char, ascii: bool, out: &mut String) {
    let code = u32::from(letter);
    let _ = match letter {
        '\\' => write!(out, "\\\\"),
        _ if letter == around => write!(out, "\\{letter}"),
        '\u{7}' => write!(out, "\\a"),
        '\u{8}' => write!(out, "\\b"),
        '\u{c}' => write!(out, "\\f"),
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        '\t' => write!(out, "\\t"),
        '\u{b}' => write!(out, "\\v"),
        _ if code < 0x20 || code == 0x7f => write!(out, "\\x{code:02x}"),
        ' '..='~' => write!(out, "{letter}"),
        _ if !ascii && is_print(letter) => write!(out, "{letter}"),
        _ if code < 0x10000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// `strconv.CanBackquote`
pub(super) fn can_be_raw(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        !text
            .chars()
            .any(|letter| matches!(letter, '`' | '\u{feff}' | '\u{7f}') || (letter < ' ' && letter != '\t'))
    })
}
