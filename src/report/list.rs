//! Machine and table output of `list`: every image and what a kubelet would pull it with.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

/// What `list -o json` prints.
#[derive(Serialize, JsonSchema)]
pub struct List {
    /// Version of this format.
    pub version: u32,
    /// Every workload, sorted by file and line.
    pub workloads: Vec<Workload>,
    /// Images that are named for what is not known: in values of charts that are not here, in `images` of builds with parts that
    /// are known only online.
    pub mentions: Vec<Mentioned>,
    /// What was left alone, and why.
    pub skipped: Vec<Skipped>,
}

/// One pod spec where it is written.
#[derive(Serialize, JsonSchema)]
pub struct Workload {
    /// File, relative to the repository's root.
    pub file: String,
    /// Line of the object, from 1.
    pub line: usize,
    /// Position among the documents of the file, from 0.
    pub document: usize,
    /// Where the pod spec lies in its document.
    pub path: String,
    /// `apiVersion` of the object.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// `kind` of the object.
    pub kind: String,
    /// Its name as written.
    pub name: String,
    /// The ServiceAccount its pods run as.
    #[serde(rename = "serviceAccount")]
    pub service_account: String,
    /// Pull secrets as written now.
    #[serde(rename = "pullSecrets")]
    pub pull_secrets: Vec<String>,
    /// Where it is deployed, one entry for each build.
    pub deployments: Vec<Deployment>,
}

/// One object in a cluster.
#[derive(Serialize, JsonSchema)]
pub struct Deployment {
    /// The cluster; null where nothing tells.
    pub cluster: Option<String>,
    /// The namespace; null where nothing tells.
    pub namespace: Option<String>,
    /// The final name; null where it cannot be told.
    pub name: Option<String>,
    /// What decided the namespace, from the object's file outwards.
    pub source: Vec<Source>,
    /// Images as deployed; where a build cannot be followed, as written.
    pub images: Vec<Image>,
    /// Pull secrets after the plan; null for a name that cannot be told.
    #[serde(rename = "pullSecrets")]
    pub pull_secrets: Vec<Option<String>>,
}

/// A step of the way from an object's file to its namespace.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Source {
    /// `kustomize`, `flux`, `argocd`, `fleet`, `metadata`, `config` or `default`.
    pub rule: &'static str,
    /// The file that says so.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
}

/// One image of a deployment.
#[derive(Serialize, JsonSchema)]
pub struct Image {
    /// Name of the container, or of the volume.
    pub container: String,
    /// The image as deployed.
    pub image: String,
    /// Its registry; null when the text is no image reference.
    pub registry: Option<String>,
    /// The configured secret that serves it; null when none does.
    pub secret: Option<String>,
    /// Whether the node pulls it by its own identity.
    #[serde(rename = "nodeIdentity")]
    pub node_identity: bool,
}

/// An image of a workload that is not known.
#[derive(Serialize, JsonSchema)]
pub struct Mentioned {
    /// File, relative to the repository's root.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// `values`, `images`, or `source` of a registry that Flux fetches charts and manifests from.
    pub by: &'static str,
    /// Kind and name of the release or the source, as `HelmRelease/web`; null for `images`.
    pub object: Option<String>,
    /// The cluster; null where nothing tells.
    pub cluster: Option<String>,
    /// The namespace; null where nothing tells.
    pub namespace: Option<String>,
    /// The image as far as it is known.
    pub image: String,
    /// Its registry; null when the text is no image reference.
    pub registry: Option<String>,
    /// The configured secret that serves it; null when none does.
    pub secret: Option<String>,
}

/// Something that was left alone.
#[derive(Serialize, JsonSchema)]
pub struct Skipped {
    /// File, relative to the repository's root.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Stable code.
    pub code: &'static str,
    /// What it was.
    pub reason: String,
}

/// The list as columns.
pub fn table(list: &List) -> String {
    let head = ["CLUSTER", "NAMESPACE", "WORKLOAD", "CONTAINER", "IMAGE", "REGISTRY", "SECRET", "FILE"];
    let mut rows = vec![head.map(str::to_owned)];
    let deployments = || list.workloads.iter().flat_map(|workload| &workload.deployments);
    let clusters: BTreeSet<Option<&str>> = deployments()
        .map(|one| one.cluster.as_deref())
        .chain(list.mentions.iter().map(|one| one.cluster.as_deref()))
        .collect();
    // Who has one cluster need not be told so in every line.
    let first = usize::from(clusters.len() < 2);
    for workload in &list.workloads {
        for deployment in &workload.deployments {
            for image in &deployment.images {
                let name = deployment.name.as_ref().unwrap_or(&workload.name);
                let secret = match (&image.secret, image.node_identity) {
                    (Some(secret), _) => secret.as_str(),
                    (None, true) => "(node)",
                    (None, false) => "-",
                };
                rows.push([
                    deployment.cluster.clone().unwrap_or_else(|| "?".to_owned()),
                    deployment.namespace.clone().unwrap_or_else(|| "?".to_owned()),
                    format!("{}/{name}", workload.kind),
                    image.container.clone(),
                    image.image.clone(),
                    image.registry.clone().unwrap_or_else(|| "?".to_owned()),
                    secret.to_owned(),
                    format!("{}:{}", workload.file, workload.line),
                ]);
            }
        }
    }
    for mention in &list.mentions {
        let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
        rows.push([
            or_unknown(&mention.cluster),
            or_unknown(&mention.namespace),
            or_unknown(&mention.object),
            "?".to_owned(),
            mention.image.clone(),
            or_unknown(&mention.registry),
            mention.secret.clone().unwrap_or_else(|| "-".to_owned()),
            format!("{}:{}", mention.file, mention.line),
        ]);
    }
    let rows: Vec<&[String]> = rows.iter().map(|row| &row[first..]).collect();
    super::table(&rows)
}
