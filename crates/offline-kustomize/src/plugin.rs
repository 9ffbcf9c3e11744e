//! Transformer files: objects that configure what is built into kustomize, and what they do.

use std::sync::Arc;

use super::documents::documents;
use super::field::FieldSpec;
use super::json_patch::JsonPatch;
use super::patch::{Content, Patch, StepError};
use super::replace::Replacement;
use super::resource::{Resource, group_version};
use super::step::Step;
use super::transform::{Affix, ImageRule};
use super::value::Value;
use crate::kustomization::PatchEntry;

/// Gives the documents of a file that a transformer names.
pub type Read<'r> = &'r dyn Fn(&str) -> Result<Arc<Vec<Value>>, String>;

/// The steps of an object that `transformers` names; none when it is not built into kustomize.
///
/// # Errors
/// What makes kustomize refuse its configuration.
pub fn steps(plugin: &Resource, read: Read<'_>, of: (usize, usize)) -> Result<Option<Vec<Step>>, StepError> {
    let tree = &plugin.object;
    if group_version(plugin.api_version()) != ("", "builtin") {
        return Ok(None);
    }
    let specs =
        || tree.get("fieldSpecs").map(|list| list.items().iter().map(FieldSpec::read).collect::<Vec<_>>());
    let text = |key: &str| tree.str_at(key).unwrap_or_default().to_owned();
    let pairs = |key: &str| {
        let pairs = tree.get(key).map_or(&[][..], Value::pairs).iter();
        pairs.map(|(key, value)| (key.to_string(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    let other = |text: String| StepError::Other(text);
    let affix = |affix, key: &str| -> Result<Step, StepError> {
        let specs = specs().ok_or(StepError::Target("`fieldSpecs` are needed here"))?;
        Ok(Step::Affix { affix, text: text(key), specs: Some(specs) })
    };
    let patch = |trees: &[Value], remember| -> Result<Step, StepError> {
        let entry = PatchEntry::read(tree);
        Ok(Step::Patch(Box::new(Patch {
            content: Some(Content::read(trees)?),
            target: entry.target,
            rename: entry.rename,
            change_kind: entry.change_kind,
            remember,
            of,
        })))
    };
    // A path, or the text itself.
    let trees = |inline: &str| -> Result<Arc<Vec<Value>>, StepError> {
        match (text("path").as_str(), text(inline).as_str()) {
            ("", "") => Err(StepError::NoPatch),
            ("", inline) => documents(inline).map(Arc::new).map_err(other),
            (path, _) => read(path).map_err(other),
        }
    };
    Ok(Some(match plugin.kind() {
        "NamespaceTransformer" => vec![Step::Namespace {
            namespace: plugin.namespace().to_owned(),
            specs: Some(specs().unwrap_or_default()),
            unset_only: tree.get("unsetOnly").is_some_and(Value::is_true),
        }],
        "PrefixTransformer" => vec![affix(Affix::Prefix, "prefix")?],
        "SuffixTransformer" => vec![affix(Affix::Suffix, "suffix")?],
        "PrefixSuffixTransformer" => {
            vec![affix(Affix::Prefix, "prefix")?, affix(Affix::Suffix, "suffix")?]
        }
        "LabelTransformer" => vec![Step::Metadata { field: "labels", pairs: pairs("labels") }],
        "AnnotationsTransformer" => {
            vec![Step::Metadata { field: "annotations", pairs: pairs("annotations") }]
        }
        "ImageTagTransformer" => vec![Step::Image {
            rule: ImageRule::read(tree.get("imageTag").unwrap_or(&Value::Null)),
            specs: Some(specs().unwrap_or_default()),
        }],
        "PatchTransformer" => vec![patch(&trees("patch")?, true)?],
        "PatchJson6902Transformer" => {
            let content = Content::Json(
                JsonPatch::read(trees("jsonOp")?.first().unwrap_or(&Value::Null)).map_err(StepError::Json)?,
            );
            let target = PatchEntry::read(tree).target;
            let (rename, change_kind, remember) = (false, false, false);
            vec![Step::Patch(Box::new(Patch {
                content: Some(content),
                target,
                rename,
                change_kind,
                remember,
                of,
            }))]
        }
        "PatchStrategicMergeTransformer" => {
            let mut steps = Vec::new();
            for path in tree.get("paths").map_or(&[][..], Value::items).iter().filter_map(Value::as_str) {
                let inline = documents(path).ok().filter(|trees| Content::read(trees).is_ok());
                steps.push(match inline.filter(|trees| trees.iter().any(|tree| !tree.is_empty())) {
                    Some(trees) => patch(&trees, true)?,
                    None => patch(&read(path).map_err(other)?, true)?,
                });
            }
            let inline = text("patches");
            if !inline.is_empty() {
                steps.push(patch(&documents(&inline).map_err(other)?, true)?);
            }
            steps
        }
        "ReplacementTransformer" => {
            let mut steps = Vec::new();
            for entry in tree.get("replacements").map_or(&[][..], Value::items) {
                match entry.str_at("path").filter(|path| !path.is_empty()) {
                    None => steps.push(Step::Replacement(Replacement::read(entry))),
                    Some(path) => {
                        let trees = read(path).map_err(other)?;
                        let first = trees.first().unwrap_or(&Value::Null);
                        let items = if first.items().is_empty() {
                            std::slice::from_ref(first)
                        } else {
                            first.items()
                        };
                        steps.extend(items.iter().map(|item| Step::Replacement(Replacement::read(item))));
                    }
                }
            }
            steps
        }
        // Replicas, and a hash that the build adds at its end anyway.
        "ReplicaCountTransformer" | "HashTransformer" => Vec::new(),
        _ => return Ok(None),
    }))
}
