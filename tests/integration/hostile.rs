//! Bad input: a clear message, not one byte changed, no panic, and an end that comes soon.
//!
//! Small inputs are cases; here are those that are too large for a file of this repository, or that only the system
//! can make. Nothing is timed: what grew faster than its input would not come to an end.

use std::fs;
use std::path::Path;

use crate::support::{self, Ended, Tree};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n  - name: web\n    image: registry.example/web:1\n";
const SECRET: [&str; 2] = ["--secret", "regcred"];

/// Runs a command with a secret and demands that it changed no file of those named.
fn untouched(tree: &Tree, command: &str, kept: &[&str]) -> Ended {
    let before: Vec<_> = kept.iter().map(|path| tree.read(path)).collect();
    let ended = tree.pullcred([command].iter().chain(&SECRET));
    let after: Vec<_> = kept.iter().map(|path| tree.read(path)).collect();
    assert!(before == after, "{command} touched a file that it must leave alone");
    assert!(tree.snapshot().keys().all(|path| !path.ends_with(".tmp")), "a temporary file is left");
    ended
}

#[test]
fn lists_of_ten_thousand_objects() {
    let item = |nth: usize| {
        format!(
            "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: p{nth}\n  spec:\n    containers:\n    - name: web\n      image: registry.example/web:{nth}\n"
        )
    };
    let list: String = (0..10_000).map(item).collect();
    let stream: String = (0..10_000).map(|nth| format!("---\n{POD}# {nth}\n")).collect();
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a","image":"a"}]}}"#;
    let json = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, vec![pod; 10_000].join(","));
    let shared = format!(
        "apiVersion: v1\nkind: List\nitems:\n- &pod\n  apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\n  spec:\n    containers:\n    - name: a\n      image: a\n{}",
        "- *pod\n".repeat(9_999)
    );
    let groups: String = (0..5_000)
        .map(|nth| format!("  - groupName: g{nth}\n    template:\n      spec:\n        containers:\n        - name: a\n          image: a\n"))
        .collect();
    let ray = format!(
        "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata:\n  name: r\nspec:\n  workerGroupSpecs:\n{groups}"
    );
    let tree = Tree::new();
    for (name, text) in [
        ("list", &*format!("apiVersion: v1\nkind: List\nitems:\n{list}")),
        ("stream", &stream),
        ("json", &json),
        ("shared", &shared),
        ("ray", &ray),
    ] {
        tree.write(&format!("{name}.yaml"), text);
    }
    let count = |text: &str| text.matches("regcred").count();
    let ended = tree.pullcred(["inject"].iter().chain(&SECRET));
    assert_eq!(ended.status, 0, "{}", ended.messages());
    let added = |name: &str| count(&support::text(tree.read(&format!("{name}.yaml"))));
    assert_eq!(["list", "stream", "json", "shared", "ray"].map(added), [10_000, 10_000, 10_000, 1, 5_000]);
    for command in [&["check"][..], &["list", "-o", "json"], &["generate", "."], &["inject", "--exit-code"]] {
        let ended = tree.pullcred(command.iter().chain(&SECRET));
        assert_eq!(ended.status, 0, "{command:?}: {}", ended.messages());
    }
}

#[test]
fn entries_and_secrets_in_great_numbers() {
    let entries: String = (0..50_000).map(|nth| format!("  - name: s{}\n", nth % 49_999)).collect();
    let tree =
        Tree::with("pod.yaml", POD.replace("spec:\n", &format!("spec:\n  imagePullSecrets:\n{entries}")));
    let ended = tree.pullcred(["inject"].iter().chain(&SECRET));
    assert_eq!(ended.status, 0, "{}", ended.messages());
    assert!(ended.messages().contains("pull secret `s0` is listed twice"), "{}", ended.messages());
    assert!(support::text(tree.read("pod.yaml")).contains("  - name: s0\n  - name: regcred\n  containers:"));
}

