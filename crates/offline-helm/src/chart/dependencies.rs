//! Which subcharts are switched on, under which name, and what their parents take from their values.

use super::coalesce::{coalesce_tables, coalesce_values, deep_copy};
use super::file::ChartError;
use super::metadata::Dependency;
use super::model::Chart;
use crate::functions::version_fits;
use crate::value::{Map, Str, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Whether all charts that a chart names are there.
pub(crate) fn check(chart: &Chart) -> Result<(), ChartError> {
    let there = |name: &str| chart.dependencies.iter().any(|chart| chart.name() == name);
    let missing: Vec<&str> = chart
        .metadata
        .dependencies
        .iter()
        .map(|needed| needed.name.as_str())
        .filter(|name| !there(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("found in Chart.yaml, but missing in charts/ directory: {}", missing.join(", "));
    Err(ChartError::new(Some("Chart.yaml"), message))
}

/// Switches subcharts on and off and imports their values, as `helm template` does before it renders.
pub(crate) fn process(chart: &mut Chart, values: &Map) -> Result<(), String> {
    switch(chart, values, "")?;
    import_all(chart)
}

fn switch(chart: &mut Chart, values: &Map, path: &str) -> Result<(), String> {
    if !chart.metadata.has_dependencies {
        return Ok(());
    }
    let fits = |chart: &Chart, needed: &Dependency| {
        chart.name() == needed.name && version_fits(&needed.version, &chart.metadata.version)
    };
    // What nobody names stays; what is named comes once for each name that it is given.
    let mut there: Vec<Chart> = chart
        .dependencies
        .iter()
        .filter(|existing| !chart.metadata.dependencies.iter().any(|needed| fits(existing, needed)))
        .cloned()
        .collect();
    for needed in &mut chart.metadata.dependencies {
        if let Some(found) = chart.dependencies.iter().find(|existing| fits(existing, needed)) {
            let mut found = found.clone();
            if !needed.alias.is_empty() {
                found.metadata.name.clone_from(&needed.alias);
            }
            there.push(found);
        }
        if !needed.alias.is_empty() {
            needed.name.clone_from(&needed.alias);
        }
        needed.enabled = true;
    }
    chart.dependencies = there;
    let all = coalesce_values(chart, values, false)?;
    by_tags(chart, &all);
    by_conditions(chart, &all, path);
    let off: Vec<String> = chart
        .metadata
        .dependencies
        .iter()
        .filter(|needed| !needed.enabled)
        .map(|needed| needed.name.clone())
        .collect();
    chart.dependencies.retain(|chart| !off.iter().any(|name| name == chart.name()));
    chart.metadata.dependencies.retain(|needed| !off.contains(&needed.name));
    for subchart in &mut chart.dependencies {
        let path = format!("{path}{}.", subchart.name());
        switch(subchart, &all, &path)?;
    }
    // Helm forgets the list where nothing of it is left.
    chart.metadata.has_dependencies = !chart.metadata.dependencies.is_empty();
    Ok(())
}

fn by_tags(chart: &mut Chart, values: &Map) {
    let Some(Value::Map(tags)) = values.get(b"tags") else { return };
    for needed in &mut chart.metadata.dependencies {
        let switches: Vec<bool> = needed
            .tags
            .iter()
            .filter_map(|tag| match tags.get(tag.as_bytes()) {
                Some(Value::Bool(on)) => Some(on),
                _ => None,
            })
            .collect();
        needed.enabled = switches.is_empty() || switches.contains(&true);
    }
}

fn by_conditions(chart: &mut Chart, values: &Map, path: &str) {
    for needed in &mut chart.metadata.dependencies {
        let conditions = needed.condition.trim().split(',').filter(|condition| !condition.is_empty());
        let switch =
            conditions.filter_map(|condition| match value_at(values, &format!("{path}{condition}")) {
                Some(Value::Bool(on)) => Some(on),
                _ => None,
            });
        if let Some(on) = switch.into_iter().next() {
            needed.enabled = on;
        }
    }
}

/// The value at the end of a path of keys.
fn value_at(values: &Map, path: &str) -> Option<Value> {
    match path.split_once('.') {
        None => values.get(path.as_bytes()),
        Some((key, rest)) => match values.get(key.as_bytes())? {
            Value::Map(map) => value_at(&map, rest),
            _ => None,
        },
    }
}

fn import_all(chart: &mut Chart) -> Result<(), String> {
    for subchart in &mut chart.dependencies {
        import_all(subchart)?;
    }
    import(chart)
}

/// Takes values of subcharts into a chart's own, below what it has itself.
fn import(chart: &mut Chart) -> Result<(), String> {
    if !chart.metadata.has_dependencies {
        return Ok(());
    }
    let empty = Map::new(BTreeMap::new());
    let all = coalesce_values(chart, &empty, true)?;
    let imported = Map::new(BTreeMap::new());
    for needed in &chart.metadata.dependencies {
        for import in &needed.imports {
            let Some(Value::Map(child)) = value_at(&all, &format!("{}.{}", needed.name, import.child)) else {
                continue;
            };
            // Upper and lower as Helm has them: what came first wins.
            coalesce_tables(&imported, &below(&import.parent, &child), true);
        }
    }
    let values = Rc::new(deep_copy(&all));
    coalesce_tables(&values, &imported, true);
    chart.values = values;
    Ok(())
}

/// A table at the end of a path of new ones.
fn below(path: &str, table: &Rc<Map>) -> Map {
    let copy = deep_copy(table);
    if path == "." {
        return copy;
    }
    path.rsplit('.')
        .fold(copy, |inner, key| Map::new(BTreeMap::from([(Str::from(key), Value::Map(Rc::new(inner)))])))
}
