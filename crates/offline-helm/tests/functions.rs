//! Every template of `fixtures/functions` beside what real helm made of it (stored by `tools/functions.py`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use offline_helm::template::{Engine, Limits, with_stack};
use offline_helm::value::Value;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// The name of every template.
const NAME: &str = "c/t.yaml";

fn files(extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/functions");
    let entries = std::fs::read_dir(folder).expect("the folder of the fixtures");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

fn rows(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn ours(template: &str) -> Result<Vec<u8>, String> {
    let mut engine = Engine::new(Limits::default());
    engine.add(NAME, template).map_err(|error| error.to_string())?;
    let data = Value::map([("Values".into(), Value::values([]))]);
    engine.render(NAME, data).map_err(|error| error.to_string())
}

/// Helm's command shortens some errors; here is what the engine says where helm says `error`.
fn says(ours: &str, error: &str) -> bool {
    let short = |prefix: &str| error.strip_prefix(prefix).and_then(|rest| rest.split_once("): "));
    if let Some((at, message)) = short("parse error at (") {
        return ours == format!("template: {at}: {message}");
    }
    if let Some((at, message)) = short("execution error at (") {
        return ours.starts_with(&format!("template: {at}: ")) && ours.ends_with(&format!(": {message}"));
    }
    ours == error
}

/// What is wrong with our answer.
fn difference(row: &Json) -> Option<String> {
    let template = row["template"].as_str().expect("a template");
    let ours = ours(template);
    let helm = match (row["helm"].as_str(), row["base64"].as_str(), row["error"].as_str()) {
        (Some(text), None, None) => Ok(text.as_bytes().to_vec()),
        (None, Some(text), None) => Ok(STANDARD.decode(text).expect("base64")),
        (None, None, Some(error)) => Err(error.to_owned()),
        _ => panic!("{row} is no answer"),
    };
    let equal = match (&ours, &helm) {
        (Ok(ours), Ok(helm)) => ours == helm,
        (Err(ours), Err(helm)) => says(ours, helm),
        _ => false,
    };
    let shown = |answer: &Result<Vec<u8>, String>| match answer {
        Ok(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Err(error) => format!("error: {error}"),
    };
    (!equal).then(|| format!("{template}\n  helm: {}\n  ours: {}", shown(&helm), shown(&ours)))
}

#[test]
fn equals_what_helm_gives() {
    let differences: Vec<String> = files("json")
        .iter()
        .flat_map(|path| {
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let rows = rows(path);
            with_stack(|| rows.iter().filter_map(difference).collect::<Vec<_>>())
                .into_iter()
                .map(move |text| format!("{name}: {text}"))
        })
        .collect();
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn every_template_has_an_answer() {
    let paths = files("tmpl");
    assert!(!paths.is_empty(), "no templates");
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("templates");
        let mut templates: Vec<&str> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("# ")) {
            if !templates.contains(&line) {
                templates.push(line);
            }
        }
        let answers = rows(&path.with_extension("json"));
        let answered: Vec<&str> = answers.iter().filter_map(|row| row["template"].as_str()).collect();
        assert_eq!(templates, answered, "{}: run tools/functions.py", path.display());
    }
}
