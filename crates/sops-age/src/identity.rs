//! Decryption with crate `age`: identities as text, a data key unwrapped, a whole file opened.
//!
//! Reads `AGE-SECRET-KEY-1…` and `AGE-PLUGIN-…` lines and OpenSSH private keys without a passphrase. Asks for nothing:
//! a protected key is an error that says so. Errors give a line number, never a character of what stands there.

use std::fmt;
use std::io::Read as _;

use age::armor::ArmoredReader;
use age::plugin::IdentityPluginV1;
use age::secrecy::ExposeSecret as _;
use age::{DecryptError, Decryptor, NoCallbacks};
use zeroize::Zeroizing;

use super::cipher::DataKey;
use super::metadata::WrappedKey;
use super::recipients::{program, same_recipient, shown};

/// Private keys to decrypt with.
#[derive(Default)]
pub struct Identities {
    keys: Vec<Identity>,
    unusable: Vec<String>,
}

struct Identity {
    key: Box<dyn age::Identity + Send + Sync>,
    /// The public half; a plugin does not tell it.
    recipient: Option<String>,
}

/// Why the text of an identity cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityError {
    /// The line, from 1; none where the text as a whole is meant.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: IdentityProblem,
}

/// What is wrong with the text of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityProblem {
    /// None of the known forms.
    Unknown,
    /// A known form, but damaged.
    Damaged,
    /// A public key: recipients do not decrypt.
    Recipient,
    /// An identity file that is itself encrypted with a passphrase.
    PassphraseFile,
    /// An SSH key that is protected by a passphrase.
    PassphraseSsh,
    /// An SSH or PEM key of a kind that age cannot use.
    UnsupportedSsh,
    /// There is no identity in it.
    Empty,
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(match self.problem {
            IdentityProblem::Unknown => {
                "no identity (`AGE-SECRET-KEY-1…`, `AGE-PLUGIN-…` or an OpenSSH private key)"
            }
            IdentityProblem::Damaged => "the identity is damaged: a character is wrong or missing",
            IdentityProblem::Recipient => "a recipient stands where an identity belongs",
            IdentityProblem::PassphraseFile => "the identity file is encrypted with a passphrase",
            IdentityProblem::PassphraseSsh => "the SSH key is protected by a passphrase",
            IdentityProblem::UnsupportedSsh => "the SSH key is of a kind that age cannot use",
            IdentityProblem::Empty => "there is no identity in it",
        })
    }
}

impl std::error::Error for IdentityError {}

/// A new identity as text, and its recipient. age draws it from the system's randomness itself.
pub fn generate() -> (Zeroizing<String>, String) {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    (Zeroizing::new(identity.to_string().expose_secret().to_owned()), recipient)
}

/// Why something encrypted with age does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnwrapError {
    /// None of the identities is among the recipients.
    NotARecipient,
    /// The entry for this recipient, which is ours, does not open or holds no data key.
    Damaged(String),
    /// The entry that names this recipient is for another key, one of ours.
    Mislabelled(String),
}

/// Why an age file does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// Not the start of an age file.
    NotAge,
    /// None of the identities is among the recipients.
    NotARecipient,
    /// Encrypted with a passphrase instead of recipients.
    Passphrase,
    /// Cut short or changed.
    Damaged,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAge => "not an age file",
            Self::NotARecipient => "none of the identities is a recipient",
            Self::Passphrase => "encrypted with a passphrase, not for recipients",
            Self::Damaged => "the age file is damaged",
        })
    }
}

impl std::error::Error for FileError {}

impl Identities {
    /// Reads identities from the text of an identity file, an environment variable or an OpenSSH private key. Blank lines
    /// and lines that start with `#` are left out; as in sops, several may stand on one line.
    ///
    /// # Errors
    /// The first line that is no identity; nothing is added then.
    pub fn add(&mut self, text: &str) -> Result<(), IdentityError> {
        let start = text.trim_start();
        let whole = |problem| Err(IdentityError { line: None, problem });
        if is_age_file(start.as_bytes()) {
            return whole(IdentityProblem::PassphraseFile);
        }
        if start.starts_with("-----BEGIN ") {
            let key = ssh(start).map_err(|problem| IdentityError { line: None, problem })?;
            self.keys.push(key);
            return Ok(());
        }
        let mut read = Self::default();
        for (line, number) in text.lines().zip(1..) {
            if line.trim_start().starts_with('#') {
                continue;
            }
            for word in line.split_ascii_whitespace() {
                read.add_word(word, number)
                    .map_err(|problem| IdentityError { line: Some(number), problem })?;
            }
        }
        if read.keys.is_empty() && read.unusable.is_empty() {
            return whole(IdentityProblem::Empty);
        }
        self.keys.append(&mut read.keys);
        self.unusable.append(&mut read.unusable);
        Ok(())
    }

