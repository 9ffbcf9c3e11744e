//! `generate`: the finished stream on stdout, Kubernetes objects only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use super::args::{Common, GenerateArgs};
use super::chart;
use super::decrypt::{self, Opener};
use super::exit::Exit;
use super::pipe;
use super::run::Run;
use super::settings::{Settings, directory, shown};
use super::start::from_start;
use super::terminal::Terminal;
use crate::config::Format;
use crate::effects::charts;
use crate::effects::docker;
use crate::effects::scan;
use crate::effects::source::{self, Source};
use crate::objects::stream::{self, Part};
use crate::plan::finding::{Code, Severity};
use crate::report::text;

/// Runs the command.
///
/// # Errors
/// A stream that cannot be read or finished whole, or that holds no object: an empty answer would delete what runs.
pub fn run(common: &Common, arguments: &GenerateArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let mut printed = 0;
    // Nothing is printed before all of it is finished: half a stream would delete the other half.
    let mut out = Zeroizing::new(String::new());
    let identities = from_start(common, &arguments.identity.identities)?;
    let decrypt = arguments.decrypt.then_some(&identities[..]);
    // Argo CD puts what names no namespace into that of the Application.
    let destination = std::env::var("ARGOCD_APP_NAMESPACE").ok().filter(|namespace| !namespace.is_empty());
    let start = directory(common)?;
    let chart = charts::is_chart(&start.join(&arguments.path));
    if !chart && chart::is_asked_for(&arguments.chart) {
        let path = arguments.path.display();
        bail!(
            "{path}: no chart, and the options are those of a chart\nhint: give a folder with Chart.yaml, or a .tgz"
        );
    }
    if arguments.path == Path::new("-") {
        let settings = Settings::resolve(common, &[], &arguments.secrets)?;
        let text = pipe::stdin()?;
        printed +=
            piped(common, "stdin", &text, (&settings, destination.as_deref()), decrypt, &mut out, terminal)?;
    } else if chart {
        let settings = Settings::resolve(common, std::slice::from_ref(&arguments.path), &arguments.secrets)?;
        let destination = arguments.chart.namespace.clone().or(destination);
        let text = chart::stream(
            &arguments.chart,
            &arguments.path,
            &start,
            &settings,
            destination.as_deref(),
            terminal,
        )?;
        let name = shown(&arguments.path);
        printed +=
            piped(common, &name, &text, (&settings, destination.as_deref()), decrypt, &mut out, terminal)?;
    } else {
        let paths = std::slice::from_ref(&arguments.path);
        let settings = Settings::resolve(common, paths, &arguments.secrets)?;
        let settings = Settings { destination, ..settings };
        let mut run = Run::new(settings)?;
        let mut finished: BTreeMap<String, String> =
            run.changes(|file| (file.path.to_owned(), file.after)).into_iter().collect();
        report(common, &run.plan.findings, terminal)?;
        for file in run.files.iter().filter(|file| file.selected) {
            let text = match finished.remove(&file.path) {
                Some(text) => text,
                None => match source::read(&run.settings.root.join(&file.path)) {
                    Ok(Source::Text(text)) => text,
                    Ok(_) => bail!("{}: not readable as text", file.path),
                    Err(error) => return Err(error).with_context(|| file.path.clone()),
                },
            };
            printed += print(&file.path, &text, decrypt, &mut out, terminal)?;
        }
        if let Some(identities) = decrypt {
            printed += age_files(&run.settings, identities, &mut out)?;
        }
    }
    if printed == 0 {
        bail!("no Kubernetes object to print\nhint: an empty answer would delete what runs; check the path");
    }
    terminal.out.write_all(out.as_bytes())?;
    Ok(Exit::Clean)
}

/// Finishes a stream and adds its objects to `out`.
fn piped(
    common: &Common,
    name: &str,
    text: &str,
    about: (&Settings, Option<&str>),
    decrypt: Option<&[PathBuf]>,
    out: &mut String,
    terminal: &mut Terminal<'_>,
) -> Result<usize> {
    let (settings, destination) = about;
    let piped = pipe::finish(name, text, &settings.config, destination);
    report(common, &piped.findings, terminal)?;
    let text = piped
        .finished
        .map_err(|refused| anyhow::anyhow!("{name}:{}: {}", refused.position, refused.reason))?;
    print(name, &text, decrypt, out, terminal)
}

/// What stops a stream from being finished is an error; the rest is for people who ask.
fn report(
    common: &Common,
    findings: &[crate::plan::finding::Finding],
    terminal: &mut Terminal<'_>,
) -> Result<()> {
    let mut failed = 0;
    for finding in findings.iter().filter(|finding| finding.code != Code::PullSecretMissing) {
        let error = finding.severity == Severity::Error;
        failed += usize::from(error);
        if error || common.verbose {
            terminal.err.write_all(text::finding(finding, terminal.err_style).as_bytes())?;
        }
    }
    if failed > 0 {
        bail!("the manifests cannot be finished");
    }
    Ok(())
}

/// Adds the objects of a stream to `out`; encrypted ones only when there is something to `decrypt` them with.
fn print(
    name: &str,
    text: &str,
    decrypt: Option<&[PathBuf]>,
    out: &mut String,
    terminal: &mut Terminal<'_>,
) -> Result<usize> {
    let parts =
        stream::parts(text).map_err(|(position, reason)| anyhow::anyhow!("{name}:{position}: {reason}"))?;
    let encrypted = parts.iter().filter(|part| matches!(part, Part::Encrypted { .. })).count();
    let mut opener = decrypt.filter(|_| encrypted > 0).map(|keys| Opener::new(keys, text, encrypted));
    let mut printed = 0;
    for part in parts {
        match (part, &mut opener) {
            (Part::Object(text), _) => {
                printed += 1;
                document(text, out);
            }
            (Part::Encrypted { kind, name: object, text }, Some(opener)) => {
                printed += 1;
                let opened = opener.next(text).with_context(|| format!("{name}: `{kind}` `{object}`"))?;
                document(&opened, out);
            }
            (Part::Encrypted { kind, name: object, .. }, None) => {
                writeln!(terminal.err, "note: {name}: `{kind}` `{object}` is encrypted and was left out")?;
            }
            (Part::Local, _) => {}
        }
    }
    Ok(printed)
}

/// Adds the Secrets that lie as age files where targets put them, as far as the run is about them.
fn age_files(settings: &Settings, identities: &[PathBuf], out: &mut String) -> Result<usize> {
    let targets = settings.config.targets.iter().filter(|target| target.format == Format::Age);
    let folders: Vec<PathBuf> =
        targets.map(|target| settings.base.join(target.output.common_folder())).collect();
    let is_age = |path: &Path| {
        let in_place = || folders.iter().any(|folder| path.starts_with(folder));
        path.extension().is_some_and(|ending| ending == "age") && in_place()
    };
    let mut printed = 0;
    if folders.is_empty() {
        return Ok(printed);
    }
    for (path, ()) in scan::walk_named(&settings.root, settings.scan, is_age, |_| ()).0 {
        if settings.selects(&path) {
            let name = shown(path.strip_prefix(&settings.root).unwrap_or(&path));
            let text = docker::read_text(&path).with_context(|| name.clone())?;
            document(&decrypt::age_file(&text, identities).with_context(|| name.clone())?, out);
            printed += 1;
        }
    }
    Ok(printed)
}

fn document(text: &str, out: &mut String) {
    out.extend(["---\n", text, if text.ends_with('\n') { "" } else { "\n" }]);
}
