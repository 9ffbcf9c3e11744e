//! Who can decrypt the Secrets of a target: recipients that the configuration lists, those of a file, or those of the
//! creation rule of `.sops.yaml` that matches the Secret's path.
//!
//! A recipient that cannot be used is an error that names it. What a creation rule says of encrypted keys is kept where a
//! Secret stays readable for Kubernetes tools, else ours is used.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::config::{Format, Recipients, Target};
use crate::effects::source::Source;
use crate::effects::tree::Tree;
use sops_age::creation_rules::CreationRules;
use sops_age::recipients::Recipient;
use sops_age::rules::{Choice, Rules};

/// The file with the creation rules.
const RULES_FILE: &str = ".sops.yaml";
/// What is encrypted in a Secret. Kubernetes tools need everything else in clear.
const ENCRYPTED: &str = "^(data|stringData)$";

/// Who can decrypt a Secret, and what is encrypted in it.
#[derive(Clone)]
pub struct Audience {
    /// The recipients, each once.
    pub recipients: Vec<Recipient>,
    /// What is encrypted.
    pub rules: Rules,
    /// SOPS or age.
    pub format: Format,
}

/// What is encrypted where nobody says anything else.
fn ours(mac_only: bool) -> Result<Rules> {
    Rules::new(Choice::EncryptedRegex, ENCRYPTED, mac_only).map_err(|error| anyhow!("{error}"))
}

/// Finds audiences. What was read once is kept.
pub struct Audiences {
    /// Where files are read.
    tree: Tree,
    root: PathBuf,
    /// The folder of the configuration.
    base: PathBuf,
    /// Path of the configuration, for messages.
    config: String,
    fixed: BTreeMap<usize, Vec<Recipient>>,
    /// By folder: none without a `.sops.yaml`, whose rules are none when it has none.
    rules: BTreeMap<PathBuf, Option<Arc<Option<CreationRules>>>>,
}

impl Audiences {
    /// Reads the recipients that targets name a file for.
    ///
    /// # Errors
    /// A file that cannot be read, or the first recipient in it that cannot be used.
    pub fn read(root: &Path, base: &Path, config: &str, targets: &[Target]) -> Result<Self> {
        Self::read_in(Tree::Disk(root.to_path_buf()), root, base, config, targets)
    }

