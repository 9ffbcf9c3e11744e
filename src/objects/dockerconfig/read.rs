//! Docker's `config.json` and podman's `auth.json`: which entry or credential helper answers for an image.
//!
//! Reads what is there and judges it; starts no helper. Errors give a line and a column, never a character of the file.
//! Sources: docker/cli `cli/config/configfile/file.go`, containers/image `docs/containers-auth.json.5.md`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use zeroize::Zeroizing;

use super::{Auths, Credential, Flaw, from_base64};
use kubelet_keyring::reference::DOCKER_HUB;
use sops_age::tree::Tree;

/// The keys under which a docker configuration may hold Docker Hub, docker's own first.
const HUB_KEYS: [&str; 3] = ["https://index.docker.io/v1/", "index.docker.io", DOCKER_HUB];
/// Where Docker Hub's images really are; no client looks credentials up by this name.
const HUB_SERVER: &str = "registry-1.docker.io";

/// A docker or podman configuration as far as credentials go.
#[derive(Default)]
pub struct DockerConfig {
    auths: BTreeMap<String, Entry>,
    store: Option<String>,
    helpers: BTreeMap<String, String>,
}

/// What an entry of `auths` holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Entry {
    /// A user name and a password.
    Credential(Credential),
    /// Only an identity token, which a kubelet ignores.
    IdentityToken(Zeroizing<String>),
    /// Nothing: the credential is in a helper, or nowhere.
    Empty,
    /// Something that is no credential.
    Flawed(Flaw),
}

/// What a configuration says of an image.
#[derive(Clone, Copy)]
pub enum Found<'c> {
    /// The credential is with a helper: the name after `docker-credential-`, and the keys to ask it for, in order.
    Helper(&'c str, &'c [&'c str]),
    /// An entry, and the key that it stands under.
    Entry(&'c str, &'c Entry),
}

/// Text that is no docker configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    syntax: bool,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.syntax { "no JSON" } else { "no docker configuration" };
        write!(f, "line {}, column {}: {what}", self.line, self.column)
    }
}

impl std::error::Error for ConfigError {}

impl DockerConfig {
    /// Reads `config.json`, `auth.json` or the text of a `.dockerconfigjson`.
    ///
    /// # Errors
    /// Where it is no JSON or not of that shape.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let stored: Stored = from_json(text)?;
        Ok(Self {
            auths: entries(stored.auths.unwrap_or_default()),
            store: stored.creds_store.filter(|name| !name.is_empty()),
            helpers: stored.cred_helpers.unwrap_or_default(),
        })
    }

    /// Reads the older `.dockercfg`: entries without the object around them.
    ///
    /// # Errors
    /// Where it is no JSON or not of that shape.
    pub fn parse_dockercfg(text: &str) -> Result<Self, ConfigError> {
        Ok(Self::from_entries(from_json::<BTreeMap<String, StoredEntry>>(text)?))
    }

    /// Reads what an encrypted file held: a docker configuration, its text as sops wraps files of other formats, or a
    /// Secret that carries one.
    ///
    /// # Errors
    /// Where the text inside is no JSON or not of that shape.
    pub fn from_tree(tree: &Tree) -> Result<Self, ConfigError> {
        let no_config = ConfigError { line: 1, column: 1, syntax: false };
        if let Some(data) = tree.str_at(&["data", ".dockerconfigjson"]) {
            return Self::parse(&from_base64(data).ok_or(no_config)?);
        }
        if let Some(text) =
            tree.str_at(&["stringData", ".dockerconfigjson"]).or_else(|| tree.str_at(&["data"]))
        {
            return Self::parse(text);
        }
        if !tree.keys(&[]).contains(&"auths") {
            return Err(no_config);
        }
        let entry = |key: &str| {
            let field =
                |name| tree.str_at(&["auths", key, name]).map(|text| Wiped(Zeroizing::new(text.to_owned())));
            let (auth, username) = (field("auth"), field("username"));
            StoredEntry { auth, username, password: field("password"), identitytoken: field("identitytoken") }
        };
        let keys = tree.keys(&["auths"]);
        Ok(Self::from_entries(keys.into_iter().map(|key| (key.to_owned(), entry(key))).collect()))
    }

    fn from_entries(auths: BTreeMap<String, StoredEntry>) -> Self {
        Self { auths: entries(auths), ..Self::default() }
    }

    /// The same without credential helpers: a file of a repository must not say what is asked for on the machine.
    #[must_use]
    pub fn without_helpers(self) -> Self {
        Self { auths: self.auths, ..Self::default() }
    }

    /// The credentials; none when one of the entries is none.
    pub fn auths(&self) -> Option<Auths> {
        let entries = self.entries().map(|(key, entry)| match entry {
            Entry::Credential(credential) => Some((key.to_owned(), credential.clone())),
            _ => None,
        });
        entries.collect::<Option<_>>().map(Auths)
    }

    /// The entries, by key.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.auths.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// What answers for images of a repository (`registry` and `repository` as in an `ImageRef`).
    ///
    /// As in docker a helper goes before the entries. As in podman a key may end with a part of the repository, and the
    /// longest one counts; besides, a key may be a URL of the registry.
    pub fn lookup<'c>(
        &'c self,
        registry: &'c str,
        repository: &str,
        keys: &'c [&'c str],
    ) -> Option<Found<'c>> {
        let helper = keys.iter().find_map(|key| self.helpers.get(*key)).or(self.store.as_ref());
        if let Some(helper) = helper {
            return Some(Found::Helper(helper, keys));
        }
        let mut scope = format!("{registry}/{repository}");
        while let Some(slash) = scope.rfind('/') {
            if let Some((key, entry)) = self.auths.get_key_value(&scope) {
                return Some(Found::Entry(key, entry));
            }
            scope.truncate(slash);
        }
        let exact = keys.iter().find_map(|key| self.auths.get_key_value(*key));
        let by_host =
            || self.auths.iter().find(|(key, _)| host_of(key).is_some_and(|host| keys.contains(&host)));
        exact.or_else(by_host).map(|(key, entry)| Found::Entry(key, entry))
    }

    /// Whether Docker Hub has an entry under the name of its server, which serves nothing.
    pub fn has_useless_hub_key(&self) -> bool {
        self.auths.keys().any(|key| host_of(key).unwrap_or(key) == HUB_SERVER)
    }
}

