//! Templates of Helm, Jinja and the like, which are no manifests yet: how their syntax shows, in text and in what is YAML all the
//! same.

use memchr::memmem;

use lossless_yaml::parse::Node;

const MARKS: [&str; 4] = ["{{", "{%", "<%", "<#"];

/// Whether text that is no YAML looks like a template rather than a mistake.
pub(super) fn is_likely(text: &str) -> bool {
    MARKS.iter().any(|mark| memmem::find(text.as_bytes(), mark.as_bytes()).is_some())
}

/// Whether template marks stand where YAML would take them for its own, not within words as in a description.
pub(super) fn is_doubtful(text: &str) -> bool {
    let begins_value = |at: usize| {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let before = before.strip_suffix(['"', '\'']).unwrap_or(before).trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', '\r', ':', '-', '?', ',', '[', '{'])
    };
    MARKS.iter().any(|mark| memmem::find_iter(text.as_bytes(), mark).any(begins_value))
}

/// Whether unquoted `{{ }}` (YAML reads it as a mapping whose key is a mapping) or a `${VAR}` key stands in the tree.
pub(super) fn is_tree(node: Node<'_, '_>) -> bool {
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        for (key, value) in node.pairs() {
            if node.is_flow() && key.is_mapping() || key.as_str().is_some_and(|key| key.starts_with("${")) {
                return true;
            }
            waiting.push(value);
        }
        waiting.extend(node.items());
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_within_words_leave_no_doubt() {
        for text in ["a: now() - duration(\"{{args.x}}\")\n", "a: x {% y %}\n", "# see {{ x }}\n"] {
            assert!(is_likely(text) && !is_doubtful(text), "{text}");
        }
        for text in [
            "{{- if .x }}\n",
            "a: {{ x }}\n",
            "a: \"{{ x }}\"\n",
            "- {{ x }}\n",
            "a: {b: 1, <%= x %>}\n",
            "a: x\n  {{ y }}\n",
        ] {
            assert!(is_doubtful(text), "{text}");
        }
    }
}
