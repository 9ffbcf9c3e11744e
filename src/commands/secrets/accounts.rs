//! The ServiceAccounts `default` of a run: which are to be written, and which of ours nothing needs any more.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::scope::{Item, Place, always};
use crate::commands::run::Run;
use crate::effects::source::{self, Source};
use crate::objects::secret::OWNER;
use crate::plan::File;
use crate::plan::finding::{Code, Finding, ObjectRef};
use crate::plan::secrets::Deployment;
use crate::plan::secrets::accounts::{ENDING, NAME, Other, Wanted, wanted};
use crate::plan::secrets::decide::{Action, Decision};
use lossless_yaml::span::Position;
use sops_age::document::parse_plain;

/// What happens to ServiceAccounts.
#[derive(Default)]
pub struct Accounts {
    /// Those that should be there, with their paths relative to the repository's root and whether they are.
    pub wanted: Vec<(Wanted, bool)>,
    /// Those of ours that nothing needs.
    pub gone: Vec<Item>,
    /// What remains to be said when all is done.
    pub findings: Vec<Finding>,
    /// What the changes answer.
    pub answered: Vec<Finding>,
}

impl Accounts {
    /// Plans them; `keep` says why none can be removed.
    pub fn plan(place: &Place, run: &Run, deployments: &[Deployment<'_>], keep: Option<&str>) -> Self {
        let config = &run.settings.config;
        let (mut ours, mut others) = (BTreeMap::new(), Vec::new());
        for file in run.files.iter().filter(|file| place.below(&file.path).is_some()) {
            let theirs = defaults(place, file);
            match theirs.first() {
                Some(first) if is_ours(run, file) => {
                    ours.insert(file.path.as_str(), first.namespace);
                }
                _ => others.extend(theirs),
            }
        }
        let mut accounts = Self::default();
        for mut wanted in wanted(config, deployments, &always(config, run, deployments), &others) {
            wanted.path = place.folder.clone() + &wanted.path;
            let on_disk = run.settings.root.join(&wanted.path);
            // The run may leave out the folder that it is in.
            let is_there = ours.remove(wanted.path.as_str()).is_some() || is_labelled(&on_disk);
            if !wanted.selected {
                continue;
            }
            if !is_there && fs::symlink_metadata(&on_disk).is_ok() {
                let message = format!("something is where ServiceAccount `{}` belongs", display(&wanted));
                let hint = "move it, or change the target's `output`";
                accounts.findings.push(finding(Code::OutputOccupied, &wanted, message, hint));
                continue;
            }
            if !is_there {
                let names =
                    wanted.names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let message = format!(
                    "ServiceAccount `{}` is not in the repository to take pull secret {names}",
                    display(&wanted)
                );
                let missing =
                    finding(Code::ServiceAccountMissing, &wanted, message, "`pullcred sync` writes it");
                accounts.answered.push(missing);
            }
            accounts.wanted.push((wanted, is_there));
        }
        for (path, namespace) in ours.into_iter().filter(|(path, _)| place.selects(path)) {
            accounts.gone.push(unneeded(path, namespace.unwrap_or_default(), keep));
        }
        accounts
    }
}

/// The ServiceAccounts `default` in a file, wherever they are deployed.
fn defaults<'f>(place: &Place, file: &'f File) -> Vec<Other<'f>> {
    let own = place.below(&file.path).unwrap_or(&file.path);
    let mut found = Vec::new();
    for (nth, object) in file.objects().iter().enumerate().filter(|(_, object)| object.is_service_account()) {
        let deployments = file.deployments.get(nth).map_or(&[][..], Vec::as_slice);
        if deployments.is_empty() && object.name == NAME {
            found.push(Other { namespace: object.namespace.as_deref(), root: own });
        }
        for deployment in deployments {
            if deployment.name.as_deref().unwrap_or(&object.name) == NAME {
                let root = deployment.root.as_deref().and_then(|root| place.below(root)).unwrap_or(own);
                found.push(Other { namespace: deployment.namespace.as_deref(), root });
            }
        }
    }
    found
}

/// Whether a file holds a single ServiceAccount with our label, as this program writes it.
fn is_ours(run: &Run, file: &File) -> bool {
    let is_single = file.facts.as_ref().is_ok_and(|facts| facts.documents == 1 && facts.objects.len() == 1);
    is_single && file.path.ends_with(ENDING) && is_labelled(&run.settings.root.join(&file.path))
}

/// Whether a file is a manifest with our label.
fn is_labelled(path: &Path) -> bool {
    let Ok(Source::Text(text)) = source::read(path) else { return false };
    let documents = parse_plain(&text).unwrap_or_default();
    let owner = documents.first().and_then(|tree| tree.str_at(&["metadata", "labels", OWNER.0]));
    owner == Some(OWNER.1)
}

fn unneeded(path: &str, namespace: &str, keep: Option<&str>) -> Item {
    let reason = keep.map_or_else(String::new, |reason| format!(" and was kept: {reason}"));
    let finding = Finding {
        code: Code::SecretUnneeded,
        severity: Code::SecretUnneeded.severity(),
        file: path.to_owned(),
        position: Position::START,
        message: format!("ServiceAccount `{namespace}/{NAME}` is not wanted here any more{reason}"),
        hint: Some("`pullcred sync` removes it".to_owned()),
        object: Some(object(namespace)),
    };
    let (action, answered, findings) = match keep {
        None => (Action::Remove, vec![finding], vec![]),
        Some(_) => (Action::Keep(None), vec![], vec![finding]),
    };
    let decision =
        Decision { path: path.to_owned(), action, answered, findings, lacking: Default::default() };
    Item { decision, seen: None, audience: None, wanted: None }
}

fn finding(code: Code, wanted: &Wanted, message: String, hint: &str) -> Finding {
    Finding {
        code,
        severity: code.severity(),
        file: wanted.path.clone(),
        position: Position::START,
        message,
        hint: Some(hint.to_owned()),
        object: Some(object(&wanted.namespace)),
    }
}

fn object(namespace: &str) -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: "ServiceAccount".to_owned(),
        name: NAME.to_owned(),
        namespace: Some(namespace.to_owned()),
    }
}

/// What it is called, for people.
pub fn display(wanted: &Wanted) -> String {
    format!("{}/{NAME}", wanted.namespace)
}
