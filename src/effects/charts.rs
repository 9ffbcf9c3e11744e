//! Charts of the repository: where they lie, and their files.

use crate::deliveries::releases::Chart;
use offline_helm::{ChartError, File, folder};
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
        Chart::Named { name, version, home } => {
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
