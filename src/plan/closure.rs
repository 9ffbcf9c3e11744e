//! Whether every pull secret that a pod names is there, in its namespace, with a key that matches.
//!
//! Follows what a kubelet does: the pod's list, else its ServiceAccount's, each name looked up in the pod's own namespace.
//! What cannot be known is no finding: an encrypted Secret may hold any key, a copied one may be in any namespace.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::File;
use super::finding::{Code, Finding, ObjectRef, Severity};
use super::place::{PodRun, is_pulled_by_node, runs};
use crate::config::{Config, PullSecret};
use crate::deliveries::graph::{Builds, Cluster, Deployment, Graph, Stray};
use crate::objects::adders::Adder;
use crate::objects::copies::Copies;
use crate::objects::object::{Object, PodSpec};
use crate::objects::shipped::{Holds, Shipped};
use kubelet_keyring::pattern::{RegistryKey, lookup, needed};
use kubelet_keyring::reference::ImageRef;
use lossless_yaml::nearest::mistyped;
use lossless_yaml::span::Position;

/// What the whole repository ships.
pub struct Closure<'p> {
    secrets: BTreeMap<&'p str, Vec<Place<'p>>>,
    config: &'p Config,
    builds: &'p Builds,
    /// Pairs of builds, and whether they may be in one cluster: asked for again and again.
    neighbours: RefCell<HashMap<Neighbours, bool>>,
    /// Whether a build takes in what cannot be followed here, so that a Secret may come from there.
    open: bool,
}

/// One Secret in one namespace.
struct Place<'p> {
    /// What is known of its cluster; none where it may be any.
    cluster: Option<&'p Cluster>,
    /// None where nothing tells: it may be the one.
    namespace: Option<&'p str>,
    /// The controller that brings it elsewhere too.
    copies: Option<&'p Copies>,
    /// Whether only the controller brings it.
    is_made: bool,
    /// Its file, where nothing takes that in, and why.
    stray: Option<(&'p str, &'p Stray)>,
    holds: &'p Holds,
}

/// Something that keeps a pod from pulling an image in one of its deployments.
pub struct Gap {
    /// What is to say of it.
    pub finding: Finding,
    /// The pull secret that it is about.
    pub secret: Option<String>,
    /// The image that it is about, as deployed; none where it concerns each one that the pull secret is for.
    pub image: Option<String>,
}

impl Gap {
    fn of(finding: Finding, secret: &str, image: Option<&str>) -> Self {
        Self { finding, secret: Some(secret.to_owned()), image: image.map(str::to_owned) }
    }
}

/// Numbers of two builds.
type Neighbours = (Option<usize>, Option<usize>);

impl<'p> Place<'p> {
    /// A Secret of a file where it is deployed.
    fn of(file: &'p File, secret: &'p Shipped, deployment: &'p Deployment) -> Self {
        Self {
            cluster: Some(&deployment.cluster),
            namespace: deployment.namespace.as_deref(),
            copies: secret.copies.as_ref(),
            is_made: secret.is_made,
            stray: file.stray.as_ref().map(|stray| (file.path.as_str(), stray)),
            holds: &secret.holds,
        }
    }

    /// One of which nothing is known.
    fn anywhere() -> Self {
        Self { cluster: None, namespace: None, copies: None, is_made: false, stray: None, holds: UNKNOWN }
    }

    /// Whether pods of a namespace find it, or may.
    fn reaches(&self, namespace: &str) -> bool {
        let copied = self.copies.is_some_and(|copies| copies.reach(namespace));
        copied || !self.is_made && self.namespace.is_none_or(|own| own == namespace)
    }
}

