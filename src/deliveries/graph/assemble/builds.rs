//! Builds several roots one after the other and tells where their objects come out.
//!
//! What they have in common is built once. Nothing of it outlives them but the answer, so that memory is bounded by a
//! few roots and not by the repository.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::outer::{Claim, Outer};
use crate::deliveries::argocd::UNKNOWN;
use crate::deliveries::delivery::{Delivery, kind_of};
use crate::deliveries::flux::keeps_variables;
use crate::deliveries::graph::cluster::identity;
use crate::deliveries::graph::deployment::{
    ChartObject, Deployment, GeneratedSecret, Options, Pod, Pods, Rule, Source, checked, settle,
};
use crate::deliveries::graph::outcome;
use crate::deliveries::scanned::Scanned;
use crate::objects::mentions::OPEN;
use crate::objects::object::{ContainerList, PodSpec, group};
use offline_kustomize::accumulate::Builder;
use offline_kustomize::notice::Notice;
use offline_kustomize::repository::{Known, Repository};
use offline_kustomize::resource::{Origin, Resource};
use offline_kustomize::value::Value;

/// What one build yields.
#[derive(Default)]
pub(super) struct Built {
    /// By file and object.
    pub places: Vec<((usize, usize), Deployment)>,
    pub generated: Vec<GeneratedSecret>,
    pub charts: Vec<ChartObject>,
    /// Kustomizations that took part.
    pub kustomizations: Vec<Arc<str>>,
    /// Whether kustomize's load restriction is lifted, as Flux does.
    pub is_unrestricted: bool,
    /// What it yields, as [`identity`] tells objects apart.
    pub objects: Vec<u64>,
    /// Files that it read.
    pub files: BTreeSet<usize>,
    /// Flux and Argo CD objects as it yields them, by file and position among those of the file.
    pub deliveries: Vec<(usize, usize, Value)>,
}

/// Builds of one thread.
pub(super) struct Builds<'r, 'a> {
    files: &'a [Scanned<'a>],
    options: &'a Options<'a>,
    repository: &'r Repository<'a>,
    builder: Builder<'r, 'a>,
}

