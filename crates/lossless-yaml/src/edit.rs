//! Changes of a file as data: byte ranges and what takes their place.

use super::span::Span;

/// New bytes for a range of the file; an empty range is an insertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub span: Span,
    /// The bytes that come.
    pub text: String,
}

impl Edit {
    /// Puts `text` before the byte at `at`.
    pub fn insert(at: usize, text: String) -> Self {
        Self { span: Span::new(at, at), text }
    }
}

/// Applies all edits in one pass; insertions at one place keep their order.
///
/// # Errors
/// The second of two edits that overlap, or one that lies outside of `text`.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, Edit> {
    let mut order: Vec<&Edit> = edits.iter().collect();
    order.sort_by_key(|edit| edit.span);
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut done = 0;
    for edit in order {
        let kept = text.get(done..edit.span.start).filter(|_| text.is_char_boundary(edit.span.end));
        let Some(kept) = kept else { return Err(edit.clone()) };
        out.push_str(kept);
        out.push_str(&edit.text);
        done = edit.span.end;
    }
    out.push_str(&text[done..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_file_order_whatever_order_they_come_in() {
        let edits = [
            Edit::insert(3, "X".into()),
            Edit { span: Span::new(0, 1), text: String::new() },
            Edit::insert(3, "Y".into()),
        ];
        assert_eq!(apply("abc", &edits).unwrap(), "bcXY");
    }

    #[test]
    fn overlaps_are_refused() {
        let first = Edit { span: Span::new(0, 2), text: String::new() };
        let second = Edit { span: Span::new(1, 2), text: String::new() };
        assert_eq!(apply("abc", &[first, second.clone()]), Err(second));
        assert!(apply("é", &[Edit::insert(1, String::new())]).is_err());
        assert!(apply("a", &[Edit::insert(2, String::new())]).is_err());
    }
}
