//! Which files are written, left alone and removed.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use super::{BOTH, NO_ONE, PASSWORD, Repo, USER, changed, configuration, is_there, key, recipient, secret};

#[test]
fn what_did_not_change_is_not_touched() {
    let repo = Repo::new();
    let identity = ("SOPS_AGE_KEY_FILE", &*key("age.txt"));
    assert_eq!(repo.changes(&["sync"], BOTH), [secret("pay"), secret("shop")]);
    let expected = [("myregistry.azurecr.io".to_owned(), (USER.1.to_owned(), PASSWORD.1.to_owned()))].into();
    assert_eq!(repo.holds(&secret("shop")), expected);
    // By what this clone remembers.
    let told = repo.idle(0, &["sync", "--exit-code"], BOTH).messages();
    assert_eq!(told, "0 pull secrets added; 0 Secrets written, 0 removed, 2 unchanged\n");
    // By an identity, with credentials and without.
    fs::remove_dir_all(repo.path(".git/pullcred")).unwrap();
    repo.idle(0, &["sync", "--exit-code"], &[identity]);
    fs::remove_dir_all(repo.path(".git/pullcred")).unwrap();
    repo.idle(0, &["sync", "--exit-code"], &[identity, USER, PASSWORD]);
    // By what the identity made this clone know.
    repo.idle(0, &["sync", "--exit-code"], BOTH);
    // By nothing at all.
    fs::remove_dir_all(repo.path(".git/pullcred")).unwrap();
    let told = repo.idle(0, &["sync", "--exit-code", "-v"], BOTH).messages();
    assert_eq!(told.matches("[secret-unverified]").count(), 2, "{told}");
    repo.idle(0, &["sync", "--exit-code", "--strict"], BOTH);
}

#[test]
fn another_password_changes_every_secret_that_carries_it_and_no_other() {
    let two = "      credentials: [{env: {username: ACR_USERNAME, password: ACR_PASSWORD}}]\n    - name: hub\n      registries: [docker.io]\n      credentials: [{env: {username: HUB_USERNAME, password: HUB_PASSWORD}}]\n";
    let repo = Repo::with(&configuration(two));
    repo.deploy("web", "nginx:1");
    let hub = "clusters/prod/pull-secrets/web/hub.sops.yaml".to_owned();
    let first = [USER, PASSWORD, ("HUB_USERNAME", "h"), ("HUB_PASSWORD", "one")];
    assert_eq!(repo.changes(&["encrypt"], &first), [secret("pay"), secret("shop"), hub.clone()]);
    assert_eq!(repo.holds(&hub).into_keys().collect::<Vec<_>>(), ["https://index.docker.io/v1/"]);
    let second = [USER, PASSWORD, ("HUB_USERNAME", "h"), ("HUB_PASSWORD", "two")];
    assert_eq!(repo.changes(&["encrypt"], &second), std::slice::from_ref(&hub));
    // The other way round by an identity, in a clone that remembers nothing.
    fs::remove_dir_all(repo.path(".git/pullcred")).unwrap();
    let arguments = ["encrypt", "--identity", &key("age.txt")];
    assert_eq!(repo.changes(&arguments, &first), std::slice::from_ref(&hub));
    assert_eq!(repo.holds(&hub)["https://index.docker.io/v1/"].1, "one");
    // Without any knowledge nothing is rewritten, unless it has to be.
    fs::remove_dir_all(repo.path(".git/pullcred")).unwrap();
    repo.idle(0, &["encrypt"], &second);
    assert_eq!(repo.changes(&["encrypt", "--force"], &second), [secret("pay"), secret("shop"), hub]);
}

#[test]
fn an_older_version_checked_out_is_not_taken_for_the_current_one() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let old = repo.read(&secret("shop"));
    let new = [USER, ("ACR_PASSWORD", "new")];
    assert_eq!(repo.changes(&["sync"], &new).len(), 2);
    repo.write(&secret("shop"), &old);
    assert_eq!(repo.changes(&["sync"], &new), [secret("shop")]);
    // And back to the old password the old version is right.
    repo.write(&secret("shop"), &old);
    assert_eq!(repo.changes(&["sync"], BOTH), [secret("pay")]);
}