/// The Secrets of files that rules clone whatever they are called, by name, as the rules bring them.
fn cloned<'p>(files: &'p [File], builds: &Builds) -> Vec<(&'p str, Place<'p>)> {
    let mut all = Vec::new();
    for file in files {
        let shipped = file.facts.iter().flat_map(|facts| &facts.shipped);
        for (secret, deployments) in shipped.zip(&file.shipped) {
            all.extend(deployments.iter().map(|deployment| (file, secret, deployment)));
        }
    }
    let rule = |(_, rule, at): &(&File, &'p Shipped, &'p Deployment)| {
        let copies = rule.copies.as_ref()?;
        Some((copies, copies.clones.as_ref()?, &at.cluster))
    };
    let rules: Vec<_> = all.iter().filter_map(rule).collect();
    let mut cloned = Vec::new();
    for (file, secret, deployment) in all.iter().filter(|(_, secret, _)| !rules.is_empty() && !secret.is_made)
    {
        for (copies, clones, cluster) in &rules {
            if clones.takes(deployment.namespace.as_deref(), &secret.labels)
                && builds.may_share(cluster, &deployment.cluster)
            {
                let place = Place::of(file, secret, deployment);
                let place = Place { copies: Some(copies), is_made: true, ..place };
                cloned.push((name_of(secret, deployment), place));
            }
        }
    }
    cloned
}

/// What a Secret is called where it is deployed.
fn name_of<'p>(secret: &'p Shipped, deployment: &'p Deployment) -> &'p str {
    deployment.name.as_deref().filter(|_| secret.by_own_name).unwrap_or(&secret.name)
}

const UNKNOWN: &Holds = &Holds::Unknown;

impl<'p> Closure<'p> {
    /// Collects what files and generators ship.
    pub fn new(files: &'p [File], graph: &'p Graph, config: &'p Config) -> Self {
        let mut secrets = BTreeMap::<&str, Vec<Place<'p>>>::new();
        for file in files {
            let shipped = file.facts.iter().flat_map(|facts| &facts.shipped);
            for (secret, deployments) in shipped.zip(&file.shipped) {
                for deployment in deployments {
                    let place = Place::of(file, secret, deployment);
                    secrets.entry(name_of(secret, deployment)).or_default().push(place);
                }
            }
        }
        for (name, place) in cloned(files, &graph.builds) {
            secrets.entry(name).or_default().push(place);
        }
        for secret in &graph.generated {
            if let Some(name) = &secret.name {
                let (cluster, namespace) = (Some(&secret.cluster), secret.namespace.as_deref());
                let place = Place { cluster, namespace, ..Place::anywhere() };
                secrets.entry(name).or_default().push(place);
            }
        }
        let (builds, neighbours, open) = (&graph.builds, RefCell::default(), graph.has_unknowns());
        Self { secrets, config, builds, neighbours, open }
    }

    /// Adds a Secret of which nothing else is known.
    pub fn ships(&mut self, namespace: &'p str, name: &'p str) {
        let place = Place { namespace: Some(namespace), ..Place::anywhere() };
        self.secrets.entry(name).or_default().push(place);
    }

    /// What is to say of the selected files.
    pub fn findings(&self, files: &[File]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for file in files.iter().filter(|file| file.selected) {
            for (nth, object) in file.objects().iter().enumerate() {
                for (index, pod_spec) in object.pod_specs.iter().enumerate() {
                    let about = About { file, object, pod_spec };
                    let runs = runs(file, nth, object, index);
                    // What no build takes in is deployed nowhere that we know of.
                    let runs: Vec<&PodRun<'_>> = runs.iter().filter(|run| run.deployment.is_some()).collect();
                    self.listed(&about, &runs, &mut findings);
                    if !object.is_service_account() {
                        self.pods(&about, &runs, &mut findings);
                    }
                }
            }
        }
        findings
    }

    /// What keeps the pods of one deployment from pulling their images.
    pub fn gaps(&self, file: &File, object: &Object, pod_spec: &PodSpec, run: &PodRun<'_>) -> Vec<Gap> {
        let about = About { file, object, pod_spec };
        let names: BTreeSet<&str> = run.pull_secrets.iter().copied().flatten().collect();
        let absent = names.into_iter().filter_map(|name| {
            let finding = self.absent(&about, name, &[run])?;
            Some(Gap { finding, secret: Some(name.to_owned()), image: None })
        });
        absent.chain(self.uncovered(&about, run)).collect()
    }

