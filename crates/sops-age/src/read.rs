//! Parsed YAML to a typed tree, as the YAML store of sops reads it.
//!
//! Aliases are expanded, within limits; a merge key stays a key named `<<`; comments are gone. The top-level `sops`
//! mapping is set apart. Source: `stores/yaml/store.go` of getsops/sops.

use zeroize::Zeroizing;

use super::scalar::{self, ScalarError};
use super::tree::{Leaf, Token, Tree};
use super::value;
use lossless_yaml::parse::{Document, Kind, Node, Style};
use lossless_yaml::span::Span;

/// The key of the metadata.
pub const METADATA_KEY: &str = "sops";

/// How many nodes aliases may add to a document.
const MAX_ALIASED: usize = 100_000;
/// How deep collections may lie in each other, aliases followed.
const MAX_DEPTH: usize = 255;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentError {
    /// Byte offset in the file.
    pub offset: usize,
    /// The reason.
    pub reason: &'static str,
}

/// One document: its content, where each leaf of it is written, and its `sops` mapping.
pub(super) struct Content<'d, 't> {
    pub tree: Tree,
    /// For every leaf of the tree, in order, the scalar it was read from.
    pub sources: Vec<Source>,
    pub metadata: Option<Node<'d, 't>>,
}

/// Where a leaf is written.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub span: Span,
    pub style: Style,
    /// Whether neither a tag nor an anchor stands before it.
    pub bare: bool,
    /// Whether it stands within `{}` or `[]`.
    pub in_flow: bool,
}

enum Task<'d, 't> {
    Value(Node<'d, 't>),
    Key(Node<'d, 't>),
    End,
}

/// Reads a document.
///
/// # Errors
/// The top is no mapping, a key is no string or there twice, aliases expand beyond the limits, or a scalar has no
/// place in a SOPS document.
pub(super) fn content<'d, 't>(document: &'d Document<'t>) -> Result<Content<'d, 't>, ContentError> {
    let Some(root) = document.root().filter(|root| !root.is_null()) else {
        // Nothing between two markers.
        return Ok(Content { tree: Tree::build(|_| {}), sources: Vec::new(), metadata: None });
    };
    if !root.is_mapping() {
        return Err(fail(root, "the top of the document is no mapping"));
    }
    let mut budget = document.nodes().count() + MAX_ALIASED;
    let mut tokens = Vec::new();
    let mut sources = Vec::new();
    let mut metadata = None;
    let mut depth = 0;
    let mut tasks = vec![Task::Value(root)];
    while let Some(task) = tasks.pop() {
        let node = match task {
            Task::End => {
                depth -= 1;
                tokens.push(Token::End);
                continue;
            }
            Task::Key(node) => {
                tokens.push(Token::Key(key_text(node)?));
                continue;
            }
            Task::Value(node) => node.resolved(),
        };
        budget = budget.checked_sub(1).ok_or_else(|| fail(node, "aliases expand to too much"))?;
        match node.kind() {
            Kind::Mapping { .. } => {
                if node.duplicate_key().is_some() {
                    return Err(fail(node, "a key is there twice"));
                }
                tokens.push(Token::Map);
                depth += 1;
                tasks.push(Task::End);
                let mut pairs: Vec<_> = node.pairs().collect();
                if depth == 1 {
                    pairs.retain(|(key, value)| {
                        let is_metadata = key.resolved().as_str() == Some(METADATA_KEY);
                        metadata = if is_metadata { Some(value.resolved()) } else { metadata };
                        !is_metadata
                    });
                }
                tasks.extend(
                    pairs.into_iter().rev().flat_map(|(key, value)| [Task::Value(value), Task::Key(key)]),
                );
            }
            Kind::Sequence { .. } => {
                tokens.push(Token::Seq);
                depth += 1;
                tasks.push(Task::End);
                let items: Vec<_> = node.items().collect();
                tasks.extend(items.into_iter().rev().map(Task::Value));
            }
            Kind::Scalar(style) => {
                tokens.push(Token::Leaf(leaf(node)?));
                let bare = node.tag().is_none() && !node.is_anchored();
                let in_flow = node.parent().is_some_and(lossless_yaml::parse::Node::is_flow);
                sources.push(Source { span: node.span(), style, bare, in_flow });
            }
            Kind::Alias => return Err(fail(node, "an alias names an alias")),
        }
        if depth > MAX_DEPTH {
            return Err(fail(node, "nested too deeply"));
        }
    }
    Ok(Content { tree: Tree::from_tokens(tokens), sources, metadata })
}

fn fail(node: Node<'_, '_>, reason: &'static str) -> ContentError {
    ContentError { offset: node.span().start, reason }
}

fn key_text(key: Node<'_, '_>) -> Result<String, ContentError> {
    let resolved = key.resolved();
    match resolved.kind() {
        Kind::Scalar(_) => match leaf(resolved)? {
            Leaf::Str(text) => Ok(text.to_string()),
            _ => Err(fail(key, "a key is no string")),
        },
        _ => Err(fail(key, "a key is no string")),
    }
}