    /// The same in another tree of the repository.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_in(tree: Tree, root: &Path, base: &Path, config: &str, targets: &[Target]) -> Result<Self> {
        let mut audiences = Self {
            tree,
            root: root.to_path_buf(),
            base: base.to_path_buf(),
            config: config.to_owned(),
            fixed: BTreeMap::new(),
            rules: BTreeMap::new(),
        };
        for (index, target) in targets.iter().enumerate() {
            let recipients = match &target.recipients {
                Recipients::Listed(listed) => listed.iter().map(|one| one.value.clone()).collect(),
                Recipients::File(file) => {
                    audiences.file(&file.value).with_context(|| format!("{config}:{}", file.position))?
                }
                Recipients::CreationRule => continue,
            };
            audiences.fixed.insert(index, unique(recipients));
        }
        Ok(audiences)
    }

    fn file(&self, path: &str) -> Result<Vec<Recipient>> {
        let on_disk = self.base.join(path);
        let text = match self.tree.read(&on_disk).with_context(|| path.to_owned())? {
            Source::Text(text) => text,
            Source::TooLarge(_) => bail!("{path}: too large"),
            Source::Unusable { reason, .. } => bail!("{path}: {reason}"),
        };
        let recipients =
            Recipient::parse_file(&text).map_err(|(line, error)| anyhow!("{path}: line {line}: {error}"))?;
        if recipients.is_empty() {
            Err(anyhow!("{path}: there is no recipient in it"))
        } else {
            Ok(recipients)
        }
    }

    /// The audience of a file of a target, by its path relative to the repository's root.
    ///
    /// # Errors
    /// Nobody is configured, or the creation rule that matches cannot be used.
    pub fn of(&mut self, index: usize, target: &Target, path: &str) -> Result<Audience> {
        if let Some(recipients) = self.fixed.get(&index) {
            let rules = ours(false)?;
            return Ok(Audience { recipients: recipients.clone(), rules, format: target.format });
        }
        if let Some(audience) = self.of_rule(path)? {
            return Ok(Audience { format: target.format, ..audience });
        }
        let place = target.position.map_or_else(String::new, |position| format!(":{position}"));
        bail!(
            "{}{place}: nobody could decrypt {path}: there are neither recipients nor a creation rule\n\
             hint: list `recipients` in the target, or write a `.sops.yaml` with an `age` rule; \
             `pullcred init --identity FILE` makes a key pair and tells its recipient",
            self.config
        )
    }

    /// Who can decrypt a SOPS file by the creation rule for its path, relative to the repository's root; none without one.
    ///
    /// # Errors
    /// The creation rule that matches cannot be used.
    pub fn of_rule(&mut self, path: &str) -> Result<Option<Audience>> {
        let on_disk = self.root.join(path);
        let root = self.root.clone();
        let folders: Vec<&Path> =
            on_disk.ancestors().skip(1).take_while(|folder| folder.starts_with(&root)).collect();
        for folder in folders {
            let Some(rules) = self.rules_in(folder)? else { continue };
            let Some(rules) = &*rules else { break };
            let below = on_disk.strip_prefix(folder).unwrap_or(&on_disk).to_string_lossy();
            let rule = rules.of(&below).map_err(|error| anyhow!("{}: {error}", self.name(folder)))?;
            let rules = if keeps_head_clear(&rule.rules) {
                rule.rules.clone()
            } else {
                ours(rule.rules.mac_only_encrypted())?
            };
            return Ok(Some(Audience { recipients: rule.recipients.clone(), rules, format: Format::Sops }));
        }
        Ok(None)
    }

    /// The name of a folder's rules for messages.
    fn name(&self, folder: &Path) -> String {
        let file = folder.join(RULES_FILE);
        file.strip_prefix(&self.root).unwrap_or(&file).display().to_string()
    }

    fn rules_in(&mut self, folder: &Path) -> Result<Option<Arc<Option<CreationRules>>>> {
        if let Some(known) = self.rules.get(folder) {
            return Ok(known.clone());
        }
        let file = folder.join(RULES_FILE);
        let text = match self.tree.read(&file) {
            Ok(Source::Text(text)) => Some(text),
            Ok(Source::TooLarge(_)) => bail!("{}: too large", file.display()),
            Ok(Source::Unusable { reason, .. }) => bail!("{}: {reason}", file.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| file.display().to_string()),
        };
        let rules = text.map(|text| CreationRules::parse(&text)).transpose();
        let rules = rules.map_err(|error| anyhow!("{}: {error}", self.name(folder)))?.map(Arc::new);
        self.rules.insert(folder.to_path_buf(), rules.clone());
        Ok(rules)
    }
}

/// Whether rules encrypt what is secret in a Secret and leave in clear what Kubernetes tools have to read.
fn keeps_head_clear(rules: &Rules) -> bool {
    let clear = [
        &["apiVersion"][..],
        &["kind"],
        &["type"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "labels", crate::objects::secret::OWNER.0],
        &["metadata", "annotations"],
    ];
    rules.encrypts(&["data", ".dockerconfigjson"]) == Some(true)
        && clear.iter().all(|keys| rules.encrypts(keys) == Some(false))
}

fn unique(recipients: Vec<Recipient>) -> Vec<Recipient> {
    let mut unique: Vec<Recipient> = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        if !unique.contains(&recipient) {
            unique.push(recipient);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_others_are_kept_where_the_head_stays_clear() {
        let rules = |choice, text| keeps_head_clear(&Rules::new(choice, text, false).unwrap());
        assert!(rules(Choice::EncryptedRegex, ENCRYPTED));
        assert!(rules(Choice::EncryptedRegex, "^(data|stringData|tls)$"));
        assert!(!rules(Choice::EncryptedRegex, "data"), "`metadata` matches too");
        assert!(!rules(Choice::EncryptedSuffix, "data"));
        assert!(!rules(Choice::EncryptedRegex, "^password$"));
        assert!(!rules(Choice::UnencryptedSuffix, "_unencrypted"));
        assert!(rules(Choice::UnencryptedRegex, "^(apiVersion|metadata|kind|type)$"));
    }
}
