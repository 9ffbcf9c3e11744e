//! Texts and whole numbers with their flags: sign, prefix, precision and padding.

use super::super::bounds::{MOST_BYTES, too_long};
use super::super::letters;
use super::quote::{can_be_raw, quote, quote_letter};
use crate::float::float;

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%#v`
    pub(super) go_syntax: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

/// What is written, and how.
#[derive(Default)]
pub(super) struct Format {
    pub(super) out: Vec<u8>,
    pub(super) flags: Flags,
}

impl Format {
    /// Writes as it is.
    pub(super) fn write(&mut self, text: &[u8]) -> Result<(), String> {
        self.check(text.len())?;
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), String> {
        if self.out.len().saturating_add(more) > MOST_BYTES { Err(too_long()) } else { Ok(()) }
    }

    /// Fills with zeros only to the left.
    fn fill(&mut self, count: usize) -> Result<(), String> {
        self.check(count)?;
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.resize(self.out.len() + count, byte);
        Ok(())
    }

    /// Writes with as many fillers as the width wants, which counts letters.
    pub(super) fn pad(&mut self, text: &[u8]) -> Result<(), String> {
        let Some(width) = self.flags.width.filter(|width| *width > 0) else { return self.write(text) };
        let missing = width.saturating_sub(count(text));
        if !self.flags.minus {
            self.fill(missing)?;
        }
        self.write(text)?;
        if self.flags.minus {
            self.fill(missing)?;
        }
        Ok(())
    }

    /// Where zeros have no meaning, or have been written already.
    fn pad_with_spaces(&mut self, text: &[u8]) -> Result<(), String> {
        let zero = std::mem::take(&mut self.flags.zero);
        let result = self.pad(text);
        self.flags.zero = zero;
        result
    }

    /// `U+0078`, with `#` also `'x'`.
    pub(super) fn unicode(&mut self, number: u64) -> Result<(), String> {
        let precision = self.flags.precision.unwrap_or(0).max(4);
        self.check(precision)?;
        let mut text = String::from("U+");
        zeros_before(&mut text, &format!("{number:X}"), precision);
        let letter = u32::try_from(number).ok().and_then(char::from_u32);
        if let Some(letter) = letter.filter(|letter| self.flags.sharp && letters::is_print(*letter)) {
            text.push_str(&format!(" '{letter}'"));
        }
        self.pad_with_spaces(text.as_bytes())
    }

    /// A whole number. `verb` is `d`, `b`, `o`, `O`, `x` or `X`.
    pub(super) fn integer(&mut self, negative: bool, size: u64, verb: char) -> Result<(), String> {
        let flags = self.flags;
        let sign = match (negative, flags.plus, flags.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let digits = match flags.precision {
            Some(0) if size == 0 => {
                return self.pad_with_spaces(b"");
            }
            Some(precision) => precision,
            None if flags.zero && !flags.minus => flags.width.unwrap_or(0).saturating_sub(sign.len()),
            None => 0,
        };
        self.check(digits)?;
        let plain = match verb {
            'b' => format!("{size:b}"),
            'o' | 'O' => format!("{size:o}"),
            'x' => format!("{size:x}"),
            'X' => format!("{size:X}"),
            _ => size.to_string(),
        };
        let mut number = String::new();
        zeros_before(&mut number, &plain, digits);
        let mut prefix = String::new();
        if verb == 'O' {
            prefix.push_str("0o");
        }
        if flags.sharp {
            match verb {
                'b' => prefix.push_str("0b"),
                'o' | 'O' if !number.starts_with('0') => prefix.push('0'),
                'x' => prefix.push_str("0x"),
                'X' => prefix.push_str("0X"),
                _ => {}
            }
        }
        self.pad_with_spaces(format!("{sign}{prefix}{number}").as_bytes())
    }

    /// A text, cut to the precision.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<(), String> {
        let text = self.cut(text);
        self.pad(text)
    }

