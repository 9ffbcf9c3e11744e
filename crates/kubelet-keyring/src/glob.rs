//! Patterns for one label of a host: Go's `filepath.Match`, as far as a pattern can get there.
//!
//! On its way a key is read as a URL twice, which leaves `*` of the whole pattern language, and character classes in one curious
//! place: an IPv6 address without a port keeps its brackets, so they count as a class. `?`, `\` and `[^…]` never arrive.

/// A well-formed pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Glob(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Term {
    /// `*`: any number of bytes.
    Star,
    Byte(u8),
    /// `[…]`: one character out of inclusive ranges.
    Class(Vec<(char, char)>),
}

impl Glob {
    /// `None` for a malformed pattern, which matches nothing.
    pub(super) fn new(pattern: &[u8]) -> Option<Self> {
        let mut terms = Vec::with_capacity(pattern.len());
        let mut rest = pattern;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            terms.push(match byte {
                b'*' => Term::Star,
                b'[' => {
                    let close = tail.iter().position(|&b| b == b']')?;
                    rest = &tail[close + 1..];
                    Term::Class(class(std::str::from_utf8(&tail[..close]).ok()?)?)
                }
                _ => Term::Byte(byte),
            });
        }
        Some(Self(terms))
    }

    /// Whether the pattern matches all of `name`: a label of an image's host, and therefore ASCII.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (terms, name) = (&self.0, name.as_bytes());
        let (mut term, mut at) = (0, 0);
        // Where to go on when a match fails: behind the latest star, which then covers one byte more.
        let mut retry = None;
        loop {
            match terms.get(term) {
                Some(Term::Star) => {
                    term += 1;
                    retry = Some((term, at));
                }
                Some(one) if at < name.len() && one.covers(name[at]) => {
                    term += 1;
                    at += 1;
                }
                None if at == name.len() => return true,
                _ => match retry {
                    Some((behind_star, start)) if start < name.len() => {
                        retry = Some((behind_star, start + 1));
                        (term, at) = (behind_star, start + 1);
                    }
                    _ => return false,
                },
            }
        }
    }
}

impl Term {
    fn covers(&self, byte: u8) -> bool {
        match self {
            Self::Star => true,
            Self::Byte(wanted) => *wanted == byte,
            Self::Class(ranges) => ranges.iter().any(|&(low, high)| (low..=high).contains(&char::from(byte))),
        }
    }
}

/// The ranges between `[` and `]`: at least one, and a `-` only between two characters.
fn class(text: &str) -> Option<Vec<(char, char)>> {
    let mut ranges = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(low) = rest.next() {
        let high = if rest.next_if_eq(&'-').is_some() { rest.next()? } else { low };
        if low == '-' || high == '-' {
            return None;
        }
        ranges.push((low, high));
    }
    (!ranges.is_empty()).then_some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::new(pattern.as_bytes()).is_some_and(|glob| glob.matches(name))
    }

    #[test]
    fn stars_cover_any_number_of_bytes() {
        for (pattern, name) in [
            ("abc", "abc"),
            ("*", "abc"),
            ("*", ""),
            ("*c", "abc"),
            ("a*", "a"),
            ("a*", "abc"),
            ("a**c", "abc"),
            ("a*b*c*d*e*", "axbxcxdxe"),
            ("a*b*c*d*e*f", "axbxcxdxexxxf"),
            ("*ab", "aaab"),
            ("*a*b", "ba-ab"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("abc", "ab"),
            ("ab", "abc"),
            ("", "a"),
            ("*c", "abcd"),
            ("a*", "ba"),
            ("a*b*c", "abxbx"),
            ("a*a", "a"),
            ("A", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!(matches("", ""));
    }

    #[test]
    fn classes_cover_one_character() {
        assert!(matches("[::A]", "A") && matches("[::A]", ":") && !matches("[::A]", "::A"));
        assert!(matches("[a-f:]x*", "cxyz") && !matches("[a-f:]", "g") && !matches("[z-a]", "b"));
        assert!(matches("[*]", "*") && !matches("[*]", "a") && matches("[[]]", "[]"));
        for malformed in ["[", "[]", "[a", "[-]", "[a-]", "[-a]", "[a--]", "[--a]", "x[]*"] {
            assert_eq!(Glob::new(malformed.as_bytes()), None, "{malformed}");
        }
    }

    /// A pattern with many stars costs a product, not an explosion.
    #[test]
    fn many_stars_do_not_explode() {
        let pattern = "a*".repeat(5_000) + "b";
        assert!(!matches(&pattern, &"a".repeat(5_000)));
    }
}
