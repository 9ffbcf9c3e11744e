//! Flux `Kustomization` objects: which folder they build and what they add to its kustomization.
//!
//! Flux edits the kustomization of the folder, or generates one, before it builds; it does not wrap it. Images are
//! merged into entries of the same name.

pub mod artifact;
pub mod variables;

use offline_kustomize::kustomization::{Kustomization, Line, PatchEntry};
use offline_kustomize::repository::join;
use offline_kustomize::transform::ImageRule;
use offline_kustomize::value::Value;

/// One Flux `Kustomization`.
#[derive(Clone, Debug)]
pub struct FluxKustomization {
    /// Its own namespace.
    pub namespace: String,
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
        Self {
            namespace: own.to_owned(),
            path: text(&["spec", "path"]).to_owned(),
            source,
            tree: tree.clone(),
        }
    }

    /// The folder that it has built, relative to the repository's root; none when its path leads out.
    pub fn folder(&self) -> Option<String> {
        join("", &self.path)
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

    /// The variables that the object itself gives, which go before those of other sources.
    pub fn inline_variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self.tree.at(&["spec", "postBuild", "substitute"]);
        let pairs = known.map_or(&[][..], Value::pairs).iter();
        pairs.map(|(name, value)| (&**name, value.as_str().unwrap_or_default()))
    }

    /// The ConfigMaps and Secrets that give more of them, in their order.
    pub fn variable_sources(&self) -> Vec<VariableSource> {
        let list = self.tree.at(&["spec", "postBuild", "substituteFrom"]).map_or(&[][..], Value::items);
        let source = |entry: &Value| VariableSource {
            is_secret: entry.str_at("kind") == Some("Secret"),
            name: entry.str_at("name").unwrap_or_default().to_owned(),
            is_optional: entry.get("optional").is_some_and(Value::is_true),
        };
        list.iter().map(source).collect()
    }
}

/// An object that holds variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableSource {
    /// A Secret; else a ConfigMap.
    pub is_secret: bool,
    /// Its name; its namespace is that of the Kustomization.
    pub name: String,
    /// Whether it may be missing.
    pub is_optional: bool,
}

/// Whether an object of a build wants its variables left alone.
pub fn keeps_variables(object: &Value) -> bool {
    ["annotations", "labels"].into_iter().any(|field| {
        let map = object.at(&["metadata", field]);
        map.and_then(|map| map.str_at("kustomize.toolkit.fluxcd.io/substitute")) == Some("disabled")
    })
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
}
