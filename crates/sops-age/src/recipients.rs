//! Encryption with crate `age`: recipients as text, a data key wrapped for one of them, a whole file for several.
//!
//! Parsing is pure, so recipients can be compared where no plugin is installed; only encrypting looks for the plugin's
//! program. The crate draws its randomness from the operating system and cannot be seeded. Messages name recipients,
//! which are public, and nothing else. Sources: C2SP/C2SP age.md, `age/keysource.go` of getsops/sops.

use std::fmt;
use std::io::Write as _;

use age::armor::{ArmoredWriter, Format};
use age::plugin::RecipientPluginV1;
use age::{EncryptError, Encryptor, NoCallbacks};

use super::cipher::DataKey;

/// Someone who can decrypt: an age or SSH public key.
#[derive(Clone)]
pub struct Recipient {
    text: String,
    key: Key,
}

#[derive(Clone)]
enum Key {
    X25519(age::x25519::Recipient),
    /// P-256 keys in hardware; encrypting needs no plugin.
    Tag(age::tag::Recipient),
    TagPq(Box<age::tagpq::Recipient>),
    Ssh(age::ssh::Recipient),
    /// `age1name1…`, the post-quantum `age1pq1…` included, which the crate leaves to a plugin.
    Plugin(age::plugin::Recipient),
}

/// Why a recipient cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientError {
    /// None of the known forms.
    Unknown(String),
    /// A known form, but damaged: a character is wrong or missing.
    Damaged(String),
    /// A private key stands where a recipient belongs; it is not quoted.
    PrivateKey,
    /// An RSA key below 2048 bits, or too large.
    RsaSize(String),
    /// An SSH key type that age cannot use, such as `ecdsa-sha2-nistp256`.
    SshType(String),
    /// A key that would keep nothing secret.
    Weak(String),
    /// The plugin's program is not on the PATH: its name and the recipient.
    PluginMissing(String, String),
    /// The plugin refused or failed, in its own words.
    Plugin(String, String),
    /// Recipients that may not share a file, such as post-quantum and ordinary ones.
    Incompatible,
    /// There is none at all.
    None,
    /// Encrypting failed for a reason that has nothing to do with the recipient.
    Failed,
}

impl fmt::Display for RecipientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(text) => {
                write!(f, "`{text}` is no recipient (`age1…`, `ssh-ed25519 …`, `ssh-rsa …`)")
            }
            Self::Damaged(text) => {
                write!(f, "recipient `{text}` is damaged: a character is wrong or missing")
            }
            Self::PrivateKey => f.write_str("a private key stands where a recipient belongs"),
            Self::RsaSize(text) => write!(f, "recipient `{text}` is an RSA key of a size that age refuses"),
            Self::SshType(text) => {
                write!(f, "recipient `{text}` is an SSH key of a type that age cannot use")
            }
            Self::Weak(text) => write!(f, "recipient `{text}` is a key that keeps nothing secret"),
            Self::PluginMissing(program, text) => {
                write!(f, "recipient `{text}` needs the program `{program}`, which is not on the PATH")
            }
            Self::Plugin(text, message) => write!(f, "the plugin for recipient `{text}` failed: {message}"),
            Self::Incompatible => f.write_str("these recipients cannot share one age file"),
            Self::None => f.write_str("there is no recipient"),
            Self::Failed => f.write_str("encrypting with age failed"),
        }
    }
}

impl std::error::Error for RecipientError {}

/// The points of small order on curve 25519 as recipients: with them every sender computes the same key.
/// [https://cr.yp.to/ecdh.html#validate]
const SMALL_ORDER: [&str; 14] = [
    "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
    "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqqsuwj9m",
    "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya",
    "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqqk67yly",
    "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9",
    "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhzqqxqejhu",
    "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz9ts6wm9s8",
    "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz8ts72fzt7",
    "age1anlllllllllllllllllllllllllllllllllllllllllllllllals4n2t7m",
    "age1anllllllllllllllllllllllllllllllllllllllllllllllllls3hcv9z",
    "age1ahlllllllllllllllllllllllllllllllllllllllllllllllalsn46ayy",
    "age1ahlllllllllllllllllllllllllllllllllllllllllllllllllsh3g6la",
    "age1amlllllllllllllllllllllllllllllllllllllllllllllllalselrwrv",
    "age1amlllllllllllllllllllllllllllllllllllllllllllllllllsam3fc4",
];

