//! Where credentials come from, in which order, and which are refused.

use std::fs;

use super::{BOTH, NO_ONE, PASSWORD, Repo, USER, configuration, key, recipient, secret};

const FROM_DOCKER: &str = "      credentials: [{dockerConfig: {}}]\n";

/// Base64 of text, as `auth` has it.
fn auth(text: &str) -> String {
    use std::fmt::Write as _;
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]));
        }
        let _ = write!(out, "{}", &"=="[..3 - chunk.len()]);
    }
    out
}

fn config(registry: &str, user: &str, password: &str) -> String {
    format!("{{\"auths\": {{\"{registry}\": {{\"auth\": \"{}\"}}}}}}", auth(&format!("{user}:{password}")))
}

/// The user name that the Secret of `shop` holds for a registry.
fn user(repo: &Repo, registry: &str) -> String {
    repo.holds(&secret("shop"))[registry].0.clone()
}

#[test]
fn nothing_is_missing_for_those_who_have_nothing() {
    let repo = Repo::new();
    for environment in [NO_ONE, &[USER], &[USER, ("ACR_PASSWORD", "")]] {
        let told = repo.idle(0, &["sync"], environment).messages();
        assert!(told.contains("warning: .pullcred.yaml:5:13: `acr-secret` has no credential for `myregistry.azurecr.io` in namespaces `pay`, `shop`: "), "{told}");
        assert!(told.contains("not set [credential-missing]"), "{told}");
        repo.idle(2, &["sync", "--strict"], environment);
    }
    repo.run(0, &["sync"], BOTH);
    let told = repo.idle(0, &["sync", "--strict"], NO_ONE).messages();
    assert!(!told.contains("credential-missing"), "what is there is kept: {told}");
    repo.deploy("new", "myregistry.azurecr.io/web:v1");
    let told = repo.idle(0, &["sync"], NO_ONE).messages();
    assert!(told.contains("in namespace `new`: "), "{told}");
}

#[test]
fn docker_configurations_from_every_place() {
    let repo = Repo::with(&configuration(FROM_DOCKER));
    let file = |name: &str| {
        repo.write(name, &config("myregistry.azurecr.io", &name.replace('/', "-"), "p"));
        repo.path(name).parent().unwrap().display().to_string()
    };
    let docker = file("docker/config.json");
    file("auth.json");
    let auth_file = repo.path("auth.json").display().to_string();
    let runtime = file("run/containers/auth.json").replace("/containers", "");
    let settings = file("etc/containers/auth.json").replace("/containers", "");
    let inline = config("myregistry.azurecr.io", "inline", "p");
    let registry = "myregistry.azurecr.io";
    for (environment, expected) in [
        (vec![("DOCKER_AUTH_CONFIG", &*inline), ("DOCKER_CONFIG", &*docker)], "inline"),
        (vec![("DOCKER_CONFIG", &*docker), ("REGISTRY_AUTH_FILE", &*auth_file)], "docker-config.json"),
        (vec![("REGISTRY_AUTH_FILE", &*auth_file), ("XDG_RUNTIME_DIR", &*runtime)], "auth.json"),
        (vec![("XDG_RUNTIME_DIR", &*runtime), ("XDG_CONFIG_HOME", &*settings)], "run-containers-auth.json"),
        (vec![("XDG_CONFIG_HOME", &*settings)], "etc-containers-auth.json"),
    ] {
        repo.run(0, &["encrypt", "--force"], &environment);
        assert_eq!(user(&repo, registry), expected);
    }
    for (name, expected) in
        [("../home/.config/containers/auth.json", "podman"), ("../home/.docker/config.json", "docker")]
    {
        repo.write(name, &config(registry, expected, "p"));
        repo.run(0, &["encrypt", "--force"], NO_ONE);
        assert_eq!(user(&repo, registry), expected);
    }
}

