//! A pod spec as each of its deployments runs it: what a build makes of the text in the file.

use super::{Adding, File};
use crate::config::Config;
use crate::deliveries::graph::{Cluster, Deployment, Pods};
use crate::objects::adders::{Entering, To};
use crate::objects::object::{ContainerList, Object, PodSpec};
use kubelet_keyring::pattern::needed;
use kubelet_keyring::reference::ImageRef;

/// One pod spec in one deployment.
#[derive(Clone, Debug)]
pub struct PodRun<'f> {
    /// Its namespace; none where unknown.
    pub namespace: Option<&'f str>,
    /// The ServiceAccount that its pods run as.
    pub account: &'f str,
    /// Containers and their images: as built, and where that cannot be known, as written.
    pub images: Vec<(&'f str, &'f str)>,
    /// Whether the images are those that run for certain.
    pub is_proven: bool,
    /// The pull secrets that it has there, in order; none where a name cannot be known.
    pub pull_secrets: Vec<Option<&'f str>>,
    /// Who adds pull secrets to those that are written, as its pods enter the cluster.
    pub added: Vec<&'f Adding>,
    /// What it is part of; none for an object that nothing deploys.
    pub deployment: Option<&'f Deployment>,
}

/// Every deployment of a pod spec. One that nothing deploys counts as it is written: a base may be used from elsewhere.
pub fn runs<'f>(file: &'f File, nth: usize, object: &'f Object, pod_spec: usize) -> Vec<PodRun<'f>> {
    let mut runs = deployed(file, nth, object, pod_spec);
    if !object.is_service_account() {
        for run in &mut runs {
            let has_list = !run.pull_secrets.is_empty();
            // Only a pod without a list takes over that of its ServiceAccount.
            let acts = |adding: &&Adding| !(has_list && matches!(adding.adder.to, To::Accounts(_)));
            for adding in file.adders.iter().filter(acts) {
                add(run, adding, object, &object.pod_specs[pod_spec]);
            }
        }
    }
    runs
}

/// What a controller adds to the pods of one deployment.
fn add<'f>(run: &mut PodRun<'f>, adding: &'f Adding, object: &Object, written: &PodSpec) {
    let own = |cluster: Option<&Cluster>| cluster.and_then(|cluster| cluster.name.clone());
    let cluster = own(run.cluster());
    let told = adding.deployments.iter().any(|told| {
        // A policy that has a namespace acts in it alone.
        own(Some(&told.cluster)) == cluster
            && (adding.adder.object.kind != "Policy"
                || told.namespace.is_some() && told.namespace.as_deref() == run.namespace)
    });
    if !told {
        return;
    }
    let list = |name: &str| {
        let container = written.containers.iter().find(|container| container.name == name);
        container.map(|container| container.list)
    };
    let images: Vec<(ContainerList, &str)> =
        run.images.iter().filter_map(|(name, image)| Some((list(name)?, *image))).collect();
    let entering = Entering {
        kind: &object.kind,
        namespace: run.namespace,
        account: run.account,
        images: &images,
        is_bare: run.pull_secrets.is_empty(),
    };
    if adding.adder.adds_to(&entering) {
        for name in &adding.adder.names {
            if !run.has(name) {
                run.pull_secrets.push(Some(name));
            }
        }
        run.added.push(adding);
    }
}

