//! `replacements`: values copied from one field to others.

use std::sync::Arc;

use super::documents::leaves_out;
use super::field::{self, FieldError};
use super::patch::StepError;
use super::resource::{Resource, Resources, group_version};
use super::selector::{Matcher, Selector};
use super::value::Value;

/// One entry.
#[derive(Clone, Debug, Default)]
pub struct Replacement {
    source: Option<Source>,
    value: Option<String>,
    targets: Vec<Target>,
}

#[derive(Clone, Debug)]
struct Source {
    selector: Selector,
    path: String,
    options: Options,
}

#[derive(Clone, Debug)]
struct Target {
    select: Option<Selector>,
    reject: Vec<Selector>,
    paths: Vec<String>,
    options: Options,
}

#[derive(Clone, Debug, Default)]
struct Options {
    delimiter: String,
    index: i64,
    create: bool,
}

impl Options {
    fn read(tree: Option<&Value>) -> Self {
        let Some(tree) = tree else { return Self::default() };
        Self {
            delimiter: tree.str_at("delimiter").unwrap_or_default().to_owned(),
            index: tree.str_at("index").and_then(|text| text.parse().ok()).unwrap_or(0),
            create: tree.get("create").is_some_and(Value::is_true),
        }
    }
}

impl Replacement {
    /// Reads an entry.
    pub fn read(tree: &Value) -> Self {
        let path = |tree: &Value| tree.str_at("fieldPath").unwrap_or("metadata.name").to_owned();
        let source = tree.get("source").filter(|source| !source.is_null()).map(|source| Source {
            selector: Selector::read(source),
            path: path(source),
            options: Options::read(source.get("options")),
        });
        let target = |target: &Value| Target {
            select: target.get("select").filter(|select| !select.is_null()).map(Selector::read),
            reject: target.get("reject").map_or(&[][..], Value::items).iter().map(Selector::read).collect(),
            paths: match target.get("fieldPaths").map_or(&[][..], Value::items) {
                [] => vec!["metadata.name".to_owned()],
                paths => paths.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            },
            options: Options::read(target.get("options")),
        };
        Self {
            source,
            value: tree.str_at("sourceValue").map(str::to_owned),
            targets: tree.get("targets").map_or(&[][..], Value::items).iter().map(target).collect(),
        }
    }

    /// Copies the value; `of` is the kustomization and line that it is of. Only on whole objects. False when the value
    /// cannot be known: the targets are marked as uncertain.
    ///
    /// # Errors
    /// A source or a target field that is not there, and what else kustomize refuses.
    pub fn apply(&self, resources: &mut Resources, of: (usize, usize)) -> Result<bool, StepError> {
        let value = match (&self.source, &self.value) {
            (Some(_), Some(_)) => {
                return Err(StepError::Target("a replacement has either `source` or `sourceValue`"));
            }
            (None, Some(value)) => Some(Copied { value: Value::text(value), live: None }),
            (Some(source), None) => source.value(resources)?,
            (None, None) => return Err(StepError::Target("a replacement needs a `source`")),
        };
        if self.targets.is_empty() {
            return Err(StepError::Target("a replacement needs `targets`"));
        }
        let Some(mut value) = value else {
            for target in &self.targets {
                for at in target.selected(resources)? {
                    resources.get_mut(at).uncertain = Some(of);
                }
            }
            return Ok(false);
        };
        self.targets.iter().try_for_each(|target| target.write(resources, &mut value, of))?;
        Ok(true)
    }
}

/// The value that is copied. Kustomize holds on to the field that it was read from, so when that field is a target too,
/// later targets get what has become of it.
struct Copied {
    value: Value,
    /// The resource that it lies in, if it lies there as it is.
    live: Option<usize>,
}

impl Copied {
    /// Whether a field of a resource is the one that the value was read from.
    fn is(&self, at: usize, field: &Value) -> bool {
        match (&self.value, field) {
            (Value::Scalar(mine, _), Value::Scalar(theirs, _)) => {
                self.live == Some(at) && Arc::ptr_eq(mine, theirs)
            }
            _ => false,
        }
    }
}

impl Source {
    /// The value to copy; none when it lies in something that cannot be known.
    fn value(&self, resources: &Resources) -> Result<Option<Copied>, StepError> {
        let mut found = resources.iter().enumerate().filter(|(_, resource)| self.is_selected(resource));
        let name = || format!("`{}` `{}`", self.selector.kind, self.selector.name);
        let Some((at, resource)) = found.next() else {
            if resources.open.is_some() {
                return Ok(None);
            }
            return Err(StepError::Other(format!("no resource of the build is the source {}", name())));
        };
        if found.next().is_some() {
            return Err(StepError::Other(format!(
                "several resources of the build are the source {}",
                name()
            )));
        }
        if leaves_out(&resource.object, &self.path) {
            return Ok(None);
        }
        let value = field::lookup(&resource.object, &field::split_dotted(&self.path))?;
        let missing = || StepError::Field(FieldError::Missing(self.path.clone()));
        let is_known = resource.generated.is_none_or(|generated| generated.known);
        if !is_known && value.is_none_or(Value::is_empty) {
            return Ok(None);
        }
        // An empty text is a value, and is copied; null and empty collections are none.
        let value = value.filter(|value| matches!(value, Value::Scalar(..)) || !value.is_empty());
        let value = value.ok_or_else(missing)?;
        if self.options.delimiter.is_empty() {
            return Ok(Some(Copied { value: value.clone(), live: Some(at) }));
        }
        let text = value.as_str().ok_or_else(|| FieldError::Shape(self.path.clone()))?;
        let part = usize::try_from(self.options.index).ok();
        let part = part.and_then(|part| text.split(&self.options.delimiter).nth(part)).ok_or_else(missing)?;
        Ok(Some(Copied { value: Value::text(part), live: None }))
    }

