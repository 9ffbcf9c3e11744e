//! Controllers of the cluster that bring a Secret into more namespaces than the one it is written for, or make one of their own:
//! which of them an object speaks to, and which namespaces it means.
//!
//! What only a label of a namespace decides may be any namespace. Nothing here knows which namespaces there are.
//!
//! Sources: emberstack/kubernetes-reflector, mittwald/kubernetes-replicator, kubeops/config-syncer, zakkg3/ClusterSecret, alexellis/registry-creds,
//! titansoft-pte-ltd/imagepullsecret-patcher, kyverno `generate` rules, external-secrets `ClusterExternalSecret`.

use std::iter;

use lossless_yaml::parse::Node;
use offline_kustomize::selector::Expression;

/// What a controller does with a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// The controller, as people know it.
    pub controller: &'static str,
    /// Lists of expressions: the Secret comes into a namespace that fits one of each. None: every one, or those that nothing here can tell.
    pub namespaces: Vec<Vec<String>>,
    /// Expressions for those that it does not come into.
    pub except: Vec<String>,
    /// What it clones, where it names no Secret but where they lie and what labels they have.
    pub clones: Option<Box<Clones>>,
}

/// Secrets that a controller clones whatever they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clones {
    /// Their namespace.
    pub namespace: String,
    /// Labels that they all have.
    pub labels: Vec<(String, String)>,
}

impl Clones {
    /// Whether a Secret of a namespace with these labels is cloned.
    pub fn takes(&self, namespace: Option<&str>, labels: &[(String, String)]) -> bool {
        namespace.is_none_or(|namespace| namespace == self.namespace)
            && self.labels.iter().all(|label| labels.contains(label))
    }
}

/// The name of what is cloned whatever it is called: no Secret has it.
pub const ANY: &str = "*";

impl Copies {
    fn everywhere(controller: &'static str) -> Self {
        Self { controller, namespaces: Vec::new(), except: Vec::new(), clones: None }
    }

    fn into(controller: &'static str, namespaces: Vec<String>) -> Self {
        Self { namespaces: vec![namespaces], ..Self::everywhere(controller) }
    }

    /// Whether the Secret may come into a namespace.
    pub fn reach(&self, namespace: &str) -> bool {
        let fits = |expression: &String| {
            let whole = format!("^(?:{expression})$");
            // An expression that nobody can read is no reason to miss a Secret.
            Expression::new(&whole).is_none_or(|expression| expression.fits(namespace))
        };
        self.namespaces.iter().all(|list| list.iter().any(fits)) && !self.except.iter().any(fits)
    }
}

/// Where the annotations of the Secret stand that an object makes.
const ANNOTATIONS: [&[&str]; 3] = [
    &["metadata", "annotations"],
    &["spec", "template", "metadata", "annotations"],
    &["spec", "target", "template", "metadata", "annotations"],
];

/// What the annotations of an object, or of the Secret that is made from it, ask controllers for.
pub fn by_annotations(object: Node<'_, '_>) -> Option<Copies> {
    ANNOTATIONS.iter().filter_map(|path| object.path(path)).find_map(|annotations| {
        let text = |key: &str| annotations.str_at(key).map(str::trim);
        reflector(&text).or_else(|| replicator(&text)).or_else(|| {
            // An empty value means every namespace, any other one a selector of labels.
            text("kubed.appscode.com/sync").map(|_| Copies::everywhere("config-syncer"))
        })
    })
}

/// Whether a controller fills a Secret with what another one holds, so that what is written here is only its place.
pub fn is_mirror(secret: Node<'_, '_>) -> bool {
    secret.path(ANNOTATIONS[0]).is_some_and(|annotations| {
        ["reflector.v1.k8s.emberstack.com/reflects", "replicator.v1.mittwald.de/replicate-from"]
            .iter()
            .any(|key| annotations.str_at(key).is_some_and(|source| !source.is_empty()))
    })
}

fn reflector<'t>(text: &dyn Fn(&str) -> Option<&'t str>) -> Option<Copies> {
    let of = |name: &str| text(&format!("reflector.v1.k8s.emberstack.com/{name}"));
    let is_set = |name: &str| of(name) == Some("true");
    if !is_set("reflection-allowed") || !is_set("reflection-auto-enabled") {
        return None;
    }
    // It asks both whether the source allows a namespace and whether it is to come there by itself; a label that is selected is enough
    // for either, and what labels namespaces have is not known here.
    let lists =
        ["reflection-allowed-namespaces", "reflection-auto-namespaces"].into_iter().filter_map(|name| {
            let by_labels = of(&format!("{name}-selector")).is_some_and(|selector| !selector.is_empty());
            of(name).filter(|list| !list.is_empty() && !by_labels).map(listed)
        });
    Some(Copies { namespaces: lists.collect(), ..Copies::everywhere("reflector") })
}

