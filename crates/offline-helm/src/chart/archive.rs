//! Charts that are packed: `NAME-VERSION.tgz`.

use super::file::{ChartError, File};
use flate2::read::GzDecoder;
use std::io::Read as _;

/// Helm's limit of one file.
const MOST_FILE: u64 = 5 << 20;

/// Helm's limit of a whole chart.
const MOST_CHART: u64 = 100 << 20;

/// No chart has as many files.
const MOST_FILES: usize = 20_000;

/// The files of an archive, without its one folder at the top.
///
/// # Errors
/// What is no archive, what leads out of it, and what is larger than Helm allows.
pub fn unpack(data: &[u8]) -> Result<Vec<File>, ChartError> {
    let wrong = |message: String| ChartError::new(None, message);
    if !data.starts_with(&[0x1f, 0x8b]) {
        return Err(wrong("the file is no gzipped archive".to_owned()));
    }
    let mut archive = tar::Archive::new(GzDecoder::new(data).take(MOST_CHART + (8 << 20)));
    let mut files = Vec::new();
    let mut left = MOST_CHART;
    let entries = archive.entries().map_err(|error| wrong(format!("the archive cannot be read: {error}")))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| wrong(format!("the archive cannot be read: {error}")))?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).replace('\\', "/");
        let name = inner_name(&path).map_err(wrong)?;
        if entry.size() > left {
            return Err(wrong(format!(
                "decompressed chart is larger than the maximum file size {MOST_CHART}"
            )));
        }
        if entry.size() > MOST_FILE {
            return Err(wrong(format!(
                "decompressed chart file {path:?} is larger than the maximum file size {MOST_FILE}"
            )));
        }
        let mut data = Vec::new();
        entry
            .read_to_end(&mut data)
            .map_err(|error| wrong(format!("{path}: the archive cannot be read: {error}")))?;
        left = left.saturating_sub(data.len() as u64);
        files.push(File { name, data: without_mark(data) });
        if files.len() > MOST_FILES {
            return Err(wrong(format!("the archive holds more than {MOST_FILES} files")));
        }
    }
    if files.is_empty() {
        return Err(wrong("no files in chart archive".to_owned()));
    }
    Ok(files)
}

/// The path below the folder at the top.
fn inner_name(path: &str) -> Result<String, String> {
    let (top, name) = path.split_once('/').unwrap_or((path, ""));
    if top == "Chart.yaml" {
        return Err("chart yaml not in base directory".to_owned());
    }
    if name.starts_with('/') {
        return Err("chart illegally contains absolute paths".to_owned());
    }
    let name = String::from_utf8_lossy(&crate::functions::paths::clean(name.as_bytes())).into_owned();
    let drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    match name.as_str() {
        "." => Err(format!("chart illegally contains content outside the base directory: {path:?}")),
        name if name.starts_with("..") => Err("chart illegally references parent directory".to_owned()),
        _ if drive => Err("chart contains illegally named files".to_owned()),
        _ => Ok(name),
    }
}

/// Without a byte order mark, as Helm reads files.
pub fn without_mark(data: Vec<u8>) -> Vec<u8> {
    match data.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.to_vec(),
        None => data,
    }
}
