//! What Git's merges make of encrypted Secrets, with real branches.

use std::fs;

use super::{BOTH, Repo, key, secret};
use crate::support::run;

/// Runs git and expects this status.
fn git(repo: &Repo, status: i32, arguments: &[&str]) {
    let mut command = repo.0.command("git");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(arguments);
    let ended = run(&mut command, &[]);
    assert_eq!(ended.status, status, "{arguments:?}: {}{}", ended.data(), ended.messages());
}

fn commit(repo: &Repo, message: &str) {
    git(repo, 0, &["add", "-A"]);
    git(repo, 0, &["commit", "-q", "-m", message]);
}

/// A repository whose Secrets are written and committed on branch `main`.
fn committed() -> Repo {
    let repo = Repo::new();
    fs::remove_dir(repo.path(".git")).unwrap();
    git(&repo, 0, &["init", "-q", "-b", "main"]);
    repo.run(0, &["sync"], BOTH);
    commit(&repo, "first");
    repo
}

#[test]
fn branches_that_each_add_a_namespace_merge_without_touching_a_secret() {
    let repo = committed();
    for namespace in ["left", "right"] {
        git(&repo, 0, &["checkout", "-q", "-b", namespace, "main"]);
        repo.deploy(namespace, "myregistry.azurecr.io/web:v1");
        assert_eq!(
            repo.changes(&["sync"], BOTH).iter().filter(|path| path.ends_with(".sops.yaml")).count(),
            1
        );
        commit(&repo, namespace);
    }
    git(&repo, 0, &["merge", "-q", "--no-edit", "left"]);
    repo.idle(0, &["sync", "--exit-code"], BOTH);
    repo.idle(0, &["check"], &[("SOPS_AGE_KEY_FILE", &*key("age.txt"))]);
}

#[test]
fn a_merge_of_one_secret_that_was_left_unfinished_is_named_and_mended() {
    let repo = committed();
    for branch in ["left", "right"] {
        git(&repo, 0, &["checkout", "-q", "-b", branch, "main"]);
        repo.run(0, &["encrypt", "--force"], BOTH);
        commit(&repo, branch);
    }
    git(&repo, 1, &["merge", "-q", "--no-edit", "left"]);
    let found = repo.idle(1, &["check"], &[]).data();
    let named =
        format!("{}:3:1: conflict markers: a merge was not finished here [parse-error]", secret("shop"));
    assert!(found.contains(&named), "{found}");
    // Either side as a whole is a Secret that opens.
    git(&repo, 0, &["checkout", "-q", "--ours", &secret("pay")]);
    assert_eq!(repo.changes(&["encrypt", "--force"], BOTH), [secret("pay"), secret("shop")]);
    repo.idle(0, &["check"], &[("SOPS_AGE_KEY_FILE", &*key("age.txt"))]);
}
