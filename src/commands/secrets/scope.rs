//! What a run of Secrets is about: the configuration's place in the repository, the paths that are asked for, and one file of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::commands::run::Run;
use crate::commands::settings::{Settings, shown};
use crate::config::Config;
use crate::effects::look::Seen;
use crate::effects::recipients::Audience;
use crate::plan::secrets::decide::{Decision, Wanted};
use crate::plan::secrets::supply::{Found, supply};
use crate::plan::secrets::{Deployment, Need, needs};

/// One file.
pub struct Item {
    /// What happens to it.
    pub decision: Decision,
    /// What it is now.
    pub seen: Option<Seen>,
    /// For whom it is; none where no Secret is wanted.
    pub audience: Option<Audience>,
    /// Namespace and name of the Secret that is wanted there.
    pub wanted: Option<(String, String)>,
}

/// Where the configuration is and what its paths mean.
pub struct Place {
    /// The configuration, relative to the repository's root.
    pub file: String,
    /// Its folder, relative to the repository's root: empty, or with a slash at the end.
    pub(super) folder: String,
    /// Files and folders that the run is limited to, relative to the repository's root; empty for everything.
    pub(super) paths: Vec<PathBuf>,
}

impl Place {
    /// The place of a run's configuration; none without one, or when flags took its place.
    pub fn of(settings: &Settings) -> Option<Self> {
        let below = |path: &Path| path.strip_prefix(&settings.root).unwrap_or(path).to_path_buf();
        let file = settings.config_file.clone().filter(|_| !settings.from_flags)?;
        let mut folder = shown(&below(&settings.base));
        if !folder.is_empty() {
            folder.push('/');
        }
        let paths = settings.paths.iter().map(|path| below(path)).collect();
        Some(Self { file, folder, paths })
    }

    /// The path of a file of the repository as the configuration knows it; none outside of its folder.
    pub fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&*self.folder)
    }

    /// Whether the run is about a file.
    pub fn selects(&self, path: &str) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|wanted| Path::new(path).starts_with(wanted))
    }

    pub(super) fn needs(&self, run: &Run, deployments: &[Deployment<'_>]) -> Vec<Need> {
        let config = &run.settings.config;
        let mut needs = needs(config, deployments, &always(config, run, deployments));
        for need in &mut needs {
            need.selected |= !self.paths.is_empty() && self.selects(&self.output(config, need));
        }
        needs
    }

    /// The file of a Secret, relative to the repository's root.
    pub(super) fn output(&self, config: &Config, need: &Need) -> String {
        let output = &config.targets[need.target].output;
        self.folder.clone() + &output.path(&need.namespace, &config.secrets[need.secret].name)
    }

    pub(super) fn wanted(&self, config: &Config, need: &Need, found: &Found) -> Wanted {
        let secret = &config.secrets[need.secret];
        Wanted {
            path: self.output(config, need),
            namespace: need.namespace.clone(),
            name: secret.name.clone(),
            target: need.target,
            secret: need.secret,
            supply: supply(need, secret, found),
            selected: need.selected,
        }
    }
}

/// The namespaces that get every Secret.
pub(super) fn always<'r>(
    config: &'r Config,
    run: &'r Run,
    deployments: &[Deployment<'r>],
) -> BTreeSet<&'r str> {
    let declared = run.files.iter().flat_map(|file| &file.declared).map(String::as_str);
    let used = deployments.iter().map(|deployment| deployment.namespace);
    config.namespaces.always(declared.chain(used))
}
