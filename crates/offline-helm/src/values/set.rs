//! `--set` and its kin: `a.b[0].c=x,d={1,2}`, laid into values that are there already.

use crate::value::{List, Map, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Helm's limits.
const LAST_INDEX: usize = 65_536;
const NESTED: usize = 30;
/// Lists within lists, which Helm does not count.
const LISTS: usize = 1_000;

/// How a value is read.
#[derive(Clone, Copy)]
pub(crate) enum Style<'a> {
    /// `--set`: numbers, booleans and `null` are typed.
    Typed,
    /// `--set-string`
    Text,
    /// `--set-json`
    Json,
    /// `--set-literal`: one pair, whose value is the rest.
    Literal,
    /// `--set-file`: the value is the name of a file that was read already.
    File(&'a BTreeMap<String, String>),
}

enum Stop {
    End,
    Wrong(String),
}

type Step<T> = Result<T, Stop>;

/// Lays what a line says into a table.
pub(crate) fn parse_into(line: &str, style: Style<'_>, table: &Map) -> Result<(), String> {
    let mut parser = Parser { line, at: 0, style };
    loop {
        match parser.key(table, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Wrong(message)) => return Err(message),
        }
    }
}

/// The names of the files that a `--set-file` line asks for.
pub(crate) fn files(line: &str) -> Vec<String> {
    let table = empty();
    let mut parser = Parser { line, at: 0, style: Style::Text };
    while parser.key(&table, 0).is_ok() {}
    let mut found = Vec::new();
    let mut waiting = vec![Value::Map(table)];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Map(map) => waiting.extend(map.entries().values().cloned()),
            Value::List(list) => waiting.extend(list.items().iter().cloned()),
            Value::Str(text) => found.push(text.text().into_owned()),
            _ => {}
        }
    }
    found
}

struct Parser<'a> {
    line: &'a str,
    at: usize,
    style: Style<'a>,
}

fn wrong<T>(message: impl Into<String>) -> Step<T> {
    Err(Stop::Wrong(message.into()))
}

fn empty() -> Rc<Map> {
    Rc::new(Map::new(BTreeMap::new()))
}

