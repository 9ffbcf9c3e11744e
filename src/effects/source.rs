//! A file of the user's tree: read whole, judged as text, written atomically.
//!
//! Never touches what it cannot hold with certainty: other encodings, NUL bytes.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use super::scan::index::own_folder;

/// Larger files are not read: no manifest comes near, and memory stays bounded.
pub const MAX_BYTES: u64 = 32 << 20;

/// What was read.
#[derive(Debug)]
pub enum Source {
    /// UTF-8 text that can be edited.
    Text(String),
    /// A file over [`MAX_BYTES`]; its size.
    TooLarge(u64),
    /// Bytes that are no text, and why; `matters` when they might hold a manifest all the same.
    Unusable {
        /// Why.
        reason: &'static str,
        /// Whether a manifest might be in there.
        matters: bool,
    },
}

/// Reads a file.
///
/// # Errors
/// When the system refuses.
pub fn read(path: &Path) -> io::Result<Source> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_BYTES {
        return Ok(Source::TooLarge(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
    // A file that grows meanwhile must not fill the memory.
    Read::by_ref(&mut file).take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(judge(bytes))
}

/// The text of a file of a repository with that root, if it is one.
pub fn text(root: &Path, path: &str) -> Option<String> {
    match read(&root.join(path)) {
        Ok(Source::Text(text)) => Some(text),
        _ => None,
    }
}

/// Reads files below a folder that others name. Where the folders lie is looked up once.
pub struct Below<'r> {
    root: &'r Path,
    folders: Mutex<HashMap<PathBuf, Option<PathBuf>>>,
}

impl<'r> Below<'r> {
    /// Files below `root`, which is free of links.
    pub fn new(root: &'r Path) -> Self {
        Self { root, folders: Mutex::default() }
    }

    /// The bytes of a file by its path relative to the root; none when there is no such file, it is too large, or a link leads out of the
    /// root.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let path = self.root.join(path);
        let in_folder = self.real(path.parent()?)?.join(path.file_name()?);
        let data = fs::symlink_metadata(&in_folder).ok()?;
        let (file, data) = if data.is_symlink() {
            let file = fs::canonicalize(&in_folder).ok().filter(|file| file.starts_with(self.root))?;
            let data = fs::metadata(&file).ok()?;
            (file, data)
        } else {
            (in_folder, data)
        };
        if !data.is_file() || data.len() > MAX_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(data.len()).ok()?);
        File::open(file).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Where a folder really lies, if that is below the root.
    fn real(&self, folder: &Path) -> Option<PathBuf> {
        let known = self.folders.lock().unwrap_or_else(PoisonError::into_inner).get(folder).cloned();
        known.unwrap_or_else(|| {
            let real = fs::canonicalize(folder).ok().filter(|real| real.starts_with(self.root));
            self.folders
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(folder.to_owned(), real.clone());
            real
        })
    }
}

/// Reads a file that the repository names. A link that leads out of `root` is not followed, for it would make a branch the reader of
/// whatever lies on the machine.
///
/// # Errors
/// When the system refuses, or a link leads elsewhere.
pub fn read_inside(root: &Path, path: &Path) -> io::Result<Source> {
    inside(root, path)?;
    read(path)
}

/// Whether a path leads to a file below `root`, links followed; a path that is not below it as written was named by the user.
///
/// # Errors
/// It does not, or the system refuses.
pub fn inside(root: &Path, path: &Path) -> io::Result<()> {
    let real = fs::canonicalize(path)?;
    if path.starts_with(root) && !real.starts_with(fs::canonicalize(root)?) {
        return Err(io::Error::other("a link leads out of the repository"));
    }
    Ok(())
}

/// Judges bytes as text.
pub fn judge(bytes: Vec<u8>) -> Source {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Source::Unusable { reason: "the file is UTF-16, not UTF-8", matters: true };
    }
    if memchr::memchr(0, &bytes).is_some() {
        return Source::Unusable { reason: "the file holds a NUL byte", matters: may_be_manifest(&bytes) };
    }
    match String::from_utf8(bytes) {
        Ok(text) => Source::Text(text),
        Err(error) => {
            let matters = may_be_manifest(error.as_bytes());
            Source::Unusable { reason: "the file is not valid UTF-8", matters }
        }
    }
}

/// Whether bytes that are no text look like a manifest all the same.
fn may_be_manifest(bytes: &[u8]) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(bytes, needle).is_some();
    has(b"kind") && has(b"apiVersion")
}