#[test]
fn many_named_paths() {
    let tree = Tree::new();
    let names: Vec<String> = (0..3_000).map(|nth| format!("d{}/{nth}.yaml", nth % 50)).collect();
    for name in &names {
        tree.write(name, POD);
    }
    let arguments =
        ["inject", "-q", "--secret", "regcred"].into_iter().chain(names.iter().map(String::as_str));
    assert_eq!(tree.pullcred(arguments).status, 0);
    assert_eq!(tree.pullcred(["check", "-q", "--secret", "regcred"]).status, 0);
}

#[test]
fn nesting_without_end() {
    let tree = Tree::new();
    let head = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers: ";
    let blocks: String = (0..4_000).map(|depth| format!("{}a:\n", " ".repeat(depth + 2))).collect();
    for (name, tail) in [
        ("brackets", "[".repeat(500_000)),
        ("braces", "{a: ".repeat(200_000)),
        ("closed", "[".repeat(100_000) + &"]".repeat(100_000)),
        ("dashes", "\n".to_owned() + &"- ".repeat(100_000) + "x\n"),
        ("mappings", "\n".to_owned() + &blocks),
        ("keys", "? ".repeat(100_000)),
    ] {
        tree.write(&format!("{name}.yaml"), format!("{head}{tail}"));
    }
    tree.write("good.yaml", POD);
    let kept = ["brackets.yaml", "braces.yaml", "closed.yaml", "dashes.yaml", "mappings.yaml", "keys.yaml"];
    let ended = untouched(&tree, "inject", &kept);
    assert_eq!(ended.status, 2);
    for name in kept {
        assert!(ended.messages().contains(&format!("error: {name}:")), "{name}: {}", ended.messages());
    }
    assert!(
        ended.messages().contains("changed good.yaml (+1)"),
        "one bad file stops nobody: {}",
        ended.messages()
    );
    assert_eq!(untouched(&tree, "check", &kept).status, 1);
}

#[test]
fn aliases_are_never_expanded() {
    // Each level is nine times the one above: together more than any memory holds.
    let laughs: String = (1..40)
        .map(|nth| format!("l{nth}: &l{nth} [{}]\n", vec![format!("*l{}", nth - 1); 9].join(", ")))
        .collect();
    let bomb = format!("{POD}l0: &l0 [lol]\n{laughs}");
    let merges: String =
        (1..200).map(|nth| format!("m{nth}: &m{nth}\n  <<: [*m{0}, *m{0}, *m{0}]\n", nth - 1)).collect();
    let merged = format!(
        "{}m0: &m0 {{a: b}}\n{merges}spec:\n  <<: *m199\n  containers: [{{name: a, image: a}}]\n",
        &POD[..POD.find("spec").unwrap()]
    );
    // The way to a pod spec leads through three lists, each a thousand times the same.
    let thousand = |item: &str| format!("[{}]", vec![item; 1_000].join(", "));
    let walk = format!(
        "apiVersion: example.com/v1\nkind: Many\nmetadata: {{name: m}}\na: &a {{image: registry.example/a:1}}\nb: &b {{c: {}}}\nc: &c {{b: {}}}\nspec:\n  a: {}\n",
        thousand("*a"),
        thousand("*b"),
        thousand("*c")
    );
    let config = "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nmetadata: {name: x}\nspec:\n  secrets: [{name: regcred}]\n  inject:\n    customResources:\n    - {group: example.com, kind: Many, path: 'spec.a[].b[].c[].imagePullSecrets', shape: list-name}\n";
    let tree = Tree::with("bomb.yaml", bomb);
    tree.write("merged.yaml", merged);
    let ended = tree.pullcred(["inject"].iter().chain(&SECRET));
    assert_eq!(ended.status, 0, "{}", ended.messages());
    assert!(ended.messages().contains("changed bomb.yaml (+1)"), "{}", ended.messages());
    let tree = Tree::with("walk.yaml", walk);
    tree.write(".pullcred.yaml", config);
    let ended = tree.pullcred(["check"]);
    assert!(ended.status < 2, "{}", ended.messages());
}

