//! The ServiceAccounts `default` that are written on request.

use std::fs;

use super::{BOTH, NO_ONE, Repo, key, secret};

fn account(namespace: &str) -> String {
    format!("clusters/prod/pull-secrets/{namespace}/default.service-account.yaml")
}

/// Workloads in `shop`, as `default`, and `pay`, as `payer`; references go to ServiceAccounts.
fn repository() -> Repo {
    let repo = Repo::new();
    repo.replace(
        ".pullcred.yaml",
        "spec:\n",
        "spec:\n  inject: {into: serviceAccounts, defaultServiceAccount: true}\n",
    );
    let lists = "      imagePullSecrets:\n        - name: acr-secret\n";
    repo.replace("deploy/shop.yaml", lists, "");
    repo.replace("deploy/pay.yaml", lists, "      serviceAccountName: payer\n");
    repo.write(
        "deploy/payer.yaml",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: payer, namespace: pay}\n",
    );
    repo
}

#[test]
fn one_is_written_where_pods_need_it_and_none_is_there() {
    let repo = repository();
    repo.write("clusters/prod/kustomization.yaml", "resources: []\n");
    let found = repo.idle(1, &["check"], NO_ONE).data();
    assert!(
        found.contains("ServiceAccount `shop/default` is not in the repository to take pull secret `acr-secret` [service-account-missing]"),
        "{found}"
    );
    repo.idle(1, &["sync", "--dry-run", "--exit-code"], BOTH);
    let kustomization = "clusters/prod/kustomization.yaml".to_owned();
    let written = [
        kustomization.clone(),
        secret("pay"),
        secret("shop"),
        account("shop"),
        "deploy/payer.yaml".to_owned(),
    ];
    let mut written = written.to_vec();
    written.sort();
    assert_eq!(repo.changes(&["sync"], BOTH), written);
    assert_eq!(
        repo.read(&account("shop")),
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: default\n  namespace: shop\n  labels:\n    app.kubernetes.io/managed-by: pullcred\nimagePullSecrets:\n  - name: acr-secret\n"
    );
    assert_eq!(
        repo.read(&kustomization),
        "resources: [pull-secrets/pay/acr-secret.sops.yaml, pull-secrets/shop/acr-secret.sops.yaml, pull-secrets/shop/default.service-account.yaml]\n"
    );
    repo.idle(0, &["sync", "--exit-code"], BOTH);
    repo.idle(0, &["sync", "--exit-code", "-i", &key("age.txt")], NO_ONE);
    repo.idle(0, &["check", "--strict"], NO_ONE);
}

#[test]
fn what_is_added_to_one_stays_and_what_it_lacks_is_added() {
    let repo = repository();
    repo.run(0, &["sync"], BOTH);
    let text = repo.read(&account("shop"));
    let more = text
        .replace("  labels:\n", "  annotations: {argocd.argoproj.io/sync-wave: \"-1\"} # first\n  labels:\n");
    let more = more.replace("imagePullSecrets:\n", "imagePullSecrets:\n  - name: mine\n");
    repo.write(&account("shop"), &more);
    repo.idle(0, &["sync", "--exit-code"], BOTH);
    repo.replace(
        ".pullcred.yaml",
        "  targets:\n",
        "    - {name: hub, registries: [docker.io], credentials: [{env: {username: ACR_USERNAME, password: ACR_PASSWORD}}]}\n  targets:\n",
    );
    repo.replace(
        "deploy/shop.yaml",
        "      containers:\n",
        "      containers:\n        - {name: side, image: nginx}\n",
    );
    let hub = secret("shop").replace("acr-secret", "hub");
    let mut expected = [account("shop"), hub];
    expected.sort();
    assert_eq!(repo.changes(&["sync"], BOTH), expected);
    assert_eq!(repo.read(&account("shop")), format!("{more}  - name: hub\n"));
}

