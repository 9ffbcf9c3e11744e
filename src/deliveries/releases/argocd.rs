//! Sources of Argo CD `Application` objects that are charts.
//! <https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>, <https://argo-cd.readthedocs.io/en/stable/user-guide/multiple_sources/>

use super::release::{Chart, Layer, Place, Release, Sources, inline, path, start, text};
use crate::deliveries::argocd::UNKNOWN;
use crate::objects::mentions::OPEN;
use lossless_yaml::path::Path;
use offline_kustomize::repository::join;
use offline_kustomize::value::Value;
use std::collections::BTreeMap;

/// The releases of an Application, one for each source that may be a chart.
pub(super) fn releases(tree: &Value, sources: &Sources<'_>) -> Vec<Release> {
    let tree = &known(tree);
    let list = tree.at(&["spec", "sources"]).map_or(&[][..], Value::items);
    let mut found: Vec<(Path, &Value)> = Vec::new();
    for (nth, source) in list.iter().enumerate() {
        found.push((path(&["spec", "sources"]).index(nth), source));
    }
    if list.is_empty() {
        let dry = ["spec", "sourceHydrator", "drySource"];
        for keys in [&["spec", "source"][..], &dry[..]] {
            found.extend(tree.at(keys).map(|source| (path(keys), source)));
        }
        found.truncate(1);
    }
    let refs: BTreeMap<&str, &str> = list
        .iter()
        .filter_map(|source| Some((text(source, &["ref"])?, text(source, &["repoURL"]).unwrap_or_default())))
        .collect();
    found
        .into_iter()
        .filter_map(|(at, source)| Reader { tree, source, at, refs: &refs, sources }.release())
        .collect()
}

/// A tree with a word for what only a cluster knows.
fn known(tree: &Value) -> Value {
    match tree {
        Value::Scalar(text, _) if text.contains(UNKNOWN) && text.len() > 1 => {
            Value::text(&text.replace(UNKNOWN, OPEN))
        }
        Value::Scalar(..) | Value::Null => tree.clone(),
        Value::List(items) => Value::list(items.iter().map(known).collect()),
        Value::Map(pairs) => Value::map(pairs.iter().map(|(key, value)| (&**key, known(value)))),
    }
}

struct Reader<'r, 's> {
    tree: &'r Value,
    source: &'r Value,
    /// Where the source lies in the object.
    at: Path,
    /// The repositories that sources are named for.
    refs: &'r BTreeMap<&'r str, &'r str>,
    sources: &'r Sources<'s>,
}

impl Reader<'_, '_> {
    fn release(&self) -> Option<Release> {
        let mut release = start(self.tree, self.chart()?);
        release.is_chart =
            ["chart", "helm"].iter().any(|key| self.source.get(key).is_some_and(|it| !it.is_empty()));
        release.namespace = text(self.tree, &["spec", "destination", "namespace"]).map(str::to_owned);
        release.is_fixed = true;
        release.cluster = ["name", "server"]
            .iter()
            .find_map(|key| text(self.tree, &["spec", "destination", key]))
            .filter(|name| !name.contains(['<', UNKNOWN]))
            .map(|name| if name.starts_with("https://kubernetes.default.svc") { "in-cluster" } else { name })
            .map(str::to_owned);
        if let Some(name) = text(self.source, &["helm", "releaseName"]) {
            name.clone_into(&mut release.name);
        }
        release.place = Place::Inline(self.below("valuesObject"));
        self.files(&mut release);
        self.inline(&mut release);
        self.parameters(&mut release);
        Some(release)
    }

    fn below(&self, key: &str) -> Path {
        self.at.key("helm").key(key)
    }

    fn chart(&self) -> Option<Chart> {
        let url = text(self.source, &["repoURL"]).unwrap_or_default();
        match (text(self.source, &["chart"]), text(self.source, &["path"])) {
            (Some(name), _) => Some(Chart::Named {
                // A chart of an OCI registry may be named with its folders.
                name: name.rsplit('/').next().unwrap_or(name).to_owned(),
                version: text(self.source, &["targetRevision"]).unwrap_or_default().to_owned(),
                repository: (!url.is_empty()).then(|| url.to_owned()),
                home: None,
            }),
            (None, Some(path)) if (self.sources.is_own_url)(url) => join("", path).map(Chart::Folder),
            (None, Some(_)) => Some(Chart::Elsewhere),
            (None, None) => None,
        }
    }

    /// Files of values: of the chart, of this repository, of a source with a name.
    fn files(&self, release: &mut Release) {
        let optional = self.source.at(&["helm", "ignoreMissingValueFiles"]).is_some_and(Value::is_true);
        let files = self.source.at(&["helm", "valueFiles"]).map_or(&[][..], Value::items);
        let mut written = None;
        for name in files.iter().filter_map(Value::as_str) {
            match self.file(name, &release.chart) {
                Some(path) => {
                    written = Some(path.clone());
                    release.layers.push(Layer::File { path, optional });
                }
                None => release.layers.push(Layer::Hidden(format!("the values file `{name}`"))),
            }
        }
        // A values file within the chart is the chart's own.
        let is_own = |path: &String| matches!(&release.chart, Chart::Folder(folder) if path.starts_with(&format!("{folder}/")));
        if let Some(path) = written.filter(|path| !is_own(path)) {
            release.place = Place::File(path);
        }
    }

    fn file(&self, name: &str, chart: &Chart) -> Option<String> {
        if name.contains(['*', '{', '<', UNKNOWN]) || name.contains("://") {
            return None;
        }
        if let Some(rest) = name.strip_prefix('$') {
            let (name, path) = rest.split_once('/')?;
            let url = self.refs.get(name)?;
            return join("", path).filter(|_| (self.sources.is_own_url)(url));
        }
        let Chart::Folder(folder) = chart else { return None };
        match name.strip_prefix('/') {
            Some(path) => join("", path),
            None => join(folder, name),
        }
    }

    /// Values in the object: Argo CD takes the map where both are given.
    fn inline(&self, release: &mut Release) {
        let object = inline(self.source.at(&["helm", "valuesObject"]));
        if object.is_some() {
            release.place = Place::Inline(self.below("valuesObject"));
            release.layers.extend(object);
        } else if let Some(values) = text(self.source, &["helm", "values"]) {
            release.layers.push(Layer::Text(values.to_owned()));
            release.place = Place::Text(self.below("values"));
        }
    }

    /// `parameters` go over everything else.
    fn parameters(&self, release: &mut Release) {
        for parameter in self.source.at(&["helm", "parameters"]).map_or(&[][..], Value::items) {
            let name = parameter.str_at("name").unwrap_or_default();
            let line = format!("{name}={}", escaped(parameter.str_at("value").unwrap_or_default()));
            let is_text = parameter.get("forceString").is_some_and(Value::is_true);
            release.layers.push(if is_text { Layer::SetText(line) } else { Layer::Set(line) });
        }
        if self.source.at(&["helm", "fileParameters"]).is_some_and(|list| !list.items().is_empty()) {
            release.layers.push(Layer::Hidden("`fileParameters`".to_owned()));
        }
    }
}

/// A value as Argo CD hands it to `--set`: commas are part of it, but in a list.
fn escaped(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len());
    let mut before = '\0';
    for c in value.chars() {
        if c == ',' && before != '\\' {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}
