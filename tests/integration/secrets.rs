//! The commands that make, open and keep Secrets, from outside: a small repository, its credentials, its keys.

mod accounts;
mod adopting;
mod clusters;
mod credentials;
mod files;
mod keys;
mod leaks;
mod merging;
mod tampering;
mod trouble;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sops_age::document::Encrypted;
use sops_age::identity::Identities;

use crate::support::{Ended, Entry, Snapshot, Tree, key_folder, run};

/// The user and password that most tests put into the environment.
pub const USER: (&str, &str) = ("ACR_USERNAME", "bot-4711");
pub const PASSWORD: (&str, &str) = ("ACR_PASSWORD", "s3cr3t-Pa55<&>wörd");
/// Both of them.
pub const BOTH: &[(&str, &str)] = &[USER, PASSWORD];
pub const NO_ONE: &[(&str, &str)] = &[];

/// Where the Secret of a namespace lies.
pub fn secret(namespace: &str) -> String {
    format!("clusters/prod/pull-secrets/{namespace}/acr-secret.sops.yaml")
}

/// A repository with a configuration and workloads in `shop` and `pay`.
pub struct Repo(pub Tree);

impl Repo {
    pub fn new() -> Self {
        Self::with(&configuration(
            "      credentials: [{env: {username: ACR_USERNAME, password: ACR_PASSWORD}}]\n",
        ))
    }

    pub fn with(configuration: &str) -> Self {
        let repo = Self(Tree::new());
        fs::create_dir(repo.path(".git")).unwrap();
        repo.write(".pullcred.yaml", configuration);
        repo.deploy("shop", "myregistry.azurecr.io/web:v1");
        repo.deploy("pay", "myregistry.azurecr.io/pay:v1");
        repo
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.root().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path}: no `{from}` in\n{text}");
        self.write(path, &text.replace(from, to));
    }

    /// A Deployment of that name in that namespace, in a file of its own.
    pub fn deploy(&self, namespace: &str, image: &str) {
        let manifest = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: {namespace}\nspec:\n  selector: {{}}\n  template:\n    spec:\n      imagePullSecrets:\n        - name: acr-secret\n      containers:\n        - name: web\n          image: {image}\n"
        );
        self.write(&format!("deploy/{namespace}.yaml"), &manifest);
    }

    pub fn command(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let mut command = self.0.pullcred_command();
        command.args(arguments).envs(environment.iter().copied());
        command
    }

    /// Runs the program; its status has to be the expected one.
    pub fn run(&self, status: i32, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        self.run_with(status, arguments, environment, b"")
    }

    pub fn run_with(
        &self,
        status: i32,
        arguments: &[&str],
        environment: &[(&str, &str)],
        stdin: &[u8],
    ) -> Ended {
        let ended = run(&mut self.command(arguments, environment), stdin);
        assert_eq!(ended.status, status, "{arguments:?}\n{}", ended.messages());
        ended
    }

    /// Runs the program, which must change nothing.
    pub fn idle(&self, status: i32, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let before = self.0.snapshot();
        let ended = self.run(status, arguments, environment);
        assert_eq!(changed(&before, &self.0.snapshot()), [""; 0], "{arguments:?}\n{}", ended.messages());
        ended
    }

    /// Runs the program and tells which files it changed, made or removed.
    pub fn changes(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
        let before = self.0.snapshot();
        self.run(0, arguments, environment);
        changed(&before, &self.0.snapshot())
    }

    /// What a Secret holds: user and password by registry key, as the test identity opens it.
    pub fn holds(&self, path: &str) -> BTreeMap<String, (String, String)> {
        let file = Encrypted::parse(&self.read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let documents = file.decrypt(&identity("age.txt")).unwrap_or_else(|error| panic!("{path}: {error}"));
        let auths = pullcred::objects::secret::auths(&documents[0]).unwrap();
        let entry = |credential: &pullcred::objects::dockerconfig::Credential| {
            (credential.username().to_owned(), credential.password().to_owned())
        };
        auths.0.iter().map(|(key, credential)| (key.clone(), entry(credential))).collect()
    }
}

/// A configuration with one secret, `acr-secret`, for the test recipient; `credentials` is the rest of its entry.
pub fn configuration(credentials: &str) -> String {
    format!(
        "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nspec:\n  secrets:\n    - name: acr-secret\n      registries: [myregistry.azurecr.io]\n{credentials}  targets:\n    - output: \"clusters/prod/pull-secrets/{{namespace}}/{{name}}.sops.yaml\"\n      recipients: [{}]\n",
        recipient("age.txt")
    )
}

/// A key of `crates/sops-age/fixtures/keys`.
pub fn key(name: &str) -> String {
    key_folder().join(name).display().to_string()
}

pub fn identity(name: &str) -> Identities {
    let mut identities = Identities::default();
    identities.add(&fs::read_to_string(key(name)).unwrap()).unwrap();
    identities
}

pub fn recipient(name: &str) -> String {
    identity(name).recipients().next().unwrap().to_owned()
}

/// The paths at which two snapshots differ.
pub fn changed(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let paths = before.keys().chain(after.keys());
    let mut paths: Vec<String> =
        paths.filter(|path| before.get(*path) != after.get(*path)).cloned().collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The files of a tree, `.git` included.
pub fn all_files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                files.push((path, bytes));
            }
        }
    }
    files
}

/// Whether something lies at a path.
pub fn is_there(snapshot: &Snapshot, path: &str) -> bool {
    matches!(snapshot.get(path), Some(Entry::File { .. }))
}
