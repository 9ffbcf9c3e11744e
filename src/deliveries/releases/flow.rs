//! A tree as YAML in one line, so that it can be handed on as values.

use offline_kustomize::value::Value;
use std::fmt::Write as _;

/// The text. What was written without quotes may be a number and stays without.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Depth is bounded by that of the tree.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Scalar(text, true) if is_plain(text) => out.push_str(text),
        Value::Scalar(text, _) => quoted(text, out),
        Value::List(items) => {
            out.push('[');
            for (nth, item) in items.iter().enumerate() {
                if nth > 0 {
                    out.push_str(", ");
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Map(pairs) => {
            out.push('{');
            for (nth, (key, value)) in pairs.iter().enumerate() {
                if nth > 0 {
                    out.push_str(", ");
                }
                quoted(key, out);
                out.push_str(": ");
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// Whether a text can stand without quotes there; everything that is a number, a date or a word can.
fn is_plain(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | ':' | '~');
    !text.is_empty() && text.chars().all(fits) && !text.ends_with(':') && !text.starts_with(['-', ':'])
        || text.parse::<f64>().is_ok()
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use offline_kustomize::documents::documents;

    #[test]
    fn what_is_read_again_is_the_same() {
        for yaml in [
            "a: 1\nb: '1'\nc: -0x1F\nd: 1e3\ne: ~\nf: \"\\n x\"\n",
            "a: b, c\nb: [x, {y: null}]\nc: {}\nd: []\ne: \"\"\nf: '{'\n",
            "a: |\n  two\n  lines\n'a b': yes\n'#': '# x'\nt: 2001-01-01T10:00:00Z\nu: 'a:'\nv: http://x:1/y\n",
            "a: -1\nb: -.inf\nc: .5\nd: '-'\ne: '*x'\nf: \"\\u0007\"\n",
        ] {
            let tree = documents(yaml).unwrap().remove(0);
            assert_eq!(documents(&text(&tree)).unwrap()[0].pairs().len(), tree.pairs().len(), "{yaml}");
            for ((key, old), (_, new)) in tree.pairs().iter().zip(documents(&text(&tree)).unwrap()[0].pairs())
            {
                assert_eq!(old.as_str(), new.as_str(), "{yaml} at {key}");
                assert_eq!(old.items().len(), new.items().len(), "{yaml} at {key}");
            }
        }
    }
}
