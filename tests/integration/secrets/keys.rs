//! Who can open Secrets: recipients from everywhere, identities from everywhere, and the commands that change them.

use std::fs;

use super::{BOTH, NO_ONE, Repo, USER, identity, key, recipient, secret};

fn recipients(repo: &Repo, path: &str) -> Vec<String> {
    let text = repo.read(path);
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("recipient: "));
    lines.map(str::to_owned).collect()
}

fn values(repo: &Repo, path: &str) -> Vec<String> {
    let text = repo.read(path);
    text.lines().filter(|line| line.contains("ENC[")).map(str::to_owned).collect()
}

#[test]
fn updatekeys_changes_recipients_and_no_value() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    repo.idle(0, &["updatekeys"], NO_ONE);
    repo.replace(
        ".pullcred.yaml",
        "recipients: [",
        &format!("recipients: [{}, ", recipient("age-second.txt")),
    );
    let found = repo.idle(1, &["check"], NO_ONE);
    assert_eq!(String::from_utf8_lossy(&found.stdout).matches("[secret-stale]").count(), 2);
    // Nobody who cannot open them can change that, or sees anything written.
    let told = repo.idle(2, &["updatekeys", "--identity", &key("age-stranger.txt")], NO_ONE).messages();
    assert!(told.contains("none of the identities is a recipient"), "{told}");
    let before = values(&repo, &secret("shop"));
    let mine = key("age.txt");
    repo.idle(0, &["updatekeys", "--dry-run", "--identity", &mine], NO_ONE);
    assert_eq!(repo.changes(&["updatekeys", "--identity", &mine], NO_ONE), [secret("pay"), secret("shop")]);
    assert_eq!(values(&repo, &secret("shop")), before);
    assert_eq!(recipients(&repo, &secret("shop")), [recipient("age-second.txt"), recipient("age.txt")]);
    repo.idle(0, &["check", "--strict"], NO_ONE);
    repo.idle(0, &["updatekeys"], NO_ONE);
}

#[test]
fn a_recipient_who_left_is_found_and_taken_out() {
    let repo = Repo::new();
    repo.replace(
        ".pullcred.yaml",
        "recipients: [",
        &format!("recipients: [{}, ", recipient("age-second.txt")),
    );
    repo.run(0, &["sync"], BOTH);
    repo.replace(".pullcred.yaml", &format!("{}, ", recipient("age-second.txt")), "");
    let found = repo.idle(1, &["check"], NO_ONE);
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(
        found.contains("[recipient-unexpected]") && found.contains(&recipient("age-second.txt")),
        "{found}"
    );
    // `sync` mends it by wrapping anew where it can, without a change of values.
    let before = values(&repo, &secret("shop"));
    repo.run(0, &["sync", "deploy/shop.yaml", "--identity", &key("age.txt")], NO_ONE);
    assert_eq!(values(&repo, &secret("shop")), before);
    assert_eq!(recipients(&repo, &secret("shop")), [recipient("age.txt")]);
    // Or by writing it anew, given the credentials alone.
    assert_eq!(repo.changes(&["sync"], BOTH), [secret("pay")]);
    assert_eq!(recipients(&repo, &secret("pay")), [recipient("age.txt")]);
}

#[test]
fn rotate_gives_every_file_a_new_data_key() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let before = (values(&repo, &secret("shop")), repo.holds(&secret("shop")));
    let told = repo.run(0, &["rotate", "--identity", &key("age.txt")], NO_ONE).messages();
    assert!(told.contains("2 of 2 Secrets changed, and no file keeps another recipient"), "{told}");
    assert_ne!(values(&repo, &secret("shop")), before.0);
    assert_eq!(repo.holds(&secret("shop")), before.1);
    // This clone still knows what they hold.
    repo.idle(0, &["sync"], BOTH);
    repo.idle(2, &["rotate"], NO_ONE);
}

#[test]
fn a_damaged_file_is_not_made_to_look_well() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    repo.replace(&secret("shop"), "    namespace: shop\n", "    namespace: shop2\n");
    for command in ["rotate", "updatekeys"] {
        repo.replace(
            ".pullcred.yaml",
            "recipients: [",
            &format!("recipients: [{}, ", recipient("age-second.txt")),
        );
        let shop = repo.read(&secret("shop"));
        repo.run(2, &[command, "--identity", &key("age.txt")], NO_ONE);
        assert_eq!(repo.read(&secret("shop")), shop);
        repo.replace(".pullcred.yaml", &format!("{}, ", recipient("age-second.txt")), "");
    }
}

