//! Unified diffs, as `git apply` takes them.

use similar::{ChangeTag, TextDiff};

use super::plain;
use super::style::Style;

/// The change of one file; `before` is none for a new one, `after` none for one that goes.
pub fn render(path: &str, before: Option<&str>, after: Option<&str>, style: Style) -> String {
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default());
    let old = before.map_or_else(|| "/dev/null".to_owned(), |_| format!("a/{}", plain(path)));
    let new = after.map_or_else(|| "/dev/null".to_owned(), |_| format!("b/{}", plain(path)));
    let mut out = format!("{}\n{}\n", style.bold(format!("--- {old}")), style.bold(format!("+++ {new}")));
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        out.push_str(&style.cyan(hunk.header()));
        out.push('\n');
        for change in hunk.iter_changes() {
            let line = change.value();
            let (text, ending) = match line.strip_suffix('\n') {
                Some(text) => (text, ""),
                None => (line, "\n\\ No newline at end of file"),
            };
            let line = match change.tag() {
                ChangeTag::Equal => format!(" {text}"),
                ChangeTag::Delete => style.red(format!("-{text}")),
                ChangeTag::Insert => style.green(format!("+{text}")),
            };
            out.push_str(&line);
            out.push_str(ending);
            out.push('\n');
        }
    }
    out
}
