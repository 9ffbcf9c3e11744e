//! Charts on the disk: where they lie, their files, and the values that are given for them.

mod folder;

use super::source::{self, Source};
use crate::deliveries::releases::Chart;
use anyhow::{Context, Result, bail};
use offline_helm::{ChartError, File, Layer};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder or archive of a chart below the repository's root, if it is there; `folders` are those in which charts are kept.
pub fn find(root: &Path, folders: &[PathBuf], chart: &Chart) -> Option<PathBuf> {
    let inside = |path: PathBuf| {
        let real = fs::canonicalize(path).ok()?;
        let is_chart = real.join("Chart.yaml").is_file() || real.extension().is_some_and(|end| end == "tgz");
        (real.starts_with(root) && is_chart).then_some(real)
    };
    match chart {
        Chart::Folder(path) => inside(root.join(path)),
        Chart::Elsewhere => None,
        Chart::Named { name, version, home, .. } => {
            // A name that is a path leads nowhere.
            if name.is_empty()
                || name.contains(['\\', '\0'])
                || name.split('/').any(|part| matches!(part, "." | ".." | ""))
            {
                return None;
            }
            let homes = home.iter().map(|home| root.join(home)).chain(folders.iter().cloned());
            let versioned = format!("{name}-{version}");
            homes.flat_map(|home| places(&home, name, &versioned)).find_map(inside)
        }
    }
}

fn places(home: &Path, name: &str, versioned: &str) -> Vec<PathBuf> {
    vec![
        home.join(versioned).join(name),
        home.join(versioned),
        home.join(format!("{versioned}.tgz")),
        home.join(name),
    ]
}

/// The files of a chart; links lead nowhere outside of `root`.
///
/// # Errors
/// What cannot be read, or leads out.
pub fn read(root: &Path, chart: &Path) -> Result<Vec<File>, ChartError> {
    folder::read_within(chart, root)
}

/// Whether a path is a chart: a folder with Chart.yaml, or a packed one.
pub fn is_chart(path: &Path) -> bool {
    if path.is_dir() {
        return path.join("Chart.yaml").is_file();
    }
    path.extension().is_some_and(|ending| ending == "tgz" || ending == "gz") && path.is_file()
}

/// A values file; `-` is stdin.
///
/// # Errors
/// When it is not there or no text; nothing is fetched.
pub fn values(start: &Path, name: &str) -> Result<Layer> {
    Ok(Layer::File { name: name.to_owned(), text: text(start, name)? })
}

/// A line of `--set-file` with what its files hold.
///
/// # Errors
/// When one of them is not there or no text.
pub fn contents(start: &Path, line: &str) -> Result<Layer> {
    let names = Layer::files_of(line).into_iter();
    let files: BTreeMap<String, String> =
        names.map(|name| Ok((name.clone(), text(start, &name)?))).collect::<Result<_>>()?;
    Ok(Layer::Content { line: line.to_owned(), files })
}

fn text(start: &Path, name: &str) -> Result<String> {
    let source = if name.trim() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).context("stdin")?;
        source::judge(bytes)
    } else if name.starts_with("https://") || name.starts_with("http://") || name.starts_with("oci://") {
        bail!("`{name}`: nothing is fetched\nhint: download it and give the file");
    } else {
        source::read(&start.join(name)).with_context(|| name.to_owned())?
    };
    match source {
        Source::Text(text) => Ok(text),
        Source::TooLarge(_) => bail!("{name}: too large"),
        Source::Unusable { reason, .. } => bail!("{name}: {reason}"),
    }
}
