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
    for namespace in ["shop", "pay"] {
        let told = format!(
            "{}:1:1: two branches changed `{namespace}/acr-secret`, and the merge was not finished [secret-damaged]",
            secret(namespace)
        );
        assert!(found.contains(&told), "{found}");
    }
    assert!(!found.contains("parse-error") && !found.contains("secret-not-shipped"), "told twice: {found}");
    // Nobody knows which side is right without the credentials.
    repo.idle(2, &["sync"], &[("SOPS_AGE_KEY_FILE", &*key("age.txt"))]);
    // Either side as a whole is a Secret that opens.
    git(&repo, 0, &["checkout", "-q", "--ours", &secret("pay")]);
    assert_eq!(repo.changes(&["sync"], BOTH), [secret("shop")]);
    repo.idle(0, &["sync"], BOTH);
    repo.idle(0, &["check"], &[("SOPS_AGE_KEY_FILE", &*key("age.txt"))]);
}

#[test]
fn what_is_not_ours_on_both_sides_is_not_written_over() {
    let repo = committed();
    for (branch, text) in [("left", "theirs: 1\n"), ("right", "ours: 2\n")] {
        git(&repo, 0, &["checkout", "-q", "-b", branch, "main"]);
        repo.write(&secret("shop"), text);
        commit(&repo, branch);
    }
    git(&repo, 1, &["merge", "-q", "--no-edit", "left"]);
    let before = repo.read(&secret("shop"));
    repo.run(2, &["sync"], BOTH);
    assert_eq!(repo.read(&secret("shop")), before);
}
