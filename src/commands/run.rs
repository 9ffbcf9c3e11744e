//! The straight line that every command walks: scan, parse, plan.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::deploy;
use super::mentions;
use super::parallel;
use super::progress::Progress;
use super::releases::{self, Filled, Made};
use super::settings::{Settings, shown};
use crate::config::{self, Config};
use crate::deliveries::delivery::{self, DeliveryFacts};
use crate::deliveries::graph::Graph;
use crate::deliveries::releases::Chart;
use crate::effects::apply::{self, Refused};
use crate::effects::facts;
use crate::effects::scan;
use crate::effects::source::{self, Source};
use crate::objects::marks::Marks;
use crate::objects::read::{self, FileFacts, Skip, SkipReason};
use crate::plan::closure::Closure;
use crate::plan::finding::{Code, Finding, Severity};
use crate::plan::mentions::{Mention, findings};
use crate::plan::{Addition, File, Plan, ignores, notices, pull_secrets, remarks};
use crate::report::json::Summary;
use lossless_yaml::span::Position;

/// A scanned and planned repository.
pub struct Run {
    /// What the run is about.
    pub settings: Settings,
    /// Every file, sorted by path.
    pub files: Vec<File>,
    /// What to do and say.
    pub plan: Plan,
    /// Images that are named although no pod spec has them.
    pub mentions: Vec<Mention>,
    digests: Vec<u64>,
    /// Where everything is deployed.
    pub graph: Graph,
    /// The charts that releases ask for.
    pub charts: Vec<Chart>,
}

/// A file with its changes applied, not written yet.
pub struct Changed<'r> {
    /// Path relative to the root.
    pub path: &'r str,
    /// Path on disk.
    pub on_disk: PathBuf,
    /// Its text now.
    pub before: String,
    /// Its text then.
    pub after: String,
    /// Entries added.
    pub additions: usize,
}

impl Run {
    /// Scans and plans.
    ///
    /// # Errors
    /// A path that is named and cannot be read.
    pub fn new(settings: Settings) -> Result<Self> {
        let mut settings = settings;
        let (own, _) = facts::read(&settings.root, &settings.base)?;
        let mut made = Made::default();
        let mut rounds = 0..ROUNDS;
        let (mut files, digests, mut graph, filled) = loop {
            let (mut files, mut digests) = scanned(&settings)?;
            made.tell(&mut files, &settings.root);
            releases::announce(&mut files);
            let mut graph = deploy::resolve(&mut files, &settings, settings.destination.as_deref());
            let filled = releases::fill(&mut files, &mut graph, &settings, &own, &made, |file, text| {
                digests[file] = digest(text)
            });
            // What charts make that deploys more is followed in one more round.
            if rounds.next().is_none() || filled.made.is_full() || filled.made == made {
                break (files, digests, graph, filled);
            }
            made = filled.made;
        };
        let Filled { findings: fails, mentions: mut mentioned, charts, .. } = filled;
        refuse_nothing(&files, &graph, &charts, &settings)?;
        deploy::tell_targets(&mut files, &mut graph, &mut settings)?;
        let mut plan = pull_secrets::plan(&files, &graph.builds, &settings.config);
        plan.findings.extend(notices::findings(&graph, &files, &settings.config));
        plan.findings.extend(fails);
        mentioned.extend(mentions::of_others(&files, &settings));
        mentioned.extend(mentions::of_builds(&files, &graph));
        mentioned.extend(mentions::of_sources(&files, &settings.config));
        mentioned.sort_by(|a, b| (&a.file, a.position).cmp(&(&b.file, b.position)));
        let mut run = Self { settings, files, plan, mentions: mentioned, digests, graph, charts };
        run.weighed();
        Ok(run)
    }

