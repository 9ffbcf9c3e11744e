//! The scenarios: the commands of each README do what `expected.diff` shows, and leave nothing to find.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Tree, run, update};

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { waiting.push(path) } else { found.push(path) }
        }
    }
    found
}

#[test]
fn every_scenario_does_what_it_shows() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let index = fs::read_to_string(all.join("README.md")).unwrap();
    let mut count = 0;
    for entry in fs::read_dir(&all).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir())
    {
        count += 1;
        let (folder, name) = (entry.path(), entry.file_name().into_string().unwrap());
        assert!(index.contains(&format!("[{name}]({name})")), "scenarios/README.md lacks {name}");
        let tree = Tree::new();
        for file in files(&folder).iter().filter(|file| !file.ends_with("expected.diff")) {
            let to = tree.root().join(file.strip_prefix(&folder).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(file, to).unwrap();
        }
        let check = run(tree.pullcred_command().arg("check"), b"");
        assert_eq!(check.status, 1, "{name}: nothing is missing before: {}", check.messages());
        let diff = run(tree.pullcred_command().args(["inject", "--dry-run", "--diff"]), b"").stdout;
        let expected = folder.join("expected.diff");
        if update() {
            fs::write(&expected, &diff).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(String::from_utf8(diff).unwrap(), expected, "{name}: expected.diff");
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        let commands: Vec<&str> =
            readme.lines().filter_map(|line| line.strip_prefix("$ pullcred ")).collect();
        assert!(!commands.is_empty(), "{name}: its README has no command");
        for command in commands {
            let ended = run(tree.pullcred_command().args(command.split(' ')), b"");
            assert_eq!(ended.status, 0, "{name}: {command}: {}", ended.messages());
        }
    }
    assert!(count >= 5, "{count} scenarios");
}
