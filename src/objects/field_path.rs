//! Field paths: where something lies inside a Kubernetes object, such as `spec.containers[].env{}.name`.
//!
//! Owns the notation of the catalog and of `customResources` in the configuration: names joined by dots, `[]` for
//! each item of a list, `{}` for each value of a map, and `["a/b"]` for a name that has other characters than
//! letters, digits, `_` and `-`. Paths start at the object's root. It knows nothing of documents: walking one along
//! a path is the caller's work. A single item cannot be named, because no pull secret lies at a fixed index.

use std::borrow::Cow;
use std::fmt;

/// A checked path, kept as its text: nothing is allocated for a path of the catalog, and `Display` gives back what
/// was written.
#[derive(Clone, Debug)]
pub struct FieldPath<'a>(Cow<'a, str>);

/// One step from a node to what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The value of this key of a mapping.
    Key(&'a str),
    /// Each item of a list.
    Items,
    /// Each value of a mapping, whatever its key.
    Values,
}

/// The steps of a path that are left to go. A copy resumes where the original was, so a walk can branch.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a>(&'a str);

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathError {
    /// The character at fault, counted from 1.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with the text of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A name is missing: at the start, where the object's root is a mapping, or after a dot.
    Name,
    /// This character can only be in a quoted name.
    Character(char),
    /// A name follows `]` or `}` without a dot.
    Dot,
    /// `[` is followed by neither `]` nor a quoted name.
    Bracket,
    /// `{` is not followed by `}`.
    Brace,
    /// A quoted name is empty, holds a control character or does not end with `"]`.
    Quote,
}

impl<'a> FieldPath<'a> {
    /// The object itself.
    pub const ROOT: FieldPath<'static> = FieldPath(Cow::Borrowed(""));

    /// Checks a text and keeps it.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, PathError> {
        let text = text.into();
        let (mut rest, mut start) = (&*text, true);
        while start || !rest.is_empty() {
            rest = match step(rest, start) {
                Ok((_, after)) => after,
                Err((offset, problem)) => {
                    let before = text.len() - rest.len() + offset;
                    return Err(PathError { at: text[..before].chars().count() + 1, problem });
                }
            };
            start = false;
        }
        Ok(Self(text))
    }

    /// The steps from the object's root.
    pub fn steps(&self) -> Steps<'_> {
        Steps(&self.0)
    }

    /// So many steps of the path.
    pub fn first(&self, count: usize) -> FieldPath<'_> {
        let mut steps = self.steps();
        let _ = steps.by_ref().take(count).count();
        FieldPath(Cow::Borrowed(&self.0[..self.0.len() - steps.0.len()]))
    }

    /// The path without its last step, and that step. `None` at the root.
    pub fn split_last(&self) -> Option<(FieldPath<'_>, Step<'_>)> {
        let mut steps = self.steps();
        let mut last = None;
        loop {
            let before = &self.0[..self.0.len() - steps.0.len()];
            let Some(step) = steps.next() else { return last };
            last = Some((FieldPath(Cow::Borrowed(before)), step));
        }
    }
}

/// Paths are equal when their steps are: `a["b"]` is `a.b`.
impl PartialEq for FieldPath<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.steps().eq(other.steps())
    }
}

impl Eq for FieldPath<'_> {}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl<'a> Iterator for Steps<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        if self.0.is_empty() {
            return None;
        }
        // Only the first step of a path has no mark in front, and every text here was checked by `parse`.
        let (step, rest) = step(self.0, !self.0.starts_with(['.', '[', '{'])).ok()?;
        self.0 = rest;
        Some(step)
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "character {}: {}", self.at, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => out.write_str("a field name is missing"),
            Self::Character(found) => write!(out, "`{found}` in a field name needs quotes: `[\"…\"]`"),
            Self::Dot => out.write_str("a dot is missing before the field name"),
            Self::Bracket => out.write_str("`[` takes `]` for each item, or a quoted field name"),
            Self::Brace => out.write_str("`{` takes `}` for each value"),
            Self::Quote => out.write_str("a quoted field name is written `[\"name\"]`"),
        }
    }
}

impl std::error::Error for PathError {}

/// The first step of a text and what follows it, or what is wrong and at which byte. At the start of a path a name
/// has no dot in front and nothing but a name can stand.
fn step(text: &str, start: bool) -> Result<(Step<'_>, &str), (usize, Problem)> {
    match text.as_bytes().first() {
        Some(b'[') if !start || text.starts_with("[\"") => bracket(&text[1..]),
        Some(b'{') if !start => match text.strip_prefix("{}") {
            Some(rest) => Ok((Step::Values, rest)),
            None => Err((1, Problem::Brace)),
        },
        Some(b'.') if !start => name(text, 1),
        Some(&byte) if !start && is_plain(char::from(byte)) => Err((0, Problem::Dot)),
        _ => name(text, 0),
    }
}

/// What follows `[`: the `]` of a list, or a quoted name.
fn bracket(text: &str) -> Result<(Step<'_>, &str), (usize, Problem)> {
    if let Some(rest) = text.strip_prefix(']') {
        return Ok((Step::Items, rest));
    }
    let quoted = text.strip_prefix('"').ok_or((1, Problem::Bracket))?;
    match quoted.split_once('"') {
        Some((name, rest)) if !name.is_empty() && !name.contains(char::is_control) => {
            Ok((Step::Key(name), rest.strip_prefix(']').ok_or((3 + name.len(), Problem::Quote))?))
        }
        _ => Err((1, Problem::Quote)),
    }
}

