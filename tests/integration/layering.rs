//! What the compiler does not hold of `docs/architecture.md`: who may import whom among the rooms of `src/`, which outside crate
//! has its door where, what the pure rooms may not touch, and the shape of a file. That the crates know nothing of the rooms, nor
//! of each other more than their manifests say, is Cargo's to hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::rust_source::{NamedPath, Source, all_sources};

/// The rooms of `src/` and their layers. A room imports only from lower ones.
const ROOMS: &[(&str, u8)] = &[
    ("objects", 1),
    ("config", 2),
    ("deliveries", 2),
    ("plan", 3),
    ("effects", 4),
    ("report", 4),
    ("commands", 5),
];

/// Up to this layer a room receives bytes, time, randomness and environment as parameters. So do all crates.
const PURE: u8 = 3;

/// The only files, or folders, that may name an outside crate.
const DOORS: &[(&str, &[&str])] = &[
    ("aes_gcm", &["crates/sops-age/src/cipher.rs"]),
    ("age", &["crates/sops-age/src/recipients.rs", "crates/sops-age/src/identity.rs"]),
    ("aho_corasick", &["src/objects/marks.rs"]),
    ("anyhow", &["src/commands/", "src/main.rs", "src/report/", "src/effects/"]),
    (
        "base64",
        &[
            "crates/sops-age/src/value.rs",
            "src/objects/dockerconfig",
            "src/objects/token.rs",
            "crates/offline-kustomize/src/generate.rs",
            "crates/offline-helm/src/functions/bases.rs",
            "crates/offline-helm/src/functions/json.rs",
            "crates/offline-helm/src/functions/secrets.rs",
            "crates/offline-helm/src/render/objects.rs",
            "crates/offline-helm/src/template/run.rs",
            "crates/offline-helm/src/yaml/",
        ],
    ),
    ("clap", &["src/commands/args.rs"]),
    ("clap_complete", &["src/commands/args.rs", "src/commands/shell.rs"]),
    ("clap_mangen", &["src/commands/shell.rs"]),
    ("getrandom", &["src/effects/clone.rs"]),
    ("granit_parser", &["crates/lossless-yaml/src/parse.rs"]),
    ("hmac", &["src/effects/clone.rs", "crates/offline-helm/src/functions/secrets.rs"]),
    ("ignore", &["src/effects/scan.rs", "src/effects/scan/sources.rs"]),
    ("indicatif", &["src/commands/progress.rs"]),
    (
        "memchr",
        &[
            "crates/lossless-yaml/",
            "crates/offline-kustomize/src/documents.rs",
            "src/objects/called.rs",
            "src/objects/comments.rs",
            "src/objects/read",
            "src/objects/marks.rs",
            "src/effects/scan/index.rs",
            "src/effects/source.rs",
            "crates/offline-helm/src/functions/",
            "crates/offline-helm/src/functions/toml.rs",
            "crates/offline-helm/src/render/manifests.rs",
            "crates/offline-helm/src/template/",
            "crates/offline-helm/src/yaml/",
        ],
    ),
    (
        "regex",
        &[
            "src/config/",
            "crates/sops-age/",
            "crates/offline-kustomize/src/selector.rs",
            "crates/offline-helm/src/functions/",
            "crates/offline-helm/src/render/glob.rs",
        ],
    ),
    (
        "schemars",
        &[
            "src/config",
            "src/report/",
            "src/commands/shell.rs",
            "src/deliveries/facts",
            "crates/lossless-yaml/src/de/spanned.rs",
        ],
    ),
    (
        "serde",
        &[
            "src/config",
            "crates/lossless-yaml/src/de",
            "crates/lossless-yaml/src/elder.rs",
            "crates/lossless-yaml/src/split.rs",
            "src/report/",
            "src/deliveries/facts",
            "src/objects/dockerconfig",
            "src/objects/token.rs",
            "crates/offline-helm/src/functions/toml.rs",
            "crates/offline-helm/src/render/manifests.rs",
        ],
    ),
    (
        "serde_json",
        &[
            "src/config",
            "crates/lossless-yaml/src/split.rs",
            "src/report/",
            "src/deliveries/facts",
            "src/objects/dockerconfig",
            "src/objects/token.rs",
            "crates/offline-helm/src/functions/toml.rs",
            "crates/offline-helm/src/value.rs",
            "crates/offline-helm/src/values/",
        ],
    ),
    (
        "sha2",
        &[
            "src/report/fingerprint.rs",
            "src/effects/clone.rs",
            "src/effects/trust.rs",
            "crates/sops-age/",
            "crates/offline-kustomize/src/generate.rs",
            "crates/offline-helm/src/functions/encode.rs",
            "crates/offline-helm/src/functions/secrets.rs",
        ],
    ),
    ("serde_yaml", &["crates/lossless-yaml/src/elder.rs"]),
    ("similar", &["src/report/diff.rs"]),
    ("strsim", &["crates/lossless-yaml/src/nearest.rs"]),
    ("tempfile", &["src/effects/source.rs"]),
    ("yaml_rust2", &["crates/lossless-yaml/src/verify.rs"]),
    ("zeroize", &["src/commands/", "src/objects/", "src/plan/", "src/effects/", "crates/sops-age/"]),
];

