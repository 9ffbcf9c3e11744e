//! What becomes of each release: rendered from its chart, told by facts about a chart that is elsewhere, or unknown.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use super::super::parallel;
use super::super::settings::Settings;
use super::asker::{Asker, Use};
use super::render::{Charts, LazyFacts, Refused, Rendered, estimated, render};
use crate::deliveries::facts::{Facts, Nearness};
use crate::deliveries::releases::{Chart, Release};
use crate::plan::File;
use crate::plan::finding::Severity;

/// What is known of a release.
#[derive(Clone)]
pub(super) enum Outcome {
    /// Its chart is here, and renders.
    Rendered(Arc<Rendered>),
    /// Its chart is elsewhere, and facts tell what it deploys.
    Told(Arc<Rendered>, Option<Stale>),
    /// Its chart is here, and does not render.
    Fails(Arc<str>),
    /// Its chart is elsewhere.
    Unknown(Option<Stale>),
    /// It is no chart.
    Nothing,
}

/// Facts of another version than the release asks for.
#[derive(Clone)]
pub(super) struct Stale {
    pub severity: Severity,
    pub message: String,
}

/// What is known of each release; `found` are their charts, as far as these are here, and `own` the facts that the repository keeps.
pub(super) fn outcomes(
    files: &[File],
    settings: &Settings,
    own: &Facts,
    askers: &[Asker],
    uses: &[Use],
    found: &[Option<PathBuf>],
) -> Vec<Outcome> {
    let mut asked: Vec<(&Use, &PathBuf)> = Vec::new();
    let places: Vec<Option<usize>> = uses
        .iter()
        .zip(found)
        .map(|(it, chart)| {
            let chart = chart.as_ref()?;
            // Those of one object follow each other.
            let of_same = asked.iter().rev().take_while(|(other, _)| other.asker == it.asker).count();
            let start = asked.len() - of_same;
            let is_same = |(other, _): &(&Use, _)| (&other.release, &other.built) == (&it.release, &it.built);
            let same = asked[start..].iter().position(is_same);
            Some(same.map_or_else(
                || {
                    asked.push((it, chart));
                    asked.len() - 1
                },
                |nth| start + nth,
            ))
        })
        .collect();
    let charts = Charts::default();
    let threads = parallel::computing(settings.scan.threads);
    let facts = LazyLock::new(|| Facts::embedded().with(own));
    let rendered = parallel::map(&asked, threads, |(it, chart)| {
        let path = &files[askers[it.asker].file].path;
        let from = (it.built.as_deref(), &(|| &*facts) as &LazyFacts<'_>);
        match render(files, settings, &charts, path, &it.release, chart, from) {
            Ok(rendered) => Outcome::Rendered(Arc::new(rendered)),
            Err(Refused::Fails(reason)) => Outcome::Fails(Arc::from(reason)),
            Err(Refused::Unknown) => Outcome::Unknown(None),
        }
    });
    let outcome = |(it, place): (&Use, Option<usize>)| match place {
        Some(nth) => rendered[nth].clone(),
        None => told(files, settings, &facts, &files[askers[it.asker].file].path, &it.release),
    };
    uses.iter().zip(places).map(outcome).collect()
}

/// What facts tell of a release whose chart is elsewhere.
fn told(files: &[File], settings: &Settings, facts: &Facts, path: &str, release: &Release) -> Outcome {
    let Chart::Named { name, version, repository, .. } = &release.chart else {
        let is_chart = release.is_chart || release.chart == Chart::Elsewhere;
        return if is_chart { Outcome::Unknown(None) } else { Outcome::Nothing };
    };
    let Some((entry, nearness)) = facts.find(name, repository.as_deref(), version) else {
        return Outcome::Unknown(None);
    };
    let stale = |severity, consequence: &str| {
        let message = format!(
            "what is known of the chart `{name}` was measured with version {}, and the release asks for `{version}`{consequence}",
            entry.version
        );
        Stale { severity, message }
    };
    if nearness == Nearness::Far {
        return Outcome::Unknown(Some(stale(Severity::Warning, ": nothing is written")));
    }
    match estimated(files, settings, path, release, entry) {
        Some(rendered) => {
            let differs = nearness != Nearness::Same && !entry.version.is_empty() && !version.is_empty();
            Outcome::Told(Arc::new(rendered), differs.then(|| stale(Severity::Note, "")))
        }
        None => Outcome::Unknown(None),
    }
}
