//! Findings as `results` of a KRM function, a part of the ResourceList that it answers with.

use serde::Serialize;

use crate::objects::object::Object;
use crate::plan::finding::{Finding, ObjectRef, Severity};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KrmResult<'f> {
    message: &'f str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_ref: Option<ResourceRef<'f>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<File<'f>>,
    tags: Tags,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceRef<'f> {
    api_version: &'f str,
    kind: &'f str,
    name: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'f str>,
}

#[derive(Serialize)]
struct File<'f> {
    path: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
}

#[derive(Serialize)]
struct Tags {
    code: &'static str,
}

/// One finding on one line. JSON is YAML, and a line of its own needs no look at the layout around it.
pub fn result(finding: &Finding, objects: &[Object]) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "info",
    };
    let about = finding.object.as_ref();
    let result = KrmResult {
        message: &finding.message,
        severity,
        resource_ref: about.map(|about| ResourceRef {
            api_version: &about.api_version,
            kind: &about.kind,
            name: &about.name,
            namespace: about.namespace.as_deref(),
        }),
        file: about.and_then(|about| file_of(about, objects)),
        tags: Tags { code: finding.code.name() },
    };
    // Plain data with text keys always serialises.
    serde_json::to_string(&result).unwrap_or_default()
}

/// The file that the caller says an object is from, by the annotations that the two keep for that.
fn file_of<'o>(about: &ObjectRef, objects: &'o [Object]) -> Option<File<'o>> {
    let object = objects.iter().find(|object| {
        object.api_version == about.api_version
            && object.kind == about.kind
            && object.display_name() == about.name
            && object.namespace == about.namespace
    })?;
    let annotation = |key: &str| {
        let (new, old) =
            (format!("internal.config.kubernetes.io/{key}"), format!("config.kubernetes.io/{key}"));
        object.annotation(&new).or_else(|| object.annotation(&old))
    };
    let index = annotation("index").and_then(|index| index.parse().ok());
    Some(File { path: annotation("path")?, index })
}
