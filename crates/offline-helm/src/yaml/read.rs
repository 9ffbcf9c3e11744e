//! YAML as Helm reads it: go-yaml v2 first, JSON then, so that numbers are `float64` and keys are text.

use super::resolve::{Scalar, resolve};
use crate::value::{Str, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lossless_yaml::parse::{Kind, Node, Style, parse};
use lossless_yaml::span::Span;
use std::collections::BTreeMap;

/// Nodes of a document, its aliases followed; what has more is made to exhaust memory.
const NODES: usize = 4_000_000;

/// What the parser says of text that follows a document without `---`.
const BEHIND: &str = "did not find expected <document start>";

/// The first document of a text. The error is worded as Helm's.
pub fn from_yaml(text: &str) -> Result<Value, String> {
    let around = |words: String| match words.starts_with("json: ") {
        true => format!("error converting YAML to JSON: {words}"),
        false => format!("error converting YAML to JSON: yaml: {words}"),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let whole = |text| parse(text, Span::new(0, text.len()));
    let documents = match whole(text) {
        // go-yaml looks at nothing behind the first document, not even at whether it is one.
        Err(error) if error.reason.contains(BEHIND) && text.is_char_boundary(error.offset) => {
            whole(&text[..error.offset])
        }
        read => read,
    };
    let documents = documents.map_err(|error| {
        let line =
            text.as_bytes()[..error.offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1;
        around(format!("line {line}: {}", error.reason))
    })?;
    let Some(root) = documents.first().and_then(|document| document.root()) else { return Ok(Value::Nil) };
    Reader { nodes: 0 }.value(root).map_err(around)
}

struct Reader {
    nodes: usize,
}

impl Reader {
    fn value(&mut self, node: Node<'_, '_>) -> Result<Value, String> {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err("document contains excessive aliasing".to_owned());
        }
        let node = node.resolved();
        match node.kind() {
            Kind::Scalar(style) => scalar(node, style),
            Kind::Sequence { .. } => {
                node.items().map(|item| self.value(item)).collect::<Result<_, _>>().map(Value::list)
            }
            Kind::Mapping { .. } => {
                let mut entries = BTreeMap::new();
                self.mapping(node, &mut entries)?;
                Ok(Value::map(entries))
            }
            Kind::Alias => Err("anchor value contains itself".to_owned()),
        }
    }

    fn mapping(&mut self, node: Node<'_, '_>, entries: &mut BTreeMap<Str, Value>) -> Result<(), String> {
        for (key, value) in node.pairs() {
            if key.kind() == Kind::Scalar(Style::Plain) && key.as_str() == Some("<<") {
                self.merge(value, entries)?;
                continue;
            }
            let name = self.key(key)?;
            let value = self.value(value)?;
            entries.insert(name, value);
        }
        Ok(())
    }

    /// go-yaml merges where the merge key stands: what comes later takes the place of what came before.
    fn merge(&mut self, node: Node<'_, '_>, entries: &mut BTreeMap<Str, Value>) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err("document contains excessive aliasing".to_owned());
        }
        let node = node.resolved();
        if node.is_mapping() {
            return self.mapping(node, entries);
        }
        if node.is_sequence() {
            let items: Vec<_> = node.items().map(Node::resolved).collect();
            // Earlier ones win, so they come last.
            for item in items.into_iter().rev() {
                if !item.is_mapping() {
                    return Err("map merge requires map or sequence of maps as the value".to_owned());
                }
                self.mapping(item, entries)?;
            }
            return Ok(());
        }
        Err("map merge requires map or sequence of maps as the value".to_owned())
    }

    /// JSON has text keys only.
    fn key(&mut self, node: Node<'_, '_>) -> Result<Str, String> {
        Ok(match self.value(node)? {
            Value::Str(text) => text,
            Value::Bool(truth) => Str::from(truth.to_string()),
            Value::Float(number) if number == number.trunc() && number.abs() < 1e15 => {
                Str::from((number as i64).to_string())
            }
            Value::Float(number) => Str::from((number as f32).to_string()),
            _ => return Err("unsupported map key".to_owned()),
        })
    }
}

fn scalar(node: Node<'_, '_>, style: Style) -> Result<Value, String> {
    let text = node.as_str().unwrap_or_default();
    let tag = node.tag().map(|tag| tag.strip_prefix("tag:yaml.org,2002:").map_or(tag, |name| name));
    let tag = tag.map(|tag| tag.strip_prefix("!!").unwrap_or(tag));
    match tag {
        None if style == Style::Plain => plain(text),
        None | Some("str" | "!") => Ok(Value::str(text)),
        Some("binary") => {
            let plain: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
            STANDARD
                .decode(plain)
                .map(Value::str)
                .map_err(|_| "!!binary value contains invalid base64 data".to_owned())
        }
        Some("null") => Ok(Value::Nil),
        Some("bool" | "int" | "float") => plain(text),
        Some(_) => Ok(Value::str(text)),
    }
}

fn plain(text: &str) -> Result<Value, String> {
    Ok(match resolve(text) {
        Scalar::Null => Value::Nil,
        Scalar::Bool(truth) => Value::Bool(truth),
        // Whole numbers have one zero.
        Scalar::Number(number) if number == 0.0 && !text.contains(['.', 'e', 'E']) => Value::Float(0.0),
        Scalar::Number(number) if number.is_finite() => Value::Float(number),
        Scalar::Number(number) => {
            let sign = if number.is_nan() {
                "NaN"
            } else if number < 0.0 {
                "-Inf"
            } else {
                "+Inf"
            };
            return Err(format!("json: unsupported value: {sign}"));
        }
        Scalar::Text => Value::str(text),
    })
}
