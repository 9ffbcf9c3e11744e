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
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
