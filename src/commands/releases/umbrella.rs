//! Umbrella charts: charts of the repository that name others. Hosts fetch what is not beside them; here local ones are put in, and of the
//! others facts may tell.

use std::collections::BTreeSet;
use std::path::Path as FilePath;

use crate::deliveries::facts::{Facts, Nearness, at, estimate};
use crate::deliveries::releases::flow_text;
use crate::effects::charts;
use offline_helm::probe::{Pod, Probed, given};
use offline_helm::value::{Map, Value};
use offline_helm::{File, Layer};
use offline_kustomize::documents::documents;
use offline_kustomize::repository::join;
use offline_kustomize::value::Value as Tree;

/// A chart that another one names and that is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// Its name.
    pub name: String,
    /// The key of its values.
    key: String,
    version: String,
    repository: String,
    /// Values that switch it on or off; the first that is there counts.
    conditions: Vec<String>,
}

/// The files of a chart in a folder below the repository's root, with the local charts that it names put in, and those that are missing taken
/// out of the file that names them. What a local chart names in turn no host fetches.
pub(super) fn completed(
    root: &FilePath,
    chart: &FilePath,
    mut files: Vec<File>,
) -> (Vec<File>, Vec<Missing>) {
    let mut missing = Vec::new();
    let here = chart.strip_prefix(root).ok().filter(|_| chart.is_dir()).and_then(FilePath::to_str);
    let Some(here) = here else { return (files, missing) };
    // Older charts have a file of their own for what they name.
    let read = |name: &str| {
        let at = files.iter().position(|file| file.name == name)?;
        let text = String::from_utf8_lossy(&files[at].data);
        let tree = documents(&text).ok()?.first()?.clone();
        let dependencies = tree.get("dependencies").map_or(&[][..], Tree::items).to_vec();
        (!dependencies.is_empty()).then_some((at, tree, dependencies))
    };
    let Some((at, mut tree, dependencies)) = read("Chart.yaml").or_else(|| read("requirements.yaml")) else {
        return (files, missing);
    };
    let there = names(&files);
    let mut left = Vec::new();
    for dependency in &dependencies {
        let text = |key: &str| dependency.str_at(key).unwrap_or_default().to_owned();
        let (name, repository) = (text("name"), text("repository"));
        if name.is_empty() || there.contains(&name) {
            left.push(dependency.clone());
            continue;
        }
        let local = repository.strip_prefix("file://").and_then(|path| join(here, path));
        if let Some(more) = local.and_then(|folder| charts::read(root, &root.join(folder)).ok()) {
            let inside = |file: File| File { name: format!("charts/{name}/{}", file.name), data: file.data };
            files.extend(more.into_iter().map(inside));
            left.push(dependency.clone());
            continue;
        }
        let conditions = text("condition");
        let alias = Some(text("alias")).filter(|alias| !alias.is_empty());
        missing.push(Missing {
            key: alias.unwrap_or_else(|| name.clone()),
            name,
            version: text("version"),
            repository,
            conditions: conditions.split(',').map(|path| path.trim().to_owned()).collect(),
        });
    }
    if left.len() < dependencies.len() {
        tree.set("dependencies", Tree::list(left));
        files[at].data = flow_text(&tree).into_bytes();
    }
    (files, missing)
}

/// The names of the charts within a chart.
fn names(files: &[File]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files {
        let Some(path) = file.name.strip_prefix("charts/") else { continue };
        match path.split_once('/') {
            Some((folder, "Chart.yaml")) => {
                let text = String::from_utf8_lossy(&file.data);
                let own =
                    documents(&text).ok().and_then(|trees| trees.first()?.str_at("name").map(str::to_owned));
                names.insert(own.unwrap_or_else(|| folder.to_owned()));
            }
            // An archive is called by name and version.
            None => {
                if let Some((name, _)) = path.strip_suffix(".tgz").and_then(split_version) {
                    names.insert(name.to_owned());
                }
            }
            Some(_) => {}
        }
    }
    names
}

/// `NAME-VERSION` to both.
fn split_version(stem: &str) -> Option<(&str, &str)> {
    let digit = |at: &usize| stem[*at + 1..].starts_with(|c: char| c.is_ascii_digit());
    let at = stem.match_indices('-').map(|(at, _)| at).find(digit)?;
    Some((&stem[..at], &stem[at + 1..]))
}

/// Adds what facts tell of the charts that are missing; false where they do not tell of one that is switched on.
pub(super) fn told(
    probed: &mut Probed,
    missing: &[Missing],
    facts: &Facts,
    (own, layers): (&[File], &[Layer]),
    release: &str,
    wants: &dyn Fn(&Pod) -> bool,
) -> bool {
    let values = own.iter().find(|file| file.name == "values.yaml");
    let text = values.map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default();
    let mut all = vec![Layer::File { name: "values.yaml".to_owned(), text }];
    all.extend(layers.iter().cloned());
    let Ok(values) = given(&all) else { return false };
    for dependency in missing {
        let switch = dependency.conditions.iter().find_map(|path| match at(&values, path.split('.')) {
            Some(Value::Bool(truth)) => Some(truth),
            _ => None,
        });
        if switch == Some(false) {
            continue;
        }
        let repository = Some(dependency.repository.as_str());
        let Some((entry, nearness)) = facts.find(&dependency.name, repository, &dependency.version) else {
            return false;
        };
        let below = below(&values, &dependency.key);
        let estimated =
            (nearness != Nearness::Far).then(|| estimate(entry, &below, release, wants)).flatten();
        let Some(mut more) = estimated else { return false };
        let start = probed.pods.len();
        for way in &mut more.ways {
            way.path.insert(0, dependency.key.clone());
            way.pods.iter_mut().for_each(|nth| *nth += start);
        }
        probed.pods.append(&mut more.pods);
        probed.ways.append(&mut more.ways);
        probed.unreached.extend(more.unreached.into_iter().map(|nth| nth + start));
    }
    true
}

/// What a chart below is given: what stands under its key, and the values that are for all.
fn below(values: &Value, key: &str) -> Value {
    let own =
        Map::new(at(values, [key]).and_then(|own| Some(own.as_map()?.entries().clone())).unwrap_or_default());
    if own.get(b"global").is_none()
        && let Some(global) = at(values, ["global"])
    {
        own.set("global", global);
    }
    Value::Map(own.into())
}
