//! `time.Time`: an instant with the zone in which it is shown, and the methods that templates call on it.

use super::count::{no_arguments, wrong_count};
use super::layout::{self, Civil, DAYS, MONTHS, Shown};
use super::zones::Zone;
use crate::nanos::Nanos;
use crate::value::{IntKind, Kind, Object, Str, Value};
use std::any::Any;

/// The Go name of the type.
pub(super) const TYPE: &str = "time.Time";

/// The layout in which Go prints an instant.
const PRINTED: &[u8] = b"2006-01-02 15:04:05.999999999 -0700 MST";

/// The layout in which Go encodes one.
const ENCODED: &[u8] = b"2006-01-02T15:04:05.999999999Z07:00";

const DAY: i64 = 86_400;

/// Seconds from 1970 to the instant that Go's empty `time.Time` is: the first of January of the year 1.
const ZERO: i64 = -62_135_596_800;

/// `time.Time`
#[derive(Clone)]
pub(super) struct Instant {
    seconds: i64,
    nanos: u32,
    zone: Zone,
}

impl Instant {
    /// What a layout can ask of it.
    pub(super) fn shown(&self) -> Shown {
        let (offset, zone) = self.zone_now();
        Shown { civil: self.civil(), nanos: self.nanos(), offset, zone }
    }

    /// So many seconds after 1970 began in UTC.
    pub(super) fn new(seconds: i64, nanos: u32, zone: Zone) -> Instant {
        Instant { seconds, nanos, zone }
    }

    /// What Helm calls now, here always the same: the second at which 2025 began.
    pub(super) fn placeholder() -> Instant {
        Instant::new(1_735_689_600, 0, Zone::Local)
    }

    /// Go's empty instant.
    pub(super) fn zero() -> Instant {
        Instant::new(ZERO, 0, Zone::Utc)
    }

    /// The instant at which a clock without offset shows this.
    pub(super) fn from_civil(civil: &Civil, nanos: u32, zone: Zone) -> Instant {
        let days = days_before(civil.year, civil.month).saturating_add(civil.day - 1);
        let seconds = civil.hour * 3_600 + civil.minute * 60 + civil.second;
        Instant::new(days.saturating_mul(DAY).saturating_add(seconds), nanos, zone)
    }

