//! `sync` and `encrypt`: one plan for references and Secrets, written in an order that never names what is not there.

use std::path::PathBuf;

use anyhow::Result;

use super::args::{ChangeArgs, Common, EncryptArgs, SecretArgs, SyncArgs};
use super::ending;
use super::exit::Exit;
use super::inject;
use super::run::{self, Run};
use super::secrets::{Options, Place, Secrets, accounts, apply};
use super::settings::Settings;
use super::start::{from_start, wait};
use super::terminal::Terminal;
use super::trust;
use crate::effects::source;
use crate::plan::finding::{Code, Finding};
use crate::plan::place::homeless;
use crate::report::plain;
use crate::report::{diff, text};

/// Runs `sync`: injects, encrypts, prunes.
///
/// # Errors
/// Settings that make no sense, a recipient or identity that cannot be used.
pub fn run(common: &Common, arguments: &SyncArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let settings = Settings::resolve(common, &arguments.scope.paths, &arguments.scope.secrets)?;
    let identities = from_start(common, &arguments.secret.identity.identities)?;
    let options = Options { prune: true, ..options(&arguments.secret, &identities) };
    Job { common, changes: arguments.changes, options, inject: true }.run(settings, terminal)
}

/// Runs `encrypt`: only the Secrets.
///
/// # Errors
/// As [`run()`].
pub fn encrypt(common: &Common, arguments: &EncryptArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let settings = Settings::resolve(common, &arguments.paths, &[])?;
    let identities = from_start(common, &arguments.secret.identity.identities)?;
    let options = Options { force: arguments.force, ..options(&arguments.secret, &identities) };
    Job { common, changes: arguments.changes, options, inject: false }.run(settings, terminal)
}

fn options<'o>(arguments: &SecretArgs, identities: &'o [PathBuf]) -> Options<'o> {
    Options {
        identities,
        ask: true,
        stdin: arguments.credentials_stdin,
        allow_expiring: arguments.allow_expiring,
        force: false,
        prune: false,
    }
}

struct Job<'j> {
    common: &'j Common,
    changes: ChangeArgs,
    options: Options<'j>,
    inject: bool,
}

