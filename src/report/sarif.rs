//! Findings as SARIF 2.1.0, which GitHub code scanning and editors read.
//!
//! Follows what "SARIF support for code scanning" in GitHub's documentation asks for: paths relative to the repository's
//! root, a stable identity for each result, no more results than are accepted.

use std::cmp::Reverse;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::fingerprint::{Fingerprint, fingerprints};
use super::{help, json};
use crate::plan::finding::{Code, Finding};

/// GitHub refuses a file with more results in a run.
const MOST_RESULTS: usize = 25_000;
/// What paths are relative to.
const ROOT: &str = "%SRCROOT%";

/// Findings as one SARIF log.
pub fn log(findings: &[&Finding]) -> String {
    let prints = fingerprints(findings.iter().copied());
    let mut kept: Vec<(&Finding, Fingerprint)> = findings.iter().copied().zip(prints).collect();
    // Of too many the most severe are kept; the sort is stable.
    let left_out = kept.len().saturating_sub(MOST_RESULTS);
    if left_out > 0 {
        kept.sort_by_key(|(finding, _)| Reverse(finding.severity));
        kept.truncate(MOST_RESULTS);
    }
    let results: Vec<Value> = kept.iter().map(|(finding, print)| result(finding, print)).collect();
    json::pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "pullcred",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {ROOT: {"description": {"text": "the root of the repository"}}},
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notifications(left_out)}],
            "results": results,
        }],
    }))
}

fn result(finding: &Finding, print: &Fingerprint) -> Value {
    let mut text = finding.message.clone();
    if let Some(hint) = &finding.hint {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    let mut location = json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&finding.file), "uriBaseId": ROOT},
        "region": {"startLine": finding.position.line, "startColumn": finding.position.column},
    }});
    if let Some(object) = &finding.object {
        let namespace = object.namespace.as_deref().unwrap_or("?");
        let full = format!("{}/{}/{namespace}/{}", object.api_version, object.kind, object.name);
        location["logicalLocations"] =
            json!([{"name": object.name, "fullyQualifiedName": full, "kind": "object"}]);
    }
    json!({
        "ruleId": finding.code.name(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == finding.code),
        "level": finding.severity.name(),
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"primaryLocationLineHash": print.to_string()},
    })
}

fn rule(code: Code) -> Value {
    let explanation = help::explanation(code);
    let tags = if code.is_skip() { json!(["kubernetes", "skipped"]) } else { json!(["kubernetes"]) };
    json!({
        "id": code.name(),
        "name": pascal(code.name()),
        "shortDescription": {"text": code.about()},
        "fullDescription": {"text": explanation},
        "help": {"text": explanation, "markdown": explanation},
        "helpUri": help::url(code),
        "defaultConfiguration": {"level": code.severity().name()},
        "properties": {"tags": tags},
    })
}

fn notifications(left_out: usize) -> Value {
    if left_out == 0 {
        return json!([]);
    }
    let text = format!("{left_out} findings were left out: a run holds {MOST_RESULTS} at most");
    json!([{"level": "warning", "message": {"text": text}}])
}

/// A path as a relative URI. [RFC 3986 §3.3]
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@!$&'()*+,;=".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `pull-secret-missing` as `PullSecretMissing`.
fn pascal(name: &str) -> String {
    let capital = |part: &str| part[..1].to_uppercase() + &part[1..];
    name.split('-').filter(|part| !part.is_empty()).map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::finding::Severity;
    use lossless_yaml::span::Position;

    fn finding(severity: Severity, line: usize) -> Finding {
        Finding {
            code: Code::PullSecretMissing,
            severity,
            file: "a b/ü#1%.yaml".to_owned(),
            position: Position { line, column: 3 },
            message: "text".to_owned(),
            hint: None,
            object: None,
        }
    }

    #[test]
    fn paths_become_relative_uris() {
        assert_eq!(uri("a b/ü#1%.yaml"), "a%20b/%C3%BC%231%25.yaml");
        assert_eq!(uri("deploy/web-1.yaml"), "deploy/web-1.yaml");
        assert_eq!(uri("c:d?"), "c%3Ad%3F");
        assert_eq!(pascal("pull-secret-missing"), "PullSecretMissing");
    }

    #[test]
    fn of_too_many_results_the_most_severe_are_kept() {
        let mut findings = vec![finding(Severity::Note, 1); MOST_RESULTS];
        findings.push(finding(Severity::Error, 2));
        let log: Value = serde_json::from_str(&log(&findings.iter().collect::<Vec<_>>())).unwrap_or_default();
        let run = &log["runs"][0];
        assert_eq!(run["results"].as_array().map(Vec::len), Some(MOST_RESULTS));
        assert_eq!(run["results"][0]["level"], "error");
        let said = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
        assert_eq!(said, "1 findings were left out: a run holds 25000 at most");
    }
}
