//! `time.Duration`: read, written and rounded as Go does, and the functions of durations that only Helm 4 has.

use super::arguments::{fixed, quoted, shown};
use super::cast::parse_float;
use super::count::{no_arguments, wrong_count};
use super::signature::{Function, Type};
pub(super) use crate::nanos::{Nanos, SECOND, written};
use crate::value::{IntKind, Value};

const MINUTE: Nanos = 60 * SECOND;
const HOUR: Nanos = 60 * MINUTE;

/// The functions of this file; Helm 3 has none of them.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("mustToDuration", &[Type::Any], |args| from_value(&args[0]).map(duration)),
    fixed("durationSeconds", &[Type::Any], |args| Ok(Value::Float(in_units(lenient(args), SECOND)))),
    fixed("durationMinutes", &[Type::Any], |args| Ok(Value::Float(in_units(lenient(args), MINUTE)))),
    fixed("durationHours", &[Type::Any], |args| Ok(Value::Float(in_units(lenient(args), HOUR)))),
    fixed("durationDays", &[Type::Any], |args| Ok(Value::Float(in_units(lenient(args), HOUR) / 24.0))),
    fixed("durationWeeks", &[Type::Any], |args| Ok(Value::Float(in_units(lenient(args), HOUR) / 24.0 / 7.0))),
    fixed("durationMilliseconds", &[Type::Any], |args| Ok(Value::int64(lenient(args) / 1_000_000))),
    fixed("durationMicroseconds", &[Type::Any], |args| Ok(Value::int64(lenient(args) / 1_000))),
    fixed("durationNanoseconds", &[Type::Any], |args| Ok(Value::int64(lenient(args)))),
    fixed("durationRoundTo", &[Type::Any, Type::Any], |args| Ok(to_multiple(args, round))),
    fixed("durationTruncateTo", &[Type::Any, Type::Any], |args| Ok(to_multiple(args, truncate))),
];

/// A `time.Duration`.
pub(super) fn duration(nanos: Nanos) -> Value {
    Value::Int(nanos, IntKind::Duration)
}

/// Calls the method of a `time.Duration`. `None`: there is none of that name.
pub(crate) fn method(nanos: Nanos, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
    if matches!(name, "Round" | "Truncate") {
        return Some(match args {
            [Value::Int(multiple, _)] if name == "Round" => Ok(duration(round(nanos, *multiple))),
            [Value::Int(multiple, _)] => Ok(duration(truncate(nanos, *multiple))),
            args => Err(wrong_count(name, 1, args)),
        });
    }
    let value = match name {
        "String" => Value::str(written(nanos)),
        "Seconds" => Value::Float(in_units(nanos, SECOND)),
        "Minutes" => Value::Float(in_units(nanos, MINUTE)),
        "Hours" => Value::Float(in_units(nanos, HOUR)),
        "Milliseconds" => Value::int64(nanos / 1_000_000),
        "Microseconds" => Value::int64(nanos / 1_000),
        "Nanoseconds" => Value::int64(nanos),
        "Abs" => duration(nanos.saturating_abs()),
        _ => return None,
    };
    Some(no_arguments(name, args).map(|()| value))
}

fn lenient(args: &[Value]) -> Nanos {
    from_value(&args[0]).unwrap_or(0)
}

fn in_units(nanos: Nanos, unit: Nanos) -> f64 {
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

fn to_multiple(args: &[Value], of: fn(Nanos, Nanos) -> Nanos) -> Value {
    let Ok(value) = from_value(&args[0]) else { return duration(0) };
    duration(from_value(&args[1]).map_or(value, |multiple| of(value, multiple)))
}

/// What Helm 4 takes for a duration: texts with units, and numbers as seconds.
fn from_value(value: &Value) -> Result<Nanos, String> {
    match value {
        Value::Int(nanos, IntKind::Duration) => Ok(*nanos),
        Value::Str(text) => {
            let whole = text.text();
            let text = whole.trim();
            if text.is_empty() {
                return Err("empty duration".to_owned());
            }
            if let Ok(nanos) = parse(text) {
                return Ok(nanos);
            }
            let seconds = parse_float(text.as_bytes());
            seconds.map_or_else(|| Err(format!("could not parse duration {}", quoted(&whole))), from_seconds)
        }
        Value::Nil => Err("invalid duration".to_owned()),
        Value::Int(seconds, _) => {
            let nanos = seconds.checked_mul(SECOND);
            nanos.ok_or_else(|| format!("duration seconds overflow: {}", shown(value)))
        }
        Value::Float(seconds) => from_seconds(*seconds),
        other => Err(format!("unsupported duration type {}", other.type_name())),
    }
}

fn from_seconds(seconds: f64) -> Result<Nanos, String> {
    let text = || shown(&Value::Float(seconds));
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {}", text()));
    }
    let most = i64::MAX as f64;
    if seconds.abs() > most / 1e9 || seconds * 1e9 > most {
        return Err(format!("duration seconds overflow: {}", text()));
    }
    Ok(super::cast::float_to_int(seconds * 1e9))
}

