//! Numbers as Go prints them: by encoding/json first, by go-yaml then.

use crate::float::{float_text, shortest};

/// A `float64` as `toYaml` writes it. `None`: JSON cannot say it.
pub(super) fn float(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let (digits, exponent) = shortest(number);
    // JSON writes whole numbers below 1e21 without exponent; what of them fits 64 bits is read as a whole number again.
    if number == number.trunc() && (0..21).contains(&exponent) {
        let whole = plain(&digits, exponent);
        if whole.parse::<i64>().is_ok() || whole.parse::<u64>().is_ok() {
            return Some(if whole == "-0" { "0".to_owned() } else { whole });
        }
    }
    // Go takes six digits as the precision of the shortest form.
    if (-4..6).contains(&exponent) {
        return Some(format!("{number}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    Some(format!("{digits}e{sign}{:02}", exponent.abs()))
}

/// A `float64` as `toYamlPretty` writes it.
pub(super) fn third(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    float_text(number)
}

/// A `float64` as JSON has it. `None`: JSON cannot say it.
pub(crate) fn json_float(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let (digits, exponent) = shortest(number);
    if number == 0.0 || (-6..21).contains(&exponent) {
        return Some(format!("{number}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    Some(format!("{digits}e{sign}{}", exponent.abs()))
}

/// A whole number without exponent.
fn plain(digits: &str, exponent: i32) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let width = exponent as usize + 1;
    format!("{sign}{:0<width$}", digits.replace('.', ""))
}
