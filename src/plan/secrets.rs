//! Which Secrets there have to be: one for each target, namespace and configured secret that an image there needs.
//!
//! Pure. [`needs`] tells what is needed, [`supply`] what it will hold, [`decide`] what has to happen to the files that are
//! there. Fetching credentials and opening files lies between the three and is somebody else's work.

pub mod accounts;
pub mod decide;
pub mod supply;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, PullSecret};
use crate::plan::place::is_pulled_by_node;
use kubelet_keyring::pattern::needed;
use kubelet_keyring::reference::{DOCKER_HUB, ImageRef};

/// Images that run in a namespace.
#[derive(Clone, Debug)]
pub struct Deployment<'d> {
    /// What decides the target: the build root, else the object's own file; below the configuration's folder.
    pub root: &'d str,
    /// The namespace.
    pub namespace: &'d str,
    /// The ServiceAccount that its pods run as.
    pub account: &'d str,
    /// The images as deployed.
    pub images: Vec<&'d str>,
    /// Whether the run is about it.
    pub selected: bool,
}

/// A repository of a registry, as an image reference has them. No name means the registry as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// Host and port; `docker.io` for Docker Hub.
    pub registry: String,
    /// What comes behind it.
    pub name: String,
}

/// A Secret that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Position of the target in the configuration.
    pub target: usize,
    /// The namespace.
    pub namespace: String,
    /// Position of the secret in the configuration.
    pub secret: usize,
    /// The images it is for.
    pub images: BTreeSet<Repository>,
    /// Whether the run is about it.
    pub selected: bool,
}

/// The Secrets that deployments and the namespaces of `always` need, by target, namespace and secret.
pub fn needs(config: &Config, deployments: &[Deployment<'_>], always: &BTreeSet<&str>) -> Vec<Need> {
    type Images = (BTreeSet<Repository>, bool);
    let mut needs: BTreeMap<(usize, String, usize), Images> = BTreeMap::new();
    for deployment in deployments.iter().filter(|one| !config.namespaces.excludes(one.namespace)) {
        let Some(target) = config.targets.iter().position(|target| target.has(deployment.root)) else {
            continue;
        };
        for text in &deployment.images {
            let image = ImageRef::parse_open(text).ok();
            if image.as_ref().is_some_and(|image| is_pulled_by_node(config, image)) {
                continue;
            }
            for (nth, _) in secrets_for(config, image.as_ref()) {
                let key = (target, deployment.namespace.to_owned(), nth);
                let (images, selected) = needs.entry(key).or_default();
                images.extend(image.as_ref().map(Repository::of));
                *selected |= deployment.selected;
            }
        }
    }
    let mut everywhere = Vec::new();
    for target in 0..config.targets.len() {
        for (nth, secret) in config.secrets.iter().enumerate() {
            let of_target = needs.iter().filter(|((of, _, which), _)| (*of, *which) == (target, nth));
            let mut images: BTreeSet<Repository> =
                of_target.flat_map(|(_, (images, _))| images.clone()).collect();
            images.extend(secret.registries.iter().filter_map(|key| host_of(key)).map(Repository::whole));
            everywhere.extend(always.iter().map(|name| ((target, (*name).to_owned(), nth), images.clone())));
        }
    }
    for (key, images) in everywhere {
        let (known, selected) = needs.entry(key).or_default();
        known.extend(images);
        *selected = true;
    }
    let need = |((target, namespace, secret), (images, selected))| Need {
        target,
        namespace,
        secret,
        images,
        selected,
    };
    needs.into_iter().map(need).collect()
}

/// The credentials to look for: for each configured secret (by position) the repositories that its Secrets are for, and the
/// hosts that go by the same credential.
pub fn requests(config: &Config, needs: &[Need]) -> BTreeSet<(usize, Repository)> {
    let mut requests = BTreeSet::new();
    for need in needs.iter().filter(|need| need.selected) {
        requests.extend(need.images.iter().map(|image| (need.secret, image.clone())));
        let group = group(&config.secrets[need.secret]);
        if need.images.iter().any(|image| group.contains(&image.registry)) {
            requests.extend(group.into_iter().map(|host| (need.secret, Repository::whole(host))));
        }
    }
    requests
}

/// The configured secrets, with their positions, that serve an image; none for a text that is no image reference.
fn secrets_for<'c>(
    config: &'c Config,
    image: Option<&'c ImageRef<'_>>,
) -> impl Iterator<Item = (usize, &'c PullSecret)> {
    config.secrets.iter().enumerate().filter(move |(_, secret)| needed(&secret.keys, image))
}

/// The hosts of one registry: the first of a secret's `registries` and its `aliases`. Empty when there is one only.
fn group(secret: &PullSecret) -> BTreeSet<String> {
    match &secret.aliases[..] {
        [] => BTreeSet::new(),
        aliases => {
            secret.registries.first().into_iter().chain(aliases).filter_map(|key| host_of(key)).collect()
        }
    }
}

