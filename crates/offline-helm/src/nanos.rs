//! A duration as Go counts and writes it.

/// A duration in nanoseconds.
pub(crate) type Nanos = i64;

/// A second.
pub(crate) const SECOND: Nanos = 1_000_000_000;

/// `1h2m3.5s`
pub(crate) fn written(nanos: Nanos) -> String {
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    if size == 0 {
        return "0s".to_owned();
    }
    let second = SECOND as u64;
    if size < second {
        return match size {
            0..1_000 => format!("{sign}{size}ns"),
            1_000..1_000_000 => format!("{sign}{}µs", with_fraction(size, 1_000)),
            _ => format!("{sign}{}ms", with_fraction(size, 1_000_000)),
        };
    }
    let (minutes, seconds) = (size / second / 60, with_fraction(size % (60 * second), second));
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// A quotient by a power of ten, without zeros at the end.
fn with_fraction(number: u64, by: u64) -> String {
    let width = by.ilog10() as usize;
    let fraction = format!("{:0width$}", number % by);
    match fraction.trim_end_matches('0') {
        "" => (number / by).to_string(),
        fraction => format!("{}.{fraction}", number / by),
    }
}
