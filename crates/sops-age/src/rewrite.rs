//! Changes to encrypted files in place: other recipients, or a new data key.
//!
//! Edits by span, so that comments, order, quotes and line endings of everything else stay as they are. Both check the
//! MAC first: a file that was tampered with is not made to look well. Source: `subcommand/updatekeys` and `rotate.go` of
//! getsops/sops, which re-emit the whole file instead.

use super::cipher::{DataKey, Opened, Random};
use super::document::{Encrypted, Error, File, Timestamp, is_encrypted, new_metadata, open_leaf, wrap_all};
use super::identity::Identities;
use super::mac::Mac;
use super::metadata::{Metadata, age_block, age_flow};
use super::read::{Content, METADATA_KEY, Source};
use super::recipients::Recipient;
use super::tree::{Leaf, Place, Tree};
use lossless_yaml::edit::{self, Edit};
use lossless_yaml::emit::quoted;
use lossless_yaml::parse::{Kind, Node, Style};
use lossless_yaml::span::{Span, line_end, line_start};

/// Wraps the data key for exactly these recipients; values, MAC and time stay. Every entry is made anew, because nothing
/// else proves that it is for the recipient it names. `None` when the file names exactly these recipients already.
///
/// # Errors
/// The file does not open or verify, a recipient cannot be used, or the file has keys of other services.
pub fn update_keys(
    text: &str,
    recipients: &[Recipient],
    identities: &Identities,
) -> Result<Option<String>, Error> {
    let old = Encrypted::parse(text)?;
    if old.is_for(recipients) {
        return Ok(None);
    }
    let (key, content) = open(&old, identities)?;
    let keys = wrap_all(&key, recipients)?;
    let edits = each_metadata(text, |_, mapping| {
        let list =
            mapping.get_own("age").ok_or(Error::Rewrite("the list of recipients is not where it was"))?;
        if list.is_flow() {
            return Ok(Edit { span: list.span(), text: age_flow(&keys) });
        }
        let start = line_start(text, list.span().start);
        let indent = list.span().start - start;
        block_edit(text, start, list, &age_block(&keys, indent))
    })?;
    let new = apply(text, &edits)?;
    verify(&new, &key, &content, |metadata| {
        *metadata == Metadata { keys: keys.clone(), ..old.metadata().clone() }
    })?;
    Ok(Some(new))
}

/// Encrypts everything anew with a new data key for these recipients.
///
/// # Errors
/// The file does not open or verify, a recipient cannot be used, or the file has keys of other services or encrypted
/// comments.
pub fn rotate(
    text: &str,
    recipients: &[Recipient],
    identities: &Identities,
    now: &Timestamp,
    random: &mut Random<'_>,
) -> Result<String, Error> {
    // A plain scalar cannot hold ` #`, so only a comment or a line of a block scalar looks like this.
    if text.lines().any(|line| line.trim_start().starts_with("#ENC[") || line.contains(" #ENC[")) {
        return Err(Error::Rewrite("its comments are encrypted; only sops can rotate such a file"));
    }
    let old = Encrypted::parse(text)?;
    let (old_key, documents) = open(&old, identities)?;
    let key = DataKey::generate(random);
    let rules = old.metadata().rules.clone();
    let mut mac = Mac::new(rules.mac_only_encrypted());
    let mut edits = Vec::new();
    for content in File::parse(text)?.contents()? {
        let Content { tree, sources, .. } = content;
        let mut sources = sources.into_iter();
        let mut replace = |place: &Place<'_>, leaf: &Leaf| {
            let source = sources.next().ok_or(Error::ReadBack)?;
            let encrypted = is_encrypted(&rules, place, leaf);
            if !encrypted {
                mac.add(leaf, false);
                return Ok(None);
            }
            let Opened::Leaf(plain) = open_leaf(&old_key, place, leaf)? else {
                return Err(Error::Rewrite("its comments are encrypted; only sops can rotate such a file"));
            };
            mac.add(&plain, true);
            let sealed = key
                .encrypt(&plain, &place.additional_data(), random)
                .map_err(|error| Error::Value(place.to_string(), error))?;
            if let Some(value) = sealed.as_str().filter(|value| !value.is_empty()) {
                edits.push(scalar_edit(text, source, value));
            }
            Ok(None)
        };
        tree.try_map(&mut replace)?;
    }
    let keys = wrap_all(&key, recipients)?;
    let metadata = new_metadata(keys, &rules, &mac.finish(), now, &key, random)?;
    edits.extend(each_metadata(text, |name, mapping| {
        if mapping.is_flow() {
            return Ok(Edit { span: mapping.span(), text: metadata.flow() });
        }
        block_edit(text, name.span().start, mapping, &metadata.block())
    })?);
    let new = apply(text, &edits)?;
    verify(&new, &key, &documents, |read| *read == metadata)?;
    Ok(new)
}