/// Writes the files of a run: at any moment each is wholly old or wholly new. A file that was there keeps its mode; the
/// folder of a new one is made.
///
/// Contents are on the disk before they are in place. The names in their folders follow when the writer is dropped, once
/// for each folder: until then a power cut may bring back the old file, never half of the new one.
///
/// Whatever computed a path, what is written lies below the root and outside of `.git`, links followed: names in manifests
/// become parts of paths, and this is the last line of defence.
///
/// Until it is in place a content stands in `.git/pullcred/`, where Git does not see it; beside its file only where there is no
/// such folder or it lies on another file system. What a run that was killed leaves there, the next one removes.
pub struct Writer {
    root: PathBuf,
    /// Where contents stand first, as long as nothing has shown that they cannot be moved from there.
    scratch: Mutex<Option<PathBuf>>,
    folders: Mutex<BTreeSet<PathBuf>>,
}

impl Writer {
    /// A writer for files below `root`.
    pub fn below(root: &Path) -> Self {
        let scratch = own_folder(root).filter(|folder| fs::create_dir_all(folder).is_ok());
        Self { root: root.to_path_buf(), scratch: Mutex::new(scratch), folders: Mutex::default() }
    }

    /// A writer for files that the user has named, wherever they are.
    fn anywhere() -> Self {
        Self { root: PathBuf::new(), scratch: Mutex::default(), folders: Mutex::default() }
    }

    /// Writes a file below the root, by its path on disk.
    ///
    /// # Errors
    /// It lies elsewhere, or the system refuses; the file is then as it was.
    pub fn write(&self, path: &Path, text: &str) -> Result<()> {
        check(&self.root, path)?;
        // Manifests are for everybody who reads the repository.
        self.put(path, text, 0o666)
    }

    /// `mode` is that of a new file, less what the user's mask takes away.
    fn put(&self, path: &Path, text: &str, mode: u32) -> Result<()> {
        let target = Target::of(path)?;
        let scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_done = match scratch {
            Some(scratch) => target.put(&scratch, text, mode)?,
            None => false,
        };
        if self.folders.lock().unwrap_or_else(PoisonError::into_inner).insert(target.folder.clone()) {
            remove_leftovers(&target.folder);
        }
        if !is_done {
            *self.scratch.lock().unwrap_or_else(PoisonError::into_inner) = None;
            if !target.put(&target.folder, text, mode)? {
                bail!("{}: a file cannot be moved within its own folder", path.display());
            }
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        for folder in self.folders.get_mut().unwrap_or_else(PoisonError::into_inner).iter() {
            // A file system that cannot sync folders has its own ways.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
    }
}

/// Writes one file that the user has named, wherever it is.
///
/// # Errors
/// When the system refuses; the file is then as it was.
pub fn write(path: &Path, text: &str) -> Result<()> {
    Writer::anywhere().put(path, text, 0o666)
}

/// Writes one file for the user's eyes only.
///
/// # Errors
/// When the system refuses; the file is then as it was.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    Writer::anywhere().put(path, text, 0o600)
}

/// Removes a file below `root`, by its path on disk.
///
/// # Errors
/// It lies elsewhere, or the system refuses.
pub fn remove(root: &Path, path: &Path) -> Result<()> {
    check(root, path)?;
    fs::remove_file(path).with_context(|| path.display().to_string())
}

/// Whether a path, as it is written and with its links followed, leads to a file below `root` and outside of `.git`.
fn check(root: &Path, path: &Path) -> Result<()> {
    let is_inside = |root: &Path, path: &Path| {
        path.strip_prefix(root).is_ok_and(|inner| {
            let mut steps = inner.components().peekable();
            steps.peek().is_some()
                && steps.all(|step| match step {
                    Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
                    _ => false,
                })
        })
    };
    if !is_inside(root, path) {
        bail!("{}: this is no file of the repository, so it is left alone", path.display());
    }
    // The nearest part of the way that is there tells where it leads.
    let there = path.ancestors().find_map(|part| fs::canonicalize(part).ok().map(|real| (part, real)));
    let real_root = fs::canonicalize(root).with_context(|| root.display().to_string())?;
    let real = there.map(|(part, real)| match path.strip_prefix(part) {
        Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
        _ => real,
    });
    if !real.is_some_and(|real| is_inside(&real_root, &real)) {
        bail!("{}: a link leads out of the repository", path.display());
    }
    Ok(())
}

/// Names of files that hold a content until it is in place.
const TEMPORARY: (&str, &str) = (".pullcred-", ".tmp");

/// Removes what runs that were killed left in a folder: a run that lives holds a lock on what is its own.
pub(super) fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = |name: &str| name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1);
        if !name.to_str().is_some_and(is_ours) || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A file to be replaced or made, links followed.
