//! One plan: the same tree through every host comes out the same. What the hosts start is taken from their own files, so that a hook,
//! the Action or a plugin that does something else fails here; the hosts themselves are in `e2e`.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde::Deserialize as _;
use serde_yaml::Value;
use sops_age::document::Encrypted;
use sops_age::identity::Identities;

use crate::support::{Ended, Entry, Snapshot, Tree, copy, fixtures, key_folder, run, words};

const CREDENTIALS: [(&str, &str); 2] = [("PULL_USERNAME", "bot"), ("PULL_PASSWORD", "only-a-test")];

/// The sample repository with what it takes to write Secrets.
fn shop() -> Tree {
    let tree = Tree::new();
    copy(&fixtures("hosts/in"), tree.root());
    fs::create_dir(tree.path(".git")).unwrap();
    let mut kustomization = tree.read("deploy/kustomization.yaml");
    kustomization.extend(b"namespace: shop\n");
    tree.write("deploy/kustomization.yaml", kustomization);
    let mut config = String::new();
    for line in String::from_utf8(tree.read(".pullcred.yaml")).unwrap().lines() {
        config.push_str(&format!("{line}\n"));
        if line.trim_start().starts_with("registries:") {
            config
                .push_str("      credentials: [{env: {username: PULL_USERNAME, password: PULL_PASSWORD}}]\n");
        }
    }
    let recipient = identity().recipients().next().unwrap().to_owned();
    let output = "deploy/pull-secrets/{namespace}/{name}.sops.yaml";
    tree.write(
        ".pullcred.yaml",
        format!("{config}  targets: [{{recipients: [{recipient}], output: \"{output}\"}}]\n"),
    );
    tree
}

fn identity() -> Identities {
    let mut identities = Identities::default();
    identities.add(&fs::read_to_string(key_folder().join("age.txt")).unwrap()).unwrap();
    identities
}

fn of_this_repository(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The tree with its Secrets opened, so that two encryptions of the same compare.
fn opened(tree: &Tree) -> Snapshot {
    let mut files = tree.snapshot();
    for (path, entry) in &mut files {
        if let (true, Entry::File { bytes, .. }) = (path.ends_with(".sops.yaml"), entry) {
            let file = Encrypted::parse(std::str::from_utf8(bytes).unwrap()).unwrap();
            *bytes = file.decrypt(&identity()).unwrap()[0].to_yaml().as_bytes().to_vec();
        }
    }
    files
}

/// What has to come out: what `sync` on the command line makes of the tree.
fn by_command_line() -> Tree {
    let tree = shop();
    let ended = run(tree.pullcred_command().args(["sync", "--exit-code"]).envs(CREDENTIALS), b"");
    assert_eq!(ended.status, 1, "{}", ended.messages());
    let files = opened(&tree);
    assert_eq!(files.keys().filter(|path| path.ends_with(".sops.yaml")).count(), 2);
    assert!(files.iter().any(|(path, _)| path == "deploy/web.yaml"));
    tree
}

/// A command that finds `pullcred` on its PATH, as in a host.
fn on_path(tree: &Tree, program: &str) -> Command {
    let folder = Path::new(env!("CARGO_BIN_EXE_pullcred")).parent().unwrap();
    let mut command = tree.command(program);
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()));
    command.env("PULLCRED_TRUST", "all");
    command
}

/// The objects of a stream, in one order; what is no object, a kustomization without a kind say, is none.
fn objects(stream: &str) -> Vec<Value> {
    let documents =
        serde_yaml::Deserializer::from_str(stream).map(|document| Value::deserialize(document).unwrap());
    let mut objects: Vec<Value> = documents.filter(|object| object.get("kind").is_some()).collect();
    objects.sort_by_key(|object| serde_yaml::to_string(object).unwrap());
    objects
}

