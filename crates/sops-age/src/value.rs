//! The text of an encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.
//!
//! Stricter than the expression in `aes/cipher.go` of getsops/sops, which ignores whatever follows the bracket and
//! takes any nonce length: what sops itself never writes is no encrypted value here.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

const START: &str = "ENC[AES256_GCM,data:";

/// Bytes of the nonce: SOPS uses 32, not the usual 12.
pub const NONCE_BYTES: usize = 32;
/// Bytes of the authentication tag.
pub const TAG_BYTES: usize = 16;

/// What the plaintext is once decrypted. Not authenticated by the format: only the MAC sees a value's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Str,
    /// A whole number in decimal.
    Int,
    /// A floating point number without exponent.
    Float,
    /// `True` or `False`.
    Bool,
    /// An RFC 3339 timestamp.
    Time,
    /// Bytes; read, never written.
    Bytes,
    /// A comment that sops encrypted as an item of a sequence.
    Comment,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Str, Self::Int, Self::Float, Self::Bool, Self::Time, Self::Bytes, Self::Comment];

    /// The word in `type:`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Time => "time",
            Self::Bytes => "bytes",
            Self::Comment => "comment",
        }
    }
}

/// An encrypted value in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedValue {
    /// The ciphertext, as long as the plaintext and never empty.
    pub data: Vec<u8>,
    /// The nonce.
    pub nonce: [u8; NONCE_BYTES],
    /// The authentication tag.
    pub tag: [u8; TAG_BYTES],
    /// What the plaintext is.
    pub kind: Kind,
}

impl EncryptedValue {
    /// Reads the text of an encrypted value; line breaks at its end, as block scalars leave them, are forgiven.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.trim_end_matches('\n').strip_prefix(START)?.strip_suffix(']')?;
        let mut fields = inner.split(',');
        let data = decode(fields.next()?)?;
        let nonce = decode(fields.next()?.strip_prefix("iv:")?)?;
        let tag = decode(fields.next()?.strip_prefix("tag:")?)?;
        let kind = fields.next()?.strip_prefix("type:")?;
        if data.is_empty() || fields.next().is_some() {
            return None;
        }
        Some(Self {
            data,
            nonce: nonce.try_into().ok()?,
            tag: tag.try_into().ok()?,
            kind: Kind::ALL.into_iter().find(|known| known.name() == kind)?,
        })
    }

    /// Whether a scalar is meant to be an encrypted value, well-formed or not.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(START)
    }
}

impl fmt::Display for EncryptedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [data, nonce, tag] = [&self.data[..], &self.nonce, &self.tag].map(base64);
        write!(f, "{START}{data},iv:{nonce},tag:{tag},type:{}]", self.kind.name())
    }
}

/// Standard base64 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// The opposite of [`base64`].
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "ENC[AES256_GCM,data:DB5fCO4=,iv:QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=,tag:nto2YrjyAnXFvkCbXAdRwQ==,type:str]";

    #[test]
    fn text_and_parts_are_each_others_inverse() {
        let value = EncryptedValue::parse(SAMPLE).unwrap();
        assert_eq!((value.data.len(), value.kind), (5, Kind::Str));
        assert_eq!(value.nonce[..3], [0x40, 0x41, 0x42]);
        assert_eq!(value.to_string(), SAMPLE);
        assert_eq!(EncryptedValue::parse(&format!("{SAMPLE}\n")), Some(value));
    }

    #[test]
    fn what_sops_never_writes_is_refused() {
        for (from, to) in [
            ("ENC[", "enc["),
            ("AES256_GCM", "AES256_CBC"),
            ("DB5fCO4=", ""),
            ("DB5fCO4=", "DB5fCO4"),
            ("DB5fCO4=", "DB5fCO5="),
            ("iv:QEFC", "iv:"),
            ("tag:nto2", "tag:"),
            ("type:str", "type:text"),
            ("type:str", "type:str,x"),
            ("]", "] "),
            ("]", ""),
        ] {
            let text = SAMPLE.replacen(from, to, 1);
            assert_ne!(text, SAMPLE);
            assert_eq!(EncryptedValue::parse(&text), None, "{text}");
        }
    }
}