/// What a credential helper printed for `get`. An unnamed user means an identity token, as in docker. `None` when it is no
/// such answer. [docker/docker-credential-helpers credentials/credentials.go]
pub fn helper_answer(text: &str) -> Option<Entry> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: Wiped,
        secret: Wiped,
    }
    let Answer { username: Wiped(username), secret: Wiped(secret) } = from_json(text).ok()?;
    Some(match username.as_str() {
        "<token>" if !secret.is_empty() => Entry::IdentityToken(secret),
        _ => Credential::new(username, secret).map_or_else(Entry::Flawed, Entry::Credential),
    })
}

/// The keys that a configuration may hold a registry under, besides those with a path.
pub fn keys_of(registry: &str) -> Vec<&str> {
    if registry == DOCKER_HUB { HUB_KEYS.to_vec() } else { vec![registry] }
}

/// The part of the repository that a key is limited to, as in `quay.io/team`; none for a whole registry.
pub fn scope_of(key: &str) -> Option<&str> {
    let is_url = host_of(key).is_some();
    key.split_once('/').map(|(_, path)| path).filter(|path| !is_url && !path.is_empty())
}

/// The host of a key that is a URL of a whole registry; none for other keys, `quay.io/team` among them.
fn host_of(key: &str) -> Option<&str> {
    let schemeless = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let (host, path) = schemeless.unwrap_or(key).split_once('/').unwrap_or((schemeless.unwrap_or(key), ""));
    (schemeless.is_some() || matches!(path.trim_end_matches('/'), "" | "v1" | "v2")).then_some(host)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    auths: Option<BTreeMap<String, StoredEntry>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, String>>,
}

/// An entry as it is written. `auth`, `user:password` in base64, goes before the two fields for them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StoredEntry {
    auth: Option<Wiped>,
    username: Option<Wiped>,
    password: Option<Wiped>,
    identitytoken: Option<Wiped>,
}

/// Text that is wiped when dropped.
#[derive(Default)]
struct Wiped(Zeroizing<String>);

