//! `strconv.FormatFloat`: floats as `%e`, `%f`, `%g`, `%b` and `%x` write them.

/// The exponent from which on the shortest form has one.
const SHORTEST_LIMIT: i64 = 6;

/// As many decimals as any float has; what follows is zeros.
const MOST_DECIMALS: usize = 1_100;

/// What `%v` gives.
pub(crate) fn float_text(number: f64) -> String {
    float(number, 'g', None)
}

/// The float with a `-` where it is negative. Without precision, as many digits as tell it from its neighbours.
pub(crate) fn float(number: f64, verb: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let size = number.abs();
    let digits = match verb {
        'e' => exponent(size, precision),
        'E' => exponent(size, precision).to_uppercase(),
        'f' => decimals(size, precision),
        'G' => general(size, precision).to_uppercase(),
        'b' => binary(size),
        'x' => hexadecimal(size, precision),
        'X' => hexadecimal(size, precision).to_uppercase(),
        _ => general(size, precision),
    };
    format!("{sign}{digits}")
}

/// One digit, a point, and an exponent of two digits at least.
fn exponent(size: f64, precision: Option<usize>) -> String {
    let (digits, power) = match precision {
        None => shortest(size),
        Some(precision) => {
            let some = precision.min(MOST_DECIMALS);
            let text = format!("{size:.some$e}");
            let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
            let mut digits = digits.to_owned();
            digits.extend(std::iter::repeat_n('0', precision - some));
            (digits, power.parse().unwrap_or(0))
        }
    };
    format!("{digits}e{}", signed(power))
}

fn signed(power: i32) -> String {
    format!("{}{:02}", if power < 0 { '-' } else { '+' }, power.unsigned_abs())
}

fn decimals(size: f64, precision: Option<usize>) -> String {
    let Some(precision) = precision else { return format!("{size}") };
    let some = precision.min(MOST_DECIMALS);
    let mut text = format!("{size:.some$}");
    text.extend(std::iter::repeat_n('0', precision - some));
    text
}

/// An exponent where it is below -4 or not below the precision, else plain digits; no zeros at the end.
fn general(size: f64, precision: Option<usize>) -> String {
    if size == 0.0 {
        return "0".to_owned();
    }
    let precision = precision.map(|precision| precision.max(1));
    let scientific = exponent(size, precision.map(|precision| precision.min(MOST_DECIMALS) - 1));
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
    let power_number: i64 = power.parse().unwrap_or(0);
    let limit = precision.map_or(SHORTEST_LIMIT, |precision| precision as i64);
    if power_number < -4 || power_number >= limit {
        return format!("{}e{power}", without_zeros(digits));
    }
    match precision {
        None => format!("{size}"),
        Some(precision) => {
            let places = usize::try_from(precision as i64 - 1 - power_number).unwrap_or(0).min(MOST_DECIMALS);
            without_zeros(&format!("{size:.places$}")).to_owned()
        }
    }
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Mantissa and exponent of two.
fn parts(size: f64) -> (u64, i32) {
    let bits = size.to_bits();
    let (fraction, power) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    if power == 0 { (fraction, -1022) } else { (fraction | 1 << 52, power - 1023) }
}

fn binary(size: f64) -> String {
    let (mantissa, power) = parts(size);
    format!("{mantissa}p{:+}", power - 52)
}

fn hexadecimal(size: f64, precision: Option<usize>) -> String {
    const POINT: u32 = 60;
    let (mut mantissa, mut power) = parts(size);
    if mantissa == 0 {
        power = 0;
    } else {
        let shift = mantissa.leading_zeros() - (63 - POINT);
        mantissa <<= shift;
        power -= shift as i32 - 8;
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let shift = precision as u32 * 4;
        let extra = (mantissa << shift) & ((1 << POINT) - 1);
        mantissa >>= POINT - shift;
        if extra | (mantissa & 1) > 1 << (POINT - 1) {
            mantissa += 1;
        }
        mantissa <<= POINT - shift;
        if mantissa & (1 << (POINT + 1)) != 0 {
            mantissa >>= 1;
            power += 1;
        }
    }
    let digits = format!("{:015x}", mantissa & ((1 << POINT) - 1));
    let fraction = match precision {
        None => digits.trim_end_matches('0').to_owned(),
        Some(precision) => digits.chars().chain(std::iter::repeat('0')).take(precision).collect(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("0x{}{point}{fraction}p{}", mantissa >> POINT, signed(power))
}

/// The fewest digits that are read as this number (`-1.25`), and the exponent of the first one. Between two that are as near, Go takes
/// the even one.
pub(crate) fn shortest(number: f64) -> (String, i32) {
    let parts = |text: &str| {
        let (digits, exponent) = text.split_once('e')?;
        Some((digits.to_owned(), exponent.parse::<i32>().ok()?))
    };
    let text = format!("{number:e}");
    let Some((digits, exponent)) = parts(&text) else { return (text, 0) };
    let places = digits.split_once('.').map_or(0, |(_, after)| after.len());
    let even = format!("{number:.places$e}");
    match parts(&even) {
        Some((even_digits, even_exponent)) if even.parse() == Ok(number) => (even_digits, even_exponent),
        _ => (digits, exponent),
    }
}
