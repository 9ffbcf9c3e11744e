//! What Kubernetes takes for a name. The border for names that come from files: what is none is unknown, and becomes no part of a
//! path, a label or another file's text.

/// Whether the text is a DNS-1123 label, as the name of a namespace is.
///
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>
pub fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_part(text)
}

/// Whether the text is a DNS-1123 subdomain, as the name of a Secret is: labels joined by dots, 253 bytes in all.
///
/// Unlike in a label, Kubernetes puts no limit on each part.
pub fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_part)
}

/// Whether a label may hold the byte.
pub fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn is_part(part: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = part.as_bytes();
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|&byte| is_label_byte(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_subdomains() {
        let long = "a".repeat(64);
        for (text, label, subdomain) in [
            ("a", true, true),
            ("acr-secret", true, true),
            ("0-9", true, true),
            ("a.b", false, true),
            (long.as_str(), false, true),
            ("", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("a..b", false, false),
            ("a.-b", false, false),
            ("A", false, false),
            ("a_b", false, false),
            ("ä", false, false),
            ("../x", false, false),
            (".git/hooks", false, false),
        ] {
            assert_eq!((is_label(text), is_subdomain(text)), (label, subdomain), "{text}");
        }
        assert!(is_label(&long[1..]) && is_subdomain(&"a".repeat(253)) && !is_subdomain(&"a".repeat(254)));
    }
}
