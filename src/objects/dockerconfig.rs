//! Registry credentials and the `auths` object of a `kubernetes.io/dockerconfigjson` Secret.
//!
//! Written byte for byte as `kubectl create secret docker-registry` writes it. Credentials are wiped when dropped, have no
//! `Debug`, and no error here quotes one. Where they come from is none of this module's business.

pub mod read;

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

/// Standard base64 with or without padding, as a kubelet reads `auth`. [kubernetes pkg/credentialprovider/config.go]
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// User name and password for a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    username: Zeroizing<String>,
    password: Zeroizing<String>,
}

/// Why a user name and a password are no credential that a kubelet could use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// `auth` is not base64 of text.
    Base64,
    /// `auth` decodes to something without a colon.
    NoColon,
    /// There is no user name.
    NoUsername,
    /// There is no password.
    NoPassword,
    /// A kubelet splits at the first colon: another user name would be sent.
    ColonInUsername,
    /// HTTP basic authentication forbids control characters; one at the end is a stray line break. [RFC 7617 §2]
    ControlCharacter,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base64 => "`auth` is not base64 of text",
            Self::NoColon => "`auth` has no colon between user name and password",
            Self::NoUsername => "the user name is empty",
            Self::NoPassword => "the password is empty",
            Self::ColonInUsername => "the user name holds a colon, where a kubelet would end it",
            Self::ControlCharacter => "it holds a control character, such as a line break at its end",
        })
    }
}

impl std::error::Error for Flaw {}

impl Credential {
    /// Checks and keeps a user name and a password.
    ///
    /// # Errors
    /// A kubelet would send something else than these two.
    pub fn new(username: Zeroizing<String>, password: Zeroizing<String>) -> Result<Self, Flaw> {
        match () {
            () if username.is_empty() => Err(Flaw::NoUsername),
            () if password.is_empty() => Err(Flaw::NoPassword),
            () if username.contains(':') => Err(Flaw::ColonInUsername),
            () if username.contains(char::is_control) || has_stray_control(&password) => {
                Err(Flaw::ControlCharacter)
            }
            () => Ok(Self { username, password }),
        }
    }

    /// The user name. Not to be shown but by `show`.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password. Never to be shown.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// `auth`: base64 of `username:password`.
    /// User name and password as the `auth` of an entry has them.
    pub fn auth(&self) -> Zeroizing<String> {
        let pair = Zeroizing::new([self.username.as_str(), ":", &self.password].concat());
        base64(pair.as_bytes())
    }
}

/// A key of a Google service account is JSON over several lines, and its registries take it as it is.
fn has_stray_control(password: &str) -> bool {
    let is_object = password.starts_with('{') && password.ends_with('}');
    password.contains(|c: char| c.is_control() && !(is_object && matches!(c, '\n' | '\r' | '\t')))
}

/// The `auths` of a Secret: what a kubelet sends to which registry, by key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Auths(pub BTreeMap<String, Credential>);

impl Auths {
    /// The text of `.dockerconfigjson`: compact, keys sorted, no final line break.
    pub fn to_json(&self) -> Zeroizing<String> {
        let lengths = self
            .0
            .iter()
            .map(|(key, credential)| key.len() + 2 * (credential.username.len() + credential.password.len()));
        // An escape is six times as long at most. A buffer that grows would leave copies behind that nobody wipes.
        let mut out =
            Zeroizing::new(String::with_capacity(64 * (self.0.len() + 1) + 6 * lengths.sum::<usize>()));
        out.push_str("{\"auths\":{");
        for (index, (key, credential)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            json_string(&mut out, key);
            out.push_str(":{\"username\":");
            json_string(&mut out, &credential.username);
            out.push_str(",\"password\":");
            json_string(&mut out, &credential.password);
            out.push_str(",\"auth\":\"");
            out.push_str(&credential.auth());
            out.push_str("\"}");
        }
        out.push_str("}}");
        out
    }

    /// The value of `data[".dockerconfigjson"]`: the JSON in base64.
    pub fn to_data(&self) -> Zeroizing<String> {
        base64(self.to_json().as_bytes())
    }
}

/// Standard base64 with padding.
fn base64(bytes: &[u8]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(3) * 4));
    STANDARD.encode_string(bytes, &mut out);
    out
}

