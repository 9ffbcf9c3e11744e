//! `secretGenerator` and `configMapGenerator`: the objects they make, and the hash that ends their names.
//!
//! Values pass through on their way into a hash and are neither kept nor shown: a tree with them lives as long as
//! the build.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::patch::StepError;
use super::resource::{Behavior, Generated};
use super::value::Value;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `secretGenerator`.
    Secret,
    /// `configMapGenerator`.
    ConfigMap,
}

/// Reads a file of a generator: its content, or nothing when it is not in the repository.
pub type ReadFile<'r> = &'r dyn Fn(&str) -> Option<Vec<u8>>;

/// Makes the object of an entry. A file that is not there leaves its content, and so the hash, unknown: such files
/// are made just before the build. Its key has an empty value.
///
/// # Errors
/// What kustomize refuses.
pub fn generate(
    kind: Kind,
    entry: &Value,
    global: Option<&Value>,
    read: ReadFile<'_>,
) -> Result<(Value, Generated), StepError> {
    let name = entry.str_at("name").unwrap_or_default();
    if name.is_empty() {
        return Err(StepError::Target("a generator needs a `name`"));
    }
    let option = |path: &[&str]| {
        let own = entry.get("options").and_then(|options| options.at(path));
        (own, global.and_then(|options| options.at(path)))
    };
    let is_set = |key| {
        matches!(option(&[key]), (Some(own), _) if own.is_true())
            || matches!(option(&[key]), (_, Some(all)) if all.is_true())
    };
    let mut metadata = Value::map([("name", Value::text(name))]);
    if let Some(namespace) = entry.str_at("namespace").filter(|namespace| !namespace.is_empty()) {
        metadata.set("namespace", Value::text(namespace));
    }
    for field in ["labels", "annotations"] {
        let (own, all) = option(&[field]);
        let mut map = all.cloned().unwrap_or(Value::Null);
        own.map_or(&[][..], Value::pairs).iter().for_each(|(key, value)| map.set(key, value.clone()));
        if !map.is_empty() {
            metadata.set(field, map);
        }
    }
    let kind_name = match kind {
        Kind::Secret => "Secret",
        Kind::ConfigMap => "ConfigMap",
    };
    let mut object = Value::map([
        ("apiVersion", Value::text("v1")),
        ("kind", Value::text(kind_name)),
        ("metadata", metadata),
    ]);
    let (mut sorted, known) = pairs(entry, read)?;
    sorted.sort();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(StepError::Other(format!("the generator `{name}` has the key `{}` twice", twice[0].0)));
    }
    if kind == Kind::Secret {
        let type_name = entry.str_at("type").filter(|name| !name.is_empty()).unwrap_or("Opaque");
        object.set("type", Value::text(type_name));
        object.set("data", Value::map([]));
    }
    for (key, bytes) in sorted {
        let (field, text) = match (kind, String::from_utf8(bytes)) {
            (Kind::ConfigMap, Ok(text)) => ("data", text),
            (Kind::ConfigMap, Err(bytes)) => ("binaryData", base64_lines(bytes.as_bytes())),
            (Kind::Secret, Ok(text)) => ("data", base64_lines(text.as_bytes())),
            (Kind::Secret, Err(bytes)) => ("data", base64_lines(bytes.as_bytes())),
        };
        match object.get_mut(field) {
            Some(map) => map.set(&key, Value::text(&text)),
            None => object.set(field, Value::map([(key.as_str(), Value::text(&text))])),
        }
    }
    if is_set("immutable") {
        object.set("immutable", Value::Scalar("true".into(), true));
    }
    let behavior = match entry.str_at("behavior") {
        Some("replace") => Behavior::Replace,
        Some("merge") => Behavior::Merge,
        _ => Behavior::Create,
    };
    Ok((object, Generated { hash: !is_set("disableNameSuffixHash"), known, behavior }))
}

type Pairs = Vec<(String, Vec<u8>)>;

/// Keys and values of an entry, and whether they are known: no file is missing.
fn pairs(entry: &Value, read: ReadFile<'_>) -> Result<(Pairs, bool), StepError> {
    let texts = |key: &str| entry.get(key).map_or(&[][..], Value::items).iter().filter_map(Value::as_str);
    let mut result = Vec::new();
    let mut complete = true;
    for path in texts("envs").chain(entry.str_at("env").filter(|path| !path.is_empty())) {
        let Some(bytes) = read(path) else {
            complete = false;
            continue;
        };
        let text =
            String::from_utf8(bytes).map_err(|_| StepError::Other(format!("`{path}` is not valid UTF-8")))?;
        for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines() {
            let line = line.trim_start();
            if !line.is_empty() && !line.starts_with('#') {
                let (key, value) = line.split_once('=').unwrap_or((line, ""));
                result.push((key.to_owned(), value.as_bytes().to_vec()));
            }
        }
    }
    for literal in texts("literals") {
        let pair = literal.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or(StepError::Target("a literal of a generator is `key=value`"))?;
        let quoted = |mark| value.len() > 1 && value.starts_with(mark) && value.ends_with(mark);
        let value = if quoted('"') || quoted('\'') { &value[1..value.len() - 1] } else { value };
        result.push((key.to_owned(), value.as_bytes().to_vec()));
    }
    for source in texts("files") {
        let (key, path) = match source.split_once('=') {
            None => (source.rsplit('/').next().unwrap_or(source), source),
            Some((key, path)) if !key.is_empty() && !path.is_empty() && !path.contains('=') => (key, path),
            Some(_) => return Err(StepError::Target("a file of a generator is `path` or `key=path`")),
        };
        let bytes = read(path);
        complete &= bytes.is_some();
        result.push((key.to_owned(), bytes.unwrap_or_default()));
    }
    Ok((result, complete))
}

