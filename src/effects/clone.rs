//! What this clone knows for itself, in `.git/pullcred/`: which Secrets it wrote and from what; and that one run writes at a
//! time.
//!
//! Nothing here is ever committed. Of a Secret only keyed digests are kept, bound to its path and to the bytes of its file,
//! so that another version checked out is not taken for the one that was written, and no digest says anything to somebody
//! without the clone's own key. Worktrees share the folder. If it is lost, Secrets are merely unverified.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::effects::scan::index::own_folder;
use crate::effects::source;

/// Versions of one file that are remembered, so that switching branches forgets nothing.
const VERSIONS: usize = 8;
/// The block of SHA-256: HMAC uses such a key as it is.
const KEY_BYTES: usize = 64;

/// A keyed digest in hexadecimal.
type Digest = String;

/// What this clone remembers.
pub struct Memory {
    /// Where it is kept; none outside of a repository.
    folder: Option<PathBuf>,
    key: Zeroizing<[u8; KEY_BYTES]>,
    /// For each path the versions that were written: digest of the file, digest of file and content; oldest first.
    written: BTreeMap<String, Vec<(Digest, Digest)>>,
    changed: bool,
}

/// Held as long as a run writes.
pub struct Lock(#[allow(dead_code, reason = "held, not read")] Option<File>);

impl Memory {
    /// Reads what the clone of the repository at `root` remembers. What is unreadable is forgotten.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn load(root: &Path) -> Result<Self> {
        let folder = own_folder(root);
        let mut memory =
            Self { folder, key: Zeroizing::new([0; KEY_BYTES]), written: BTreeMap::new(), changed: false };
        let known = memory.folder.as_ref().and_then(|folder| read_key(&folder.join("key")));
        match known {
            Some(key) => memory.key = key,
            None => {
                random(&mut memory.key[..])?;
                memory.changed = true;
                return Ok(memory);
            }
        }
        let text = memory.folder.as_ref().and_then(|folder| fs::read_to_string(folder.join("written")).ok());
        for line in text.iter().flat_map(|text| text.lines()) {
            let mut parts = line.splitn(3, ' ');
            if let (Some(file), Some(content), Some(path)) = (parts.next(), parts.next(), parts.next()) {
                memory
                    .written
                    .entry(path.to_owned())
                    .or_default()
                    .push((file.to_owned(), content.to_owned()));
            }
        }
        Ok(memory)
    }

    /// Whether this clone wrote the file at `path` with these bytes.
    pub fn wrote(&self, path: &str, bytes: &[u8]) -> bool {
        let digest = self.digest(path, bytes, &[]);
        self.written.get(path).is_some_and(|versions| versions.iter().any(|(file, _)| *file == digest))
    }

    /// Whether this clone knows that the file at `path` with these bytes holds `content`.
    pub fn holds(&self, path: &str, bytes: &[u8], content: &[&[u8]]) -> bool {
        let digest = self.digest(path, bytes, content);
        self.written.get(path).is_some_and(|versions| versions.iter().any(|(_, content)| *content == digest))
    }

    /// Remembers that the file at `path` with these bytes holds `content`.
    pub fn remember(&mut self, path: &str, bytes: &[u8], content: &[&[u8]]) {
        if self.folder.is_none() || path.contains('\n') {
            return;
        }
        let version = (self.digest(path, bytes, &[]), self.digest(path, bytes, content));
        let versions = self.written.entry(path.to_owned()).or_default();
        if versions.last() == Some(&version) {
            return;
        }
        versions.retain(|(file, _)| *file != version.0);
        versions.push(version);
        let surplus = versions.len().saturating_sub(VERSIONS);
        versions.drain(..surplus);
        self.changed = true;
    }

    /// The paths that something is remembered of.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.written.keys().map(String::as_str)
    }

    /// Keeps what was remembered.
    ///
    /// # Errors
    /// When the system refuses. The Secrets themselves are not touched by that.
    pub fn save(&mut self) -> Result<()> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.changed && !self.written.is_empty()) else {
            return Ok(());
        };
        let key: String = self.key.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = Zeroizing::new(key);
        if read_key(&folder.join("key")).is_none_or(|known| known != self.key) {
            source::write_private(&folder.join("key"), &key)?;
        }
        let mut text = String::new();
        for (path, versions) in &self.written {
            for (file, content) in versions {
                text.extend([file, " ", content, " ", path, "\n"]);
            }
        }
        source::write_private(&folder.join("written"), &text)?;
        self.changed = false;
        Ok(())
    }

    fn digest(&self, path: &str, bytes: &[u8], content: &[&[u8]]) -> Digest {
        let mut digest = <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*self.key).into());
        for part in [path.as_bytes(), bytes].into_iter().chain(content.iter().copied()) {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Waits until no other run writes to the repository at `root`; `waiting` is called when there is one.
///
/// # Errors
/// When the system refuses.
pub fn lock(root: &Path, waiting: impl FnOnce()) -> Result<Lock> {
    let folder = own_folder(root);
    let in_clone = folder.as_ref().and_then(|folder| {
        fs::create_dir_all(folder).ok()?;
        File::options().create(true).truncate(false).write(true).open(folder.join("lock")).ok()
    });
    // Outside of a repository, or where its folder cannot be written, the root itself is locked, which leaves nothing
    // behind. A system that cannot lock folders has to do without.
    let Some(file) = in_clone.or_else(|| File::open(root).ok()) else { return Ok(Lock(None)) };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            waiting();
            file.lock().with_context(|| format!("{}: waiting for another run", root.display()))?;
        }
        Err(TryLockError::Error(_)) => return Ok(Lock(None)),
    }
    if let Some(folder) = folder {
        source::remove_leftovers(&folder);
    }
    Ok(Lock(Some(file)))
}

