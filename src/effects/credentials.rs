//! Credentials from the places that the configuration names: environment, docker configurations, encrypted files, stdin.
//!
//! Fetches what is on offer; which offer is taken is decided in [`crate::plan::credentials`]. Nothing is fetched that no
//! Secret needs, and nothing comes from an argument, where every user of the machine could read it.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use zeroize::Zeroizing;

use super::docker::{self, Asked, Machine, read_text, variable};
use super::source::inside;
use crate::config::{CredentialSource, PullSecret};
use crate::objects::dockerconfig::Credential;
use crate::objects::dockerconfig::read::{DockerConfig, Entry};
use crate::plan::credentials::{Objection, Offer};
use sops_age::document::{Encrypted, Error};
use sops_age::identity::{FileError, Identities, UnwrapError, is_age_file};

/// The places of one run. Each is read when it is first needed.
pub struct Sources<'i> {
    /// The repository's root, which no link may lead out of.
    root: PathBuf,
    /// The folder of the configuration, which paths of files begin at.
    base: PathBuf,
    identities: &'i Identities,
    stdin: Option<DockerConfig>,
    machine: Option<Machine>,
    files: BTreeMap<String, Result<DockerConfig, Objection>>,
}

impl<'i> Sources<'i> {
    /// Sources for files below `base`, opened with `identities`.
    pub fn new(root: PathBuf, base: PathBuf, identities: &'i Identities) -> Self {
        Self { root, base, identities, stdin: None, machine: None, files: BTreeMap::new() }
    }

    /// Reads a docker configuration from stdin, which then goes before all other sources.
    ///
    /// # Errors
    /// It is none.
    pub fn read_stdin(&mut self) -> Result<()> {
        let mut text = Zeroizing::new(String::with_capacity(1 << 20));
        io::stdin().lock().take(1 << 20).read_to_string(&mut text).context("stdin")?;
        let config = DockerConfig::parse(&text).map_err(|error| anyhow!("stdin: {error}"))?;
        self.stdin = Some(config);
        Ok(())
    }

    /// What the sources of a secret have for images of a repository, in the order of the configuration.
    pub fn offers(
        &mut self,
        secret: &PullSecret,
        registry: &str,
        repository: &str,
    ) -> Vec<Result<Offer, Objection>> {
        let mut offers = Vec::new();
        if let Some(config) = &self.stdin {
            offers.extend(docker::find(config, "stdin", registry, repository, &mut Asked::new()));
        }
        for source in &secret.credentials {
            match source {
                CredentialSource::Env { username, password } => {
                    offers.push(in_environment(secret, username, password));
                }
                CredentialSource::DockerConfig => {
                    let machine = self.machine.get_or_insert_with(Machine::read);
                    offers.extend(machine.find(registry, repository));
                }
                CredentialSource::File(path) => offers.extend(self.in_file(path, registry, repository)),
            }
        }
        if secret.credentials.is_empty() && offers.is_empty() {
            offers.push(Err(Objection::missing("the configuration names no `credentials` for it")));
        }
        offers
    }

    fn in_file(&mut self, path: &str, registry: &str, repository: &str) -> Vec<Result<Offer, Objection>> {
        if !self.files.contains_key(path) {
            let config = self.read_file(path).map(DockerConfig::without_helpers);
            self.files.insert(path.to_owned(), config);
        }
        match &self.files[path] {
            Ok(config) => match docker::find(config, path, registry, repository, &mut Asked::new()) {
                none if none.is_empty() => {
                    vec![Err(Objection::missing(format!("{path} has no `{registry}`")))]
                }
                offers => offers,
            },
            Err(objection) => vec![Err(objection.clone())],
        }
    }

    fn read_file(&self, path: &str) -> Result<DockerConfig, Objection> {
        let on_disk = self.base.join(path);
        let text = inside(&self.root, &on_disk).and_then(|()| read_text(&on_disk)).map_err(|error| {
            match error.kind() {
                io::ErrorKind::NotFound => Objection::missing(format!("{path} is not there")),
                _ => Objection::malformed(format!("{path}: {error}")),
            }
        })?;
        let malformed = |error: &dyn std::fmt::Display| Objection::malformed(format!("{path}: {error}"));
        if is_age_file(text.trim_start().as_bytes()) {
            let opened = self.identities.decrypt_file(text.as_bytes()).map_err(|error| match error {
                FileError::NotARecipient => closed(path),
                error => malformed(&error),
            })?;
            let text = std::str::from_utf8(&opened).map_err(|_| malformed(&"there is no text in it"))?;
            return DockerConfig::parse(text).map_err(|error| malformed(&error));
        }
        let file = Encrypted::parse(&text).map_err(|error| match error {
            Error::NotEncrypted => malformed(&"it is not encrypted; `sops encrypt -i` does it"),
            error => malformed(&error),
        })?;
        let documents = file.decrypt(self.identities).map_err(|error| match error {
            Error::DataKey(UnwrapError::NotARecipient) => closed(path),
            error => malformed(&error),
        })?;
        let first = documents.first().ok_or_else(|| malformed(&"it is empty"))?;
        DockerConfig::from_tree(first).map_err(|error| malformed(&error))
    }
}

fn closed(path: &str) -> Objection {
    Objection::missing(format!("{path}: no identity opens it"))
}

/// The credential in two variables. It says nothing of the registry that it is for: only a secret that names registries can
/// use it.
fn in_environment(secret: &PullSecret, username: &str, password: &str) -> Result<Offer, Objection> {
    let from = format!("`{username}` and `{password}`");
    if secret.is_for_every_image() {
        let text = format!("{from} tell no registry, and neither do the secret's `registries`");
        return Err(Objection::missing(text));
    }
    let value = |name: &str| variable(name).map(Zeroizing::new);
    match (value(username), value(password)) {
        (Some(user), Some(secret)) => {
            let entry = Credential::new(user, secret).map_or_else(Entry::Flawed, Entry::Credential);
            Ok(Offer { entry, scope: None, from })
        }
        (None, None) => Err(Objection::missing(format!("{from} are not set"))),
        (None, _) => Err(Objection::missing(format!("`{username}` is not set"))),
        (_, None) => Err(Objection::missing(format!("`{password}` is not set"))),
    }
}
