//! Releases of Helm charts: which chart, with which values, into which namespace, and where its values can be written.
//!
//! Reads what one file says. Whether the chart is in the repository, and what it renders to, is found out elsewhere.

use crate::objects::object::group;
use lossless_yaml::parse::{Node, parse};
use lossless_yaml::path::Path;
use lossless_yaml::span::{LineIndex, Position, line_end, line_start};
use lossless_yaml::split::split;
use offline_kustomize::kustomization::is_kustomization;
use offline_kustomize::repository::{folder, join};

/// A chart as an object asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// `apiVersion` of the object that asks.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Position among the documents of the file.
    pub document: usize,
    /// Where it lies in its document.
    pub path: Path,
    /// Where it starts.
    pub position: Position,
    /// The name of the release.
    pub release: String,
    /// Where it is installed; none where its own object goes.
    pub namespace: Option<String>,
    /// Whether that is said besides the object's own namespace, so that no build moves it.
    pub is_fixed: bool,
    /// The cluster, if the object names one.
    pub cluster: Option<String>,
    /// The chart.
    pub chart: Chart,
    /// Its values, later ones over earlier ones.
    pub layers: Vec<Layer>,
    /// Where its values are written.
    pub place: Place,
}

/// Where a chart comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chart {
    /// One of a Helm repository, by name.
    Named {
        /// The name.
        name: String,
        /// The version, or what versions will do.
        version: String,
        /// A folder in which it would lie beside the object, from the repository's root.
        home: Option<String>,
    },
    /// A folder, from the repository's root.
    Folder(String),
}

/// Values of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// YAML.
    Text(String),
    /// A file, from the repository's root.
    File(String),
    /// A key of a ConfigMap.
    ConfigMap {
        /// The ConfigMap.
        name: String,
        /// The key.
        key: String,
        /// Whether it may be missing.
        optional: bool,
    },
    /// Something that cannot be read here, and what it is.
    Hidden(String),
}

/// Where values of a release are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the object's own document, below these keys of its document.
    Inline(Path),
    /// In a file of values, from the repository's root.
    File(String),
    /// In a text of the object's own document, at this path.
    Text(Path),
}

impl Release {
    /// Whether its values have variables of Flux, which are filled in later.
    pub fn has_variables(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::Text(text) if text.contains("${")))
    }
}

/// Whether a file may hold any: a cheap look.
pub fn may_hold(path: &str, text: &str) -> bool {
    const KINDS: [&str; 3] = ["HelmRelease", "HelmChart", "Application"];
    KINDS.iter().any(|kind| text.contains(kind)) || is_kustomization(path) && text.contains("helmCharts")
}

/// The releases of a file.
pub fn read(path: &str, text: &str) -> Vec<Release> {
    let lines = LineIndex::new(text);
    let mut found = Vec::new();
    for slice in split(text) {
        // What is no YAML is reported where its objects are read.
        let Ok(documents) = parse(text, slice.span) else { continue };
        for (nth, document) in documents.iter().enumerate() {
            let Some(root) = document.root() else { continue };
            let mut waiting = vec![(root, Path::default())];
            while let Some((node, at)) = waiting.pop() {
                let node = node.resolved();
                if node.str_at("kind").is_some_and(|kind| kind.ends_with("List")) && at.0.len() < 8 {
                    let items = node.get("items").into_iter().flat_map(Node::items).enumerate();
                    waiting.extend(items.map(|(nth, item)| (item, at.key("items").index(nth))));
                    continue;
                }
                let reader =
                    Reader { text, file: path, node, at, document: slice.document + nth, lines: &lines };
                found.extend(reader.releases());
            }
        }
    }
    found.sort_by_key(|release: &Release| release.position);
    found
}

struct Reader<'d, 't> {
    text: &'t str,
    file: &'d str,
    node: Node<'d, 't>,
    at: Path,
    document: usize,
    lines: &'d LineIndex<'t>,
}

