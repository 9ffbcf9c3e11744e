//! What go-yaml v2 reads plain text as, and so which text it has to quote.

/// Whether text has to be quoted to stay text.
pub(super) fn needs_quotes(text: &str) -> bool {
    let Some(&first) = text.as_bytes().first() else { return true };
    if is_word(text) {
        return true;
    }
    match first {
        b'.' => parts_digits(text) && is_float(&text.replace('_', "")),
        b'0'..=b'9' | b'+' | b'-' => {
            let plain = text.replace('_', "");
            is_date(text) || is_integer(&plain) || is_float(&plain) || is_binary(&plain) || is_base60(text)
        }
        _ => false,
    }
}

/// What a plain scalar is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(f64),
    Text,
}

/// Reads a plain scalar as go-yaml v2 does: YAML 1.1 with its words, its octal and binary numbers and its underscores.
pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Number(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Number(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Number(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.as_bytes()[0] {
        b'.' if parts_digits(text) => float_value(&text.replace('_', "")),
        b'0'..=b'9' | b'+' | b'-' if !is_date(text) => {
            let plain = text.replace('_', "");
            integer_value(&plain).or_else(|| float_value(&plain)).or_else(|| binary_value(&plain))
        }
        _ => None,
    };
    number.map_or(Scalar::Text, Scalar::Number)
}

fn float_value(text: &str) -> Option<f64> {
    if is_float(text) { text.parse().ok() } else { None }
}

fn integer_value(text: &str) -> Option<f64> {
    if !is_integer(text) {
        return None;
    }
    let (negative, digits) = unsigned(text);
    let (digits, base) = based(digits);
    let size = u128::from_str_radix(digits, base).ok()?;
    Some(if negative { -(size as f64) } else { size as f64 })
}

fn binary_value(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix("0b") {
        Some(digits) => (1.0, digits),
        None => (-1.0, text.strip_prefix("-0b")?),
    };
    i64::from_str_radix(digits, 2).ok().map(|number| sign * number as f64)
}

/// Digits without the prefix of their base, and the base.
fn based(digits: &str) -> (&str, u32) {
    match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', b'o' | b'O', ..] => (&digits[2..], 8),
        [b'0', b'b' | b'B', ..] => (&digits[2..], 2),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    }
}

fn is_word(text: &str) -> bool {
    const WORDS: [&str; 38] = [
        "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "n", "N", "no", "No", "NO",
        "false", "False", "FALSE", "off", "Off", "OFF", "~", "null", "Null", "NULL", ".nan", ".NaN", ".NAN",
        ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
    ];
    WORDS.contains(&text)
}

fn unsigned(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// `strconv.ParseInt(text, 0, 64)` or `ParseUint`: decimal, or with the prefix of a base.
fn is_integer(text: &str) -> bool {
    let (negative, digits) = unsigned(text);
    let signed = digits.len() != text.len();
    let (digits, base) = based(digits);
    if digits.is_empty() || !digits.bytes().all(|b| (b as char).is_digit(base)) {
        return false;
    }
    let limit = match (negative, signed) {
        (true, _) => 1 << 63,
        (false, true) => (1 << 63) - 1,
        (false, false) => u128::from(u64::MAX),
    };
    u128::from_str_radix(digits, base).is_ok_and(|number| number <= limit)
}

/// Whether each underscore stands between two digits, which Go asks of a number that begins with a point.
fn parts_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).all(|at| bytes[at] != b'_' || at > 0 && digit(at - 1) && digit(at + 1))
}

/// `0b` and `-0b` with digits that may bring a sign of their own.
fn is_binary(text: &str) -> bool {
    let digits = text.strip_prefix("0b").or_else(|| text.strip_prefix("-0b"));
    digits.is_some_and(|digits| i64::from_str_radix(digits, 2).is_ok())
}

/// go-yaml's pattern of a decimal number; too large ones are none.
fn is_float(text: &str) -> bool {
    let (_, rest) = unsigned(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", after)) => all_digits(after),
        Some((before, after)) => all_digits(before) && (after.is_empty() || all_digits(after)),
        None => all_digits(mantissa),
    };
    mantissa_fits
        && exponent.is_none_or(|exponent| all_digits(unsigned(exponent).1))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Sexagesimal numbers, which YAML 1.1 has: `1:30`.
fn is_base60(text: &str) -> bool {
    let (_, rest) = unsigned(text);
    let mut parts = rest.split(':');
    let head = parts.next().unwrap_or_default();
    if !head.starts_with(|c: char| c.is_ascii_digit())
        || !head.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    {
        return false;
    }
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let last = match last.split_once('.') {
        Some((whole, after)) if after.bytes().all(|b| b.is_ascii_digit() || b == b'_') => whole,
        Some(_) => return false,
        None => last,
    };
    middle
        .iter()
        .copied()
        .chain([last])
        .all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

/// The forms of time that go-yaml reads: a date, a date and a time after a space, and RFC 3339.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some((bytes[at], &text[at + 1..]))),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Ok(year), Some(month), Some(day)) = (year.parse::<u32>(), within(month, 12), within(day, 31)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if month == 0 || day == 0 || day > days {
        return false;
    }
    match time {
        None => true,
        Some((b' ', time)) => is_clock(time),
        Some((_, time)) => is_zoned(time),
    }
}

fn within(text: &str, limit: u32) -> Option<u32> {
    let fits = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten().filter(|&number| number <= limit)
}

fn is_zoned(time: &str) -> bool {
    if let Some(clock) = time.strip_suffix('Z') {
        return is_clock(clock);
    }
    let Some(at) = time.rfind(['+', '-']) else { return false };
    let zone = time[at + 1..].split_once(':');
    let two = |text: &str, limit| text.len() == 2 && within(text, limit).is_some();
    is_clock(&time[..at]) && zone.is_some_and(|(hours, minutes)| two(hours, 24) && two(minutes, 59))
}

fn is_clock(time: &str) -> bool {
    let (whole, fraction) = match time.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (time, None),
    };
    let parts: Vec<&str> = whole.split(':').collect();
    let [hour, minute, second] = parts[..] else { return false };
    within(hour, 23).is_some()
        && within(minute, 59).is_some()
        && within(second, 59).is_some()
        && fraction.is_none_or(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
