//! `quickstart`: what a newcomer gets, and that everything it tells them to try works.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{Ended, Entry, Snapshot, Tree, run, snapshot, words};

/// A tree with the repository that `quickstart` writes, what it said, and the repository's folder.
fn quickstart() -> (Tree, Ended, PathBuf) {
    let tree = Tree::new();
    let ended = tree.pullcred(["quickstart", "sample"]);
    assert_eq!(ended.status, 0, "{}", ended.messages());
    let folder = tree.path("sample");
    (tree, ended, folder)
}

/// Runs a command of a shell line, which may set variables first, in the folder.
fn line(tree: &Tree, folder: &PathBuf, line: &str) -> Ended {
    let words = words(line);
    let variables =
        words.iter().take_while(|word| word.split_once('=').is_some_and(|(name, _)| !name.contains('-')));
    let variables: Vec<(&str, &str)> = variables.filter_map(|word| word.split_once('=')).collect();
    let mut command: Command = tree.pullcred_command();
    assert_eq!(words[variables.len()], "pullcred", "{line}");
    command.current_dir(folder).envs(variables.iter().copied()).args(&words[variables.len() + 1..]);
    run(&mut command, b"")
}

fn text(files: &Snapshot, path: &str) -> String {
    match files.get(path) {
        Some(Entry::File { bytes, .. }) => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn it_leaves_a_repository_with_nothing_to_do() {
    let (tree, ended, folder) = quickstart();
    let files = snapshot(&folder);
    assert!(
        ended.data().contains("+      imagePullSecrets:\n+        - name: registry\n"),
        "{}",
        ended.data()
    );
    for namespace in ["production", "staging"] {
        let secret = text(&files, &format!("overlays/{namespace}/registry.sops.yaml"));
        assert!(
            secret.contains(&format!("namespace: {namespace}\n")) && secret.contains("ENC[AES256_GCM"),
            "{secret}"
        );
        assert!(
            text(&files, &format!("overlays/{namespace}/kustomization.yaml"))
                .contains("- registry.sops.yaml\n")
        );
    }
    assert!(text(&files, ".pullcred.yaml").contains("- age1"), "the recipient is missing");
    let check = line(&tree, &folder, "pullcred check --strict");
    assert_eq!(check.status, 0, "{}", check.messages());
    let again = line(&tree, &folder, "pullcred sync --identity age.agekey --exit-code");
    assert_eq!(again.status, 0, "{}", again.messages());
    assert_eq!(files, snapshot(&folder));
}

#[test]
fn the_identity_is_for_its_owner_only() {
    let (_tree, ended, folder) = quickstart();
    let files = snapshot(&folder);
    let identity = text(&files, "age.agekey");
    let key = identity.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap();
    assert!(!ended.messages().contains(key) && !ended.data().contains(key));
    for (path, _) in files.iter().filter(|(path, _)| *path != "age.agekey") {
        assert!(!text(&files, path).contains(key), "{path}");
        assert!(!text(&files, path).contains("made-up-by-quickstart"), "{path}");
    }
    assert!(text(&files, ".gitignore").lines().any(|line| line == "*.agekey"));
    #[cfg(unix)]
    assert!(matches!(files["age.agekey"], Entry::File { mode, .. } if mode & 0o777 == 0o600));
    let (_tree, _, other) = quickstart();
    assert_ne!(identity, text(&snapshot(&other), "age.agekey"), "every repository has a key of its own");
}

/// The commands of its README and those that it prints last.
#[test]
fn what_it_tells_to_try_works() {
    let (tree, ended, folder) = quickstart();
    let readme = text(&snapshot(&folder), "README.md");
    let (_, printed) = ended
        .messages()
        .split_once("\nnext, in sample:\n")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let printed = printed
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .map(|line| line.split("   (").next().unwrap());
    let mut tried = 0;
    // The last one of the README changes something.
    for told in printed.chain(readme.lines().filter_map(|line| line.strip_prefix("$ "))) {
        // Those of others are run in e2e/quickstart.sh, and `init` is for other repositories.
        if told.contains("sops decrypt") || told.starts_with("kustomize") || told == "pullcred init" {
            continue;
        }
        let before = snapshot(&folder);
        let ended = line(&tree, &folder, told);
        assert_eq!(ended.status, 0, "{told}: {}", ended.messages());
        let changes = told.starts_with("SAMPLE_USERNAME=");
        assert_eq!(before != snapshot(&folder), changes, "{told}");
        tried += 1;
    }
    assert_eq!(tried, 9, "{readme}");
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let tree = Tree::with("sample/notes.txt", "mine");
    tree.write("file", "mine");
    fs::create_dir(tree.path("empty")).unwrap();
    let before = tree.snapshot();
    for folder in ["sample", ".", "file", "file/below"] {
        let ended = tree.pullcred(["quickstart", folder]);
        assert_eq!(ended.status, 2, "{folder}");
        assert_eq!(before, tree.snapshot(), "{folder}");
    }
    assert!(tree.pullcred(["quickstart", "sample"]).messages().contains("is not empty\nhint: "));
    let quiet = tree.pullcred(["quickstart", "-q", "empty"]);
    assert_eq!((quiet.status, quiet.messages(), quiet.data()), (0, String::new(), String::new()));
    assert!(tree.path("empty/overlays/staging/registry.sops.yaml").exists());
}
