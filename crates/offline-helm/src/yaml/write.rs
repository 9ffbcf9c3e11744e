//! Walks a value and writes it: no recursion, since templates can nest values without end, and even within themselves.

use super::{emit::Emitter, number, order};
use crate::value::{IntKind, Str, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Nesting that is certainly a value within itself.
const DEPTH: usize = 1_000;

/// A block that is being written.
struct Block {
    /// What is left, last first; keys only where it is a mapping.
    left: Vec<(Option<Str>, Value)>,
    /// The indentation around it.
    around: isize,
}

/// What `toYaml` gives, with the newline at its end. The error says what cannot be written.
pub fn to_yaml(value: &Value) -> Result<String, String> {
    write(value, Emitter::new(false))
}

/// What `toYamlPretty` gives: lists are indented below their keys, long lines stay, and values do not become JSON before.
pub fn to_yaml_pretty(value: &Value) -> Result<String, String> {
    write(value, Emitter::new(true))
}

fn write(value: &Value, mut emitter: Emitter) -> Result<String, String> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut next = Some((value.clone(), false));
    loop {
        if let Some((value, in_mapping)) = next.take()
            && let Some(block) = node(&mut emitter, value, in_mapping)?
        {
            if blocks.len() >= DEPTH {
                return Err("exceeded max depth".to_owned());
            }
            blocks.push(block);
        }
        let Some(block) = blocks.last_mut() else { break };
        match block.left.pop() {
            None => {
                emitter.leave(block.around);
                blocks.pop();
            }
            Some((Some(name), value)) => {
                let name = if emitter.third { name.text().into_owned() } else { readable(&name)? };
                key(&mut emitter, &name);
                next = Some((value, true));
            }
            Some((None, value)) => {
                emitter.start_line();
                emitter.indicator("-", true, false, true);
                next = Some((value, false));
            }
        }
    }
    emitter.start_line();
    Ok(emitter.out)
}

fn key(emitter: &mut Emitter, name: &str) {
    emitter.start_line();
    if Emitter::is_simple_key(name) {
        emitter.text(name, true);
        emitter.indicator(":", false, false, false);
    } else {
        emitter.indicator("?", true, false, true);
        emitter.text(name, false);
        emitter.start_line();
        emitter.indicator(":", true, false, true);
    }
}

/// Writes what has no parts; what has some comes back as a block.
fn node(emitter: &mut Emitter, value: Value, in_mapping: bool) -> Result<Option<Block>, String> {
    match value {
        Value::Nil => emitter.bare("null"),
        Value::Bool(truth) => emitter.bare(if truth { "true" } else { "false" }),
        Value::Int(duration, IntKind::Duration) if emitter.third => {
            emitter.text(&crate::nanos::written(duration), false);
        }
        Value::Int(whole, kind) if kind.is_unsigned() => emitter.bare(&(whole as u64).to_string()),
        Value::Int(whole, _) => emitter.bare(&whole.to_string()),
        Value::Float(float) if emitter.third => emitter.bare(&number::third(float)),
        Value::Str(text) if emitter.third => match std::str::from_utf8(text.as_bytes()) {
            Ok(text) => emitter.text(text, false),
            Err(_) => {
                emitter.indicator("!!binary", true, false, false);
                emitter.text(&STANDARD.encode(text.as_bytes()), false);
            }
        },
        Value::Bytes(bytes) if emitter.third => {
            let items = bytes.iter().map(|byte| Value::Int((*byte).into(), IntKind::Uint8)).collect();
            return node(emitter, Value::list(items), in_mapping);
        }
        Value::List(list) if list.is_nil() && emitter.third => empty(emitter, "[", "]"),
        Value::Float(float) => {
            let text = number::float(float).ok_or_else(|| format!("json: unsupported value: {float}"))?;
            emitter.bare(&text);
        }
        Value::Str(text) => emitter.text(&readable(&text)?, false),
        Value::Bytes(bytes) => emitter.text(&STANDARD.encode(&*bytes), false),
        Value::List(list) if list.is_nil() => emitter.bare("null"),
        Value::List(list) if list.items().is_empty() => empty(emitter, "[", "]"),
        Value::List(list) => {
            let left = list.items().iter().rev().map(|item| (None, item.clone())).collect();
            let around = emitter.enter(in_mapping && !emitter.indention && !emitter.third);
            return Ok(Some(Block { left, around }));
        }
        Value::Map(map) if map.is_empty() => empty(emitter, "{", "}"),
        Value::Map(map) => {
            let entries = map.entries().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            let entries = order::sorted(entries, |(a, _): &(Str, Value), (b, _)| {
                order::compare(&a.text(), &b.text(), emitter.third)
            });
            let left = entries.into_iter().rev().map(|(name, value)| (Some(name), value)).collect();
            return Ok(Some(Block { left, around: emitter.enter(false) }));
        }
        Value::Object(object) => match object.data() {
            Value::Object(_) => return Err(format!("json: unsupported type: {}", object.type_name())),
            data => return node(emitter, data, in_mapping),
        },
    }
    Ok(None)
}

fn empty(emitter: &mut Emitter, open: &str, close: &str) {
    emitter.indicator(open, true, true, false);
    emitter.indicator(close, false, false, false);
}

/// Text as it comes through JSON: a few characters that JSON leaves as they are cannot be read as YAML.
fn readable(text: &Str) -> Result<String, String> {
    let text = text.text().into_owned();
    let refused = |c: char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(refused) {
        return Err("yaml: control characters are not allowed".to_owned());
    }
    Ok(if text.contains('\u{85}') { folded(&text) } else { text })
}

/// What folding makes of next-line characters, which JSON does not escape and YAML takes as ends of lines.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.split('\u{85}').peekable();
    let mut first = true;
    let mut breaks = 0;
    while let Some(line) = lines.next() {
        // Only blanks that stand raw in the JSON are trimmed: a tab is escaped there.
        let start = if first { line } else { line.trim_start_matches(' ') };
        let line = if lines.peek().is_some() { start.trim_end_matches(' ') } else { start };
        if !first {
            breaks += 1;
        }
        first = false;
        if line.is_empty() && lines.peek().is_some() && breaks > 0 {
            continue;
        }
        match breaks {
            0 => {}
            1 => out.push(' '),
            more => (1..more).for_each(|_| out.push('\u{85}')),
        }
        breaks = 0;
        out.push_str(line);
    }
    out
}
