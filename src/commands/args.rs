//! Command line arguments and the help text that teaches them.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};
pub use clap_complete::Shell;

use crate::report::style::Color;

/// Adds imagePullSecrets to Kubernetes manifests without touching another byte.
#[derive(Debug, Parser)]
#[command(
    name = "pullcred",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "Exit codes: 0 clean or done, 1 findings or differences, 2 error.\n\
    Data goes to stdout, messages to stderr. No network is used, ever.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Arguments of every command.
    #[command(flatten)]
    pub common: Common,
}

/// Arguments of every command.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Run as if started in DIR
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Configuration file [default: .pullcred.yaml, from here up to the repository's root]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t, global = true)]
    pub format: Format,
    /// When to use colours
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", global = true)]
    pub color: When,
    /// Only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: what was skipped and why
    #[arg(short, long, global = true, overrides_with = "verbose")]
    pub verbose: bool,
    /// Number of threads [default: one per core]
    #[arg(
        short = 'j',
        long = "threads",
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        global = true
    )]
    pub threads: usize,
    /// Fail on warnings and on everything that was skipped, too
    #[arg(long, global = true)]
    pub strict: bool,
    /// Read what Git ignores, too
    #[arg(long, global = true)]
    pub no_ignore: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do it all: add references, write encrypted Secrets, remove what nothing needs
    Sync(SyncArgs),
    /// Add the pull secret references that images need
    Inject(InjectArgs),
    /// Write the encrypted Secrets
    Encrypt(EncryptArgs),
    /// Encrypt registry Secrets that stand in the repository in clear
    Adopt(AdoptArgs),
    /// Measure charts, for releases of charts that are not in the repository
    Learn(LearnArgs),
    /// Tell what is missing or wrong, change nothing
    Check(CheckArgs),
    /// Print finished manifests to stdout: for pipes, Helm post-renderers and Argo CD
    Generate(Box<GenerateArgs>),
    /// Finish the items of a ResourceList on stdin: a KRM function for kustomize and kpt
    Fn,
    /// Show every image, its registry, and the secret that a kubelet would use
    List(ListArgs),
    /// Tell why a pod spec gets, has or lacks a pull secret
    Explain(ExplainArgs),
    /// Show what an encrypted file holds, without passwords
    Show(ShowArgs),
    /// Let exactly the configured recipients open the Secrets; no value changes
    Updatekeys(KeysArgs),
    /// Give the Secrets new data keys for the configured recipients
    Rotate(KeysArgs),
    /// Show who could read which credentials, and agree to it in this clone
    Trust(TrustArgs),
    /// Look at the repository and write a commented .pullcred.yaml
    Init(InitArgs),
    /// Write a small repository to try everything in
    Quickstart(QuickstartArgs),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for every command
    Man {
        /// Folder for the pages
        folder: Option<PathBuf>,
    },
    /// Print the JSON Schema of the configuration or of an output
    Schema {
        /// What to describe
        #[arg(long, value_enum, default_value_t)]
        of: SchemaOf,
    },
}

/// Which files, and which secrets when no configuration tells.
#[derive(Debug, Args)]
pub struct Scope {
    /// Files and folders [default: the whole repository]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Secret NAME serves these registries; without registries every image. Repeatable; replaces the configuration's secrets
    #[arg(long = "secret", value_name = "NAME[=REGISTRY,…]")]
    pub secrets: Vec<String>,
}

/// Arguments of `inject`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pullcred inject --secret acr-secret=myregistry.azurecr.io\n  \
    pullcred inject --secret regcred deploy/ --diff\n\nOnly insertions are made: comments, quotes, indent and line endings stay.")]
pub struct InjectArgs {
    /// Which files and secrets.
    #[command(flatten)]
    pub scope: Scope,
    /// How to change them.
    #[command(flatten)]
    pub changes: ChangeArgs,
}

/// How files are changed.
#[derive(Clone, Copy, Debug, Args)]
pub struct ChangeArgs {
    /// Change nothing, only tell what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Print the changes as a unified diff to stdout (of encrypted files only their names, on stderr)
    #[arg(long)]
    pub diff: bool,
    /// Exit with 1 when something changed or would change
    #[arg(long)]
    pub exit_code: bool,
}

/// What encrypted files are opened with.
#[derive(Debug, Args)]
pub struct IdentityArgs {
    /// Decrypt with the identities in FILE (age or SSH) and no others [default: those that sops would use]
    #[arg(short, long = "identity", value_name = "FILE")]
    pub identities: Vec<PathBuf>,
}

