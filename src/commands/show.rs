//! `show`: what an encrypted file holds. Without `--reveal` no password, with it the whole manifest.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow};
use zeroize::Zeroizing;

use super::args::{Common, ShowArgs};
use super::exit::Exit;
use super::settings::directory;
use super::start::{from_start, now};
use super::terminal::Terminal;
use crate::effects::docker::read_text;
use crate::effects::identities;
use crate::effects::seal::opened;
use crate::objects::dockerconfig::read::{DockerConfig, Entry};
use crate::objects::token::{Life, Token};
use crate::plan::secrets::supply::registry_of;
use crate::report::table;
use sops_age::document::{Encrypted, Timestamp};
use sops_age::identity::{Identities, is_age_file};
use sops_age::tree::Tree;

/// Runs the command.
///
/// # Errors
/// The file cannot be read, does not open, or does not verify.
pub fn run(common: &Common, arguments: &ShowArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let name = arguments.file.display().to_string();
    let text = read_text(&directory(common)?.join(&arguments.file)).with_context(|| name.clone())?;
    let named = from_start(common, &arguments.identity.identities)?;
    let file = open(&text, &named).with_context(|| name.clone())?;
    if arguments.reveal {
        terminal.out.write_all(file.manifest.as_bytes())?;
        return Ok(Exit::Clean);
    }
    let mut out = format!("{name}: {}\n", file.about);
    for tree in &file.documents {
        out.push_str(&describe(tree, now()));
    }
    out.push_str("recipients:\n");
    for recipient in &file.recipients {
        out.push_str(&format!("  {recipient}\n"));
    }
    terminal.out.write_all(out.as_bytes())?;
    Ok(Exit::Clean)
}

/// An opened file.
struct Opened {
    documents: Vec<Tree>,
    /// All of it, as YAML.
    manifest: Zeroizing<String>,
    /// What kind of file it is.
    about: String,
    recipients: Vec<String>,
}

fn open(text: &str, named: &[std::path::PathBuf]) -> Result<Opened> {
    if is_age_file(text.trim_start().as_bytes()) {
        let identities = identities::collect(named, &BTreeSet::new())?;
        let plain =
            identities.decrypt_file(text.as_bytes()).map_err(|error| unopened(&error, &identities))?;
        let manifest =
            Zeroizing::new(String::from_utf8(plain.to_vec()).map_err(|_| anyhow!("there is no text in it"))?);
        let (tree, recipients) = opened(&manifest).context("there is no manifest in it")?;
        return Ok(Opened { documents: vec![tree], manifest, about: "age file".to_owned(), recipients });
    }
    let file = Encrypted::parse(text).map_err(|error| anyhow!("{error}"))?;
    let metadata = file.metadata();
    let keys: BTreeSet<String> = metadata.keys.iter().map(|key| key.recipient.clone()).collect();
    let identities = identities::collect(named, &keys)?;
    let documents = file.decrypt(&identities).map_err(|error| unopened(&error, &identities))?;
    let parts: Vec<Zeroizing<String>> = documents.iter().map(Tree::to_yaml).collect();
    let mut manifest = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len() + 4).sum()));
    for (index, part) in parts.iter().enumerate() {
        manifest.push_str(if index == 0 { "" } else { "---\n" });
        manifest.push_str(part);
    }
    let about = format!("SOPS file, encrypted {}, MAC verified", metadata.last_modified);
    let recipients = metadata.keys.iter().map(|key| key.recipient.clone());
    let recipients = recipients.chain(metadata.foreign.iter().map(|&service| service.to_owned())).collect();
    Ok(Opened { documents, manifest, about, recipients })
}

/// Why a file does not open, and what may be behind it.
pub fn unopened(error: &dyn std::fmt::Display, identities: &Identities) -> anyhow::Error {
    let mut message = error.to_string();
    for reason in identities.unusable() {
        message.push_str(&format!("\nnote: an identity was left out: {reason}"));
    }
    if identities.is_empty() {
        message
            .push_str("\nhint: there is no identity; name one with `--identity FILE` or `SOPS_AGE_KEY_FILE`");
    }
    anyhow!(message)
}

/// A document without what is secret in it.
fn describe(tree: &Tree, now: u64) -> String {
    let text = |keys: &[&str]| tree.str_at(keys).unwrap_or_default().to_owned();
    let mut out = String::new();
    if let Some(kind) = tree.str_at(&["kind"]) {
        let (namespace, name) = (text(&["metadata", "namespace"]), text(&["metadata", "name"]));
        let slash = if namespace.is_empty() { "" } else { "/" };
        out.push_str(&format!("{kind} {namespace}{slash}{name}\n"));
    }
    let config = DockerConfig::from_tree(tree).unwrap_or_default();
    let mut rows = vec![["REGISTRY", "USER", "SECRET", "EXPIRES"].map(str::to_owned)];
    rows.extend(config.entries().map(|(key, entry)| row(key, entry, now)));
    if rows.len() > 1 {
        out.push_str(&table(&rows));
    } else {
        for part in ["data", "stringData"] {
            for key in tree.keys(&[part]) {
                out.push_str(&format!("{part}: {key}\n"));
            }
        }
    }
    out
}

fn row(key: &str, entry: &Entry, now: u64) -> [String; 4] {
    let row = |user: &str, secret: &str, expires: &str| [key, user, secret, expires].map(str::to_owned);
    match entry {
        Entry::Credential(credential) => {
            let token = Token::of(&registry_of(key), credential);
            let expires = match (token.life(now), token.expires) {
                (Life::Expired(at), _) => format!("expired {}", Timestamp::from_unix(at).as_str()),
                (_, Some(at)) => Timestamp::from_unix(at).as_str().to_owned(),
                (Life::Short(None), None) => format!("lives {}", token.kind.lives()),
                _ => "-".to_owned(),
            };
            row(credential.username(), token.kind.name(), &expires)
        }
        Entry::IdentityToken(_) => row("-", "identity token, which a kubelet ignores", "-"),
        Entry::Empty => row("-", "nothing", "-"),
        Entry::Flawed(flaw) => row("-", &format!("unusable: {flaw}"), "-"),
    }
}
