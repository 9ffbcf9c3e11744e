//! The configuration that `pullcred init` proposes: complete, explained by comments, made of what was found.
//!
//! Registries that look private become secrets; public ones, which seldom need one, stay suggestions in comments. Pure:
//! who looks at the repository is somebody else.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::model::{API_VERSION, KIND};
use super::names::secret_name;
use lossless_yaml::emit::{quoted, scalar};

/// What was found in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitFacts {
    /// A name for the object, such as that of the repository's folder.
    pub name: String,
    /// Registries and how many images there are of each.
    pub registries: Vec<(String, Images)>,
    /// Namespaces that manifests name.
    pub namespaces: Vec<String>,
    /// Targets to propose, one for each cluster; never empty.
    pub targets: Vec<InitTarget>,
}

/// How many images of a registry were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Images {
    /// Containers that have one.
    pub containers: usize,
    /// Those that values of charts name which are not here.
    pub values: usize,
    /// Those that `images` of kustomizations name for what is not here.
    pub entries: usize,
}

impl Images {
    fn all(self) -> usize {
        self.containers + self.values + self.entries
    }

    /// `3 images`, and where they are named if no container has them.
    fn told(self) -> String {
        let mut named = Vec::new();
        for (count, place) in [(self.values, "values"), (self.entries, "images")] {
            named.extend((count > 0).then(|| format!("in {place}: {count}")));
        }
        let count = format!("{} {}", self.all(), if self.all() == 1 { "image" } else { "images" });
        if named.is_empty() { count } else { format!("{count}, named {}", named.join(", ")) }
    }
}

/// A target to propose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitTarget {
    /// What to call its cluster, if there are several.
    pub cluster: Option<String>,
    /// Patterns for what it deploys; none for everything.
    pub paths: Vec<String>,
    /// Where its Secrets go.
    pub output: String,
    /// Recipients of the creation rule for that place.
    pub recipients: Vec<String>,
}

/// Registries whose images are public as a rule.
const PUBLIC: [&str; 15] = [
    "cgr.dev",
    "docker.elastic.co",
    "docker.io",
    "gcr.io",
    "ghcr.io",
    "k8s.gcr.io",
    "lscr.io",
    "mcr.microsoft.com",
    "mirror.gcr.io",
    "nvcr.io",
    "public.ecr.aws",
    "quay.io",
    "registry.access.redhat.com",
    "registry.k8s.io",
    "xpkg.upbound.io",
];

/// Where a recipient belongs.
const NOBODY: &str = "age1...";

/// The text of a `.pullcred.yaml`.
pub fn template(facts: &InitFacts) -> String {
    render(facts, "# ")
}

/// The text with `mark` before each line of a suggestion.
fn render(facts: &InitFacts, mark: &str) -> String {
    let mut text = format!(
        "# +argocd:skip-file-rendering\n\
         # What pullcred does in this repository. `pullcred schema` describes every key.\n\
         apiVersion: {API_VERSION}\n\
         kind: {KIND}\n\
         metadata:\n\
         \x20 name: {}\n\
         \x20 annotations:\n\
         \x20   # Not for the cluster: kustomize and others leave the object out.\n\
         \x20   config.kubernetes.io/local-config: \"true\"\n\
         spec:\n",
        scalar(&facts.name)
    );
    secrets(&mut text, &facts.registries, mark);
    let attached = facts.registries.iter().map(|(registry, _)| registry.as_str());
    let attached = attached.clone().find(|registry| registry.ends_with(".azurecr.io"));
    suggest(
        &mut text,
        mark,
        "Registries that the nodes pull from by themselves, such as one attached to AKS: nothing is injected for them.",
        &format!("nodeIdentity: [{}]\n", scalar(attached.unwrap_or("attached.azurecr.io"))),
    );
    suggest(
        &mut text,
        mark,
        "Where references are written: `pods`, `serviceAccounts` or `both`; a ServiceAccount `default` too, where none is.",
        "inject:\n  into: serviceAccounts\n  defaultServiceAccount: true\n",
    );
    namespaces(&mut text, &facts.namespaces, mark);
    targets(&mut text, &facts.targets, mark);
    suggest(
        &mut text,
        mark,
        "Which files are read, besides what `.gitignore` says; and whether only those count that Flux, Argo CD or a kustomization takes in.",
        "paths:\n  exclude: [\"charts/**/templates\"]\n  deliveredOnly: true\n",
    );
    text
}

