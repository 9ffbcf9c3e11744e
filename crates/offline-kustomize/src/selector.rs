//! What a patch or a replacement is aimed at: regular expressions over kind, name and namespace, and label selectors.

use std::fmt;

use regex::{Regex, RegexBuilder};

use super::value::Value;

/// Bytes that one compiled expression may take.
const REGEX_SIZE: usize = 1 << 20;

/// A regular expression of bounded size; not anchored.
#[derive(Clone, Debug)]
pub struct Expression(Regex);

impl Expression {
    /// Compiles a pattern; none when it is no expression, or too large.
    pub fn new(pattern: &str) -> Option<Self> {
        RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build().ok().map(Self)
    }

    /// Whether it fits somewhere in a text.
    pub fn fits(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// Why a selector cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectorError {
    /// No regular expression, or one too large.
    Pattern(String),
    /// No label selector.
    Labels(String),
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(text) => write!(f, "`{text}` is no regular expression"),
            Self::Labels(text) => write!(f, "`{text}` is no label selector"),
        }
    }
}

/// A selector as written; an empty text fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// API group.
    pub group: String,
    /// API version without the group.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Label selector over the labels.
    pub labels: String,
    /// Label selector over the annotations.
    pub annotations: String,
}

impl Selector {
    /// Reads a `target`, `select`, `reject` or `source`.
    pub fn read(tree: &Value) -> Self {
        let text = |key| tree.str_at(key).unwrap_or_default().to_owned();
        Self {
            group: text("group"),
            version: text("version"),
            kind: text("kind"),
            name: text("name"),
            namespace: text("namespace"),
            labels: text("labelSelector"),
            annotations: text("annotationSelector"),
        }
    }

    /// Whether it says nothing about the identity of an object.
    pub fn is_without_id(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace]
            .iter()
            .all(|text| text.is_empty())
    }
}

/// A selector ready to be matched.
#[derive(Clone, Debug)]
pub struct Matcher {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

impl Matcher {
    /// Compiles a selector.
    ///
    /// # Errors
    /// Expressions that cannot be read.
    pub fn new(selector: &Selector) -> Result<Self, SelectorError> {
        Ok(Self {
            group: Pattern::new(&selector.group)?,
            version: Pattern::new(&selector.version)?,
            kind: Pattern::new(&selector.kind)?,
            name: Pattern::new(&selector.name)?,
            namespace: Pattern::new(&selector.namespace)?,
            labels: requirements(&selector.labels)?,
            annotations: requirements(&selector.annotations)?,
        })
    }

    /// Whether group, version and kind fit.
    pub fn fits_type(&self, group: &str, version: &str, kind: &str) -> bool {
        self.group.fits(group) && self.version.fits(version) && self.kind.fits(kind)
    }

    /// Whether the name fits.
    pub fn fits_name(&self, name: &str) -> bool {
        self.name.fits(name)
    }

    /// Whether the namespace fits.
    pub fn fits_namespace(&self, namespace: &str) -> bool {
        self.namespace.fits(namespace)
    }

    /// Whether labels and annotations fit.
    pub fn fits_metadata(&self, object: &Value) -> bool {
        let all = |requirements: &[Requirement], key| {
            requirements.is_empty() || {
                let pairs = object.at(&["metadata", key]);
                requirements.iter().all(|one| one.fits(pairs))
            }
        };
        all(&self.labels, "labels") && all(&self.annotations, "annotations")
    }
}

/// A regular expression that must fit the whole text; most are ordinary words.
#[derive(Clone, Debug)]
enum Pattern {
    Any,
    /// Only the dot is special: it stands for any character.
    Word(String),
    Expression(Expression),
}

impl Pattern {
    fn new(text: &str) -> Result<Self, SelectorError> {
        if matches!(text, "" | ".*") {
            return Ok(Self::Any);
        }
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'.'))
        {
            return Ok(Self::Word(text.to_owned()));
        }
        Expression::new(&format!("^(?:{text})$"))
            .map(Self::Expression)
            .ok_or_else(|| SelectorError::Pattern(text.to_owned()))
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Word(word) => {
                let fits = |(wanted, c): (char, char)| wanted == c || wanted == '.' && c != '\n';
                word.len() == text.chars().count() && word.chars().zip(text.chars()).all(fits)
            }
            Self::Expression(expression) => expression.fits(text),
        }
    }
}

