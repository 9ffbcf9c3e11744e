//! YAML as Helm reads it: go-yaml v2 first, JSON then, so that numbers are `float64` and keys are text.

use super::resolve::{Scalar, resolve};
use crate::value::{Str, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lossless_yaml::parse::{Kind, Node, Style, parse};
use lossless_yaml::span::Span;
use std::collections::{BTreeMap, HashSet};

/// Nodes up to which nearly all may come from aliases, and from which on only a tenth: go-yaml's limits against texts that are made to
/// exhaust memory.
const NODES: (usize, usize) = (400_000, 4_000_000);

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
    Reader { text, nodes: 0, copied: 0, aliases: 0, depth: 0, open: HashSet::new() }
        .value(root)
        .map_err(around)
}

/// Values within values, aliases followed.
const DEPTH: usize = 1_000;

struct Reader<'t> {
    /// What was read.
    text: &'t str,
    nodes: usize,
    /// How many of the nodes came from aliases, and how many aliases are being followed.
    copied: usize,
    aliases: usize,
    depth: usize,
    /// The collections with an anchor that are being read: an alias to one of them would never end.
    open: HashSet<usize>,
}

impl Reader<'_> {
    fn value(&mut self, node: Node<'_, '_>) -> Result<Value, String> {
        let alias = usize::from(node.kind() == Kind::Alias);
        self.aliases += alias;
        let value = self.own_value(node.resolved());
        self.aliases -= alias;
        value
    }

    fn own_value(&mut self, node: Node<'_, '_>) -> Result<Value, String> {
        match node.kind() {
            Kind::Scalar(style) => {
                self.count()?;
                let value = scalar(node, style)?;
                Ok(if style == Style::Block { self.closed(node, value) } else { value })
            }
            Kind::Sequence { .. } => self.within(node, |reader| {
                node.items().map(|item| reader.value(item)).collect::<Result<_, _>>().map(Value::list)
            }),
            Kind::Mapping { .. } => self.within(node, |reader| {
                let mut entries = BTreeMap::new();
                reader.mapping(node, &mut entries)?;
                Ok(Value::map(entries))
            }),
            Kind::Alias => Err("anchor value contains itself".to_owned()),
        }
    }

    /// A block that ends with the text, without a newline there, has none in libyaml.
    fn closed(&self, node: Node<'_, '_>, value: Value) -> Value {
        let Value::Str(block) = &value else { return value };
        let last = |bytes: &[u8]| memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        let is_blank = |line: &[u8]| line.iter().all(|byte| *byte == b' ');
        let line = &self.text.as_bytes()[last(self.text.as_bytes())..];
        match block.as_bytes().strip_suffix(b"\n") {
            Some(rest) if node.span().end == self.text.len() && !line.is_empty() => {
                // Spaces at the end are a line of the block only where there are more than its indentation.
                let own = &rest[last(rest)..];
                if is_blank(line) && (own.is_empty() || !is_blank(own)) { value } else { Value::str(rest) }
            }
            _ => value,
        }
    }

    fn count(&mut self) -> Result<(), String> {
        self.nodes += 1;
        self.copied += usize::from(self.aliases > 0);
        let (few, many) = NODES;
        let within = (self.nodes.clamp(few, many) - few) as f64 / (many - few) as f64;
        let allowed = 0.99 - 0.89 * within;
        let excessive = self.nodes > 1_000 && self.copied as f64 / self.nodes as f64 > allowed;
        if excessive && self.copied > 100 {
            Err("document contains excessive aliasing".to_owned())
        } else {
            Ok(())
        }
    }

    /// Reads what is in a collection.
    fn within<T>(
        &mut self,
        node: Node<'_, '_>,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.count()?;
        if self.depth >= DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        if node.is_anchored() && !self.open.insert(node.id()) {
            return Err("anchor value contains itself".to_owned());
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        self.open.remove(&node.id());
        result
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
        let node = node.resolved();
        if node.is_mapping() {
            return self.within(node, |reader| reader.mapping(node, entries));
        }
        if node.is_sequence() {
            let items: Vec<_> = node.items().map(Node::resolved).collect();
            // Earlier ones win, so they come last.
            for item in items.into_iter().rev() {
                if !item.is_mapping() {
                    return Err("map merge requires map or sequence of maps as the value".to_owned());
                }
                self.within(item, |reader| reader.mapping(item, entries))?;
            }
            return Ok(());
        }
        Err("map merge requires map or sequence of maps as the value".to_owned())
    }

    /// JSON has text keys only.
    fn key(&mut self, node: Node<'_, '_>) -> Result<Str, String> {
        let whole = |number: i64| Str::from(number.to_string());
        let written = node.resolved().as_str().and_then(|text| text.parse().ok());
        Ok(match self.value(node)? {
            Value::Str(text) => text,
            // More digits than a float holds.
            Value::Float(_) if written.is_some() => whole(written.unwrap_or_default()),
            Value::Bool(truth) => Str::from(truth.to_string()),
            Value::Float(number) if number == number.trunc() && number.abs() < 1e15 => whole(number as i64),
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
