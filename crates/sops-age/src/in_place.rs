//! A file in clear becomes an encrypted one where it stands: values that the rules name are encrypted, the `sops` mapping comes last.
//!
//! Edits by span: comments, order, quotes and line endings of everything else stay as they are, where `sops encrypt` writes
//! the whole file anew. Comments between encrypted values are encrypted as sops does it, for they may hold what the values
//! did. Source: `EncryptTree` in `cmd/sops/common/common.go` and `walkBranch` in `sops.go` of getsops/sops.

use std::ops::Range;

use super::cipher::{DataKey, Random};
use super::document::{Error, File, Timestamp, new_metadata, seal, wrap_all};
use super::metadata::Metadata;
use super::read::{Content, METADATA_KEY};
use super::recipients::Recipient;
use super::rewrite::{apply, scalar_edit, verify};
use super::rules::Rules;
use super::tree::{Leaf, Place, Tree, additional_data};
use lossless_yaml::edit::Edit;
use lossless_yaml::layout::{column, newline};
use lossless_yaml::parse::{Document, Kind, Node, Style};
use lossless_yaml::span::{LineIndex, Span, line_end, line_start};
use lossless_yaml::split::{Slice, split};

/// Stands for what is not shown.
const HIDDEN: &str = "(not shown)";

/// Encrypts a YAML or JSON file in clear, all of its documents, for these recipients.
///
/// # Errors
/// There is no recipient or one that cannot be used, the file is encrypted already, or a value that has to be encrypted is
/// written in a way that cannot be edited: the line, and what stands in the way.
pub fn encrypt_in_place(
    text: &str,
    rules: &Rules,
    recipients: &[Recipient],
    now: &Timestamp,
    random: &mut Random<'_>,
) -> Result<String, Error> {
    let file = File::parse(text)?;
    let contents = file.contents()?;
    if contents.iter().any(|content| content.metadata.is_some()) {
        return Err(Error::AlreadyEncrypted);
    }
    let key = DataKey::generate(random);
    let keys = wrap_all(&key, recipients)?;
    let documents: Vec<Tree> = contents.iter().map(|content| content.tree.clone()).collect();
    let (sealed, mac) = seal(&documents, rules, &key, random)?;
    let metadata = new_metadata(keys, rules, &mac, now, &key, random)?;
    let mut edits = Vec::new();
    for (content, sealed) in contents.iter().zip(&sealed) {
        values(text, content, sealed, &mut edits)?;
    }
    let slices = split(text);
    for (nth, document) in file.documents.iter().enumerate() {
        for comment in comments(text, document, rules) {
            let sealed = key.encrypt_comment(comment.text.of(text), &comment.place, random);
            let sealed = sealed.map_err(|error| Error::Value("a comment".to_owned(), error))?;
            edits.push(Edit { span: comment.text, text: sealed });
        }
        let slice = slices.iter().find(|slice| slice.document == nth);
        edits.push(block(text, document, slice, &metadata)?);
    }
    let new = apply(text, &edits)?;
    verify(&new, &key, &documents, |read| *read == metadata)?;
    Ok(new)
}

/// The file with everything hidden that [`encrypt_in_place`] would encrypt, for people to see what surrounds it.
///
/// # Errors
/// As [`encrypt_in_place`].
pub fn concealed(text: &str, rules: &Rules) -> Result<String, Error> {
    let file = File::parse(text)?;
    let mut edits = Vec::new();
    for content in file.contents()? {
        let mut hide = |place: &Place<'_>, leaf: &Leaf| -> Result<_, Error> {
            let hidden = *leaf != Leaf::Null && rules.encrypts(place.keys()).ok_or(Error::CommentRules)?;
            Ok(Some(if hidden { Leaf::from(HIDDEN) } else { leaf.clone() }))
        };
        let hidden = content.tree.try_map(&mut hide)?;
        values(text, &content, &hidden, &mut edits)?;
    }
    for document in &file.documents {
        for comment in comments(text, document, rules) {
            edits.push(Edit { span: comment.text, text: format!(" {HIDDEN}") });
        }
    }
    apply(text, &edits)
}

