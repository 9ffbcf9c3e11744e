//! Which leaves of a document are encrypted: the six options of SOPS, of which a file has one.
//!
//! Expressions are compiled with size limits by crate `regex`, of the same family as Go's: no look-around, linear time.
//! (`\d`, `\w` and `\b` know all scripts here and ASCII alone in Go; keys that tell the two apart have not been seen.)

use std::fmt;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

/// Compiled size in bytes beyond which an expression is refused.
const REGEX_LIMIT: usize = 1 << 20;

/// The option that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Everything but what stands below a key with this ending.
    UnencryptedSuffix,
    /// Only what stands below a key with this ending.
    EncryptedSuffix,
    /// Everything but what stands below a key that matches.
    UnencryptedRegex,
    /// Only what stands below a key that matches.
    EncryptedRegex,
    /// Everything but what a matching comment stands above.
    UnencryptedCommentRegex,
    /// Only what a matching comment stands above.
    EncryptedCommentRegex,
}

impl Choice {
    /// Every option.
    pub const ALL: [Self; 6] = [
        Self::UnencryptedSuffix,
        Self::EncryptedSuffix,
        Self::UnencryptedRegex,
        Self::EncryptedRegex,
        Self::UnencryptedCommentRegex,
        Self::EncryptedCommentRegex,
    ];

    /// Its key in the `sops` block and in creation rules.
    pub fn key(self) -> &'static str {
        match self {
            Self::UnencryptedSuffix => "unencrypted_suffix",
            Self::EncryptedSuffix => "encrypted_suffix",
            Self::UnencryptedRegex => "unencrypted_regex",
            Self::EncryptedRegex => "encrypted_regex",
            Self::UnencryptedCommentRegex => "unencrypted_comment_regex",
            Self::EncryptedCommentRegex => "encrypted_comment_regex",
        }
    }
}

/// Why options cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesError {
    /// Two options at once.
    Two(Choice, Choice),
    /// An expression that does not compile.
    Regex(String),
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Two(first, second) => {
                write!(f, "`{}` and `{}` cannot be used together", first.key(), second.key())
            }
            Self::Regex(key) => {
                write!(f, "`{key}` is no expression that can be used (RE2 syntax, 1 MiB compiled)")
            }
        }
    }
}

impl std::error::Error for RulesError {}

/// What is encrypted in a file, and what its MAC covers.
#[derive(Clone, Debug)]
pub struct Rules {
    choice: Choice,
    text: String,
    pattern: Option<Pattern>,
    mac_only_encrypted: bool,
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        let parts = |rules: &Self| (rules.choice, rules.text.clone(), rules.mac_only_encrypted);
        parts(self) == parts(other)
    }
}

impl Rules {
    /// The rules that one option makes.
    ///
    /// # Errors
    /// The expression does not compile.
    pub fn new(choice: Choice, text: &str, mac_only_encrypted: bool) -> Result<Self, RulesError> {
        let pattern = match choice {
            Choice::UnencryptedSuffix | Choice::EncryptedSuffix => None,
            _ => Some(Pattern::new(choice.key(), text)?),
        };
        Ok(Self { choice, text: text.to_owned(), pattern, mac_only_encrypted })
    }

    /// The rules that the options of a file or creation rule make, empty ones left out; without any, everything is
    /// encrypted except below keys that end in `_unencrypted`.
    ///
    /// # Errors
    /// Two options at once, or an expression that does not compile.
    pub fn from_options<'o>(
        option: impl Fn(Choice) -> Option<&'o str>,
        mac_only_encrypted: bool,
    ) -> Result<Self, RulesError> {
        let mut set = Choice::ALL
            .into_iter()
            .filter_map(|choice| Some((choice, option(choice)?)))
            .filter(|(_, text)| !text.is_empty());
        let (choice, text) = set.next().unwrap_or((Choice::UnencryptedSuffix, "_unencrypted"));
        match set.next() {
            Some((second, _)) => Err(RulesError::Two(choice, second)),
            None => Self::new(choice, text, mac_only_encrypted),
        }
    }

    /// The option that decides, and its text.
    pub fn option(&self) -> (Choice, &str) {
        (self.choice, &self.text)
    }

    /// Whether cleartext leaves are left out of the MAC.
    pub fn mac_only_encrypted(&self) -> bool {
        self.mac_only_encrypted
    }

    /// Whether the leaf below `keys` is encrypted; one matching key on the way decides. `None` where comments decide,
    /// which no parsed document shows: there a value that looks encrypted is.
    pub fn encrypts(&self, keys: &[&str]) -> Option<bool> {
        let any = |matches: &dyn Fn(&str) -> bool| keys.iter().any(|key| matches(key));
        let suffix = || any(&|key| key.ends_with(&self.text));
        let regex = || any(&|key| self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(key)));
        match self.choice {
            Choice::UnencryptedSuffix => Some(!suffix()),
            Choice::EncryptedSuffix => Some(suffix()),
            Choice::UnencryptedRegex => Some(!regex()),
            Choice::EncryptedRegex => Some(regex()),
            Choice::UnencryptedCommentRegex | Choice::EncryptedCommentRegex => None,
        }
    }
}

