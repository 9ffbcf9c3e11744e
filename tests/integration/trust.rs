//! Nobody reads a credential unasked: the attacker's branch, the colleague's clone, the pipeline, the grant that shrinks; with real remotes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Ended, Tree, fixtures, key_folder, run, snapshot};

const CREDENTIALS: [(&str, &str); 2] = [("ACR_USERNAME", "robot"), ("ACR_PASSWORD", "hunter2-hunter2")];
const SECRET: &str = "pull-secrets/shop/acr.sops.yaml";
const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {}\n  template:\n    spec:\n      containers:\n        - name: web\n          image: shop.azurecr.io/web:1\n";

fn recipient(file: &str) -> String {
    let text = fs::read_to_string(key_folder().join(file)).unwrap();
    text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned()
}

fn config(target: &str) -> String {
    format!(
        "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nmetadata: {{name: shop}}\nspec:\n  secrets:\n    - name: acr\n      registries: [shop.azurecr.io]\n      \
         aliases: []\n      credentials: [{{env: {{username: ACR_USERNAME, password: ACR_PASSWORD}}}}]\n  targets:\n    - {target}\n"
    )
}

/// A remote, and clones of it beside each other.
struct World(Tree);

impl World {
    /// A remote whose `main` has been pushed by its owner, who has agreed.
    fn with(files: &[(&str, &str)]) -> Self {
        let world = Self(Tree::new());
        world.git(world.0.root(), &["init", "-q", "--bare", "-b", "main", "remote.git"]);
        world.git(world.0.root(), &["clone", "-q", "remote.git", "owner"]);
        let owner = world.clone_of("owner");
        world.git(&owner, &["checkout", "-q", "-b", "main"]);
        for (path, text) in files {
            fs::write(owner.join(path), text).unwrap();
        }
        world.push(&owner, "main");
        world.git(&owner, &["remote", "set-head", "origin", "main"]);
        world
    }

    fn usual() -> Self {
        let target = format!("{{recipients: [{}]}}", recipient("age.txt"));
        Self::with(&[(".pullcred.yaml", &config(&target)), ("web.yaml", WEB)])
    }

