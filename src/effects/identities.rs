//! The private keys of this run: those of `--identity`, else those that sops would use.
//!
//! What is named has to be there and readable, or the run ends before anything is written. What is only usual (the default
//! key file, SSH keys) may be missing or protected by a passphrase. No key and no part of one is ever in a message.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use zeroize::Zeroizing;

use super::docker::{read_text, variable};
use super::{process, source};
use sops_age::document::Timestamp;
use sops_age::identity::{self, Identities};

/// Collects the identities. `named` are the files of `--identity`; they take the place of all others. `recipients` are those
/// that there is something to open for: a command that tells keys apart is asked for each.
///
/// # Errors
/// A named source that cannot be read or used.
pub fn collect(named: &[PathBuf], recipients: &BTreeSet<String>) -> Result<Identities> {
    let mut identities = Identities::default();
    if !named.is_empty() {
        for file in named {
            add_file(&mut identities, file)?;
        }
        return Ok(identities);
    }
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    // In the order of sops. [getsops/sops age/keysource.go]
    if let Some(file) = variable("SOPS_AGE_SSH_PRIVATE_KEY_FILE") {
        add_file(&mut identities, Path::new(&file)).context("SOPS_AGE_SSH_PRIVATE_KEY_FILE")?;
    }
    for name in [".ssh/id_ed25519", ".ssh/id_rsa"] {
        add_usual(&mut identities, home.as_ref().map(|home| home.join(name)).as_deref());
    }
    add_command(&mut identities, "SOPS_AGE_SSH_PRIVATE_KEY_CMD", recipients)?;
    if let Some(text) = variable("SOPS_AGE_KEY") {
        let text = zeroize::Zeroizing::new(text);
        identities.add(&text).map_err(|error| anyhow!("SOPS_AGE_KEY: {error}"))?;
    }
    if let Some(file) = variable("SOPS_AGE_KEY_FILE") {
        add_file(&mut identities, Path::new(&file)).context("SOPS_AGE_KEY_FILE")?;
    }
    add_command(&mut identities, "SOPS_AGE_KEY_CMD", recipients)?;
    add_usual(&mut identities, usual_file().as_deref());
    Ok(identities)
}

/// Where sops looks for identities that nothing names.
pub fn usual_file() -> Option<PathBuf> {
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    configuration(home.as_deref()).map(|folder| folder.join("sops/age/keys.txt"))
}

/// The recipients of the identities in a file; none where there is no file.
///
/// # Errors
/// It cannot be read, or holds no identity of which the recipient is known.
pub fn recipients_in(file: &Path) -> Result<Vec<String>> {
    let mut identities = Identities::default();
    if !file.exists() {
        return Ok(Vec::new());
    }
    add_file(&mut identities, file)?;
    let recipients: Vec<String> = identities.recipients().map(str::to_owned).collect();
    if recipients.is_empty() {
        bail!("identity {}: it tells no recipient", file.display());
    }
    Ok(recipients)
}

/// Makes an identity, in a file that only its owner can read, and returns its recipient; `now` is in seconds since 1970.
///
/// # Errors
/// The file cannot be written.
pub fn make(file: &Path, now: u64) -> Result<String> {
    let (text, recipient) = key_file(now);
    source::write_private(file, &text)?;
    Ok(recipient)
}

/// A new identity as `age-keygen` writes it, and its recipient; `now` is in seconds since 1970.
pub fn key_file(now: u64) -> (Zeroizing<String>, String) {
    let (key, recipient) = identity::generate();
    let created = Timestamp::from_unix(now);
    let text = format!("# created: {}\n# public key: {recipient}\n{}\n", created.as_str(), key.as_str());
    (Zeroizing::new(text), recipient)
}

fn add_file(identities: &mut Identities, file: &Path) -> Result<()> {
    let text = read_text(file).with_context(|| format!("identity {}", file.display()))?;
    identities.add(&text).map_err(|error| anyhow!("identity {}: {error}", file.display()))
}

/// A key that may be there: nobody asked for it, so nobody is told that it cannot be used.
fn add_usual(identities: &mut Identities, file: Option<&Path>) {
    if let Some(text) = file.and_then(|file| read_text(file).ok()) {
        let _ = identities.add(&text);
    }
}

/// Asks a command for keys, once for each recipient, for it may tell them apart by `SOPS_AGE_RECIPIENT`. One that answers the
/// same twice does not.
fn add_command(identities: &mut Identities, name: &str, recipients: &BTreeSet<String>) -> Result<()> {
    let Some(line) = variable(name) else { return Ok(()) };
    let words = split(&line).with_context(|| format!("{name}: a quote is never closed"))?;
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let mut last: Option<process::Answer> = None;
    let mut problem = None;
    for recipient in recipients {
        if identities.recipients().any(|known| sops_age::recipients::same_recipient(known, recipient)) {
            continue;
        }
        let answer = match process::run(program, arguments, &[("SOPS_AGE_RECIPIENT", recipient)], "") {
            Ok(answer) if answer.is_success() => answer,
            Ok(answer) => {
                problem = Some(match answer.status {
                    Some(status) => format!("failed with status {status}"),
                    None => "was ended by a signal".to_owned(),
                });
                continue;
            }
            Err(error) => bail!("{name}: `{program}` {error}"),
        };
        if last.as_ref().is_some_and(|last| last.stdout == answer.stdout) {
            break;
        }
        let text = answer.text().with_context(|| format!("{name}: `{program}` printed no text"))?;
        identities.add(text).map_err(|error| anyhow!("{name}: what `{program}` printed: {error}"))?;
        last = Some(answer);
    }
    match problem {
        Some(problem) if last.is_none() => bail!("{name}: `{program}` {problem}"),
        _ => Ok(()),
    }
}

/// Words as a shell divides them, without anything else that a shell does. `None` when a quote is left open.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        character => word.push(character),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => match characters.next()? {
                            escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        character => word.push(character),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(characters.next()?),
            character => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Some(words)
}

/// Where programs keep their settings, as Go's `os.UserConfigDir` with the exception that sops makes for macOS.
fn configuration(home: Option<&Path>) -> Option<PathBuf> {
    if cfg!(windows) {
        return variable("AppData").map(PathBuf::from);
    }
    let usual = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };
    variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| home.map(|home| home.join(usual)))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn commands_are_divided_as_a_shell_divides_them() {
        let words = |line: &str| split(line).map(|words| words.join("|"));
        assert_eq!(words("  op read  'op://a b/c' ").as_deref(), Some("op|read|op://a b/c"));
        assert_eq!(words(r#"x "a \"b\" \n" c\ d "" e'f'"#).as_deref(), Some(r#"x|a "b" \n|c d||ef"#));
        assert_eq!(words("").as_deref(), Some(""));
        assert_eq!(words("a 'b"), None);
        assert_eq!(words("a \\"), None);
    }
}
