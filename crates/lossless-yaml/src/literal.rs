//! A text within a file: a literal block scalar (`key: |`) read and edited as if it stood alone.
//!
//! Its header, its indentation and everything around it stay as they are. Refuses folded and quoted texts, and those whose
//! indentation is given by a number: there a line of the text is not a line of the file.

use super::edit::Edit;
use super::parse::{Kind, Node, Style};
use super::span::{Span, line_end};

/// A literal block scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Its text without the line break at its end.
    pub text: String,
    /// Where each of its lines begins in the file, and how many blanks of indentation it has there.
    lines: Vec<(usize, usize)>,
    indent: usize,
    newline: &'static str,
}

impl Literal {
    /// Reads the value of a pair; none where it is no such scalar.
    pub fn of(key: Node<'_, '_>, value: Node<'_, '_>) -> Option<Literal> {
        if value.kind() != Kind::Scalar(Style::Block) || value.tag().is_some() || value.is_anchored() {
            return None;
        }
        let file = value.document().text();
        let header_end = line_end(file, key.span().end);
        let header = file[key.span().end..header_end].trim().strip_prefix(':')?.trim_start();
        let rest = header.strip_prefix('|')?.trim_start_matches(['+', '-']);
        if !(rest.trim().is_empty() || rest.trim_start().starts_with('#')) {
            return None;
        }
        let newline = if file[header_end..].starts_with("\r\n") { "\r\n" } else { "\n" };
        let mut literal = Literal { text: String::new(), lines: Vec::new(), indent: 0, newline };
        let mut texts: Vec<&str> = Vec::new();
        let mut at = header_end + newline.len();
        while at < file.len() {
            let end = line_end(file, at);
            let line = &file[at..end];
            let blanks = line.len() - line.trim_start_matches(' ').len();
            if blanks < line.len() {
                if literal.indent == 0 {
                    literal.indent = blanks;
                }
                if blanks < literal.indent || blanks == 0 {
                    break;
                }
            }
            let indent = blanks.min(literal.indent);
            literal.lines.push((at, indent));
            texts.push(&line[indent..]);
            at = end + file[end..].find('\n').map_or(0, |found| found + 1);
            if at == end {
                break;
            }
        }
        while texts.last().is_some_and(|line| line.trim().is_empty()) {
            texts.pop();
            literal.lines.pop();
        }
        literal.text = texts.join("\n");
        (value.as_str()?.trim_end_matches('\n') == literal.text && !literal.text.is_empty())
            .then_some(literal)
    }

    /// Where it begins in the file.
    pub fn start(&self) -> usize {
        self.lines.first().map_or(0, |(at, _)| *at)
    }

    /// Edits of the text as edits of the file. None where one goes over the end of a line.
    pub fn outward(&self, edits: &[Edit]) -> Option<Vec<Edit>> {
        edits.iter().map(|edit| self.edit(edit)).collect()
    }

    fn edit(&self, edit: &Edit) -> Option<Edit> {
        let start = self.offset(edit.span.start)?;
        let end = self.offset(edit.span.end)?;
        if end - start != edit.span.end - edit.span.start {
            return None;
        }
        let mut text = String::with_capacity(edit.text.len());
        for (nth, line) in edit.text.split('\n').enumerate() {
            if nth > 0 {
                text.push_str(self.newline);
                if !line.is_empty() || edit.text.ends_with('\n') {
                    text.extend(std::iter::repeat_n(' ', self.indent));
                }
            }
            text.push_str(line);
        }
        Some(Edit { span: Span::new(start, end), text })
    }

    fn offset(&self, inner: usize) -> Option<usize> {
        let before = self.text.get(..inner)?;
        let line = before.bytes().filter(|byte| *byte == b'\n').count();
        let column = inner - before.rfind('\n').map_or(0, |at| at + 1);
        let (at, indent) = self.lines.get(line)?;
        Some(at + indent + column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn literal(file: &str) -> Option<Literal> {
        let documents = parse(file, Span::new(0, file.len())).ok()?;
        let (key, value) = documents[0].root()?.pairs().next()?;
        Literal::of(key, value)
    }

    #[test]
    fn a_text_is_read_without_its_indentation() {
        let found = literal("a: |-  # why\n    x: 1\n\n    y:\n      - z\n\nb: 1\n").unwrap();
        assert_eq!(found.text, "x: 1\n\ny:\n  - z");
    }

    #[test]
    fn edits_of_the_text_are_edits_of_the_file() {
        for (file, expected) in [
            ("a: |\n  x: 1\nb: 2\n", "a: |\n  x: 1\n  n: 3\nb: 2\n"),
            ("a: |-\r\n  x: 1\r\nb: 2\r\n", "a: |-\r\n  x: 1\r\n  n: 3\r\nb: 2\r\n"),
            ("a: |\n  x: 1", "a: |\n  x: 1\n  n: 3"),
        ] {
            let found = literal(file).unwrap();
            let edits = found.outward(&[Edit::insert(found.text.len(), "\nn: 3".to_owned())]).unwrap();
            assert_eq!(crate::edit::apply(file, &edits).unwrap(), expected);
        }
    }

    #[test]
    fn other_texts_are_left_alone() {
        for file in [
            "a: >\n  x\n",
            "a: |2\n    x\n",
            "a: \"x\"\n",
            "a: &n |\n  x\n",
            "a: !!str |\n  x\n",
            "a: |\nb: 1\n",
        ] {
            assert_eq!(literal(file), None, "{file}");
        }
    }
}