#[test]
fn great_files_and_lines() {
    let tree = Tree::new();
    let line = |size: usize| format!("apiVersion: v1\nkind: Pod\nx: \"{}\"\n", "y".repeat(size));
    tree.write("large.yaml", line(100_000_000));
    tree.write("limit.yaml", format!("{POD}x: \"{}\"\n", "y".repeat(8_000_000)));
    tree.write("block.yaml", format!("{POD}x: |\n{}", "  line\n".repeat(500_000)));
    tree.write("commas.yaml", format!("{POD}x: [{}]\n", "a, ".repeat(500_000)));
    tree.write("comments.yaml", format!("{}{POD}", "# comment\n".repeat(300_000)));
    tree.write("blank.yaml", format!("{POD}{}", "\n".repeat(1_000_000)));
    let ended = untouched(&tree, "inject", &["large.yaml"]);
    assert_eq!(ended.status, 0, "{}", ended.messages());
    assert!(ended.messages().contains("left alone: 1 file-too-large"), "{}", ended.messages());
    assert!(ended.messages().contains("5 pull secrets added to 5 files"), "{}", ended.messages());
    let named = tree.pullcred(["inject", "-v", "large.yaml", "--secret", "regcred"]);
    assert!(
        named.messages().contains("note: large.yaml:1:1: 95 MB, the limit is 32 MB [file-too-large]"),
        "{}",
        named.messages()
    );
    assert_eq!(tree.pullcred(["check", "--strict", "--secret", "regcred"]).status, 1);
}

#[test]
fn streams_without_end_or_sense() {
    let tree = Tree::new();
    let mut garbage = Vec::new();
    let mut random = crate::generator::Random::new(1);
    while garbage.len() < 1 << 20 {
        garbage.extend(random.next().to_le_bytes());
    }
    let generate =
        |stdin: &[u8]| support::run(tree.pullcred_command().args(["generate", "--secret", "regcred"]), stdin);
    for (stdin, message) in [
        (&garbage[..], "error: stdin: the stream holds a NUL byte"),
        (b"\xFF\xFEk\0i\0n\0d\0", "error: stdin: the stream is UTF-16, not UTF-8"),
        (b"kind: \xFF\n", "error: stdin: the stream is not valid UTF-8"),
        (b"kind: Pod\n\tspec: x\n", "error: stdin:1:7: "),
        (b"}{", "error: stdin:1:1: "),
        (b"\x01", "error: stdin:1:1: "),
    ] {
        let ended = generate(stdin);
        assert_eq!((ended.status, ended.stdout.len()), (2, 0), "{message}: {}", ended.messages());
        assert!(ended.messages().starts_with(message), "{message}: {}", ended.messages());
    }
}

#[test]
fn a_reader_that_goes_away() {
    let tree = Tree::with("pods.yaml", format!("---\n{POD}").repeat(20_000));
    let mut command = tree.command("sh");
    let script =
        format!("{} generate pods.yaml --secret regcred | head -c 10", env!("CARGO_BIN_EXE_pullcred"));
    let ended =
        support::run(command.env("PATH", std::env::var_os("PATH").unwrap()).args(["-c", &script]), &[]);
    assert_eq!((ended.data().as_str(), ended.messages().as_str()), ("---\napiVer", ""));
}

#[cfg(unix)]
mod system {
    //! What only Unix has.

    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::process::CommandExt;

    use super::{Ended, POD, Path, SECRET, Tree, fs, support};

    /// Runs pullcred as a user for whom the modes of files count: root reads and writes everything.
    fn as_ordinary_user(tree: &Tree, arguments: &[&str]) -> Ended {
        let nobody = 65_534;
        let mut command = tree.pullcred_command();
        if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
            for path in tree.snapshot().keys() {
                std::os::unix::fs::lchown(tree.path(path), Some(nobody), Some(nobody)).unwrap();
            }
            for folder in [tree.root().parent().unwrap(), tree.root()] {
                std::os::unix::fs::chown(folder, Some(nobody), Some(nobody)).unwrap();
            }
            command.uid(nobody).gid(nobody);
        }
        support::run(command.args(arguments).args(SECRET), &[])
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_read() {
        let tree = Tree::with("secret.yaml", POD);
        tree.write("good.yaml", POD);
        mode(&tree.path("secret.yaml"), 0);
        let ended = as_ordinary_user(&tree, &["check"]);
        assert_eq!(ended.status, 1, "{}", ended.messages());
        let message = "error: secret.yaml:1:1: Permission denied (os error 13) [parse-error]\n";
        assert!(ended.data().contains(message), "{}", ended.data());
        let ended = as_ordinary_user(&tree, &["inject"]);
        assert_eq!(ended.status, 2, "{}", ended.messages());
        assert!(ended.messages().contains("changed good.yaml (+1)"), "{}", ended.messages());
    }

