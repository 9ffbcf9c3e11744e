//! TOML as Helm writes it: plain keys first, tables after them, each level indented by two spaces.

use super::arguments::MOST_BYTES;
use crate::template::{Map, Str, Value};
use std::fmt::Write as _;

/// Values within values; a value can hold itself.
const DEPTH: usize = 200;

/// `toToml`; the error is what Helm puts in the place of the text.
pub(super) fn write(value: &Value) -> Result<String, String> {
    match value {
        Value::Map(map) => {
            let mut writer = Writer { out: String::new() };
            writer.table(&[], map)?;
            Ok(writer.out)
        }
        _ => Err("toml: top-level values must be Go maps or structs".to_owned()),
    }
}

/// `fromToml`: a map, or what is wrong.
pub(super) fn read(text: &str) -> Result<Value, String> {
    basic_toml::from_str::<serde_json::Value>(text)
        .map(whole_numbers)
        .map_err(|error| format!("toml: {error}"))
}

/// TOML knows whole numbers as such.
fn whole_numbers(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::int64(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::Array(items) => Value::list(items.into_iter().map(whole_numbers).collect()),
        serde_json::Value::Object(entries) => {
            Value::map(entries.into_iter().map(|(key, value)| (Str::from(key), whole_numbers(value))))
        }
        other => Value::from_json(other),
    }
}

struct Writer {
    out: String,
}

fn is_tables(value: &Value) -> bool {
    value.as_list().is_some_and(|list| {
        !list.items().is_empty() && list.items().iter().all(|item| matches!(item, Value::Map(_)))
    })
}

impl Writer {
    fn check(&self, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err("toml: values nest without end".to_owned());
        }
        if self.out.len() > MOST_BYTES {
            return Err(format!("a text of more than {} MiB", MOST_BYTES >> 20));
        }
        Ok(())
    }

    fn table(&mut self, path: &[Str], map: &Map) -> Result<(), String> {
        self.check(path.len())?;
        let entries: Vec<(Str, Value)> =
            map.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let (tables, plain): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(_, value)| matches!(value, Value::Map(_)) || is_tables(value));
        for (key, value) in &plain {
            if value.is_nil() {
                continue;
            }
            self.indent(path.len());
            self.key(key);
            self.out.push_str(" = ");
            self.element(value, path.len())?;
            self.out.push('\n');
        }
        for (key, value) in &tables {
            let path = [path, std::slice::from_ref(key)].concat();
            match value {
                Value::Map(map) => {
                    // A line between tables of the top.
                    if path.len() == 1 && !self.out.is_empty() {
                        self.out.push('\n');
                    }
                    self.header(&path, "[", "]");
                    self.table(&path, map)?;
                }
                Value::List(list) => {
                    for item in list.items() {
                        let Value::Map(map) = item else { continue };
                        if !self.out.is_empty() {
                            self.out.push('\n');
                        }
                        self.header(&path, "[[", "]]");
                        self.table(&path, map)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn header(&mut self, path: &[Str], open: &str, close: &str) {
        self.indent(path.len() - 1);
        self.out.push_str(open);
        for (number, key) in path.iter().enumerate() {
            if number > 0 {
                self.out.push('.');
            }
            self.key(key);
        }
        self.out.push_str(close);
        self.out.push('\n');
    }

    fn indent(&mut self, depth: usize) {
        self.out.extend(std::iter::repeat_n(' ', depth * 2));
    }

    fn key(&mut self, key: &Str) {
        let text = key.text();
        if !text.is_empty()
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
        {
            self.out.push_str(&text);
        } else {
            self.text(&text);
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        for letter in text.chars() {
            match letter {
                '"' | '\\' => self.out.extend(['\\', letter]),
                '\u{8}' => self.out.push_str("\\b"),
                '\t' => self.out.push_str("\\t"),
                '\n' => self.out.push_str("\\n"),
                '\u{c}' => self.out.push_str("\\f"),
                '\r' => self.out.push_str("\\r"),
                '\0'..='\u{1f}' | '\u{7f}' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(letter));
                }
                other => self.out.push(other),
            }
        }
        self.out.push('"');
    }

    /// What stands behind `=` or in brackets.
    fn element(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        self.check(depth)?;
        match value {
            Value::Nil => return Err("toml: cannot encode array with nil element".to_owned()),
            Value::Float(number) if number.is_finite() => {
                let mut text = Vec::new();
                super::fmt::plain(value, &mut text)?;
                let text = String::from_utf8_lossy(&text).into_owned();
                self.out.push_str(&text);
                if !text.contains(['.', 'e']) {
                    self.out.push_str(".0");
                }
            }
            Value::Float(number) if number.is_nan() => self.out.push_str("nan"),
            Value::Float(number) => self.out.push_str(if *number < 0.0 { "-inf" } else { "inf" }),
            Value::List(list) => {
                self.out.push('[');
                for (number, item) in list.items().iter().enumerate() {
                    if number > 0 {
                        self.out.push_str(", ");
                    }
                    self.element(item, depth + 1)?;
                }
                self.out.push(']');
            }
            Value::Map(map) => {
                self.out.push('{');
                let entries: Vec<(Str, Value)> =
                    map.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                for (number, (key, value)) in entries.iter().filter(|(_, value)| !value.is_nil()).enumerate()
                {
                    if number > 0 {
                        self.out.push_str(", ");
                    }
                    self.key(key);
                    self.out.push_str(" = ");
                    self.element(value, depth + 1)?;
                }
                self.out.push('}');
            }
            Value::Str(text) => self.text(&text.text()),
            other => {
                let mut text = Vec::new();
                super::fmt::plain(other, &mut text)?;
                self.out.push_str(&String::from_utf8_lossy(&text));
            }
        }
        Ok(())
    }
}
