//! Puts the graph together: finds the roots, builds them, lets Flux and Argo CD objects, built ones included, name
//! further roots, and keeps where each object comes out.

mod deliver;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::claims::Own;
use super::roles::roles;
use super::{
    Deployment, Fill, GeneratedSecret, Graph, Load, Notice, Options, Pods, Rule, Scanned, Source, outcome,
    settle,
};
use crate::kube::build::accumulate::Builder;
use crate::kube::build::repository::{Known, Repository};
use crate::kube::build::resource::{Origin, Resource};
use crate::kube::build::value::Value;
use crate::kube::delivery::kind_of;
use crate::kube::flux::FluxKustomization;
use crate::kube::object::{ContainerList, PodSpec};

pub(super) struct Assembler<'a> {
    files: &'a [Scanned<'a>],
    load: Load<'a>,
    options: &'a Options<'a>,
    /// Every path, sorted.
    paths: Vec<&'a str>,
    builder: Builder<'a>,
    own: Own,
    graph: Graph,
    /// What to build because an object says so.
    claims: VecDeque<Claim>,
    claimed: BTreeSet<usize>,
    /// Delivery objects that were acted upon, by file, document and way through Lists.
    seen: HashMap<(usize, usize, Vec<usize>), Vec<Value>>,
    claim_count: usize,
}

/// A build that a Flux or Argo CD object asks for.
struct Claim {
    root: usize,
    outer: Outer,
}

/// What stands around a build.
#[derive(Clone, Default)]
struct Outer {
    /// The object that asks for it.
    source: Option<Source>,
    /// Whether that object sets the namespace, and not the kustomization.
    sets_namespace: bool,
    /// Whether the kustomization is generated: there is no file to name.
    generated: bool,
    fill: Option<Fill>,
    /// For variables that Flux replaces after the build.
    flux: Option<Arc<FluxKustomization>>,
}

/// What one build yields.
#[derive(Default)]
struct Built {
    places: Vec<((usize, usize), Deployment)>,
    generated: Vec<GeneratedSecret>,
    /// Files that it read.
    files: BTreeSet<usize>,
}

