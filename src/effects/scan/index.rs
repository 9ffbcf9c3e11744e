//! The paths in Git's index: what Git tracks is read whatever `.gitignore` says.
//!
//! Reads versions 2 to 4 of the format (`gitformat-index`), paths only, without running `git`: the Argo CD
//! sidecar has none. An index that cannot be read has no say; a split index is joined with its shared part.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository that holds `start`: the nearest folder upwards with `.git`.
pub fn repository(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_path_buf)
}

/// Tracked paths below `root`, absolute; nothing outside of a repository.
pub fn tracked(root: &Path) -> Vec<PathBuf> {
    let Some(top) = repository(root) else { return Vec::new() };
    let Some(folder) = git_folder(&top) else { return Vec::new() };
    let Ok(bytes) = fs::read(folder.join("index")) else { return Vec::new() };
    let (mut paths, shared) = parse(&bytes).unwrap_or_default();
    if let Some(shared) = shared
        && let Ok(bytes) = fs::read(folder.join(format!("sharedindex.{shared}")))
    {
        paths.extend(parse(&bytes).unwrap_or_default().0);
    }
    paths.into_iter().map(|path| top.join(path)).filter(|path| path.starts_with(root)).collect()
}

/// The folder that all worktrees of a clone share, `.git` in most; nothing outside of a repository.
pub fn clone_folder(top: &Path) -> Option<PathBuf> {
    let folder = git_folder(top)?;
    let shared = fs::read_to_string(folder.join("commondir")).ok();
    let folder = shared.map_or(folder.clone(), |shared| folder.join(shared.trim()));
    folder.is_dir().then_some(folder)
}

/// The folder in there that is this program's own, made or not; nothing outside of a repository.
pub fn own_folder(top: &Path) -> Option<PathBuf> {
    clone_folder(top).map(|folder| folder.join("pullcred"))
}

/// `.git` itself, or where the `.git` file of a worktree or submodule points to.
fn git_folder(top: &Path) -> Option<PathBuf> {
    let git = top.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(&git).ok()?;
    Some(top.join(text.strip_prefix("gitdir:")?.trim()))
}

/// Paths of an index and the name of its shared part, if it is split.
fn parse(bytes: &[u8]) -> Option<(Vec<String>, Option<String>)> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.get(..4)? != b"DIRC" {
        return None;
    }
    let version = number(4).filter(|version| (2..=4).contains(version))?;
    let count = number(8)?;
    let mut paths = Vec::new();
    let mut at = 12;
    let mut previous: Vec<u8> = Vec::new();
    for _ in 0..count {
        let start = at;
        let flags = u16::from_be_bytes(bytes.get(start + 60..start + 62)?.try_into().ok()?);
        // Version 3 has two bytes more where this bit is set.
        at += if version >= 3 && flags & 0x4000 != 0 { 64 } else { 62 };
        if version == 4 {
            let cut = offset(bytes, &mut at)?;
            previous.truncate(previous.len().checked_sub(cut)?);
        } else {
            previous.clear();
        }
        let end = at + memchr::memchr(0, bytes.get(at..)?)?;
        previous.extend_from_slice(&bytes[at..end]);
        at = end + 1;
        if version < 4 {
            // Entries are padded with NUL to a multiple of eight, by one at least.
            at = start + (end - start + 8) / 8 * 8;
        }
        // Names that are no UTF-8 are found by the walk or not at all.
        paths.extend(std::str::from_utf8(&previous).ok().filter(|path| !path.is_empty()).map(str::to_owned));
    }
    let mut shared = None;
    while let (Some(name), Some(size)) = (bytes.get(at..at + 4), number(at + 4)) {
        if name == b"link" {
            let id = bytes.get(at + 8..at + 28)?;
            shared = Some(id.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        at = at.checked_add(8 + usize::try_from(size).ok()?)?;
    }
    Some((paths, shared))
}

/// The variable width integer of version 4, as in pack files' offsets.
fn offset(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut byte = *bytes.get(*at)?;
    *at += 1;
    let mut value = usize::from(byte & 0x7F);
    while byte & 0x80 != 0 {
        byte = *bytes.get(*at)?;
        *at += 1;
        value = value.checked_add(1)?.checked_mul(128)? | usize::from(byte & 0x7F);
    }
    Some(value)
}
