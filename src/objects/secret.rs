//! A registry Secret as pullcred writes it: its head in clear, its one entry, and how to know one again.
//!
//! Keys stand in alphabetical order at every level, as kubectl prints them. The MAC of a SOPS file runs over the values in
//! their order, so a Secret survives tools that sort keys, `kustomize build` among them.

use super::dockerconfig::Auths;
use super::dockerconfig::read::DockerConfig;
use lossless_yaml::parse::Node;
use lossless_yaml::span::Position;
use sops_age::tree::{Leaf, Tree};

/// The label that makes a Secret ours, and its value.
pub const OWNER: (&str, &str) = ("app.kubernetes.io/managed-by", "pullcred");
/// The type of a pull secret.
pub const TYPE: &str = "kubernetes.io/dockerconfigjson";
/// Its entry.
const ENTRY: &str = ".dockerconfigjson";

/// What a Secret shows in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.labels` besides our own.
    pub labels: Vec<(String, String)>,
    /// `metadata.annotations`.
    pub annotations: Vec<(String, String)>,
}

/// A Secret with our label, as the scan finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedSecret {
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
    /// Where it starts.
    pub position: Position,
}

impl Head {
    /// The manifest with its credentials.
    pub fn manifest(&self, auths: &Auths) -> Tree {
        let mut labels = self.labels.clone();
        labels.push((OWNER.0.to_owned(), OWNER.1.to_owned()));
        Tree::build(|top| {
            top.leaf("apiVersion", "v1").map("data", |data| {
                data.leaf(ENTRY, Leaf::Str(auths.to_data()));
            });
            top.leaf("kind", "Secret").map("metadata", |metadata| {
                for (key, texts) in [("annotations", &self.annotations), ("labels", &labels)] {
                    let mut texts: Vec<_> = texts.iter().collect();
                    texts.sort();
                    if !texts.is_empty() {
                        metadata.map(key, |map| {
                            for (name, text) in texts {
                                map.leaf(name, text.as_str());
                            }
                        });
                    }
                }
                metadata.leaf("name", self.name.as_str()).leaf("namespace", self.namespace.as_str());
            });
            top.leaf("type", TYPE);
        })
    }

    /// The head of a Secret, encrypted or not, that has the layout of ours; none for any other document.
    pub fn of(tree: &Tree) -> Option<Self> {
        let sorted = |keys: &[&str]| {
            let mut keys = tree.keys(keys);
            keys.sort_unstable();
            keys
        };
        let is_pull_secret = sorted(&[]) == ["apiVersion", "data", "kind", "metadata", "type"]
            && tree.keys(&["data"]) == [ENTRY]
            && tree.str_at(&["apiVersion"]) == Some("v1")
            && tree.str_at(&["kind"]) == Some("Secret")
            && tree.str_at(&["type"]) == Some(TYPE);
        let metadata = sorted(&["metadata"]);
        let known = metadata.iter().all(|key| ["annotations", "labels", "name", "namespace"].contains(key));
        if !is_pull_secret || !known {
            return None;
        }
        let texts = |key: &str| -> Option<Vec<_>> {
            let texts = tree.keys(&["metadata", key]).into_iter();
            texts
                .map(|name| Some((name.to_owned(), tree.str_at(&["metadata", key, name])?.to_owned())))
                .collect()
        };
        let labels = texts("labels")?;
        Some(Self {
            namespace: tree.str_at(&["metadata", "namespace"])?.to_owned(),
            name: tree.str_at(&["metadata", "name"])?.to_owned(),
            labels: labels.into_iter().filter(|(name, _)| name != OWNER.0).collect(),
            annotations: texts("annotations")?,
        })
    }

    /// What the Secret is called, for people.
    pub fn display(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// Whether a document is a Secret with our label.
pub fn is_ours(tree: &Tree) -> bool {
    tree.str_at(&["kind"]) == Some("Secret")
        && tree.str_at(&["apiVersion"]) == Some("v1")
        && tree.str_at(&["metadata", "labels", OWNER.0]) == Some(OWNER.1)
}

/// The credentials of a decrypted Secret; none when one of them is none.
pub fn auths(tree: &Tree) -> Option<Auths> {
    DockerConfig::from_tree(tree).ok()?.auths()
}

/// What the scan keeps of a Secret with our label.
pub(super) fn owned(object: Node<'_, '_>, position: Position) -> Option<OwnedSecret> {
    let metadata = object.get("metadata")?;
    let owner = metadata.path(&["labels", OWNER.0]).and_then(Node::as_str);
    (owner == Some(OWNER.1)).then(|| OwnedSecret {
        namespace: metadata.str_at("namespace").map(str::to_owned),
        name: metadata.str_at("name").unwrap_or_default().to_owned(),
        position,
    })
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::objects::dockerconfig::Credential;
    use sops_age::document::parse_plain;

    fn auths_of(key: &str) -> Auths {
        let owned = |text: &str| Zeroizing::new(text.to_owned());
        let credential =
            Credential::new(owned("bot"), owned("s3cret")).unwrap_or_else(|flaw| panic!("{flaw}"));
        Auths([(key.to_owned(), credential)].into())
    }

    fn head() -> Head {
        Head { namespace: "shop".to_owned(), name: "regcred".to_owned(), ..Head::default() }
    }

    #[test]
    fn the_manifest_is_what_kubectl_prints_and_our_label() {
        let yaml = head().manifest(&auths_of("registry.example.com")).to_yaml();
        let expected = "apiVersion: v1\ndata:\n    .dockerconfigjson: eyJhdXRocyI6eyJyZWdpc3RyeS5leGFtcGxlLmNvbSI6eyJ1c2VybmFtZSI6ImJvdCIsInBhc3N3b3JkIjoiczNjcmV0IiwiYXV0aCI6IlltOTBPbk16WTNKbGRBPT0ifX19\nkind: Secret\nmetadata:\n    labels:\n        app.kubernetes.io/managed-by: pullcred\n    name: regcred\n    namespace: shop\ntype: kubernetes.io/dockerconfigjson\n";
        assert_eq!(&**yaml, expected);
    }

    #[test]
    fn what_was_written_reads_back() {
        let extra = [("a".to_owned(), "1".to_owned())];
        let head = Head { labels: extra.to_vec(), annotations: extra.to_vec(), ..head() };
        let tree = &parse_plain(&head.manifest(&auths_of("r")).to_yaml()).unwrap()[0];
        assert!(is_ours(tree));
        assert_eq!(Head::of(tree), Some(head));
        assert!(auths(tree) == Some(auths_of("r")));
    }

    #[test]
    fn other_layouts_are_not_ours_to_keep() {
        let written = head().manifest(&auths_of("r")).to_yaml();
        for (from, to) in [
            ("type: kubernetes.io/dockerconfigjson", "type: Opaque"),
            ("kind: Secret", "kind: Secret\nimmutable: true"),
            ("data:\n", "data:\n    other: eA==\n"),
            ("    name: regcred", "    name: regcred\n    uid: x"),
            ("    namespace: shop\n", ""),
            ("managed-by: pullcred", "managed-by: 1"),
        ] {
            let other = written.replace(from, to);
            assert_ne!(other, **written, "{from}");
            assert_eq!(Head::of(&parse_plain(&other).unwrap()[0]), None, "{to}");
        }
        let foreign = written.replace("managed-by: pullcred", "managed-by: Helm");
        assert!(!is_ours(&parse_plain(&foreign).unwrap()[0]));
    }
}
