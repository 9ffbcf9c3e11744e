//! The configuration object as the rest of the program has it: checked, with what can be asked of it.
//!
//! Built by `check` alone and changed by flags. Only names of places that credentials come from are ever in it.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::globs::Globs;
use super::located::Located;
use super::namespaces::Namespaces;
use super::output::{Format, OutputTemplate};
use crate::objects::site::{Purpose, Site, Suspect};
use kubelet_keyring::pattern::RegistryKey;
use lossless_yaml::span::Position;
use sops_age::recipients::Recipient;

/// The names that the file can have, looked for from the working directory up to the repository's root. Both in one
/// folder are an error.
pub const FILE_NAMES: [&str; 2] = [".pullcred.yaml", "pullcred.yaml"];
/// The object's `apiVersion`.
pub const API_VERSION: &str = "pullcred.dev/v1alpha1";
/// The object's `kind`.
pub const KIND: &str = "PullCredentials";

/// A checked configuration. The default is that of an empty `spec`.
#[derive(Clone, Debug)]
pub struct Config {
    /// `metadata.name`.
    pub name: Option<String>,
    /// The pull secrets, in the order in which they are appended.
    pub secrets: Vec<PullSecret>,
    /// Registries that nodes pull from by themselves.
    pub node_identity: Vec<RegistryKey>,
    /// Where references are written.
    pub inject: Inject,
    /// What the manifests do not tell about namespaces.
    pub namespaces: Namespaces,
    /// Never empty. The first one that matches has a deployment.
    pub targets: Vec<Target>,
    /// Which files are read.
    pub paths: Paths,
    /// Folders, from the configuration's, in which charts are kept as folders or archives.
    pub charts: Vec<String>,
    /// What findings weigh. The first one that fits decides.
    pub findings: Vec<FindingRule>,
}

/// A pull secret.
#[derive(Clone, Debug)]
pub struct PullSecret {
    /// The name of the Secret.
    pub name: String,
    /// The keys as written; empty: every image.
    pub registries: Vec<String>,
    /// Further hosts with the same credential, as written.
    pub aliases: Vec<String>,
    /// `registries`, then `aliases`, for matching.
    pub keys: Vec<RegistryKey>,
    /// Where the credential comes from, in the order in which they are tried. Empty: from nowhere.
    pub credentials: Vec<CredentialSource>,
    /// Where its name is written; none for a flag.
    pub position: Option<Position>,
}

/// Where a credential comes from. Its texts are no part of any message: somebody may have put a password there.
#[derive(Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// Two environment variables, by name.
    Env {
        /// The one that holds the user name.
        username: String,
        /// The one that holds the password.
        password: String,
    },
    /// Docker's or podman's configuration of this machine.
    DockerConfig,
    /// An encrypted docker config, by its path below the configuration's folder.
    File(String),
}

/// Where references are written.
#[derive(Clone, Debug, Default)]
pub struct Inject {
    /// Pods, ServiceAccounts or both.
    pub into: InjectInto,
    /// Whether a `default` ServiceAccount is written where there is none.
    pub default_service_account: bool,
    /// Fields that the catalog does not know.
    pub custom_resources: Vec<CustomResource>,
    /// Purposes of catalog sites that are used besides pods.
    pub purposes: Vec<Purpose>,
    /// Doubts about catalog sites that are none here.
    pub suspects: Vec<Suspect>,
}

/// What references are written into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum InjectInto {
    /// Pod specs.
    #[default]
    Pods,
    /// The ServiceAccounts that pods run as.
    ServiceAccounts,
    /// Pod specs and ServiceAccounts.
    Both,
}

/// A field for pull secrets that the configuration adds to the catalog.
#[derive(Clone, Debug)]
pub struct CustomResource {
    /// The API group; empty for `v1`.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The field.
    pub site: Site,
}

/// Where Secrets are written and for whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// Build roots that belong to it; empty: all. See [`Target::has`].
    pub paths: Globs,
    /// What to call the cluster: as written, and once [`Config::spread`] has been called, as it is.
    pub cluster: Option<String>,
    /// What `{1}` stands for; none before [`Config::spread`], and for a target without it.
    pub wildcard: Option<String>,
    /// The file of each Secret.
    pub output: OutputTemplate,
    /// How Secrets are encrypted.
    pub format: Format,
    /// Who can decrypt.
    pub recipients: Recipients,
    /// Where it is written; none for the one that is there without being configured.
    pub position: Option<Position>,
}