    #[test]
    fn a_folder_that_cannot_be_written() {
        let tree = Tree::with("closed/pod.yaml", POD);
        tree.write("good.yaml", POD);
        mode(&tree.path("closed"), 0o555);
        let ended = as_ordinary_user(&tree, &["inject"]);
        mode(&tree.path("closed"), 0o755);
        assert_eq!(ended.status, 2, "{}", ended.messages());
        assert!(ended.messages().contains("closed/pod.yaml: no temporary file"), "{}", ended.messages());
        assert!(ended.messages().contains("changed good.yaml (+1)"), "{}", ended.messages());
        assert_eq!(support::text(tree.read("closed/pod.yaml")), POD);
        assert!(ended.messages().contains("1 pull secret added to 1 file"), "{}", ended.messages());
    }

    #[test]
    fn a_folder_that_cannot_be_listed() {
        let tree = Tree::with("closed/pod.yaml", POD);
        mode(&tree.path("closed"), 0o000);
        let ended = as_ordinary_user(&tree, &["check"]);
        mode(&tree.path("closed"), 0o755);
        assert_eq!(ended.status, 1, "{}", ended.messages());
        assert!(ended.data().contains("error: closed:1:1: "), "{}", ended.data());
    }

    #[test]
    fn links_in_circles() {
        let tree = Tree::with("a/pod.yaml", POD);
        symlink("../b", tree.path("a/b")).unwrap();
        fs::create_dir(tree.path("b")).unwrap();
        symlink("../a", tree.path("b/a")).unwrap();
        symlink("self.yaml", tree.path("self.yaml")).unwrap();
        let ended = tree.pullcred(["inject"].iter().chain(&SECRET));
        assert_eq!(ended.status, 0, "{}", ended.messages());
        assert!(ended.messages().contains("1 file read"), "{}", ended.messages());
        let ended = tree.pullcred(["inject", "self.yaml"].iter().chain(&SECRET));
        assert_eq!(ended.status, 2);
        assert!(ended.messages().starts_with("error: self.yaml: "), "{}", ended.messages());
    }

    #[test]
    fn a_device_is_no_manifest() {
        let tree = Tree::new();
        for device in ["/dev/zero", "/dev/null"] {
            let ended = tree.pullcred(["inject", device].iter().chain(&SECRET));
            assert_eq!(ended.status, 2);
            assert!(ended.messages().contains("not a file or folder"), "{}", ended.messages());
        }
    }
}

mod meanwhile {
    //! Files that change between the look and the write: the run is taken in two steps, and the world moves between.

    use std::sync::Mutex;

    use pullcred::commands::args::{Command, parse};
    use pullcred::commands::run::Run;
    use pullcred::commands::settings::Settings;
    use pullcred::effects::scan;
    use pullcred::plan::finding::Code;

    use super::{POD, Tree, fs, support};

    /// Scans and plans a tree as `inject` does.
    fn look(tree: &Tree) -> Run {
        let arguments = ["pullcred", "inject", "--secret", "regcred", "-C", tree.root().to_str().unwrap()];
        let cli = parse(arguments.map(Into::into)).unwrap();
        let Command::Inject(inject) = &cli.command else { unreachable!("`inject` was asked for") };
        Run::new(Settings::resolve(&cli.common, &inject.scope.paths, &inject.scope.secrets).unwrap()).unwrap()
    }

