//! Patches: what a text is (strategic merge or JSON 6902), which resources it is for, how it is applied.

use std::fmt;

use super::field::FieldError;
use super::json_patch::{JsonPatch, JsonPatchError};
use super::merge::{MergeError, merge};
use super::resource::{Conflict, Id, Resource, Resources, group_version};
use super::selector::{Matcher, Selector, SelectorError};
use super::value::Value;

/// Why a step of a build fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepError {
    /// The text is neither kind of patch.
    NoPatch,
    /// A JSON patch, or several strategic merge patches, and a target that does not suit.
    Target(&'static str),
    /// A strategic merge patch fits no resource.
    NoMatch(Id),
    /// More than one resource fits.
    Ambiguous(Id),
    /// Two resources have one identity.
    Conflict(Id),
    /// The selector cannot be read.
    Selector(SelectorError),
    /// The patch does not fit the object.
    Merge(MergeError),
    /// The JSON patch does not apply.
    Json(JsonPatchError),
    /// A field path does not lead anywhere.
    Field(FieldError),
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |id: &Id| format!("`{}` `{}`", id.kind, id.name);
        match self {
            Self::NoPatch => f.write_str("the text is neither a strategic merge patch nor a JSON patch"),
            Self::Target(text) => f.write_str(text),
            Self::NoMatch(patch) => write!(f, "no resource of the build is the {} of the patch", id(patch)),
            Self::Ambiguous(patch) => write!(f, "several resources of the build are {}", id(patch)),
            Self::Conflict(twice) => write!(f, "the build has {} twice", id(twice)),
            Self::Selector(error) => error.fmt(f),
            Self::Merge(error) => error.fmt(f),
            Self::Json(error) => error.fmt(f),
            Self::Field(error) => error.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<Conflict> for StepError {
    fn from(Conflict(id): Conflict) -> Self {
        Self::Conflict(id)
    }
}

impl From<SelectorError> for StepError {
    fn from(error: SelectorError) -> Self {
        Self::Selector(error)
    }
}

impl From<FieldError> for StepError {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

/// What a patch does.
#[derive(Clone, Debug)]
pub enum Content {
    /// Strategic merge patches, each an object that names what it is for.
    Merge(Vec<Value>),
    /// Operations for every object that the target selects.
    Json(JsonPatch),
}

impl Content {
    /// Tells what the documents of a patch are.
    ///
    /// # Errors
    /// Neither kind of patch, or an operation that is none.
    pub fn read(documents: &[Value]) -> Result<Self, StepError> {
        if let Some(first @ Value::List(_)) = documents.first() {
            return JsonPatch::read(first).map(Self::Json).map_err(StepError::Json);
        }
        let objects: Vec<Value> = documents.iter().filter(|document| !document.is_empty()).cloned().collect();
        if objects.iter().all(is_object) { Ok(Self::Merge(objects)) } else { Err(StepError::NoPatch) }
    }
}

/// Whether kustomize takes a document for an object: it has a kind, and a name unless it is a List.
pub fn is_object(document: &Value) -> bool {
    let kind = document.str_at("kind").unwrap_or_default();
    let name = document.at(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
    !kind.is_empty() && (kind.ends_with("List") || !name.is_empty())
}

/// A patch ready to be applied.
#[derive(Clone, Debug)]
pub struct Patch {
    /// What it does; none when that cannot be known.
    pub content: Option<Content>,
    /// What it is for; needed by JSON patches.
    pub target: Option<Selector>,
    /// Whether it may change names.
    pub rename: bool,
    /// Whether it may change kinds.
    pub change_kind: bool,
    /// Whether resources keep their former identity when a JSON patch changes them.
    pub remember: bool,
    /// The kustomization and line that it is of.
    pub of: (usize, usize),
}

impl Patch {
    /// Applies the patch to what it is for.
    ///
    /// # Errors
    /// Whatever makes kustomize refuse it.
    pub fn apply(&self, resources: &mut Resources) -> Result<(), StepError> {
        match (&self.content, &self.target) {
            (None, target) => {
                let all = Selector::default();
                for at in select(resources, &Matcher::new(target.as_ref().unwrap_or(&all))?) {
                    resources.get_mut(at).uncertain = Some(self.of);
                }
                Ok(())
            }
            (Some(Content::Json(_)), None) => Err(StepError::Target("a JSON patch needs a `target`")),
            (Some(Content::Json(patch)), Some(target)) => {
                for at in select(resources, &Matcher::new(target)?) {
                    self.apply_json(patch, resources.rename(at))?;
                }
                Ok(())
            }
            (Some(Content::Merge(patches)), Some(_)) if patches.len() > 1 => {
                Err(StepError::Target("several strategic merge patches in one entry cannot have a `target`"))
            }
            (Some(Content::Merge(patches)), Some(target)) => {
                let Some(patch) = patches.first() else { return Ok(()) };
                for at in select(resources, &Matcher::new(target)?) {
                    let mut patch = patch.clone();
                    let resource = resources.rename(at);
                    patch.set("apiVersion", Value::text(resource.api_version()));
                    self.apply_merge(&patch, resource)?;
                }
                resources.drop_empty();
                resources.conflict().map_or(Ok(()), |conflict| Err(conflict.into()))
            }
            (Some(Content::Merge(patches)), None) => {
                for patch in patches {
                    let id = Id::of(patch);
                    match resources.find(&id)[..] {
                        [at] => {
                            let resource =
                                if self.rename { resources.rename(at) } else { resources.get_mut(at) };
                            self.apply_merge(patch, resource)?;
                        }
                        [] if resources.open.is_some() => {}
                        [] => return Err(StepError::NoMatch(id)),
                        _ => return Err(StepError::Ambiguous(id)),
                    }
                }
                Ok(())
            }
        }
    }

    fn apply_merge(&self, patch: &Value, resource: &mut Resource) -> Result<(), StepError> {
        let (name, namespace, kind) =
            (resource.name().to_owned(), resource.namespace().to_owned(), resource.kind().to_owned());
        if self.rename || self.change_kind {
            resource.remember();
        }
        let Some(object) =
            merge(&resource.object, patch).map_err(StepError::Merge)?.filter(|o| !o.is_empty())
        else {
            resource.object = Value::Null;
            return Ok(());
        };
        resource.object = object;
        if !self.change_kind {
            resource.object.set("kind", Value::text(&kind));
        }
        if !self.rename {
            resource.set_metadata("name", Value::text(&name));
        }
        if namespace.is_empty() {
            if let Some(metadata) = resource.object.get_mut("metadata") {
                metadata.remove("namespace");
            }
        } else {
            resource.set_metadata("namespace", Value::text(&namespace));
        }
        Ok(())
    }

    fn apply_json(&self, patch: &JsonPatch, resource: &mut Resource) -> Result<(), StepError> {
        if self.remember {
            resource.remember();
        }
        // Kustomize keeps its own notes in annotations while it builds, so a patch finds them there.
        if resource.object.at(&["metadata", "annotations"]).is_none() && !resource.former.is_empty() {
            resource.set_metadata("annotations", Value::map([]));
        }
        let namespace = resource.namespace().to_owned();
        match patch.apply(&resource.object) {
            Ok(object) => resource.object = object,
            // What is changed here may have come with what is known only online.
            Err(JsonPatchError::Missing(_) | JsonPatchError::Test(_)) if resource.uncertain.is_some() => {}
            Err(error) => return Err(StepError::Json(error)),
        }
        if resource.namespace() != namespace {
            resource.namespaced_by = Some(self.of);
        }
        Ok(())
    }
}

/// Positions of the resources that a selector fits: by name and namespace as they are or first were.
pub fn select(resources: &Resources, matcher: &Matcher) -> Vec<usize> {
    let fits = |resource: &Resource| {
        let (_, name, namespace) = resource.original();
        let (group, version) = group_version(resource.api_version());
        matcher.fits_type(group, version, resource.kind())
            && (matcher.fits_name(name) || matcher.fits_name(resource.name()))
            && (matcher.fits_namespace(namespace) || matcher.fits_namespace(resource.effective_namespace()))
            && matcher.fits_metadata(&resource.object)
            && !resource.object.is_empty()
    };
    resources.iter().enumerate().filter(|(_, resource)| fits(resource)).map(|(at, _)| at).collect()
}
