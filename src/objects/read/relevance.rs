//! Which documents matter, told by their text alone.

use memchr::memmem;

use super::declared;
use crate::objects::object::group;
use crate::objects::shipped::brings_secrets;
use crate::objects::workload::Kinds;
use lossless_yaml::split::{self, Head, head, lacks_kind};

/// Whether a document can hold anything of interest; when its head cannot be told, any doubt counts.
pub(super) fn is_relevant(source: &str, kinds: &Kinds) -> bool {
    let has = |needle: &str| memmem::find(source.as_bytes(), needle.as_bytes()).is_some();
    match head(source) {
        Some(Head { kind: "CustomResourceDefinition" | "ConfigMap", .. }) => false,
        Some(Head { api_version, kind }) => {
            kinds.knows(group(api_version), kind)
                || brings_secrets(api_version, kind)
                || declared::is_namespace(api_version, kind)
                || kind.ends_with("List") && has("items")
                || has("image:") && !api_version.is_empty() && !is_told_elsewhere(api_version, kind)
        }
        // A key may be spelled with escapes (`"k\u0069nd"`).
        None => {
            let escaped_letter = || has("\\u00") || has("\\x") || has("\\U0000");
            (has("apiVersion") && has("kind") || escaped_letter()) && !lacks_kind(source)
        }
    }
}

/// Whether images that objects of a group name are told of elsewhere: those of charts and builds, and of Tekton's tasks, whose pull secrets
/// belong to the runs and their ServiceAccounts.
pub(super) fn is_told_elsewhere(api_version: &str, kind: &str) -> bool {
    const GROUPS: [&str; 9] = [
        "helm.toolkit.fluxcd.io",
        "helm.fluxcd.io",
        "helm.cattle.io",
        "helm.crossplane.io",
        "addons.cluster.x-k8s.io",
        "config.projectsveltos.io",
        "kustomize.config.k8s.io",
        "kustomize.toolkit.fluxcd.io",
        "tekton.dev",
    ];
    // What generators of kustomize make is told where a kustomization names them.
    let is_argo = matches!((group(api_version), kind), ("argoproj.io", "Application" | "ApplicationSet"));
    api_version == "builtin" || is_argo || GROUPS.contains(&group(api_version))
}

/// Whether an unreadable document was probably meant to be an object of interest.
pub(super) fn looks_like_object(source: &str, kinds: &Kinds) -> bool {
    match head(source) {
        Some(Head { api_version, kind }) => kinds.knows(group(api_version), kind),
        None => {
            split::first_content(source).is_some() && memmem::find(source.as_bytes(), b"ontainers").is_some()
        }
    }
}

/// `apps/v1` made the selector mandatory; what lacks it is a patch.
pub(super) fn needs_selector(api_version: &str) -> bool {
    matches!(api_version, "apps/v1" | "apps/v1beta2")
}
