//! Go's layouts of dates: the reference time, cut into its parts, and a date written in its form.

/// The names of the months.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The names of the days, from Sunday.
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A part of a layout that stands for a part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// `-0700` and its kin; `utc`: `Z` stands for no offset.
    Offset {
        utc: bool,
        colon: bool,
        fields: u8,
    },
    /// `.000` or, without zeros at the end, `.999`.
    Fraction {
        digits: usize,
        trim: bool,
        separator: u8,
    },
}

/// What stands before the next part, the part, and what follows it.
pub(super) fn next_part(layout: &[u8]) -> (&[u8], Option<Part>, &[u8]) {
    for at in 0..layout.len() {
        if let Some((part, skip, len)) = part_at(&layout[at..]) {
            return (&layout[..at + skip], Some(part), &layout[at + skip + len..]);
        }
    }
    (layout, None, &[])
}

/// The part that begins here, how much of it is literal, and its length.
fn part_at(text: &[u8]) -> Option<(Part, usize, usize)> {
    let lower_after = |len: usize| text.get(len).is_some_and(u8::is_ascii_lowercase);
    let part = match text[0] {
        b'J' if text.starts_with(b"January") => (Part::LongMonth, 7),
        b'J' if text.starts_with(b"Jan") && !lower_after(3) => (Part::Month, 3),
        b'M' if text.starts_with(b"Monday") => (Part::LongWeekDay, 6),
        b'M' if text.starts_with(b"Mon") && !lower_after(3) => (Part::WeekDay, 3),
        b'M' if text.starts_with(b"MST") => (Part::ZoneName, 3),
        b'0' => match text.get(1)? {
            b'1' => (Part::ZeroMonth, 2),
            b'2' => (Part::ZeroDay, 2),
            b'3' => (Part::ZeroHour12, 2),
            b'4' => (Part::ZeroMinute, 2),
            b'5' => (Part::ZeroSecond, 2),
            b'6' => (Part::Year, 2),
            b'0' if text.get(2) == Some(&b'2') => (Part::ZeroYearDay, 3),
            _ => return None,
        },
        b'1' if text.get(1) == Some(&b'5') => (Part::Hour, 2),
        b'1' => (Part::NumMonth, 1),
        b'2' if text.starts_with(b"2006") => (Part::LongYear, 4),
        b'2' => (Part::Day, 1),
        b'_' if text.starts_with(b"_2006") => return Some((Part::LongYear, 1, 4)),
        b'_' if text.starts_with(b"_2") => (Part::UnderDay, 2),
        b'_' if text.starts_with(b"__2") => (Part::UnderYearDay, 3),
        b'3' => (Part::Hour12, 1),
        b'4' => (Part::Minute, 1),
        b'5' => (Part::Second, 1),
        b'P' if text.starts_with(b"PM") => (Part::UpperPm, 2),
        b'p' if text.starts_with(b"pm") => (Part::LowerPm, 2),
        b'-' | b'Z' => offset(text)?,
        b'.' | b',' => fraction(text)?,
        _ => return None,
    };
    Some((part.0, 0, part.1))
}

fn offset(text: &[u8]) -> Option<(Part, usize)> {
    let (utc, rest) = (text[0] == b'Z', &text[1..]);
    let forms: [(&[u8], bool, u8); 5] = [
        (b"070000", false, 3),
        (b"07:00:00", true, 3),
        (b"0700", false, 2),
        (b"07:00", true, 2),
        (b"07", false, 1),
    ];
    let (form, colon, fields) = forms.into_iter().find(|(form, ..)| rest.starts_with(form))?;
    Some((Part::Offset { utc, colon, fields }, 1 + form.len()))
}

fn fraction(text: &[u8]) -> Option<(Part, usize)> {
    let digit = *text.get(1).filter(|digit| matches!(digit, b'0' | b'9'))?;
    let digits = text[1..].iter().take_while(|&&byte| byte == digit).count();
    if text.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Part::Fraction { digits, trim: digit == b'9', separator: text[0] }, 1 + digits))
}

/// What a calendar and a clock show.
#[derive(Clone, Copy, Default)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    /// Sunday is 0.
    pub(super) weekday: i64,
    /// From 1.
    pub(super) year_day: i64,
}

