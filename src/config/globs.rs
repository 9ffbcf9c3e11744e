//! Patterns: which paths or names a text with wildcards means, and what each wildcard stands for.
//!
//! `*` and `?` stay within one folder, `**` crosses folders, `[a-z]` is one character, `{a,b}` one of several texts. A
//! pattern for paths starts in the configuration's folder, and one that means a folder means all that is in it. Own code,
//! because other crates decide alike but do not tell what a wildcard stood for.

use std::fmt;

use regex::Regex;

/// No path that a pattern could mean is longer.
const LONGEST: usize = 4096;

/// Patterns of which any may match. Paths start in the configuration's folder and are divided by `/`.
#[derive(Clone, Debug, Default)]
pub struct Globs(Vec<Pattern>);

impl Globs {
    pub(super) fn new(patterns: Vec<Pattern>) -> Self {
        Self(patterns)
    }

    /// Whether there is no pattern, which every user of patterns takes as it likes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the first wildcard of the first pattern that means the path stands for; none without such a pattern or wildcard.
    pub fn first_wildcard<'p>(&self, path: &'p str) -> Option<&'p str> {
        self.0.iter().find_map(|pattern| pattern.captures(path))?.first().copied()
    }

    /// Whether a pattern means the path or the name.
    pub fn matches(&self, text: &str) -> bool {
        self.0.iter().any(|pattern| pattern.0.is_match(text))
    }
}

/// One pattern, as an expression with a group for each wildcard.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Reads a pattern for paths. A slash at its end changes nothing.
    pub(super) fn of_path(text: &str) -> Result<Self, PatternError> {
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.starts_with('/') || text.split('/').any(|step| step == "..") {
            return Err(PatternError::Outside);
        }
        if text.split('/').any(|step| step.is_empty() || step == ".") {
            return Err(PatternError::Step);
        }
        Self::compile(text, "(?:/.*)?")
    }

    /// Reads a pattern for names, where nothing is a folder.
    pub(super) fn of_name(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() { Err(PatternError::Step) } else { Self::compile(text, "") }
    }

    /// Number of wildcards; all of a `{a,b}` is one.
    pub(super) fn wildcards(&self) -> usize {
        self.0.captures_len() - 1
    }

    /// What each wildcard stands for, in their order; none when the pattern does not mean the path.
    pub(super) fn captures<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        let captures = self.0.captures(path)?;
        Some(captures.iter().skip(1).map(|group| group.map_or("", |group| group.as_str())).collect())
    }

    fn compile(text: &str, tail: &str) -> Result<Self, PatternError> {
        if text.len() > LONGEST {
            return Err(PatternError::Size);
        }
        let expression = format!(r"\A(?s:{}){tail}\z", translated(text)?);
        // The syntax was made here, so that size is all that can be wrong with it.
        Regex::new(&expression).map(Self).map_err(|_| PatternError::Size)
    }
}

/// The pattern in the syntax of expressions, each wildcard a group.
fn translated(text: &str) -> Result<String, PatternError> {
    let mut expression = String::new();
    let mut in_braces = false;
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at + character.len_utf8()..];
        let mut consumed = character.len_utf8();
        let mut wildcard = |inner: &str| {
            expression += &if in_braces { format!("(?:{inner})") } else { format!("({inner})") };
        };
        match character {
            '*' if rest.starts_with('*') => {
                let first = at == 0 || text[..at].ends_with('/');
                consumed = match rest.as_bytes() {
                    [b'*'] if first => 2,
                    [b'*', b'/', ..] if first => 3,
                    _ => return Err(PatternError::DoubleStar),
                };
                expression += if consumed == 2 { "(.*)" } else { "(?:(.*)/)?" };
            }
            '*' => wildcard("[^/]*"),
            '?' => wildcard("[^/]"),
            '[' => {
                let (class, length) = class(rest)?;
                wildcard(&class);
                consumed += length;
            }
            '{' if in_braces => return Err(PatternError::NestedBrace),
            '}' if !in_braces => return Err(PatternError::StrayBrace),
            '{' | '}' => {
                in_braces = character == '{';
                expression.push(if in_braces { '(' } else { ')' });
            }
            ',' if in_braces => expression.push('|'),
            '\\' => return Err(PatternError::Backslash),
            _ => expression += &regex::escape(&text[at..at + consumed]),
        }
        at += consumed;
    }
    if in_braces { Err(PatternError::OpenBrace) } else { Ok(expression) }
}