fn replicator<'t>(text: &dyn Fn(&str) -> Option<&'t str>) -> Option<Copies> {
    let of = |name: &str| text(&format!("replicator.v1.mittwald.de/{name}")).filter(|list| !list.is_empty());
    match (of("replicate-to"), of("replicate-to-matching")) {
        // Labels of namespaces are not known here.
        (_, Some(_)) => Some(Copies::everywhere("replicator")),
        (Some(list), None) => Some(Copies::into("replicator", listed(list))),
        (None, None) => None,
    }
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// The parts of a list of expressions that are divided by commas.
fn listed(text: &str) -> Vec<String> {
    parts(text).map(glob).collect()
}

/// An expression as it is, but for a bare `*`, which people write for all.
fn glob(text: &str) -> String {
    if text == "*" { ".*".to_owned() } else { text.to_owned() }
}

/// Whether objects of a kind make Secrets by a controller that takes them to other namespaces, or adds them to pods.
pub fn is_maker(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("kyverno.io", "ClusterPolicy" | "Policy")
            | ("ops.alexellis.io", "ClusterPullSecret")
            | ("clustersecret.io", "ClusterSecret")
            | ("external-secrets.io", "ClusterExternalSecret")
            | ("apps", "Deployment")
    )
}

/// The Secrets that such an object makes, by name.
pub fn made(object: Node<'_, '_>, group: &str, kind: &str) -> Vec<(String, Copies)> {
    let text = |path: &[&str]| object.path(path).and_then(|node| node.as_str().map(str::to_owned));
    let own = || text(&["metadata", "name"]).unwrap_or_default();
    match (group, kind) {
        ("kyverno.io", _) => kyverno(object, kind),
        ("ops.alexellis.io", "ClusterPullSecret") => {
            vec![(format!("{}-registrycreds", own()), Copies::everywhere("registry-creds"))]
        }
        ("clustersecret.io", "ClusterSecret") => {
            let list = |key: &str| -> Vec<String> {
                let items = object.get(key).into_iter().flat_map(Node::items);
                items.filter_map(|item| item.resolved().as_str().map(glob)).collect()
            };
            let only = Some(list("matchNamespace")).filter(|list| !list.is_empty());
            let except = list("avoidNamespaces");
            vec![(
                own(),
                Copies {
                    namespaces: only.into_iter().collect(),
                    except,
                    ..Copies::everywhere("ClusterSecret")
                },
            )]
        }
        ("external-secrets.io", "ClusterExternalSecret") => {
            let items = object.path(&["spec", "namespaces"]).into_iter().flat_map(Node::items);
            let names: Vec<String> =
                items.filter_map(|item| item.resolved().as_str().map(str::to_owned)).collect();
            let has = |key: &str| object.path(&["spec", key]).is_some_and(|node| !node.is_null());
            let by_labels = has("namespaceSelector") || has("namespaceSelectors") || names.is_empty();
            let name = text(&["spec", "externalSecretSpec", "target", "name"])
                .or_else(|| text(&["spec", "externalSecretName"]))
                .unwrap_or_else(own);
            let copies = if by_labels {
                Copies::everywhere("external-secrets")
            } else {
                Copies::into("external-secrets", names)
            };
            vec![(name, copies)]
        }
        ("apps", "Deployment") => {
            let except = |list: Vec<String>| list.into_iter().map(|name| glob(&name)).collect();
            let copies = |it: Patcher| {
                let copies = Copies::everywhere("imagepullsecret-patcher");
                (it.secret, Copies { except: except(it.except), ..copies })
            };
            patcher(object).map(copies).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Secrets of the `generate` rules of a policy of Kyverno.
fn kyverno(policy: Node<'_, '_>, kind: &str) -> Vec<(String, Copies)> {
    let rules = policy.path(&["spec", "rules"]).into_iter().flat_map(Node::items);
    let own = policy.path(&["metadata", "namespace"]).and_then(|node| node.as_str().map(str::to_owned));
    // What `foreach` lists is made for each of what it goes through.
    let generated = rules.filter_map(|rule| rule.resolved().get("generate")).flat_map(|generate| {
        let each = generate.resolved().get("foreach").into_iter().flat_map(Node::items);
        iter::once(generate).chain(each)
    });
    let made = |generate: Node<'_, '_>| {
        let generate = generate.resolved();
        let clones = generate.get("cloneList").and_then(cloned);
        let name = match &clones {
            Some(_) => ANY.to_owned(),
            None if generate.str_at("kind") != Some("Secret") => return None,
            None => generate.str_at("name").filter(|name| !name.contains("{{"))?.to_owned(),
        };
        let namespace = match kind {
            // One that has a namespace acts in it alone.
            "Policy" => own.clone(),
            _ => generate.str_at("namespace").filter(|text| !text.contains("{{")).map(str::to_owned),
        };
        let copies = match namespace {
            Some(namespace) => Copies::into("Kyverno", vec![namespace]),
            None => Copies::everywhere("Kyverno"),
        };
        Some((name, Copies { clones: clones.map(Box::new), ..copies }))
    };
    generated.filter_map(made).collect()
}

/// The Secrets that the `cloneList` of a rule of Kyverno takes. None where it takes none, or where expressions say which.
fn cloned(list: Node<'_, '_>) -> Option<Clones> {
    let kinds = list.get("kinds").into_iter().flat_map(Node::items);
    // `v1/Secret`, or the bare kind.
    let is_secret = |kind: &str| kind.rsplit('/').next() == Some("Secret");
    let mut kinds = kinds.filter_map(|kind| kind.resolved().as_str());
    if !kinds.any(is_secret) || list.path(&["selector", "matchExpressions"]).is_some() {
        return None;
    }
    let namespace = list.str_at("namespace").filter(|text| !text.contains("{{"))?.to_owned();
    let labels = list.path(&["selector", "matchLabels"]).into_iter().flat_map(Node::pairs);
    let text = |node: Node<'_, '_>| node.resolved().as_str().map(str::to_owned);
    let labels = labels.map(|(key, value)| Some((text(key)?, text(value)?))).collect::<Option<_>>()?;
    Some(Clones { namespace, labels })
}

/// What imagepullsecret-patcher does.
pub struct Patcher {
    /// The Secret that it copies into every namespace and adds to ServiceAccounts.
    pub secret: String,
    /// The ServiceAccounts; none for all of them.
    pub accounts: Vec<String>,
    /// The namespaces that it leaves alone.
    pub except: Vec<String>,
}

/// What imagepullsecret-patcher does, as its settings say, if this is it.
pub fn patcher(deployment: Node<'_, '_>) -> Option<Patcher> {
    let containers = deployment.path(&["spec", "template", "spec", "containers"])?;
    let container = containers
        .items()
        .map(|item| item.resolved())
        .find(|item| item.str_at("image").is_some_and(|image| image.contains("imagepullsecret-patcher")))?;
    let setting = |name: &str| {
        let mut entries =
            container.get("env").into_iter().flat_map(Node::items).map(|entry| entry.resolved());
        entries
            .find(|entry| entry.str_at("name") == Some(name))
            .and_then(|entry| entry.str_at("value").map(str::to_owned))
    };
    let name = setting("CONFIG_SECRETNAME").unwrap_or_else(|| "image-pull-secret".to_owned());
    let list = |name: &str| -> Vec<String> {
        parts(&setting(name).unwrap_or_default()).map(str::to_owned).collect()
    };
    let accounts = match (setting("CONFIG_ALLSERVICEACCOUNT"), list("CONFIG_SERVICEACCOUNTS")) {
        (Some(all), _) if all == "true" => Vec::new(),
        (_, some) if some.is_empty() => vec!["default".to_owned()],
        (_, some) => some,
    };
    Some(Patcher { secret: name, accounts, except: list("CONFIG_EXCLUDED_NAMESPACES") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lossless_yaml::parse::parse;
    use lossless_yaml::span::Span;

    fn with<T>(text: &str, look: impl Fn(Node<'_, '_>) -> T) -> T {
        let documents =
            parse(text, Span::new(0, text.len())).unwrap_or_else(|error| panic!("{}", error.reason));
        look(documents[0].root().unwrap_or_else(|| panic!("empty")))
    }

    fn reached(copies: &Copies) -> Vec<&'static str> {
        ["shop", "pay-eu", "infra"].into_iter().filter(|name| copies.reach(name)).collect()
    }

    #[test]
    fn annotations_wherever_the_secret_takes_them_from() {
        const REFLECTOR: &str = "reflector.v1.k8s.emberstack.com";
        let all = &["shop", "pay-eu", "infra"][..];
        for (annotations, expected) in [
            (
                format!(
                    "{{{REFLECTOR}/reflection-allowed: 'true', {REFLECTOR}/reflection-auto-enabled: 'true', {REFLECTOR}/reflection-auto-namespaces: 'shop, pay-.*'}}"
                ),
                Some(&["shop", "pay-eu"][..]),
            ),
            (
                format!(
                    "{{{REFLECTOR}/reflection-allowed: 'true', {REFLECTOR}/reflection-auto-enabled: 'true'}}"
                ),
                Some(all),
            ),
            (format!("{{{REFLECTOR}/reflection-allowed: 'true'}}"), None),
            (
                format!(
                    "{{{REFLECTOR}/reflection-allowed: 'true', {REFLECTOR}/reflection-auto-enabled: 'true', {REFLECTOR}/reflection-allowed-namespaces: 'pay-.*', {REFLECTOR}/reflection-auto-namespaces: 'shop,pay-.*'}}"
                ),
                Some(&["pay-eu"][..]),
            ),
            (
                format!(
                    "{{{REFLECTOR}/reflection-allowed: 'true', {REFLECTOR}/reflection-auto-enabled: 'true', {REFLECTOR}/reflection-auto-namespaces: shop, {REFLECTOR}/reflection-auto-namespaces-selector: a=b}}"
                ),
                Some(all),
            ),
            ("{replicator.v1.mittwald.de/replicate-to: 'pay-.*'}".to_owned(), Some(&["pay-eu"])),
            ("{replicator.v1.mittwald.de/replicate-to: '*'}".to_owned(), Some(all)),
            ("{replicator.v1.mittwald.de/replicate-to-matching: 'a=b'}".to_owned(), Some(all)),
            ("{kubed.appscode.com/sync: ''}".to_owned(), Some(all)),
            ("{other: x}".to_owned(), None),
        ] {
            for place in [
                "metadata: {annotations: ANN}",
                "spec: {template: {metadata: {annotations: ANN}}}",
                "spec: {target: {template: {metadata: {annotations: ANN}}}}",
            ] {
                let text = place.replace("ANN", &annotations);
                let found = with(&text, by_annotations);
                assert_eq!(found.as_ref().map(reached).as_deref(), expected, "{text}");
            }
        }
    }

    #[test]
    fn objects_that_make_secrets() {
        for (group, kind, text, expected) in [
            (
                "kyverno.io",
                "ClusterPolicy",
                "spec: {rules: [{generate: {kind: Secret, name: a, namespace: '{{request.object.metadata.name}}'}}, {mutate: {}}]}",
                Some(("a", 3)),
            ),
            (
                "kyverno.io",
                "ClusterPolicy",
                "spec: {rules: [{generate: {kind: Secret, name: a, namespace: shop}}]}",
                Some(("a", 1)),
            ),
            ("kyverno.io", "ClusterPolicy", "spec: {rules: [{generate: {kind: ConfigMap, name: a}}]}", None),
            (
                "kyverno.io",
                "ClusterPolicy",
                "spec: {rules: [{generate: {foreach: [{kind: Secret, name: a, namespace: '{{element}}'}]}}]}",
                Some(("a", 3)),
            ),
            (
                "ops.alexellis.io",
                "ClusterPullSecret",
                "metadata: {name: hub}",
                Some(("hub-registrycreds", 3)),
            ),
            (
                "clustersecret.io",
                "ClusterSecret",
                "metadata: {name: a}\nmatchNamespace: ['.*']\navoidNamespaces: [infra]",
                Some(("a", 2)),
            ),
            (
                "external-secrets.io",
                "ClusterExternalSecret",
                "metadata: {name: a}\nspec: {namespaces: [shop], externalSecretName: b}",
                Some(("b", 1)),
            ),
            (
                "apps",
                "Deployment",
                "spec: {template: {spec: {containers: [{image: 'quay.io/titansoft/imagepullsecret-patcher:v1', env: [{name: CONFIG_SECRETNAME, value: x}, {name: CONFIG_EXCLUDED_NAMESPACES, value: infra}]}]}}}",
                Some(("x", 2)),
            ),
            ("apps", "Deployment", "spec: {template: {spec: {containers: [{image: nginx}]}}}", None),
        ] {
            assert!(is_maker(group, kind));
            let found = with(text, |node| made(node, group, kind));
            let found = found.first().map(|(name, copies)| (name.as_str(), reached(copies).len()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
