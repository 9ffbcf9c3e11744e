//! `inject`: writes the references that images need.

use anyhow::Result;

use super::args::{ChangeArgs, Common, InjectArgs};
use super::ending;
use super::exit::Exit;
use super::run::Run;
use super::settings::Settings;
use super::start::wait;
use super::terminal::Terminal;
use crate::effects::source;
use crate::plan::finding::{Code, Severity};
use crate::report::plain;
use crate::report::{diff, text};

/// Runs the command.
///
/// # Errors
/// Settings that make no sense.
pub fn run(common: &Common, arguments: &InjectArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let changes = arguments.changes;
    let settings = Settings::resolve(common, &arguments.scope.paths, &arguments.scope.secrets)?;
    let _lock = if changes.dry_run { None } else { Some(wait(&settings, terminal)?) };
    let mut run = Run::new(settings)?;
    let Injected { entries, files, mut failed } = write(&mut run, common, changes, terminal)?;
    let mut shown = Vec::new();
    for finding in &run.plan.findings {
        let answered = matches!(finding.code, Code::PullSecretMissing);
        // What stops an edit is an error here; a file nobody can read held no workload that we know of.
        failed |= finding.severity == Severity::Error && !answered;
        if !answered && ending::is_shown(common, finding) {
            shown.push(finding);
        }
    }
    terminal.err.write_all(text::findings(&shown, ending::all(common), terminal.err_style).as_bytes())?;
    if !common.quiet {
        ending::unconfigured(&run, terminal)?;
        let summary = run.summary();
        let verb = if changes.dry_run { "would be added to" } else { "added to" };
        writeln!(
            terminal.err,
            "{} {verb} {}; {} read, {} looked at",
            text::count(entries, "pull secret"),
            text::count(files, "file"),
            text::count(summary.files, "file"),
            text::count(summary.pod_specs, "pod spec"),
        )?;
        ending::skipped(common, &summary, terminal)?;
        ending::undeployed(&run, terminal)?;
    }
    failed |= common.strict && run.plan.findings.iter().any(|finding| finding.code.is_skip());
    Ok(match () {
        () if failed => Exit::Error,
        () if changes.exit_code && files > 0 => Exit::Findings,
        () => Exit::Clean,
    })
}

/// What was injected.
pub struct Injected {
    /// References added.
    pub entries: usize,
    /// Files changed.
    pub files: usize,
    /// Whether a file could not be written.
    pub failed: bool,
}

/// Writes the references of a run and says what it did.
///
/// # Errors
/// When nobody listens any more.
pub fn write(
    run: &mut Run,
    common: &Common,
    changes: ChangeArgs,
    terminal: &mut Terminal<'_>,
) -> Result<Injected> {
    let style = terminal.out_style;
    let writer = source::Writer::below(&run.settings.root);
    let done = run.changes(|file| Done {
        path: file.path.to_owned(),
        diff: changes.diff.then(|| diff::render(file.path, Some(&file.before), Some(&file.after), style)),
        additions: file.additions,
        written: if changes.dry_run { Ok(()) } else { writer.write(&file.on_disk, &file.after) },
    });
    drop(writer);
    let mut injected = Injected { entries: 0, files: 0, failed: false };
    for file in done {
        if let Some(diff) = &file.diff {
            terminal.out.write_all(diff.as_bytes())?;
        }
        if let Err(error) = file.written {
            injected.failed = true;
            writeln!(terminal.err, "{}: {error:#}", terminal.err_style.red("error"))?;
            continue;
        }
        injected.files += 1;
        injected.entries += file.additions;
        if !common.quiet {
            let verb = if changes.dry_run { "would change" } else { "changed" };
            writeln!(terminal.err, "{verb} {} (+{})", plain(&file.path), file.additions)?;
        }
    }
    Ok(injected)
}

/// What became of one file.
struct Done {
    path: String,
    diff: Option<String>,
    additions: usize,
    written: Result<()>,
}
