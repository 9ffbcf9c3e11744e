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
    if group_version(plugin.api_version()) != ("", "builtin") {
        return Ok(None);
    }
    let tree = &plugin.object;
    let config = Config { tree, read, of };
    let affix = |affix, key: &str| -> Result<Step, StepError> {
        let specs = config.specs().ok_or(StepError::Target("`fieldSpecs` are needed here"))?;
        Ok(Step::Affix { affix, text: config.text(key), specs: Some(specs) })
    };
    Ok(Some(match plugin.kind() {
        "NamespaceTransformer" => vec![Step::Namespace {
            namespace: plugin.namespace().to_owned(),
            specs: Some(config.specs().unwrap_or_default()),
            unset_only: tree.get("unsetOnly").is_some_and(Value::is_true),
        }],
        "PrefixTransformer" => vec![affix(Affix::Prefix, "prefix")?],
        "SuffixTransformer" => vec![affix(Affix::Suffix, "suffix")?],
        "PrefixSuffixTransformer" => {
            vec![affix(Affix::Prefix, "prefix")?, affix(Affix::Suffix, "suffix")?]
        }
        "LabelTransformer" => vec![config.metadata("labels")],
        "AnnotationsTransformer" => vec![config.metadata("annotations")],
        "ImageTagTransformer" => vec![Step::Image {
            rule: ImageRule::read(tree.get("imageTag").unwrap_or(&Value::Null)),
            specs: Some(config.specs().unwrap_or_default()),
        }],
        "PatchTransformer" => vec![config.patch(&config.trees("patch")?)?],
        "PatchJson6902Transformer" => vec![config.json_patch()?],
        "PatchStrategicMergeTransformer" => config.merge_patches()?,
        "ReplacementTransformer" => config.replacements()?,
        // Replicas, and a hash that the build adds at its end anyway.
        "ReplicaCountTransformer" | "HashTransformer" => Vec::new(),
        _ => return Ok(None),
    }))
}

/// The configuration of a plugin.
struct Config<'c> {
    tree: &'c Value,
    read: Read<'c>,
    of: (usize, usize),
}

impl Config<'_> {
    fn text(&self, key: &str) -> String {
        self.tree.str_at(key).unwrap_or_default().to_owned()
    }

    fn items(&self, key: &str) -> &[Value] {
        self.tree.get(key).map_or(&[], Value::items)
    }

    fn specs(&self) -> Option<Vec<FieldSpec>> {
        self.tree.get("fieldSpecs").map(|list| list.items().iter().map(FieldSpec::read).collect())
    }

    fn metadata(&self, field: &'static str) -> Step {
        let pairs = self.tree.get(field).map_or(&[][..], Value::pairs).iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Step::Metadata { field, pairs: pairs.map(|(key, value)| (key.to_string(), text(value))).collect() }
    }

    fn file(&self, path: &str) -> Result<Arc<Vec<Value>>, StepError> {
        (self.read)(path).map_err(StepError::Other)
    }

    /// What the file at `path` holds, or the text itself.
    fn trees(&self, inline: &str) -> Result<Arc<Vec<Value>>, StepError> {
        match (self.text("path").as_str(), self.text(inline).as_str()) {
            ("", "") => Err(StepError::NoPatch),
            ("", inline) => documents(inline).map(Arc::new).map_err(StepError::Other),
            (path, _) => self.file(path),
        }
    }

    fn patch(&self, trees: &[Value]) -> Result<Step, StepError> {
        let PatchEntry { target, rename, change_kind, .. } = PatchEntry::read(self.tree);
        let content = Some(Content::read(trees)?);
        Ok(Step::Patch(Box::new(Patch { content, target, rename, change_kind, remember: true, of: self.of })))
    }

    fn json_patch(&self) -> Result<Step, StepError> {
        let trees = self.trees("jsonOp")?;
        let patch = JsonPatch::read(trees.first().unwrap_or(&Value::Null)).map_err(StepError::Json)?;
        Ok(Step::Patch(Box::new(Patch {
            content: Some(Content::Json(patch)),
            target: PatchEntry::read(self.tree).target,
            rename: false,
            change_kind: false,
            remember: false,
            of: self.of,
        })))
    }

    /// The patches of `paths`, each a path or the text itself, and that of `patches`.
    fn merge_patches(&self) -> Result<Vec<Step>, StepError> {
        let mut steps = Vec::new();
        for path in self.items("paths").iter().filter_map(Value::as_str) {
            let inline = documents(path).ok().filter(|trees| Content::read(trees).is_ok());
            steps.push(match inline.filter(|trees| trees.iter().any(|tree| !tree.is_empty())) {
                Some(trees) => self.patch(&trees)?,
                None => self.patch(&self.file(path)?)?,
            });
        }
        let inline = self.text("patches");
        if !inline.is_empty() {
            steps.push(self.patch(&documents(&inline).map_err(StepError::Other)?)?);
        }
        Ok(steps)
    }

    fn replacements(&self) -> Result<Vec<Step>, StepError> {
        let mut steps = Vec::new();
        for entry in self.items("replacements") {
            let Some(path) = entry.str_at("path").filter(|path| !path.is_empty()) else {
                steps.push(Step::Replacement(Replacement::read(entry)));
                continue;
            };
            let trees = self.file(path)?;
            let first = trees.first().unwrap_or(&Value::Null);
            let items = if first.items().is_empty() { std::slice::from_ref(first) } else { first.items() };
            steps.extend(items.iter().map(|item| Step::Replacement(Replacement::read(item))));
        }
        Ok(steps)
    }
}
