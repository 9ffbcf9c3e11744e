//! Credentials and identities are planted and looked for, in several spellings, wherever they must not be: every file, every
//! output of every command, failing ones included.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use super::{NO_ONE, Repo, all_files, configuration, key, recipient, secret};
use crate::support::Ended;

const PLANTED: [&str; 3] = ["planted+user/name", "Pl4nted/P@ss+w0rd=%", "An0ther#Planted~Pass"];

/// The private key of `age.txt`, and one that is damaged.
static IDENTITY: LazyLock<String> = LazyLock::new(|| {
    let text = fs::read_to_string(key("age.txt")).unwrap();
    text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap().to_owned()
});
const DAMAGED: &str = "AGE-SECRET-KEY-1PLANTEDANDDAMAGED";

static SPELLINGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let identities = [IDENTITY.as_str(), DAMAGED];
    let all = PLANTED.iter().chain(&identities).flat_map(|text| spellings(text));
    all.collect()
});

/// Plain, base64 (each alignment, both alphabets), hexadecimal, URL-encoded, reversed, in small letters.
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
        let encoded = base64(&whole[..whole.len() / 3 * 3]);
        all.extend([encoded.replace('+', "-").replace('/', "_"), encoded]);
    }
    all.push(text.bytes().map(|byte| format!("{byte:02x}")).collect());
    all.push(text.to_lowercase());
    all.sort_unstable();
    all.dedup();
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

fn found_in(bytes: &[u8]) -> Option<&'static String> {
    // Most bytes begin no spelling at all.
    let begins: BTreeSet<u8> = SPELLINGS.iter().map(|spelling| spelling.as_bytes()[0]).collect();
    let places = (0..bytes.len()).filter(|at| begins.contains(&bytes[*at]));
    let mut found =
        places.filter_map(|at| SPELLINGS.iter().find(|text| bytes[at..].starts_with(text.as_bytes())));
    found.next()
}

