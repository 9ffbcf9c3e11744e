//! Findings as workflow commands of GitHub Actions, which shows them beside the lines.

use super::plain;
use crate::plan::finding::{Finding, Severity};

/// One finding as one annotation.
pub fn annotation(finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut message = plain(&finding.message).into_owned();
    if let Some(hint) = &finding.hint {
        message.push_str("\nhint: ");
        message.push_str(&plain(hint));
    }
    let (file, title) = (property(&plain(&finding.file)), property(finding.code.name()));
    let (line, column) = (finding.position.line, finding.position.column);
    format!("::{level} file={file},line={line},col={column},title={title}::{}\n", data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    #[test]
    fn separators_are_escaped() {
        assert_eq!(super::data("50%\r\nof: a,b"), "50%25%0D%0Aof: a,b");
        assert_eq!(super::property("a:b,c%"), "a%3Ab%2Cc%25");
    }
}
