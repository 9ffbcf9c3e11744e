//! `init`: looks at the repository and writes a configuration that explains itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, bail};

use super::args::{Common, InitArgs};
use super::exit::Exit;
use super::own_key;
use super::run::Run;
use super::settings::{self, Settings};
use super::terminal::Terminal;
use super::trust;
use crate::config::{FILE_NAMES, Format, Images, InitFacts, InitTarget, OutputTemplate, template};
use crate::deliveries::graph::Cluster;
use crate::effects::source;
use crate::plan::mentions::By;
use crate::plan::place::{is_in_cluster, runs};
use crate::report::text;
use kubelet_keyring::reference::ImageRef;
use offline_kustomize::repository::{contains, folder};
use sops_age::creation_rules::CreationRules;

/// Runs the command.
///
/// # Errors
/// A configuration that is there already, unless it may be replaced.
pub fn run(common: &Common, arguments: &InitArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let start = settings::directory(common)?;
    let root = crate::effects::scan::repository(&start).unwrap_or(start);
    let there = FILE_NAMES.iter().map(|name| root.join(name)).find(|file| file.exists());
    if let Some(there) = there.as_ref().filter(|_| !arguments.force && !arguments.dry_run) {
        return match &arguments.identity {
            Some(file) => own_key::for_configuration(common, file, &root, there, terminal),
            None => {
                bail!("{}: there is a configuration already\nhint: `--force` replaces it", there.display())
            }
        };
    }
    let run = Run::new(Settings::bare(common, &root))?;
    let mut facts = facts(&run, &root);
    let lacking: Vec<&mut InitTarget> =
        facts.targets.iter_mut().filter(|target| target.recipients.is_empty()).collect();
    let own = own_key::recipients(common, arguments, &root, !lacking.is_empty(), terminal)?;
    let stand = lacking.is_empty();
    for target in lacking {
        target.recipients.clone_from(&own);
    }
    let unknown =
        |recipient: &&String| !facts.targets.iter().any(|target| target.recipients.contains(recipient));
    for recipient in own.iter().filter(unknown).filter(|_| stand && !common.quiet) {
        writeln!(
            terminal.err,
            "the recipients of `.sops.yaml` stand; add {recipient} there to decrypt with it"
        )?;
    }
    let written = template(&facts);
    if arguments.dry_run {
        terminal.out.write_all(written.as_bytes())?;
        return Ok(Exit::Clean);
    }
    let file = there.unwrap_or_else(|| root.join(FILE_NAMES[0]));
    source::write(&file, &written)?;
    if !common.quiet {
        let is_complete = facts.targets.iter().any(|target| !target.recipients.is_empty());
        let command = if is_complete { "sync" } else { "inject" };
        writeln!(
            terminal.err,
            "wrote {}: {} and {} found\nnext: read it, then `pullcred check` and `pullcred {command}`",
            file.display(),
            text::count(facts.registries.len(), "registry"),
            text::count(facts.namespaces.len(), "namespace"),
        )?;
    }
    trust::offer(common, &root, terminal)?;
    Ok(Exit::Clean)
}

/// What builds deploy counts, not what stands in their bases.
fn facts(run: &Run, root: &Path) -> InitFacts {
    let mut registries = BTreeMap::<String, Images>::new();
    let mut namespaces = BTreeSet::new();
    for file in &run.files {
        namespaces.extend(file.declared.iter().cloned());
        for (nth, object) in file.objects().iter().enumerate() {
            for place in 0..object.pod_specs.len() {
                let runs = runs(file, nth, object, place);
                namespaces.extend(runs.iter().filter_map(|run| run.namespace).map(str::to_owned));
                let images: BTreeSet<&str> =
                    runs.iter().flat_map(|run| run.images.iter()).map(|(_, image)| *image).collect();
                let images = images.into_iter().filter_map(|image| ImageRef::parse_open(image).ok());
                // What the cluster serves itself needs no Secret of ours.
                for image in images.filter(|image| !is_in_cluster(image)) {
                    registries.entry(image.registry().to_owned()).or_default().containers += 1;
                }
            }
        }
    }
    let mut named = BTreeSet::new();
    for mention in run.mentions.iter().filter(|mention| !matches!(mention.by, By::Source(_))) {
        let Ok(image) = ImageRef::parse_open(&mention.image) else { continue };
        let by_values = matches!(mention.by, By::Values(_));
        if !is_in_cluster(&image) && named.insert((by_values, &mention.image)) {
            let images = registries.entry(image.registry().to_owned()).or_default();
            *(if by_values { &mut images.values } else { &mut images.entries }) += 1;
        }
    }
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    InitFacts {
        name,
        registries: registries.into_iter().collect(),
        namespaces: namespaces.into_iter().collect(),
        targets: targets(run, root),
    }
}