/// An instant in its zone.
pub(super) struct Shown {
    pub(super) civil: Civil,
    pub(super) nanos: u32,
    /// Seconds east of UTC.
    pub(super) offset: i32,
    /// The zone's name; empty where it has none.
    pub(super) zone: String,
}

/// Writes a date in the form of a layout.
pub(super) fn format(shown: &Shown, layout: &[u8]) -> Vec<u8> {
    let (offset, name) = (shown.offset, &shown.zone);
    let mut out = Vec::with_capacity(layout.len() + 10);
    let mut rest = layout;
    loop {
        let (before, part, after) = next_part(rest);
        out.extend_from_slice(before);
        let Some(part) = part else { return out };
        rest = after;
        match part {
            Part::Offset { utc, colon, fields } => write_offset(&mut out, offset, utc, colon, fields),
            Part::ZoneName if name.is_empty() => write_offset(&mut out, offset, false, false, 2),
            Part::ZoneName => out.extend_from_slice(name.as_bytes()),
            Part::Fraction { digits, trim, separator } => {
                write_fraction(&mut out, shown.nanos, digits, trim, separator);
            }
            part => out.extend_from_slice(field(part, &shown.civil).as_bytes()),
        }
    }
}

/// A part of the calendar or of the clock.
fn field(part: Part, civil: &Civil) -> String {
    let month = MONTHS[(civil.month.clamp(1, 12) - 1) as usize];
    let day_name = DAYS[civil.weekday as usize % 7];
    let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
    match part {
        Part::LongMonth => month.to_owned(),
        Part::Month => month[..3].to_owned(),
        Part::NumMonth => civil.month.to_string(),
        Part::ZeroMonth => format!("{:02}", civil.month),
        Part::LongWeekDay => day_name.to_owned(),
        Part::WeekDay => day_name[..3].to_owned(),
        Part::Day => civil.day.to_string(),
        Part::UnderDay => format!("{:2}", civil.day),
        Part::ZeroDay => format!("{:02}", civil.day),
        Part::UnderYearDay => format!("{:3}", civil.year_day),
        Part::ZeroYearDay => format!("{:03}", civil.year_day),
        Part::Hour => format!("{:02}", civil.hour),
        Part::Hour12 => hour12.to_string(),
        Part::ZeroHour12 => format!("{hour12:02}"),
        Part::Minute => civil.minute.to_string(),
        Part::ZeroMinute => format!("{:02}", civil.minute),
        Part::Second => civil.second.to_string(),
        Part::ZeroSecond => format!("{:02}", civil.second),
        Part::LongYear if civil.year < 0 => format!("-{:04}", civil.year.unsigned_abs()),
        Part::LongYear => format!("{:04}", civil.year),
        Part::Year => format!("{:02}", civil.year.unsigned_abs() % 100),
        Part::UpperPm => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        Part::LowerPm => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
        Part::ZoneName | Part::Offset { .. } | Part::Fraction { .. } => String::new(),
    }
}

fn write_offset(out: &mut Vec<u8>, offset: i32, utc: bool, colon: bool, fields: u8) {
    if utc && offset == 0 {
        out.push(b'Z');
        return;
    }
    let minutes = offset / 60;
    let colon = if colon { ":" } else { "" };
    let sign = if minutes < 0 { '-' } else { '+' };
    let mut text = format!("{sign}{:02}", minutes.abs() / 60);
    if fields > 1 {
        text += &format!("{colon}{:02}", minutes.abs() % 60);
    }
    if fields > 2 {
        let seconds = if minutes < 0 { -offset } else { offset };
        text += &format!("{colon}{:02}", seconds % 60);
    }
    out.extend_from_slice(text.as_bytes());
}

fn write_fraction(out: &mut Vec<u8>, nanos: u32, digits: usize, trim: bool, separator: u8) {
    if trim && nanos == 0 {
        return;
    }
    let text = format!("{nanos:09}");
    let mut text = &text[..digits.min(9)];
    if trim {
        text = text.trim_end_matches('0');
        if text.is_empty() {
            return;
        }
    }
    out.push(separator);
    out.extend_from_slice(text.as_bytes());
}
