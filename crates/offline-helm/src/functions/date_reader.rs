//! Reads dates that are written in the form of a layout, as `time.ParseInLocation` does where the local zone is UTC.

use super::durations::{leading_int, quoted_time};
use super::instant::{Instant, days_before};
use super::layout::{Civil, DAYS, MONTHS, Part, next_part};
use super::zones::Zone;

/// What went wrong with one part.
enum Bad {
    /// The text does not fit.
    Value,
    /// The number is none that there is.
    Range(&'static str),
}

/// What has been read so far.
#[derive(Default)]
struct Reader<'a> {
    value: &'a [u8],
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    /// `PM` or `AM`
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i32>,
    zone_name: &'a [u8],
}

/// Reads a date. The error is Go's.
pub(super) fn parse(layout: &[u8], value: &[u8]) -> Result<Instant, String> {
    let unfit = |part: &[u8], at: &[u8]| {
        let (value, layout) = (quoted_time(value), quoted_time(layout));
        format!("parsing time {value} as {layout}: cannot parse {} as {}", quoted_time(at), quoted_time(part))
    };
    let out_of_range = |what: &str| format!("parsing time {}: {what}", quoted_time(value));
    let mut reader = Reader { value, ..Reader::default() };
    let mut rest = layout;
    loop {
        let (before, part, after) = next_part(rest);
        reader.literal(before).map_err(|at| unfit(before, at))?;
        let Some(part) = part else { break };
        let written = &rest[before.len()..rest.len() - after.len()];
        rest = after;
        let hold = reader.value;
        match reader.part(part, rest) {
            Ok(()) => {}
            Err(Bad::Value) => return Err(unfit(written, hold)),
            Err(Bad::Range(what)) => return Err(out_of_range(&format!("{what} out of range"))),
        }
    }
    if !reader.value.is_empty() {
        return Err(out_of_range(&format!("extra text: {}", quoted_time(reader.value))));
    }
    reader.instant().map_err(out_of_range)
}

fn digit(text: &[u8], at: usize) -> Option<i64> {
    text.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'))
}

impl<'a> Reader<'a> {
    /// Skips literal text; any number of spaces is as good as another.
    fn literal(&mut self, mut text: &[u8]) -> Result<(), &'a [u8]> {
        while let Some((&first, after)) = text.split_first() {
            if first == b' ' {
                if self.value.first().is_some_and(|&byte| byte != b' ') {
                    return Err(self.value);
                }
                text = text.trim_ascii_spaces();
                self.value = self.value.trim_ascii_spaces();
                continue;
            }
            match self.value.split_first() {
                Some((&byte, rest)) if byte == first => (self.value, text) = (rest, after),
                _ => return Err(self.value),
            }
        }
        Ok(())
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Bad> {
        let (taken, rest) = self.value.split_at_checked(len).ok_or(Bad::Value)?;
        self.value = rest;
        Ok(taken)
    }

    /// One or two digits; two if `fixed`.
    fn number(&mut self, fixed: bool) -> Result<i64, Bad> {
        let first = digit(self.value, 0).ok_or(Bad::Value)?;
        match digit(self.value, 1) {
            Some(second) => self.take(2).map(|_| first * 10 + second),
            None if fixed => Err(Bad::Value),
            None => self.take(1).map(|_| first),
        }
    }

    fn ranged(&mut self, fixed: bool, below: i64, what: &'static str) -> Result<i64, Bad> {
        let number = self.number(fixed)?;
        if number < below { Ok(number) } else { Err(Bad::Range(what)) }
    }