/// The plain name at byte `from`.
fn name(text: &str, from: usize) -> Result<(Step<'_>, &str), (usize, Problem)> {
    let length = text[from..].find(|c| !is_plain(c)).unwrap_or(text.len() - from);
    if length > 0 {
        let (name, rest) = text[from..].split_at(length);
        return Ok((Step::Key(name), rest));
    }
    Err((
        from,
        match text[from..].chars().next() {
            None | Some('.' | '[' | '{') => Problem::Name,
            Some(other) => Problem::Character(other),
        },
    ))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use super::{FieldPath, Step};

    #[test]
    fn every_kind_of_step() {
        let path = FieldPath::parse(r#"spec.a-b_1[].env{}[]["cmd/in ö]"]{}.x"#).unwrap();
        let steps: Vec<_> = path.steps().collect();
        let (key, items, values) = (Step::Key, Step::Items, Step::Values);
        assert_eq!(
            steps,
            [key("spec"), key("a-b_1"), items, key("env"), values, items, key("cmd/in ö]"), values, key("x")]
        );
    }

    #[test]
    fn text_is_kept_and_equality_is_by_steps() {
        for text in ["spec", "a.b[].c{}.d", r#"["the/name"]"#, r#"a["b"].c"#, "a[][]{}"] {
            let borrowed = FieldPath::parse(text).unwrap();
            let owned: FieldPath<'static> = FieldPath::parse(text.to_owned()).unwrap();
            assert_eq!(borrowed.to_string(), text);
            assert_eq!(borrowed, owned);
        }
        assert_eq!(FieldPath::parse(r#"a["b"].c"#), FieldPath::parse("a.b.c"));
        assert_ne!(FieldPath::parse("a.b"), FieldPath::parse("a[].b"));
        assert_ne!(FieldPath::parse("a.b"), FieldPath::parse("a.b.c"));
    }

    #[test]
    fn last_step_splits_off() {
        let split = |text: &'static str| {
            let path = FieldPath::parse(text).unwrap();
            let (rest, last) = path.split_last().unwrap();
            (rest.to_string(), format!("{last:?}"))
        };
        assert_eq!(split("a"), (String::new(), "Key(\"a\")".into()));
        assert_eq!(split("a.b"), ("a".into(), "Key(\"b\")".into()));
        assert_eq!(split("a{}.b"), ("a{}".into(), "Key(\"b\")".into()));
        assert_eq!(split(r#"a[]["b.c"]"#), ("a[]".into(), "Key(\"b.c\")".into()));
        assert_eq!(split("a.b[]"), ("a.b".into(), "Items".into()));
        assert_eq!(split("a[]{}"), ("a[]".into(), "Values".into()));
        assert!(FieldPath::ROOT.split_last().is_none());
        assert_eq!(FieldPath::ROOT.steps().next(), None);
    }

    #[test]
    fn a_copy_of_the_steps_resumes() {
        let path = FieldPath::parse("a[].b").unwrap();
        let mut steps = path.steps();
        assert_eq!(steps.by_ref().take(2).collect::<Vec<_>>(), [Step::Key("a"), Step::Items]);
        for mut branch in [steps, steps] {
            assert_eq!((branch.next(), branch.next()), (Some(Step::Key("b")), None));
        }
    }

    #[test]
    fn errors_name_the_character() {
        for (text, message) in [
            ("", "character 1: a field name is missing"),
            (".spec", "character 1: a field name is missing"),
            ("[].a", "character 1: a field name is missing"),
            ("{}.a", "character 1: a field name is missing"),
            ("a.", "character 3: a field name is missing"),
            ("a..b", "character 3: a field name is missing"),
            ("a.[]", "character 3: a field name is missing"),
            ("$.spec", "character 1: `$` in a field name needs quotes: `[\"…\"]`"),
            ("a/b", "character 2: `/` in a field name needs quotes: `[\"…\"]`"),
            ("a.ö", "character 3: `ö` in a field name needs quotes: `[\"…\"]`"),
            ("a b", "character 2: ` ` in a field name needs quotes: `[\"…\"]`"),
            ("a[]b", "character 4: a dot is missing before the field name"),
            ("a[0]", "character 3: `[` takes `]` for each item, or a quoted field name"),
            ("a[", "character 3: `[` takes `]` for each item, or a quoted field name"),
            ("a['b']", "character 3: `[` takes `]` for each item, or a quoted field name"),
            ("a{b}", "character 3: `{` takes `}` for each value"),
            ("a[\"\"]", "character 3: a quoted field name is written `[\"name\"]`"),
            ("a[\"b", "character 3: a quoted field name is written `[\"name\"]`"),
            ("a[\"ö\".c", "character 6: a quoted field name is written `[\"name\"]`"),
            ("a[\"b\n\"]", "character 3: a quoted field name is written `[\"name\"]`"),
        ] {
            assert_eq!(FieldPath::parse(text).unwrap_err().to_string(), message, "{text:?}");
        }
    }
}
