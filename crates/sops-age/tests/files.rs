//! The SOPS layer against files that the real sops made (`fixtures/files`, see MADE-BY in each folder), and against tampering.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::path::{Path, PathBuf};

use sops_age::creation_rules::CreationRules;
use sops_age::document::{Encrypted, Error, Timestamp, encrypt, parse_plain};
use sops_age::identity::{FileError, Identities, IdentityProblem, UnwrapError};
use sops_age::recipients::{Recipient, encrypt_file};
use sops_age::rewrite::{rotate, update_keys};
use sops_age::rules::{Choice, Rules};
use sops_age::tree::Tree;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn key(name: &str) -> String {
    fs::read_to_string(fixtures().join("keys").join(name)).unwrap()
}

fn identities(names: &[&str]) -> Identities {
    let mut identities = Identities::default();
    for name in names {
        identities.add(&key(name)).unwrap();
    }
    identities
}

fn recipient(name: &str) -> Recipient {
    let text = if name.starts_with("ssh") {
        key(&format!("{name}.pub"))
    } else {
        identities(&[name]).recipients().next().unwrap().to_owned()
    };
    Recipient::parse(&text).unwrap()
}

/// Name, encrypted text and decrypted text of every file that sops made for our identity.
fn files() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for folder in fs::read_dir(fixtures().join("files")).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if !folder.is_dir() || name == "two-key-groups" {
            continue;
        }
        let extension = if folder.join("enc.json").exists() { "json" } else { "yaml" };
        let read = |stem: &str| fs::read_to_string(folder.join(format!("{stem}.{extension}"))).unwrap();
        found.push((name, read("enc"), read("plain")));
    }
    found.sort();
    assert!(found.len() >= 15, "fixtures are missing");
    found
}

/// The keys that lead to a leaf, and its plaintext.
type Said = (Vec<String>, Option<Vec<u8>>);

/// What documents say, types left out: sops itself writes the number `1.0` as `1`.
fn said(documents: &[Tree]) -> Vec<Vec<Said>> {
    let one = |tree: &Tree| {
        let mut leaves = Vec::new();
        tree.walk(|place, leaf| {
            let keys = place.keys().iter().map(|key| (*key).to_owned()).collect();
            leaves.push((keys, leaf.plaintext().map(|bytes| bytes.to_vec())));
        });
        leaves
    };
    documents.iter().map(one).collect()
}

/// The values alone, null left out: it is in no MAC.
fn values(documents: &[Tree]) -> Vec<Vec<u8>> {
    said(documents).into_iter().flatten().filter_map(|(_, value)| value).collect()
}

