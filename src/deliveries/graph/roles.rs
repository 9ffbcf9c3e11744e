//! What files are for when kustomizations name them: everything but objects to deploy.

use std::collections::{BTreeMap, BTreeSet};

use crate::deliveries::scanned::Scanned;
use offline_kustomize::kustomization::{Kustomization, Line};
use offline_kustomize::repository::{Repository, Target, is_remote};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A kustomization.
    Kustomization,
    /// A Component.
    Component,
    /// A patch.
    Patch,
    /// Configuration of kustomize: transformers, generators, replacements, field specs, schemas.
    Configuration,
    /// Content of a generated ConfigMap or Secret.
    GeneratorInput,
}

/// The roles of files, by path, and the indexes of the scanned files that hold objects of some kustomization. A file
/// that is listed among the resources anywhere has no other role.
pub fn roles(
    files: &[Scanned<'_>],
    repository: &Repository<'_>,
) -> (BTreeMap<String, Role>, BTreeSet<usize>) {
    let mut result = BTreeMap::new();
    let mut resources = BTreeSet::new();
    for at in 0..repository.len() {
        let known = repository.get(at);
        let fields: &Kustomization = &known.fields;
        for entry in &fields.resources {
            if let Ok(Target::File(path)) = repository.resolve(&known.folder, &entry.value) {
                resources.extend(repository.file(&path));
            }
        }
        let role = if fields.component { Role::Component } else { Role::Kustomization };
        result.insert(known.file.to_string(), role);
        let mut add = |entry: &str, role| {
            let path = repository.path(&known.folder, entry).ok().filter(|_| !is_remote(entry));
            if let Some(path) = path.filter(|path| !repository.has_kustomization(path)) {
                result.entry(path).or_insert(role);
            }
        };
        let patches =
            fields.patches.iter().chain(&fields.json_patches).map(|entry| entry.value.path.as_str());
        let merge =
            fields.merge_patches.iter().map(|entry| entry.value.as_str()).filter(|text| !text.contains('\n'));
        patches.chain(merge).filter(|path| !path.is_empty()).for_each(|path| add(path, Role::Patch));
        let lists = [
            &fields.configurations,
            &fields.crds,
            &fields.generators,
            &fields.transformers,
            &fields.validators,
        ];
        let texts = |list: &'_ Vec<Line<String>>| -> Vec<String> {
            list.iter().map(|entry| entry.value.clone()).filter(|text| !text.contains('\n')).collect()
        };
        let listed = lists.into_iter().flat_map(texts);
        let replaced =
            fields.replacements.iter().filter_map(|entry| entry.value.str_at("path").map(str::to_owned));
        let schema = fields.openapi.iter().map(|entry| entry.value.clone());
        listed.chain(replaced).chain(schema).for_each(|path| add(&path, Role::Configuration));
        for entry in fields.config_maps.iter().chain(&fields.secrets) {
            for key in ["files", "envs"] {
                let sources = entry.value.get(key).map_or(&[][..], |list| list.items());
                for source in sources.iter().filter_map(|source| source.as_str()) {
                    add(source.rsplit('=').next().unwrap_or(source), Role::GeneratorInput);
                }
            }
            entry.value.str_at("env").into_iter().for_each(|path| add(path, Role::GeneratorInput));
        }
    }
    for &file in &resources {
        result.remove(files[file].path);
    }
    (result, resources)
}