/// The objects of manifests below `deploy`, encrypted Secrets left out or opened.
fn objects_of(tree: &Tree, with_secrets: bool) -> Vec<Value> {
    let mut stream = String::new();
    for (path, entry) in opened(tree) {
        let wanted = path.starts_with("deploy/") && (with_secrets || !path.ends_with(".sops.yaml"));
        if let (true, Entry::File { bytes, .. }) = (wanted, entry) {
            stream.push_str(&format!("---\n{}", String::from_utf8(bytes).unwrap()));
        }
    }
    objects(&stream)
}

#[test]
fn the_hook_does_what_the_command_line_does() {
    let hooks: Value = serde_yaml::from_str(&of_this_repository(".pre-commit-hooks.yaml")).unwrap();
    let hook = |id: &str| {
        let hooks = hooks.as_sequence().unwrap();
        let hook = hooks.iter().find(|hook| hook["id"] == *id).unwrap();
        assert_eq!((&hook["pass_filenames"], &hook["always_run"]), (&Value::Bool(false), &Value::Bool(true)));
        words(hook["entry"].as_str().unwrap())
    };
    let expected = opened(&by_command_line());
    let tree = shop();
    let start = |entry: &[String]| {
        let mut command = on_path(&tree, &entry[0]);
        run(command.args(&entry[1..]).envs(CREDENTIALS), b"")
    };
    let check = start(&hook("pullcred-check"));
    assert_eq!((check.status, tree.snapshot()), (1, shop().snapshot()), "{}", check.messages());
    assert_eq!(start(&hook("pullcred")).status, 1);
    assert_eq!(expected, opened(&tree));
    for id in ["pullcred", "pullcred-check"] {
        let again = start(&hook(id));
        assert_eq!((again.status, &expected), (0, &opened(&tree)), "{id}: {}", again.messages());
    }
}

/// Runs the Action's script with what `action.yml` hands over. `cargo` only puts the program where it is built.
fn action(tree: &Tree, command: &str) -> (Ended, String) {
    let beside = tempfile::tempdir().unwrap();
    let cargo = beside.path().join("cargo");
    let copy = "#!/bin/sh\nwhile [ \"$1\" != --root ]; do shift; done\nmkdir -p \"$2/bin\" && cp \"$PROGRAM\" \"$2/bin/pullcred\"\n";
    fs::write(&cargo, copy).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let output = beside.path().join("output");
    let action = env!("CARGO_MANIFEST_DIR");
    let ended = run(
        tree.command("bash")
            .arg(format!("{action}/action/run.sh"))
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", beside.path().display()))
            .env("PROGRAM", env!("CARGO_BIN_EXE_pullcred"))
            .env("RUNNER_TEMP", beside.path())
            .env("GITHUB_OUTPUT", &output)
            .env("PULLCRED_COMMAND", command)
            .envs([
                ("PULLCRED_ARGS", ""),
                ("PULLCRED_AGREED", "all"),
                ("PULLCRED_VERSION", ""),
                ("PULLCRED_DIRECTORY", "."),
                ("PULLCRED_FORMAT", "github"),
            ])
            .env("PULLCRED_ACTION", action)
            .envs(CREDENTIALS),
        b"",
    );
    (ended, fs::read_to_string(output).unwrap_or_default())
}

/// How many errors and warnings `check` finds on the command line.
fn left(tree: &Tree) -> u64 {
    let report: Value = serde_yaml::from_str(&tree.pullcred(["check", "--format", "json"]).data()).unwrap();
    ["errors", "warnings"].iter().map(|key| report["summary"][*key].as_u64().unwrap()).sum()
}

