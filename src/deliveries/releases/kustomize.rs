//! `helmCharts` and `helmChartInflationGenerator` of kustomizations, and the built-in generator `HelmChartInflationGenerator`.
//! <https://kubectl.docs.kubernetes.io/references/kustomize/builtins/#_helmchartinflationgenerator_>

use super::release::{Chart, Layer, Place, Release, inline, start};
use lossless_yaml::path::Path;
use offline_kustomize::kustomization::Kustomization;
use offline_kustomize::repository::{folder, join};
use offline_kustomize::value::Value;

/// The releases of a kustomization, each with the line of its entry.
pub fn charts(file: &str, fields: &Kustomization) -> Vec<(usize, Release)> {
    let here = folder(file);
    let home = fields.chart_home.as_deref().unwrap_or("charts");
    let namespace = fields.namespace.as_ref().map(|line| line.value.as_str());
    // Those of the old list are named otherwise, and what they ask for is not followed.
    let entries = fields.charts.iter().filter(|entry| entry.value.str_at("name").is_some());
    let values = |nth: usize| Path::default().key("helmCharts").index(nth).key("valuesInline");
    entries
        .enumerate()
        .filter_map(|(nth, entry)| {
            Some((entry.line, release(values(nth), &entry.value, here, home, namespace)?))
        })
        .collect()
}

/// The release of an object that the kustomization in `file` names as a generator; none of any other object. What it names lies
/// below the kustomization's folder.
pub fn generated(file: &str, fields: &Kustomization, generator: &Value) -> Option<Release> {
    generator.str_at("kind").filter(|kind| *kind == "HelmChartInflationGenerator")?;
    let home = generator.str_at("chartHome").filter(|home| !home.is_empty()).unwrap_or("charts");
    let namespace = fields.namespace.as_ref().map(|line| line.value.as_str());
    release(Path::default().key("valuesInline"), generator, folder(file), home, namespace)
}

/// The name of the release that an entry of a kustomization, or a generator, stands for.
pub fn release_name(entry: &Value) -> &str {
    let text = |key: &str| entry.str_at(key).filter(|text| !text.is_empty());
    text("releaseName").or_else(|| text("name")).unwrap_or_default()
}

fn release(
    values_at: Path,
    entry: &Value,
    here: &str,
    home: &str,
    namespace: Option<&str>,
) -> Option<Release> {
    let text = |key: &str| entry.str_at(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let name = text("name")?;
    let chart = Chart::Named {
        name: name.clone(),
        version: text("version").unwrap_or_default(),
        repository: text("repo"),
        home: join(here, home),
    };
    let mut release = start(entry, chart);
    release.name = text("releaseName").unwrap_or(name);
    release.namespace = text("namespace").or_else(|| namespace.map(str::to_owned));
    release.is_fixed = true;
    let values = inline(entry.get("valuesInline"));
    let files = text("valuesFile").into_iter();
    let more = entry.get("additionalValuesFiles").map_or(&[][..], Value::items);
    let files = files.chain(more.iter().filter_map(|file| file.as_str().map(str::to_owned)));
    let mut layers: Vec<Layer> = files
        .map(|file| match join(here, &file) {
            Some(path) => Layer::File { path, optional: false },
            None => Layer::Hidden(format!("the values file `{file}`")),
        })
        .collect();
    match text("valuesMerge").as_deref() {
        None | Some("override") => layers.extend(values),
        // The file goes over what stands in the entry.
        Some("merge") => layers.splice(0..0, values).for_each(drop),
        Some(_) => layers.extend(values.into_iter().chain([Layer::Hidden("`valuesMerge`".to_owned())])),
    }
    release.layers = layers;
    release.place = Place::Inline(values_at);
    Some(release)
}
