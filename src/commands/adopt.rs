//! `adopt`: registry Secrets in clear become encrypted ones, all of them or none.
//!
//! A file that holds nothing else is encrypted where it stands; else each Secret moves to a file of its own beside it, which is
//! listed where the old one is. No cluster lacks a Secret on the way: new files first, then the lists, then the old files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use zeroize::Zeroizing;

use super::args::{AdoptArgs, ChangeArgs, Common};
use super::ending;
use super::exit::Exit;
use super::run::{Run, is_template, template_folders};
use super::secrets::{Options, Place, Secrets, apply};
use super::settings::Settings;
use super::start::{now, wait};
use super::terminal::Terminal;
use crate::config::Format;
use crate::deliveries::graph::Role;
use crate::effects::apply::elders;
use crate::effects::clone::{Memory, random};
use crate::effects::look::holds;
use crate::effects::recipients::{Audience, Audiences};
use crate::effects::seal::names;
use crate::effects::source::{self, Source};
use crate::objects::dockerconfig::Auths;
use crate::objects::read::{FileFacts, SkipReason};
use crate::objects::secret::Head;
use crate::plan::File;
use crate::plan::adopt::{self, Found, Shape};
use crate::plan::finding::{Code, Finding};
use crate::plan::resources::Kustomization;
use crate::plan::secrets::supply::registry_of;
use crate::plan::{ignores, remarks};
use crate::report::{diff, plain, text};
use lossless_yaml::span::Position;
use offline_kustomize::repository::{folder, join};
use sops_age::document::{Timestamp, parse_plain};
use sops_age::in_place::{concealed, encrypt_in_place};

/// Runs the command.
///
/// # Errors
/// Settings that make no sense, a recipient that cannot be used, or a file that cannot be written.
pub fn run(common: &Common, arguments: &AdoptArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let changes = arguments.changes;
    let settings = Settings::resolve(common, &arguments.paths, &[])?;
    let _lock = if changes.dry_run { None } else { Some(wait(&settings, terminal)?) };
    let run = Run::new(settings)?;
    let mut clear = remarks::findings(&run.files, now());
    clear.retain(|finding| finding.code == Code::SecretPlaintext);
    ignores::apply(&run.files, &mut clear);
    let mut job = Job::new(&run)?;
    job.plan(&clear)?;
    let refused = std::mem::take(&mut job.refused);
    if !refused.is_empty() {
        let refused: Vec<&Finding> = refused.iter().collect();
        terminal
            .out
            .write_all(text::findings(&refused, ending::all(common), terminal.out_style).as_bytes())?;
        bail!("nothing was written, for not every Secret in clear can be encrypted");
    }
    let files = job.write(common, changes, terminal)?;
    // What is no Secret of a kubelet's is somebody else's to move.
    let left: Vec<&Finding> = clear.iter().filter(|finding| !job.answers(finding)).collect();
    terminal.err.write_all(text::findings(&left, ending::all(common), terminal.err_style).as_bytes())?;
    if !common.quiet {
        job.conclude(changes, terminal)?;
    }
    Ok(match () {
        () if !left.is_empty() => Exit::Error,
        () if changes.exit_code && files > 0 => Exit::Findings,
        () => Exit::Clean,
    })
}

/// All that happens.
struct Job<'r> {
    run: &'r Run,
    place: Option<Place>,
    audiences: Audiences,
    templates: BTreeSet<String>,
    /// Namespace and name of the Secrets that the configuration wants.
    wanted: BTreeSet<(String, String)>,
    /// The kustomizations, read when the first file is taken apart.
    kustomizations: Option<Vec<Kustomization>>,
    adopted: Vec<Adopted>,
    /// Texts of kustomizations, by path: as they are and as they will be.
    lists: BTreeMap<String, (String, String)>,
    refused: Vec<Finding>,
}

/// One file of Secrets in clear.
struct Adopted {
    path: String,
    before: Zeroizing<String>,
    /// What stays in it; none when nothing does.
    after: Option<String>,
    /// The files that its Secrets move to, with their texts.
    moved: Vec<(String, String)>,
    found: Vec<Found>,
    audience: Audience,
    /// Files that are ours now, with their credentials.
    ours: Vec<(String, Auths)>,
}

/// A text that was encrypted.
struct Sealed {
    text: String,
    audience: Audience,
    /// Its path and what it holds, if it is ours now.
    ours: Option<(String, Auths)>,
}

/// What is done to a file: before it, and afterwards.
struct Verb(&'static str, &'static str);

