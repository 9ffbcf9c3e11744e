//! New scalars, safely quoted for readers of YAML 1.1 and 1.2 alike.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` as a string scalar: plain where every reader takes it for that string, else double-quoted.
///
/// YAML 1.1 readers (go-yaml, kubectl) turn `yes`, `1:30`, `0x1F`, `1_000` or `2001-01-01` into something else;
/// a plain scalar here starts with a letter, is no word of either version, and holds no indicator.
pub fn scalar(text: &str) -> Cow<'_, str> {
    if is_safe_plain(text) { Cow::Borrowed(text) } else { Cow::Owned(quoted(text)) }
}

/// `text` in double quotes, escaped so that YAML and JSON readers both take it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Control characters and the line breaks of YAML 1.1 would not survive as they are.
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

fn is_safe_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let first = text.starts_with("./")
        || text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'/');
    let rest = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'+'));
    first && rest && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_words_stay_plain() {
        for plain in ["regcred", "kubernetes.io/dockerconfigjson", "a-b.c", "v1", "e3"] {
            assert_eq!(scalar(plain), plain);
        }
        for other in
            ["", "yes", "No", "NULL", "~", "1e3", "0x1", "123", "a: b", "a #b", "-x", "2001-01-01", ".5"]
        {
            assert_eq!(scalar(other), format!("\"{other}\""));
        }
        assert_eq!(quoted("a\"\\\n\u{1}é"), r#""a\"\\\n\u0001é""#);
    }

    #[test]
    fn quoted_text_reads_back_in_yaml_and_json() {
        let text: String = (0..0x3000).filter_map(char::from_u32).chain("😀\u{feff}".chars()).collect();
        let written = quoted(&text);
        assert_eq!(serde_yaml::from_str::<String>(&written).unwrap(), text);
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}