impl<'de> Deserialize<'de> for Wiped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Wiped;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Wiped, E> {
                Ok(Wiped(Zeroizing::new(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// The words of serde's errors quote what they found: only the place is kept.
fn from_json<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, ConfigError> {
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|error| ConfigError {
        line: error.line().max(1),
        column: error.column().max(1),
        syntax: !error.is_data(),
    })
}

fn entries(stored: BTreeMap<String, StoredEntry>) -> BTreeMap<String, Entry> {
    stored.into_iter().map(|(key, entry)| (key, Entry::from(entry))).collect()
}

impl From<StoredEntry> for Entry {
    fn from(stored: StoredEntry) -> Self {
        let text = |field: Option<Wiped>| field.unwrap_or_default().0;
        let (token, auth) = (text(stored.identitytoken), text(stored.auth));
        let (mut username, mut password) = (text(stored.username), text(stored.password));
        if !auth.is_empty() {
            let Some(decoded) = from_base64(&auth) else { return Self::Flawed(Flaw::Base64) };
            let Some((user, secret)) = decoded.split_once(':') else { return Self::Flawed(Flaw::NoColon) };
            username = Zeroizing::new(user.to_owned());
            password = Zeroizing::new(secret.trim_matches('\0').to_owned());
        }
        match () {
            () if password.is_empty() && !token.is_empty() => Self::IdentityToken(token),
            () if password.is_empty() && username.is_empty() => Self::Empty,
            () => Credential::new(username, password).map_or_else(Self::Flawed, Self::Credential),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entry that answers for an image, as `key user:password` or what else it is.
    fn answer(config: &str, registry: &str, repository: &str) -> String {
        let config = DockerConfig::parse(config).unwrap_or_else(|error| panic!("{error}"));
        let keys = keys_of(registry);
        match config.lookup(registry, repository, &keys) {
            None => "none".to_owned(),
            Some(Found::Helper(name, keys)) => format!("helper {name} {}", keys.join(" ")),
            Some(Found::Entry(key, entry)) => format!("{key} {}", shown(entry)),
        }
    }

    fn shown(entry: &Entry) -> String {
        match entry {
            Entry::Credential(credential) => format!("{}:{}", credential.username(), credential.password()),
            Entry::IdentityToken(token) => format!("token {}", **token),
            Entry::Empty => "empty".to_owned(),
            Entry::Flawed(flaw) => format!("{flaw:?}"),
        }
    }

    #[test]
    fn entries_in_all_their_forms() {
        let entry = |json: &str| {
            let config = DockerConfig::parse(&format!("{{\"auths\":{{\"r\":{json}}}}}"));
            let config = config.unwrap_or_else(|error| panic!("{error}"));
            config.entries().map(|(_, entry)| shown(entry)).collect::<String>()
        };
        for (json, expected) in [
            (r#"{"auth": "Ym90OnMzY3JldA=="}"#, "bot:s3cret"),
            (r#"{"auth": "Ym90OnMzY3JldA"}"#, "bot:s3cret"),
            (r#"{"auth": "Ym90On\nMzY3JldA==\r\n", "email": "x"}"#, "bot:s3cret"),
            (r#"{"auth": "dTphOmI=", "username": "x", "password": "y"}"#, "u:a:b"),
            (r#"{"auth": "Ym90OnMzY3JldAAA"}"#, "bot:s3cret"),
            (r#"{"username": "bot", "password": "s3cret"}"#, "bot:s3cret"),
            (r#"{"auth": "MDAwOg==", "identitytoken": "eyJ"}"#, "token eyJ"),
            (r#"{"identitytoken": "eyJ"}"#, "token eyJ"),
            (r#"{"auth": "Ym90OnMzY3JldA==", "identitytoken": "eyJ"}"#, "bot:s3cret"),
            ("{}", "empty"),
            (r#"{"auth": "", "registrytoken": "x"}"#, "empty"),
            (r#"{"auth": "***"}"#, "Base64"),
            (r#"{"auth": "/////w=="}"#, "Base64"),
            (r#"{"auth": "bm9jb2xvbg=="}"#, "NoColon"),
            (r#"{"auth": "OnA="}"#, "NoUsername"),
            (r#"{"auth": "dTo="}"#, "NoPassword"),
            (r#"{"username": "bot", "password": "s3cret\n"}"#, "ControlCharacter"),
        ] {
            assert_eq!(entry(json), expected, "{json}");
        }
    }

    #[test]
    fn the_longest_path_answers_then_the_host_then_its_url() {
        let config = r#"{"auths": {
            "quay.io": {"username": "host", "password": "p"},
            "quay.io/team": {"username": "team", "password": "p"},
            "https://gcr.io/v2/": {"username": "url", "password": "p"},
            "plain.io/v1/": {"username": "old", "password": "p"},
            "only.io/team": {"username": "part", "password": "p"}}}"#;
        for (registry, repository, expected) in [
            ("quay.io", "team/app", "quay.io/team team:p"),
            ("quay.io", "team", "quay.io/team team:p"),
            ("quay.io", "teams/app", "quay.io host:p"),
            ("gcr.io", "a/b", "https://gcr.io/v2/ url:p"),
            ("plain.io", "a", "plain.io/v1/ old:p"),
            ("only.io", "team/x", "only.io/team part:p"),
            ("only.io", "other", "none"),
            ("io", "a", "none"),
        ] {
            assert_eq!(answer(config, registry, repository), expected, "{registry}/{repository}");
        }
        assert_eq!(
            [scope_of("quay.io/team"), scope_of("https://gcr.io/v2/"), scope_of("plain.io/v1/")],
            [Some("team"), None, None]
        );
    }

    #[test]
    fn docker_hub_goes_by_its_own_names() {
        for key in ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "http://docker.io"] {
            let config = format!(r#"{{"auths": {{"{key}": {{"username": "u", "password": "p"}}}}}}"#);
            assert_eq!(answer(&config, "docker.io", "library/nginx"), format!("{key} u:p"));
        }
        let server = r#"{"auths": {"https://registry-1.docker.io/v2/": {"username": "u", "password": "p"}}}"#;
        assert_eq!(answer(server, "docker.io", "library/nginx"), "none");
        assert!(DockerConfig::parse(server).is_ok_and(|config| config.has_useless_hub_key()));
    }

    #[test]
    fn helpers_go_before_entries() {
        let config = r#"{"auths": {"r.io": {"username": "u", "password": "p"}}, "credHelpers": {"r.io": "ecr-login"}}"#;
        assert_eq!(answer(config, "r.io", "a"), "helper ecr-login r.io");
        let config = r#"{"auths": {"r.io": {}}, "credsStore": "desktop"}"#;
        assert_eq!(answer(config, "r.io", "a"), "helper desktop r.io");
        let hub = "helper desktop https://index.docker.io/v1/ index.docker.io docker.io";
        assert_eq!(answer(config, "docker.io", "a"), hub);
        assert_eq!(answer(r#"{"auths": null, "credsStore": "", "proxies": {"a": 1}}"#, "r.io", "a"), "none");
    }

    #[test]
    fn helpers_answer_with_a_credential_or_an_identity_token() {
        let answer = |text: &str| helper_answer(text).map(|entry| shown(&entry));
        let text = r#"{"ServerURL":"r.io","Username":"bot","Secret":"s3cret"}"#;
        assert_eq!(answer(text).as_deref(), Some("bot:s3cret"));
        assert_eq!(answer(r#"{"Username":"<token>","Secret":"eyJ"}"#).as_deref(), Some("token eyJ"));
        assert_eq!(answer(r#"{"Username":"","Secret":"x"}"#).as_deref(), Some("NoUsername"));
        assert_eq!(answer(r#"{"Secret":"x"}"#), None);
        assert_eq!(answer("credentials not found in native keychain"), None);
    }

    #[test]
    fn a_tree_holds_a_configuration_its_text_or_a_secret() {
        let json = r#"{"auths":{"quay.io":{"auth":"Ym90OnMzY3JldA=="}}}"#;
        let trees = [
            Tree::build(|top| {
                top.map("auths", |auths| {
                    auths.map("quay.io", |entry| {
                        entry.leaf("auth", "Ym90OnMzY3JldA==");
                    });
                });
            }),
            Tree::build(|top| {
                top.leaf("data", json);
            }),
            Tree::build(|top| {
                top.leaf("kind", "Secret").map("data", |data| {
                    data.leaf(".dockerconfigjson", super::super::base64(json.as_bytes()).to_string());
                });
            }),
        ];
        for tree in &trees {
            let config = DockerConfig::from_tree(tree).unwrap_or_else(|error| panic!("{error}"));
            let entries: Vec<_> =
                config.entries().map(|(key, entry)| format!("{key} {}", shown(entry))).collect();
            assert_eq!(entries, ["quay.io bot:s3cret"]);
        }
        assert!(DockerConfig::from_tree(&Tree::build(|_| {})).is_err());
    }

    #[test]
    fn errors_have_a_place_and_no_content() {
        let error = |text: &str| DockerConfig::parse(text).err().map(|error| error.to_string());
        assert_eq!(
            error("{\"auths\": {\n  \"r\": \"s3cret\"}}").as_deref(),
            Some("line 2, column 15: no docker configuration")
        );
        assert_eq!(error("s3cret").as_deref(), Some("line 1, column 1: no JSON"));
        assert_eq!(error("").as_deref(), Some("line 1, column 1: no JSON"));
        assert_eq!(error("\u{feff}{}"), None);
        assert!(DockerConfig::parse_dockercfg(r#"{"r": {"auth": "dTphOmI="}}"#).is_ok());
    }
}
