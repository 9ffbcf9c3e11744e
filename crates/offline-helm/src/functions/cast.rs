//! Numbers out of any value, as Sprig casts them: what is no number is zero, never an error.
//!
//! Numbers in texts are read as Go reads them: with prefixes and underscores.

use super::instant::Named;
use crate::value::{IntKind, Value};

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotANumber {
    /// It is written otherwise.
    Syntax,
    /// It is too large; the nearest number that there is.
    Range(i64),
}

/// `int` and `int64`.
pub(super) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(_, IntKind::Duration) => 0,
        Value::Int(number, _) => *number,
        Value::Float(number) => float_to_int(*number),
        Value::Str(text) => parse_int(without_zero_decimals(text.as_bytes()), 0).unwrap_or(0),
        Value::Bool(truth) => i64::from(*truth),
        value => Named::of(value).map_or(0, |named| named.number),
    }
}

/// `float64`.
pub(super) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Int(_, IntKind::Duration) => 0.0,
        Value::Int(number, IntKind::Uint64) => *number as u64 as f64,
        Value::Int(number, _) => *number as f64,
        Value::Float(number) => *number,
        Value::Str(text) => parse_float(text.as_bytes()).unwrap_or(0.0),
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        value => Named::of(value).map_or(0.0, |named| named.number as f64),
    }
}

/// As the processor converts: what does not fit becomes the smallest number.
pub(super) fn float_to_int(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

/// `2.00` counts as `2`.
fn without_zero_decimals(text: &[u8]) -> &[u8] {
    let digits = text.iter().rposition(|&byte| byte != b'0').map_or(0, |at| at + 1);
    match text[..digits].split_last() {
        Some((b'.', whole)) if digits < text.len() => whole,
        _ => text,
    }
}

/// `strconv.ParseInt` to 64 bits. With base 0, prefixes tell the base and underscores may stand between digits.
pub(super) fn parse_int(text: &[u8], base: u32) -> Result<i64, NotANumber> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return Err(NotANumber::Syntax);
    }
    let (radix, number) = if base == 0 { prefix(digits) } else { (base, digits) };
    let mut value: Option<u64> = Some(0);
    let mut underscores = false;
    for &byte in number {
        if byte == b'_' && base == 0 {
            underscores = true;
            continue;
        }
        let digit = (byte as char).to_digit(radix).ok_or(NotANumber::Syntax)?;
        value = value.and_then(|value| value.checked_mul(radix.into())?.checked_add(digit.into()));
    }
    if underscores && !underscores_separate(digits) {
        return Err(NotANumber::Syntax);
    }
    let limit = 1_u64 << 63;
    match value {
        Some(value) if negative && value <= limit => Ok((value as i64).wrapping_neg()),
        Some(value) if !negative && value < limit => Ok(value as i64),
        _ => Err(NotANumber::Range(if negative { i64::MIN } else { i64::MAX })),
    }
}

fn prefix(digits: &[u8]) -> (u32, &[u8]) {
    match digits {
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (2, rest),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (8, rest),
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (16, rest),
        [b'0', rest @ ..] => (8, rest),
        digits => (10, digits),
    }
}

/// Whether every underscore stands between digits, a prefix counting as one.
fn underscores_separate(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let prefixed = matches!(text, [b'0', b'b' | b'B' | b'o' | b'O' | b'x' | b'X', ..]);
    let hex = matches!(text, [b'0', b'x' | b'X', ..]);
    let (mut digit, mut underscore) = (prefixed, false);
    for &byte in if prefixed { &text[2..] } else { text } {
        match byte {
            b'_' if !digit => return false,
            b'_' => (digit, underscore) = (false, true),
            _ if byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit() => {
                (digit, underscore) = (true, false)
            }
            _ if underscore => return false,
            _ => digit = false,
        }
    }
    !underscore
}

/// `strconv.ParseFloat`; `None`: an error.
pub(super) fn parse_float(text: &[u8]) -> Option<f64> {
    let (sign, unsigned) = match text.split_first() {
        Some((b'-', rest)) => (-1.0, rest),
        Some((b'+', rest)) => (1.0, rest),
        _ => (1.0, text),
    };
    let signed = unsigned.len() < text.len();
    match unsigned.to_ascii_lowercase().as_slice() {
        b"inf" | b"infinity" => return Some(sign * f64::INFINITY),
        b"nan" if !signed => return Some(f64::NAN),
        _ => {}
    }
    if unsigned.contains(&b'_') && !underscores_separate(unsigned) {
        return None;
    }
    let plain: String = unsigned.iter().filter(|&&byte| byte != b'_').map(|&byte| byte as char).collect();
    if plain.starts_with("0x") || plain.starts_with("0X") {
        return hexadecimal(&plain[2..]).map(|number| sign * number);
    }
    let written = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    if !plain.as_bytes().iter().all(written) || plain.starts_with(['+', '-']) {
        return None;
    }
    plain.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| sign * number)
}

/// `1.8p3`, after its prefix.
fn hexadecimal(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa: u64 = 0;
    let mut shift: i64 = 0;
    for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16)?);
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            shift -= if at >= whole.len() { 4 } else { 0 };
        } else {
            // What no longer fits only decides how the rest is rounded.
            mantissa |= u64::from(digit != 0);
            shift += if at >= whole.len() { 0 } else { 4 };
        }
    }
    let exponent = exponent.saturating_add(shift).clamp(-5_000, 5_000) as i32;
    // In two steps, so that neither leaves the range alone.
    let number = mantissa as f64 * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2);
    number.is_finite().then_some(number)
}
