//! How a run ends: which findings are shown, which fail it, and the lines that count the rest.

use anyhow::Result;

use super::args::Common;
use super::run::Run;
use super::terminal::Terminal;
use crate::plan::finding::{Code, Finding, Severity};
use crate::report::json::Summary;
use crate::report::text;

/// Whether a finding fails the run.
pub fn fails(common: &Common, finding: &Finding) -> bool {
    let strict = finding.severity == Severity::Warning || finding.code.is_skip();
    finding.severity == Severity::Error || common.strict && strict
}

/// Skips are shown one by one only on request; errors always.
pub fn is_shown(common: &Common, finding: &Finding) -> bool {
    let is_crowd = finding.code.is_skip() || finding.code == Code::SecretUnverified;
    if is_crowd && finding.severity == Severity::Note {
        return common.verbose || common.strict && !common.quiet;
    }
    !common.quiet || finding.severity == Severity::Error
}

/// Whether each finding is shown, however many there are of its kind: who asks for errors only gets them all.
pub fn all(common: &Common) -> bool {
    common.verbose || common.quiet
}

/// What to do next, after a check that is not clean: `changes` is what `command` would do itself.
pub fn next(failing: &[&Finding], changes: usize, command: &str, terminal: &mut Terminal<'_>) -> Result<()> {
    if failing.is_empty() {
        return Ok(());
    }
    let is_by_hand = failing.iter().any(|finding| finding.code != Code::PullSecretMissing);
    let by_hand = if is_by_hand { "; what else is named, mend as its hint says" } else { "" };
    let next = terminal.err_style.cyan("next");
    let is_in_clear = failing.iter().any(|finding| finding.code == Code::SecretPlaintext);
    match changes {
        0 if is_in_clear => writeln!(
            terminal.err,
            "{next}: `pullcred adopt` encrypts registry Secrets that stand in clear; mend the rest as its hints say"
        )?,
        0 => writeln!(
            terminal.err,
            "{next}: mend each as its hint says; `--write-baseline FILE` accepts what is there today"
        )?,
        changes => writeln!(
            terminal.err,
            "{next}: `pullcred {command}` makes {}, `--dry-run --diff` shows them before{by_hand}",
            text::count(changes, "change")
        )?,
    }
    Ok(())
}

/// Says so when there is nothing to look for.
pub fn unconfigured(run: &Run, terminal: &mut Terminal<'_>) -> Result<()> {
    match run.settings.nothing_configured() {
        Some(note) => Ok(writeln!(terminal.err, "{note}")?),
        None => Ok(()),
    }
}

/// One line on Secrets that nobody here can compare, where they are not named one by one.
pub fn unverified(common: &Common, findings: &[&Finding], terminal: &mut Terminal<'_>) -> Result<()> {
    let hidden = |finding: &&&Finding| finding.code == Code::SecretUnverified && !is_shown(common, finding);
    let count = findings.iter().filter(hidden).count();
    if count > 0 && !common.quiet {
        let secrets = text::count(count, "Secret");
        writeln!(terminal.err, "{secrets} kept that nobody here can verify (-v names them)")?;
    }
    Ok(())
}

/// One line on what was passed over.
pub fn skipped(common: &Common, summary: &Summary, terminal: &mut Terminal<'_>) -> Result<()> {
    if !summary.skipped.is_empty() {
        let parts: Vec<String> =
            summary.skipped.iter().map(|(code, count)| format!("{count} {code}")).collect();
        let hint = if common.verbose { "" } else { " (`check -v` names them)" };
        writeln!(terminal.err, "left alone: {}{hint}", parts.join(", "))?;
    }
    Ok(())
}

/// One line on files that were left alone because nothing deploys them.
pub fn undeployed(run: &Run, terminal: &mut Terminal<'_>) -> Result<()> {
    match run.graph.undelivered {
        0 => Ok(()),
        count => Ok(writeln!(
            terminal.err,
            "left alone: {} that nothing deploys (`spec.paths.deliveredOnly`)",
            text::count(count, "file")
        )?),
    }
}

/// How many there are besides the first.
fn and_more(all: &[&str]) -> String {
    if all.len() > 1 { format!(" and {} more", all.len() - 1) } else { String::new() }
}

/// That some pods get no Secret because nothing tells their namespace: one line for all files.
pub fn homeless(files: &[&str], terminal: &mut Terminal<'_>) -> Result<()> {
    let Some(first) = files.first() else { return Ok(()) };
    let more = and_more(files);
    writeln!(
        terminal.err,
        "{}: no Secret was placed for the pods of `{first}`{more}: nothing tells their namespace\n\
         {}: set `metadata.namespace`, or a rule below `spec.namespaces` of the configuration",
        terminal.err_style.yellow("warning"),
        terminal.err_style.cyan("hint"),
    )?;
    Ok(())
}

/// That Secrets are written where nothing takes them in: one line for all.
pub fn undelivered<'w>(
    run: &Run,
    wanted: impl Iterator<Item = &'w str>,
    terminal: &mut Terminal<'_>,
) -> Result<()> {
    let outside: Vec<&str> = wanted.filter(|path| !run.graph.delivers(path)).collect();
    let (Some(first), Some(folder)) = (outside.first(), run.graph.delivered.first()) else { return Ok(()) };
    let more = and_more(&outside);
    writeln!(
        terminal.err,
        "{}: no delivery takes in `{first}`{more}, so no cluster gets it\n\
         {}: let `output` of the target lead below a folder that Flux or Argo CD deliver, as `{folder}`",
        terminal.err_style.yellow("warning"),
        terminal.err_style.cyan("hint"),
    )?;
    Ok(())
}
