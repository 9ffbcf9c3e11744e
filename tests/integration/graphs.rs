//! Kustomizations by the thousand: neither recursion on their depth, nor cycles that hang, nor costs that explode.

use pullcred::deliveries::delivery::{self, DeliveryFacts};
use pullcred::deliveries::graph::{Deployment, Graph, Notice, Options};
use pullcred::deliveries::scanned::Scanned;
use pullcred::objects::marks::Marks;
use pullcred::objects::read::{FileFacts, read};
use pullcred::objects::workload::Kinds;

const DEPTH: usize = 10_000;

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {a: b}}\n  \
    template: {spec: {containers: [{name: web, image: nginx}]}}\n";

type Files = Vec<(String, FileFacts, Option<Box<DeliveryFacts>>)>;

fn file(path: String, text: &str) -> (String, FileFacts, Option<Box<DeliveryFacts>>) {
    let delivery = delivery::read(&path, text, Marks::of(text));
    (path, read(text, Marks::of(text), &Kinds::default()), delivery)
}

fn kustomization(
    folder: &str,
    namespace: &str,
    resource: &str,
) -> (String, FileFacts, Option<Box<DeliveryFacts>>) {
    let text = format!("namespace: {namespace}\nresources: [{resource}]\n");
    file(format!("{folder}/kustomization.yaml"), &text)
}

/// Kustomizations of which each includes the one before it, and the workload that the first one includes.
fn chain(first: &str) -> Files {
    let link = |nth: usize| match nth {
        0 => kustomization("k0", "n0", first),
        nth => kustomization(&format!("k{nth}"), &format!("n{nth}"), &format!("../k{}", nth - 1)),
    };
    (0..DEPTH).map(link).chain([file("k0/web.yaml".to_owned(), WEB)]).collect()
}

/// Where the object of the last file is deployed, and what there is to say; found on a small stack.
fn answer(files: Files) -> (Vec<Deployment>, Vec<Notice>) {
    let work = move || {
        let scanned: Vec<Scanned<'_>> = files
            .iter()
            .map(|(path, facts, delivery)| Scanned {
                path,
                objects: &facts.objects,
                facts: delivery.as_deref(),
                settings: facts.settings.as_ref(),
            })
            .collect();
        let load = |path: &str| (path == "k0/web.yaml").then(|| WEB.as_bytes().to_vec());
        let each = |count: usize, work: &(dyn Fn(usize) + Sync)| (0..count).for_each(work);
        let options = Options::bare(&each);
        let graph = Graph::new(&scanned, &load, &options);
        let last = scanned.len() - 1;
        (graph.deployments(&scanned, last, 0, &options).into_owned(), graph.notices)
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(work).unwrap().join().unwrap()
}

#[test]
fn a_chain_of_ten_thousand_bases() {
    let (deployments, notices) = answer(chain("web.yaml"));
    assert_eq!((deployments.len(), notices.len()), (1, 0));
    assert_eq!(deployments[0].namespace.as_deref(), Some("n9999"));
    assert_eq!(deployments[0].source.len(), DEPTH);
}

#[test]
fn a_chain_of_ten_thousand_bases_with_whole_objects() {
    let mut files = chain("web.yaml");
    let last = format!("k{}", DEPTH - 1);
    files.insert(
        DEPTH,
        file("root/kustomization.yaml".to_owned(), &format!("namePrefix: p-\nresources: [../{last}]\n")),
    );
    let (deployments, _) = answer(files);
    assert_eq!(deployments[0].name.as_deref(), Some("p-web"));
}

#[test]
fn a_cycle_of_ten_thousand() {
    let mut files = chain(&format!("../k{}", DEPTH - 1));
    files.insert(DEPTH, kustomization("root", "shop", "../k0"));
    let (_, notices) = answer(files);
    assert_eq!(notices.len(), 1);
    assert!(notices[0].message.contains("which is being built"), "{}", notices[0].message);
}

#[test]
fn one_base_in_a_thousand_overlays() {
    let overlay = |nth: usize| kustomization(&format!("o{nth}"), &format!("n{nth}"), "../k0");
    let mut files: Files = (0..1000).map(overlay).collect();
    files.extend([kustomization("k0", "n", "web.yaml"), file("k0/web.yaml".to_owned(), WEB)]);
    let (deployments, notices) = answer(files);
    assert_eq!((deployments.len(), notices.len()), (1000, 0));
    assert!(deployments.iter().all(|place| place.source.len() == 2));
}
