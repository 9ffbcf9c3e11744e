//! Charts of one idiom each, rendered as real Helm renders them: `tools/charts.py` wrote what Helm gives.

mod folder;

use lossless_yaml::elder::read_as;
use offline_helm::{Hook, Layer, Options, Rendering, matches_path, render};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What the flags of a fixture say.
#[derive(Default)]
struct Flags {
    layers: BTreeMap<usize, Vec<Layer>>,
    options: Options,
    include_crds: bool,
    no_hooks: bool,
    skip_tests: bool,
    show_only: Vec<String>,
}

impl Flags {
    fn read(folder: &Path) -> Flags {
        let mut flags = Flags::default();
        flags.options.release = "rel".to_owned();
        flags.options.namespace = "ns".to_owned();
        flags.options.kube_version = "1.35.0".to_owned();
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect(name);
        let text = read("flags");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (flag, value) = line.split_once(' ').unwrap_or((line, ""));
            let value = value.to_owned();
            let (place, layer) = match flag {
                "--values" => (0, Layer::File { text: read(&value), name: value }),
                "--set-json" => (1, Layer::Json(value)),
                "--set" => (2, Layer::Set(value)),
                "--set-string" => (3, Layer::Text(value)),
                "--set-file" => {
                    let files = Layer::files_of(&value).into_iter().map(|name| (name.clone(), read(&name)));
                    (4, Layer::Content { files: files.collect(), line: value })
                }
                "--set-literal" => (5, Layer::Literal(value)),
                other => {
                    flags.switch(other, value);
                    continue;
                }
            };
            flags.layers.entry(place).or_default().push(layer);
        }
        flags
    }

    fn switch(&mut self, flag: &str, value: String) {
        match flag {
            "--include-crds" => self.include_crds = true,
            "--no-hooks" => self.no_hooks = true,
            "--skip-tests" => self.skip_tests = true,
            "--is-upgrade" => self.options.is_upgrade = true,
            "--show-only" => self.show_only.push(value),
            "--api-versions" => self.options.api_versions.push(value),
            "--kube-version" => self.options.kube_version = value,
            other => panic!("{other}: unknown flag"),
        }
    }

    fn documents(&self, rendering: &Rendering) -> Vec<Value> {
        let crds = rendering.crds.iter().filter(|_| self.include_crds);
        let wanted = |hook: &&Hook| !(self.no_hooks || self.skip_tests && hook.is_test());
        let hooks = rendering.hooks.iter().filter(wanted).map(|hook| &hook.manifest);
        let all: Vec<_> = crds.chain(&rendering.manifests).chain(hooks).collect();
        let mut shown = all.clone();
        if !self.show_only.is_empty() {
            let inner =
                |source: &str| source.split_once('/').map(|(_, inner)| inner.to_owned()).unwrap_or_default();
            let of = |wanted: &String| {
                let wanted = wanted.clone();
                all.iter().copied().filter(move |manifest| matches_path(&wanted, &inner(&manifest.source)))
            };
            shown = self.show_only.iter().flat_map(of).collect();
        }
        shown.into_iter().flat_map(|manifest| documents(&manifest.text)).collect()
    }
}

/// The documents of a stream that hold something.
fn documents(text: &str) -> Vec<Value> {
    let text = format!("\n{text}");
    let parts: Vec<String> = text.split("\n---").map(|part| format!("{part}\n")).collect();
    let read =
        |part: &String| read_as::<Value>(part).unwrap_or_else(|error| panic!("{part}: {}", error.reason));
    parts.iter().map(read).filter(|value| !value.is_null()).collect()
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/charts");
    let mut all: Vec<PathBuf> =
        fs::read_dir(folder).expect("fixtures").map(|entry| entry.expect("entry").path()).collect();
    all.sort();
    all
}

fn rendered(folder: &Path) -> Result<Vec<Value>, String> {
    let flags = Flags::read(folder);
    let layers: Vec<Layer> = flags.layers.values().flatten().cloned().collect();
    let files = folder::read(&folder.join("chart")).map_err(|error| error.to_string())?;
    let rendering = render(files, &layers, &flags.options).map_err(|error| error.to_string())?;
    Ok(flags.documents(&rendering))
}

#[test]
fn charts_give_what_helm_gives() {
    let mut failures = Vec::new();
    let mut compared = 0;
    for folder in fixtures().iter().filter(|folder| folder.join("helm.yaml").exists()) {
        compared += 1;
        let wanted = documents(&fs::read_to_string(folder.join("helm.yaml")).expect("helm.yaml"));
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match rendered(folder) {
            Ok(found) if found == wanted => {}
            Ok(found) => {
                let at = found
                    .iter()
                    .zip(&wanted)
                    .position(|(a, b)| a != b)
                    .unwrap_or(found.len().min(wanted.len()));
                failures.push(format!(
                    "{name}: document {at}\n  helm {:?}\n  ours {:?}",
                    wanted.get(at),
                    found.get(at)
                ));
            }
            Err(error) => failures.push(format!("{name}: {error}")),
        }
    }
    assert!(compared >= 60, "only {compared} charts");
    assert!(failures.is_empty(), "{} of {compared}:\n{}", failures.len(), failures.join("\n"));
}

/// Where Helm's words are Go's alone, and what is said instead.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("refused-subchart-values", "the values of a subchart have to be a map"),
    ("refused-values", "the file holds no map of values"),
];

#[test]
fn charts_that_helm_refuses_are_refused_in_its_words() {
    let mut failures = Vec::new();
    let mut compared = 0;
    for folder in fixtures().iter().filter(|folder| folder.join("refused").exists()) {
        compared += 1;
        let words = fs::read_to_string(folder.join("refused")).expect("refused");
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match rendered(folder) {
            Ok(_) => failures.push(format!("{name}: is not refused")),
            Err(error) => {
                let own = error.trim().lines().last().unwrap_or_default();
                let own = own.rsplit(": ").next().unwrap_or(own);
                if !words.contains(own) && !OTHER_WORDS.iter().any(|(at, other)| *at == name && *other == own)
                {
                    failures.push(format!("{name}:\n  helm {words}\n  ours {error}"));
                }
            }
        }
    }
    assert!(compared >= 15, "only {compared} charts");
    assert!(failures.is_empty(), "{} of {compared}:\n{}", failures.len(), failures.join("\n"));
}
