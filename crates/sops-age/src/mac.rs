//! The MAC of a file: one SHA-512 over the plaintext of its leaves, in order, without keys or separators.
//!
//! Source: `Encrypt` in `sops.go` of getsops/sops. The digest would let short secrets be guessed, so it is wiped; in the
//! file it stands encrypted with the data key and bound to `lastmodified`.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

use super::tree::Leaf;

/// A MAC in the making.
pub struct Mac {
    hash: Sha512,
    only_encrypted: bool,
}

impl Mac {
    /// Starts a MAC; with `only_encrypted` (`mac_only_encrypted: true`) cleartext leaves do not count.
    pub fn new(only_encrypted: bool) -> Self {
        let mut hash = Sha512::new();
        if only_encrypted {
            // Keeps the two kinds apart even where every leaf is encrypted.
            hash.update(Sha256::digest(b"sops"));
        }
        Self { hash, only_encrypted }
    }

    /// Adds the next leaf, in plaintext.
    pub fn add(&mut self, leaf: &Leaf, encrypted: bool) {
        if (encrypted || !self.only_encrypted)
            && let Some(plaintext) = leaf.plaintext()
        {
            self.hash.update(&*plaintext);
        }
    }

    /// The MAC as 128 upper-case hexadecimal digits.
    pub fn finish(self) -> Zeroizing<String> {
        let digest = self.hash.finalize();
        let mut text = Zeroizing::new(String::with_capacity(2 * digest.len()));
        for byte in digest {
            let _ = write!(text, "{byte:02X}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(only_encrypted: bool) -> String {
        let mut mac = Mac::new(only_encrypted);
        for (text, encrypted) in [
            ("v1", false),
            ("Secret", false),
            ("regcred", false),
            ("demo", false),
            ("aGVsbG8=", true),
            ("kubernetes.io/dockerconfigjson", false),
        ] {
            mac.add(&Leaf::from(text), encrypted);
            mac.add(&Leaf::Null, encrypted);
        }
        mac.finish().to_string()
    }

    #[test]
    fn known_leaves_have_a_known_mac() {
        assert_eq!(
            mac(false),
            "D28D37EF5DAA01626935F5192AC87E18003575E3A2BA9C0B85CF0915A58AE8A17972049DBF1A76C8C4C025DF0D25F0E0213C1C5655EDACD0B64B60167AA86836"
        );
        assert_eq!(
            mac(true),
            "2BFAF3DFBF3A43736B1109473C3A7B6552F15DE4F9F474CA6B35A343A76F2236C7A736603A8594F89B88D52742FC7CE12D67556629132CB29F717921134A972A"
        );
    }
}
