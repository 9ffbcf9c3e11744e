//! The age identity of whoever has none yet: `init` makes it where sops looks for it, or where it is told to.
//!
//! Never in the repository, never over a file that is there, and never for somebody who was not asked.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::args::{Common, InitArgs};
use super::exit::Exit;
use super::settings::directory;
use super::start::now;
use super::terminal::Terminal;
use crate::effects::identities;
use crate::report::plain;

/// Whom a new configuration encrypts for where nothing else tells: the identity that was named; else, where somebody can be
/// asked, the one that sops would use. Nobody without either.
///
/// # Errors
/// A file in the repository, or one that is no identity or cannot be written.
pub fn recipients(
    common: &Common,
    arguments: &InitArgs,
    root: &Path,
    is_needed: bool,
    terminal: &mut Terminal<'_>,
) -> Result<Vec<String>> {
    if let Some(file) = &arguments.identity {
        let file = outside(common, file, root)?;
        let known = identities::recipients_in(&file)?;
        if !known.is_empty() {
            return Ok(known);
        }
        if arguments.dry_run {
            writeln!(terminal.err, "would make an age identity in {}", file.display())?;
            return Ok(Vec::new());
        }
        return Ok(vec![make(common, &file, terminal)?]);
    }
    let can_ask = !common.quiet && io::stdin().is_terminal() && io::stderr().is_terminal();
    let usual = identities::usual_file().filter(|_| is_needed && can_ask && !arguments.dry_run);
    let Some(file) = usual else { return Ok(Vec::new()) };
    let known = identities::recipients_in(&file).unwrap_or_default();
    let file_name = file.display();
    let question = match known.first() {
        Some(first) => format!("encrypt Secrets for {first}, whose identity is in {file_name}?"),
        None => format!(
            "nobody could decrypt Secrets yet; make an age identity in {file_name}, for your eyes only?"
        ),
    };
    match (terminal.confirm(&question)?, known.is_empty()) {
        (false, _) => Ok(Vec::new()),
        (true, false) => Ok(known),
        (true, true) => Ok(vec![make(common, &file, terminal)?]),
    }
}

/// Makes the identity where a configuration is there already, and tells whose key it is.
///
/// # Errors
/// As [`recipients`].
pub fn for_configuration(
    common: &Common,
    file: &Path,
    root: &Path,
    configuration: &Path,
    terminal: &mut Terminal<'_>,
) -> Result<Exit> {
    let file = outside(common, file, root)?;
    let mut known = identities::recipients_in(&file)?;
    if known.is_empty() {
        known.push(make(common, &file, terminal)?);
    }
    for recipient in known {
        writeln!(terminal.out, "{recipient}")?;
    }
    if !common.quiet {
        terminal.out.flush()?;
        let configuration = configuration.strip_prefix(root).unwrap_or(configuration);
        writeln!(
            terminal.err,
            "next: list it as `recipients` of the targets in {}, then `pullcred sync`",
            plain(&configuration.display().to_string())
        )?;
    }
    Ok(Exit::Clean)
}

fn make(common: &Common, file: &Path, terminal: &mut Terminal<'_>) -> Result<String> {
    let recipient = identities::make(file, now())?;
    if !common.quiet {
        writeln!(
            terminal.err,
            "made {}: an age identity, for your eyes only; keep a copy of it, for nothing else opens what is encrypted for it",
            file.display()
        )?;
    }
    Ok(recipient)
}

/// The file as it was named, if it does not lie in the repository.
fn outside(common: &Common, file: &Path, root: &Path) -> Result<PathBuf> {
    let file = directory(common)?.join(file);
    let root = fs::canonicalize(root).with_context(|| root.display().to_string())?;
    // The nearest part of the way that is there tells where it leads.
    let there = file.ancestors().find_map(|part| Some((part, fs::canonicalize(part).ok()?)));
    let inside = there.is_none_or(|(part, real)| {
        real.starts_with(&root) || file.strip_prefix(part).is_ok_and(|rest| rest.components().any(is_upwards))
    });
    if inside {
        bail!(
            "{}: a private key does not belong into the repository\nhint: name a file outside of it, as the one where sops looks: {}",
            file.display(),
            identities::usual_file()
                .map_or_else(|| "~/.config/sops/age/keys.txt".to_owned(), |file| file.display().to_string())
        );
    }
    Ok(file)
}

/// Whether a step leads somewhere that cannot be told before the folders are there.
fn is_upwards(step: std::path::Component<'_>) -> bool {
    step == std::path::Component::ParentDir
}
