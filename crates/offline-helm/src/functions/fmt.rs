//! Go's `fmt` over values: `print`, `printf` and their kin, with all verbs and flags.

use super::arguments::MOST_BYTES;
use super::letters::is_print;
use crate::template::{IntKind, Kind, ListType, MapType, Str, Value};
use std::fmt::Write as _;

/// Values within values; a value can hold itself.
const DEPTH: usize = 1_000;

/// `fmt.Sprint`: a space between two values of which none is a string.
pub(crate) fn sprint(values: &[Value]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let text = |value: &Value| matches!(value, Value::Str(_));
        if number > 0 && !text(value) && !text(&values[number - 1]) {
            out.push(b' ');
        }
        plain(value, &mut out)?;
    }
    Ok(out)
}

/// `fmt.Sprintln`: a space between all values, and a newline.
pub(super) fn sprintln(values: &[Value]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for (number, value) in values.iter().enumerate() {
        if number > 0 {
            out.push(b' ');
        }
        plain(value, &mut out)?;
    }
    out.push(b'\n');
    Ok(out)
}

/// What `%v` gives.
pub(crate) fn plain(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    if let Value::Str(text) = value {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    let mut printer = Printer { out: std::mem::take(out), depth: 0 };
    let result = printer.verb(value, &Directive::plain());
    *out = printer.out;
    result
}

/// A `%` with its flags.
#[derive(Clone, Default)]
struct Directive {
    verb: char,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Directive {
    fn plain() -> Self {
        Directive { verb: 'v', ..Directive::default() }
    }
}

/// `fmt.Sprintf`
pub(super) fn sprintf(format: &Str, args: &[Value]) -> Result<Vec<u8>, String> {
    let text = format.as_bytes();
    let mut printer = Printer { out: Vec::with_capacity(text.len()), depth: 0 };
    let mut reader = Reader { text, at: 0, args, next: 0, reordered: false, good_index: true };
    while reader.at < text.len() {
        let rest = &text[reader.at..];
        let plain = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
        printer.out.extend_from_slice(&rest[..plain]);
        reader.at += plain;
        if reader.at < text.len() {
            reader.at += 1;
            reader.directive(&mut printer)?;
        }
        if printer.out.len() > MOST_BYTES {
            return Err(format!("printf makes more than {} MiB", MOST_BYTES >> 20));
        }
    }
    if !reader.reordered && reader.next < args.len() {
        printer.out.extend_from_slice(b"%!(EXTRA ");
        for (number, arg) in args[reader.next..].iter().enumerate() {
            if number > 0 {
                printer.out.extend_from_slice(b", ");
            }
            printer.typed(arg)?;
        }
        printer.out.push(b')');
    }
    Ok(printer.out)
}

/// Reads directives and hands out arguments.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    args: &'a [Value],
    next: usize,
    reordered: bool,
    good_index: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        let mut number = 0usize;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            number = number * 10 + usize::from(digit - b'0');
            self.at += 1;
            if number > 1_000_000 {
                return None;
            }
        }
        (self.at > start).then_some(number)
    }

    /// An explicit `[n]`.
    fn index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.text[self.at + 1..];
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            self.good_index = false;
            self.at += 1;
            return false;
        };
        let number = std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.parse::<usize>().ok());
        self.at += end + 2;
        match number.filter(|number| (1..=self.args.len()).contains(number)) {
            Some(number) => self.next = number - 1,
            None => self.good_index = false,
        }
        true
    }

    /// A number from the arguments, for `*`.
    fn star(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        match arg {
            Value::Int(number, _) if (-1_000_000..=1_000_000).contains(number) => Some(*number),
            _ => None,
        }
    }

    fn directive(&mut self, printer: &mut Printer) -> Result<(), String> {
        let mut directive = Directive::default();
        self.good_index = true;
        while let Some(flag) = self.peek() {
            match flag {
                b'#' => directive.sharp = true,
                b'0' => directive.zero = true,
                b'+' => directive.plus = true,
                b'-' => directive.minus = true,
                b' ' => directive.space = true,
                _ => break,
            }
            self.at += 1;
        }
        let mut after_index = self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.star() {
                Some(width) => {
                    directive.minus |= width < 0;
                    directive.width = Some(width.unsigned_abs() as usize);
                }
                None => printer.out.extend_from_slice(b"%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            directive.width = self.number();
            if after_index && directive.width.is_some() {
                self.good_index = false;
            }
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if after_index {
                self.good_index = false;
            }
            after_index = self.index();
            if self.peek() == Some(b'*') {
                self.at += 1;
                match self.star() {
                    Some(precision) => directive.precision = usize::try_from(precision).ok(),
                    None => printer.out.extend_from_slice(b"%!(BADPREC)"),
                }
                after_index = false;
            } else {
                directive.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        self.finish(directive, printer)
    }

    fn finish(&mut self, mut directive: Directive, printer: &mut Printer) -> Result<(), String> {
        let rest =
            String::from_utf8_lossy(&self.text[self.at..self.text.len().min(self.at + 4)]).into_owned();
        let Some(verb) = rest.chars().next() else {
            printer.out.extend_from_slice(b"%!(NOVERB)");
            return Ok(());
        };
        self.at += verb.len_utf8().min(self.text.len() - self.at);
        directive.verb = verb;
        if directive.minus {
            directive.zero = false;
        }
        if verb == '%' {
            printer.out.push(b'%');
        } else if !self.good_index {
            printer.bad(verb, "BADINDEX");
        } else if let Some(arg) = self.args.get(self.next) {
            self.next += 1;
            printer.verb(arg, &directive)?;
        } else {
            printer.bad(verb, "MISSING");
        }
        Ok(())
    }
}

struct Printer {
    out: Vec<u8>,
    depth: usize,
}

impl Printer {
    fn bad(&mut self, verb: char, why: &str) {
        let _ = write!(Text(&mut self.out), "%!{verb}({why})");
    }

    /// `type=value`, for what a verb cannot print.
    fn typed(&mut self, value: &Value) -> Result<(), String> {
        if value.is_nil() {
            self.out.extend_from_slice(b"<nil>");
            return Ok(());
        }
        self.out.extend_from_slice(value.type_name().as_bytes());
        self.out.push(b'=');
        self.verb(value, &Directive::plain())
    }

    fn unfit(&mut self, value: &Value, directive: &Directive) -> Result<(), String> {
        let _ = write!(Text(&mut self.out), "%!{}(", directive.verb);
        self.typed(value)?;
        self.out.push(b')');
        Ok(())
    }

    fn verb(&mut self, value: &Value, directive: &Directive) -> Result<(), String> {
        if self.depth > DEPTH {
            return Err("values nest without end".to_owned());
        }
        if self.out.len() > MOST_BYTES {
            return Err(format!("a text of more than {} MiB", MOST_BYTES >> 20));
        }
        match directive.verb {
            'T' => {
                self.pad(value.type_name().as_bytes(), directive);
                return Ok(());
            }
            'p' if !matches!(value, Value::Map(_) | Value::List(_) | Value::Object(_)) => {
                return self.unfit(value, directive);
            }
            'p' => {
                self.pad(b"0xc000000000", directive);
                return Ok(());
            }
            _ => {}
        }
        match value {
            Value::Nil if directive.verb == 'v' => self.pad(b"<nil>", directive),
            Value::Nil => {
                let _ = write!(Text(&mut self.out), "%!{}(<nil>)", directive.verb);
            }
            Value::Bool(truth) if matches!(directive.verb, 't' | 'v') => {
                self.pad(if *truth { b"true" } else { b"false" }, directive);
            }
            Value::Int(number, IntKind::Duration) if matches!(directive.verb, 'v' | 's' | 'q') => {
                self.text(super::durations::written(*number).as_bytes(), directive, value)?;
            }
            Value::Int(number, kind) => self.int(*number, *kind, directive, value)?,
            Value::Float(number) => self.float(*number, directive, value)?,
            Value::Str(text) => self.text(text.as_bytes(), directive, value)?,
            Value::Bytes(bytes) => self.bytes(bytes, directive, value)?,
            Value::List(list) => self.list(value, list.kind(), list.items(), directive)?,
            Value::Map(map) => self.map(value, map, directive)?,
            Value::Object(object) => match object.entries() {
                Some(entries) if object.kind() == Kind::Slice => {
                    let items: Vec<Value> = entries.into_iter().map(|(_, value)| value).collect();
                    return self.list(value, ListType::Any, &items, directive);
                }
                _ => self.text(object.text().as_bytes(), directive, value)?,
            },
            Value::Bool(_) => self.unfit(value, directive)?,
        }
        Ok(())
    }

    fn list(
        &mut self,
        value: &Value,
        kind: ListType,
        items: &[Value],
        directive: &Directive,
    ) -> Result<(), String> {
        let go = directive.verb == 'v' && directive.sharp;
        self.depth += 1;
        if go {
            self.out.extend_from_slice(value.type_name().as_bytes());
            self.out.push(b'{');
        } else {
            self.out.push(b'[');
        }
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.out.extend_from_slice(if go { b", " } else { b" " });
            }
            self.element(item, kind == ListType::Any, directive)?;
        }
        self.out.push(if go { b'}' } else { b']' });
        self.depth -= 1;
        Ok(())
    }

    fn element(&mut self, item: &Value, any: bool, directive: &Directive) -> Result<(), String> {
        if any && item.is_nil() {
            let text: &[u8] =
                if directive.sharp && directive.verb == 'v' { b"interface {}(nil)" } else { b"<nil>" };
            self.out.extend_from_slice(text);
            return Ok(());
        }
        self.verb(item, directive)
    }

    fn map(
        &mut self,
        value: &Value,
        map: &crate::template::Map,
        directive: &Directive,
    ) -> Result<(), String> {
        let go = directive.verb == 'v' && directive.sharp;
        self.depth += 1;
        if go {
            self.out.extend_from_slice(value.type_name().as_bytes());
            self.out.push(b'{');
        } else {
            self.out.extend_from_slice(b"map[");
        }
        for (number, (key, item)) in map.entries().iter().enumerate() {
            if number > 0 {
                self.out.extend_from_slice(if go { b", " } else { b" " });
            }
            self.text(key.as_bytes(), directive, &Value::Str(key.clone()))?;
            self.out.push(b':');
            self.element(item, map.kind() != MapType::Str, directive)?;
        }
        self.out.push(if go { b'}' } else { b']' });
        self.depth -= 1;
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8], directive: &Directive, value: &Value) -> Result<(), String> {
        if matches!(directive.verb, 'v' | 'd') {
            let items: Vec<Value> =
                bytes.iter().map(|byte| Value::Int(i64::from(*byte), IntKind::Uint8)).collect();
            return self.list(value, ListType::Int, &items, directive);
        }
        self.text(bytes, directive, value)
    }

    fn text(&mut self, text: &[u8], directive: &Directive, value: &Value) -> Result<(), String> {
        match directive.verb {
            'v' if directive.sharp => {
                let quoted = quote(text, false);
                self.pad(quoted.as_bytes(), directive);
            }
            'v' | 's' => {
                let cut = truncate(text, directive.precision);
                self.pad(cut, directive);
            }
            'q' => {
                let cut = truncate(text, directive.precision);
                let raw = directive.sharp && can_be_raw(cut);
                let quoted = if raw {
                    format!("`{}`", String::from_utf8_lossy(cut))
                } else {
                    quote(cut, directive.plus)
                };
                self.pad(quoted.as_bytes(), directive);
            }
            'x' | 'X' => {
                let cut =
                    &text[..directive.precision.map_or(text.len(), |precision| precision.min(text.len()))];
                let hex = hex(cut, directive);
                self.pad(hex.as_bytes(), directive);
            }
            _ => return self.unfit(value, directive),
        }
        Ok(())
    }

    fn int(
        &mut self,
        number: i64,
        kind: IntKind,
        directive: &Directive,
        value: &Value,
    ) -> Result<(), String> {
        let size = if kind.is_unsigned() { number as u64 } else { number.unsigned_abs() };
        let negative = !kind.is_unsigned() && number < 0;
        let digits = match directive.verb {
            'v' if directive.sharp && kind.is_unsigned() => {
                let text = format!("0x{size:x}");
                self.pad(text.as_bytes(), directive);
                return Ok(());
            }
            'v' | 'd' => size.to_string(),
            'b' => with_prefix("0b", format!("{size:b}"), directive.sharp),
            'o' => with_prefix("0", format!("{size:o}"), directive.sharp && size != 0),
            'O' => format!("0o{size:o}"),
            'x' => with_prefix("0x", format!("{size:x}"), directive.sharp),
            'X' => with_prefix("0X", format!("{size:X}"), directive.sharp),
            'c' | 'q' | 'U' => return self.rune(number, directive),
            _ => return self.unfit(value, directive),
        };
        self.digits(negative, digits, directive);
        Ok(())
    }

    fn rune(&mut self, number: i64, directive: &Directive) -> Result<(), String> {
        let rune = u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
        let text = match directive.verb {
            'c' => rune.to_string(),
            'U' if directive.sharp => format!("U+{number:04X} '{rune}'"),
            'U' => format!("U+{number:04X}"),
            _ => {
                let inner = quote(rune.to_string().as_bytes(), directive.plus);
                let inner = inner.trim_matches('"').replace("\\\"", "\"");
                format!("'{}'", if rune == '\'' { "\\'".to_owned() } else { inner })
            }
        };
        self.pad(text.as_bytes(), directive);
        Ok(())
    }

    /// Sign, precision and padding of a whole number.
    fn digits(&mut self, negative: bool, mut digits: String, directive: &Directive) {
        if let Some(precision) = directive.precision {
            if precision == 0 && digits == "0" {
                self.pad(b"", &Directive { zero: false, ..directive.clone() });
                return;
            }
            while digits.len() < precision {
                digits.insert(0, '0');
            }
        }
        let sign = match (negative, directive.plus, directive.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        if directive.zero && directive.precision.is_none() {
            let width = directive.width.unwrap_or(0);
            while digits.len() + sign.len() < width {
                digits.insert(0, '0');
            }
        }
        self.pad(format!("{sign}{digits}").as_bytes(), &Directive { zero: false, ..directive.clone() });
    }

    fn float(&mut self, number: f64, directive: &Directive, value: &Value) -> Result<(), String> {
        let size = number.abs();
        let precision = directive.precision;
        let mut text = if !number.is_finite() {
            if number.is_nan() { "NaN".to_owned() } else { "Inf".to_owned() }
        } else {
            match directive.verb {
                'v' | 'g' | 'G' => general(size, precision),
                'e' | 'E' => exponent(size, Some(precision.unwrap_or(6))),
                'f' | 'F' => format!("{size:.*}", precision.unwrap_or(6)),
                'b' | 'x' | 'X' => hex_float(size, directive.verb),
                _ => return self.unfit(value, directive),
            }
        };
        if !matches!(directive.verb, 'v' | 'g' | 'G' | 'e' | 'E' | 'f' | 'F' | 'b' | 'x' | 'X') {
            return self.unfit(value, directive);
        }
        if matches!(directive.verb, 'G' | 'E') {
            text = text.to_uppercase();
        }
        let negative = number.is_sign_negative() && !number.is_nan();
        if number.is_infinite() && !negative && directive.verb == 'v' {
            text.insert(0, '+');
        }
        let sign = match (negative, directive.plus, directive.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        if directive.zero && number.is_finite() {
            let width = directive.width.unwrap_or(0);
            while text.len() + sign.len() < width {
                text.insert(0, '0');
            }
        }
        self.pad(format!("{sign}{text}").as_bytes(), &Directive { zero: false, ..directive.clone() });
        Ok(())
    }

    /// Fills up to the width, which counts characters.
    fn pad(&mut self, text: &[u8], directive: &Directive) {
        let length = String::from_utf8_lossy(text).chars().count();
        let missing = directive.width.unwrap_or(0).saturating_sub(length);
        let fill = if directive.zero && !directive.minus { b'0' } else { b' ' };
        if !directive.minus {
            self.out.resize(self.out.len() + missing, fill);
        }
        self.out.extend_from_slice(text);
        if directive.minus {
            self.out.resize(self.out.len() + missing, b' ');
        }
    }
}

/// Writes text into bytes.
struct Text<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn with_prefix(prefix: &str, digits: String, wanted: bool) -> String {
    if wanted { format!("{prefix}{digits}") } else { digits }
}

/// The first characters.
fn truncate(text: &[u8], precision: Option<usize>) -> &[u8] {
    let Some(precision) = precision else { return text };
    let mut at = 0;
    for _ in 0..precision {
        if at >= text.len() {
            break;
        }
        at += 1;
        while at < text.len() && text[at] & 0xc0 == 0x80 {
            at += 1;
        }
    }
    &text[..at]
}

fn can_be_raw(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        !text
            .chars()
            .any(|letter| letter == '`' || letter == '\u{feff}' || (letter.is_control() && letter != '\t'))
    })
}

