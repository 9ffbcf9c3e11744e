//! Findings for people: position first, then the sentence, then what to do.

use std::fmt::Write as _;

use super::plain;
use super::style::Style;
use crate::plan::finding::{Finding, Severity};

/// One finding, a line and perhaps a hint.
pub fn finding(finding: &Finding, style: Style) -> String {
    let severity = match finding.severity {
        Severity::Error => style.red("error"),
        Severity::Warning => style.yellow("warning"),
        Severity::Note => style.cyan("note"),
    };
    let place = style.bold(format!("{}:{}", plain(&finding.file), finding.position));
    let mut out = format!("{severity}: {place}: {} [{}]\n", plain(&finding.message), finding.code);
    if let Some(hint) = &finding.hint {
        let _ = writeln!(out, "{}: {}", style.cyan("hint"), plain(hint));
    }
    out
}

/// `1 file`, `2 files`, `2 registries`.
pub fn count(number: usize, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("1 {noun}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {noun}s"),
    }
}
