//! Post-renderers of Flux: what kustomize makes of a chart's objects before they are applied.
//! <https://fluxcd.io/flux/components/helm/helmreleases/#post-renderers>

use super::flow;
use offline_kustomize::accumulate::Builder;
use offline_kustomize::kustomization::{self, Kustomization};
use offline_kustomize::repository::{File, Repository};
use offline_kustomize::value::Value;
use std::collections::HashMap;

/// The file of the chart's objects, in the folder of the first kustomization.
const OBJECTS: &str = "0/objects.yaml";

/// The kustomizations that the post-renderers of a HelmRelease stand for, each without its resources.
pub(super) fn renderers(tree: &Value) -> Vec<Value> {
    let all = tree.at(&["spec", "postRenderers"]).map_or(&[][..], Value::items);
    all.iter().filter_map(|renderer| Some(as_text(renderer.get("kustomize")?))).collect()
}

/// What stands as objects here stands as text in a kustomization.
fn as_text(fields: &Value) -> Value {
    let text = |value: &Value| match value {
        Value::Map(_) | Value::List(_) => Value::text(&flow::text(value)),
        other => other.clone(),
    };
    let pairs = fields.pairs().iter().map(|(key, value)| {
        let value = match &**key {
            "patchesStrategicMerge" => Value::list(value.items().iter().map(text).collect()),
            "patchesJson6902" => Value::list(value.items().iter().map(|it| patch_as(it, &text)).collect()),
            _ => value.clone(),
        };
        (&**key, value)
    });
    Value::map(pairs)
}

fn patch_as(entry: &Value, text: &dyn Fn(&Value) -> Value) -> Value {
    let own = |key: &str, value: &Value| if key == "patch" { text(value) } else { value.clone() };
    Value::map(entry.pairs().iter().map(|(key, value)| (&**key, own(key, value))))
}

/// The objects once all post-renderers have seen them; `objects` is what the chart makes, without hooks.
///
/// # Errors
/// What a post-renderer fails for: the release fails there, too.
pub fn post_rendered(renderers: &[Value], objects: &str) -> Result<Vec<Value>, String> {
    let fields = |(nth, renderer): (usize, &Value)| {
        let below = if nth == 0 { "objects.yaml".to_owned() } else { format!("../{}", nth - 1) };
        let mut fields = renderer.clone();
        fields.set("resources", Value::list(vec![Value::text(&below)]));
        kustomization::read(&flow::text(&fields))
    };
    let all: Vec<Kustomization> = renderers.iter().enumerate().map(fields).collect();
    let paths: Vec<String> = (0..all.len()).map(|nth| format!("{nth}/kustomization.yaml")).collect();
    let mut files: Vec<File<'_>> =
        all.iter().zip(&paths).map(|(fields, path)| File { path, kustomization: Some(fields) }).collect();
    files.push(File { path: OBJECTS, kustomization: None });
    let load = |path: &str| (path == OBJECTS).then(|| objects.as_bytes().to_vec());
    let repository = Repository::new(&files, &|_| None, &load);
    let uses = HashMap::new();
    let mut builder = Builder::new(&repository, &uses);
    match builder.build(all.len() - 1, true) {
        Ok(built) => Ok(built.into_iter().map(|resource| resource.object).collect()),
        Err(notice) => Err(builder.notices.list()[notice].message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offline_kustomize::documents::documents;

    const POD: &str =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: app:1}]}\n";

    fn finished(release: &str) -> Result<Value, String> {
        let tree = &documents(release).unwrap()[0];
        post_rendered(&renderers(tree), POD).map(|mut objects| objects.remove(0))
    }

    #[test]
    fn each_sees_what_the_one_before_has_made() {
        let release = r#"
spec:
  postRenderers:
    - kustomize:
        images: [{name: app, newName: registry.example.com/app}]
    - kustomize:
        patches:
          - target: {kind: Pod}
            patch: |
              - op: add
                path: /spec/imagePullSecrets
                value: [{name: regcred}]
        images: [{name: registry.example.com/app, newTag: "2"}]
"#;
        let pod = finished(release).unwrap();
        let spec = pod.get("spec").unwrap();
        assert_eq!(spec.get("imagePullSecrets").unwrap().items()[0].str_at("name"), Some("regcred"));
        let container = &spec.get("containers").unwrap().items()[0];
        assert_eq!(container.str_at("image"), Some("registry.example.com/app:2"));
    }

    #[test]
    fn patches_of_older_versions_are_objects() {
        let release = r#"
spec:
  postRenderers:
    - kustomize:
        patchesStrategicMerge:
          - {apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {imagePullSecrets: [{name: one}]}}
        patchesJson6902:
          - target: {version: v1, kind: Pod, name: web}
            patch: [{op: add, path: /spec/hostname, value: "here\nthere"}]
"#;
        let pod = finished(release).unwrap();
        assert_eq!(pod.at(&["spec", "imagePullSecrets"]).unwrap().items()[0].str_at("name"), Some("one"));
        assert_eq!(pod.at(&["spec"]).unwrap().str_at("hostname"), Some("here\nthere"));
    }

    #[test]
    fn a_patch_that_does_not_apply_is_an_error() {
        let release = "spec: {postRenderers: [{kustomize: {patches: [{target: {kind: Pod}, patch: '[{op: remove, path: /spec/none}]'}]}}]}\n";
        assert!(finished(release).unwrap_err().contains("/spec/none"));
    }
}
