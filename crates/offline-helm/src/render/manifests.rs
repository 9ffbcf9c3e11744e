//! What templates give, parted into manifests and hooks and put into Helm's order.

use super::error::Error;
use crate::chart::Chart;
use crate::value::text;
use lossless_yaml::elder::read_as;
use lossless_yaml::obvious::{self, Found};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::marker::PhantomData;

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
                text: text(&file.data).into_owned(),
                kind: "CustomResourceDefinition".to_owned(),
            });
        }
    }
    for subchart in &chart.dependencies {
        collect_crds(subchart, &format!("{path}/charts/{}", subchart.name()), crds);
    }
}

/// Kind and hook of documents that were read before, by their texts: a chart that is rendered again gives most of them again.
pub(super) struct Heads(Option<HashMap<String, KindAndHook>>);

/// The kind of a document, and the events that make it a hook.
type KindAndHook = (String, Option<String>);

impl Default for Heads {
    fn default() -> Self {
        Heads(Some(HashMap::new()))
    }
}

impl Heads {
    /// Those of a chart that is not rendered again.
    pub(super) fn of_one_rendering() -> Self {
        Heads(None)
    }

    fn of(&mut self, document: &str) -> Result<KindAndHook, String> {
        if let Some(known) = self.0.as_ref().and_then(|known| known.get(document)) {
            return Ok(known.clone());
        }
        let found = match plain_kind(document) {
            Some(kind) => (kind.to_owned(), None),
            None => {
                let head = Head::read(document)?;
                (head.kind.0.clone(), head.hook())
            }
        };
        if let Some(known) = &mut self.0 {
            known.insert(document.to_owned(), found.clone());
        }
        Ok(found)
    }
}

/// Parts texts into documents and sorts them.
pub(super) fn sort(
    texts: BTreeMap<String, String>,
    heads: &mut Heads,
) -> Result<(Vec<Manifest>, Vec<Hook>), Error> {
    let mut manifests = Vec::new();
    let mut hooks = Vec::new();
    for (source, text) in texts {
        if text.trim().is_empty() {
            continue;
        }
        for document in split(&text) {
            let wrong = |message: String| Error::Manifest { template: source.clone(), message };
            let (kind, hook) = heads.of(document).map_err(wrong)?;
            let manifest = Manifest { source: source.clone(), text: document.to_owned(), kind };
            let Some(hook) = hook else {
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

/// Parts a text where Helm does: at `---` at the beginning of a line, with whatever space is around it. A second one right after it
/// belongs to the document.
fn split(text: &str) -> Vec<&str> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c');
    let mut documents = Vec::new();
    let mut start = 0;
    for found in memchr::memmem::find_iter(bytes, b"---") {
        // The line break before it must not be gone with the mark before.
        if found > 0 && (found <= start || bytes[found - 1] != b'\n') {
            continue;
        }
        let before =
            bytes[start..found].iter().rposition(|byte| !is_space(byte)).map_or(start, |at| start + at + 1);
        documents.push(&text[start..before]);
        start = found + 3;
        start += bytes[start..].iter().take_while(|byte| is_space(byte)).count();
    }
    documents.push(&text[start..]);
    documents.retain(|document| !document.is_empty());
    documents.into_iter().map(str::trim).collect()
}

/// The kind of a document that is no hook and that Helm reads without any doubt, told without a parser.
fn plain_kind(document: &str) -> Option<&str> {
    if memchr::memmem::find(document.as_bytes(), b"helm.sh/hook").is_some() {
        return None;
    }
    let mut kind = None;
    let mut certain = true;
    let is_obvious = obvious::read(document, &mut |levels, found| {
        let is_scalar = found.is_scalar();
        certain &= match levels {
            [root] if root.has_items() => root.key.is_some_and(|key| !READ.contains(&key)),
            [root] => match (root.key, found) {
                (Some("kind"), Found::Plain(name)) => is_kind(name) && kind.replace(name).is_none(),
                (Some("kind"), _) => false,
                (Some("apiVersion"), _) => is_scalar,
                (Some("metadata"), _) => found == Found::Nothing,
                _ => true,
            },
            [root, field, below @ ..] if root.key == Some("metadata") => {
                let is_map = !root.has_items() && field.key.is_some();
                is_map
                    && match (field.key, below) {
                        (Some("name"), []) => is_scalar && !field.has_items(),
                        (Some("annotations"), []) => found == Found::Nothing && !field.has_items(),
                        (Some("annotations"), [entry]) => {
                            is_scalar && !field.has_items() && !entry.has_items()
                        }
                        (Some("name" | "annotations"), _) => false,
                        _ => true,
                    }
            }
            [root, ..] => root.key.is_some_and(|key| !READ.contains(&key)),
            [] => true,
        };
    });
    kind.filter(|_| is_obvious && certain)
}

/// What Helm reads at the root of a document.
const READ: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Whether a plain scalar is text that can name a kind, and no truth of YAML 1.1.
fn is_kind(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !["True", "False", "Yes", "No", "On", "Off", "Null"].contains(&text)
}

/// What Helm reads of a document, by a reader that descends from libyaml as Helm's does: what it refuses, Helm refuses.
#[derive(Default)]
struct Head {
    kind: Scalar,
    metadata: Option<Metadata>,
}

#[derive(Default)]
struct Metadata {
    annotations: Option<BTreeMap<Scalar, Scalar>>,
}

/// A map of which some keys are read. A key that stands twice counts where it stands last, as in Go.
trait Fields: Default {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

impl Fields for Head {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "apiVersion" => map.next_value::<Scalar>().map(drop),
            "kind" => map.next_value().map(|kind| self.kind = kind),
            "metadata" => map.next_value().map(|metadata| self.metadata = metadata),
            _ => map.next_value::<IgnoredAny>().map(drop),
        }
    }
}

impl Fields for Metadata {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => map.next_value::<Scalar>().map(drop),
            "annotations" => map.next_value().map(|annotations| self.annotations = annotations),
            _ => map.next_value::<IgnoredAny>().map(drop),
        }
    }
}

