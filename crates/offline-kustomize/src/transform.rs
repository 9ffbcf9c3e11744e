//! Transformers that a kustomization switches on by a field: namespace, prefix, suffix, labels, annotations, images.

use super::field::{FieldError, FieldSpec};
use super::resource::{Origin, Resource, Resources, group_version};
use super::selector::Expression;
use super::value::Value;

/// Bytes that a name may grow to; Kubernetes takes 253.
const MAX_NAME: usize = 4_096;

/// Marks output of Helm charts, which keep the namespace that Helm gave them.
const FROM_HELM: &str = "internal.config.kubernetes.io/helm-generated";

/// Why kustomize refuses a transformation.
pub type TransformError = FieldError;

/// Sets the namespace of everything that can have one, renames Namespace objects.
///
/// # Errors
/// A field spec that does not fit an object.
pub fn namespace(
    resources: &mut Resources,
    namespace: &str,
    specs: &[FieldSpec],
    unset_only: bool,
    set_by: (usize, usize),
) -> Result<(), TransformError> {
    if namespace.is_empty() {
        return Ok(());
    }
    for resource in resources.rename_all().filter(|resource| !resource.object.is_empty()) {
        let is_of_chart = matches!(resource.origin, Origin::Chart(..));
        if is_of_chart || resource.annotation(FROM_HELM) == Some("true") {
            continue;
        }
        resource.remember();
        let set = &mut |value: &mut Value| match value {
            Value::Map(_) | Value::List(_) => Err(FieldError::Shape("namespace".to_owned())),
            _ => {
                if !unset_only || value.is_empty() {
                    *value = Value::text(namespace);
                }
                Ok(())
            }
        };
        if !resource.is_cluster_scoped() && (!unset_only || resource.namespace().is_empty()) {
            resource.set_metadata("namespace", Value::text(namespace));
            resource.namespaced_by = Some(set_by);
        }
        let is_core = resource.api_version() == "v1";
        let (group, version) = group_version(resource.api_version());
        let (group, version, kind) = (group.to_owned(), version.to_owned(), resource.kind().to_owned());
        for spec in specs.iter().filter(|spec| spec.applies_to(&group, &version, &kind)) {
            let metadata =
                |name: &str| spec.path.len() == 2 && spec.path[0] == "metadata" && spec.path[1] == name;
            if !metadata("namespace") && (is_core || !metadata("name")) {
                spec.visit(&mut resource.object, true, set)?;
            }
        }
    }
    Ok(())
}

/// Where an affix goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affix {
    /// Before names.
    Prefix,
    /// After names.
    Suffix,
}