impl<'a> Assembler<'a> {
    pub fn new(files: &'a [Scanned<'a>], load: Load<'a>, options: &'a Options<'a>) -> Self {
        let mut paths: Vec<&str> = files.iter().map(|file| file.path).collect();
        paths.sort_unstable();
        let deliveries =
            files.iter().flat_map(|file| file.deliveries().iter().map(|delivery| (file.path, delivery)));
        Self {
            files,
            load,
            options,
            paths,
            builder: Builder::new(Repository::new(files, load)),
            own: Own::new(deliveries),
            graph: Graph::default(),
            claims: VecDeque::new(),
            claimed: BTreeSet::new(),
            seen: HashMap::new(),
            claim_count: 0,
        }
    }

    pub fn graph(mut self) -> Graph {
        let (roles, resources) = roles(&self.builder.repository);
        self.graph.roles = roles;
        for (at, file) in self.files.iter().enumerate() {
            if file.facts.is_some_and(|facts| facts.skipped_by_argocd) {
                self.graph.skipped.insert(at);
            }
        }
        let uses = self.uses();
        let roots: Vec<usize> = (0..self.builder.repository.len())
            .filter(|at| !uses.contains_key(at) && !self.builder.repository.get(*at).fields.component)
            .collect();
        self.builder.uses = uses;
        // What stands in plain files first; what builds yield is found on the way.
        let files = self.files;
        for (file, scanned) in files.iter().enumerate().filter(|(at, _)| !resources.contains(at)) {
            // A patch of such an object is not one.
            let role = self.graph.roles.contains_key(scanned.path);
            for delivery in scanned.deliveries().iter().filter(|_| !role) {
                self.act(file, delivery, &delivery.tree);
            }
        }
        let mut plain: BTreeMap<usize, Built> = BTreeMap::new();
        let mut waiting: VecDeque<usize> = roots.iter().copied().collect();
        loop {
            if let Some(claim) = self.claims.pop_front() {
                let built = self.build(claim.root, &claim.outer);
                self.keep(built);
            } else if let Some(root) = waiting.pop_front() {
                if !self.claimed.contains(&root) {
                    let built = self.build(root, &Outer::default());
                    plain.insert(root, built);
                }
            } else {
                break;
            }
        }
        for (root, built) in plain {
            if !self.claimed.contains(&root) {
                self.keep(built);
            }
        }
        // Objects whose builds all fail are still acted upon as they are written.
        for &file in &resources {
            for delivery in files[file].deliveries() {
                if !self.seen.contains_key(&(file, delivery.document, delivery.items.clone())) {
                    self.act(file, delivery, &delivery.tree);
                }
            }
        }
        while let Some(claim) = self.claims.pop_front() {
            let built = self.build(claim.root, &claim.outer);
            self.keep(built);
        }
        self.finish()
    }

    /// Sorts the notices and lets deployments point to where they went.
    fn finish(mut self) -> Graph {
        let mut order: Vec<usize> = (0..self.builder.notices.len()).collect();
        order.sort_by(|&a, &b| self.builder.notices[a].cmp(&self.builder.notices[b]));
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, &old)| place[old] = new);
        for deployment in self.graph.built.values_mut().flatten() {
            deployment.doubt = deployment.doubt.and_then(|old| place.get(old).copied());
        }
        let mut notices: Vec<Option<Notice>> = self.builder.notices.into_iter().map(Some).collect();
        self.graph.notices = order.into_iter().filter_map(|old| notices[old].take()).collect();
        self.graph
    }

    /// How often each kustomization is included by another one.
    fn uses(&self) -> HashMap<usize, usize> {
        let mut uses = HashMap::new();
        let mut at = 0;
        // The number grows while folders that were not scanned are found.
        while at < self.builder.repository.len() {
            for child in self.builder.included(at) {
                *uses.entry(child).or_insert(0) += 1;
            }
            at += 1;
        }
        uses
    }

    fn keep(&mut self, built: Built) {
        for (place, deployment) in built.places {
            let known = self.graph.built.entry(place).or_default();
            let same = |other: &Deployment| {
                other.namespace.is_some()
                    && (&other.namespace, &other.name, &other.pods)
                        == (&deployment.namespace, &deployment.name, &deployment.pods)
            };
            if !known.iter().any(same) {
                known.push(deployment);
            }
        }
        self.graph.generated.extend(built.generated);
        self.graph.reached.extend(built.files);
    }

    /// Builds a root and tells where its objects come out.
    fn build(&mut self, root: usize, outer: &Outer) -> Built {
        let result = self.builder.build(root, false);
        let mut built = Built::default();
        let known = self.builder.repository.get(root);
        let resources = match result {
            Ok(resources) => resources,
            Err(notice) => {
                self.fail(root, outer, notice, &mut built);
                return built;
            }
        };
        self.files_below(root, &mut built.files);
        for resource in &resources {
            if let Origin::Scanned(file, document, items) = &resource.origin {
                let kind = kind_of(resource.api_version(), resource.kind());
                if kind.is_some() && resource.uncertain.is_none() {
                    let facts = self.files[*file].deliveries().iter();
                    let mut facts =
                        facts.filter(|facts| facts.document == *document && facts.items == *items);
                    if let Some(delivery) = facts.next() {
                        self.act(*file, delivery, &resource.object);
                    }
                }
            }
            self.place(resource, &known, outer, &mut built);
        }
        built
    }

    /// Files that the kustomizations of a build name among their resources.
    fn files_below(&self, root: usize, files: &mut BTreeSet<usize>) {
        let repository = &self.builder.repository;
        let mut waiting = vec![root];
        let mut seen = HashSet::new();
        while let Some(at) = waiting.pop() {
            if seen.insert(at) {
                let known = repository.get(at);
                for entry in &known.fields.resources {
                    let path = repository.path(&known.folder, &entry.value);
                    files.extend(path.ok().and_then(|path| repository.file(&path)));
                }
                waiting.extend(self.builder.included(at));
            }
        }
    }

    /// A build that fails: nothing can be said of its objects.
    fn fail(&self, root: usize, outer: &Outer, notice: usize, built: &mut Built) {
        self.files_below(root, &mut built.files);
        let known = self.builder.repository.get(root);
        let mut source = vec![Source { rule: Rule::Kustomize, file: Arc::clone(&known.file), line: 1 }];
        source.extend(outer.source.clone());
        for &file in &built.files {
            for object in 0..self.files[file].objects.len() {
                let deployment = Deployment {
                    namespace: None,
                    name: None,
                    pods: Pods::Unknown,
                    source: source.clone(),
                    root: Some(Arc::clone(&known.file)),
                    doubt: Some(notice),
                };
                built.places.push(((file, object), deployment));
            }
        }
    }

    /// Where one resource of a build is deployed.
    fn place(&mut self, resource: &Resource, root: &Known<'_>, outer: &Outer, built: &mut Built) {
        match &resource.origin {
            Origin::Read => {}
            Origin::Generated(of, line) => {
                if resource.kind() == "Secret" {
                    let of = self.builder.repository.get(*of);
                    let (namespace, _) = self.namespace(resource, resource.namespace(), &of.file, outer);
                    let known = resource.generated.is_none_or(|generated| generated.known || !generated.hash);
                    built.generated.push(GeneratedSecret {
                        namespace,
                        name: known.then(|| resource.name().to_owned()),
                        kind: resource.object.str_at("type").unwrap_or_default().to_owned(),
                        file: of.file,
                        line: *line,
                    });
                }
            }
            Origin::Scanned(file, document, items) => {
                let skip = items.len() * 2;
                let inside = |path: &crate::yaml::path::Path| {
                    let indexes = path.0.iter().skip(1).step_by(2).take(items.len());
                    let same = |(step, index): (&crate::yaml::path::Step, &usize)| matches!(step, crate::yaml::path::Step::Index(at) if at == index);
                    path.0.len() >= skip && indexes.zip(items).all(same)
                };
                let objects = self.files[*file].objects.iter().enumerate();
                for (at, object) in
                    objects.filter(|(_, object)| object.document == *document && inside(&object.path))
                {
                    let Some(tree) = outcome::at(&resource.object, &object.path.0[skip..]) else { continue };
                    let deployment = self.deployment(resource, tree, (*file, at), skip, root, outer);
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
        let (namespace, mut source) = self.namespace(resource, namespace, path, outer);
        let root_file = (!outer.generated).then(|| Arc::clone(&root.file));
        if let Some((at, line)) = resource.uncertain {
            source.retain(|step| step.rule != Rule::Metadata);
            let of = self.builder.repository.get(at).file;
            let doubt =
                self.builder.notices.iter().position(|notice| notice.line == line && notice.file == *of);
            return Deployment {
                namespace: None,
                name: None,
                pods: Pods::Unknown,
                source,
                root: root_file,
                doubt,
            };
        }
        let substituted = |text: &str| match &outer.flux {
            Some(flux) => flux.substitute(text),
            None => Some(text.to_owned()),
        };
        let other =
            |spec: &PodSpec| spec.containers.iter().any(|container| container.list == ContainerList::Other);
        let needed = object.pod_specs.iter().any(other);
        let original = needed.then(|| self.original(file, object.document)).flatten();
        let original = original.as_ref().and_then(|tree| outcome::at(tree, &object.path.0[..skip]));
        let mut pods = outcome::pods(&resource.object, object, skip, original);
        for image in pods.iter_mut().flat_map(|pod| &mut pod.images) {
            if let Some(text) = substituted(&image.image) {
                image.image = text;
            }
        }
        Deployment {
            namespace: namespace.and_then(|namespace| substituted(&namespace)),
            name: substituted(text(&["metadata", "name"])).filter(|name| !name.is_empty()),
            pods: Pods::Built(pods),
            source,
            root: root_file,
            doubt: None,
        }
    }

    /// The tree of a document before any build.
    fn original(&self, file: usize, document: usize) -> Option<Value> {
        let trees = self.builder.repository.documents(self.files[file].path).ok()?;
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
        let repository = &self.builder.repository;
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
