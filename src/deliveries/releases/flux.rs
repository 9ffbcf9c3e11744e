//! Flux `HelmRelease` objects. <https://fluxcd.io/flux/components/helm/helmreleases/>

use super::post;
use super::release::{Chart, Layer, Place, Release, Sources, inline, path, start, text};
use crate::deliveries::flux::Source;
use offline_kustomize::repository::join;
use offline_kustomize::value::Value;

pub(super) fn release(tree: &Value, sources: &Sources<'_>) -> Option<Release> {
    let mut release = start(tree, chart(tree, sources)?);
    if let Some(namespace) = text(tree, &["spec", "targetNamespace"]) {
        release.namespace = Some(namespace.to_owned());
        release.is_fixed = true;
        release.name = format!("{namespace}-{}", release.name);
    }
    if let Some(name) = text(tree, &["spec", "releaseName"]) {
        name.clone_into(&mut release.name);
    }
    values_files(tree, &mut release);
    release
        .layers
        .extend(tree.at(&["spec", "valuesFrom"]).map_or(&[][..], Value::items).iter().map(values_from));
    release.layers.extend(inline(tree.at(&["spec", "values"])));
    release.place = Place::Inline(path(&["spec", "values"]));
    release.post_renderers = post::renderers(tree);
    Some(release)
}

fn chart(tree: &Value, sources: &Sources<'_>) -> Option<Chart> {
    let reference = |keys: &[&str]| {
        let at = |key: &str| tree.at(keys).and_then(|tree| tree.str_at(key)).unwrap_or_default().to_owned();
        let own = || text(tree, &["metadata", "namespace"]).unwrap_or_default().to_owned();
        let namespace = Some(at("namespace")).filter(|namespace| !namespace.is_empty()).unwrap_or_else(own);
        Source { kind: at("kind"), namespace, name: at("name") }
    };
    if tree.at(&["spec", "chartRef"]).is_some() {
        return Some(of_reference(&reference(&["spec", "chartRef"]), sources));
    }
    let name = text(tree, &["spec", "chart", "spec", "chart"])?;
    let source = reference(&["spec", "chart", "spec", "sourceRef"]);
    if matches!(source.kind.as_str(), "" | "HelmRepository") {
        let version = text(tree, &["spec", "chart", "spec", "version"]).unwrap_or_default().to_owned();
        let repository = (sources.find)(&source).and_then(|found| text(found, &["spec", "url"]));
        let repository = repository.map(str::to_owned);
        return Some(Chart::Named { name: name.to_owned(), version, repository, home: None });
    }
    if !(sources.is_own)(&source) {
        return Some(Chart::Elsewhere);
    }
    join("", name).map(Chart::Folder)
}

/// A chart that another object names: an image of an OCI registry has the name of its chart at its end.
fn of_reference(source: &Source, sources: &Sources<'_>) -> Chart {
    let found = (sources.find)(source).filter(|_| source.kind == "OCIRepository");
    let Some((tree, url)) = found.and_then(|tree| Some((tree, text(tree, &["spec", "url"])?))) else {
        return Chart::Elsewhere;
    };
    let (repository, name) = url.trim_end_matches('/').rsplit_once('/').unwrap_or(("", url));
    let version = ["tag", "semver"].iter().find_map(|key| text(tree, &["spec", "ref", key]));
    Chart::Named {
        name: name.to_owned(),
        version: version.unwrap_or_default().to_owned(),
        repository: Some(repository.to_owned()),
        home: None,
    }
}

/// Files that stand in for the chart's own values. They lie where the chart was fetched from: those of a repository in that, others in the
/// chart.
fn values_files(tree: &Value, release: &mut Release) {
    let of_chart = |key: &str| tree.at(&["spec", "chart", "spec", key]);
    let files = of_chart("valuesFiles").map_or(&[][..], Value::items);
    if files.is_empty() {
        return;
    }
    release.replaces_own_values = true;
    let optional = of_chart("ignoreMissingValuesFiles").is_some_and(Value::is_true);
    let hidden = || Layer::Hidden("`valuesFiles` of the chart".to_owned());
    release.layers.extend(files.iter().map(|file| match (&release.chart, file.as_str()) {
        (Chart::Folder(_), Some(file)) => {
            join("", file).map_or_else(hidden, |path| Layer::File { path, optional })
        }
        _ => hidden(),
    }));
}

fn values_from(from: &Value) -> Layer {
    let name = |key: &str| from.str_at(key).unwrap_or_default().to_owned();
    if name("kind") != "ConfigMap" {
        return Layer::Hidden(format!("the {} `{}` of `valuesFrom`", name("kind"), name("name")));
    }
    Layer::ConfigMap {
        name: name("name"),
        key: from.str_at("valuesKey").unwrap_or("values.yaml").to_owned(),
        optional: from.get("optional").is_some_and(Value::is_true),
        target: text(from, &["targetPath"]).map(str::to_owned),
    }
}
