//! Files that somebody changed: no byte that says something can be another one without being noticed.

use pullcred::objects::secret::{Head, auths, is_ours};
use sops_age::document::Encrypted;
use sops_age::identity::Identities;
use sops_age::tree::Tree;

use super::{BOTH, Repo, identity, secret};

/// What a text is as a Secret of ours: its head and its credentials.
fn opened(text: &str, identities: &Identities) -> Option<Tree> {
    let documents = Encrypted::parse(text).ok()?.decrypt(identities).ok()?;
    let [document] = &documents[..] else { return None };
    let is_secret = is_ours(document) && Head::of(document).is_some() && auths(document).is_some();
    is_secret.then(|| document.clone())
}

/// Every text that differs from `text` in one byte: in its lowest bit, and as a blank.
fn changed(text: &str) -> impl Iterator<Item = (usize, String)> {
    text.bytes().enumerate().flat_map(move |(at, byte)| {
        let other = move |new: u8| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = new;
            (at, String::from_utf8(bytes).unwrap())
        };
        [byte ^ 1, b' '].into_iter().filter(move |new| *new != byte).map(other)
    })
}

/// The line that a byte is in.
fn line(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    text[start..].lines().next().unwrap_or_default()
}

#[test]
fn no_byte_of_a_sops_file_can_be_another_one() {
    let repo = Repo::new();
    repo.run(0, &["sync", "deploy/shop.yaml"], BOTH);
    let text = repo.read(&secret("shop"));
    let mine = identity("age.txt");
    let good = opened(&text, &mine).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    for (at, changed) in changed(&text) {
        let line = line(&text, at);
        match opened(&changed, &mine) {
            None => refused += 1,
            // The label of a data key, the version and the blanks between tokens are nothing that a reader goes by.
            Some(tree) => {
                let place = line.trim_start().split(':').next().unwrap_or_default();
                let says_nothing = ["recipient", "version", "encrypted_regex"].contains(&place)
                    || text.as_bytes()[at].is_ascii_whitespace()
                    || changed.as_bytes()[at].is_ascii_whitespace();
                assert!(tree == good, "byte {at} changes the content unnoticed: {line}");
                assert!(says_nothing, "byte {at} is not noticed: {line}");
                harmless += 1;
            }
        }
    }
    println!("{refused} changes refused, {harmless} say nothing");
    assert!(refused > 10 * harmless, "{refused} refused, {harmless} not");
}

#[test]
fn no_byte_of_an_age_file_can_be_another_one() {
    let repo = Repo::new();
    repo.replace(".pullcred.yaml", ".sops.yaml\"", ".yaml.age\"\n      format: age");
    repo.run(0, &["sync", "deploy/shop.yaml"], BOTH);
    let text = repo.read(&secret("shop").replace(".sops.yaml", ".yaml.age"));
    let mine = identity("age.txt");
    let good = mine.decrypt_file(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    for (at, changed) in changed(text.trim_end()) {
        if let Ok(plain) = mine.decrypt_file(changed.as_bytes()) {
            assert!(
                *plain == *good && changed.as_bytes()[at].is_ascii_whitespace(),
                "byte {at} is not noticed"
            );
        }
    }
}
