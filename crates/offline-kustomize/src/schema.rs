//! What kustomize knows of the built-in kinds: which lists merge by key, which kinds have no namespace.
//!
//! Taken from the OpenAPI document built into kustomize 5 (Kubernetes 1.21). A kind outside of it counts as
//! namespaced and its lists are replaced whole, whatever a cluster would say: builds follow kustomize.

/// Built-in kinds that live outside namespaces, as (apiVersion, kind).
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    (
        "admissionregistration.k8s.io/v1",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
    ),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    ("apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io/v1", &["APIService"]),
    ("apiregistration.k8s.io/v1beta1", &["APIService"]),
    ("certificates.k8s.io/v1", &["CertificateSigningRequest"]),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"]),
    ("flowcontrol.apiserver.k8s.io/v1beta1", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io/v1", &["IngressClass"]),
    ("networking.k8s.io/v1beta1", &["IngressClass"]),
    ("node.k8s.io/v1", &["RuntimeClass"]),
    ("node.k8s.io/v1beta1", &["RuntimeClass"]),
    ("policy/v1beta1", &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io/v1", &["ClusterRole", "ClusterRoleBinding"]),
    ("rbac.authorization.k8s.io/v1beta1", &["ClusterRole", "ClusterRoleBinding"]),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"]),
    ("storage.k8s.io/v1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
    ("storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
    ("v1", &["ComponentStatus", "Namespace", "Node", "NodeProxyOptions", "PersistentVolume"]),
];

/// Whether kustomize is certain that objects of this kind have no namespace.
pub fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    CLUSTER_SCOPED.iter().any(|(version, kinds)| *version == api_version && kinds.contains(&kind))
}

/// The type of a node in a built-in object, as far as lists that merge can lie below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Something with `metadata` and `spec`, the latter of the given type.
    Object(Spec),
    /// `PodTemplate`: the pod template at `template`.
    PodTemplate,
    /// `ServiceAccount`, with its list of Secrets at the top.
    ServiceAccount,
    /// A webhook configuration, with its list at the top.
    Webhooks,
    /// `spec` of the given type.
    Spec(Spec),
    /// `metadata`.
    Metadata,
    /// An item of `containers` or `initContainers`.
    Container,
    /// An item of `ephemeralContainers`.
    EphemeralContainer,
    /// A list that merges by these keys; without any, by its items' own text.
    List(&'static [&'static str], Item),
}

/// What `spec` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spec {
    /// A pod's fields.
    Pod,
    /// `template`, a pod template.
    Template,
    /// `jobTemplate`, an object with a pod template.
    CronJob,
    /// A Service's ports.
    Service,
    /// Nothing with a list that merges.
    Plain,
}

/// What the items of a list that merges are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// Containers.
    Container,
    /// Ephemeral containers.
    EphemeralContainer,
    /// Nothing with a list that merges.
    Plain,
}

