//! Functions of numbers. Whole numbers wrap around as Go's `int64` does; what would be a panic there is an error.

use super::arguments::{MOST_ELEMENTS, fixed, int, list_of, text_of, too_many, variadic};
use super::cast::{NotANumber, parse_int, to_float64, to_int64};
use super::decimal::Decimal;
use super::signature::{Function, Type};
use crate::value::{List, ListType, Value};

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("atoi", &[Type::Str], atoi),
    fixed("int", &[Type::Any], |args| Ok(Value::int(to_int64(&args[0])))),
    fixed("int64", &[Type::Any], |args| Ok(Value::int64(to_int64(&args[0])))),
    fixed("float64", &[Type::Any], |args| Ok(Value::Float(to_float64(&args[0])))),
    fixed("toDecimal", &[Type::Any], to_decimal),
    variadic("seq", &[], Type::Int, seq),
    fixed("until", &[Type::Int], until),
    fixed("untilStep", &[Type::Int, Type::Int, Type::Int], until_step),
    fixed("add1", &[Type::Any], |args| Ok(Value::int64(to_int64(&args[0]).wrapping_add(1)))),
    variadic("add", &[], Type::Any, |args| Ok(fold(0, args, i64::wrapping_add))),
    fixed("sub", &[Type::Any, Type::Any], |args| Ok(first_fold(args, i64::wrapping_sub))),
    fixed("div", &[Type::Any, Type::Any], |args| divide(args, i64::wrapping_div)),
    fixed("mod", &[Type::Any, Type::Any], |args| divide(args, i64::wrapping_rem)),
    variadic("mul", &[Type::Any], Type::Any, |args| Ok(first_fold(args, i64::wrapping_mul))),
    fixed("randInt", &[Type::Int, Type::Int], rand_int),
    fixed("add1f", &[Type::Any], |args| decimals(&[args[0].clone(), Value::int(1)], Decimal::add)),
    variadic("addf", &[], Type::Any, addf),
    variadic("subf", &[Type::Any], Type::Any, |args| decimals(args, Decimal::sub)),
    variadic("divf", &[Type::Any], Type::Any, |args| decimals(args, Decimal::div)),
    variadic("mulf", &[Type::Any], Type::Any, |args| decimals(args, Decimal::mul)),
    variadic("biggest", &[Type::Any], Type::Any, |args| Ok(first_fold(args, i64::max))),
    variadic("max", &[Type::Any], Type::Any, |args| Ok(first_fold(args, i64::max))),
    variadic("min", &[Type::Any], Type::Any, |args| Ok(first_fold(args, i64::min))),
    variadic("maxf", &[Type::Any], Type::Any, |args| Ok(extreme(args, f64::INFINITY, f64::max))),
    variadic("minf", &[Type::Any], Type::Any, |args| Ok(extreme(args, f64::NEG_INFINITY, f64::min))),
    fixed("ceil", &[Type::Any], |args| Ok(Value::Float(to_float64(&args[0]).ceil()))),
    fixed("floor", &[Type::Any], |args| Ok(Value::Float(to_float64(&args[0]).floor()))),
    variadic("round", &[Type::Any, Type::Int], Type::Float, round),
];

fn atoi(args: &[Value]) -> Result<Value, String> {
    Ok(Value::int(match parse_int(super::arguments::bytes(&args[0]), 10) {
        Ok(number) | Err(NotANumber::Range(number)) => number,
        Err(NotANumber::Syntax) => 0,
    }))
}

/// Reads an octal number.
fn to_decimal(args: &[Value]) -> Result<Value, String> {
    let text = super::fmt::sprint(args)?;
    Ok(Value::int64(parse_int(&text, 8).unwrap_or(0)))
}

fn fold(start: i64, args: &[Value], combine: fn(i64, i64) -> i64) -> Value {
    Value::int64(args.iter().map(to_int64).fold(start, combine))
}

fn first_fold(args: &[Value], combine: fn(i64, i64) -> i64) -> Value {
    fold(to_int64(&args[0]), &args[1..], combine)
}

fn divide(args: &[Value], combine: fn(i64, i64) -> i64) -> Result<Value, String> {
    match to_int64(&args[1]) {
        0 => Err("runtime error: integer divide by zero".to_owned()),
        divisor => Ok(Value::int64(combine(to_int64(&args[0]), divisor))),
    }
}

/// The placeholder of a random number: the smallest one that there can be.
fn rand_int(args: &[Value]) -> Result<Value, String> {
    let (min, max) = (int(&args[0]), int(&args[1]));
    if max.wrapping_sub(min) <= 0 {
        return Err("invalid argument to Intn".to_owned());
    }
    Ok(Value::int(min))
}