    /// Adds what only a check tells, and takes out what comments ignore; `now` is in seconds since 1970. `sealed` are the
    /// namespaces and names of Secrets in files that do not show them.
    pub fn audit(&mut self, now: u64, sealed: &[(String, String)]) {
        let closure = self.closure(sealed).findings(&self.files);
        self.plan.findings.extend(closure);
        self.plan.findings.extend(remarks::findings(&self.files, now));
        let unselected: BTreeSet<&str> =
            self.files.iter().filter(|file| !file.selected).map(|file| &*file.path).collect();
        let is_selected = |path: &str| !unselected.contains(path);
        let mentioned = findings(&self.settings.config, &self.mentions, is_selected);
        self.plan.findings.extend(mentioned);
        ignores::apply(&self.files, &mut self.plan.findings);
        self.weighed();
    }

    /// What the repository ships, for a look at what pods ask for.
    pub fn closure<'r>(&'r self, sealed: &'r [(String, String)]) -> Closure<'r> {
        let Self { files, graph, settings, .. } = self;
        let mut closure = Closure::new(files, graph, &settings.config);
        for (namespace, name) in sealed {
            closure.ships(namespace, name);
        }
        closure
    }

    /// Whether a finding is among those that the audit left, and more than a note.
    pub fn stands(&self, finding: &Finding) -> bool {
        let key = |f: &Finding| (f.position, f.code);
        let of_file = self.plan.findings.partition_point(|f| f.file < finding.file);
        let mut same = self.plan.findings[of_file..].iter().take_while(|f| f.file == finding.file);
        same.any(|f| key(f) == key(finding) && f.severity > Severity::Note)
    }

    fn weighed(&mut self) {
        let mut findings = std::mem::take(&mut self.plan.findings);
        self.weigh(&mut findings);
        sort(&mut findings);
        // Pods of one release lack the same at the same place.
        findings.dedup();
        self.plan.findings = findings;
    }

    /// Gives findings the severity that the configuration wants for them.
    pub fn weigh(&self, findings: &mut Vec<Finding>) {
        let Settings { config, root, base, .. } = &self.settings;
        weigh(findings, config, |file| {
            let path = root.join(file);
            shown(path.strip_prefix(base).unwrap_or(&path))
        });
    }

    /// Finishes every file that changes, on several threads, and hands it to `each`; the results come in order of
    /// the files. A file that cannot be changed with certainty becomes a finding, and what it lacks is no change
    /// any more.
    pub fn changes<T: Send>(&mut self, each: impl Fn(Changed<'_>) -> T + Sync) -> Vec<T> {
        let groups: Vec<&[Addition]> = self.plan.additions.chunk_by(|a, b| a.file == b.file).collect();
        let results = parallel::compute_and_write(
            &groups,
            self.settings.scan.threads,
            |group| self.finish(group[0].file, group),
            |result| result.map(&each),
        );
        let mut changed = Vec::with_capacity(results.len());
        let mut refusals = Vec::new();
        for (group, result) in groups.iter().zip(results) {
            match result {
                Ok(result) => changed.push(result),
                Err(refused) => refusals.push((group[0].file, refused)),
            }
        }
        for (file, refused) in refusals {
            refuse(&mut self.plan.findings, &self.files[file].path, refused);
        }
        sort(&mut self.plan.findings);
        changed
    }

    fn finish(&self, index: usize, additions: &[Addition]) -> Result<Changed<'_>, Refused> {
        let file = &self.files[index];
        let refused = |reason: String| Refused { position: Position::START, reason };
        let on_disk = self.settings.root.join(&file.path);
        let before = match source::read(&on_disk) {
            Ok(Source::Text(text)) if digest(&text) == self.digests[index] => text,
            Ok(_) => return Err(refused("the file changed during the run".to_owned())),
            Err(error) => return Err(refused(error.to_string())),
        };
        let facts = file.facts.as_ref().map_err(|reason| refused(reason.clone()))?;
        let additions: Vec<&Addition> = additions.iter().collect();
        let after = apply::finished(&before, facts, &additions)?;
        let count = additions.iter().map(|addition| addition.names.len()).sum();
        Ok(Changed { path: &file.path, on_disk, before, after, additions: count })
    }

