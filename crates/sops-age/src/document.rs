//! Encrypted files as a whole: make one, read one without a key, open one and prove that nothing was changed.
//!
//! Decrypted content leaves this module only after its MAC has been checked, and a new file only after it has been
//! read back. Source: `EncryptTree` and `DecryptTree` in `cmd/sops/common/common.go` of getsops/sops.

use std::fmt;

use zeroize::Zeroizing;

use super::cipher::{CipherError, DataKey, Opened, Random};
use super::emit;
use super::identity::{Identities, UnwrapError};
use super::mac::Mac;
use super::metadata::{Metadata, MetadataError, VERSION, WrappedKey};
use super::read::{self, METADATA_KEY};
use super::recipients::{Recipient, RecipientError, same_recipient, wrap};
use super::rules::Rules;
use super::tree::{Leaf, Place, Tree};
use super::value::EncryptedValue;
use lossless_yaml::parse::{Document, parse};
use lossless_yaml::span::{LineIndex, Span};

/// Why a file cannot be read, opened or made. Never quotes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// No YAML, or YAML that has no place in a SOPS file.
    Yaml {
        /// Line, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// There is no `sops` mapping.
    NotEncrypted,
    /// The content to encrypt has a top-level key `sops`.
    AlreadyEncrypted,
    /// The `sops` mapping cannot be used.
    Metadata(MetadataError),
    /// There is no age recipient, only these key services.
    OnlyForeign(Vec<&'static str>),
    /// The data key does not open.
    DataKey(UnwrapError),
    /// A value does not open; the keys that lead to it.
    Value(String, CipherError),
    /// A value that must be encrypted is not; the keys that lead to it.
    Cleartext(String),
    /// The MAC is not the one of the content: something was changed, added or taken out.
    Mac,
    /// A recipient cannot be used.
    Recipient(RecipientError),
    /// The rules look at comments, which new content does not have.
    CommentRules,
    /// The file cannot be changed in place, for this reason.
    Rewrite(&'static str),
    /// A file just made did not read back as what went in: a defect of this program.
    ReadBack,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yaml { line, reason } => write!(f, "line {line}: {reason}"),
            Self::NotEncrypted => write!(f, "not encrypted with sops: there is no `{METADATA_KEY}` mapping"),
            Self::AlreadyEncrypted => {
                write!(f, "already encrypted: there is a top-level key `{METADATA_KEY}`")
            }
            Self::Metadata(error) => error.fmt(f),
            Self::OnlyForeign(services) => {
                write!(
                    f,
                    "encrypted without age, only with {}, which cannot be used here",
                    services.join(", ")
                )
            }
            Self::DataKey(UnwrapError::NotARecipient) => f.write_str("none of the identities is a recipient"),
            Self::DataKey(UnwrapError::Damaged(recipient)) => {
                write!(f, "the entry of recipient `{recipient}` is damaged")
            }
            Self::DataKey(UnwrapError::Mislabelled(recipient)) => {
                write!(f, "the entry of recipient `{recipient}` is encrypted for somebody else")
            }
            Self::Value(place, CipherError::Malformed) => {
                write!(f, "`{place}` should be encrypted and is not")
            }
            Self::Value(place, CipherError::NotAuthentic) => {
                write!(f, "`{place}` does not open: it was changed or moved since it was encrypted")
            }
            Self::Value(place, CipherError::WrongType) => {
                write!(f, "`{place}` is not of the type that it claims")
            }
            Self::Value(place, CipherError::TooLong) => write!(f, "`{place}` is too long to encrypt"),
            Self::Cleartext(place) => write!(f, "`{place}` should be encrypted and is not"),
            Self::Mac => f.write_str("the MAC does not match: the file was changed since it was encrypted"),
            Self::Recipient(error) => error.fmt(f),
            Self::CommentRules => f.write_str("rules that look at comments cannot be used for new files"),
            Self::Rewrite(reason) => f.write_str(reason),
            Self::ReadBack => f.write_str("the encrypted file does not read back; nothing was written"),
        }
    }
}