fn secrets(text: &mut String, registries: &[(String, Images)], mark: &str) {
    *text += "  # The pull secrets: the registries that each one is for and where its credential comes from, which never\n\
              \x20 # stands here itself. Without `registries` a secret is for every image. `- dockerConfig: {}` takes the\n\
              \x20 # credential that `docker login` or `podman login` left on this machine.\n\
              \x20 secrets:\n";
    let mut registries: Vec<(&str, Images)> =
        registries.iter().map(|(name, count)| (&**name, *count)).collect();
    registries.sort_by_key(|&(name, count)| (std::cmp::Reverse(count.all()), name));
    // The twin of a registry that is there is its alias.
    let twins: BTreeSet<String> = registries.iter().filter_map(|(name, _)| vpc_twin(name)).collect();
    registries.retain(|(name, _)| !twins.contains(*name));
    let (public, private): (Vec<_>, Vec<_>) = registries.iter().partition(|(name, _)| is_public(name));

    let mut names = BTreeSet::new();
    let mut add = |text: &mut String, mark: &str, (registry, count): (&str, Images)| {
        let _ = writeln!(text, "    # {}", count.told());
        indent(text, &format!("    {mark}"), &secret(registry, &mut names));
    };
    if private.is_empty() {
        *text += "    # No registry was found that looks private. This would be one:\n";
        indent(text, &format!("    {mark}"), &secret("registry.example.com", &mut BTreeSet::new()));
    }
    private.into_iter().for_each(|one| add(text, "", one));
    if !public.is_empty() {
        *text += "    # Found too, but public registries seldom need a secret:\n";
    }
    public.into_iter().for_each(|one| add(text, mark, one));
}

/// One item of `secrets`.
fn secret(registry: &str, names: &mut BTreeSet<String>) -> String {
    let base = secret_name(registry).unwrap_or_else(|| "pull-secret".to_owned());
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    let name =
        std::iter::once(base.clone()).chain(numbered).find(|name| !names.contains(name)).unwrap_or(base);
    names.insert(name.clone());
    let mut variable = name.to_uppercase().replace(['-', '.'], "_");
    if variable.starts_with(|first: char| first.is_ascii_digit()) {
        variable.insert_str(0, "REGISTRY_");
    }
    let aliases =
        vpc_twin(registry).map_or_else(String::new, |twin| format!("  aliases: [{}]\n", scalar(&twin)));
    format!(
        "- name: {}\n  registries: [{}]\n{aliases}  credentials:\n    \
         - env: {{username: {variable}_USERNAME, password: {variable}_PASSWORD}}\n",
        scalar(&name),
        scalar(registry),
    )
}

fn namespaces(text: &mut String, found: &[String], mark: &str) {
    *text += "\n  # Namespaces come from kustomize, Flux, Argo CD and the manifests themselves; this is for what they do not tell.\n";
    if !found.is_empty() {
        *text += &wrapped("  # Found:", found);
    }
    let suggestion = "rules:\n  - {paths: [\"teams/*/**\"], namespace: \"{1}\"}\nexclude: [kube-system, \"openshift-*\"]\n";
    *text += "  namespaces:\n    default: \"\"\n";
    indent(text, &format!("    {mark}"), suggestion);
}

