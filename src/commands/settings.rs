//! Arguments, environment and configuration to settings: what one run is about.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::args::Common;
use crate::config::{Config, ConfigError, FILE_NAMES};
use crate::effects::scan;
use crate::effects::source::{self, Source};
use crate::objects::workload::Kinds;
use crate::plan::finding::Code;

/// What one run is about.
#[derive(Debug)]
pub struct Settings {
    /// The repository's root, absolute.
    pub root: PathBuf,
    /// The folder that the configuration speaks of, absolute: its own, or the root when there is none.
    pub base: PathBuf,
    /// The configuration's file, relative to the root, with `/`.
    pub config_file: Option<String>,
    /// Whether the secrets of the command line took the place of those of the configuration.
    pub from_flags: bool,
    /// Files and folders the run is limited to, absolute; empty for everything below `base`.
    pub paths: Vec<PathBuf>,
    /// The configuration, or what the flags make of it.
    pub config: Config,
    /// Kinds with places for pull secrets.
    pub kinds: Kinds,
    /// Where objects go that name no namespace, when somebody else (Argo CD) decides that.
    pub destination: Option<String>,
    /// Whether people want to see nothing but errors.
    pub quiet: bool,
    /// How to walk.
    pub scan: scan::Options,
}

impl Settings {
    /// Resolves the settings of a run over `paths` (as given); `secrets` of the command line take the place of
    /// those of the configuration.
    ///
    /// # Errors
    /// A path that is not there, a secret that makes no sense, a configuration with mistakes.
    pub fn resolve(common: &Common, paths: &[PathBuf], secrets: &[String]) -> Result<Self> {
        let start = directory(common)?;
        let paths: Vec<PathBuf> = paths
            .iter()
            .map(|path| scan::absolute(&start.join(path)).with_context(|| path.display().to_string()))
            .collect::<Result<_>>()?;
        let root = root_of(&start, &paths)?;
        let file = match &common.config {
            Some(file) => {
                Some(scan::absolute(&start.join(file)).with_context(|| file.display().to_string())?)
            }
            None => find(&start, &root)?,
        };
        let mut config = match &file {
            Some(file) => read(file, &root)?,
            None => Config::default(),
        };
        if !secrets.is_empty() {
            let flags =
                Config::from_flags(secrets).map_err(|error| anyhow!("{error}\nhint: {}", error.hint()))?;
            config.secrets = flags.secrets;
        }
        let from_flags = !secrets.is_empty();
        Ok(Self { from_flags, ..Self::new(common, root, file, paths, config) })
    }

    /// The settings of a run over a whole repository without any configuration.
    pub fn bare(common: &Common, root: &Path) -> Self {
        Self::new(common, root.to_path_buf(), None, Vec::new(), Config::default())
    }

    fn new(
        common: &Common,
        root: PathBuf,
        file: Option<PathBuf>,
        paths: Vec<PathBuf>,
        config: Config,
    ) -> Self {
        let base = file.as_deref().and_then(Path::parent).unwrap_or(&root).to_path_buf();
        let kinds = kinds_of(&config);
        let scan = scan::Options { threads: common.threads, no_ignore: common.no_ignore };
        let config_file = file.as_deref().map(|file| shown(file.strip_prefix(&root).unwrap_or(file)));
        let (from_flags, destination, quiet) = (false, None, common.quiet);
        Self { root, base, config_file, from_flags, paths, config, kinds, destination, quiet, scan }
    }

    /// What to say when there is nothing to look for: an empty answer must not pass for a clean one.
    pub fn nothing_configured(&self) -> Option<&'static str> {
        self.config.secrets.is_empty().then_some(
            "note: no pull secret is configured, so none is missing\n\
             hint: name one with `--secret NAME=REGISTRY`, or start a configuration with `pullcred init`",
        )
    }

    /// Whether the run is about a file.
    pub fn selects(&self, path: &Path) -> bool {
        if !self.paths.is_empty() {
            return self.paths.iter().any(|wanted| path.starts_with(wanted));
        }
        path.strip_prefix(&self.base).is_ok_and(|path| self.config.paths.include(&shown(path)))
    }
}

