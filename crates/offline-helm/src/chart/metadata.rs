//! `Chart.yaml`: what a chart says of itself, and which charts it needs.

use super::file::ChartError;
use crate::functions::is_version;
use crate::value::{Map, Str, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a chart says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The name.
    pub name: String,
    /// `home`
    pub home: String,
    /// `sources`
    pub sources: Vec<String>,
    /// The version of the chart.
    pub version: String,
    /// `description`
    pub description: String,
    /// `keywords`
    pub keywords: Vec<String>,
    /// `maintainers`
    pub maintainers: Vec<Maintainer>,
    /// `icon`
    pub icon: String,
    /// `v1` or `v2`
    pub api_version: String,
    /// `condition`
    pub condition: String,
    /// `tags`
    pub tags: String,
    /// The version of what it deploys.
    pub app_version: String,
    /// `deprecated`
    pub deprecated: bool,
    /// `annotations`
    pub annotations: BTreeMap<String, String>,
    /// The versions of Kubernetes that it works with.
    pub kube_version: String,
    /// The charts that it needs.
    pub dependencies: Vec<Dependency>,
    /// Whether it names any dependencies at all.
    pub(crate) has_dependencies: bool,
    /// `application`, `library`, or nothing.
    pub kind: String,
}

/// Who looks after a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintainer {
    /// `name`
    pub name: String,
    /// `email`
    pub email: String,
    /// `url`
    pub url: String,
}

/// A chart that another one needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependency {
    /// The name of the chart; once dependencies have been switched on, the alias if there is one.
    pub name: String,
    /// The versions that fit.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// Paths of values that switch it, parted by commas.
    pub condition: String,
    /// Tags that switch it.
    pub tags: Vec<String>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Values that its parent takes from it.
    pub imports: Vec<Import>,
    /// The name under which its parent has it.
    pub alias: String,
}

/// An entry of `import-values`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The path within the dependency's values.
    pub child: String,
    /// The path within the parent's; `.` is their top.
    pub parent: String,
}

impl Metadata {
    /// Reads `Chart.yaml`.
    pub(super) fn read(yaml: &Value) -> Result<Metadata, ChartError> {
        let map = match yaml {
            Value::Map(map) => map,
            Value::Nil => return Err(wrong("chart.metadata.name is required")),
            _ => return Err(wrong("cannot load Chart.yaml: the file holds no map")),
        };
        let text = |key: &str| text_at(map, key);
        let mut metadata = Metadata {
            name: text("name"),
            home: text("home"),
            sources: texts_at(map, "sources"),
            version: text("version"),
            description: text("description"),
            keywords: texts_at(map, "keywords"),
            maintainers: maps_at(map, "maintainers").iter().map(|map| Maintainer::read(map)).collect(),
            icon: text("icon"),
            api_version: text("apiVersion"),
            condition: text("condition"),
            tags: text("tags"),
            app_version: text("appVersion"),
            deprecated: map.get(b"deprecated").is_some_and(|value| value.truth()),
            annotations: annotations(map),
            kube_version: text("kubeVersion"),
            kind: text("type"),
            ..Metadata::default()
        };
        if metadata.api_version.is_empty() {
            metadata.api_version = "v1".to_owned();
        }
        metadata.read_dependencies(map);
        Ok(metadata)
    }

    /// Reads `requirements.yaml`, where charts of the first version have their dependencies.
    pub(super) fn read_requirements(&mut self, yaml: &Value) -> Result<(), ChartError> {
        match yaml {
            Value::Map(map) => self.read_dependencies(map),
            Value::Nil => {}
            _ => return Err(ChartError::new(Some("requirements.yaml"), "the file holds no map")),
        }
        Ok(())
    }

    fn read_dependencies(&mut self, map: &Map) {
        if let Some(Value::List(_)) = map.get(b"dependencies") {
            self.dependencies =
                maps_at(map, "dependencies").iter().map(|map| Dependency::read(map)).collect();
            self.has_dependencies = true;
        }
    }