/// Adds a prefix or suffix to names.
///
/// # Errors
/// A field spec that does not fit an object.
pub fn affix(
    resources: &mut Resources,
    affix: Affix,
    text: &str,
    specs: &[FieldSpec],
) -> Result<(), TransformError> {
    for resource in resources.rename_all() {
        let (group, version) = group_version(resource.api_version());
        let (group, version) = (group.to_owned(), version.to_owned());
        let original = resource.original().0.to_owned();
        let skip = match original.as_str() {
            "CustomResourceDefinition" | "Namespace" => true,
            "APIService" => group == "apiregistration.k8s.io",
            _ => false,
        };
        if skip {
            continue;
        }
        for spec in specs.iter().filter(|spec| spec.applies_to(&group, &version, &original)) {
            if spec.path == ["metadata", "name"] && !text.is_empty() {
                let affixes = std::sync::Arc::make_mut(&mut resource.affixes);
                match affix {
                    Affix::Prefix => affixes.0.push(text.to_owned()),
                    Affix::Suffix => affixes.1.push(text.to_owned()),
                }
                resource.remember();
            }
            if !spec.applies_to(&group, &version, resource.kind()) {
                continue;
            }
            spec.visit(&mut resource.object, true, &mut |value| {
                let old = match value {
                    Value::Map(_) | Value::List(_) => return Err(FieldError::Shape(spec.path.join("/"))),
                    _ => value.as_str().unwrap_or_default(),
                };
                let new = match affix {
                    Affix::Prefix => format!("{text}{old}"),
                    Affix::Suffix => format!("{old}{text}"),
                };
                if new.len() > MAX_NAME {
                    return Err(FieldError::Long(spec.path.join("/")));
                }
                *value = Value::text(&new);
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Sets labels or annotations (`field`) of every object's metadata.
pub fn metadata(resources: &mut Resources, field: &str, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    for resource in resources.iter_mut() {
        let mut map = resource.object.at(&["metadata", field]).cloned().unwrap_or_else(|| Value::map([]));
        pairs.iter().for_each(|(key, value)| map.set(key, Value::text(value)));
        resource.set_metadata(field, map);
    }
}

/// An entry of `images`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageRule {
    /// The image it is for, without tag; a regular expression to kustomize.
    pub name: String,
    /// The name to use instead.
    pub new_name: String,
    /// The tag to use instead.
    pub new_tag: String,
    /// What is added to the tag.
    pub tag_suffix: String,
    /// The digest to use instead.
    pub digest: String,
}

impl ImageRule {
    /// Reads an entry.
    pub fn read(tree: &Value) -> Self {
        let text = |key| tree.str_at(key).unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            new_name: text("newName"),
            new_tag: text("newTag"),
            tag_suffix: text("tagSuffix"),
            digest: text("digest"),
        }
    }

    /// What images must fit; none when the name is no expression, which then fits nothing.
    fn pattern(&self) -> Option<Pattern> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/:.@".contains(&byte);
        if self.name.bytes().all(word) {
            return Some(Pattern::Word(self.name.clone()));
        }
        let tag = "(:[a-zA-Z0-9_.{}-]*)?";
        let digest = "(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?";
        let pattern = format!("^{}{tag}{digest}$", self.name);
        Expression::new(&pattern).map(Pattern::Expression)
    }

    /// The image that takes the place of `image`, which fits.
    fn apply(&self, image: &str) -> String {
        let (name, tag, digest) = split_image(image);
        let (tag, digest) = match (self.new_tag.as_str(), self.digest.as_str(), self.tag_suffix.as_str()) {
            ("", "", "") => (tag.to_owned(), digest),
            ("", "", suffix) => (format!("{tag}{suffix}"), ""),
            (tag, digest, _) => (tag.to_owned(), digest),
        };
        let mut result = if self.new_name.is_empty() { name.to_owned() } else { self.new_name.clone() };
        for (mark, part) in [(':', tag.as_str()), ('@', digest)] {
            if !part.is_empty() {
                result.push(mark);
                result.push_str(part);
            }
        }
        result
    }
}

/// The name of an image rule followed by any tag and digest. Compiling an expression for each of ten thousand
/// overlays would take longer than all the rest.
enum Pattern {
    /// A name in which only the dot is special: it stands for any character.
    Word(String),
    Expression(Expression),
}

impl Pattern {
    fn fits(&self, image: &str) -> bool {
        let word = match self {
            Self::Expression(expression) => return expression.fits(image),
            Self::Word(word) => word,
        };
        let mut rest = image.chars();
        if !word.chars().all(|wanted| rest.next().is_some_and(|c| c == wanted || wanted == '.' && c != '\n'))
        {
            return false;
        }
        let part = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.{}-".contains(c));
        let (tag, digest) = match rest.as_str().split_once('@') {
            Some((tag, digest)) => (tag, Some(digest)),
            None => (rest.as_str(), None),
        };
        let digest_fits = digest.is_none_or(|digest| {
            let Some((algorithm, value)) = digest.split_once(':') else { return false };
            let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
            algorithm.split(['.', '+', '_', '-']).all(word) && part(value)
        });
        digest_fits && (tag.is_empty() || tag.strip_prefix(':').is_some_and(part))
    }
}

/// Name, tag and digest of an image as kustomize divides it.
pub fn split_image(image: &str) -> (&str, &str, &str) {
    let path = image.find('/').filter(|&slash| slash > 0).unwrap_or(0);
    let at = |mark| image[path..].find(mark).map(|offset| path + offset);
    match (at(':'), at('@')) {
        (None, None) => (image, "", ""),
        (Some(colon), Some(at)) if colon < at => (&image[..colon], &image[colon + 1..at], &image[at + 1..]),
        (_, Some(at)) => (&image[..at], "", &image[at + 1..]),
        (Some(colon), None) => (&image[..colon], &image[colon + 1..], ""),
    }
}

/// Applies an entry of `images`: first to lists called `containers` and `initContainers` wherever they are, then to
/// the field specs. Kustomize does both, one after the other, so a tag suffix is added twice.
///
/// # Errors
/// A field spec that does not fit an object.
pub fn image(resources: &mut Resources, rule: &ImageRule, specs: &[FieldSpec]) -> Result<(), TransformError> {
    let Some(pattern) = rule.pattern() else { return Ok(()) };
    let mut set = |value: &mut Value| match value {
        Value::Map(_) | Value::List(_) => Err(FieldError::Shape("image".to_owned())),
        Value::Null => Ok(()),
        Value::Scalar(text, _) => {
            if pattern.fits(text) {
                *value = Value::text(&rule.apply(text));
            }
            Ok(())
        }
    };
    for resource in resources.iter_mut().filter(|resource| resource.kind() != "CustomResourceDefinition") {
        if has_image(&resource.object, &pattern) {
            containers(&mut resource.object, &mut set)?;
        }
        images_by_spec(resource, specs, &mut set)?;
    }
    Ok(())
}

fn images_by_spec(
    resource: &mut Resource,
    specs: &[FieldSpec],
    set: &mut dyn FnMut(&mut Value) -> Result<(), TransformError>,
) -> Result<(), TransformError> {
    let (group, version) = group_version(resource.api_version());
    let (group, version, kind) = (group.to_owned(), version.to_owned(), resource.kind().to_owned());
    for spec in specs.iter().filter(|spec| spec.applies_to(&group, &version, &kind)) {
        if leads_somewhere(&resource.object, &spec.path) {
            spec.visit(&mut resource.object, false, set)?;
        }
    }
    Ok(())
}

/// Whether the first steps of a path exist; spares objects without it from being copied.
fn leads_somewhere(object: &Value, path: &[String]) -> bool {
    let mut at = object;
    for step in path {
        match (at, at.get(step.trim_end_matches("[]"))) {
            (Value::Map(_), Some(value)) => at = value,
            (Value::Map(_), None) => return false,
            _ => return true,
        }
    }
    true
}

/// Whether any text fits, so that most objects of a base stay shared.
fn has_image(object: &Value, pattern: &Pattern) -> bool {
    let mut waiting = vec![object];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Map(pairs) => waiting.extend(pairs.iter().map(|(_, value)| value)),
            Value::List(items) => waiting.extend(items.iter()),
            Value::Scalar(text, _) if pattern.fits(text) => return true,
            Value::Scalar(..) | Value::Null => {}
        }
    }
    false
}

