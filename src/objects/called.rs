//! Which names the objects of a text may have, told at memory speed, so that few texts are read again for a name that somebody asks for.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use memchr::memmem;

/// What stands behind `name:` somewhere in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// Of each such text, in order.
    hashes: Box<[u32]>,
    /// Whether there is one that only a parser can tell.
    open: bool,
}

impl Called {
    /// Looks for every name in a text.
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut hashes = Vec::new();
        let mut open = false;
        for at in memmem::find_iter(bytes, b"name") {
            let rest = &bytes[at + 4..];
            let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
            let Some(rest) = rest.trim_ascii_start().strip_prefix(b":") else { continue };
            let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
            let value = &rest[spaces..];
            let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
            let is_letter = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-._:".contains(byte);
            let name = &value[..value.iter().take_while(is_letter).count()];
            // What goes on with an escape is another name.
            if name.is_empty() || value[name.len()..].first() == Some(&b'\\') {
                open = true;
            } else {
                hashes.push(hash(name));
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        Self { hashes: hashes.into(), open }
    }

    /// Whether an object of the text may have a name; that it has not is certain.
    pub fn may_be(&self, name: &str) -> bool {
        self.open || self.hashes.binary_search(&hash(name.as_bytes())).is_ok()
    }
}

/// Half of a hash: that two names share one costs nothing but a look into a text.
fn hash(name: &[u8]) -> u32 {
    let whole = BuildHasherDefault::<DefaultHasher>::default().hash_one(name);
    u32::try_from(whole >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Called;

    #[test]
    fn names_are_found_however_they_are_written() {
        let text = "metadata:\n  name: settings\n---\n{\"name\":\"a.b-c\"}\n---\nmetadata: {name : 'd', namespace: e}\n";
        let called = Called::of(text);
        for name in ["settings", "a.b-c", "d"] {
            assert!(called.may_be(name), "{name}");
        }
        for name in ["e", "setting", "metadata"] {
            assert!(!called.may_be(name), "{name}");
        }
        for text in
            ["name: &a b\n", "name:\n  b\n", "name: >-\n  b\n", "name: ${NAME}\n", "name: \"\\x62\"\n"]
        {
            assert!(Called::of(text).may_be("b"), "{text}");
        }
        assert!(Called::of("name: \"a\\x62\"\n").may_be("ab"));
    }
}
