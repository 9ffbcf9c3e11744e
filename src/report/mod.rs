//! The plan for people and machines: one renderer each, none decides anything.

pub mod baseline;
pub mod diff;
pub mod fingerprint;
pub mod github;
pub mod help;
pub mod html;
pub mod json;
pub mod junit;
pub mod krm;
pub mod list;
pub mod sarif;
pub mod style;
pub mod text;

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text that has lines of its own, each for people as [`plain`] writes it.
pub fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// A text of the repository for people: what would move a cursor, break the line or turn letters around is written as an
/// escape, for names and paths come from other people's branches and end in terminals and logs.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_tricky) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_tricky(c) && u32::from(c) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if is_tricky(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Control characters, line breaks of any kind, marks of direction, and what cannot be seen.
fn is_tricky(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Rows as columns for people, two blanks apart; no blanks at the end of a line.
pub fn table<R: AsRef<[String]>>(rows: &[R]) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> =
        rows.iter().map(|row| row.as_ref().iter().map(|cell| plain(cell)).collect()).collect();
    let mut widths = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &Vec<Cow<'_, str>>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_tricky_reaches_a_terminal() {
        assert_eq!(
            plain("a\u{1b}[31mb\n\u{202e}c\u{2028}\td\u{85}é`x`"),
            "a\\x1b[31mb\\n\\u{202e}c\\u{2028}\\td\\x85é`x`"
        );
        assert!(matches!(plain("plain, ünïcödé"), Cow::Borrowed(_)));
    }
}
