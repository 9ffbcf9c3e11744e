//! What can be said of registry credentials that stand in a manifest in clear, and of Secrets that a kubelet cannot use.
//!
//! Values are decoded, judged and wiped; a remark names keys of `auths` and nothing else of them. What a tool fills in later
//! (`${VAR}`, `{{ … }}`, `<placeholder>`) is not judged.

use super::copies;
use super::dockerconfig::read::{DockerConfig, Entry};
use super::dockerconfig::{Flaw, from_base64};
use super::shipped::Holds;
use super::token::Token;
use kubelet_keyring::pattern::RegistryKey;
use lossless_yaml::parse::Node;
use zeroize::Zeroizing;

/// Something to say about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What.
    pub what: What,
    /// Offset of the value it is about.
    pub offset: usize,
}

/// What is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Credentials for these registries can be read by everybody who can read the repository.
    Plaintext(Vec<String>),
    /// The Secret is of no use, or that key of it, and why.
    Malformed(Option<String>, String),
    /// The entry of this key has an identity token only.
    IdentityToken(String),
    /// The password of this key is a token that ends.
    Token(String, Token),
}

/// The types of Secrets that a kubelet reads, and the key of each.
const TYPES: [(&str, &str); 2] =
    [("kubernetes.io/dockerconfigjson", ".dockerconfigjson"), ("kubernetes.io/dockercfg", ".dockercfg")];

/// Names of Docker Hub that its images do not go by.
const NOT_THE_HUB: [&str; 3] = ["registry-1.docker.io", "hub.docker.com", "registry.hub.docker.com"];

/// Judges a `v1` Secret: what it holds for a kubelet, and what is wrong with it.
pub fn secret(object: Node<'_, '_>) -> (Holds, Vec<Remark>) {
    let (holds, mut remarks) = as_written(object);
    if !copies::is_mirror(object) {
        return (holds, remarks);
    }
    remarks.retain(|remark| matches!(remark.what, What::Plaintext(_)));
    (Holds::Unknown, remarks)
}

fn as_written(object: Node<'_, '_>) -> (Holds, Vec<Remark>) {
    let kind = object.get("type").map(|kind| kind.as_str().unwrap_or_default());
    if object.path(&["sops", "mac"]).is_some() || kind.is_some_and(is_filled_in) {
        return (Holds::Unknown, Vec::new());
    }
    let kind = kind.unwrap_or("Opaque");
    let Some((_, key)) = TYPES.iter().find(|(name, _)| *name == kind) else {
        return (Holds::OtherType(kind.to_owned()), Vec::new());
    };
    let malformed = |offset: usize, why: String| {
        (Holds::Keys(Vec::new()), vec![Remark { what: What::Malformed(None, why), offset }])
    };
    // What the API server does: `stringData` goes over `data`.
    let written = ["stringData", "data"].map(|field| object.path(&[field, key]));
    let Some((value, clear)) = written[0].map(|v| (v, true)).or(written[1].map(|v| (v, false))) else {
        // Some are filled in by a controller, or by a patch.
        let merged =
            ["stringData", "data"].iter().any(|field| object.get(field).is_some_and(Node::is_mapping));
        let offset = object.get("type").unwrap_or(object).span().start;
        return match merged {
            true => malformed(offset, format!("a Secret of type `{kind}` needs the key `{key}`")),
            false => (Holds::Unknown, Vec::new()),
        };
    };
    let offset = value.span().start;
    let text = value.as_str().unwrap_or_default();
    if is_filled_in(text) {
        return (Holds::Unknown, Vec::new());
    }
    let decoded;
    let json = if clear {
        text
    } else {
        match from_base64(text).filter(|_| is_padded(text)) {
            Some(text) => decoded = text,
            None => return malformed(offset, format!("`{key}` is not base64 of text")),
        }
        &decoded
    };
    if is_filled_in(json) {
        return (Holds::Unknown, Vec::new());
    }
    let config = match key {
        &".dockercfg" => DockerConfig::parse_dockercfg(json),
        _ => DockerConfig::parse(json),
    };
    match config {
        Ok(config) => judge(&config, offset),
        Err(error) => malformed(offset, format!("`{key}` does not hold what it should: {error}")),
    }
}

/// What a `v1` Secret of a type that kubelets read holds in clear.
pub struct InClear {
    /// Its docker configuration.
    pub config: DockerConfig,
    /// Offset of the value that the configuration stands in.
    pub offset: usize,
    /// Every value of it, as written and as it is meant.
    pub values: Vec<Zeroizing<String>>,
}

/// What a Secret holds in clear; none where there is no credential that somebody could use, and for any other object.
pub fn held(object: Node<'_, '_>) -> Option<InClear> {
    let is_secret = object.str_at("apiVersion") == Some("v1") && object.str_at("kind") == Some("Secret");
    if !is_secret {
        return None;
    }
    let (_, remarks) = as_written(object);
    let remark = remarks.into_iter().find(|remark| matches!(remark.what, What::Plaintext(_)))?;
    let kind = object.str_at("type")?;
    let (_, key) = TYPES.iter().find(|(name, _)| *name == kind)?;
    let owned = |text: &str| Zeroizing::new(text.to_owned());
    let mut values = Vec::new();
    let mut text = None;
    // `stringData` goes over `data`.
    for (field, is_clear) in [("data", false), ("stringData", true)] {
        for (name, value) in object.get(field).into_iter().flat_map(Node::pairs) {
            let Some(written) = value.resolved().as_str() else { continue };
            values.push(owned(written));
            let meant = if is_clear { Some(owned(written)) } else { from_base64(written) };
            if name.resolved().as_str() == Some(key) {
                text.clone_from(&meant);
            }
            values.extend(meant.filter(|_| !is_clear));
        }
    }
    let config = match *key {
        ".dockercfg" => DockerConfig::parse_dockercfg(&text?),
        _ => DockerConfig::parse(&text?),
    };
    Some(InClear { config: config.ok()?, offset: remark.offset, values })
}