#[test]
fn worktrees_share_what_is_known_and_submodules_have_their_own() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let tree = Repo::new();
    let own = repo.path(".git/worktrees/w");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("commondir"), "../..\n").unwrap();
    fs::remove_dir(tree.path(".git")).unwrap();
    tree.write(".git", &format!("gitdir: {}\n", own.display()));
    for namespace in ["shop", "pay"] {
        tree.write(&secret(namespace), &repo.read(&secret(namespace)));
    }
    let told = tree.idle(0, &["sync"], BOTH).messages();
    assert!(!told.contains("verify"), "{told}");
    let module = Repo::new();
    let folder = module.path("deploy/../modules");
    fs::create_dir(&folder).unwrap();
    fs::remove_dir(module.path(".git")).unwrap();
    module.write(".git", "gitdir: modules\n");
    module.run(0, &["sync"], BOTH);
    assert!(module.path("modules/pullcred/written").exists());
    module.idle(0, &["sync"], BOTH);
}

#[test]
fn what_nothing_needs_is_removed_with_its_entry_and_its_folder() {
    let repo = Repo::new();
    repo.write("clusters/prod/kustomization.yaml", "# ours\nresources:\n  - other.yaml\n");
    repo.run(0, &["sync"], BOTH);
    let listed = "# ours\nresources:\n  - other.yaml\n  - pull-secrets/pay/acr-secret.sops.yaml\n  - pull-secrets/shop/acr-secret.sops.yaml\n";
    assert_eq!(repo.read("clusters/prod/kustomization.yaml"), listed);
    let foreign = "clusters/prod/pull-secrets/pay/mine.sops.yaml";
    repo.write(foreign, &repo.read(&secret("pay")).replace("managed-by: pullcred", "managed-by: me"));
    fs::remove_file(repo.path("deploy/pay.yaml")).unwrap();
    let told = repo.idle(1, &["check", "--strict"], NO_ONE);
    assert!(String::from_utf8_lossy(&told.stdout).contains("[secret-unneeded]"));
    repo.idle(0, &["encrypt"], NO_ONE);
    repo.idle(0, &["sync", "--dry-run"], NO_ONE);
    let kustomization = "clusters/prod/kustomization.yaml".to_owned();
    assert_eq!(repo.changes(&["sync"], NO_ONE), [kustomization.clone(), secret("pay")]);
    assert_eq!(repo.read(&kustomization), listed.replace("  - pull-secrets/pay/acr-secret.sops.yaml\n", ""));
    assert!(is_there(&repo.0.snapshot(), foreign), "it is not ours");
    // A renamed secret and a moved target take everything along.
    repo.replace(".pullcred.yaml", "name: acr-secret", "name: azure");
    repo.replace(".pullcred.yaml", "pull-secrets/{namespace}", "keys/{namespace}");
    repo.deploy("shop", "myregistry.azurecr.io/web:v2");
    let changes = repo.changes(&["sync"], BOTH);
    let moved = "clusters/prod/keys/shop/azure.sops.yaml".to_owned();
    assert_eq!(changes, [moved, kustomization.clone(), secret("shop"), "deploy/shop.yaml".to_owned()]);
    assert_eq!(
        repo.read(&kustomization),
        "# ours\nresources:\n  - other.yaml\n  - keys/shop/azure.sops.yaml\n"
    );
}

#[test]
fn nothing_is_removed_while_a_file_cannot_be_read() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    repo.replace("deploy/pay.yaml", "  namespace: pay\n", "  namespace: pay\n\t- broken\n");
    let told = repo.idle(2, &["sync"], BOTH).messages();
    assert!(told.contains("was kept: `deploy/pay.yaml` cannot be read"), "{told}");
    assert!(repo.path(&secret("pay")).exists());
}

#[test]
fn a_run_over_a_part_writes_and_removes_only_there() {
    let repo = Repo::new();
    assert_eq!(repo.changes(&["sync", "deploy/shop.yaml"], BOTH), [secret("shop")]);
    fs::remove_file(repo.path("deploy/shop.yaml")).unwrap();
    assert_eq!(repo.changes(&["sync", "deploy"], BOTH), [secret("pay")]);
    assert_eq!(repo.changes(&["sync", "clusters"], BOTH), [secret("shop")]);
}

#[test]
fn flags_and_repositories_without_configuration_have_no_secrets() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    assert_eq!(repo.changes(&["sync", "--secret", "other=quay.io"], BOTH), [""; 0]);
    fs::remove_file(repo.path(".pullcred.yaml")).unwrap();
    repo.idle(0, &["sync"], BOTH);
    repo.idle(0, &["encrypt"], BOTH);
}

