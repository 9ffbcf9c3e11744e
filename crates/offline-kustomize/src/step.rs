//! Steps: what one kustomization does to the resources it has gathered, read and in order.
//!
//! Patch files, replacement files and configurations are loaded here, once for each kustomization.

use std::sync::Arc;

use super::config::Config;
use super::documents::documents;
use super::field::FieldSpec;
use super::patch::{Content, Patch, StepError};
use super::replace::Replacement;
use super::repository::{Known, Repository, is_remote};
use super::resource::Resources;
use super::transform::{self, Affix, ImageRule};
use super::value::Value;
use crate::kustomization::{Line, PatchEntry};

/// One transformation. Those with `specs` are told their fields, or take them from the configuration.
#[derive(Clone, Debug)]
pub enum Step {
    /// A patch.
    Patch(Box<Patch>),
    /// A namespace for everything.
    Namespace {
        /// The namespace.
        namespace: String,
        /// Fields beside `metadata.namespace`.
        specs: Option<Vec<FieldSpec>>,
        /// Whether a namespace that is there stays.
        unset_only: bool,
    },
    /// A prefix or suffix.
    Affix {
        /// Which.
        affix: Affix,
        /// The text to add.
        text: String,
        /// Fields that get it.
        specs: Option<Vec<FieldSpec>>,
    },
    /// Labels or annotations.
    Metadata {
        /// Which field of `metadata`.
        field: &'static str,
        /// Keys and values.
        pairs: Vec<(String, String)>,
    },
    /// An image rule.
    Image {
        /// The rule.
        rule: ImageRule,
        /// Fields beside the lists of containers.
        specs: Option<Vec<FieldSpec>>,
    },
    /// A replacement.
    Replacement(Replacement),
    /// Something that cannot be followed and may change anything.
    Unknown,
}

/// What a kustomization does, in the order of kustomize.
#[derive(Clone, Debug)]
pub struct Steps {
    /// Steps and their lines.
    pub steps: Vec<Line<Step>>,
    /// Field specs of its own, the standard ones included.
    pub config: Arc<Config>,
    /// Whether it takes more than sketches of the objects to follow it.
    pub whole: bool,
    /// What makes the build fail here.
    pub failure: Option<Line<String>>,
    /// Patches that only exist online.
    pub remote: Vec<Line<String>>,
}

impl Steps {
    /// Reads what a kustomization does; `at` is its index.
    pub fn read(repository: &Repository<'_>, known: &Known<'_>, at: usize, standard: &Arc<Config>) -> Self {
        let fields = &known.fields;
        let mut reader = Reader {
            repository,
            folder: &known.folder,
            at,
            result: Self {
                steps: Vec::new(),
                config: Arc::clone(standard),
                whole: false,
                failure: fields.problem.clone(),
                remote: Vec::new(),
            },
        };
        for entry in &fields.configurations {
            reader.configuration(entry);
        }
        for entry in &fields.merge_patches {
            // For legacy reasons the text may be the patch itself.
            let inline =
                documents(&entry.value).and_then(|trees| Content::read(&trees).map_err(|e| e.to_string()));
            let patch = match inline {
                Ok(Content::Merge(patches)) if !patches.is_empty() => {
                    PatchEntry { patch: entry.value.clone(), ..PatchEntry::default() }
                }
                _ => PatchEntry { path: entry.value.clone(), ..PatchEntry::default() },
            };
            reader.patch(&Line { value: patch, line: entry.line }, true);
        }
        for entry in &fields.patches {
            reader.patch(entry, true);
        }
        if let Some(namespace) = &fields.namespace {
            let step = Step::Namespace { namespace: namespace.value.clone(), specs: None, unset_only: false };
            reader.push(step, namespace.line);
        }
        for (affix, text) in [(Affix::Prefix, &fields.name_prefix), (Affix::Suffix, &fields.name_suffix)] {
            if let Some(text) = text {
                reader.push(Step::Affix { affix, text: text.value.clone(), specs: None }, text.line);
                // References to Secrets follow, and the scan has no facts about Secrets.
                reader.result.whole = true;
            }
        }
        for pairs in &fields.labels {
            reader.push(Step::Metadata { field: "labels", pairs: pairs.clone() }, 1);
        }
        if !fields.annotations.is_empty() {
            reader.push(Step::Metadata { field: "annotations", pairs: fields.annotations.clone() }, 1);
        }
        for entry in &fields.json_patches {
            if entry.value.target.as_ref().is_none_or(|target| target.name.is_empty()) {
                reader.fail(entry.line, "an entry of `patchesJson6902` needs `target.name`".to_owned());
            }
            reader.patch(entry, false);
        }
        for entry in &fields.images {
            reader.push(Step::Image { rule: entry.value.clone(), specs: None }, entry.line);
        }
        for entry in &fields.replacements {
            reader.replacement(entry);
        }
        reader.result.whole |= !fields.vars.is_empty() || !fields.transformers.is_empty();
        reader.result.whole |= fields.secrets.iter().any(|entry| entry.value.str_at("behavior").is_some());
        reader.result
    }
}

struct Reader<'r, 'a> {
    repository: &'r Repository<'a>,
    folder: &'r str,
    at: usize,
    result: Steps,
}

