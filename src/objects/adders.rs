//! Controllers that add pull secrets themselves: to pods as they enter the cluster, or to the ServiceAccounts that these run as.
//!
//! Only what is certain counts: a rule with a condition that cannot be judged from the repository is taken for none.
//!
//! Sources: kyverno `mutate` rules (`pkg/engine/mutate/patch`), titansoft-pte-ltd/imagepullsecret-patcher, alexellis/registry-creds.

use lossless_yaml::parse::{Node, parse};
use lossless_yaml::span::Span;

use super::copies::patcher;
use super::object::{ContainerList, Object, group};

/// What adds pull secrets.
#[derive(Clone, Debug)]
pub struct Adder {
    /// The controller, as people know it.
    pub controller: &'static str,
    /// The object that tells it to.
    pub object: Object,
    /// The pull secrets.
    pub names: Vec<String>,
    /// Globs, one of which its namespaces fit; none for all of them.
    pub namespaces: Vec<String>,
    /// Globs that they do not fit.
    pub except: Vec<String>,
    /// To what.
    pub to: To,
}

/// What is given pull secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Pods.
    Pods(Pods),
    /// ServiceAccounts of these names; none for all. Only a pod without a list of its own takes theirs.
    Accounts(Vec<String>),
}

/// Which pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// Kinds of the objects that are changed: `Pod`, or those of workloads.
    pub kinds: Vec<String>,
    /// Globs for images: of each list, one must fit.
    pub images: Vec<(ContainerList, String)>,
    /// Whether only those without any pull secret.
    pub bare_only: bool,
}

/// A pod that enters the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Entering<'r> {
    /// Kind of the object that makes it.
    pub kind: &'r str,
    /// Its namespace, if that is known.
    pub namespace: Option<&'r str>,
    /// The ServiceAccount that it runs as.
    pub account: &'r str,
    /// Its images, as far as the list of the container is known.
    pub images: &'r [(ContainerList, &'r str)],
    /// Whether it has no pull secret of its own.
    pub is_bare: bool,
}

impl Adder {
    /// Whether a pod gets these pull secrets for certain.
    pub fn adds_to(&self, pod: &Entering<'_>) -> bool {
        let any = |globs: &[String], text: &str| globs.iter().any(|glob| fits(glob, text));
        let here = match pod.namespace {
            Some(namespace) => {
                (self.namespaces.is_empty() || any(&self.namespaces, namespace))
                    && !any(&self.except, namespace)
            }
            None => self.namespaces.is_empty() && self.except.is_empty(),
        };
        here && match &self.to {
            To::Accounts(accounts) => {
                accounts.is_empty() || accounts.iter().any(|account| account == pod.account)
            }
            To::Pods(pods) => {
                let has = |(list, glob): &(ContainerList, String)| {
                    pod.images.iter().any(|(of, image)| of == list && fits_pattern(glob, image))
                };
                pods.kinds.iter().any(|kind| kind == "Pod" || kind == pod.kind)
                    && pods.images.iter().all(has)
                    && (pod.is_bare || !pods.bare_only)
            }
        }
    }
}

/// Kyverno's wildcards: `*` and `?`.
fn fits(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    // For each length of the text, whether what was read of the glob fits that much of it.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for letter in glob {
        if letter == '*' {
            let from = reached.iter().position(|fits| *fits).unwrap_or(reached.len());
            reached[from..].fill(true);
            continue;
        }
        for at in (0..text.len()).rev() {
            reached[at + 1] = reached[at] && (letter == '?' || letter == text[at]);
        }
        reached[0] = false;
    }
    reached[text.len()]
}

/// Kyverno's patterns for texts: alternatives behind `|`, each of which may begin with `!`.
fn fits_pattern(pattern: &str, text: &str) -> bool {
    pattern.split('|').map(str::trim).any(|part| match part.strip_prefix('!') {
        Some(other) => !fits(other, text),
        None => fits(part, text),
    })
}