fn scattered() -> impl FnMut(&mut [u8]) {
    let mut state = 1_u64;
    move |buffer: &mut [u8]| {
        for byte in buffer {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
    }
}

fn now() -> Timestamp {
    Timestamp::from_unix(1_767_323_045)
}

fn secret() -> Tree {
    Tree::build(|top| {
        top.leaf("apiVersion", "v1").leaf("kind", "Secret").map("metadata", |metadata| {
            metadata.leaf("name", "regcred").leaf("namespace", "demo");
        });
        top.leaf("type", "kubernetes.io/dockerconfigjson").map("data", |data| {
            data.leaf(".dockerconfigjson", "eyJhdXRocyI6e319");
        });
    })
}

fn kubernetes_rules() -> Rules {
    Rules::new(Choice::EncryptedRegex, "^(data|stringData)$", false).unwrap()
}

fn encrypted_secret() -> String {
    encrypt(&[secret()], &kubernetes_rules(), &[recipient("age.txt")], &now(), &mut scattered()).unwrap()
}

#[test]
fn files_made_by_sops_open_to_what_sops_says_they_hold() {
    for (name, encrypted, plain) in files() {
        let file = Encrypted::parse(&encrypted).unwrap_or_else(|error| panic!("{name}: {error}"));
        let opened =
            file.decrypt(&identities(&["age.txt"])).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(said(&opened), said(&parse_plain(&plain).unwrap()), "{name}");
    }
}

#[test]
fn every_kind_of_identity_opens_its_entry() {
    let text = files().into_iter().find(|(name, ..)| name == "ssh-recipients").unwrap().1;
    let file = Encrypted::parse(&text).unwrap();
    for name in ["ssh_ed25519", "ssh_rsa", "age.txt"] {
        assert!(file.decrypt(&identities(&[name])).is_ok(), "{name}");
    }
    assert!(file.is_for(&[recipient("age.txt"), recipient("ssh_rsa"), recipient("ssh_ed25519")]));
    assert!(!file.is_for(&[recipient("age.txt"), recipient("ssh_rsa")]));
    let stranger = file.decrypt(&identities(&["age-stranger.txt"])).err();
    assert_eq!(stranger, Some(Error::DataKey(UnwrapError::NotARecipient)));
}

#[test]
fn key_groups_are_refused_by_name() {
    let text = fs::read_to_string(fixtures().join("files/two-key-groups/enc.yaml")).unwrap();
    let error = Encrypted::parse(&text).unwrap().decrypt(&identities(&["age.txt"])).err().unwrap();
    assert_eq!(error, Error::OnlyForeign(vec!["key_groups"]));
}

#[test]
fn our_files_look_like_those_of_sops() {
    let shape = |text: &str| -> Vec<String> {
        let inner = |line: &str| {
            line.len() == 76 || line.trim_start().len() < 64 && !line.contains(':') && !line.contains('-')
        };
        let lines = text.lines().filter(|line| !inner(line));
        lines
            .map(|line| line.split("data:").next().unwrap_or(line).split("age1").next().unwrap().to_owned())
            .collect()
    };
    let ours = encrypted_secret();
    let theirs = fs::read_to_string(fixtures().join("files/reference-vector/enc.yaml")).unwrap();
    let theirs = theirs
        .replace("type: kubernetes.io/dockerconfigjson\n", "")
        .replace("version: 3.13.2", "version: 3.13.3");
    let ours = ours.replace("type: kubernetes.io/dockerconfigjson\n", "");
    assert_eq!(shape(&ours), shape(&theirs));
}

#[test]
fn what_we_encrypt_opens_to_the_same_tree() {
    for (_, _, plain) in files() {
        let documents = parse_plain(&plain).unwrap();
        for (choice, text) in [
            (Choice::UnencryptedSuffix, "_unencrypted"),
            (Choice::EncryptedSuffix, "a"),
            (Choice::UnencryptedRegex, "^[am]"),
            (Choice::EncryptedRegex, "^(data|list|base)$"),
        ] {
            for mac_only_encrypted in [false, true] {
                let rules = Rules::new(choice, text, mac_only_encrypted).unwrap();
                let recipients = [recipient("age.txt"), recipient("ssh_ed25519")];
                let text = encrypt(&documents, &rules, &recipients, &now(), &mut scattered()).unwrap();
                let file = Encrypted::parse(&text).unwrap();
                assert_eq!(file.metadata().rules, rules);
                assert!(file.decrypt(&identities(&["ssh_ed25519"])).unwrap() == documents);
            }
        }
    }
    let rules = Rules::new(Choice::EncryptedCommentRegex, "x", false).unwrap();
    let refused = encrypt(&[secret()], &rules, &[recipient("age.txt")], &now(), &mut scattered());
    assert_eq!(refused, Err(Error::CommentRules));
}

/// No byte of the file can be another one unnoticed: either the file does not open or its values are the same. The format
/// makes one exception: keys and nesting of what is in the clear are bound by nothing.
#[test]
fn a_changed_byte_never_changes_what_a_file_says() {
    let identities = identities(&["age.txt"]);
    for text in
        [encrypted_secret(), fs::read_to_string(fixtures().join("files/encrypted-regex/enc.yaml")).unwrap()]
    {
        let original = Encrypted::parse(&text).unwrap().decrypt(&identities).unwrap();
        let original = values(&original);
        let mut refused = 0;
        for index in 0..text.len() {
            let mut changed = text.clone();
            changed.replace_range(index..=index, ["A", "z", "0", " ", "\n"][index % 5]);
            let Ok(Ok(opened)) = Encrypted::parse(&changed).map(|file| file.decrypt(&identities)) else {
                refused += 1;
                continue;
            };
            let line = text[..index].matches('\n').count() + 1;
            assert_eq!(values(&opened), original, "byte {index}, line {line}");
        }
        assert!(refused * 10 > text.len() * 6, "only {refused} of {} changes are refused", text.len());
    }
}

#[test]
fn values_name_namespace_time_and_mac_are_each_bound() {
    let text = encrypted_secret();
    let identities = identities(&["age.txt"]);
    let changes = [
        ("name: regcred", "name: regcreb"),
        ("namespace: demo", "namespace: prod"),
        ("    namespace: demo\n", ""),
        ("kind: Secret", "kind: Secret\nadded: x"),
        ("03:04:05Z", "03:04:06Z"),
        ("    .dockerconfigjson", "    .dockercfg"),
        ("\ndata:\n", "\nstringData:\n"),
        ("^(data|stringData)$", "^(stringData)$"),
        ("    mac: ENC[AES256_GCM,data:", "    mac: ENC[AES256_GCM,data:AAAA"),
        ("    version", "    mac_only_encrypted: true\n    version"),
    ];
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        assert!(Encrypted::parse(&changed).unwrap().decrypt(&identities).is_err(), "{from} → {to}");
    }
    let without_mac =
        text.lines().filter(|line| !line.starts_with("    mac:")).collect::<Vec<_>>().join("\n");
    assert!(Encrypted::parse(&without_mac).is_err());
}