/// How Secrets are made.
#[derive(Debug, Args)]
pub struct SecretArgs {
    /// What to decrypt with.
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// Read a docker configuration with credentials from stdin; it goes before all other sources
    #[arg(long)]
    pub credentials_stdin: bool,
    /// Accept tokens that expire within days
    #[arg(long)]
    pub allow_expiring: bool,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pullcred sync --dry-run --diff\n  pullcred sync clusters/prod\n\n\
    Credentials come from where the configuration says, never from an argument. What did not change is not touched.")]
pub struct SyncArgs {
    /// Which files and secrets.
    #[command(flatten)]
    pub scope: Scope,
    /// How to make Secrets.
    #[command(flatten)]
    pub secret: SecretArgs,
    /// How to change files.
    #[command(flatten)]
    pub changes: ChangeArgs,
}

/// Arguments of `encrypt`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ACR_USERNAME=… ACR_PASSWORD=… pullcred encrypt\n  \
    pullcred encrypt --credentials-stdin <~/.docker/config.json")]
pub struct EncryptArgs {
    /// Files and folders whose images, or Secrets, are meant [default: the whole repository]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to make Secrets.
    #[command(flatten)]
    pub secret: SecretArgs,
    /// Write every Secret anew, even if it is current, damaged, or encrypted by somebody else
    #[arg(long)]
    pub force: bool,
    /// How to change files.
    #[command(flatten)]
    pub changes: ChangeArgs,
}

/// Arguments of `adopt`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pullcred adopt --dry-run --diff\n  pullcred adopt apps/shop\n\n\
    Recipients are those of the target that a Secret belongs to, else those of the creation rule of `.sops.yaml` for its file.\n\
    A file that holds nothing else is encrypted where it stands, as `sops encrypt` would; else each Secret moves to a file of its own.\n\
    Git keeps what was committed: change each credential at its registry afterwards.\n\n\
    Exit codes: 0, 1 with --exit-code when something changed, 2 when a Secret cannot be encrypted: then nothing is written.")]
pub struct AdoptArgs {
    /// Files and folders [default: the whole repository]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to change files.
    #[command(flatten)]
    pub changes: ChangeArgs,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0, or 2 when the file does not open or verify.")]
pub struct ShowArgs {
    /// An encrypted Secret or docker configuration (SOPS or age)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print the decrypted manifest, passwords included, as YAML
    #[arg(long)]
    pub reveal: bool,
    /// What to decrypt with.
    #[command(flatten)]
    pub identity: IdentityArgs,
}

/// Arguments of `updatekeys` and `rotate`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// Files and folders [default: every Secret of ours in the repository]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// What to decrypt with.
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// Change nothing, only tell what would change
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `trust`.
#[derive(Debug, Args)]
#[command(
    after_help = "Before a credential is encrypted for a grant that this clone has not agreed to, `sync`, `encrypt`, `updatekeys` and \
    `rotate` stop. What the default branch of the remote grants is agreed to already.\n\nIn a pipeline the variable PULLCRED_TRUST \
    agrees: to one grant by its digest, or to any by `all`."
)]
pub struct TrustArgs {
    /// Print the digest for PULLCRED_TRUST, agree to nothing
    #[arg(long)]
    pub print: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 clean, 1 a finding of severity error (with --strict also a warning or a skip), 2 error.\n\n\
    Examples:\n  pullcred check --format sarif >pullcred.sarif\n  pullcred check --write-baseline .pullcred-baseline.json\n  \
    pullcred check --baseline .pullcred-baseline.json"
)]
pub struct CheckArgs {
    /// Which files and secrets.
    #[command(flatten)]
    pub scope: Scope,
    /// Only what is not in FILE counts
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write every finding to FILE, for --baseline
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub write_baseline: Option<PathBuf>,
    /// What to decrypt with.
    #[command(flatten)]
    pub identity: IdentityArgs,
}

/// Arguments of `generate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  helm template chart | pullcred generate - --secret regcred\n  \
    kustomize build overlay | pullcred generate -\n  pullcred generate deploy/\n  \
    pullcred generate chart/ --release-name shop --namespace shop --values prod.yaml --set image.tag=v2")]
pub struct GenerateArgs {
    /// A file, a folder, a chart (its folder or .tgz), or - for stdin
    #[arg(value_name = "PATH", default_value = "-")]
    pub path: PathBuf,
    /// Secret NAME serves these registries; without registries every image. Repeatable
    #[arg(long = "secret", value_name = "NAME[=REGISTRY,…]")]
    pub secrets: Vec<String>,
    /// Open objects that SOPS encrypted and print them in clear; they are left out otherwise
    #[arg(long)]
    pub decrypt: bool,
    /// What to decrypt with.
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// How a chart is rendered.
    #[command(flatten)]
    pub chart: ChartArgs,
}