struct FieldsVisitor<T>(PhantomData<T>);

impl<'de, T: Fields> Visitor<'de> for FieldsVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut fields = T::default();
        while let Some(name) = map.next_key::<Scalar>()? {
            fields.read(&name.0, &mut map)?;
        }
        Ok(fields)
    }
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

/// Text, or what becomes text where Helm wants some.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
        Ok(Scalar(text.to_owned()))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Scalar, E> {
        Ok(Scalar(truth.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
        Ok(Scalar(number.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::default())
    }
}

impl Head {
    fn read(document: &str) -> Result<Head, String> {
        let head: Option<Head> = read_as(document).map_err(|refused| {
            format!("line {}, column {}: {}", refused.line, refused.column, refused.reason)
        })?;
        Ok(head.unwrap_or_default())
    }

    fn hook(self) -> Option<String> {
        let annotations = self.metadata?.annotations?;
        annotations.into_iter().find(|(name, _)| name.0 == "helm.sh/hook").map(|(_, value)| value.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_is_plain_is_what_the_reader_finds() {
        let around = |metadata: &str| format!("apiVersion: v1\nkind: Pod\n{metadata}spec: {{}}\n");
        for metadata in [
            "",
            "metadata:\n",
            "metadata:\n  name: a\n",
            "metadata:\n  annotations:\n",
            "metadata:\n  name: 'a'\n  annotations:\n    b/c: 'd'\n    e: |-\n      annotations:\n        - f\n",
            "list:\n- kind: a\n- metadata: b\n",
        ] {
            let text = around(metadata);
            assert_eq!(plain_kind(&text), Some("Pod"), "{text}");
            let head = Head::read(&text).unwrap();
            assert_eq!(head.kind.0, "Pod");
            assert_eq!(head.hook(), None);
        }
        for metadata in [
            "metadata: a\n",
            "metadata:\n- name: a\n",
            "metadata:\n  - a\n",
            "metadata:\n  name:\n    b: c\n",
            "metadata:\n  name:\n  - b\n",
            "metadata:\n  annotations: a\n",
            "metadata:\n  annotations: []\n",
            "metadata:\n  annotations:\n  - a\n",
            "metadata:\n  annotations:\n    a:\n      b: c\n",
            "metadata:\n  annotations:\n    a:\n    - b\n",
            "metadata:\n  annotations:\n    a: []\n",
            "metadata:\n  annotations:\n    helm.sh/hook: test\n",
            "kind: Job\n",
            "kind:\n- a\n",
        ] {
            let text = around(metadata);
            assert_eq!(plain_kind(&text), None, "{text}");
        }
        assert_eq!(plain_kind("- kind: Pod\n"), None);
        assert_eq!(plain_kind("kind: True\n"), None);
    }
}
