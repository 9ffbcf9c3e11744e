//! `init` and the age identity of whoever has none yet.

use std::fs;

use crate::support::{Ended, Tree};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  namespace: shop\nspec:\n  containers:\n  - name: a\n    image: \
                   registry.example.com/a:1\n";

/// A repository with one pod.
fn repository() -> Tree {
    let tree = Tree::new();
    tree.write("pod.yaml", POD);
    fs::create_dir(tree.path(".git")).unwrap();
    tree
}

/// The public key that a file of `age-keygen`'s form names.
fn public_key(tree: &Tree, file: &str) -> String {
    let text = String::from_utf8(tree.read(file)).unwrap();
    text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned()
}

fn no_key_in(ended: &Ended) {
    assert!(!format!("{}{}", ended.messages(), ended.data()).contains("AGE-SECRET-KEY"));
}

#[test]
fn an_identity_is_made_once_for_its_owner_only_and_opens_what_sync_writes() {
    let tree = repository();
    let ended = tree.pullcred(["init", "--identity", "../keys/me.txt"]);
    assert_eq!(ended.status, 0, "{}", ended.messages());
    no_key_in(&ended);
    let recipient = public_key(&tree, "../keys/me.txt");
    let configuration = String::from_utf8(tree.read(".pullcred.yaml")).unwrap();
    assert!(configuration.contains(&format!("    recipients:\n        - {recipient}\n")), "{configuration}");
    assert!(!configuration.contains("me.txt"), "paths of a machine are of no use to others");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(tree.path("../keys/me.txt")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let key = tree.read("../keys/me.txt");
    let again = tree.pullcred(["init", "--force", "--identity", "../keys/me.txt"]);
    assert_eq!((again.status, tree.read("../keys/me.txt") == key), (0, true), "it is used, not replaced");
    assert_eq!(String::from_utf8(tree.read(".pullcred.yaml")).unwrap(), configuration);

    let mut sync = tree.pullcred_command();
    sync.args(["sync"])
        .envs([("REGISTRY_EXAMPLE_COM_USERNAME", "me"), ("REGISTRY_EXAMPLE_COM_PASSWORD", "hidden")]);
    assert_eq!(crate::support::run(&mut sync, b"").status, 0);
    let secret = "pull-secrets/shop/registry-example-com.sops.yaml";
    let shown = tree.pullcred(["show", "--identity", "../keys/me.txt", secret]);
    assert!(shown.data().contains("me"), "{}{}", shown.data(), shown.messages());
}

#[test]
fn with_a_configuration_the_recipient_is_told() {
    let tree = repository();
    assert_eq!(tree.pullcred(["init"]).status, 0);
    assert_eq!(tree.pullcred(["init"]).status, 2);
    let before = tree.read(".pullcred.yaml");
    for _ in 0..2 {
        let ended = tree.pullcred(["init", "--identity", "../me.txt"]);
        assert_eq!(ended.status, 0, "{}", ended.messages());
        no_key_in(&ended);
        assert_eq!(ended.data().trim_end(), public_key(&tree, "../me.txt"));
    }
    assert_eq!(tree.read(".pullcred.yaml"), before);
}

#[test]
fn no_private_key_gets_into_the_repository_and_nothing_else_is_taken_for_one() {
    let tree = repository();
    for file in ["me.txt", "keys/deep/me.txt", "../nowhere/../me.txt", ".git/me.txt"] {
        let ended = tree.pullcred(["init", "--identity", file]);
        assert_eq!(ended.status, 2, "{file}");
        let told = ended.messages();
        assert!(
            told.contains("does not belong into the repository") && told.contains("sops/age/keys.txt"),
            "{told}"
        );
        assert!(!tree.path(file).exists() && !tree.path(".pullcred.yaml").exists());
    }
    fs::write(tree.path("../shopping.txt"), "milk\n").unwrap();
    let ended = tree.pullcred(["init", "--identity", "../shopping.txt"]);
    assert_eq!((ended.status, tree.path(".pullcred.yaml").exists()), (2, false), "{}", ended.messages());
    assert_eq!(tree.read("../shopping.txt"), b"milk\n");

    let ended = tree.pullcred(["init", "--dry-run", "--identity", "../me.txt"]);
    assert_eq!((ended.status, tree.path("../me.txt").exists()), (0, false));
    assert!(ended.messages().contains("would make an age identity in "), "{}", ended.messages());
}

#[test]
fn recipients_of_a_creation_rule_stand() {
    let tree = repository();
    let rule = format!("creation_rules:\n  - age: {}\n", crate::secrets::recipient("age.txt"));
    tree.write(".sops.yaml", rule);
    assert_eq!(tree.pullcred(["init", "--identity", "../me.txt"]).status, 0);
    let configuration = String::from_utf8(tree.read(".pullcred.yaml")).unwrap();
    assert!(configuration.contains(&crate::secrets::recipient("age.txt")), "{configuration}");
    assert!(!configuration.contains(&public_key(&tree, "../me.txt")), "{configuration}");
}
