//! Command line arguments and the help text that teaches them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
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
#[derive(Debug, Args)]
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
    #[arg(short, long, global = true)]
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
    /// Add the pull secret references that images need
    Inject(InjectArgs),
    /// Tell what is missing or wrong, change nothing
    Check(CheckArgs),
    /// Print finished manifests to stdout: for pipes, Helm post-renderers and Argo CD
    Generate(GenerateArgs),
    /// Show every image, its registry, and the secret that a kubelet would use
    List(ListArgs),
    /// Tell why a pod spec gets, has or lacks a pull secret
    Explain(ExplainArgs),
    /// Look at the repository and write a commented .pullcred.yaml
    Init(InitArgs),
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
    /// Change nothing, only tell what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Print the changes as a unified diff to stdout
    #[arg(long)]
    pub diff: bool,
    /// Exit with 1 when something changed or would change
    #[arg(long)]
    pub exit_code: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 clean, 1 a finding of severity error (with --strict also a warning or a skip), 2 error."
)]
pub struct CheckArgs {
    /// Which files and secrets.
    #[command(flatten)]
    pub scope: Scope,
}

/// Arguments of `generate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  helm template chart | pullcred generate - --secret regcred\n  \
    kustomize build overlay | pullcred generate -\n  pullcred generate deploy/")]
pub struct GenerateArgs {
    /// A file, a folder, or - for stdin
    #[arg(value_name = "PATH", default_value = "-")]
    pub path: PathBuf,
    /// Secret NAME serves these registries; without registries every image. Repeatable
    #[arg(long = "secret", value_name = "NAME[=REGISTRY,…]")]
    pub secrets: Vec<String>,
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
}

/// Parses the arguments.
///
/// # Errors
/// Help, the version, or a mistake with its nearest valid name; it prints itself.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments)
}

/// The whole command, for completions and manual pages.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
