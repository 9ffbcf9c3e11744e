//! The ServiceAccounts `default` that are written, on request, for namespaces whose manifests have none.
//!
//! Only for pods that run as it and need a pull secret, and for namespaces that get every Secret. One that is written is from
//! then on a manifest as any other: it gains entries and loses none.

use std::collections::{BTreeMap, BTreeSet};

use super::{Deployment, secrets_for};
use crate::config::Config;
use crate::objects::secret::OWNER;
use crate::plan::place::is_pulled_by_node;
use kubelet_keyring::reference::ImageRef;
use lossless_yaml::emit::scalar;

/// The ServiceAccount that pods run as which name none.
pub const NAME: &str = "default";
/// How the files of ours end.
pub const ENDING: &str = ".service-account.yaml";

/// A ServiceAccount that should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its file, below the configuration's folder.
    pub path: String,
    /// Position of the target in the configuration.
    pub target: usize,
    /// Its namespace.
    pub namespace: String,
    /// The pull secrets that it lists, in configuration order.
    pub names: Vec<String>,
    /// Whether the run is about it.
    pub selected: bool,
}

/// A ServiceAccount `default` of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other<'o> {
    /// The namespace; none where nothing tells, so that it may be any.
    pub namespace: Option<&'o str>,
    /// What decides the target, as in [`Deployment`].
    pub root: &'o str,
}

/// The ServiceAccounts that are wanted, by target and namespace.
pub fn wanted<'d>(
    config: &Config,
    deployments: &[Deployment<'d>],
    always: &BTreeSet<&'d str>,
    others: &[Other<'_>],
) -> Vec<Wanted> {
    if !config.inject.default_service_account {
        return Vec::new();
    }
    let target_of = |root: &str| config.targets.iter().position(|target| target.has(root));
    let mut needs: BTreeMap<(usize, &str), (BTreeSet<usize>, bool)> = BTreeMap::new();
    for deployment in deployments.iter().filter(|one| one.account == NAME) {
        let Some(target) = target_of(deployment.root) else { continue };
        for text in &deployment.images {
            let image = ImageRef::parse_open(text).ok();
            if image.as_ref().is_some_and(|image| is_pulled_by_node(config, image)) {
                continue;
            }
            for (nth, _) in secrets_for(config, image.as_ref()) {
                let (names, selected) = needs.entry((target, deployment.namespace)).or_default();
                names.insert(nth);
                *selected |= deployment.selected;
            }
        }
    }
    for target in 0..config.targets.len() {
        for name in always {
            needs.insert((target, name), ((0..config.secrets.len()).collect(), true));
        }
    }
    let is_theirs = |target: usize, namespace: &str| {
        let there = |other: &Other<'_>| {
            other.namespace.is_none_or(|name| name == namespace)
                && target_of(other.root).is_none_or(|of| of == target)
        };
        others.iter().any(there)
    };
    needs.retain(|(target, namespace), _| {
        !config.namespaces.excludes(namespace) && !is_theirs(*target, namespace)
    });
    let wanted =
        |((target, namespace), (names, selected)): ((usize, &str), (BTreeSet<usize>, bool))| Wanted {
            path: path(&config.targets[target].output.path(namespace, NAME)),
            target,
            namespace: namespace.to_owned(),
            names: names.into_iter().map(|nth| config.secrets[nth].name.clone()).collect(),
            selected,
        };
    needs.into_iter().map(wanted).collect()
}

/// The file next to a Secret's: not encrypted, and not called so.
fn path(secret: &str) -> String {
    let mut stem = secret;
    for endings in [&[".age"][..], &[".yaml", ".yml"], &[".sops", ".enc"]] {
        stem = endings.iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(stem);
    }
    format!("{stem}{ENDING}")
}

impl Wanted {
    /// The manifest.
    pub fn manifest(&self) -> String {
        let (label, owner) = OWNER;
        let entries: String = self.names.iter().map(|name| format!("  - name: {}\n", scalar(name))).collect();
        format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {NAME}\n  namespace: {}\n  labels:\n    {label}: {owner}\nimagePullSecrets:\n{entries}",
            scalar(&self.namespace)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_lies_next_to_the_secret_and_is_not_called_encrypted() {
        for (secret, account) in [
            ("keys/shop/default.sops.yaml", "keys/shop/default.service-account.yaml"),
            ("keys/shop.enc.yml", "keys/shop.service-account.yaml"),
            ("keys/acr.shop.yaml.age", "keys/acr.shop.service-account.yaml"),
            ("keys/shop/secret.yaml", "keys/shop/secret.service-account.yaml"),
        ] {
            assert_eq!(path(secret), account);
        }
    }

    #[test]
    fn those_of_others_count_for_their_target_or_for_all() {
        let text = "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nspec:\n  inject: {into: both, defaultServiceAccount: true}\n  secrets: [{name: a, registries: [a.io]}]\n  targets:\n  - {paths: [x], output: \"x/{namespace}.yaml\"}\n  - {paths: [y], output: \"y/{namespace}.yaml\"}\n";
        let config = Config::parse(text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
        let deployment = |root, account| Deployment {
            root,
            namespace: "shop",
            account,
            images: vec!["a.io/web"],
            selected: true,
        };
        let deployments =
            [deployment("x/a.yaml", NAME), deployment("y/a.yaml", NAME), deployment("z/a.yaml", NAME)];
        let paths = |others: &[Other<'_>]| {
            let wanted = wanted(&config, &deployments, &config.namespaces.always([]), others).into_iter();
            wanted.map(|wanted| wanted.path).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(paths(&[]), "x/shop.service-account.yaml y/shop.service-account.yaml");
        assert_eq!(
            paths(&[Other { namespace: Some("shop"), root: "x/b.yaml" }]),
            "y/shop.service-account.yaml"
        );
        assert_eq!(paths(&[Other { namespace: Some("shop"), root: "elsewhere.yaml" }]), "");
        assert_eq!(paths(&[Other { namespace: None, root: "y/b.yaml" }]), "x/shop.service-account.yaml");
        assert_eq!(wanted(&config, &[deployment("x/a.yaml", "web")], &BTreeSet::new(), &[]), []);
    }
}
