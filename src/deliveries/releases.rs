//! Releases of Helm charts: which chart, with which values, into which namespace, and where its values can be written.
//!
//! Reads one object, as it is written or as a build yields it. Whether the chart is in the repository, and what it renders to, is found
//! out elsewhere.

mod argocd;
mod flow;
mod flux;
mod kustomize;
mod post;
mod release;

use super::delivery::Kind;
use offline_kustomize::value::Value;
use release::{path, start, text};

pub use flow::text as flow_text;
pub use kustomize::{charts, generated, release_name};
pub use post::post_rendered;
pub use release::{Chart, Layer, Place, Release, Sources};

/// The releases of an object. An ApplicationSet is asked for as each Application that it makes.
pub fn read(kind: Kind, tree: &Value, sources: &Sources<'_>) -> Vec<Release> {
    match kind {
        Kind::HelmRelease => flux::release(tree, sources).into_iter().collect(),
        Kind::Application | Kind::ApplicationSet => argocd::releases(tree, sources),
        Kind::OtherRelease => k3s(tree).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The kind of what gives a `HelmChart` more values.
pub const CHART_CONFIG: &str = "HelmChartConfig";

/// Puts the values of a `HelmChartConfig` over those of its `HelmChart`; what `set` says goes over both.
/// [k3s-io/helm-controller pkg/controllers/chart, valuesConfigMap and args]
pub fn configured(release: &mut Release, config: &Value) {
    let Some(values) = text(config, &["spec", "valuesContent"]) else { return };
    let is_set = |layer: &Layer| matches!(layer, Layer::Set(_) | Layer::SetText(_));
    let at = release.layers.iter().position(is_set).unwrap_or(release.layers.len());
    release.layers.insert(at, Layer::Text(values.to_owned()));
}

/// A `HelmChart` of k3s and RKE2. <https://docs.k3s.io/helm>
fn k3s(tree: &Value) -> Option<Release> {
    if (tree.str_at("kind"), tree.str_at("apiVersion")) != (Some("HelmChart"), Some("helm.cattle.io/v1")) {
        return None;
    }
    let name = text(tree, &["spec", "chart"])?;
    let version = text(tree, &["spec", "version"]).unwrap_or_default().to_owned();
    let repository = text(tree, &["spec", "repo"]).map(str::to_owned);
    let chart = Chart::Named { name: name.to_owned(), version, repository, home: None };
    let mut release = start(tree, chart);
    release.place = Place::Text(path(&["spec", "valuesContent"]));
    if let Some(namespace) = text(tree, &["spec", "targetNamespace"]) {
        release.namespace = Some(namespace.to_owned());
        release.is_fixed = true;
    }
    release
        .layers
        .extend(text(tree, &["spec", "valuesContent"]).map(|values| Layer::Text(values.to_owned())));
    for (name, value) in tree.at(&["spec", "set"]).map_or(&[][..], Value::pairs) {
        let line = format!("{name}={}", value.as_str().unwrap_or_default().replace(',', "\\,"));
        let is_number = matches!(value, Value::Scalar(text, true) if text.parse::<i64>().is_ok());
        release.layers.push(if is_number { Layer::Set(line) } else { Layer::SetText(line) });
    }
    Some(release)
}