#[test]
fn a_file_that_is_not_ours_is_not_overwritten() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let ours = repo.read(&secret("shop"));
    for (foreign, adoptable) in [
        ("apiVersion: v1\nkind: ConfigMap\n".to_owned(), false),
        (format!("{ours}---\n{ours}"), false),
        (ours.replace("managed-by: pullcred", "managed-by: me"), true),
        (
            ours.replace("managed-by: pullcred", "managed-by: me").replace("namespace: shop", "namespace: x"),
            false,
        ),
    ] {
        repo.write(&secret("shop"), &foreign);
        let told = repo.idle(2, &["encrypt"], BOTH).messages();
        assert!(told.contains("[output-occupied]"), "{told}");
        if adoptable {
            assert_eq!(repo.changes(&["encrypt", "--force"], BOTH), [secret("pay"), secret("shop")]);
        } else {
            repo.run(2, &["encrypt", "--force"], BOTH);
            assert_eq!(repo.read(&secret("shop")), foreign);
        }
    }
    fs::remove_file(repo.path(&secret("shop"))).unwrap();
    fs::create_dir(repo.path(&secret("shop"))).unwrap();
    repo.idle(2, &["encrypt"], BOTH);
}

#[test]
fn a_file_that_was_changed_by_hand_is_damaged() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let good = repo.read(&secret("shop"));
    let identity = [("SOPS_AGE_KEY_FILE", &*key("age.txt"))];
    let data = good.lines().find(|line| line.contains("dockerconfigjson: ENC")).unwrap();
    let other = repo
        .read(&secret("pay"))
        .lines()
        .find(|line| line.contains("dockerconfigjson: ENC"))
        .unwrap()
        .to_owned();
    for (from, to) in [
        ("managed-by: pullcred", "managed-by: pullcred\n        extra: x"),
        (data, &*other),
        ("-----BEGIN AGE ENCRYPTED FILE-----\n", "-----BEGIN AGE ENCRYPTED FILE-----\n            AAAA\n"),
        ("lastmodified: \"2", "lastmodified: \"3"),
    ] {
        repo.write(&secret("shop"), &good.replacen(from, to, 1));
        let told = repo.idle(2, &["sync"], &identity).messages();
        assert!(told.contains("[secret-damaged]"), "{from}: {told}");
        let found = repo.idle(1, &["check"], &identity);
        assert!(String::from_utf8_lossy(&found.stdout).contains("[secret-damaged]"), "{from}");
        repo.idle(2, &["show", &secret("shop")], &identity);
    }
    assert_eq!(repo.changes(&["encrypt", "--force"], BOTH), [secret("pay"), secret("shop")]);
    repo.idle(0, &["sync"], &identity);
}

#[test]
fn one_that_was_decrypted_in_place_is_encrypted_again() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let shown = repo.run(0, &["show", "--reveal", &secret("shop"), "--identity", &key("age.txt")], NO_ONE);
    fs::write(repo.path(&secret("shop")), &shown.stdout).unwrap();
    assert_eq!(repo.changes(&["sync"], NO_ONE), [secret("shop")]);
    assert_eq!(repo.holds(&secret("shop")).len(), 1);
}

#[test]
fn labels_and_annotations_that_somebody_added_stay() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let shown = repo.run(0, &["show", "--reveal", &secret("shop"), "--identity", &key("age.txt")], NO_ONE);
    let text = String::from_utf8(shown.stdout).unwrap();
    let text = text.replace(
        "    labels:\n",
        "    annotations:\n        argocd.argoproj.io/sync-wave: \"-1\"\n    labels:\n        a.team: shop\n",
    );
    repo.write(&secret("shop"), &text);
    repo.run(0, &["sync"], BOTH);
    repo.run(0, &["sync"], &[USER, ("ACR_PASSWORD", "new")]);
    let text = repo.read(&secret("shop"));
    assert!(text.contains("argocd.argoproj.io/sync-wave: \"-1\"") && text.contains("a.team: shop"), "{text}");
}