    /// The pull secrets that are listed, under the names that they have where they are deployed.
    fn listed(&self, about: &About<'_>, runs: &[&PodRun<'_>], findings: &mut Vec<Finding>) {
        let mut wanted = BTreeMap::<&str, Vec<&PodRun<'_>>>::new();
        for run in runs {
            for name in run.pull_secrets.iter().copied().flatten() {
                wanted.entry(name).or_default().push(run);
            }
        }
        for (name, runs) in &wanted {
            findings.extend(self.absent(about, name, runs));
        }
    }

    fn pods(&self, about: &About<'_>, runs: &[&PodRun<'_>], findings: &mut Vec<Finding>) {
        // What only a flag names is never placed by us.
        let placed = |nth: usize| self.config.secrets[nth].position.is_some();
        let homeless =
            |run: &&PodRun<'_>| run.namespace.is_none() && run.needs(self.config).into_iter().any(placed);
        let mut told = BTreeSet::new();
        for run in runs.iter().filter(|run| homeless(run)) {
            let misnamed = run.deployment.and_then(|deployment| deployment.misnamed.as_deref());
            if told.insert(misnamed) {
                findings.push(about.homeless(run, misnamed));
            }
        }
        let mut said = BTreeSet::new();
        for run in runs {
            for Gap { finding, .. } in self.uncovered(about, run) {
                if said.insert(finding.message.clone()) {
                    findings.push(finding);
                }
            }
        }
    }

    /// The Secret of that name that pods of a namespace would find, or all that it might be.
    fn found(&self, name: &str, namespace: &str, run: &PodRun<'_>) -> Vec<&Place<'p>> {
        let cluster = run.cluster();
        // What is applied by hand may come with Secrets that are; what Flux or Argo CD deliver finds what they deliver.
        let is_delivered = run.deployment.is_some_and(Deployment::is_delivered);
        let there = |place: &&Place<'p>| {
            place.reaches(namespace)
                && self.may_share(place.cluster, cluster)
                && !place.stray.is_some_and(|(_, stray)| !stray.is_outside || is_delivered)
        };
        self.secrets.get(name).into_iter().flatten().filter(there).collect()
    }

    /// Which controllers bring a Secret of that name to the pods of one deployment, and from where; for people.
    pub fn brought(&self, name: &str, run: &PodRun<'_>) -> BTreeSet<String> {
        let Some(namespace) = run.namespace else { return BTreeSet::new() };
        let is_copy = |place: &&&Place<'p>| place.is_made || place.namespace != Some(namespace);
        let places = self.found(name, namespace, run);
        let copies = places.iter().filter(is_copy).filter_map(|place| Some((place.copies?, place)));
        copies
            .map(|(copies, place)| {
                let from = place.namespace.filter(|_| !place.is_made);
                let from = from.map_or_else(String::new, |from| format!(" from namespace `{from}`"));
                format!("`{name}` is brought to namespace `{namespace}`{from} by {}", copies.controller)
            })
            .collect()
    }

    /// Whether two things may be in one cluster.
    fn may_share(&self, one: Option<&Cluster>, other: Option<&Cluster>) -> bool {
        let (Some(one), Some(other)) = (one, other) else { return true };
        match (&one.name, &other.name) {
            (None, _) | (_, None) if one.build.is_some() && other.build.is_some() => *self
                .neighbours
                .borrow_mut()
                .entry((one.build, other.build))
                .or_insert_with(|| self.builds.may_share(one, other)),
            _ => self.builds.may_share(one, other),
        }
    }

    /// A reference whose Secret is not in a namespace that needs it; where the namespace is unknown, one whose Secret is
    /// nowhere at all.
    fn absent(&self, about: &About<'_>, name: &str, runs: &[&PodRun<'_>]) -> Option<Finding> {
        let configured = self.config.secrets.iter().find(|secret| secret.name == name);
        let lacks = |run: &&&PodRun<'_>| match run.namespace {
            Some(namespace) => {
                !self.config.namespaces.excludes(namespace) && self.found(name, namespace, run).is_empty()
            }
            None => !self.secrets.contains_key(name),
        };
        let lacking: Vec<&PodRun<'_>> = runs.iter().filter(lacks).copied().collect();
        if lacking.is_empty() {
            return None;
        }
        let known: BTreeSet<&str> = lacking.iter().filter_map(|run| run.namespace).collect();
        // Where the namespace has it in another cluster, the namespace alone says too little.
        let elsewhere = |namespace: &str| {
            let mut places = self.secrets.get(name).into_iter().flatten();
            places.any(|place| place.namespace == Some(namespace) && !place.is_made)
        };
        let place = match known.first() {
            None => String::new(),
            Some(first) => {
                let run = lacking.iter().find(|run| run.namespace == Some(first));
                let whose = run.filter(|_| elsewhere(first)).map_or_else(String::new, |run| whose(run));
                match known.len() {
                    1 => format!(" in namespace `{first}`{whose}"),
                    more => format!(" in namespace `{first}`{whose} and {} more", more - 1),
                }
            }
        };
        let (severity, hint) = self.advice(name, configured, known.first().copied())?;
        let (severity, hint) = match self.stray(name, &known) {
            // Somebody has to see that it is taken in; to write it again helps nobody.
            Some(hint) => (Severity::Error, hint),
            None => (severity, hint),
        };
        let mut adds = lacking.iter().flat_map(|run| &run.added).map(|adding| &adding.adder);
        let message = match adds.find(|adder| adder.names.iter().any(|added| added == name)) {
            Some(Adder { controller, .. }) => {
                format!("{controller} gives {about} pull secret `{name}`, which nothing ships{place}")
            }
            None => format!("{about} names pull secret `{name}`, which nothing ships{place}"),
        };
        let mut finding = about.finding(Code::SecretNotShipped, about.entry(name), message, &hint);
        finding.severity = severity;
        Some(finding)
    }

    /// What to do about a Secret that is there for a namespace, in a file that nothing takes in.
    fn stray(&self, name: &str, namespaces: &BTreeSet<&str>) -> Option<String> {
        let places = self.secrets.get(name).into_iter().flatten();
        let mut stray = places.filter_map(|place| {
            let meant = place.namespace.is_none_or(|own| namespaces.contains(own));
            place.stray.filter(|_| meant)
        });
        let (file, stray) = stray.next()?;
        let list = |folder: &str| {
            let folder = if folder.is_empty() { ".".to_owned() } else { folder.to_owned() };
            format!("the kustomization in `{folder}` does not list it: add it to its `resources`")
        };
        Some(match &stray.kustomization {
            Some(folder) if !stray.is_outside => format!("`{file}` is there, but {}", list(folder)),
            Some(folder) => format!("`{file}` is there, but no delivery takes it in; {}", list(folder)),
            None => format!(
                "`{file}` is there, but no delivery takes it in: have its folder applied (a Flux Kustomization with `decryption`, a path of an Application), or let `output` lead into a folder that is"
            ),
        })
    }

    /// How sure it is that a Secret is missed, and what to do; nothing for one that is vouched for.
    fn advice(
        &self,
        name: &str,
        configured: Option<&PullSecret>,
        namespace: Option<&str>,
    ) -> Option<(Severity, String)> {
        if configured.is_some_and(|secret| secret.position.is_some()) {
            let hint = match namespace {
                Some(_) => "`pullcred sync` writes it",
                None => {
                    "`pullcred sync` writes it once a namespace is told: by `metadata.namespace`, a kustomization, or a rule below `spec.namespaces`"
                }
            };
            return Some((Severity::Error, hint.to_owned()));
        }
        let mut elsewhere = self.secrets.get(name).into_iter().flatten().filter_map(|place| place.namespace);
        if let Some(elsewhere) = elsewhere.clone().find(|other| namespace != Some(other)).or(elsewhere.next())
        {
            let hint = if namespace == Some(elsewhere) {
                "it is shipped to that namespace of another cluster; a pod finds only those of its own"
                    .to_owned()
            } else {
                format!("it is shipped in namespace `{elsewhere}`; a pod finds only those of its own")
            };
            return Some((Severity::Error, hint));
        }
        if configured.is_some() {
            // Who names it in a flag vouches for it.
            return None;
        }
        let beside = |sure: bool| {
            let fits = move |place: &Place<'_>| {
                place.namespace.is_none_or(|other| namespace.is_none_or(|wanted| wanted == other))
                    && match place.holds {
                        Holds::Keys(_) => true,
                        Holds::Unknown => !sure,
                        Holds::OtherType(_) => false,
                    }
            };
            let there = self.secrets.iter().filter(move |(_, places)| places.iter().any(fits));
            let ours = self.config.secrets.iter().filter(move |_| sure).map(|secret| secret.name.as_str());
            there.map(|(name, _)| *name).chain(ours)
        };
        let misspelt = |near: &str| format!("did you mean `{near}`?");
        Some(if let Some(near) = mistyped(name, beside(true)) {
            (Severity::Error, misspelt(near))
        } else if let Some(near) = mistyped(name, beside(false)) {
            (Severity::Warning, misspelt(near))
        } else if self.open {
            let hint = "it may come with what cannot be followed here; ship it, or ignore this with a reason";
            (Severity::Note, hint.to_owned())
        } else {
            (Severity::Warning, "ship it with the manifests, or ignore this with a reason".to_owned())
        })
    }

    /// Images that the Secrets of a pod are there for and do not match.
    fn uncovered(&self, about: &About<'_>, run: &PodRun<'_>) -> Vec<Gap> {
        let (Some(namespace), images) = (run.namespace, &run.images) else { return Vec::new() };
        if self.config.namespaces.excludes(namespace) {
            return Vec::new();
        }
        let mut keys = Vec::new();
        let mut gaps = Vec::new();
        for name in &run.pull_secrets {
            let Some(name) = name else { return Vec::new() };
            match self.found(name, namespace, run).as_slice() {
                [Place { holds: Holds::Keys(held), .. }] => keys.extend(held.iter().map(|key| (*name, key))),
                [Place { holds: Holds::OtherType(kind), .. }] => {
                    let message = format!(
                        "{about} names pull secret `{name}`, which is of type `{kind}`: a kubelet passes it over"
                    );
                    let hint = "make it anew with type `kubernetes.io/dockerconfigjson`";
                    let finding = about.finding(Code::RegistryUncovered, about.entry(name), message, hint);
                    gaps.push(Gap::of(finding, name, None));
                }
                // One that is not there is said elsewhere, and one that cannot be read may match anything.
                _ => return Vec::new(),
            }
        }
        if !gaps.is_empty() {
            return gaps;
        }
        let parsed: Vec<RegistryKey> =
            keys.iter().filter_map(|(_, key)| RegistryKey::parse(key).ok()).collect();
        let bare: Vec<(&str, ImageRef<'_>)> = images
            .iter()
            .filter_map(|(_, image)| Some((*image, ImageRef::parse_open(image).ok()?)))
            .filter(|(_, image)| !is_pulled_by_node(self.config, image) && lookup(&parsed, image).is_empty())
            .collect();
        for (text, image) in &bare {
            let meant = |secret: &&PullSecret| {
                !secret.is_for_every_image() && run.has(&secret.name) && needed(&secret.keys, Some(image))
            };
            if let Some(secret) = self.config.secrets.iter().find(meant) {
                let message = format!(
                    "{about} pulls `{text}`, but Secret `{}` in namespace `{namespace}` has no key for `{}`",
                    secret.name,
                    image.registry()
                );
                let hint = "`pullcred sync` writes the key, or correct the Secret by hand";
                let position = about.image(text);
                let finding = about.finding(Code::RegistryUncovered, position, message, hint);
                gaps.push(Gap::of(finding, &secret.name, Some(text)));
            }
        }
        if let Some((text, _)) = bare.first().filter(|_| gaps.is_empty()) {
            let keys: Vec<(&str, &str)> = keys.iter().map(|(name, key)| (*name, key.as_str())).collect();
            gaps = idle(about, run, namespace, &keys, text);
        }
        gaps
    }
}