    /// Whether there is no identity to decrypt with.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The recipients whose files these identities open, as far as they are known.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(|key| key.recipient.as_deref())
    }

    /// What was read and cannot be used, each with its reason; worth saying when nothing else opens a file.
    pub fn unusable(&self) -> &[String] {
        &self.unusable
    }

    /// Opens an armored or binary age file.
    ///
    /// # Errors
    /// It is none, is for others, or is damaged.
    pub fn decrypt_file(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, FileError> {
        if !is_age_file(file.trim_ascii_start()) {
            return Err(FileError::NotAge);
        }
        decrypt(file, &mut self.keys.iter()).map_err(|error| match error {
            DecryptError::NoMatchingKeys if is_scrypt(file) => FileError::Passphrase,
            DecryptError::NoMatchingKeys | DecryptError::Plugin(_) | DecryptError::PluginResolve(_) => {
                FileError::NotARecipient
            }
            _ => FileError::Damaged,
        })
    }

    /// Finds the data key among its wrapped copies: first those that name a recipient of ours, then all others, since
    /// the name on an entry is only a claim and a plugin does not tell its recipient.
    pub(super) fn unwrap(&self, entries: &[WrappedKey]) -> Result<DataKey, UnwrapError> {
        let is_ours = |entry: &WrappedKey, key: &Identity| {
            key.recipient.as_deref().is_some_and(|recipient| same_recipient(recipient, &entry.recipient))
        };
        let mut damaged = None;
        for entry in entries {
            for key in self.keys.iter().filter(|key| is_ours(entry, key)) {
                match open(entry, key) {
                    Some(key) => return Ok(key),
                    None => damaged = Some(UnwrapError::Damaged(shown(&entry.recipient))),
                }
            }
        }
        for entry in entries {
            for key in self.keys.iter().filter(|key| !is_ours(entry, key)) {
                if let Some(data_key) = open(entry, key) {
                    return match key.recipient {
                        None => Ok(data_key),
                        Some(_) => Err(UnwrapError::Mislabelled(shown(&entry.recipient))),
                    };
                }
            }
        }
        Err(damaged.unwrap_or(UnwrapError::NotARecipient))
    }

    fn add_word(&mut self, word: &str, line: usize) -> Result<(), IdentityProblem> {
        if word.starts_with("AGE-SECRET-KEY-1") {
            let key: age::x25519::Identity = word.parse().map_err(|_| IdentityProblem::Damaged)?;
            let recipient = Some(key.to_public().to_string());
            self.keys.push(Identity { key: Box::new(key), recipient });
        } else if word.starts_with("AGE-SECRET-KEY-PQ-1") {
            self.unusable.push(format!(
                "line {line}: a post-quantum identity needs `age-plugin-pq` and its form `AGE-PLUGIN-PQ-1…`, which `age-plugin-pq -identity` prints"
            ));
        } else if word.starts_with("AGE-PLUGIN-") {
            let key: age::plugin::Identity = word.parse().map_err(|_| IdentityProblem::Damaged)?;
            match IdentityPluginV1::new(key.plugin(), std::slice::from_ref(&key), NoCallbacks) {
                Ok(plugin) => self.keys.push(Identity { key: Box::new(plugin), recipient: None }),
                Err(_) => self.unusable.push(format!(
                    "line {line}: the identity needs the program `{}`, which is not on the PATH",
                    program(key.plugin())
                )),
            }
        } else if word.starts_with("age1") || word.starts_with("ssh-") {
            return Err(IdentityProblem::Recipient);
        } else {
            return Err(IdentityProblem::Unknown);
        }
        Ok(())
    }
}

/// Whether these are the first bytes of an age file, armored or not.
pub fn is_age_file(start: &[u8]) -> bool {
    start.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----") || start.starts_with(b"age-encryption.org/")
}

fn ssh(text: &str) -> Result<Identity, IdentityProblem> {
    let known = ["-----BEGIN OPENSSH PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----"];
    if !known.iter().any(|begin| text.starts_with(begin)) {
        return Err(IdentityProblem::UnsupportedSsh);
    }
    let key = age::ssh::Identity::from_buffer(text.as_bytes(), None).map_err(|_| IdentityProblem::Damaged)?;
    match &key {
        age::ssh::Identity::Unencrypted(_) => {
            let recipient = age::ssh::Recipient::try_from(key.clone()).ok().map(|public| public.to_string());
            Ok(Identity { key: Box::new(key), recipient })
        }
        age::ssh::Identity::Encrypted(_) => Err(IdentityProblem::PassphraseSsh),
        age::ssh::Identity::Unsupported(_) => Err(IdentityProblem::UnsupportedSsh),
    }
}

fn open(entry: &WrappedKey, key: &Identity) -> Option<DataKey> {
    decrypt(entry.enc.as_bytes(), &mut std::iter::once(key))
        .ok()
        .and_then(|bytes| DataKey::from_bytes(&bytes))
}

fn decrypt(
    file: &[u8],
    keys: &mut dyn Iterator<Item = &Identity>,
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(file))?;
    let mut reader = decryptor.decrypt(keys.map(|key| &*key.key as &dyn age::Identity))?;
    // Room for all of it: a buffer that grows leaves copies behind that nobody wipes.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(file.len()));
    reader.read_to_end(&mut plaintext)?;
    Ok(plaintext)
}

fn is_scrypt(file: &[u8]) -> bool {
    Decryptor::new_buffered(ArmoredReader::new(file)).is_ok_and(|decryptor| decryptor.is_scrypt())
}
