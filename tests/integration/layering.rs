//! The layers of `docs/architecture.md`, held mechanically: who may import whom, which outside crate has its door where,
//! what the pure layers may not touch, and the shape of a file.

use crate::rust_source::{NamedPath, Source, all_sources};

/// Each module below `src/` and its layer. `lib.rs` only declares them.
const LAYERS: &[(&str, u8)] = &[
    ("yaml", 0),
    ("sops", 0),
    ("image", 1),
    ("kube", 1),
    ("config", 1),
    ("plan", 2),
    ("scan", 3),
    ("source", 3),
    ("apply", 3),
    ("report", 3),
    ("secrets", 3),
    ("cli", 4),
    ("main", 4),
];

/// Imports within one layer that are meant: importer, what it may name, why.
const NEIGHBOURS: &[(&str, &[&str], &str)] = &[
    ("sops", &["yaml"], "an encrypted document is read, written and edited as YAML"),
    ("kube", &["image"], "container images are part of a pod spec"),
    ("config", &["image"], "registries are checked where they are read"),
    ("config", &["kube"], "additions to the catalog are checked where they are read"),
    ("scan", &["source"], "the walk hands out what it has read"),
    ("apply", &["source"], "files are replaced where they were read"),
    ("secrets", &["scan", "index"], "the clone's own folder is found where Git's index is"),
    ("secrets", &["source"], "files are written where all are"),
    ("main", &["cli"], "the program is its command line"),
];

/// The only files, or folders, that may name an outside crate.
const DOORS: &[(&str, &[&str])] = &[
    ("aes_gcm", &["sops/cipher.rs"]),
    ("age", &["sops/recipients.rs", "sops/identity.rs"]),
    ("aho_corasick", &["kube/marks.rs"]),
    ("anyhow", &["cli/", "main.rs", "report/", "apply.rs", "scan.rs", "secrets", "source.rs"]),
    ("base64", &["sops/value.rs", "kube/dockerconfig", "kube/token.rs", "kube/build/generate.rs"]),
    ("clap", &["cli/args.rs"]),
    ("clap_complete", &["cli/args.rs", "cli/shell.rs"]),
    ("clap_mangen", &["cli/shell.rs"]),
    ("getrandom", &["secrets/clone.rs"]),
    ("granit_parser", &["yaml/parse.rs"]),
    ("hmac", &["secrets/clone.rs"]),
    ("ignore", &["scan.rs"]),
    ("indicatif", &["cli/progress.rs"]),
    (
        "memchr",
        &[
            "yaml/",
            "kube/comments.rs",
            "kube/read",
            "kube/marks.rs",
            "kube/build/documents.rs",
            "scan/index.rs",
            "source.rs",
        ],
    ),
    ("regex", &["config/", "sops/", "kube/build/selector.rs"]),
    ("schemars", &["config", "report/", "cli/shell.rs"]),
    ("serde", &["config", "yaml/de", "yaml/split.rs", "report/", "kube/dockerconfig", "kube/token.rs"]),
    ("serde_json", &["config", "yaml/split.rs", "report/", "kube/dockerconfig", "kube/token.rs"]),
    ("sha2", &["report/fingerprint.rs", "secrets/clone.rs", "sops/", "kube/build/generate.rs"]),
    ("similar", &["report/diff.rs"]),
    ("strsim", &["yaml/nearest.rs"]),
    ("tempfile", &["source.rs"]),
    ("yaml_rust2", &["yaml/verify.rs"]),
    ("zeroize", &["cli/", "kube/", "plan/", "secrets", "sops/"]),
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

const LONGEST_FILE: usize = 600;

#[test]
fn imports_point_downwards() {
    report(|source, path| {
        let (importer, imported) = (source.layer_name(), path.crate_path()?);
        let target = imported.first()?.as_str();
        // Items that `lib.rs` itself defines belong to no layer.
        let target_layer = layer(target)?;
        let layer = layer(&importer)?;
        let neighbour = |(from, to, _why): &(&str, &[&str], &str)| {
            *from == importer && imported.iter().map(String::as_str).take(to.len()).eq(to.iter().copied())
        };
        let allowed = target == importer || target_layer < layer || NEIGHBOURS.iter().any(neighbour);
        (!allowed).then(|| {
            format!("`{importer}` is layer {layer} and may not import `{target}` of layer {target_layer}")
        })
    });
}

#[test]
fn every_module_has_a_layer() {
    let unknown: Vec<String> = all_sources()
        .iter()
        .filter(|source| source.path != "lib.rs" && layer(&source.layer_name()).is_none())
        .map(|source| format!("src/{}: no layer is given to `{}`", source.path, source.layer_name()))
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
        assert!(dependencies.contains(&(*name).to_owned()), "`{name}` has a door but is no dependency");
    }
}

#[test]
fn inner_layers_are_pure() {
    report(|source, path| {
        if layer(&source.layer_name()).is_none_or(|layer| layer > 2) {
            return None;
        }
        let names: Vec<&str> = std::iter::once(&path.head).chain(&path.rest).map(String::as_str).collect();
        let impure = IMPURE.iter().find(|impure| names.starts_with(impure))?;
        Some(format!("`{}` is an effect; layers 0 to 2 receive it as a parameter", impure.join("::")))
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
                "src/{}:1: a module opens with `//!`: what it owns, what it refuses to do",
                source.path
            ));
        }
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!(
                "src/{}:{lines}: more than {LONGEST_FILE} lines; look for the seam",
                source.path
            ));
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
                rule(&source, &path).map(|message| format!("src/{}:{}: {message}", source.path, path.line)),
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// The names of the normal dependencies as Rust code writes them.
fn dependencies() -> Vec<String> {
    let manifest = include_str!("../../Cargo.toml");
    let manifest: serde_json::Value = basic_toml::from_str(manifest).unwrap();
    manifest["dependencies"].as_object().unwrap().keys().map(|name| name.replace('-', "_")).collect()
}

impl Source {
    /// The module below `src/` that decides the layer.
    fn layer_name(&self) -> String {
        match self.path.as_str() {
            "main.rs" => "main".to_owned(),
            _ => self.module().first().cloned().unwrap_or_default(),
        }
    }
}

impl NamedPath {
    /// The names after `crate`, which the binary calls `pullcred`.
    fn crate_path(&self) -> Option<&[String]> {
        matches!(self.head.as_str(), "crate" | "pullcred").then_some(&self.rest)
    }
}
