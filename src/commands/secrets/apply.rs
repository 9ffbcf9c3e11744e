//! Planned Secrets to bytes on disk: everything is encrypted before the first file is written, Secrets are written before
//! the kustomizations that list them, and what nobody needs goes last.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};

use super::{Item, Secrets};
use crate::commands::parallel;
use crate::config::Format;
use crate::effects::look::holds;
use crate::effects::recipients::Audience;
use crate::effects::seal::{names, seal};
use crate::effects::source;
use crate::objects::dockerconfig::Auths;
use crate::plan::secrets::decide::{Action, Content, Kind};
use crate::plan::secrets::supply::registry_of;
use sops_age::rewrite::update_keys;

/// A file that changes: what to write, and what to say of it.
pub struct Sealed<'s> {
    item: &'s Item,
    text: String,
    /// What happens, for people: `created …`.
    pub verb: &'static str,
    /// What it is about, for people.
    pub about: String,
}

impl Secrets {
    /// Encrypts everything that is to be written.
    ///
    /// # Errors
    /// The first Secret that cannot be encrypted, with its path. Nothing has been written then.
    pub fn seal(&self, threads: usize) -> Result<Vec<Sealed<'_>>> {
        let items: Vec<&Item> = self.items.iter().filter(|item| is_written(item)).collect();
        let sealed = parallel::map(&items, parallel::computing(threads), |item| {
            self.seal_one(item).with_context(|| item.decision.path.clone())
        });
        sealed.into_iter().collect()
    }

    fn seal_one<'s>(&self, item: &'s Item) -> Result<Sealed<'s>> {
        let audience = item.audience.as_ref().context("nobody could decrypt it")?;
        match &item.decision.action {
            Action::Write(write) => {
                let text = seal(&write.head, &write.auths, audience, self.now)?;
                let registries: Vec<String> = write.auths.0.keys().map(|key| registry_of(key)).collect();
                let verb = if write.is_new { "created" } else { "rewrote" };
                let about = format!("Secret {} for {}", write.head.display(), registries.join(", "));
                Ok(Sealed { item, text, verb, about })
            }
            _ => {
                let text = self.rewrap(item, audience)?;
                let about = format!("now for {}", names(audience).join(", "));
                Ok(Sealed { item, text, verb: "re-wrapped", about })
            }
        }
    }

    fn rewrap(&self, item: &Item, audience: &Audience) -> Result<String> {
        let seen = item.seen.as_ref().context("the file is gone")?;
        if audience.format == Format::Sops {
            let new = update_keys(&seen.text, &audience.recipients, &self.identities);
            return Ok(new.map_err(|error| anyhow!("{error}"))?.unwrap_or_else(|| seen.text.clone()));
        }
        // An age file has no data key of its own: it is encrypted as a whole.
        match &seen.existing.kind {
            Kind::Ours(ours) => match (&ours.head, &ours.content) {
                (Some(head), Content::Opened(auths)) => seal(head, auths, audience, self.now),
                _ => bail!("it does not open"),
            },
            _ => bail!("it is not ours"),
        }
    }

    /// Writes sealed Secrets, on several threads, and what failed is told by path. What is written is remembered.
    pub fn write(&self, root: &Path, sealed: &[Sealed<'_>], threads: usize) -> Vec<Result<()>> {
        let writer = source::Writer::below(root);
        parallel::map(sealed, threads, |sealed| {
            let before = sealed.item.seen.as_ref().map(|seen| seen.text.as_str());
            write_with(&writer, root, &sealed.item.decision.path, before, &sealed.text)
        })
    }

    /// Remembers what the files of this run hold.
    ///
    /// # Errors
    /// When the system refuses; nothing is lost but knowledge.
    pub fn remember(&mut self, written: &[(String, String)]) -> Result<()> {
        let written: BTreeMap<&str, &str> =
            written.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        for item in &self.items {
            let Some(audience) = &item.audience else { continue };
            let path = &item.decision.path;
            let written = written.get(path.as_str()).copied();
            let seen = item.seen.as_ref().map(|seen| seen.text.as_str());
            let known: Option<(&Auths, Option<&str>)> = match &item.decision.action {
                Action::Write(write) => Some((&write.auths, written)),
                Action::Keep(Some(auths)) if item.decision.lacking.is_empty() => Some((auths, seen)),
                Action::Rewrap => opened(item).map(|auths| (auths, written)),
                _ => None,
            };
            if let Some((auths, Some(text))) = known {
                let known = holds(auths, audience);
                let parts: Vec<&[u8]> = known.iter().map(|part| part.as_bytes()).collect();
                self.memory.remember(path, text.as_bytes(), &parts);
            }
        }
        self.memory.save()
    }

    /// The files that nothing needs.
    pub fn removed(&self) -> impl Iterator<Item = &str> {
        let gone = |item: &&Item| matches!(item.decision.action, Action::Remove);
        self.items.iter().filter(gone).map(|item| item.decision.path.as_str())
    }
}

impl Sealed<'_> {
    /// The path, relative to the repository's root.
    pub fn path(&self) -> &str {
        &self.item.decision.path
    }

    /// The path and the text that was written there.
    pub fn done(self) -> (String, String) {
        (self.item.decision.path.clone(), self.text)
    }
}

/// Writes a file whose text is still `before`, if it is known.
///
/// # Errors
/// When the system refuses, somebody changed the file meanwhile, or it lies outside of the repository.
pub fn write(root: &Path, path: &str, before: Option<&str>, text: &str) -> Result<()> {
    write_with(&source::Writer::below(root), root, path, before, text)
}

fn write_with(
    writer: &source::Writer,
    root: &Path,
    path: &str,
    before: Option<&str>,
    text: &str,
) -> Result<()> {
    let on_disk = root.join(path);
    if let Some(before) = before {
        unchanged(&on_disk, before)?;
    }
    writer.write(&on_disk, text)
}

/// Removes a file and the folders above it that are empty then, up to `base`.
///
/// # Errors
/// When the system refuses to remove the file.
pub fn remove(root: &Path, base: &Path, path: &str) -> Result<()> {
    let on_disk = root.join(path);
    source::remove(root, &on_disk)?;
    let mut folder = on_disk.parent();
    while let Some(empty) = folder.filter(|folder| folder.starts_with(base) && *folder != base) {
        if fs::remove_dir(empty).is_err() {
            break;
        }
        folder = empty.parent();
    }
    Ok(())
}

fn is_written(item: &Item) -> bool {
    matches!(item.decision.action, Action::Write(_) | Action::Rewrap)
}

fn opened(item: &Item) -> Option<&Auths> {
    match &item.seen.as_ref()?.existing.kind {
        Kind::Ours(ours) => match &ours.content {
            Content::Opened(auths) => Some(auths),
            _ => None,
        },
        _ => None,
    }
}

/// A file that somebody changed since it was read is left alone.
fn unchanged(path: &Path, text: &str) -> Result<()> {
    match fs::read(path) {
        Ok(bytes) if text.is_empty() || bytes == text.as_bytes() => Ok(()),
        Ok(_) => bail!("{}: the file changed during the run", path.display()),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}