    /// Counts of the run, findings included.
    pub fn summary(&self) -> Summary {
        let selected = || self.files.iter().filter(|file| file.selected);
        let facts = || selected().filter_map(|file| file.facts.as_ref().ok());
        let objects = || facts().flat_map(|facts| &facts.objects);
        let mut summary = Summary {
            files: selected().count(),
            documents: facts().map(|facts| facts.documents).sum(),
            pod_specs: objects().filter(|o| !o.is_service_account()).map(|o| o.pod_specs.len()).sum(),
            changes: self.plan.findings.iter().filter(|f| f.code == Code::PullSecretMissing).count(),
            ..Summary::default()
        };
        summary.count(&self.plan.findings);
        summary
    }
}

/// Rounds in which what charts make is followed: apps of apps of apps, and no chart that makes itself.
const ROUNDS: usize = 5;

/// Every file, sorted by path, and the digests of their texts.
fn scanned(settings: &Settings) -> Result<(Vec<File>, Vec<u64>)> {
    let progress = Progress::new(settings.quiet);
    let read = |path: &Path| {
        progress.file();
        facts_of(path, settings)
    };
    let (mut found, failures) = scan::walk(&settings.root, settings.scan, read);
    for path in &settings.paths {
        // A path that is named beats every filter.
        if path.is_file() {
            if !found.iter().any(|(known, _)| known == path) {
                found.push((path.clone(), read(path)));
            }
        } else if path.is_dir() {
            let everything = scan::Options { no_ignore: true, ..settings.scan };
            if !found.iter().any(|(known, _)| known.starts_with(path)) {
                found.extend(scan::walk(path, everything, read).0);
            }
        } else {
            bail!("{}: not a file or folder", path.display());
        }
    }
    drop(progress);
    found.sort_by(|(a, _), (b, _)| scan::order(a, b));
    let mut files = Vec::with_capacity(found.len());
    let mut digests = Vec::with_capacity(found.len());
    for (_, Read { path, selected, facts, delivery, digest }) in found {
        let delivery = delivery.filter(|_| facts.is_ok());
        files.push(File { delivery, ..File::new(path, selected, facts) });
        digests.push(digest);
    }
    for failure in failures {
        let path = relative(settings, &failure.path);
        let selected = settings.selects(&failure.path);
        files.push(File::new(path, selected, Err(failure.reason)));
        digests.push(0);
    }
    chart_templates(&mut files, &settings.root);
    Ok((files, digests))
}

/// Refuses to look at nothing: an empty answer must not pass for a clean one.
///
/// # Errors
/// `deliveredOnly` leaves no object, and nothing asks for a chart.
fn refuse_nothing(files: &[File], graph: &Graph, charts: &[Chart], settings: &Settings) -> Result<()> {
    if graph.undelivered > 0 && charts.is_empty() && files.iter().all(|file| file.objects().is_empty()) {
        bail!(
            "{}: `spec.paths.deliveredOnly` leaves nothing to look at: nothing deploys any of {}\n\
             hint: leave it out where other repositories or a pipeline deploy these files",
            settings.config_file.as_deref().unwrap_or_default(),
            crate::report::text::count(graph.undelivered, "file")
        );
    }
    Ok(())
}

/// What lies in the `templates` of a chart is Helm's to fill in, whatever it looks like.
fn chart_templates(files: &mut [File], root: &Path) {
    let folders = template_folders(files, root);
    if folders.is_empty() {
        return;
    }
    for file in files.iter_mut().filter(|file| is_template(&folders, &file.path)) {
        notices::leave_to_helm(file);
    }
}

/// The `templates` folders of charts, with a slash at the end; empty where `root` itself lies in one.
pub fn template_folders(files: &[File], root: &Path) -> BTreeSet<String> {
    let is_chart = |folder: &Path| folder.parent().is_some_and(|chart| chart.join("Chart.yaml").is_file());
    if root.ancestors().any(|folder| folder.ends_with("templates") && is_chart(folder)) {
        return [String::new()].into();
    }
    files
        .iter()
        .filter_map(|file| Some(file.path.strip_suffix("Chart.yaml")?.to_owned() + "templates/"))
        .filter(|folder| folder == "templates/" || folder.ends_with("/templates/"))
        .collect()
}

