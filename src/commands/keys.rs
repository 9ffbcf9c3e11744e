//! `updatekeys` and `rotate`: who can open the Secrets of the whole repository, made so and then proved.
//!
//! `updatekeys` wraps the data keys of files with other recipients than configured and touches no value; `rotate` gives every
//! file a new data key. Afterwards each file is read from the disk again: none may keep a recipient that is not configured.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use super::args::{Common, KeysArgs};
use super::exit::Exit;
use super::parallel;
use super::run::Run;
use super::secrets::{Place, age_files, apply, grant, owned};
use super::settings::Settings;
use super::show::unopened;
use super::start::{from_start, now, wait};
use super::terminal::Terminal;
use super::trust;
use crate::config::{Config, Format};
use crate::effects::clone::{Memory, random};
use crate::effects::identities;
use crate::effects::look::{Look, Seen, holds};
use crate::effects::recipients::{Audience, Audiences};
use crate::effects::seal::{names, opened, seal};
use crate::effects::source::{self, Source};
use crate::plan::secrets::decide::{Content, Kind};
use crate::report::plain;
use crate::report::text;
use lossless_yaml::span::Position;
use sops_age::document::{Encrypted, Timestamp};
use sops_age::identity::{Identities, is_age_file};
use sops_age::recipients::same_recipient;
use sops_age::rewrite::{rotate, update_keys};

/// What is done to each file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Wrap data keys where recipients differ.
    Update,
    /// New data keys everywhere.
    Rotate,
}

/// Runs either command.
///
/// # Errors
/// There is no configuration or no identity, or a recipient cannot be used.
pub fn run(common: &Common, arguments: &KeysArgs, way: Way, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let settings = Settings::resolve(common, &arguments.paths, &[])?;
    let Some(place) = Place::of(&settings) else {
        bail!("there is no configuration that names recipients\nhint: `pullcred init` writes one");
    };
    let _lock = if arguments.dry_run { None } else { Some(wait(&settings, terminal)?) };
    let run = Run::new(settings)?;
    let settings = &run.settings;
    let mut audiences =
        Audiences::read(&settings.root, &settings.base, &place.file, &settings.config.targets)?;
    let mut memory = Memory::load(&settings.root)?;
    let mut paths: BTreeSet<String> =
        owned(&place, &run).into_iter().map(|(path, _)| path.to_owned()).collect();
    paths.extend(age_files(&memory, &place, &run));
    paths.retain(|path| place.selects(path));
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let target = target_of(&settings.config, &place, &path)?;
        files.push((audiences.of(target, &settings.config.targets[target], &path)?, path));
    }
    let recipients = files.iter().flat_map(|(audience, _)| names(audience)).collect();
    let identities = identities::collect(&from_start(common, &arguments.identity.identities)?, &recipients)?;
    let job = Job { root: &settings.root, identities: &identities, way, dry_run: arguments.dry_run };
    if files.iter().any(|(audience, path)| job.adds(path, audience))
        && !trust::gate(&place, &run, arguments.dry_run, terminal)?
    {
        return Ok(Exit::Error);
    }
    let done = parallel::map(&files, settings.scan.threads, |(audience, path)| job.file(path, audience));
    let (mut changed, mut failed) = (0, 0);
    for (result, (_, path)) in done.iter().zip(&files) {
        match result {
            Ok(Outcome::Kept | Outcome::Foreign) => {}
            Ok(Outcome::Changed(about)) => {
                changed += 1;
                if !common.quiet {
                    let verb = if arguments.dry_run { "would change" } else { "changed" };
                    writeln!(terminal.err, "{verb} {} ({about})", plain(path))?;
                }
            }
            Err(error) => {
                failed += 1;
                writeln!(terminal.err, "{}: {path}: {error:#}", terminal.err_style.red("error"))?;
            }
        }
    }
    let ours = done.iter().filter(|result| !matches!(result, Ok(Outcome::Foreign))).count();
    if !arguments.dry_run {
        failed += prove(&job, &files, &mut memory, terminal)?;
    }
    if !common.quiet {
        let would = if arguments.dry_run { "would be " } else { "" };
        let proof = match (failed, arguments.dry_run) {
            (0, false) => ", and no file keeps another recipient",
            _ => "",
        };
        writeln!(terminal.err, "{changed} of {} {would}changed{proof}", text::count(ours, "Secret"))?;
    }
    Ok(if failed > 0 { Exit::Error } else { Exit::Clean })
}

/// The target that a file belongs to.
fn target_of(config: &Config, place: &Place, path: &str) -> Result<usize> {
    grant::target_of(config, place, path)
        .with_context(|| format!("{path}: no target has its `output` here, so nobody knows who may open it"))
}

struct Job<'j> {
    root: &'j Path,
    identities: &'j Identities,
    way: Way,
    dry_run: bool,
}

enum Outcome {
    Kept,
    /// An age file of somebody else.
    Foreign,
    /// What was done, for people.
    Changed(String),
}

