//! AES-256-GCM with a 32-byte nonce: one value in, one value out, and the data key that does it.
//!
//! The key is wiped when dropped and has no `Debug`. Nonces come from the caller's randomness. Source: `aes/cipher.go`
//! of getsops/sops.

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{AeadInPlace as _, KeyInit as _};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Key, Nonce, Tag};
use zeroize::{Zeroize as _, Zeroizing};

use super::scalar;
use super::spelling;
use super::tree::Leaf;
use super::value::{EncryptedValue, Kind, NONCE_BYTES};

type Cipher = AesGcm<Aes256, U32>;

/// Fills a buffer with bytes that nobody can foretell.
pub type Random<'r> = dyn FnMut(&mut [u8]) + 'r;

/// Bytes of a data key.
pub const KEY_BYTES: usize = 32;

/// The key that encrypts the values of one file; every recipient has a wrapped copy of it in the file.
pub struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

/// Why a value is not encrypted, or an encrypted one does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CipherError {
    /// Not the text of an encrypted value.
    Malformed,
    /// Another key, another place, or a changed byte.
    NotAuthentic,
    /// The plaintext is not of the type that the value claims.
    WrongType,
    /// Longer than the cipher takes.
    TooLong,
}

/// What an encrypted value holds.
#[derive(PartialEq)]
pub enum Opened {
    /// A value.
    Leaf(Leaf),
    /// A comment: no part of the document.
    Comment,
}

impl DataKey {
    /// Draws a new key.
    pub fn generate(random: &mut Random<'_>) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        random(&mut key[..]);
        Self(key)
    }

    /// A key from its bytes; none unless there are exactly 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0[..]
    }

    /// Encrypts a leaf for the place that `additional_data` names. Null and empty text stay as they are: the format
    /// cannot express them.
    ///
    /// # Errors
    /// More than 64 GiB, the limit of the cipher.
    pub fn encrypt(
        &self,
        leaf: &Leaf,
        additional_data: &str,
        random: &mut Random<'_>,
    ) -> Result<Leaf, CipherError> {
        let kind = match leaf {
            Leaf::Null => return Ok(Leaf::Null),
            Leaf::Bool(_) => Kind::Bool,
            Leaf::Int(_) => Kind::Int,
            Leaf::Float(_) => Kind::Float,
            Leaf::Time(_) => Kind::Time,
            Leaf::Str(_) | Leaf::Bytes(_) => Kind::Str,
        };
        match leaf.plaintext().filter(|data| !data.is_empty()) {
            Some(data) => self.seal(kind, data, additional_data, random).map(Leaf::from),
            None => Ok(Leaf::from("")),
        }
    }

    /// Encrypts the text of a comment, what stands behind its `#`, for the place of the mapping that it stands in.
    ///
    /// # Errors
    /// As [`DataKey::encrypt`].
    pub fn encrypt_comment(
        &self,
        comment: &str,
        additional_data: &str,
        random: &mut Random<'_>,
    ) -> Result<String, CipherError> {
        self.seal(Kind::Comment, Zeroizing::new(comment.as_bytes().to_vec()), additional_data, random)
    }

    fn seal(
        &self,
        kind: Kind,
        mut data: Zeroizing<Vec<u8>>,
        additional_data: &str,
        random: &mut Random<'_>,
    ) -> Result<String, CipherError> {
        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce);
        let tag = self
            .cipher()
            .encrypt_in_place_detached(Nonce::from_slice(&nonce), additional_data.as_bytes(), &mut data)
            .map_err(|_| CipherError::TooLong)?;
        // The buffer holds ciphertext by now.
        let data = std::mem::take(&mut *data);
        Ok(EncryptedValue { data, nonce, tag: tag.into(), kind }.to_string())
    }

    /// Opens the text of an encrypted value that stands at the place `additional_data` names.
    ///
    /// # Errors
    /// The text is malformed, was made with another key or for another place, or was changed.
    pub fn decrypt(&self, text: &str, additional_data: &str) -> Result<Opened, CipherError> {
        if text.is_empty() {
            return Ok(Opened::Leaf(Leaf::from("")));
        }
        let EncryptedValue { data, nonce, tag, kind } =
            EncryptedValue::parse(text).ok_or(CipherError::Malformed)?;
        let mut data = Zeroizing::new(data);
        self.cipher()
            .decrypt_in_place_detached(
                Nonce::from_slice(&nonce),
                additional_data.as_bytes(),
                &mut data,
                Tag::from_slice(&tag),
            )
            .map_err(|_| CipherError::NotAuthentic)?;
        if kind == Kind::Comment {
            return Ok(Opened::Comment);
        }
        leaf(kind, data).map(Opened::Leaf).ok_or(CipherError::WrongType)
    }

    fn cipher(&self) -> Cipher {
        Cipher::new(Key::<Cipher>::from_slice(&self.0[..]))
    }
}