    /// Sources are named exactly, by any identity that a resource has or had.
    fn is_selected(&self, resource: &Resource) -> bool {
        let selector = &self.selector;
        let (group, version) = group_version(resource.api_version());
        let fits = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        let effective =
            |namespace: &'_ str| if namespace.is_empty() { "default" } else { namespace }.to_owned();
        let is = |kind: &str, name: &str, namespace: &str| {
            fits(&selector.kind, kind)
                && fits(&selector.name, name)
                && (selector.namespace.is_empty() || effective(&selector.namespace) == effective(namespace))
        };
        fits(&selector.group, group)
            && fits(&selector.version, version)
            && !resource.object.is_empty()
            && (is(resource.kind(), resource.name(), resource.namespace())
                || resource.former.iter().any(|former| is(&former.kind, &former.name, &former.namespace)))
    }
}

impl Target {
    /// Positions of the resources that the target selects.
    fn selected(&self, resources: &Resources) -> Result<Vec<usize>, StepError> {
        let Some(select) = &self.select else {
            return Err(StepError::Target("a target of a replacement needs `select`"));
        };
        let select = Matcher::new(select)?;
        let reject = self
            .reject
            .iter()
            .map(|one| Ok((Matcher::new(one)?, one)))
            .collect::<Result<Vec<_>, StepError>>()?;
        let is_selected = |resource: &Resource| {
            let by_metadata = |(matcher, selector): &(Matcher, &Selector)| {
                !(selector.labels.is_empty() && selector.annotations.is_empty())
                    && matcher.fits_metadata(&resource.object)
            };
            let by_id = |(matcher, selector): &(Matcher, &Selector)| {
                !selector.is_without_id() && is(matcher, resource)
            };
            !resource.object.is_empty()
                && select.fits_metadata(&resource.object)
                && is(&select, resource)
                && !reject.iter().any(|one| by_metadata(one) || by_id(one))
        };
        let found = resources.iter().enumerate().filter(|(_, resource)| is_selected(resource));
        Ok(found.map(|(at, _)| at).collect())
    }

    fn write(
        &self,
        resources: &mut Resources,
        value: &mut Copied,
        of: (usize, usize),
    ) -> Result<(), StepError> {
        for at in self.selected(resources)? {
            let resource = resources.rename(at);
            let namespace = resource.namespace().to_owned();
            for path in &self.paths {
                if !leaves_out(&resource.object, path) {
                    self.write_field((at, resource), path, value)?;
                }
            }
            if resource.namespace() != namespace {
                resource.namespaced_by = Some(of);
            }
            let grown = resource.object.within_limits();
            grown.map_err(|limit| {
                StepError::Other(format!("a replacement makes an object that is {limit}"))
            })?;
        }
        Ok(())
    }

    fn write_field(
        &self,
        (at, resource): (usize, &mut Resource),
        path: &str,
        copied: &mut Copied,
    ) -> Result<(), StepError> {
        let Options { delimiter, index, create } = &self.options;
        let leaf = create.then(|| copied.value.clone());
        let set = &mut |old: &mut Value| {
            let (value, is_source) = (&copied.value, copied.is(at, old));
            let new = if delimiter.is_empty() {
                match (&*old, value) {
                    // The type of the field stays, only its text changes.
                    (Value::Scalar(_, plain), Value::Scalar(text, _)) => {
                        Value::Scalar(Arc::from(&**text), *plain)
                    }
                    _ => value.clone(),
                }
            } else {
                let text = old.as_str().ok_or_else(|| FieldError::Shape(path.to_owned()))?;
                let new = value.as_str().unwrap_or_default();
                let mut parts: Vec<&str> = text.split(delimiter.as_str()).collect();
                match usize::try_from(*index) {
                    Err(_) => parts.insert(0, new),
                    Ok(index) if index >= parts.len() => parts.push(new),
                    Ok(index) => parts[index] = new,
                }
                Value::text(&parts.join(delimiter))
            };
            *old = new;
            if is_source {
                copied.value = old.clone();
            }
            Ok(())
        };
        let steps = field::split_dotted(path);
        match field::visit(&mut resource.object, &steps, leaf.as_ref(), set)? {
            0 => Err(StepError::Field(FieldError::Missing(path.to_owned()))),
            _ => Ok(()),
        }
    }
}

/// Whether a matcher fits any identity that a resource has or had; namespaces as they are written.
fn is(matcher: &Matcher, resource: &Resource) -> bool {
    let (group, version) = group_version(resource.api_version());
    let fits = |kind: &str, name: &str, namespace: &str| {
        matcher.fits_type(group, version, kind)
            && matcher.fits_name(name)
            && matcher.fits_namespace(namespace)
    };
    fits(resource.kind(), resource.name(), resource.namespace())
        || resource.former.iter().any(|former| fits(&former.kind, &former.name, &former.namespace))
}
