//! What the tests share: running the program in a tree of its own, and looking at trees before and after.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use pullcred::config::Config;
use pullcred::deliveries::graph::Builds;
use pullcred::effects::apply;
use pullcred::objects::marks::Marks;
use pullcred::objects::read;
use pullcred::objects::workload::Kinds;
use pullcred::plan::finding::{Code, Finding};
use pullcred::plan::{File, notices, pull_secrets};
use regex::Regex;

/// `fixtures/NAME` of this repository.
pub fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The folder of the test keys.
pub fn key_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/sops-age/fixtures/keys")
}

/// Whether expectations are to be rewritten (`UPDATE_FIXTURES=1`).
pub fn update() -> bool {
    std::env::var_os("UPDATE_FIXTURES").is_some_and(|value| !value.is_empty() && value != "0")
}

/// A folder of its own for one run, outside of this repository; gone when dropped.
pub struct Tree {
    /// Holds the tree and, beside it, an empty home.
    whole: tempfile::TempDir,
    root: PathBuf,
}

/// How a run of the program ended.
pub struct Ended {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// What lies at a path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    File {
        bytes: Vec<u8>,
        mode: u32,
    },
    Link(PathBuf),
    /// A pipe, a socket, a device.
    Special,
}

/// Everything below a folder but `.git`, by relative path with `/`.
pub type Snapshot = BTreeMap<String, Entry>;

impl Tree {
    /// An empty tree.
    pub fn new() -> Self {
        let whole = tempfile::Builder::new().prefix("pullcred-test-").tempdir().unwrap();
        let base = fs::canonicalize(whole.path()).unwrap();
        let root = base.join("tree");
        fs::create_dir(&root).unwrap();
        fs::create_dir(base.join("home")).unwrap();
        Self { whole, root }
    }

    /// A tree with one file.
    pub fn with(path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let tree = Self::new();
        tree.write(path, bytes);
        tree
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap()
    }

    pub fn snapshot(&self) -> Snapshot {
        snapshot(&self.root)
    }

    /// A command that runs here with an environment of its own: no variable of the tester reaches it.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env_clear().env("HOME", self.whole.path().join("home"));
        command
    }

    /// Runs pullcred here.
    pub fn pullcred<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ended {
        run(self.pullcred_command().args(arguments), &[])
    }

    /// pullcred, to be run here.
    pub fn pullcred_command(&self) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_pullcred"));
        // A tree of a test is no clone: it says so, as a pipeline does. `trust.rs` tests what comes of not saying it.
        command.env("PULLCRED_TRUST", "all");
        command
    }
}

impl Ended {
    /// stderr as text.
    pub fn messages(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// stdout as text.
    pub fn data(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Runs a command to its end with `stdin`. A command that does not read all of it is none the worse.
pub fn run(command: &mut Command, stdin: &[u8]) -> Ended {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = pipe.write_all(stdin);
        });
        child.wait_with_output().unwrap()
    });
    let status = output.status.code().unwrap_or_else(|| panic!("{command:?}: {}", output.status));
    Ended { status, stdout: output.stdout, stderr: output.stderr }
}

/// See [`Snapshot`].
pub fn snapshot(root: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let data = fs::symlink_metadata(&path).unwrap();
            if data.is_dir() {
                if path.file_name() != Some(OsStr::new(".git")) {
                    waiting.push(path);
                }
                continue;
            }
            let entry = if data.is_symlink() {
                Entry::Link(fs::read_link(&path).unwrap())
            } else if data.is_file() {
                Entry::File { bytes: fs::read(&path).unwrap_or_default(), mode: mode(&data) }
            } else {
                Entry::Special
            };
            let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.insert(relative, entry);
        }
    }
    found
}

#[cfg(unix)]
fn mode(data: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&data.permissions())
}

#[cfg(not(unix))]
fn mode(data: &fs::Metadata) -> u32 {
    u32::from(data.permissions().readonly())
}

/// Copies what is below `from` into `to`; links stay links.
pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            link(&fs::read_link(&path).unwrap(), &target);
        } else if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[cfg(unix)]
pub fn link(target: &Path, at: &Path) {
    std::os::unix::fs::symlink(target, at).unwrap();
}

#[cfg(not(unix))]
pub fn link(target: &Path, at: &Path) {
    panic!("{} -> {}: links are made on Unix only", at.display(), target.display());
}

/// The words of a command line: divided by blanks, `'…'` and `"…"` kept together.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    for character in line.chars() {
        match (character, quote) {
            ('\'' | '"', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (_, Some(open)) if character == open => quote = None,
            (' ', None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    assert!(quote.is_none(), "an open quote in: {line}");
    words.extend(word);
    words
}

#[test]
fn words_are_divided_as_a_shell_divides_them() {
    assert_eq!(words("a  'b c' \"d'e\" f'g h'i ''"), ["a", "b c", "d'e", "fg hi", ""]);
}

/// What differs between two texts, for people: line by line, invisible characters shown.
pub fn difference(expected: &[u8], found: &[u8]) -> String {
    let visible = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "␍").replace('\u{feff}', "␂");
    let (expected, found) = (visible(expected), visible(found));
    let diff = similar::TextDiff::from_lines(&expected, &found);
    diff.unified_diff().context_radius(2).missing_newline_hint(true).to_string()
}

/// What became of a text.
pub struct Injected {
    pub text: String,
    pub findings: Vec<Finding>,
}

/// Injects into a text as `inject` does into a file; what cannot be finished is a finding, and the text is as before.
pub fn inject(text: &str, config: &Config) -> Injected {
    let mut facts = read::read(text, Marks::of(text), &Kinds::default());
    notices::drop_fragments(&mut facts, &mut Vec::new(), false);
    let files = [File::new("text".to_owned(), true, Ok(facts))];
    let mut plan = pull_secrets::plan(&files, &Builds::default(), config);
    let additions: Vec<_> = plan.additions.iter().collect();
    let finished = apply::finished(text, files[0].facts.as_ref().unwrap(), &additions);
    let text = finished.unwrap_or_else(|refused| {
        plan.findings.push(Finding {
            code: Code::EditRefused,
            severity: Code::EditRefused.severity(),
            file: "text".to_owned(),
            position: refused.position,
            message: refused.reason,
            hint: None,
            object: None,
        });
        text.to_owned()
    });
    Injected { text, findings: plan.findings }
}

/// A null where a pull secret belongs.
static NULL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"((?i-u:pull\w*secrets?)["']?[ \t]*:[ \t\n]*(?:\{?[ \t]*name[ \t]*:[ \t]*)?)(?:null|Null|NULL|~)"#,
    )
    .unwrap()
});

/// Whether `after` is `before` with bytes added; a null may be gone where a pull secret belongs.
pub fn only_insertions(before: &str, after: &str) -> bool {
    is_subsequence(before, after) || is_subsequence(&NULL.replace_all(before, "$1"), after)
}

fn is_subsequence(short: &str, long: &str) -> bool {
    let mut long = long.bytes();
    short.bytes().all(|byte| long.any(|other| other == byte))
}

/// Bytes as text.
pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