#[test]
fn an_entry_under_another_name_is_noticed() {
    let text = encrypted_secret();
    let renamed = text.replace(recipient("age.txt").as_str(), recipient("age-second.txt").as_str());
    let error = Encrypted::parse(&renamed).unwrap().decrypt(&identities(&["age.txt"])).err();
    let second = recipient("age-second.txt").to_string();
    assert_eq!(error, Some(Error::DataKey(UnwrapError::Mislabelled(second))));
    let damaged = text.replacen("            YWdl", "            YWdm", 1);
    let error = Encrypted::parse(&damaged).unwrap().decrypt(&identities(&["age.txt"])).err();
    assert_eq!(error, Some(Error::DataKey(UnwrapError::Damaged(recipient("age.txt").to_string()))));
}

#[test]
fn new_recipients_change_the_list_of_recipients_and_nothing_else() {
    let recipients = [recipient("age.txt"), recipient("age-second.txt"), recipient("ssh_rsa")];
    for (name, old, _) in files() {
        let identities = identities(&["age.txt"]);
        for text in [old.clone(), old.replace('\n', "\r\n"), old.trim_end().to_owned()] {
            let new = update_keys(&text, &recipients, &identities)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let new = new.unwrap();
            assert!(Encrypted::parse(&new).unwrap().is_for(&recipients), "{name}");
            assert_eq!(new.contains('\r'), text.contains('\r'), "{name}");
            // Everything before the list and after it, for every document.
            let rest = |text: &str| -> Vec<String> {
                let inside = |line: &&str| {
                    let of_list =
                        ["enc:", "\"age\"", "recipient", "-----"].iter().any(|word| line.contains(word));
                    let is_base64 = !line.contains([':', '#']) && line.trim() != "---";
                    !of_list && !is_base64
                };
                text.lines().filter(inside).map(str::to_owned).collect()
            };
            if name != "json" {
                assert_eq!(rest(&new), rest(&text), "{name}");
                assert_eq!(new.ends_with('\n'), text.ends_with('\n'), "{name}");
            }
            assert_eq!(update_keys(&new, &recipients, &identities), Ok(None), "{name}");
        }
    }
}

