//! The configuration object from outside: what is refused with which words, its schema, its documentation.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use pullcred::config::{self, Config, FILE_NAMES};
use pullcred::plan::finding::Code;
use serde_json::Value;

use crate::support::Tree;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.name()).collect()
}

/// Compares a file with what it should be, or with `UPDATE_FIXTURES=1` rewrites it.
fn assert_file(path: &Path, expected: &str) {
    if env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(path, expected).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not up to date: UPDATE_FIXTURES=1 cargo test rewrites it\n{expected}",
        path.display()
    );
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn each_refusal_says_what_its_case_expects() {
    let cases = folders(&root().join("fixtures/refuse/config"));
    assert!(cases.len() > 30, "{} cases", cases.len());
    for case in cases {
        let text = fs::read_to_string(case.join(FILE_NAMES[0])).unwrap();
        let errors = Config::parse(&text, &codes()).expect_err(&case.display().to_string());
        let mut stderr = String::new();
        for error in errors {
            let (position, message) = (error.position, error.message);
            writeln!(stderr, "error: {}:{position}: {message}", FILE_NAMES[0]).unwrap();
            if let Some(hint) = error.hint {
                writeln!(stderr, "hint: {hint}").unwrap();
            }
        }
        assert!(!stderr.to_lowercase().contains("hunter2"), "{} tells a password", case.display());
        assert_file(&case.join("stderr"), &stderr);
    }
}

#[test]
fn the_committed_schema_of_facts_is_that_of_the_program() {
    let ended = Tree::new().pullcred(["schema", "--of", "charts"]);
    assert_file(&root().join("schema/charts.schema.json"), &String::from_utf8(ended.stdout).unwrap());
}

#[test]
fn the_committed_schema_is_that_of_the_program() {
    let schema = serde_json::to_string_pretty(&config::schema(&codes())).unwrap() + "\n";
    assert_file(&root().join("schema/pullcred.schema.json"), &schema);
}

/// Every key of the object as `spec.secrets[].name`.
fn keys() -> BTreeSet<String> {
    fn walk(schema: &Value, definitions: &Value, path: &str, found: &mut BTreeSet<String>) {
        if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
            return walk(&definitions[name], definitions, path, found);
        }
        for (key, value) in schema["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            walk(value, definitions, &path, found);
            found.insert(path);
        }
        if schema["items"].is_object() {
            walk(&schema["items"], definitions, &format!("{path}[]"), found);
        }
        for variant in schema["anyOf"].as_array().into_iter().flatten() {
            walk(variant, definitions, path, found);
        }
    }
    let schema = config::schema(&codes());
    let mut found = BTreeSet::new();
    walk(&schema, &schema["$defs"], "", &mut found);
    found
}

#[test]
fn every_key_is_documented_and_no_other() {
    let documentation = fs::read_to_string(root().join("docs/config.md")).unwrap();
    let documented: BTreeSet<String> = documentation
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .filter(|key| key.starts_with("spec.") || key.starts_with("metadata"))
        .collect();
    let keys: BTreeSet<String> =
        keys().into_iter().filter(|key| key.contains('.') && !key.ends_with(".labels")).collect();
    let difference: Vec<&String> = keys.symmetric_difference(&documented).collect();
    assert!(difference.is_empty(), "in the schema or in docs/config.md only: {difference:#?}");
    assert!(keys.len() > 30);
}

#[test]
fn the_documented_example_is_valid() {
    let documentation = fs::read_to_string(root().join("docs/config.md")).unwrap();
    let examples: Vec<&str> = documentation
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split_once("```").unwrap().0)
        .filter(|example| example.contains("kind: PullCredentials"))
        .collect();
    assert_eq!(examples.len(), 1);
    let config = Config::parse(examples[0], &codes()).unwrap();
    assert_eq!((config.secrets.len(), config.targets.len(), config.findings.len()), (2, 2, 1));
}
