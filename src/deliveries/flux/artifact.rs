//! Flux `ArtifactGenerator`: artifacts that are made of folders of other sources.
//!
//! Only whole folders (`from: "@source/folder/**"`) are followed; what else is copied is not known here.

use std::collections::BTreeMap;

use super::Source;
use offline_kustomize::repository::join;
use offline_kustomize::value::Value;

/// The kind of the source that an artifact is.
pub const EXTERNAL_ARTIFACT: &str = "ExternalArtifact";

/// What artifacts are made of.
#[derive(Debug, Default)]
pub struct Artifacts(BTreeMap<Source, Vec<Copy>>);

/// A folder of a source that becomes a folder of an artifact; empty for the whole of either.
#[derive(Debug)]
struct Copy {
    source: Source,
    from: String,
    to: String,
}

impl Artifacts {
    /// Takes in what an `ArtifactGenerator` makes.
    pub fn add(&mut self, generator: &Value) {
        let text = |tree: &Value, key: &str| tree.str_at(key).unwrap_or_default().to_owned();
        let list = |key: &str| generator.at(&["spec", key]).map_or(&[][..], Value::items);
        let own = generator.at(&["metadata", "namespace"]).and_then(Value::as_str).unwrap_or_default();
        let source = |alias: &str| {
            let found = list("sources").iter().find(|source| source.str_at("alias") == Some(alias))?;
            let namespace = found.str_at("namespace").unwrap_or(own).to_owned();
            Some(Source { kind: text(found, "kind"), namespace, name: text(found, "name") })
        };
        for artifact in list("artifacts") {
            let copies = artifact.get("copy").map_or(&[][..], Value::items).iter().filter_map(|copy| {
                let (alias, from) = copy.str_at("from")?.strip_prefix('@')?.split_once('/')?;
                let from = join("", if from == "**" { "" } else { from.strip_suffix("/**")? })?;
                let to = join("", copy.str_at("to")?.strip_prefix("@artifact/")?)?;
                Some(Copy { source: source(alias)?, from, to })
            });
            let copies: Vec<Copy> = copies.collect();
            let kind = EXTERNAL_ARTIFACT.to_owned();
            let made = Source { kind, namespace: own.to_owned(), name: text(artifact, "name") };
            self.0.entry(made).or_default().extend(copies);
        }
    }

    /// The source that a folder of an artifact is copied from, and the folder there.
    pub fn origin(&self, artifact: &Source, path: &str) -> Option<(Source, String)> {
        let path = join("", path)?;
        let below = |copy: &Copy| {
            if copy.to.is_empty() {
                return Some(path.clone());
            }
            let rest = path.strip_prefix(copy.to.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/').to_owned())
        };
        let copies = self.0.get(artifact)?.iter().filter_map(|copy| Some((copy, below(copy)?)));
        // What was copied into the folder itself goes before what lies around it.
        let (copy, rest) = copies.max_by_key(|(copy, _)| copy.to.len())?;
        Some((copy.source.clone(), join(&copy.from, &rest)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offline_kustomize::documents::documents;

    #[test]
    fn folders_lead_to_where_they_were_copied_from() {
        let text = "metadata: {name: g, namespace: f}\nspec:\n  sources: [{alias: repo, kind: GitRepository, name: main}]\n  artifacts:\n  - name: apps\n    copy:\n    - {from: '@repo/apps/base/**', to: '@artifact/base/'}\n    - {from: '@repo/apps/production/**', to: '@artifact/production/'}\n    - {from: '@repo/one.yaml', to: '@artifact/'}\n  - name: all\n    copy: [{from: '@repo/infra/**', to: '@artifact/'}, {from: '@other/**', to: '@artifact/'}]\n";
        let mut artifacts = Artifacts::default();
        artifacts.add(&documents(text).unwrap()[0]);
        let origin = |name: &str, path: &str| {
            let artifact =
                Source { kind: EXTERNAL_ARTIFACT.into(), namespace: "f".into(), name: name.into() };
            artifacts.origin(&artifact, path).map(|(source, path)| format!("{} {path}", source.name))
        };
        assert_eq!(origin("apps", "./production").as_deref(), Some("main apps/production"));
        assert_eq!(origin("apps", "base/web/").as_deref(), Some("main apps/base/web"));
        assert_eq!(origin("apps", "./productionx"), None);
        assert_eq!(origin("all", "./controllers").as_deref(), Some("main infra/controllers"));
        assert_eq!(origin("none", "./"), None);
    }
}