/// The typed value of a scalar node.
fn leaf(node: Node<'_, '_>) -> Result<Leaf, ContentError> {
    let text = node.as_str().unwrap_or_default();
    let plain = node.kind() == Kind::Scalar(Style::Plain);
    let typed = match node.tag().map(core_tag) {
        None | Some("!") if plain => scalar::resolve(text),
        Some("null") if node.is_null() => Ok(Leaf::Null),
        Some(tag @ ("null" | "bool" | "int" | "float" | "timestamp")) => scalar::resolve_tagged(tag, text),
        Some("binary") => binary(text),
        // An unknown tag on what reads as null.
        Some(_) if node.is_null() => Err(ScalarError::TagMismatch),
        // Quoted, `!!str`, or a tag that go-yaml does not know: text.
        _ => Ok(Leaf::from(text)),
    };
    typed.map_err(|error| {
        let reason = match error {
            ScalarError::IntegerTooLarge => "an integer does not fit 64 signed bits",
            ScalarError::TagMismatch => "a scalar does not fit its tag",
        };
        fail(node, reason)
    })
}

fn core_tag(tag: &str) -> &str {
    let tag = tag.strip_prefix("!<").and_then(|tag| tag.strip_suffix('>')).unwrap_or(tag);
    tag.strip_prefix("tag:yaml.org,2002:").or_else(|| tag.strip_prefix("!!")).unwrap_or(tag)
}

fn binary(text: &str) -> Result<Leaf, ScalarError> {
    let packed: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    let bytes = value::decode(&packed).ok_or(ScalarError::TagMismatch)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Leaf::from(text),
        Err(error) => Leaf::Bytes(Zeroizing::new(error.into_bytes())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Place;
    use lossless_yaml::parse::parse;

    fn documents(text: &str) -> Vec<Document<'_>> {
        parse(text, Span::new(0, text.len())).unwrap()
    }

    fn read(text: &str) -> Result<Tree, ContentError> {
        content(&documents(text)[0]).map(|content| content.tree)
    }

    fn reason(text: &str) -> &'static str {
        read(text).err().unwrap().reason
    }

    #[test]
    fn only_plain_untagged_scalars_are_typed() {
        let tree =
            read("a: 1\nb: '1'\nc: |\n  1\nd: !!str 1\ne: !!float 1\nf:\ng: !custom 1\nh: !!binary aGk=\n")
                .unwrap();
        let expected = Tree::build(|top| {
            top.leaf("a", 1).leaf("b", "1").leaf("c", "1\n").leaf("d", "1").leaf("e", Leaf::Float(1.0));
            top.leaf("f", Leaf::Null).leaf("g", "1").leaf("h", "hi");
        });
        assert!(tree == expected);
    }

    #[test]
    fn aliases_are_expanded_and_a_merge_key_is_a_key() {
        let tree = read("a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n").unwrap();
        let mut seen = Vec::new();
        tree.walk(|place: &Place<'_>, _| seen.push(place.additional_data()));
        assert_eq!(seen, ["a:x:", "b:x:", "c:<<:x:"]);
    }

    #[test]
    fn the_top_level_sops_mapping_is_set_apart_and_others_are_not() {
        let text = "a: {sops: 1}\nsops: {mac: x}\nz: 2\n";
        let documents = documents(text);
        let content = content(&documents[0]).unwrap();
        assert_eq!(content.metadata.unwrap().str_at("mac"), Some("x"));
        assert_eq!(content.tree.keys(&[]), ["a", "z"]);
        let sources: Vec<_> = content.sources.iter().map(|source| source.span.of(text)).collect();
        assert_eq!(sources, ["1", "2"]);
    }

    #[test]
    fn what_sops_cannot_hold_is_refused_with_its_place() {
        assert_eq!(reason("- a\n"), "the top of the document is no mapping");
        assert_eq!(reason("a: 1\na: 2\n"), "a key is there twice");
        assert_eq!(reason("1: a\n"), "a key is no string");
        assert_eq!(reason("{a: 1}: b\n"), "a key is no string");
        assert_eq!(reason("a: !!int x\n"), "a scalar does not fit its tag");
        assert_eq!(reason("a: 18446744073709551615\n"), "an integer does not fit 64 signed bits");
        assert_eq!(read("a: 1\nb:\n  2: x\n").err().unwrap().offset, 10);
        assert!(read("---\n...\n").unwrap() == Tree::build(|_| {}));
    }

    #[test]
    fn aliases_cannot_make_a_document_explode_or_endless() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += &format!("a{level}: &a{level} [{items}]\n");
        }
        assert_eq!(reason(&bomb), "aliases expand to too much");
        assert!(["nested too deeply", "aliases expand to too much"].contains(&reason("a: &a [*a]\n")));
    }
}
