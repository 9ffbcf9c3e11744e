//! `check`: the plan as findings; changes nothing.

use std::mem::ManuallyDrop;
use std::path::Path;

use anyhow::{Result, anyhow, bail};

use super::args::{CheckArgs, Common, Format};
use super::ending::{self, fails, is_shown, skipped, unconfigured, unverified};
use super::exit::Exit;
use super::inside;
use super::run::Run;
use super::secrets::{Options, Secrets};
use super::settings::{Settings, directory};
use super::start::{from_start, now};
use super::terminal::Terminal;
use crate::effects::source::{self, Source};
use crate::plan::finding::Finding;
use crate::report::baseline::{self, Applied, Baseline};
use crate::report::json::{self, Summary};
use crate::report::{github, junit, sarif, text};

/// Runs the command.
///
/// # Errors
/// Settings that make no sense.
pub fn run(common: &Common, arguments: &CheckArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let settings = Settings::resolve(common, &arguments.scope.paths, &arguments.scope.secrets)?;
    // The process ends with the command: to take apart what is known of every file would be a twentieth of its time.
    let mut run = ManuallyDrop::new(Run::new(settings)?);
    // An edit that cannot be proved right is a finding here too.
    run.changes(|_| ());
    let identities = from_start(common, &arguments.identity.identities)?;
    let options = Options { identities: &identities, ..Options::default() };
    let (mut changes, mut sealed, mut command) = (0, Vec::new(), "inject");
    if let Some(secrets) = Secrets::plan(&run, options)? {
        command = "sync";
        changes = secrets.changes();
        sealed = secrets.sealed();
        run.plan.findings.retain(|finding| !secrets.tell(finding));
        run.plan.findings.extend([secrets.answered, secrets.findings].concat());
    }
    inside::judge(&mut run, &identities)?;
    run.audit(now(), &sealed);
    if let Some(file) = &arguments.write_baseline {
        return write_baseline(common, file, &run, terminal);
    }
    let changes = changes + run.summary().changes;
    let known = match &arguments.baseline {
        Some(file) => Some(read_baseline(common, file)?.apply(&mut run.plan.findings)),
        None => None,
    };
    let summary = Summary { changes, baseline: known.map(|known| known.known), ..run.summary() };
    let shown: Vec<&Finding> = run.plan.findings.iter().filter(|finding| is_shown(common, finding)).collect();
    let style = terminal.out_style;
    let text = match common.format {
        Format::Json => json::check(&run.plan.findings, &summary),
        Format::Github => shown.iter().map(|finding| github::annotation(finding)).collect(),
        Format::Text => text::findings(&shown, ending::all(common), style),
        Format::Sarif => sarif::log(&shown),
        Format::Junit => junit::document(&shown, |finding| fails(common, finding)),
    };
    terminal.out.write_all(text.as_bytes())?;
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
        skipped(common, &summary, terminal)?;
        ending::undeployed(&run, terminal)?;
        unverified(common, &run.plan.findings.iter().collect::<Vec<_>>(), terminal)?;
        from_baseline(known, terminal)?;
    }
    let failing: Vec<&Finding> = run.plan.findings.iter().filter(|finding| fails(common, finding)).collect();
    if !common.quiet {
        ending::next(&failing, changes, command, terminal)?;
    }
    Ok(if failing.is_empty() { Exit::Clean } else { Exit::Findings })
}

fn read_baseline(common: &Common, file: &Path) -> Result<Baseline> {
    let name = file.display();
    let text = match source::read(&directory(common)?.join(file)) {
        Ok(Source::Text(text)) => text,
        Ok(_) => bail!("{name}: no baseline"),
        Err(error) => bail!("{name}: {error}\nhint: write it with `pullcred check --write-baseline {name}`"),
    };
    Baseline::parse(&text).map_err(|reason| anyhow!("{name}: no baseline: {reason}"))
}

fn write_baseline(common: &Common, file: &Path, run: &Run, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let findings = &run.plan.findings;
    source::write(&directory(common)?.join(file), &baseline::render(findings))?;
    if !common.quiet {
        let count = text::count(findings.len(), "finding");
        writeln!(terminal.err, "{count} written to {}", file.display())?;
    }
    Ok(Exit::Clean)
}

/// One line on what a baseline took out, and whether it can shrink.
fn from_baseline(applied: Option<Applied>, terminal: &mut Terminal<'_>) -> Result<()> {
    let Some(Applied { known, gone }) = applied else { return Ok(()) };
    let gone = match gone {
        0 => String::new(),
        gone => format!(", {gone} of its entries not found any more (write it anew)"),
    };
    Ok(writeln!(terminal.err, "{} in the baseline{gone}", text::count(known, "finding"))?)
}