/// The host (and port) that a registry of the configuration names; none for a pattern.
fn host_of(key: &str) -> Option<String> {
    let schemeless = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let host = schemeless.split('/').next().unwrap_or(schemeless);
    let is_hub = matches!(host, "index.docker.io" | DOCKER_HUB);
    let is_pattern = host.is_empty() || host.contains(['*', '?', '[']);
    (!is_pattern).then(|| if is_hub { DOCKER_HUB } else { host }.to_owned())
}

impl Repository {
    /// The repository of an image.
    pub fn of(image: &ImageRef<'_>) -> Self {
        Self { registry: image.registry().to_owned(), name: image.repository().to_owned() }
    }

    /// A whole registry.
    pub fn whole(registry: String) -> Self {
        Self { registry, name: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(spec: &str) -> Config {
        let text = format!("apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nspec:\n{spec}");
        Config::parse(&text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    fn deployment<'d>(root: &'d str, namespace: &'d str, images: &[&'d str]) -> Deployment<'d> {
        Deployment { root, namespace, account: "default", images: images.to_vec(), selected: true }
    }

    /// Target, namespace, secret and images of each need.
    fn shown(config: &Config, deployments: &[Deployment<'_>]) -> Vec<String> {
        let images = |need: &Need| {
            let images = need.images.iter().map(|image| format!("{}/{}", image.registry, image.name));
            images.collect::<Vec<_>>().join(" ")
        };
        let needs = needs(config, deployments, &config.namespaces.always([]));
        needs
            .iter()
            .map(|need| format!("{} {} {}: {}", need.target, need.namespace, need.secret, images(need)))
            .collect()
    }

    #[test]
    fn one_for_each_target_namespace_and_secret_with_what_is_used_there() {
        let config = config(
            "  secrets:\n  - {name: a, registries: [a.io, \"*.b.io\"]}\n  - {name: hub, registries: [docker.io]}\n  nodeIdentity: [node.b.io]\n  namespaces: {exclude: [kube-*]}\n  targets:\n  - {paths: [prod], output: \"prod/{namespace}/{name}.sops.yaml\"}\n  - {paths: [dev], output: \"dev/{namespace}/{name}.sops.yaml\"}\n",
        );
        let deployments = [
            deployment("prod/web.yaml", "shop", &["a.io/app:1", "nginx", "a.io/app:2"]),
            deployment("prod/more.yaml", "shop", &["x.b.io/app", "node.b.io/app", "quay.io/app", "${IMAGE}"]),
            deployment("dev/web.yaml", "shop", &["a.io/app"]),
            deployment("prod/kube.yaml", "kube-system", &["a.io/app"]),
            deployment("elsewhere/web.yaml", "shop", &["a.io/app"]),
        ];
        assert_eq!(
            shown(&config, &deployments),
            ["0 shop 0: a.io/app x.b.io/app", "0 shop 1: docker.io/library/nginx", "1 shop 0: a.io/app"]
        );
    }

    #[test]
    fn some_namespaces_always_get_everything() {
        let config = config(
            "  secrets:\n  - {name: a, registries: [https://a.io/v1/, \"*.b.io\", docker.io/team]}\n  - {name: every}\n  namespaces: {always: [infra]}\n",
        );
        let deployments = [deployment("web.yaml", "shop", &["x.b.io/app", "${IMAGE}"])];
        assert_eq!(
            shown(&config, &deployments),
            [
                "0 infra 0: a.io/ docker.io/ x.b.io/app",
                "0 infra 1: x.b.io/app",
                "0 shop 0: x.b.io/app",
                "0 shop 1: x.b.io/app"
            ]
        );
    }

    #[test]
    fn hosts_of_the_same_registry_are_asked_for_together() {
        let config = config(
            "  secrets:\n  - {name: aliyun, registries: [registry.cn-hangzhou.aliyuncs.com], aliases: [registry-vpc.cn-hangzhou.aliyuncs.com]}\n",
        );
        let image = "registry-vpc.cn-hangzhou.aliyuncs.com/team/app";
        let needs = needs(&config, &[deployment("web.yaml", "shop", &[image])], &BTreeSet::new());
        let asked: Vec<String> = requests(&config, &needs)
            .into_iter()
            .map(|(_, of)| format!("{}/{}", of.registry, of.name))
            .collect();
        assert_eq!(
            asked,
            [
                "registry-vpc.cn-hangzhou.aliyuncs.com/",
                "registry-vpc.cn-hangzhou.aliyuncs.com/team/app",
                "registry.cn-hangzhou.aliyuncs.com/"
            ]
        );
    }
}
