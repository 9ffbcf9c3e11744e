//! The configuration object as it is written: keys, types and what they mean, before anything is checked.
//!
//! The descriptions here are those of the JSON Schema that editors show.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::enumerations::{Purposes, Shapes, Suspects};
use super::model::{InjectInto, Severity};
use super::output::Format;
use lossless_yaml::de::Spanned;

/// What pullcred does in this repository.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "PullCredentials")]
pub(super) struct Object {
    /// The version of this object.
    #[schemars(extend("const" = super::model::API_VERSION))]
    #[allow(dead_code, reason = "checked before the object is read")]
    pub api_version: String,
    /// The kind of this object.
    #[schemars(extend("const" = super::model::KIND))]
    #[allow(dead_code, reason = "checked before the object is read")]
    pub kind: String,
    /// Name, labels and annotations, as every Kubernetes object has them.
    #[serde(default)]
    pub metadata: Metadata,
    /// What to do.
    pub spec: Spec,
}

/// Name, labels and annotations.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata {
    /// A name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// Not read.
    #[serde(default)]
    #[allow(dead_code, reason = "free for whoever needs them")]
    pub labels: std::collections::BTreeMap<String, String>,
    /// Not read. `config.kubernetes.io/local-config: "true"` keeps kustomize and others from applying this object.
    #[serde(default)]
    #[allow(dead_code, reason = "free for whoever needs them")]
    pub annotations: std::collections::BTreeMap<String, String>,
}

/// What to do.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    /// The pull secrets, in the order in which they are appended to a pod spec.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// Registries that nodes pull from by themselves (AKS with an attached registry, kubelet credential providers): no
    /// secret is injected for their images.
    #[serde(default)]
    pub node_identity: Vec<Spanned<String>>,
    /// Where references are written.
    #[serde(default)]
    pub inject: Inject,
    /// What the manifests do not tell about namespaces.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// Where Secrets are written and for whom, one for each cluster or environment. Left out: one target for the whole
    /// repository.
    #[serde(default)]
    pub targets: Vec<Spanned<Target>>,
    /// Which files are read.
    #[serde(default)]
    pub paths: Paths,
    /// Folders in which charts are kept, each as a folder or as an archive `NAME-VERSION.tgz`. Releases of Flux, Argo CD, k3s and
    /// kustomize find their charts there.
    #[serde(default)]
    pub charts: Vec<Spanned<String>>,
    /// Findings that weigh more or less here than they do by default. The first entry that fits decides.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// A pull secret.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    /// The name of the Secret, the same in every namespace.
    #[schemars(
        length(min = 1, max = 253),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
    )]
    pub name: Spanned<String>,
    /// The images that it is for, as keys of `auths`: a host with or without port, `*` within a part of the host, a
    /// prefix of the path. Left out: every image.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub registries: Option<Spanned<Vec<Spanned<String>>>>,
    /// Other hosts of the same registry that take the same credential.
    #[serde(default)]
    pub aliases: Vec<Spanned<String>>,
    /// Where the credential comes from; the first place that has one is taken. Never the credential itself.
    #[serde(default)]
    pub credentials: Vec<Spanned<Credential>>,
}

/// One place that a credential can come from: exactly one of the keys.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct Credential {
    /// Environment variables.
    #[serde(default)]
    pub env: Option<Env>,
    /// The configuration of docker or podman on this machine, with its credential helpers.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "DockerConfig")]
    pub docker_config: Option<DockerConfig>,
    /// A docker config in the repository, encrypted with SOPS or age. A path below the configuration's folder.
    #[serde(default)]
    pub file: Option<Spanned<String>>,
}

/// Names of environment variables.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Env {
    /// The variable that holds the user name.
    #[schemars(regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub username: Spanned<String>,
    /// The variable that holds the password or token.
    #[schemars(regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub password: Spanned<String>,
}

/// Nothing to set.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DockerConfig {}

/// Null means the empty mapping here, not that the key is left out.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DockerConfig>, D::Error> {
    DockerConfig::deserialize(deserializer).map(Some)
}

/// Where references are written.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Inject {
    /// Where references are written.
    #[serde(default)]
    #[schemars(extend("default" = "pods"))]
    pub into: InjectInto,
    /// Whether a `default` ServiceAccount is written for namespaces that have none; with `into: serviceAccounts` or
    /// `both`.
    #[serde(default)]
    pub default_service_account: Option<Spanned<bool>>,
    /// Places of custom resources that the built-in catalog does not know.
    #[serde(default)]
    pub custom_resources: Vec<CustomResource>,
    /// Places that the built-in catalog knows, but that are left alone by default.
    #[serde(default)]
    pub catalog: Catalog,
}