impl Job<'_> {
    fn run(self, settings: Settings, terminal: &mut Terminal<'_>) -> Result<Exit> {
        let Self { common, changes, .. } = self;
        let _lock = if changes.dry_run { None } else { Some(wait(&settings, terminal)?) };
        let mut run = Run::new(settings)?;
        let mut secrets = Secrets::plan(&run, self.options)?;
        if let Some(secrets) = &mut secrets {
            run.weigh(&mut secrets.findings);
            run.plan.findings.retain(|finding| !secrets.tell(finding));
        }
        if secrets.as_ref().is_some_and(Secrets::encrypts)
            && let Some(place) = Place::of(&run.settings)
            && !trust::gate(&place, &run, changes.dry_run, terminal)?
        {
            return Ok(Exit::Error);
        }
        let mut done = Done::default();
        if let Some(secrets) = &mut secrets {
            self.write_secrets(&run, secrets, &mut done, terminal)?;
        }
        if self.inject && !done.failed {
            let injected = inject::write(&mut run, common, changes, terminal)?;
            done.failed |= injected.failed;
            done.files += injected.files;
            done.entries = injected.entries;
        }
        if let Some(secrets) = secrets.as_ref().filter(|_| !done.failed) {
            self.prune(&run, secrets, &mut done, terminal)?;
        }
        let mut findings: Vec<&Finding> = secrets.iter().flat_map(|secrets| &secrets.findings).collect();
        if self.inject {
            findings.extend(&run.plan.findings);
        }
        done.failed |= conclude(common, &findings, terminal)?;
        if !common.quiet {
            self.summary(&run, secrets.as_ref(), &done, terminal)?;
        }
        Ok(match () {
            () if done.failed => Exit::Error,
            () if changes.exit_code && done.files > 0 => Exit::Findings,
            () => Exit::Clean,
        })
    }

    /// Secrets, then the kustomizations that list them.
    fn write_secrets(
        &self,
        run: &Run,
        secrets: &mut Secrets,
        done: &mut Done,
        terminal: &mut Terminal<'_>,
    ) -> Result<()> {
        let (root, threads) = (&run.settings.root, run.settings.scan.threads);
        let sealed = secrets.seal(threads)?;
        let results = if self.changes.dry_run {
            sealed.iter().map(|_| Ok(())).collect()
        } else {
            secrets.write(root, &sealed, threads)
        };
        let mut written = Vec::new();
        for (sealed, result) in sealed.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    done.files += 1;
                    done.secrets += 1;
                    self.say(sealed.verb, sealed.path(), &sealed.about, terminal)?;
                    written.push(sealed.done());
                }
                Err(error) => done.fail(&error, terminal)?,
            }
        }
        if !self.changes.dry_run
            && let Err(error) = secrets.remember(&written)
            && self.common.verbose
        {
            writeln!(terminal.err, "note: this clone cannot remember what it wrote: {error:#}")?;
        }
        for (account, _) in secrets.accounts.wanted.iter().filter(|(_, is_there)| !is_there) {
            let result = match self.changes.dry_run {
                true => Ok(()),
                false => apply::write(root, &account.path, None, &account.manifest()),
            };
            match result {
                Ok(()) => {
                    done.files += 1;
                    let about = format!("ServiceAccount {}", accounts::display(account));
                    self.say("created", &account.path, &about, terminal)?;
                }
                Err(error) => done.fail(&error, terminal)?,
            }
        }
        // A kustomization that lists what could not be written would stop every build.
        let edits = secrets.listing.edits.iter().filter(|_| !done.failed).collect::<Vec<_>>();
        for edit in edits {
            if self.changes.diff {
                let shown =
                    diff::render(&edit.path, Some(&edit.before), Some(&edit.after), terminal.out_style);
                terminal.out.write_all(shown.as_bytes())?;
            }
            let result = if self.changes.dry_run {
                Ok(())
            } else {
                source::Writer::below(root).write(&root.join(&edit.path), &edit.after)
            };
            match result {
                Ok(()) => {
                    done.files += 1;
                    self.say("changed", &edit.path, &format!("its {}", edit.key), terminal)?;
                }
                Err(error) => done.fail(&error, terminal)?,
            }
        }
        Ok(())
    }

    fn prune(
        &self,
        run: &Run,
        secrets: &Secrets,
        done: &mut Done,
        terminal: &mut Terminal<'_>,
    ) -> Result<()> {
        for path in secrets.removed() {
            let result = match self.changes.dry_run {
                true => Ok(()),
                false => apply::remove(&run.settings.root, &run.settings.base, path),
            };
            match result {
                Ok(()) => {
                    done.files += 1;
                    done.removed += 1;
                    self.say("removed", path, "nothing needs it any more", terminal)?;
                }
                Err(error) => done.fail(&error, terminal)?,
            }
        }
        Ok(())
    }

    fn say(&self, verb: &str, path: &str, about: &str, terminal: &mut Terminal<'_>) -> Result<()> {
        if self.common.quiet {
            return Ok(());
        }
        let verb = match (self.changes.dry_run, verb) {
            (false, verb) => verb,
            (true, "created") => "would create",
            (true, "rewrote") => "would rewrite",
            (true, "re-wrapped") => "would re-wrap",
            (true, "removed") => "would remove",
            (true, _) => "would change",
        };
        Ok(writeln!(terminal.err, "{verb} {} ({})", plain(path), plain(about))?)
    }

    fn summary(
        &self,
        run: &Run,
        secrets: Option<&Secrets>,
        done: &Done,
        terminal: &mut Terminal<'_>,
    ) -> Result<()> {
        let would = if self.changes.dry_run { "would be " } else { "" };
        let mut parts = Vec::new();
        if self.inject {
            ending::unconfigured(run, terminal)?;
            parts.push(format!("{} {would}added", text::count(done.entries, "pull secret")));
        }
        match secrets {
            Some(secrets) => {
                let (removed, unchanged) = (done.removed, secrets.unchanged());
                let written = text::count(done.secrets, "Secret");
                parts.push(format!(
                    "{written} {would}written, {removed} {would}removed, {unchanged} unchanged"
                ));
            }
            None => parts.push("no Secrets, for there is no configuration".to_owned()),
        }
        writeln!(terminal.err, "{}", parts.join("; "))?;
        if let Some(secrets) = secrets {
            ending::undelivered(run, secrets.places(), terminal)?;
            ending::homeless(&homeless(&run.files, &run.settings.config), terminal)?;
        }
        if self.inject {
            ending::skipped(self.common, &run.summary(), terminal)?;
            ending::undeployed(run, terminal)?;
        }
        Ok(())
    }
}

/// What was done.
#[derive(Default)]
struct Done {
    files: usize,
    entries: usize,
    secrets: usize,
    removed: usize,
    failed: bool,
}

impl Done {
    fn fail(&mut self, error: &anyhow::Error, terminal: &mut Terminal<'_>) -> Result<()> {
        self.failed = true;
        Ok(writeln!(terminal.err, "{}: {error:#}", terminal.err_style.red("error"))?)
    }
}

/// Shows findings that nothing answered; whether they fail the run.
fn conclude(common: &Common, findings: &[&Finding], terminal: &mut Terminal<'_>) -> Result<bool> {
    let mut findings: Vec<&Finding> = findings
        .iter()
        .copied()
        .filter(|finding| !matches!(finding.code, Code::PullSecretMissing | Code::LoadRestricted))
        .collect();
    run::sort_by_place(&mut findings);
    let shown: Vec<&Finding> =
        findings.iter().copied().filter(|finding| ending::is_shown(common, finding)).collect();
    terminal.err.write_all(text::findings(&shown, ending::all(common), terminal.err_style).as_bytes())?;
    ending::unverified(common, &findings, terminal)?;
    // A build that nobody can follow keeps no file from being edited.
    let fails = |finding: &&&Finding| finding.code != Code::BuildFails && ending::fails(common, finding);
    Ok(findings.iter().any(|finding| fails(&finding)))
}
