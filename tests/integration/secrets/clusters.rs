//! A repository with three clusters of forty namespaces: after each change exactly the files change that have to.

use std::collections::BTreeSet;
use std::fs;

use super::{NO_ONE, PASSWORD, Repo, USER, changed, key, recipient};

const CLUSTERS: [&str; 3] = ["dev", "test", "prod"];
const NAMESPACES: usize = 40;
/// Every so manieth namespace pulls from Docker Hub too.
const HUB: usize = 4;
const FIRST: &[(&str, &str)] = &[USER, PASSWORD, ("HUB_USERNAME", "team"), ("HUB_PASSWORD", "one")];

fn manifest(cluster: &str, nth: usize) -> String {
    format!("clusters/{cluster}/n{nth:02}.yaml")
}

fn kustomization(cluster: &str) -> String {
    format!("clusters/{cluster}/kustomization.yaml")
}

/// The files of a secret in a cluster.
fn secrets(cluster: &str, folder: &str, name: &str, step: usize) -> impl Iterator<Item = String> {
    let (cluster, folder, name) = (cluster.to_owned(), folder.to_owned(), name.to_owned());
    let namespaces = (0..NAMESPACES).step_by(step);
    namespaces.map(move |nth| format!("clusters/{cluster}/{folder}/n{nth:02}/{name}.sops.yaml"))
}

/// The files of a secret in all clusters.
fn everywhere(name: &str, step: usize) -> Vec<String> {
    CLUSTERS.iter().flat_map(|cluster| secrets(cluster, "keys", name, step)).collect()
}

fn set(parts: impl IntoIterator<Item = Vec<String>>) -> BTreeSet<String> {
    parts.into_iter().flatten().collect()
}

/// Runs the program; what it changes has to be exactly that.
fn exactly(repo: &Repo, arguments: &[&str], environment: &[(&str, &str)], expected: &BTreeSet<String>) {
    let before = repo.0.snapshot();
    let told = repo.run(0, arguments, environment).messages();
    let changes: BTreeSet<String> = changed(&before, &repo.0.snapshot()).into_iter().collect();
    let more: Vec<&String> = changes.difference(expected).take(5).collect();
    let less: Vec<&String> = expected.difference(&changes).take(5).collect();
    assert!(
        more.is_empty() && less.is_empty(),
        "{arguments:?}: not expected: {more:?}; missing: {less:?}\n{told}"
    );
}

fn clusters() -> Repo {
    let target = |cluster: &&str| {
        format!(
            "    - paths: [clusters/{cluster}]\n      output: \"clusters/{cluster}/keys/{{namespace}}/{{name}}.sops.yaml\"\n      recipients: [{}] # {cluster}\n",
            recipient("age.txt")
        )
    };
    let repo = Repo::with(&format!(
        "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nspec:\n  secrets:\n    - name: acr-secret\n      registries: [myregistry.azurecr.io]\n      credentials: [{{env: {{username: ACR_USERNAME, password: ACR_PASSWORD}}}}]\n    - name: hub\n      registries: [docker.io/team]\n      credentials: [{{env: {{username: HUB_USERNAME, password: HUB_PASSWORD}}}}]\n  targets:\n{}",
        CLUSTERS.iter().map(target).collect::<String>()
    ));
    fs::remove_dir_all(repo.path("deploy")).unwrap();
    for cluster in CLUSTERS {
        let mut list = String::from("resources:\n");
        for nth in 0..NAMESPACES {
            let hub = if nth % HUB == 0 { "      - {name: b, image: team/side:1}\n" } else { "" };
            repo.write(
                &manifest(cluster, nth),
                &format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: n{nth:02}}}\nspec:\n  selector: {{}}\n  template:\n    spec:\n      containers:\n      - {{name: a, image: myregistry.azurecr.io/web:1}}\n{hub}"),
            );
            list.push_str(&format!("- n{nth:02}.yaml\n"));
        }
        repo.write(&kustomization(cluster), &list);
    }
    repo
}

