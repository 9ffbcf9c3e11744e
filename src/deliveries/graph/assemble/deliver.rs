//! Acts upon Flux and Argo CD objects: which builds they ask for, which plain folders they apply.

use std::sync::Arc;

use super::super::claims::{PlainClaim, source_of};
use super::super::cluster;
use super::super::deployment::{Fill, Source};
use super::Assembler;
use super::outer::{Claim, Outer};
use crate::deliveries::argocd::{self, Application, Tool, UNKNOWN, set};
use crate::deliveries::delivery::{Delivery, Kind};
use crate::deliveries::flux::FluxKustomization;
use crate::deliveries::flux::artifact::EXTERNAL_ARTIFACT;
use crate::deliveries::flux::variables::Variables;
use offline_kustomize::documents::documents;
use offline_kustomize::kustomization::{Kustomization, Line};
use offline_kustomize::notice::Code;
use offline_kustomize::notice::Notice;
use offline_kustomize::repository::{Fields, Known, contains, folder, folders, join};
use offline_kustomize::value::Value;

/// Builds that Flux and Argo CD objects may ask for together.
const MAX_CLAIMS: usize = 50_000;
pub(super) const HELM: &str = "pipe its rendered output through `generate -`";
const CHART: &str = "`helm pull` the chart into a folder of `charts`, or `pullcred learn` it; or pipe its rendered output through `generate -`";