/// `time.ParseDuration`
pub(super) fn parse(text: &str) -> Result<Nanos, String> {
    let invalid = || format!("time: invalid duration {}", quoted_time(text.as_bytes()));
    let (negative, mut rest) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    const LIMIT: u64 = 1 << 63;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = leading_int(&rest[..digits]).ok_or_else(invalid)?;
        rest = &rest[digits..];
        let (mut fraction, mut scale, mut places) = (0, 1.0, 0);
        if let Some(after) = rest.strip_prefix(b".") {
            places = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (fraction, scale) = leading_fraction(&after[..places]);
            rest = &after[places..];
        }
        if digits == 0 && places == 0 {
            return Err(invalid());
        }
        let end = rest.iter().position(|byte| *byte == b'.' || byte.is_ascii_digit()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        rest = after;
        let whole_text = quoted_time(text.as_bytes());
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {whole_text}"));
        }
        let unit = unit(name)
            .ok_or_else(|| format!("time: unknown unit {} in duration {whole_text}", quoted_time(name)))?;
        let mut value = whole.checked_mul(unit).filter(|value| *value <= LIMIT).ok_or_else(invalid)?;
        if fraction > 0 {
            value += (fraction as f64 * (unit as f64 / scale)) as u64;
        }
        total = total.checked_add(value).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
    }
    match total {
        LIMIT if negative => Ok(i64::MIN),
        LIMIT => Err(invalid()),
        total => Ok(if negative { -(total as i64) } else { total as i64 }),
    }
}

fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        b"us" | [0xC2, 0xB5, b's'] | [0xCE, 0xBC, b's'] => 1_000,
        b"ms" => 1_000_000,
        b"s" => SECOND as u64,
        b"m" => MINUTE as u64,
        b"h" => HOUR as u64,
        _ => return None,
    })
}

/// Digits as a number of up to 2^63.
pub(super) fn leading_int(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, byte| {
        let number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
        (number <= 1 << 63).then_some(number)
    })
}

/// Digits after a point, as many as matter, and what they are divided by.
fn leading_fraction(digits: &[u8]) -> (u64, f64) {
    let (mut number, mut scale) = (0_u64, 1.0);
    for byte in digits {
        if number > i64::MAX as u64 / 10 {
            break;
        }
        let next = number * 10 + u64::from(byte - b'0');
        if next > 1 << 63 {
            break;
        }
        number = next;
        scale *= 10.0;
    }
    (number, scale)
}

/// The quotes of the package time, which escape all that is not ASCII.
pub(super) fn quoted_time(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', byte as char]),
            b' '..0x80 => out.push(byte as char),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// The nearest multiple, halves away from zero.
pub(super) fn round(nanos: Nanos, multiple: Nanos) -> Nanos {
    if multiple <= 0 {
        return nanos;
    }
    let rest = (nanos % multiple).abs();
    let down = (rest as u64) * 2 < multiple as u64;
    match (nanos < 0, down) {
        (true, true) => nanos + rest,
        (false, true) => nanos - rest,
        (true, false) => nanos.checked_sub(multiple - rest).unwrap_or(i64::MIN),
        (false, false) => nanos.checked_add(multiple - rest).unwrap_or(i64::MAX),
    }
}

/// The next multiple towards zero.
fn truncate(nanos: Nanos, multiple: Nanos) -> Nanos {
    if multiple <= 0 { nanos } else { nanos - nanos % multiple }
}