#[test]
fn ours_goes_when_nothing_needs_it_or_somebody_has_their_own() {
    let repo = repository();
    repo.run(0, &["sync"], BOTH);
    // A ServiceAccount of somebody: the pull secret goes there, and ours makes way.
    let own = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: shop}\n";
    repo.write("deploy/default.yaml", own);
    let found = repo.idle(1, &["check"], NO_ONE).data();
    assert!(
        found.contains("ServiceAccount `shop/default` is not wanted here any more [secret-unneeded]"),
        "{found}"
    );
    assert_eq!(repo.changes(&["sync"], BOTH), [account("shop"), "deploy/default.yaml".to_owned()]);
    assert!(!repo.path(&account("shop")).exists());
    assert_eq!(repo.read("deploy/default.yaml"), format!("{own}imagePullSecrets:\n  - name: acr-secret\n"));
    repo.idle(0, &["sync", "--exit-code"], BOTH);
    // It goes again, ours comes back, and goes with the workload; one without our label stays.
    fs::remove_file(repo.path("deploy/default.yaml")).unwrap();
    assert_eq!(repo.changes(&["sync"], BOTH), [account("shop")]);
    repo.write(&account("old"), &repo.read(&account("shop")).replace("shop", "old"));
    let foreign =
        repo.read(&account("shop")).replace("managed-by: pullcred", "managed-by: me").replace("shop", "mine");
    repo.write(&account("mine"), &foreign);
    fs::remove_file(repo.path("deploy/shop.yaml")).unwrap();
    assert_eq!(repo.changes(&["sync"], BOTH), [account("old"), secret("shop"), account("shop")]);
    assert!(repo.path(&account("mine")).exists());
}

#[test]
fn each_target_has_its_own_and_a_place_that_is_taken_is_told() {
    let repo = repository();
    repo.replace(".pullcred.yaml", "    - output:", "    - paths: [deploy]\n      output:");
    repo.replace(
        ".pullcred.yaml",
        "  targets:\n",
        &format!(
            "  targets:\n    - {{paths: [edge], output: \"edge/keys/{{namespace}}-{{name}}.yaml.age\", format: age, recipients: [{}]}}\n",
            super::recipient("age.txt")
        ),
    );
    let edge = "edge/keys/shop-default.service-account.yaml".to_owned();
    repo.write("edge/web.yaml", &repo.read("deploy/shop.yaml"));
    let changes = repo.changes(&["sync"], BOTH);
    assert!(changes.contains(&edge) && changes.contains(&account("shop")), "{changes:?}");
    repo.idle(0, &["sync", "--exit-code"], BOTH);
    // The one of the other cluster's folder is none of this cluster's.
    repo.write(
        "edge/default.yaml",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: shop}\n",
    );
    assert_eq!(repo.changes(&["sync"], BOTH), ["edge/default.yaml".to_owned(), edge]);
    repo.write(&account("shop"), "kind: ConfigMap\napiVersion: v1\n");
    let told = repo.idle(2, &["sync"], BOTH).messages();
    assert!(
        told.contains("something is where ServiceAccount `shop/default` belongs [output-occupied]"),
        "{told}"
    );
}

#[test]
fn namespaces_that_always_get_everything_get_one_too() {
    let repo = repository();
    repo.replace(
        ".pullcred.yaml",
        "  targets:\n",
        "  namespaces: {always: [infra], exclude: [shop]}\n  targets:\n",
    );
    // Git, and so the scan, may not know the folder.
    repo.write(".gitignore", "clusters/\n");
    repo.run(0, &["sync"], BOTH);
    assert!(repo.read(&account("infra")).ends_with("imagePullSecrets:\n  - name: acr-secret\n"));
    assert!(!repo.path(&account("shop")).exists() && !repo.path(&account("pay")).exists());
    repo.idle(0, &["sync", "--exit-code"], BOTH);
    // Secrets alone are no ServiceAccounts.
    fs::remove_file(repo.path(&account("infra"))).unwrap();
    repo.idle(0, &["encrypt"], BOTH);
}

/// A pod spec with a list of its own loses nothing that its images need, whatever the ServiceAccount lists for other pods.
#[test]
fn lists_in_pods_and_in_the_service_account_get_along() {
    let repo = repository();
    repo.replace(".pullcred.yaml", "into: serviceAccounts", "into: both");
    repo.replace(
        ".pullcred.yaml",
        "  targets:\n",
        "    - {name: hub, registries: [docker.io], credentials: [{env: {username: ACR_USERNAME, password: ACR_PASSWORD}}]}\n  targets:\n",
    );
    let other = repo
        .read("deploy/shop.yaml")
        .replace("name: web", "name: side")
        .replace("myregistry.azurecr.io/web:v1", "nginx");
    repo.write("deploy/side.yaml", &other);
    repo.run(0, &["sync"], BOTH);
    let listed = repo.read(&account("shop"));
    assert!(listed.ends_with("imagePullSecrets:\n  - name: acr-secret\n  - name: hub\n"), "{listed}");
    assert!(!repo.read("deploy/side.yaml").contains("acr-secret"));
    repo.idle(0, &["sync", "--exit-code", "--strict"], BOTH);
    repo.idle(0, &["check", "--strict"], NO_ONE);
}