/// Who can decrypt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Those that are listed.
    Listed(Vec<Located<Recipient>>),
    /// Those of a file, by its path below the configuration's folder.
    File(Located<String>),
    /// Those of the matching creation rule of `.sops.yaml`.
    CreationRule,
}

/// Which files are read.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    pub(super) include: Globs,
    pub(super) exclude: Globs,
    /// Whether objects count only where a delivery or a kustomization takes in their file.
    pub delivered_only: bool,
}

/// What a finding weighs.
#[derive(Clone, Debug)]
pub struct FindingRule {
    /// The finding's code.
    pub code: String,
    /// What it is here.
    pub severity: Severity,
    /// Why.
    pub reason: String,
    /// Where the rule is written.
    pub position: Position,
    pub(super) paths: Globs,
}

/// What a finding is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Fails a check.
    Error,
    /// Fails a strict check.
    Warning,
    /// Fails no check.
    Note,
    /// Is not reported.
    Ignore,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: None,
            secrets: Vec::new(),
            node_identity: Vec::new(),
            inject: Inject::default(),
            namespaces: Namespaces::default(),
            targets: vec![Target::whole_repository()],
            paths: Paths::default(),
            charts: Vec::new(),
            findings: Vec::new(),
        }
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Env { .. } => "Env",
            Self::DockerConfig => "DockerConfig",
            Self::File(_) => "File",
        })
    }
}

impl Config {
    /// The target that a build root belongs to, by its path below the configuration's folder.
    pub fn target_of(&self, build_root: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.has(build_root))
    }

    /// Makes one target for each cluster out of those that serve many: `{1}` becomes what the first wildcard stands for in the
    /// build roots, given by their paths below the configuration's folder. Only then does a target tell one cluster.
    pub fn spread<'r>(&mut self, build_roots: impl Iterator<Item = &'r str> + Clone) {
        let spread = |target: &Target| {
            if !target.varies() {
                return vec![target.clone()];
            }
            let texts: BTreeSet<&str> = build_roots
                .clone()
                .filter_map(|root| target.paths.first_wildcard(root))
                .filter(|text| is_step(text))
                .collect();
            texts.into_iter().map(|text| target.with_wildcard(text)).collect()
        };
        self.targets = self.targets.iter().flat_map(spread).collect();
    }

    /// The rule for a finding in a file, by its path below the configuration's folder.
    pub fn rule_for_finding(&self, code: &str, path: &str) -> Option<&FindingRule> {
        let fits =
            |rule: &&FindingRule| rule.code == code && (rule.paths.is_empty() || rule.paths.matches(path));
        self.findings.iter().find(fits)
    }
}

impl PullSecret {
    /// Whether it is for every image, whatever its registry.
    pub fn is_for_every_image(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Target {
    pub(super) fn whole_repository() -> Self {
        Self {
            paths: Globs::default(),
            cluster: None,
            wildcard: None,
            output: OutputTemplate::default_for(Format::Sops),
            format: Format::Sops,
            recipients: Recipients::CreationRule,
            position: None,
        }
    }

    /// Whether a build root, by its path below the configuration's folder, belongs to it if to none before.
    pub fn has(&self, build_root: &str) -> bool {
        match &self.wildcard {
            Some(text) => self.paths.first_wildcard(build_root) == Some(text),
            None => self.paths.is_empty() || self.paths.matches(build_root),
        }
    }

    /// Whether it has files of its own for whatever `{1}` stands for.
    pub(super) fn varies(&self) -> bool {
        let in_file = matches!(&self.recipients, Recipients::File(file) if file.value.contains("{1}"));
        in_file || self.output.varies() || self.cluster.as_ref().is_some_and(|name| name.contains("{1}"))
    }

    /// The target for what `{1}` stands for.
    fn with_wildcard(&self, text: &str) -> Self {
        let mut target = self.clone();
        target.wildcard = Some(text.to_owned());
        target.output = self.output.with_wildcard(text);
        target.cluster =
            Some(self.cluster.as_ref().map_or(text.to_owned(), |name| name.replace("{1}", text)));
        if let Recipients::File(file) = &mut target.recipients {
            file.value = file.value.replace("{1}", text);
        }
        target
    }
}

impl Paths {
    /// Whether the file, by its path below the configuration's folder, is read.
    pub fn include(&self, path: &str) -> bool {
        (self.include.is_empty() || self.include.matches(path)) && !self.exclude.matches(path)
    }
}

/// Whether a text can be the name of a folder.
fn is_step(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && !text.contains(|c: char| c == '/' || c == '\\' || c.is_control())
}
