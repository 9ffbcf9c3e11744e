//! Number constants of templates, read as `strconv` reads Go's.

use super::node::Number;

/// Reads a number; the error is Go's.
pub(super) fn number(text: &str) -> Result<Number, String> {
    if text.ends_with('i') {
        return Err(format!("complex constants have no use here: {text}"));
    }
    let uint = parse_uint(text);
    let int = parse_int(text);
    let mut number = Number { text: text.to_owned(), int, uint, float: None };
    if number.int == Some(0) {
        // `-0` is an unsigned number too.
        number.uint = Some(0);
    }
    if let Some(int) = int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some(float) = parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", super::quote::quote(text)));
        }
        number.float = Some(float);
        number.int = ((float as i64) as f64 == float).then_some(float as i64);
        number.uint = ((float as u64) as f64 == float).then_some(float as u64);
    } else {
        return Err(format!("illegal number syntax: {}", super::quote::quote(text)));
    }
    Ok(number)
}

/// A rune constant as a number.
pub(super) fn rune(text: &str) -> Result<Number, String> {
    let rune = super::quote::unquote_rune(text).ok_or_else(|| "invalid syntax".to_owned())?;
    Ok(Number { text: text.to_owned(), int: Some(rune), uint: Some(rune as u64), float: Some(rune as f64) })
}

/// `strconv.ParseUint(text, 0, 64)`
fn parse_uint(text: &str) -> Option<u64> {
    if !text.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (&lower[..], 10),
    };
    if lower.contains('_') && !underscores_fit(&lower) {
        return None;
    }
    let digits = digits.replace('_', "");
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

/// `strconv.ParseInt(text, 0, 64)`
fn parse_int(text: &str) -> Option<i64> {
    if let Some(rest) = text.strip_prefix('-') {
        let size = parse_uint(rest)?;
        return if size == 1 << 63 { Some(i64::MIN) } else { i64::try_from(size).ok().map(|size| -size) };
    }
    i64::try_from(parse_uint(text.strip_prefix('+').unwrap_or(text))?).ok()
}

/// `strconv.ParseFloat(text, 64)`
fn parse_float(text: &str) -> Option<f64> {
    let (sign, size) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let lower = size.to_ascii_lowercase();
    if lower.contains('_') && !underscores_fit(&lower) {
        return None;
    }
    let plain = lower.replace('_', "");
    if let Some(hex) = plain.strip_prefix("0x") {
        return parse_hex_float(hex).map(|float| sign * float);
    }
    if !plain.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    // Go takes what is too large for an error, not for infinity.
    plain.parse::<f64>().ok().filter(|float| float.is_finite()).map(|float| sign * float)
}

/// `1.8p3`: hexadecimal digits times a power of two. The power has to be there.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (digits, power) = text.split_once('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || all.len() > 13 {
        return None;
    }
    let size = u64::from_str_radix(&all, 16).ok()? as f64;
    let power = power.parse::<i32>().ok()?.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    Some(size * 2f64.powi(power)).filter(|float| float.is_finite())
}

/// Underscores only between digits, or after the base.
fn underscores_fit(lower: &str) -> bool {
    let mut before = if lower.len() > 1 && lower.starts_with('0') && lower.as_bytes()[1].is_ascii_alphabetic()
    {
        '0'
    } else {
        '!'
    };
    for next in lower.chars().skip(if before == '0' { 2 } else { 0 }) {
        match next {
            _ if next.is_ascii_hexdigit() => before = '0',
            '_' if before == '0' => before = '_',
            '_' => return false,
            _ if before == '_' => return false,
            _ => before = '!',
        }
    }
    before != '_'
}