    /// Helm's rules for what has to be there.
    pub(super) fn validate(&self) -> Result<(), ChartError> {
        let required = [("apiVersion", &self.api_version), ("name", &self.name), ("version", &self.version)];
        if let Some((name, _)) = required.iter().find(|(_, text)| text.is_empty()) {
            return Err(wrong(format!("chart.metadata.{name} is required")));
        }
        if matches!(self.name.as_str(), "." | "..") {
            return Err(wrong(format!("chart.metadata.name {:?} is not allowed", self.name)));
        }
        if self.name.contains('/') {
            return Err(wrong(format!("chart.metadata.name {:?} is invalid", self.name)));
        }
        if !is_version(&self.version) {
            return Err(wrong(format!("chart.metadata.version {:?} is invalid", self.version)));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return Err(wrong("chart.metadata.type must be application or library"));
        }
        let mut names = BTreeSet::new();
        for dependency in &self.dependencies {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
            if !dependency.alias.chars().all(plain) {
                return Err(wrong(format!(
                    "dependency {:?} has disallowed characters in the alias",
                    dependency.name
                )));
            }
            let name = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if !names.insert(name) {
                return Err(wrong(format!("more than one dependency with name or alias {name:?}")));
            }
        }
        Ok(())
    }
}

impl Maintainer {
    fn read(map: &Map) -> Self {
        Maintainer { name: text_at(map, "name"), email: text_at(map, "email"), url: text_at(map, "url") }
    }
}

impl Dependency {
    fn read(map: &Map) -> Self {
        let imports = match map.get(b"import-values") {
            Some(Value::List(list)) => list.items().iter().filter_map(Import::read).collect(),
            _ => Vec::new(),
        };
        Dependency {
            name: text_at(map, "name"),
            version: text_at(map, "version"),
            repository: text_at(map, "repository"),
            condition: text_at(map, "condition"),
            tags: texts_at(map, "tags"),
            enabled: false,
            imports,
            alias: text_at(map, "alias"),
        }
    }
}

impl Import {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Str(name) => {
                Some(Import { child: format!("exports.{}", name.text()), parent: ".".to_owned() })
            }
            Value::Map(map) => Some(Import { child: text_at(map, "child"), parent: text_at(map, "parent") }),
            _ => None,
        }
    }
}

fn wrong(message: impl Into<String>) -> ChartError {
    ChartError::new(Some("Chart.yaml"), message)
}

/// Where Helm wants text, numbers and booleans become text.
fn text_of(value: &Value) -> String {
    match value {
        Value::Str(text) => clean(&text.text()),
        Value::Bool(truth) => truth.to_string(),
        Value::Float(number) if *number == number.trunc() && number.abs() < 1e15 => {
            (*number as i64).to_string()
        }
        Value::Float(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Any space becomes a blank, and what cannot be seen goes.
fn clean(text: &str) -> String {
    text.chars()
        .filter_map(
            |letter| {
                if letter.is_whitespace() { Some(' ') } else { (!letter.is_control()).then_some(letter) }
            },
        )
        .collect()
}

fn text_at(map: &Map, key: &str) -> String {
    map.get(key.as_bytes()).map(|value| text_of(&value)).unwrap_or_default()
}

fn texts_at(map: &Map, key: &str) -> Vec<String> {
    match map.get(key.as_bytes()) {
        Some(Value::List(list)) => list.items().iter().map(text_of).collect(),
        _ => Vec::new(),
    }
}

fn maps_at(map: &Map, key: &str) -> Vec<std::rc::Rc<Map>> {
    match map.get(key.as_bytes()) {
        Some(Value::List(list)) => list.items().iter().filter_map(|item| item.as_map().cloned()).collect(),
        _ => Vec::new(),
    }
}

fn annotations(map: &Map) -> BTreeMap<String, String> {
    let raw = |value: &Value| match value {
        Value::Str(text) => text.text().into_owned(),
        other => text_of(other),
    };
    match map.get(b"annotations") {
        Some(Value::Map(map)) => map
            .entries()
            .iter()
            .map(|(key, value): (&Str, &Value)| (key.text().into_owned(), raw(value)))
            .collect(),
        _ => BTreeMap::new(),
    }
}
