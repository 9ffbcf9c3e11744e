//! What has to happen to the files of Secrets: written, wrapped for other recipients, removed, or left alone.
//!
//! Unchanged means untouched: a file is only written when somebody knows that it is not what it should be. What nobody can
//! know is said and left alone.

use std::collections::BTreeSet;

use super::supply::Supply;
use crate::objects::dockerconfig::Auths;
use crate::objects::secret::Head;
use crate::plan::finding::{Code, Finding, ObjectRef};
use lossless_yaml::span::Position;

/// A Secret that should be there.
#[derive(Clone)]
pub struct Wanted {
    /// Its file, relative to the repository's root.
    pub path: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// Position of the target in the configuration.
    pub target: usize,
    /// Position of the secret in the configuration.
    pub secret: usize,
    /// What it holds.
    pub supply: Supply,
    /// Whether the run is about it.
    pub selected: bool,
}

/// A file where a Secret is, or is wanted.
pub struct Existing {
    /// Its path, relative to the repository's root.
    pub path: String,
    /// Where the Secret starts in it.
    pub position: Position,
    /// What it is.
    pub kind: Kind,
}

/// What a file is.
pub enum Kind {
    /// A Secret of ours.
    Ours(Box<Ours>),
    /// A Secret of ours that does not verify, and why.
    Damaged(String),
    /// Two versions of a Secret of ours, between the markers of a merge that was not finished.
    Conflicted,
    /// An age file that nobody here can open and this clone did not write.
    Sealed,
    /// The very Secret that is wanted, encrypted by SOPS, but without our label.
    Adoptable,
    /// Anything else, and what.
    Foreign(String),
}

/// A Secret of ours.
pub struct Ours {
    /// Its head; none when it has not the layout of a Secret of ours.
    pub head: Option<Head>,
    /// Whether it is encrypted at all.
    pub encrypted: bool,
    /// What is not as the target asks for, besides recipients: format, rules; for people.
    pub form: Vec<String>,
    /// Configured recipients that cannot open it.
    pub missing: Vec<String>,
    /// Who can open it besides.
    pub unexpected: Vec<String>,
    /// What is known of its content.
    pub content: Content,
}

/// What is known of the content of a Secret of ours.
pub enum Content {
    /// It was opened and verified.
    Opened(Auths),
    /// It was opened and verified, and holds no credentials that a kubelet could read.
    Malformed,
    /// This clone wrote it with what is wanted now.
    Same,
    /// This clone wrote it with something else.
    Different,
    /// Nothing.
    Unknown,
}

/// What happens to a file.
pub enum Action {
    /// It is written, anew or for the first time.
    Write(Box<Write>),
    /// Its data key is wrapped for the configured recipients; no value changes.
    Rewrap,
    /// It is removed.
    Remove,
    /// Nothing; if its content is known, it can be remembered.
    Keep(Option<Auths>),
}

/// A Secret to write.
pub struct Write {
    /// Its head.
    pub head: Head,
    /// Its credentials.
    pub auths: Auths,
    /// Position of the target in the configuration.
    pub target: usize,
    /// Whether there was no such file.
    pub is_new: bool,
}

/// The decision on one file.
pub struct Decision {
    /// Its path, relative to the repository's root.
    pub path: String,
    /// What happens to it.
    pub action: Action,
    /// What the action answers: a finding only where nothing is written.
    pub answered: Vec<Finding>,
    /// What remains.
    pub findings: Vec<Finding>,
    /// Registries that the Secret should serve and does not for want of a credential.
    pub lacking: BTreeSet<String>,
}

impl Decision {
    /// Whether the file will be there when all is done, as a SOPS file or an age file that can be listed and opened.
    pub fn stays(&self) -> bool {
        !matches!(self.action, Action::Remove)
    }
}