impl Job<'_> {
    fn file(&self, path: &str, audience: &Audience) -> Result<Outcome> {
        let on_disk = self.root.join(path);
        let text = read(&on_disk)?;
        let Some(new) = self.new_text(&text, audience)? else {
            let is_foreign = is_age_file(text.trim_start().as_bytes()) && self.open_age(&text)?.is_none();
            return Ok(if is_foreign { Outcome::Foreign } else { Outcome::Kept });
        };
        if !self.dry_run {
            apply::write(self.root, path, Some(&text), &new)?;
        }
        let about = match self.way {
            Way::Update => format!("now for {}", names(audience).join(", ")),
            Way::Rotate => "new data key".to_owned(),
        };
        Ok(Outcome::Changed(about))
    }

    /// Whether somebody could open a file who cannot now. What cannot be read is not changed either.
    fn adds(&self, path: &str, audience: &Audience) -> bool {
        let Ok(text) = read(&self.root.join(path)) else { return false };
        let now: Vec<String> = if is_age_file(text.trim_start().as_bytes()) {
            let Ok(Some((_, recipients))) = self.open_age(&text) else { return false };
            recipients
        } else {
            let Ok(file) = Encrypted::parse(&text) else { return false };
            file.metadata().keys.iter().map(|key| key.recipient.clone()).collect()
        };
        names(audience).iter().any(|name| !now.iter().any(|known| same_recipient(known, name)))
    }

    /// The text of the file when all is done; none when it stays.
    fn new_text(&self, text: &str, audience: &Audience) -> Result<Option<String>> {
        if is_age_file(text.trim_start().as_bytes()) {
            return self.new_age(text, audience);
        }
        let failed = |error: sops_age::document::Error| unopened(&error, self.identities);
        if audience.format == Format::Age {
            bail!("it is a SOPS file where the target asks for age\nhint: `pullcred sync` mends it");
        }
        match self.way {
            Way::Update => update_keys(text, &audience.recipients, self.identities).map_err(failed),
            Way::Rotate => {
                let mut draw_failed = None;
                let mut draw = |buffer: &mut [u8]| draw_failed = random(buffer).err().or(draw_failed.take());
                let now = Timestamp::from_unix(now());
                let new = rotate(text, &audience.recipients, self.identities, &now, &mut draw);
                match draw_failed {
                    Some(error) => Err(error),
                    None => new.map(Some).map_err(failed),
                }
            }
        }
    }

    fn new_age(&self, text: &str, audience: &Audience) -> Result<Option<String>> {
        let Some((tree, recipients)) = self.open_age(text)? else { return Ok(None) };
        if audience.format == Format::Sops {
            bail!("it is an age file where the target asks for SOPS\nhint: `pullcred sync` mends it");
        }
        if self.way == Way::Update && same(&recipients, &names(audience)) {
            return Ok(None);
        }
        let head =
            crate::objects::secret::Head::of(&tree).context("it has not the layout of a Secret of ours")?;
        let auths =
            crate::objects::secret::auths(&tree).context("it holds nothing that a kubelet can read")?;
        seal(&head, &auths, audience, now()).map(Some)
    }

    /// The Secret of ours in an age file and the recipients that it names; none for other age files.
    fn open_age(&self, text: &str) -> Result<Option<(sops_age::tree::Tree, Vec<String>)>> {
        use sops_age::identity::FileError;
        match self.identities.decrypt_file(text.as_bytes()) {
            Ok(plain) => {
                let inside = std::str::from_utf8(&plain).ok().and_then(opened);
                Ok(inside.filter(|(tree, _)| crate::objects::secret::is_ours(tree)))
            }
            // Nobody can tell whose it is.
            Err(FileError::NotARecipient | FileError::Passphrase) => Ok(None),
            Err(error) => Err(anyhow!("{error}")),
        }
    }

    /// Whether exactly the audience can open a file, as far as it shows.
    fn is_for(&self, text: &str, audience: &Audience) -> Result<bool> {
        if is_age_file(text.trim_start().as_bytes()) {
            let inside = self.open_age(text)?;
            return Ok(inside.is_none_or(|(_, recipients)| same(&recipients, &names(audience))));
        }
        Ok(Encrypted::parse(text).map_err(|error| anyhow!("{error}"))?.is_for(&audience.recipients))
    }
}

/// Reads every file again; the number of those that somebody else can open. What was proved is remembered.
fn prove(
    job: &Job<'_>,
    files: &[(Audience, String)],
    memory: &mut Memory,
    terminal: &mut Terminal<'_>,
) -> Result<usize> {
    let mut wrong = 0;
    for (audience, path) in files {
        let text = read(&job.root.join(path))?;
        if !job.is_for(&text, audience).unwrap_or(false) {
            wrong += 1;
            let error = terminal.err_style.red("error");
            writeln!(terminal.err, "{error}: {path}: its recipients are not those configured")?;
        }
    }
    let look = Look { root: job.root, identities: job.identities, memory, asked: false };
    let known = parallel::map(files, 0, |(_, path)| look.at(path, Position::START, None));
    for ((audience, path), seen) in files.iter().zip(known) {
        let Some(Seen { existing, text }) = seen else { continue };
        if let Kind::Ours(ours) = existing.kind
            && let Content::Opened(auths) = &ours.content
        {
            let known = holds(auths, audience);
            let parts: Vec<&[u8]> = known.iter().map(|part| part.as_bytes()).collect();
            memory.remember(path, text.as_bytes(), &parts);
        }
    }
    // What a clone cannot remember it does without.
    let _ = memory.save();
    Ok(wrong)
}

fn same(some: &[String], others: &[String]) -> bool {
    let within = |some: &[String], others: &[String]| {
        some.iter().all(|one| others.iter().any(|other| same_recipient(one, other)))
    };
    within(some, others) && within(others, some)
}

fn read(path: &Path) -> Result<String> {
    match source::read(path)? {
        Source::Text(text) => Ok(text),
        _ => bail!("it is no text"),
    }
}
