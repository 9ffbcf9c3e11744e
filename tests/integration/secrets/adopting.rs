//! `adopt`: nothing of a password is left, everything opens, and where one Secret cannot be encrypted none is.

use std::fs;

use super::{
    BOTH, NO_ONE, PASSWORD, Repo, USER, all_files, changed, configuration, identity, key, recipient, secret,
};
use crate::support::{Ended, text};
use pullcred::objects::dockerconfig::{Auths, Credential};
use sops_age::document::{Encrypted, parse_plain};
use zeroize::Zeroizing;

/// The credential of the registry, as `kubectl create secret docker-registry` has it: JSON, and that in base64.
fn credential() -> (String, String) {
    let owned = |text: &str| Zeroizing::new(text.to_owned());
    let credential =
        Credential::new(owned(USER.1), owned(PASSWORD.1)).unwrap_or_else(|flaw| panic!("{flaw}"));
    let auths = Auths([("myregistry.azurecr.io".to_owned(), credential)].into());
    (auths.to_json().to_string(), auths.to_data().to_string())
}

fn manifest(name: &str, namespace: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: {namespace}\ntype: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: {}\n",
        credential().1
    )
}

/// A repository with a creation rule and no configuration.
fn bare() -> Repo {
    let repo = Repo::with("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: none}\n");
    fs::remove_file(repo.path(".pullcred.yaml")).unwrap();
    repo.write(".sops.yaml", &format!("creation_rules: [{{age: {}}}]\n", recipient("age.txt")));
    repo
}

/// Whether no byte of the password is in the tree or in what was said.
fn clean(repo: &Repo, said: &Ended) {
    let (json, base64) = credential();
    let auth: String = json.split("\"auth\":\"").nth(1).unwrap().chars().take_while(|c| *c != '"').collect();
    let said = format!("{}{}", said.data(), said.messages());
    for secret in [PASSWORD.1, &json, &base64, &auth] {
        assert!(!said.contains(secret), "{said}");
        for (path, bytes) in all_files(repo.0.root()) {
            let found = bytes.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
            assert!(!found, "{} holds it in clear", path.display());
        }
    }
}