    fn clone_of(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    fn fresh(&self, name: &str) -> PathBuf {
        self.git(self.0.root(), &["clone", "-q", "remote.git", name]);
        self.clone_of(name)
    }

    fn git(&self, folder: &Path, arguments: &[&str]) {
        let mut command = self.0.command("git");
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("GIT_CONFIG_NOSYSTEM", "1");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(arguments);
        let ended = run(command.current_dir(folder), b"");
        assert_eq!(ended.status, 0, "git {arguments:?}: {}", ended.messages());
    }

    fn push(&self, folder: &Path, branch: &str) {
        self.git(folder, &["add", "-A"]);
        self.git(folder, &["commit", "-q", "-m", "change"]);
        self.git(folder, &["push", "-q", "-u", "origin", branch]);
    }

    fn pullcred(&self, folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = self.0.pullcred_command();
        command.env_remove("PULLCRED_TRUST").env("PATH", std::env::var_os("PATH").unwrap());
        command.current_dir(folder).envs(CREDENTIALS).envs(variables.iter().copied()).args(arguments);
        run(&mut command, b"")
    }

    /// A victim checks out a branch that is pushed to the same remote, so that it is the upstream of what he has, and syncs.
    fn attack(&self, change: impl FnOnce(&Path)) -> Ended {
        let attacker = self.fresh("attacker");
        self.git(&attacker, &["checkout", "-q", "-b", "feature"]);
        change(&attacker);
        self.push(&attacker, "feature");
        let victim = self.fresh("victim");
        self.git(&victim, &["checkout", "-q", "feature"]);
        let before = snapshot(&victim);
        let ended = self.pullcred(&victim, &["sync"], &[("OTHER_SECRET", "cloud-key")]);
        assert_eq!(ended.status, 2, "{}", ended.messages());
        assert!(ended.messages().contains("[recipient-untrusted]"), "{}", ended.messages());
        assert!(snapshot(&victim) == before, "something was written");
        let encrypt = self.pullcred(&victim, &["encrypt"], &[("OTHER_SECRET", "cloud-key")]);
        assert_eq!(encrypt.status, 2, "{}", encrypt.messages());
        assert!(snapshot(&victim) == before, "something was written");
        ended
    }
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

#[test]
fn a_branch_that_adds_a_recipient_is_stopped() {
    let stranger = recipient("age-stranger.txt");
    let told = World::usual().attack(|tree| {
        replace(&tree.join(".pullcred.yaml"), "recipients: [", &format!("recipients: [{stranger}, "));
    });
    let told = told.messages();
    assert!(told.contains(&format!("+ recipient {stranger} reads pull-secrets/")), "{told}");
    assert!(!told.contains(&format!("+ recipient {}", recipient("age.txt"))), "{told}");
}

#[test]
fn a_branch_that_names_another_host_or_variable_is_stopped() {
    let told = World::usual()
        .attack(|tree| replace(&tree.join(".pullcred.yaml"), "aliases: []", "aliases: [evil.example.com]"));
    assert!(told.messages().contains("+ secret acr is for evil.example.com too"), "{}", told.messages());
    let told = World::usual().attack(|tree| {
        replace(&tree.join(".pullcred.yaml"), "password: ACR_PASSWORD", "password: OTHER_SECRET")
    });
    assert!(told.messages().contains("+ secret acr takes the variables ACR_USERNAME and OTHER_SECRET"));
    let told = World::usual().attack(|tree| {
        replace(
            &tree.join(".pullcred.yaml"),
            "- {recipients",
            "- {output: \"public/{namespace}.yaml\", recipients",
        );
    });
    assert!(told.messages().contains("reads public/{namespace}.yaml"), "{}", told.messages());
}

#[test]
fn a_branch_that_changes_rules_or_a_recipients_file_is_stopped() {
    let (mine, stranger) = (recipient("age.txt"), recipient("age-stranger.txt"));
    let rules = format!(
        "creation_rules:\n  - path_regex: ^apps/\n    age: {stranger}\n  - path_regex: ^pull-secrets/\n    age: {mine}\n"
    );
    let world = World::with(&[
        (".pullcred.yaml", &config("{format: sops}")),
        (".sops.yaml", &rules),
        ("web.yaml", WEB),
    ]);
    // No recipient is new in the file: only the place that a rule is for.
    let told = world.attack(|tree| replace(&tree.join(".sops.yaml"), "^apps/", "apps|secrets"));
    assert!(told.messages().contains(&format!("+ recipient {stranger}")), "{}", told.messages());

    let target = config("{recipientsFile: who.txt}");
    let world = World::with(&[(".pullcred.yaml", &target), ("who.txt", &mine), ("web.yaml", WEB)]);
    let told = world.attack(|tree| fs::write(tree.join("who.txt"), format!("{mine}\n{stranger}\n")).unwrap());
    assert!(told.messages().contains(&format!("+ recipient {stranger}")), "{}", told.messages());
}

#[test]
fn a_colleague_who_clones_is_not_asked() {
    let world = World::usual();
    let clone = world.fresh("colleague");
    let ended = world.pullcred(&clone, &["sync"], &[]);
    assert_eq!(ended.status, 0, "{}", ended.messages());
    assert!(clone.join(SECRET).is_file());
    // Nor for a branch that asks for nothing new.
    let other = world.fresh("other");
    world.git(&other, &["checkout", "-q", "-b", "local"]);
    assert_eq!(world.pullcred(&other, &["sync"], &[]).status, 0);
}

#[test]
fn a_clone_without_remote_is_asked_once() {
    let world = World::usual();
    let clone = world.fresh("alone");
    world.git(&clone, &["remote", "remove", "origin"]);
    let ended = world.pullcred(&clone, &["sync"], &[]);
    assert_eq!(ended.status, 2, "{}", ended.messages());
    assert!(!clone.join(SECRET).exists());
    // Nothing to write for anybody is nobody's question.
    let idle = world.pullcred(&clone, &["inject"], &[]);
    assert_eq!(idle.status, 0, "{}", idle.messages());
    let shown = world.pullcred(&clone, &["trust"], &[]);
    assert_eq!(shown.status, 0, "{}", shown.messages());
    assert!(
        shown.data().contains("+ secret acr takes the variables ACR_USERNAME and ACR_PASSWORD\n"),
        "{}",
        shown.data()
    );
    assert_eq!(world.pullcred(&clone, &["sync"], &[]).status, 0);
    // A worktree is the same clone.
    world.git(&clone, &["worktree", "add", "-q", "../tree-of-alone", "-b", "more"]);
    let tree = world.clone_of("tree-of-alone");
    assert_eq!(world.pullcred(&tree, &["sync"], &[]).status, 0);
    assert!(tree.join(SECRET).is_file());
}

#[test]
fn a_pipeline_names_the_grant() {
    let world = World::usual();
    let clone = world.fresh("pipeline");
    let digest = world.pullcred(&clone, &["trust", "--print"], &[]).data().trim().to_owned();
    assert_eq!(digest.len(), 64);
    let ci = ("CI", "true");
    let unsaid = world.pullcred(&clone, &["sync"], &[ci]);
    assert_eq!(unsaid.status, 2, "nothing is implied in a pipeline: {}", unsaid.messages());
    for wrong in ["0".repeat(64).as_str(), "yes"] {
        let ended = world.pullcred(&clone, &["sync"], &[ci, ("PULLCRED_TRUST", wrong)]);
        assert_eq!(ended.status, 2, "{}", ended.messages());
        assert!(ended.messages().contains(&digest), "{}", ended.messages());
        assert!(!clone.join(SECRET).exists());
    }
    // A wrong digest stops also where the remote has the grant.
    let wrong = "1".repeat(64);
    assert_eq!(world.pullcred(&clone, &["sync"], &[("PULLCRED_TRUST", &wrong)]).status, 2);
    let ended = world.pullcred(&clone, &["sync"], &[ci, ("PULLCRED_TRUST", &digest)]);
    assert_eq!(ended.status, 0, "{}", ended.messages());
    assert!(clone.join(SECRET).is_file());
    // Another manifest is no other grant, another recipient is.
    fs::write(clone.join("pay.yaml"), WEB.replace("shop}", "pay}")).unwrap();
    assert_eq!(world.pullcred(&clone, &["sync"], &[ci, ("PULLCRED_TRUST", &digest)]).status, 0);
    let stranger = recipient("age-stranger.txt");
    replace(&clone.join(".pullcred.yaml"), "recipients: [", &format!("recipients: [{stranger}, "));
    fs::write(clone.join("pay.yaml"), WEB.replace("shop}", "other}")).unwrap();
    assert_eq!(world.pullcred(&clone, &["sync"], &[ci, ("PULLCRED_TRUST", &digest)]).status, 2);
    assert_eq!(world.pullcred(&clone, &["sync"], &[ci, ("PULLCRED_TRUST", "all")]).status, 0);
}

#[test]
fn a_grant_that_shrinks_needs_no_word_and_one_that_grows_again_does() {
    let (mine, second) = (recipient("age.txt"), recipient("age-second.txt"));
    let target = format!("{{recipients: [{mine}, {second}]}}");
    let world = World::with(&[(".pullcred.yaml", &config(&target)), ("web.yaml", WEB)]);
    let clone = world.fresh("shrinking");
    world.git(&clone, &["remote", "remove", "origin"]);
    assert_eq!(world.pullcred(&clone, &["trust"], &[]).status, 0);
    replace(&clone.join(".pullcred.yaml"), &format!(", {second}"), "");
    let ended = world.pullcred(&clone, &["sync"], &[]);
    assert_eq!(ended.status, 0, "{}", ended.messages());
    replace(&clone.join(".pullcred.yaml"), &mine, &format!("{mine}, {second}"));
    let shown = world.pullcred(&clone, &["encrypt", "--force"], &[]);
    assert_eq!(shown.status, 2, "{}", shown.messages());
    assert!(shown.messages().contains(&format!("+ recipient {second}")), "{}", shown.messages());
}

#[test]
fn keys_are_wrapped_for_nobody_new_unasked() {
    let world = World::usual();
    let clone = world.fresh("keys");
    assert_eq!(world.pullcred(&clone, &["sync"], &[]).status, 0);
    let key = key_folder().join("age.txt");
    let key = key.to_str().unwrap();
    assert_eq!(world.pullcred(&clone, &["rotate", "--identity", key], &[]).status, 0, "nobody is added");
    let stranger = recipient("age-stranger.txt");
    replace(&clone.join(".pullcred.yaml"), "recipients: [", &format!("recipients: [{stranger}, "));
    let before = snapshot(&clone);
    for command in ["updatekeys", "rotate", "sync"] {
        let ended = world.pullcred(&clone, &[command, "--identity", key], &[]);
        assert_eq!(ended.status, 2, "{command}: {}", ended.messages());
        assert!(ended.messages().contains("[recipient-untrusted]"), "{}", ended.messages());
        assert!(snapshot(&clone) == before, "{command} wrote something");
    }
    assert_eq!(world.pullcred(&clone, &["trust", "-q"], &[]).status, 0);
    assert_eq!(world.pullcred(&clone, &["updatekeys", "--identity", key], &[]).status, 0);
    assert!(fs::read_to_string(clone.join(SECRET)).unwrap().contains(&stranger));
}

#[test]
fn outside_of_git_only_a_word_counts() {
    let world = World::usual();
    let folder = world.fresh("unpacked");
    fs::remove_dir_all(folder.join(".git")).unwrap();
    assert_eq!(world.pullcred(&folder, &["sync"], &[]).status, 2);
    let refused = world.pullcred(&folder, &["trust"], &[]);
    assert_eq!(refused.status, 2);
    let digest = world.pullcred(&folder, &["trust", "--print"], &[]).data().trim().to_owned();
    assert!(refused.messages().contains(&digest), "{}", refused.messages());
    assert_eq!(world.pullcred(&folder, &["sync"], &[("PULLCRED_TRUST", &digest)]).status, 0);
}

#[test]
fn a_dry_run_tells_and_goes_on() {
    let world = World::usual();
    let clone = world.fresh("trial");
    world.git(&clone, &["remote", "remove", "origin"]);
    let ended = world.pullcred(&clone, &["sync", "--dry-run"], &[]);
    assert_eq!(ended.status, 0, "{}", ended.messages());
    assert!(ended.messages().contains("[recipient-untrusted]") && ended.messages().contains("would create"));
}

#[cfg(unix)]
#[test]
fn a_link_makes_no_file_of_the_machine_readable() {
    let world = World::usual();
    let clone = world.fresh("links");
    let outside = world.clone_of("outside");
    fs::write(&outside, "TOKEN=do-not-print-this\n").unwrap();
    std::os::unix::fs::symlink(&outside, clone.join("who.txt")).unwrap();
    fs::write(clone.join(".pullcred.yaml"), config("{recipientsFile: who.txt}")).unwrap();
    let ended = world.pullcred(&clone, &["sync"], &[]);
    assert_eq!(ended.status, 2);
    assert!(!ended.messages().contains("do-not-print-this"), "{}", ended.messages());
    assert!(ended.messages().contains("a link leads out of the repository"), "{}", ended.messages());
}

#[test]
fn the_action_refuses_to_encrypt_for_strangers() {
    let script = fixtures("..").join("action/run.sh");
    let tree = Tree::new();
    let start = |command: &str, event: &str, fork: &str, allow: &str| {
        let mut bash = tree.command("bash");
        bash.arg(&script).env("PATH", std::env::var_os("PATH").unwrap());
        bash.env("PULLCRED_COMMAND", command).env("PULLCRED_FORMAT", "text").env("PULLCRED_ARGS", "");
        bash.env("PULLCRED_DIRECTORY", ".").env("PULLCRED_VERSION", "not-a-version");
        bash.env("GITHUB_EVENT_NAME", event).env("PULLCRED_FORK", fork).env("PULLCRED_ALLOW_FORKS", allow);
        let ended = run(&mut bash, b"");
        assert_eq!(ended.status, 2, "`version` is none: {}", ended.data());
        ended.data()
    };
    for command in ["sync", "encrypt"] {
        for (event, fork) in
            [("pull_request_target", "false"), ("pull_request", "true"), ("workflow_run", "true")]
        {
            let told = start(command, event, fork, "false");
            assert!(told.contains("allow-forks"), "{command} {event} {fork}: {told}");
            let told = start(command, event, fork, "true");
            assert!(!told.contains("allow-forks"), "{told}");
        }
        assert!(!start(command, "push", "false", "false").contains("allow-forks"));
    }
    assert!(!start("check", "pull_request_target", "true", "false").contains("allow-forks"));
}