/// The class that begins `text`, its `[` cut off, as an expression; and its length up to and with the `]`.
fn class(text: &str) -> Result<(String, usize), PatternError> {
    let start = usize::from(text.starts_with(['!', '^']));
    // A `]` in the first place is a member.
    let end = text[start..].char_indices().skip(1).find(|(_, character)| *character == ']');
    let end = start + end.ok_or(PatternError::OpenBracket)?.0;
    let escaped = |character: char| regex::escape(character.encode_utf8(&mut [0; 4]));
    let mut members = String::new();
    let mut characters = &text[start..end].chars().collect::<Vec<_>>()[..];
    while let [first, rest @ ..] = characters {
        members += &escaped(*first);
        characters = match rest {
            ['-', last, rest @ ..] if first <= last => {
                members.push('-');
                members += &escaped(*last);
                rest
            }
            ['-', _, ..] => return Err(PatternError::Range),
            _ => rest,
        };
    }
    let negation = if start == 1 { "^" } else { "" };
    Ok((format!("[[{negation}{members}]&&[^/]]"), end + 1))
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PatternError {
    /// It starts with a slash or leads upwards.
    Outside,
    /// Nothing or a single dot where the name of a file or folder belongs.
    Step,
    /// `**` is part of a name.
    DoubleStar,
    /// `\` would be a separator to one system and an escape to another.
    Backslash,
    /// `[` without its `]`.
    OpenBracket,
    /// `[z-a]`.
    Range,
    /// `{` without its `}`.
    OpenBrace,
    /// `}` without its `{`.
    StrayBrace,
    /// `{` inside of `{}`.
    NestedBrace,
    /// It grows too large.
    Size,
}

impl PatternError {
    /// What to do about it.
    pub(super) fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::Outside => "patterns start in the configuration's folder, without `/` or `..`",
            Self::Step => "write `folder/file`, without `./` or `//`",
            Self::DoubleStar => "write `folder/**/*.yaml`, or `*` within a name",
            Self::Backslash => "folders are divided by `/`; `[*]` means a star",
            Self::OpenBracket => "`[[]` means a bracket",
            Self::OpenBrace | Self::StrayBrace => "`[{]` and `[}]` mean braces",
            Self::NestedBrace => "write a pattern for each",
            Self::Range | Self::Size => return None,
        })
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outside => "the pattern leaves the configuration's folder",
            Self::Step => "the pattern has an empty step",
            Self::DoubleStar => "`**` does not stand alone between slashes",
            Self::Backslash => "the pattern holds a backslash",
            Self::OpenBracket => "a `[` is never closed",
            Self::Range => "a range in `[]` runs backwards",
            Self::OpenBrace => "a `{` is never closed",
            Self::StrayBrace => "a `}` was never opened",
            Self::NestedBrace => "braces stand within braces",
            Self::Size => "the pattern is too large",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_text() {
        for (pattern, path, expected) in [
            ("teams/*/**", "teams/shop/a/b.yaml", Some(&["shop", "a/b.yaml"][..])),
            ("teams/*/**", "teams/shop", None),
            ("teams/*", "teams/shop/a/b.yaml", Some(&["shop"])),
            ("teams/*", "teams", None),
            ("**/base/*.yaml", "base/x.yaml", Some(&["", "x"])),
            ("**/base/*.yaml", "a/b/base/x.yaml", Some(&["a/b", "x"])),
            ("a/**/z", "a/z", Some(&[""])),
            ("a/**/z", "a/b/c/z/file", Some(&["b/c"])),
            ("**", "a/b", Some(&["a/b"])),
            ("?x/v[0-9]/{dev,prod-*}/k.yaml", "ax/v2/prod-eu/k.yaml", Some(&["a", "2", "prod-eu"])),
            ("?x", "äx", Some(&["ä"])),
            ("a.b+(c)", "a.b+(c)/file", Some(&[])),
            ("a.b", "axb", None),
            ("a,b", "a,b", Some(&[])),
            ("charts/", "charts/x/y", Some(&[])),
            ("charts", "charts-old/x", None),
            ("x[!0-9]y", "x/y", None),
            ("x[]a-]y", "x]y", Some(&["]"])),
            ("x[+-9]y", "x/y", None),
        ] {
            let pattern_of = Pattern::of_path(pattern).unwrap();
            assert_eq!(pattern_of.captures(path).as_deref(), expected, "{pattern} {path}");
            assert!(expected.is_none_or(|texts| texts.len() == pattern_of.wildcards()), "{pattern}");
        }
    }

    #[test]
    fn names_are_no_folders() {
        let pattern =
            Globs::new(vec![Pattern::of_name("openshift-*").unwrap(), Pattern::of_name("kube").unwrap()]);
        assert!(pattern.matches("openshift-ingress") && pattern.matches("kube"));
        assert!(
            !pattern.matches("my-openshift-x")
                && !pattern.matches("kube-system")
                && !pattern.matches("kube/x")
        );
    }

    #[test]
    fn refusals() {
        for (pattern, error) in [
            ("/a", PatternError::Outside),
            ("a/../b", PatternError::Outside),
            ("", PatternError::Step),
            ("./a", PatternError::Step),
            ("a//b", PatternError::Step),
            ("a**", PatternError::DoubleStar),
            ("a/**b", PatternError::DoubleStar),
            ("***", PatternError::DoubleStar),
            ("{a/**,b}", PatternError::DoubleStar),
            ("a\\*", PatternError::Backslash),
            ("a[bc", PatternError::OpenBracket),
            ("a[]", PatternError::OpenBracket),
            ("[z-a]", PatternError::Range),
            ("{a,b", PatternError::OpenBrace),
            ("a}b", PatternError::StrayBrace),
            ("{a,{b}}", PatternError::NestedBrace),
        ] {
            assert_eq!(Pattern::of_path(pattern).err(), Some(error), "{pattern}");
        }
        assert_eq!(Pattern::of_path(&"a".repeat(4097)).err(), Some(PatternError::Size));
    }

    /// The meaning of a pattern is that of the globset crate for the path or a folder it is in, but that a class never
    /// crosses a folder.
    #[test]
    fn patterns_mean_what_globset_says() {
        let mut state = 1_u64;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let pieces =
            ["a", "b", "*", "**", "?", "/", "/", "[ab]", "[!a]", "{a,b*}", "{,a/b}", ".", "**/", "/**"];
        let (mut tried, mut matched) = (0, 0);
        while tried < 2_000 {
            let pattern: String = (0..=random(5)).map(|_| pieces[random(pieces.len())]).collect();
            let Ok(ours) = Pattern::of_path(&pattern) else { continue };
            let glob = |text: &str| {
                let mut builder = globset::GlobBuilder::new(text);
                builder.literal_separator(true).empty_alternates(true).build().unwrap().compile_matcher()
            };
            let text = pattern.strip_suffix('/').unwrap_or(&pattern);
            let theirs = [glob(text), glob(&format!("{text}/**"))];
            let path: Vec<&str> =
                (0..=random(3)).map(|_| ["a", "b", "ab", "a.b", "bba"][random(5)]).collect();
            let path = path.join("/");
            let expected = theirs.iter().any(|theirs| theirs.is_match(&path));
            if pattern.contains("[!a]") && expected && ours.captures(&path).is_none() {
                continue; // the exception
            }
            assert_eq!(ours.captures(&path).is_some(), expected, "{pattern} {path}");
            tried += 1;
            matched += usize::from(expected);
        }
        assert!(matched > 200, "{matched}");
    }
}
