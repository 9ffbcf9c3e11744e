//! Manifests as people write them: random objects, written in a random layout.
//!
//! A [`Sample`] is the same for the same seed on every machine. What it must mean afterwards is decided in
//! [`expected`], from the values alone, by code that shares nothing with the program.

mod expected;
mod layout;

use std::collections::BTreeMap;

use serde_yaml::{Mapping, Value};

pub use expected::{Secret, expect, expect_accounts};

/// A source of numbers (SplitMix64).
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn text(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

/// A node before it has a layout.
#[derive(Clone, Debug)]
pub enum Tree {
    Map(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Text(String),
    /// A number, a truth value or a null, as it is written.
    Word(&'static str),
    Anchor(String, Box<Tree>),
    Alias(String),
}

/// A file.
pub struct Sample {
    pub text: String,
    /// What its documents mean.
    pub documents: Vec<Value>,
}

impl Sample {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut trees = Vec::new();
        for _ in 0..*random.pick(&[1, 1, 1, 2, 3, 5]) {
            trees.push(document(&mut random));
        }
        let documents = trees.iter().map(|tree| tree.value(&mut BTreeMap::new())).collect();
        Self { text: layout::file(&trees, &mut random), documents }
    }
}

impl Tree {
    /// The same without aliases, which JSON does not have.
    fn expanded(&self, anchors: &mut BTreeMap<String, Tree>) -> Tree {
        match self {
            Self::Map(pairs) => {
                Self::Map(pairs.iter().map(|(key, tree)| (key.clone(), tree.expanded(anchors))).collect())
            }
            Self::List(items) => Self::List(items.iter().map(|item| item.expanded(anchors)).collect()),
            Self::Anchor(name, tree) => {
                let tree = tree.expanded(anchors);
                anchors.insert(name.clone(), tree.clone());
                tree
            }
            Self::Alias(name) => anchors[name].clone(),
            Self::Text(_) | Self::Word(_) => self.clone(),
        }
    }

    fn value(&self, anchors: &mut BTreeMap<String, Value>) -> Value {
        match self {
            Self::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, tree)| (Value::from(key.as_str()), tree.value(anchors)));
                Value::Mapping(pairs.collect::<Mapping>())
            }
            Self::List(items) => Value::Sequence(items.iter().map(|item| item.value(anchors)).collect()),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Word(word) => serde_yaml::from_str(word).unwrap(),
            Self::Anchor(name, tree) => {
                let value = tree.value(anchors);
                anchors.insert(name.clone(), value.clone());
                value
            }
            Self::Alias(name) => anchors[name].clone(),
        }
    }
}

fn map<const N: usize>(pairs: [(&str, Tree); N]) -> Tree {
    Tree::Map(pairs.into_iter().map(|(key, tree)| (key.to_owned(), tree)).collect())
}

fn text(text: impl Into<String>) -> Tree {
    Tree::Text(text.into())
}

