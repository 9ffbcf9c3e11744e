//! The files of a repository as they are on the disk, or as they are in a commit.
//!
//! Commits are read by the user's own `git`, offline: what a partial clone lacks is not fetched. Without `git` there is no commit to read.

use std::io;
use std::path::{Path, PathBuf};

use super::process;
use super::source::{self, Source};

/// Where files are read.
#[derive(Clone, Debug)]
pub enum Tree {
    /// Below this root.
    Disk(PathBuf),
    /// In a commit.
    Commit(Commit),
}

/// A commit of the repository at a root.
#[derive(Clone, Debug)]
pub struct Commit {
    root: PathBuf,
    /// What to call it, for people.
    pub name: String,
    id: String,
}

impl Tree {
    /// Reads a file, by its path on disk.
    ///
    /// # Errors
    /// It is not there, leads out of the repository, or cannot be read.
    pub fn read(&self, path: &Path) -> io::Result<Source> {
        match self {
            Self::Disk(root) => source::read_inside(root, path),
            Self::Commit(commit) => commit.read(path),
        }
    }
}

impl Commit {
    /// The commit on which agreement is implied: that of the default branch of the remote which the repository was cloned from.
    ///
    /// Not the upstream of any branch, for whoever can push a branch would agree with himself. A clone that does not know the default
    /// branch takes a checked out `main` or `master` for it. A submodule has a remote that somebody else chose.
    pub fn agreed(root: &Path) -> Option<Self> {
        let git = Git(root);
        if !git.text(&["rev-parse", "--show-superproject-working-tree"])?.is_empty() {
            return None;
        }
        let remotes = git.text(&["remote"])?;
        let remotes: Vec<&str> = remotes.lines().collect();
        let remote = match remotes[..] {
            [only] => only,
            _ => remotes.into_iter().find(|name| *name == "origin")?,
        };
        let known = format!("refs/remotes/{remote}/");
        let head = git.text(&["symbolic-ref", "-q", &format!("{known}HEAD")]);
        let usual = || {
            let upstream = git.text(&["rev-parse", "--symbolic-full-name", "@{upstream}"])?;
            let is_usual = matches!(upstream.strip_prefix(&known)?, "main" | "master");
            is_usual.then_some(upstream)
        };
        let reference = head.or_else(usual)?;
        let id = git.text(&["rev-parse", "--verify", "-q", &format!("{reference}^{{commit}}")])?;
        let name = reference.strip_prefix("refs/remotes/").unwrap_or(&reference).to_owned();
        Some(Self { root: root.to_path_buf(), name, id })
    }

    fn read(&self, path: &Path) -> io::Result<Source> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let below = path.strip_prefix(&self.root).map_err(|_| missing())?;
        let below = below.to_str().ok_or_else(missing)?.replace('\\', "/");
        let object = format!("{}:./{below}", self.id);
        let answer = Git(&self.root).run(&["cat-file", "blob", &object]).ok_or_else(missing)?;
        if answer.is_success() { Ok(source::judge(answer.stdout.to_vec())) } else { Err(missing()) }
    }
}

/// The user's `git`, in a folder.
struct Git<'r>(&'r Path);

impl Git<'_> {
    /// One line, or several; none when it fails.
    fn text(&self, arguments: &[&str]) -> Option<String> {
        let answer = self.run(arguments).filter(process::Answer::is_success)?;
        Some(answer.text()?.trim_end().to_owned())
    }

    fn run(&self, arguments: &[&str]) -> Option<process::Answer> {
        let mut all = vec!["-C", self.0.to_str()?];
        all.extend(arguments);
        let quiet = [("GIT_NO_LAZY_FETCH", "1"), ("GIT_OPTIONAL_LOCKS", "0"), ("GIT_TERMINAL_PROMPT", "0")];
        process::run("git", &all, &quiet, "").ok()
    }
}
