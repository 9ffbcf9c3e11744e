//! Findings for people: position first, then the sentence, then what to do.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::plain;
use super::style::Style;
use crate::plan::finding::{Code, Finding, Severity};

/// One finding, a line and perhaps a hint.
pub fn finding(finding: &Finding, style: Style) -> String {
    let severity = colored(finding.severity, style);
    let place = style.bold(format!("{}:{}", plain(&finding.file), finding.position));
    let mut out = format!("{severity}: {place}: {} [{}]\n", plain(&finding.message), finding.code);
    if let Some(hint) = &finding.hint {
        let _ = writeln!(out, "{}: {}", style.cyan("hint"), plain(hint));
    }
    out
}

/// Findings of one kind that are shown one by one.
const CROWD: usize = 10;

/// Findings in their order. Of one kind the first ten are shown, and the rest are summed up in a line at the end, unless `all`
/// are asked for.
pub fn findings(findings: &[&Finding], all: bool, style: Style) -> String {
    let mut kinds: BTreeMap<(Reverse<Severity>, Code), Vec<&Finding>> = BTreeMap::new();
    let mut out = String::new();
    for finding in findings {
        let same = kinds.entry((Reverse(finding.severity), finding.code)).or_default();
        same.push(finding);
        if all || same.len() <= CROWD {
            out += &self::finding(finding, style);
        }
    }
    for ((Reverse(severity), code), same) in kinds {
        let Some(rest @ [_, ..]) = same.get(CROWD..).filter(|_| !all) else { continue };
        let files: BTreeSet<&str> = rest.iter().map(|finding| finding.file.as_str()).collect();
        let _ = writeln!(
            out,
            "{}: and {} more of this kind in {} [{code}]",
            colored(severity, style),
            rest.len(),
            count(files.len(), "file")
        );
        let _ = writeln!(out, "{}: `-v` shows them all", style.cyan("hint"));
    }
    out
}

fn colored(severity: Severity, style: Style) -> String {
    match severity {
        Severity::Error => style.red("error"),
        Severity::Warning => style.yellow("warning"),
        Severity::Note => style.cyan("note"),
    }
    .to_string()
}

/// `1 file`, `2 files`, `2 registries`.
pub fn count(number: usize, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if number == 1 => format!("1 {noun}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {noun}s"),
    }
}