/// How a chart is rendered: names and meanings are those of `helm template`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Charts, as `helm template` renders them")]
pub struct ChartArgs {
    /// Name of the release [default: release-name]
    #[arg(long, value_name = "NAME", alias = "name-template")]
    pub release_name: Option<String>,
    /// Namespace of the release [default: default]
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// Values in a file, or - for stdin. Repeatable; the last one wins
    #[arg(short = 'f', long, value_name = "FILE", value_delimiter = ',')]
    pub values: Vec<String>,
    /// Values as KEY=VALUE,…. Repeatable
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub set: Vec<String>,
    /// The same, all of them text
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub set_string: Vec<String>,
    /// The same in JSON
    #[arg(long, value_name = "KEY=JSON", allow_hyphen_values = true)]
    pub set_json: Vec<String>,
    /// The same, each the content of a file
    #[arg(long, value_name = "KEY=FILE")]
    pub set_file: Vec<String>,
    /// One value, taken as it is
    #[arg(long, value_name = "KEY=TEXT", allow_hyphen_values = true)]
    pub set_literal: Vec<String>,
    /// Version of Kubernetes that the chart sees
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<String>,
    /// API versions that the chart sees besides Kubernetes' own
    #[arg(short, long, value_name = "GROUP/VERSION", value_delimiter = ',')]
    pub api_versions: Vec<String>,
    /// Print the files of crds/ too
    #[arg(long)]
    pub include_crds: bool,
    /// Leave hooks out
    #[arg(long)]
    pub no_hooks: bool,
    /// Leave test hooks out
    #[arg(long)]
    pub skip_tests: bool,
    /// Only what these templates give, for example templates/deployment.yaml. Repeatable
    #[arg(short, long, value_name = "TEMPLATE")]
    pub show_only: Vec<String>,
    /// Let the chart see an upgrade rather than an installation
    #[arg(long)]
    pub is_upgrade: bool,
    /// Do not look at values.schema.json
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// Refuse a chart whose objects hold what it makes at random, for that is a fixed text here
    #[arg(long)]
    pub no_placeholders: bool,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which files and secrets.
    #[command(flatten)]
    pub scope: Scope,
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    pub output: ListOutput,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pullcred explain deploy/web.yaml:12\n  pullcred explain myregistry.azurecr.io/app:v1 -n shop"
)]
pub struct ExplainArgs {
    /// A file, a line of a file (FILE:LINE), or an image
    #[arg(value_name = "FILE[:LINE]|IMAGE")]
    pub what: String,
    /// The namespace an image runs in
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// Secret NAME serves these registries; without registries every image. Repeatable
    #[arg(long = "secret", value_name = "NAME[=REGISTRY,…]")]
    pub secrets: Vec<String>,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Replace a configuration that is there
    #[arg(long)]
    pub force: bool,
    /// Print the configuration instead of writing it
    #[arg(long)]
    pub dry_run: bool,
    /// Encrypt for the age identity in FILE, outside of the repository, which is made where there is none
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
}

/// Arguments of `learn`.
#[derive(Debug, Args)]
#[command(
    after_help = "The facts are written to .pullcred/charts.json beside the configuration: commit it. Learn a chart again when its releases move to another version.\n\n  helm pull grafana --repo https://grafana.github.io/helm-charts --version 10.5.15\n  pullcred learn grafana-10.5.15.tgz"
)]
pub struct LearnArgs {
    /// Folders with Chart.yaml, or .tgz archives
    #[arg(value_name = "CHART", required = true)]
    pub charts: Vec<PathBuf>,
    /// A values file that the charts need, `-` is stdin. Repeatable, the last one wins
    #[arg(long, short = 'f', value_name = "FILE")]
    pub values: Vec<String>,
    /// A value that the charts need. Repeatable
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub set: Vec<String>,
    /// The Helm repository or OCI address that the charts are fetched from [default: those of the releases of this repository]. Repeatable
    #[arg(long, value_name = "URL")]
    pub from: Vec<String>,
    /// The Kubernetes version that the charts see
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<String>,
    /// API versions that the charts see, besides those of Kubernetes
    #[arg(long, short = 'a', value_name = "API", value_delimiter = ',')]
    pub api_versions: Vec<String>,
    /// How the file is changed.
    #[command(flatten)]
    pub changes: ChangeArgs,
}

/// Arguments of `quickstart`.
#[derive(Debug, Args)]
#[command(
    after_help = "It writes manifests, a configuration and an age identity of its own, runs `pullcred sync`, and says what to try next."
)]
pub struct QuickstartArgs {
    /// A folder that is not there yet, or is empty
    #[arg(value_name = "DIR", default_value = "pullcred-quickstart")]
    pub folder: PathBuf,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object on stdout.
    Json,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0, for code scanning and editors.
    Sarif,
    /// JUnit XML, for pipelines that show test results.
    Junit,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<When> for Color {
    fn from(when: When) -> Self {
        match when {
            When::Auto => Self::Auto,
            When::Always => Self::Always,
            When::Never => Self::Never,
        }
    }
}

/// How `list` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListOutput {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// One page for a browser that needs nothing else.
    Html,
}

/// What `schema` describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The configuration object.
    #[default]
    Config,
    /// `list -o json`.
    List,
    /// `check --format json`.
    Check,
    /// Facts of charts, which `learn` writes.
    Charts,
}

/// The name under which kubectl finds a plugin.
const KUBECTL_PLUGIN: &str = "kubectl-pullcred";

/// Parses the arguments. The first one is the program's own name; kubectl starts it as a plugin by another.
///
/// # Errors
/// Help, the version, or a mistake with its nearest valid name; it prints itself.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut arguments = arguments.into_iter().peekable();
    let called = arguments.peek().and_then(|name| Path::new(name).file_stem());
    let command = match called == Some(OsStr::new(KUBECTL_PLUGIN)) {
        true => command().bin_name("kubectl pullcred"),
        false => command(),
    };
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

/// The whole command, for completions and manual pages.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
