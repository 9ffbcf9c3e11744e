//! Names as Kubernetes, shells and repositories take them. Judges and suggests; changes nothing.

/// The name for a Secret that says what `text` says: `myregistry.azurecr.io` gives `myregistry-azurecr-io`. None when
/// nothing of it can stand in a name.
pub fn secret_name(text: &str) -> Option<String> {
    let mut name = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            name.push(character);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(253);
    let name = name.trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether every shell takes the text for the name of an environment variable.
pub(super) fn is_variable(text: &str) -> bool {
    !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What keeps the text from being a path below the configuration's folder, if anything does. Quotes nothing of it.
pub(super) fn objection_to_path(text: &str) -> Option<&'static str> {
    let windows_drive = matches!(text.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic());
    if text.is_empty() {
        Some("the path is empty")
    } else if text.chars().any(char::is_control) {
        Some("the path holds a control character")
    } else if text.contains('\\') {
        Some("the path holds a backslash")
    } else if text.starts_with(['/', '~']) || windows_drive {
        Some("the path does not start in the configuration's folder")
    } else if text.split('/').any(|step| step == "..") {
        Some("the path leaves the configuration's folder")
    } else if text.split('/').any(|step| step.is_empty() || step == ".") {
        Some("the path has an empty step")
    } else if text.split('/').any(|step| step == ".git") {
        Some("the path leads into `.git`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::names::is_subdomain;

    #[test]
    fn secret_names_are_made_of_what_is_there() {
        for (text, name) in [
            ("myregistry.azurecr.io", Some("myregistry-azurecr-io")),
            ("https://Registry.example.com:5000/Team_A/", Some("https-registry-example-com-5000-team-a")),
            ("*.example.com", Some("example-com")),
            ("***", None),
            ("", None),
        ] {
            assert_eq!(secret_name(text).as_deref(), name, "{text}");
            assert!(name.is_none_or(is_subdomain));
        }
        assert!(is_subdomain(&secret_name(&"a.".repeat(500)).unwrap()));
    }

    #[test]
    fn variables() {
        assert!(["A", "_", "acr_PASSWORD_2"].into_iter().all(is_variable));
        assert!(!["", "2A", "A-B", "A B", "$A", "Ä"].into_iter().any(is_variable));
    }

    #[test]
    fn paths_stay_below_the_folder() {
        for path in ["a", "a/b.yaml", ".k8s/x", "a..b", "..a/b", ".github/x"] {
            assert_eq!(objection_to_path(path), None, "{path}");
        }
        for path in [
            "", "/a", "~/a", "C:/a", "a\\b", "../a", "a/../b", "a//b", "./a", "a/", "a\nb", ".git/x",
            "a/.git",
        ] {
            assert!(objection_to_path(path).is_some(), "{path}");
        }
    }
}