/// Hands over every `image` of every item of a list called `containers` or `initContainers`. Depth is bounded by
/// that of the object.
fn containers(
    object: &mut Value,
    set: &mut dyn FnMut(&mut Value) -> Result<(), TransformError>,
) -> Result<(), TransformError> {
    if let Some(items) = object.items_mut() {
        return items
            .iter_mut()
            .filter(|item| !matches!(item, Value::Scalar(..)))
            .try_for_each(|item| containers(item, set));
    }
    let keys: Vec<_> =
        object.pairs().iter().map(|(key, value)| (key.clone(), matches!(value, Value::List(_)))).collect();
    for (key, is_list) in keys {
        let Some(value) = object.get_mut(&key) else { continue };
        containers(value, set)?;
        if is_list && matches!(&*key, "containers" | "initContainers") {
            for item in value.items_mut().into_iter().flatten() {
                match item {
                    Value::Map(_) => item.get_mut("image").map_or(Ok(()), &mut *set)?,
                    Value::Null => {}
                    _ => return Err(FieldError::Shape("image".to_owned())),
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, new_name: &str, new_tag: &str, suffix: &str, digest: &str) -> ImageRule {
        let [name, new_name, new_tag, tag_suffix, digest] =
            [name, new_name, new_tag, suffix, digest].map(str::to_owned);
        ImageRule { name, new_name, new_tag, tag_suffix, digest }
    }

    fn applied(rule: &ImageRule, image: &str) -> Option<String> {
        rule.pattern().filter(|pattern| pattern.fits(image)).map(|_| rule.apply(image))
    }

    #[test]
    fn images_are_renamed_and_retagged_as_kustomize_does() {
        let digest = "sha256:0123";
        for (rule, image, expected) in [
            (rule("nginx", "", "1.2", "", ""), "nginx:1.0", Some("nginx:1.2")),
            (rule("nginx", "reg:5000/n", "", "", ""), "nginx:1.0", Some("reg:5000/n:1.0")),
            (rule("nginx", "", "", "", digest), "nginx:1.0", Some("nginx@sha256:0123")),
            (rule("nginx", "", "2", "", digest), "nginx@sha256:9", Some("nginx:2@sha256:0123")),
            (rule("nginx", "", "", "-x", ""), "nginx:1.0@sha256:9", Some("nginx:1.0-x")),
            (rule("reg:5000/a", "", "2", "", ""), "reg:5000/a", Some("reg:5000/a:2")),
            (rule("nginx", "", "2", "", ""), "docker.io/nginx", None),
            (rule("nginx", "", "2", "", ""), "nginx-extra:1", None),
            (rule("ngin.", "", "2", "", ""), "nginx:1", Some("nginx:2")),
            (rule("[", "", "2", "", ""), "[", None),
            (rule("nginx", "", "", "", ""), "nginx:1.0", Some("nginx:1.0")),
            (rule("ngin(x)", "", "2", "", ""), "nginx:1", Some("nginx:2")),
            (rule("nginx", "", "2", "", ""), "nginx@sha256", None),
            (rule("nginx", "", "2", "", ""), "nginx:a/b", None),
            (rule("nginx", "", "2", "", ""), "nginx:", Some("nginx:2")),
        ] {
            assert_eq!(applied(&rule, image).as_deref(), expected, "{rule:?} {image}");
        }
    }

    #[test]
    fn images_divide() {
        assert_eq!(split_image("reg:5000/a/b:1@sha256:2"), ("reg:5000/a/b", "1", "sha256:2"));
        assert_eq!(split_image("a@sha256:2"), ("a", "", "sha256:2"));
        assert_eq!(split_image("a"), ("a", "", ""));
        assert_eq!(split_image("a:1"), ("a", "1", ""));
    }
}
