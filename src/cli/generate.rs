//! `generate`: the finished stream on stdout, Kubernetes objects only.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Terminal;
use super::args::{Common, GenerateArgs};
use super::exit::Exit;
use super::run::{self, Run};
use super::settings::Settings;
use crate::apply;
use crate::kube::read;
use crate::kube::stream::{self, Part};
use crate::plan::finding::{Code, Severity};
use crate::plan::{File, pull_secrets};
use crate::report::text;
use crate::source::{self, Source};

/// Runs the command.
///
/// # Errors
/// A stream that cannot be read or finished whole, or that holds no object: an empty answer would delete what runs.
pub fn run(common: &Common, arguments: &GenerateArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let mut printed = 0;
    if arguments.path == Path::new("-") {
        let settings = Settings::resolve(common, &[], &arguments.secrets)?;
        let text = run::stdin()?;
        let facts = read::read(&text, &settings.kinds);
        let files = [File { path: "stdin".to_owned(), selected: true, facts: Ok(facts) }];
        let plan = pull_secrets::plan(&files, &settings.config);
        report(common, &plan.findings, terminal)?;
        let additions: Vec<_> = plan.additions.iter().collect();
        let [File { facts: Ok(facts), .. }] = &files else { return Ok(Exit::Error) };
        let text = apply::finished(&text, facts, &additions)
            .map_err(|refused| anyhow::anyhow!("stdin:{}: {}", refused.position, refused.reason))?;
        printed += print("stdin", &text, terminal)?;
    } else {
        let paths = std::slice::from_ref(&arguments.path);
        let settings = Settings::resolve(common, paths, &arguments.secrets)?;
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
            printed += print(&file.path, &text, terminal)?;
        }
    }
    if printed == 0 {
        bail!("no Kubernetes object to print\nhint: an empty answer would delete what runs; check the path");
    }
    Ok(Exit::Clean)
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

fn print(name: &str, text: &str, terminal: &mut Terminal<'_>) -> Result<usize> {
    let parts =
        stream::parts(text).map_err(|(position, reason)| anyhow::anyhow!("{name}:{position}: {reason}"))?;
    let mut printed = 0;
    for part in parts {
        match part {
            Part::Object(text) => {
                printed += 1;
                terminal.out.write_all(b"---\n")?;
                terminal.out.write_all(text.as_bytes())?;
                if !text.ends_with('\n') {
                    terminal.out.write_all(b"\n")?;
                }
            }
            Part::Encrypted(kind, object) => {
                writeln!(terminal.err, "note: {name}: `{kind}` `{object}` is encrypted and was left out")?;
            }
            Part::Local => {}
        }
    }
    Ok(printed)
}
