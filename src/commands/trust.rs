//! `trust`, and the gate that `sync`, `encrypt`, `updatekeys` and `rotate` pass before they encrypt: for whom is agreed here, by whom else
//! nothing is read.

use std::io::{self, IsTerminal as _};

use anyhow::{Result, bail};

use super::args::{Common, TrustArgs};
use super::exit::Exit;
use super::run::Run;
use super::secrets::{Place, grant};
use super::settings::Settings;
use super::terminal::Terminal;
use crate::effects::tree::Commit;
use crate::effects::trust::{Agreed, VARIABLE, Word, digest, is_pipeline};
use crate::plan::finding::{Code, Finding};
use crate::plan::grant::Grant;
use crate::report::{plain, text};
use lossless_yaml::span::Position;

/// What to call the agreement of this clone itself.
const OWN: &str = "what this clone agreed to";

/// What an agreement is compared with.
struct Before {
    agreed: Agreed,
    /// What the default branch of the remote grants, and its name.
    remote: Option<(String, Grant)>,
}

impl Before {
    fn find(place: &Place, run: &Run) -> Self {
        let agreed = Agreed::load(&run.settings.root);
        let commit = if is_pipeline() { None } else { Commit::agreed(&run.settings.root) };
        let remote = commit.and_then(|commit| {
            let grant = grant::of_commit(place, run, &commit).ok()?;
            Some((commit.name, grant))
        });
        Self { agreed, remote }
    }

    /// What is nearest to the grant, and what to call it.
    fn nearest(&self, place: &Place, grant: &Grant) -> Option<(&Grant, &str)> {
        let own = self.agreed.grant(&place.file).map(|own| (own, OWN));
        let remote = self.remote.as_ref().map(|(name, remote)| (remote, name.as_str()));
        own.into_iter().chain(remote).min_by_key(|(other, _)| grant.beyond(other).len())
    }
}

/// Runs the command.
///
/// # Errors
/// There is no configuration, nobody to agree to, or no clone that could remember it.
pub fn run(common: &Common, arguments: &TrustArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let run = Run::new(Settings::resolve(common, &[], &[])?)?;
    let Some(place) = Place::of(&run.settings) else {
        bail!("there is no configuration to agree to\nhint: `pullcred init` writes one");
    };
    let grant = grant::current(&place, &run)?;
    if arguments.print {
        writeln!(terminal.out, "{}", digest(&grant))?;
        return Ok(Exit::Clean);
    }
    let mut before = Before::find(&place, &run);
    if !common.quiet {
        show_all(&place, &before, &grant, terminal)?;
    }
    terminal.out.flush()?;
    if !before.agreed.can_keep() {
        bail!(
            "this is no Git repository, so nothing can be remembered here\nhint: `{VARIABLE}={}` agrees to this grant for one run",
            digest(&grant)
        );
    }
    before.agreed.keep(&place.file, &grant)?;
    if !common.quiet {
        writeln!(terminal.err, "agreed: this clone encrypts for them\ndigest {}", digest(&grant))?;
    }
    Ok(Exit::Clean)
}

/// Every right: what is new marked by `+`, what is gone by `-`.
fn show_all(place: &Place, before: &Before, grant: &Grant, terminal: &mut Terminal<'_>) -> Result<()> {
    let nothing = Grant::default();
    let (old, name) =
        before.nearest(place, grant).unwrap_or((&nothing, "nothing, for nothing was agreed to yet"));
    writeln!(terminal.err, "{}, compared with {}:", plain(&place.file), plain(name))?;
    for line in grant.lines() {
        let is_new = grant.beyond(old).contains(&line);
        let (mark, line) = if is_new {
            ("+", terminal.out_style.green(plain(line)))
        } else {
            (" ", plain(line).into_owned())
        };
        writeln!(terminal.out, "{mark} {line}")?;
    }
    for line in old.beyond(grant) {
        writeln!(terminal.out, "- {}", terminal.out_style.red(plain(line)))?;
    }
    Ok(())
}

