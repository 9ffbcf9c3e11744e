//! Functions of dates. The present stands still (see [`Instant::placeholder`]), so that a chart comes out the same each time.

use super::arguments::{bytes, fixed, text};
use super::cast::{NotANumber, parse_int};
use super::durations::{self, SECOND};
use super::instant::{Instant, TYPE};
use super::signature::{Function, Type};
use super::zones::Zone;
use super::{date_reader, layout};
use crate::value::{IntKind, Value};

const TIME: Type = Type::Object(TYPE);
const HTML: &[u8] = b"2006-01-02";

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("now", &[], |_| Ok(Value::object(Instant::placeholder()))),
    fixed("ago", &[Type::Any], ago),
    fixed("date", &[Type::Str, Type::Any], |args| Ok(written(bytes(&args[0]), &args[1], "Local"))),
    fixed("dateInZone", &[Type::Str, Type::Any, Type::Str], in_zone),
    fixed("date_in_zone", &[Type::Str, Type::Any, Type::Str], in_zone),
    fixed("htmlDate", &[Type::Any], |args| Ok(written(HTML, &args[0], "Local"))),
    fixed("htmlDateInZone", &[Type::Any, Type::Str], |args| Ok(written(HTML, &args[0], &text(&args[1])))),
    fixed("dateModify", &[Type::Str, TIME], |args| Ok(modify(args).unwrap_or_else(|_| args[1].clone()))),
    fixed("date_modify", &[Type::Str, TIME], |args| Ok(modify(args).unwrap_or_else(|_| args[1].clone()))),
    fixed("mustDateModify", &[Type::Str, TIME], modify),
    fixed("must_date_modify", &[Type::Str, TIME], modify),
    fixed("toDate", &[Type::Str, Type::Str], |args| {
        let read = date_reader::parse(bytes(&args[0]), bytes(&args[1]));
        Ok(Value::object(read.unwrap_or_else(|_| Instant::zero())))
    }),
    fixed("mustToDate", &[Type::Str, Type::Str], |args| {
        date_reader::parse(bytes(&args[0]), bytes(&args[1])).map(Value::object)
    }),
    fixed("unixEpoch", &[TIME], |args| {
        Ok(Value::str(Instant::of(&args[0]).map_or(0, Instant::unix).to_string()))
    }),
    fixed("duration", &[Type::Any], duration),
    fixed("durationRound", &[Type::Any], duration_round),
];

/// A date, or seconds since 1970 as whole number; everything else is now.
fn instant(value: &Value) -> Instant {
    match value {
        Value::Int(seconds, IntKind::Int | IntKind::Int32 | IntKind::Int64) => {
            Instant::new(*seconds, 0, Zone::Local)
        }
        value => Instant::of(value).cloned().unwrap_or_else(Instant::placeholder),
    }
}

fn written(form: &[u8], date: &Value, zone: &str) -> Value {
    Value::str(layout::format(&instant(date).shown_in(Zone::named(zone)).shown(), form))
}

fn in_zone(args: &[Value]) -> Result<Value, String> {
    Ok(written(bytes(&args[0]), &args[1], &text(&args[2])))
}

fn ago(args: &[Value]) -> Result<Value, String> {
    // An int32 is no date here.
    let date = match &args[0] {
        Value::Int(_, IntKind::Int32) => Instant::placeholder(),
        date => instant(date),
    };
    Ok(Value::str(durations::written(durations::round(Instant::placeholder().since(&date), SECOND))))
}

fn modify(args: &[Value]) -> Result<Value, String> {
    let by = durations::parse(&text(&args[0]))?;
    Ok(Value::object(instant(&args[1]).plus(by)))
}

fn duration(args: &[Value]) -> Result<Value, String> {
    let seconds = match &args[0] {
        Value::Str(text) => match parse_int(text.as_bytes(), 10) {
            Ok(number) | Err(NotANumber::Range(number)) => number,
            Err(NotANumber::Syntax) => 0,
        },
        Value::Int(seconds, IntKind::Int64) => *seconds,
        _ => 0,
    };
    Ok(Value::str(durations::written(seconds.wrapping_mul(SECOND))))
}

/// The largest unit of which there is more than one.
fn duration_round(args: &[Value]) -> Result<Value, String> {
    let nanos = match &args[0] {
        Value::Str(text) => durations::parse(&text.text()).unwrap_or(0),
        Value::Int(nanos, IntKind::Int64) => *nanos,
        value => Instant::of(value).map_or(0, |date| Instant::placeholder().since(date)),
    };
    const HOUR: u64 = 3_600 * SECOND as u64;
    let units = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (60 * SECOND as u64, "m"),
        (SECOND as u64, "s"),
    ];
    let size = nanos.unsigned_abs();
    let unit = units.into_iter().find(|(unit, _)| size > *unit);
    Ok(Value::str(unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", size / unit))))
}
