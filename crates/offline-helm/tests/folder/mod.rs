//! The files of a chart's folder or archive, for tests and examples: the crate itself reads no disk.

use offline_helm::{File, Rules, unpack, without_mark};
use std::fs;
use std::path::Path;

/// Reads what is not left out by the folder's .helmignore.
pub fn read(chart: &Path) -> Result<Vec<File>, Box<dyn std::error::Error>> {
    if chart.is_file() {
        return Ok(unpack(&fs::read(chart)?)?);
    }
    let rules = Rules::parse(&fs::read_to_string(chart.join(".helmignore")).unwrap_or_default())?;
    let mut files = Vec::new();
    let mut waiting = vec![(chart.to_path_buf(), String::new())];
    while let Some((path, inner)) = waiting.pop() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = format!("{inner}{}", entry.file_name().to_string_lossy());
            let is_folder = entry.path().is_dir();
            if rules.ignores(&name, is_folder) {
                continue;
            }
            if is_folder {
                waiting.push((entry.path(), format!("{name}/")));
            } else {
                files.push(File { name, data: without_mark(fs::read(entry.path())?) });
            }
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}
