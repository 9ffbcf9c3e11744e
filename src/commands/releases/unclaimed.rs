//! Charts of the repository that nothing in it deploys and that deploy others: somebody may from elsewhere.

use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};

use super::super::settings::Settings;
use super::asker::Asker;
use super::outcome::Outcome;
use crate::deliveries::releases::Release;
use crate::effects::charts;
use crate::plan::File;
use lossless_yaml::span::Position;

/// Whether a chart that nothing here deploys makes what deploys more. With pods of its own, one that does not render by itself may be a chart
/// like all others.
pub(super) fn is_for_others(outcome: &Outcome, chart: Option<&FilePath>, settings: &Settings) -> bool {
    match outcome {
        Outcome::Rendered(rendered) => !rendered.deliveries.is_empty(),
        _ => chart.is_some_and(|chart| charts::has_no_pods(&settings.root, chart)),
    }
}

/// The kind of what asks for a chart that nothing here deploys.
pub(super) const CHART: &str = "Chart";

/// Charts of the repository that do nothing but name others, or may make what deploys others, and that nothing here deploys: as with
/// manifests, somebody may from elsewhere. `taken` are charts that releases use, and folders in which charts are kept.
pub(super) fn unclaimed(files: &[File], settings: &Settings, taken: &[&PathBuf]) -> Vec<(Asker, Release)> {
    if settings.config.paths.delivered_only {
        return Vec::new();
    }
    let all: BTreeSet<&str> = files.iter().filter_map(|file| file.path.strip_suffix("/Chart.yaml")).collect();
    let templates: Vec<&str> =
        files.iter().filter(|file| file.delivery.is_some()).map(|file| &*file.path).collect();
    let is_of = |path: &str, folder: &str| {
        path.strip_prefix(folder).is_some_and(|below| below.starts_with("/templates/"))
    };
    let makes_more = |folder: &str| templates.iter().any(|path| is_of(path, folder));
    let mut found = Vec::new();
    for (at, file) in files.iter().enumerate().filter(|(_, file)| file.facts.is_ok()) {
        let Some(folder) = file.path.strip_suffix("/Chart.yaml") else { continue };
        let whole = settings.root.join(folder);
        let is_within = folder.match_indices("/charts/").any(|(at, _)| all.contains(&folder[..at]));
        if is_within || taken.iter().any(|chart| whole.starts_with(chart)) {
            continue;
        }
        let is_wrapper = charts::is_wrapper(&settings.root, &whole);
        if !(is_wrapper || makes_more(folder) && charts::is_own(&whole)) {
            continue;
        }
        let name = folder.rsplit('/').next().unwrap_or(folder).to_owned();
        let called = ["v2", CHART, &name].map(str::to_owned);
        let asker =
            Asker { is_guess: true, is_for_others: !is_wrapper, ..Asker::new(at, called, Position::START) };
        found.push((asker, Release::of_folder(name, folder)));
    }
    found
}
