//! What Flux and Argo CD objects deploy of this repository: builds of folders, and plain folders.
//!
//! An object may speak of another repository. Which source is this one is told by an object whose folder holds the
//! object itself; without such a sign a path that exists here is taken to be meant.

use std::collections::{BTreeMap, BTreeSet};

use super::deployment::{Fill, Rule, Source};
use crate::deliveries::argocd::{self, Application, UNKNOWN};
use crate::deliveries::delivery::{Delivery, Kind};
use crate::deliveries::flux::artifact::Artifacts;
use crate::deliveries::flux::{self, FluxKustomization};
use offline_kustomize::repository::{contains, join};
use offline_kustomize::value::Value;

/// A plain folder that Argo CD applies.
#[derive(Clone, Debug)]
pub(super) struct PlainClaim {
    pub application: argocd::Source,
    /// What its destination fills in.
    pub fill: Fill,
    /// The object that claims it.
    pub source: Source,
    /// Whether what is filled in is forced upon everything.
    pub is_forced: bool,
    /// Folders in it that take no part.
    pub without: Vec<String>,
}

impl PlainClaim {
    pub fn new(application: argocd::Source, fill: Fill, source: Source) -> Self {
        Self { application, fill, source, is_forced: false, without: Vec::new() }
    }

    /// Whether a file takes part; its path is seen from the folder, and `whole` from the root.
    pub fn takes(&self, file: &str, whole: &str) -> bool {
        if self.without.iter().any(|folder| contains(folder, whole)) {
            return false;
        }
        let ending = file.rsplit('.').next().unwrap_or_default();
        matches!(ending, "yaml" | "yml" | "json") && self.application.takes(file)
    }
}

/// Which sources of Flux and Argo CD objects are this repository.
#[derive(Debug, Default)]
pub(super) struct Own {
    flux: BTreeSet<flux::Source>,
    /// URLs of Flux sources.
    urls: BTreeMap<flux::Source, String>,
    own_urls: BTreeSet<String>,
    argocd: BTreeSet<String>,
    artifacts: Artifacts,
    /// All that are spoken of.
    spoken_flux: BTreeSet<flux::Source>,
    spoken_argocd: BTreeSet<String>,
}

impl Own {
    /// Collects the signs; each delivery comes with the path of its file. The repository's own remotes are the surest.
    pub fn new<'d>(deliveries: impl Iterator<Item = (&'d str, &'d Delivery)>, remotes: &[String]) -> Self {
        let mut own = Self::default();
        for (file, delivery) in deliveries {
            let text = |path: &[&str]| delivery.tree.at(path).and_then(Value::as_str).unwrap_or_default();
            let holds =
                |path: &str| join("", path).is_some_and(|path| !path.is_empty() && contains(&path, file));
            match delivery.kind {
                Kind::FluxKustomization => {
                    let object = FluxKustomization::read(&delivery.tree);
                    if holds(&object.path) {
                        own.flux.insert(object.source.clone());
                    }
                    own.spoken_flux.insert(object.source);
                }
                Kind::GitRepository => {
                    let source = flux::Source {
                        kind: "GitRepository".to_owned(),
                        namespace: text(&["metadata", "namespace"]).to_owned(),
                        name: text(&["metadata", "name"]).to_owned(),
                    };
                    own.urls.insert(source, normal_url(text(&["spec", "url"])));
                }
                Kind::Application => {
                    for source in
                        Application::read(&delivery.tree).sources.iter().filter(|source| !source.chart)
                    {
                        let url = normal_url(&source.repository);
                        if holds(&source.path) {
                            own.argocd.insert(url.clone());
                        }
                        own.spoken_argocd.insert(url);
                    }
                }
                Kind::ArtifactGenerator => own.artifacts.add(&delivery.tree),
                Kind::ApplicationSet | Kind::HelmRelease | Kind::ChartSource | Kind::OtherRelease => {}
            }
        }
        let remotes: BTreeSet<String> = remotes.iter().map(|url| normal_url(url)).collect();
        let known: BTreeSet<String> = own.spoken_argocd.intersection(&remotes).cloned().collect();
        if !known.is_empty() {
            own.argocd = known;
        }
        let known =
            own.urls.iter().filter(|(_, url)| remotes.contains(*url)).map(|(source, _)| source.clone());
        let known: BTreeSet<flux::Source> = known.collect();
        if !known.is_empty() {
            own.flux = known;
        }
        own.own_urls = own.flux.iter().filter_map(|source| own.urls.get(source).cloned()).collect();
        own
    }

    /// What a Kustomization is built from whose source is an artifact: the source and the folder that were copied there.
    pub fn behind_artifact(&self, mut flux: FluxKustomization) -> Option<FluxKustomization> {
        (flux.source, flux.path) = self.artifacts.origin(&flux.source, &flux.path)?;
        Some(flux)
    }

    /// Whether a Flux source is this repository; `root` says that its path is the root, which every repository has.
    pub fn is_own_flux(&self, source: &flux::Source, root: bool) -> bool {
        if !self.flux.is_empty() {
            let url = self.urls.get(source);
            return self.flux.contains(source) || url.is_some_and(|url| self.own_urls.contains(url));
        }
        !root || self.spoken_flux.len() == 1
    }

    /// The same for the URL of an Argo CD source.
    pub fn is_own_url(&self, url: &str, root: bool) -> bool {
        if url.is_empty() || url.contains(UNKNOWN) || url.contains("{{") {
            return !root;
        }
        if !self.argocd.is_empty() {
            return self.argocd.contains(&normal_url(url));
        }
        !root || self.spoken_argocd.len() <= 1
    }
}

