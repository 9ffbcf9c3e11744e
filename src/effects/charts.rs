//! Charts on the disk: where they lie, their files, and the values that are given for them.

mod folder;

use super::source::{self, Source};
use crate::deliveries::facts::major;
use crate::deliveries::releases::Chart;
use anyhow::{Context, Result, bail};
use offline_helm::functions::version_fits;
use offline_helm::{ChartError, File, Layer};
use offline_kustomize::documents::documents;
use offline_kustomize::value::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A chart that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its folder or archive.
    pub path: PathBuf,
    /// Its version, if that is another one than is asked for, of the same major.
    pub other_version: Option<String>,
}

/// The folder or archive of a chart below the repository's root, if it is there; `folders` are those in which charts are kept.
///
/// # Errors
/// The versions that are there, if none is asked for, or more than one.
pub fn find(root: &Path, folders: &[PathBuf], chart: &Chart) -> Result<Option<Found>, Vec<String>> {
    let inside = |path: &Path| {
        let real = fs::canonicalize(path).ok()?;
        let is_chart = real.join("Chart.yaml").is_file() || real.extension().is_some_and(|end| end == "tgz");
        (real.starts_with(root) && is_chart).then_some(real)
    };
    let here = |path| Found { path, other_version: None };
    let (name, version, home) = match chart {
        Chart::Folder(path) => return Ok(inside(&root.join(path)).map(here)),
        Chart::Elsewhere => return Ok(None),
        Chart::Named { name, version, home, .. } => (name, version.trim(), home),
    };
    // A name that is a path leads nowhere.
    let is_path = |part: &str| matches!(part, "." | ".." | "");
    if name.is_empty() || name.contains(['\\', '\0']) || name.split('/').any(is_path) {
        return Ok(None);
    }
    let homes = home.iter().map(|home| root.join(home)).chain(folders.iter().cloned());
    let versioned = format!("{name}-{version}");
    let exact = |home: PathBuf| {
        let archive = home.join(format!("{versioned}.tgz"));
        [home.join(&versioned).join(name), home.join(&versioned), archive]
    };
    if let Some(path) = homes.flat_map(exact).find_map(|path| inside(&path)) {
        return Ok(Some(here(path)));
    }
    // A builder takes what lies beside it, whatever version that is.
    if let Some(path) = home.iter().find_map(|home| inside(&root.join(home).join(name))) {
        return Ok(Some(here(path)));
    }
    let kept: Vec<(String, PathBuf)> = folders
        .iter()
        .flat_map(|folder| kept(folder, name))
        .filter_map(|(named, path)| {
            let path = inside(&path)?;
            Some((named.or_else(|| self::version(&path)).unwrap_or_default(), path))
        })
        .collect();
    choose(kept, version)
}

/// The chart that a release gets of those that are kept, each with its version: the one that it asks for, or the only one of that major.
fn choose(kept: Vec<(String, PathBuf)>, asked: &str) -> Result<Option<Found>, Vec<String>> {
    let range = if asked.is_empty() { "*" } else { asked };
    let fits = |version: &str| version.is_empty() || version == asked || version_fits(range, version);
    let of_major = |version: &str| major(version).is_some() && major(version) == major(asked);
    let all = |test: &dyn Fn(&str) -> bool| -> Vec<&(String, PathBuf)> {
        kept.iter().filter(|(version, _)| test(version)).collect()
    };
    let found = |path: &Path, other_version| Some(Found { path: path.to_owned(), other_version });
    match (all(&fits).as_slice(), all(&of_major).as_slice()) {
        ([(_, path)], _) => Ok(found(path, None)),
        ([], [(version, path)]) => Ok(found(path, Some(version.clone()))),
        ([], []) if kept.is_empty() => Ok(None),
        _ => Err(kept.iter().map(|(version, _)| version.clone()).collect()),
    }
}

/// What a folder keeps of a chart: a folder with its name, and those and archives with its name and version.
fn kept(folder: &Path, name: &str) -> Vec<(Option<String>, PathBuf)> {
    let own = folder.join(name);
    let Some(folder) = own.parent().map(Path::to_path_buf) else { return Vec::new() };
    let mut kept = vec![(None, own)];
    let start = format!("{}-", name.rsplit('/').next().unwrap_or(name));
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let entry = entry.file_name();
        let Some(version) = entry.to_str().and_then(|entry| entry.strip_prefix(&start)) else { continue };
        let version = version.strip_suffix(".tgz").unwrap_or(version);
        if version_fits(">=0.0.0-0", version) {
            kept.push((Some(version.to_owned()), folder.join(&entry)));
        }
    }
    kept.sort();
    kept
}

/// The version of a chart that is a folder.
fn version(chart: &Path) -> Option<String> {
    let Source::Text(text) = source::read(&chart.join("Chart.yaml")).ok()? else { return None };
    let documents = documents(&text).ok()?;
    documents.first()?.str_at("version").map(str::to_owned)
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

/// Whether the chart in a folder below the repository's root does nothing but name others, of other places: in a repository of
/// deployments such a one is the repository's own, and so are its values. What is published says where it comes from, or has pods itself.
pub fn is_wrapper(root: &Path, chart: &Path) -> bool {
    // Most charts are told by these alone.
    let heads = heads(chart);
    names_others(&heads) && !is_published(&heads) && has_no_pods(root, chart)
}

/// Whether a chart is the repository's own: what is published says where it comes from.
pub fn is_own(chart: &Path) -> bool {
    !is_published(&heads(chart))
}

/// What a chart says of itself.
fn heads(chart: &Path) -> Vec<Value> {
    let text = |name: &&str| match source::read(&chart.join(name)) {
        Ok(Source::Text(text)) => Some(text),
        _ => None,
    };
    let texts = ["Chart.yaml", "requirements.yaml"];
    texts.iter().filter_map(text).flat_map(|text| documents(&text).unwrap_or_default()).collect()
}

fn is_published(heads: &[Value]) -> bool {
    heads.iter().any(|head| head.get("home").is_some() || head.get("sources").is_some())
}

fn names_others(heads: &[Value]) -> bool {
    // What names no place stands in the chart's own `charts` folder, or nowhere.
    let is_elsewhere = |place: &Value| place.as_str().is_some_and(|place| !place.is_empty());
    let mut others = heads.iter().flat_map(|head| head.get("dependencies").map_or(&[][..], Value::items));
    others.any(|other| other.get("repository").is_some_and(is_elsewhere))
}

/// Whether the chart in a folder below the repository's root has no pods itself.
pub fn has_no_pods(root: &Path, chart: &Path) -> bool {
    read(root, chart).is_ok_and(|files| !files.iter().any(has_pods))
}

/// Whether a file is a template of the chart itself that may make pods.
pub fn has_pods(file: &File) -> bool {
    file.name.starts_with("templates/") && String::from_utf8_lossy(&file.data).contains("ontainers:")
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