/// Secrets of a pod that match none of its images: they are there for an image that moved, or a key is wrong. `keys` are those that they
/// hold, by name, and `bare` is an image that is pulled without any.
fn idle(about: &About<'_>, run: &PodRun<'_>, namespace: &str, keys: &[(&str, &str)], bare: &str) -> Vec<Gap> {
    let images: Vec<ImageRef<'_>> =
        run.images.iter().filter_map(|(_, image)| ImageRef::parse_open(image).ok()).collect();
    let matches_none = |name: &&str| {
        let own = keys.iter().filter(|(of, _)| of == name);
        let own: Vec<RegistryKey> = own.filter_map(|(_, key)| RegistryKey::parse(key).ok()).collect();
        images.iter().all(|image| lookup(&own, image).is_empty())
    };
    let names = run.pull_secrets.iter().copied().flatten().filter(matches_none);
    let gap = |name| {
        let message = format!(
            "no key of Secret `{name}` in namespace `{namespace}` matches an image of {about}; \
             `{bare}` is pulled without a credential"
        );
        let hint = "add the registry of the image to the Secret, or take the entry away";
        let mut finding = about.finding(Code::RegistryUncovered, about.image(bare), message, hint);
        finding.severity = Severity::Warning;
        Gap::of(finding, name, Some(bare))
    };
    names.map(gap).collect()
}

