//! Fleet (Rancher, SUSE): each folder with a `fleet.yaml` is a bundle, and that file says where what lies in it goes. And
//! `helmfile.yaml`, of which only its being there is told.
//!
//! `defaultNamespace` is for what has none, `namespace` is forced upon everything. What `helm` makes is not known here.
//!
//! Source: <https://fleet.rancher.io/ref-fleet-yaml>

use super::super::claims::PlainClaim;
use super::super::deployment::{Fill, Rule, Source};
use super::Assembler;
use super::outer::Outer;
use crate::deliveries::argocd;
use offline_kustomize::documents::documents;
use offline_kustomize::kustomization::{Kustomization, Line};
use offline_kustomize::notice::Code;
use offline_kustomize::repository::{contains, folder, join};
use offline_kustomize::value::Value;

impl Assembler<'_, '_> {
    /// Notes what every bundle of the repository deploys, and the helmfiles.
    pub(super) fn act_upon_bundles(&mut self) {
        let named = |name: &str| -> Vec<usize> {
            let files = self.files.iter().enumerate();
            files.filter(|(_, file)| file.path.rsplit('/').next() == Some(name)).map(|(nth, _)| nth).collect()
        };
        let (bundles, helmfiles) =
            (named("fleet.yaml"), [named("helmfile.yaml"), named("helmfile.yml")].concat());
        for file in helmfiles {
            let message = "the objects of the releases of this helmfile cannot be known offline".to_owned();
            self.notice(Code::Unknowable, file, 1, message, super::deliver::HELM);
        }
        let folders: Vec<String> =
            bundles.iter().map(|&file| folder(self.files[file].path).to_owned()).collect();
        for (file, place) in bundles.into_iter().zip(&folders) {
            let text = (self.load)(self.files[file].path).and_then(|bytes| String::from_utf8(bytes).ok());
            let trees = text.and_then(|text| documents(&text).ok());
            if let Some(tree) = trees.as_ref().and_then(|trees| trees.first()) {
                let inner = folders.iter().filter(|other| *other != place && contains(place, other));
                self.bundle(file, place, tree, inner.cloned().collect());
            }
        }
    }

    fn bundle(&mut self, file: usize, place: &str, tree: &Value, inner: Vec<String>) {
        let text = |path: &[&str]| tree.at(path).and_then(Value::as_str).filter(|text| !text.is_empty());
        let path = self.files[file].path;
        let source = Source { rule: Rule::Fleet, file: path.into(), line: 1 };
        let has_chart = text(&["helm", "chart"]).is_some()
            || join(place, "Chart.yaml").is_some_and(|path| (self.load)(&path).is_some());
        if has_chart {
            let message = format!("the objects of the Helm chart of `{path}` cannot be known offline");
            self.notice(Code::Unknowable, file, 1, message, super::deliver::HELM);
            return;
        }
        if tree.get("targetCustomizations").is_some_and(|list| !list.is_empty()) {
            let message =
                format!("what `targetCustomizations` of `{path}` change for some clusters is not followed");
            self.notice(Code::Unknowable, file, 1, message, "");
        }
        let (fixed, default) = (text(&["namespace"]), text(&["defaultNamespace"]));
        let namespace = fixed.or(default).map(str::to_owned);
        let fill = Fill { namespace, cluster: None, source: source.clone() };
        let built =
            join(place, text(&["kustomize", "dir"]).unwrap_or(".")).unwrap_or_else(|| place.to_owned());
        match self.repository.folder(&built).ok() {
            Some(at) => {
                let mut fields = Kustomization::clone(&self.repository.get(at).fields);
                if let Some(namespace) = fixed {
                    fields.namespace = Some(Line { value: namespace.to_owned(), line: 1 });
                }
                let sets_namespace = fixed.is_some();
                let outer =
                    Outer { source: Some(source), sets_namespace, fill: Some(fill), ..Outer::default() };
                self.claim(Some(at), &built, fields, outer);
            }
            None => {
                self.graph.delivered.insert(place.to_owned());
                let claim = PlainClaim {
                    application: argocd::Source::whole_folder(),
                    is_forced: fixed.is_some(),
                    without: inner,
                    fill,
                    source,
                };
                self.graph.plain.entry(place.to_owned()).or_default().push(claim);
            }
        }
    }
}