/// What layers 0–2 receive as parameters instead.
const IMPURE: &[&[&str]] = &[
    &["std", "env"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "SystemTime", "now"],
    &["std", "time", "Instant", "now"],
    &["SystemTime", "now"],
    &["Instant", "now"],
];

/// Who may nevertheless: a rendering has a stack and a time limit of its own, and neither changes what it gives.
const MAY: &[(&str, &str)] = &[
    ("crates/offline-helm/src/template/engine.rs", "std::thread"),
    ("crates/offline-helm/src/template/run.rs", "Instant::now"),
];

const LONGEST_FILE: usize = 600;

#[test]
fn imports_point_downwards() {
    report(|source, path| {
        let (importer, target) = (source.room()?, path.crate_path()?.first()?);
        let (from, to) = (layer(&importer)?, layer(target)?);
        (importer != *target && to >= from)
            .then(|| format!("`{importer}` is layer {from} and may not import `{target}` of layer {to}"))
    });
}

/// A file and one that it imports can be read one after the other, whichever crate they are in.
#[test]
fn no_file_imports_in_a_circle() {
    let sources = all_sources();
    let files: BTreeMap<(String, Vec<String>), &Source> = sources
        .iter()
        .filter(|source| !source.path.ends_with("/main.rs"))
        .map(|source| ((source.package(), source.module()), source))
        .collect();
    let imported = |source: &Source| -> BTreeSet<&str> {
        let own = (source.package(), source.module());
        let target = |path: NamedPath| {
            let mut module = match path.crate_path() {
                Some(names) => names.to_vec(),
                // A module below this one, by its name alone.
                None => [&own.1[..], &[path.head], &path.rest].concat(),
            };
            while !files.contains_key(&(own.0.clone(), module.clone())) {
                module.pop()?;
            }
            (!module.is_empty() && module != own.1).then(|| files[&(own.0.clone(), module)].path.as_str())
        };
        source.paths().into_iter().filter_map(target).collect()
    };
    // A file whose imports have all gone goes as well; what stays imports in a circle.
    let mut left: BTreeMap<&str, BTreeSet<&str>> =
        files.values().map(|source| (source.path.as_str(), imported(source))).collect();
    assert!(left.values().map(BTreeSet::len).sum::<usize>() > 400, "imports are no longer seen");
    loop {
        let before = left.len();
        let names: BTreeSet<&str> = left.keys().copied().collect();
        left.retain(|_, imports| imports.iter().any(|name| names.contains(name)));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "each of these imports another of them, or what does: {:#?}", left.keys());
}

