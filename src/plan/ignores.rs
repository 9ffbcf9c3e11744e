//! Findings that comments beside them want ignored, with a reason.
//!
//! A comment says what is reported, not what is written. One that lacks its reason, or names no code, ignores nothing and is
//! a finding itself.

use std::collections::BTreeSet;

use super::File;
use super::finding::{Code, Finding};

/// Takes out what comments of the selected files ignore, and adds what is wrong with the comments.
pub fn apply(files: &[File], findings: &mut Vec<Finding>) {
    let mut ignored = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| file.selected) {
        for ignore in file.facts.iter().flat_map(|facts| &facts.ignores) {
            let code = Code::ALL.iter().find(|code| code.name() == ignore.code);
            let message = match code {
                Some(code) if !ignore.reason.is_empty() => {
                    ignored.insert((file.path.as_str(), ignore.line, *code));
                    continue;
                }
                Some(code) => format!("`ignore {code}` gives no reason"),
                None if ignore.code.is_empty() => "`ignore` names no finding".to_owned(),
                None => format!("`{}` is no finding", ignore.code),
            };
            wrong.push(Finding {
                code: Code::IgnoreInvalid,
                severity: Code::IgnoreInvalid.severity(),
                file: file.path.clone(),
                position: ignore.position,
                message,
                hint: Some("write `# pullcred: ignore CODE reason`".to_owned()),
                object: None,
            });
        }
    }
    if !ignored.is_empty() {
        findings.retain(|f| !ignored.contains(&(f.file.as_str(), f.position.line, f.code)));
    }
    findings.append(&mut wrong);
}
