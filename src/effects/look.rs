//! The files of Secrets as they are: whose they are, who can open them, and what is known of their content.
//!
//! Opens what an identity opens, remembers what this clone wrote, and reads the rest in clear. Changes nothing.

use std::fs;
use std::path::Path;

use super::clone::Memory;
use super::recipients::Audience;
use super::seal::{names, opened};
use crate::config::Format;
use crate::effects::source::{self, Source};
use crate::objects::dockerconfig::Auths;
use crate::objects::secret::{Head, OWNER, auths, is_ours};
use crate::objects::unreadable::{CONFLICT, conflict_marker, sides};
use crate::plan::secrets::decide::{Content, Existing, Kind, Ours, Wanted};
use lossless_yaml::span::Position;
use sops_age::document::{Encrypted, Error, parse_plain};
use sops_age::identity::{FileError, Identities, UnwrapError, is_age_file};
use sops_age::recipients::same_recipient;
use sops_age::tree::Tree;

/// How to look.
pub struct Look<'l> {
    /// The repository's root.
    pub root: &'l Path,
    /// What can be opened.
    pub identities: &'l Identities,
    /// What this clone wrote.
    pub memory: &'l Memory,
    /// Whether credentials were asked for; if not, what this clone wrote counts as current.
    pub asked: bool,
}

/// A Secret that is wanted, and for whom.
pub type Expected<'e> = Option<(&'e Wanted, &'e Audience)>;

/// A file that was looked at, and its text, which changes are made to.
pub struct Seen {
    /// What it is.
    pub existing: Existing,
    /// Its text; empty for what is none.
    pub text: String,
}

