//! Decimal numbers of any size, with the operations and the rounding of the Go package that Sprig's `…f` functions use.

use super::arguments::shown;
use crate::float::shortest;
use crate::value::Value;
use num_bigint_dig::{BigInt, Sign};

/// Digits after the point that a division keeps.
const PRECISION: i64 = 16;

/// Digits that a number may have.
const MOST_DIGITS: usize = 100_000;

/// `value × 10^exponent`
pub(super) struct Decimal {
    value: BigInt,
    exponent: i64,
}

impl Decimal {
    /// The number whose shortest notation this one has.
    pub(super) fn from_float(number: f64) -> Result<Decimal, String> {
        if !number.is_finite() {
            return Err(format!("Cannot create a Decimal from {}", shown(&Value::Float(number))));
        }
        let (digits, exponent) = shortest(number);
        let places = digits.split_once('.').map_or(0, |(_, after)| after.len());
        let value = digits.replace('.', "").parse().map_err(|_| "no decimal".to_owned())?;
        Ok(Decimal { value, exponent: i64::from(exponent) - places as i64 })
    }

    /// The nearest `float64`.
    pub(super) fn to_float(&self) -> f64 {
        format!("{}e{}", self.value, self.exponent).parse().unwrap_or(f64::NAN)
    }

    /// Sum.
    pub(super) fn add(&self, other: &Decimal) -> Result<Decimal, String> {
        let (a, b, exponent) = self.aligned(other)?;
        Ok(Decimal { value: a + b, exponent })
    }

    /// Difference.
    pub(super) fn sub(&self, other: &Decimal) -> Result<Decimal, String> {
        let (a, b, exponent) = self.aligned(other)?;
        Ok(Decimal { value: a - b, exponent })
    }

    /// Product.
    pub(super) fn mul(&self, other: &Decimal) -> Result<Decimal, String> {
        let value = &self.value * &other.value;
        if value.bits() > MOST_DIGITS * 3 {
            return Err("the number has too many digits".to_owned());
        }
        Ok(Decimal { value, exponent: self.exponent + other.exponent })
    }

    /// Quotient, rounded to 16 places: halves away from zero.
    pub(super) fn div(&self, other: &Decimal) -> Result<Decimal, String> {
        if other.value.sign() == Sign::NoSign {
            return Err("decimal division by 0".to_owned());
        }
        let shift = self.exponent - other.exponent + PRECISION;
        let (dividend, divisor) = if shift < 0 {
            (self.value.clone(), scaled(&other.value, -shift)?)
        } else {
            (scaled(&self.value, shift)?, other.value.clone())
        };
        let (mut quotient, rest) = (&dividend / &divisor, &dividend % &divisor);
        if size(rest * 2) >= size(divisor) {
            let negative = (self.value.sign() == Sign::Minus) != (other.value.sign() == Sign::Minus);
            quotient += if negative && self.value.sign() != Sign::NoSign { -1 } else { 1 };
        }
        Ok(Decimal { value: quotient, exponent: -PRECISION })
    }

    fn aligned(&self, other: &Decimal) -> Result<(BigInt, BigInt, i64), String> {
        let exponent = self.exponent.min(other.exponent);
        Ok((
            scaled(&self.value, self.exponent - exponent)?,
            scaled(&other.value, other.exponent - exponent)?,
            exponent,
        ))
    }
}

fn scaled(value: &BigInt, by: i64) -> Result<BigInt, String> {
    match usize::try_from(by) {
        Ok(by) if by <= MOST_DIGITS => Ok(value * power(by)),
        _ => Err("the number has too many digits".to_owned()),
    }
}

fn size(value: BigInt) -> BigInt {
    if value.sign() == Sign::Minus { -value } else { value }
}

fn power(exponent: usize) -> BigInt {
    let mut result = BigInt::from(1);
    let (mut square, mut bits) = (BigInt::from(10), exponent);
    while bits != 0 {
        if bits & 1 == 1 {
            result *= &square;
        }
        bits >>= 1;
        if bits != 0 {
            square = &square * &square;
        }
    }
    result
}
