//! Which Secret a manifest brings into the cluster, by itself or through a controller that makes one from it.
//!
//! A Secret names itself; the objects of the known controllers name what they make in a field of their own. What such a
//! Secret will hold is unknown here, and so is that of one that SOPS encrypted.

use super::copies::{self, Copies};
use super::object::{Object, group, texts};
use lossless_yaml::parse::Node;
use lossless_yaml::path::Path;
use lossless_yaml::span::Position;

/// A Secret that will be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Name of the Secret.
    pub name: String,
    /// Whether it is the object's own name, which builds may change.
    pub by_own_name: bool,
    /// `metadata.name` of the object that brings it.
    pub object: String,
    /// `apiVersion` of the object that brings it.
    pub api_version: String,
    /// Its namespace as written.
    pub namespace: Option<String>,
    /// Its labels as written, where it is a Secret itself.
    pub labels: Vec<(String, String)>,
    /// Which controller brings it into other namespaces too, if one does.
    pub copies: Option<Copies>,
    /// Whether it is in no namespace but those that a controller brings it to.
    pub is_made: bool,
    /// What it holds.
    pub holds: Holds,
    /// `kind` of the object that brings it.
    pub kind: String,
    /// Position of the document in its file, from 0.
    pub document: usize,
    /// Where the object lies in its document.
    pub path: Path,
    /// Where the object starts.
    pub position: Position,
}

impl Shipped {
    /// The object that brings it, as far as deployments go.
    pub fn as_object(&self) -> Object {
        let place = (self.document, self.path.clone(), self.position);
        let object = Object::bare(&self.api_version, &self.kind, &self.object, place);
        Object { namespace: self.namespace.clone(), ..object }
    }
}

/// What a Secret holds for a kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Credentials under these keys of `auths`.
    Keys(Vec<String>),
    /// It is of this type, which a kubelet passes over in silence.
    OtherType(String),
    /// It is encrypted, made by a controller, or filled in later.
    Unknown,
}

/// Kinds that controllers make Secrets from, and the field that names the Secret; without it the object's own name counts.
const MAKERS: &[(&str, &str, &[&str])] = &[
    ("bitnami.com", "SealedSecret", &["spec", "template", "metadata", "name"]),
    ("external-secrets.io", "ExternalSecret", &["spec", "target", "name"]),
    ("kubernetes-client.io", "ExternalSecret", &[]),
    ("secrets.hashicorp.com", "VaultStaticSecret", &["spec", "destination", "name"]),
    ("secrets.hashicorp.com", "VaultDynamicSecret", &["spec", "destination", "name"]),
    ("secrets.hashicorp.com", "HCPVaultSecretsApp", &["spec", "destination", "name"]),
    ("ricoberger.de", "VaultSecret", &[]),
    ("onepassword.com", "OnePasswordItem", &[]),
    ("secrets.infisical.com", "InfisicalSecret", &["spec", "managedSecretReference", "secretName"]),
    ("secrets.doppler.com", "DopplerSecret", &["spec", "managedSecret", "name"]),
    ("isindir.github.com", "SopsSecret", &["spec", "secretTemplates"]),
    ("secretgen.carvel.dev", "SecretImport", &[]),
    ("secretgen.carvel.dev", "SecretTemplate", &[]),
];

/// Whether objects of a kind bring Secrets.
pub fn brings_secrets(api_version: &str, kind: &str) -> bool {
    api_version == "v1" && kind == "Secret"
        || makers(api_version, kind).next().is_some()
        || copies::is_maker(group(api_version), kind)
}

fn makers(api_version: &str, kind: &str) -> impl Iterator<Item = &'static [&'static str]> {
    let matches = move |maker: &&(&str, &str, _)| maker.1 == kind && maker.0 == group(api_version);
    MAKERS.iter().filter(matches).map(|(_, _, field)| *field)
}

