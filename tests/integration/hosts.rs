//! What hosts rely on: the environment that Argo CD sets, the name that kubectl calls, the answer of a KRM function.

use std::fs;
use std::path::Path;

use crate::support::{Tree, fixtures, run};

/// A copy of the sample repository.
fn shop() -> Tree {
    let tree = Tree::new();
    for name in [".pullcred.yaml", "deploy/kustomization.yaml", "deploy/web.yaml", "deploy/batch.yaml"] {
        let to = tree.root().join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(fixtures("hosts/in").join(name), to).unwrap();
    }
    tree
}

#[test]
fn a_repository_without_git_has_the_root_that_argo_cd_tells() {
    let tree = shop();
    let mut command = tree.pullcred_command();
    let ended = run(command.args(["generate", "."]).current_dir(tree.root().join("deploy")), b"");
    assert!(
        !String::from_utf8(ended.stdout).unwrap().contains("acr-secret"),
        "there is a `.git` above the test"
    );
    for path in ["deploy", "./deploy/", "other/deploy"] {
        let mut command = tree.pullcred_command();
        command.args(["generate", "."]).current_dir(tree.root().join("deploy"));
        let ended = run(command.env("ARGOCD_APP_SOURCE_PATH", path), b"");
        assert_eq!(ended.status, 0, "{}", ended.messages());
        let found = String::from_utf8(ended.stdout).unwrap().contains("acr-secret");
        assert_eq!(found, path != "other/deploy", "{path}");
    }
}

#[test]
fn what_names_no_namespace_goes_where_argo_cd_deploys_it() {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: shop}\nimagePullSecrets: [{name: old}]\n---\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  serviceAccountName: a\n  containers: [{name: a, image: a}]\n";
    let tree = Tree::new();
    let stream = format!("{account}{pod}");
    fs::write(tree.root().join("all.yaml"), &stream).unwrap();
    for (destination, shadowed) in [("shop", true), ("other", false), ("", false)] {
        for path in ["-", "all.yaml"] {
            let mut command = tree.pullcred_command();
            command.args(["generate", path, "--secret", "new"]).env("ARGOCD_APP_NAMESPACE", destination);
            let ended = run(&mut command, stream.as_bytes());
            let names = if shadowed { "    - name: old\n    - name: new\n" } else { "s:\n    - name: new\n" };
            let stdout = String::from_utf8(ended.stdout).unwrap();
            assert!(stdout.contains(names), "`{destination}`, {path}: {stdout}");
        }
    }
}

#[cfg(unix)]
#[test]
fn kubectl_finds_it_as_a_plugin() {
    let tree = shop();
    let plugin = tree.root().join("kubectl-pullcred");
    std::os::unix::fs::symlink(Path::new(env!("CARGO_BIN_EXE_pullcred")), &plugin).unwrap();
    let help = run(tree.command(&plugin).args(["check", "--help"]), b"");
    assert!(String::from_utf8(help.stdout).unwrap().contains("Usage: kubectl pullcred check"));
    let ended = run(tree.command(&plugin).arg("check"), b"");
    assert_eq!(ended.status, 1, "{}", ended.messages());
    let help = run(tree.pullcred_command().args(["check", "--help"]), b"");
    assert!(String::from_utf8(help.stdout).unwrap().contains("Usage: pullcred check"));
}

#[test]
fn a_function_fails_with_1_and_says_why() {
    let tree = Tree::new();
    let head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig: {apiVersion: pullcred.dev/v1alpha1, \
        kind: PullCredentials, spec: {secrets: [{name: r}]}}\nitems:\n";
    let pod = "- {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {imagePullSecrets: {no: list}, containers: [{name: a, image: a}]}}\n";
    let ended = run(tree.pullcred_command().arg("fn"), format!("{head}{pod}").as_bytes());
    assert_eq!(ended.status, 1, "{}", ended.messages());
    assert!(ended.messages().contains("[edit-refused]"), "{}", ended.messages());
    let stdout = String::from_utf8(ended.stdout).unwrap();
    assert!(stdout.starts_with("results:\n- {"), "{stdout}");
    assert!(stdout.contains("\"severity\":\"error\"") && stdout.ends_with(pod), "{stdout}");
    let ended = run(tree.pullcred_command().arg("fn"), b"kind: Pod\n");
    assert_eq!((ended.status, ended.stdout.len()), (1, 0), "{}", ended.messages());
}
