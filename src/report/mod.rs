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

/// Rows as columns for people, two blanks apart; no blanks at the end of a line.
pub fn table<R: AsRef<[String]>>(rows: &[R]) -> String {
    let mut widths = Vec::new();
    for row in rows {
        let row = row.as_ref();
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &R| {
        let cells = row.as_ref().iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