/// One part of a label selector.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Requirement {
    fn fits(&self, pairs: Option<&Value>) -> bool {
        let found =
            pairs.and_then(|pairs| pairs.get(&self.key)).map(|value| value.as_str().unwrap_or_default());
        let number = || found.and_then(|text| text.parse::<i64>().ok());
        match &self.test {
            Test::Exists => found.is_some(),
            Test::Missing => found.is_none(),
            Test::In(values) => found.is_some_and(|text| values.iter().any(|value| value == text)),
            Test::NotIn(values) => found.is_none_or(|text| values.iter().all(|value| value != text)),
            Test::Above(bound) => number().is_some_and(|number| number > *bound),
            Test::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

/// Reads a label selector: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
fn requirements(text: &str) -> Result<Vec<Requirement>, SelectorError> {
    let fail = || SelectorError::Labels(text.to_owned());
    let mut result = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        // A comma inside parentheses does not end a part.
        let close = match (rest.find('('), rest.find(',')) {
            (Some(open), comma) if comma.is_none_or(|comma| open < comma) => {
                open + rest[open..].find(')').ok_or_else(fail)?
            }
            _ => 0,
        };
        let end = rest[close..].find(',').map_or(rest.len(), |comma| close + comma);
        result.push(requirement(rest[..end].trim()).ok_or_else(fail)?);
        let after = &rest[end..];
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
        if after.starts_with(',') && rest.is_empty() {
            return Err(fail());
        }
    }
    Ok(result)
}

fn requirement(text: &str) -> Option<Requirement> {
    let new = |key: &str, test| {
        let key = key.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        (!key.is_empty() && key.chars().all(plain)).then(|| Requirement { key: key.to_owned(), test })
    };
    if let Some(key) = text.strip_prefix('!') {
        return new(key, Test::Missing);
    }
    if let Some((before, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let (key, word) = before.trim().rsplit_once(char::is_whitespace)?;
        return match word {
            "in" => new(key, Test::In(values)),
            "notin" => new(key, Test::NotIn(values)),
            _ => None,
        };
    }
    let value = |text: &str| vec![text.trim().to_owned()];
    if let Some((key, text)) = text.split_once("!=") {
        return new(key, Test::NotIn(value(text)));
    }
    if let Some((key, text)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return new(key, Test::In(value(text)));
    }
    if let Some((key, text)) = text.split_once('>') {
        return new(key, Test::Above(text.trim().parse().ok()?));
    }
    if let Some((key, text)) = text.split_once('<') {
        return new(key, Test::Below(text.trim().parse().ok()?));
    }
    new(text, Test::Exists)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(set: impl Fn(&mut Selector)) -> Result<Matcher, SelectorError> {
        let mut selector = Selector::default();
        set(&mut selector);
        Matcher::new(&selector)
    }

    #[test]
    fn expressions_fit_the_whole_text() {
        let found =
            |pattern: &str, text: &str| matcher(|s| s.name = pattern.to_owned()).unwrap().fits_name(text);
        assert!(found("web", "web") && !found("web", "web-2") && found("web.*", "web-2"));
        assert!(found("a|b", "b") && !found("a|b", "ab") && found("", "anything"));
        assert!(found("w.b", "wxb"));
        assert!(matcher(|s| s.name = "(".to_owned()).is_err());
    }

    #[test]
    fn label_selectors() {
        let labels = Value::map([("app", Value::text("web")), ("tier", Value::text("3"))]);
        let object = Value::map([("metadata", Value::map([("labels", labels)]))]);
        let found = |text: &str| {
            matcher(|s| s.labels = text.to_owned()).map(|matcher| matcher.fits_metadata(&object))
        };
        for yes in [
            "app=web",
            "app == web, tier",
            "app in (db,web),tier!=4",
            "!none",
            "none notin (x)",
            "none!=x",
            "tier>2,tier<4",
            "",
        ] {
            assert_eq!(found(yes), Ok(true), "{yes}");
        }
        for no in ["app=db", "none", "!app", "app notin (web)", "tier>3", "none in (x)"] {
            assert_eq!(found(no), Ok(false), "{no}");
        }
        for wrong in ["a b", "app in (x", "app=web,", "=x", "a among (b)", "tier>x"] {
            assert!(found(wrong).is_err(), "{wrong}");
        }
    }
}
