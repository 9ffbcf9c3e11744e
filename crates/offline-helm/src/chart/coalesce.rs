//! Values laid over each other in Helm's order: what is given over what a chart brings, and down into its subcharts.
//!
//! Helm knows two ways: *coalescing* takes away what is `null`, *merging* keeps it, because it will be coalesced later on.

use super::model::Chart;
use crate::value::{Map, MapType, Str, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The key of the values that all subcharts see.
const GLOBAL: &[u8] = b"global";

/// Lays values over those of a chart and its subcharts; `merge` keeps what is `null`. The values given stay as they are.
pub(crate) fn coalesce_values(chart: &Chart, values: &Map, merge: bool) -> Result<Rc<Map>, String> {
    let values = Rc::new(deep_copy(values));
    coalesce(chart, &values, merge)?;
    Ok(values)
}

/// A map that shares no map with another.
pub(crate) fn deep_copy(map: &Map) -> Map {
    let entries = map.entries().iter().map(|(key, value)| (key.clone(), deep_copy_value(value))).collect();
    Map::typed(MapType::Any, entries)
}

fn deep_copy_value(value: &Value) -> Value {
    match value {
        Value::Map(map) => Value::Map(Rc::new(deep_copy(map))),
        Value::List(list)
            if list.items().iter().any(|item| matches!(item, Value::Map(_) | Value::List(_))) =>
        {
            Value::list(list.items().iter().map(deep_copy_value).collect())
        }
        other => other.clone(),
    }
}

fn coalesce(chart: &Chart, values: &Rc<Map>, merge: bool) -> Result<(), String> {
    coalesce_chart(chart, values, merge);
    for subchart in &chart.dependencies {
        let name = subchart.name();
        let below = match values.get(name.as_bytes()) {
            None => {
                let below = Rc::new(Map::new(BTreeMap::new()));
                values.set(name, Value::Map(below.clone()));
                below
            }
            Some(Value::Map(below)) => below,
            Some(_) => {
                return Err(format!("type mismatch on {name}: the values of a subchart have to be a map"));
            }
        };
        coalesce_globals(&below, values);
        coalesce(subchart, &below, merge)?;
    }
    Ok(())
}

/// Copies the globals of a chart into the values of a subchart.
fn coalesce_globals(below: &Map, above: &Map) {
    let table = |map: &Map| match map.get(GLOBAL) {
        None => Some(Rc::new(Map::new(BTreeMap::new()))),
        Some(Value::Map(map)) => Some(map),
        Some(_) => None,
    };
    let (Some(down), Some(up)) = (table(below), table(above)) else { return };
    let globals: Vec<(Str, Value)> =
        up.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in globals {
        match (value, down.get(key.as_bytes())) {
            (Value::Map(above), there) => {
                let copy = Map::new(above.entries().clone());
                match there {
                    None => down.set(key, Value::Map(Rc::new(copy))),
                    Some(Value::Map(there)) => {
                        // What stands above wins, so it is the one that is laid over.
                        coalesce_tables(&copy, &there, true);
                        down.set(key, Value::Map(Rc::new(copy)));
                    }
                    Some(_) => {}
                }
            }
            (_, Some(Value::Map(_))) => {}
            (value, _) => down.set(key, value),
        }
    }
    below.set(Str::from(GLOBAL), Value::Map(down));
}

/// Lays values over a chart's own.
fn coalesce_chart(chart: &Chart, values: &Map, merge: bool) {
    let own = deep_copy(&chart.values);
    let own: Vec<(Str, Value)> =
        own.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, default) in own {
        match values.get(key.as_bytes()) {
            None => values.set(key, default),
            Some(Value::Nil) if !merge => {
                values.entries_mut().remove(key.as_bytes());
            }
            Some(Value::Map(given)) => {
                if let Value::Map(default) = default {
                    let subchart =
                        chart.dependencies.iter().any(|chart| chart.name().as_bytes() == key.as_bytes());
                    coalesce_tables(&given, &default, merge || subchart);
                }
            }
            Some(_) => {}
        }
    }
}

/// Lays a table over another: what the upper one lacks, it gets.
pub(super) fn coalesce_tables(upper: &Map, lower: &Map, merge: bool) {
    let entries: Vec<(Str, Value)> =
        lower.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, below) in entries {
        match (upper.get(key.as_bytes()), below) {
            // `null` takes away what there was below.
            (Some(Value::Nil), below) if !merge && !below.is_nil() => {
                upper.entries_mut().remove(key.as_bytes());
            }
            (None, below) => upper.set(key, below),
            (Some(Value::Map(above)), Value::Map(below)) => coalesce_tables(&above, &below, merge),
            _ => {}
        }
    }
}
