//! What makes a finding the same finding tomorrow, whatever moved in between.
//!
//! Its code, its file, its object and its sentence; not its line, and not the tag or digest of an image, which change with
//! every release. Equal ones in a file are told apart by counting.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::plan::finding::Finding;
use kubelet_keyring::reference::ImageRef;

/// The identity of a finding in a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    /// 16 hex digits, the same for findings that only counting tells apart.
    pub digest: String,
    /// Its place among those, from 1.
    pub nth: usize,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.digest, self.nth)
    }
}

/// The fingerprints of all findings of a run, in their order.
pub fn fingerprints<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<Fingerprint> {
    let mut seen = BTreeMap::<String, usize>::new();
    let mut next = |finding| {
        let digest = digest(finding);
        let nth = seen.entry(digest.clone()).and_modify(|nth| *nth += 1).or_insert(1);
        Fingerprint { nth: *nth, digest }
    };
    findings.into_iter().map(&mut next).collect()
}

fn digest(finding: &Finding) -> String {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    };
    part(finding.code.name());
    part(&finding.file);
    if let Some(object) = &finding.object {
        part(object.api_version.split('/').next().unwrap_or_default());
        part(&object.kind);
        part(&object.name);
        part(object.namespace.as_deref().unwrap_or_default());
    }
    for (nth, text) in finding.message.split('`').enumerate() {
        // Every other part stands in backticks.
        match ImageRef::parse(text) {
            Ok(image) if nth % 2 == 1 => part(&image.lookup_name()),
            _ => part(text),
        }
    }
    hasher.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::finding::{Code, ObjectRef};
    use lossless_yaml::span::Position;

    fn finding(line: usize, file: &str, name: &str, message: &str) -> Finding {
        Finding {
            code: Code::PullSecretMissing,
            severity: Code::PullSecretMissing.severity(),
            file: file.to_owned(),
            position: Position { line, column: 1 },
            message: message.to_owned(),
            hint: None,
            object: Some(ObjectRef {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                name: name.to_owned(),
                namespace: None,
            }),
        }
    }

    #[test]
    fn lines_and_tags_do_not_count_and_all_else_does() {
        let message = "`Deployment` `web` lacks pull secret `a` for `r.io/web:1`";
        let of = |finding: &Finding| fingerprints([finding]).remove(0).to_string();
        let first = of(&finding(1, "a.yaml", "web", message));
        assert_eq!(first, of(&finding(9, "a.yaml", "web", message)));
        assert_eq!(
            first,
            of(&finding(
                1,
                "a.yaml",
                "web",
                &message.replace(
                    ":1`",
                    ":2@sha256:8d1f1d0d8a3b4b2d5e0c8f5f3a3d1c4e9b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e`"
                )
            ))
        );
        for other in [
            finding(1, "b.yaml", "web", message),
            finding(1, "a.yaml", "api", message),
            finding(1, "a.yaml", "web", &message.replace("r.io/web", "r.io/web2")),
            finding(1, "a.yaml", "web", &message.replace("lacks", "has")),
        ] {
            assert_ne!(first, of(&other), "{other:?}");
        }
    }

    #[test]
    fn equal_ones_are_counted() {
        let one = finding(1, "a.yaml", "web", "x");
        let prints = fingerprints(&[one.clone(), finding(1, "b.yaml", "web", "x"), one]);
        assert_eq!(prints.iter().map(|print| print.nth).collect::<Vec<_>>(), [1, 1, 2]);
        assert_eq!(prints[0].digest, prints[2].digest);
    }
}