impl Parser<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.line[self.at..].chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.line[self.at..].chars().next()
    }

    /// Text up to one of these characters, which is taken too. `None`: the line ends first.
    fn until(&mut self, stop: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        let escapes = !matches!(self.style, Style::Literal);
        while let Some(c) = self.next() {
            match c {
                c if stop.contains(&c) => return (text, Some(c)),
                '\\' if escapes => match self.next() {
                    Some(c) => text.push(c),
                    None => return (text, None),
                },
                c => text.push(c),
            }
        }
        (text, None)
    }

    fn key(&mut self, table: &Map, nested: usize) -> Step<()> {
        let literal = matches!(self.style, Style::Literal);
        let (key, last) = self.until(if literal { &['=', '[', '.'] } else { &['=', '[', ',', '.'] });
        match last {
            None if key.is_empty() => Err(Stop::End),
            None => wrong(format!("key {key:?} has no value")),
            Some('[') => self.indexed(table, &key, nested),
            Some('=') => self.assigned(table, &key),
            Some(',') => {
                put(table, &key, Value::str(""));
                wrong(format!("key {key:?} has no value (cannot end with ,)"))
            }
            Some(_) => self.inner(table, &key, nested + 1),
        }
    }

    fn indexed(&mut self, table: &Map, key: &str, nested: usize) -> Step<()> {
        let index = self.index()?;
        let list = match table.get(key.as_bytes()) {
            None => Vec::new(),
            Some(Value::List(list)) => list.items().to_vec(),
            Some(_) => return wrong("unable to parse key: interface conversion: not a list"),
        };
        let (list, done) = self.item(list, index, nested, 0);
        put(table, key, Value::list(list));
        done
    }

    fn assigned(&mut self, table: &Map, key: &str) -> Step<()> {
        match self.value() {
            Ok((value, ended)) => {
                put(table, key, value);
                if ended { Err(Stop::End) } else { Ok(()) }
            }
            Err(message) => wrong(message),
        }
    }

    fn inner(&mut self, table: &Map, key: &str, nested: usize) -> Step<()> {
        if nested > NESTED {
            return wrong(format!(
                "value name nested level is greater than maximum supported nested level of {NESTED}"
            ));
        }
        let inner = match table.get(key.as_bytes()) {
            None => empty(),
            Some(Value::Map(inner)) => inner,
            Some(_) => return wrong("unable to parse key: interface conversion: not a table"),
        };
        let done = self.key(&inner, nested);
        if inner.is_empty() {
            return done.and_then(|()| wrong(format!("key map {key:?} has no value")));
        }
        put(table, key, Value::Map(inner));
        done
    }

    fn index(&mut self) -> Step<usize> {
        let (text, last) = self.until(&[']']);
        if last.is_none() {
            return wrong("error parsing index: EOF");
        }
        match text.parse::<i64>() {
            Ok(index) if index < 0 => wrong(format!("negative {index} index not allowed")),
            Ok(index) => Ok(index as usize),
            Err(_) => wrong(format!("error parsing index: strconv.Atoi: parsing {text:?}: invalid syntax")),
        }
    }

    /// Sets one element; the list comes back even where something is wrong after it.
    fn item(
        &mut self,
        mut list: Vec<Value>,
        at: usize,
        nested: usize,
        lists: usize,
    ) -> (Vec<Value>, Step<()>) {
        let (text, last) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return (list, wrong(format!("unexpected data at end of array index: {text:?}")));
        }
        let (value, done) = match last {
            None => return (list, Err(Stop::End)),
            Some('=') => match self.value() {
                Ok((value, _)) => (value, Ok(())),
                Err(message) => return (list, wrong(message)),
            },
            Some('[') => {
                if lists > LISTS {
                    return (list, wrong("lists nest too deep"));
                }
                let below = match list.get(at) {
                    None | Some(Value::Nil) => Vec::new(),
                    Some(Value::List(below)) => below.items().to_vec(),
                    Some(_) => return (list, wrong("unable to parse key: interface conversion: not a list")),
                };
                let below = match self.index() {
                    Ok(index) => self.item(below, index, nested, lists + 1),
                    Err(stop) => return (list, Err(stop)),
                };
                match below {
                    (below, Ok(())) => (Value::list(below), Ok(())),
                    (_, Err(stop)) => return (list, Err(stop)),
                }
            }
            Some(_) => {
                let inner = match list.get(at) {
                    Some(Value::Map(inner)) => inner.clone(),
                    _ => empty(),
                };
                if let Err(stop) = self.key(&inner, nested) {
                    let ended = matches!(stop, Stop::End) && !inner.is_empty();
                    if !ended {
                        return (list, Err(stop));
                    }
                    (Value::Map(inner), Err(Stop::End))
                } else {
                    (Value::Map(inner), Ok(()))
                }
            }
        };
        if at > LAST_INDEX {
            let message = format!("index of {at} is greater than maximum supported index of {LAST_INDEX}");
            return (list, wrong(message));
        }
        if list.len() <= at {
            list.resize(at + 1, Value::Nil);
        }
        list[at] = value;
        (list, done)
    }

    /// The value after `=`, and whether the line ended before there was one.
    fn value(&mut self) -> Result<(Value, bool), String> {
        match self.style {
            Style::Json => return Ok((self.json()?, false)),
            Style::Literal => {
                let (text, _) = self.until(&[]);
                return Ok((Value::str(text), false));
            }
            _ => {}
        }
        match self.peek() {
            None => Ok((Value::str(""), true)),
            Some('{') => {
                self.at += 1;
                Ok((self.list()?, false))
            }
            Some(_) => {
                let (text, _) = self.until(&[',']);
                Ok((self.typed(text)?, false))
            }
        }
    }

    fn list(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            let (text, last) = self.until(&[',', '}']);
            if last.is_none() {
                return Err("list must terminate with '}'".to_owned());
            }
            items.push(self.typed(text)?);
            if last == Some('}') {
                if self.peek() == Some(',') {
                    self.at += 1;
                }
                return Ok(Value::List(Rc::new(List::new(items))));
            }
        }
    }

    fn json(&mut self) -> Result<Value, String> {
        if self.blank() {
            return Ok(Value::Nil);
        }
        let mut stream =
            serde_json::Deserializer::from_str(&self.line[self.at..]).into_iter::<serde_json::Value>();
        let value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(error.to_string()),
            None => return Ok(Value::Nil),
        };
        self.at += stream.byte_offset();
        self.blank();
        Ok(Value::from_json(value))
    }

    /// Takes blanks and one comma. Whether there was nothing else before it.
    fn blank(&mut self) -> bool {
        while let Some(c) = self.peek() {
            if c != ',' && !c.is_whitespace() {
                return false;
            }
            self.at += c.len_utf8();
            if c == ',' {
                return true;
            }
        }
        true
    }

    fn typed(&self, text: String) -> Result<Value, String> {
        match self.style {
            Style::Typed => {}
            Style::File(files) => {
                let found = files.get(&text).ok_or_else(|| format!("open {text}: no such file or directory"));
                return found.map(|data| Value::str(data.as_str()));
            }
            _ => return Ok(Value::str(text)),
        }
        Ok(match () {
            () if text.eq_ignore_ascii_case("true") => Value::Bool(true),
            () if text.eq_ignore_ascii_case("false") => Value::Bool(false),
            () if text.eq_ignore_ascii_case("null") => Value::Nil,
            () if text == "0" => Value::int64(0),
            () if !text.starts_with('0') => text.parse().map_or_else(|_| Value::str(text), Value::int64),
            () => Value::str(text),
        })
    }
}