    fn cut<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let Some(precision) = self.flags.precision else { return text };
        let mut at = 0;
        for _ in 0..precision {
            match letters::first(&text[at..]) {
                Some((_, size)) => at += size,
                None => break,
            }
        }
        &text[..at]
    }

    /// A text in quotes.
    pub(super) fn quoted(&mut self, text: &[u8]) -> Result<(), String> {
        let text = self.cut(text);
        self.check(text.len())?;
        if self.flags.sharp && can_be_raw(text) {
            return self.pad(&[b"`", text, b"`"].concat());
        }
        self.pad(quote(text, self.flags.plus).as_bytes())
    }

    /// The bytes of a text as hexadecimal digits.
    pub(super) fn hexadecimal(&mut self, text: &[u8], verb: char) -> Result<(), String> {
        let flags = self.flags;
        let text = &text[..text.len().min(flags.precision.unwrap_or(usize::MAX))];
        self.check(text.len().saturating_mul(5))?;
        let mut out = Vec::with_capacity(text.len() * 2 + 2);
        for (number, byte) in text.iter().enumerate() {
            if flags.space && number > 0 {
                out.push(b' ');
            }
            if flags.sharp && (number == 0 || flags.space) {
                out.extend_from_slice(if verb == 'x' { b"0x" } else { b"0X" });
            }
            let digits = if verb == 'x' { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
            out.extend([digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
        self.pad(&out)
    }

    /// The letter of a number.
    pub(super) fn letter(&mut self, number: u64) -> Result<(), String> {
        self.pad(letter(number).encode_utf8(&mut [0; 4]).as_bytes())
    }

    /// The letter of a number in quotes.
    pub(super) fn quoted_letter(&mut self, number: u64) -> Result<(), String> {
        let mut out = String::from("'");
        quote_letter(letter(number), '\'', self.flags.plus, &mut out);
        out.push('\'');
        self.pad(out.as_bytes())
    }

    /// A float. `verb` is one of `strconv`'s; the precision is what holds without one.
    pub(super) fn float(&mut self, number: f64, verb: char, precision: Option<usize>) -> Result<(), String> {
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        self.check(precision.unwrap_or(0))?;
        let text = float(number, verb, precision);
        let (sign, mut digits) = match text.as_bytes()[0] {
            b'-' => ('-', text[1..].to_owned()),
            _ if flags.space && !flags.plus => (' ', text.trim_start_matches('+').to_owned()),
            _ => ('+', text.trim_start_matches('+').to_owned()),
        };
        if !number.is_finite() {
            let bare = number.is_nan() && !flags.space && !flags.plus;
            // Go writes the plus of an infinity in any case.
            let text = if bare { digits } else { format!("{sign}{digits}") };
            return self.pad_with_spaces(text.as_bytes());
        }
        if flags.sharp && verb != 'b' {
            digits = with_point(&digits, verb, precision);
        }
        if !flags.plus && sign == '+' {
            return self.pad(digits.as_bytes());
        }
        if flags.zero && !flags.minus && flags.width.is_some_and(|width| width > digits.len() + 1) {
            self.write(&[sign as u8])?;
            self.fill(flags.width.unwrap_or(0).saturating_sub(digits.len() + 1))?;
            return self.write(digits.as_bytes());
        }
        self.pad(format!("{sign}{digits}").as_bytes())
    }
}

/// `#` wants a point, and the zeros that `%g` leaves away.
fn with_point(number: &str, verb: char, precision: Option<usize>) -> String {
    let wanted = if matches!(verb, 'g' | 'G' | 'x') { precision.unwrap_or(6) as i64 } else { 0 };
    let hexadecimal = matches!(verb, 'x' | 'X');
    let tail = number.find(|letter| match letter {
        'p' | 'P' => true,
        'e' | 'E' => !hexadecimal,
        _ => false,
    });
    let (digits, tail) = number.split_at(tail.unwrap_or(number.len()));
    let significant = digits.trim_start_matches(['0', '.']).bytes().filter(|byte| *byte != b'.').count();
    let mut missing = wanted - significant as i64;
    let mut out = digits.to_owned();
    if !digits.contains('.') {
        missing -= i64::from(digits == "0");
        out.push('.');
    }
    out.extend(std::iter::repeat_n('0', usize::try_from(missing).unwrap_or(0)));
    out.push_str(tail);
    out
}

fn letter(number: u64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn zeros_before(out: &mut String, digits: &str, width: usize) {
    out.extend(std::iter::repeat_n('0', width.saturating_sub(digits.len())));
    out.push_str(digits);
}

/// Letters of a text; a byte that is part of none counts as one.
fn count(text: &[u8]) -> usize {
    text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}