impl Recipient {
    /// Reads a recipient; blanks around it do not matter.
    ///
    /// # Errors
    /// The text is no recipient that age can use.
    pub fn parse(text: &str) -> Result<Self, RecipientError> {
        let text = text.trim();
        let damaged = || RecipientError::Damaged(shown(text));
        if text.starts_with("ssh-") {
            return Ok(Self { text: text.to_owned(), key: Key::Ssh(ssh(text)?) });
        }
        let upper = text.get(..4).map(str::to_ascii_uppercase);
        if upper.as_deref() == Some("AGE-") || text.starts_with("-----BEGIN") {
            return Err(RecipientError::PrivateKey);
        }
        if !text.starts_with("age1") {
            return Err(RecipientError::Unknown(shown(text)));
        }
        let key = if text.starts_with("age1tag1") {
            text.parse().map(Key::Tag).map_err(|_| damaged())?
        } else if text.starts_with("age1tagpq1") {
            text.parse().map(Box::new).map(Key::TagPq).map_err(|_| damaged())?
        } else if text.matches('1').count() > 1 {
            // As in sops: the data part of Bech32 has no `1`, so a second one ends a plugin's name.
            text.parse().map(Key::Plugin).map_err(|_| damaged())?
        } else {
            let key: age::x25519::Recipient = text.parse().map_err(|_| damaged())?;
            if SMALL_ORDER.contains(&&*key.to_string()) {
                return Err(RecipientError::Weak(shown(text)));
            }
            Key::X25519(key)
        };
        Ok(Self { text: text.to_owned(), key })
    }

    /// Reads a recipients file: one a line, blank lines and lines that start with `#` left out.
    ///
    /// # Errors
    /// The number of the first line, from 1, that is no recipient.
    pub fn parse_file(text: &str) -> Result<Vec<Self>, (usize, RecipientError)> {
        text.lines()
            .zip(1..)
            .filter(|(line, _)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
            .map(|(line, number)| Self::parse(line).map_err(|error| (number, error)))
            .collect()
    }

    /// The recipient as it was given, the comment of an SSH key included.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The program that encrypting needs, if it needs one.
    pub fn plugin(&self) -> Option<String> {
        match &self.key {
            Key::Plugin(key) => Some(program(key.plugin())),
            _ => None,
        }
    }
}

/// Two texts of the same key are the same recipient: SSH comments do not count.
impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        same_recipient(&self.text, &other.text)
    }
}

impl Eq for Recipient {}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether two recipient texts name the same key.
pub fn same_recipient(one: &str, other: &str) -> bool {
    fn key(text: &str) -> (Option<&str>, Option<&str>) {
        let mut words = text.split_ascii_whitespace();
        (words.next(), words.next())
    }
    key(one) == key(other)
}

/// Wraps a data key for one recipient: an armored age file of its own, as sops has it.
///
/// # Errors
/// The recipient's plugin is missing or fails.
pub fn wrap(key: &DataKey, recipient: &Recipient) -> Result<String, RecipientError> {
    encrypt_file(key.as_bytes(), std::slice::from_ref(recipient))
}

/// Encrypts a whole file for all recipients at once, armored.
///
/// # Errors
/// There is no recipient, they cannot share a file, or a plugin is missing or fails.
pub fn encrypt_file(plaintext: &[u8], recipients: &[Recipient]) -> Result<String, RecipientError> {
    let keys = recipients.iter().map(Recipient::resolve).collect::<Result<Vec<_>, _>>()?;
    let failed = |error| encrypt_error(error, recipients);
    let encryptor =
        Encryptor::with_recipients(keys.iter().map(|key| &**key as &dyn age::Recipient)).map_err(failed)?;
    let mut out = Vec::new();
    let write = |out: &mut Vec<u8>| {
        let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(out, Format::AsciiArmor)?)?;
        writer.write_all(plaintext)?;
        writer.finish()?.finish().map(|_| ())
    };
    write(&mut out).map_err(|_| RecipientError::Failed)?;
    let armored = String::from_utf8(out).map_err(|_| RecipientError::Failed)?;
    // On Windows the crate ends lines with CRLF, which a YAML block scalar would not keep.
    Ok(if armored.contains('\r') { armored.replace("\r\n", "\n") } else { armored })
}

impl Recipient {
    fn resolve(&self) -> Result<Box<dyn age::Recipient>, RecipientError> {
        Ok(match &self.key {
            Key::X25519(key) => Box::new(key.clone()),
            Key::Tag(key) => Box::new(key.clone()),
            Key::TagPq(key) => key.clone(),
            Key::Ssh(key) => Box::new(key.clone()),
            Key::Plugin(key) => {
                let plugin =
                    RecipientPluginV1::new(key.plugin(), std::slice::from_ref(key), &[], NoCallbacks);
                Box::new(
                    plugin.map_err(|_| {
                        RecipientError::PluginMissing(program(key.plugin()), shown(&self.text))
                    })?,
                )
            }
        })
    }
}

