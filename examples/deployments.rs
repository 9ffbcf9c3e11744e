//! Prints where the objects of a folder are deployed, one JSON line each.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]
use pullcred::kube::namespace::{Graph, Options, Pods, Scanned};
use pullcred::kube::{delivery, read, workload::Kinds};
use std::path::Path;

fn main() {
    let root = std::env::args().nth(1).unwrap();
    let root = Path::new(&root);
    let mut paths = Vec::new();
    let mut stack = vec![root.to_path_buf()];
    while let Some(dir) = stack.pop() {
        for e in std::fs::read_dir(&dir).unwrap() {
            let e = e.unwrap();
            if e.file_name() == ".git" {
                continue;
            }
            let t = e.file_type().unwrap();
            if t.is_dir() {
                stack.push(e.path())
            } else if t.is_file() {
                paths.push(e.path())
            }
        }
    }
    paths.sort();
    let kinds = Kinds::default();
    let mut data = Vec::new();
    for p in &paths {
        let rel = p.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if !rel.ends_with("Kustomization")
            && !rel.ends_with(".yaml")
            && !rel.ends_with(".yml")
            && !rel.ends_with(".json")
        {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(p) else { continue };
        let facts = read::read(&text, &kinds);
        let delivery = delivery::read(&rel, &text);
        data.push((rel, facts, delivery));
    }
    let scanned: Vec<_> =
        data.iter().map(|(p, f, k)| Scanned { path: p, objects: &f.objects, facts: k.as_deref() }).collect();
    let load = |p: &str| std::fs::read(root.join(p)).ok();
    let options = Options { config: ".pullcred.yaml", rule: &|_| None, default: None, application: None };
    let t = std::time::Instant::now();
    let graph = Graph::new(&scanned, &load, &options);
    eprintln!("graph in {:?}", t.elapsed());
    for n in &graph.notices {
        eprintln!("{}:{}: {:?}: {}", n.file, n.line, n.code, n.message);
    }
    for (f, file) in scanned.iter().enumerate() {
        for (o, object) in file.objects.iter().enumerate() {
            let d: Vec<_> = graph.deployments(&scanned, f, o, &options).iter().map(|d| {
                let pods = match &d.pods {
                    Pods::Written => serde_json::json!("written"),
                    Pods::Unknown => serde_json::Value::Null,
                    Pods::Built(pods) => pods.iter().map(|p| serde_json::json!({
                        "images": p.images.iter().map(|i| format!("{}={}", i.container, i.image)).collect::<Vec<_>>(),
                        "secrets": p.pull_secrets, "account": p.service_account})).collect(),
                };
                serde_json::json!({"namespace": d.namespace, "name": d.name, "pods": pods,
                    "source": d.source.iter().map(|s| format!("{}:{}:{}", s.rule.name(), s.file, s.line)).collect::<Vec<_>>(), "doubt": d.doubt})
            }).collect();
            println!(
                "{}",
                serde_json::json!({"file": file.path, "line": object.position.line, "kind": object.kind, "name": object.name, "role": graph.roles.get(file.path).map(|r| format!("{r:?}")), "deployments": d})
            );
        }
    }
}