impl<'r> Job<'r> {
    fn new(run: &'r Run) -> Result<Self> {
        let settings = &run.settings;
        let place = Place::of(settings);
        let (file, targets) = match &place {
            Some(place) => (place.file.as_str(), &settings.config.targets[..]),
            None => ("", &[][..]),
        };
        let audiences = Audiences::read(&settings.root, &settings.base, file, targets)?;
        // Without recipients for all of them, those that are known are.
        let planned = Secrets::plan(run, Options::default()).ok().flatten();
        let wanted =
            planned.into_iter().flat_map(|secrets| secrets.items).filter_map(|item| item.wanted).collect();
        Ok(Self {
            run,
            place,
            audiences,
            templates: template_folders(&run.files, &settings.root),
            wanted,
            kustomizations: None,
            adopted: Vec::new(),
            lists: BTreeMap::new(),
            refused: Vec::new(),
        })
    }

    /// Whether what a finding is about will be encrypted.
    fn answers(&self, finding: &Finding) -> bool {
        self.adopted.iter().any(|adopted| {
            adopted.path == finding.file && adopted.found.iter().any(|found| found.value == finding.position)
        })
    }

    /// Plans every file with one of these findings.
    fn plan(&mut self, clear: &[Finding]) -> Result<()> {
        let named: BTreeSet<&str> = clear.iter().map(|finding| finding.file.as_str()).collect();
        for file in self.run.files.iter().filter(|file| named.contains(&*file.path)) {
            let Source::Text(text) = source::read(&self.run.settings.root.join(&file.path))? else {
                continue;
            };
            let text = Zeroizing::new(text);
            let here = || clear.iter().filter(|finding| finding.file == file.path);
            if let Some(reason) = self.foreign(file, &text) {
                here().for_each(|finding| self.refuse(file, finding.position, reason.to_owned()));
                continue;
            }
            let wanted = |found: &Found| here().any(|finding| finding.position == found.value);
            let found: Vec<Found> = adopt::find(&text).into_iter().filter(wanted).collect();
            if found.is_empty() {
                continue;
            }
            if let Err((position, reason)) = self.file(file, text, found) {
                self.refuse(file, position, reason);
            }
        }
        Ok(())
    }