fn targets(text: &mut String, targets: &[InitTarget], mark: &str) {
    *text += "\n  # Where encrypted Secrets are written and who can decrypt them: one entry for each cluster or environment, told\n\
              \x20 # apart by `paths`. Without `recipients` those of the matching rule of `.sops.yaml` are taken.\n";
    let nobody = targets.iter().all(|target| target.recipients.is_empty());
    if nobody {
        *text += "  # `pullcred init --identity FILE` makes a key pair, as `age-keygen` does; its public key is a recipient.\n";
    }
    let mut block = String::from("targets:\n");
    for target in targets {
        let mut lines = Vec::new();
        if let Some(cluster) = &target.cluster {
            lines.push(format!("cluster: {}", scalar(cluster)));
        }
        if !target.paths.is_empty() {
            let paths: Vec<String> = target.paths.iter().map(|path| quoted(path)).collect();
            lines.push(format!("paths: [{}]", paths.join(", ")));
        }
        lines.push(format!("output: {}", quoted(&target.output)));
        lines.push("recipients:".to_owned());
        // Nobody's key: whoever leaves it as it is gets an error and no Secret that a stranger can read.
        let nobody = [NOBODY.to_owned()];
        let recipients = if target.recipients.is_empty() { &nobody[..] } else { &target.recipients };
        lines.extend(recipients.iter().map(|recipient| format!("  - {}", scalar(recipient))));
        for (nth, line) in lines.iter().enumerate() {
            let _ = writeln!(block, "  {} {line}", if nth == 0 { "-" } else { " " });
        }
    }
    indent(text, &format!("  {}", if nobody { mark } else { "" }), &block);
}

