//! What templates see besides values: the chart, its files, and what the cluster can do.

use super::glob;
use crate::chart::{Dependency, File, Maintainer, Metadata};
use crate::functions::paths::base;
use crate::value::{Kind, List, ListType, Map, MapType, Object, Str, Value};
use crate::yaml::to_yaml;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The API versions that Helm takes for granted, from client-go's scheme.
const API_VERSIONS: &str = include_str!("api-versions.txt");

/// A Go struct with fields and nothing else.
struct Struct {
    type_name: &'static str,
    kind: Kind,
    fields: BTreeMap<&'static str, Value>,
    /// What JSON has of it.
    data: Value,
    text: Str,
}

impl Object for Struct {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.get(name).cloned()
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        // The only struct with methods is the version of Kubernetes.
        if self.type_name != "chartutil.KubeVersion"
            || !matches!(name, "GitVersion" | "String")
            || !args.is_empty()
        {
            return None;
        }
        self.fields.get("Version").cloned().map(Ok)
    }

    fn text(&self) -> Str {
        self.text.clone()
    }

    fn data(&self) -> Value {
        self.data.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A map for JSON, without what is empty.
fn omit_empty(entries: Vec<(&'static str, Value)>) -> Value {
    Value::map(
        entries.into_iter().filter(|(_, value)| value.truth()).map(|(key, value)| (Str::from(key), value)),
    )
}

fn text_map(entries: &BTreeMap<String, String>) -> Value {
    let entries =
        entries.iter().map(|(key, value)| (Str::from(key.as_str()), Value::str(value.as_str()))).collect();
    Value::Map(Rc::new(Map::typed(MapType::Str, entries)))
}

fn texts(items: &[String]) -> Value {
    if items.is_empty() {
        return Value::List(Rc::new(List::nil(ListType::Str)));
    }
    Value::strings(items.iter().map(String::as_str))
}

/// `.Chart`
pub(super) fn chart(metadata: &Metadata, root: bool) -> Value {
    let text = |text: &str| Value::str(text);
    let maintainers = Value::list(metadata.maintainers.iter().map(maintainer).collect());
    let dependencies = Value::list(metadata.dependencies.iter().map(dependency).collect());
    let fields = vec![
        ("Name", "name", text(&metadata.name)),
        ("Home", "home", text(&metadata.home)),
        ("Sources", "sources", texts(&metadata.sources)),
        ("Version", "version", text(&metadata.version)),
        ("Description", "description", text(&metadata.description)),
        ("Keywords", "keywords", texts(&metadata.keywords)),
        ("Maintainers", "maintainers", maintainers),
        ("Icon", "icon", text(&metadata.icon)),
        ("APIVersion", "apiVersion", text(&metadata.api_version)),
        ("Condition", "condition", text(&metadata.condition)),
        ("Tags", "tags", text(&metadata.tags)),
        ("AppVersion", "appVersion", text(&metadata.app_version)),
        ("Deprecated", "deprecated", Value::Bool(metadata.deprecated)),
        ("Annotations", "annotations", text_map(&metadata.annotations)),
        ("KubeVersion", "kubeVersion", text(&metadata.kube_version)),
        ("Dependencies", "dependencies", dependencies),
        ("Type", "type", text(&metadata.kind)),
    ];
    let data = omit_empty(fields.iter().map(|(_, key, value)| (*key, value.clone())).collect());
    if let Value::Map(map) = &data {
        map.set("IsRoot", Value::Bool(root));
    }
    let mut fields: BTreeMap<&'static str, Value> =
        fields.into_iter().map(|(field, _, value)| (field, value)).collect();
    fields.insert("IsRoot", Value::Bool(root));
    Value::object(Struct {
        type_name: "struct { chart.Metadata; IsRoot bool }",
        kind: Kind::Struct,
        fields,
        data,
        text: Str::from(format!("{{{} {}}}", metadata.name, metadata.version)),
    })
}

fn maintainer(maintainer: &Maintainer) -> Value {
    let fields = vec![
        ("Name", "name", Value::str(maintainer.name.as_str())),
        ("Email", "email", Value::str(maintainer.email.as_str())),
        ("URL", "url", Value::str(maintainer.url.as_str())),
    ];
    of_fields("*chart.Maintainer", fields)
}

fn dependency(dependency: &Dependency) -> Value {
    let imports = dependency
        .imports
        .iter()
        .map(|import| {
            text_map(&BTreeMap::from([
                ("child".to_owned(), import.child.clone()),
                ("parent".to_owned(), import.parent.clone()),
            ]))
        })
        .collect();
    let fields = vec![
        ("Name", "name", Value::str(dependency.name.as_str())),
        ("Version", "version", Value::str(dependency.version.as_str())),
        ("Repository", "repository", Value::str(dependency.repository.as_str())),
        ("Condition", "condition", Value::str(dependency.condition.as_str())),
        ("Tags", "tags", texts(&dependency.tags)),
        ("Enabled", "enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", "import-values", Value::list(imports)),
        ("Alias", "alias", Value::str(dependency.alias.as_str())),
    ];
    of_fields("*chart.Dependency", fields)
}

fn of_fields(type_name: &'static str, fields: Vec<(&'static str, &'static str, Value)>) -> Value {
    Value::object(Struct {
        type_name,
        kind: Kind::Pointer,
        data: omit_empty(fields.iter().map(|(_, key, value)| (*key, value.clone())).collect()),
        fields: fields.into_iter().map(|(field, _, value)| (field, value)).collect(),
        text: Str::from(type_name),
    })
}

/// A version of Kubernetes.
pub(super) struct KubeVersion {
    /// `v1.35.0`
    pub(super) version: String,
    major: String,
    minor: String,
}

impl KubeVersion {
    /// Reads a version as Kubernetes does: numbers parted by points, with or without `v`, and whatever follows.
    pub(super) fn parse(text: &str) -> Result<KubeVersion, String> {
        let wrong = || format!("invalid kube version '{text}'");
        let plain = text.trim().trim_start_matches('v');
        let end = plain.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(plain.len());
        let numbers = &plain[..end];
        let parts: Vec<&str> = numbers.trim_end_matches('.').split('.').collect();
        if parts.len() < 2 || parts.iter().any(|part| part.parse::<u32>().is_err()) {
            return Err(wrong());
        }
        // Helm 3 drops what follows the numbers, Helm 4 shows it.
        let version = format!("v{}", parts.join("."));
        Ok(KubeVersion { version, major: parts[0].to_owned(), minor: parts[1].to_owned() })
    }
}

/// `.Capabilities`
pub(super) fn capabilities(kube: KubeVersion, more: &[String]) -> Value {
    let versions: Vec<String> = API_VERSIONS.lines().map(str::to_owned).chain(more.iter().cloned()).collect();
    let kube_fields = vec![
        ("Version", "Version", Value::str(kube.version.as_str())),
        ("Major", "Major", Value::str(kube.major)),
        ("Minor", "Minor", Value::str(kube.minor)),
    ];
    let kube = Value::object(Struct {
        type_name: "chartutil.KubeVersion",
        kind: Kind::Struct,
        data: omit_empty(kube_fields.iter().map(|(_, key, value)| (*key, value.clone())).collect()),
        fields: kube_fields.into_iter().map(|(field, _, value)| (field, value)).collect(),
        text: Str::from(kube.version),
    });
    let helm_fields = vec![
        ("Version", "version", Value::str("v3.22.0")),
        ("GitCommit", "git_commit", Value::str("")),
        ("GitTreeState", "git_tree_state", Value::str("")),
        ("GoVersion", "go_version", Value::str("go1.26.0")),
    ];
    let helm = Value::object(Struct {
        type_name: "version.BuildInfo",
        kind: Kind::Struct,
        data: omit_empty(helm_fields.iter().map(|(_, key, value)| (*key, value.clone())).collect()),
        fields: helm_fields.into_iter().map(|(field, _, value)| (field, value)).collect(),
        text: Str::from("{v3.22.0   go1.26.0}"),
    });
    let fields = vec![
        ("KubeVersion", "KubeVersion", kube),
        ("APIVersions", "APIVersions", Value::object(VersionSet(versions))),
        ("HelmVersion", "HelmVersion", helm),
    ];
    of_fields("*chartutil.Capabilities", fields)
}

/// `.Capabilities.APIVersions`
struct VersionSet(Vec<String>);

impl Object for VersionSet {
    fn type_name(&self) -> &'static str {
        "chartutil.VersionSet"
    }

    fn kind(&self) -> Kind {
        Kind::Slice
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        (name == "Has").then(|| match args {
            [Value::Str(wanted)] => {
                Ok(Value::Bool(self.0.iter().any(|known| known.as_bytes() == wanted.as_bytes())))
            }
            [_] => Err("wrong type for value; expected string".to_owned()),
            _ => Err(format!("wrong number of args for Has: want 1 got {}", args.len())),
        })
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        let numbered = self.0.iter().enumerate();
        Some(numbered.map(|(number, text)| (Value::int(number as i64), Value::str(text.as_str()))).collect())
    }

    fn text(&self) -> Str {
        Str::from(format!("[{}]", self.0.join(" ")))
    }

    fn data(&self) -> Value {
        Value::strings(self.0.iter().map(String::as_str))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Files`
struct Files(BTreeMap<String, Rc<[u8]>>);

/// The files of a chart, as its templates see them.
pub(super) fn files(files: &[File]) -> Value {
    let files = files.iter().map(|file| (file.name.clone(), Rc::from(file.data.as_slice()))).collect();
    Value::object(Files(files))
}

impl Files {
    fn get(&self, name: &Str) -> Rc<[u8]> {
        self.0.get(&*name.text()).cloned().unwrap_or_else(|| Rc::from([].as_slice()))
    }

    /// A map of names without folders, as text.
    fn as_text(&self, write: impl Fn(&[u8]) -> Str) -> Value {
        let entries = self
            .0
            .iter()
            .map(|(name, data)| (Str::from(base(name.as_bytes())), Value::Str(write(data))))
            .collect();
        let map = Value::Map(Rc::new(Map::typed(MapType::Str, entries)));
        let mut text = to_yaml(&map).unwrap_or_default();
        if text.ends_with('\n') {
            text.pop();
        }
        Value::str(text)
    }

    fn lines(&self, name: &Str) -> Value {
        let data = self.get(name);
        if data.is_empty() {
            return Value::strings::<&str>([]);
        }
        let text = data.strip_suffix(b"\n").unwrap_or(&data);
        Value::strings(text.split(|byte| *byte == b'\n').map(Str::from))
    }
}

impl Object for Files {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn kind(&self) -> Kind {
        Kind::Map
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned().map(Value::Bytes)
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        Some(Ok(match (name, args) {
            ("Get", [Value::Str(file)]) => Value::str(&*self.get(file)),
            ("GetBytes", [Value::Str(file)]) => Value::Bytes(self.get(file)),
            ("Lines", [Value::Str(file)]) => self.lines(file),
            ("Glob", [Value::Str(pattern)]) => {
                let matches = glob::matcher(&pattern.text());
                let found = self.0.iter().filter(|(name, _)| matches(name));
                Value::object(Files(found.map(|(name, data)| (name.clone(), data.clone())).collect()))
            }
            ("AsConfig", []) => self.as_text(|data| Str::from(data)),
            ("AsSecrets", []) => self.as_text(|data| Str::from(STANDARD.encode(data))),
            ("Get" | "GetBytes" | "Lines" | "Glob", [_]) => {
                return Some(Err("wrong type for value; expected string".to_owned()));
            }
            ("Get" | "GetBytes" | "Lines" | "Glob" | "AsConfig" | "AsSecrets", _) => {
                return Some(Err(format!("wrong number of args for {name}")));
            }
            _ => return None,
        }))
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        Some(
            self.0
                .iter()
                .map(|(name, data)| (Value::str(name.as_str()), Value::Bytes(data.clone())))
                .collect(),
        )
    }

    fn text(&self) -> Str {
        Str::from(format!("map[{}]", self.0.keys().cloned().collect::<Vec<_>>().join(" ")))
    }

    fn data(&self) -> Value {
        Value::map(self.0.iter().map(|(name, data)| (Str::from(name.as_str()), Value::Bytes(data.clone()))))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