impl<'a> Assembler<'_, 'a> {
    /// Acts upon a delivery object: asks for builds, notes plain folders.
    /// `entry` is the cluster of what brings it in.
    pub(super) fn act(
        &mut self,
        file: usize,
        delivery: &'a Delivery,
        tree: &Value,
        entry: Option<&Arc<str>>,
    ) {
        let seen = self.seen.entry(delivery.at(file)).or_default();
        if seen.contains(tree) {
            return;
        }
        seen.push(tree.clone());
        let source = source_of(self.files[file].path, delivery);
        match delivery.kind {
            Kind::GitRepository | Kind::ChartSource | Kind::ArtifactGenerator => {}
            Kind::HelmRelease => {
                let name = tree.at(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
                let message = format!("the objects of the HelmRelease `{name}` cannot be known offline");
                self.chart_unknown(file, delivery, message);
            }
            Kind::OtherRelease => {
                let text = |path: &[&str]| tree.at(path).and_then(Value::as_str).unwrap_or_default();
                let (kind, name) = (text(&["kind"]), text(&["metadata", "name"]));
                let message = format!("the objects of the {kind} `{name}` cannot be known offline");
                self.chart_unknown(file, delivery, message);
            }
            Kind::FluxKustomization => {
                let flux = FluxKustomization::read(tree);
                let cluster = self.cluster_of(&flux, file, entry);
                if flux.source.kind != EXTERNAL_ARTIFACT {
                    self.claim_flux(flux, &source, cluster);
                } else if let Some(flux) = self.own.behind_artifact(flux.clone()) {
                    self.claim_flux(flux, &source, cluster);
                } else {
                    let name = flux.source.name;
                    let message = format!(
                        "what is in the ExternalArtifact `{name}`, and so what this Kustomization applies, cannot be known offline"
                    );
                    self.notice(Code::Unknowable, file, delivery.position.line, message, "");
                }
            }
            Kind::Application => self.claim_application(file, delivery, tree, &source, entry),
            Kind::ApplicationSet => {
                let is_own = |url: &str| self.own.is_own_url(url, false);
                let repository = set::Repository {
                    paths: &self.paths,
                    folders: &self.folders,
                    load: self.load,
                    is_own: &is_own,
                };
                let made = set::applications(tree, &repository);
                for doubt in made.doubts {
                    let name = tree.at(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
                    let message =
                        format!("the ApplicationSet `{name}` cannot be followed to its end: {doubt}");
                    self.notice(Code::Unknowable, file, delivery.position.line, message, "");
                }
                for tree in &made.applications {
                    self.claim_application(file, delivery, tree, &source, entry);
                }
                let all = self.graph.applications.entry(delivery.at(file)).or_default();
                let new: Vec<Value> =
                    made.applications.into_iter().filter(|tree| !all.contains(tree)).collect();
                all.extend(new);
            }
        }
    }

    pub(super) fn notice(
        &mut self,
        code: Code,
        file: usize,
        line: usize,
        message: String,
        hint: &str,
    ) -> usize {
        let file = self.files[file].path.to_owned();
        self.notices.add(Notice { code, file, line, message, hint: hint.to_owned() })
    }

    /// What an object deploys is a chart that is not known, unless it is found later.
    fn chart_unknown(&mut self, file: usize, delivery: &Delivery, message: String) {
        let at = self.notice(Code::ChartUnknown, file, delivery.position.line, message, CHART);
        let notice = self.notices.list()[at].clone();
        self.graph.asked_by.entry(notice).or_default().insert(delivery.at(file));
    }

    /// Whether anything of the repository lies in a folder.
    fn exists(&self, folder: &str) -> bool {
        if folder.is_empty() {
            return true;
        }
        let prefix = format!("{folder}/");
        let at = self.paths.partition_point(|path| *path < prefix.as_str());
        self.paths.get(at).is_some_and(|path| path.starts_with(&prefix))
    }

    /// The cluster that a Kustomization applies to: that of its `kubeConfig`, else the one that it runs in, named by the folder
    /// of the outermost file that no other delivery brings in.
    fn cluster_of(
        &self,
        flux: &FluxKustomization,
        file: usize,
        entry: Option<&Arc<str>>,
    ) -> Option<Arc<str>> {
        if let Some(remote) = flux.kube_config() {
            return Some(Arc::from(remote));
        }
        let path = self.files[file].path;
        // One that brings itself in is an entry, and so is the folder that it speaks of.
        let own = flux.folder().filter(|folder| !folder.is_empty() && contains(folder, path));
        let folder = own.unwrap_or_else(|| folder(path).to_owned());
        entry.cloned().or_else(|| (!folder.is_empty()).then(|| Arc::from(folder)))
    }

    fn claim_flux(&mut self, flux: FluxKustomization, source: &Source, cluster: Option<Arc<str>>) {
        let Some(path) = flux.folder().filter(|path| self.exists(path)) else { return };
        if !self.own.is_own_flux(&flux.source, path.is_empty()) {
            return;
        }
        let folder = self.repository.folder(&path).ok();
        let generated = folder.is_none();
        let mut fields = match folder {
            Some(at) => Kustomization::clone(&self.repository.get(at).fields),
            None => self.everything_below(&path, source.line),
        };
        flux.apply_to(&mut fields, source.line);
        let mut variables = Variables::default();
        if !flux.variable_sources().is_empty() {
            self.settings().fill(&mut variables, &flux, &source.file);
        }
        flux.inline_variables().for_each(|(name, value)| variables.add(name, value));
        let variables = (!variables.is_empty()).then(|| Arc::new(variables));
        let outer = Outer {
            source: Some(source.clone()),
            sets_namespace: flux.target_namespace().is_some(),
            generated,
            fill: None,
            cluster,
            variables,
        };
        self.claim(folder, &path, fields, outer);
    }

    /// Asks for a build of a folder with these fields in place of its own.
    pub(super) fn claim(&mut self, at: Option<usize>, path: &str, fields: Kustomization, outer: Outer) {
        self.claim_count += 1;
        if self.claim_count > MAX_CLAIMS {
            return;
        }
        let file = match (at, &outer.source) {
            (Some(at), _) => self.repository.get(at).file,
            (None, Some(source)) => Arc::clone(&source.file),
            (None, None) => Arc::from(path),
        };
        self.claimed.extend(at);
        self.graph.delivered.insert(path.to_owned());
        let known = Known { file, folder: Arc::from(path), fields: Fields::Made(Arc::new(fields)) };
        let root = self.repository.add(known);
        // What a generated kustomization includes is no root of its own any more.
        self.claimed.extend(self.repository.included(root));
        self.claims.push(Claim { root, outer });
    }

    /// The kustomization that Flux generates: every YAML file below, folders with a kustomization as a whole.
    fn everything_below(&mut self, path: &str, line: usize) -> Kustomization {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let start = self.paths.partition_point(|other| *other < prefix.as_str());
        let mut resources: Vec<Line<String>> = Vec::new();
        let mut whole: Option<String> = None;
        let left_out = self.options.left_out;
        for file in self.paths[start..].iter().take_while(|file| file.starts_with(&prefix)) {
            if left_out(file) {
                // Flux does not even fetch it.
                self.graph.reached.extend(self.repository.file(file));
                continue;
            }
            let below = folders(file).take_while(|above| above.len() > path.len());
            let found =
                below.filter(|above| self.repository.has_kustomization(above)).last().map(str::to_owned);
            let relative = |path: &str| path[prefix.len()..].to_owned();
            if let Some(folder) = found {
                if whole.as_deref() != Some(&folder) {
                    resources.push(Line { value: relative(&folder), line });
                    whole = Some(folder);
                }
            } else if file.ends_with(".yaml") || file.ends_with(".yml") {
                resources.push(Line { value: relative(file), line });
            }
        }
        Kustomization { resources, ..Kustomization::default() }
    }

    fn claim_application(
        &mut self,
        file: usize,
        delivery: &'a Delivery,
        tree: &Value,
        source: &Source,
        entry: Option<&Arc<str>>,
    ) {
        let application = Application::read(tree);
        let cluster = match &application.cluster {
            // The cluster that Argo CD runs in may be known by what brings the Application there.
            Some(name) if name == cluster::OWN => entry.cloned().or_else(|| Some(Arc::from(cluster::OWN))),
            Some(name) if name.contains(UNKNOWN) => None,
            name => name.as_deref().map(Arc::from),
        };
        let line = delivery.destination_line.unwrap_or(delivery.position.line);
        let mut unknown = None;
        for from in &application.sources {
            if from.chart {
                unknown = Some(format!(
                    "the objects of the Helm chart of the Application `{}` cannot be known offline",
                    application.name
                ));
                continue;
            }
            if from.path.contains(UNKNOWN) {
                let message = "the path of an Application is known only to a cluster".to_owned();
                self.notice(Code::Unknowable, file, delivery.position.line, message, "");
                continue;
            }
            // A source of values alone deploys nothing.
            if from.path.is_empty() {
                continue;
            }
            let path = join("", &from.path).filter(|path| self.exists(path));
            let own = |path: &String| self.own.is_own_url(&from.repository, path.is_empty());
            let Some(path) = path.filter(own) else {
                unknown.get_or_insert_with(|| {
                    format!(
                        "what the Application `{}` deploys of another repository cannot be known offline",
                        application.name
                    )
                });
                continue;
            };
            let from = self.overridden(from, &path, &application.name);
            let fill = Fill {
                namespace: application.destination.clone(),
                cluster: cluster.clone(),
                source: Source { line, ..source.clone() },
            };
            self.claim_source(file, delivery, &from, &path, fill, source);
        }
        if let Some(message) = unknown {
            self.chart_unknown(file, delivery, message);
        }
    }

    /// The source as the files beside the manifests override it.
    fn overridden(&self, from: &argocd::Source, path: &str, name: &str) -> argocd::Source {
        let mut from = from.clone();
        for file in [".argocd-source.yaml".to_owned(), format!(".argocd-source-{name}.yaml")] {
            let bytes = join(path, &file).and_then(|path| (self.load)(&path));
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let trees = text.and_then(|text| documents(&text).ok());
            if let Some(tree) = trees.as_ref().and_then(|trees| trees.first()) {
                from = from.overridden(tree);
            }
        }
        from
    }

    fn claim_source(
        &mut self,
        file: usize,
        delivery: &Delivery,
        from: &argocd::Source,
        path: &str,
        fill: Fill,
        source: &Source,
    ) {
        let at = self.repository.folder(path).ok();
        let chart = || join(path, "Chart.yaml").is_some_and(|path| (self.load)(&path).is_some());
        let tool = match from.tool() {
            Tool::Any if at.is_some() => Tool::Kustomize,
            Tool::Any if chart() => Tool::Helm,
            Tool::Any => Tool::Directory,
            tool => tool,
        };
        match (tool, at) {
            (Tool::Kustomize, Some(at)) => {
                let mut fields = Kustomization::clone(&self.repository.get(at).fields);
                from.apply_to(&mut fields, source.line);
                let outer = Outer {
                    source: Some(source.clone()),
                    sets_namespace: from.kustomize_namespace().is_some(),
                    cluster: fill.cluster.clone(),
                    fill: Some(fill),
                    ..Outer::default()
                };
                self.claim(Some(at), path, fields, outer);
            }
            (Tool::Helm | Tool::Plugin, _) => {
                let message = format!("what Argo CD makes of `{path}` cannot be known offline");
                self.chart_unknown(file, delivery, message);
            }
            _ => {
                let claim = PlainClaim::new(from.clone(), fill, source.clone());
                self.graph.delivered.insert(path.to_owned());
                self.graph.plain.entry(path.to_owned()).or_default().push(claim);
            }
        }
    }
}
