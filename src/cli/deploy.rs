//! Where everything is deployed: the namespace graph, fed from the disk and the configuration.

use super::parallel;
use super::settings::{Settings, shown};
use crate::kube::namespace::{Graph, Options, Scanned, Told};
use crate::kube::object::Object;
use crate::kube::shipped::Shipped;
use crate::plan::{File, notices};
use crate::source;

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
    // Builds compute; more threads than cores would only take memory.
    let threads = match settings.scan.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let each = |count, work: &(dyn Fn(usize) + Sync)| {
        parallel::map(&(0..count).collect::<Vec<_>>(), threads, |nth| work(*nth));
    };
    let options = Options { config, rule: &rule, default: default.as_ref(), application, each: &each };
    // Only what builds name is ever read again: patches, and what lies under other names than manifests have.
    let load = |path: &str| source::bytes(&settings.root, path);
    // Secrets are deployed like all else; they follow the objects of their file.
    let with_secrets: Vec<Vec<Object>> = files.iter().map(with_secrets).collect();
    let scanned: Vec<Scanned<'_>> = files
        .iter()
        .zip(&with_secrets)
        .map(|(file, all)| {
            let objects = if all.is_empty() { file.objects() } else { all };
            Scanned { path: &file.path, objects, facts: file.delivery.as_deref() }
        })
        .collect();
    let graph = Graph::new(&scanned, &load, &options);
    let deployments: Vec<Vec<Vec<_>>> = (0..scanned.len())
        .map(|nth| {
            let objects = 0..scanned[nth].objects.len();
            objects.map(|object| graph.deployments(&scanned, nth, object, &options).into_owned()).collect()
        })
        .collect();
    for (file, mut deployments) in files.iter_mut().zip(deployments) {
        file.shipped = deployments.split_off(file.objects().len());
        file.deployments = deployments;
        if let Some(role) = graph.roles.get(&file.path) {
            notices::apply_role(file, *role);
        }
    }
    graph
}

/// The objects of a file that brings Secrets, then those Secrets; empty for any other file.
fn with_secrets(file: &File) -> Vec<Object> {
    let secrets = file.facts.as_ref().map_or(&[][..], |facts| &facts.shipped);
    if secrets.is_empty() {
        return Vec::new();
    }
    file.objects().iter().cloned().chain(secrets.iter().map(Shipped::as_object)).collect()
}