/// One edit for each leaf that is another one in `new`.
fn values(text: &str, content: &Content<'_, '_>, new: &Tree, edits: &mut Vec<Edit>) -> Result<(), Error> {
    let (mut old, mut sealed) = (Vec::new(), Vec::new());
    content.tree.walk(|_, leaf| old.push(leaf));
    new.walk(|_, leaf| sealed.push(leaf));
    for ((old, new), source) in old.into_iter().zip(sealed).zip(&content.sources) {
        let Some(value) = new.as_str().filter(|_| old != new) else { continue };
        let refused = |reason: &str| Error::Yaml {
            line: LineIndex::new(text).position(source.span.start).line,
            reason: reason.to_owned(),
        };
        if !source.bare {
            return Err(refused("a value with a tag or an anchor cannot be encrypted where it stands"));
        }
        let mut edit = scalar_edit(text, *source, value);
        if source.style == Style::Block {
            // Its mark goes, too: what comes is one line.
            let above = text[..edit.span.start].trim_end();
            let mark = above.trim_end_matches(|c: char| matches!(c, '+' | '-') || c.is_ascii_digit());
            if !mark.ends_with(['|', '>']) {
                return Err(refused("a comment behind the mark of a text over several lines would be lost"));
            }
            edit.span.start = mark.len() - 1;
        }
        edits.push(edit);
    }
    Ok(())
}

/// A comment between values that are encrypted.
struct Comment {
    /// What stands behind its `#`.
    text: Span,
    /// What binds it to its place.
    place: String,
}

/// The comments of a document that the rules encrypt: those in a mapping whose values they encrypt.
fn comments(text: &str, document: &Document<'_>, rules: &Rules) -> Vec<Comment> {
    let mut scalars: Vec<Range<usize>> = document
        .nodes()
        .filter(|node| matches!(node.kind(), Kind::Scalar(_) | Kind::Alias))
        .map(|node| node.span().start..node.span().end)
        .collect();
    scalars.sort_by_key(|span| span.start);
    let mut regions: Vec<(Range<usize>, usize, String)> = Vec::new();
    for mapping in document.nodes().filter(|node| node.is_mapping()) {
        let keys = keys_to(mapping);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        if rules.encrypts(&keys) == Some(true) {
            let indent = column(text, mapping.span().start);
            regions.push((beginning(text, mapping)..extent(text, mapping), indent, additional_data(&keys)));
        }
    }
    let mut found = Vec::new();
    for (region, indent, place) in &regions {
        let mut at = region.start;
        while let Some(hash) = text[at..region.end].find('#').map(|offset| at + offset) {
            let behind = scalars.partition_point(|span| span.start <= hash);
            if let Some(inside) =
                behind.checked_sub(1).map(|nth| &scalars[nth]).filter(|span| hash < span.end)
            {
                at = inside.end.min(region.end).max(hash + 1);
                continue;
            }
            let end = line_end(text, hash);
            let end = text[..end].trim_end_matches('\r').len();
            let starts_line = text[line_start(text, hash)..hash].trim().is_empty();
            let begins = text[..hash].ends_with([' ', '\t', '\n']) || hash == 0;
            // The innermost mapping comes last, and a comment further left belongs to what is around.
            if begins && hash + 1 < end && (!starts_line || column(text, hash) >= *indent) {
                found.retain(|other: &Comment| other.text.start != hash + 1);
                found.push(Comment { text: Span::new(hash + 1, end), place: place.clone() });
            }
            at = end.max(hash + 1);
        }
    }
    found
}

/// The keys that lead to a node; positions in lists do not count.
fn keys_to(node: Node<'_, '_>) -> Vec<String> {
    let mut keys = Vec::new();
    let mut node = node;
    while let Some(parent) = node.parent() {
        let key = parent.pairs().find(|(_, value)| *value == node).map(|(key, _)| key);
        keys.extend(key.and_then(|key| key.resolved().as_str()).map(str::to_owned));
        node = parent;
    }
    keys.reverse();
    keys
}

