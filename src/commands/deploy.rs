//! Where everything is deployed: the namespace graph, fed from the disk and the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use anyhow::{Result, bail};

use super::parallel;
use super::releases::inflater;
use super::settings::{Settings, shown};
use crate::config::Target;
use crate::deliveries::delivery::Kind;
use crate::deliveries::graph::{Deployment, Graph, Options, Stray, Told, normal_url};
use crate::deliveries::scanned::Scanned;
use crate::effects::scan::sources::{self, SourceIgnore};
use crate::effects::source;
use crate::objects::adders::{Adder, To};
use crate::objects::object::Object;
use crate::objects::shipped::Shipped;
use crate::plan::{Adding, File, notices};
use offline_kustomize::repository::folders;
use offline_kustomize::value::Value;

/// Fills in the deployments of every file, takes out what is no object to deploy, and returns the graph. `application` is
/// the namespace that Argo CD fills in for what is generated now.
pub fn resolve(files: &mut [File], settings: &Settings, application: Option<&str>) -> Graph {
    let below_base = |path: &str| {
        let path = settings.root.join(path);
        path.strip_prefix(&settings.base).ok().map(shown)
    };
    let told =
        |found: crate::config::Located<String>| Told { namespace: found.value, line: found.position.line };
    let namespaces = &settings.config.namespaces;
    let rule = |path: &str| namespaces.of_path(&below_base(path)?).map(told);
    let default = namespaces.default.clone().map(told);
    let config = settings.config_file.as_deref().unwrap_or_default();
    let threads = parallel::computing(settings.scan.threads);
    let each = |count, work: &(dyn Fn(usize) + Sync)| {
        parallel::map(&(0..count).collect::<Vec<_>>(), threads, |nth| work(*nth));
    };
    let remotes = sources::remotes(&settings.root);
    // Only who delivers by Flux has to know.
    let ignore = OnceLock::new();
    let left_out = |path: &str| {
        let read = || {
            let all: BTreeSet<&str> = files.iter().flat_map(|file| folders(&file.path)).collect();
            SourceIgnore::read(&settings.root, all.into_iter(), &own_ignore(files, &remotes))
        };
        ignore.get_or_init(read).leaves_out(path)
    };
    let charts = inflater(files, settings);
    let options = Options {
        config,
        rule: &rule,
        default: default.as_ref(),
        application,
        remotes: &remotes,
        left_out: &left_out,
        charts: &charts,
        each: &each,
    };
    // Only what builds name is ever read again: patches, and what lies under other names than manifests have.
    let below = source::Below::new(&settings.root);
    let load = |path: &str| below.bytes(path);
    // Secrets and namespaces are deployed like all else; they follow the objects of their file.
    let with_others: Vec<Vec<Object>> = files.iter().map(with_others).collect();
    let scanned: Vec<Scanned<'_>> = files
        .iter()
        .zip(&with_others)
        .map(|(file, all)| {
            let objects = if all.is_empty() { file.objects() } else { all };
            let settings = file.facts.as_ref().ok().and_then(|facts| facts.settings.as_ref());
            Scanned { path: &file.path, objects, facts: file.delivery.as_deref(), settings }
        })
        .collect();
    let mut graph = Graph::new(&scanned, &load, &options);
    let deployments: Vec<Vec<Vec<_>>> = (0..scanned.len())
        .map(|nth| {
            let objects = 0..scanned[nth].objects.len();
            objects.map(|object| graph.deployments(&scanned, nth, object, &options).into_owned()).collect()
        })
        .collect();
    let strays: Vec<Option<Stray>> = (0..scanned.len())
        .map(|nth| graph.stray(&scanned, nth).filter(|_| !with_others[nth].is_empty()))
        .collect();
    let left: Vec<bool> = (0..scanned.len())
        .map(|nth| {
            // What a chart makes is delivered with it.
            settings.config.paths.delivered_only && !files[nth].is_made && !graph.reaches(&scanned, nth)
        })
        .collect();
    drop(charts);
    let mut adding = Vec::new();
    for (nth, (file, deployments)) in files.iter_mut().zip(deployments).enumerate() {
        file.stray = strays[nth].clone();
        adding.extend(place(file, deployments, graph.lists(nth)));
        if let Some(role) = graph.roles.get(&file.path) {
            notices::apply_role(file, *role);
        }
        if left[nth] {
            graph.undelivered += usize::from(notices::leave_undelivered(file));
        }
    }
    adding.sort_by_key(|adding: &Adding| !matches!(adding.adder.to, To::Accounts(_)));
    let adding: Arc<[Adding]> = adding.into();
    files.iter_mut().for_each(|file| file.adders = Arc::clone(&adding));
    graph
}