fn addf(args: &[Value]) -> Result<Value, String> {
    let all: Vec<Value> = std::iter::once(Value::Float(0.0)).chain(args.iter().cloned()).collect();
    decimals(&all, Decimal::add)
}

/// Sprig calculates with decimal numbers, so that 0.1 and 0.2 are 0.3.
fn decimals(
    args: &[Value],
    combine: fn(&Decimal, &Decimal) -> Result<Decimal, String>,
) -> Result<Value, String> {
    let mut result = Decimal::from_float(to_float64(&args[0]))?;
    for arg in &args[1..] {
        result = combine(&result, &Decimal::from_float(to_float64(arg))?)?;
    }
    Ok(Value::Float(result.to_float()))
}

/// The strongest of all wins, then what is no number, then the more extreme one; of two zeros the signed one is less.
fn extreme(args: &[Value], strongest: f64, choose: fn(f64, f64) -> f64) -> Value {
    let pair = |a: f64, b: f64| {
        if a == strongest || b == strongest {
            strongest
        } else if a.is_nan() || b.is_nan() {
            f64::NAN
        } else if a == 0.0 && b == 0.0 {
            let negative = if strongest > 0.0 {
                a.is_sign_negative() && b.is_sign_negative()
            } else {
                a.is_sign_negative() || b.is_sign_negative()
            };
            if negative { -0.0 } else { 0.0 }
        } else {
            choose(a, b)
        }
    };
    Value::Float(args[1..].iter().map(to_float64).fold(to_float64(&args[0]), pair))
}

fn round(args: &[Value]) -> Result<Value, String> {
    let round_on = match args.get(2) {
        Some(Value::Float(number)) => *number,
        _ => 0.5,
    };
    let power = power_of_ten(int(&args[1]) as f64);
    let digit = power * to_float64(&args[0]);
    let rounded = if digit - digit.trunc() >= round_on { digit.ceil() } else { digit.floor() };
    Ok(Value::Float(rounded / power))
}

/// `math.Pow(10, y)` for a whole `y`, to the last bit as Go calculates it.
fn power_of_ten(y: f64) -> f64 {
    if y == 0.0 {
        return 1.0;
    }
    if y == 1.0 {
        return 10.0;
    }
    let (mut factor, mut exponent): (f64, i64) = (1.0, 0);
    let (mut square, mut square_exponent): (f64, i64) = (0.625, 4);
    let mut bits = y.abs() as u64;
    while bits != 0 {
        if square_exponent.abs() > 1 << 12 {
            exponent += square_exponent;
            break;
        }
        if bits & 1 == 1 {
            factor *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent <<= 1;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        bits >>= 1;
    }
    if y < 0.0 {
        (factor, exponent) = (1.0 / factor, -exponent);
    }
    // In two steps, of which only the second can round.
    let exponent = exponent.clamp(-2_200, 2_200) as i32;
    factor * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2)
}

fn until(args: &[Value]) -> Result<Value, String> {
    let count = int(&args[0]);
    numbers(steps(0, count, if count < 0 { -1 } else { 1 })?)
}

fn until_step(args: &[Value]) -> Result<Value, String> {
    numbers(steps(int(&args[0]), int(&args[1]), int(&args[2]))?)
}

fn numbers(numbers: Vec<i64>) -> Result<Value, String> {
    list_of(List::typed(ListType::Int, numbers.into_iter().map(Value::int).collect()))
}

fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, String> {
    let down = stop < start;
    let mut numbers = Vec::new();
    if down && step >= 0 || !down && step <= 0 {
        return Ok(numbers);
    }
    let distance = i128::from(stop) - i128::from(start);
    if distance / i128::from(step) > MOST_ELEMENTS as i128 {
        return Err(too_many());
    }
    let mut number = start;
    while if down { number > stop } else { number < stop } {
        if numbers.len() == MOST_ELEMENTS {
            return Err(too_many());
        }
        numbers.push(number);
        number = number.wrapping_add(step);
    }
    Ok(numbers)
}

fn seq(args: &[Value]) -> Result<Value, String> {
    let numbers: Vec<i64> = args.iter().map(int).collect();
    let (start, step, end) = match numbers[..] {
        [end] => (1, None, end),
        [start, end] => (start, None, end),
        [start, step, end] => (start, Some(step), end),
        _ => return Ok(Value::str("")),
    };
    let direction = if end < start { -1 } else { 1 };
    if end < start && step.is_some_and(|step| step > 0) {
        return Ok(Value::str(""));
    }
    let numbers = steps(start, end.wrapping_add(direction), step.unwrap_or(direction))?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    text_of(texts.join(" ").into_bytes())
}