#[test]
fn after_each_change_exactly_the_files_change_that_have_to() {
    let repo = clusters();
    let mine = key("age.txt");
    let identity = [("SOPS_AGE_KEY_FILE", &*mine)];
    let both = [FIRST, &identity].concat();
    let kustomizations: Vec<String> = CLUSTERS.iter().map(|cluster| kustomization(cluster)).collect();
    let manifests = |step: usize| -> Vec<String> {
        let of = |cluster| (0..NAMESPACES).step_by(step).map(move |nth| manifest(cluster, nth));
        CLUSTERS.into_iter().flat_map(of).collect()
    };
    let forget = || fs::remove_dir_all(repo.path(".git/pullcred")).unwrap();

    let all = [everywhere("acr-secret", 1), everywhere("hub", HUB)].concat();
    exactly(&repo, &["sync"], FIRST, &set([all.clone(), kustomizations.clone(), manifests(1)]));

    // Again: by what the clone remembers, by an identity, by both, by nothing.
    repo.idle(0, &["sync", "--exit-code"], FIRST);
    repo.idle(0, &["sync", "--exit-code"], &both);
    forget();
    repo.idle(0, &["sync", "--exit-code"], &both);
    forget();
    repo.idle(0, &["sync", "--exit-code"], &identity);
    forget();
    let told = repo.idle(0, &["sync", "--exit-code"], FIRST).messages();
    assert!(told.contains("150 Secrets kept that nobody here can verify"), "{told}");
    repo.idle(0, &["check", "--strict"], NO_ONE);

    // A recipient of one cluster leaves and another one comes.
    let prod = |folder: &str, name: &str, step: usize| -> Vec<String> {
        secrets("prod", folder, name, step).collect()
    };
    let of_prod = set([prod("keys", "acr-secret", 1), prod("keys", "hub", HUB)]);
    let with_second = format!("{}, {}] # prod", recipient("age.txt"), recipient("age-second.txt"));
    repo.replace(".pullcred.yaml", &format!("{}] # prod", recipient("age.txt")), &with_second);
    exactly(&repo, &["updatekeys"], &identity, &of_prod);
    repo.replace(".pullcred.yaml", &with_second, &format!("{}] # prod", recipient("age-second.txt")));
    exactly(&repo, &["updatekeys"], &identity, &of_prod);
    repo.idle(0, &["check", "--strict"], NO_ONE);
    // The one who left knows the data keys, so these change too.
    repo.replace(".pullcred.yaml", &format!("{}] # prod", recipient("age-second.txt")), &with_second);
    let second = [("SOPS_AGE_KEY_FILE", &*key("age-second.txt"))];
    exactly(&repo, &["updatekeys"], &second, &of_prod);
    exactly(&repo, &["rotate", "clusters/prod"], &identity, &of_prod);
    exactly(&repo, &["rotate"], &identity, &set([all]));
    repo.idle(0, &["sync", "--exit-code"], FIRST);

    // One password: only what carries it. Without an identity by what the clone remembers, with one by what is there.
    let new = [USER, PASSWORD, ("HUB_USERNAME", "team"), ("HUB_PASSWORD", "two")];
    exactly(&repo, &["sync"], &new, &set([everywhere("hub", HUB)]));
    forget();
    exactly(&repo, &["sync"], &both, &set([everywhere("hub", HUB)]));
    repo.idle(0, &["sync", "--exit-code"], FIRST);

    // A namespace goes from one cluster.
    fs::remove_file(repo.path(&manifest("prod", 8))).unwrap();
    repo.replace(&kustomization("prod"), "- n08.yaml\n", "");
    let gone = |name: &str| format!("clusters/prod/keys/n08/{name}.sops.yaml");
    let of_it = vec![gone("acr-secret"), gone("hub"), kustomization("prod")];
    exactly(&repo, &["sync"], NO_ONE, &set([of_it]));
    assert!(!repo.path("clusters/prod/keys/n08").exists());
    repo.idle(0, &["sync", "--exit-code"], FIRST);

    // A secret gets another name, then nobody wants it any more. What pod specs list they keep.
    let but = |mut paths: Vec<String>| {
        paths.retain(|path| !path.starts_with("clusters/prod/") || !path.contains("n08"));
        paths
    };
    repo.replace(".pullcred.yaml", "name: hub", "name: dockerhub");
    let renamed = [everywhere("hub", HUB), everywhere("dockerhub", HUB), manifests(HUB)].concat();
    exactly(&repo, &["sync"], FIRST, &set([but(renamed), kustomizations.clone()]));
    let (before, rest) = repo
        .read(".pullcred.yaml")
        .split_once("    - name: dockerhub\n")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let targets = rest.split_once("  targets:\n").unwrap().1;
    repo.write(".pullcred.yaml", &format!("{before}  targets:\n{targets}"));
    exactly(&repo, &["sync"], NO_ONE, &set([but(everywhere("dockerhub", HUB)), kustomizations.clone()]));

    // One target moves: the Secrets are written at the new place before they go from the old one.
    repo.replace(".pullcred.yaml", "clusters/prod/keys/", "clusters/prod/pull-secrets/");
    let moved = [prod("keys", "acr-secret", 1), prod("pull-secrets", "acr-secret", 1)].concat();
    exactly(&repo, &["sync"], FIRST, &set([but(moved), vec![kustomization("prod")]]));
    repo.idle(0, &["sync", "--exit-code"], &both);
    let listed = repo.read(&kustomization("prod"));
    assert_eq!((listed.matches("pull-secrets/").count(), listed.matches("keys/").count()), (39, 0));
}
