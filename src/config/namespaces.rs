//! What the configuration says of namespaces: which one a path means, which are left alone, which get Secrets anyway.
//!
//! Knows paths and names only; what manifests and build tools say comes before it and is looked at elsewhere.

use std::collections::BTreeSet;
use std::fmt;

use super::globs::{Globs, Pattern};
use super::located::Located;
use super::placeholders::{BraceError, Piece, pieces};
use crate::objects::names::is_label;
use lossless_yaml::nearest::quoted;

/// The `namespaces` of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    /// For objects whose namespace nothing else tells.
    pub default: Option<Located<String>>,
    /// Names of namespaces that get the Secrets although no manifest here needs them.
    pub always: Vec<Located<String>>,
    /// Patterns for more of them among those that the repository knows.
    pub(super) always_known: Globs,
    pub(super) rules: Vec<Rule>,
    pub(super) exclude: Globs,
}

/// One of its `rules`.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub paths: Vec<Pattern>,
    pub namespace: Located<NamespaceTemplate>,
}

impl Namespaces {
    /// The namespace that the first matching rule gives to a file, and where that rule's `namespace` is written.
    ///
    /// `path` starts in the configuration's folder. A rule whose wildcards stand for what cannot be in the name of a
    /// namespace does not match: better unknown than wrong.
    pub fn of_path(&self, path: &str) -> Option<Located<String>> {
        self.rules.iter().find_map(|rule| {
            let template = &rule.namespace;
            let captures = rule.paths.iter().filter_map(|pattern| pattern.captures(path));
            let namespace = captures.map(|texts| template.value.fill(&texts)).find(|name| is_label(name))?;
            Some(Located { value: namespace, position: template.position })
        })
    }

    /// The namespaces that get every Secret: those that are named, and those of `known` that a pattern means.
    pub fn always<'n>(&'n self, known: impl IntoIterator<Item = &'n str>) -> BTreeSet<&'n str> {
        let meant = |name: &&str| self.always_known.matches(name) && !self.excludes(name);
        let named = self.always.iter().map(|name| name.value.as_str());
        named.chain(known.into_iter().filter(meant)).collect()
    }

    /// Whether pullcred leaves the namespace alone.
    pub fn excludes(&self, namespace: &str) -> bool {
        self.exclude.matches(namespace)
    }

    /// The same for a namespace that may be unknown, which is never left alone.
    pub fn excludes_known(&self, namespace: Option<&str>) -> bool {
        namespace.is_some_and(|namespace| self.excludes(namespace))
    }
}

/// A name that may refer to the wildcards of a pattern: `team-{1}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamespaceTemplate(String);

/// Why a text is no such name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NamespaceError {
    Brace(BraceError),
    /// Not a number from 1.
    Placeholder(String),
    /// Not what a namespace can be called, whatever the wildcards stand for.
    Name,
}

impl NamespaceTemplate {
    pub(super) fn parse(text: &str) -> Result<Self, NamespaceError> {
        // Any letter will do to see whether the rest can be a name.
        let mut example = String::new();
        for piece in pieces(text).map_err(NamespaceError::Brace)? {
            match piece {
                Piece::Text(text) => example += text,
                Piece::Placeholder(number) if wildcard(number).is_some() => example.push('x'),
                Piece::Placeholder(other) => return Err(NamespaceError::Placeholder(other.to_owned())),
            }
        }
        if is_label(&example) { Ok(Self(text.to_owned())) } else { Err(NamespaceError::Name) }
    }

    /// The highest number of a wildcard in it; 0 without one.
    pub(super) fn wildcards(&self) -> usize {
        let numbers = pieces(&self.0).unwrap_or_default().into_iter().filter_map(|piece| match piece {
            Piece::Placeholder(number) => wildcard(number),
            Piece::Text(_) => None,
        });
        numbers.max().unwrap_or(0)
    }

    fn fill(&self, captures: &[&str]) -> String {
        let fill = |piece: Piece<'_>| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Placeholder(number) => {
                let capture = wildcard(number).and_then(|number| captures.get(number - 1));
                capture.copied().unwrap_or_default().to_owned()
            }
        };
        pieces(&self.0).unwrap_or_default().into_iter().map(fill).collect()
    }
}

/// The number of a wildcard, from 1, in the one way to write it.
fn wildcard(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number: &usize| *number > 0 && number.to_string() == text)
}

impl NamespaceError {
    /// What to do about it.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Brace(_) | Self::Placeholder(_) => {
                "`{1}` is the text of the first wildcard in `paths`, `{2}` of the second"
            }
            Self::Name => NAMESPACE_HINT,
        }
    }
}

/// What a namespace can be called.
pub(super) const NAMESPACE_HINT: &str =
    "lower-case letters, digits and `-`, at most 63, a letter or digit at both ends";

impl fmt::Display for NamespaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Brace(error) => error.fmt(f),
            Self::Placeholder(name) => write!(f, "unknown placeholder {}", quoted(&format!("{{{name}}}"))),
            Self::Name => f.write_str("no namespace can be called that"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lossless_yaml::span::Position;

    fn rule(paths: &[&str], namespace: &str) -> Rule {
        let paths = paths.iter().map(|path| Pattern::of_path(path).unwrap()).collect();
        let value = NamespaceTemplate::parse(namespace).unwrap();
        Rule { paths, namespace: Located { value, position: Position::START } }
    }

    #[test]
    fn the_first_rule_that_gives_a_name_decides() {
        let rules = vec![
            rule(&["teams/*/**"], "{1}"),
            rule(&["clusters/*/*/**", "old/*/x/*/**"], "{2}-{1}"),
            rule(&["teams/**", "infra"], "platform"),
        ];
        let namespaces = Namespaces { rules, ..Namespaces::default() };
        let of = |path: &str| namespaces.of_path(path).map(|found| found.value);
        assert_eq!(of("teams/shop/web/deploy.yaml").as_deref(), Some("shop"));
        assert_eq!(of("clusters/eu/shop/deploy.yaml").as_deref(), Some("shop-eu"));
        assert_eq!(of("old/eu/x/shop/deploy.yaml").as_deref(), Some("shop-eu"));
        assert_eq!(of("teams/_shared/deploy.yaml").as_deref(), Some("platform"));
        assert_eq!(of("infra/deploy.yaml").as_deref(), Some("platform"));
        assert_eq!(of("other/deploy.yaml"), None);
    }

    #[test]
    fn names_that_cannot_be() {
        for (text, error) in [
            ("{team}", NamespaceError::Placeholder("team".to_owned())),
            ("{0}", NamespaceError::Placeholder("0".to_owned())),
            ("{01}", NamespaceError::Placeholder("01".to_owned())),
            ("{}", NamespaceError::Placeholder(String::new())),
            ("{1", NamespaceError::Brace(BraceError::Open)),
            ("Team-{1}", NamespaceError::Name),
            ("-{1}", NamespaceError::Name),
            ("a/{1}", NamespaceError::Name),
            ("", NamespaceError::Name),
        ] {
            assert_eq!(NamespaceTemplate::parse(text), Err(error), "{text}");
        }
        assert_eq!(NamespaceTemplate::parse("{2}-{1}").map(|template| template.wildcards()), Ok(2));
        assert_eq!(NamespaceTemplate::parse("shop").map(|template| template.wildcards()), Ok(0));
    }
}
