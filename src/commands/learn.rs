//! `learn`: measures charts, so that releases of them are known where the chart is not.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use offline_helm::measure::measure;
use offline_helm::{Layer, Options};

use super::args::{Common, LearnArgs};
use super::exit::Exit;
use super::releases::words;
use super::run::Run;
use super::secrets::apply;
use super::settings::{Settings, directory, shown};
use super::terminal::Terminal;
use crate::deliveries::facts::{self, ChartFacts, FILE};
use crate::deliveries::releases::Chart;
use crate::effects::{charts, scan};
use crate::report::{diff, plain, plain_lines, text};

/// Runs the command.
///
/// # Errors
/// A chart that cannot be measured, once the others are; facts that are there and cannot be read.
pub fn run(common: &Common, arguments: &LearnArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let start = directory(common)?;
    let values = arguments.values.iter().map(|name| charts::values(&start, name));
    let mut layers = values.collect::<Result<Vec<Layer>>>()?;
    layers.extend(arguments.set.iter().cloned().map(Layer::Set));
    let run = Run::new(Settings::resolve(common, &[], &[])?)?;
    let Settings { root, base, .. } = &run.settings;
    let (mut known, before) = crate::effects::facts::read(root, base)?;
    let mut failed = 0;
    for path in &arguments.charts {
        match learned(&start.join(path), &layers, arguments, &run) {
            Ok(entry) => {
                if !common.quiet {
                    tell(&entry, terminal)?;
                }
                known.put(entry);
            }
            Err(error) => {
                failed += 1;
                let error = error.context(plain(&shown(path)).into_owned());
                let words = plain_lines(&format!("{error:#}"));
                writeln!(terminal.err, "{}: {words}", terminal.err_style.red("error"))?;
            }
        }
    }
    let after = known.text();
    let is_changed = failed < arguments.charts.len() && before.as_deref() != Some(&*after);
    if is_changed {
        write(common, arguments, (root, base), (before.as_deref(), &after), terminal)?;
    }
    Ok(match (failed, arguments.changes.exit_code && is_changed) {
        (0, false) => Exit::Clean,
        (0, true) => Exit::Findings,
        _ => Exit::Error,
    })
}

/// Writes the file of facts, or says what would be written.
fn write(
    common: &Common,
    arguments: &LearnArgs,
    (root, base): (&Path, &Path),
    (before, after): (Option<&str>, &str),
    terminal: &mut Terminal<'_>,
) -> Result<()> {
    let path = shown(base.strip_prefix(root).unwrap_or(base).join(FILE).as_path());
    if !arguments.changes.dry_run {
        apply::write(root, &path, before, after)?;
    }
    if !common.quiet {
        let verb = match (before, arguments.changes.dry_run) {
            (None, true) => "would create",
            (None, false) => "created",
            (Some(_), true) => "would change",
            (Some(_), false) => "changed",
        };
        writeln!(terminal.err, "{verb} {}", plain(&path))?;
    }
    if arguments.changes.diff {
        let shown = diff::render(&path, before, Some(after), terminal.out_style);
        terminal.out.write_all(shown.as_bytes())?;
    }
    Ok(())
}

/// The facts of one chart.
fn learned(chart: &Path, layers: &[Layer], arguments: &LearnArgs, run: &Run) -> Result<ChartFacts> {
    if !charts::is_chart(chart) {
        bail!("no chart\nhint: give a folder with Chart.yaml, or a .tgz");
    }
    let chart = scan::absolute(chart)?;
    let within = if chart.starts_with(&run.settings.root) { &run.settings.root } else { &chart };
    let files = charts::read(within, &chart).map_err(|error| anyhow!("{error}"))?;
    // The names under which facts speak of a release and of where it goes.
    let mut options = Options { release: "rel".to_owned(), namespace: "ns".to_owned(), ..Options::default() };
    options.api_versions.clone_from(&arguments.api_versions);
    if let Some(version) = &arguments.kube_version {
        options.kube_version.clone_from(version);
    }
    let measured = measure(files, layers, &options).map_err(|error| {
        anyhow!("{}\nhint: the chart has to render; give what it needs with `--values`", words(error))
    })?;
    if measured.pods.is_empty() {
        bail!(
            "the chart deploys no pods with these values\nhint: give the values of a release with `--values`; \
             a chart that never has pods needs no facts"
        );
    }
    let mut addresses: BTreeSet<String> = arguments.from.iter().cloned().collect();
    if addresses.is_empty() {
        addresses.extend(run.charts.iter().filter_map(|asked| address(asked, &measured.chart.0)));
    }
    Ok(facts::entry(&measured, &addresses))
}

/// Where a release of the repository fetches a chart of that name from.
fn address(asked: &Chart, chart: &str) -> Option<String> {
    let Chart::Named { name, repository, .. } = asked else { return None };
    let (name, address) = facts::whence(name, repository.as_deref());
    address.filter(|_| name == chart)
}

/// Says what was found, and what nothing gives a pull secret to.
fn tell(entry: &ChartFacts, terminal: &mut Terminal<'_>) -> Result<()> {
    let name = plain(&entry.chart).into_owned();
    let pods = match &entry.controllers {
        Some(map) => format!("a workload for each entry of `{}`", plain(map)),
        None => text::count(entry.pods.len() + entry.optional_pods.len(), "pod"),
    };
    let set: Vec<String> = entry.set.iter().map(|value| format!("`{}`", plain(&value.path))).collect();
    let set = if set.is_empty() { "no value".to_owned() } else { set.join(", ") };
    writeln!(
        terminal.err,
        "learned {name} {}: {pods}, pull secrets by {set}, {}",
        plain(&entry.version),
        text::count(entry.images.len(), "value") + " for images"
    )?;
    for pod in entry.unreached() {
        writeln!(terminal.err, "note: {name}: no value gives `{}` a pull secret", plain(pod))?;
    }
    if entry.seen_at.is_empty() {
        writeln!(
            terminal.err,
            "note: {name}: no release here tells where it is fetched from, so it is known by its name alone\n\
             hint: `--from URL` names the Helm repository, or the OCI address"
        )?;
    }
    Ok(())
}
