//! The `sops` mapping of an encrypted file: read from any version, written as sops 3.13 writes it.
//!
//! Needs no key. Key services besides age are recognised and reported, never used. Source: `stores/stores.go` and
//! `stores/metadata.go` of getsops/sops.

use std::fmt;

use super::emit;
use super::read::METADATA_KEY;
use super::rules::{Rules, RulesError};
use super::scalar;
use lossless_yaml::emit::quoted;
use lossless_yaml::parse::Node;

/// The version of sops whose layout we write; other tools compare it.
pub const VERSION: &str = "3.13.3";

/// Lists of master keys that we know of and cannot use, in the `sops` mapping.
const FOREIGN: [&str; 7] = ["key_groups", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault", "pgp"];

/// The data key as one recipient gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// The recipient as text. Nothing proves that `enc` is really for this recipient, except opening it.
    pub recipient: String,
    /// An armored age file that holds the data key, with a final line break.
    pub enc: String,
}

/// What an encrypted file says of itself in the clear.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The age recipients, in file order.
    pub keys: Vec<WrappedKey>,
    /// Other key services in use: keys of the mapping such as `kms` or `pgp`.
    pub foreign: Vec<&'static str>,
    /// What is encrypted.
    pub rules: Rules,
    /// When the content was encrypted, as written (RFC 3339, UTC). The MAC is bound to it.
    pub last_modified: String,
    /// The MAC, encrypted.
    pub mac: String,
    /// The version of the program that wrote the file.
    pub version: String,
}

/// Why a `sops` mapping cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataError {
    /// The value of `sops` is no mapping.
    NoMapping,
    /// A key is missing or empty.
    Missing(&'static str),
    /// A value is of the wrong type or malformed.
    Malformed(&'static str),
    /// The options that say what is encrypted.
    Rules(RulesError),
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMapping => write!(f, "`{METADATA_KEY}` is no mapping"),
            Self::Missing(key) => write!(f, "`{METADATA_KEY}.{key}` is missing"),
            Self::Malformed(key) => write!(f, "`{METADATA_KEY}.{key}` is malformed"),
            Self::Rules(error) => write!(f, "`{METADATA_KEY}`: {error}"),
        }
    }
}

impl std::error::Error for MetadataError {}

impl Metadata {
    /// Reads the value of `sops`.
    pub(super) fn read(node: Node<'_, '_>) -> Result<Self, MetadataError> {
        if !node.is_mapping() {
            return Err(MetadataError::NoMapping);
        }
        let keys = match node.get("age") {
            Some(list) if list.is_sequence() => list.items().map(wrapped_key).collect::<Result<_, _>>()?,
            Some(other) if !other.is_null() => return Err(MetadataError::Malformed("age")),
            _ => Vec::new(),
        };
        let is_used = |key: &&str| node.get(key).is_some_and(|list| list.children().next().is_some());
        let mac_only_encrypted = match node.get("mac_only_encrypted").map(|value| value.as_str()) {
            None | Some(None | Some("false")) => false,
            Some(Some("true")) => true,
            Some(Some(_)) => return Err(MetadataError::Malformed("mac_only_encrypted")),
        };
        let text = |key: &'static str| {
            node.str_at(key)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .ok_or(MetadataError::Missing(key))
        };
        let last_modified = text("lastmodified")?;
        // The MAC is bound to this very text, which sops writes in one way only.
        if scalar::timestamp(&last_modified).as_ref() != Some(&last_modified) {
            return Err(MetadataError::Malformed("lastmodified"));
        }
        Ok(Self {
            keys,
            foreign: FOREIGN.into_iter().filter(is_used).collect(),
            rules: Rules::from_options(|choice| node.str_at(choice.key()), mac_only_encrypted)
                .map_err(MetadataError::Rules)?,
            last_modified,
            mac: text("mac")?,
            version: node.str_at("version").unwrap_or_default().to_owned(),
        })
    }

    /// The `sops` key and its mapping in block style, with a final line break.
    pub(super) fn block(&self) -> String {
        let mut out = format!("{METADATA_KEY}:\n    age:\n{}", age_block(&self.keys, 8));
        for (key, value) in self.options() {
            let value = if key == "lastmodified" { quoted(&value).into() } else { scalar_text(key, &value) };
            out.push_str(&format!("    {key}: {value}\n"));
        }
        out
    }

    /// The value of `sops` in flow style, as JSON.
    pub(super) fn flow(&self) -> String {
        let options = self.options().into_iter().map(|(key, value)| {
            let value = if key == "mac_only_encrypted" { value } else { quoted(&value) };
            format!(", \"{key}\": {value}")
        });
        format!("{{\"age\": {}{}}}", age_flow(&self.keys), options.collect::<String>())
    }

    /// Everything but the keys, in alphabetical order as sops sorts it.
    fn options(&self) -> Vec<(&'static str, String)> {
        let (choice, text) = self.rules.option();
        let mut options = vec![
            (choice.key(), text.to_owned()),
            ("lastmodified", self.last_modified.clone()),
            ("mac", self.mac.clone()),
            ("version", self.version.clone()),
        ];
        if self.rules.mac_only_encrypted() {
            options.push(("mac_only_encrypted", "true".to_owned()));
        }
        options.sort_unstable();
        options
    }
}

/// A version is plain although it starts with a digit, as sops has it: with two dots it is a string to every reader.
fn scalar_text<'v>(key: &str, value: &'v str) -> std::borrow::Cow<'v, str> {
    let is_version = key == "version"
        && value.split('.').count() == 3
        && value.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if is_version || key == "mac_only_encrypted" { value.into() } else { emit::text(value) }
}