/// Base64 broken into lines as kustomize does.
fn base64_lines(bytes: &[u8]) -> String {
    const WIDTH: usize = 70;
    let text = STANDARD.encode(bytes);
    if text.len() < WIDTH {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / WIDTH + 1);
    for line in text.as_bytes().chunks(WIDTH) {
        lines.extend(line.iter().map(|&byte| char::from(byte)));
        lines.push('\n');
    }
    lines
}

/// The hash that ends the name of a generated Secret or ConfigMap.
pub fn hash(object: &Value) -> String {
    let text = |path: &[&str]| object.at(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let map = |key| object.get(key).filter(|map| matches!(map, Value::Map(_)));
    let kind = text(&["kind"]);
    // Keys in the order of Go's encoder.
    let mut fields = Vec::new();
    if kind == "ConfigMap" {
        fields.extend(map("binaryData").map(|data| ("binaryData", Json::Map(data))));
    }
    fields.push(("data", map("data").map_or(Json::Text(String::new()), Json::Map)));
    fields.push(("kind", Json::Text(kind.clone())));
    // The name is meant to be hashed too, but kustomize looks for it in the wrong place.
    fields.push(("name", Json::Text(String::new())));
    if kind == "Secret" {
        fields.extend(map("stringData").map(|data| ("stringData", Json::Map(data))));
        fields.push(("type", Json::Text(text(&["type"]))));
    }
    let mut json = String::from("{");
    for (nth, (key, value)) in fields.iter().enumerate() {
        json.push_str(if nth == 0 { "\"" } else { ",\"" });
        json.push_str(key);
        json.push_str("\":");
        match value {
            Json::Text(text) => quote(text, &mut json),
            Json::Map(map) => {
                let mut pairs: Vec<_> = map
                    .pairs()
                    .iter()
                    .map(|(key, value)| (&**key, value.as_str().unwrap_or_default()))
                    .collect();
                pairs.sort_unstable();
                json.push('{');
                for (nth, (key, value)) in pairs.iter().enumerate() {
                    if nth > 0 {
                        json.push(',');
                    }
                    quote(key, &mut json);
                    json.push(':');
                    quote(value, &mut json);
                }
                json.push('}');
            }
        }
    }
    json.push('}');
    let digest = Sha256::digest(json.as_bytes());
    let hex = digest.iter().take(5).flat_map(|byte| [byte >> 4, byte & 15]);
    // Vowels and look-alikes are replaced, so that no word arises.
    hex.map(|digit| char::from(b"gh2k456789mbcdtf"[usize::from(digit)])).collect()
}

enum Json<'v> {
    Text(String),
    Map(&'v Value),
}

/// A JSON string as Go's encoder writes it.
fn quote(text: &str, json: &mut String) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                json.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pairs: &[(&str, &[&str])]) -> Value {
        let list = |items: &[&str]| Value::list(items.iter().map(|item| Value::text(item)).collect());
        let mut entry = Value::map([("name", Value::text("regcred"))]);
        pairs.iter().for_each(|(key, items)| entry.set(key, list(items)));
        entry
    }

    #[test]
    fn hashes_are_those_of_kustomize() {
        // Names that kustomize 5.8.2 gave to the same generators.
        let read = |path: &str| {
            (path == "config.json").then(|| {
                b"{\"auths\":{\"a\":{\"auth\":\"YTpiYTpiYTpiYTpiYTpiYTpiYTpiYTpiYTpi\"}}}\n".to_vec()
            })
        };
        let mut docker = entry(&[("files", &[".dockerconfigjson=config.json"])]);
        docker.set("type", Value::text("kubernetes.io/dockerconfigjson"));
        for (kind, entry, expected) in [
            (Kind::Secret, entry(&[("literals", &["a=x", "b=<&>"])]), "24887t84bh"),
            (Kind::Secret, docker, "gtk2m55g8g"),
            (Kind::ConfigMap, entry(&[("literals", &["a=x"])]), "5642bm9b6f"),
        ] {
            let (object, generated) = generate(kind, &entry, None, &read).unwrap();
            assert!(generated.known && generated.hash);
            assert_eq!(hash(&object), expected);
        }
    }

    #[test]
    fn a_missing_file_leaves_the_hash_unknown() {
        let (_, generated) = generate(Kind::Secret, &entry(&[("envs", &[".env"])]), None, &|_| None).unwrap();
        assert!(!generated.known);
    }

    #[test]
    fn env_files_and_quotes() {
        let read = |_: &str| Some(b"# note\n\nA=1=2\n  B\n".to_vec());
        let found = pairs(&entry(&[("envs", &["x"]), ("literals", &["C='q'"])]), &read).unwrap().0;
        let expected =
            [("A", "1=2"), ("B", ""), ("C", "q")].map(|(k, v)| (k.to_owned(), v.as_bytes().to_vec()));
        assert_eq!(found, expected);
    }
}