/// Kinds with places for pull secrets: the catalog and what the configuration adds to it.
pub fn kinds_of(config: &Config) -> Kinds {
    let inject = &config.inject;
    let custom = inject.custom_resources.iter();
    Kinds {
        custom: custom.map(|one| (one.group.clone(), one.kind.clone(), one.site.clone())).collect(),
        purposes: inject.purposes.clone(),
        suspects: inject.suspects.clone(),
    }
}

/// The codes that a configuration can speak of.
pub fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.name()).collect()
}

/// Where the run starts: `-C`, else the working directory.
///
/// # Errors
/// When it is not there.
pub fn directory(common: &Common) -> Result<PathBuf> {
    let given = common.directory.as_deref().unwrap_or(Path::new("."));
    scan::absolute(given).with_context(|| given.display().to_string())
}

/// A relative path with `/`, as every output and the configuration have it.
pub fn shown(path: &Path) -> String {
    let shown = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { shown.into_owned() } else { shown.replace('\\', "/") }
}

/// The repository of the start, or of the paths when they lie elsewhere.
fn root_of(start: &Path, paths: &[PathBuf]) -> Result<PathBuf> {
    let root =
        scan::repository(start).or_else(|| checkout_of_argocd(start)).unwrap_or_else(|| start.to_path_buf());
    let Some(outside) = paths.iter().find(|path| !path.starts_with(&root)) else { return Ok(root) };
    let folder = if outside.is_dir() { outside } else { outside.parent().unwrap_or(outside) };
    let other = scan::repository(folder).unwrap_or_else(|| folder.to_path_buf());
    if let Some(stray) = paths.iter().find(|path| !path.starts_with(&other)) {
        bail!("{}: lies in another repository than {}", stray.display(), outside.display());
    }
    Ok(other)
}

/// The root of a repository that Argo CD handed to a plugin, which starts in the folder of the Application. `.git` can be missing
/// there (`--plugin-tar-exclude`); without the root the configuration above would not be found, and nothing added.
fn checkout_of_argocd(start: &Path) -> Option<PathBuf> {
    let given = std::env::var_os("ARGOCD_APP_SOURCE_PATH")?;
    let folders = Path::new(&given).components().filter(|part| matches!(part, Component::Normal(_)));
    let path: PathBuf = folders.collect();
    let depth = path.components().count();
    start.ends_with(&path).then(|| start.ancestors().nth(depth).map(Path::to_path_buf)).flatten()
}

/// The configuration nearest to `start`, up to the root.
fn find(start: &Path, root: &Path) -> Result<Option<PathBuf>> {
    let start = if start.starts_with(root) { start } else { root };
    for folder in start.ancestors().take_while(|folder| folder.starts_with(root)) {
        let mut there = FILE_NAMES.iter().map(|name| folder.join(name)).filter(|file| file.is_file());
        let (first, second) = (there.next(), there.next());
        if let (Some(first), Some(second)) = (&first, second) {
            let (first, second) = (first.display(), second.display());
            bail!("{second}: there is {first} too\nhint: keep one of the two");
        }
        if first.is_some() {
            return Ok(first);
        }
    }
    Ok(None)
}

fn read(file: &Path, root: &Path) -> Result<Config> {
    let name = shown(file.strip_prefix(root).unwrap_or(file));
    let text = match source::read(file).with_context(|| name.clone())? {
        Source::Text(text) => text,
        Source::TooLarge(_) => bail!("{name}: too large for a configuration"),
        Source::Unusable { reason, .. } => bail!("{name}: {reason}"),
    };
    Config::parse(&text, &codes()).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(|error| mistake(&name, error)).collect();
        anyhow!("{}", all.join("\nerror: "))
    })
}

/// A mistake of the configuration as a message.
pub fn mistake(file: &str, error: &ConfigError) -> String {
    let hint = error.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("{file}:{}: {}{hint}", error.position, error.message)
}