fn deployed<'f>(file: &'f File, nth: usize, object: &'f Object, pod_spec: usize) -> Vec<PodRun<'f>> {
    let written = &object.pod_specs[pod_spec];
    let deployments = file.deployments.get(nth).map_or(&[][..], Vec::as_slice);
    if deployments.is_empty() {
        let namespace = object.namespace.as_deref();
        return vec![PodRun { namespace, ..as_written(written) }];
    }
    let run = |deployment: &'f Deployment| {
        let built = match &deployment.pods {
            Pods::Written => None,
            Pods::Built(pods) => pods.get(pod_spec),
            Pods::Unknown => {
                // What is written decides then: a reference too many is an event, one too few an outage.
                let (namespace, deployment) = (deployment.namespace.as_deref(), Some(deployment));
                return PodRun { namespace, deployment, is_proven: false, ..as_written(written) };
            }
        };
        let mut run = as_written(written);
        if let Some(pod) = built {
            run.account = pod.service_account.as_deref().unwrap_or("default");
            run.images = pod.images.iter().map(|it| (it.container.as_str(), it.image.as_str())).collect();
            run.pull_secrets = pod.pull_secrets.iter().map(Option::as_deref).collect();
        }
        PodRun { namespace: deployment.namespace.as_deref(), deployment: Some(deployment), ..run }
    };
    // Releases that share a file of values need not deploy the same pods.
    let is_there = |deployment: &&Deployment| match &deployment.pods {
        Pods::Built(pods) if written.chart.is_some() => {
            pods.get(pod_spec).is_some_and(|pod| !pod.images.is_empty())
        }
        _ => true,
    };
    deployments.iter().filter(is_there).map(run).collect()
}

fn as_written(pod_spec: &PodSpec) -> PodRun<'_> {
    PodRun {
        namespace: None,
        account: pod_spec.account_name(),
        images: pod_spec.containers.iter().map(|it| (it.name.as_str(), it.image.as_str())).collect(),
        is_proven: true,
        pull_secrets: pod_spec.pull_secrets.iter().map(|secret| Some(secret.name.as_str())).collect(),
        added: Vec::new(),
        deployment: None,
    }
}

impl PodRun<'_> {
    /// What is known of its cluster.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.deployment.map(|deployment| &deployment.cluster)
    }

    /// Positions of the configured secrets that its images need, in configuration order; pods of a namespace that is left alone
    /// need nothing.
    pub fn needs(&self, config: &Config) -> Vec<usize> {
        if config.namespaces.excludes_known(self.namespace) {
            return Vec::new();
        }
        let images: Vec<Option<ImageRef<'_>>> = self
            .images
            .iter()
            .map(|(_, image)| ImageRef::parse_open(image).ok())
            .filter(|image| !image.as_ref().is_some_and(|image| is_pulled_by_node(config, image)))
            .collect();
        let serves = |nth: &usize| {
            let keys = &config.secrets[*nth].keys;
            // A secret for every image is not meant for those that the cluster serves itself.
            let is_own = |image: &ImageRef<'_>| keys.is_empty() && is_in_cluster(image);
            images.iter().any(|image| needed(keys, image.as_ref()) && !image.as_ref().is_some_and(is_own))
        };
        (0..config.secrets.len()).filter(serves).collect()
    }

    /// Whether it has a pull secret of that name for certain.
    pub fn has(&self, name: &str) -> bool {
        self.pull_secrets.contains(&Some(name))
    }
}

/// Files, each once, with pods that need a configured secret and run where nothing tells, so that no Secret can be placed for them.
pub fn homeless<'f>(files: &'f [File], config: &Config) -> Vec<&'f str> {
    let lacks = |file: &&'f File| {
        let objects = file.objects().iter().enumerate().filter(|(_, object)| !object.is_service_account());
        let mut runs = objects.flat_map(|(nth, object)| {
            (0..object.pod_specs.len()).flat_map(move |at| runs(file, nth, object, at))
        });
        runs.any(|run| run.deployment.is_some() && run.namespace.is_none() && !run.needs(config).is_empty())
    };
    files.iter().filter(|file| file.selected).filter(lacks).map(|file| file.path.as_str()).collect()
}

/// Whether an image is in the registry that OpenShift runs in the cluster: every ServiceAccount has a pull secret for it by itself, under a
/// name that nobody can write down. <https://docs.openshift.com/container-platform/latest/registry/accessing-the-registry.html>
pub fn is_in_cluster(image: &ImageRef<'_>) -> bool {
    let host = image.host();
    let host = host.strip_suffix(".cluster.local").unwrap_or(host);
    host.ends_with(".svc") && image.port() == Some("5000")
}

/// Whether the node pulls an image by its own identity, so that it needs no secret.
pub fn is_pulled_by_node(config: &Config, image: &ImageRef<'_>) -> bool {
    config.node_identity.iter().any(|key| key.matches(image))
}