#[test]
fn rotation_replaces_every_secret_byte_and_no_other() {
    let recipients = [recipient("age-second.txt")];
    let identities_of_old = identities(&["age.txt"]);
    for (name, old, plain) in files() {
        let rotated = rotate(&old, &recipients, &identities_of_old, &now(), &mut scattered());
        if name == "encrypted-comments" || name == "unencrypted-comment-regex" {
            assert!(matches!(rotated, Err(Error::Rewrite(_))), "{name}");
            continue;
        }
        let new = rotated.unwrap_or_else(|error| panic!("{name}: {error}"));
        let file = Encrypted::parse(&new).unwrap();
        assert!(file.is_for(&recipients) && file.metadata().last_modified == now().as_str(), "{name}");
        assert!(file.decrypt(&identities_of_old).is_err(), "{name}");
        let opened = file.decrypt(&identities(&["age-second.txt"])).unwrap();
        assert_eq!(said(&opened), said(&parse_plain(&plain).unwrap()), "{name}");
        let clear = |text: &str| -> Vec<String> {
            let end = text.find("sops:").or_else(|| text.find("\"sops\"")).unwrap();
            text[..end].lines().filter(|line| !line.contains("ENC[")).map(str::to_owned).collect()
        };
        assert_eq!(clear(&new), clear(&old), "{name}");
        let values = |text: &str| -> Vec<String> {
            text.split("ENC[").skip(1).map(|rest| rest.split(']').next().unwrap().to_owned()).collect()
        };
        assert!(values(&new).iter().all(|value| !old.contains(value)), "{name}");
    }
}

#[test]
fn a_file_that_was_tampered_with_is_not_rewritten() {
    let text = encrypted_secret().replace("namespace: demo", "namespace: prod");
    let (recipients, identities) = ([recipient("age-second.txt")], identities(&["age.txt"]));
    assert_eq!(update_keys(&text, &recipients, &identities), Err(Error::Mac));
    assert_eq!(rotate(&text, &recipients, &identities, &now(), &mut scattered()), Err(Error::Mac));
}

#[test]
fn identities_that_cannot_be_used_say_why_and_where() {
    let problem = |text: &str| {
        Identities::default().add(text).map_err(|error| (error.line, error.problem)).unwrap_err()
    };
    assert_eq!(problem(&key("ssh_ed25519_passphrase")), (None, IdentityProblem::PassphraseSsh));
    assert_eq!(problem(&key("ssh_ecdsa")), (None, IdentityProblem::UnsupportedSsh));
    assert_eq!(problem("-----BEGIN PRIVATE KEY-----\nx\n"), (None, IdentityProblem::UnsupportedSsh));
    assert_eq!(problem(&key("ssh_rsa").replace("b3Bl", "b3Bm")), (None, IdentityProblem::Damaged));
    assert_eq!(problem("# only a comment\n\n"), (None, IdentityProblem::Empty));
    assert_eq!(problem("-----BEGIN AGE ENCRYPTED FILE-----\n"), (None, IdentityProblem::PassphraseFile));
    let good = key("age.txt");
    assert_eq!(problem(&format!("{good}\nhello\n")), (Some(5), IdentityProblem::Unknown));
    assert_eq!(problem(&good.replace("VXE6QF", "VXE6QG")), (Some(3), IdentityProblem::Damaged));
    assert_eq!(problem(&format!("\n{}\n", recipient("ssh_rsa"))), (Some(2), IdentityProblem::Recipient));
    let secret = good.lines().last().unwrap();
    let error = Identities::default().add(&format!("{}x", secret)).unwrap_err();
    assert_eq!(error.to_string(), "line 1: the identity is damaged: a character is wrong or missing");
}

#[test]
fn several_identities_may_stand_on_one_line_and_unusable_ones_are_named() {
    let line = |name: &str| key(name).lines().last().unwrap().to_owned();
    let mut identities = Identities::default();
    identities.add(&format!("{} \t{}\r\n", line("age.txt"), line("age-second.txt"))).unwrap();
    assert_eq!(identities.recipients().count(), 2);
    identities.add("\nAGE-PLUGIN-NOSUCH-1QQQQQQQQQQQQQLRUND2\nAGE-SECRET-KEY-PQ-1QQ").unwrap();
    assert_eq!(identities.recipients().count(), 2);
    let [plugin, post_quantum] = identities.unusable() else { panic!("two are unusable") };
    assert!(plugin.starts_with("line 2: ") && plugin.contains("`age-plugin-nosuch`"), "{plugin}");
    assert!(
        post_quantum.starts_with("line 3: ") && post_quantum.contains("`age-plugin-pq`"),
        "{post_quantum}"
    );
}

