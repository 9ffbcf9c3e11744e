//! Small repositories and where their objects are deployed: `fixtures/namespaces/CASE/in` and `expected`.
//!
//! One line for each object, below it one for each place: namespace, name, images and `@` pull secrets, and the chain
//! that leads there. `!` lines are notices, `role` lines files that hold no objects to deploy, `+` generated Secrets.
//! `UPDATE_FIXTURES=1` rewrites the expectations.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use pullcred::deliveries::delivery;
use pullcred::deliveries::graph::{Graph, Options, Pods, Told};
use pullcred::deliveries::scanned::Scanned;
use pullcred::objects::marks::Marks;
use pullcred::objects::read;
use pullcred::objects::workload::Kinds;

use crate::support::{fixtures, update};

fn files(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

fn answer(folder: &Path) -> String {
    let mut found = BTreeMap::new();
    files(folder, "", &mut found);
    let is_manifest =
        |path: &str| [".yaml", ".yml", ".json", "Kustomization"].iter().any(|end| path.ends_with(end));
    let texts: Vec<(&str, &str)> = found
        .iter()
        .filter(|(path, _)| is_manifest(path))
        .map(|(path, bytes)| (path.as_str(), std::str::from_utf8(bytes).unwrap()))
        .collect();
    let kinds = Kinds::default();
    let facts: Vec<_> = texts
        .iter()
        .map(|(path, text)| {
            let marks = Marks::of(text);
            (*path, read::read(text, marks, &kinds), delivery::read(path, text, marks))
        })
        .collect();
    let scanned: Vec<Scanned<'_>> = facts
        .iter()
        .map(|(path, facts, delivery)| Scanned {
            path,
            objects: &facts.objects,
            facts: delivery.as_deref(),
            settings: facts.settings.as_ref(),
        })
        .collect();
    let load = |path: &str| found.get(path).cloned();
    let rule = |path: &str| {
        let team = path.strip_prefix("teams/")?.split('/').next()?.to_owned();
        Some(Told { namespace: team, line: 7 })
    };
    let default = Told { namespace: "fallback".to_owned(), line: 9 };
    let default = found.contains_key(".pullcred.yaml").then_some(&default);
    let each = |count: usize, work: &(dyn Fn(usize) + Sync)| (0..count).for_each(work);
    let options = Options { config: ".pullcred.yaml", rule: &rule, default, ..Options::bare(&each) };
    let graph = Graph::new(&scanned, &load, &options);
    let mut text = String::new();
    for (at, file) in scanned.iter().enumerate() {
        for (nth, object) in file.objects.iter().enumerate() {
            writeln!(text, "{}:{} {} {}", file.path, object.position.line, object.kind, object.name).unwrap();
            for place in graph.deployments(&scanned, at, nth, &options).iter() {
                let unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
                write!(text, "  {}/{}", unknown(&place.namespace), unknown(&place.name)).unwrap();
                match &place.pods {
                    Pods::Written => text.push_str(" as written"),
                    Pods::Unknown => text.push_str(" ?"),
                    Pods::Built(pods) => {
                        for pod in pods {
                            pod.images
                                .iter()
                                .for_each(|i| write!(text, " {}={}", i.container, i.image).unwrap());
                            pod.pull_secrets.iter().for_each(|s| write!(text, " @{}", unknown(s)).unwrap());
                            pod.service_account.iter().for_each(|s| write!(text, " as {s}").unwrap());
                        }
                    }
                }
                for (nth, step) in place.source.iter().enumerate() {
                    let mark = if nth == 0 { " <-" } else { "," };
                    write!(text, "{mark} {} {}:{}", step.rule.name(), step.file, step.line).unwrap();
                }
                if let Some(notice) = place.doubt {
                    write!(text, " [{}:{}]", graph.notices[notice].file, graph.notices[notice].line).unwrap();
                }
                text.push('\n');
            }
        }
    }
    for secret in &graph.generated {
        let namespace = secret.namespace.as_deref().unwrap_or("?");
        let name = secret.name.as_deref().unwrap_or("?");
        writeln!(text, "+ {namespace}/{name} {} {}:{}", secret.kind, secret.file, secret.line).unwrap();
    }
    for (path, role) in &graph.roles {
        writeln!(text, "role {path} {role:?}").unwrap();
    }
    for notice in &graph.notices {
        writeln!(text, "! {}:{} {:?}: {}", notice.file, notice.line, notice.code, notice.message).unwrap();
    }
    text
}

#[test]
fn repositories_are_followed() {
    let mut count = 0;
    for case in fs::read_dir(fixtures("namespaces")).unwrap().map(|entry| entry.unwrap().path()) {
        let expected = case.join("expected");
        let found = answer(&case.join("in"));
        if update() {
            fs::write(&expected, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&expected).unwrap(), "{}", case.display());
        count += 1;
    }
    assert!(count > 10, "the cases are gone");
}