/// Where a mapping begins with the comments above its first key: behind the line of its own key.
fn beginning(text: &str, mapping: Node<'_, '_>) -> usize {
    let start = mapping.span().start;
    let parent = mapping.parent().filter(|_| !mapping.is_flow());
    let key = parent.and_then(|parent| parent.pairs().find(|(_, value)| *value == mapping));
    key.map_or(start, |(key, _)| line_end(text, key.span().end).min(start))
}

/// Where a mapping ends with the comments below its last value: at the next text that is none.
fn extent(text: &str, mapping: Node<'_, '_>) -> usize {
    if mapping.is_flow() {
        return mapping.span().end;
    }
    let mut last = mapping;
    while let Some(child) = last.children().last() {
        last = child;
    }
    let content = last.span().of(text).trim_end().len();
    let mut end = line_end(text, last.span().start + content);
    while let Some(line) = text.get(end + 1..).filter(|rest| !rest.is_empty()) {
        let line = &line[..line.find('\n').unwrap_or(line.len())];
        if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            break;
        }
        end += 1 + line.len();
    }
    end
}

/// The `sops` mapping at the end of a document, which is in this slice of the file.
fn block(
    text: &str,
    document: &Document<'_>,
    slice: Option<&Slice>,
    metadata: &Metadata,
) -> Result<Edit, Error> {
    let cannot = Error::Rewrite(
        "the document is laid out in a way that leaves no certain place for the `sops` mapping",
    );
    let Some(root) = document.root() else { return Err(cannot) };
    if root.is_flow() {
        return flow_block(text, root, metadata).ok_or(cannot);
    }
    let Some(slice) = slice.filter(|_| column(text, root.span().start) == 0) else { return Err(cannot) };
    let end = slice.span.start + slice.span.of(text).trim_end_matches(['\n', '\r']).len();
    let break_of_line = newline(text, root.span().start);
    let block = metadata.block();
    let block = block.trim_end_matches('\n').replace('\n', break_of_line);
    // Blank lines at the end stay the last ones.
    Ok(Edit::insert(
        end,
        format!("{break_of_line}{block}{}", if end == text.len() { break_of_line } else { "" }),
    ))
}

