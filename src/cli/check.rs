//! `check`: the plan as findings; changes nothing.

use anyhow::Result;

use super::Terminal;
use super::args::{CheckArgs, Common, Format};
use super::exit::Exit;
use super::run::Run;
use super::settings::Settings;
use crate::plan::finding::{Finding, Severity};
use crate::report::json::{self, Summary};
use crate::report::{github, text};

/// Runs the command.
///
/// # Errors
/// Settings that make no sense.
pub fn run(common: &Common, arguments: &CheckArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let settings = Settings::resolve(common, &arguments.scope.paths, &arguments.scope.secrets)?;
    let mut run = Run::new(settings)?;
    // An edit that cannot be proved right is a finding here too.
    run.changes(|_| ());
    let summary = run.summary();
    let shown = run.plan.findings.iter().filter(|finding| is_shown(common, finding));
    match common.format {
        Format::Json => {
            terminal.out.write_all(json::check(&run.plan.findings, &summary).as_bytes())?;
        }
        Format::Github => {
            for finding in shown {
                terminal.out.write_all(github::annotation(finding).as_bytes())?;
            }
        }
        Format::Text => {
            for finding in shown {
                terminal.out.write_all(text::finding(finding, terminal.out_style).as_bytes())?;
            }
        }
    }
    if !common.quiet {
        unconfigured(&run, terminal)?;
        writeln!(
            terminal.err,
            "{} and {} in {}; {} looked at",
            text::count(summary.errors, "error"),
            text::count(summary.warnings, "warning"),
            text::count(summary.files, "file"),
            text::count(summary.pod_specs, "pod spec"),
        )?;
        skipped(&summary, terminal)?;
    }
    let strict = common.strict && (summary.warnings > 0 || !summary.skipped.is_empty());
    Ok(if summary.errors > 0 || strict { Exit::Findings } else { Exit::Clean })
}

/// Skips are shown one by one only on request; errors always.
pub fn is_shown(common: &Common, finding: &Finding) -> bool {
    if finding.code.is_skip() {
        return common.verbose || common.strict && !common.quiet;
    }
    !common.quiet || finding.severity == Severity::Error
}

/// Says so when there is nothing to look for.
pub fn unconfigured(run: &Run, terminal: &mut Terminal<'_>) -> Result<()> {
    match run.settings.nothing_configured() {
        Some(note) => Ok(writeln!(terminal.err, "{note}")?),
        None => Ok(()),
    }
}

/// One line on what was passed over.
pub fn skipped(summary: &Summary, terminal: &mut Terminal<'_>) -> Result<()> {
    if !summary.skipped.is_empty() {
        let parts: Vec<String> =
            summary.skipped.iter().map(|(code, count)| format!("{count} {code}")).collect();
        writeln!(terminal.err, "left alone: {} (-v names them)", parts.join(", "))?;
    }
    Ok(())
}
