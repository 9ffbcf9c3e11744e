//! The grant of a run's repository, as it is on the disk or would be with the configuration of a commit.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};

use super::scope::{Place, always};
use super::{age_files, deployments, owned};
use crate::commands::run::Run;
use crate::commands::settings::codes;
use crate::config::Config;
use crate::effects::clone::Memory;
use crate::effects::recipients::Audiences;
use crate::effects::seal::names;
use crate::effects::source::Source;
use crate::effects::tree::{Commit, Tree};
use crate::plan::grant::Grant;
use crate::plan::secrets::needs;

/// The grant of the repository as it stands.
///
/// # Errors
/// Recipients that cannot be read.
pub fn current(place: &Place, run: &Run) -> Result<Grant> {
    grant(place, run, &run.settings.config, Tree::Disk(run.settings.root.clone()))
}

/// What the configuration, the rules and the recipients of a commit would grant in this tree.
///
/// # Errors
/// They are not there, or cannot be read.
pub fn of_commit(place: &Place, run: &Run, commit: &Commit) -> Result<Grant> {
    let tree = Tree::Commit(commit.clone());
    let text = match tree.read(&run.settings.root.join(&place.file)).context("no configuration")? {
        Source::Text(text) => text,
        _ => return Err(anyhow!("no configuration")),
    };
    let mut config = Config::parse(&text, &codes()).map_err(|_| anyhow!("a configuration with mistakes"))?;
    let roots = run.files.iter().flat_map(|file| {
        let all = file.deployments.iter().chain(&file.shipped).flatten();
        all.filter_map(|deployment| deployment.root.as_deref()).chain([&*file.path])
    });
    let roots: BTreeSet<&str> = roots.filter_map(|path| place.below(path)).collect();
    config.spread(roots.iter().copied());
    grant(place, run, &config, tree)
}

fn grant(place: &Place, run: &Run, config: &Config, tree: Tree) -> Result<Grant> {
    let settings = &run.settings;
    let mut audiences =
        Audiences::read_in(tree, &settings.root, &settings.base, &place.file, &config.targets)?;
    let mut files: BTreeSet<(usize, String)> = BTreeSet::new();
    let deployments = deployments(place, run);
    for need in needs(config, &deployments, &always(config, run, &deployments)) {
        files.insert((need.target, place.output(config, &need)));
    }
    let memory = Memory::load(&settings.root)?;
    let there = owned(place, run).into_iter().map(|(path, _)| path.to_owned());
    for path in there.chain(age_files(&memory, place, run)) {
        files.extend(target_of(config, place, &path).map(|target| (target, path)));
    }
    // Who is listed may read whatever is needed tomorrow.
    for (nth, target) in config.targets.iter().enumerate() {
        if !files.iter().any(|(target, _)| *target == nth) {
            let names = config.secrets.iter().map(|secret| target.output.path("default", &secret.name));
            files.extend(names.map(|path| (nth, place.folder.clone() + &path)));
        }
    }
    let mut readers: BTreeSet<(usize, String)> = BTreeSet::new();
    for (target, path) in files {
        // Where nobody can be found, nothing is encrypted either.
        if let Ok(audience) = audiences.of(target, &config.targets[target], &path) {
            readers.extend(names(&audience).into_iter().map(|name| (target, name)));
        }
    }
    Ok(Grant::new(config, &place.folder, readers.iter().map(|(target, name)| (*target, name.as_str()))))
}

/// The target that a file belongs to: the one whose `output` leads nearest to it.
pub fn target_of(config: &Config, place: &Place, path: &str) -> Option<usize> {
    let path = place.below(path).unwrap_or(path);
    let fits = |target: &usize| Path::new(path).starts_with(config.targets[*target].output.common_folder());
    let nearest = (0..config.targets.len())
        .filter(fits)
        .max_by_key(|&target| config.targets[target].output.common_folder().len());
    if config.targets.len() == 1 { Some(0) } else { nearest }
}
