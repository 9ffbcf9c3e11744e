//! What measuring a chart found, as facts.

use super::entry::{ChartFacts, Form, Image, Loses, Place, Value};
use offline_helm::measure::{Measured, Reach};
use offline_helm::probe::{Pod, Shape};
use std::collections::BTreeSet;

/// The facts that measuring found, about a chart that is fetched from these addresses.
pub fn entry(measured: &Measured, addresses: &BTreeSet<String>) -> ChartFacts {
    let label = |pod: &Pod| format!("{}/{}", pod.kind, pod.name);
    let labels: Vec<String> = measured.pods.iter().chain(&measured.optional_pods).map(label).collect();
    let named = |pods: &BTreeSet<usize>| pods.iter().map(|nth| labels[*nth].clone()).collect::<Vec<_>>();
    let place = |reach: &Reach| Place {
        path: reach.value.path.join("."),
        shape: reach.value.shape.into(),
        pods: (reach.pods.len() < labels.len()).then(|| named(&reach.pods)),
        loses: match &reach.loses {
            lost if lost.is_empty() => None,
            lost if *lost == reach.pods => Some(Loses::All(true)),
            lost => Some(Loses::Some(named(lost))),
        },
        service_account: reach.is_account,
    };
    let is_open = measured.workloads.is_some();
    let mut paths: Vec<Place> = measured.reaches.iter().map(place).collect();
    paths.retain(|place| !is_open || place.pods.is_none());
    paths.sort_by(|a, b| a.path.cmp(&b.path));
    let (chart, version) = &measured.chart;
    ChartFacts {
        chart: chart.clone(),
        version: version.trim_start_matches('v').to_owned(),
        seen_at: addresses.iter().cloned().collect(),
        // Those of a map of workloads are what a release says that they are.
        pods: if is_open { Vec::new() } else { measured.pods.iter().map(label).collect() },
        optional_pods: if is_open { Vec::new() } else { measured.optional_pods.iter().map(label).collect() },
        controllers: measured.workloads.as_ref().map(|keys| keys.join(".")),
        set: measured
            .set
            .iter()
            .filter(|value| paths.iter().any(|place| place.path == value.path.join(".")))
            .map(|value| Value { path: value.path.join("."), shape: value.shape.into() })
            .collect(),
        paths,
        images: measured
            .images
            .iter()
            .map(|image| Image {
                path: image.path.join("."),
                moves: image.moves.clone(),
                fields: image.fields.clone(),
                default: image.default.iter().cloned().collect(),
                optional: image.is_optional,
            })
            .collect(),
        global_registry: measured
            .registries
            .iter()
            .map(|(path, moved, all)| {
                let reach = if moved == all { "all".to_owned() } else { format!("{moved}/{all}") };
                (path.join("."), reach)
            })
            .collect(),
        other_images: measured.other_images.clone(),
        ..ChartFacts::default()
    }
}

impl From<Shape> for Form {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::ListOfNames => Self::ListName,
            Shape::ListOfStrings => Self::ListString,
            Shape::OneString => Self::String,
        }
    }
}