    fn name(&mut self, names: &[&str], len: Option<usize>) -> Result<i64, Bad> {
        for (at, name) in names.iter().enumerate() {
            let name = &name.as_bytes()[..len.unwrap_or(name.len())];
            if self.value.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                self.take(name.len())?;
                return Ok(at as i64);
            }
        }
        Err(Bad::Value)
    }

    fn skip_space(&mut self) {
        self.value = self.value.strip_prefix(b" ").unwrap_or(self.value);
    }

    fn part(&mut self, part: Part, layout_after: &[u8]) -> Result<(), Bad> {
        match part {
            Part::Year => {
                let year = atoi(self.take(2)?)?;
                self.year = year + if year >= 69 { 1_900 } else { 2_000 };
            }
            Part::LongYear => {
                digit(self.value, 0).ok_or(Bad::Value)?;
                self.year = atoi(self.take(4)?)?;
            }
            Part::Month => self.month = Some(self.name(&MONTHS, Some(3))? + 1),
            Part::LongMonth => self.month = Some(self.name(&MONTHS, None)? + 1),
            Part::NumMonth | Part::ZeroMonth => {
                let month = self.ranged(part == Part::ZeroMonth, 13, "month")?;
                self.month = Some(month).filter(|&month| month > 0);
                self.month.ok_or(Bad::Range("month"))?;
            }
            Part::WeekDay => _ = self.name(&DAYS, Some(3))?,
            Part::LongWeekDay => _ = self.name(&DAYS, None)?,
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                if part == Part::UnderDay {
                    self.skip_space();
                }
                self.day = Some(self.number(part == Part::ZeroDay)?);
            }
            Part::UnderYearDay | Part::ZeroYearDay => self.day_of_year(part == Part::ZeroYearDay)?,
            Part::Hour => self.hour = self.ranged(false, 24, "hour")?,
            Part::Hour12 | Part::ZeroHour12 => {
                self.hour = self.ranged(part == Part::ZeroHour12, 13, "hour")?;
            }
            Part::Minute | Part::ZeroMinute => {
                self.minute = self.ranged(part == Part::ZeroMinute, 60, "minute")?;
            }
            Part::Second | Part::ZeroSecond => {
                self.second = self.ranged(part == Part::ZeroSecond, 60, "second")?;
                self.unannounced_fraction(layout_after)?;
            }
            Part::UpperPm => self.half_day(b"AM", b"PM")?,
            Part::LowerPm => self.half_day(b"am", b"pm")?,
            Part::Offset { utc: true, .. } if self.value.first() == Some(&b'Z') => {
                self.take(1)?;
                self.utc = true;
            }
            Part::Offset { colon, fields, .. } => self.offset(colon, fields)?,
            Part::ZoneName => self.zone()?,
            Part::Fraction { digits, trim: false, .. } => {
                let text = self.take(1 + digits)?;
                self.nanos = fraction(text)?;
            }
            Part::Fraction { .. } => self.optional_fraction()?,
        }
        Ok(())
    }

    fn day_of_year(&mut self, fixed: bool) -> Result<(), Bad> {
        if !fixed {
            self.skip_space();
            self.skip_space();
        }
        let digits = (0..3).take_while(|&at| digit(self.value, at).is_some()).count();
        if digits == 0 || fixed && digits != 3 {
            return Err(Bad::Value);
        }
        self.year_day = Some(atoi(self.take(digits)?)?);
        Ok(())
    }

    fn half_day(&mut self, before_noon: &[u8], after_noon: &[u8]) -> Result<(), Bad> {
        let text = self.take(2)?;
        if text != before_noon && text != after_noon {
            return Err(Bad::Value);
        }
        // Go remembers both; the afternoon wins.
        self.afternoon = Some(text == after_noon || self.afternoon == Some(true));
        Ok(())
    }

    /// A fraction of a second may follow although the layout has none.
    fn unannounced_fraction(&mut self, layout_after: &[u8]) -> Result<(), Bad> {
        let announced = matches!(next_part(layout_after).1, Some(Part::Fraction { .. }));
        if announced { Ok(()) } else { self.optional_fraction() }
    }

    fn optional_fraction(&mut self) -> Result<(), Bad> {
        if !matches!(self.value.first(), Some(b'.' | b',')) || digit(self.value, 1).is_none() {
            return Ok(());
        }
        let digits = self.value[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = self.take(1 + digits)?;
        self.nanos = fraction(text)?;
        Ok(())
    }

    /// `+hh`, `+hhmm`, `+hh:mm`, …
    fn offset(&mut self, colon: bool, fields: u8) -> Result<(), Bad> {
        let step = if colon { 3 } else { 2 };
        let text = self.take(3 + step * (usize::from(fields) - 1))?;
        let two = |at: usize| Some(digit(text, at)? * 10 + digit(text, at + 1)?);
        let mut numbers = [0_i64; 3];
        for (at, number) in numbers.iter_mut().enumerate().take(fields.into()) {
            if colon && at > 0 && text[step * at] != b':' {
                return Err(Bad::Value);
            }
            *number = two(1 + step * at).ok_or(Bad::Value)?;
        }
        let [hours, minutes, seconds] = numbers;
        match (hours, minutes, seconds) {
            (25.., ..) => return Err(Bad::Range("time zone offset hour")),
            (_, 61.., _) => return Err(Bad::Range("time zone offset minute")),
            (_, _, 61..) => return Err(Bad::Range("time zone offset second")),
            _ => {}
        }
        let offset = ((hours * 60 + minutes) * 60 + seconds) as i32;
        self.offset = match text[0] {
            b'+' => Some(offset),
            b'-' => Some(-offset),
            _ => return Err(Bad::Value),
        };
        Ok(())
    }

    fn zone(&mut self) -> Result<(), Bad> {
        if self.value.starts_with(b"UTC") {
            self.take(3)?;
            self.utc = true;
            return Ok(());
        }
        let len = zone_length(self.value).ok_or(Bad::Value)?;
        self.zone_name = self.take(len)?;
        Ok(())
    }

    fn instant(mut self) -> Result<Instant, &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        if let Some(year_day) = self.year_day {
            self.apply_year_day(year_day)?;
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let next =
            if month == 12 { days_before(self.year + 1, 1) } else { days_before(self.year, month + 1) };
        if day < 1 || day > next - days_before(self.year, month) {
            return Err("day out of range");
        }
        let Reader { year, hour, minute, second, .. } = self;
        let civil = Civil { year, month, day, hour, minute, second, ..Civil::default() };
        let shown = |zone: Zone| Instant::from_civil(&civil, self.nanos, zone);
        let name = String::from_utf8_lossy(self.zone_name).into_owned();
        if self.utc {
            return Ok(shown(Zone::Utc));
        }
        // Go uses -1 for none, so that an offset of minus one second is overlooked.
        if let Some(offset) = self.offset.filter(|&offset| offset != -1) {
            let local = offset == 0 && (name.is_empty() || name == "UTC");
            let zone = if local { Zone::Local } else { Zone::Fixed(offset, name) };
            return Ok(shown(zone).plus(-i64::from(offset) * 1_000_000_000));
        }
        if name.is_empty() {
            return Ok(shown(Zone::Local));
        }
        let hours = name.strip_prefix("GMT").filter(|hours| !hours.is_empty());
        let offset = hours.and_then(|hours| hours.parse::<i32>().ok()).unwrap_or(0) * 3_600;
        let instant = shown(Zone::Utc);
        Ok(instant.shown_in(Zone::Fixed(offset, name)))
    }

    fn apply_year_day(&mut self, year_day: i64) -> Result<(), &'static str> {
        let first = days_before(self.year, 1);
        if year_day < 1 || year_day > days_before(self.year + 1, 1) - first {
            return Err("day-of-year out of range");
        }
        let month =
            (1..=12).rev().find(|&month| days_before(self.year, month) - first < year_day).unwrap_or(1);
        let day = year_day - (days_before(self.year, month) - first);
        if self.month.is_some_and(|seen| seen != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|seen| seen != day) {
            return Err("day-of-year does not match day");
        }
        (self.month, self.day) = (Some(month), Some(day));
        Ok(())
    }
}