/// An empty key is not set.
fn put(table: &Map, key: &str, value: Value) {
    if !key.is_empty() {
        table.set(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::to_yaml;

    fn yaml(line: &str, style: Style<'_>) -> Result<String, String> {
        let table = empty();
        parse_into(line, style, &table)?;
        to_yaml(&Value::Map(table))
    }

    #[test]
    fn lines_become_tables() {
        for (line, wanted) in [
            ("a=1,b=true,c=null,d=01,e=x", "a: 1\nb: true\nc: null\nd: \"01\"\ne: x\n"),
            ("a.b[1].c=x,a.b[0]=y", "a:\n  b:\n  - \"y\"\n  - c: x\n"),
            ("a={1,x,null}", "a:\n- 1\n- x\n- null\n"),
            (r"a\.b=c\,d", "a.b: c,d\n"),
            ("a=", "a: \"\"\n"),
            ("a[0][1]=x", "a:\n- - null\n  - x\n"),
        ] {
            assert_eq!(yaml(line, Style::Typed).as_deref(), Ok(wanted), "{line}");
        }
        assert_eq!(yaml("a=1,b=null", Style::Text).as_deref(), Ok("a: \"1\"\nb: \"null\"\n"));
        assert_eq!(yaml("a=1,b.c=2", Style::Literal).as_deref(), Ok("a: 1,b.c=2\n"));
        let json = yaml(r#"a={"b":[1,2.5]},c= , d="x""#, Style::Json);
        assert_eq!(json.as_deref(), Ok("' d': x\na:\n  b:\n  - 1\n  - 2.5\nc: null\n"));
    }

    #[test]
    fn lines_that_helm_refuses_are_refused() {
        for line in ["a", "a,b=1", "a[x]=1", "a[-1]=1", "a[65537]=1", "a={1", "a[0]b=1", "a=1,a.b=2", "a.=1"]
        {
            assert!(yaml(line, Style::Typed).is_err(), "{line}");
        }
        assert!(yaml(&"a.".repeat(40), Style::Typed).is_err());
        assert!(yaml(&format!("a{}=1", "[0]".repeat(100_000)), Style::Typed).is_err());
        assert!(yaml("a={", Style::Json).is_err());
    }
}
