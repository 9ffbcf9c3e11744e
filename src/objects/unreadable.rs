//! A document that cannot be read, and what is to say of it where a merge was not finished.
//!
//! Mends nothing. Conflict markers are looked for only where the parser has already given up, so they cost nothing.

use lossless_yaml::parse::ParseError;
use lossless_yaml::span::Position;

/// A document that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where the reader gave up.
    pub position: Position,
    /// Why.
    pub reason: String,
    /// What to do, where it is known.
    pub hint: Option<&'static str>,
}

/// What Git puts before the first side of a conflict and after the last.
const MARKERS: [&str; 2] = ["<<<<<<<", ">>>>>>>"];
/// What they mean.
pub const CONFLICT: &str = "conflict markers: a merge was not finished here";
/// Parts of two ciphertexts make no third one, so lines must not be picked.
const WHOLE_SIDE: &str = "take one side of an encrypted file as a whole (`git checkout --ours FILE`, or `--theirs`), then run `pullcred sync`";
const FINISH: &str = "finish the merge, then run it again";

/// Offset of the first line that is a conflict marker of Git.
pub fn conflict_marker(text: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let rest = MARKERS.iter().find_map(|marker| line.strip_prefix(marker));
        if rest.is_some_and(|rest| matches!(rest.bytes().next(), None | Some(b' ' | b'\r' | b'\n'))) {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// Where and why a document that begins at `start` of its file is no YAML, and what to do where that is known.
pub fn explain(source: &str, start: usize, error: ParseError) -> (usize, String, Option<&'static str>) {
    match conflict_marker(source) {
        Some(at) => {
            let hint = if source.contains("ENC[AES256_GCM,") { WHOLE_SIDE } else { FINISH };
            (start + at, CONFLICT.to_owned(), Some(hint))
        }
        None => (error.offset, error.reason, None),
    }
}

#[cfg(test)]
mod tests {
    use super::conflict_marker;

    #[test]
    fn a_marker_fills_the_beginning_of_a_line() {
        assert_eq!(conflict_marker("a: 1\n<<<<<<< HEAD\nb: 2\n"), Some(5));
        assert_eq!(conflict_marker(">>>>>>> other"), Some(0));
        assert_eq!(conflict_marker("a\r\n<<<<<<<\r\n"), Some(3));
        assert_eq!(conflict_marker("text: <<<<<<< HEAD\n <<<<<<< a\n<<<<<<<<\n=======\n"), None);
    }
}
