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

/// Whether a line begins with a marker, as Git writes it: alone, or a blank and a name behind it.
fn is_marked(line: &str, marker: &str) -> bool {
    let rest = line.strip_prefix(marker);
    rest.is_some_and(|rest| matches!(rest.bytes().next(), None | Some(b' ' | b'\r' | b'\n')))
}

/// Offset of the first line that is a conflict marker of Git.
pub fn conflict_marker(text: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if MARKERS.iter().any(|marker| is_marked(line, marker)) {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// The two versions of a text that an unfinished merge left in one; none where no marker is or they do not fit together.
pub fn sides(text: &str) -> Option<[String; 2]> {
    /// What the lines at hand belong to.
    #[derive(Clone, Copy, PartialEq)]
    enum Part {
        Both,
        Ours,
        /// The ancestor of both, which the style `diff3` shows.
        Base,
        Theirs,
    }
    let mut sides = [String::new(), String::new()];
    let (mut part, mut found) = (Part::Both, false);
    for line in text.split_inclusive('\n') {
        let marks = |marker: &str| is_marked(line, marker);
        part = match part {
            Part::Both if marks(MARKERS[0]) => {
                found = true;
                Part::Ours
            }
            Part::Ours if marks("|||||||") => Part::Base,
            Part::Ours | Part::Base if marks("=======") => Part::Theirs,
            Part::Theirs if marks(MARKERS[1]) => Part::Both,
            _ if MARKERS.iter().any(|marker| marks(marker)) => return None,
            part => {
                if matches!(part, Part::Both | Part::Ours) {
                    sides[0] += line;
                }
                if matches!(part, Part::Both | Part::Theirs) {
                    sides[1] += line;
                }
                part
            }
        };
    }
    (found && part == Part::Both).then_some(sides)
}

/// Offset of a carriage return that no line feed follows.
pub fn lone_carriage_return(text: &str) -> Option<usize> {
    text.match_indices('\r').map(|(at, _)| at).find(|&at| text.as_bytes().get(at + 1) != Some(&b'\n'))
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
    use super::{conflict_marker, sides};

    #[test]
    fn both_sides_of_a_merge_come_back() {
        let both = |ours: &str, theirs: &str| Some([ours.to_owned(), theirs.to_owned()]);
        let text = "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\nd\n<<<<<<< HEAD\n||||||| 1\ne\n=======\nf\n>>>>>>> x\n";
        assert_eq!(sides(text), both("a\nb\nd\n", "a\nc\nd\nf\n"));
        assert_eq!(sides("a\n=======\nb\n"), None);
        for unfinished in [
            "<<<<<<< a\n",
            "<<<<<<< a\n=======\n",
            ">>>>>>> a\n",
            "<<<<<<< a\n<<<<<<< b\n=======\n>>>>>>> c\n",
        ] {
            assert_eq!(sides(unfinished), None, "{unfinished}");
        }
    }

    #[test]
    fn a_marker_fills_the_beginning_of_a_line() {
        assert_eq!(conflict_marker("a: 1\n<<<<<<< HEAD\nb: 2\n"), Some(5));
        assert_eq!(conflict_marker(">>>>>>> other"), Some(0));
        assert_eq!(conflict_marker("a\r\n<<<<<<<\r\n"), Some(3));
        assert_eq!(conflict_marker("text: <<<<<<< HEAD\n <<<<<<< a\n<<<<<<<<\n=======\n"), None);
    }
}
