//! Byte ranges in a file, and the lines and columns shown to people.
//!
//! Everything inside the program is a byte offset; lines and columns exist only in messages.

use std::cell::OnceCell;
use std::fmt;

/// A half-open range of bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Number of bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the range holds no byte, as that of a null value that nobody wrote.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes of `text` in this range.
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// A place as people and editors name it: both numbers start at 1, the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// The first character of a file, for what concerns the whole of it.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Turns byte offsets of one file into positions.
pub struct LineIndex<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// Characters before each block of `BLOCK` bytes: a file that is one long line is asked for many columns.
    blocks: OnceCell<Vec<usize>>,
}

/// Lines up to this many bytes are counted each time.
const BLOCK: usize = 1 << 12;

impl<'t> LineIndex<'t> {
    /// Finds the line starts of `text`; a line ends with `\n`, as editors count.
    pub fn new(text: &'t str) -> Self {
        let starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { text, starts, blocks: OnceCell::new() }
    }

    /// The position of the character at byte `offset`; past the end, that of the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = self.starts[line - 1];
        let mut column = 1 + match offset - start {
            ..=BLOCK => characters(&self.text.as_bytes()[start..offset]),
            _ => self.characters_before(offset) - self.characters_before(start),
        };
        if line == 1 && self.text.starts_with('\u{feff}') && offset >= 3 {
            column -= 1; // a byte order mark is no character to an editor
        }
        Position { line, column }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let bytes = self.text.as_bytes();
        let blocks = self.blocks.get_or_init(|| {
            let counts = bytes.chunks(BLOCK).scan(0, |sum, block| {
                *sum += characters(block);
                Some(*sum)
            });
            std::iter::once(0).chain(counts).collect()
        });
        let block = offset / BLOCK;
        blocks[block] + characters(&bytes[block * BLOCK..offset])
    }
}

/// The characters that begin in `bytes`: those that do not continue a UTF-8 sequence.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// Where the line that holds `offset` begins.
pub fn line_start(text: &str, offset: usize) -> usize {
    memchr::memrchr(b'\n', &text.as_bytes()[..offset]).map_or(0, |at| at + 1)
}

/// Where the line that holds `offset` ends, its line break not included.
pub fn line_end(text: &str, offset: usize) -> usize {
    let bytes = text.as_bytes();
    let end = memchr::memchr(b'\n', &bytes[offset..]).map_or(bytes.len(), |at| offset + at);
    if end > offset && end < bytes.len() && bytes[end - 1] == b'\r' { end - 1 } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_skip_the_byte_order_mark() {
        let index = LineIndex::new("\u{feff}a: é\r\nb: 1");
        assert_eq!(index.position(3), Position { line: 1, column: 1 });
        assert_eq!(index.position(8), Position { line: 1, column: 5 });
        assert_eq!(index.position(10), Position { line: 2, column: 1 });
        assert_eq!(index.position(99), Position { line: 2, column: 5 });
    }

    #[test]
    fn columns_of_long_lines() {
        let text = format!("\u{feff}{}\n{}b", "é".repeat(BLOCK), "aé".repeat(2 * BLOCK));
        let index = LineIndex::new(&text);
        for (offset, _) in text.char_indices().step_by(997).chain([(text.len(), 'b')]) {
            let before = text[..offset].trim_start_matches('\u{feff}');
            let (line, rest) = before.split_once('\n').map_or((1, before), |(_, rest)| (2, rest));
            assert_eq!(index.position(offset), Position { line, column: rest.chars().count() + 1 });
        }
    }

    #[test]
    fn lines_end_before_their_line_break() {
        let text = "ab\r\ncd\nef";
        assert_eq!((line_start(text, 1), line_end(text, 1)), (0, 2));
        assert_eq!((line_start(text, 5), line_end(text, 5)), (4, 6));
        assert_eq!((line_start(text, 8), line_end(text, 8)), (7, 9));
    }
}