#[test]
fn whole_files_open_for_every_recipient_and_for_nobody_else() {
    let recipients = [recipient("age.txt"), recipient("ssh_rsa"), recipient("ssh_ed25519")];
    let armored = encrypt_file(b"kind: Secret\n", &recipients).unwrap();
    for name in ["age.txt", "ssh_rsa", "ssh_ed25519"] {
        assert_eq!(**identities(&[name]).decrypt_file(armored.as_bytes()).unwrap(), *b"kind: Secret\n");
    }
    let open = |file: &[u8]| identities(&["age.txt"]).decrypt_file(file).map(|_| ()).unwrap_err();
    assert_eq!(
        identities(&["age-stranger.txt"]).decrypt_file(armored.as_bytes()).err(),
        Some(FileError::NotARecipient)
    );
    assert_eq!(open(b"kind: Secret\n"), FileError::NotAge);
    let end = armored.find("\n-----END").unwrap();
    assert_eq!(open(&armored.as_bytes()[..end - 70]), FileError::Damaged);
}

#[test]
fn no_damage_to_a_file_makes_us_panic() {
    // A longer run: MUTATIONS=300000 cargo test --release no_damage
    let rounds = std::env::var("MUTATIONS").map_or(1_500, |text| text.parse().unwrap());
    let files = files();
    let mut random = scattered();
    let mut number = |limit: usize| {
        let mut bytes = [0; 4];
        random(&mut bytes);
        u32::from_le_bytes(bytes) as usize % limit
    };
    for round in 0..rounds {
        let (_, encrypted, plain) = &files[round % files.len()];
        let mut bytes = if round % 3 == 0 { plain } else { encrypted }.clone().into_bytes();
        for _ in 0..=number(4) {
            let at = number(bytes.len());
            match number(4) {
                0 => bytes[at] = b"\n\t -:[]{}&*!|>#\"'%@`~A0="[number(24)],
                1 => drop(bytes.drain(at..(at + number(40)).min(bytes.len()))),
                2 => bytes.insert(at, b' '),
                _ => bytes.extend_from_within(at..(at + number(400)).min(bytes.len())),
            }
            bytes.push(b'\n');
        }
        let text = String::from_utf8_lossy(&bytes);
        let documents = match Encrypted::parse(&text) {
            Ok(file) => file.documents().to_vec(),
            Err(_) => parse_plain(&text).unwrap_or_default(),
        };
        // What was read can be written, and says the same then.
        let written: Vec<_> = documents.iter().map(|tree| tree.to_yaml().to_string()).collect();
        let read: Vec<_> = written.iter().flat_map(|text| parse_plain(text).unwrap()).collect();
        assert_eq!(said(&read), said(&documents), "{text}");
        let _ = CreationRules::parse(&text).map(|rules| rules.map(|rules| rules.of("x.yaml").is_ok()));
    }
}

#[test]
fn hostile_files_are_errors() {
    let parse = |text: &str| Encrypted::parse(text).err().unwrap();
    assert_eq!(parse("a: 1\n"), Error::NotEncrypted);
    assert_eq!(parse("---\n"), Error::NotEncrypted);
    assert!(matches!(parse("sops: []\n"), Error::Metadata(_)));
    assert!(matches!(parse(&format!("sops: {}\n", "[".repeat(10_000))), Error::Yaml { .. }));
    assert!(matches!(parse("- a\n"), Error::Yaml { line: 1, .. }));
    let nothing = encrypted_secret().replace("        - enc: |", "        - enc: >");
    assert!(Encrypted::parse(&nothing).unwrap().decrypt(&identities(&["age.txt"])).is_err());
}