#[test]
fn recipients_come_from_a_list_a_file_or_a_creation_rule() {
    let repo = Repo::new();
    let listed = format!("recipients: [{}]", recipient("age.txt"));
    repo.replace(".pullcred.yaml", &listed, "recipientsFile: keys/team.txt");
    let ssh = fs::read_to_string(key("ssh_ed25519.pub")).unwrap();
    repo.write("keys/team.txt", &format!("# team\n{}\n{ssh}", recipient("age.txt")));
    repo.run(0, &["sync"], BOTH);
    assert_eq!(recipients(&repo, &secret("shop")).len(), 2);
    repo.idle(0, &["sync"], &[("SOPS_AGE_SSH_PRIVATE_KEY_FILE", &*key("ssh_ed25519"))]);
    repo.write("keys/team.txt", "# team\n\noops\n");
    let told = repo.idle(2, &["sync"], BOTH).messages();
    assert!(told.contains("keys/team.txt: line 3: `oops` is no recipient"), "{told}");

    repo.replace(".pullcred.yaml", "recipientsFile: keys/team.txt", "format: sops");
    let told = repo.idle(2, &["sync"], BOTH).messages();
    assert!(told.contains("nobody could decrypt clusters/prod/pull-secrets/"), "{told}");
    let rule = |keys: &str| {
        format!("creation_rules:\n  - path_regex: ^clusters/prod/.*\\.sops\\.yaml$\n    {keys}\n")
    };
    repo.write(".sops.yaml", &rule(&format!("age: {}", recipient("age.txt"))));
    assert_eq!(repo.changes(&["sync"], BOTH), [secret("pay"), secret("shop")]);
    assert_eq!(recipients(&repo, &secret("shop")), [recipient("age.txt")]);
    assert!(repo.read(&secret("shop")).contains("encrypted_regex: ^(data|stringData)$\n"));
    repo.idle(0, &["sync"], BOTH);
    // A rule that leaves the head in clear is followed.
    let wide = format!("age: {}\n    encrypted_regex: ^(data|stringData|tls)$", recipient("age.txt"));
    repo.write(".sops.yaml", &rule(&wide));
    assert_eq!(repo.changes(&["sync"], BOTH), [secret("pay"), secret("shop")]);
    assert!(repo.read(&secret("shop")).contains("encrypted_regex: ^(data|stringData|tls)$\n"));
    for (keys, reason) in [
        ("kms: arn:aws:kms:x", "the creation rule asks for `kms`"),
        ("age: age1nonsense", "recipient `age1nonsense` is damaged"),
    ] {
        repo.write(".sops.yaml", &rule(keys));
        let told = repo.idle(2, &["sync"], BOTH).messages();
        assert!(told.contains(".sops.yaml: line ") && told.contains(reason), "{told}");
    }
}

#[test]
fn identities_come_from_where_sops_has_them() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let text = fs::read_to_string(key("age.txt")).unwrap();
    let file = secret("shop");
    let show = ["show", &*file];
    repo.run(2, &show, NO_ONE);
    repo.run(0, &show, &[("SOPS_AGE_KEY", &*text)]);
    repo.run(0, &show, &[("SOPS_AGE_KEY_FILE", &*key("age.txt"))]);
    repo.run(
        0,
        &show,
        &[("SOPS_AGE_KEY_CMD", &*format!("cat '{}'", key("age.txt"))), ("PATH", "/usr/bin:/bin")],
    );
    for folder in [".config", "../home/.config"] {
        repo.write(&format!("{folder}/sops/age/keys.txt"), &text);
    }
    repo.run(0, &show, &[("XDG_CONFIG_HOME", &*repo.path(".config").display().to_string())]);
    repo.run(0, &show, NO_ONE);
    // A named file takes the place of all others.
    repo.run(2, &["show", &file, "--identity", &key("age-stranger.txt")], NO_ONE);
}

#[test]
fn a_command_that_tells_recipients_apart_is_asked_for_each() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let script = format!(
        "#!/bin/sh\ntest \"$SOPS_AGE_RECIPIENT\" = {} || exit 1\ncat '{}'\n",
        recipient("age.txt"),
        key("age.txt")
    );
    repo.write("ask.sh", &script);
    let command = format!("sh {}", repo.path("ask.sh").display());
    let environment = [("SOPS_AGE_KEY_CMD", &*command), ("PATH", "/usr/bin:/bin")];
    repo.replace(
        ".pullcred.yaml",
        "recipients: [",
        &format!("recipients: [{}, ", recipient("age-second.txt")),
    );
    assert_eq!(repo.changes(&["updatekeys"], &environment), [secret("pay"), secret("shop")]);
}