fn ssh(text: &str) -> Result<age::ssh::Recipient, RecipientError> {
    use age::ssh::ParseRecipientKeyError as Ssh;
    text.parse().map_err(|error| match error {
        Ssh::RsaModulusTooLarge | Ssh::RsaModulusTooSmall => RecipientError::RsaSize(shown(text)),
        Ssh::Unsupported(_) | Ssh::Ignore => RecipientError::SshType(shown(text)),
        _ => RecipientError::Damaged(shown(text)),
    })
}

fn encrypt_error(error: EncryptError, recipients: &[Recipient]) -> RecipientError {
    let by_plugin = recipients.iter().find(|recipient| recipient.plugin().is_some());
    let by_plugin = by_plugin.map(|recipient| shown(&recipient.text)).unwrap_or_default();
    match error {
        EncryptError::MissingRecipients => RecipientError::None,
        EncryptError::IncompatibleRecipients { .. } | EncryptError::MixedRecipientAndPassphrase => {
            RecipientError::Incompatible
        }
        EncryptError::Plugin(errors) => {
            let message = errors.first().map(ToString::to_string).unwrap_or_default();
            RecipientError::Plugin(by_plugin, shown(&message))
        }
        EncryptError::Io(_) if !by_plugin.is_empty() => {
            RecipientError::Plugin(by_plugin, "it stopped in the middle".to_owned())
        }
        _ => RecipientError::Failed,
    }
}

/// The program that speaks for plugin `name`.
pub(super) fn program(name: &str) -> String {
    format!("age-plugin-{name}")
}

/// Foreign text fit for a message: one line, not too long.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 120;
    // Texts of crate `age` set what they quote apart with directional isolates.
    let visible = text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}'));
    let mut shown: String = visible.take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() > MOST {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const X25519: &str = "age124mpkpvgrywy88e4qj68mtl2ku2ghx9ld8pzfm47zvm0d9zakfyqme9kka";
    const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";

    #[test]
    fn recipients_are_the_same_whatever_comment_an_ssh_key_carries() {
        let named = Recipient::parse(&format!(" {SSH} alice@rust\n")).unwrap();
        assert_eq!(named, Recipient::parse(SSH).unwrap());
        assert_eq!(named.as_str(), format!("{SSH} alice@rust"));
        assert_ne!(named, Recipient::parse(X25519).unwrap());
    }

    #[test]
    fn what_is_no_recipient_is_named_but_private_keys_are_not() {
        let error = |text: &str| Recipient::parse(text).unwrap_err();
        assert_eq!(error("alice"), RecipientError::Unknown("alice".into()));
        assert!(matches!(error(&X25519.replace('k', "j")), RecipientError::Damaged(_)));
        assert!(matches!(error(&SSH.replace("AAAAC3", "AAAAC4")), RecipientError::Damaged(_)));
        for private in ["AGE-SECRET-KEY-1A77", "age-secret-key-1a77", "-----BEGIN OPENSSH PRIVATE KEY-----"] {
            assert_eq!(error(private), RecipientError::PrivateKey);
        }
        let ecdsa = "ssh-dss AAAAB3NzaC1kc3MAAACBAKvT";
        assert!(matches!(error(ecdsa), RecipientError::SshType(_) | RecipientError::Damaged(_)));
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 121);
    }

    #[test]
    fn keys_that_keep_nothing_secret_are_refused() {
        for text in SMALL_ORDER {
            assert_eq!(Recipient::parse(text), Err(RecipientError::Weak(text.to_owned())));
        }
    }

    #[test]
    fn a_recipients_file_gives_the_line_of_its_first_error() {
        let text = format!("# team\n\n{X25519}\r\n{SSH} bob\n");
        assert_eq!(Recipient::parse_file(&text).unwrap().len(), 2);
        assert_eq!(
            Recipient::parse_file(&format!("{text}oops\n")),
            Err((5, RecipientError::Unknown("oops".into())))
        );
    }

    #[test]
    fn a_plugin_is_only_missed_when_it_is_needed() {
        let recipient = Recipient::parse("age1nosuch1qqqqqqqqqqqqqwhdx9a").unwrap();
        assert_eq!(recipient.plugin().as_deref(), Some("age-plugin-nosuch"));
        let missing = RecipientError::PluginMissing("age-plugin-nosuch".into(), recipient.to_string());
        assert_eq!(encrypt_file(b"x", &[recipient]), Err(missing));
    }

    #[test]
    fn there_is_a_file_for_everyone_or_none() {
        assert_eq!(encrypt_file(b"x", &[]), Err(RecipientError::None));
        let armored =
            encrypt_file(b"x", &[Recipient::parse(X25519).unwrap(), Recipient::parse(SSH).unwrap()]).unwrap();
        assert!(armored.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
        assert!(armored.ends_with("-----END AGE ENCRYPTED FILE-----\n"));
    }
}
