//! A chart on the command line: arguments to values, a rendering to the stream that `helm template` prints.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use offline_helm::{Error, Layer, Manifest, Options, Rendering, matches_path, render};

use super::args::ChartArgs;
use super::settings::Settings;
use super::terminal::Terminal;
use crate::effects::{charts, scan};

/// Whether anything was said that only a chart understands.
pub fn is_asked_for(arguments: &ChartArgs) -> bool {
    let lines = [
        &arguments.values,
        &arguments.set,
        &arguments.set_string,
        &arguments.set_json,
        &arguments.set_file,
        &arguments.set_literal,
        &arguments.api_versions,
        &arguments.show_only,
    ];
    let flags = [
        arguments.include_crds,
        arguments.no_hooks,
        arguments.skip_tests,
        arguments.is_upgrade,
        arguments.skip_schema_validation,
        arguments.no_placeholders,
    ];
    let texts = [&arguments.release_name, &arguments.namespace, &arguments.kube_version];
    lines.iter().any(|line| !line.is_empty())
        || flags.contains(&true)
        || texts.iter().any(|text| text.is_some())
}

/// Renders the chart at `path`, which messages call `name`. Paths are relative to `start`; links of the chart stay
/// within its repository, if it lies in one.
///
/// # Errors
/// What Helm refuses, with the place in the chart's files.
pub fn stream(
    arguments: &ChartArgs,
    path: &Path,
    start: &Path,
    settings: &Settings,
    destination: Option<&str>,
    terminal: &mut Terminal<'_>,
) -> Result<String> {
    let layers = layers(arguments, start)?;
    let mut options = Options { is_upgrade: arguments.is_upgrade, ..Options::default() };
    options.skip_schema = arguments.skip_schema_validation;
    options.api_versions.clone_from(&arguments.api_versions);
    if let Some(release) = &arguments.release_name {
        check_release(release)?;
        options.release.clone_from(release);
    }
    if let Some(namespace) = destination {
        namespace.clone_into(&mut options.namespace);
    }
    if let Some(version) = &arguments.kube_version {
        options.kube_version.clone_from(version);
    }
    // Outside of a repository links are followed, as Helm does.
    let root = if scan::repository(&settings.root).is_some() { &settings.root } else { Path::new("/") };
    let rendering = charts::read(root, &start.join(path))
        .map_err(Error::from)
        .and_then(|files| render(files, &layers, &options))
        .map_err(|error| refused(path, &error))?;
    for note in &rendering.notes {
        writeln!(terminal.err, "note: {}: {note}", path.display())?;
    }
    if !rendering.stand_ins.is_empty() {
        let functions: Vec<String> = rendering.stand_ins.iter().map(|name| format!("`{name}`")).collect();
        let what = format!(
            "{}: what {} gives at random is a fixed text here, which everybody knows",
            path.display(),
            functions.join(", ")
        );
        if arguments.no_placeholders {
            bail!(
                "{what}\nhint: give the values for it, or render the chart with Helm and pipe that through `generate -`"
            );
        }
        writeln!(terminal.err, "note: {what}; install nothing of it")?;
    }
    text(arguments, &rendering)
}

/// The values in Helm's order, the lowest first.
fn layers(arguments: &ChartArgs, start: &Path) -> Result<Vec<Layer>> {
    let mut layers: Vec<Layer> =
        arguments.values.iter().map(|name| charts::values(start, name)).collect::<Result<_>>()?;
    layers.extend(arguments.set_json.iter().cloned().map(Layer::Json));
    layers.extend(arguments.set.iter().cloned().map(Layer::Set));
    layers.extend(arguments.set_string.iter().cloned().map(Layer::Text));
    for line in &arguments.set_file {
        layers.push(charts::contents(start, line)?);
    }
    layers.extend(arguments.set_literal.iter().cloned().map(Layer::Literal));
    Ok(layers)
}