/// Workloads: `apiVersion`, `kind`, the way to the pod spec.
const WORKLOADS: &[(&str, &str, &[&str])] = &[
    ("v1", "Pod", &["spec"]),
    ("v1", "PodTemplate", &["template", "spec"]),
    ("v1", "ReplicationController", &["spec", "template", "spec"]),
    ("apps/v1", "Deployment", &["spec", "template", "spec"]),
    ("apps/v1", "StatefulSet", &["spec", "template", "spec"]),
    ("apps/v1", "DaemonSet", &["spec", "template", "spec"]),
    ("apps/v1", "ReplicaSet", &["spec", "template", "spec"]),
    ("batch/v1", "Job", &["spec", "template", "spec"]),
    ("batch/v1", "CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
];

/// Texts that layouts and readers stumble over.
const TEXTS: &[&str] = &[
    "web",
    "on",
    "1:30",
    "0x1F",
    "null",
    "~",
    "",
    " blank before",
    "- no item",
    "no: pair",
    "no # comment",
    "it's \"quoted\" \\ twice",
    "{{ no template }}",
    "[1, 2]",
    "*no-alias",
    "&no-anchor",
    "%no-directive",
    "---",
    "ünï ✓ 🚀",
    "first line\nsecond line\n",
    "kind: Pod\nspec:\n  containers:\n  - image: in/a:text\n",
    "no end of line\n  and a blank before",
    "tab\there",
];

const IMAGES: &[&str] =
    &["registry.example/web:1", "nginx", "localhost:5000/a@sha256:0", "${IMAGE}", "not an image"];

fn document(random: &mut Random) -> Tree {
    match random.below(10) {
        0 => list(random),
        1 => other(random),
        2 => account(random),
        _ => workload(random),
    }
}

fn workload(random: &mut Random) -> Tree {
    let (api_version, kind, path) = *random.pick(WORKLOADS);
    let spec = pod_spec(random);
    with_type(api_version, kind, placed(random, path, spec), random)
}

/// `apiVersion` and `kind` around an object's body, most often in front.
fn with_type(api_version: &str, kind: &str, body: Tree, random: &mut Random) -> Tree {
    let Tree::Map(mut pairs) = body else { unreachable!("a body is a mapping") };
    pairs.insert(0, ("kind".to_owned(), text(kind)));
    pairs.insert(0, ("apiVersion".to_owned(), text(api_version)));
    if random.chance(15) {
        random.shuffle(&mut pairs);
    }
    Tree::Map(pairs)
}

/// The body of a workload with `spec` at the end of `path`.
fn placed(random: &mut Random, path: &[&str], spec: Tree) -> Tree {
    let mut tree = spec;
    for (depth, key) in path.iter().enumerate().rev() {
        let mut pairs = vec![((*key).to_owned(), tree)];
        if depth > 0 {
            let replicas = Tree::Word(random.text(&["3", "1", "0"]));
            let labels = map([("labels", map([("app", text("web"))]))]);
            pairs.extend(random.chance(40).then(|| ("replicas".to_owned(), replicas)));
            pairs.extend(random.chance(40).then(|| ("metadata".to_owned(), labels)));
            // `apps/v1` is nothing without a selector.
            let selector = map([("matchLabels", map([("app", text("web"))]))]);
            pairs.extend((depth == 1 && random.chance(90)).then(|| ("selector".to_owned(), selector)));
        }
        random.shuffle(&mut pairs);
        tree = Tree::Map(pairs);
    }
    let Tree::Map(mut pairs) = tree else { unreachable!("a path is not empty") };
    pairs.insert(0, ("metadata".to_owned(), metadata(random)));
    Tree::Map(pairs)
}

fn metadata(random: &mut Random) -> Tree {
    let mut pairs = Vec::new();
    match random.below(30) {
        0 => {}
        1 => pairs.push(("generateName".to_owned(), text("web-"))),
        _ => pairs.push(("name".to_owned(), text(*random.pick(&["web", "api", "1"])))),
    }
    pairs.extend(random.chance(25).then(|| ("namespace".to_owned(), text("shop"))));
    if random.chance(30) {
        let mut annotations = vec![("example.com/note".to_owned(), text(*random.pick(TEXTS)))];
        annotations.extend(
            random
                .chance(10)
                .then(|| ("pullcred.dev/inject".to_owned(), text(*random.pick(&["false", "true"])))),
        );
        pairs.push(("annotations".to_owned(), Tree::Map(annotations)));
    }
    Tree::Map(pairs)
}

fn pod_spec(random: &mut Random) -> Tree {
    let mut pairs = Vec::new();
    if random.chance(97) {
        pairs.push(("containers".to_owned(), containers(random)));
    }
    pairs.extend(random.chance(15).then(|| ("initContainers".to_owned(), containers(random))));
    if random.chance(15) {
        let volume = map([("name", text("data")), ("emptyDir", Tree::Map(Vec::new()))]);
        pairs.push(("volumes".to_owned(), Tree::List(vec![volume])));
    }
    pairs.extend(random.chance(20).then(|| ("serviceAccountName".to_owned(), text("robot"))));
    pairs.extend(random.chance(20).then(|| ("hostNetwork".to_owned(), Tree::Word("true"))));
    pairs.extend(random.chance(10).then(|| ("nodeSelector".to_owned(), map([("a/b", text("c"))]))));
    pairs.extend(random.chance(45).then(|| ("imagePullSecrets".to_owned(), pull_secrets(random))));
    if random.chance(60) {
        random.shuffle(&mut pairs);
    }
    Tree::Map(pairs)
}

fn containers(random: &mut Random) -> Tree {
    let number = *random.pick(&[1, 1, 1, 2, 3, 0]);
    let container = |random: &mut Random| {
        let mut pairs = vec![("name".to_owned(), text("main"))];
        pairs.extend(random.chance(92).then(|| ("image".to_owned(), text(*random.pick(IMAGES)))));
        if random.chance(30) {
            let arguments = (0..random.below(3)).map(|_| text(*random.pick(TEXTS))).collect();
            pairs.push(("args".to_owned(), Tree::List(arguments)));
        }
        if random.chance(20) {
            let port = map([("containerPort", Tree::Word("8080"))]);
            pairs.push(("ports".to_owned(), Tree::List(vec![port])));
        }
        if random.chance(20) {
            let variable = map([("name", text("A")), ("value", text(*random.pick(TEXTS)))]);
            pairs.push(("env".to_owned(), Tree::List(vec![variable])));
        }
        pairs.extend(
            random.chance(10).then(|| ("tty".to_owned(), Tree::Word(random.text(&["true", "", "~"])))),
        );
        random.shuffle(&mut pairs);
        Tree::Map(pairs)
    };
    Tree::List((0..number).map(|_| container(random)).collect())
}

fn pull_secrets(random: &mut Random) -> Tree {
    if random.chance(25) {
        return Tree::Word(random.text(&["", "", "~", "null", "Null", "NULL"]));
    }
    let names = ["a", "b", "regcred", "yes"];
    let entries = (0..random.below(4)).map(|_| map([("name", text(*random.pick(&names)))]));
    Tree::List(entries.collect())
}

/// Something without a pod spec.
fn other(random: &mut Random) -> Tree {
    let (api_version, kind) =
        *random.pick(&[("v1", "ConfigMap"), ("v1", "Service"), ("example.com/v1", "Pod")]);
    let data = map([("text", text(*random.pick(TEXTS))), ("more", text(*random.pick(TEXTS)))]);
    let body = map([("metadata", metadata(random)), ("data", data)]);
    with_type(api_version, kind, body, random)
}

fn account(random: &mut Random) -> Tree {
    let mut pairs = vec![("metadata".to_owned(), {
        let mut pairs = vec![("name".to_owned(), text(*random.pick(&["robot", "default"])))];
        pairs.extend(random.chance(25).then(|| ("namespace".to_owned(), text("shop"))));
        Tree::Map(pairs)
    })];
    pairs.extend(random.chance(60).then(|| ("imagePullSecrets".to_owned(), pull_secrets(random))));
    with_type("v1", "ServiceAccount", Tree::Map(pairs), random)
}

/// A List: of anything; of Pods that do not say so; of Pods that share a part by an alias.
fn list(random: &mut Random) -> Tree {
    let number = 1 + random.below(3);
    let pod = |random: &mut Random, spec: Tree| {
        map([("metadata", map([("name", text("web"))])), ("spec", spec)]).typed("Pod", random)
    };
    let (kind, items) = match random.below(5) {
        0 => {
            let spec = pod_spec(random);
            let first = pod(random, Tree::Anchor("shared".to_owned(), Box::new(spec)));
            ("List", vec![first, pod(random, Tree::Alias("shared".to_owned()))])
        }
        1 => {
            let shared = Tree::Anchor("shared".to_owned(), Box::new(containers(random)));
            let first = map([("containers", shared), ("imagePullSecrets", pull_secrets(random))]);
            let first = pod(random, first);
            let second = map([("containers", Tree::Alias("shared".to_owned()))]);
            ("List", vec![first, pod(random, second)])
        }
        2 => {
            let pods = (0..number).map(|_| {
                let spec = pod_spec(random);
                map([("metadata", metadata(random)), ("spec", spec)])
            });
            ("PodList", pods.collect())
        }
        _ => ("List", (0..number).map(|_| workload(random)).collect()),
    };
    with_type("v1", kind, map([("items", Tree::List(items))]), random)
}

impl Tree {
    fn typed(self, kind: &str, random: &mut Random) -> Self {
        with_type("v1", kind, self, random)
    }
}