#[test]
fn age_files_show_nothing_and_are_kept_all_the_same() {
    let repo = Repo::new();
    repo.replace(".pullcred.yaml", ".sops.yaml\"", ".yaml.age\"\n      format: age");
    repo.write("clusters/prod/kustomization.yaml", "resources: []\n");
    let path = |namespace: &str| secret(namespace).replace(".sops.yaml", ".yaml.age");
    assert_eq!(repo.changes(&["sync"], BOTH), [path("pay"), path("shop")]);
    let text = repo.read(&path("shop"));
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n") && !text.contains("shop"));
    let identity = [("SOPS_AGE_KEY_FILE", &*key("age.txt"))];
    repo.idle(0, &["sync"], BOTH);
    repo.idle(0, &["sync"], &identity);
    // They are shipped, whoever looks.
    repo.idle(0, &["check"], NO_ONE);
    repo.idle(0, &["check"], &identity);
    fs::remove_dir_all(repo.path(".git/pullcred")).unwrap();
    repo.idle(0, &["check"], NO_ONE);
    repo.idle(0, &["sync"], &[identity[0], USER, PASSWORD]);
    assert_eq!(repo.changes(&["sync"], &[USER, ("ACR_PASSWORD", "new")]), [path("pay"), path("shop")]);
    // Another recipient is known by the clone, and by an identity.
    repo.replace(
        ".pullcred.yaml",
        "recipients: [",
        &format!("recipients: [{}, ", recipient("age-second.txt")),
    );
    let found = repo.idle(1, &["check"], &identity);
    assert!(String::from_utf8_lossy(&found.stdout).contains("is not encrypted for"));
    assert_eq!(repo.changes(&["updatekeys"], &identity), [path("pay"), path("shop")]);
    repo.idle(0, &["sync"], &[("SOPS_AGE_KEY_FILE", &*key("age-second.txt"))]);
    assert_eq!(repo.changes(&["rotate"], &identity), [path("pay"), path("shop")]);
    // Nobody can tell without a key or a memory.
    fs::remove_file(repo.path("deploy/pay.yaml")).unwrap();
    let memory = repo.path(".git/pullcred");
    fs::rename(&memory, repo.path(".git/away")).unwrap();
    let told = repo.idle(0, &["sync", "-v"], BOTH).messages();
    assert!(told.contains("[secret-unverified]"), "{told}");
    fs::remove_dir_all(&memory).unwrap();
    fs::rename(repo.path(".git/away"), &memory).unwrap();
    assert_eq!(repo.changes(&["sync"], &identity), [path("pay")]);
    let shown = repo.run(0, &["generate", "--decrypt", "clusters"], &identity).stdout;
    assert!(String::from_utf8_lossy(&shown).contains("namespace: shop"));
    // The target becomes a SOPS target: the age file goes.
    repo.replace(".pullcred.yaml", ".yaml.age\"\n      format: age", ".sops.yaml\"");
    let kustomization = "clusters/prod/kustomization.yaml".to_owned();
    let both = [USER, PASSWORD, ("SOPS_AGE_KEY_FILE", &*key("age.txt"))];
    assert_eq!(repo.changes(&["sync"], &both), [kustomization, secret("shop"), path("shop")]);
}

#[test]
fn the_kustomization_of_another_namespace_lists_nothing() {
    let repo = Repo::new();
    repo.write("clusters/prod/kustomization.yaml", "namespace: shop\n");
    let told = repo.run(2, &["sync"], BOTH).messages();
    assert_eq!(
        repo.read("clusters/prod/kustomization.yaml"),
        "namespace: shop\nresources:\n  - pull-secrets/shop/acr-secret.sops.yaml\n"
    );
    assert!(told.contains("cannot list a Secret of `pay`"), "{told}");
}

#[test]
fn two_runs_at_once_do_not_interleave() {
    let repo = Repo::new();
    for number in 0..40 {
        repo.deploy(&format!("n{number}"), "myregistry.azurecr.io/web:v1");
    }
    let children: Vec<_> =
        (0..4).map(|_| repo.command(&["sync", "-q"], BOTH).stderr(Stdio::null()).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    repo.idle(0, &["sync"], BOTH);
    let wrote = fs::read_to_string(repo.path(".git/pullcred/written")).unwrap();
    assert_eq!(wrote.lines().count(), 42, "each Secret was written once");
}

#[test]
fn an_interrupted_run_leaves_whole_files() {
    let repo = Repo::new();
    for number in 0..60 {
        repo.deploy(&format!("n{number}"), "myregistry.azurecr.io/web:v1");
    }
    for pause in [1, 5, 10, 20, 40, 80, 160] {
        let mut child = repo.command(&["sync", "-q"], BOTH).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        let _ = child.kill();
        child.wait().unwrap();
        for (path, bytes) in super::all_files(repo.0.root()) {
            let text = String::from_utf8_lossy(&bytes);
            let is_secret =
                path.extension().is_some_and(|ending| ending == "yaml") && text.contains("kind: Secret");
            assert!(!is_secret || text.ends_with("version: 3.13.3\n"), "{} is cut short", path.display());
        }
    }
    repo.run(0, &["sync"], BOTH);
    repo.idle(0, &["sync"], BOTH);
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_the_repository() {
    let repo = Repo::new();
    let outside = Repo::new();
    fs::create_dir(repo.path("clusters")).unwrap();
    crate::support::link(outside.0.root(), &repo.path("clusters/prod"));
    let before = outside.0.snapshot();
    let told = repo.run(2, &["sync"], BOTH).messages();
    assert!(told.contains("a link leads out of the repository"), "{told}");
    assert_eq!(changed(&before, &outside.0.snapshot()), [""; 0]);
}
