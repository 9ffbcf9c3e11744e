//! Go's `fmt`: `print`, `printf` and their kin, with all verbs, flags, widths, precisions and numbered arguments.
//!
//! Here stands what reads a format and hands out arguments. `values` prints a value of any type, `format` writes and pads texts and whole
//! numbers, `float` and `quote` are Go's `strconv`. A text that gets too long, or values without end, are errors.

mod format;
mod quote;
mod values;

pub(crate) use quote::quote;

use super::letters;
use crate::value::{IntKind, Str, Value};
use format::Flags;
use values::Printer;

/// `fmt.Sprint`: a space between two values of which none is a string.
pub(crate) fn sprint(values: &[Value]) -> Result<Vec<u8>, String> {
    let mut printer = Printer::default();
    let is_text = |value: &Value| matches!(value, Value::Str(_));
    for (number, value) in values.iter().enumerate() {
        if number > 0 && !is_text(value) && !is_text(&values[number - 1]) {
            printer.format.out.push(b' ');
        }
        printer.argument(value, 'v')?;
    }
    Ok(printer.format.out)
}

/// `fmt.Sprintln`: a space between all values, and a newline.
pub(super) fn sprintln(values: &[Value]) -> Result<Vec<u8>, String> {
    let mut printer = Printer::default();
    for (number, value) in values.iter().enumerate() {
        if number > 0 {
            printer.format.out.push(b' ');
        }
        printer.argument(value, 'v')?;
    }
    printer.format.out.push(b'\n');
    Ok(printer.format.out)
}

/// What `%v` gives, after what is written already.
pub(crate) fn plain(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    if let Value::Str(text) = value {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    let mut printer = Printer::default();
    printer.format.out = std::mem::take(out);
    let result = printer.argument(value, 'v');
    *out = printer.format.out;
    result
}

/// `fmt.Sprintf`
pub(super) fn sprintf(format: &Str, args: &[Value]) -> Result<Vec<u8>, String> {
    let mut reader = Reader { text: format.as_bytes(), at: 0, args, next: 0, reordered: false, good: true };
    let mut printer = Printer::default();
    loop {
        let rest = &reader.text[reader.at..];
        let plain = memchr::memchr(b'%', rest);
        printer.format.write(&rest[..plain.unwrap_or(rest.len())])?;
        let Some(plain) = plain else { break };
        reader.at += plain + 1;
        reader.directive(&mut printer)?;
    }
    if !reader.reordered && reader.next < args.len() {
        printer.format.flags = Flags::default();
        printer.format.write(b"%!(EXTRA ")?;
        for (number, arg) in args[reader.next..].iter().enumerate() {
            if number > 0 {
                printer.format.write(b", ")?;
            }
            if !arg.is_nil() {
                printer.format.write(arg.type_name().as_bytes())?;
                printer.format.write(b"=")?;
            }
            printer.argument(arg, 'v')?;
        }
        printer.format.write(b")")?;
    }
    Ok(printer.format.out)
}

/// The largest width that an argument may give; a number in the format may be ten times as large.
const LARGEST: i64 = 1_000_000;

/// Reads directives and hands out arguments.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    args: &'a [Value],
    next: usize,
    reordered: bool,
    good: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// A number. One that is too large takes the rest of the format with it.
    fn number(&mut self, end: usize) -> Option<usize> {
        let mut number = None;
        while self.at < end && self.text[self.at].is_ascii_digit() {
            let before = number.unwrap_or(0);
            if before > LARGEST as usize {
                self.at = end;
                return None;
            }
            number = Some(before * 10 + usize::from(self.text[self.at] - b'0'));
            self.at += 1;
        }
        number
    }

    /// An explicit `[n]`; whether there was one that could be read.
    fn index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let start = self.at;
        let Some(close) = memchr::memchr(b']', &self.text[start..]).map(|at| start + at) else {
            self.good = false;
            self.at = start + 1;
            return false;
        };
        self.at = start + 1;
        let number = self.number(close).filter(|_| self.at == close);
        self.at = close + 1;
        match number {
            Some(number) if (1..=self.args.len()).contains(&number) => self.next = number - 1,
            _ => self.good = false,
        }
        number.is_some()
    }

    /// A number from the arguments, for `*`.
    fn star(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        match arg {
            Value::Int(number, IntKind::Uint64) if *number < 0 => None,
            Value::Int(number, _) => Some(*number).filter(|number| (-LARGEST..=LARGEST).contains(number)),
            _ => None,
        }
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(flag) = self.peek() {
            match flag {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        flags
    }

    fn directive(&mut self, printer: &mut Printer) -> Result<(), String> {
        self.good = true;
        let mut flags = self.flags();
        let mut after_index = self.index();
        let end = self.text.len();
        if self.peek() == Some(b'*') {
            self.at += 1;
            match self.star() {
                Some(width) => flags.width = Some(width.unsigned_abs() as usize),
                None => printer.format.write(b"%!(BADWIDTH)")?,
            }
            if self.args.get(self.next.wrapping_sub(1)).is_some_and(is_negative) && flags.width.is_some() {
                flags.minus = true;
                flags.zero = false;
            }
            after_index = false;
        } else {
            flags.width = self.number(end);
            self.good &= !(after_index && flags.width.is_some());
        }
        if self.peek() == Some(b'.') && self.at + 1 < end {
            self.at += 1;
            self.good &= !after_index;
            after_index = self.index();
            if self.peek() == Some(b'*') {
                self.at += 1;
                flags.precision = self.star().and_then(|number| usize::try_from(number).ok());
                if flags.precision.is_none() {
                    printer.format.write(b"%!(BADPREC)")?;
                }
                after_index = false;
            } else {
                flags.precision = Some(self.number(end).unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        printer.format.flags = flags;
        self.verb(printer)
    }

    fn verb(&mut self, printer: &mut Printer) -> Result<(), String> {
        let Some((verb, size)) = letters::first(&self.text[self.at.min(self.text.len())..]) else {
            return printer.format.write(b"%!(NOVERB)");
        };
        self.at += size;
        if verb == '%' {
            return printer.format.write(b"%");
        }
        if !self.good {
            return printer.format.write(format!("%!{verb}(BADINDEX)").as_bytes());
        }
        let Some(arg) = self.args.get(self.next) else {
            return printer.format.write(format!("%!{verb}(MISSING)").as_bytes());
        };
        self.next += 1;
        if matches!(verb, 'v' | 'w') {
            // Of a whole value `#` means Go's syntax, and `+` the names of fields.
            let flags = &mut printer.format.flags;
            flags.go_syntax = std::mem::take(&mut flags.sharp);
            flags.plus = false;
        }
        printer.argument(arg, verb)
    }
}

fn is_negative(value: &Value) -> bool {
    matches!(value, Value::Int(number, _) if *number < 0)
}
