//! A credential is planted and looked for, in four spellings, wherever it must not be: every file, every output of every
//! command, failing ones included.

use std::fs;
use std::path::Path;

use super::{NO_ONE, Repo, all_files, configuration, key, recipient, secret};
use crate::support::Ended;

const PLANTED: [&str; 3] = ["planted+user/name", "Pl4nted/P@ss+w0rd=%", "An0ther#Planted~Pass"];

/// Plain, base64 (each alignment), URL-encoded, reversed.
fn spellings(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned(), text.chars().rev().collect()];
    all.push(
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect(),
    );
    for skip in 0..3 {
        // The part of the encoding that does not depend on what stands around the text.
        let whole = &text.as_bytes()[skip..];
        all.push(base64(&whole[..whole.len() / 3 * 3]));
    }
    all
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks_exact(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for place in 0..4 {
            out.push(char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    out
}

fn found_in(bytes: &[u8]) -> Option<String> {
    let all = PLANTED.iter().flat_map(|text| spellings(text));
    all.into_iter().find(|spelling| bytes.windows(spelling.len()).any(|window| window == spelling.as_bytes()))
}

fn look(repo: &Repo, temporary: &Path, what: &str, ended: &Ended) {
    for (name, bytes) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
        if let Some(spelling) = found_in(bytes) {
            panic!("{what}: `{spelling}` on {name}");
        }
    }
    for (path, bytes) in all_files(repo.0.root()).into_iter().chain(all_files(temporary)) {
        if let Some(spelling) = found_in(&bytes) {
            panic!("{what}: `{spelling}` in {}", path.display());
        }
    }
}

#[test]
fn the_spellings_are_found() {
    let text = PLANTED[1];
    for around in ["", "x", "xy"] {
        let encoded = base64(format!("{around}{text}__").as_bytes());
        assert!(found_in(encoded.as_bytes()).is_some(), "{encoded}");
    }
    assert!(found_in(b"Pl4nted%2FP%40ss%2Bw0rd%3D%25").is_some());
    assert!(found_in(b"nothing here").is_none());
}

#[test]
fn no_command_leaks_a_credential() {
    let repo = Repo::with(&configuration(
        "      credentials:\n        - env: {username: ACR_USERNAME, password: ACR_PASSWORD}\n        - dockerConfig: {}\n",
    ));
    let temporary = repo.path("../tmp");
    fs::create_dir(&temporary).unwrap();
    let place = temporary.display().to_string();
    let mine = key("age.txt");
    let first = vec![("TMPDIR", &*place), ("ACR_USERNAME", PLANTED[0]), ("ACR_PASSWORD", PLANTED[1])];
    let second = vec![("TMPDIR", &*place), ("ACR_USERNAME", PLANTED[0]), ("ACR_PASSWORD", PLANTED[2])];
    let broken = format!("{}\n", PLANTED[1]);
    let malformed = vec![("TMPDIR", &*place), ("ACR_USERNAME", PLANTED[0]), ("ACR_PASSWORD", &*broken)];
    let inline =
        format!("{{\"auths\": {{\"myregistry.azurecr.io\": {{\"password\": [\"{}\"]}}}}}}", PLANTED[1]);
    let odd = vec![("TMPDIR", &*place), ("DOCKER_AUTH_CONFIG", &*inline)];
    let keyed = vec![("TMPDIR", &*place), ("SOPS_AGE_KEY", PLANTED[1])];
    let mut step = 0;
    let mut check = |status: i32, arguments: &[&str], environment: &[(&str, &str)], stdin: &str| {
        step += 1;
        let ended = repo.run_with(status, arguments, environment, stdin.as_bytes());
        look(&repo, &temporary, &format!("step {step}, {arguments:?}"), &ended);
    };
    check(0, &["sync", "--dry-run", "--diff", "-v"], &first, "");
    check(0, &["sync", "--diff", "-v"], &first, "");
    check(0, &["sync", "-v"], &first, "");
    check(0, &["encrypt", "-v", "--diff"], &second, "");
    check(0, &["encrypt", "--force", "-i", &mine], &first, "");
    check(2, &["sync", "-v"], &keyed, "");
    check(0, &["sync", "-v"], &malformed, "");
    repo.deploy("new", "myregistry.azurecr.io/new:1");
    check(2, &["sync", "-v"], &malformed, "");
    check(2, &["sync", "-v"], &odd, "");
    check(2, &["sync", "--credentials-stdin"], NO_ONE, &format!("{{\"auths\": \"{}\"}}", PLANTED[1]));
    check(2, &["sync", "--credentials-stdin"], NO_ONE, PLANTED[1]);
    // Namespace `new` never got its Secret.
    check(1, &["check", "-v", "-i", &mine], &first[..1], "");
    check(1, &["check", "--format", "json", "-i", &mine], &first, "");
    check(1, &["check", "--format", "sarif", "-i", &mine], &first, "");
    check(0, &["list", "-o", "json"], &first, "");
    check(0, &["explain", "deploy/shop.yaml"], &first, "");
    check(0, &["generate", "."], &first, "");
    check(2, &["show", &secret("shop")], &first, "");
    repo.replace(
        ".pullcred.yaml",
        "recipients: [",
        &format!("recipients: [{}, ", recipient("age-second.txt")),
    );
    check(2, &["updatekeys", "-v"], &first, "");
    check(0, &["updatekeys", "-v", "-i", &mine], &first, "");
    check(0, &["rotate", "-v", "-i", &mine], &first, "");
    let mac = repo.read(&secret("shop"));
    repo.write(&secret("shop"), &mac.replace("namespace: shop", "namespace: shap"));
    for (command, status) in [("sync", 2), ("encrypt", 2), ("updatekeys", 0), ("rotate", 2), ("check", 1)] {
        check(status, &[command, "-v", "-i", &mine], &first, "");
    }
    check(2, &["generate", "--decrypt", ".", "-i", &mine], &first, "");
    check(2, &["show", "--reveal", &secret("shop"), "-i", &mine], &first, "");
}

/// The two commands that exist to print it do, on stdout and nowhere else.
#[test]
fn what_is_asked_for_is_on_stdout_alone() {
    let repo = Repo::new();
    let environment = [("ACR_USERNAME", PLANTED[0]), ("ACR_PASSWORD", PLANTED[1])];
    repo.run(0, &["sync"], &environment);
    let mine = key("age.txt");
    let file = secret("shop");
    for arguments in
        [&["show", "--reveal", &file, "-i", &mine][..], &["generate", "--decrypt", "clusters", "-i", &mine]]
    {
        let ended = repo.run(0, arguments, NO_ONE);
        assert!(found_in(&ended.stderr).is_none());
        assert!(String::from_utf8_lossy(&ended.stdout).contains("kind: Secret"));
    }
}