/// A number of few digits, which may have a sign.
fn atoi(text: &[u8]) -> Result<i64, Bad> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Bad::Value);
    }
    let number = leading_int(digits).ok_or(Bad::Value)? as i64;
    Ok(if text.starts_with(b"-") { -number } else { number })
}

/// Nanoseconds of `.123`; what is smaller is cut off.
fn fraction(text: &[u8]) -> Result<u32, Bad> {
    if !matches!(text.first(), Some(b'.' | b',')) {
        return Err(Bad::Value);
    }
    let digits = &text[1..text.len().min(10)];
    let number = atoi(digits)?;
    let nanos = number * 10_i64.pow(9 - digits.len() as u32);
    u32::try_from(nanos).map_err(|_| Bad::Range("fractional second"))
}

/// How much of the text looks like the name of a time zone.
fn zone_length(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(after) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_offset(after));
    }
    if matches!(text[0], b'+' | b'-') {
        return Some(signed_offset(text)).filter(|&len| len > 0);
    }
    let upper = text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    match upper {
        5 if text[4] == b'T' => Some(5),
        4 if text[3] == b'T' || text.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// The length of `+3` up to `+23`.
fn signed_offset(text: &[u8]) -> usize {
    if !matches!(text.first(), Some(b'+' | b'-')) {
        return 0;
    }
    let digits = text[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    match leading_int(&text[1..1 + digits]) {
        Some(hours) if digits > 0 && hours <= 23 => 1 + digits,
        _ => 0,
    }
}

/// Spaces at the start of bytes.
trait TrimSpaces {
    fn trim_ascii_spaces(&self) -> &Self;
}

impl TrimSpaces for [u8] {
    fn trim_ascii_spaces(&self) -> &[u8] {
        let spaces = self.iter().take_while(|&&byte| byte == b' ').count();
        &self[spaces..]
    }
}
