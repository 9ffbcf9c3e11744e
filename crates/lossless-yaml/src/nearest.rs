//! The nearest of the names that would have been right, for hints about a name that is not.
//!
//! The only module that speaks to strsim. It suggests; nothing is ever corrected silently.

/// Names longer than this are no typing mistake, and comparing them would cost their product.
const LONGEST: usize = 64;

/// The name that the author of `wrong` most likely meant, when one is near: case, `-` and `_` do not count, an
/// abbreviation is near, and so is a word with about a third of its letters changed.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    closest(wrong, names, 3)
}

/// The name that `wrong` is a slip of, when there is one: about a fifth of its letters changed, at most. For names that
/// people make up, where many are alike without being meant.
pub fn mistyped<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    closest(wrong, names, 5)
}

/// The nearest name with at most one in `share` letters changed.
fn closest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>, share: usize) -> Option<&'n str> {
    if wrong.is_empty() || wrong.len() > LONGEST {
        return None;
    }
    let wrong = folded(wrong);
    let distance = |name: &str| {
        let name = folded(name);
        if wrong.len() >= 3 && name.starts_with(&wrong) {
            return Some(usize::from(name != wrong));
        }
        let distance = strsim::damerau_levenshtein(&wrong, &name);
        let longer = wrong.chars().count().max(name.chars().count());
        (distance <= (longer / share).max(1) && distance < longer).then_some(distance)
    };
    names
        .into_iter()
        .filter_map(|name| Some((distance(name)?, name)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `` `a`, `b`, `c` ``: names as a hint lists them.
pub fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// A name from a file as a message quotes it: on one line and of bounded length, whatever it holds.
pub fn quoted(name: &str) -> String {
    let mut text = String::from("`");
    for (nth, character) in name.chars().enumerate() {
        if nth == LONGEST {
            text.push('…');
            break;
        }
        match character {
            '`' => text.push('\''),
            _ if character.is_control() => text.extend(character.escape_default()),
            _ => text.push(character),
        }
    }
    text.push('`');
    text
}

fn folded(name: &str) -> String {
    name.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_leads_to_what_they_meant() {
        let names = ["name", "registries", "aliases", "credentials", "serviceAccounts", "username", "paths"];
        for (wrong, meant) in [
            ("registrys", Some("registries")),
            ("registry", Some("registries")),
            ("Registries", Some("registries")),
            ("service-accounts", Some("serviceAccounts")),
            ("user", Some("username")),
            ("path", Some("paths")),
            ("nmae", Some("name")),
            ("namespace", None),
            ("color", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, names), meant, "{wrong}");
        }
        assert_eq!(nearest(&"registries".repeat(100_000), names), None);
        let secrets = ["regcred", "kei-secret"];
        for (wrong, meant) in
            [("regcerd", Some("regcred")), ("reg-cred", Some("regcred")), ("foo-secret", None)]
        {
            assert_eq!(mistyped(wrong, secrets), meant, "{wrong}");
        }
    }

    #[test]
    fn names_in_messages_stay_on_one_line() {
        assert_eq!(quoted("a\n`b`\u{1b}[0m"), "`a\\n'b'\\u{1b}[0m`");
        assert_eq!(quoted(&"x".repeat(1_000)).chars().count(), LONGEST + 3);
    }
}
