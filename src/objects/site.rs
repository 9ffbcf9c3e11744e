//! Sites: the places of an object that the catalog or the user's configuration names.
//!
//! Owns what can be said of a place before any document is seen: what lies there, the shape of the field to write,
//! what its credential is for, and whether there is a doubt. It reads no document and decides nothing.

use super::field_path::{FieldPath, Step};
use lossless_yaml::insert::Form;
use std::fmt;

/// The field of every pod spec.
const IMAGE_PULL_SECRETS: &str = "imagePullSecrets";

/// One place of a kind's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// What lies at `path`.
    pub what: What,
    /// Where the pod spec, field, embedded object or look-alike is.
    pub path: FieldPath<'static>,
    /// What the credential is for.
    pub purpose: Purpose,
    /// Why nothing should be written here without a further look.
    pub suspect: Option<Suspect>,
    /// Whether the kind's schema leaves open what else is there, so that it may be made where it is missing.
    pub(super) is_open: bool,
    /// The versions of the kind that have this site, joined by commas; empty: all of them.
    pub(super) versions: &'static str,
}

/// What lies at the path of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A pod spec: its containers lie beside `imagePullSecrets`, a list of `{name}`.
    PodSpec,
    /// A field of its own for pull secrets. The images it serves can be anywhere in the object.
    Field(Shape),
    /// A whole Kubernetes object, to be handled by its own `apiVersion` and `kind`.
    EmbeddedObject,
    /// Looks like a pod spec and has no room for `imagePullSecrets`: a server would prune or refuse it.
    ContainersOnly,
}

/// Defines an enum whose values have the names that the catalog, the configuration and messages use.
macro_rules! named {
    ($(#[$about:meta])* pub enum $type:ident { $($(#[$note:meta])* $value:ident = $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($(#[$note])* $value,)+ }

        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The value of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$value),)+ _ => None }
            }

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $name,)+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.name())
            }
        }
    };
}

named! {
    /// The type of a field for pull secrets. A field's name does not tell it, and a server refuses the wrong one.
    pub enum Shape {
        /// A list of `{name}`.
        ListOfNames = "list-name",
        /// A list of strings.
        ListOfStrings = "list-string",
        /// One `{name}`.
        OneName = "object-name",
        /// One string.
        OneString = "string",
        /// Anything else: never written.
        Other = "other",
    }
}

impl Shape {
    /// The form that is written; none for what is never written.
    pub fn form(self) -> Option<Form> {
        Some(match self {
            Shape::ListOfNames => Form { list: true, key: Some("name") },
            Shape::ListOfStrings => Form { list: true, key: None },
            Shape::OneName => Form { list: false, key: Some("name") },
            Shape::OneString => Form { list: false, key: None },
            Shape::Other => return None,
        })
    }
}

named! {
    /// What the credential of a site is for.
    pub enum Purpose {
        /// The images of the object's own pods.
        Pod = "pod",
        /// Base images of image builds.
        Build = "build",
        /// Helm charts in a registry.
        Chart = "chart",
        /// The installation of an OpenShift cluster.
        ClusterInstall = "cluster-install",
        /// Signatures of images.
        ImageVerify = "image-verify",
        /// Host images of nodes.
        NodeOs = "node-os",
        /// Wasm modules, manifests, dashboards, policies and the like in a registry.
        OciArtifact = "oci-artifact",
        /// Crossplane packages.
        Package = "package",
        /// Images pulled ahead of their use.
        Prepull = "prepull",
        /// Look-ups of tags.
        RegistryQuery = "registry-query",
        /// The pods of a ServiceAccount: this one, or one that an operator makes.
        ServiceAccount = "service-account",
        /// Disks of KubeVirt machines.
        VmDisk = "vm-disk",
    }
}

named! {
    /// Why a site must not be written without a further look.
    pub enum Suspect {
        /// A controller writes objects of this kind, or this part of them.
        ControllerOwned = "controller-owned",
        /// The path was read in one source only, which looks misplaced.
        DoubtfulSource = "doubtful-source",
        /// The text is more than the name of a Secret.
        NameFormat = "name-format",
        /// The field does not refer to a pull secret.
        NotAReference = "not-a-reference",
        /// The schema does not tell what the items of the list are.
        OpenList = "open-list",
        /// The credential is another one than that of a registry.
        OtherCredentials = "other-credentials",
        /// A resource of an outside service: no pod of this cluster.
        OutsideService = "outside-service",
    }
}

impl Site {
    /// A field that the user's configuration names. `None` if the path does not end with a field's name.
    pub fn custom(path: FieldPath<'static>, shape: Shape) -> Option<Self> {
        matches!(path.split_last(), Some((_, Step::Key(_)))).then_some(Self {
            what: What::Field(shape),
            path,
            purpose: Purpose::Pod,
            suspect: None,
            is_open: false,
            versions: "",
        })
    }