#[test]
fn the_action_does_what_the_command_line_does() {
    let step = of_this_repository("action.yml");
    for variable in ["COMMAND", "ARGS", "VERSION", "DIRECTORY", "FORMAT", "ACTION"] {
        assert!(
            step.contains(&format!("        PULLCRED_{variable}: ${{{{ ")),
            "action.yml does not set PULLCRED_{variable}"
        );
    }
    let expected = opened(&by_command_line());
    let tree = shop();
    assert!(left(&tree) > left(&by_command_line()));
    let (check, output) = action(&tree, "check");
    assert_eq!(
        (check.status, tree.snapshot()),
        (1, shop().snapshot()),
        "{}{}",
        check.data(),
        check.messages()
    );
    assert!(output.contains(&format!("findings={}\nchanged=false\n", left(&tree))), "{output}");
    for (changed, after) in [("true", &expected), ("false", &expected)] {
        let (sync, output) = action(&tree, "sync");
        assert_eq!((sync.status, after), (0, &opened(&tree)), "{}{}", sync.data(), sync.messages());
        assert!(output.contains(&format!("changed={changed}\nfindings={}\n", left(&tree))), "{output}");
        assert!(!sync.data().contains("only-a-test") && !sync.messages().contains("only-a-test"));
    }
}

/// What a plugin of Argo CD answers for `deploy`.
fn plugin(tree: &Tree, identity: Option<&Path>) -> Ended {
    let plugin: Value = serde_yaml::from_str(&of_this_repository("argocd/plain/plugin.yaml")).unwrap();
    let generate = &plugin["spec"]["generate"];
    let words = ["command", "args"].iter().flat_map(|key| generate[*key].as_sequence().unwrap());
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    let mut command = on_path(tree, words[0]);
    command.args(&words[1..]).current_dir(tree.path("deploy"));
    command.envs([
        ("ARGOCD_APP_NAME", "shop"),
        ("ARGOCD_APP_NAMESPACE", "shop"),
        ("ARGOCD_APP_SOURCE_PATH", "deploy"),
    ]);
    command.envs(identity.map(|file| ("PULLCRED_IDENTITY", file)));
    run(&mut command, b"")
}

#[test]
fn the_plugin_prints_what_the_command_line_writes() {
    let finished = by_command_line();
    let expected = objects_of(&finished, false);
    assert_eq!(expected.len(), 4);
    for tree in [&shop(), &finished] {
        let ended = plugin(tree, None);
        assert_eq!((ended.status, objects(&ended.data())), (0, expected.clone()), "{}", ended.messages());
    }
    let ended = plugin(&finished, Some(&key_folder().join("age.txt")));
    assert_eq!(
        (ended.status, objects(&ended.data())),
        (0, objects_of(&finished, true)),
        "{}",
        ended.messages()
    );
    assert_eq!(objects(&ended.data()).len(), 6);
}

#[test]
fn function_and_pipe_print_what_the_command_line_writes() {
    let (tree, finished) = (shop(), by_command_line());
    let expected = objects_of(&finished, false);
    let before = objects_of(&tree, false);
    assert_ne!(expected, before);
    let stream: String =
        before.iter().map(|object| format!("---\n{}", serde_yaml::to_string(object).unwrap())).collect();
    let mut pipe = tree.pullcred_command();
    let ended = run(pipe.args(["generate", "-"]).env("ARGOCD_APP_NAMESPACE", "shop"), stream.as_bytes());
    assert_eq!((ended.status, objects(&ended.data())), (0, expected.clone()), "{}", ended.messages());

    let mut list = serde_yaml::Mapping::new();
    let config: Value =
        serde_yaml::from_str(&String::from_utf8(tree.read(".pullcred.yaml")).unwrap()).unwrap();
    list.insert("apiVersion".into(), "config.kubernetes.io/v1".into());
    list.insert("kind".into(), "ResourceList".into());
    list.insert("functionConfig".into(), config);
    list.insert("items".into(), Value::Sequence(before));
    let ended = run(tree.pullcred_command().arg("fn"), serde_yaml::to_string(&list).unwrap().as_bytes());
    assert_eq!(ended.status, 0, "{}", ended.messages());
    let answer: Value = serde_yaml::from_str(&ended.data()).unwrap();
    let items = answer["items"].as_sequence().unwrap().iter();
    let items: String = items.map(|item| format!("---\n{}", serde_yaml::to_string(item).unwrap())).collect();
    assert_eq!(objects(&items), expected);
}
