//! How floating point numbers are spelled: where they are encrypted and hashed, and where they are written as YAML.
//!
//! Repeats Go's `strconv` and go-yaml v3, because a number that is spelled otherwise breaks the MAC.

/// A decimal floating point number; none when it is too large for one.
pub fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_ok = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) || !exponent_ok {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// `strconv.FormatFloat(value, 'f', -1, 64)`: what is encrypted and hashed.
pub fn float_decimal(value: f64) -> String {
    if value.is_infinite() { if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned() } else { value.to_string() }
}

/// The opposite of [`float_decimal`], as `strconv.ParseFloat` reads it.
pub fn parse_float(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        _ => decimal(text),
    }
}

/// How go-yaml writes a floating point number, `strconv.FormatFloat(value, 'g', -1, 64)`, except that `1.0` keeps its
/// fraction: there it becomes the integer `1`.
pub fn float_yaml(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let decimal = value.to_string();
        if decimal.contains('.') { decimal } else { decimal + ".0" }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.abs())
    }
}