/// Fills a buffer with bytes that nobody can foretell.
///
/// # Errors
/// The system has none.
pub fn random(buffer: &mut [u8]) -> Result<()> {
    getrandom::getrandom(buffer).map_err(io::Error::other).context("the system gives no randomness")
}

fn read_key(path: &Path) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
    File::open(path).ok()?.take(2 * KEY_BYTES as u64).read_to_string(&mut text).ok()?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if text.len() != 2 * KEY_BYTES {
        return None;
    }
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        folder
    }

    #[test]
    fn what_was_written_is_known_by_path_bytes_and_content() {
        let root = repository();
        let mut memory = Memory::load(root.path()).unwrap();
        memory.remember("a/b c.yaml", b"bytes", &[b"secret", b"x"]);
        memory.save().unwrap();
        let memory = Memory::load(root.path()).unwrap();
        assert!(memory.wrote("a/b c.yaml", b"bytes"));
        assert!(memory.holds("a/b c.yaml", b"bytes", &[b"secret", b"x"]));
        for (path, bytes, content) in [
            ("a/b", &b"bytes"[..], [&b"secret"[..], b"x"]),
            ("a/b c.yaml", b"other", [b"secret", b"x"]),
            ("a/b c.yaml", b"bytes", [b"secretx", b""]),
        ] {
            assert!(!memory.holds(path, bytes, &content));
        }
        let kept = fs::read_to_string(root.path().join(".git/pullcred/written")).unwrap();
        assert!(!kept.contains("secret"));
    }

    #[test]
    fn versions_are_forgotten_oldest_first() {
        let root = repository();
        let mut memory = Memory::load(root.path()).unwrap();
        for version in 0..=VERSIONS as u8 {
            memory.remember("a", &[version], &[b"x"]);
        }
        memory.remember("a", &[5], &[b"y"]);
        assert!(!memory.wrote("a", &[0]) && memory.wrote("a", &[1]));
        assert!(memory.holds("a", &[5], &[b"y"]) && !memory.holds("a", &[5], &[b"x"]));
    }

    #[test]
    fn without_its_key_nothing_is_known() {
        let root = repository();
        let mut memory = Memory::load(root.path()).unwrap();
        memory.remember("a", b"bytes", &[b"secret"]);
        memory.save().unwrap();
        fs::write(root.path().join(".git/pullcred/key"), "damaged").unwrap();
        let mut memory = Memory::load(root.path()).unwrap();
        assert!(!memory.wrote("a", b"bytes"));
        memory.remember("a", b"bytes", &[b"secret"]);
        memory.save().unwrap();
        assert!(Memory::load(root.path()).unwrap().wrote("a", b"bytes"));
    }

    #[test]
    fn worktrees_share_it_and_outside_of_a_repository_there_is_none() {
        let root = repository();
        let tree = tempfile::tempdir().unwrap();
        let own = root.path().join(".git/worktrees/w");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        fs::write(tree.path().join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
        let mut memory = Memory::load(tree.path()).unwrap();
        memory.remember("a", b"bytes", &[b"x"]);
        memory.save().unwrap();
        assert!(Memory::load(root.path()).unwrap().wrote("a", b"bytes"));

        let bare = tempfile::tempdir().unwrap();
        let mut memory = Memory::load(bare.path()).unwrap();
        memory.remember("a", b"bytes", &[b"x"]);
        memory.save().unwrap();
        assert_eq!(fs::read_dir(bare.path()).unwrap().count(), 0);
    }

    #[test]
    fn whoever_has_the_turn_removes_what_killed_runs_left() {
        let root = repository();
        let folder = root.path().join(".git/pullcred");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(".pullcred-1.tmp"), "left").unwrap();
        let held = File::create(folder.join(".pullcred-2.tmp")).unwrap();
        held.lock().unwrap();
        drop(lock(root.path(), || {}).unwrap());
        assert!(!folder.join(".pullcred-1.tmp").exists());
        assert!(folder.join(".pullcred-2.tmp").exists());
    }

    #[cfg(unix)]
    #[test]
    fn one_run_at_a_time() {
        for root in [repository(), tempfile::tempdir().unwrap()] {
            let (sender, receiver) = std::sync::mpsc::channel();
            let first = lock(root.path(), || panic!("nobody else is here")).unwrap();
            std::thread::scope(|scope| {
                let second = scope.spawn(|| lock(root.path(), || sender.send(()).unwrap()).map(drop));
                receiver.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
                drop(first);
                second.join().unwrap().unwrap();
            });
        }
    }
}