/// What an object of a controller adds; `bare` is what it is called.
pub fn adders(object: Node<'_, '_>, bare: &Object) -> Vec<Adder> {
    let to_accounts = |controller, names, accounts, except| Adder {
        controller,
        object: bare.clone(),
        names,
        namespaces: Vec::new(),
        except,
        to: To::Accounts(accounts),
    };
    match (group(&bare.api_version), bare.kind.as_str()) {
        ("kyverno.io", "ClusterPolicy" | "Policy") => {
            let rules = object.path(&["spec", "rules"]).into_iter().flat_map(Node::items);
            rules.filter_map(|rule| kyverno(rule.resolved(), bare)).collect()
        }
        ("ops.alexellis.io", "ClusterPullSecret") if !bare.name.is_empty() => {
            let names = vec![format!("{}-registrycreds", bare.name)];
            vec![to_accounts("registry-creds", names, vec!["default".to_owned()], Vec::new())]
        }
        ("apps", "Deployment") => {
            let patcher = patcher(object).into_iter();
            patcher
                .map(|it| to_accounts("imagepullsecret-patcher", vec![it.secret], it.accounts, it.except))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// A `mutate` rule, if it adds pull secrets and nothing about it is uncertain.
fn kyverno(rule: Node<'_, '_>, policy: &Object) -> Option<Adder> {
    let mutate = rule.get("mutate")?.resolved();
    if rule.get("preconditions").is_some() {
        return None;
    }
    let Filter { mut kinds, namespaces } = filter(rule.get("match")?.resolved())?;
    let except = match rule.get("exclude") {
        Some(exclude) => filter(exclude.resolved())?,
        None => Filter::default(),
    };
    let mut pods = Pods::default();
    let (names, in_template) = match mutate.get("patchStrategicMerge") {
        Some(patch) => merged(patch.resolved(), &mut pods)?,
        None => patched(mutate.str_at("patchesJson6902")?)?,
    };
    kinds.retain(|kind| (kind == "Pod") != in_template);
    let certain = !names.is_empty() && !names.iter().any(|name| name.contains("{{")) && !kinds.is_empty();
    pods.kinds = kinds;
    certain.then(|| Adder {
        controller: "Kyverno",
        object: policy.clone(),
        names,
        namespaces,
        // All kinds of an excluded namespace: one pod less that is said to have its pull secret.
        except: except.namespaces,
        to: To::Pods(pods),
    })
}

/// What a `match` or `exclude` of Kyverno asks for.
#[derive(Default)]
struct Filter {
    kinds: Vec<String>,
    namespaces: Vec<String>,
}

/// Reads a filter, if kinds and namespaces are all that it asks for.
fn filter(node: Node<'_, '_>) -> Option<Filter> {
    let mut blocks: Vec<Node<'_, '_>> = Vec::new();
    for (key, value) in node.pairs() {
        match key.as_str()? {
            "any" => blocks.extend(value.resolved().items().map(|item| item.resolved())),
            // All of one are any of one.
            "all" if value.resolved().items().count() == 1 => {
                blocks.extend(value.resolved().items().map(|item| item.resolved()));
            }
            "resources" => blocks.push(node),
            _ => return None,
        }
    }
    let mut filter = Filter::default();
    let mut everywhere = false;
    for block in blocks {
        if block.pairs().any(|(key, _)| key.as_str() != Some("resources")) {
            return None;
        }
        let mut namespaces = Vec::new();
        for (key, value) in block.get("resources")?.resolved().pairs() {
            let texts = value.resolved().items().map(|item| item.resolved().as_str().map(str::to_owned));
            let texts: Vec<String> = texts.collect::<Option<_>>()?;
            match key.as_str()? {
                // `v1/Pod`, `*/Pod`; a subresource is none of a pod's own.
                "kinds" => {
                    let last = |kind: &String| kind.rsplit('/').next().unwrap_or_default().to_owned();
                    filter.kinds.extend(texts.iter().map(last));
                }
                "namespaces" => namespaces = texts,
                "operations" if texts.iter().any(|operation| operation == "CREATE") => {}
                _ => return None,
            }
        }
        everywhere |= namespaces.is_empty();
        filter.namespaces.extend(namespaces);
    }
    if everywhere {
        filter.namespaces.clear();
    }
    Some(filter)
}

/// The pull secrets of a strategic merge patch, and whether it is about the template of a workload.
fn merged(patch: Node<'_, '_>, pods: &mut Pods) -> Option<(Vec<String>, bool)> {
    let in_template = patch.path(&["spec", "template", "spec"]);
    let spec = in_template.or_else(|| patch.path(&["spec"]))?;
    let mut names = Vec::new();
    for (key, value) in spec.pairs() {
        let (key, value) = (key.as_str()?, value.resolved());
        match key {
            "imagePullSecrets" | "+(imagePullSecrets)" => {
                pods.bare_only = key.starts_with('+');
                names.extend(value.items().filter_map(|item| item.str_at("name").map(str::to_owned)));
            }
            "containers" | "initContainers" | "ephemeralContainers" => {
                let list = match key {
                    "containers" => ContainerList::Containers,
                    "initContainers" => ContainerList::Init,
                    _ => ContainerList::Ephemeral,
                };
                for container in value.items() {
                    for (key, value) in container.resolved().pairs() {
                        match (key.as_str()?, value.as_str()) {
                            ("<(image)", Some(pattern)) => pods.images.push((list, pattern.to_owned())),
                            // What is asked of one container decides only about that one.
                            ("(image)" | "name" | "(name)", _) => {}
                            _ => return None,
                        }
                    }
                }
            }
            // Anchors elsewhere are conditions.
            key if key.contains('(') => return None,
            _ => {}
        }
    }
    Some((names, in_template.is_some()))
}

/// The pull secrets of JSON patches, and whether they are about the template of a workload.
fn patched(text: &str) -> Option<(Vec<String>, bool)> {
    let documents = parse(text, Span::new(0, text.len())).ok()?;
    let root = documents.first()?.root()?;
    let mut names = Vec::new();
    let mut in_template = false;
    for operation in root.items().map(|item| item.resolved()) {
        let path = operation.str_at("path")?;
        let Some((field, rest)) = path.split_once("/imagePullSecrets") else { continue };
        in_template = field == "/spec/template/spec";
        if operation.str_at("op") != Some("add") || !(in_template || field == "/spec") {
            return None;
        }
        let value = operation.get("value")?.resolved();
        let entries: Vec<Node<'_, '_>> = if rest.is_empty() { value.items().collect() } else { vec![value] };
        names.extend(entries.iter().filter_map(|entry| entry.str_at("name").map(str::to_owned)));
    }
    Some((names, in_template))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_alternatives() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*", "a/b", true),
            ("*.io/*:v?", "ghcr.io/a/b:v1", true),
            ("*.io/*:v?", "ghcr.io/a/b:v12", false),
            ("a", "ab", false),
            ("", "a", false),
            ("a.b/*", "axb/c", false),
            ("x/* | a/*", "a/b", true),
            ("!a/*", "a/b", false),
            ("!a/*", "b/a", true),
        ] {
            assert_eq!(fits_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_rule_with_a_condition_that_is_not_understood_is_none() {
        let rule = |text: &str| {
            let documents = parse(text, Span::new(0, text.len())).map_err(|error| error.reason).unwrap();
            let policy = Object::bare(
                "kyverno.io/v1",
                "ClusterPolicy",
                "a",
                (0, lossless_yaml::path::Path::default(), lossless_yaml::span::Position::START),
            );
            kyverno(documents[0].root().unwrap(), &policy)
        };
        let mutate = "mutate: {patchStrategicMerge: {spec: {imagePullSecrets: [{name: a}]}}}";
        let pods = "match: {any: [{resources: {kinds: [Pod]}}]}";
        assert_eq!(rule(&format!("{{{pods}, {mutate}}}")).unwrap().names, ["a"]);
        for text in [
            format!("{{{pods}, {mutate}, preconditions: {{}}}}"),
            format!("{{match: {{any: [{{resources: {{kinds: [Pod], selector: {{}}}}}}]}}, {mutate}}}"),
            format!("{{match: {{any: [{{resources: {{kinds: [Pod]}}, subjects: []}}]}}, {mutate}}}"),
            format!("{{match: {{any: [{{resources: {{kinds: [Pod], operations: [UPDATE]}}}}]}}, {mutate}}}"),
            format!("{{match: {{any: [{{resources: {{kinds: [Service]}}}}]}}, {mutate}}}")
                .replace("spec: {im", "data: {im"),
            format!("{{{pods}, exclude: {{any: [{{resources: {{names: [a]}}}}]}}, {mutate}}}"),
            format!(
                "{{{pods}, mutate: {{patchStrategicMerge: {{spec: {{(hostNetwork): true, imagePullSecrets: [{{name: a}}]}}}}}}}}"
            ),
            format!(
                "{{{pods}, mutate: {{patchStrategicMerge: {{spec: {{imagePullSecrets: [{{name: '{{{{x}}}}'}}]}}}}}}}}"
            ),
            format!("{{{pods}, mutate: {{foreach: []}}}}"),
        ] {
            assert!(rule(&text).is_none(), "{text}");
        }
    }
}
