//! What a plain YAML scalar is, by the rules of go-yaml v3, and how numbers and times are spelled.
//!
//! SOPS hashes typed values, so one scalar read differently here than there breaks the MAC of a whole file. The rules
//! are those of `resolve.go` in go.yaml.in/yaml/v3 and of Go's `strconv` and `time`; there are no others here.

use super::spelling::decimal;
use super::tree::Leaf;

/// Why a scalar has no place in a SOPS document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarError {
    /// A whole number that does not fit 64 signed bits.
    IntegerTooLarge,
    /// A tag such as `!!int` on something that is none.
    TagMismatch,
}

/// Types the text of a plain, untagged scalar.
///
/// # Errors
/// An integer between 2^63 and 2^64, which SOPS refuses; larger ones are floating point numbers.
pub fn resolve(text: &str) -> Result<Leaf, ScalarError> {
    let Some(first) = text.bytes().next() else { return Ok(Leaf::Null) };
    match text {
        "~" | "null" | "Null" | "NULL" => return Ok(Leaf::Null),
        "true" | "True" | "TRUE" => return Ok(Leaf::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Leaf::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Ok(Leaf::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Ok(Leaf::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Ok(Leaf::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    match first {
        b'.' => Ok(fraction_only(text).map_or_else(|| Leaf::from(text), Leaf::Float)),
        b'0'..=b'9' | b'+' | b'-' => number_or_time(text),
        _ => Ok(Leaf::from(text)),
    }
}

/// Types a scalar that carries the core tag `tag` (`int`, `float`, …); quoting does not matter then.
///
/// # Errors
/// The text is not of that type.
pub fn resolve_tagged(tag: &str, text: &str) -> Result<Leaf, ScalarError> {
    let leaf = resolve(text)?;
    match (tag, leaf) {
        ("float", Leaf::Int(value)) => Ok(Leaf::Float(value as f64)),
        ("null", leaf @ Leaf::Null)
        | ("bool", leaf @ Leaf::Bool(_))
        | ("int", leaf @ Leaf::Int(_))
        | ("float", leaf @ Leaf::Float(_))
        | ("timestamp", leaf @ Leaf::Time(_)) => Ok(leaf),
        _ => Err(ScalarError::TagMismatch),
    }
}

fn number_or_time(text: &str) -> Result<Leaf, ScalarError> {
    if let Some(time) = timestamp(text) {
        return Ok(Leaf::Time(time));
    }
    let plain = text.replace('_', "");
    match integer(&plain) {
        Some(Integer::Fits(value)) => return Ok(Leaf::Int(value)),
        Some(Integer::Unsigned) => return Err(ScalarError::IntegerTooLarge),
        None => {}
    }
    Ok(decimal(&plain).map_or_else(|| Leaf::from(text), Leaf::Float))
}

/// A number that starts with its point; `strconv.ParseFloat` takes underscores there between digits only.
fn fraction_only(text: &str) -> Option<f64> {
    let is_digit =
        |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
    let mut underscores = text.match_indices('_').map(|(at, _)| at);
    let fit = underscores.all(|at| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)));
    if fit { decimal(&text.replace('_', "")) } else { None }
}

enum Integer {
    Fits(i64),
    Unsigned,
}

/// `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: bases by prefix, a leading zero is octal.
fn integer(text: &str) -> Option<Integer> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => ("", &text[1..]),
        b'-' => ("-", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // Rust would take a second sign here.
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    if let Ok(value) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
        return Some(Integer::Fits(value));
    }
    let unsigned = !text.starts_with(['+', '-']) && u64::from_str_radix(digits, radix).is_ok();
    unsigned.then_some(Integer::Unsigned)
}

/// The canonical RFC 3339 text of a YAML timestamp: one of the four layouts that go-yaml knows.
pub fn timestamp(text: &str) -> Option<String> {
    let mut rest = text;
    let year = digits(&mut rest, 4, 4)?;
    let month = take(&mut rest, "-").and_then(|()| digits(&mut rest, 1, 2))?;
    let day = take(&mut rest, "-").and_then(|()| digits(&mut rest, 1, 2))?;
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let zoned = take(&mut rest, "T").or_else(|| take(&mut rest, "t")).is_some();
    if !zoned {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        rest = rest.get(blanks..).filter(|_| blanks > 0)?;
    }
    let hour = digits(&mut rest, 1, 2).filter(|hour| *hour < 24)?;
    let minute = take(&mut rest, ":").and_then(|()| digits(&mut rest, 1, 2)).filter(|minute| *minute < 60)?;
    let second = take(&mut rest, ":").and_then(|()| digits(&mut rest, 1, 2)).filter(|second| *second < 60)?;
    let fraction = fraction(&mut rest);
    let zone = if zoned { zone(&mut rest)? } else { "Z".to_owned() };
    rest.is_empty().then(|| format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

fn take(rest: &mut &str, prefix: &str) -> Option<()> {
    *rest = rest.strip_prefix(prefix)?;
    Some(())
}

/// Between `least` and `most` digits from the front, as many as there are.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, after) = rest.split_at(count);
    *rest = after;
    number.parse().ok()
}

/// `.5` of `.500`, cut at nanoseconds; empty when it is zero or not there.
fn fraction(rest: &mut &str) -> String {
    let Some(after) = rest.strip_prefix(['.', ',']) else { return String::new() };
    let count = after.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return String::new();
    }
    *rest = &after[count..];
    let significant = after[..count.min(9)].trim_end_matches('0');
    if significant.is_empty() { String::new() } else { format!(".{significant}") }
}

/// `Z` or an offset such as `+02:00`; an offset of zero becomes `Z`.
fn zone(rest: &mut &str) -> Option<String> {
    if take(rest, "Z").is_some() {
        return Some("Z".to_owned());
    }
    let sign = rest.chars().next().filter(|sign| matches!(sign, '+' | '-'))?;
    *rest = &rest[1..];
    let hours = digits(rest, 2, 2).filter(|hours| *hours < 24)?;
    let minutes = take(rest, ":").and_then(|()| digits(rest, 2, 2)).filter(|minutes| *minutes < 60)?;
    Some(if hours + minutes == 0 { "Z".to_owned() } else { format!("{sign}{hours:02}:{minutes:02}") })
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spelling::{float_decimal, float_yaml, parse_float};

    /// Type and canonical text, for comparison.
    fn typed(text: &str) -> (&'static str, String) {
        let leaf = match resolve(text) {
            Ok(leaf) => leaf,
            Err(error) => return ("error", format!("{error:?}")),
        };
        let name = match leaf {
            Leaf::Null => "null",
            Leaf::Bool(_) => "bool",
            Leaf::Int(_) => "int",
            Leaf::Float(_) => "float",
            Leaf::Time(_) => "time",
            Leaf::Str(_) => "str",
            Leaf::Bytes(_) => "bytes",
        };
        let plaintext = leaf.plaintext().map(|bytes| bytes.to_vec()).unwrap_or_default();
        (name, String::from_utf8(plaintext).unwrap())
    }

    #[test]
    fn plain_scalars_have_the_types_of_go_yaml() {
        // Written by `e2e/sops-decrypt scalars`: go.yaml.in/yaml/v3 and `sops.ToBytes`.
        for line in include_str!("../fixtures/scalars.tsv").lines() {
            let mut columns = line.split('\t');
            let (text, name, plaintext) =
                (columns.next().unwrap(), columns.next().unwrap(), columns.next().unwrap_or_default());
            let (name, plaintext) =
                if name == "uint64" { ("error", "IntegerTooLarge") } else { (name, plaintext) };
            let (our_name, our_plaintext) = typed(text);
            assert_eq!((our_name, &*our_plaintext), (name, plaintext), "{text}");
        }
    }

    #[test]
    fn tags_must_fit() {
        assert!(resolve_tagged("float", "1") == Ok(Leaf::Float(1.0)));
        assert!(resolve_tagged("int", "0x10") == Ok(Leaf::Int(16)));
        assert!(resolve_tagged("int", "x") == Err(ScalarError::TagMismatch));
        assert!(resolve_tagged("bool", "yes") == Err(ScalarError::TagMismatch));
    }

    #[test]
    fn written_numbers_read_back_as_the_same_number() {
        for value in
            [0.0, -0.0, 1.0, 1e5, 1e6, 1e20, 1.5e300, 5e-324, 0.0001, 0.00001, 123_456_789.5, f64::NAN]
        {
            assert!(resolve(&float_yaml(value)) == Ok(Leaf::Float(value)), "{value}");
            assert!(parse_float(&float_decimal(value)).map(Leaf::Float) == Some(Leaf::Float(value)));
        }
        assert_eq!(float_yaml(1e6), "1e+06");
        assert_eq!(float_yaml(-2.5e-7), "-2.5e-07");
        assert_eq!(float_yaml(123_456.7), "123456.7");
    }
}
