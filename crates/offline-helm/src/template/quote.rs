//! Go's quoted texts, as `strconv` reads and writes them.

/// Reads a quoted text with its quotes: `"…"` with escapes, or a raw one in backquotes. The result is bytes: `"\xff"` is one.
pub(super) fn unquote(quoted: &str) -> Option<Vec<u8>> {
    if let Some(raw) = quoted.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Some(raw.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let mut rest = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (piece, after) = unquote_char(rest, '"')?;
        match piece {
            Piece::Byte(byte) => out.push(byte),
            Piece::Char(letter) => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = after;
    }
    Some(out)
}

/// Reads a rune literal with its quotes.
pub(super) fn unquote_rune(quoted: &str) -> Option<i64> {
    let (piece, rest) = unquote_char(quoted.strip_prefix('\'')?, '\'')?;
    (rest == "'").then_some(match piece {
        Piece::Byte(byte) => i64::from(byte),
        Piece::Char(letter) => i64::from(u32::from(letter)),
    })
}

enum Piece {
    Byte(u8),
    Char(char),
}

fn unquote_char(text: &str, quote: char) -> Option<(Piece, &str)> {
    let mut letters = text.chars();
    let first = letters.next()?;
    if first == quote || first == '\n' {
        return None;
    }
    if first != '\\' {
        return Some((Piece::Char(first), letters.as_str()));
    }
    let kind = letters.next()?;
    let rest = letters.as_str();
    let simple = |letter: char| Some((Piece::Char(letter), rest));
    match kind {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        '\\' => simple('\\'),
        '\'' | '"' if kind == quote => simple(kind),
        'x' => {
            let (code, rest) = digits(rest, 2, 16)?;
            Some((Piece::Byte(u8::try_from(code).ok()?), rest))
        }
        'u' | 'U' => {
            let (code, rest) = digits(rest, if kind == 'u' { 4 } else { 8 }, 16)?;
            Some((Piece::Char(char::from_u32(code)?), rest))
        }
        '0'..='7' => {
            let (code, rest) = digits(&text[1..], 3, 8)?;
            Some((Piece::Byte(u8::try_from(code).ok()?), rest))
        }
        _ => None,
    }
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let (code, rest) = text.split_at_checked(count)?;
    let plain = code.chars().all(|digit| digit.is_digit(radix));
    Some((u32::from_str_radix(code, radix).ok().filter(|_| plain)?, rest))
}

/// Writes a text in quotes, as `%q` does.
pub(super) fn quote(text: &str) -> String {
    crate::functions::fmt::quote(text.as_bytes(), false)
}
