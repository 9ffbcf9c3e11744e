//! A release: its chart, its values and their place, as far as one object tells.

use super::flow;
use crate::deliveries::flux::Source;
use crate::objects::mentions::OPEN;
use lossless_yaml::path::Path;
use offline_kustomize::value::Value;

/// A chart as an object asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The name of the release.
    pub name: String,
    /// Where it is installed; none where its own object goes.
    pub namespace: Option<String>,
    /// Whether that is said besides the object's own namespace, so that no build moves it.
    pub is_fixed: bool,
    /// The cluster, if the object names one.
    pub cluster: Option<String>,
    /// The chart.
    pub chart: Chart,
    /// Whether it is a chart for certain, and not a folder of manifests.
    pub is_chart: bool,
    /// Its values, later ones over earlier ones.
    pub layers: Vec<Layer>,
    /// Whether these take the place of the chart's own values, too.
    pub replaces_own_values: bool,
    /// Where its values are written.
    pub place: Place,
    /// The kustomizations that finish what the chart makes, in their order, without their resources.
    pub post_renderers: Vec<Value>,
}

/// Where a chart comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chart {
    /// One of a Helm repository or an OCI registry.
    Named {
        /// The name.
        name: String,
        /// The version, or what versions will do.
        version: String,
        /// The URL of the repository, if it is known.
        repository: Option<String>,
        /// A folder in which it would lie beside the object, from the repository's root.
        home: Option<String>,
    },
    /// A folder, from the repository's root.
    Folder(String),
    /// In another repository.
    Elsewhere,
}

/// Values of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// YAML.
    Text(String),
    /// A file, from the repository's root.
    File {
        /// Its path.
        path: String,
        /// Whether it may be missing.
        optional: bool,
    },
    /// A key of a ConfigMap.
    ConfigMap {
        /// The ConfigMap.
        name: String,
        /// The key.
        key: String,
        /// Whether it may be missing.
        optional: bool,
        /// The value that it is for, if it is not a file of values.
        target: Option<String>,
    },
    /// A line as `--set` takes it.
    Set(String),
    /// A line as `--set-string` takes it.
    SetText(String),
    /// Something that cannot be read here, and what it is.
    Hidden(String),
}

/// Where values of a release are written. Paths begin at the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the object itself, below these keys.
    Inline(Path),
    /// In a file of values, from the repository's root.
    File(String),
    /// In a text of the object, at this path.
    Text(Path),
}

/// What the repository knows of sources.
pub struct Sources<'s> {
    /// Whether a `repoURL` of Argo CD is this repository.
    pub is_own_url: &'s dyn Fn(&str) -> bool,
    /// Whether a source of Flux is this repository.
    pub is_own: &'s dyn Fn(&Source) -> bool,
    /// An object that tells where charts come from.
    pub find: &'s dyn Fn(&Source) -> Option<&'s Value>,
}

impl Release {
    /// What somebody deploys from a folder, for all that is known.
    pub fn of_folder(name: String, folder: &str) -> Self {
        let values = format!("{folder}/values.yaml");
        let mut release = start(&Value::Null, Chart::Folder(folder.to_owned()));
        release.name = name;
        release.place = Place::File(values.clone());
        release.with_own_values(values);
        release
    }

    /// The chart's own values are the repository's: they count as the lowest layer.
    pub fn with_own_values(&mut self, path: String) {
        if !self.replaces_own_values {
            self.layers.insert(0, Layer::File { path, optional: true });
        }
    }

    /// Whether only a cluster fills in a part of its values: variables of Flux, parameters of a generator of Argo CD.
    pub fn is_open(&self) -> bool {
        // As it is, and as it is written within quotes.
        let marks = ["${", OPEN, "\0", "\\u0000"];
        let is_open = |text: &str| marks.iter().any(|mark| text.contains(mark));
        let layer = |layer: &Layer| match layer {
            Layer::Text(text) | Layer::Set(text) | Layer::SetText(text) => is_open(text),
            _ => false,
        };
        let names = self.namespace.iter().chain([&self.name]);
        self.post_renderers.iter().any(|fields| is_open(&flow::text(fields)))
            || self.layers.iter().any(layer)
            || names.into_iter().any(|name| is_open(name))
    }
}

/// A release that is called as its object and has no values yet.
pub(super) fn start(tree: &Value, chart: Chart) -> Release {
    Release {
        name: text(tree, &["metadata", "name"]).unwrap_or_default().to_owned(),
        namespace: text(tree, &["metadata", "namespace"]).map(str::to_owned),
        is_fixed: false,
        cluster: None,
        chart,
        is_chart: true,
        layers: Vec::new(),
        replaces_own_values: false,
        place: Place::Text(Path::default()),
        post_renderers: Vec::new(),
    }
}

/// A text that is there and not empty.
pub(super) fn text<'v>(tree: &'v Value, keys: &[&str]) -> Option<&'v str> {
    tree.at(keys).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(super) fn path(keys: &[&str]) -> Path {
    keys.iter().fold(Path::default(), |path, key| path.key(key))
}

/// Values that stand in an object as a map.
pub(super) fn inline(values: Option<&Value>) -> Option<Layer> {
    match values? {
        Value::Null => None,
        values @ Value::Map(_) => Some(Layer::Text(flow::text(values))),
        _ => Some(Layer::Hidden("values that are not a map".to_owned())),
    }
}