/// Decides on the file of a Secret that is wanted; `force` writes whatever can be written.
pub fn decide(wanted: &Wanted, existing: Option<&Existing>, force: bool) -> Decision {
    let mut decision = Decision {
        path: wanted.path.clone(),
        action: Action::Keep(None),
        answered: Vec::new(),
        findings: Vec::new(),
        lacking: BTreeSet::new(),
    };
    let Some(existing) = existing else {
        decision.lacking = wanted.supply.missing.clone();
        if !wanted.supply.auths.0.is_empty() {
            decision.action = write(wanted, None, wanted.supply.auths.clone(), true);
        }
        return decision;
    };
    let about = |code, message: String, hint: &str| finding(code, existing, Some(wanted), message, hint);
    let display = format!("{}/{}", wanted.namespace, wanted.name);
    let whole = wanted.supply.whole().filter(|_| force);
    match (&existing.kind, whole) {
        (Kind::Ours(ours), _) => decide_ours(&mut decision, wanted, existing, ours, force),
        (Kind::Damaged(_) | Kind::Adoptable | Kind::Sealed, Some(auths)) => {
            decision.action = write(wanted, None, auths.clone(), false);
        }
        (Kind::Damaged(reason), None) => {
            let hint =
                "take the last good version from Git, or write it anew with `pullcred encrypt --force`";
            decision.findings.push(about(
                Code::SecretDamaged,
                format!("`{display}` does not verify: {reason}"),
                hint,
            ));
        }
        (Kind::Conflicted, _) => {
            let message = format!("two branches changed `{display}`, and the merge was not finished");
            let hint = "`pullcred sync` writes it anew, given the credentials; else take one side as a whole \
                        (`git checkout --ours FILE`, or `--theirs`)";
            let found = about(Code::SecretDamaged, message, hint);
            match wanted.supply.whole() {
                Some(auths) => {
                    decision.action = write(wanted, None, auths.clone(), false);
                    decision.answered.push(found);
                }
                None => decision.findings.push(found),
            }
        }
        (Kind::Sealed, None) => decision.findings.push(unverified(existing, wanted)),
        (Kind::Adoptable, None) => {
            let message = format!("`{display}` is encrypted here already, without our label");
            let hint = "`pullcred encrypt --force` takes it over";
            decision.findings.push(about(Code::OutputOccupied, message, hint));
        }
        (Kind::Foreign(what), _) => {
            let message = format!("{what} is where Secret `{display}` belongs");
            decision.findings.push(about(
                Code::OutputOccupied,
                message,
                "move it, or change the target's `output`",
            ));
        }
    }
    decision
}

fn decide_ours(decision: &mut Decision, wanted: &Wanted, existing: &Existing, ours: &Ours, force: bool) {
    let head =
        ours.head.clone().filter(|head| (&head.namespace, &head.name) == (&wanted.namespace, &wanted.name));
    let mut layout = ours.form.clone();
    if head.is_none() {
        layout.push("its name, namespace or layout is another one".to_owned());
    }
    if !ours.encrypted {
        layout.push("it is not encrypted".to_owned());
    }
    // What it should hold, as far as that is known, and whether it does.
    let whole = wanted.supply.whole().cloned();
    let (auths, same) = match &ours.content {
        Content::Opened(old) => {
            let (auths, lacking) = wanted.supply.beside(old);
            decision.lacking = lacking;
            // Without any credential what is there stays, even what no image needs: nobody could bring it back.
            let auths = if auths.0.is_empty() { old.clone() } else { auths };
            let same = auths == *old;
            (Some(auths), same)
        }
        Content::Same | Content::Unknown => (whole, true),
        Content::Different | Content::Malformed => (whole, false),
    };
    let stale = stale(wanted, existing, ours, &layout, same);
    let only_recipients = layout.is_empty() && same && matches!(ours.content, Content::Opened(_));
    if stale.is_empty() && !force {
        if matches!(ours.content, Content::Unknown) {
            decision.findings.push(unverified(existing, wanted));
        }
        let known = !matches!(ours.content, Content::Unknown);
        decision.action = Action::Keep(auths.filter(|_| known));
    } else if only_recipients && !force {
        decision.action = Action::Rewrap;
        decision.answered = stale;
    } else if let Some(auths) = auths {
        decision.action = write(wanted, head.as_ref(), auths, false);
        decision.answered = stale;
    } else {
        decision.findings = stale;
        if force {
            decision.lacking = wanted.supply.missing.clone();
        }
    }
}

