//! Which fields the transformers of a build touch: kustomize's defaults and what `configurations` files add.
//!
//! Only what can reach names, namespaces, images and pull secrets; labels of selectors and the like do not.

use std::sync::Arc;

use super::field::FieldSpec;
use super::value::Value;

/// Field specs by transformer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `namePrefix`.
    pub name_prefix: Vec<FieldSpec>,
    /// `nameSuffix`.
    pub name_suffix: Vec<FieldSpec>,
    /// `namespace`, beside `metadata.namespace` itself.
    pub namespace: Vec<FieldSpec>,
    /// `images`, beside the lists called `containers` and `initContainers`.
    pub images: Vec<FieldSpec>,
    /// Names that follow when the object they refer to is renamed.
    pub references: Vec<References>,
    /// Where vars are replaced.
    pub vars: Vec<FieldSpec>,
}

/// Fields that refer to objects of one kind by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References {
    /// The kind referred to: group, version and kind; empty parts fit any.
    pub target: FieldSpec,
    /// The fields that refer.
    pub fields: Vec<FieldSpec>,
}

/// Two entries for one field do not agree on whether to create it: kustomize refuses that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement(pub String);

impl Config {
    /// What kustomize does without any `configurations`.
    pub fn standard() -> Arc<Self> {
        let name = || vec![FieldSpec::anywhere("metadata/name", false)];
        let images = [
            "spec/containers[]/image",
            "spec/initContainers[]/image",
            "spec/volumes[]/image/reference",
            "spec/template/spec/containers[]/image",
            "spec/template/spec/initContainers[]/image",
            "spec/template/spec/volumes[]/image/reference",
            "spec/jobTemplate/spec/template/spec/volumes[]/image/reference",
        ];
        let namespace = FieldSpec { create: true, ..FieldSpec::of_kind("Namespace", "metadata/name") };
        let target = |kind: &str| FieldSpec {
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            ..FieldSpec::default()
        };
        let template = |kinds: &[&str], field: &str| -> Vec<FieldSpec> {
            kinds
                .iter()
                .map(|kind| FieldSpec::of_kind(kind, &format!("spec/template/spec/{field}")))
                .collect()
        };
        let mut secrets = template(
            &["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job"],
            "imagePullSecrets/name",
        );
        let pod =
            FieldSpec { version: "v1".to_owned(), ..FieldSpec::of_kind("Pod", "spec/imagePullSecrets/name") };
        secrets.extend([
            pod,
            FieldSpec::of_kind("PodTemplate", "template/spec/imagePullSecrets/name"),
            FieldSpec::of_kind("CronJob", "spec/jobTemplate/spec/template/spec/imagePullSecrets/name"),
            FieldSpec::of_kind("ServiceAccount", "imagePullSecrets/name"),
        ]);
        let mut accounts = template(
            &["StatefulSet", "Deployment", "ReplicationController", "Job", "DaemonSet"],
            "serviceAccountName",
        );
        accounts.extend([
            FieldSpec::of_kind("Pod", "spec/serviceAccountName"),
            FieldSpec::of_kind("CronJob", "spec/jobTemplate/spec/template/spec/serviceAccountName"),
        ]);
        Arc::new(Self {
            name_prefix: name(),
            name_suffix: name(),
            namespace: vec![namespace],
            images: images.iter().map(|path| FieldSpec::anywhere(path, true)).collect(),
            references: vec![
                References { target: target("Secret"), fields: secrets },
                References { target: target("ServiceAccount"), fields: accounts },
            ],
            vars: Vec::new(),
        })
    }

    /// Reads a `configurations` file.
    pub fn read(tree: &Value) -> Self {
        let list = |key| tree.get(key).map_or(&[][..], Value::items);
        let specs = |items: &[Value]| items.iter().map(FieldSpec::read).collect::<Vec<_>>();
        let references = list("nameReference").iter().map(|entry| References {
            target: FieldSpec { path: Vec::new(), ..FieldSpec::read(entry) },
            fields: specs(entry.get("fieldSpecs").map_or(&[], Value::items)),
        });
        Self {
            name_prefix: specs(list("namePrefix")),
            name_suffix: specs(list("nameSuffix")),
            namespace: specs(list("namespace")),
            images: specs(list("images")),
            vars: specs(list("varReference")),
            references: references.collect(),
        }
    }

    /// This and another one's entries.
    ///
    /// # Errors
    /// Entries that contradict each other.
    pub fn merge(self: Arc<Self>, other: &Arc<Self>) -> Result<Arc<Self>, Disagreement> {
        if Arc::ptr_eq(&self, other) || self == *other {
            return Ok(self);
        }
        let mut result = Arc::unwrap_or_clone(self);
        add(&mut result.name_prefix, &other.name_prefix)?;
        add(&mut result.name_suffix, &other.name_suffix)?;
        add(&mut result.namespace, &other.namespace)?;
        add(&mut result.images, &other.images)?;
        add(&mut result.vars, &other.vars)?;
        for references in &other.references {
            match result.references.iter_mut().find(|known| known.target == references.target) {
                Some(known) => add(&mut known.fields, &references.fields)?,
                None => result.references.push(references.clone()),
            }
        }
        Ok(Arc::new(result))
    }
}

fn add(specs: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<(), Disagreement> {
    for spec in more {
        let same = |known: &&FieldSpec| {
            spec.applies_to(&known.group, &known.version, &known.kind) && known.path == spec.path
        };
        match specs.iter().find(same) {
            Some(known) if known.create != spec.create => return Err(Disagreement(spec.path.join("/"))),
            Some(_) => {}
            None => specs.push(spec.clone()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_add_up_and_contradictions_are_refused() {
        let image = |path: &str, create: bool| {
            let entry = Value::map([
                ("path", Value::text(path)),
                ("create", Value::Scalar(create.to_string().into(), true)),
            ]);
            Arc::new(Config::read(&Value::map([("images", Value::list(vec![entry]))])))
        };
        let standard = Config::standard();
        let merged = Arc::clone(&standard).merge(&image("spec/image", false)).unwrap();
        assert_eq!(merged.images.len(), standard.images.len() + 1);
        assert_eq!(Arc::clone(&merged).merge(&standard).unwrap(), merged);
        let clash = standard.merge(&image("spec/containers[]/image", false));
        assert_eq!(clash, Err(Disagreement("spec/containers[]/image".to_owned())));
    }
}
