//! The walk: folders to files, in parallel, each handled as soon as it is found.
//!
//! What Git ignores is passed over unless Git tracks it; hidden files are ordinary; links are never followed. The
//! order of the result does not depend on the number of threads.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;
use ignore::{DirEntry, WalkBuilder, WalkState};

pub mod index;
pub mod sources;

pub use index::repository;

/// How to walk.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Number of threads; 0 for as many as there are cores.
    pub threads: usize,
    /// Whether to read what Git ignores.
    pub no_ignore: bool,
}

/// Something that could not be walked.
#[derive(Debug)]
pub struct Failure {
    /// The path, absolute.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Visits every manifest file below `root` (absolute), and hands each path to `visit` on one of several threads.
/// Results come sorted by path.
pub fn walk<T: Send>(
    root: &Path,
    options: Options,
    visit: impl Fn(&Path) -> T + Sync,
) -> (Vec<(PathBuf, T)>, Vec<Failure>) {
    walk_named(root, options, has_manifest_name, visit)
}

/// Visits every file below `root` (absolute) whose name `is_meant`, as [`walk`] does.
pub fn walk_named<T: Send>(
    root: &Path,
    options: Options,
    is_meant: impl Fn(&Path) -> bool + Sync,
    visit: impl Fn(&Path) -> T + Sync,
) -> (Vec<(PathBuf, T)>, Vec<Failure>) {
    let found = Mutex::new(Vec::new());
    let failures = Mutex::new(Vec::new());
    let mut builder = WalkBuilder::new(root);
    builder
        .hidden(false)
        .ignore(false)
        .git_global(false)
        .git_ignore(!options.no_ignore)
        .git_exclude(!options.no_ignore)
        .require_git(false)
        .follow_links(false)
        .threads(options.threads)
        .filter_entry(|entry| entry.file_name() != ".git");
    builder.build_parallel().run(|| {
        let mut batch = Batch { results: Vec::new(), sink: &found };
        let (is_meant, visit, failures) = (&is_meant, &visit, &failures);
        Box::new(move |entry| {
            match entry {
                Ok(entry) if is_file(&entry) && is_meant(entry.path()) => {
                    let result = visit(entry.path());
                    batch.results.push((entry.into_path(), result));
                }
                Ok(_) => {}
                Err(error) => lock(failures).push(failure(root, &error)),
            }
            WalkState::Continue
        })
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by(|(a, _), (b, _)| order(a, b));
    if !options.no_ignore {
        // What is tracked and was not found is ignored by some rule, gone, or behind a link.
        let tracked = index::tracked(root).into_iter().filter(|path| is_meant(path));
        let missed = tracked.filter(|path| found.binary_search_by(|(known, _)| order(known, path)).is_err());
        let missed: Vec<PathBuf> = missed.filter(|path| is_plain_file(root, path)).collect();
        found.extend(missed.into_iter().map(|path| (path.clone(), visit(&path))));
        found.sort_by(|(a, _), (b, _)| order(a, b));
    }
    let mut failures = failures.into_inner().unwrap_or_default();
    failures.sort_by(|a: &Failure, b: &Failure| order(&a.path, &b.path));
    (found, failures)
}

/// The order of every output: that of the paths' bytes.
pub fn order(a: &Path, b: &Path) -> Ordering {
    a.as_os_str().cmp(b.as_os_str())
}

/// Results of one thread, handed over at its end: no lock in the loop.
struct Batch<'s, T> {
    results: Vec<(PathBuf, T)>,
    sink: &'s Mutex<Vec<(PathBuf, T)>>,
}

impl<T> Drop for Batch<'_, T> {
    fn drop(&mut self) {
        lock(self.sink).append(&mut self.results);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_file())
}

/// Whether a file is looked at without being named: YAML and JSON by their endings, and `Kustomization`.
pub fn has_manifest_name(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["yaml", "yml", "json"].iter().any(|known| ending.eq_ignore_ascii_case(known))
        || path.file_name().is_some_and(|name| name == "Kustomization")
}

/// Whether `path` is a file reached without any link below `root`.
fn is_plain_file(root: &Path, path: &Path) -> bool {
    let mut above = path.parent();
    while let Some(folder) = above.filter(|folder| *folder != root) {
        if folder.is_symlink() {
            return false;
        }
        above = folder.parent();
    }
    path.symlink_metadata().is_ok_and(|data| data.is_file())
}

fn failure(root: &Path, error: &ignore::Error) -> Failure {
    let mut error = error;
    let mut path = root.to_path_buf();
    loop {
        match error {
            ignore::Error::WithPath { path: at, err } => {
                path.clone_from(at);
                error = err;
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => error = err,
            other => {
                let reason = match other {
                    ignore::Error::Io(io) => io.to_string(),
                    other => other.to_string(),
                };
                return Failure { path, reason };
            }
        }
    }
}

/// Makes a path absolute and free of links.
///
/// # Errors
/// When it is not there.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    Ok(std::fs::canonicalize(path)?)
}
