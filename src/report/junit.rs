//! Findings as JUnit XML, which GitLab, Jenkins, Azure Pipelines and others show as test results.
//!
//! One suite a file, one case a finding: what fails the run is a failure, what was left alone is skipped, the rest passes
//! with a word. A clean run is one case that passes, because readers take an empty report for a broken one.

use std::fmt::Write as _;

use crate::plan::finding::Finding;

/// Findings, sorted by file, as one XML document; `fails` says which of them fail the run.
pub fn document(findings: &[&Finding], fails: impl Fn(&Finding) -> bool) -> String {
    let totals = Counts::of(findings, &fails);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    if findings.is_empty() {
        out.push_str(
            "<testsuites name=\"pullcred\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\">\n",
        );
        out.push_str(
            "  <testsuite name=\"pullcred\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\">\n",
        );
        out.push_str(
            "    <testcase classname=\"pullcred\" name=\"check\"/>\n  </testsuite>\n</testsuites>\n",
        );
        return out;
    }
    let _ = writeln!(out, "<testsuites name=\"pullcred\" {totals}>");
    for suite in findings.chunk_by(|a, b| a.file == b.file) {
        let file = escaped(&suite[0].file);
        let _ = writeln!(out, "  <testsuite name=\"{file}\" {}>", Counts::of(suite, &fails));
        for finding in suite {
            case(&mut out, finding, fails(finding));
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, finding: &Finding, fails: bool) {
    let (code, message) = (finding.code.name(), escaped(&finding.message));
    let file = escaped(&finding.file);
    let line = finding.position.line;
    let _ = writeln!(
        out,
        "    <testcase classname=\"{file}\" name=\"{code}: {message}\" file=\"{file}\" line=\"{line}\">"
    );
    let mut text = format!("{}:{}: {}", finding.file, finding.position, finding.message);
    if let Some(hint) = &finding.hint {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    let text = escaped(&text);
    let _ = match () {
        () if fails => {
            writeln!(out, "      <failure type=\"{code}\" message=\"{message}\">{text}</failure>")
        }
        () if finding.code.is_skip() => writeln!(out, "      <skipped message=\"{message}\"/>"),
        () => writeln!(out, "      <system-out>{}: {text}</system-out>", finding.severity.name()),
    };
    out.push_str("    </testcase>\n");
}

struct Counts {
    tests: usize,
    failures: usize,
    skipped: usize,
}

impl Counts {
    fn of(findings: &[&Finding], fails: impl Fn(&Finding) -> bool) -> Self {
        let failures = findings.iter().filter(|finding| fails(finding)).count();
        let skipped = findings.iter().filter(|finding| finding.code.is_skip() && !fails(finding)).count();
        Self { tests: findings.len(), failures, skipped }
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tests, failures, skipped } = self;
        write!(f, "tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"")
    }
}

/// Text for content and for attributes; what XML 1.0 has no way to write becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn everything_can_be_written() {
        assert_eq!(super::escaped("a<b>&\"c\"\n\u{1}"), "a&lt;b&gt;&amp;&quot;c&quot;&#10;\u{fffd}");
    }
}