/// One target for each cluster that can be told apart by what is built for it, with an output that a delivery takes in.
fn targets(run: &Run, root: &Path) -> Vec<InitTarget> {
    let apart = collisions(run);
    let mut roots: BTreeMap<Option<&str>, BTreeSet<&str>> = BTreeMap::new();
    for file in &run.files {
        for deployment in file.deployments.iter().flatten() {
            let root = deployment.root.as_deref().unwrap_or(&file.path);
            let name = deployment.cluster.name.as_deref().or_else(|| apart.get(root).copied());
            roots.entry(name).or_default().insert(root);
        }
    }
    let rules = std::fs::read_to_string(root.join(".sops.yaml")).ok();
    let rules = rules.and_then(|text| CreationRules::parse(&text).ok().flatten());
    let target = |cluster: Option<&str>, roots: &BTreeSet<&str>, paths: Vec<String>| {
        let output = output(run, cluster, roots);
        // Where the Secrets go decides which creation rule is theirs.
        let place = output.replace("{namespace}", "default").replace("{name}", "secret");
        let rule = rules.as_ref().and_then(|rules| rules.of(&place).ok());
        let recipients = rule.iter().flat_map(|rule| &rule.recipients).map(ToString::to_string).collect();
        InitTarget { cluster: cluster.map(str::to_owned), paths, output, recipients }
    };
    let clusters: Vec<(&str, &BTreeSet<&str>)> =
        roots.iter().filter_map(|(name, roots)| Some(((*name)?, roots))).collect();
    let apart = clusters.iter().all(|(name, own)| {
        roots.iter().all(|(other, theirs)| *other == Some(*name) || own.is_disjoint(theirs))
    });
    if clusters.len() < 2 || !apart {
        let all: BTreeSet<&str> = roots.values().flatten().copied().collect();
        let only = clusters.first().filter(|_| clusters.len() == 1).map(|(name, _)| *name);
        return vec![InitTarget { cluster: None, ..target(only, &all, Vec::new()) }];
    }
    let paths = |own: &BTreeSet<&str>| -> Vec<String> {
        let common = common_folder(own);
        let mut others = roots.values().filter(|theirs| *theirs != own).flatten();
        if !common.is_empty() && !others.any(|path| contains(&common, path)) {
            return vec![format!("{common}/**")];
        }
        let folders: BTreeSet<&str> = own.iter().map(|path| folder(path)).collect();
        folders
            .iter()
            .map(|folder| if folder.is_empty() { "*".to_owned() } else { format!("{folder}/**") })
            .collect()
    };
    clusters.iter().map(|(name, own)| target(Some(name), own, paths(own))).collect()
}

/// Roots that cannot be in one cluster although nothing tells their clusters, and what to call those: by their folders.
fn collisions(run: &Run) -> BTreeMap<&str, &str> {
    let mut builds: BTreeMap<&str, &Cluster> = BTreeMap::new();
    for deployment in run.files.iter().flat_map(|file| &file.deployments).flatten() {
        if let (None, Some(root)) = (&deployment.cluster.name, &deployment.root) {
            builds.insert(root, &deployment.cluster);
        }
    }
    let collides = |root: &str, cluster: &Cluster| {
        builds.iter().any(|(other, theirs)| *other != root && !run.graph.builds.may_share(cluster, theirs))
    };
    // Whoever has more of them than anybody would write down knows better what they are.
    let few = builds.iter().filter(|_| builds.len() <= 100);
    let found = few.filter(|(root, cluster)| collides(root, cluster));
    found
        .filter_map(|(root, _)| {
            Some((*root, folder(root).rsplit('/').next().filter(|name| !name.is_empty())?))
        })
        .collect()
}

/// Where Secrets go so that a delivery takes them in; without any, the usual place.
fn output(run: &Run, cluster: Option<&str>, roots: &BTreeSet<&str>) -> String {
    let usual = OutputTemplate::default_for(Format::Sops).as_str().to_owned();
    let delivered = &run.graph.delivered;
    let common = common_folder(roots);
    let below = |folder: &str| format!("{folder}/{usual}");
    match cluster.filter(|name| delivered.contains(*name)) {
        Some(entry) => below(entry),
        // A kustomization there lists them.
        None if !common.is_empty() && cluster.is_some() && delivered.is_empty() => below(&common),
        None if !common.is_empty() && run.graph.delivers(&common) && !delivered.is_empty() => below(&common),
        None => {
            delivered.iter().find(|folder| !folder.is_empty()).map_or(usual.clone(), |folder| below(folder))
        }
    }
}

/// The folder that all paths have in common.
fn common_folder(paths: &BTreeSet<&str>) -> String {
    let mut folders = paths.iter().map(|path| folder(path));
    let first = folders.next().unwrap_or_default().to_owned();
    folders.fold(first, |common, path| {
        let steps = common.split('/').zip(path.split('/')).take_while(|(a, b)| a == b).map(|(a, _)| a);
        steps.collect::<Vec<_>>().join("/")
    })
}