    /// The field to write: its name and shape. `None` where nothing can be written.
    pub fn field(&self) -> Option<(&str, Shape)> {
        match self.what {
            What::PodSpec => Some((IMAGE_PULL_SECRETS, Shape::ListOfNames)),
            What::Field(Shape::Other) | What::EmbeddedObject | What::ContainersOnly => None,
            What::Field(shape) => match self.path.split_last()? {
                (_, Step::Key(name)) => Some((name, shape)),
                _ => None,
            },
        }
    }

    /// The mapping around a field; elsewhere the pod spec or object itself.
    pub fn mapping(&self) -> FieldPath<'_> {
        match (self.what, self.path.split_last()) {
            (What::Field(_), Some((mapping, _))) => mapping,
            _ => FieldPath::clone(&self.path),
        }
    }

    /// Whether objects of this version (`v1`, the part of `apiVersion` after the group) have the site.
    pub fn applies_to(&self, version: &str) -> bool {
        self.versions.is_empty() || self.versions.split(',').any(|one| one == version)
    }

    /// Whether the site is used unless the configuration says otherwise: without doubt, for the images of pods, and
    /// something that can be written or holds objects.
    pub fn default_on(&self) -> bool {
        self.purpose == Purpose::Pod
            && self.suspect.is_none()
            && (self.what == What::EmbeddedObject || self.field().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldPath, Purpose, Shape, Site, Suspect, What};

    fn site(what: What, path: &'static str) -> Site {
        let path = FieldPath::parse(path).unwrap();
        Site { what, path, purpose: Purpose::Pod, suspect: None, is_open: false, versions: "" }
    }

    #[test]
    fn field_and_mapping_of_each() {
        let written = |site: &Site| {
            (site.mapping().to_string(), site.field().map(|(name, shape)| (name.to_owned(), shape)))
        };
        let field = |name: &str, shape| Some((name.to_owned(), shape));
        assert_eq!(
            written(&site(What::PodSpec, "spec.template.spec")),
            ("spec.template.spec".into(), field("imagePullSecrets", Shape::ListOfNames))
        );
        assert_eq!(
            written(&site(What::Field(Shape::OneString), "spec.items[].pullSecret")),
            ("spec.items[]".into(), field("pullSecret", Shape::OneString))
        );
        assert_eq!(
            written(&site(What::Field(Shape::ListOfNames), "imagePullSecrets")),
            (String::new(), field("imagePullSecrets", Shape::ListOfNames))
        );
        assert_eq!(written(&site(What::Field(Shape::Other), "spec.auth")), ("spec".into(), None));
        assert_eq!(written(&site(What::EmbeddedObject, "objects[]")), ("objects[]".into(), None));
        assert_eq!(written(&site(What::ContainersOnly, "spec")), ("spec".into(), None));
    }

    #[test]
    fn on_by_default_without_doubt_and_for_pods() {
        let field = site(What::Field(Shape::OneName), "spec.pullSecret");
        assert!(field.default_on());
        assert!(!Site { purpose: Purpose::Build, ..field.clone() }.default_on());
        assert!(!Site { suspect: Some(Suspect::NameFormat), ..field }.default_on());
        assert!(!site(What::Field(Shape::Other), "spec.auth").default_on());
        assert!(!site(What::ContainersOnly, "spec").default_on());
        assert!(site(What::EmbeddedObject, "objects[]").default_on());
        assert!(site(What::PodSpec, "spec").default_on());
    }

    #[test]
    fn versions_restrict() {
        let everywhere = site(What::PodSpec, "spec");
        assert!(everywhere.applies_to("v1") && everywhere.applies_to("v2alpha1"));
        let some = Site { versions: "v1,v1beta1", ..everywhere };
        assert!(some.applies_to("v1") && some.applies_to("v1beta1"));
        assert!(!some.applies_to("v1beta") && !some.applies_to("v2") && !some.applies_to(""));
    }

    #[test]
    fn a_custom_site_ends_with_a_name() {
        let custom = |path| Site::custom(FieldPath::parse(path).unwrap(), Shape::ListOfStrings);
        assert_eq!(custom("spec.pull").unwrap().field(), Some(("pull", Shape::ListOfStrings)));
        assert!(custom("spec.pull").unwrap().default_on());
        assert!(custom("spec.pull[]").is_none() && custom("spec.pull{}").is_none());
    }

    #[test]
    fn names_lead_back() {
        for &shape in Shape::ALL {
            assert_eq!(Shape::from_name(shape.name()), Some(shape));
        }
        assert_eq!(Shape::from_name("list"), None);
        assert_eq!(Purpose::from_name("vm-disk").unwrap().to_string(), "vm-disk");
    }
}