/// What is not as it should be with a file of ours; `same` is whether it holds what it should.
fn stale(wanted: &Wanted, existing: &Existing, ours: &Ours, layout: &[String], same: bool) -> Vec<Finding> {
    const HINT: &str = "`pullcred sync` mends it, given an identity that opens it or the credentials";
    let display = format!("{}/{}", wanted.namespace, wanted.name);
    let about = |code, message: String, hint: &str| finding(code, existing, Some(wanted), message, hint);
    let mut stale = Vec::new();
    for reason in layout {
        stale.push(about(Code::SecretStale, format!("`{display}` is not as configured: {reason}"), HINT));
    }
    if !ours.missing.is_empty() {
        let message = format!("`{display}` is not encrypted for {}", listed(&ours.missing));
        stale.push(about(Code::SecretStale, message, HINT));
    }
    for recipient in &ours.unexpected {
        let message = format!("`{display}` can be opened by `{recipient}`, who is not configured");
        let hint = "`pullcred updatekeys` mends the file; change the password at the registry too";
        stale.push(about(Code::RecipientUnexpected, message, hint));
    }
    if matches!(ours.content, Content::Malformed) {
        let message = format!("`{display}` holds nothing that a kubelet can read");
        let hint = "write it anew with the credentials at hand: `pullcred sync`";
        stale.push(about(Code::SecretStale, message, hint));
    } else if !same {
        let message = format!("`{display}` holds other credentials than those configured");
        stale.push(about(Code::SecretStale, message, HINT));
    }
    stale
}

/// Decides on a file with our label where none is wanted. `keep` says why it must stay all the same.
pub fn unneeded(existing: &Existing, keep: Option<&str>) -> Option<Decision> {
    let name = match &existing.kind {
        Kind::Ours(ours) => ours.head.as_ref().map_or_else(|| existing.path.clone(), Head::display),
        Kind::Damaged(_) | Kind::Conflicted => existing.path.clone(),
        Kind::Sealed | Kind::Adoptable | Kind::Foreign(_) => return None,
    };
    let message = match keep {
        None => format!("Secret `{name}` is not wanted here any more"),
        Some(reason) => format!("Secret `{name}` is not wanted here any more and was kept: {reason}"),
    };
    let finding = finding(Code::SecretUnneeded, existing, None, message, "`pullcred sync` removes it");
    let (answered, findings) = if keep.is_none() { (vec![finding], vec![]) } else { (vec![], vec![finding]) };
    let action = if keep.is_none() { Action::Remove } else { Action::Keep(None) };
    Some(Decision { path: existing.path.clone(), action, answered, findings, lacking: BTreeSet::new() })
}

fn write(wanted: &Wanted, old: Option<&Head>, auths: Auths, is_new: bool) -> Action {
    let own = Head { namespace: wanted.namespace.clone(), name: wanted.name.clone(), ..Head::default() };
    // Labels and annotations that somebody added stay.
    let head = old.cloned().unwrap_or(own);
    Action::Write(Box::new(Write { head, auths, target: wanted.target, is_new }))
}

fn unverified(existing: &Existing, wanted: &Wanted) -> Finding {
    let message = format!("nobody here knows whether `{}/{}` is current", wanted.namespace, wanted.name);
    let hint =
        "give an identity that opens it (`--identity`), or write it anew with `pullcred encrypt --force`";
    finding(Code::SecretUnverified, existing, Some(wanted), message, hint)
}

fn finding(code: Code, existing: &Existing, wanted: Option<&Wanted>, message: String, hint: &str) -> Finding {
    let object = |namespace: &str, name: &str| ObjectRef {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        name: name.to_owned(),
        namespace: Some(namespace.to_owned()),
    };
    let own = match &existing.kind {
        Kind::Ours(ours) => ours.head.as_ref().map(|head| object(&head.namespace, &head.name)),
        _ => None,
    };
    Finding {
        code,
        severity: code.severity(),
        file: existing.path.clone(),
        position: existing.position,
        message,
        hint: Some(hint.to_owned()),
        object: own.or_else(|| wanted.map(|wanted| object(&wanted.namespace, &wanted.name))),
    }
}

fn listed(texts: &[String]) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
