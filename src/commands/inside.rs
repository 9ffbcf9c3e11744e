//! What is inside encrypted Secrets, judged as if it stood in clear, where somebody here has an identity that opens them.
//!
//! Without an identity nothing is claimed of them. Values are decrypted in memory, judged and wiped.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;

use super::parallel;
use super::run::Run;
use crate::effects::identities;
use crate::effects::source::{self, Source};
use crate::objects::read::{FileFacts, Located};
use crate::objects::remark::{self, What};
use crate::objects::shipped::Holds;
use crate::plan::finding::{Code, Finding, ObjectRef};
use lossless_yaml::parse::parse;
use lossless_yaml::span::Span;
use sops_age::document::{Encrypted, Error};
use sops_age::identity::Identities;

/// What was seen in one file.
enum Seen {
    /// What each document holds, and what is to say of it.
    Opened(Vec<(Holds, Vec<What>)>),
    /// It does not verify: somebody changed it.
    Damaged(String),
}

/// Opens every encrypted Secret of the run that the identities open, and lets the audit know what is inside.
///
/// # Errors
/// A named identity that cannot be used.
pub fn judge(run: &mut Run, named: &[PathBuf]) -> Result<()> {
    let is_sealed = |facts: &FileFacts| {
        facts.shipped.iter().any(|secret| secret.kind == "Secret" && secret.holds == Holds::Unknown)
    };
    let files: Vec<usize> = (0..run.files.len())
        .filter(|&nth| run.files[nth].selected && run.files[nth].facts.as_ref().is_ok_and(is_sealed))
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    let texts = parallel::map(&files, parallel::computing(run.settings.scan.threads), |&nth| {
        match source::read(&run.settings.root.join(&run.files[nth].path)) {
            Ok(Source::Text(text)) => Encrypted::parse(&text).ok(),
            _ => None,
        }
    });
    let sealed: Vec<(usize, Encrypted)> =
        files.into_iter().zip(texts).filter_map(|(nth, file)| Some((nth, file?))).collect();
    let recipients: BTreeSet<String> = sealed
        .iter()
        .flat_map(|(_, file)| file.metadata().keys.iter().map(|key| key.recipient.clone()))
        .collect();
    let identities = identities::collect(named, &recipients)?;
    if identities.is_empty() {
        return Ok(());
    }
    let seen = parallel::map(&sealed, parallel::computing(run.settings.scan.threads), |(_, file)| {
        look(file, &identities)
    });
    for ((nth, _), seen) in sealed.iter().zip(seen) {
        match seen {
            Some(Seen::Opened(documents)) => {
                if let Ok(facts) = &mut run.files[*nth].facts {
                    learn(facts, documents);
                }
            }
            Some(Seen::Damaged(reason)) => {
                let finding = damaged(run, *nth, reason);
                run.plan.findings.extend(finding);
            }
            None => {}
        }
    }
    Ok(())
}

fn look(file: &Encrypted, identities: &Identities) -> Option<Seen> {
    let documents = match file.decrypt(identities) {
        Ok(documents) => documents,
        Err(error @ (Error::Mac | Error::Value(..) | Error::Cleartext(_))) => {
            return Some(Seen::Damaged(error.to_string()));
        }
        // Nobody here is a recipient.
        Err(_) => return None,
    };
    let judged = documents.iter().map(|tree| {
        let text = tree.to_yaml();
        let parsed = parse(&text, Span::new(0, text.len())).unwrap_or_default();
        let Some(root) = parsed.first().and_then(|document| document.root()) else {
            return (Holds::Unknown, Vec::new());
        };
        let (holds, remarks) = remark::secret(root);
        let remarks = remarks.into_iter().map(|remark| remark.what);
        // What is encrypted is not in clear.
        (holds, remarks.filter(|what| !matches!(what, What::Plaintext(_))).collect())
    });
    Some(Seen::Opened(judged.collect()))
}

fn learn(facts: &mut FileFacts, documents: Vec<(Holds, Vec<What>)>) {
    let FileFacts { shipped, remarks, .. } = facts;
    for secret in shipped.iter_mut().filter(|secret| secret.kind == "Secret" && secret.path.0.is_empty()) {
        let Some((holds, said)) = documents.get(secret.document) else { continue };
        // A registry Secret is what a pod can name; of others there is nothing to say.
        secret.holds = holds.clone();
        let object = [
            Some(secret.api_version.clone()),
            Some(secret.kind.clone()),
            Some(secret.name.clone()),
            secret.namespace.clone(),
        ];
        let located =
            |what: &What| Located { what: what.clone(), position: secret.position, object: object.clone() };
        remarks.extend(said.iter().map(located));
    }
}

/// That a file does not verify; ours are judged where they are compared with the configuration.
fn damaged(run: &Run, nth: usize, reason: String) -> Option<Finding> {
    let file = &run.files[nth];
    let facts = file.facts.as_ref().ok().filter(|facts| facts.secrets.is_empty())?;
    let secret = facts.shipped.first()?;
    let code = Code::SecretDamaged;
    Some(Finding {
        code,
        severity: code.severity(),
        file: file.path.clone(),
        position: secret.position,
        message: format!("`Secret` `{}` does not verify: {reason}", secret.name),
        hint: Some("somebody changed it after it was encrypted; restore it, or encrypt it anew".to_owned()),
        object: Some(ObjectRef {
            api_version: secret.api_version.clone(),
            kind: secret.kind.clone(),
            name: secret.name.clone(),
            namespace: secret.namespace.clone(),
        }),
    })
}
