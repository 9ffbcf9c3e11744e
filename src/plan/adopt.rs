//! Registry Secrets that stand in clear: which parts of a file they are, and how it comes apart where it holds something else.
//!
//! Pure. A file of nothing else is encrypted where it stands; else each Secret becomes a text of its own and the rest stays byte for
//! byte. Where that is not certain, the reason is said. Texts here are secret: none has a `Debug`, and reasons quote nothing.

use zeroize::Zeroizing;

use crate::objects::dockerconfig::Auths;
use crate::objects::dockerconfig::read::Entry;
use crate::objects::remark::{InClear, held};
use crate::objects::secret::OWNER;
use lossless_yaml::edit;
use lossless_yaml::insert::{Form, KeyPlace, Slot};
use lossless_yaml::layout::{column, content_end};
use lossless_yaml::parse::{Document, Kind, Node, parse};
use lossless_yaml::path::Path;
use lossless_yaml::remove;
use lossless_yaml::span::{LineIndex, Position, Span, line_end};
use lossless_yaml::split::{Slice, split};
use lossless_yaml::verify::{Intent, Removal, verify, verify_removal};

/// Shorter passwords stand in other words too often to be looked for.
const LEAST: usize = 6;

/// A Secret in clear.
pub struct Found {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// Where it starts.
    pub position: Position,
    /// Where its docker configuration is written.
    pub value: Position,
    /// Its credentials, if all of its entries are some.
    pub auths: Option<Auths>,
    /// What must not be left anywhere in clear.
    secrets: Vec<Zeroizing<String>>,
    /// Number of its document among the slices of the file.
    slice: usize,
    /// Which item of a List it is.
    item: Option<usize>,
}

/// Why a file stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where.
    pub position: Position,
    /// Why: what follows "but".
    pub reason: String,
}

/// What becomes of a file.
pub enum Shape {
    /// It holds nothing else: it is encrypted where it stands.
    Whole,
    /// Each Secret gets a file of its own, in their order; the rest stays, unless there is none.
    Apart(Vec<Zeroizing<String>>, Option<String>),
}

/// The Secrets in clear in a file, in order. A document that is no YAML has none.
pub fn find(text: &str) -> Vec<Found> {
    let lines = LineIndex::new(text);
    let mut found = Vec::new();
    for (nth, slice) in split(text).into_iter().enumerate() {
        let documents = parse(text, slice.span).unwrap_or_default();
        let [document] = &documents[..] else { continue };
        let Some(root) = document.root() else { continue };
        let items = items(root).map(|(_, list)| list.items().enumerate().collect::<Vec<_>>());
        let objects = match &items {
            Some(items) => items.iter().map(|(item, node)| (Some(*item), node.resolved())).collect(),
            None => vec![(None, root)],
        };
        for (item, object) in objects {
            let Some(clear) = held(object) else { continue };
            let meta = |key: &str| object.path(&["metadata", key]).and_then(Node::as_str);
            found.push(Found {
                name: meta("name").unwrap_or_default().to_owned(),
                namespace: meta("namespace").map(str::to_owned),
                position: lines.position(object.span().start),
                value: lines.position(clear.offset),
                auths: clear.config.auths(),
                secrets: secrets(clear),
                slice: nth,
                item,
            });
        }
    }
    found
}

/// The key and the items of a List.
fn items<'d, 't>(root: Node<'d, 't>) -> Option<(Node<'d, 't>, Node<'d, 't>)> {
    root.str_at("kind").filter(|kind| kind.ends_with("List"))?;
    let (key, list) = root.pairs().find(|(key, _)| key.as_str() == Some("items"))?;
    list.is_sequence().then_some((key, list))
}

/// The values, what they decode to, and the passwords in them, alone and as `auth` has them.
fn secrets(clear: InClear) -> Vec<Zeroizing<String>> {
    let mut secrets = clear.values;
    for (_, entry) in clear.config.entries() {
        match entry {
            Entry::Credential(credential) => {
                secrets.push(Zeroizing::new(credential.password().to_owned()));
                secrets.push(credential.auth());
            }
            Entry::IdentityToken(token) => secrets.push(token.clone()),
            Entry::Empty | Entry::Flawed(_) => {}
        }
    }
    let whole = secrets.iter().map(|secret| Zeroizing::new(secret.trim().to_owned()));
    whole.filter(|secret| secret.len() >= LEAST).collect()
}