impl Look<'_> {
    /// Looks at a file, by its path relative to the repository's root; none when there is nothing.
    pub fn at(&self, path: &str, position: Position, expected: Expected<'_>) -> Option<Seen> {
        let on_disk = self.root.join(path);
        let seen =
            |kind, text| Some(Seen { existing: Existing { path: path.to_owned(), position, kind }, text });
        let foreign = |what: &str| seen(Kind::Foreign(what.to_owned()), String::new());
        match fs::symlink_metadata(&on_disk) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => return foreign(&format!("something that cannot be read ({error})")),
            Ok(data) if data.is_dir() => return foreign("a folder"),
            Ok(data) if !data.is_file() => return foreign("a link or special file"),
            Ok(_) => {}
        }
        match source::read(&on_disk) {
            Ok(Source::Text(text)) => {
                let kind = if self.is_conflict_of_ours(path, &text) {
                    Kind::Conflicted
                } else if is_age_file(text.trim_start().as_bytes()) {
                    self.age(path, &text, expected)
                } else {
                    self.yaml(path, &text, expected)
                };
                seen(kind, text)
            }
            Ok(Source::TooLarge(_)) => foreign("a very large file"),
            Ok(Source::Unusable { .. }) => foreign("a file that is no text"),
            Err(error) => foreign(&format!("a file that cannot be read ({error})")),
        }
    }

    /// Whether an unfinished merge left two versions of a Secret of ours, which both can be told to be that.
    fn is_conflict_of_ours(&self, path: &str, text: &str) -> bool {
        let Some(sides) = conflict_marker(text).and_then(|_| sides(text)) else { return false };
        sides.iter().all(|side| {
            let kind = match is_age_file(side.trim_start().as_bytes()) {
                true => self.age(path, side, None),
                false => self.yaml(path, side, None),
            };
            matches!(kind, Kind::Ours(_) | Kind::Damaged(_))
        })
    }

    fn age(&self, path: &str, text: &str, expected: Expected<'_>) -> Kind {
        let form = |audience: &Audience| match audience.format {
            Format::Age => Vec::new(),
            Format::Sops => vec!["it is an age file, not a SOPS file".to_owned()],
        };
        match self.identities.decrypt_file(text.as_bytes()) {
            Ok(plain) => {
                let inside = std::str::from_utf8(&plain).ok().and_then(opened);
                let Some((tree, recipients)) = inside.filter(|(tree, _)| is_ours(tree)) else {
                    return Kind::Foreign("an age file with something else".to_owned());
                };
                let mut ours = ours(&tree, content(&tree), expected.map(|(_, audience)| form(audience)));
                if let Some((_, audience)) = expected {
                    compare(&mut ours, audience, recipients.iter().map(String::as_str));
                }
                Kind::Ours(Box::new(ours))
            }
            Err(FileError::NotARecipient) if self.memory.wrote(path, text.as_bytes()) => {
                let content = self.remembered(path, text, expected);
                // What this clone wrote has the head that it was written with.
                let head = expected.map(|(wanted, _)| Head {
                    namespace: wanted.namespace.clone(),
                    name: wanted.name.clone(),
                    ..Head::default()
                });
                let form = expected.map(|(_, audience)| form(audience)).unwrap_or_default();
                let (missing, unexpected) = (Vec::new(), Vec::new());
                Kind::Ours(Box::new(Ours { head, encrypted: true, form, missing, unexpected, content }))
            }
            Err(FileError::NotARecipient) => Kind::Sealed,
            Err(FileError::Damaged) if expected.is_some() => Kind::Damaged(FileError::Damaged.to_string()),
            Err(error) => Kind::Foreign(format!("an age file that is of no use here ({error})")),
        }
    }

    fn yaml(&self, path: &str, text: &str, expected: Expected<'_>) -> Kind {
        let foreign = |what: &str| Kind::Foreign(what.to_owned());
        let file = match Encrypted::parse(text) {
            Ok(file) => file,
            Err(Error::NotEncrypted) => return self.plain(text, expected),
            Err(error) if text.contains(OWNER.0) && text.contains(OWNER.1) => {
                let reason = conflict_marker(text).map_or_else(|| error.to_string(), |_| CONFLICT.to_owned());
                return Kind::Damaged(reason);
            }
            Err(_) => return foreign("a file that is no Secret of ours"),
        };
        let [document] = file.documents() else { return foreign("an encrypted file with several documents") };
        if !is_ours(document) {
            let head = Head::of(document);
            let same = |(wanted, _): &(&Wanted, &Audience)| {
                head.as_ref()
                    .is_some_and(|head| (&head.namespace, &head.name) == (&wanted.namespace, &wanted.name))
            };
            return match expected.as_ref().is_some_and(same) {
                true => Kind::Adoptable,
                false => foreign("an encrypted file that is not ours"),
            };
        }
        let content = match file.decrypt(self.identities) {
            Ok(documents) => documents.first().map_or(Content::Malformed, content),
            Err(Error::DataKey(UnwrapError::NotARecipient) | Error::OnlyForeign(_)) => {
                self.remembered(path, text, expected)
            }
            Err(error) => return Kind::Damaged(error.to_string()),
        };
        let metadata = file.metadata();
        let form = |audience: &Audience| match audience.format {
            Format::Age => vec!["it is a SOPS file, not an age file".to_owned()],
            Format::Sops if metadata.rules != audience.rules => {
                vec!["what is encrypted in it is not what the creation rule says".to_owned()]
            }
            Format::Sops => Vec::new(),
        };
        let mut ours = ours(document, content, expected.map(|(_, audience)| form(audience)));
        if let Some((_, audience)) = expected {
            let keys = metadata.keys.iter().map(|key| key.recipient.as_str());
            compare(&mut ours, audience, keys.chain(metadata.foreign.iter().copied()));
        }
        Kind::Ours(Box::new(ours))
    }

    fn plain(&self, text: &str, expected: Expected<'_>) -> Kind {
        let documents = parse_plain(text).unwrap_or_default();
        match &documents[..] {
            [document] if is_ours(document) => {
                let mut ours = ours(document, content(document), expected.map(|_| Vec::new()));
                ours.encrypted = false;
                Kind::Ours(Box::new(ours))
            }
            _ => Kind::Foreign("a file that is no Secret of ours".to_owned()),
        }
    }

    /// What this clone knows of a file that nobody here can open.
    fn remembered(&self, path: &str, text: &str, expected: Expected<'_>) -> Content {
        if !self.memory.wrote(path, text.as_bytes()) {
            return Content::Unknown;
        }
        match expected.and_then(|(wanted, audience)| Some((wanted.supply.whole()?, audience))) {
            Some((auths, audience)) => {
                let known = holds(auths, audience);
                let parts: Vec<&[u8]> = known.iter().map(|part| part.as_bytes()).collect();
                if self.memory.holds(path, text.as_bytes(), &parts) {
                    Content::Same
                } else {
                    Content::Different
                }
            }
            None if self.asked => Content::Unknown,
            None => Content::Same,
        }
    }
}

/// What a clone remembers of a file's content: the credentials and, where the file does not show it, for whom it is.
pub fn holds(auths: &Auths, audience: &Audience) -> Vec<zeroize::Zeroizing<String>> {
    let recipients = match audience.format {
        Format::Sops => String::new(),
        Format::Age => names(audience).join("\n"),
    };
    vec![auths.to_json(), recipients.into()]
}

fn content(tree: &Tree) -> Content {
    auths(tree).map_or(Content::Malformed, Content::Opened)
}

fn ours(tree: &Tree, content: Content, form: Option<Vec<String>>) -> Ours {
    Ours {
        head: Head::of(tree),
        encrypted: true,
        form: form.unwrap_or_default(),
        missing: Vec::new(),
        unexpected: Vec::new(),
        content,
    }
}

/// Notes which recipients are missing from those that can open a file, and who can open it besides.
fn compare<'a>(ours: &mut Ours, audience: &Audience, actual: impl Iterator<Item = &'a str> + Clone) {
    let configured = names(audience);
    let missing = configured.iter().filter(|one| !actual.clone().any(|other| same_recipient(one, other)));
    ours.missing = missing.cloned().collect();
    let unexpected = actual.filter(|one| !configured.iter().any(|other| same_recipient(one, other)));
    ours.unexpected = unexpected.map(str::to_owned).collect();
}
