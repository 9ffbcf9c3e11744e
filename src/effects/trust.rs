//! What this clone has agreed to, in `.git/pullcred/trusted`, and what a pipeline says by `PULLCRED_TRUST`.
//!
//! Kept are the rights themselves, which are no secrets, so that a difference can be shown. Outside of a repository nothing can be kept.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use super::docker::variable;
use super::scan::index::own_folder;
use super::source;
use crate::plan::grant::Grant;

/// The variable that agrees in a pipeline.
pub const VARIABLE: &str = "PULLCRED_TRUST";
/// Before each configuration's rights.
const CONFIGURATION: &str = "configuration ";

/// What `PULLCRED_TRUST` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing.
    Unsaid,
    /// Any grant is agreed to.
    All,
    /// One grant is, by its digest, and no other.
    Digest(String),
    /// What means nothing.
    Unknown,
}

impl Word {
    /// Reads the variable.
    pub fn said() -> Self {
        variable(VARIABLE).map_or(Self::Unsaid, |text| Self::of(text.trim()))
    }

    fn of(text: &str) -> Self {
        let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match text {
            "all" => Self::All,
            digest if is_digest => Self::Digest(digest.to_ascii_lowercase()),
            _ => Self::Unknown,
        }
    }
}

/// The digest of a grant: SHA-256 of its canonical form, in hexadecimal.
pub fn digest(grant: &Grant) -> String {
    Sha256::digest(grant.canonical()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a pipeline runs this. Nothing is implied there: what it was cloned from may be anybody's.
pub fn is_pipeline() -> bool {
    variable("CI").is_some_and(|value| value != "false" && value != "0")
        || env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// What a clone has agreed to, by the path of the configuration.
pub struct Agreed {
    file: Option<PathBuf>,
    grants: BTreeMap<String, Grant>,
}

impl Agreed {
    /// Reads what the clone of the repository at `root` has agreed to.
    pub fn load(root: &Path) -> Self {
        let file = own_folder(root).map(|folder| folder.join("trusted"));
        let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let mut grants: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut current = None;
        for line in text.lines() {
            match line.strip_prefix(CONFIGURATION) {
                Some(path) => current = Some(grants.entry(path.to_owned()).or_default()),
                None => current.iter_mut().for_each(|lines| lines.push(line)),
            }
        }
        let grants = grants.into_iter().map(|(path, lines)| (path, Grant::of_lines(lines))).collect();
        Self { file, grants }
    }

    /// Whether anything can be kept here.
    pub fn can_keep(&self) -> bool {
        self.file.is_some()
    }

    /// What was agreed to for a configuration.
    pub fn grant(&self, config: &str) -> Option<&Grant> {
        self.grants.get(config)
    }

    /// Keeps a grant in place of the one before.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn keep(&mut self, config: &str, grant: &Grant) -> Result<()> {
        let Some(file) = self.file.as_ref().filter(|_| !config.contains('\n')) else { return Ok(()) };
        if self.grants.get(config) == Some(grant) {
            return Ok(());
        }
        self.grants.insert(config.to_owned(), grant.clone());
        let mut text = String::new();
        for (path, grant) in &self.grants {
            text.extend([CONFIGURATION, path, "\n"]);
            for line in grant.lines() {
                text.extend([line, "\n"]);
            }
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        source::write_private(file, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_agreed_to_is_kept_for_each_configuration() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".git")).unwrap();
        let (one, two) =
            (Grant::of_lines(["recipient a reads b"]), Grant::of_lines(["recipient c reads d", "x"]));
        let mut agreed = Agreed::load(root.path());
        agreed.keep(".pullcred.yaml", &one).unwrap();
        agreed.keep("a b/.pullcred.yaml", &two).unwrap();
        let agreed = Agreed::load(root.path());
        assert_eq!(agreed.grant(".pullcred.yaml"), Some(&one));
        assert_eq!(agreed.grant("a b/.pullcred.yaml"), Some(&two));
        assert_eq!(agreed.grant("b/.pullcred.yaml"), None);
        let elsewhere = tempfile::tempdir().unwrap();
        let mut agreed = Agreed::load(elsewhere.path());
        assert!(!agreed.can_keep());
        agreed.keep(".pullcred.yaml", &one).unwrap();
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_a_whole_digest_or_all_is_a_word() {
        let text = digest(&Grant::default());
        assert_eq!(Word::of(&text.to_uppercase()), Word::Digest(text.clone()));
        assert_eq!(Word::of("all"), Word::All);
        for nothing in ["ALL", "yes", "1", &text[1..]] {
            assert_eq!(Word::of(nothing), Word::Unknown);
        }
    }
}