impl Found {
    /// What the Secret is called, for people.
    pub fn display(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The line of a text where something of the Secret stands in clear.
    pub fn left_in(&self, text: &str) -> Option<usize> {
        let at = self.secrets.iter().filter_map(|secret| text.find(&**secret)).min()?;
        Some(LineIndex::new(text).position(at).line)
    }

    fn refused(&self, reason: impl Into<String>) -> Refused {
        Refused { position: self.position, reason: reason.into() }
    }
}

/// How a file with these Secrets is taken apart.
///
/// # Errors
/// The first Secret that cannot be told from the rest with certainty.
pub fn shape(text: &str, found: &[Found]) -> Result<Shape, Refused> {
    let slices = split(text);
    if found.iter().all(|found| found.item.is_none())
        && found.len() == slices.iter().filter(|slice| has_content(text, slice)).count()
    {
        return Ok(Shape::Whole);
    }
    let Some(first) = found.first() else { return Ok(Shape::Apart(Vec::new(), Some(text.to_owned()))) };
    if text.lines().any(|line| line.starts_with('%') || line.starts_with("...")) {
        return Err(first.refused("the stream has directives or `...` lines"));
    }
    let pieces =
        found.iter().map(|found| piece(text, slices[found.slice], found)).collect::<Result<_, _>>()?;
    let mut rest = text.to_owned();
    for (nth, slice) in slices.iter().enumerate().rev() {
        let here: Vec<&Found> = found.iter().filter(|found| found.slice == nth).collect();
        let Some(one) = here.first() else { continue };
        rest = without(&rest, *slice, &here).map_err(|reason| one.refused(reason))?;
    }
    let is_left = split(&rest).iter().any(|slice| has_content(&rest, slice));
    Ok(Shape::Apart(pieces, is_left.then_some(rest)))
}

/// Whether a slice holds more than markers and comments; what is no YAML does.
fn has_content(text: &str, slice: &Slice) -> bool {
    let documents = parse(text, slice.span).unwrap_or_default();
    documents.is_empty()
        || documents.iter().any(|document| document.root().is_some_and(|root| !root.is_null()))
}

/// The text of a Secret for a file of its own.
fn piece(text: &str, slice: Slice, found: &Found) -> Result<Zeroizing<String>, Refused> {
    let source = slice.span.of(text);
    let Some(item) = found.item else {
        // A byte order mark and the marker line are the stream's; a comment behind the marker is not.
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let own = source.strip_prefix("---").unwrap_or(source);
        return Ok(Zeroizing::new(own.trim_start_matches([' ', '\t', '\r', '\n']).to_owned()));
    };
    let documents = parse(text, slice.span).unwrap_or_default();
    let node = documents.first().and_then(|document| items(document.root()?)?.1.items().nth(item));
    let node = node.ok_or_else(|| found.refused("the List cannot be read"))?;
    let is_shared = |node: Node<'_, '_>| node.is_anchored() || node.kind() == Kind::Alias;
    if below(node).into_iter().any(is_shared) {
        return Err(found.refused("it has anchors or aliases, which a file of its own could not have"));
    }
    let own =
        own_text(text, node).ok_or_else(|| found.refused("its lines are not indented as the rest of it"))?;
    let read = parse(&own, Span::new(0, own.len())).unwrap_or_default();
    match read.first().and_then(Document::root) {
        Some(root) if same(node, root) => Ok(own),
        _ => Err(found.refused("its layout would mean something else in a file of its own")),
    }
}

/// The lines of an item, moved to the left.
fn own_text(text: &str, node: Node<'_, '_>) -> Option<Zeroizing<String>> {
    let start = node.span().start;
    if node.is_flow() {
        return Some(Zeroizing::new(node.span().of(text).to_owned() + "\n"));
    }
    let indent = column(text, start);
    let end = line_end(text, content_end(node)?);
    let mut own = Zeroizing::new(String::with_capacity(end - start + 1));
    for (nth, line) in text[start..end].split_inclusive('\n').enumerate() {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        let is_free = line.trim().is_empty() || line.trim_start().starts_with('#');
        match nth {
            0 => own.push_str(line),
            _ if blanks >= indent => own.push_str(&line[indent..]),
            _ if is_free => own.push_str(&line[blanks..]),
            _ => return None,
        }
    }
    if !own.ends_with('\n') {
        own.push('\n');
    }
    Some(own)
}

/// A node and all that is in it.
fn below<'d, 't>(node: Node<'d, 't>) -> Vec<Node<'d, 't>> {
    let mut all = vec![node];
    let mut next = 0;
    while let Some(node) = all.get(next).copied() {
        all.extend(node.children());
        next += 1;
    }
    all
}

/// Whether two nodes mean the same.
fn same(one: Node<'_, '_>, other: Node<'_, '_>) -> bool {
    let mut pairs = vec![(one, other)];
    while let Some((one, other)) = pairs.pop() {
        let (inner, others): (Vec<_>, Vec<_>) = (one.children().collect(), other.children().collect());
        let alike = one.as_str() == other.as_str()
            && one.tag() == other.tag()
            && one.is_null() == other.is_null()
            && (one.is_mapping(), one.is_sequence()) == (other.is_mapping(), other.is_sequence())
            && inner.len() == others.len();
        if !alike {
            return false;
        }
        pairs.extend(inner.into_iter().zip(others));
    }
    true
}

/// The text without a document, or without these items of its List while others stay in it.
fn without(text: &str, slice: Slice, gone: &[&Found]) -> Result<String, String> {
    let documents = parse(text, slice.span).unwrap_or_default();
    let list = documents.first().and_then(|document| items(document.root()?));
    let indexes: Vec<usize> = gone.iter().filter_map(|found| found.item).collect();
    match list {
        Some((key, list)) if list.items().count() > indexes.len() => {
            let edits = remove::items(key, list, &indexes).map_err(|refusal| refusal.to_string())?;
            let after = edit::apply(text, &edits).map_err(|_| "two edits overlap".to_owned())?;
            let (mapping, key) = (Path::default(), "items".to_owned());
            let removal = Removal { document: slice.document, mapping, key, items: indexes };
            verify_removal(text, &after, &removal).map_err(|mismatch| mismatch.to_string())?;
            Ok(after)
        }
        _ => {
            let mark = if slice.span.start == 0 && text.starts_with('\u{feff}') { 3 } else { 0 };
            let after = text[..slice.span.start + mark].to_owned() + &text[slice.span.end..];
            let texts = |text: &str| -> Vec<String> {
                split(text)
                    .iter()
                    .map(|slice| slice.span.of(text).trim_start_matches('\u{feff}').to_owned())
                    .collect()
            };
            let mut expected = texts(text);
            let own = slice.span.of(text).trim_start_matches('\u{feff}');
            let at = expected.iter().position(|other| other == own).ok_or("the stream cannot be read")?;
            expected.remove(at);
            if texts(&after) == expected {
                Ok(after)
            } else {
                Err("the documents around it would change".to_owned())
            }
        }
    }
}

/// The text of a single Secret with our label; none where that would change a label that is there, or is not certain.
pub fn labelled(text: &str) -> Option<Zeroizing<String>> {
    const FORM: Form = Form { list: false, key: None };
    let documents = parse(text, Span::new(0, text.len())).ok()?;
    let [document] = &documents[..] else { return None };
    let metadata = document.root()?.get_own("metadata")?;
    let path = Path::default().key("metadata");
    let (slot, mapping, keys) = match metadata.get("labels") {
        Some(labels) if labels.is_mapping() && labels.get(OWNER.0).is_none() => {
            let (_, slot) = Slot::find(labels, OWNER.0, FORM, KeyPlace::Last, 0);
            (slot.ok()?, path.key("labels"), vec![OWNER.0])
        }
        Some(labels) => {
            let is_ours = labels.str_at(OWNER.0) == Some(OWNER.1);
            return is_ours.then(|| Zeroizing::new(text.to_owned()));
        }
        None => {
            let slot = Slot::make(metadata, &["labels"], OWNER.0, FORM, KeyPlace::Last, 0);
            (slot.ok()?, path, vec!["labels", OWNER.0])
        }
    };
    let after = Zeroizing::new(edit::apply(text, &slot.edits(&[OWNER.1])).ok()?);
    let keys = keys.into_iter().map(str::to_owned).collect();
    let intent = Intent { document: 0, mapping, keys, form: FORM, names: vec![OWNER.1.to_owned()] };
    verify(text, &after, &[intent]).ok()?;
    Some(after)
}
