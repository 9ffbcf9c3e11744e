//! What comments of a file say to pullcred: `# pullcred: skip-file` and `# pullcred: ignore CODE reason`.
//!
//! Comments are found as text, because a parser drops them. A `#` inside of a scalar counts too, which harms nobody: it
//! speaks for its own line and the next one only.

use memchr::memmem;

use lossless_yaml::span::{LineIndex, Position, line_end, line_start};

/// What every such comment begins with, behind its `#`.
const MARK: &str = "pullcred:";

/// `# pullcred: ignore CODE reason`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// Where the comment starts.
    pub position: Position,
    /// The line it speaks for: its own, or, when it stands alone, the next one that is more than a comment.
    pub line: usize,
    /// The finding's code; empty when it is missing.
    pub code: String,
    /// Why; empty when it is missing.
    pub reason: String,
}

/// Whether a comment of the file says `pullcred: skip-file`.
pub fn skips_file(text: &str) -> bool {
    words(text).any(|(_, words)| words.starts_with("skip-file"))
}

/// Every comment of the file that wants a finding ignored.
pub fn ignores(text: &str) -> Vec<Ignore> {
    let mut index = None;
    let mut found = Vec::new();
    for (hash, words) in words(text) {
        let Some(rest) = words.strip_prefix("ignore").filter(|rest| !rest.starts_with(is_name)) else {
            continue;
        };
        let index = index.get_or_insert_with(|| LineIndex::new(text));
        let rest = rest.trim();
        let (code, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let stands_alone = text[line_start(text, hash)..hash].trim().is_empty();
        let speaks_for = if stands_alone { next_content(text, hash) } else { hash };
        found.push(Ignore {
            position: index.position(hash),
            line: index.position(speaks_for).line,
            code: code.to_owned(),
            reason: reason.trim().to_owned(),
        });
    }
    found
}

/// Every comment for us: the offset of its `#`, and what follows the mark on its line.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    memmem::find_iter(text.as_bytes(), MARK).filter_map(|at| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let rest = &text[at + MARK.len()..line_end(text, at)];
        before.ends_with('#').then(|| (before.len() - 1, rest.trim_start()))
    })
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '-'
}

/// The start of the next line after `offset` that is neither blank nor only a comment.
fn next_content(text: &str, offset: usize) -> usize {
    let mut start = offset;
    while let Some(end) = memchr::memchr(b'\n', &text.as_bytes()[start..]) {
        start += end + 1;
        let line = text[start..line_end(text, start)].trim_start();
        if !line.is_empty() && !line.starts_with('#') {
            break;
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_speaks_for_its_line_or_for_the_next_one_with_content() {
        let text = "a: 1 # pullcred: ignore job-immutable made anew\r\n# pullcred: ignore x-y why not\n\n  # pullcred:ignore z because\n# other\nb: 2\n";
        let found = ignores(text);
        let seen: Vec<_> =
            found.iter().map(|i| (i.position.line, i.line, i.code.as_str(), i.reason.as_str())).collect();
        assert_eq!(
            seen,
            [(1, 1, "job-immutable", "made anew"), (2, 6, "x-y", "why not"), (4, 6, "z", "because")]
        );
    }

    #[test]
    fn what_is_missing_is_empty_and_other_words_are_none_of_ours() {
        let found = ignores(
            "a: 1 # pullcred: ignore\nb: 2 # pullcred: ignore code\n# pullcred: ignored x y\npullcred: ignore a b\n",
        );
        let seen: Vec<_> = found.iter().map(|i| (i.code.as_str(), i.reason.as_str())).collect();
        assert_eq!(seen, [("", ""), ("code", "")]);
        assert!(skips_file("#pullcred: skip-file\n") && !skips_file("a: pullcred: skip-file\n"));
    }
}