fn leaf(kind: Kind, mut data: Zeroizing<Vec<u8>>) -> Option<Leaf> {
    let text = match String::from_utf8(std::mem::take(&mut *data)) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if matches!(kind, Kind::Str | Kind::Bytes) => {
            return Some(Leaf::Bytes(Zeroizing::new(error.into_bytes())));
        }
        Err(error) => {
            error.into_bytes().zeroize();
            return None;
        }
    };
    match kind {
        Kind::Str | Kind::Bytes => Some(Leaf::Str(text)),
        Kind::Int => text.parse().ok().map(Leaf::Int),
        Kind::Float => spelling::parse_float(&text).map(Leaf::Float),
        // The spellings of Go's `strconv.ParseBool`.
        Kind::Bool => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Leaf::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Leaf::Bool(false)),
            _ => None,
        },
        Kind::Time => scalar::timestamp(&text).map(Leaf::Time),
        Kind::Comment => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IV: &str = "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=";

    fn key() -> DataKey {
        DataKey::from_bytes(&(0..32).collect::<Vec<u8>>()).unwrap()
    }

    /// Bytes 0x40…0x5f, the nonce of the vectors.
    fn counting(buffer: &mut [u8]) {
        for (byte, value) in buffer.iter_mut().zip(0x40..) {
            *byte = value;
        }
    }

    fn vectors() -> [(Leaf, &'static str, String); 4] {
        let value = |data: &str, tag: &str, kind: &str| {
            format!("ENC[AES256_GCM,data:{data},iv:{IV},tag:{tag},type:{kind}]")
        };
        [
            (Leaf::from("hello"), "data:token:", value("DB5fCO4=", "nto2YrjyAnXFvkCbXAdRwQ==", "str")),
            (Leaf::Int(42), "stringData:n:", value("UEk=", "hQmyY1PLdDYq7gWVj5YsAg==", "int")),
            (Leaf::Bool(true), "stringData:b:", value("MAlGAQ==", "PZ0i7isG8o4x0KVF0YLtKw==", "bool")),
            (
                Leaf::Float(314.0 / 100.0),
                "stringData:f:",
                value("V1UCUA==", "uePoxgXaUL+5pqXfWprcQQ==", "float"),
            ),
        ]
    }

    #[test]
    fn known_values_come_out_as_known() {
        for (leaf, additional_data, expected) in vectors() {
            let encrypted = key().encrypt(&leaf, additional_data, &mut counting).ok().unwrap();
            assert_eq!(encrypted.as_str(), Some(&*expected));
            assert!(key().decrypt(&expected, additional_data) == Ok(Opened::Leaf(leaf)));
        }
    }

    #[test]
    fn another_place_another_key_or_a_changed_byte_does_not_open() {
        let [(_, place, text), ..] = vectors();
        let refused = |key: &DataKey, text: &str, place: &str| key.decrypt(text, place).err();
        assert_eq!(refused(&key(), &text, "data:other:"), Some(CipherError::NotAuthentic));
        assert_eq!(
            refused(&DataKey::from_bytes(&[7; 32]).unwrap(), &text, place),
            Some(CipherError::NotAuthentic)
        );
        assert_eq!(refused(&key(), &text.replace("DB5f", "DB5g"), place), Some(CipherError::NotAuthentic));
        assert_eq!(refused(&key(), "hello", place), Some(CipherError::Malformed));
        assert_eq!(refused(&key(), &text.replace(":str]", ":int]"), place), Some(CipherError::WrongType));
    }

    #[test]
    fn every_type_survives() {
        let leaves = [
            Leaf::from("ünïcode\nand lines"),
            Leaf::from(""),
            Leaf::Null,
            Leaf::Bool(false),
            Leaf::Int(i64::MIN),
            Leaf::Float(-0.000_012_5),
            Leaf::Float(f64::NEG_INFINITY),
            Leaf::Time("2001-12-14T21:59:43.1-05:00".to_owned()),
            Leaf::Bytes(Zeroizing::new(vec![0xff, 0, 0xfe])),
        ];
        for leaf in leaves {
            let encrypted = key().encrypt(&leaf, "a:", &mut counting).ok().unwrap();
            let Some(text) = encrypted.as_str() else {
                assert!(leaf == Leaf::Null);
                continue;
            };
            assert!(key().decrypt(text, "a:") == Ok(Opened::Leaf(leaf)));
        }
    }

    #[test]
    fn a_comment_is_no_value() {
        let text = key().encrypt(&Leaf::from("note"), "a:", &mut counting).ok().unwrap();
        let text = text.as_str().unwrap().replace("type:str", "type:comment");
        assert!(key().decrypt(&text, "a:") == Ok(Opened::Comment));
    }
}