#[test]
fn every_module_has_a_room() {
    let unknown: Vec<String> = all_sources()
        .iter()
        .filter(|source| source.room().is_some_and(|room| layer(&room).is_none()))
        .map(|source| format!("{}: not in a room", source.path))
        .collect();
    assert!(unknown.is_empty(), "\n{}", unknown.join("\n"));
}

#[test]
fn outside_crates_have_one_door() {
    let dependencies = dependencies();
    report(|source, path| {
        if !dependencies.contains(&path.head) {
            return None;
        }
        let doors = DOORS.iter().find(|(name, _)| *name == path.head).map_or(&[][..], |(_, doors)| doors);
        let allowed = doors.iter().any(|door| source.path.starts_with(door));
        (!allowed).then(|| format!("`{}` may only be named in {doors:?}", path.head))
    });
}

#[test]
fn every_door_leads_to_a_dependency() {
    let dependencies = dependencies();
    for (name, _) in DOORS {
        assert!(dependencies.contains(*name), "`{name}` has a door but is no dependency");
    }
}

#[test]
fn inner_layers_are_pure() {
    report(|source, path| {
        let room = source.room();
        let pure = match &room {
            Some(room) => layer(room).is_some_and(|layer| layer <= PURE),
            None => source.path.starts_with("crates/"),
        };
        if !pure {
            return None;
        }
        let names: Vec<&str> = std::iter::once(&path.head).chain(&path.rest).map(String::as_str).collect();
        let impure = IMPURE.iter().find(|impure| names.starts_with(impure))?.join("::");
        let may = MAY.contains(&(source.path.as_str(), impure.as_str()));
        (!may)
            .then(|| format!("`{impure}` is an effect; crates and the inner rooms receive it as a parameter"))
    });
}

#[test]
fn no_glob_imports() {
    report(|_, path| path.glob.then(|| format!("glob import of `{}::{}`", path.head, path.rest.join("::"))));
}

#[test]
fn files_open_with_their_purpose_and_stay_short() {
    let mut wrong = Vec::new();
    for source in all_sources() {
        if !source.text.starts_with("//! ") {
            wrong.push(format!(
                "{}:1: a module opens with `//!`: what it owns, what it refuses to do",
                source.path
            ));
        }
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{}:{lines}: more than {LONGEST_FILE} lines; look for the seam", source.path));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Fails with one `file:line: message` for each path that the rule objects to.
fn report(rule: impl Fn(&Source, &NamedPath) -> Option<String>) {
    let mut wrong = Vec::new();
    for source in all_sources() {
        for path in source.paths() {
            wrong.extend(
                rule(&source, &path).map(|message| format!("{}:{}: {message}", source.path, path.line)),
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn layer(room: &str) -> Option<u8> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, layer)| *layer)
}

/// The names of the outside crates as Rust code writes them.
fn dependencies() -> BTreeSet<String> {
    let manifest = include_str!("../../Cargo.toml");
    let manifest: serde_json::Value = basic_toml::from_str(manifest).unwrap();
    let ours = |entry: &serde_json::Value| entry.get("path").is_some();
    // Tests alone are free.
    let tests_only = manifest["dev-dependencies"].as_object().unwrap();
    let all = manifest["workspace"]["dependencies"].as_object().unwrap();
    let has_door = |name: &str| DOORS.iter().any(|(crate_name, _)| *crate_name == name);
    let outside = all
        .iter()
        .filter(|(name, entry)| !ours(entry) && (!tests_only.contains_key(*name) || has_door(name)));
    outside.map(|(name, _)| name.replace('-', "_")).collect()
}

impl Source {
    /// The room of `src/` that the file is in; none for the two that tie the rooms together, and for crates.
    fn room(&self) -> Option<String> {
        (self.package() == "pullcred").then(|| self.module().first().cloned())?
    }
}

impl NamedPath {
    /// The names after `crate`, which the binary calls `pullcred`.
    fn crate_path(&self) -> Option<&[String]> {
        matches!(self.head.as_str(), "crate" | "pullcred").then_some(&self.rest)
    }
}
