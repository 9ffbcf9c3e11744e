//! Speed of the parts: what one document costs on its way through the program.
//!
//! `cargo bench` runs all, `cargo bench -- parse` those with that name; throughput is of the manifest's bytes. Whole
//! runs beside other programs are measured by `compare.sh`, instructions by `instructions.sh`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use kubelet_keyring::pattern::{RegistryKey, needed};
use kubelet_keyring::reference::ImageRef;
use lossless_yaml::parse::parse;
use lossless_yaml::span::Span;
use lossless_yaml::split::{head, split};
use pullcred::config::Config;
use pullcred::deliveries::delivery::{self, DeliveryFacts};
use pullcred::deliveries::graph::{Builds, Graph, Options};
use pullcred::deliveries::scanned::Scanned;
use pullcred::effects::apply;
use pullcred::objects::marks::Marks;
use pullcred::objects::read::{FileFacts, read};
use pullcred::objects::workload::Kinds;
use pullcred::plan::{File, pull_secrets};

fn main() {
    divan::main();
}

/// Documents that the pre-filter dismisses.
const OTHER: &str = "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  labels: {app: web}\nspec:\n  \
    selector: {app: web}\n  ports:\n    - {name: http, port: 80, targetPort: 8080}\n";

/// A workload as people write them.
const WORKLOAD: &str = "---\n# the shop's front end\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  \
    labels: {app: web}\nspec:\n  replicas: 2\n  selector:\n    matchLabels: {app: web}\n  template:\n    metadata:\n      \
    labels: {app: web}\n    spec:\n      containers:\n        - name: web\n          \
    image: \"registry.example.com/shop/web:1.4\"  # bumped\n          args: [\"--port\", \"8080\"]\n          \
    resources:\n            limits: {cpu: 500m, memory: 256Mi}\n        - name: proxy\n          image: nginx:1.29\n";

fn manifest(name: &str) -> String {
    let document = if name == "services" { OTHER } else { WORKLOAD };
    document.repeat(200)
}

fn config() -> Config {
    Config::from_flags(&["acr-secret=registry.example.com", "hub=docker.io"]).expect("flags make sense")
}

#[divan::bench(args = ["services", "workloads"])]
fn split_and_heads(bencher: Bencher<'_, '_>, name: &str) {
    let text = manifest(name);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| split(&text).iter().filter(|slice| head(slice.span.of(&text)).is_some()).count());
}

#[divan::bench]
fn parse_workloads(bencher: Bencher<'_, '_>) {
    let text = manifest("workloads");
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| parse(&text, Span::new(0, text.len())).map(|it| it.len()));
}

#[divan::bench(args = ["services", "workloads"])]
fn read_facts(bencher: Bencher<'_, '_>, name: &str) {
    let text = manifest(name);
    let kinds = Kinds::default();
    bencher.counter(BytesCount::of_str(&text)).bench(|| read(&text, Marks::of(&text), &kinds).objects.len());
}

#[divan::bench]
fn edit_and_verify(bencher: Bencher<'_, '_>) {
    let text = manifest("workloads");
    let facts = read(&text, Marks::of(&text), &Kinds::default());
    let files = [File::new("web.yaml".to_owned(), true, Ok(facts.clone()))];
    let plan = pull_secrets::plan(&files, &Builds::default(), &config());
    let additions: Vec<_> = plan.additions.iter().collect();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| apply::finished(&text, &facts, &additions).map(|text| text.len()));
}

#[divan::bench]
fn match_image(bencher: Bencher<'_, '_>) {
    let keys: Vec<RegistryKey> = ["registry.example.com/shop", "*.azurecr.io", "https://index.docker.io/v1/"]
        .iter()
        .filter_map(|key| RegistryKey::parse(key).ok())
        .collect();
    bencher.bench(|| {
        let image = ImageRef::parse(black_box("registry.example.com/shop/web:1.4")).ok();
        needed(&keys, image.as_ref())
    });
}

/// Files of a repository, scanned.
type Files = Vec<(String, FileFacts, Option<Box<DeliveryFacts>>)>;

/// Bases with one workload, each with so many overlays.
fn overlays(bases: usize, overlays: usize) -> Files {
    let kinds = Kinds::default();
    let mut files = Files::new();
    let mut add = |path: String, text: &str| {
        let delivery = delivery::read(&path, text, Marks::of(text));
        files.push((path, read(text, Marks::of(text), &kinds), delivery));
    };
    for base in 0..bases {
        add(format!("b{base:04}/base/kustomization.yaml"), "resources: [web.yaml]\n");
        add(format!("b{base:04}/base/web.yaml"), WORKLOAD);
        for overlay in 0..overlays {
            let text = format!(
                "namespace: n{overlay}\nresources: [../base]\nimages:\n- {{name: nginx, newTag: '{overlay}'}}\npatches:\n- patch: \
                 |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {{name: web}}\n    spec: {{replicas: 3}}\n"
            );
            add(format!("b{base:04}/o{overlay:04}/kustomization.yaml"), &text);
        }
    }
    files
}

/// Follows every build on one thread; how many places of workloads there are.
fn graph(files: &Files) -> usize {
    let scanned: Vec<Scanned<'_>> = files
        .iter()
        .map(|(path, facts, delivery)| Scanned {
            path,
            objects: &facts.objects,
            facts: delivery.as_deref(),
            settings: facts.settings.as_ref(),
        })
        .collect();
    let each = |count: usize, work: &(dyn Fn(usize) + Sync)| (0..count).for_each(work);
    let options = Options::bare(&each);
    let graph = Graph::new(&scanned, &|_| None, &options);
    let places = |file: usize| {
        let objects = 0..scanned[file].objects.len();
        objects.map(|object| graph.deployments(&scanned, file, object, &options).len()).sum::<usize>()
    };
    (0..scanned.len()).map(places).sum()
}

#[divan::bench(sample_count = 10)]
fn graph_of_10_000_kustomizations(bencher: Bencher<'_, '_>) {
    let files = overlays(100, 99);
    bencher.bench_local(|| graph(&files));
}

#[divan::bench(args = [250, 500, 1000], sample_count = 20)]
fn graph_of_one_base_in_overlays(bencher: Bencher<'_, '_>, count: usize) {
    let files = overlays(1, count);
    bencher.bench_local(|| graph(&files));
}

#[divan::bench(sample_count = 20)]
fn graph_of_10_000_files_without_kustomization(bencher: Bencher<'_, '_>) {
    let kinds = Kinds::default();
    let files: Files = (0..10_000)
        .map(|nth| (format!("{nth:05}.yaml"), read(WORKLOAD, Marks::of(WORKLOAD), &kinds), None))
        .collect();
    bencher.bench_local(|| graph(&files));
}
