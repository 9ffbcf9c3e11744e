//! What templates give, parted into manifests and hooks and put into Helm's order.

use super::Error;
use crate::chart::Chart;
use crate::template::Value;
use crate::yaml::from_yaml;
use std::collections::BTreeMap;

/// One document that a chart gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The file that it comes from, for example `chart/templates/deployment.yaml`.
    pub source: String,
    /// The document.
    pub text: String,
    /// Its kind; empty where it has none.
    pub kind: String,
}

/// A document that Helm runs at a certain moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The document.
    pub manifest: Manifest,
    /// When: `pre-install`, `test` and so on.
    pub events: Vec<String>,
}

impl Hook {
    /// Whether it is a test only people run.
    pub fn is_test(&self) -> bool {
        self.events.iter().any(|event| event == "test")
    }
}

const EVENTS: [&str; 9] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
];

/// The order in which Helm installs kinds; those that it does not know come last.
const ORDER: [&str; 36] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// The custom resource definitions of a chart and its subcharts, which are no templates.
pub(super) fn crds(chart: &Chart) -> Vec<Manifest> {
    let mut crds = Vec::new();
    collect_crds(chart, chart.name(), &mut crds);
    crds
}

fn collect_crds(chart: &Chart, path: &str, crds: &mut Vec<Manifest>) {
    for file in chart.files.iter() {
        let yaml = [".yaml", ".yml", ".json"].iter().any(|end| file.name.to_ascii_lowercase().ends_with(end));
        if file.name.starts_with("crds/") && yaml {
            crds.push(Manifest {
                source: format!("{path}/{}", file.name),
                text: String::from_utf8_lossy(&file.data).into_owned(),
                kind: "CustomResourceDefinition".to_owned(),
            });
        }
    }
    for subchart in &chart.dependencies {
        collect_crds(subchart, &format!("{path}/charts/{}", subchart.name()), crds);
    }
}

/// Parts texts into documents and sorts them.
pub(super) fn sort(texts: BTreeMap<String, String>) -> Result<(Vec<Manifest>, Vec<Hook>), Error> {
    let mut manifests = Vec::new();
    let mut hooks = Vec::new();
    for (source, text) in texts {
        if text.trim().is_empty() {
            continue;
        }
        for document in split(&text) {
            let wrong = |message: String| Error::Manifest { template: source.clone(), message };
            let head = Head::read(document).map_err(wrong)?;
            let manifest = Manifest { source: source.clone(), text: document.to_owned(), kind: head.kind };
            let Some(hook) = head.hook else {
                manifests.push(manifest);
                continue;
            };
            let events: Vec<String> = hook
                .split(',')
                .map(|event| event.trim().to_lowercase())
                .map(|event| if event == "test-success" { "test".to_owned() } else { event })
                .collect();
            // A hook of an unknown kind is left out altogether.
            if events.iter().all(|event| EVENTS.contains(&event.as_str())) {
                hooks.push(Hook { manifest, events });
            }
        }
    }
    manifests.sort_by(|a, b| place(&a.kind).cmp(&place(&b.kind)));
    hooks.sort_by(|a, b| place(&a.manifest.kind).cmp(&place(&b.manifest.kind)));
    Ok((manifests, hooks))
}

fn place(kind: &str) -> (usize, &str) {
    match ORDER.iter().position(|known| *known == kind) {
        Some(at) => (at, ""),
        None => (ORDER.len(), kind),
    }
}

/// Parts a text where Helm does: at `---` at the beginning of a line, and whatever space is around it.
fn split(text: &str) -> Vec<&str> {
    let text = text.trim();
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(found) = memchr::memmem::find(&bytes[at..], b"---").map(|found| found + at) {
        if found == 0 || bytes[found - 1] == b'\n' {
            documents.push(text[start..found].trim());
            start = found + 3;
        }
        at = found + 3;
    }
    documents.push(text[start..].trim());
    documents.retain(|document| !document.is_empty());
    documents
}

/// What Helm reads of a document.
struct Head {
    kind: String,
    hook: Option<String>,
}

impl Head {
    fn read(document: &str) -> Result<Head, String> {
        let none = Head { kind: String::new(), hook: None };
        let map = match from_yaml(document)? {
            Value::Map(map) => map,
            Value::Nil => return Ok(none),
            other => return Err(mismatch(&other, "releaseutil.SimpleHead")),
        };
        let text = |value: Option<Value>| match value {
            None | Some(Value::Nil) => Ok(None),
            Some(Value::Str(text)) => Ok(Some(text.text().into_owned())),
            Some(other @ (Value::Map(_) | Value::List(_))) => Err(mismatch(&other, "string")),
            // Where Helm wants text, numbers and booleans become text.
            Some(other) => {
                let mut out = Vec::new();
                crate::functions::fmt::plain(&other, &mut out)?;
                Ok(Some(String::from_utf8_lossy(&out).into_owned()))
            }
        };
        text(map.get(b"apiVersion"))?;
        let kind = text(map.get(b"kind"))?.unwrap_or_default();
        let metadata = match map.get(b"metadata") {
            None | Some(Value::Nil) => return Ok(Head { kind, hook: None }),
            Some(Value::Map(metadata)) => metadata,
            Some(other) => return Err(mismatch(&other, "struct")),
        };
        text(metadata.get(b"name"))?;
        let hook = match metadata.get(b"annotations") {
            None | Some(Value::Nil) => None,
            Some(Value::Map(annotations)) => {
                for value in annotations.entries().values() {
                    text(Some(value.clone()))?;
                }
                text(annotations.get(b"helm.sh/hook"))?
            }
            Some(other) => return Err(mismatch(&other, "map[string]string")),
        };
        Ok(Head { kind, hook })
    }
}

fn mismatch(value: &Value, wanted: &str) -> String {
    let kind = match value {
        Value::Str(_) => "string",
        Value::Bool(_) => "bool",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type {wanted}"
    )
}