fn look(repo: &Repo, what: &str, ended: &Ended) {
    for (name, bytes) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
        if let Some(spelling) = found_in(bytes) {
            panic!("{what}: `{spelling}` on {name}");
        }
    }
    // The tree, `.git` included, and beside it the home and the folder for temporary files.
    for (path, bytes) in all_files(&repo.path("..")) {
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

/// The names of all commands, as the help lists them.
fn commands(repo: &Repo) -> BTreeSet<String> {
    let help = repo.run(0, &["--help"], NO_ONE).data();
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

#[test]
fn no_command_leaks_a_credential_or_an_identity() {
    for format in ["sops", "age"] {
        every_command(format);
    }
}

fn every_command(format: &str) {
    let repo = Repo::with(&configuration(
        "      credentials:\n        - env: {username: ACR_USERNAME, password: ACR_PASSWORD}\n        - dockerConfig: {}\n        - file: creds.age\n",
    ));
    let is_age = format == "age";
    if is_age {
        repo.replace(".pullcred.yaml", ".sops.yaml\"", ".yaml.age\"\n      format: age");
    }
    let file = if is_age { secret("shop").replace(".sops.yaml", ".yaml.age") } else { secret("shop") };
    let temporary = repo.path("../tmp");
    fs::create_dir(&temporary).unwrap();
    let place = temporary.display().to_string();
    let path = format!("{}:/usr/bin:/bin", repo.path("bin").display());
    let base = [("TMPDIR", &*place), ("PATH", &*path)];
    let with = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
        let all = base.iter().chain(more);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let user = ("ACR_USERNAME", PLANTED[0]);
    let mine = key("age.txt");
    let first = with(&[user, ("ACR_PASSWORD", PLANTED[1])]);
    let second = with(&[user, ("ACR_PASSWORD", PLANTED[2])]);
    let opening = with(&[user, ("ACR_PASSWORD", PLANTED[1]), ("SOPS_AGE_KEY", &IDENTITY)]);
    let malformed = with(&[user, ("ACR_PASSWORD", &format!("{}\n", PLANTED[1]))]);
    let nothing = with(&[]);
    let odd = |text: String| with(&[("DOCKER_AUTH_CONFIG", &*text)]);
    let entry = |text: &str| format!("{{\"auths\": {{\"myregistry.azurecr.io\": {text}}}}}");
    // A helper that tells everybody.
    repo.write(
        "bin/docker-credential-leaky",
        "#!/bin/sh\necho \"$LEAK\" >&2\necho \"$LEAK\"\nexit ${STATUS:-3}\n",
    );
    #[cfg(unix)]
    fs::set_permissions(
        repo.path("bin/docker-credential-leaky"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let leaky = "{\"credsStore\": \"leaky\"}";
    // An encrypted file whose content is no docker configuration.
    let recipients = [sops_age::recipients::Recipient::parse(&recipient("age.txt")).unwrap()];
    let inside = format!("{{\"auths\": \"{}\", {}", PLANTED[1], PLANTED[0]);
    repo.write(
        "creds.age",
        &sops_age::recipients::encrypt_file(inside.as_bytes(), &recipients)
            .unwrap_or_else(|error| panic!("{error}")),
    );

    let mut seen = BTreeSet::new();
    let mut check = |status: i32, arguments: &[&str], environment: &[(String, String)], stdin: &str| {
        seen.insert(arguments[0].to_owned());
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        let ended = repo.run_with(status, arguments, &environment, stdin.as_bytes());
        look(&repo, &format!("{format}, step {}, {arguments:?}", seen.len()), &ended);
    };
    check(0, &["sync", "--dry-run", "--diff", "-v"], &first, "");
    check(0, &["sync", "--diff", "-v"], &first, "");
    check(0, &["sync", "-v"], &opening, "");
    check(0, &["encrypt", "-v", "--diff"], &second, "");
    check(0, &["encrypt", "--force", "-i", &mine], &first, "");
    let clear = entry(&format!("{{\"username\": \"{}\", \"password\": \"{}\"}}", PLANTED[0], PLANTED[1]));
    fs::write(
        repo.path("clear.yaml"),
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: clear}}\ntype: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: '{clear}'\n"),
    )
    .unwrap();
    check(0, &["adopt", "-v", "--diff"], &first, "");
    fs::remove_file(repo.path("clear.yaml")).unwrap();
    for text in [PLANTED[1], DAMAGED, &format!("{}X", *IDENTITY), &format!("{0} {0}x", *IDENTITY)] {
        for command in ["sync", "encrypt", "check", "updatekeys", "rotate"] {
            check(2, &[command, "-v"], &with(&[user, ("SOPS_AGE_KEY", text)]), "");
        }
        check(2, &["show", &file], &with(&[("SOPS_AGE_KEY", text)]), "");
        check(2, &["show", &file], &with(&[("SOPS_AGE_KEY_CMD", "printenv LEAK"), ("LEAK", text)]), "");
    }
    check(0, &["sync", "-v"], &malformed, "");
    repo.deploy("new", "myregistry.azurecr.io/new:1");
    check(2, &["sync", "-v"], &malformed, "");
    for text in [
        entry(&format!("{{\"password\": [\"{}\"]}}", PLANTED[1])),
        entry(&format!("{{\"auth\": \"{}\"}}", base64(format!("{}__", PLANTED[1]).as_bytes()))),
        entry(&format!("{{\"username\": \"a:b\", \"password\": \"{}\"}}", PLANTED[1])),
        entry(&format!("{{\"auth\": \"{}", PLANTED[1])),
        format!("{{\"auths\": \"{}\"}}", PLANTED[1]),
        PLANTED[1].to_owned(),
    ] {
        check(2, &["sync", "-v"], &odd(text.clone()), "");
        check(2, &["encrypt", "-v", "--credentials-stdin"], &nothing, &text);
    }
    for status in ["0", "1", "3"] {
        let told = with(&[("DOCKER_AUTH_CONFIG", leaky), ("LEAK", PLANTED[1]), ("STATUS", status)]);
        check(0, &["sync", "-v"], &told, "");
    }
    check(2, &["sync", "-v", "-i", &mine], &nothing, "");
    fs::remove_file(repo.path("creds.age")).unwrap();
    // Namespace `new` never got its Secret.
    for format in ["text", "json", "github", "sarif", "junit"] {
        check(1, &["check", "-v", "--format", format, "-i", &mine], &first, "");
    }
    check(0, &["check", "--write-baseline", "baseline.json", "-i", &mine], &first, "");
    fs::remove_file(repo.path("baseline.json")).unwrap();
    check(0, &["sync", "-v"], &first, "");
    for output in ["table", "json", "html"] {
        check(0, &["list", "-o", output], &opening, "");
    }
    check(0, &["explain", "deploy/shop.yaml"], &opening, "");
    check(0, &["inject", "-v", "--diff"], &opening, "");
    check(0, &["generate", "."], &opening, "");
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n";
    let settings = "functionConfig: {apiVersion: pullcred.dev/v1alpha1, kind: PullCredentials, spec: {secrets: [{name: a}]}}\n";
    check(0, &["fn"], &opening, &format!("{list}{settings}"));
    check(1, &["fn"], &opening, list);
    check(2, &["init"], &opening, "");
    check(0, &["quickstart", "../quick"], &opening, "");
    check(0, &["completions", "bash"], &opening, "");
    check(0, &["man"], &opening, "");
    check(0, &["trust"], &opening, "");
    check(0, &["schema"], &opening, "");
    check(2, &["learn", "chart"], &opening, "");
    check(2, &["show", &file], &first, "");
    repo.replace(
        ".pullcred.yaml",
        "recipients: [",
        &format!("recipients: [{}, ", recipient("age-second.txt")),
    );
    check(if is_age { 0 } else { 2 }, &["updatekeys", "-v"], &first, "");
    check(0, &["updatekeys", "-v", "--dry-run"], &opening, "");
    check(0, &["updatekeys", "-v"], &opening, "");
    check(0, &["rotate", "-v", "-i", &mine], &first, "");
    check(0, &["sync", "-v", "-i", &mine], &second, "");
    let good = repo.read(&file);
    let bad = if is_age {
        good.replace("\n-----END", "AAAA\n-----END")
    } else {
        good.replace("namespace: shop", "namespace: shap")
    };
    repo.write(&file, &bad);
    for (command, status) in [("sync", 2), ("encrypt", 2), ("rotate", 2), ("check", 1)] {
        check(status, &[command, "-v", "-i", &mine], &first, "");
    }
    check(if is_age { 2 } else { 0 }, &["updatekeys", "-v", "-i", &mine], &first, "");
    check(2, &["show", "--reveal", &file, "-i", &mine], &first, "");
    if !is_age {
        check(2, &["generate", "--decrypt", ".", "-i", &mine], &first, "");
    }
    assert_eq!(seen, commands(&repo), "a command is not watched");
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