impl std::error::Error for Error {}

impl From<MetadataError> for Error {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

impl From<RecipientError> for Error {
    fn from(error: RecipientError) -> Self {
        Self::Recipient(error)
    }
}

/// A moment as `lastmodified` shows it: RFC 3339, UTC, whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp(String);

impl Timestamp {
    /// From seconds since 1970.
    pub fn from_unix(seconds: u64) -> Self {
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Days to a date by eras of 400 years that start on 1 March. [Howard Hinnant, chrono-Compatible Low-Level Date Algorithms]
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
        Self(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads cleartext YAML: one tree a document. Where that text is secret, so may be the reason of an error.
///
/// # Errors
/// The text is no YAML, or holds what has no place in a SOPS file, such as a key that is no string.
pub fn parse_plain(text: &str) -> Result<Vec<Tree>, Error> {
    let file = File::parse(text)?;
    let contents = file.contents()?;
    match contents.iter().any(|content| content.metadata.is_some()) {
        true => Err(Error::AlreadyEncrypted),
        false => Ok(contents.into_iter().map(|content| content.tree).collect()),
    }
}

/// Encrypts documents for the recipients, as one new file. Every call draws a new data key, so no two results are alike.
///
/// # Errors
/// There is no recipient or one that cannot be used, or the content has a top-level key `sops`.
pub fn encrypt(
    documents: &[Tree],
    rules: &Rules,
    recipients: &[Recipient],
    now: &Timestamp,
    random: &mut Random<'_>,
) -> Result<String, Error> {
    if documents.iter().any(|tree| tree.keys(&[]).contains(&METADATA_KEY)) {
        return Err(Error::AlreadyEncrypted);
    }
    let key = DataKey::generate(random);
    let keys = wrap_all(&key, recipients)?;
    let (encrypted, mac) = seal(documents, rules, &key, random)?;
    let metadata = new_metadata(keys, rules, &mac, now, &key, random)?;
    let block = metadata.block();
    let mut out = String::new();
    for (tree, index) in encrypted.iter().zip(0..) {
        if index > 0 {
            out.push_str("---\n");
        }
        if !tree.keys(&[]).is_empty() {
            emit::document(tree, &mut out);
        }
        out.push_str(&block);
    }
    let back = Encrypted::parse(&out).and_then(|file| file.open_with(&key)).map_err(|_| Error::ReadBack)?;
    if back == documents { Ok(out) } else { Err(Error::ReadBack) }
}

/// Wraps a data key for every recipient, each once.
pub(super) fn wrap_all(key: &DataKey, recipients: &[Recipient]) -> Result<Vec<WrappedKey>, Error> {
    let mut keys: Vec<WrappedKey> = Vec::with_capacity(recipients.len());
    for (recipient, index) in recipients.iter().zip(0..) {
        if !recipients[..index].contains(recipient) {
            keys.push(WrappedKey { recipient: recipient.to_string(), enc: wrap(key, recipient)? });
        }
    }
    if keys.is_empty() { Err(RecipientError::None.into()) } else { Ok(keys) }
}

/// Encrypts what the rules say; the documents with encrypted values, and their MAC in plaintext.
pub(super) fn seal(
    documents: &[Tree],
    rules: &Rules,
    key: &DataKey,
    random: &mut Random<'_>,
) -> Result<(Vec<Tree>, Zeroizing<String>), Error> {
    let mut mac = Mac::new(rules.mac_only_encrypted());
    let mut encrypt = |place: &Place<'_>, leaf: &Leaf| {
        let encrypted = rules.encrypts(place.keys()).ok_or(Error::CommentRules)?;
        mac.add(leaf, encrypted);
        if !encrypted {
            return Ok(Some(leaf.clone()));
        }
        let sealed = key.encrypt(leaf, &place.additional_data(), random);
        sealed.map(Some).map_err(|error| Error::Value(place.to_string(), error))
    };
    let trees = documents.iter().map(|tree| tree.try_map(&mut encrypt)).collect::<Result<_, _>>()?;
    Ok((trees, mac.finish()))
}

/// What a file says of itself whose content was encrypted just now, with this MAC in plaintext.
pub(super) fn new_metadata(
    keys: Vec<WrappedKey>,
    rules: &Rules,
    mac: &str,
    now: &Timestamp,
    key: &DataKey,
    random: &mut Random<'_>,
) -> Result<Metadata, Error> {
    Ok(Metadata {
        keys,
        foreign: Vec::new(),
        rules: rules.clone(),
        last_modified: now.as_str().to_owned(),
        mac: seal_mac(mac, now, key, random)?,
        version: VERSION.to_owned(),
    })
}

/// Encrypts a MAC and binds it to the time.
fn seal_mac(mac: &str, now: &Timestamp, key: &DataKey, random: &mut Random<'_>) -> Result<String, Error> {
    let sealed = key.encrypt(&Leaf::from(mac), now.as_str(), random);
    let sealed = sealed.map_err(|error| Error::Value("mac".to_owned(), error))?;
    Ok(sealed.as_str().unwrap_or_default().to_owned())
}

/// An encrypted file that has been read: what it shows without a key.
pub struct Encrypted {
    metadata: Metadata,
    documents: Vec<Tree>,
}

impl Encrypted {
    /// Reads an encrypted YAML or JSON file. The metadata are those of the first document.
    ///
    /// # Errors
    /// The text is no YAML, not encrypted, or has metadata that cannot be used.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let file = File::parse(text)?;
        let contents = file.contents()?;
        let metadata = contents.first().and_then(|content| content.metadata).ok_or(Error::NotEncrypted)?;
        let metadata = Metadata::read(metadata)?;
        Ok(Self { metadata, documents: contents.into_iter().map(|content| content.tree).collect() })
    }

    /// What the file says of itself: recipients, rules, time, version.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The documents with their encrypted values as they stand. Nothing vouches for them.
    pub fn documents(&self) -> &[Tree] {
        &self.documents
    }

    /// Whether exactly these recipients can open the file, in any order, and no other key service can.
    pub fn is_for(&self, recipients: &[Recipient]) -> bool {
        let listed = |text: &str| recipients.iter().any(|recipient| same_recipient(recipient.as_str(), text));
        let wrapped = |recipient: &Recipient| {
            let same = |key: &WrappedKey| same_recipient(recipient.as_str(), &key.recipient);
            self.metadata.keys.iter().any(same)
        };
        self.metadata.foreign.is_empty()
            && self.metadata.keys.iter().all(|key| listed(&key.recipient))
            && recipients.iter().all(wrapped)
    }

    /// Decrypts every document and checks the MAC.
    ///
    /// # Errors
    /// No identity opens the data key, or the file was changed since it was encrypted.
    pub fn decrypt(&self, identities: &Identities) -> Result<Vec<Tree>, Error> {
        self.open_with(&self.data_key(identities)?)
    }

    pub(super) fn data_key(&self, identities: &Identities) -> Result<DataKey, Error> {
        if self.metadata.keys.is_empty() {
            return Err(match self.metadata.foreign.clone() {
                none if none.is_empty() => MetadataError::Missing("age").into(),
                foreign => Error::OnlyForeign(foreign),
            });
        }
        identities.unwrap(&self.metadata.keys).map_err(Error::DataKey)
    }

    pub(super) fn open_with(&self, key: &DataKey) -> Result<Vec<Tree>, Error> {
        let rules = &self.metadata.rules;
        let mut mac = Mac::new(rules.mac_only_encrypted());
        let mut open = |place: &Place<'_>, leaf: &Leaf| {
            let encrypted = is_encrypted(rules, place, leaf);
            let opened = if encrypted { open_leaf(key, place, leaf)? } else { Opened::Leaf(leaf.clone()) };
            match opened {
                Opened::Leaf(leaf) => {
                    mac.add(&leaf, encrypted);
                    Ok(Some(leaf))
                }
                Opened::Comment => Ok(None),
            }
        };
        let trees =
            self.documents.iter().map(|tree| tree.try_map(&mut open)).collect::<Result<_, Error>>()?;
        let stored = key.decrypt(&self.metadata.mac, &self.metadata.last_modified).map_err(|_| Error::Mac)?;
        let computed = mac.finish();
        match stored {
            Opened::Leaf(Leaf::Str(stored)) if *stored == *computed => Ok(trees),
            _ => Err(Error::Mac),
        }
    }
}

/// Whether a leaf of an encrypted file is encrypted. Where comments decide, its looks tell: a value that only looks
/// encrypted does not open, and one that only looks clear is missing from the MAC.
pub(super) fn is_encrypted(rules: &Rules, place: &Place<'_>, leaf: &Leaf) -> bool {
    let by_looks = || leaf.as_str().is_some_and(EncryptedValue::is_meant);
    *leaf != Leaf::Null && rules.encrypts(place.keys()).unwrap_or_else(by_looks)
}

/// Opens a leaf that must be encrypted.
pub(super) fn open_leaf(key: &DataKey, place: &Place<'_>, leaf: &Leaf) -> Result<Opened, Error> {
    let text = leaf.as_str().ok_or_else(|| Error::Cleartext(place.to_string()))?;
    let opened = key
        .decrypt(text, &place.additional_data())
        .map_err(|error| Error::Value(place.to_string(), error))?;
    // sops encrypts the comments of a sequence as items of it; elsewhere they are comments still.
    if opened == Opened::Comment && !place.is_item() {
        return Err(Error::Value(place.to_string(), CipherError::WrongType));
    }
    Ok(opened)
}

/// A parsed file.
pub(super) struct File<'t> {
    pub text: &'t str,
    pub documents: Vec<Document<'t>>,
}

