//! Values of all types under a verb, within lists and maps too.

use super::format::Format;
use crate::value::{IntKind, Kind, List, ListType, Map, MapType, Object, Value};

/// Values within values; a value can hold itself.
const DEPTH: usize = 1_000;

/// Where Go would print an address, which no two runs share.
const ADDRESS: u64 = 0xc0_0000_0000;

/// Prints values one after the other.
#[derive(Default)]
pub(super) struct Printer {
    pub(super) format: Format,
    depth: usize,
    /// Within the report of a verb that does not fit; methods do not count there.
    reporting: bool,
}

impl Printer {
    /// A value as an argument.
    pub(super) fn argument(&mut self, value: &Value, verb: char) -> Result<(), String> {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.format.pad(b"<nil>"),
            (Value::Nil, _) => self.unfit(value, verb),
            (_, 'T') => self.format.text(value.type_name().as_bytes()),
            (Value::Map(_) | Value::List(_) | Value::Bytes(_), 'p') => self.pointer(),
            (Value::Object(object), 'p') if object.kind() != Kind::Struct => self.pointer(),
            (_, 'p') | (Value::Map(_) | Value::List(_), 'w') => self.unfit(value, verb),
            _ => self.value(value, verb),
        }
    }

    fn pointer(&mut self) -> Result<(), String> {
        let sharp = self.format.flags.sharp;
        self.format.flags.sharp = !sharp;
        let result = self.format.integer(false, ADDRESS, 'x');
        self.format.flags.sharp = sharp;
        result
    }

    /// The report of a verb that does not fit: `%!d(string=x)`.
    fn unfit(&mut self, value: &Value, verb: char) -> Result<(), String> {
        self.format.write(format!("%!{verb}(").as_bytes())?;
        if value.is_nil() {
            self.format.write(b"<nil>")?;
        } else {
            self.format.write(value.type_name().as_bytes())?;
            self.format.write(b"=")?;
            let before = std::mem::replace(&mut self.reporting, true);
            self.argument(value, 'v')?;
            self.reporting = before;
        }
        self.format.write(b")")
    }

    fn value(&mut self, value: &Value, verb: char) -> Result<(), String> {
        if self.depth > DEPTH {
            return Err("values nest without end".to_owned());
        }
        match value {
            Value::Nil => self.unfit(value, verb),
            Value::Bool(truth) if matches!(verb, 't' | 'v') => {
                self.format.pad(if *truth { b"true" } else { b"false" })
            }
            Value::Bool(_) => self.unfit(value, verb),
            Value::Int(number, IntKind::Duration) if self.calls_methods(verb) => {
                let text = crate::nanos::written(*number);
                self.text(value, text.as_bytes(), verb)
            }
            Value::Int(number, kind) => self.integer(value, *number, kind.is_unsigned(), verb),
            Value::Float(number) => self.float(value, *number, verb),
            Value::Str(text) => self.text(value, text.as_bytes(), verb),
            Value::Bytes(bytes) => self.bytes(value, bytes, verb),
            Value::List(list) => self.list(value, list, verb),
            Value::Map(map) => self.map(value, map, verb),
            Value::Object(object) => self.object(value, &**object, verb),
        }
    }

    fn calls_methods(&self, verb: char) -> bool {
        !self.reporting && !self.format.flags.go_syntax && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
    }

    fn integer(&mut self, value: &Value, number: i64, unsigned: bool, verb: char) -> Result<(), String> {
        let bits = number as u64;
        let negative = !unsigned && number < 0;
        let size = if negative { number.unsigned_abs() } else { bits };
        match verb {
            'v' if self.format.flags.go_syntax && unsigned => self.byte(bits),
            'v' => self.format.integer(negative, size, 'd'),
            'd' | 'b' | 'o' | 'O' | 'x' | 'X' => self.format.integer(negative, size, verb),
            'c' => self.format.letter(bits),
            'q' => self.format.quoted_letter(bits),
            'U' => self.format.unicode(bits),
            _ => self.unfit(value, verb),
        }
    }

    /// A number without sign in Go's syntax.
    fn byte(&mut self, number: u64) -> Result<(), String> {
        let sharp = std::mem::replace(&mut self.format.flags.sharp, true);
        let result = self.format.integer(false, number, 'x');
        self.format.flags.sharp = sharp;
        result
    }

    fn float(&mut self, value: &Value, number: f64, verb: char) -> Result<(), String> {
        match verb {
            'v' => self.format.float(number, 'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => self.format.float(number, verb, None),
            'f' | 'e' | 'E' => self.format.float(number, verb, Some(6)),
            'F' => self.format.float(number, 'f', Some(6)),
            _ => self.unfit(value, verb),
        }
    }

    fn text(&mut self, value: &Value, text: &[u8], verb: char) -> Result<(), String> {
        match verb {
            'v' if self.format.flags.go_syntax => self.format.quoted(text),
            'v' | 's' => self.format.text(text),
            'x' | 'X' => self.format.hexadecimal(text, verb),
            'q' => self.format.quoted(text),
            _ => self.unfit(value, verb),
        }
    }

    fn bytes(&mut self, value: &Value, bytes: &[u8], verb: char) -> Result<(), String> {
        match verb {
            's' | 'q' | 'x' | 'X' => self.text(value, bytes, verb),
            _ => {
                let go = verb == 'v' && self.format.flags.go_syntax;
                self.open(if go { "[]byte" } else { "" }, "[", go)?;
                for (number, byte) in bytes.iter().enumerate() {
                    self.between(number, go)?;
                    match verb {
                        'v' if go => self.byte((*byte).into())?,
                        _ => self.value(&Value::Int((*byte).into(), IntKind::Uint8), verb)?,
                    }
                }
                self.close(go)
            }
        }
    }

    fn open(&mut self, name: &str, bracket: &str, go: bool) -> Result<(), String> {
        self.depth += 1;
        self.format.write(name.as_bytes())?;
        self.format.write(if go { b"{" } else { bracket.as_bytes() })
    }

    fn between(&mut self, number: usize, go: bool) -> Result<(), String> {
        match (number, go) {
            (0, _) => Ok(()),
            (_, true) => self.format.write(b", "),
            (_, false) => self.format.write(b" "),
        }
    }

    fn close(&mut self, go: bool) -> Result<(), String> {
        self.depth -= 1;
        self.format.write(if go { b"}" } else { b"]" })
    }

    /// The name of the type, where Go's syntax wants it.
    fn name(&self, value: &Value) -> &'static str {
        if self.format.flags.go_syntax { value.type_name() } else { "" }
    }

    fn list(&mut self, value: &Value, list: &List, verb: char) -> Result<(), String> {
        let go = self.format.flags.go_syntax;
        if go && list.is_nil() {
            return self.format.write(format!("{}(nil)", value.type_name()).as_bytes());
        }
        self.items(self.name(value), list.items(), list.kind() == ListType::Any, verb)
    }

    fn items(&mut self, name: &str, items: &[Value], any: bool, verb: char) -> Result<(), String> {
        let go = self.format.flags.go_syntax;
        self.open(name, "[", go)?;
        for (number, item) in items.iter().enumerate() {
            self.between(number, go)?;
            self.element(item, any, verb)?;
        }
        self.close(go)
    }

    fn element(&mut self, item: &Value, any: bool, verb: char) -> Result<(), String> {
        match item {
            Value::Nil if any && self.format.flags.go_syntax => self.format.write(b"interface {}(nil)"),
            Value::Nil if any => self.format.write(b"<nil>"),
            _ => self.value(item, verb),
        }
    }

    fn map(&mut self, value: &Value, map: &Map, verb: char) -> Result<(), String> {
        let go = self.format.flags.go_syntax;
        self.open(self.name(value), "map[", go)?;
        for (number, (key, item)) in map.entries().iter().enumerate() {
            self.between(number, go)?;
            self.value(&Value::Str(key.clone()), verb)?;
            self.format.write(b":")?;
            self.element(item, map.kind() != MapType::Str, verb)?;
        }
        self.close(go)
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: char) -> Result<(), String> {
        match object.entries() {
            Some(entries) if object.kind() == Kind::Slice => {
                let items: Vec<Value> = entries.into_iter().map(|(_, item)| item).collect();
                self.items(self.name(value), &items, false, verb)
            }
            _ if self.reporting || verb == 'v' => self.format.text(object.text().as_bytes()),
            _ => self.text(value, object.text().as_bytes(), verb),
        }
    }
}