    /// Why what is in clear in a file is not ours to encrypt there.
    fn foreign(&self, file: &File, text: &str) -> Option<&'static str> {
        let is_skipped =
            |facts: &FileFacts| facts.skips.iter().any(|skip| skip.reason == SkipReason::Template);
        if is_template(&self.templates, &file.path) || file.facts.as_ref().is_ok_and(is_skipped) {
            return Some(
                "it is in a template\nhint: give the chart the name of a Secret that is a manifest of its own",
            );
        }
        let role = self.run.graph.roles.get(&file.path);
        if role == Some(&Role::Patch) {
            return Some("it is in a patch of a kustomization\nhint: move it to the Secret that it changes");
        }
        let is_generator = file.delivery.as_ref().is_some_and(|delivery| delivery.kustomization.is_some());
        if is_generator || role == Some(&Role::GeneratorInput) {
            return Some(
                "a kustomization generates a Secret of it\nhint: write the Secret as a manifest, or let ksops make it; \
                 `pullcred sync` writes those of the configuration",
            );
        }
        let mut head = text.lines().take_while(|line| line.starts_with('#') || line.trim().is_empty());
        let is_mark = |line: &str| {
            let line = line.to_lowercase();
            line.contains("do not edit") || line.contains("@generated") || line.contains("autogenerated")
        };
        head.any(is_mark)
            .then_some("the file is generated, as its head says\nhint: change what it is made of")
    }

    fn refuse(&mut self, file: &File, position: Position, reason: String) {
        let (reason, hint) = match reason.split_once("\nhint: ") {
            Some((reason, hint)) => (reason.to_owned(), Some(hint.to_owned())),
            None => (reason, None),
        };
        self.refused.push(Finding {
            code: Code::SecretPlaintext,
            severity: Code::SecretPlaintext.severity(),
            file: file.path.clone(),
            position,
            message: format!("a registry credential is here in clear, and cannot be encrypted: {reason}"),
            hint,
            object: None,
        });
    }

    /// Plans one file.
    fn file(
        &mut self,
        file: &File,
        before: Zeroizing<String>,
        found: Vec<Found>,
    ) -> Result<(), (Position, String)> {
        let first = found.first().map_or(Position::START, |found| found.position);
        let at = |position: Position| move |error: anyhow::Error| (position, format!("{error:#}"));
        let (mut sealed, mut moved) = (Vec::new(), Vec::new());
        let shape = adopt::shape(&before, &found).map_err(|refused| (refused.position, refused.reason))?;
        let after = match shape {
            Shape::Whole => {
                let one = found.first().filter(|_| found.len() == 1);
                let whole = self.sealed(file, &file.path, &before, one).map_err(at(first))?;
                let text = whole.text.clone();
                sealed.push(whole);
                Some(text)
            }
            Shape::Apart(pieces, rest) => {
                for (piece, found) in pieces.iter().zip(&found) {
                    let path = self.free(&file.path, found, &moved).map_err(at(found.position))?;
                    let own = self.sealed(file, &path, piece, Some(found)).map_err(at(found.position))?;
                    moved.push((path, own.text.clone()));
                    sealed.push(own);
                }
                let new: Vec<&str> = moved.iter().map(|(path, _)| path.as_str()).collect();
                self.list(&file.path, &new, rest.is_none()).map_err(at(first))?;
                rest
            }
        };
        proved(&file.path, after.as_deref(), &moved, &found).map_err(|reason| (first, reason))?;
        let audience = sealed.first().map(|sealed| sealed.audience.clone());
        let audience = audience.ok_or((first, "the file cannot be read".to_owned()))?;
        let ours = sealed.into_iter().filter_map(|sealed| sealed.ours).collect();
        let path = file.path.clone();
        self.adopted.push(Adopted { path, before, after, moved, found, audience, ours });
        Ok(())
    }

    /// Encrypts a text for a path; with our label if it is `one` Secret that the configuration wants.
    fn sealed(&mut self, file: &File, path: &str, text: &str, one: Option<&Found>) -> Result<Sealed> {
        let audience = self.audience(file, path)?;
        let label = one.and_then(|found| self.labelled(found, text));
        let auths = one.and_then(|found| found.auths.clone()).filter(|_| label.is_some());
        let text = encrypt(label.as_ref().map_or(text, |label| label.as_str()), &audience)?;
        Ok(Sealed { text, audience, ours: auths.map(|auths| (path.to_owned(), auths)) })
    }

    /// Who can decrypt what a file's Secrets become at `path`: the readers of every target that deploys them.
    fn audience(&mut self, file: &File, path: &str) -> Result<Audience> {
        let mut found: Option<Audience> = None;
        if let Some(place) = &self.place {
            let targets = &self.run.settings.config.targets;
            let roots = file.shipped.iter().flatten().filter_map(|deployment| deployment.root.as_deref());
            let roots: BTreeSet<&str> = roots.filter_map(|root| place.below(root)).collect();
            let roots = if roots.is_empty() { place.below(path).into_iter().collect() } else { roots };
            let fits = |root: &&str| targets.iter().position(|target| target.has(root));
            for target in roots.iter().filter_map(fits).collect::<BTreeSet<usize>>() {
                let audience = self.audiences.of(target, &targets[target], path)?;
                match &mut found {
                    None => found = Some(audience),
                    Some(all) => {
                        let more =
                            audience.recipients.into_iter().filter(|one| !all.recipients.contains(one));
                        let more: Vec<_> = more.collect();
                        all.recipients.extend(more);
                    }
                }
            }
        }
        let found = match found {
            Some(found) => Some(found),
            None => self.audiences.of_rule(path)?,
        };
        let found = found.with_context(|| {
            format!(
                "nobody could decrypt {path}: there are neither recipients nor a creation rule\n\
                 hint: `pullcred init` writes a configuration with recipients, or write a `.sops.yaml` with an `age` rule"
            )
        })?;
        // Where it stands, and beside it, only SOPS leaves a manifest.
        Ok(Audience { format: Format::Sops, ..found })
    }

    /// The text with our label, where the configuration wants a Secret of that name for the same registries there.
    fn labelled(&self, found: &Found, text: &str) -> Option<Zeroizing<String>> {
        let namespace = found.namespace.clone()?;
        let secret = self.run.settings.config.secrets.iter().find(|secret| secret.name == found.name)?;
        let auths = found.auths.as_ref()?;
        let hosts: BTreeSet<String> = auths.0.keys().map(|key| registry_of(key)).collect();
        let configured: BTreeSet<String> = secret.registries.iter().map(|key| registry_of(key)).collect();
        if !self.wanted.contains(&(namespace, found.name.clone())) || hosts != configured {
            return None;
        }
        let labelled = adopt::labelled(text)?;
        let trees = parse_plain(&labelled).ok()?;
        matches!(&trees[..], [tree] if Head::of(tree).is_some()).then_some(labelled)
    }

    /// A path beside a stream that nothing is at.
    fn free(&self, stream: &str, found: &Found, taken: &[(String, String)]) -> Result<String> {
        let name = found.name.as_str();
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            bail!("its name is none for a file");
        }
        let folder = folder(stream);
        let by_namespace = found.namespace.iter().map(|namespace| format!("{namespace}-{name}"));
        let names = std::iter::once(name.to_owned()).chain(by_namespace);
        let numbered = (2..100).map(|number| format!("{name}-{number}"));
        let path = |name: String| {
            if folder.is_empty() { format!("{name}.sops.yaml") } else { format!("{folder}/{name}.sops.yaml") }
        };
        let is_free = |path: &String| {
            let planned = self.adopted.iter().flat_map(|adopted| &adopted.moved).chain(taken);
            !planned.clone().any(|(other, _)| other == path)
                && std::fs::symlink_metadata(self.run.settings.root.join(path)).is_err()
        };
        names.chain(numbered).map(path).find(is_free).context("no name is free for its file")
    }

    /// Lists new files wherever a stream is listed, and takes out the stream when nothing is left of it.
    fn list(&mut self, stream: &str, new: &[&str], is_gone: bool) -> Result<()> {
        if self.kustomizations.is_none() {
            let root = &self.run.settings.root;
            let is_one = |file: &&File| {
                file.delivery.as_ref().is_some_and(|delivery| delivery.kustomization.is_some())
            };
            let read = |file: &File| match source::read(&root.join(&file.path)) {
                Ok(Source::Text(text)) => Kustomization::read(&file.path, text),
                _ => None,
            };
            self.kustomizations = Some(self.run.files.iter().filter(is_one).filter_map(read).collect());
        }
        let lists = |kustomization: &Kustomization| {
            let paths =
                kustomization.resources.iter().filter_map(|entry| join(kustomization.folder(), entry));
            paths.into_iter().any(|path| path == stream)
        };
        for kustomization in self.kustomizations.iter_mut().flatten().filter(|one| lists(one)) {
            let path = kustomization.path.clone();
            if !kustomization.lists(stream) {
                bail!(
                    "`{path}` lists the file from outside of its folder\nhint: move the Secret to a file of its own by hand"
                );
            }
            let gone: &[&str] = if is_gone { &[stream] } else { &[] };
            let after = kustomization.edited(new, gone).map_err(|reason| anyhow!("`{path}`: {reason}"))?;
            let before = kustomization.text.clone();
            self.lists.entry(path.clone()).or_insert_with(|| (before, String::new())).1.clone_from(&after);
            *kustomization = Kustomization::read(&path, after).context("a kustomization cannot be read")?;
        }
        Ok(())
    }

    /// Writes everything, or says what would be; how many files change.
    fn write(&self, common: &Common, changes: ChangeArgs, terminal: &mut Terminal<'_>) -> Result<usize> {
        let root = &self.run.settings.root;
        let style = terminal.out_style;
        let mut files = 0;
        let mut say = |verb: Verb, path: &str, about: &str, terminal: &mut Terminal<'_>| -> Result<()> {
            files += 1;
            if common.quiet {
                return Ok(());
            }
            let verb = if changes.dry_run { format!("would {}", verb.0) } else { verb.1.to_owned() };
            Ok(writeln!(terminal.err, "{verb} {} ({})", plain(path), plain(about))?)
        };
        for adopted in &self.adopted {
            for ((path, text), found) in adopted.moved.iter().zip(&adopted.found) {
                if !changes.dry_run {
                    apply::write(root, path, None, text)?;
                }
                say(
                    Verb("create", "created"),
                    path,
                    &format!("Secret {}, out of {}", found.display(), adopted.path),
                    terminal,
                )?;
                if changes.diff {
                    terminal.out.write_all(diff::render(path, None, Some(text), style).as_bytes())?;
                }
            }
        }
        for (path, (before, after)) in &self.lists {
            if !changes.dry_run {
                apply::write(root, path, Some(before), after)?;
            }
            say(Verb("change", "changed"), path, "resources", terminal)?;
            if changes.diff {
                let shown = diff::render(path, Some(before), Some(after), style);
                terminal.out.write_all(shown.as_bytes())?;
            }
        }
        for adopted in &self.adopted {
            let (path, before) = (&adopted.path, &adopted.before);
            match &adopted.after {
                _ if changes.dry_run => {}
                Some(after) => apply::write(root, path, Some(before), after)?,
                None => apply::remove(root, root, path)?,
            }
            let names: Vec<String> = adopted.found.iter().map(Found::display).collect();
            let verb = match (&adopted.after, adopted.moved.is_empty()) {
                (Some(_), true) => Verb("encrypt", "encrypted"),
                (Some(_), false) => Verb("change", "changed"),
                (None, _) => Verb("remove", "removed"),
            };
            let about = match adopted.moved.is_empty() {
                true => {
                    format!("Secret {} for {}", names.join(", "), self::names(&adopted.audience).join(", "))
                }
                false => format!("without Secret {}", names.join(", ")),
            };
            say(verb, path, &about, terminal)?;
            if changes.diff {
                terminal.out.write_all(shown(adopted, style).as_bytes())?;
            }
        }
        if !changes.dry_run {
            self.remember(root);
        }
        Ok(files)
    }

    /// What this clone wrote it can compare later; what cannot be remembered is merely unverified.
    fn remember(&self, root: &Path) {
        let Ok(mut memory) = Memory::load(root) else { return };
        for adopted in &self.adopted {
            for (path, auths) in &adopted.ours {
                let moved = adopted.moved.iter().find(|(other, _)| other == path).map(|(_, text)| text);
                let Some(text) = moved.or(adopted.after.as_ref()) else { continue };
                let known = holds(auths, &adopted.audience);
                let parts: Vec<&[u8]> = known.iter().map(|part| part.as_bytes()).collect();
                memory.remember(path, text.as_bytes(), &parts);
            }
        }
        let _ = memory.save();
    }

    /// Counts, and what encryption does not mend.
    fn conclude(&self, changes: ChangeArgs, terminal: &mut Terminal<'_>) -> Result<()> {
        let count = self.adopted.iter().map(|adopted| adopted.found.len()).sum();
        if count == 0 {
            return Ok(writeln!(terminal.err, "no registry Secret stands in clear")?);
        }
        let would = if changes.dry_run { "would be " } else { "" };
        writeln!(terminal.err, "{} {would}encrypted", text::count(count, "Secret"))?;
        let registries: BTreeSet<String> = self
            .adopted
            .iter()
            .flat_map(|adopted| &adopted.found)
            .filter_map(|found| found.auths.as_ref())
            .flat_map(|auths| auths.0.keys().map(|key| registry_of(key)))
            .collect();
        let registries: Vec<String> = registries.into_iter().collect();
        let at = if registries.is_empty() {
            String::new()
        } else {
            format!(" at {}", plain(&registries.join(", ")))
        };
        writeln!(
            terminal.err,
            "{}: Git keeps what was committed in clear: change the credentials{at}",
            terminal.err_style.yellow("warning")
        )?;
        Ok(())
    }
}

