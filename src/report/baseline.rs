//! A baseline: findings that a repository starts with, written down so that only new ones count.
//!
//! One line a finding, sorted, so that it reads well in a diff and shrinks without conflicts. Only fingerprints decide; the
//! rest of a line is for people.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::fingerprint::fingerprints;
use crate::plan::finding::Finding;

/// The version of the format that is written and read.
const VERSION: u32 = 1;

/// Findings that do not count.
#[derive(Debug, Default)]
pub struct Baseline {
    known: BTreeSet<String>,
}

/// What a baseline did to the findings of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Findings that it took out.
    pub known: usize,
    /// Its entries that nothing in the repository answers to any more.
    pub gone: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    findings: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fingerprint: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    object: String,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let stored: Stored =
            serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| error.to_string())?;
        if stored.version != VERSION {
            return Err(format!("version {} of the format is not known", stored.version));
        }
        Ok(Self { known: stored.findings.into_iter().map(|entry| entry.fingerprint).collect() })
    }

    /// Takes out the findings that are known.
    pub fn apply(&self, findings: &mut Vec<Finding>) -> Applied {
        let prints: Vec<String> = fingerprints(&*findings).iter().map(ToString::to_string).collect();
        let mut prints = prints.iter();
        let mut met = BTreeSet::new();
        findings.retain(|_| {
            let known = prints.next().filter(|print| self.known.contains(*print));
            met.extend(known);
            known.is_none()
        });
        Applied { known: met.len(), gone: self.known.len() - met.len() }
    }
}

/// The findings of a run as a baseline.
pub fn render(findings: &[Finding]) -> String {
    let mut entries: Vec<Entry> = fingerprints(findings)
        .into_iter()
        .zip(findings)
        .map(|(print, finding)| Entry {
            fingerprint: print.to_string(),
            code: finding.code.name().to_owned(),
            file: finding.file.clone(),
            object: finding.object.as_ref().map(|o| format!("{} {}", o.kind, o.name)).unwrap_or_default(),
        })
        .collect();
    let key = |entry: &Entry| (entry.file.clone(), entry.code.clone(), entry.fingerprint.clone());
    entries.sort_by_cached_key(key);
    // Plain data with text keys always serialises.
    let lines = entries.iter().filter_map(|entry| serde_json::to_string(entry).ok());
    let lines: Vec<String> = lines.map(|line| format!("    {line}")).collect();
    let list = if lines.is_empty() { String::new() } else { format!("\n{}\n  ", lines.join(",\n")) };
    format!("{{\n  \"version\": {VERSION},\n  \"findings\": [{list}]\n}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::finding::Code;
    use lossless_yaml::span::Position;

    fn finding(line: usize, message: &str) -> Finding {
        Finding {
            code: Code::DuplicateEntry,
            severity: Code::DuplicateEntry.severity(),
            file: "a.yaml".to_owned(),
            position: Position { line, column: 1 },
            message: message.to_owned(),
            hint: None,
            object: None,
        }
    }

    #[test]
    fn what_is_written_is_known_wherever_it_moved_and_one_more_is_new() {
        let text = render(&[finding(3, "x"), finding(4, "y"), finding(5, "x")]);
        let baseline = Baseline::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let mut later = vec![finding(7, "x"), finding(8, "x"), finding(9, "x"), finding(10, "z")];
        assert_eq!(baseline.apply(&mut later), Applied { known: 2, gone: 1 });
        assert_eq!(later, [finding(9, "x"), finding(10, "z")]);
    }

    #[test]
    fn an_empty_one_and_what_is_none() {
        assert_eq!(render(&[]), "{\n  \"version\": 1,\n  \"findings\": []\n}\n");
        assert!(Baseline::parse(&render(&[])).is_ok());
        for wrong in ["", "[]", "{}", r#"{"version": 2, "findings": []}"#, r#"{"version": 1}"#] {
            assert!(Baseline::parse(wrong).is_err(), "{wrong}");
        }
    }
}