#[test]
fn a_named_identity_that_cannot_be_used_ends_the_run_before_it_begins() {
    let repo = Repo::new();
    repo.write("junk.txt", "# mine\nAGE-SECRET-KEY-1JUNK\n");
    let junk = repo.path("junk.txt").display().to_string();
    repo.run(0, &["sync"], BOTH);
    for (arguments, environment, reason) in [
        (vec!["--identity", "no-such-file"], vec![], "no-such-file"),
        (vec!["--identity", "junk.txt"], vec![], "junk.txt: line 2: the identity is damaged"),
        (vec![], vec![("SOPS_AGE_KEY_FILE", "no-such-file")], "SOPS_AGE_KEY_FILE"),
        (vec![], vec![("SOPS_AGE_KEY_FILE", &*junk)], "line 2: the identity is damaged"),
        (vec![], vec![("SOPS_AGE_KEY", "hunter2")], "SOPS_AGE_KEY: line 1: no identity"),
        (
            vec![],
            vec![("SOPS_AGE_KEY_CMD", "no-such-program --x")],
            "SOPS_AGE_KEY_CMD: `no-such-program` is not on the PATH",
        ),
        (vec![], vec![("SOPS_AGE_KEY_CMD", "'open")], "a quote is never closed"),
        (vec!["--identity", &*key("ssh_ed25519_passphrase")], vec![], "protected by a passphrase"),
    ] {
        for command in ["sync", "encrypt", "check", "updatekeys"] {
            let told = repo
                .idle(2, &[&[command], &arguments[..]].concat(), &[BOTH, &environment].concat())
                .messages();
            assert!(told.contains(reason), "{command}: {told}");
            assert!(!told.contains("hunter2") && !told.contains("1JUNK"), "{told}");
        }
    }
    // What is only usual may be of no use.
    repo.write("../home/.ssh/id_ed25519", &fs::read_to_string(key("ssh_ed25519_passphrase")).unwrap());
    repo.run(0, &["sync"], BOTH);
}

#[test]
fn show_tells_everything_but_the_password() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let file = secret("shop");
    let shown = repo.run(0, &["show", &file, "--identity", &key("age.txt")], NO_ONE).stdout;
    let shown = String::from_utf8(shown).unwrap();
    for part in [
        "Secret shop/acr-secret",
        "myregistry.azurecr.io",
        USER.1,
        "password",
        &recipient("age.txt"),
        "MAC verified",
    ] {
        assert!(shown.contains(part), "no {part} in\n{shown}");
    }
    assert!(!shown.contains(super::PASSWORD.1));
    let shown = repo.run(0, &["show", "--reveal", &file, "--identity", &key("age.txt")], NO_ONE).stdout;
    let documents = sops_age::document::parse_plain(std::str::from_utf8(&shown).unwrap()).unwrap();
    assert!(pullcred::objects::secret::auths(&documents[0]).is_some());
    let told = repo.run(2, &["show", "deploy/shop.yaml"], NO_ONE).messages();
    assert!(told.contains("not encrypted with sops"), "{told}");
    repo.run(2, &["show", "no-such-file"], NO_ONE);
    assert!(identity("age.txt").recipients().next().is_some());
}

#[test]
fn generate_leaves_encrypted_objects_out_unless_told_otherwise() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let ended = repo.run(0, &["generate", "."], NO_ONE);
    let (out, err) = (String::from_utf8(ended.stdout.clone()).unwrap(), ended.messages());
    assert!(
        !out.contains("kind: Secret") && err.contains("`Secret` `acr-secret` is encrypted and was left out"),
        "{err}"
    );
    let arguments = ["generate", "--decrypt", ".", "--identity", &key("age.txt")];
    let out = String::from_utf8(repo.run(0, &arguments, NO_ONE).stdout).unwrap();
    assert_eq!((out.matches("kind: Secret").count(), out.matches("kind: Deployment").count()), (2, 2));
    assert!(!out.contains("sops:") && !out.contains("ENC["));
    repo.run(2, &["generate", "--decrypt", "."], NO_ONE);
    // A stream of several files, and one file of several documents.
    let stream = format!("{}---\n{}", repo.read(&secret("shop")), repo.read(&secret("pay")));
    let arguments = ["generate", "--decrypt", "-", "--identity", &key("age.txt")];
    let out = repo.run_with(0, &arguments, NO_ONE, stream.as_bytes()).stdout;
    assert_eq!(String::from_utf8(out).unwrap().matches("kind: Secret").count(), 2);
    let moved = repo.read(&secret("shop")).replace("namespace: shop", "namespace: other");
    let told = repo.run_with(2, &arguments, NO_ONE, moved.as_bytes()).messages();
    assert!(told.contains("the MAC does not match") && told.contains("hint: a build that changes"), "{told}");
}
