//! What stands in documents and files beside the program is tied to the program.

use std::fs;
use std::path::Path;
use std::process::Command;

use pullcred::plan::finding::{Code, Severity};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_code_is_explained_with_its_severity_and_no_other_is() {
    let page = read("docs/codes.md");
    let sections: Vec<(&str, &str)> =
        page.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect();
    for code in Code::ALL {
        let (_, body) = sections
            .iter()
            .find(|(name, _)| *name == code.name())
            .unwrap_or_else(|| panic!("docs/codes.md: `{code}` is missing"));
        let severity = match code.severity() {
            Severity::Error => "Error.",
            Severity::Warning => "Warning.",
            Severity::Note => "Note.",
        };
        assert!(body.trim().starts_with(severity), "docs/codes.md: `{code}` should begin with `{severity}`");
    }
    let known = |name: &str| Code::ALL.iter().any(|code| code.name() == name);
    for (name, _) in &sections {
        assert!(known(name), "docs/codes.md: `{name}` is no code");
    }
}

#[test]
fn every_code_has_a_case_that_shows_it_and_one_that_does_not() {
    let mut outputs = Vec::new();
    let folders =
        |path: &Path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    for command in folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases")) {
        for case in folders(&command) {
            let text = |name| fs::read(case.join(name)).unwrap_or_default();
            outputs.push(String::from_utf8_lossy(&[text("stdout"), text("stderr")].concat()).into_owned());
        }
    }
    for code in Code::ALL {
        let shown = format!("[{code}]");
        let shows = outputs.iter().filter(|output| output.contains(&shown)).count();
        assert!(shows > 0, "no case shows `{code}`");
        assert!(shows < outputs.len(), "every case shows `{code}`");
    }
}

#[test]
fn every_command_has_help_and_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let program = || Command::new(env!("CARGO_BIN_EXE_pullcred"));
    assert!(program().arg("man").arg(folder.path()).status().unwrap().success());
    let help = program().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut names = 0;
    for name in
        commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help")
    {
        names += 1;
        assert!(program().args([name, "--help"]).output().unwrap().status.success(), "{name} --help");
        assert!(folder.path().join(format!("pullcred-{name}.1")).exists(), "no manual page for {name}");
    }
    assert!(names >= 9, "{commands}");
}

#[test]
fn the_version_stands_in_one_place() {
    let version = env!("CARGO_PKG_VERSION");
    let output = Command::new(env!("CARGO_BIN_EXE_pullcred")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), format!("pullcred {version}"));
}

#[test]
fn what_stands_beside_the_program_has_its_version() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, line) in [
        ("helm/plugin.yaml", format!("\nversion: {version}\n")),
        ("docs/pre-commit.md", format!("rev: v{version}\n")),
        ("docs/pre-commit.md", format!("[pullcred=={version}]")),
        ("docs/github-action.md", format!("pullcred/pullcred@v{version}\n")),
    ] {
        assert!(read(file).contains(&line), "{file} does not say `{}`", line.trim());
    }
    assert!(
        read("pyproject.toml").contains("dynamic = [\"version\""),
        "the wheel's version is that of Cargo.toml"
    );
}

/// Every `pullcred COMMAND` that a hook, a plugin or a page about a host starts or names.
#[test]
fn commands_of_hosts_are_commands_of_the_program() {
    let mut found = 0;
    for file in [
        ".pre-commit-hooks.yaml",
        "docs/pre-commit.md",
        "docs/helm.md",
        "docs/kustomize.md",
        "docs/argocd.md",
        "argocd/plain/plugin.yaml",
        "argocd/kustomize/plugin.yaml",
        "argocd/helm/plugin.yaml",
    ] {
        let text = read(file);
        for (at, start) in text.match_indices("pullcred ") {
            let starts = ["`", "exec ", "entry: ", "| "].iter().any(|before| text[..at].ends_with(before));
            let command: String =
                text[at + start.len()..].chars().take_while(char::is_ascii_lowercase).collect();
            if !starts || command.is_empty() {
                continue;
            }
            found += 1;
            let help =
                Command::new(env!("CARGO_BIN_EXE_pullcred")).args([&command, "--help"]).output().unwrap();
            assert!(help.status.success(), "{file}: `pullcred {command}`");
        }
    }
    assert!(found >= 12, "only {found} commands were found");
}

/// Blocks that nothing can run here: the page, the title, why.
const NOT_RUN: &[(&str, &str, &str)] = &[("argocd", "image", "it takes a container engine")];

/// `documented PAGE TITLE` of the scripts in `e2e` runs a block; one that no script names could say anything.
#[test]
fn every_block_of_the_pages_about_hosts_is_run_by_a_check() {
    let checks: String = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sh"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let mut blocks = 0;
    for page in ["argocd", "flux", "github-action", "helm", "kustomize", "pre-commit"] {
        let text = read(&format!("docs/{page}.md"));
        for opening in text.lines().filter(|line| line.starts_with("```")).step_by(2) {
            let title = opening.split_once(" title=\"").and_then(|(_, title)| title.strip_suffix('"'));
            let title = title.unwrap_or_else(|| panic!("docs/{page}.md: a block without a title: {opening}"));
            blocks += 1;
            let is_named = |name: &str| runs(&checks, page, name);
            let exempt = NOT_RUN.iter().any(|(a, b, _)| (*a, *b) == (page, title));
            assert!(
                is_named(title) != exempt,
                "docs/{page}.md: no check runs the block `{title}`, or NOT_RUN is wrong"
            );
        }
    }
    assert!(blocks >= 20, "only {blocks} blocks were found");
}

/// Whether a check names a block: in `documented`, or in a function that hands its titles on.
fn runs(checks: &str, page: &str, title: &str) -> bool {
    let quoted = |before: &str| {
        [title.to_owned(), format!("'{title}'")].iter().any(|title| {
            checks
                .match_indices(&format!("{before} {title}"))
                .any(|(at, found)| checks[at + found.len()..].starts_with([' ', ')', '\n', '"', ';']))
        })
    };
    let by_function: &[&str] = match page {
        "argocd" => &["for title in", "for title in kustomization"],
        "github-action" => &["page"],
        "helm" => &["with 3", "with 4"],
        "pre-commit" => &["hooked plain", "hooked references"],
        _ => &[],
    };
    quoted(&format!("documented {page}")) || by_function.iter().any(|before| quoted(before))
}