fn wrapped_key(item: Node<'_, '_>) -> Result<WrappedKey, MetadataError> {
    let item = item.resolved();
    let text = |key| item.str_at(key).map(str::to_owned).ok_or(MetadataError::Malformed("age"));
    Ok(WrappedKey { recipient: text("recipient")?, enc: text("enc")? })
}

/// The items of the `age` list in block style, their dashes at column `indent`.
pub(super) fn age_block(keys: &[WrappedKey], indent: usize) -> String {
    let mut out = String::new();
    let mut line = |indent: usize, parts: &[&str]| {
        out.extend(std::iter::repeat_n(' ', indent));
        out.extend(parts.iter().copied());
        out.push('\n');
    };
    for WrappedKey { recipient, enc } in keys {
        line(indent, &["- enc: |"]);
        enc.lines().for_each(|text| line(indent + 4, &[text]));
        line(indent + 2, &["recipient: ", &recipient_text(recipient)]);
    }
    out
}

/// The `age` list in flow style, as JSON.
pub(super) fn age_flow(keys: &[WrappedKey]) -> String {
    let items: Vec<String> = keys
        .iter()
        .map(|key| format!("{{\"enc\": {}, \"recipient\": {}}}", quoted(&key.enc), quoted(&key.recipient)))
        .collect();
    format!("[{}]", items.join(", "))
}

/// SSH recipients hold single blanks, which are plain too.
fn recipient_text(recipient: &str) -> std::borrow::Cow<'_, str> {
    let plain = recipient
        .split(' ')
        .all(|word| !word.is_empty() && matches!(emit::text(word), std::borrow::Cow::Borrowed(_)));
    if plain { recipient.into() } else { quoted(recipient).into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Choice;
    use lossless_yaml::parse::parse;
    use lossless_yaml::span::Span;

    fn read(text: &str) -> Result<Metadata, MetadataError> {
        let documents = parse(text, Span::new(0, text.len())).unwrap();
        Metadata::read(documents[0].root().unwrap().get("sops").unwrap())
    }

    fn sample() -> Metadata {
        let key = |recipient: &str| WrappedKey {
            recipient: recipient.to_owned(),
            enc: "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n".to_owned(),
        };
        Metadata {
            keys: vec![key("age1x"), key("ssh-ed25519 AAAA alice@x: y")],
            foreign: Vec::new(),
            rules: Rules::new(Choice::EncryptedRegex, "^(data|stringData)$", true).unwrap(),
            last_modified: "2026-01-02T03:04:05Z".to_owned(),
            mac: "ENC[x]".to_owned(),
            version: "3.13.3".to_owned(),
        }
    }

    #[test]
    fn the_block_is_laid_out_as_sops_does_it() {
        let expected = r#"sops:
    age:
        - enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdl
            -----END AGE ENCRYPTED FILE-----
          recipient: age1x
        - enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdl
            -----END AGE ENCRYPTED FILE-----
          recipient: "ssh-ed25519 AAAA alice@x: y"
    encrypted_regex: ^(data|stringData)$
    lastmodified: "2026-01-02T03:04:05Z"
    mac: ENC[x]
    mac_only_encrypted: true
    version: 3.13.3
"#;
        assert_eq!(sample().block(), expected);
    }

    #[test]
    fn both_styles_read_back() {
        assert_eq!(read(&sample().block()), Ok(sample()));
        assert_eq!(read(&format!("{{\"sops\": {}}}", sample().flow())), Ok(sample()));
    }

    #[test]
    fn layouts_of_old_versions_are_read() {
        let text = "sops:\n    kms: []\n    gcp_kms: []\n    age:\n        - recipient: age1x\n          enc: e\n    \
                    lastmodified: \"2021-01-02T03:04:05Z\"\n    mac: ENC[x]\n    pgp: []\n    \
                    encrypted_suffix: _s\n    version: 3.7.1\n";
        let metadata = read(text).unwrap();
        assert_eq!(metadata.keys, [WrappedKey { recipient: "age1x".into(), enc: "e".into() }]);
        assert_eq!((metadata.foreign.len(), metadata.rules.option()), (0, (Choice::EncryptedSuffix, "_s")));
    }

    #[test]
    fn other_key_services_are_reported() {
        let block = sample().block();
        let text = block.replace("sops:\n", "sops:\n    pgp:\n        - fp: x\n    kms: [{arn: x}]\n");
        assert_eq!(read(&text).unwrap().foreign, ["kms", "pgp"]);
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let block = sample().block();
        let error = |from: &str, to: &str| read(&block.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error("    mac: ENC[x]\n", ""), MetadataError::Missing("mac"));
        assert_eq!(error("mac: ENC[x]", "mac: \"\""), MetadataError::Missing("mac"));
        assert_eq!(error("lastmodified", "modified"), MetadataError::Missing("lastmodified"));
        assert_eq!(error("03:04:05Z", "03:04:05+00:00"), MetadataError::Malformed("lastmodified"));
        assert_eq!(error("recipient: age1x", "for: age1x"), MetadataError::Malformed("age"));
        assert_eq!(
            error("encrypted: true", "encrypted: maybe"),
            MetadataError::Malformed("mac_only_encrypted")
        );
        assert!(matches!(error("    mac:", "    encrypted_suffix: x\n    mac:"), MetadataError::Rules(_)));
        assert_eq!(read("sops: x\n"), Err(MetadataError::NoMapping));
    }
}
