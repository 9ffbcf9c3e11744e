//! values.schema.json: judges the values of a chart and of its subcharts, by the Rust sister of the validator that Helm has.
//!
//! Refuses to fetch: what a schema refers to elsewhere is taken as allowing everything, and said.

use crate::chart::{Chart, ChartError};
use crate::value::{Map, Value};
use boon::{Compiler, ErrorKind, Schemas, UrlLoader, ValidationError};
use serde_json::Value as Json;
use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex};

/// The name that Helm gives a schema.
const NAME: &str = "file:///values.schema.json";

/// Refuses values that a schema does not allow. What was not looked at is told in `notes`.
pub(crate) fn check(chart: &Chart, values: &Map, notes: &mut Vec<String>) -> Result<(), ChartError> {
    let mut failures = String::new();
    collect(chart, values, &mut failures, notes);
    if failures.is_empty() {
        return Ok(());
    }
    let message = format!(
        "values don't meet the specifications of the schema(s) in the following chart(s):\n{}",
        failures.trim_end()
    );
    Err(ChartError::new(Some("values.schema.json"), message))
}

fn collect(chart: &Chart, values: &Map, failures: &mut String, notes: &mut Vec<String>) {
    if let Some(schema) = &chart.schema
        && let Err(words) = single(schema, values, notes)
    {
        *failures += &format!("{}:\n{}\n", chart.name(), words.trim_end());
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name().as_bytes()) {
            Some(Value::Map(below)) => collect(subchart, &below, failures, notes),
            None | Some(Value::Nil) => {}
            Some(other) => {
                let (name, kind) = (subchart.name(), other.type_name());
                *failures +=
                    &format!("{name}:\ninvalid type for values: expected object (map), got {kind}\n");
            }
        }
    }
}

/// One schema.
fn single(schema: &[u8], values: &Map, notes: &mut Vec<String>) -> Result<(), String> {
    let mut schema: Json = serde_json::from_slice(schema).map_err(|error| error.to_string())?;
    let mut own = HashSet::new();
    names(&schema, &mut own);
    let base = schema.get("$id").and_then(Json::as_str).unwrap_or_default().to_owned();
    whole_references(&mut schema, &own, is_online(&base));
    let elsewhere = Arc::new(Mutex::new(Vec::new()));
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(Nowhere(elsewhere.clone())));
    compiler.add_resource(NAME, schema).map_err(|error| error.to_string())?;
    let mut schemas = Schemas::new();
    let compiled = compiler.compile(NAME, &mut schemas).map_err(|error| format!("{error:#}"))?;
    if let Ok(urls) = elsewhere.lock() {
        notes.extend(urls.iter().map(|url| format!("the schema {url} is not here, and was not asked")));
    }
    let values = json(&Value::Map(std::rc::Rc::new(Map::new(values.entries().clone()))))?;
    schemas.validate(&values, compiled).map_err(|error| {
        let mut out = String::new();
        error.causes.iter().for_each(|cause| describe(cause, 0, &mut out));
        out
    })
}

/// The names that parts of a schema give themselves.
fn names(schema: &Json, own: &mut HashSet<String>) {
    match schema {
        Json::Object(entries) => {
            if let Some(Json::String(name)) = entries.get("$id").or_else(|| entries.get("id")) {
                own.insert(name.trim_end_matches('#').to_owned());
            }
            entries.values().for_each(|value| names(value, own));
        }
        Json::Array(items) => items.iter().for_each(|item| names(item, own)),
        _ => {}
    }
}

fn is_online(name: &str) -> bool {
    name.starts_with("https://") || name.starts_with("http://")
}

