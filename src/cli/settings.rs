//! Arguments, environment and configuration to settings: what one run is about.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::args::Common;
use crate::image::pattern::RegistryKey;
use crate::kube::workload::Kinds;
use crate::plan::{Into, Rules, SecretRule};
use crate::scan;

/// What one run is about.
#[derive(Debug)]
pub struct Settings {
    /// The repository's root, absolute.
    pub root: PathBuf,
    /// Files and folders the run is limited to, absolute; empty for everything.
    pub paths: Vec<PathBuf>,
    /// Secrets and where their references go.
    pub rules: Rules,
    /// Kinds with places for pull secrets.
    pub kinds: Kinds,
    /// How to walk.
    pub scan: scan::Options,
}

impl Settings {
    /// Resolves the settings of a run over `paths` (as given) with the secrets of the command line.
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
        let secrets = secrets.iter().map(|text| secret(text)).collect::<Result<_>>()?;
        Ok(Self {
            root,
            paths,
            rules: Rules { secrets, node_identity: Vec::new(), into: Into::Pods },
            kinds: Kinds::default(),
            scan: scan::Options { threads: common.threads, no_ignore: common.no_ignore },
        })
    }

    /// Whether the run is about a file.
    pub fn selects(&self, path: &Path) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|wanted| path.starts_with(wanted))
    }
}

/// Where the run starts: `-C`, else the working directory.
pub fn directory(common: &Common) -> Result<PathBuf> {
    let given = common.directory.as_deref().unwrap_or(Path::new("."));
    scan::absolute(given).with_context(|| given.display().to_string())
}

/// The repository of the start, or of the paths when they lie elsewhere.
fn root_of(start: &Path, paths: &[PathBuf]) -> Result<PathBuf> {
    let root = scan::repository(start).unwrap_or_else(|| start.to_path_buf());
    let Some(outside) = paths.iter().find(|path| !path.starts_with(&root)) else { return Ok(root) };
    let folder = if outside.is_dir() { outside } else { outside.parent().unwrap_or(outside) };
    let other = scan::repository(folder).unwrap_or_else(|| folder.to_path_buf());
    if let Some(stray) = paths.iter().find(|path| !path.starts_with(&other)) {
        bail!("{}: lies in another repository than {}", stray.display(), outside.display());
    }
    Ok(other)
}

/// `NAME` or `NAME=REGISTRY,…`.
fn secret(text: &str) -> Result<SecretRule> {
    let (name, registries) = text.split_once('=').map_or((text, None), |(name, rest)| (name, Some(rest)));
    if name.is_empty() {
        bail!(
            "--secret {text}: the name is missing\nhint: write `--secret NAME=REGISTRY,…` or `--secret NAME`"
        );
    }
    let registries = registries.map_or(Ok(Vec::new()), |registries| {
        registries
            .split(',')
            .map(|key| {
                RegistryKey::parse(key).map_err(|error| anyhow::anyhow!("--secret {text}: `{key}`: {error}"))
            })
            .collect()
    })?;
    Ok(SecretRule { name: name.to_owned(), registries })
}