impl<'d, 't> Reader<'d, 't> {
    fn releases(&self) -> Vec<Release> {
        let api_version = self.node.str_at("apiVersion").unwrap_or_default();
        match (group(api_version), self.node.str_at("kind").unwrap_or_default()) {
            ("helm.toolkit.fluxcd.io", "HelmRelease") => self.flux().into_iter().collect(),
            ("argoproj.io", "Application") => self.argo().into_iter().collect(),
            ("helm.cattle.io", "HelmChart") => self.k3s().into_iter().collect(),
            _ if is_kustomization(self.file) && self.at == Path::default() => self.kustomize(),
            _ => Vec::new(),
        }
    }

    fn text_at(&self, path: &[&str]) -> Option<&'d str> {
        self.node.path(path).and_then(Node::as_str).filter(|text| !text.is_empty())
    }

    fn start(&self, node: Node<'d, 't>, chart: Chart) -> Release {
        let own = |key: &str| self.text_at(&["metadata", key]).unwrap_or_default().to_owned();
        Release {
            api_version: self
                .node
                .str_at("apiVersion")
                .unwrap_or("kustomize.config.k8s.io/v1beta1")
                .to_owned(),
            kind: self.node.str_at("kind").unwrap_or("Kustomization").to_owned(),
            name: own("name"),
            document: self.document,
            path: self.at.clone(),
            position: self.lines.position(node.span().start),
            release: own("name"),
            namespace: self.text_at(&["metadata", "namespace"]).map(str::to_owned),
            is_fixed: false,
            cluster: None,
            chart,
            layers: Vec::new(),
            place: Place::Text(Path::default()),
        }
    }

    fn below(&self, keys: &[&str]) -> Path {
        keys.iter().fold(self.at.clone(), |path, key| path.key(key))
    }

    fn flux(&self) -> Option<Release> {
        let chart = self.text_at(&["spec", "chart", "spec", "chart"])?;
        let version = self.text_at(&["spec", "chart", "spec", "version"]).unwrap_or_default();
        let from = self.text_at(&["spec", "chart", "spec", "sourceRef", "kind"]).unwrap_or("HelmRepository");
        let chart = if from == "HelmRepository" {
            Chart::Named { name: chart.to_owned(), version: version.to_owned(), home: None }
        } else {
            Chart::Folder(join("", chart)?)
        };
        let mut release = self.start(self.node, chart);
        if let Some(namespace) = self.text_at(&["spec", "targetNamespace"]) {
            release.namespace = Some(namespace.to_owned());
            release.is_fixed = true;
            release.release = format!("{namespace}-{}", release.name);
        }
        if let Some(name) = self.text_at(&["spec", "releaseName"]) {
            name.clone_into(&mut release.release);
        }
        for from in self.node.path(&["spec", "valuesFrom"]).into_iter().flat_map(Node::items) {
            release.layers.push(Self::flux_source(from.resolved()));
        }
        release.layers.extend(self.inline(&["spec", "values"]));
        release.place = Place::Inline(self.below(&["spec", "values"]));
        if let Some(files) = self.node.path(&["spec", "chart", "spec", "valuesFiles"])
            && files.items().next().is_some()
        {
            release.layers.insert(0, Layer::Hidden("`valuesFiles` of the chart".to_owned()));
        }
        Some(release)
    }

    fn flux_source(from: Node<'_, '_>) -> Layer {
        let text = |key: &str| from.str_at(key).unwrap_or_default().to_owned();
        let optional = from.get("optional").and_then(Node::as_str) == Some("true");
        if text("kind") != "ConfigMap" || from.str_at("targetPath").is_some() {
            return Layer::Hidden(format!("the {} `{}` of `valuesFrom`", text("kind"), text("name")));
        }
        let key = from.str_at("valuesKey").unwrap_or("values.yaml").to_owned();
        Layer::ConfigMap { name: text("name"), key, optional }
    }

    fn argo(&self) -> Option<Release> {
        let source = self.node.path(&["spec", "source"])?;
        let text = |path: &[&str]| source.path(path).and_then(Node::as_str).filter(|text| !text.is_empty());
        let chart = match (text(&["chart"]), text(&["path"])) {
            (Some(name), _) => {
                let version = text(&["targetRevision"]).unwrap_or_default().to_owned();
                Chart::Named { name: name.to_owned(), version, home: None }
            }
            (None, Some(path)) => Chart::Folder(join("", path)?),
            (None, None) => return None,
        };
        let mut release = self.start(self.node, chart);
        release.namespace = self.text_at(&["spec", "destination", "namespace"]).map(str::to_owned);
        release.is_fixed = true;
        release.cluster = self
            .text_at(&["spec", "destination", "name"])
            .or_else(|| self.text_at(&["spec", "destination", "server"]))
            .map(|name| if name.starts_with("https://kubernetes.default.svc") { "in-cluster" } else { name })
            .map(str::to_owned);
        if let Some(name) = text(&["helm", "releaseName"]) {
            name.clone_into(&mut release.release);
        }
        let inline = self.below(&["spec", "source", "helm", "valuesObject"]);
        release.place = Place::Inline(inline);
        let mut written = None;
        for file in source.path(&["helm", "valueFiles"]).into_iter().flat_map(Node::items) {
            let name = file.as_str().unwrap_or_default();
            let path = match (name.strip_prefix('/'), &release.chart) {
                _ if name.starts_with('$') || name.contains(['*', '{']) || name.contains("://") => None,
                (Some(name), _) => join("", name),
                (None, Chart::Folder(folder)) => join(folder, name),
                (None, Chart::Named { .. }) => None,
            };
            match path {
                Some(path) => {
                    written = Some(path.clone());
                    release.layers.push(Layer::File(path));
                }
                None => release.layers.push(Layer::Hidden(format!("the values file `{name}`"))),
            }
        }
        // A values file within the chart is the chart's own.
        let is_own = |path: &String| matches!(&release.chart, Chart::Folder(folder) if path.starts_with(&format!("{folder}/")));
        if let Some(path) = written.filter(|path| !is_own(path)) {
            release.place = Place::File(path);
        }
        if let Some(values) = text(&["helm", "values"]) {
            release.layers.push(Layer::Text(values.to_owned()));
            release.place = Place::Text(self.below(&["spec", "source", "helm", "values"]));
        }
        let object = self.inline(&["spec", "source", "helm", "valuesObject"]);
        if object.is_some() {
            release.place = Place::Inline(self.below(&["spec", "source", "helm", "valuesObject"]));
        }
        // Argo CD takes the object where both are given.
        if object.is_some() {
            release.layers.retain(|layer| !matches!(layer, Layer::Text(_)));
        }
        release.layers.extend(object);
        let parameters = ["parameters", "fileParameters"];
        if parameters
            .iter()
            .any(|key| source.path(&["helm", key]).is_some_and(|list| list.items().next().is_some()))
        {
            release.layers.push(Layer::Hidden("`parameters`".to_owned()));
        }
        Some(release)
    }

    fn k3s(&self) -> Option<Release> {
        let name = self.text_at(&["spec", "chart"])?;
        let version = self.text_at(&["spec", "version"]).unwrap_or_default().to_owned();
        let mut release = self.start(self.node, Chart::Named { name: name.to_owned(), version, home: None });
        if let Some(namespace) = self.text_at(&["spec", "targetNamespace"]) {
            release.namespace = Some(namespace.to_owned());
            release.is_fixed = true;
        }
        if let Some(values) = self.text_at(&["spec", "valuesContent"]) {
            release.layers.push(Layer::Text(values.to_owned()));
        }
        if self.node.path(&["spec", "set"]).is_some_and(|set| set.pairs().next().is_some()) {
            release.layers.push(Layer::Hidden("`set`".to_owned()));
        }
        release.place = Place::Text(self.below(&["spec", "valuesContent"]));
        Some(release)
    }

    fn kustomize(&self) -> Vec<Release> {
        let here = folder(self.file);
        let home = self.text_at(&["helmGlobals", "chartHome"]).unwrap_or("charts");
        let namespace = self.text_at(&["namespace"]);
        let charts =
            self.node.get("helmCharts").into_iter().flat_map(Node::items).map(Node::resolved).enumerate();
        charts
            .filter_map(|(nth, chart)| self.kustomize_chart(nth, chart, join(here, home), namespace))
            .collect()
    }

    fn kustomize_chart(
        &self,
        nth: usize,
        chart: Node<'d, 't>,
        home: Option<String>,
        namespace: Option<&str>,
    ) -> Option<Release> {
        let text = |key: &str| chart.str_at(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let name = text("name")?;
        let version = text("version").unwrap_or_default();
        let mut release = self.start(chart, Chart::Named { name: name.clone(), version, home });
        release.path = self.at.key("helmCharts").index(nth);
        release.release = text("releaseName").unwrap_or_else(|| name.clone());
        release.name = text("releaseName").unwrap_or(name);
        release.namespace = namespace.map(str::to_owned).or_else(|| text("namespace"));
        release.is_fixed = true;
        if text("valuesMerge").is_some_and(|merge| merge != "override") {
            release.layers.push(Layer::Hidden("`valuesMerge`".to_owned()));
        }
        let files = text("valuesFile").into_iter();
        let more = chart.get("additionalValuesFiles").into_iter().flat_map(Node::items);
        for file in files.chain(more.filter_map(|file| file.as_str().map(str::to_owned))) {
            release.layers.push(match join(folder(self.file), &file) {
                Some(path) => Layer::File(path),
                None => Layer::Hidden(format!("the values file `{file}`")),
            });
        }
        if let Some(values) = chart.get("valuesInline").filter(|values| values.is_mapping()) {
            release.layers.extend(self.dedented(values.resolved()).map(Layer::Text));
        }
        release.place = Place::Inline(release.path.key("valuesInline"));
        Some(release)
    }

    /// Values that stand in the object as a map.
    fn inline(&self, keys: &[&str]) -> Option<Layer> {
        let values = self.node.path(keys)?.resolved();
        if values.is_null() {
            return None;
        }
        if !values.is_mapping() {
            return Some(Layer::Hidden("values that are not a map".to_owned()));
        }
        Some(
            self.dedented(values)
                .map_or_else(|| Layer::Hidden("values that cannot be read".to_owned()), Layer::Text),
        )
    }

    /// The text of a mapping as if it stood alone.
    fn dedented(&self, mapping: Node<'_, '_>) -> Option<String> {
        let span = mapping.span();
        if mapping.is_flow() {
            return Some(span.of(self.text).to_owned());
        }
        let start = line_start(self.text, span.start);
        let column = span.start - start;
        let end = block_end(self.text, span.start, column);
        // A mapping that begins behind a dash has that dash in its first line.
        let first = " ".repeat(column) + self.text.get(span.start..end)?;
        let mut out = String::with_capacity(first.len());
        for line in first.split_inclusive('\n') {
            let blanks = line.len() - line.trim_start_matches(' ').len();
            out.push_str(&line[blanks.min(column)..]);
        }
        Some(out)
    }
}

/// Where a block ends that begins at an offset: before the first line that is indented less.
fn block_end(text: &str, start: usize, column: usize) -> usize {
    let mut end = line_end(text, start);
    while end < text.len() {
        let next = end + 1;
        let line = &text[next.min(text.len())..line_end(text, next.min(text.len()))];
        let blanks = line.len() - line.trim_start_matches(' ').len();
        if !line.trim().is_empty() && blanks < column {
            break;
        }
        end = line_end(text, next.min(text.len()));
    }
    end
}

/// What a ConfigMap of a file holds under a key.
pub fn config_map(text: &str, name: &str, key: &str) -> Option<String> {
    for slice in split(text) {
        for document in parse(text, slice.span).ok()? {
            let Some(root) = document.root() else { continue };
            let is_it = root.str_at("kind") == Some("ConfigMap")
                && root.path(&["metadata", "name"]).and_then(Node::as_str) == Some(name);
            if is_it {
                return root.path(&["data", key]).and_then(Node::as_str).map(str::to_owned);
            }
        }
    }
    None
}