/// Proves that what a file becomes can be read and shows nothing of its Secrets.
fn proved(
    path: &str,
    after: Option<&str>,
    moved: &[(String, String)],
    found: &[Found],
) -> Result<(), String> {
    let moved = moved.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    for (path, text) in after.map(|text| (path, text)).into_iter().chain(moved) {
        elders(text).map_err(|refused| format!("`{path}` would be unreadable: {}", refused.reason))?;
        if let Some(line) = found.iter().find_map(|found| found.left_in(text)) {
            return Err(format!(
                "it would still stand at line {line} of `{path}` in clear\nhint: take it out there first: comments, and the \
                 annotation `kubectl.kubernetes.io/last-applied-configuration`, are not encrypted"
            ));
        }
    }
    Ok(())
}

/// The text encrypted where it stands.
fn encrypt(text: &str, audience: &Audience) -> Result<String> {
    let mut failure = None;
    let mut draw = |buffer: &mut [u8]| failure = random(buffer).err().or(failure.take());
    let now = Timestamp::from_unix(now());
    let new = encrypt_in_place(text, &audience.rules, &audience.recipients, &now, &mut draw);
    if let Some(error) = failure {
        return Err(error);
    }
    new.map_err(|error| anyhow!("{error}"))
}

/// What changes in a file of Secrets, without a value.
fn shown(adopted: &Adopted, style: crate::report::style::Style) -> String {
    let rules = &adopted.audience.rules;
    let Ok(before) = concealed(&adopted.before, rules) else { return String::new() };
    let after = match &adopted.after {
        Some(after) if !adopted.moved.is_empty() => match concealed(after, rules) {
            Ok(after) => Some(after),
            Err(_) => return String::new(),
        },
        after => after.clone(),
    };
    diff::render(&adopted.path, Some(&before), after.as_deref(), style)
}
