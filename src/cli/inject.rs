//! `inject`: writes the references that images need.

use anyhow::Result;

use super::args::{Common, InjectArgs};
use super::exit::Exit;
use super::run::Run;
use super::settings::Settings;
use super::{Terminal, check};
use crate::plan::finding::{Code, Severity};
use crate::report::{diff, text};
use crate::source;

/// Runs the command.
///
/// # Errors
/// Settings that make no sense.
pub fn run(common: &Common, arguments: &InjectArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let settings = Settings::resolve(common, &arguments.scope.paths, &arguments.scope.secrets)?;
    let mut run = Run::new(settings)?;
    let (mut entries, mut failures) = (0, Vec::new());
    let mut written = 0;
    run.changes(|file| {
        if arguments.diff {
            let shown = diff::render(file.path, Some(&file.before), Some(&file.after), terminal.out_style);
            terminal.out.write_all(shown.as_bytes())?;
        }
        if !arguments.dry_run
            && let Err(error) = source::replace(&file.on_disk, &file.after)
        {
            failures.push(format!("{error:#}"));
            return Ok(());
        }
        written += 1;
        entries += file.additions;
        if !common.quiet {
            let verb = if arguments.dry_run { "would change" } else { "changed" };
            writeln!(terminal.err, "{verb} {} (+{})", file.path, file.additions)?;
        }
        Ok(())
    })?;
    let mut failed = !failures.is_empty();
    for failure in failures {
        writeln!(terminal.err, "{}: {failure}", terminal.err_style.red("error"))?;
    }
    for finding in &run.plan.findings {
        let answered = matches!(finding.code, Code::PullSecretMissing);
        // What stops an edit is an error here; a file nobody can read held no workload that we know of.
        failed |= finding.severity == Severity::Error && !answered;
        if !answered && check::is_shown(common, finding) {
            terminal.err.write_all(text::finding(finding, terminal.err_style).as_bytes())?;
        }
    }
    if !common.quiet {
        let summary = run.summary();
        let verb = if arguments.dry_run { "would be added to" } else { "added to" };
        writeln!(
            terminal.err,
            "{} {verb} {}; {} read, {} looked at",
            text::count(entries, "pull secret"),
            text::count(written, "file"),
            text::count(summary.files, "file"),
            text::count(summary.pod_specs, "pod spec"),
        )?;
        check::skipped(&summary, terminal)?;
        failed |= common.strict && !summary.skipped.is_empty();
    }
    Ok(match () {
        () if failed => Exit::Error,
        () if arguments.exit_code && written > 0 => Exit::Findings,
        () => Exit::Clean,
    })
}
