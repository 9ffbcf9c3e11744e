//! Case folders: a command line, a tree, and all that comes of it. `fixtures/README.md` tells what lies in one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::support::{self, Ended, Entry, Snapshot, Tree};

/// What may lie in a case folder.
const PARTS: &[&str] = &["cmd", "env", "gone", "in", "out", "setup", "status", "stderr", "stdin", "stdout"];

/// Commands that change files: a second run must find nothing to do.
const WRITERS: &[&str] = &["inject", "sync", "encrypt"];

struct Case {
    /// `COMMAND/NAME`.
    name: String,
    folder: PathBuf,
}

/// What came of a case.
struct Outcome {
    ended: Ended,
    /// Files changed or made, with their bytes.
    out: Vec<(String, Vec<u8>)>,
    gone: Vec<String>,
    /// What no expectation can allow.
    wrong: Vec<String>,
}

#[test]
fn cases() {
    let filter = std::env::var("CASE").unwrap_or_default();
    let all = all_cases();
    let cases: Vec<&Case> = all.iter().filter(|case| case.name.contains(&filter)).collect();
    assert!(!cases.is_empty(), "no case has `{filter}` in its name");
    let (next, wrong) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(case) = next.lock().unwrap().next() else { break };
                    let complaints = case.judge();
                    if !complaints.is_empty() {
                        wrong.lock().unwrap().push(format!("{}:\n{}", case.name, complaints.join("\n")));
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {} cases fail\n\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn all_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for command in folders(&support::fixtures("cases")) {
        for folder in folders(&command) {
            let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
            cases.push(Case { name: format!("{}/{}", name(&command), name(&folder)), folder });
        }
    }
    cases
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

impl Case {
    /// Runs the case and says what is not as expected; rewrites the expectations if that is wanted.
    fn judge(&self) -> Vec<String> {
        let strays = self.strays();
        if !strays.is_empty() {
            return strays;
        }
        let outcome = self.run();
        if !outcome.wrong.is_empty() {
            return outcome.wrong;
        }
        if support::update() {
            self.rewrite(&outcome);
        }
        self.compare(&outcome)
    }

    fn part(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The bytes of a part; none if it is missing.
    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.part(name)).unwrap_or_default()
    }

    fn strays(&self) -> Vec<String> {
        let names = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.to_str().unwrap().to_owned());
        let mut strays: Vec<String> = names
            .filter(|name| !PARTS.contains(&name.as_str()))
            .map(|name| format!("`{name}` is no part of a case"))
            .collect();
        let command = self.name.split('/').next().unwrap();
        if !self.arguments(Path::new("")).iter().any(|word| word == command) {
            strays.push(format!("`cmd` does not run `{command}`"));
        }
        strays
    }

    fn arguments(&self, root: &Path) -> Vec<String> {
        let text = fs::read_to_string(self.part("cmd")).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), 1, "{}: `cmd` holds one command", self.name);
        support::words(&lines[0].replace("[TREE]", root.to_str().unwrap()))
    }

    fn run(&self) -> Outcome {
        let tree = Tree::new();
        if self.part("in").exists() {
            support::copy(&self.part("in"), tree.root());
        }
        self.set_up(&tree);
        let before = tree.snapshot();
        let ended = self.start(&tree);
        let after = tree.snapshot();
        let mut outcome = Outcome { ended, out: Vec::new(), gone: Vec::new(), wrong: Vec::new() };
        outcome.weigh(&before, &after);
        let writes = WRITERS.iter().any(|writer| self.name.starts_with(writer));
        if writes && before != after {
            self.start(&tree);
            let again = tree.snapshot();
            let paths: BTreeSet<&String> = after.keys().chain(again.keys()).collect();
            for path in paths.into_iter().filter(|path| after.get(*path) != again.get(*path)) {
                let (after, again) = (after.get(path), again.get(path));
                outcome.wrong.push(format!("a second run changes {path}: {after:?} to {again:?}"));
            }
        }
        outcome
    }

    fn set_up(&self, tree: &Tree) {
        if !self.part("setup").exists() {
            return;
        }
        let mut command = tree.command("sh");
        command.arg("-eu").arg(self.part("setup"));
        // Git and the like are the tester's own, their settings are not.
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("GIT_CONFIG_NOSYSTEM", "1");
        let ended = support::run(&mut command, &[]);
        assert_eq!(ended.status, 0, "{}: setup: {}", self.name, ended.messages());
    }

    fn start(&self, tree: &Tree) -> Ended {
        let mut command = tree.pullcred_command();
        command.args(self.arguments(tree.root()));
        for line in String::from_utf8(self.bytes("env")).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            command.env(name, value);
        }
        let mut ended = support::run(&mut command, &self.bytes("stdin"));
        for stream in [&mut ended.stdout, &mut ended.stderr] {
            // Bytes that are no text have no path in them.
            if let Ok(text) = std::str::from_utf8(stream) {
                *stream = text.replace(tree.root().to_str().unwrap(), "[TREE]").into_bytes();
            }
        }
        ended
    }

    fn compare(&self, outcome: &Outcome) -> Vec<String> {
        let mut wrong = Vec::new();
        let status = String::from_utf8(self.bytes("status")).unwrap();
        let status = if status.is_empty() { 0 } else { status.trim().parse().unwrap() };
        if status != outcome.ended.status {
            wrong.push(format!("status: expected {status}, found {}", outcome.ended.status));
        }
        for (name, found) in [("stdout", &outcome.ended.stdout), ("stderr", &outcome.ended.stderr)] {
            let expected = self.bytes(name);
            if &expected != found {
                wrong.push(format!("{name}:\n{}", support::difference(&expected, found)));
            }
        }
        let gone = String::from_utf8(self.bytes("gone")).unwrap();
        if !gone.lines().eq(outcome.gone.iter()) {
            wrong.push(format!("gone: expected {:?}, found {:?}", gone.lines(), outcome.gone));
        }
        let expected =
            if self.part("out").exists() { support::snapshot(&self.part("out")) } else { Snapshot::new() };
        let mut missing: BTreeSet<&String> = expected.keys().collect();
        for (path, found) in &outcome.out {
            missing.remove(path);
            match expected.get(path) {
                Some(Entry::File { bytes, .. }) if bytes == found => {}
                Some(Entry::File { bytes, .. }) => {
                    wrong.push(format!("out/{path}:\n{}", support::difference(bytes, found)));
                }
                _ => wrong.push(format!("`{path}` was changed or made, but is not in `out`")),
            }
        }
        wrong.extend(missing.into_iter().map(|path| format!("`{path}` was to be changed or made")));
        wrong
    }

    fn rewrite(&self, outcome: &Outcome) {
        let write = |name: &str, bytes: &[u8]| {
            if bytes.is_empty() {
                let _ = fs::remove_file(self.part(name));
            } else {
                fs::write(self.part(name), bytes).unwrap();
            }
        };
        write("stdout", &outcome.ended.stdout);
        write("stderr", &outcome.ended.stderr);
        let status = outcome.ended.status;
        write("status", if status == 0 { String::new() } else { format!("{status}\n") }.as_bytes());
        write("gone", outcome.gone.iter().map(|path| format!("{path}\n")).collect::<String>().as_bytes());
        let _ = fs::remove_dir_all(self.part("out"));
        for (path, bytes) in &outcome.out {
            let path = self.part("out").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

impl Outcome {
    /// Tells what the command did to the tree.
    fn weigh(&mut self, before: &Snapshot, after: &Snapshot) {
        for (path, entry) in after {
            match (before.get(path), entry) {
                (Some(old), new) if old == new => {}
                (Some(Entry::File { mode: old, .. }), Entry::File { mode: new, .. }) if old != new => {
                    self.wrong.push(format!("`{path}` had mode {old:o} and has {new:o}"));
                }
                (None | Some(Entry::File { .. }), Entry::File { bytes, .. }) => {
                    self.out.push((path.clone(), bytes.clone()));
                }
                (old, new) => self.wrong.push(format!("`{path}` was {old:?} and is {new:?}")),
            }
        }
        self.gone = before.keys().filter(|path| !after.contains_key(*path)).cloned().collect();
    }
}