/// The Secrets that an object brings; `holds` is what it holds if it is a Secret itself.
pub fn shipped(
    object: Node<'_, '_>,
    api_version: &str,
    kind: &str,
    holds: Holds,
    place: (usize, &Path, Position),
) -> Vec<Shipped> {
    let meta = |key: &str| object.path(&["metadata", key]);
    let text = |node: Option<Node<'_, '_>>| node.and_then(|node| node.as_str().map(str::to_owned));
    let own_name = text(meta("name"));
    let made = copies::made(object, group(api_version), kind);
    let mut names: Vec<(Option<String>, Option<Copies>)> = Vec::new();
    let is_secret = api_version == "v1" && kind == "Secret";
    let own = own_name.clone().unwrap_or_default();
    let by_annotations = || copies::by_annotations(object);
    for field in makers(api_version, kind) {
        match object.path(field) {
            Some(list) if list.is_sequence() => {
                names.extend(list.items().map(|item| (text(item.get("name")), by_annotations())));
            }
            Some(name) if !field.is_empty() => names.push((text(Some(name)), by_annotations())),
            _ => names.push((own_name.clone(), by_annotations())),
        }
    }
    if is_secret {
        names.push((own_name, by_annotations()));
    }
    let first_made = names.len();
    names.extend(made.into_iter().map(|(name, copies)| (Some(name), Some(copies))));
    let (document, path, position) = place;
    let nameable = |name: &String| !name.is_empty() && !name.contains(['{', '$']);
    let shipped = |(nth, (name, copies)): (usize, (Option<String>, Option<Copies>))| {
        let name = name.filter(nameable)?;
        Some(Shipped {
            by_own_name: own == name && nth < first_made,
            object: own.clone(),
            api_version: api_version.to_owned(),
            name,
            namespace: text(meta("namespace")),
            labels: meta("labels").filter(|_| is_secret).map(texts).unwrap_or_default(),
            copies,
            is_made: nth >= first_made,
            holds: if is_secret { holds.clone() } else { Holds::Unknown },
            kind: kind.to_owned(),
            document,
            path: path.clone(),
            position,
        })
    };
    names.into_iter().enumerate().filter_map(shipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lossless_yaml::parse::parse;
    use lossless_yaml::span::Span;

    fn names(text: &str) -> Vec<(String, Option<String>, bool)> {
        let documents =
            parse(text, Span::new(0, text.len())).unwrap_or_else(|error| panic!("{}", error.reason));
        let root = documents[0].root().unwrap_or_else(|| panic!("empty"));
        let kind = root.str_at("kind").unwrap_or_default();
        let version = root.str_at("apiVersion").unwrap_or_default();
        assert!(brings_secrets(version, kind), "{text}");
        let place = (0, &Path::default(), Position::START);
        let all = shipped(root, version, kind, Holds::Unknown, place);
        all.into_iter().map(|one| (one.name, one.namespace, one.copies.is_some())).collect()
    }

    #[test]
    fn each_controller_names_its_secret_where_it_does() {
        let one = |name: &str, namespace: Option<&str>, copied| {
            vec![(name.to_owned(), namespace.map(str::to_owned), copied)]
        };
        let meta = "metadata: {name: o, namespace: n}";
        for (head, rest, expected) in [
            ("apiVersion: v1\nkind: Secret", "", one("o", Some("n"), false)),
            ("apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret", "", one("o", Some("n"), false)),
            (
                "apiVersion: external-secrets.io/v1\nkind: ExternalSecret",
                "spec: {target: {name: t}}",
                one("t", Some("n"), false),
            ),
            (
                "apiVersion: external-secrets.io/v1\nkind: ExternalSecret",
                "spec: {}",
                one("o", Some("n"), false),
            ),
            (
                "apiVersion: external-secrets.io/v1\nkind: ClusterExternalSecret",
                "spec: {externalSecretName: t}",
                one("t", Some("n"), true),
            ),
            (
                "apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret",
                "spec: {secretTemplates: [{name: t}]}",
                one("t", Some("n"), false),
            ),
        ] {
            assert_eq!(names(&format!("{head}\n{meta}\n{rest}\n")), expected, "{head} {rest}");
        }
        let copied = "apiVersion: v1\nkind: Secret\nmetadata: {name: o, annotations: {replicator.v1.mittwald.de/replicate-to: '*'}}\n";
        assert_eq!(names(copied), one("o", None, true));
        assert_eq!(names("apiVersion: v1\nkind: Secret\nmetadata: {name: '{{ x }}'}\n"), []);
        assert!(!brings_secrets("v2", "Secret") && !brings_secrets("v1", "SealedSecret"));
    }
}