/// Makes references to a part of a schema elsewhere references to all of it: of what is not here, no part can be found.
///
/// A name without a scheme is relative to that of the schema: where that one is online, so is what it names.
fn whole_references(schema: &mut Json, own: &HashSet<String>, is_base_online: bool) {
    match schema {
        Json::Object(entries) => {
            if let Some(Json::String(reference)) = entries.get_mut("$ref")
                && let Some((elsewhere, _)) = reference.split_once('#')
                && (is_online(elsewhere)
                    || is_base_online && !elsewhere.is_empty() && !elsewhere.contains(':'))
                && !elsewhere.contains("://json-schema.org/")
                && !own.contains(elsewhere)
            {
                *reference = elsewhere.to_owned();
            }
            entries.values_mut().for_each(|value| whole_references(value, own, is_base_online));
        }
        Json::Array(items) => items.iter_mut().for_each(|item| whole_references(item, own, is_base_online)),
        _ => {}
    }
}

/// A failure and what it follows from, laid out as Helm does.
fn describe(error: &ValidationError<'_, '_>, depth: usize, out: &mut String) {
    let only_leads = matches!(error.kind, ErrorKind::Reference { .. }) && error.causes.len() == 1;
    if !only_leads {
        let place = error.instance_location.to_string().replace('\'', "\\'");
        *out += &format!("{}- at '{place}': {}\n", "  ".repeat(depth), words(&error.kind));
    }
    error.causes.iter().for_each(|cause| describe(cause, depth + usize::from(!only_leads), out));
}

/// The words of the validator in Go, where they are others.
fn words(kind: &ErrorKind<'_, '_>) -> String {
    let quoted = |names: &mut dyn Iterator<Item = &str>| {
        let all: Vec<String> = names.map(|name| format!("'{}'", name.replace('\'', "\\'"))).collect();
        all.join(", ")
    };
    match kind {
        ErrorKind::Type { got, want } => {
            let want: Vec<String> = want.iter().map(|one| one.to_string()).collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        ErrorKind::Required { want } => {
            let one = if want.len() == 1 { "property" } else { "properties" };
            format!("missing {one} {}", quoted(&mut want.iter().copied()))
        }
        ErrorKind::AdditionalProperties { got } => {
            format!("additional properties {} not allowed", quoted(&mut got.iter().map(|name| &**name)))
        }
        ErrorKind::Minimum { got, want } => format!("minimum: got {got}, want {want}"),
        ErrorKind::Maximum { got, want } => format!("maximum: got {got}, want {want}"),
        ErrorKind::MinLength { got, want } => format!("minLength: got {got}, want {want}"),
        ErrorKind::MaxLength { got, want } => format!("maxLength: got {got}, want {want}"),
        ErrorKind::MinItems { got, want } => format!("minItems: got {got}, want {want}"),
        ErrorKind::MaxItems { got, want } => format!("maxItems: got {got}, want {want}"),
        other => other.to_string(),
    }
}

/// Answers for what lies elsewhere, and remembers that it was asked for.
struct Nowhere(Arc<Mutex<Vec<String>>>);

impl UrlLoader for Nowhere {
    fn load(&self, url: &str) -> Result<Json, Box<dyn Error>> {
        if url.starts_with("file:") {
            return Err(format!("open {url}: no such file or directory").into());
        }
        if let Ok(mut urls) = self.0.lock() {
            urls.push(url.to_owned());
        }
        Ok(Json::Bool(true))
    }
}

/// Values as JSON. A whole number is one however it is held, as in Go.
fn json(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number, _) => Json::from(*number),
        Value::Float(number) if *number == number.trunc() && number.abs() < 9e15 => {
            Json::from(*number as i64)
        }
        Value::Float(number) => serde_json::Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Str(text) => Json::String(text.text().into_owned()),
        Value::List(list) => Json::Array(list.items().iter().map(json).collect::<Result<_, _>>()?),
        Value::Map(map) => {
            let entries = map.entries();
            let entries = entries.iter().map(|(key, value)| Ok((key.text().into_owned(), json(value)?)));
            Json::Object(entries.collect::<Result<_, String>>()?)
        }
        other => return Err(format!("invalid jsonType {}", other.type_name())),
    })
}
