//! Where everything is deployed: the namespace graph, fed from the disk and the configuration.

use super::settings::{Settings, shown};
use crate::kube::namespace::{Graph, Options, Scanned, Told};
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
    let options = Options { config, rule: &rule, default: default.as_ref(), application };
    // Only what builds name is ever read again: patches, and what lies under other names than manifests have.
    let load = |path: &str| source::bytes(&settings.root, path);
    let scanned: Vec<Scanned<'_>> = files
        .iter()
        .map(|file| Scanned { path: &file.path, objects: file.objects(), facts: file.delivery.as_deref() })
        .collect();
    let graph = Graph::new(&scanned, &load, &options);
    let deployments: Vec<Vec<Vec<_>>> = (0..scanned.len())
        .map(|nth| {
            let objects = 0..scanned[nth].objects.len();
            objects.map(|object| graph.deployments(&scanned, nth, object, &options).into_owned()).collect()
        })
        .collect();
    for (file, deployments) in files.iter_mut().zip(deployments) {
        file.deployments = deployments;
        if let Some(role) = graph.roles.get(&file.path) {
            notices::apply_role(file, *role);
        }
    }
    graph
}
