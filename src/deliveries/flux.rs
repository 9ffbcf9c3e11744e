//! Flux `Kustomization` objects: which folder they build and what they add to its kustomization.
//!
//! Flux edits the kustomization of the folder, or generates one, before it builds; it does not wrap it. Images are
//! merged into entries of the same name.

pub mod artifact;

use offline_kustomize::kustomization::{Kustomization, Line, PatchEntry};
use offline_kustomize::transform::ImageRule;
use offline_kustomize::value::Value;

/// One Flux `Kustomization`.
#[derive(Clone, Debug)]
pub struct FluxKustomization {
    /// `path`, from the repository's root; empty for the root itself.
    pub path: String,
    /// Namespace and name of the source it takes the path from, with its kind.
    pub source: Source,
    tree: Value,
}

/// A reference to a source object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// `GitRepository`, `OCIRepository` or `Bucket`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl FluxKustomization {
    /// Reads an object.
    pub fn read(tree: &Value) -> Self {
        let text = |path: &[&str]| tree.at(path).and_then(Value::as_str).unwrap_or_default();
        let own = text(&["metadata", "namespace"]);
        let namespace = match text(&["spec", "sourceRef", "namespace"]) {
            "" => own,
            namespace => namespace,
        };
        let source = Source {
            kind: text(&["spec", "sourceRef", "kind"]).to_owned(),
            namespace: namespace.to_owned(),
            name: text(&["spec", "sourceRef", "name"]).to_owned(),
        };
        Self { path: text(&["spec", "path"]).to_owned(), source, tree: tree.clone() }
    }

    fn spec(&self, key: &str) -> Option<&Value> {
        self.tree.at(&["spec", key]).filter(|value| !value.is_null())
    }

    /// The namespace that everything gets.
    pub fn target_namespace(&self) -> Option<&str> {
        self.spec("targetNamespace").and_then(Value::as_str).filter(|namespace| !namespace.is_empty())
    }

    /// The cluster that it applies to, if not its own: the name of what holds the way there.
    pub fn kube_config(&self) -> Option<&str> {
        let name = |reference: &str| {
            self.tree.at(&["spec", "kubeConfig", reference, "name"]).and_then(Value::as_str)
        };
        name("secretRef").or_else(|| name("configMapRef")).filter(|name| !name.is_empty())
    }

    /// Adds what the object says to the fields of the folder's kustomization; `line` is where it says so.
    pub fn apply_to(&self, fields: &mut Kustomization, line: usize) {
        let text = |key: &str| {
            let value = self.spec(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            value.map(|value| Line { value: value.to_owned(), line })
        };
        let list = |key: &str| self.spec(key).map_or(&[][..], Value::items).iter();
        fields.namespace = text("targetNamespace").or(fields.namespace.take());
        fields.name_prefix = text("namePrefix").or(fields.name_prefix.take());
        fields.name_suffix = text("nameSuffix").or(fields.name_suffix.take());
        let entry = |value: PatchEntry| Line { value, line };
        fields.patches.extend(list("patches").map(|patch| entry(PatchEntry::read(patch))));
        let components = list("components").filter_map(Value::as_str);
        fields.components.extend(components.map(|value| Line { value: value.to_owned(), line }));
        for image in list("images") {
            merge_image(fields, ImageRule::read(image), line);
        }
        if fields.resources.is_empty()
            && fields.problem.as_ref().is_some_and(|problem| problem.value.contains("empty"))
        {
            fields.problem = None;
        }
    }

    /// Whether inline variables replace `${…}` in a text, and what comes out; none when a value is not in the
    /// object itself.
    pub fn substitute(&self, text: &str) -> Option<String> {
        if !text.contains("${") || self.spec("postBuild").is_none() {
            return Some(text.to_owned());
        }
        let known = self.tree.at(&["spec", "postBuild", "substitute"]);
        let elsewhere =
            self.tree.at(&["spec", "postBuild", "substituteFrom"]).is_some_and(|list| !list.is_empty());
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, more) = after.split_once('}')?;
            let (name, default) = match name.split_once(":=") {
                Some((name, default)) => (name, Some(default)),
                None => (name, None),
            };
            result.push_str(before);
            match known.and_then(|known| known.str_at(name)) {
                Some(value) => result.push_str(value),
                None if elsewhere => return None,
                None => result.push_str(default?),
            }
            rest = more;
        }
        result.push_str(rest);
        Some(result)
    }
}

fn merge_image(fields: &mut Kustomization, new: ImageRule, line: usize) {
    match fields.images.iter_mut().find(|known| known.value.name == new.name) {
        Some(known) => {
            if !new.new_name.is_empty() {
                known.value.new_name = new.new_name;
            }
            if !new.new_tag.is_empty() || !new.digest.is_empty() {
                known.value.new_tag = new.new_tag;
                known.value.digest = new.digest;
            }
        }
        None => fields.images.push(Line { value: new, line }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offline_kustomize::documents::documents;
    use offline_kustomize::kustomization;

    fn flux(spec: &str) -> FluxKustomization {
        let text = format!("metadata: {{name: apps, namespace: flux-system}}\nspec: {spec}\n");
        FluxKustomization::read(&documents(&text).unwrap()[0])
    }

    #[test]
    fn what_the_object_says_is_added_to_the_kustomization() {
        let mut fields = kustomization::read(
            "namespace: own\nresources: [a.yaml]\nimages: [{name: web, newTag: '1', newName: reg/web}]\n",
        );
        let flux = flux(
            "{path: ./apps, targetNamespace: shop, images: [{name: web, digest: sha256:1}, {name: db}], components: [../c]}",
        );
        flux.apply_to(&mut fields, 7);
        assert_eq!(fields.namespace, Some(Line { value: "shop".to_owned(), line: 7 }));
        let web = &fields.images[0].value;
        assert_eq!(
            (web.new_name.as_str(), web.new_tag.as_str(), web.digest.as_str()),
            ("reg/web", "", "sha256:1")
        );
        assert_eq!((fields.images.len(), fields.components.len()), (2, 1));
        assert_eq!(flux.source.namespace, "flux-system");
    }

    #[test]
    fn variables_are_replaced_when_they_are_known() {
        let flux = flux("{postBuild: {substitute: {ns: shop}}}");
        assert_eq!(flux.substitute("${ns}-${x:=y}").as_deref(), Some("shop-y"));
        assert_eq!(flux.substitute("${other}"), None);
        assert_eq!(flux.substitute("plain").as_deref(), Some("plain"));
    }
}