    #[test]
    fn a_file_changes_or_vanishes_after_the_look() {
        let tree = Tree::new();
        for name in ["changed.yaml", "folder.yaml", "gone.yaml", "good.yaml", "grown.yaml"] {
            tree.write(name, POD);
        }
        let mut run = look(&tree);
        // An edit that was planned for the old bytes would tear the new ones.
        tree.write("changed.yaml", POD.replace("web", "app"));
        tree.write("grown.yaml", format!("# one line more\n{POD}"));
        fs::remove_file(tree.path("gone.yaml")).unwrap();
        fs::remove_file(tree.path("folder.yaml")).unwrap();
        fs::create_dir(tree.path("folder.yaml")).unwrap();
        let finished = run.changes(|changed| changed.path.to_owned());
        assert_eq!(finished, ["good.yaml"]);
        let refused: Vec<_> =
            run.plan.findings.iter().filter(|finding| finding.code == Code::EditRefused).collect();
        let messages: Vec<String> =
            refused.iter().map(|finding| format!("{}: {}", finding.file, finding.message)).collect();
        assert_eq!(
            messages,
            [
                "changed.yaml: the file changed during the run",
                "folder.yaml: Is a directory (os error 21)",
                "gone.yaml: No such file or directory (os error 2)",
                "grown.yaml: the file changed during the run",
            ]
        );
        let missing: Vec<_> =
            run.plan.findings.iter().filter(|finding| finding.code == Code::PullSecretMissing).collect();
        assert_eq!(missing.len(), 1, "only what is done counts as a change: {missing:?}");
    }

    #[test]
    fn a_file_vanishes_between_the_walk_and_the_read() {
        let tree = Tree::new();
        tree.write("a.yaml", POD);
        tree.write("b.yaml", POD);
        // Whichever is visited first takes the other one away.
        let first = Mutex::new(true);
        let visit = |path: &std::path::Path| {
            if std::mem::take(&mut *first.lock().unwrap()) {
                for name in ["a.yaml", "b.yaml"].iter().filter(|name| !path.ends_with(name)) {
                    fs::remove_file(tree.path(name)).unwrap();
                }
            }
            pullcred::effects::source::read(path).is_ok()
        };
        let (found, failures) =
            scan::walk(tree.root(), scan::Options { threads: 1, no_ignore: false }, visit);
        let read: Vec<bool> = found.iter().map(|(_, read)| *read).collect();
        assert!(failures.is_empty());
        assert!(read == [true, false] || read == [false, true] || read == [true], "{read:?}");
    }

    #[test]
    fn templates_of_a_chart_are_left_alone_wherever_a_run_starts() {
        let tree = Tree::new();
        tree.write("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
        tree.write("chart/templates/deep/a.yaml", POD);
        for start in ["chart", "chart/templates", "chart/templates/deep"] {
            let ended = tree.pullcred(["-C", start, "inject", "--secret", "regcred"]);
            assert_eq!(ended.status, 0, "{start}: {}", ended.messages());
            assert_eq!(tree.read("chart/templates/deep/a.yaml"), POD.as_bytes(), "{start}");
        }
    }

    #[test]
    fn a_run_that_is_killed_leaves_every_file_whole() {
        let tree = Tree::new();
        let names: Vec<String> = (0..400).map(|nth| format!("{nth:03}.yaml")).collect();
        for name in &names {
            tree.write(name, POD);
        }
        let mut child =
            tree.pullcred_command().args(["inject", "-q", "--secret", "regcred"]).spawn().unwrap();
        // Some are done by now, some are not, perhaps all are: every moment is a good one.
        while child.try_wait().unwrap().is_none() && tree.read(&names[20]) == POD.as_bytes() {}
        let _ = child.kill();
        child.wait().unwrap();
        let whole = POD.replace("spec:\n", "spec:\n  imagePullSecrets:\n  - name: regcred\n");
        for name in &names {
            let text = support::text(tree.read(name));
            assert!(text == POD || text == whole, "{name} is neither old nor new:\n{text}");
        }
        assert_eq!(tree.pullcred(["inject", "-q", "--secret", "regcred"]).status, 0);
        assert!(names.iter().all(|name| tree.read(name) == whole.as_bytes()), "the next run finishes");
    }
}