/// Decodes base64 of text as lenient as a kubelet: padding may be missing, line breaks may be there.
pub fn from_base64(text: &str) -> Option<Zeroizing<String>> {
    let joined: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect());
    let mut bytes = Zeroizing::new(Vec::with_capacity(joined.len()));
    TOLERANT.decode_vec(joined.as_bytes(), &mut bytes).ok()?;
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Some(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            None
        }
    }
}

/// A string as Go's `encoding/json` writes it: safe inside of HTML.
fn json_string(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str("\\u");
                let code = u32::from(character);
                for shift in [12, 8, 4, 0] {
                    out.push(char::from(HEX[(code >> shift & 0xF) as usize]));
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(username: &str, password: &str) -> Credential {
        let owned = |text: &str| Zeroizing::new(text.to_owned());
        Credential::new(owned(username), owned(password)).unwrap_or_else(|flaw| panic!("{flaw}"))
    }

    fn auths(entries: &[(&str, &str, &str)]) -> Auths {
        Auths(
            entries
                .iter()
                .map(|(key, user, password)| ((*key).to_owned(), credential(user, password)))
                .collect(),
        )
    }

    #[test]
    fn one_registry_is_what_kubectl_writes() {
        let json = auths(&[("registry.example.com", "bot", "s3cret")]).to_json();
        let expected = r#"{"auths":{"registry.example.com":{"username":"bot","password":"s3cret","auth":"Ym90OnMzY3JldA=="}}}"#;
        assert!(*json == expected);
        let data = auths(&[("registry.example.com", "bot", "s3cret")]).to_data();
        let expected = "eyJhdXRocyI6eyJyZWdpc3RyeS5leGFtcGxlLmNvbSI6eyJ1c2VybmFtZSI6ImJvdCIsInBhc3N3b3JkIjoiczNjcmV0IiwiYXV0aCI6IlltOTBPbk16WTNKbGRBPT0ifX19";
        assert!(*data == expected);
    }

    #[test]
    fn text_is_escaped_as_go_does() {
        let json = auths(&[("r", "a<&>\"\\", "é😀'/")]).to_json();
        assert!(
            json.starts_with(r#"{"auths":{"r":{"username":"a\u003c\u0026\u003e\"\\","password":"é😀'/","#)
        );
        let mut out = String::new();
        json_string(&mut out, "a<&>\"\\\u{2028}\u{2029}é\u{7f}😀'/\u{8}\u{c}\n\r\t\u{1}\u{1f}");
        assert_eq!(
            out,
            "\"a\\u003c\\u0026\\u003e\\\"\\\\\\u2028\\u2029é\u{7f}😀'/\\b\\f\\n\\r\\t\\u0001\\u001f\""
        );
    }

    #[test]
    fn several_registries_are_sorted_as_go_sorts_a_map() {
        let json =
            auths(&[("quay.io", "a", "b"), ("https://index.docker.io/v1/", "c", "d"), ("Z.io", "e", "f")]);
        let json = json.to_json();
        let at = |key: &str| json.find(key);
        assert!(at("Z.io") < at("https://index") && at("https://index") < at("quay.io"));
        assert!(*Auths::default().to_json() == "{\"auths\":{}}");
    }

    #[test]
    fn a_password_may_hold_colons_and_a_user_name_may_not() {
        assert!(*credential("u", "a:b").auth() == "dTphOmI=");
        let google = "{\n\t\"type\": \"x\"\r\n}";
        assert!(credential("_json_key", google).password() == google);
        for (username, password, flaw) in [
            ("", "p", Flaw::NoUsername),
            ("u", "", Flaw::NoPassword),
            ("u:v", "p", Flaw::ColonInUsername),
            ("u", "p\n", Flaw::ControlCharacter),
            ("_json_key", "{\n}\n", Flaw::ControlCharacter),
            ("_json_key", "{\u{1}}", Flaw::ControlCharacter),
            ("u\0", "p", Flaw::ControlCharacter),
        ] {
            let owned = |text: &str| Zeroizing::new(text.to_owned());
            assert!(Credential::new(owned(username), owned(password)).err() == Some(flaw), "{flaw}");
        }
    }
}