/// Gives each object of a file its deployments: those with pods first, then Secrets, then namespaces, then what tells controllers to add
/// pull secrets, which is returned. `is_listed` is whether a build lists the file.
fn place(file: &mut File, mut deployments: Vec<Vec<Deployment>>, is_listed: bool) -> Vec<Adding> {
    let mut others = deployments.split_off(file.objects().len());
    let facts = file.facts.as_ref().ok();
    let mut declared = others.split_off(facts.map_or(0, |facts| facts.shipped.len()));
    let told = declared.split_off(facts.map_or(0, |facts| facts.namespaces.len()));
    let adders = facts.map_or(&[][..], |facts| &facts.adders).iter().zip(told);
    let is_there = file.stray.is_none();
    let adding = |(adder, deployments): (&Adder, _)| Adding {
        adder: adder.clone(),
        file: file.path.clone(),
        deployments,
    };
    let adding = adders.filter(|_| is_there).map(adding).collect();
    let names = facts.into_iter().flat_map(|facts| &facts.namespaces).zip(declared);
    file.declared = names.flat_map(|(object, built)| built_names(&object.name, &built)).collect();
    file.shipped = others;
    if let Ok(facts) = &mut file.facts {
        notices::drop_fragments(facts, &mut deployments, is_listed);
    }
    file.deployments = deployments;
    adding
}

/// What the GitRepositories that are this one leave out; nothing where they differ, for each makes an artifact of its own.
fn own_ignore(files: &[File], remotes: &[String]) -> String {
    let remotes: BTreeSet<String> = remotes.iter().map(|url| normal_url(url)).collect();
    let text =
        |tree: &Value, keys: &[&str]| tree.at(keys).and_then(Value::as_str).unwrap_or_default().to_owned();
    let all = files.iter().filter_map(|file| file.delivery.as_ref()).flat_map(|facts| &facts.deliveries);
    let own = all.filter(|it| it.kind == Kind::GitRepository).filter(|it| match remotes.is_empty() {
        true => text(&it.tree, &["metadata", "name"]) == "flux-system",
        false => remotes.contains(&normal_url(&text(&it.tree, &["spec", "url"]))),
    });
    let rules: BTreeSet<String> = own.map(|it| text(&it.tree, &["spec", "ignore"])).collect();
    if rules.len() == 1 { rules.into_iter().collect() } else { String::new() }
}

/// Makes one target for each cluster, and lets targets name the clusters of what belongs to them: what a user says goes before
/// what manifests tell.
///
/// # Errors
/// Two of the targets write the same files.
pub fn tell_targets(files: &mut [File], graph: &mut Graph, settings: &mut Settings) -> Result<()> {
    if settings.config.targets.iter().all(|target| target.position.is_none()) {
        return Ok(());
    }
    let (root, base) = (settings.root.clone(), settings.base.clone());
    let below = |path: &str| root.join(path).strip_prefix(&base).ok().map(shown);
    let roots: BTreeSet<String> = files
        .iter()
        .flat_map(|file| {
            let all = file.deployments.iter().chain(&file.shipped).flatten();
            let roots = all.filter_map(|deployment| deployment.root.as_deref());
            roots.chain([&*file.path]).filter_map(below).collect::<Vec<_>>()
        })
        .collect();
    settings.config.spread(roots.iter().map(String::as_str));
    let targets = &settings.config.targets;
    let mut outputs: BTreeMap<&str, &Target> = BTreeMap::new();
    for target in targets {
        if let Some(other) = outputs.insert(target.output.as_str(), target) {
            let place = |target: &Target| target.position.map_or_else(String::new, |at| format!(":{at}"));
            let file = settings.config_file.as_deref().unwrap_or_default();
            bail!(
                "{file}{}: two targets write the same files: `{}` (the other is at line {})\nhint: give each target an `output` of its own",
                place(target),
                target.output.as_str(),
                other.position.map_or(1, |at| at.line)
            );
        }
    }
    // The target that writes the file, else the first one that has the build root.
    let writers: Vec<_> = targets.iter().map(|target| (target, target.output.matcher())).collect();
    let known: BTreeMap<&str, Arc<str>> = roots
        .iter()
        .filter_map(|path| {
            let writer = writers.iter().find(|(_, writes)| writes(path)).map(|(target, _)| *target);
            let owner = || targets.iter().find(|target| target.has(path) && !target.paths.is_empty());
            let target = writer.or_else(owner)?;
            Some((path.as_str(), Arc::from(target.cluster.as_deref()?)))
        })
        .collect();
    for file in files {
        for deployment in file.deployments.iter_mut().chain(&mut file.shipped).flatten() {
            let told = below(deployment.root.as_deref().unwrap_or(&file.path));
            if let Some(name) = told.and_then(|path| known.get(path.as_str())) {
                deployment.cluster.name = Some(Arc::clone(name));
            }
        }
    }
    for secret in &mut graph.generated {
        if let Some(name) = below(&secret.root).and_then(|path| known.get(path.as_str())) {
            secret.cluster.name = Some(Arc::clone(name));
        }
    }
    Ok(())
}

/// The objects of a file that brings Secrets or declares namespaces, then those; empty for any other file.
fn with_others(file: &File) -> Vec<Object> {
    let Ok(facts) = &file.facts else { return Vec::new() };
    if facts.shipped.is_empty() && facts.namespaces.is_empty() && facts.adders.is_empty() {
        return Vec::new();
    }
    let others = facts.shipped.iter().map(Shipped::as_object).chain(facts.namespaces.iter().cloned());
    let others = others.chain(facts.adders.iter().map(|adder| adder.object.clone()));
    file.objects().iter().cloned().chain(others).collect()
}

/// The names that an object has where it is deployed.
fn built_names(name: &str, deployments: &[Deployment]) -> Vec<String> {
    let built = |it: &Deployment| it.name.clone().unwrap_or_else(|| name.to_owned());
    deployments.iter().map(built).collect()
}