fn flow_block(text: &str, root: Node<'_, '_>, metadata: &Metadata) -> Option<Edit> {
    let (first, _) = root.pairs().next()?;
    let (_, last) = root.pairs().last()?;
    let rest = text.get(last.span().end..root.span().end)?;
    // A comma behind the last value is there for the next one.
    let behind = rest.trim_end_matches('}').trim();
    let comma = match behind {
        "" => ",",
        "," => "",
        _ => return None,
    };
    let at = last.span().end + if comma.is_empty() { rest.find(',')? + 1 } else { 0 };
    let start = line_start(text, first.span().start);
    let indent = &text[start..first.span().start];
    let before = match indent.trim().is_empty() && start > 0 {
        true => format!("{}{indent}", newline(text, start)),
        false => " ".to_owned(),
    };
    Some(Edit::insert(at, format!("{comma}{before}\"{METADATA_KEY}\": {}", metadata.flow())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Encrypted, parse_plain};
    use crate::identity::{Identities, generate};
    use crate::rules::Choice;

    fn rules() -> Rules {
        Rules::new(Choice::EncryptedRegex, "^(data|stringData)$", false).unwrap()
    }

    /// The text encrypted in place, which has to open as what it was.
    fn encrypted(text: &str) -> Result<String, Error> {
        let (identity, recipient) = generate();
        let mut identities = Identities::default();
        identities.add(&identity).unwrap();
        let recipient = Recipient::parse(&recipient).unwrap();
        let mut counter = 0u8;
        let mut random = |bytes: &mut [u8]| {
            bytes.fill_with(|| {
                counter = counter.wrapping_add(1);
                counter
            });
        };
        let new = encrypt_in_place(text, &rules(), &[recipient], &Timestamp::from_unix(0), &mut random)?;
        let opened = Encrypted::parse(&new).and_then(|file| file.decrypt(&identities)).unwrap();
        assert!(opened == parse_plain(text).unwrap(), "{new}");
        Ok(new)
    }

    /// The same with each ciphertext as `ENC`, and without the `sops` mapping.
    fn shape(text: &str) -> String {
        let new = encrypted(text).unwrap();
        let mut out = String::new();
        let mut rest = &*new;
        while let Some((before, after)) = rest.split_once("ENC[") {
            out += before;
            out += "ENC";
            rest = &after[after.find(']').unwrap() + 1..];
        }
        out += rest;
        let mut in_block = false;
        let lines = out.split_inclusive('\n').filter(|line| {
            in_block = line.starts_with("sops:") || in_block && line.starts_with([' ', '\t']);
            !in_block
        });
        lines.collect()
    }

    #[test]
    fn everything_but_the_values_stays_as_it_is() {
        for (text, expected) in [
            (
                "# head\nkind: Secret # a\ndata:  # b\n  # inside\n  x:   'aGk='  # why\n  # below\n# between\ntype: x\n",
                "# head\nkind: Secret # a\ndata:  # b\n  #ENC\n  x:   \"ENC\"  #ENC\n  #ENC\n# between\ntype: x\n",
            ),
            ("stringData:\n  a: |\n    {\"x\": 1}\n\n", "stringData:\n  a: ENC\n\n"),
            (
                "stringData:\n  a: >-\n    one\n    two # no comment\n  b: c",
                "stringData:\n  a: ENC\n  b: ENC\n",
            ),
            ("a: 1\r\ndata:\r\n  x: y\r\n", "a: 1\r\ndata:\r\n  x: ENC\r\n"),
            ("data: {x: y, e: '', n: ~}\nz: 1\n", "data: {x: \"ENC\", e: '', n: ~}\nz: 1\n"),
            (
                "---\ndata:\n  x: y\n---\n# two\ndata:\n  x: z\n",
                "---\ndata:\n  x: ENC\n---\n# two\ndata:\n  x: ENC\n",
            ),
            ("kind: Secret\nmetadata: {name: a}\n", "kind: Secret\nmetadata: {name: a}\n"),
        ] {
            assert_eq!(shape(text), expected);
        }
    }

    #[test]
    fn json_stays_json() {
        for text in [
            "{\"kind\": \"Secret\", \"data\": {\"x\": \"y\"}}\n",
            "{\n  \"data\": {\n    \"x\": \"y\"\n  },\n  \"kind\": \"Secret\"\n}\n",
            "{data: {x: y},}",
        ] {
            let new = encrypted(text).unwrap();
            assert!(new.contains("\"sops\": {\"age\": ["), "{new}");
            assert_eq!(
                new.lines().count(),
                text.lines().count() + usize::from(text.starts_with("{\n")),
                "{new}"
            );
        }
    }

    #[test]
    fn what_cannot_be_edited_is_refused_with_its_line() {
        let reason = |text: &str| encrypted(text).unwrap_err().to_string();
        assert_eq!(
            reason("a: 1\ndata:\n  x: !!binary aGk=\n"),
            "line 3: a value with a tag or an anchor cannot be encrypted where it stands"
        );
        assert!(reason("data:\n  x: &x y\nmetadata: {note: *x}\n").starts_with("line 2: "));
        assert!(reason("note: &x y\ndata:\n  x: *x\n").starts_with("line 1: "));
        assert_eq!(
            reason("data:\n  x: | # note\n    y\n"),
            "line 3: a comment behind the mark of a text over several lines would be lost"
        );
        assert!(reason("  data:\n    x: y\n").contains("no certain place"));
        assert_eq!(encrypted("data: {x: y}\nsops: {mac: x}\n"), Err(Error::AlreadyEncrypted));
    }

    #[test]
    fn what_is_shown_shows_no_value() {
        let text = "kind: Secret\ndata:\n  # old: hidden1\n  x: hidden2\nstringData:\n  y: |\n    hidden3\n  z: 'hidden4' # hidden5\n";
        let shown = concealed(text, &rules()).unwrap();
        assert!(!shown.contains("hidden") && shown.starts_with("kind: Secret\ndata:\n"), "{shown}");
        assert_eq!(shown.lines().count(), text.lines().count() - 1, "{shown}");
    }
}