impl Reader<'_, '_> {
    fn push(&mut self, value: Step, line: usize) {
        self.result.steps.push(Line { value, line });
    }

    fn fail(&mut self, line: usize, value: String) {
        if self.result.failure.is_none() {
            self.result.failure = Some(Line { value, line });
        }
    }

    /// The documents of a file that is named at a line.
    fn documents(&mut self, entry: &str, line: usize) -> Option<Arc<Vec<Value>>> {
        let path = self.repository.path(self.folder, entry).map_err(|dead| dead.message);
        match path.and_then(|path| self.repository.documents(&path)) {
            Ok(trees) => Some(trees),
            Err(reason) => {
                self.fail(line, format!("`{entry}`: {reason}"));
                None
            }
        }
    }

    fn configuration(&mut self, entry: &Line<String>) {
        let Some(trees) = self.documents(&entry.value, entry.line) else { return };
        let more = Arc::new(Config::read(trees.first().unwrap_or(&Value::Null)));
        match Arc::clone(&self.result.config).merge(&more) {
            Ok(config) => self.result.config = config,
            Err(clash) => {
                let path = clash.0;
                self.fail(
                    entry.line,
                    format!(
                        "`{}` and kustomize's own field spec for `{path}` disagree on `create`",
                        entry.value
                    ),
                );
            }
        }
        self.result.whole = true;
    }

    fn patch(&mut self, entry: &Line<PatchEntry>, remember: bool) {
        let PatchEntry { path, patch, target, rename, change_kind } = &entry.value;
        let trees = match (path.as_str(), patch.as_str()) {
            ("", "") => return self.fail(entry.line, "a patch needs `path` or `patch`".to_owned()),
            ("", text) => match documents(text) {
                Ok(trees) => Some(Arc::new(trees)),
                Err(reason) => return self.fail(entry.line, format!("the patch: {reason}")),
            },
            (path, "") if is_remote(path) => {
                self.result.remote.push(Line { value: path.to_owned(), line: entry.line });
                None
            }
            (path, "") => match self.documents(path, entry.line) {
                Some(trees) => Some(trees),
                None => return,
            },
            _ => return self.fail(entry.line, "a patch has either `path` or `patch`".to_owned()),
        };
        let content = match trees.map(|trees| Content::read(&trees)).transpose() {
            Ok(content) => content,
            Err(error) => {
                let file = if path.is_empty() { "the patch" } else { path };
                return self.fail(entry.line, format!("{file}: {error}"));
            }
        };
        if let Some(Content::Json(patch)) = &content {
            self.result.whole |= patch.needs_whole_object();
        }
        let patch = Patch {
            content,
            target: target.clone(),
            rename: *rename,
            change_kind: *change_kind,
            remember,
            of: (self.at, entry.line),
        };
        self.result.whole |= rename | change_kind;
        self.push(Step::Patch(Box::new(patch)), entry.line);
    }

    fn replacement(&mut self, entry: &Line<Value>) {
        self.result.whole = true;
        let Some(path) = entry.value.str_at("path").filter(|path| !path.is_empty()).map(str::to_owned) else {
            return self.push(Step::Replacement(Replacement::read(&entry.value)), entry.line);
        };
        let Some(trees) = self.documents(&path, entry.line) else { return };
        match trees.first() {
            Some(Value::List(items)) => {
                for item in items.iter() {
                    self.push(Step::Replacement(Replacement::read(item)), entry.line);
                }
            }
            Some(single @ Value::Map(_)) => {
                self.push(Step::Replacement(Replacement::read(single)), entry.line)
            }
            _ => self.fail(entry.line, format!("`{path}` holds no replacement")),
        }
    }
}

impl Step {
    /// Applies the step; `of` is its kustomization and line. False when what it does depends on something that cannot
    /// be known: what it may have changed is marked as uncertain then.
    ///
    /// # Errors
    /// What makes kustomize fail.
    pub fn apply(
        &self,
        resources: &mut Resources,
        config: &Config,
        of: (usize, usize),
    ) -> Result<bool, StepError> {
        let mut followed = true;
        match self {
            Self::Patch(patch) => patch.apply(resources)?,
            Self::Namespace { namespace, specs, unset_only } => {
                let specs = specs.as_deref().unwrap_or(&config.namespace);
                transform::namespace(resources, namespace, specs, *unset_only, of)?;
                if let Some(conflict) = resources.conflict() {
                    return Err(conflict.into());
                }
            }
            Self::Affix { affix, text, specs } => {
                let standard = match affix {
                    Affix::Prefix => &config.name_prefix,
                    Affix::Suffix => &config.name_suffix,
                };
                transform::affix(resources, *affix, text, specs.as_deref().unwrap_or(standard))?;
            }
            Self::Metadata { field, pairs } => transform::metadata(resources, field, pairs),
            Self::Image { rule, specs } => {
                transform::image(resources, rule, specs.as_deref().unwrap_or(&config.images))?;
            }
            Self::Replacement(replacement) => followed = replacement.apply(resources, of)?,
            Self::Unknown => resources.iter_mut().for_each(|resource| resource.uncertain = Some(of)),
        }
        resources.drop_empty();
        Ok(followed)
    }
}
