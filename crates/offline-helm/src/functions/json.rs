//! JSON as Go's encoding/json writes it.

use super::arguments::MOST_BYTES;
use crate::value::Value;
use crate::yaml::json_float;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// Values within values; a value can hold itself.
const DEPTH: usize = 1_000;

/// `json.Marshal`; `html` writes `<`, `>` and `&` as escapes.
pub(super) fn write(value: &Value, html: bool) -> Result<String, String> {
    let mut writer = Writer { out: String::new(), html, indent: None };
    writer.value(value, 0)?;
    Ok(writer.out)
}

/// `json.MarshalIndent` by two spaces.
pub(super) fn write_pretty(value: &Value) -> Result<String, String> {
    let mut writer = Writer { out: String::new(), html: true, indent: Some(2) };
    writer.value(value, 0)?;
    Ok(writer.out)
}

fn unsupported(number: f64) -> String {
    let name = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    };
    format!("json: unsupported value: {name}")
}

struct Writer {
    out: String,
    html: bool,
    indent: Option<usize>,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            // Nothing but a map can hold itself.
            return Err("json: unsupported value: encountered a cycle via map[string]interface {}".to_owned());
        }
        if self.out.len() > MOST_BYTES {
            return Err(format!("a text of more than {} MiB", MOST_BYTES >> 20));
        }
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(truth) => self.out.push_str(if *truth { "true" } else { "false" }),
            Value::Int(number, kind) if kind.is_unsigned() => {
                let _ = write!(self.out, "{}", *number as u64);
            }
            Value::Int(number, _) => {
                let _ = write!(self.out, "{number}");
            }
            Value::Float(number) => {
                let text = json_float(*number).ok_or_else(|| unsupported(*number))?;
                self.out.push_str(&text);
            }
            Value::Str(text) => self.text(text.as_bytes()),
            Value::Bytes(bytes) => self.text(STANDARD.encode(&**bytes).as_bytes()),
            Value::List(list) if list.is_nil() => self.out.push_str("null"),
            Value::List(list) => {
                self.around('[', ']', depth, list.items().len(), |writer, at| {
                    writer.value(&list.items()[at], depth + 1)
                })?;
            }
            Value::Map(map) => {
                let entries: Vec<_> =
                    map.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                self.around('{', '}', depth, entries.len(), |writer, at| {
                    writer.text(entries[at].0.as_bytes());
                    writer.out.push_str(if writer.indent.is_some() { ": " } else { ":" });
                    writer.value(&entries[at].1, depth + 1)
                })?;
            }
            Value::Object(object) => self.value(&object.data(), depth + 1)?,
        }
        Ok(())
    }

    fn around(
        &mut self,
        open: char,
        close: char,
        depth: usize,
        count: usize,
        each: impl Fn(&mut Self, usize) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push(open);
        for at in 0..count {
            if at > 0 {
                self.out.push(',');
            }
            self.line(depth + 1);
            each(self, at)?;
        }
        if count > 0 {
            self.line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', depth * indent));
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.out.push('"');
        for chunk in text.utf8_chunks() {
            chunk.valid().chars().for_each(|letter| self.letter(letter));
            chunk.invalid().iter().for_each(|_| self.out.push_str("\\ufffd"));
        }
        self.out.push('"');
    }

    fn letter(&mut self, letter: char) {
        match letter {
            '"' | '\\' => self.out.extend(['\\', letter]),
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            '\u{8}' => self.out.push_str("\\b"),
            '\u{c}' => self.out.push_str("\\f"),
            '<' | '>' | '&' if self.html => self.escape(letter),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => self.escape(letter),
            other => self.out.push(other),
        }
    }

    fn escape(&mut self, letter: char) {
        let _ = write!(self.out, "\\u{:04x}", u32::from(letter));
    }
}