struct Target {
    file: PathBuf,
    folder: PathBuf,
    /// Of the file that is there.
    permissions: Option<fs::Permissions>,
}

impl Target {
    /// Looks at the place; the folder of a file that is not there is made.
    fn of(path: &Path) -> Result<Self> {
        let name = || path.display().to_string();
        let (file, permissions) = match fs::symlink_metadata(path) {
            // A link stays a link: what it points to is replaced.
            Ok(found) if found.is_symlink() => {
                let file = fs::canonicalize(path).with_context(name)?;
                let permissions = fs::metadata(&file).with_context(name)?.permissions();
                (file, Some(permissions))
            }
            Ok(found) => (path.to_path_buf(), Some(found.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_path_buf(), None),
            Err(error) => return Err(error).with_context(name),
        };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_path_buf();
        if permissions.is_none() {
            fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        Ok(Self { file, folder, permissions })
    }

    /// Writes a content to `scratch` and moves it in place from there; false where that is another file system, or cannot be
    /// written although the file's own folder may be.
    fn put(&self, scratch: &Path, text: &str, mode: u32) -> Result<bool> {
        let name = || self.file.display().to_string();
        let is_apart = scratch != self.folder;
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        #[cfg(not(unix))]
        let _ = mode;
        let mut temporary = match builder.tempfile_in(scratch) {
            Err(_) if is_apart => return Ok(false),
            made => made.with_context(|| {
                format!("{}: no temporary file can be made beside it", self.file.display())
            })?,
        };
        // Tells other runs that it is in use; a system that has no locks has no leftovers removed either.
        let _ = temporary.as_file().try_lock();
        temporary.write_all(text.as_bytes()).with_context(name)?;
        if let Some(permissions) = &self.permissions {
            temporary.as_file().set_permissions(permissions.clone()).with_context(name)?;
        }
        temporary.as_file().sync_all().with_context(name)?;
        match temporary.persist(&self.file) {
            Ok(_) => Ok(true),
            Err(error) if is_apart && error.error.kind() == io::ErrorKind::CrossesDevices => Ok(false),
            Err(error) => Err(error.error).with_context(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_outside_of_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repository");
        fs::create_dir_all(root.join("a/.git")).unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        for path in ["../x", "a/../../x", ".git/hooks/x", "a/.git/x", ".GIT/x", "b/./../../x", ""] {
            let error = Writer::below(&root).write(&root.join(path), "text");
            assert!(error.is_err(), "{path}");
            assert!(remove(&root, &root.join(path)).is_err(), "{path}");
        }
        assert!(Writer::below(&root).write(&folder.path().join("repository2/x"), "text").is_err());
        for path in ["x", "a/b/c", ".github/x", "a..b"] {
            Writer::below(&root).write(&root.join(path), "text").unwrap();
        }
        assert!(!folder.path().join("x").exists() && !root.join(".git/hooks").exists());
    }

    #[test]
    fn what_a_killed_run_left_goes_and_what_a_running_one_holds_stays() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repository");
        fs::create_dir_all(root.join(".git/pullcred")).unwrap();
        fs::write(root.join(".pullcred-1.tmp"), "left").unwrap();
        let held = File::create(root.join(".pullcred-2.tmp")).unwrap();
        held.lock().unwrap();
        Writer::below(&root).write(&root.join("new"), "text").unwrap();
        let there = |name: &str| root.join(name).exists();
        assert!(there("new") && !there(".pullcred-1.tmp") && there(".pullcred-2.tmp"));
        assert_eq!(fs::read_dir(root.join(".git/pullcred")).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_out_either() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repository");
        fs::create_dir_all(root.join("in")).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        symlink(folder.path().join("outside"), root.join("out")).unwrap();
        symlink("in", root.join("same")).unwrap();
        symlink("../outside/file", root.join("file")).unwrap();
        fs::write(folder.path().join("outside/file"), "theirs").unwrap();
        for path in ["out/x", "out/deep/x", "file"] {
            assert!(Writer::below(&root).write(&root.join(path), "ours").is_err(), "{path}");
        }
        Writer::below(&root).write(&root.join("same/x"), "ours").unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("outside/file")).unwrap(), "theirs");
        assert!(root.join("in/x").exists() && !folder.path().join("outside/x").exists());
    }
}