/// The documents of an encrypted file.
fn opened(repo: &Repo, path: &str) -> Vec<sops_age::tree::Tree> {
    let file = Encrypted::parse(&repo.read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    file.decrypt(&identity("age.txt")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn files_streams_and_lists_are_encrypted_and_the_rest_stays_byte_for_byte() {
    let repo = bare();
    let (json, base64) = credential();
    let map = |name: &str| format!("apiVersion: v1\nkind: ConfigMap # {name}\nmetadata: {{name: {name}}}\n");
    let plain = format!("# The shop's\n{}", manifest("regcred", "shop"));
    repo.write("apps/plain.yaml", &plain);
    let two = format!("---\n{}---\n# and\n{}", manifest("a", "shop"), manifest("b", "shop"));
    repo.write("apps/two.yaml", &two);
    let clear = format!(
        "# moves\napiVersion: v1\nkind: Secret\nmetadata: {{name: moved, namespace: shop}}\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: |\n    {json}\n"
    );
    repo.write("apps/stream.yaml", &format!("{}---\n{clear}---\n\n{}", map("one"), map("two")));
    let item = manifest("item", "shop").replace('\n', "\n    ");
    let other = map("three").replace('\n', "\n    ");
    repo.write(
        "apps/list.yaml",
        &format!("apiVersion: v1\nkind: List\nitems:\n  - {}\n  - {}\n", other.trim_end(), item.trim_end()),
    );
    repo.write(
        "apps/only.yaml",
        &format!("apiVersion: v1\nkind: List\nitems:\n  - {}\n", item.replace("item", "only").trim_end()),
    );
    let json_file = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {{\"name\": \"j\", \"namespace\": \"shop\"}},\n \"type\": \"kubernetes.io/dockerconfigjson\", \"data\": {{\".dockerconfigjson\": \"{base64}\"}}}}\n"
    );
    repo.write("apps/j.json", &json_file);
    repo.write(
        "apps/kustomization.yaml",
        "resources:\n- ./plain.yaml\n- ./two.yaml\n- ./stream.yaml # kept\n- ./list.yaml\n- ./only.yaml\n- ./j.json\n",
    );

    let said = repo.idle(0, &["adopt", "--dry-run", "--diff", "-v"], NO_ONE);
    let leak = [PASSWORD.1, &json, &base64].iter().any(|secret| said.data().contains(secret));
    assert!(!leak && said.data().contains("(not shown)"), "{}", said.data());
    repo.idle(1, &["adopt", "--dry-run", "--exit-code"], NO_ONE);
    let said = repo.run(0, &["adopt", "--diff", "-v"], NO_ONE);
    clean(&repo, &said);
    assert!(said.messages().contains("7 Secrets encrypted"), "{}", said.messages());
    assert!(
        said.messages().contains("change the credentials at myregistry.azurecr.io"),
        "{}",
        said.messages()
    );

    assert!(repo.read("apps/plain.yaml").starts_with("# The shop's\napiVersion: v1\nkind: Secret\n"));
    assert!(opened(&repo, "apps/plain.yaml") == parse_plain(&plain).unwrap());
    assert!(opened(&repo, "apps/two.yaml") == parse_plain(&two).unwrap());
    assert!(opened(&repo, "apps/moved.sops.yaml") == parse_plain(&clear).unwrap());
    assert!(opened(&repo, "apps/item.sops.yaml") == parse_plain(&manifest("item", "shop")).unwrap());
    assert!(opened(&repo, "apps/only.sops.yaml") == parse_plain(&manifest("only", "shop")).unwrap());
    assert!(opened(&repo, "apps/j.json") == parse_plain(&json_file).unwrap());
    assert!(repo.read("apps/moved.sops.yaml").starts_with("# moves\n"));
    assert_eq!(repo.read("apps/stream.yaml"), format!("{}---\n\n{}", map("one"), map("two")));
    assert_eq!(
        repo.read("apps/list.yaml"),
        format!("apiVersion: v1\nkind: List\nitems:\n  - {}\n", other.trim_end())
    );
    assert!(!repo.path("apps/only.yaml").exists());
    let listed = repo.read("apps/kustomization.yaml");
    assert!(
        listed.starts_with(
            "resources:\n- ./plain.yaml\n- ./two.yaml\n- ./stream.yaml # kept\n- ./list.yaml\n- ./j.json\n"
        ),
        "{listed}"
    );
    let mut new: Vec<&str> = listed.lines().skip(6).collect();
    new.sort_unstable();
    assert_eq!(new, ["- ./item.sops.yaml", "- ./moved.sops.yaml", "- ./only.sops.yaml"]);

    let said = repo.idle(0, &["adopt", "--exit-code"], NO_ONE);
    assert!(said.messages().contains("no registry Secret stands in clear"), "{}", said.messages());
    repo.idle(0, &["check"], NO_ONE);
    repo.idle(0, &["check", "--identity", &key("age.txt")], NO_ONE);
}

#[test]
fn what_the_configuration_wants_becomes_ours_and_moves_to_its_place() {
    let repo = Repo::new();
    repo.write("apps/mine.yaml", &manifest("acr-secret", "shop"));
    repo.write("apps/other.yaml", &manifest("other", "shop"));
    repo.write("apps/elsewhere.yaml", &manifest("acr-secret", "nowhere"));
    let said = repo.run(0, &["adopt"], NO_ONE);
    clean(&repo, &said);
    let label = "app.kubernetes.io/managed-by: pullcred";
    assert!(repo.read("apps/mine.yaml").contains(label));
    assert!(
        !repo.read("apps/other.yaml").contains(label) && !repo.read("apps/elsewhere.yaml").contains(label)
    );
    assert_eq!(
        repo.holds("apps/mine.yaml")["myregistry.azurecr.io"],
        (USER.1.to_owned(), PASSWORD.1.to_owned())
    );

    // Without the credential nothing brings it back, so it stays where it is.
    let before = repo.0.snapshot();
    let said = repo.run(0, &["sync"], NO_ONE).messages();
    assert_eq!(changed(&before, &repo.0.snapshot()), [""; 0], "{said}");
    assert!(said.contains("no credential is at hand to write it to"), "{said}");
    repo.run(0, &["sync"], BOTH);
    assert!(!repo.path("apps/mine.yaml").exists());
    assert_eq!(
        repo.holds(&secret("shop"))["myregistry.azurecr.io"],
        (USER.1.to_owned(), PASSWORD.1.to_owned())
    );
}

#[test]
fn where_it_belongs_already_sync_has_nothing_to_do() {
    let repo = Repo::new();
    for namespace in ["shop", "pay"] {
        repo.write(&secret(namespace), &manifest("acr-secret", namespace));
    }
    let said = repo.run(0, &["adopt"], NO_ONE);
    clean(&repo, &said);
    repo.idle(0, &["sync", "--exit-code"], BOTH);
    repo.idle(0, &["check"], &[("SOPS_AGE_KEY_FILE", &*key("age.txt"))]);
}

#[test]
fn readers_are_those_of_every_cluster_that_gets_it() {
    let two = configuration("").replace(
        &format!("      recipients: [{}]\n", recipient("age.txt")),
        &format!(
            "      paths: [clusters/prod]\n      recipients: [{}]\n    - output: \"clusters/edge/pull-secrets/{{namespace}}/{{name}}.sops.yaml\"\n      paths: [clusters/edge]\n      recipients: [{}]\n",
            recipient("age.txt"),
            recipient("age-second.txt")
        ),
    );
    let repo = Repo::with(&two);
    repo.write("base/regcred.yaml", &manifest("regcred", "shop"));
    repo.write("base/kustomization.yaml", "resources: [regcred.yaml]\n");
    for cluster in ["prod", "edge"] {
        repo.write(&format!("clusters/{cluster}/kustomization.yaml"), "resources: [../../base]\n");
    }
    repo.write("clusters/edge/only.yaml", &manifest("only", "pay"));
    repo.write("clusters/edge/kustomization.yaml", "resources: [../../base, only.yaml]\n");
    let said = repo.run(0, &["adopt"], NO_ONE);
    clean(&repo, &said);
    let readers = |path: &str| {
        let file = Encrypted::parse(&repo.read(path)).unwrap();
        file.metadata().keys.iter().map(|key| key.recipient.clone()).collect::<Vec<_>>()
    };
    let (first, second) = (recipient("age.txt"), recipient("age-second.txt"));
    let mut both = readers("base/regcred.yaml");
    both.sort();
    let mut expected = [first, second.clone()];
    expected.sort();
    assert_eq!(both, expected);
    assert_eq!(readers("clusters/edge/only.yaml"), [second]);
}

#[test]
fn what_cannot_be_encrypted_keeps_all_as_it_is() {
    let stands = |name: &str| manifest(name, "shop");
    let annotated = stands("a").replace(
        "  namespace: shop\n",
        &format!(
            "  namespace: shop\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{{\"data\":{{\".dockerconfigjson\":\"{}\"}}}}'\n",
            credential().1
        ),
    );
    let cases: [(&str, String, &str); 8] = [
        ("chart/templates/a.yaml", stands("a"), "it is in a template"),
        (
            "chart/templates/b.yaml",
            format!("{{{{ if .Values.x }}}}\n{}{{{{ end }}}}\n", stands("a")),
            "it is in a template",
        ),
        ("apps/patch.yaml", stands("a"), "it is in a patch of a kustomization"),
        ("apps/config.json", credential().0, "a kustomization generates a Secret of it"),
        (
            "apps/a.yaml",
            format!("# Code generated by a tool. DO NOT EDIT.\n{}", stands("a")),
            "the file is generated",
        ),
        ("apps/a.yaml", annotated, "it would still stand at line "),
        (
            "apps/a.yaml",
            format!("# docker login -p {}\n{}", PASSWORD.1, stands("a")),
            "it would still stand at line 1 ",
        ),
        (
            "apps/a.yaml",
            stands("a").replace(".dockerconfigjson: ", ".dockerconfigjson: !!str "),
            "a value with a tag",
        ),
    ];
    for (path, content, reason) in cases {
        let repo = bare();
        repo.write("good.yaml", &manifest("good", "shop"));
        repo.write("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1.0\n");
        repo.write(
            "apps/kustomization.yaml",
            "resources: []\npatches: [{path: patch.yaml}]\nsecretGenerator:\n- name: g\n  files: [.dockerconfigjson=config.json]\n  type: kubernetes.io/dockerconfigjson\n",
        );
        repo.write(path, &content);
        let said = repo.idle(2, &["adopt"], NO_ONE);
        let told = said.data();
        assert!(
            told.contains(&format!("error: {path}:")) && told.contains(reason),
            "{path}\n{told}{}",
            said.messages()
        );
        assert!(said.messages().contains("nothing was written"), "{}", said.messages());
    }
}

#[test]
fn nobody_to_encrypt_for_is_told_for_each() {
    let repo = bare();
    fs::remove_file(repo.path(".sops.yaml")).unwrap();
    repo.write("apps/a.yaml", &manifest("a", "shop"));
    let told = repo.idle(2, &["adopt"], NO_ONE).data();
    assert!(
        told.contains("error: apps/a.yaml:1:1: ") && told.contains("nobody could decrypt apps/a.yaml"),
        "{told}"
    );
    assert!(told.contains("hint: `pullcred init` writes a configuration with recipients"), "{told}");
    repo.write(
        ".sops.yaml",
        &format!("creation_rules: [{{path_regex: ^x/, age: {}}}]\n", recipient("age.txt")),
    );
    assert!(repo.idle(2, &["adopt"], NO_ONE).data().contains("apps/a.yaml"));
}

#[test]
fn what_is_no_registry_secret_is_named_and_left() {
    let repo = bare();
    repo.write("apps/a.yaml", &manifest("a", "shop"));
    repo.write(
        "apps/map.yaml",
        &format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\ndata:\n  config.json: '{}'\n",
            credential().0
        ),
    );
    let said = repo.run(2, &["adopt"], NO_ONE).messages();
    assert!(said.contains("1 Secret encrypted") && said.contains("apps/map.yaml:5:"), "{said}");
    assert!(Encrypted::parse(&repo.read("apps/a.yaml")).is_ok());
    // Who says that it may be there is not told again.
    repo.replace("apps/map.yaml", "data:\n", "data:\n  # pullcred: ignore secret-plaintext a sample\n");
    repo.idle(0, &["adopt"], NO_ONE);
}

#[test]
fn names_that_are_taken_are_not_written_over() {
    let repo = bare();
    let stream = format!("{}---\n{}---\nkind: X\n", manifest("a", "shop"), manifest("a", "pay"));
    repo.write("apps/all.yaml", &stream);
    repo.write("apps/a.sops.yaml", "theirs: 1\n");
    repo.run(0, &["adopt"], NO_ONE);
    assert_eq!(repo.read("apps/a.sops.yaml"), "theirs: 1\n");
    assert!(opened(&repo, "apps/shop-a.sops.yaml") == parse_plain(&manifest("a", "shop")).unwrap());
    assert!(opened(&repo, "apps/pay-a.sops.yaml") == parse_plain(&manifest("a", "pay")).unwrap());
    assert_eq!(text(fs::read(repo.path("apps/all.yaml")).unwrap()), "---\nkind: X\n");
}
