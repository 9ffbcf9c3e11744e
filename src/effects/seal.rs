//! Secrets to encrypted files: a SOPS file that shows its head, or an age file that shows nothing.
//!
//! An age file does not tell for whom it is, so the first line inside of it does.

use anyhow::{Result, anyhow};
use zeroize::Zeroizing;

use super::clone::random;
use super::recipients::Audience;
use crate::config::Format;
use crate::objects::dockerconfig::Auths;
use crate::objects::secret::Head;
use sops_age::document::{Timestamp, encrypt, parse_plain};
use sops_age::recipients::encrypt_file;
use sops_age::tree::Tree;

/// Begins the first line of the manifest in an age file.
const FOR: &str = "# recipients: ";

/// The text of a Secret's file; `now` is in seconds since 1970.
///
/// # Errors
/// A recipient that cannot be used, or no randomness.
pub fn seal(head: &Head, auths: &Auths, audience: &Audience, now: u64) -> Result<String> {
    let manifest = head.manifest(auths);
    match audience.format {
        Format::Sops => {
            let mut failure = None;
            let mut draw = |buffer: &mut [u8]| {
                if let Err(error) = random(buffer) {
                    failure = Some(error);
                }
            };
            let now = Timestamp::from_unix(now);
            let sealed = encrypt(&[manifest], &audience.rules, &audience.recipients, &now, &mut draw);
            match failure {
                Some(error) => Err(error),
                None => sealed.map_err(|error| anyhow!("{error}")),
            }
        }
        Format::Age => {
            let yaml = manifest.to_yaml();
            let names = names(audience).join(", ");
            let mut text = Zeroizing::new(String::with_capacity(yaml.len() + names.len() + FOR.len() + 1));
            text.extend([FOR, &names, "\n", &yaml]);
            encrypt_file(text.as_bytes(), &audience.recipients).map_err(|error| anyhow!("{error}"))
        }
    }
}

/// The manifest inside of an age file and the recipients that it was written for; none for anything else.
pub fn opened(text: &str) -> Option<(Tree, Vec<String>)> {
    let names = text.lines().next().and_then(|line| line.strip_prefix(FOR)).unwrap_or_default();
    let names = names.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match &mut parse_plain(text).ok()?[..] {
        [tree] => Some((tree.clone(), names)),
        _ => None,
    }
}

/// The recipients as text, without the comments that SSH keys carry.
pub fn names(audience: &Audience) -> Vec<String> {
    let name = |text: &str| text.split_ascii_whitespace().take(2).collect::<Vec<_>>().join(" ");
    audience.recipients.iter().map(|recipient| name(recipient.as_str())).collect()
}
