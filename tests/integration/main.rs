//! One test binary for everything that looks at pullcred from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod cases;
mod config;
mod generator;
mod graphs;
mod hostile;
mod hosts;
mod html;
mod layering;
mod namespaces;
mod obvious_yaml;
mod offline;
mod one_plan;
mod own_key;
mod packaging;
mod properties;
mod quickstart;
mod rust_source;
mod scenarios;
mod secrets;
mod trust;

mod support;

#[test]
fn every_file_of_this_folder_is_compiled() {
    let declared = include_str!("main.rs");
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration")).unwrap();
    for path in folder.map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_declared = declared.contains(&format!("\nmod {name};"));
        assert!(name == "main" || is_declared, "`mod {name};` is missing in main.rs");
    }
}