    /// The instant of a value, if it is one.
    pub(super) fn of(value: &Value) -> Option<&Instant> {
        match value {
            Value::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// The same instant, shown elsewhere.
    pub(super) fn shown_in(&self, zone: Zone) -> Instant {
        Instant::new(self.seconds, self.nanos, zone)
    }

    /// Seconds since 1970.
    pub(super) fn unix(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds within the second.
    pub(super) fn nanos(&self) -> u32 {
        self.nanos
    }

    /// The offset in seconds and the zone's name at this instant.
    pub(super) fn zone_now(&self) -> (i32, String) {
        self.zone.at(self.seconds)
    }

    /// What calendar and clock show.
    pub(super) fn civil(&self) -> Civil {
        let local = self.seconds.saturating_add(self.zone_now().0.into());
        let (days, rest) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = date(days);
        Civil {
            year,
            month,
            day,
            hour: rest / 3_600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: (days + 4).rem_euclid(7),
            year_day: days - days_before(year, 1) + 1,
        }
    }

    /// Later by a duration.
    pub(super) fn plus(&self, duration: Nanos) -> Instant {
        let nanos = i64::from(self.nanos) + duration % 1_000_000_000;
        let seconds = self.seconds.wrapping_add(duration / 1_000_000_000);
        let seconds = seconds.wrapping_add(nanos.div_euclid(1_000_000_000));
        Instant::new(seconds, nanos.rem_euclid(1_000_000_000) as u32, self.zone.clone())
    }

    /// The duration since another instant; as long as there can be one.
    pub(super) fn since(&self, other: &Instant) -> Nanos {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        let nanos = seconds * 1_000_000_000 + i128::from(self.nanos) - i128::from(other.nanos);
        nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    fn order(&self, other: &Instant) -> std::cmp::Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }

    /// Years, months and days later; what is too much of one is carried over to the next.
    fn plus_date(&self, years: i64, months: i64, days: i64) -> Instant {
        let mut civil = self.civil();
        let total = civil.month.saturating_sub(1).saturating_add(months);
        civil.year = civil.year.saturating_add(years).saturating_add(total.div_euclid(12));
        civil.month = total.rem_euclid(12) + 1;
        civil.day = civil.day.saturating_add(days);
        let shown = Instant::from_civil(&civil, self.nanos, self.zone.clone());
        let seconds = self.zone.instant_of(shown.seconds);
        Instant::new(seconds, self.nanos, self.zone.clone())
    }

    /// The next multiple of a duration since the year 1, below or (rounded) nearest.
    fn to_multiple(&self, duration: Nanos, round: bool) -> Instant {
        if duration <= 0 {
            return self.clone();
        }
        let since_zero =
            (i128::from(self.seconds) - i128::from(ZERO)) * 1_000_000_000 + i128::from(self.nanos);
        let rest = since_zero.rem_euclid(duration.into()) as i64;
        if round && rest >= duration - rest { self.plus(duration - rest) } else { self.plus(-rest) }
    }

    /// Methods without arguments.
    fn plain(&self, name: &str) -> Option<Value> {
        let civil = self.civil();
        let (seconds, nanos) = (self.seconds, i64::from(self.nanos));
        let unix = |per_second: i64, per_nano: i64| {
            Value::int64(seconds.wrapping_mul(per_second).wrapping_add(nanos / per_nano))
        };
        Some(match name {
            "Unix" => Value::int64(seconds),
            "UnixMilli" => unix(1_000, 1_000_000),
            "UnixMicro" => unix(1_000_000, 1_000),
            "UnixNano" => unix(1_000_000_000, 1),
            "Year" => Value::int(civil.year),
            "Month" => named("time.Month", &MONTHS, civil.month - 1, civil.month),
            "Weekday" => named("time.Weekday", &DAYS, civil.weekday, civil.weekday),
            "Day" => Value::int(civil.day),
            "YearDay" => Value::int(civil.year_day),
            "Hour" => Value::int(civil.hour),
            "Minute" => Value::int(civil.minute),
            "Second" => Value::int(civil.second),
            "Nanosecond" => Value::int(nanos),
            "IsZero" => Value::Bool(seconds == ZERO && nanos == 0),
            "UTC" => Value::object(self.shown_in(Zone::Utc)),
            "Local" => Value::object(self.shown_in(Zone::Local)),
            "String" => Value::Str(self.text()),
            _ => return None,
        })
    }

    /// Methods that compare with another instant.
    fn relation(&self, name: &str, other: &Instant) -> Option<Value> {
        let order = self.order(other);
        Some(match name {
            "Before" => Value::Bool(order.is_lt()),
            "After" => Value::Bool(order.is_gt()),
            "Equal" => Value::Bool(order.is_eq()),
            "Compare" => Value::int(order as i64),
            "Sub" => Value::Int(self.since(other), IntKind::Duration),
            _ => return None,
        })
    }
}

/// A number with a name: a month or a day of the week.
pub(super) struct Named {
    type_name: &'static str,
    name: &'static str,
    /// The number itself.
    pub(super) number: i64,
}

impl Named {
    /// The month or day of a value, if it is one.
    pub(super) fn of(value: &Value) -> Option<&Named> {
        match value {
            Value::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }
}

fn named(type_name: &'static str, names: &'static [&'static str], at: i64, number: i64) -> Value {
    let name = usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or("");
    Value::object(Named { type_name, name, number })
}

impl Object for Named {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        (name == "String").then(|| no_arguments(name, args).map(|()| Value::str(self.name)))
    }

    fn text(&self) -> Str {
        self.name.into()
    }

    fn data(&self) -> Value {
        Value::int(self.number)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Instant {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        if let Some(value) = self.plain(name) {
            return Some(no_arguments(name, args).map(|()| value));
        }
        let wanted = match name {
            "AddDate" => 3,
            "Format" | "Add" | "Truncate" | "Round" | "Before" | "After" | "Equal" | "Compare" | "Sub" => 1,
            _ => return None,
        };
        if args.len() != wanted {
            return Some(Err(wrong_count(name, wanted, args)));
        }
        let value = match (name, args) {
            ("Format", [Value::Str(form)]) => Value::str(layout::format(&self.shown(), form.as_bytes())),
            ("Add", [Value::Int(duration, _)]) => Value::object(self.plus(*duration)),
            ("Truncate", [Value::Int(duration, _)]) => Value::object(self.to_multiple(*duration, false)),
            ("Round", [Value::Int(duration, _)]) => Value::object(self.to_multiple(*duration, true)),
            ("AddDate", [Value::Int(years, _), Value::Int(months, _), Value::Int(days, _)]) => {
                Value::object(self.plus_date(*years, *months, *days))
            }
            (name, [other]) => match Instant::of(other).and_then(|other| self.relation(name, other)) {
                Some(value) => value,
                None => return Some(Err(format!("wrong type for value; got {}", other.type_name()))),
            },
            _ => return Some(Err("wrong type for value; expected int".to_owned())),
        };
        Some(Ok(value))
    }

    fn text(&self) -> Str {
        layout::format(&self.shown(), PRINTED).into()
    }

    fn data(&self) -> Value {
        Value::str(layout::format(&self.shown(), ENCODED))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Days from 1970 to the first day of a month.
pub(super) fn days_before(year: i64, month: i64) -> i64 {
    // Years begin in March here, so that the leap day is their last.
    let year = year.clamp(-300_000_000_000, 300_000_000_000) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day since 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