/// A URL without what does not tell repositories apart: scheme, user, `.git`, letter case.
pub fn normal_url(url: &str) -> String {
    let url = url.trim().to_ascii_lowercase();
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.trim_end_matches('/');
    rest.strip_suffix(".git").unwrap_or(rest).replace(':', "/")
}

/// The rule and line under which an object is named in a chain.
pub(super) fn source_of(file: &str, delivery: &Delivery) -> Source {
    let rule = match delivery.kind {
        Kind::FluxKustomization
        | Kind::HelmRelease
        | Kind::OtherRelease
        | Kind::GitRepository
        | Kind::ChartSource
        | Kind::ArtifactGenerator => Rule::Flux,
        Kind::Application | Kind::ApplicationSet => Rule::ArgoCd,
    };
    Source { rule, file: file.into(), line: delivery.namespace_line.unwrap_or(delivery.position.line) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliveries::delivery;
    use crate::objects::marks::Marks;

    fn own(files: &[(&str, &str)]) -> Own {
        let facts: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, delivery::read(path, text, Marks::of(text)).unwrap()))
            .collect();
        Own::new(facts.iter().flat_map(|(path, facts)| facts.deliveries.iter().map(move |d| (*path, d))), &[])
    }

    fn flux(name: &str, path: &str, source: &str) -> String {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: f}}\nspec: {{path: {path}, sourceRef: {{kind: GitRepository, name: {source}}}}}\n"
        )
    }

    fn source(name: &str) -> flux::Source {
        flux::Source { kind: "GitRepository".into(), namespace: "f".into(), name: name.into() }
    }

    #[test]
    fn an_object_inside_its_own_folder_tells_the_source() {
        let own = own(&[
            ("clusters/a/sync.yaml", &flux("sync", "./clusters/a", "main")),
            ("clusters/a/app.yaml", &flux("app", "./deploy", "app")),
        ]);
        assert!(own.is_own_flux(&source("main"), false) && !own.is_own_flux(&source("app"), false));
    }

    #[test]
    fn without_a_sign_an_existing_path_is_meant() {
        let own = own(&[("a.yaml", &flux("app", "./deploy", "app")), ("b.yaml", &flux("x", "./", "x"))]);
        assert!(own.is_own_flux(&source("app"), false) && !own.is_own_flux(&source("x"), true));
    }

    #[test]
    fn urls_of_one_repository() {
        for url in
            ["https://github.com/Org/Repo.git", "git@github.com:org/repo", "ssh://git@github.com/org/repo/"]
        {
            assert_eq!(normal_url(url), "github.com/org/repo", "{url}");
        }
    }
}