/// Whether a run may encrypt: this clone, its remote, a pipeline or somebody at the terminal has agreed. Says why not; a `trial` writes
/// nothing and goes on.
///
/// # Errors
/// Recipients that cannot be read.
pub fn gate(place: &Place, run: &Run, trial: bool, terminal: &mut Terminal<'_>) -> Result<bool> {
    let word = Word::said();
    if word == Word::All {
        return Ok(true);
    }
    let grant = grant::current(place, run)?;
    if let Word::Digest(agreed) = &word {
        if *agreed == digest(&grant) {
            return Ok(true);
        }
        let message = format!("`{VARIABLE}` agrees to another grant than this one");
        refuse(place, run, &message, &grant, trial, terminal)?;
        return Ok(trial);
    }
    let mut before = Before::find(place, run);
    if let Some(own) = before.agreed.grant(&place.file).filter(|own| own.covers(&grant)) {
        // What a grant has lost is not given back without a word.
        if *own != grant && !trial {
            let _ = before.agreed.keep(&place.file, &grant);
        }
        return Ok(true);
    }
    if before.remote.as_ref().is_some_and(|(_, remote)| remote.covers(&grant)) {
        return Ok(true);
    }
    let nothing = Grant::default();
    let (old, name) = before.nearest(place, &grant).unwrap_or((&nothing, ""));
    let new = grant.beyond(old);
    let mut message = match (word, name) {
        (Word::Unknown, _) => format!(
            "`{VARIABLE}` is neither a digest nor `all`, and this clone has not agreed to who could read credentials"
        ),
        (_, "") => "this clone has not agreed to who could read credentials".to_owned(),
        (_, OWN) => "more could be read than this clone has agreed to".to_owned(),
        (_, name) => format!("more could be read than `{name}` grants"),
    };
    if !trial && io::stdin().is_terminal() && io::stderr().is_terminal() {
        writeln!(terminal.err, "{}: {message}:", plain(&place.file))?;
        return ask(place, &new, &grant, &mut before.agreed, terminal);
    }
    if new.len() > 1 {
        message += " (marked `+` above)";
    }
    for line in &new {
        writeln!(terminal.err, "+ {}", plain(line))?;
    }
    refuse(place, run, &message, &grant, trial, terminal)?;
    Ok(trial)
}

fn ask(
    place: &Place,
    new: &[&str],
    grant: &Grant,
    agreed: &mut Agreed,
    terminal: &mut Terminal<'_>,
) -> Result<bool> {
    for line in new {
        writeln!(terminal.err, "+ {}", plain(line))?;
    }
    if !terminal.confirm("agree, and encrypt for them?")? {
        writeln!(terminal.err, "nothing was written [{}]", Code::RecipientUntrusted)?;
        return Ok(false);
    }
    agreed.keep(&place.file, grant)?;
    Ok(true)
}

/// Asks for the agreement to a configuration that was just written, where there is somebody to ask.
///
/// # Errors
/// The configuration cannot be read.
pub fn offer(common: &Common, root: &std::path::Path, terminal: &mut Terminal<'_>) -> Result<()> {
    if common.quiet || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    let common = Common { directory: Some(root.to_path_buf()), config: None, ..common.clone() };
    let run = Run::new(Settings::resolve(&common, &[], &[])?)?;
    let Some(place) = Place::of(&run.settings) else { return Ok(()) };
    let grant = grant::current(&place, &run)?;
    let mut agreed = Agreed::load(&run.settings.root);
    if grant.has_readers() && agreed.can_keep() && agreed.grant(&place.file) != Some(&grant) {
        writeln!(terminal.err, "who could read credentials with it:")?;
        let lines: Vec<&str> = grant.lines().collect();
        ask(&place, &lines, &grant, &mut agreed, terminal)?;
    }
    Ok(())
}

fn refuse(
    place: &Place,
    run: &Run,
    message: &str,
    grant: &Grant,
    trial: bool,
    terminal: &mut Terminal<'_>,
) -> Result<()> {
    let position = run.settings.config.targets.first().and_then(|target| target.position);
    let severity =
        if trial { crate::plan::finding::Severity::Warning } else { Code::RecipientUntrusted.severity() };
    let finding = Finding {
        code: Code::RecipientUntrusted,
        severity,
        file: place.file.clone(),
        position: position.unwrap_or(Position::START),
        message: message.to_owned(),
        hint: Some(format!(
            "`pullcred trust` shows it and agrees for this clone; a pipeline agrees by {VARIABLE}={}",
            digest(grant)
        )),
        object: None,
    };
    Ok(terminal.err.write_all(text::finding(&finding, terminal.err_style).as_bytes())?)
}