/// The data key and the verified content of a file that only age recipients can open.
fn open(file: &Encrypted, identities: &Identities) -> Result<(DataKey, Vec<Tree>), Error> {
    let key = file.data_key(identities)?;
    if !file.metadata().foreign.is_empty() {
        return Err(Error::Rewrite("it has keys of other key services; only sops can rewrite such a file"));
    }
    let content = file.open_with(&key)?;
    Ok((key, content))
}

/// One edit for the `sops` mapping of every document that has one.
fn each_metadata(
    text: &str,
    change: impl Fn(Node<'_, '_>, Node<'_, '_>) -> Result<Edit, Error>,
) -> Result<Vec<Edit>, Error> {
    let file = File::parse(text)?;
    let roots = file.documents.iter().filter_map(|document| document.root());
    let metadata = roots.flat_map(Node::pairs).filter(|(key, _)| key.as_str() == Some(METADATA_KEY));
    metadata
        .map(|(key, value)| match value.kind() {
            Kind::Mapping { .. } => change(key, value),
            _ => Err(Error::Rewrite("its `sops` mapping is written in a way that cannot be edited")),
        })
        .collect()
}

/// Replaces a block collection from `start`, the beginning of a line, through the line that its last scalar ends on.
fn block_edit(text: &str, start: usize, node: Node<'_, '_>, new: &str) -> Result<Edit, Error> {
    let mut last = node;
    while let Some(child) = last.children().last() {
        last = child;
    }
    // The end of a block scalar can lie inside the next line's indent; that of a block collection is never used.
    let content = last.span().of(text).trim_end().len();
    let end = line_end(text, last.span().start + content);
    if start != line_start(text, start) || end < start {
        return Err(Error::Rewrite("its `sops` mapping is written in a way that cannot be edited"));
    }
    let crlf = text[..start].ends_with("\r\n") || text[start..end].contains("\r\n");
    let new = new.trim_end_matches('\n');
    let new = if crlf { new.replace('\n', "\r\n") } else { new.to_owned() };
    Ok(Edit { span: Span::new(start, end), text: new })
}

/// Replaces the text of a scalar by an encrypted value, which needs quotes only where the old one had them.
pub(super) fn scalar_edit(text: &str, source: Source, value: &str) -> Edit {
    let length = source.span.of(text).trim_end().len();
    let span = Span::new(source.span.start, source.span.start + length);
    let quotes = source.style == Style::Quoted || source.in_flow;
    let text = if quotes { quoted(value) } else { value.to_owned() };
    Edit { span, text }
}

pub(super) fn apply(text: &str, edits: &[Edit]) -> Result<String, Error> {
    edit::apply(text, edits).map_err(|_| Error::Rewrite("an encrypted value is used in two places by alias"))
}

/// Proves that a rewritten file opens with `key`, holds the same and says of itself what is expected.
pub(super) fn verify(
    text: &str,
    key: &DataKey,
    content: &[Tree],
    metadata: impl Fn(&Metadata) -> bool,
) -> Result<(), Error> {
    let new = Encrypted::parse(text).map_err(|_| Error::ReadBack)?;
    let same = metadata(new.metadata()) && new.open_with(key).is_ok_and(|trees| trees == content);
    if same { Ok(()) } else { Err(Error::ReadBack) }
}