fn hex(text: &[u8], directive: &Directive) -> String {
    let mut out = String::with_capacity(text.len() * 2 + 2);
    let prefix = if directive.verb == 'x' { "0x" } else { "0X" };
    for (number, byte) in text.iter().enumerate() {
        if number > 0 && directive.space {
            out.push(' ');
        }
        if directive.sharp && (number == 0 || directive.space) {
            out.push_str(prefix);
        }
        let _ = if directive.verb == 'x' { write!(out, "{byte:02x}") } else { write!(out, "{byte:02X}") };
    }
    out
}

/// `%e`: one digit, a point, and an exponent of two digits at least.
fn exponent(size: f64, precision: Option<usize>) -> String {
    let text = match precision {
        Some(precision) => format!("{size:.precision$e}"),
        None => format!("{size:e}"),
    };
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
    format!("{digits}e{sign}{power:0>2}")
}

/// The exponent from which on the shortest form is `%e`.
const SHORTEST_LIMIT: i64 = 6;

/// `%g`: `%e` where the exponent is below -4 or not below the precision (6 for the shortest form), else plain digits.
fn general(size: f64, precision: Option<usize>) -> String {
    if size == 0.0 {
        return "0".to_owned();
    }
    let precision = precision.map(|precision| precision.max(1));
    let scientific = exponent(size, precision.map(|precision| precision - 1));
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
    let exponent: i64 = power.parse().unwrap_or(0);
    let limit = precision.map_or(SHORTEST_LIMIT, |precision| precision as i64);
    if exponent < -4 || exponent >= limit {
        return format!("{}e{power}", trim_zeros(digits));
    }
    match precision {
        Some(precision) => {
            let decimals = usize::try_from(precision as i64 - 1 - exponent).unwrap_or(0);
            trim_zeros(&format!("{size:.decimals$}")).to_owned()
        }
        None => format!("{size}"),
    }
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// `%b` and `%x` of a float: rarely seen, exact nevertheless.
fn hex_float(size: f64, verb: char) -> String {
    let bits = size.to_bits();
    let (mantissa, power) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
    if verb == 'b' {
        let mantissa = if power == 0 { mantissa } else { mantissa | (1 << 52) };
        return format!("{mantissa}p{:+}", power.max(1) - 1075);
    }
    if size == 0.0 {
        return if verb == 'x' { "0x0p+00".to_owned() } else { "0X0P+00".to_owned() };
    }
    let digits = format!("{mantissa:013x}");
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    let power = power - 1023;
    let sign = if power < 0 { '-' } else { '+' };
    let text = format!("0x1{point}{digits}p{sign}{:02}", power.unsigned_abs());
    if verb == 'X' { text.to_uppercase() } else { text }
}

/// `strconv.Quote`; with `ascii` nothing above ASCII stays as it is.
pub(crate) fn quote(text: &[u8], ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.utf8_chunks() {
        for letter in chunk.valid().chars() {
            quote_char(letter, ascii, &mut out);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

fn quote_char(letter: char, ascii: bool, out: &mut String) {
    let code = u32::from(letter);
    let _ = match letter {
        '"' | '\\' => write!(out, "\\{letter}"),
        '\u{7}' => write!(out, "\\a"),
        '\u{8}' => write!(out, "\\b"),
        '\u{c}' => write!(out, "\\f"),
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        '\t' => write!(out, "\\t"),
        '\u{b}' => write!(out, "\\v"),
        _ if code < 0x20 || code == 0x7f => write!(out, "\\x{code:02x}"),
        ' '..='~' => write!(out, "{letter}"),
        _ if !ascii && is_print(letter) => write!(out, "{letter}"),
        _ if code < 0x10000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}
