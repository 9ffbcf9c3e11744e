//! What documents mean once every pod spec has its pull secret: the rules of the program, told a second time.
//!
//! Works on values, where anchors, layout and quotes are gone, and knows the built-in kinds only.

use std::collections::BTreeMap;

use serde_yaml::{Mapping, Value};

/// Documents as they must be, and how many entries they gain.
pub struct Expected {
    pub documents: Vec<Value>,
    pub entries: usize,
}

/// A secret, and the registry that it is for; none for every image.
pub type Secret = (&'static str, Option<&'static str>);

/// Adds to every pod spec the secrets that its images need.
pub fn expect(documents: &[Value], secrets: &[Secret]) -> Expected {
    let mut accounts = BTreeMap::new();
    for document in documents {
        if is(document, "v1", "ServiceAccount") {
            let listed = names(&document["imagePullSecrets"]);
            accounts
                .entry(account_key(document, &document["metadata"]["name"]))
                .or_insert_with(Vec::new)
                .extend(listed);
        }
    }
    let mut expected = Expected { documents: documents.to_vec(), entries: 0 };
    for document in &mut expected.documents {
        expected.entries += object(document, None, secrets, &accounts);
    }
    expected
}

/// Adds `secret` to every ServiceAccount and to nothing else.
pub fn expect_accounts(documents: &[Value], secret: &str) -> Expected {
    let mut expected = Expected { documents: documents.to_vec(), entries: 0 };
    for account in expected.documents.iter_mut().filter(|document| is(document, "v1", "ServiceAccount")) {
        let fresh = if names(&account["imagePullSecrets"]).iter().any(|name| name == secret) {
            &[][..]
        } else {
            &[secret]
        };
        expected.entries += append(account.as_mapping_mut().unwrap(), fresh);
    }
    expected
}

type Accounts = BTreeMap<(String, String), Vec<String>>;

fn is(object: &Value, api_version: &str, kind: &str) -> bool {
    object["apiVersion"] == *api_version && object["kind"] == *kind
}

fn account_key(object: &Value, name: &Value) -> (String, String) {
    let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (string(&object["metadata"]["namespace"]), string(name))
}

fn names(list: &Value) -> Vec<String> {
    let entries = list.as_sequence().into_iter().flatten();
    entries.filter_map(|entry| entry["name"].as_str()).map(str::to_owned).collect()
}

fn object(
    value: &mut Value,
    inherited: Option<(&str, &str)>,
    secrets: &[Secret],
    accounts: &Accounts,
) -> usize {
    let written = value["apiVersion"].as_str().zip(value["kind"].as_str());
    let Some((api_version, kind)) = written.or(inherited) else { return 0 };
    let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
    if let Some(item_kind) = kind.strip_suffix("List") {
        let inherited = (!item_kind.is_empty()).then_some((&*api_version, item_kind));
        let items = value["items"].as_sequence_mut().into_iter().flatten();
        return items.map(|item| object(item, inherited, secrets, accounts)).sum();
    }
    let path: &[&str] = match (&*api_version, &*kind) {
        ("v1", "Pod") => &["spec"],
        ("v1", "PodTemplate") => &["template", "spec"],
        ("batch/v1", "CronJob") => &["spec", "jobTemplate", "spec", "template", "spec"],
        ("v1", "ReplicationController") | ("batch/v1", "Job") => &["spec", "template", "spec"],
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => {
            &["spec", "template", "spec"]
        }
        _ => return 0,
    };
    let metadata = &value["metadata"];
    let is_named = ["name", "generateName"].iter().any(|key| metadata[*key].is_string());
    let is_fragment = api_version == "apps/v1" && value["spec"]["selector"].is_null();
    if !is_named || is_fragment || metadata["annotations"]["pullcred.dev/inject"] == *"false" {
        return 0;
    }
    let whole = value.clone();
    let mut spec = value;
    for key in path {
        let Some(next) = spec.as_mapping_mut().and_then(|mapping| mapping.get_mut(*key)) else { return 0 };
        spec = next;
    }
    let account = match &spec["serviceAccountName"] {
        Value::Null => Value::from("default"),
        name => name.clone(),
    };
    let inherited = accounts.get(&account_key(&whole, &account)).map_or(&[][..], Vec::as_slice);
    spec.as_mapping_mut().map_or(0, |spec| pod_spec(spec, secrets, inherited))
}

fn pod_spec(spec: &mut Mapping, secrets: &[Secret], account: &[String]) -> usize {
    let images: Vec<String> = ["containers", "initContainers"]
        .iter()
        .flat_map(|key| spec.get(*key).and_then(Value::as_sequence).into_iter().flatten())
        .filter_map(|container| container["image"].as_str())
        .filter(|image| !image.is_empty())
        .map(str::to_owned)
        .collect();
    let there = names(spec.get("imagePullSecrets").unwrap_or(&Value::Null));
    let needed = secrets.iter().filter(|(_, registry)| images.iter().any(|image| is_in(image, *registry)));
    let missing: Vec<&str> =
        needed.map(|(name, _)| *name).filter(|name| there.iter().all(|one| one != name)).collect();
    if missing.is_empty() {
        return 0;
    }
    let carried = if there.is_empty() { account } else { &[] };
    let mut fresh = Vec::new();
    for name in carried.iter().map(String::as_str).chain(missing) {
        if !fresh.contains(&name) {
            fresh.push(name);
        }
    }
    append(spec, &fresh)
}

/// Whether an image of the generator lies in a registry.
fn is_in(image: &str, registry: Option<&str>) -> bool {
    match registry {
        None => true,
        Some("docker.io") => image == "nginx",
        Some(registry) => image.split_once('/').is_some_and(|(host, _)| host == registry),
    }
}

fn append(holder: &mut Mapping, names: &[&str]) -> usize {
    if names.is_empty() {
        return 0;
    }
    let list = holder.entry("imagePullSecrets".into()).or_insert(Value::Null);
    if list.is_null() {
        *list = Value::Sequence(Vec::new());
    }
    let entry = |name: &&str| Value::Mapping([("name".into(), (*name).into())].into_iter().collect());
    list.as_sequence_mut().unwrap().extend(names.iter().map(entry));
    names.len()
}