/// A credential in clear in a text that is no YAML yet: the first word of it that is a docker configuration.
pub fn in_text(text: &str) -> Option<Remark> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let words = text.split(|c| !is_word(c)).filter(|word| word.len() > 20);
    let keys = |word: &str| configuration(word).map(|config| usable(&config)).filter(|keys| !keys.is_empty());
    words.filter_map(|word| Some((word, keys(word)?))).next().map(|(word, keys)| Remark {
        what: What::Plaintext(keys),
        offset: word.as_ptr().addr() - text.as_ptr().addr(),
    })
}

/// Credentials in clear anywhere in a document.
pub fn in_clear(root: Node<'_, '_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut add = |config: Option<DockerConfig>, offset: usize| {
        let keys = config.map(|config| usable(&config)).unwrap_or_default();
        if !keys.is_empty() {
            remarks.push(Remark { what: What::Plaintext(keys), offset });
        }
    };
    if let Some(auths) = root.get("auths").filter(|auths| root.is_flow() && auths.is_mapping()) {
        // The file itself is a docker configuration.
        let json = root.span().of(root.document().text());
        add(DockerConfig::parse(json).ok(), auths.span().start);
        return remarks;
    }
    for node in root.document().nodes() {
        let offset = node.span().start;
        if let Some(text) = node.as_str() {
            add(configuration(text), offset);
        }
    }
    remarks
}

/// The docker configuration that a text is, or is the base64 of.
fn configuration(text: &str) -> Option<DockerConfig> {
    let text = text.trim();
    if text.starts_with('{') {
        return text.contains("\"auths\"").then(|| DockerConfig::parse(text).ok())?;
    }
    // Base64 of a brace.
    if !text.starts_with("ey") && !text.starts_with("ew") && !text.starts_with("ek") {
        return None;
    }
    let json = from_base64(text)?;
    json.contains("\"auths\"").then(|| DockerConfig::parse(&json).ok())?
}

/// What a readable configuration holds for a kubelet, and all there is to say of it.
fn judge(config: &DockerConfig, offset: usize) -> (Holds, Vec<Remark>) {
    let mut remarks = Vec::new();
    let mut remark = |what| remarks.push(Remark { what, offset });
    let keys: Vec<String> = config.entries().map(|(key, _)| key.to_owned()).collect();
    if keys.is_empty() {
        remark(What::Malformed(None, "`auths` has no registry".to_owned()));
    }
    let in_clear = usable(config);
    if !in_clear.is_empty() {
        remark(What::Plaintext(in_clear));
    }
    let mut holding = Vec::new();
    for (key, entry) in config.entries() {
        let useless = |why: String| What::Malformed(Some(key.to_owned()), why);
        if RegistryKey::parse(key).is_err() {
            remark(useless("it is no registry, and a kubelet leaves it out".to_owned()));
        } else if NOT_THE_HUB.contains(&host(key)) {
            let why = "no image of Docker Hub goes by it; the key is `https://index.docker.io/v1/`";
            remark(useless(why.to_owned()));
        }
        match entry {
            Entry::Credential(credential) => {
                holding.push(key.to_owned());
                let token = Token::of(host(key), credential);
                if token.expires.is_some() || !token.kind.lives().is_empty() {
                    remark(What::Token(key.to_owned(), token));
                }
            }
            Entry::IdentityToken(_) => remark(What::IdentityToken(key.to_owned())),
            Entry::Empty => remark(useless("it has no credential".to_owned())),
            Entry::Flawed(flaw @ (Flaw::Base64 | Flaw::NoColon)) => {
                remark(useless(format!("{flaw}, so that a kubelet can use no pull secret of the pod")));
            }
            Entry::Flawed(flaw) => remark(useless(flaw.to_string())),
        }
    }
    (Holds::Keys(holding), remarks)
}

/// The keys whose credentials somebody could use.
fn usable(config: &DockerConfig) -> Vec<String> {
    // What a kubelet could not send somebody may still read.
    let usable = |entry: &Entry| {
        matches!(
            entry,
            Entry::Credential(_) | Entry::IdentityToken(_) | Entry::Flawed(Flaw::ControlCharacter)
        )
    };
    config.entries().filter(|(_, entry)| usable(entry)).map(|(key, _)| key.to_owned()).collect()
}

/// The host of a key, port too.
fn host(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    key.split('/').next().unwrap_or(key)
}

/// The API server takes padded base64 only, line breaks aside. [Go encoding/json, []byte]
fn is_padded(text: &str) -> bool {
    text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).count() % 4 == 0
}

/// Whether something else is to stand there in the end.
fn is_filled_in(text: &str) -> bool {
    let text = text.trim();
    text.contains("${") || text.contains("{{") || text.contains("$(") || text.starts_with("ENC[")
        || text.starts_with('<') && text.ends_with('>')
        || text.starts_with("ref+") // vals
        || text.is_empty()
}
