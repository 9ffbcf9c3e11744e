//! Encrypted objects in a stream, opened for a cluster that cannot decrypt: only where `generate --decrypt` asks for it.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use zeroize::Zeroizing;

use super::show::unopened;
use crate::effects::identities;
use crate::effects::seal::opened;
use sops_age::document::{Encrypted, Error};
use sops_age::tree::Tree;

/// Opens the encrypted objects of one stream, in their order.
pub struct Opener<'o> {
    identities: &'o [PathBuf],
    /// Objects that were opened together, as a file with several documents has to be.
    together: VecDeque<Tree>,
}

impl<'o> Opener<'o> {
    /// For the objects of `text`, of which `encrypted` are encrypted.
    pub fn new(identities: &'o [PathBuf], text: &str, encrypted: usize) -> Self {
        let mut opener = Self { identities, together: VecDeque::new() };
        if encrypted > 1
            && let Ok(documents) = opener.decrypt(text)
            && documents.len() == encrypted
        {
            opener.together = documents.into();
        }
        opener
    }

    /// The manifest of the next encrypted object, which is written as `part`.
    ///
    /// # Errors
    /// It does not open or verify.
    pub fn next(&mut self, part: &str) -> Result<Zeroizing<String>> {
        if let Some(tree) = self.together.pop_front() {
            return Ok(tree.to_yaml());
        }
        let documents = self.decrypt(part)?;
        documents.first().map(Tree::to_yaml).context("there is nothing in it")
    }

    fn decrypt(&self, text: &str) -> Result<Vec<Tree>> {
        let file = Encrypted::parse(text).map_err(|error| anyhow!("{error}"))?;
        let keys: BTreeSet<String> = file.metadata().keys.iter().map(|key| key.recipient.clone()).collect();
        let identities = identities::collect(self.identities, &keys)?;
        file.decrypt(&identities).map_err(|error| match error {
            Error::Mac => anyhow!(
                "{error}\nhint: a build that changes labels, names or namespaces breaks the MAC; decrypt before it, \
                 or set `mac_only_encrypted: true` in the creation rule"
            ),
            error => unopened(&error, &identities),
        })
    }
}

/// The manifest in an age file.
///
/// # Errors
/// It does not open, or holds something else.
pub fn age_file(text: &str, identities: &[PathBuf]) -> Result<Zeroizing<String>> {
    let identities = identities::collect(identities, &BTreeSet::new())?;
    let plain = identities.decrypt_file(text.as_bytes()).map_err(|error| unopened(&error, &identities))?;
    let inside = std::str::from_utf8(&plain).ok().and_then(opened);
    Ok(inside.context("there is no manifest in it")?.0.to_yaml())
}