/// Whether a file lies in one of these folders.
pub fn is_template(folders: &BTreeSet<String>, path: &str) -> bool {
    let mut slashes = path.match_indices("templates/").map(|(at, text)| &path[..at + text.len()]);
    folders.contains("") || slashes.any(|folder| folders.contains(folder))
}

fn relative(settings: &Settings, path: &Path) -> String {
    shown(path.strip_prefix(&settings.root).unwrap_or(path))
}

/// Gives findings the severity that the configuration wants for them; `below` turns the file of a finding into its path
/// below the configuration's folder.
pub fn weigh(findings: &mut Vec<Finding>, config: &Config, below: impl Fn(&str) -> String) {
    if config.findings.is_empty() {
        return;
    }
    findings.retain_mut(|finding| {
        let rule = config.rule_for_finding(finding.code.name(), &below(&finding.file));
        match rule.map(|rule| rule.severity) {
            None => {}
            Some(config::Severity::Ignore) => return false,
            Some(config::Severity::Error) => finding.severity = Severity::Error,
            Some(config::Severity::Warning) => finding.severity = Severity::Warning,
            Some(config::Severity::Note) => finding.severity = Severity::Note,
        }
        true
    });
}

/// The order in which findings are shown.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| (&a.file, a.position, a.code).cmp(&(&b.file, b.position, b.code)));
}

/// The same for findings of several sources.
pub fn sort_by_place(findings: &mut [&Finding]) {
    findings.sort_by(|a, b| (&a.file, a.position, a.code).cmp(&(&b.file, b.position, b.code)));
}

/// A file that cannot be changed: its missing secrets are not changes any more.
fn refuse(findings: &mut Vec<Finding>, path: &str, refused: Refused) {
    findings.retain(|finding| {
        finding.file != path || !matches!(finding.code, Code::PullSecretMissing | Code::JobImmutable)
    });
    findings.push(Finding {
        code: Code::EditRefused,
        severity: Severity::Error,
        file: path.to_owned(),
        position: refused.position,
        message: refused.reason,
        hint: Some("the file was left as it is; add the entries by hand".to_owned()),
        object: None,
    });
}

/// What one file gives.
struct Read {
    /// Relative to the root.
    path: String,
    selected: bool,
    facts: Result<FileFacts, String>,
    delivery: Option<Box<DeliveryFacts>>,
    /// Of the text; 0 where it is never needed.
    digest: u64,
}

fn facts_of(file: &Path, settings: &Settings) -> Read {
    let (path, selected) = (relative(settings, file), settings.selects(file));
    let facts = match source::read(file) {
        Ok(Source::Text(text)) => {
            let marks = Marks::of(&text);
            let facts = read::read(&text, marks, &settings.kinds);
            let delivery = delivery::read(&path, &text, marks);
            // Only files that may be edited are ever compared with what they were.
            let digest = if facts.objects.is_empty() { 0 } else { digest(&text) };
            return Read { path, selected, facts: Ok(facts), delivery, digest };
        }
        Ok(Source::TooLarge(size)) => {
            let detail = format!("{} MB, the limit is {} MB", size >> 20, source::MAX_BYTES >> 20);
            let skip = Skip { position: Position::START, reason: SkipReason::TooLarge, detail };
            Ok(FileFacts { skips: vec![skip], ..FileFacts::default() })
        }
        Ok(Source::Unusable { reason, matters: true }) => Err(reason.to_owned()),
        Ok(Source::Unusable { .. }) => Ok(FileFacts::default()),
        Err(error) => Err(error.to_string()),
    };
    Read { path, selected, facts, delivery: None, digest: 0 }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}
