//! The layers that are given, laid over each other from the lowest to the highest.

use super::set::{self, Style};
use crate::chart::ChartError;
use crate::value::{Map, Str, Value};
use crate::yaml::from_yaml;
use std::collections::BTreeMap;
use std::rc::Rc;

/// One thing that is given. Helm lays files down first, then `--set-json`, `--set`, `--set-string`, `--set-file`, `--set-literal`;
/// here the order is that of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// A values file.
    File {
        /// Its name, for messages.
        name: String,
        /// What it holds.
        text: String,
    },
    /// `--set-json`
    Json(String),
    /// `--set`
    Set(String),
    /// `--set-string`
    Text(String),
    /// `--set-file`
    Content {
        /// `key=file`
        line: String,
        /// What the files hold, by the names that the line gives.
        files: BTreeMap<String, String>,
    },
    /// `--set-literal`
    Literal(String),
}

impl Layer {
    /// The names of the files that a line of `--set-file` asks for.
    pub fn files_of(line: &str) -> Vec<String> {
        set::files(line)
    }
}

/// The layers as one table.
pub(crate) fn merge(layers: &[Layer]) -> Result<Rc<Map>, ChartError> {
    let base = Rc::new(Map::new(BTreeMap::new()));
    for layer in layers {
        let (line, style, flag) = match layer {
            Layer::File { name, text } => {
                let table = read(name, text)?;
                overlay(&base, &table);
                continue;
            }
            Layer::Json(line) => (line, Style::Json, "set-json"),
            Layer::Set(line) => (line, Style::Typed, "set"),
            Layer::Text(line) => (line, Style::Text, "set-string"),
            Layer::Content { line, files } => (line, Style::File(files), "set-file"),
            Layer::Literal(line) => (line, Style::Literal, "set-literal"),
        };
        set::parse_into(line, style, &base)
            .map_err(|error| ChartError::new(None, format!("failed parsing --{flag} data: {error}")))?;
    }
    Ok(base)
}

/// The table of a values file; an empty one has none.
fn read(name: &str, text: &str) -> Result<Rc<Map>, ChartError> {
    let failed = |words: String| ChartError::new(Some(name), format!("failed to parse {name}: {words}"));
    match from_yaml(text).map_err(failed)? {
        Value::Map(table) => Ok(table),
        Value::Nil => Ok(Rc::new(Map::new(BTreeMap::new()))),
        _ => Err(failed("the file holds no map".to_owned())),
    }
}

/// Lays values over others: maps are merged, everything else takes the place of what was there.
pub(crate) fn overlay(below: &Map, above: &Map) {
    let entries: Vec<(Str, Value)> =
        above.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in entries {
        if let (Value::Map(above), Some(Value::Map(below))) = (&value, below.get(key.as_bytes())) {
            overlay(&below, above);
        } else {
            below.set(key, value);
        }
    }
}