/// What tells a deployment from others of its namespace: its cluster, else what is built.
fn whose(run: &PodRun<'_>) -> String {
    let Some(deployment) = run.deployment else { return String::new() };
    match (&deployment.cluster.name, &deployment.root) {
        (Some(name), _) => format!(" of cluster `{name}`"),
        (None, Some(root)) => format!(" of the build `{root}`"),
        (None, None) => String::new(),
    }
}

/// The pod spec that is spoken of.
struct About<'f> {
    file: &'f File,
    object: &'f Object,
    pod_spec: &'f PodSpec,
}

impl std::fmt::Display for About<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` `{}`", self.object.kind, self.object.display_name())
    }
}

impl About<'_> {
    /// Where the list names a Secret; the pod spec when only a build does.
    fn entry(&self, name: &str) -> Position {
        let entry = self.pod_spec.pull_secrets.iter().find(|secret| secret.name == name);
        entry.map_or(self.pod_spec.position, |entry| entry.position)
    }

    /// Where an image is written; the pod spec when only a build has it so.
    fn image(&self, image: &str) -> Position {
        let container = self.pod_spec.containers.iter().find(|container| container.image == image);
        container.map_or(self.pod_spec.position, |container| container.position)
    }

    /// That nothing tells the namespace, or that what does tell it cannot be.
    fn homeless(&self, run: &PodRun<'_>, misnamed: Option<&str>) -> Finding {
        let hint = "set `metadata.namespace`, or a rule below `spec.namespaces` of the configuration";
        let Some(text) = misnamed else {
            let message =
                format!("nothing tells in which namespace {self} runs, so no Secret can be placed for it");
            return self.finding(Code::NamespaceUnknown, self.pod_spec.position, message, hint);
        };
        let message = format!("no namespace can be called `{text}`, so no Secret can be placed for {self}");
        let hint = "a namespace has lower-case letters, digits and `-`, at most 63; what fills a placeholder in is not known here";
        let mut finding = self.finding(Code::NamespaceUnknown, self.pod_spec.position, message, hint);
        let steps = run.deployment.map_or(&[][..], |deployment| &deployment.source);
        let own = self.object.namespace.as_deref() == Some(text);
        // The outermost kustomization, or the object that sets it, else the manifest itself.
        let teller = if own { steps.first() } else { steps.last() };
        if let Some(step) = teller {
            finding.file = step.file.to_string();
            finding.position = Position { line: step.line, ..Position::START };
        }
        finding
    }

    fn finding(&self, code: Code, position: Position, message: String, hint: &str) -> Finding {
        let object = ObjectRef {
            api_version: self.object.api_version.clone(),
            kind: self.object.kind.clone(),
            name: self.object.display_name().to_owned(),
            namespace: self.object.namespace.clone(),
        };
        Finding {
            code,
            severity: code.severity(),
            file: self.file.path.clone(),
            position,
            message,
            hint: Some(hint.to_owned()),
            object: Some(object),
        }
    }
}
