//! Prints what the simulated builds of a folder's kustomizations yield, one JSON line per kustomization.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]
use pullcred::kube::build::accumulate::Builder;
use pullcred::kube::build::repository::{Repository, Scanned};
use pullcred::kube::build::value::Value;
use pullcred::kube::{delivery, kustomization, read, workload::Kinds};
use std::path::Path;

fn images(v: &Value, path: &mut String, out: &mut Vec<String>) {
    for (k, v) in v.pairs() {
        if matches!(&**k, "containers" | "initContainers" | "ephemeralContainers") {
            for c in v.items() {
                if let Some(i) = c.str_at("image") {
                    out.push(format!("{}={}", c.str_at("name").unwrap_or(""), i));
                }
            }
        }
        if &**k == "imagePullSecrets" {
            for c in v.items() {
                out.push(format!("@{}", c.str_at("name").unwrap_or("")));
            }
        }
        images(v, path, out);
    }
    for v in v.items() {
        images(v, path, out);
    }
}

fn main() {
    let root = std::env::args().nth(1).unwrap();
    let whole = std::env::args().nth(2).as_deref() == Some("whole");
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
        let is_k = kustomization::is_kustomization(&rel);
        if !is_k && !rel.ends_with(".yaml") && !rel.ends_with(".yml") && !rel.ends_with(".json") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(p) else { continue };
        let facts = read::read(&text, &kinds);
        let k = delivery::read(&rel, &text);
        data.push((rel, facts, k));
    }
    let scanned: Vec<_> =
        data.iter().map(|(p, f, k)| Scanned { path: p, objects: &f.objects, facts: k.as_deref() }).collect();
    let load = |p: &str| std::fs::read(root.join(p)).ok();
    let t = std::time::Instant::now();
    let mut b = Builder::new(Repository::new(&scanned, &load));
    let n = b.repository.len();
    for k in 0..n {
        let known = b.repository.get(k);
        let r = b.build(k, whole);
        match r {
            Err(n) => {
                let n = b
                    .notices
                    .get(n)
                    .map(|n| format!("{}:{}: {}", n.file, n.line, n.message))
                    .unwrap_or_default();
                println!("{}", serde_json::json!({"dir": &*known.folder, "error": n}));
            }
            Ok(resources) => {
                let mut list = Vec::new();
                for r in &resources {
                    let mut out = Vec::new();
                    images(&r.object, &mut String::new(), &mut out);
                    out.sort();
                    if r.kind() == "CustomResourceDefinition" {
                        continue;
                    }
                    list.push(serde_json::json!([r.kind(), r.namespace(), r.name(), out, r.sketch]));
                }
                println!("{}", serde_json::json!({"dir": &*known.folder, "workloads": list}));
            }
        }
    }
    eprintln!("{n} kustomizations in {:?}", t.elapsed());
}