impl Type {
    /// The type of a whole object; none for kinds that kustomize does not know.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        Some(match (api_version, kind) {
            ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch/v1", "Job")
            | ("v1", "ReplicationController") => Self::Object(Spec::Template),
            ("batch/v1" | "batch/v1beta1", "CronJob") => Self::Object(Spec::CronJob),
            ("v1", "Pod") => Self::Object(Spec::Pod),
            ("v1", "PodTemplate") => Self::PodTemplate,
            ("v1", "Service") => Self::Object(Spec::Service),
            ("v1", "ServiceAccount") => Self::ServiceAccount,
            (
                "admissionregistration.k8s.io/v1" | "admissionregistration.k8s.io/v1beta1",
                "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
            ) => Self::Webhooks,
            ("v1", "ConfigMap" | "Secret" | "Namespace" | "PersistentVolumeClaim") => {
                Self::Object(Spec::Plain)
            }
            _ => return None,
        })
    }

    /// The type of a field.
    pub fn field(self, name: &str) -> Option<Self> {
        let by_name = |item| Some(Self::List(&["name"], item));
        match (self, name) {
            (Self::Object(_) | Self::PodTemplate | Self::ServiceAccount | Self::Webhooks, "metadata") => {
                Some(Self::Metadata)
            }
            (Self::Object(spec), "spec") => Some(Self::Spec(spec)),
            (Self::PodTemplate, "template") | (Self::Spec(Spec::Template), "template") => {
                Some(Self::Object(Spec::Pod))
            }
            (Self::Spec(Spec::CronJob), "jobTemplate") => Some(Self::Object(Spec::Template)),
            (Self::ServiceAccount, "secrets") | (Self::Webhooks, "webhooks") => by_name(Item::Plain),
            (Self::Metadata, "finalizers") => Some(Self::List(&[], Item::Plain)),
            (Self::Metadata, "ownerReferences") => Some(Self::List(&["uid"], Item::Plain)),
            (Self::Spec(Spec::Service), "ports") => Some(Self::List(&["port", "protocol"], Item::Plain)),
            (Self::Spec(Spec::Pod), "containers" | "initContainers") => by_name(Item::Container),
            (Self::Spec(Spec::Pod), "ephemeralContainers") => by_name(Item::EphemeralContainer),
            (Self::Spec(Spec::Pod), "imagePullSecrets" | "volumes") => by_name(Item::Plain),
            (Self::Spec(Spec::Pod), "hostAliases") => Some(Self::List(&["ip"], Item::Plain)),
            (Self::Spec(Spec::Pod), "topologySpreadConstraints") => {
                Some(Self::List(&["topologyKey", "whenUnsatisfiable"], Item::Plain))
            }
            (Self::Container | Self::EphemeralContainer, "env") => by_name(Item::Plain),
            (Self::Container | Self::EphemeralContainer, "volumeDevices") => {
                Some(Self::List(&["devicePath"], Item::Plain))
            }
            (Self::Container | Self::EphemeralContainer, "volumeMounts") => {
                Some(Self::List(&["mountPath"], Item::Plain))
            }
            (Self::Container, "ports") => Some(Self::List(&["containerPort", "protocol"], Item::Plain)),
            _ => None,
        }
    }

    /// The type of a list's items.
    pub fn item(self) -> Option<Self> {
        match self {
            Self::List(_, Item::Container) => Some(Self::Container),
            Self::List(_, Item::EphemeralContainer) => Some(Self::EphemeralContainer),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(api_version: &str, kind: &str, path: &[&str]) -> Option<Type> {
        path.iter().try_fold(
            Type::of(api_version, kind)?,
            |t, key| if *key == "[]" { t.item() } else { t.field(key) },
        )
    }

    #[test]
    fn containers_of_every_built_in_workload_merge_by_name() {
        for (api_version, kind, path) in [
            ("v1", "Pod", &["spec", "containers"][..]),
            ("apps/v1", "Deployment", &["spec", "template", "spec", "initContainers"]),
            ("batch/v1", "CronJob", &["spec", "jobTemplate", "spec", "template", "spec", "imagePullSecrets"]),
            ("v1", "PodTemplate", &["template", "spec", "volumes"]),
        ] {
            assert!(matches!(walk(api_version, kind, path), Some(Type::List(&["name"], _))), "{kind}");
        }
        assert_eq!(walk("argoproj.io/v1alpha1", "Rollout", &[]), None);
        assert_eq!(walk("apps/v1beta1", "Deployment", &[]), None);
    }

    #[test]
    fn pull_secrets_of_a_service_account_are_replaced_whole() {
        assert_eq!(walk("v1", "ServiceAccount", &["imagePullSecrets"]), None);
    }

    #[test]
    fn lists_inside_containers() {
        let ports = walk("apps/v1", "Deployment", &["spec", "template", "spec", "containers", "[]", "ports"]);
        assert_eq!(ports, Some(Type::List(&["containerPort", "protocol"], Item::Plain)));
        assert_eq!(walk("v1", "Pod", &["spec", "ephemeralContainers", "[]", "ports"]), None);
    }
}