#[test]
fn helpers_are_asked_as_docker_asks_them() {
    let repo = Repo::with(&configuration(FROM_DOCKER));
    let helper = |name: &str, script: &str| {
        repo.write(&format!("bin/docker-credential-{name}"), &format!("#!/bin/sh\n{script}\n"));
        #[cfg(unix)]
        fs::set_permissions(
            repo.path(&format!("bin/docker-credential-{name}")),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
    };
    let path = format!("{}:/usr/bin:/bin", repo.path("bin").display());
    helper(
        "good",
        "test \"$1\" = get || exit 9\nread -r key\nprintf '{\"ServerURL\":\"%s\",\"Username\":\"from-helper\",\"Secret\":\"%s\"}' \"$key\" \"p-$key\"",
    );
    helper("empty", "echo 'credentials not found in native keychain'; exit 1");
    helper("broken", "echo 's3cret on stdout'; echo 's3cret on stderr' >&2; exit 3");
    helper("silly", "echo 's3cret'");
    let set = |text: &str| repo.write("../home/.docker/config.json", text);
    let environment = [("PATH", &*path)];
    set(
        "{\"auths\": {\"myregistry.azurecr.io\": {}}, \"credHelpers\": {\"myregistry.azurecr.io\": \"good\"}, \"credsStore\": \"broken\"}",
    );
    repo.run(0, &["encrypt"], &environment);
    let held = repo.holds(&secret("shop"))["myregistry.azurecr.io"].clone();
    assert_eq!(held, ("from-helper".to_owned(), "p-myregistry.azurecr.io".to_owned()));
    set("{\"credsStore\": \"good\"}");
    repo.run(0, &["encrypt", "--force"], &environment);
    for namespace in ["shop", "pay"] {
        fs::remove_file(repo.path(&secret(namespace))).unwrap();
    }
    for (name, reason) in [
        ("empty", "no docker configuration has `myregistry.azurecr.io`"),
        ("broken", "`docker-credential-broken` failed with status 3"),
        ("silly", "`docker-credential-silly` gave no answer that makes sense"),
        ("no-such", "`docker-credential-no-such` is not on the PATH"),
        ("../evil", "the name of its credential helper is none"),
    ] {
        set(&format!("{{\"credsStore\": \"{name}\"}}"));
        let told = repo.idle(0, &["encrypt"], &environment).messages();
        assert!(told.contains(reason) && told.contains("[credential-missing]"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn an_encrypted_file_of_the_repository() {
    let repo = Repo::with(&configuration("      credentials: [{file: creds/acr.enc.json}]\n"));
    let random = |buffer: &mut [u8]| buffer.fill(7);
    let plain = config("myregistry.azurecr.io", "from-file", "p");
    let documents = sops_age::document::parse_plain(&plain).unwrap();
    let rules = sops_age::rules::Rules::from_options(|_| None, false).unwrap();
    let recipients = [sops_age::recipients::Recipient::parse(&recipient("age.txt")).unwrap()];
    let now = sops_age::document::Timestamp::from_unix(0);
    let sops = sops_age::document::encrypt(&documents, &rules, &recipients, &now, &mut { random }).unwrap();
    let age = sops_age::recipients::encrypt_file(plain.as_bytes(), &recipients).unwrap();
    let identity = [("SOPS_AGE_KEY_FILE", &*key("age.txt"))];
    for text in [&sops, &age] {
        repo.write("creds/acr.enc.json", text);
        repo.run(0, &["encrypt", "--force"], &identity);
        assert_eq!(user(&repo, "myregistry.azurecr.io"), "from-file");
        for namespace in ["shop", "pay"] {
            fs::remove_file(repo.path(&secret(namespace))).unwrap();
        }
        let told = repo.idle(0, &["encrypt"], NO_ONE).messages();
        assert!(told.contains("creds/acr.enc.json: no identity opens it [credential-missing]"), "{told}");
    }
    for (text, reason) in [
        (&plain, "creds/acr.enc.json: it is not encrypted; `sops encrypt -i` does it [credential-malformed]"),
        (&sops.replace("data:", "data:AAAA"), "does not open"),
        (&age.replace("\n-----END", "AAAA\n-----END"), "the age file is damaged"),
    ] {
        repo.write("creds/acr.enc.json", text);
        let told = repo.idle(2, &["encrypt"], &identity).messages();
        assert!(told.contains(reason), "{told}");
    }
    fs::remove_file(repo.path("creds/acr.enc.json")).unwrap();
    let told = repo.idle(0, &["encrypt"], &identity).messages();
    assert!(told.contains("creds/acr.enc.json is not there [credential-missing]"), "{told}");
}

#[test]
fn stdin_goes_before_everything_else() {
    let repo = Repo::new();
    let stdin = config("myregistry.azurecr.io", "from-stdin", "p");
    repo.run_with(0, &["encrypt", "--credentials-stdin"], BOTH, stdin.as_bytes());
    assert_eq!(user(&repo, "myregistry.azurecr.io"), "from-stdin");
    let other = config("quay.io", "x", "p");
    repo.run_with(0, &["encrypt", "--credentials-stdin"], BOTH, other.as_bytes());
    assert_eq!(user(&repo, "myregistry.azurecr.io"), USER.1);
    let told = repo.run_with(2, &["encrypt", "--credentials-stdin"], BOTH, b"hunter2").messages();
    assert_eq!(told, "error: stdin: line 1, column 1: no JSON\n");
}

#[test]
fn sources_are_tried_in_order_until_one_serves() {
    let repo = Repo::with(&configuration(
        "      credentials:\n        - dockerConfig: {}\n        - env: {username: ACR_USERNAME, password: ACR_PASSWORD}\n",
    ));
    let registry = "myregistry.azurecr.io";
    // The first one has something, but nothing that a kubelet could use.
    let path = "../home/.docker/config.json";
    repo.write(path, &format!("{{\"auths\": {{\"{registry}\": {{\"auth\": \"{}\"}}}}}}", auth("nocolon")));
    repo.run(0, &["encrypt"], BOTH);
    assert_eq!(user(&repo, registry), USER.1);
    for namespace in ["shop", "pay"] {
        fs::remove_file(repo.path(&secret(namespace))).unwrap();
    }
    let told = repo.idle(2, &["encrypt"], NO_ONE).messages();
    assert!(
        told.contains("`auth` has no colon between user name and password [credential-malformed]"),
        "{told}"
    );
    repo.write(path, "{\"auths\": {\"myregistry.azurecr.io\": \"s3cret\"}}");
    let told = repo.idle(2, &["encrypt"], NO_ONE).messages();
    assert!(told.contains("config.json: line 1, column 44: no docker configuration"), "{told}");
    assert!(!told.contains("s3cret"));
}

#[test]
fn tokens_that_end_soon_need_leave() {
    let jwt = |claims: &str| {
        let url =
            |text: &str| auth(text).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned();
        format!("{}.{}.c2ln", url("{\"alg\":\"RS256\"}"), url(claims))
    };
    let repo = Repo::new();
    let environment =
        |password: &str| [USER, ("ACR_PASSWORD", Box::leak(password.to_owned().into_boxed_str()))];
    let told = repo.idle(2, &["sync"], &environment(&jwt("{\"exp\":1000000000}"))).messages();
    assert!(told.contains("the JSON web token expired at 2001-09-09T01:46:40Z [token-expired]"), "{told}");
    repo.idle(2, &["sync", "--allow-expiring"], &environment(&jwt("{\"exp\":1000000000}")));
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 7_200;
    let acr = jwt(&format!("{{\"iss\":\"Azure Container Registry\",\"exp\":{soon}}}"));
    let told = repo.idle(2, &["sync"], &environment(&acr)).messages();
    assert!(told.contains("[token-short-lived]") && !told.contains(&acr), "{told}");
    let told = repo.run(0, &["sync", "--allow-expiring"], &environment(&acr)).messages();
    assert!(told.contains("note: .pullcred.yaml:5:13:") && told.contains("[token-short-lived]"), "{told}");
    repo.run(0, &["sync"], &environment(&jwt("{\"exp\":4000000000}")));
}

#[test]
fn a_credential_of_no_use_is_told_although_the_secret_that_is_there_stays() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let mine = key("age.txt");
    let expired = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjEwMDAwMDAwMDB9.c2ln";
    for (password, code) in [("pass\n", "credential-malformed"), (expired, "token-expired")] {
        for identity in [&[][..], &["-i", &mine]] {
            let environment = [USER, ("ACR_PASSWORD", password)];
            let told = repo.idle(0, &[&["sync"], identity].concat(), &environment).messages();
            let expected = "warning: .pullcred.yaml:5:13: `acr-secret` keeps its credential for `myregistry.azurecr.io` in namespaces `pay`, `shop`: ";
            assert!(told.contains(expected) && told.contains(code), "{told}");
            repo.idle(2, &[&["encrypt", "--strict"], identity].concat(), &environment);
        }
    }
}

#[test]
fn identity_tokens_are_rewritten_or_refused() {
    let repo = Repo::with(
        &configuration(FROM_DOCKER).replace("myregistry.azurecr.io", "myregistry.azurecr.io, quay.io"),
    );
    repo.deploy("pay", "quay.io/pay:v1");
    let entry = |registry: &str| {
        format!("\"{registry}\": {{\"auth\": \"{}\", \"identitytoken\": \"opaque-s3cret\"}}", auth("0:"))
    };
    let text = format!("{{\"auths\": {{{}, {}}}}}", entry("myregistry.azurecr.io"), entry("quay.io"));
    repo.write("../home/.docker/config.json", &text);
    let told = repo.run(2, &["encrypt"], NO_ONE).messages();
    assert!(
        told.contains("an identity token only, which a kubelet ignores [identity-token-ignored]"),
        "{told}"
    );
    assert!(told.contains("[token-short-lived]") && !told.contains("s3cret"), "{told}");
    repo.run(0, &["encrypt", "--allow-expiring"], NO_ONE);
    let held = repo.holds(&secret("shop"))["myregistry.azurecr.io"].clone();
    assert_eq!(held, ("00000000-0000-0000-0000-000000000000".to_owned(), "opaque-s3cret".to_owned()));
    assert!(!repo.path(&secret("pay")).exists());
}

#[test]
fn each_namespace_gets_what_it_uses() {
    let repo = Repo::with(
        &configuration(FROM_DOCKER).replace("[myregistry.azurecr.io]", "[\"*.azurecr.io\", docker.io]"),
    );
    repo.deploy("pay", "other.azurecr.io/pay:v1");
    repo.deploy("web", "nginx:1");
    let entries =
        ["myregistry.azurecr.io", "other.azurecr.io", "https://index.docker.io/v1/", "unused.azurecr.io"];
    let entries: Vec<String> = entries
        .iter()
        .map(|key| format!("\"{key}\": {{\"username\": \"u\", \"password\": \"p\"}}"))
        .collect();
    repo.write("../home/.docker/config.json", &format!("{{\"auths\": {{{}}}}}", entries.join(", ")));
    repo.run(0, &["sync"], NO_ONE);
    let keys = |namespace: &str| repo.holds(&secret(namespace)).into_keys().collect::<Vec<_>>();
    assert_eq!(keys("shop"), ["myregistry.azurecr.io"]);
    assert_eq!(keys("pay"), ["other.azurecr.io"]);
    assert_eq!(keys("web"), ["https://index.docker.io/v1/"]);
    // Where one registry more is used, only that namespace's file changes; where one is used no more, it goes.
    repo.deploy("web", "other.azurecr.io/web:1");
    assert_eq!(repo.changes(&["sync"], NO_ONE), [secret("web")]);
    assert_eq!(keys("web"), ["other.azurecr.io"]);
    // Without the credential for what is new, what is known stays.
    fs::remove_file(repo.path("../home/.docker/config.json")).unwrap();
    let identity = [("SOPS_AGE_KEY_FILE", &*key("age.txt"))];
    repo.deploy("shop", "new.azurecr.io/web:1");
    let told = repo.idle(0, &["sync"], &identity).messages();
    assert!(told.contains("no credential for `new.azurecr.io` in namespace `shop`"), "{told}");
    assert!(!told.contains(PASSWORD.1));
}

#[test]
fn a_secret_for_every_image_needs_credentials_that_name_registries() {
    let every = |credentials: &str| {
        configuration(credentials).replace("      registries: [myregistry.azurecr.io]\n", "")
    };
    let repo =
        Repo::with(&every("      credentials: [{env: {username: ACR_USERNAME, password: ACR_PASSWORD}}]\n"));
    let told = repo.idle(0, &["sync"], BOTH).messages();
    assert!(told.contains("tell no registry, and neither do the secret's `registries`"), "{told}");
    repo.write(".pullcred.yaml", &every(FROM_DOCKER));
    repo.deploy("pay", "quay.io/public:1");
    repo.write("../home/.docker/config.json", &config("myregistry.azurecr.io", "u", "p"));
    let told = repo.run(0, &["sync"], NO_ONE).messages();
    assert_eq!(repo.holds(&secret("shop")).into_keys().collect::<Vec<_>>(), ["myregistry.azurecr.io"]);
    assert!(told.contains("no credential for `quay.io` in namespace `pay`"), "{told}");
}
