//! What templates give, parted into manifests and hooks and put into Helm's order.

use super::error::Error;
use crate::chart::Chart;
use lossless_yaml::elder::read_as;
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
                text: String::from_utf8_lossy(&file.data).into_owned(),
                kind: "CustomResourceDefinition".to_owned(),
            });
        }
    }
    for subchart in &chart.dependencies {
        collect_crds(subchart, &format!("{path}/charts/{}", subchart.name()), crds);
    }
}

/// Kind and hook of documents that were read before, by their texts: a chart that is rendered again gives most of them again.
#[derive(Default)]
pub(super) struct Heads(HashMap<String, (String, Option<String>)>);

impl Heads {
    fn of(&mut self, document: &str) -> Result<(String, Option<String>), String> {
        if let Some(known) = self.0.get(document) {
            return Ok(known.clone());
        }
        let head = Head::read(document)?;
        let found = (head.kind.0.clone(), head.hook());
        self.0.insert(document.to_owned(), found.clone());
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
