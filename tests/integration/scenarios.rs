//! The scenarios: the commands of each README do what `expected.diff` and `expected.new` show, and leave nothing to find.
//!
//! Commands of others, such as kubectl's, are run by `e2e/scenarios.sh`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sops_age::document::Encrypted;
use sops_age::identity::Identities;

use crate::support::{Ended, Snapshot, Tree, copy, difference, run, update, words};

/// What tests look at and users need not.
const EXPECTED: [&str; 2] = ["expected.diff", "expected.new"];

/// A scenario and a tree with a copy of it, as a Git repository.
struct Scenario {
    folder: PathBuf,
    name: String,
    tree: Tree,
    before: Snapshot,
    variables: BTreeMap<String, String>,
}

impl Scenario {
    fn new(folder: &Path) -> Self {
        let tree = Tree::new();
        copy(folder, tree.root());
        for name in EXPECTED {
            let _ = fs::remove_file(tree.path(name));
        }
        fs::create_dir(tree.path(".git")).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let before = tree.snapshot();
        Self { folder: folder.to_path_buf(), name, tree, before, variables: BTreeMap::new() }
    }

    fn pullcred(&self, arguments: &[String]) -> Ended {
        run(self.tree.pullcred_command().args(arguments).envs(&self.variables), b"")
    }

    /// Runs a line of the README; whether it was one of ours.
    fn line(&mut self, line: &str) -> Option<Ended> {
        let words = words(line);
        match words[0].as_str() {
            "export" => {
                let set = words[1..].iter().map(|word| word.split_once('=').unwrap());
                self.variables.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
                None
            }
            "pullcred" => {
                let ended = self.pullcred(&words[1..]);
                assert_eq!(ended.status, 0, "{}: {line}: {}", self.name, ended.messages());
                Some(ended)
            }
            _ => {
                assert!(line.starts_with("kubectl create secret "), "{}: nobody runs `{line}`", self.name);
                None
            }
        }
    }

    /// Compares with a file of the scenario.
    fn expect(&self, file: &str, found: &str) {
        let path = self.folder.join(file);
        if update() {
            fs::write(&path, found).unwrap();
        }
        let expected = fs::read(&path).unwrap_or_default();
        let difference = difference(&expected, found.as_bytes());
        assert!(difference.is_empty(), "{}/{file}:\n{difference}", self.name);
    }

    /// The files that are new: of a Secret `PATH: NAMESPACE/NAME` and a line for each registry with the user, of others all of it.
    fn made(&self) -> String {
        let mut identities = Identities::default();
        identities.add(&String::from_utf8(self.tree.read("TEST-ONLY.agekey")).unwrap()).unwrap();
        let files = self.tree.snapshot();
        let mut found = String::new();
        for path in files.keys().filter(|path| !self.before.contains_key(*path)) {
            if !path.ends_with(".sops.yaml") {
                found.push_str(&format!("{path}:\n{}", String::from_utf8(self.tree.read(path)).unwrap()));
                continue;
            }
            let file = Encrypted::parse(&String::from_utf8(self.tree.read(path)).unwrap()).unwrap();
            let secret = &file.decrypt(&identities).unwrap()[0];
            let text = |keys: &[&str]| secret.str_at(keys).unwrap().to_owned();
            let (namespace, name) = (text(&["metadata", "namespace"]), text(&["metadata", "name"]));
            found.push_str(&format!("{path}: {namespace}/{name}\n"));
            for (key, credential) in &pullcred::objects::secret::auths(secret).unwrap().0 {
                assert!(credential.password().starts_with("made-up"), "{path}: {key}");
                found.push_str(&format!("  {key} {}\n", credential.username()));
            }
        }
        found
    }
}

#[test]
fn every_scenario_does_what_it_shows() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let index = fs::read_to_string(all.join("README.md")).unwrap();
    let mut count = 0;
    for entry in fs::read_dir(&all).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir())
    {
        count += 1;
        let mut scenario = Scenario::new(&entry.path());
        let name = scenario.name.clone();
        assert!(index.contains(&format!("[{name}]({name})")), "scenarios/README.md lacks {name}");
        let check = scenario.pullcred(&["check".to_owned()]);
        assert_eq!(check.status, 1, "{name}: nothing is missing before: {}", check.messages());
        let readme = String::from_utf8(scenario.tree.read("README.md")).unwrap();
        let mut diff = None;
        for line in readme.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let ended = scenario.line(line);
            if line.starts_with("pullcred sync") {
                diff = diff.or(ended.map(|ended| ended.data()));
            }
        }
        scenario.expect(
            "expected.diff",
            &diff.unwrap_or_else(|| panic!("{name}: its README does not run `sync`")),
        );
        scenario.expect("expected.new", &scenario.made());
        let before = scenario.tree.snapshot();
        for again in ["check --strict", "sync --exit-code", "sync --exit-code --identity TEST-ONLY.agekey"] {
            let ended = scenario.line(&format!("pullcred {again}")).unwrap();
            assert_eq!(before, scenario.tree.snapshot(), "{name}: {again}: {}", ended.messages());
        }
    }
    assert!(count >= 7, "{count} scenarios");
}