/// Helm's rule for names of releases.
fn check_release(name: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &str| {
        part.bytes().all(|byte| plain(byte) || byte == b'-')
            && part.bytes().next().is_some_and(plain)
            && part.bytes().last().is_some_and(plain)
    };
    if name.is_empty() || name.len() > 53 || !name.split('.').all(part) {
        bail!("`{name}`: no name of a release\nhint: at most 53 small letters, digits, `-` and `.`");
    }
    Ok(())
}

/// The documents as `helm template` prints them.
fn text(arguments: &ChartArgs, rendering: &Rendering) -> Result<String> {
    let crds = rendering.crds.iter().filter(|_| arguments.include_crds);
    let hooks =
        rendering.hooks.iter().filter(|hook| !(arguments.no_hooks || arguments.skip_tests && hook.is_test()));
    let all: Vec<&Manifest> =
        crds.chain(&rendering.manifests).chain(hooks.map(|hook| &hook.manifest)).collect();
    let mut shown = all.clone();
    if !arguments.show_only.is_empty() {
        shown.clear();
        for wanted in &arguments.show_only {
            let before = shown.len();
            shown.extend(all.iter().filter(|manifest| {
                let inner = manifest.source.split_once('/').map_or("", |(_, inner)| inner);
                matches_path(wanted, inner)
            }));
            if shown.len() == before {
                bail!(
                    "could not find template {wanted} in chart\nhint: name it as `# Source:` does, without the chart's name"
                );
            }
        }
    }
    let mut out = String::new();
    for manifest in shown {
        let _ = writeln!(out, "---\n# Source: {}\n{}", manifest.source, manifest.text);
    }
    Ok(out)
}

/// An error of the chart at the place where it is mended.
fn refused(chart: &Path, error: &Error) -> anyhow::Error {
    let file = |name: &str| chart.join(name).display().to_string().trim_start_matches("./").to_owned();
    // Helm's paths begin with the chart's name.
    let inner = |name: &str| file(name.split_once('/').map_or(name, |(_, inner)| inner));
    let text = match error {
        Error::Chart(error) => match &error.file {
            Some(name) => format!("{}: {}", file(name), error.message),
            None => format!("{}: {}", chart.display(), error.message),
        },
        Error::Values(message) => format!("{}: {message}", chart.display()),
        Error::Template(error) => {
            let place = match (error.line, error.column) {
                (0, _) => String::new(),
                (line, 0) => format!(":{line}"),
                (line, column) => format!(":{line}:{column}"),
            };
            format!("{}{place}: {}", inner(&error.template), error.message)
        }
        Error::Manifest { template, message } => {
            format!("{}: what it gives is no manifest: {message}", inner(template))
        }
    };
    let words = match error {
        Error::Template(error) => &error.go,
        _ => &text,
    };
    let hint = HINTS.iter().find(|(sign, _)| words.contains(sign)).map(|(_, hint)| *hint);
    anyhow!("{text}{}", hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default())
}

/// What to do about errors that have such words.
const HINTS: &[(&str, &str)] = &[
    ("missing in charts/ directory", "run `helm dependency build`, and commit what it puts into charts/"),
    ("chart requires kubeVersion", "say which version the cluster has with `--kube-version`"),
    ("meet the specifications of the schema", "give other values, or `--skip-schema-validation`"),
    ("Chart.yaml file is missing", "give the folder that holds Chart.yaml"),
    ("charts are not installable", "give a chart that uses it"),
    ("failed parsing --set", "write it as `a.b=c`, and `\\,` for a comma that is meant"),
    ("error calling required", "the chart wants a value: `--set` or `--values`"),
    ("error calling fail", "the chart refuses these values: `--set` or `--values`"),
    ("nil pointer evaluating", "a value is missing: look into the chart's values.yaml"),
    ("not defined", "Helm 3.22 knows no function of that name"),
    ("what it gives is no manifest", "line and column are those of what the template gives"),
];