/// A field for pull secrets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomResource {
    /// The API group, without the version.
    pub group: Spanned<String>,
    /// The kind.
    pub kind: Spanned<String>,
    /// The field itself, from the object's root: `spec.template.spec.imagePullSecrets`. `[]` means each item of a list,
    /// `{}` each value of a mapping.
    pub path: Spanned<String>,
    /// The type of the field.
    #[schemars(with = "Shapes")]
    pub shape: Spanned<String>,
}

/// More places of the built-in catalog.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalog {
    /// Uses of a credential besides the images of the object's own pods.
    #[serde(default)]
    #[schemars(with = "Vec<Purposes>")]
    pub purposes: Vec<Spanned<String>>,
    /// Doubts that are none in this repository.
    #[serde(default)]
    #[schemars(with = "Vec<Suspects>")]
    pub suspects: Vec<Spanned<String>>,
}

/// What the manifests do not tell about namespaces.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Namespaces {
    /// The namespace of objects whose namespace nothing tells. Empty: none.
    #[serde(default)]
    pub default: Option<Spanned<String>>,
    /// Namespaces by path, where manifests and build tools tell none. The first rule that matches decides.
    #[serde(default)]
    pub rules: Vec<NamespaceRule>,
    /// Patterns for the names of namespaces that are left alone.
    #[serde(default)]
    pub exclude: Vec<Spanned<String>>,
    /// Namespaces that get every Secret although no manifest here needs them: names, or patterns for known ones.
    #[serde(default)]
    pub always: Vec<Spanned<String>>,
}

/// A namespace for files.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamespaceRule {
    /// Patterns for the files.
    #[schemars(length(min = 1))]
    pub paths: Spanned<Vec<Spanned<String>>>,
    /// The namespace. `{1}` is what the first wildcard of the pattern stands for, `{2}` the second.
    pub namespace: Spanned<String>,
}

/// Where Secrets are written and for whom.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Target {
    /// Patterns for the build roots (a kustomization's file, else the manifest itself) that belong to this target; the
    /// first target that matches has them. Left out: all.
    #[serde(default)]
    pub paths: Vec<Spanned<String>>,
    /// What to call the cluster. `{1}` is what the first wildcard of the matching pattern stands for. Left out: what `{1}` is,
    /// else the last folder that `paths` name.
    #[serde(default)]
    pub cluster: Option<Spanned<String>>,
    /// The file of a Secret, below the configuration's folder, with the placeholders `{namespace}`, `{name}` and `{1}`: what the
    /// first wildcard of the matching pattern of `paths` stands for, so that one target serves `clusters/*/**`.
    #[serde(default)]
    pub output: Option<Spanned<String>>,
    /// How Secrets are encrypted.
    #[serde(default)]
    #[schemars(extend("default" = "sops"))]
    pub format: Format,
    /// Who can decrypt: age and SSH public keys. Left out, with `recipientsFile`: the matching rule of `.sops.yaml`
    /// tells.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub recipients: Option<Spanned<Vec<Spanned<String>>>>,
    /// A file that lists the recipients, one a line, `#` for comments. A path below the configuration's folder; it may have
    /// `{1}` in it, as `output`.
    #[serde(default)]
    pub recipients_file: Option<Spanned<String>>,
}

/// Which files are read.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Paths {
    /// Patterns for the only files to read. Left out: all.
    #[serde(default)]
    pub include: Vec<Spanned<String>>,
    /// Patterns for files to leave out.
    #[serde(default)]
    pub exclude: Vec<Spanned<String>>,
    /// Whether objects count only where a delivery (Flux, Argo CD, Fleet) or a kustomization takes in their file.
    #[serde(default)]
    pub delivered_only: bool,
}

/// How much a finding weighs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Finding {
    /// The finding's code.
    pub code: Spanned<String>,
    /// What it is here.
    pub severity: Severity,
    /// Patterns for the files where it is that. Left out: all.
    #[serde(default)]
    pub paths: Vec<Spanned<String>>,
    /// Why, for the next reader.
    #[schemars(length(min = 1))]
    pub reason: Spanned<String>,
}