/// An expression in use, cheap to copy.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// `^(data|stringData)$`: whole words, as nearly every file has them. Every file brings its own, and compiling takes far
    /// longer than comparing.
    Words(Arc<[String]>),
    /// Anything else.
    Regex(Arc<Regex>),
}

impl Pattern {
    /// Reads the expression that stands under `key`, with limits.
    ///
    /// # Errors
    /// It does not compile.
    pub(super) fn new(key: &str, text: &str) -> Result<Self, RulesError> {
        if let Some(words) = words(text) {
            return Ok(Self::Words(words));
        }
        let regex = RegexBuilder::new(text).size_limit(REGEX_LIMIT).dfa_size_limit(REGEX_LIMIT).build();
        regex.map(|regex| Self::Regex(Arc::new(regex))).map_err(|_| RulesError::Regex(key.to_owned()))
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Words(words) => words.iter().any(|word| word == text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// The words of an expression that matches them and nothing else.
fn words(text: &str) -> Option<Arc<[String]>> {
    let list = text.strip_prefix("^(")?.strip_suffix(")$")?;
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    list.split('|').all(is_word).then(|| list.split('|').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(choice: Choice, text: &str) -> Rules {
        Rules::new(choice, text, false).unwrap()
    }

    #[test]
    fn one_matching_key_on_the_way_decides() {
        let data = rules(Choice::EncryptedRegex, "^(data|stringData)$");
        assert_eq!(data.encrypts(&["data", "x"]), Some(true));
        assert_eq!(data.encrypts(&["metadata", "data"]), Some(true));
        assert_eq!(data.encrypts(&["metadata", "name"]), Some(false));
        assert_eq!(data.encrypts(&["Data", "data2", "datastringData", ""]), Some(false));
        let rest = rules(Choice::UnencryptedRegex, "^kind$");
        assert_eq!((rest.encrypts(&["kind"]), rest.encrypts(&["kinds"])), (Some(false), Some(true)));
        let suffix = rules(Choice::EncryptedSuffix, "_secret");
        assert_eq!(
            (suffix.encrypts(&["a_secret", "b"]), suffix.encrypts(&["a_secrets"])),
            (Some(true), Some(false))
        );
        assert_eq!(rules(Choice::EncryptedCommentRegex, "x").encrypts(&["x"]), None);
    }

    #[test]
    fn words_are_what_the_expression_matches() {
        let keys = ["", "a", "ab", "b", "a|b", "a\n", "(a", "^a"];
        for text in ["^(a|b)$", "^()$", "^(a|)$", "^(a.|b)$", "^(a)|(b)$", "^a$", "^((a))$", "^(\u{e9})$"] {
            let (pattern, regex) = (Pattern::new("", text).unwrap(), Regex::new(text).unwrap());
            for key in keys {
                assert_eq!(pattern.is_match(key), regex.is_match(key), "{text} {key:?}");
            }
        }
        assert!(words("^(a|b)$").is_some() && words("^(a.|b)$").is_none());
    }

    #[test]
    fn without_an_option_everything_is_encrypted_but_one_suffix() {
        let default = Rules::from_options(|_| None, false).unwrap();
        assert_eq!(default.option(), (Choice::UnencryptedSuffix, "_unencrypted"));
        assert_eq!(default.encrypts(&["a"]), Some(true));
        assert_eq!(default.encrypts(&["a_unencrypted", "b"]), Some(false));
    }

    #[test]
    fn two_options_and_endless_expressions_are_refused() {
        let two = Rules::from_options(
            |choice| matches!(choice, Choice::EncryptedRegex | Choice::EncryptedSuffix).then_some("x"),
            false,
        );
        assert_eq!(two, Err(RulesError::Two(Choice::EncryptedSuffix, Choice::EncryptedRegex)));
        for text in ["(", "(?=x)", r"(\w{1000}){1000}"] {
            let refused = Rules::new(Choice::EncryptedRegex, text, false);
            assert_eq!(refused, Err(RulesError::Regex("encrypted_regex".to_owned())), "{text}");
        }
    }
}