/// Names on lines of a comment that people can read.
fn wrapped(start: &str, names: &[String]) -> String {
    let mut lines = vec![start.to_owned()];
    for (nth, name) in names.iter().enumerate() {
        let comma = if nth + 1 < names.len() { "," } else { "" };
        if lines.last().is_some_and(|line| line.len() + name.len() > 110) {
            lines.push("  #  ".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            *line += &format!(" {name}{comma}");
        }
    }
    lines.join("\n") + "\n"
}

/// A comment and the keys that it speaks of, not in force.
fn suggest(text: &mut String, mark: &str, comment: &str, keys: &str) {
    let _ = writeln!(text, "\n  # {comment}");
    indent(text, &format!("  {mark}"), keys);
}

fn indent(text: &mut String, prefix: &str, lines: &str) {
    lines.lines().for_each(|line| {
        let _ = writeln!(text, "{prefix}{line}");
    });
}

/// Whether a registry seldom needs a credential: a public one, or one on the developer's machine.
fn is_public(registry: &str) -> bool {
    let host = registry.split_once(':').map_or(registry, |(host, _)| host);
    PUBLIC.contains(&registry) || !host.contains('.') || host == "127.0.0.1"
}

/// The host under which the registry of a public Aliyun host is reached from inside of its network.
///
/// <https://www.alibabacloud.com/help/en/acr/>
fn vpc_twin(registry: &str) -> Option<String> {
    let (first, rest) = registry.strip_suffix(".aliyuncs.com")?.split_once('.')?;
    let known = match rest.strip_suffix(".cr") {
        Some(personal) if personal.ends_with(".personal") => first.starts_with("crpi-"),
        Some(_) => first.ends_with("-registry"),
        None => first == "registry",
    };
    (known && !first.ends_with("-vpc")).then(|| format!("{first}-vpc.{rest}.aliyuncs.com"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Recipients};

    const RECIPIENT: &str = "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z";
    const SSH: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@rust";

    fn facts() -> InitFacts {
        let registries = [
            ("docker.io", 12),
            ("myregistry.azurecr.io", 3),
            ("my-registry.azurecr.io", 3),
            ("my.registry.azurecr.io", 3),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", 1),
            ("registry.cn-hangzhou.aliyuncs.com", 2),
            ("registry-vpc.cn-hangzhou.aliyuncs.com", 2),
            ("registry.example.com:5000", 4),
            ("localhost:5000", 1),
        ];
        InitFacts {
            name: "shop: \"x\"".to_owned(),
            registries: registries
                .map(|(registry, count)| {
                    (registry.to_owned(), Images { containers: count, ..Images::default() })
                })
                .to_vec(),
            namespaces: vec!["shop".to_owned(), "staging".to_owned()],
            targets: vec![InitTarget { recipients: vec![RECIPIENT.to_owned(), SSH.to_owned()], ..target() }],
        }
    }

    fn target() -> InitTarget {
        InitTarget { output: "pull-secrets/{namespace}/{name}.sops.yaml".to_owned(), ..InitTarget::default() }
    }

    fn secrets(text: &str) -> Vec<(String, Vec<String>, Vec<String>)> {
        let config = Config::parse(text, &[]).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"));
        config.secrets.into_iter().map(|one| (one.name, one.registries, one.aliases)).collect()
    }

    #[test]
    fn what_was_found_becomes_a_configuration() {
        let text = template(&facts());
        assert!(text.starts_with("# +argocd:skip-file-rendering\n"));
        assert!(text.contains("\n    config.kubernetes.io/local-config: \"true\"\n"));
        let config = Config::parse(&text, &[]).unwrap();
        assert_eq!(config.name.as_deref(), Some("shop: \"x\""));
        let Recipients::Listed(recipients) = &config.targets[0].recipients else { panic!() };
        assert_eq!(recipients[1].value.as_str(), SSH);
        let names: Vec<String> = secrets(&text).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(
            names,
            [
                "registry-example-com-5000",
                "my-registry-azurecr-io",
                "my-registry-azurecr-io-2",
                "myregistry-azurecr-io",
                "registry-cn-hangzhou-aliyuncs-com",
                "123456789012-dkr-ecr-eu-west-1-amazonaws-com",
            ]
        );
        let aliyun = &secrets(&text)[4];
        assert_eq!(aliyun.1, ["registry.cn-hangzhou.aliyuncs.com"]);
        assert_eq!(aliyun.2, ["registry-vpc.cn-hangzhou.aliyuncs.com"]);
    }

    #[test]
    fn suggestions_are_valid_once_they_are_uncommented() {
        for facts in
            [facts(), InitFacts { name: "x".to_owned(), targets: vec![target()], ..InitFacts::default() }]
        {
            let found = secrets(&render(&facts, "").replace(NOBODY, RECIPIENT));
            let expected = if facts.registries.is_empty() { 1 } else { 8 }; // all but a twin
            assert_eq!(found.len(), expected, "{found:?}");
        }
    }

    #[test]
    fn a_repository_without_anything_gets_one_too() {
        let text = template(&InitFacts {
            name: "empty".to_owned(),
            targets: vec![target()],
            ..InitFacts::default()
        });
        let config = Config::parse(&text, &[]).unwrap();
        assert!(config.secrets.is_empty() && config.targets[0].recipients == Recipients::CreationRule);
    }

    #[test]
    fn aliyun_hosts_have_twins() {
        for (host, twin) in [
            ("registry.cn-beijing.aliyuncs.com", Some("registry-vpc.cn-beijing.aliyuncs.com")),
            (
                "crpi-x1.cn-beijing.personal.cr.aliyuncs.com",
                Some("crpi-x1-vpc.cn-beijing.personal.cr.aliyuncs.com"),
            ),
            (
                "shop-registry.cn-beijing.cr.aliyuncs.com",
                Some("shop-registry-vpc.cn-beijing.cr.aliyuncs.com"),
            ),
            ("registry-vpc.cn-beijing.aliyuncs.com", None),
            ("crpi-x1-vpc.cn-beijing.personal.cr.aliyuncs.com", None),
            ("shop-registry-vpc.cn-beijing.cr.aliyuncs.com", None),
            ("oss.cn-beijing.aliyuncs.com", None),
            ("registry.example.com", None),
        ] {
            assert_eq!(vpc_twin(host).as_deref(), twin, "{host}");
        }
    }
}
