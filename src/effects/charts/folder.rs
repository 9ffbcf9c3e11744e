//! Charts on a disk: a folder, or an archive.

use offline_helm::{ChartError, File, Rules, unpack, without_mark};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Helm's limit of one file.
const MOST_FILE: u64 = 5 << 20;

/// What is packed is no larger than what comes out of it may be.
const MOST_ARCHIVE: u64 = 100 << 20;

/// No chart has as many files.
const MOST_FILES: usize = 50_000;

/// The files of a chart that is a folder or a `.tgz`, without what its `.helmignore` leaves out. Links are followed, as Helm does, but not
/// out of `within`: a real path, without links of its own.
///
/// # Errors
/// What cannot be read, what is larger than Helm allows, and a link that leads out.
pub fn read_within(path: &Path, within: &Path) -> Result<Vec<File>, ChartError> {
    let wrong = |error: std::io::Error| ChartError::new(None, format!("{}: {error}", path.display()));
    let about = fs::metadata(path).map_err(wrong)?;
    if !about.is_dir() {
        if about.len() > MOST_ARCHIVE {
            let message = format!("{}: the archive is larger than {MOST_ARCHIVE} bytes", path.display());
            return Err(ChartError::new(None, message));
        }
        return unpack(&fs::read(path).map_err(wrong)?);
    }
    let ignored = match fs::read(path.join(".helmignore")) {
        Ok(text) => Rules::parse(&String::from_utf8_lossy(&text)),
        Err(_) => Rules::parse(""),
    };
    let rules = ignored.map_err(|message| ChartError::new(Some(".helmignore"), message))?;
    let mut walk = Walk { rules, files: Vec::new(), above: BTreeSet::new(), within: within.to_path_buf() };
    walk.folder(path, fs::canonicalize(path).map_err(wrong)?, "")?;
    Ok(walk.files)
}

struct Walk {
    rules: Rules,
    files: Vec<File>,
    /// The real folders above, so that a link into one of them ends.
    above: BTreeSet<PathBuf>,
    /// What no link may lead out of.
    within: PathBuf,
}

impl Walk {
    /// Reads a folder of that name in the chart; `real` is its path without links.
    fn folder(&mut self, path: &Path, real: PathBuf, name: &str) -> Result<(), ChartError> {
        let wrong =
            |error: std::io::Error| ChartError::new((!name.is_empty()).then_some(name), error.to_string());
        if !self.above.insert(real.clone()) {
            return Err(ChartError::new(Some(name), "a link leads back to a folder above it"));
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(path).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            entries.push((entry.file_name(), entry.file_type().map_err(wrong)?.is_symlink()));
        }
        entries.sort();
        for (entry, is_link) in entries {
            let below = path.join(&entry);
            // Only a link leads elsewhere.
            let real = if is_link { None } else { Some(real.join(&entry)) };
            let entry = entry.to_string_lossy();
            let inner = if name.is_empty() { entry.into_owned() } else { format!("{name}/{entry}") };
            self.entry(&below, real, inner)?;
        }
        self.above.remove(&real);
        Ok(())
    }

    fn entry(&mut self, path: &Path, real: Option<PathBuf>, name: String) -> Result<(), ChartError> {
        let wrong = |message: String| ChartError::new(Some(&name), message);
        let about = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        let real =
            real.map_or_else(|| fs::canonicalize(path), Ok).map_err(|error| wrong(error.to_string()))?;
        if !real.starts_with(&self.within) {
            return Err(wrong("a link leads out of the repository".to_owned()));
        }
        if self.rules.ignores(&name, about.is_dir()) {
            return Ok(());
        }
        if about.is_dir() {
            return self.folder(path, real, &name);
        }
        if !about.is_file() {
            return Err(wrong("neither a file nor a folder".to_owned()));
        }
        if about.len() > MOST_FILE {
            return Err(wrong(format!("the file is larger than the maximum file size {MOST_FILE}")));
        }
        if self.files.len() >= MOST_FILES {
            return Err(wrong(format!("the chart has more than {MOST_FILES} files")));
        }
        let data = fs::read(path).map_err(|error| wrong(error.to_string()))?;
        self.files.push(File { name, data: without_mark(data) });
        Ok(())
    }
}
