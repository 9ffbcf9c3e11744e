//! TOML as Helm writes it, by BurntSushi/toml: plain keys first, tables after them, each level indented by two spaces.

use super::arguments::{MOST_BYTES, shown, slice, too_long};
use super::instant::Instant;
use super::letters;
use crate::value::{IntKind, Kind as ObjectKind, Map, Str, Value};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt::{self, Write as _};

/// Values within values; a value can hold itself.
const DEPTH: usize = 200;

/// `toToml`; the error is what Helm puts in the place of the text.
pub(super) fn write(value: &Value) -> Result<String, String> {
    let mut writer = Writer { out: String::new() };
    match (value, Kind::of(value, 0)?) {
        (Value::Map(map), _) => writer.table(&mut Vec::new(), map)?,
        (_, Kind::Tables) => return Err("toml: top-level values must be Go maps or structs".to_owned()),
        _ => writer.element(value, 0)?,
    }
    Ok(writer.out)
}

/// `fromToml`: a map, or what is wrong.
pub(super) fn read(text: &str) -> Result<Value, String> {
    basic_toml::from_str::<Read>(text).map(|read| read.0).map_err(|error| format!("toml: {error}"))
}

/// What was read. Whole numbers are whole, and floats can be infinite, other than in JSON.
struct Read(Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of TOML")
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Read, E> {
        Ok(Read(Value::Bool(truth)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Read, E> {
        Ok(Read(Value::int64(number)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Read, E> {
        Ok(Read(Value::Float(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Read, E> {
        Ok(Read(Value::str(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Read, A::Error> {
        let mut items = Vec::new();
        while let Some(Read(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Read(Value::list(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, Read(value))) = map.next_entry::<String, Read>()? {
            entries.push((Str::from(key), value));
        }
        Ok(Read(Value::map(entries)))
    }
}

struct Writer {
    out: String,
}

/// What decides where an entry stands: plain ones come first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nil,
    Plain,
    Table,
    Tables,
}

impl Kind {
    fn of(value: &Value, depth: usize) -> Result<Kind, String> {
        if depth > DEPTH {
            return Err("toml: values nest without end".to_owned());
        }
        Ok(match value {
            Value::Nil => Kind::Nil,
            Value::Map(_) => Kind::Table,
            Value::List(list) if list.is_nil() => Kind::Nil,
            Value::List(list) => {
                let kinds = list
                    .items()
                    .iter()
                    .map(|item| Kind::of(item, depth + 1))
                    .collect::<Result<Vec<_>, _>>()?;
                if kinds.contains(&Kind::Nil) {
                    return Err("toml: cannot encode array with nil element".to_owned());
                }
                let tables = !kinds.is_empty() && kinds.iter().all(|kind| *kind == Kind::Table);
                if tables { Kind::Tables } else { Kind::Plain }
            }
            Value::Object(object) if object.kind() == ObjectKind::Map => Kind::Table,
            _ => Kind::Plain,
        })
    }
}

/// The entries of a table: those that are no tables before those that are.
fn sorted(map: &Map) -> Result<(Vec<Entry>, Vec<Entry>), String> {
    let mut plain = Vec::new();
    let mut tables = Vec::new();
    for (key, value) in map.entries().iter() {
        let kind = Kind::of(value, 0)?;
        let list = if matches!(kind, Kind::Table | Kind::Tables) { &mut tables } else { &mut plain };
        list.push(Entry { key: key.clone(), value: value.clone(), kind });
    }
    Ok((plain, tables))
}

struct Entry {
    key: Str,
    value: Value,
    kind: Kind,
}

impl Writer {
    fn check(&self, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err("toml: values nest without end".to_owned());
        }
        if self.out.len() > MOST_BYTES {
            return Err(too_long());
        }
        Ok(())
    }

    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn table(&mut self, path: &mut Vec<Str>, map: &Map) -> Result<(), String> {
        self.check(path.len())?;
        let (plain, tables) = sorted(map)?;
        for entry in plain.iter().chain(&tables) {
            path.push(entry.key.clone());
            match (entry.kind, &entry.value) {
                (Kind::Nil, _) => {}
                (Kind::Table, Value::Map(map)) => {
                    // A line between tables of the top.
                    if path.len() == 1 {
                        self.newline();
                    }
                    self.header(path, "[", "]");
                    self.table(path, map)?;
                }
                (Kind::Tables, Value::List(list)) => {
                    for item in list.items().iter().filter_map(Value::as_map) {
                        self.newline();
                        self.header(path, "[[", "]]");
                        self.table(path, item)?;
                    }
                }
                (_, value) => {
                    self.indent(path.len() - 1);
                    self.key(&entry.key);
                    self.out.push_str(" = ");
                    self.element(value, path.len())?;
                    self.newline();
                }
            }
            path.pop();
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
        self.newline();
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
            Value::Float(number) if number.is_nan() => self.out.push_str("nan"),
            Value::Float(number) if number.is_infinite() => {
                self.out.push_str(if *number < 0.0 { "-inf" } else { "inf" });
            }
            Value::Float(_) => {
                let text = shown(value);
                self.out.push_str(&text);
                if !text.contains(['.', 'e']) {
                    self.out.push_str(".0");
                }
            }
            Value::List(list) => self.array(list.items(), depth)?,
            Value::Bytes(_) => self.array(&slice(value).unwrap_or_default(), depth)?,
            Value::Map(map) => self.inline(map, depth)?,
            Value::Str(text) => self.text(&letters::lossy(text.as_bytes())),
            Value::Int(_, IntKind::Duration) => self.text(&shown(value)),
            Value::Object(object) => match Instant::of(value) {
                Some(_) => self.out.push_str(&object.data().as_str().map(Str::text).unwrap_or_default()),
                None => self.text(&object.text().text()),
            },
            other => self.out.push_str(&shown(other)),
        }
        Ok(())
    }

    fn array(&mut self, items: &[Value], depth: usize) -> Result<(), String> {
        self.out.push('[');
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.out.push_str(", ");
            }
            self.element(item, depth + 1)?;
        }
        self.out.push(']');
        Ok(())
    }

    /// A table in one line. A comma follows what is not the last of its kind, whether or not anything comes after it.
    fn inline(&mut self, map: &Map, depth: usize) -> Result<(), String> {
        let (plain, tables) = sorted(map)?;
        self.out.push('{');
        for (entries, more) in [(&plain, !tables.is_empty()), (&tables, false)] {
            for (number, entry) in entries.iter().enumerate() {
                if entry.kind == Kind::Nil {
                    continue;
                }
                self.key(&entry.key);
                self.out.push_str(" = ");
                self.element(&entry.value, depth + 1)?;
                if more || number + 1 < entries.len() {
                    self.out.push_str(", ");
                }
            }
        }
        self.out.push('}');
        Ok(())
    }
}