impl<'t> File<'t> {
    pub fn parse(text: &'t str) -> Result<Self, Error> {
        let documents = parse(text, Span::new(0, text.len()))
            .map_err(|error| Error::Yaml { line: line(text, error.offset), reason: error.reason })?;
        Ok(Self { text, documents })
    }

    pub fn contents(&self) -> Result<Vec<read::Content<'_, 't>>, Error> {
        let content = |document| {
            read::content(document).map_err(|error| Error::Yaml {
                line: line(self.text, error.offset),
                reason: error.reason.to_owned(),
            })
        };
        self.documents.iter().map(content).collect()
    }
}

fn line(text: &str, offset: usize) -> usize {
    LineIndex::new(text).position(offset).line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Choice;

    #[test]
    fn times_are_utc_to_the_second() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_323_045, "2026-01-02T03:04:05Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp::from_unix(seconds).as_str(), text);
        }
    }

    #[test]
    fn what_cannot_be_encrypted_is_refused() {
        let rules = Rules::new(Choice::EncryptedRegex, "^data$", false).unwrap();
        let now = Timestamp::from_unix(0);
        let tree = |key: &str| {
            Tree::build(|top| {
                top.leaf(key, "x");
            })
        };
        let mut random = |buffer: &mut [u8]| buffer.fill(1);
        let mut encrypt =
            |tree: Tree, rules: &Rules| encrypt(&[tree], rules, &[], &now, &mut random).unwrap_err();
        assert_eq!(encrypt(tree("data"), &rules), Error::Recipient(RecipientError::None));
        assert_eq!(encrypt(tree("sops"), &rules), Error::AlreadyEncrypted);
        assert_eq!(parse_plain("a: 1\n---\nsops: {}\n").err(), Some(Error::AlreadyEncrypted));
    }
}
