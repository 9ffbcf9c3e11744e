//! What `toYamlPretty` gives: the same as `toYaml`, with lists indented below their keys.

use super::write::to_yaml;
use crate::value::Value;

/// YAML whose lists are indented by two spaces, with the newline at its end. The error says what cannot be written.
pub fn to_yaml_pretty(value: &Value) -> Result<String, String> {
    let flat = to_yaml(value)?;
    let mut out = String::with_capacity(flat.len() + flat.len() / 8);
    // The columns of the lists that are open and stand below a key, outermost first.
    let mut lists: Vec<usize> = Vec::new();
    let mut key_column = None;
    let mut block: Option<usize> = None;
    for line in flat.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let rest = &line[indent..];
        let in_block = block.is_some_and(|column| rest.is_empty() || indent > column);
        if !in_block {
            block = None;
            let item = rest == "-" || rest.starts_with("- ");
            lists.retain(|column| *column < indent || *column == indent && item);
            if item && key_column == Some(indent) && lists.last() != Some(&indent) {
                lists.push(indent);
            }
        }
        if !rest.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent + 2 * lists.len()));
        }
        out.push_str(rest);
        out.push('\n');
        if !in_block {
            let dashes = rest.len() - rest.trim_start_matches("- ").len();
            let content = &rest[dashes..];
            key_column = content.ends_with(':').then_some(indent + dashes);
            if content.ends_with(['|', '>'])
                || content.ends_with("|-")
                || content.ends_with("|+")
                || content.ends_with(">-")
            {
                block = Some(indent + dashes);
            }
        }
    }
    Ok(out)
}