impl<'r, 'a> Builds<'r, 'a> {
    pub fn new(
        files: &'a [Scanned<'a>],
        options: &'a Options<'a>,
        repository: &'r Repository<'a>,
        uses: &'r HashMap<usize, usize>,
    ) -> Self {
        let builder = Builder::new(repository, uses);
        Self { files, options, repository, builder }
    }

    /// What there is to say; deployments point into it.
    pub fn notices(&self) -> &[Notice] {
        self.builder.notices.list()
    }

    /// Builds a root and tells where its objects come out.
    pub fn build(&mut self, claim: &Claim) -> Built {
        let Claim { root, outer } = claim;
        let result = self.builder.build(*root, false);
        let is_unrestricted = outer.source.as_ref().is_some_and(|source| source.rule == Rule::Flux);
        let mut built = Built { is_unrestricted, ..Built::default() };
        self.files_below(*root, &mut built);
        let known = self.repository.get(*root);
        let resources = match result {
            Ok(resources) => resources,
            Err(notice) => {
                self.fail(*root, outer, notice, &mut built);
                return built;
            }
        };
        for resource in &resources {
            if let Origin::Scanned(file, document, items) = &resource.origin {
                let kind = kind_of(resource.api_version(), resource.kind());
                if kind.is_some() && resource.uncertain.is_none() {
                    let mut facts = self.files[*file].deliveries().iter();
                    let same = |facts: &Delivery| facts.document == *document && facts.items == *items;
                    if let Some(nth) = facts.position(same) {
                        let mut object = resource.object.clone();
                        if let Some(variables) =
                            outer.variables.as_ref().filter(|_| !keeps_variables(&object))
                        {
                            variables.replace_all(&mut object);
                        }
                        built.deliveries.push((*file, nth, object));
                    }
                }
            }
            self.place(resource, &known, outer, &mut built);
        }
        built
    }

    /// Files that the kustomizations of a build name among their resources.
    fn files_below(&self, root: usize, built: &mut Built) {
        let repository = self.repository;
        let mut waiting = vec![root];
        let mut seen = HashSet::new();
        while let Some(at) = waiting.pop() {
            if seen.insert(at) {
                let known = repository.get(at);
                built.kustomizations.push(Arc::clone(&known.file));
                for entry in &known.fields.resources {
                    let path = repository.path(&known.folder, &entry.value);
                    built.files.extend(path.ok().and_then(|path| repository.file(&path)));
                }
                waiting.extend(repository.included(at));
            }
        }
    }

    /// A build that fails: nothing can be said of its objects.
    fn fail(&self, root: usize, outer: &Outer, notice: usize, built: &mut Built) {
        let known = self.repository.get(root);
        let mut source = vec![Source { rule: Rule::Kustomize, file: Arc::clone(&known.file), line: 1 }];
        source.extend(outer.source.clone());
        for &file in &built.files {
            for object in 0..self.files[file].objects.len() {
                let root = Some(Arc::clone(&known.file));
                let unknown = Deployment::unknown(outer.cluster(), source.clone(), root);
                let deployment = Deployment { doubt: Some(notice), ..unknown };
                built.places.push(((file, object), deployment));
            }
        }
    }

    /// Where one resource of a build is deployed.
    fn place(&mut self, resource: &Resource, root: &Known<'_>, outer: &Outer, built: &mut Built) {
        match &resource.origin {
            Origin::Read => {}
            Origin::Chart(of, line, release) => {
                let of = self.repository.get(*of);
                // All of a chart go the same way, whatever namespace each of them names.
                let (_, source) = self.namespace(resource, "", &of.file, outer);
                let mut object = resource.object.clone();
                if let Some(variables) = outer.variables.as_ref().filter(|_| !keeps_variables(&object)) {
                    variables.replace_all(&mut object);
                }
                let first = resource.former.first();
                let was = first.map(|first| (Arc::clone(&first.kind), Arc::clone(&first.name)));
                built.charts.push(ChartObject {
                    file: Arc::clone(&of.file),
                    line: *line,
                    release: Arc::clone(release),
                    was: was.unwrap_or_else(|| (Arc::from(resource.kind()), Arc::from(resource.name()))),
                    object,
                    deployment: Deployment {
                        name: Some(release.to_string()),
                        pods: Pods::Written,
                        ..Deployment::unknown(outer.cluster(), source, root_of(root, outer))
                    },
                });
            }
            Origin::Generated(of, line) => {
                if resource.kind() == "Secret" {
                    let of = self.repository.get(*of);
                    let (namespace, _) = self.namespace(resource, resource.namespace(), &of.file, outer);
                    let known = resource.generated.is_none_or(|generated| generated.known || !generated.hash);
                    built.generated.push(GeneratedSecret {
                        cluster: outer.cluster(),
                        namespace: checked(namespace).0,
                        name: known.then(|| resource.name().to_owned()),
                        kind: resource.object.str_at("type").unwrap_or_default().to_owned(),
                        root: Arc::clone(&root.file),
                        file: of.file,
                        line: *line,
                    });
                }
            }
            Origin::Scanned(file, document, items) => {
                built.files.insert(*file);
                let skip = items.len() * 2;
                let inside = |path: &lossless_yaml::path::Path| {
                    let indexes = path.0.iter().skip(1).step_by(2).take(items.len());
                    let same = |(step, index): (&lossless_yaml::path::Step, &usize)| matches!(step, lossless_yaml::path::Step::Index(at) if at == index);
                    path.0.len() >= skip && indexes.zip(items).all(same)
                };
                let objects = self.files[*file].objects.iter().enumerate();
                for (at, object) in
                    objects.filter(|(_, object)| object.document == *document && inside(&object.path))
                {
                    let Some(tree) = outcome::at(&resource.object, &object.path.0[skip..]) else { continue };
                    let deployment = self.deployment(resource, tree, (*file, at), skip, root, outer);
                    let (namespace, name) = (deployment.namespace.as_deref(), deployment.name.as_deref());
                    let group = group(&object.api_version);
                    built
                        .objects
                        .extend(name.and_then(|name| identity(group, &object.kind, namespace, name)));
                    built.places.push(((*file, at), deployment));
                }
            }
        }
    }

    fn deployment(
        &self,
        resource: &Resource,
        tree: &Value,
        (file, at): (usize, usize),
        skip: usize,
        root: &Known<'_>,
        outer: &Outer,
    ) -> Deployment {
        let object = &self.files[file].objects[at];
        let path = self.files[file].path;
        let text = |path: &[&str]| tree.at(path).and_then(Value::as_str).unwrap_or_default();
        // An object that a custom resource embeds has a name of its own, and a namespace if it says so.
        let namespace = match text(&["metadata", "namespace"]) {
            "" => resource.namespace(),
            namespace => namespace,
        };
        let (namespace, source) = self.namespace(resource, namespace, path, outer);
        let deployment = Deployment::unknown(outer.cluster(), source, root_of(root, outer));
        if let Some(notice) = resource.uncertain {
            return self.doubted(deployment, resource, namespace, notice);
        }
        let variables = outer.variables.as_deref().filter(|_| !keeps_variables(&resource.object));
        let substituted = |text: &str| variables.map_or(text.to_owned(), |all| all.replace(text));
        let mut whole = resource.object.clone();
        if let Some(variables) = variables {
            variables.replace_all(&mut whole);
        }
        let other =
            |spec: &PodSpec| spec.containers.iter().any(|container| container.list == ContainerList::Other);
        let needed = object.pod_specs.iter().any(other);
        let original = needed.then(|| self.original(file, object.document)).flatten();
        let original = original.as_ref().and_then(|tree| outcome::at(tree, &object.path.0[..skip]));
        let mut pods = outcome::pods(&whole, object, skip, original);
        pods.iter_mut().for_each(hide_unknown);
        let (namespace, misnamed) = checked(namespace.map(|namespace| substituted(&namespace)));
        Deployment {
            namespace,
            misnamed,
            // A hash over what is not known ends the name.
            name: Some(substituted(text(&["metadata", "name"])))
                .filter(|_| resource.generated.is_none_or(|generated| generated.known || !generated.hash))
                .filter(|name| !name.is_empty() && !name.contains(UNKNOWN)),
            pods: Pods::Built(pods),
            tree: kind_of(&object.api_version, &object.kind).map(|_| Arc::new(whole)),
            ..deployment
        }
    }

    /// A deployment of an object of which the build is not certain, for the reason that a notice gives: which entry of which kustomization.
    fn doubted(
        &self,
        mut deployment: Deployment,
        resource: &Resource,
        namespace: Option<String>,
        (at, line): (usize, usize),
    ) -> Deployment {
        deployment.source.retain(|step| step.rule != Rule::Metadata);
        let of = self.repository.get(at).file;
        let notices = self.builder.notices.list();
        let doubt = notices.iter().position(|notice| notice.line == line && notice.file == *of);
        // What is not known of an object changes nothing of a namespace that is given to all of them afterwards.
        let (namespace, misnamed) = checked(namespace.filter(|_| resource.namespaced_by.is_some()));
        Deployment { namespace, misnamed, doubt, ..deployment }
    }

    /// The tree of a document before any build.
    fn original(&self, file: usize, document: usize) -> Option<Value> {
        let trees = self.repository.documents(self.files[file].path).ok()?;
        trees.get(document).cloned()
    }

    /// The final namespace of a resource, and the chain that leads there.
    fn namespace(
        &self,
        resource: &Resource,
        namespace: &str,
        path: &str,
        outer: &Outer,
    ) -> (Option<String>, Vec<Source>) {
        let mut source = Vec::new();
        let own = !namespace.is_empty() && resource.namespaced_by.is_none();
        if own {
            let line = self.line_of(resource, path);
            source.push(Source { rule: Rule::Metadata, file: Arc::from(path), line });
        }
        self.chain(resource, outer, &mut source);
        if !namespace.is_empty() {
            return (Some(namespace.to_owned()), source);
        }
        let mut told = Vec::new();
        let found = settle(path, resource.is_cluster_scoped(), outer.fill.as_ref(), self.options, &mut told);
        for step in told {
            // The destination of the Application that stands at the end already.
            let twice = source.last().is_some_and(|last| last.rule == step.rule && last.file == step.file);
            if twice {
                source.pop();
            }
            source.push(step);
        }
        (found, source)
    }

    fn line_of(&self, resource: &Resource, path: &str) -> usize {
        let Origin::Scanned(file, document, _) = &resource.origin else { return 1 };
        let objects = self.files[*file].objects.iter().filter(|_| self.files[*file].path == path);
        objects
            .filter(|object| object.document == *document)
            .map(|object| object.namespace_line)
            .next()
            .unwrap_or(1)
    }

    /// The kustomizations from the object's file outwards, then the object that asks for the build.
    fn chain(&self, resource: &Resource, outer: &Outer, source: &mut Vec<Source>) {
        let repository = self.repository;
        let step = |at: usize, line: usize| {
            let known = repository.get(at);
            let line = match (&known.fields.namespace, resource.namespaced_by) {
                (_, Some((by, line))) if by == at => line,
                (Some(namespace), _) => namespace.line,
                (None, _) => line,
            };
            Source { rule: Rule::Kustomize, file: known.file, line }
        };
        let first = source.len();
        let mut place = Some(&resource.place);
        let mut passed = Vec::new();
        while let Some(at) = place {
            let next = at.visit.from.get();
            let is_root = next.is_none();
            passed.push(at.visit.kustomization);
            if !(is_root && outer.generated) {
                let mut step = step(at.visit.kustomization, at.line);
                if is_root && outer.sets_namespace {
                    // The line of the namespace is one of the object that asks for the build.
                    step.line = at.line;
                }
                source.push(step);
            }
            place = next;
        }
        // A Component changes what it is included beside, so it is on no way outwards.
        if let Some((by, line)) = resource.namespaced_by.filter(|(by, _)| !passed.contains(by)) {
            let last = (source.len() - 1).max(first).min(source.len());
            source.insert(last, step(by, line));
        }
        source.extend(outer.source.clone());
    }
}

/// The file of a build's root, if it has one.
fn root_of(root: &Known<'_>, outer: &Outer) -> Option<Arc<str>> {
    (!outer.generated).then(|| Arc::clone(&root.file))
}

/// What only a cluster fills in is a placeholder like any other, and no name of a Secret.
fn hide_unknown(pod: &mut Pod) {
    for image in pod.images.iter_mut().filter(|image| image.image.contains(UNKNOWN)) {
        image.image = image.image.replace(UNKNOWN, OPEN);
    }
    for name in &mut pod.pull_secrets {
        name.take_if(|name| name.contains(UNKNOWN));
    }
}
