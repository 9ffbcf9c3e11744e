//! Machine output of `check`: stable, versioned, described by `schema --of check`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::plan::finding::{Finding, Severity};

/// What `check --format json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Check {
    /// Version of this format.
    pub version: u32,
    /// Every finding, sorted by file and position.
    pub findings: Vec<CheckFinding>,
    /// Counts of the run.
    pub summary: Summary,
}

/// One finding.
#[derive(Serialize, JsonSchema)]
pub struct CheckFinding {
    /// Stable kebab-case code.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// File, relative to the repository's root.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The object it is about.
    pub object: Option<CheckObject>,
}

/// The object of a finding.
#[derive(Serialize, JsonSchema)]
pub struct CheckObject {
    /// `apiVersion`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// Namespace, null where unknown.
    pub namespace: Option<String>,
}

/// Counts of a run.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// Files read.
    pub files: usize,
    /// Documents with content in them.
    pub documents: usize,
    /// Pod specs looked at, changed or not.
    #[serde(rename = "podSpecs")]
    pub pod_specs: usize,
    /// Changes that `sync` would make.
    pub changes: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings of severity note that are no skips.
    pub notes: usize,
    /// What was left alone, by code.
    pub skipped: BTreeMap<&'static str, usize>,
}

impl Summary {
    /// Counts findings by severity, skips by code.
    pub fn count(&mut self, findings: &[Finding]) {
        for finding in findings {
            if finding.code.is_skip() {
                *self.skipped.entry(finding.code.name()).or_default() += 1;
                continue;
            }
            match finding.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Note => self.notes += 1,
            }
        }
    }
}

/// Findings and counts as one JSON object.
pub fn check(findings: &[Finding], summary: &Summary) -> String {
    let findings = findings.iter().map(|finding| CheckFinding {
        code: finding.code.name(),
        severity: finding.severity.name(),
        file: finding.file.clone(),
        line: finding.position.line,
        column: finding.position.column,
        message: finding.message.clone(),
        hint: finding.hint.clone(),
        object: finding.object.as_ref().map(|object| CheckObject {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            name: object.name.clone(),
            namespace: object.namespace.clone(),
        }),
    });
    pretty(&Check { version: 1, findings: findings.collect(), summary: summary.clone() })
}

/// JSON for people and machines: indented, with a final newline.
pub fn pretty(value: &impl Serialize) -> String {
    // Plain data with text keys always serialises.
    serde_json::to_string_pretty(value).map(|text| text + "\n").unwrap_or_default()
}
