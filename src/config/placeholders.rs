//! Texts with placeholders in braces, such as `pull-secrets/{namespace}/{name}.sops.yaml` and `team-{1}`.

use std::fmt;

/// A piece of such a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Text(&'t str),
    /// What stands between the braces.
    Placeholder(&'t str),
}

/// Braces that do not pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BraceError {
    Open,
    Stray,
}

impl fmt::Display for BraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "a `{` is never closed",
            Self::Stray => "a `}` was never opened",
        })
    }
}

/// Takes a text apart. There is no way to write a brace that is none of a placeholder's.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, BraceError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(brace) = rest.find(['{', '}']) {
        if rest[brace..].starts_with('}') {
            return Err(BraceError::Stray);
        }
        let (before, after) = (&rest[..brace], &rest[brace + 1..]);
        let end =
            after.find(['{', '}']).filter(|&end| after[end..].starts_with('}')).ok_or(BraceError::Open)?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Placeholder(&after[..end]));
        rest = &after[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::{BraceError, Piece, pieces};

    #[test]
    fn texts_and_placeholders_alternate() {
        use Piece::{Placeholder, Text};
        for (text, expected) in [
            ("", Ok(vec![])),
            ("a", Ok(vec![Text("a")])),
            ("a{b}{}c", Ok(vec![Text("a"), Placeholder("b"), Placeholder(""), Text("c")])),
            ("ä{ö}ü", Ok(vec![Text("ä"), Placeholder("ö"), Text("ü")])),
            ("a{b", Err(BraceError::Open)),
            ("a{b{c}", Err(BraceError::Open)),
            ("a}b", Err(BraceError::Stray)),
            ("{{a}}", Err(BraceError::Open)),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }
}
