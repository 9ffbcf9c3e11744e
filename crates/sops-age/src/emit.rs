//! Documents as YAML text in the layout of sops: four columns a level, sequences indented below their key.
//!
//! Writes new text only. Strings are quoted where go-yaml v3 would quote them, and in every case where a YAML 1.1 and
//! a YAML 1.2 reader could disagree. Source of the layout: `yaml_emitter_increase_indent` in go.yaml.in/yaml/v3.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::scalar;
use super::spelling;
use super::tree::{Leaf, Token, Tree};
use super::value;
use lossless_yaml::emit;

/// Columns a level.
const INDENT: usize = 4;

impl Tree {
    /// The document as YAML.
    pub fn to_yaml(&self) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::new());
        document(self, &mut out);
        out
    }
}

/// An open collection.
struct Level {
    indent: usize,
    sequence: bool,
}

/// Appends a document to `out`, without a marker line.
pub(super) fn document(tree: &Tree, out: &mut String) {
    let mut open: Vec<Level> = Vec::new();
    // Whether the line has been begun by the dash of an item, so that its first key goes on there.
    let mut on_dash = false;
    let mut tokens = tree.tokens().iter().peekable();
    while let Some(token) = tokens.next() {
        let in_sequence = open.last().is_some_and(|level| level.sequence);
        let indent = open.last().map_or(0, |level| level.indent);
        match token {
            Token::Key(key) => {
                begin(out, indent, &mut on_dash);
                out.push_str(&text(key));
                out.push(':');
            }
            Token::Leaf(leaf) => {
                if in_sequence {
                    begin(out, indent, &mut on_dash);
                    out.push('-');
                }
                out.push(' ');
                out.push_str(&leaf_text(leaf));
                out.push('\n');
            }
            Token::Map | Token::Seq => {
                let sequence = matches!(token, Token::Seq);
                if in_sequence {
                    begin(out, indent, &mut on_dash);
                    out.push('-');
                }
                if tokens.next_if(|next| matches!(next, Token::End)).is_some() {
                    out.push_str(match (open.is_empty(), sequence) {
                        (true, _) => "{}\n",
                        (false, true) => " []\n",
                        (false, false) => " {}\n",
                    });
                    continue;
                }
                let indent = match open.last() {
                    None => 0,
                    Some(level) if level.sequence => indent + 2,
                    Some(_) => INDENT * (indent / INDENT + 1),
                };
                if in_sequence {
                    out.push(' ');
                    on_dash = true;
                } else if !open.is_empty() {
                    out.push('\n');
                }
                open.push(Level { indent, sequence });
            }
            Token::End => {
                open.pop();
            }
        }
    }
}

fn begin(out: &mut String, indent: usize, on_dash: &mut bool) {
    if !std::mem::take(on_dash) {
        out.extend(std::iter::repeat_n(' ', indent));
    }
}

fn leaf_text(leaf: &Leaf) -> Cow<'_, str> {
    match leaf {
        Leaf::Null => Cow::Borrowed("null"),
        Leaf::Bool(true) => Cow::Borrowed("true"),
        Leaf::Bool(false) => Cow::Borrowed("false"),
        Leaf::Int(value) => Cow::Owned(value.to_string()),
        Leaf::Float(value) => Cow::Owned(spelling::float_yaml(*value)),
        Leaf::Time(value) => Cow::Borrowed(value),
        Leaf::Str(value) => text(value),
        Leaf::Bytes(bytes) => Cow::Owned(format!("!!binary {}", value::base64(bytes))),
    }
}

/// A string scalar for block context: plain where that is safe, else double-quoted.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let plain = emit::scalar(text);
    if matches!(plain, Cow::Owned(_)) && is_plain_in_block(text) { Cow::Borrowed(text) } else { plain }
}

/// What sops leaves plain beyond [`emit::scalar`]: `.dockerconfigjson`, `ENC[…]`, expressions, `_suffix`. There is no
/// number, date or word of any YAML version among them: those start with a digit or a sign, or are letters only.
fn is_plain_in_block(text: &str) -> bool {
    let bytes = text.as_bytes();
    let start = match bytes {
        [b'.', second, ..] => second.is_ascii_alphabetic(),
        [first, ..] => first.is_ascii_alphabetic() || matches!(first, b'_' | b'^' | b'('),
        [] => false,
    };
    start
        && bytes.iter().all(u8::is_ascii_graphic)
        && bytes.iter().any(|byte| !byte.is_ascii_alphabetic())
        && !text.ends_with(':')
        && matches!(scalar::resolve(text), Ok(Leaf::Str(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_that_of_sops() {
        let tree = Tree::build(|top| {
            top.leaf("kind", "Secret").leaf("n", true).map("data", |data| {
                data.leaf(".dockerconfigjson", "ENC[AES256_GCM,data:x]")
                    .list("l", [Leaf::from("yes"), Leaf::Int(-1)]);
                data.map("deep", |deep| {
                    deep.list("none", []).map("empty", |_| {});
                });
            });
            top.leaf("f", "a: b\n");
        });
        let expected = "\
kind: Secret
\"n\": true
data:
    .dockerconfigjson: ENC[AES256_GCM,data:x]
    l:
        - \"yes\"
        - -1
    deep:
        none: []
        empty: {}
f: \"a: b\\n\"
";
        assert_eq!(*tree.to_yaml(), expected);
    }

    #[test]
    fn collections_in_sequences_begin_beside_their_dash() {
        let key = |key: &str| Token::Key(key.to_owned());
        let leaf = |text: &str| Token::Leaf(Leaf::from(text));
        let tree = Tree::from_tokens(vec![
            Token::Map,
            key("a"),
            Token::Seq,
            Token::Map,
            key("k"),
            leaf("v"),
            key("z"),
            Token::Map,
            key("w"),
            leaf("v"),
            Token::End,
            Token::End,
            Token::Seq,
            leaf("q"),
            leaf("r"),
            Token::End,
            Token::End,
            Token::End,
        ]);
        let expected = "\
a:
    - k: v
      z:
        w: v
    - - q
      - r
";
        assert_eq!(*tree.to_yaml(), expected);
    }

    #[test]
    fn numbers_times_and_odd_bytes_keep_their_type() {
        let tree = Tree::build(|top| {
            top.leaf("g", Leaf::Float(1e6))
                .leaf("h", Leaf::Float(123_456_789.5))
                .leaf("i", Leaf::Float(0.25));
            top.leaf("x", Leaf::Float(f64::INFINITY)).leaf("t", Leaf::Time("2002-12-14T00:00:00Z".into()));
            top.leaf("u", Leaf::Bytes(Zeroizing::new(vec![0xff]))).leaf("z", Leaf::Null);
        });
        let expected = "g: 1e+06\nh: 1.234567895e+08\ni: 0.25\nx: .inf\nt: 2002-12-14T00:00:00Z\nu: !!binary /w==\nz: null\n";
        assert_eq!(*tree.to_yaml(), expected);
    }

    #[test]
    fn strings_that_could_be_taken_for_something_else_are_quoted() {
        for word in [
            "yes",
            "no",
            "1:30",
            "0x1",
            "2001-01-01",
            "~",
            "",
            "null",
            ".inf",
            ".5",
            "a:",
            "a b",
            "- x",
            "=",
            "<<",
        ] {
            assert_eq!(text(word), format!("\"{word}\""));
        }
        for word in [".dockerconfigjson", "^(data|stringData)$", "_unencrypted", "ENC[a,b:c]", "age1x"] {
            assert_eq!(text(word), word);
        }
    }
}
