//! The Secrets of a run: what is needed, what there is, and what happens to it; `check` stops here, `sync` goes on.
//!
//! Decides nothing itself: fetches what [`crate::plan::secrets`] has to know and keeps what it says.

pub mod accounts;
pub mod apply;
pub mod grant;
mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use self::accounts::Accounts;
pub use self::scope::{Item, Place};
use super::parallel;
use super::run::Run;
use super::settings::{Settings, shown};
use super::start::now;
use crate::config::{self, Format};
use crate::effects::clone::Memory;
use crate::effects::credentials::Sources;
use crate::effects::identities;
use crate::effects::look::Look;
use crate::effects::recipients::{Audience, Audiences};
use crate::effects::scan;
use crate::effects::seal::names;
use crate::effects::source::{self, Source};
use crate::plan::credentials::choose;
use crate::plan::finding::{Code, Finding};
use crate::plan::missing;
use crate::plan::place::runs;
use crate::plan::resources::{self, FILE_NAMES, Kustomization, Listed, Listing};
use crate::plan::secrets::decide::{self, Action, Decision, Kind, Wanted};
use crate::plan::secrets::supply::Found;
use crate::plan::secrets::{Deployment, Need, requests};
use lossless_yaml::span::Position;
use offline_kustomize::repository::join;
use sops_age::identity::Identities;

/// What the command asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'o> {
    /// Identity files that are named; none for those that are usual.
    pub identities: &'o [PathBuf],
    /// Whether credentials are looked for.
    pub ask: bool,
    /// Whether a docker configuration comes on stdin.
    pub stdin: bool,
    /// Whether tokens that end soon are good enough.
    pub allow_expiring: bool,
    /// Whether everything is written that can be.
    pub force: bool,
    /// Whether files that nothing needs are removed.
    pub prune: bool,
}

/// The Secrets of a run.
pub struct Secrets {
    /// What happens to each file, in order of their paths.
    pub items: Vec<Item>,
    /// The ServiceAccounts next to them.
    pub accounts: Accounts,
    /// What happens to kustomizations.
    pub listing: Listing,
    /// What remains to be said when all is done.
    pub findings: Vec<Finding>,
    /// What the changes answer.
    pub answered: Vec<Finding>,
    identities: Identities,
    memory: Memory,
    now: u64,
}

impl Secrets {
    /// Plans the Secrets of a run; none without a configuration, for flags tell nothing of Secrets.
    ///
    /// # Errors
    /// A recipient or a named identity that cannot be used.
    pub fn plan(run: &Run, options: Options<'_>) -> Result<Option<Self>> {
        let settings = &run.settings;
        let Some(place) = Place::of(settings) else { return Ok(None) };
        let config = &settings.config;
        let now = now();
        let deployments = deployments(&place, run);
        let needs = place.needs(run, &deployments);
        let mut audiences = Audiences::read(&settings.root, &settings.base, &place.file, &config.targets)?;
        let mut people: Vec<Result<Audience>> = Vec::with_capacity(needs.len());
        for need in &needs {
            people.push(audiences.of(need.target, &config.targets[need.target], &place.output(config, need)));
        }
        let recipients: BTreeSet<String> = people.iter().flatten().flat_map(names).collect();
        let identities = identities::collect(options.identities, &recipients)?;
        let memory = Memory::load(&settings.root)?;
        let found =
            if options.ask { find(settings, &needs, &identities, options, now)? } else { Found::new() };
        let wanted: Vec<Wanted> = needs.iter().map(|need| place.wanted(config, need, &found)).collect();
        let look =
            Look { root: &settings.root, identities: &identities, memory: &memory, asked: options.ask };
        let mut items = decide(&look, &place, run, wanted.iter().zip(people), options.force)?;
        let mut accounts = Accounts::default();
        if options.prune || !options.ask {
            let keep = unread(&place, run);
            let homeless = homeless(&items);
            items.extend(leftovers(&look, &place, run, &wanted, (keep.as_deref(), &homeless)));
            accounts = Accounts::plan(&place, run, &deployments, keep.as_deref());
            items.append(&mut accounts.gone);
        }
        items.sort_by(|a, b| a.decision.path.cmp(&b.decision.path));
        let mut findings = missing::credentials(config, &place.file, &wanted, &items_of(&items), &found);
        if !options.ask {
            findings.clear();
        }
        findings.append(&mut accounts.findings);
        let mut answered = std::mem::take(&mut accounts.answered);
        for item in &mut items {
            findings.append(&mut item.decision.findings);
            answered.append(&mut item.decision.answered);
        }
        let mut listing = list(&place, &wanted, &items, &accounts, settings);
        findings.append(&mut listing.findings);
        answered.append(&mut listing.answered);
        Ok(Some(Self { items, accounts, listing, findings, answered, identities, memory, now }))
    }

    /// How many Secrets stay as they are.
    pub fn unchanged(&self) -> usize {
        let kept = |item: &&Item| item.seen.is_some() && matches!(item.decision.action, Action::Keep(_));
        self.items.iter().filter(kept).count()
    }

    /// The files of the Secrets that are written or there, relative to the repository's root.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        let stays = |item: &&Item| item.wanted.is_some() && !matches!(item.decision.action, Action::Remove);
        self.items.iter().filter(stays).map(|item| item.decision.path.as_str())
    }

    /// Whether what a finding says of a file is said of its Secret already: that a merge was not finished.
    pub fn tell(&self, finding: &Finding) -> bool {
        let is_conflict = |item: &Item| {
            item.decision.path == finding.file
                && item.seen.as_ref().is_some_and(|seen| matches!(seen.existing.kind, Kind::Conflicted))
        };
        finding.code == Code::ParseError && self.items.iter().any(is_conflict)
    }

    /// Namespace and name of the Secrets in files that do not show them: age files, and unfinished merges.
    pub fn sealed(&self) -> Vec<(String, String)> {
        let is_sealed = |item: &&Item| {
            let kind = item.seen.as_ref().map(|seen| &seen.existing.kind);
            let is_age = item.audience.as_ref().is_some_and(|audience| audience.format == Format::Age);
            is_age && matches!(kind, Some(Kind::Sealed | Kind::Ours(_)))
                || matches!(kind, Some(Kind::Conflicted))
        };
        self.items.iter().filter(is_sealed).filter_map(|item| item.wanted.clone()).collect()
    }

    /// Whether anything is encrypted for anybody.
    pub fn encrypts(&self) -> bool {
        self.items.iter().any(|item| matches!(item.decision.action, Action::Write(_) | Action::Rewrap))
    }

    /// How many files change.
    pub fn changes(&self) -> usize {
        let changed = |item: &&Item| !matches!(item.decision.action, Action::Keep(_));
        let accounts = self.accounts.wanted.iter().filter(|(_, is_there)| !is_there);
        self.items.iter().filter(changed).count() + accounts.count() + self.listing.edits.len()
    }
}

fn items_of(items: &[Item]) -> Vec<&Decision> {
    items.iter().map(|item| &item.decision).collect()
}

/// Where images run. What nothing deploys needs no Secret.
fn deployments<'r>(place: &Place, run: &'r Run) -> Vec<Deployment<'r>> {
    let config = &run.settings.config;
    let mut deployments = Vec::new();
    for file in &run.files {
        if !place.below(&file.path).is_some_and(|path| config.paths.include(path)) {
            continue;
        }
        for (nth, object) in
            file.objects().iter().enumerate().filter(|(_, object)| !object.is_service_account())
        {
            for pod_run in (0..object.pod_specs.len()).flat_map(|pod_spec| runs(file, nth, object, pod_spec))
            {
                let (Some(deployment), Some(namespace)) = (pod_run.deployment, pod_run.namespace) else {
                    continue;
                };
                let Some(root) = place.below(deployment.root.as_deref().unwrap_or(&file.path)) else {
                    continue;
                };
                let root_file = deployment.root.as_deref().unwrap_or(&file.path);
                let selected = place.selects(&file.path) || place.selects(root_file);
                let images = pod_run.images.iter().map(|(_, image)| *image).collect();
                let account = pod_run.account;
                deployments.push(Deployment { root, namespace, account, images, selected });
            }
        }
    }
    deployments
}

/// Looks for the credentials that the selected needs ask for.
fn find(
    settings: &Settings,
    needs: &[Need],
    identities: &Identities,
    options: Options<'_>,
    now: u64,
) -> Result<Found> {
    let mut sources = Sources::new(settings.root.clone(), settings.base.clone(), identities);
    if options.stdin {
        sources.read_stdin()?;
    }
    let mut found = Found::new();
    for (nth, repository) in requests(&settings.config, needs) {
        let registry = &repository.registry;
        let offers = sources.offers(&settings.config.secrets[nth], registry, &repository.name);
        let chosen = choose(registry, offers, now, options.allow_expiring);
        found.insert((nth, repository), chosen);
    }
    Ok(found)
}

/// Looks at the file of every Secret that is wanted and decides on it.
fn decide<'w>(
    look: &Look<'_>,
    place: &Place,
    run: &Run,
    wanted: impl Iterator<Item = (&'w Wanted, Result<Audience>)>,
    force: bool,
) -> Result<Vec<Item>> {
    let wanted: Vec<_> = wanted.filter(|(wanted, _)| wanted.selected).collect();
    let positions: BTreeMap<&str, Position> = owned(place, run).into_iter().collect();
    let decided = parallel::map(&wanted, run.settings.scan.threads, |(wanted, audience)| {
        let position = positions.get(&*wanted.path).copied().unwrap_or(Position::START);
        let seen =
            look.at(&wanted.path, position, audience.as_ref().ok().map(|audience| (*wanted, audience)));
        let decision = decide::decide(wanted, seen.as_ref().map(|seen| &seen.existing), force);
        (decision, seen)
    });
    let mut items = Vec::with_capacity(decided.len());
    for ((decision, seen), (wanted, audience)) in decided.into_iter().zip(wanted) {
        let is_idle = seen.is_none() && matches!(decision.action, Action::Keep(_));
        let audience = match audience {
            Ok(audience) => Some(audience),
            // Who cannot be asked does not matter while there is nothing to open and nothing to write.
            Err(_) if is_idle => None,
            Err(error) => return Err(error),
        };
        let wanted = Some((wanted.namespace.clone(), wanted.name.clone()));
        items.push(Item { decision, seen, audience, wanted });
    }
    Ok(items)
}

/// Paths of the files that hold a single Secret with our label, below the configuration's folder.
pub fn owned<'r>(place: &Place, run: &'r Run) -> Vec<(&'r str, Position)> {
    let single = |file: &'r crate::plan::File| {
        let facts = file.facts.as_ref().ok().filter(|facts| facts.documents == 1)?;
        let secret = facts.secrets.first()?;
        place.below(&file.path).map(|_| (file.path.as_str(), secret.position))
    };
    run.files.iter().filter_map(single).collect()
}

/// Why nothing can be removed: who cannot read everything does not know what nothing needs.
fn unread(place: &Place, run: &Run) -> Option<String> {
    let unread = run.files.iter().find(|file| {
        let is_ours = place.below(&file.path).is_some_and(|path| run.settings.config.paths.include(path));
        is_ours && file.facts.as_ref().map_or(true, |facts| !facts.errors.is_empty())
    })?;
    Some(format!("`{}` cannot be read, and may need it", unread.path))
}

/// Where Secrets belong that are not there and cannot be written now, by namespace and name.
fn homeless(items: &[Item]) -> BTreeMap<(String, String), String> {
    let is_nowhere = |item: &&Item| item.seen.is_none() && matches!(item.decision.action, Action::Keep(_));
    let place = |item: &Item| Some((item.wanted.clone()?, item.decision.path.clone()));
    items.iter().filter(is_nowhere).filter_map(place).collect()
}

/// Files with our label where no Secret is wanted. They stay where something tells to `keep` them all, or where their Secret cannot be
/// written in its place.
fn leftovers(
    look: &Look<'_>,
    place: &Place,
    run: &Run,
    wanted: &[Wanted],
    (keep, homeless): (Option<&str>, &BTreeMap<(String, String), String>),
) -> Vec<Item> {
    let paths: BTreeSet<&str> = wanted.iter().map(|wanted| wanted.path.as_str()).collect();
    let mut candidates: BTreeMap<String, Position> =
        owned(place, run).into_iter().map(|(path, position)| (path.to_owned(), position)).collect();
    // What another configuration further down owns is none of ours.
    let others: Vec<&str> =
        run.files.iter().filter_map(|file| configured_folder(place, &file.path)).collect();
    candidates.retain(|path, _| !others.iter().any(|folder| path.starts_with(folder)));
    candidates.extend(age_files(look.memory, place, run).into_iter().map(|path| (path, Position::START)));
    let candidates: Vec<(String, Position)> = candidates
        .into_iter()
        .filter(|(path, _)| !paths.contains(path.as_str()) && place.selects(path))
        .collect();
    let looked = parallel::map(&candidates, run.settings.scan.threads, |(path, position)| {
        let seen = look.at(path, *position, None)?;
        let own = match &seen.existing.kind {
            Kind::Ours(ours) => ours.head.as_ref().map(|head| (head.namespace.clone(), head.name.clone())),
            _ => None,
        };
        let new = own.and_then(|own| homeless.get(&own));
        let new = new.map(|new| format!("no credential is at hand to write it to `{new}`"));
        let decision = decide::unneeded(&seen.existing, keep.or(new.as_deref()))?;
        Some(Item { decision, seen: Some(seen), audience: None, wanted: None })
    });
    looked.into_iter().flatten().collect()
}

/// The folder, with a slash at the end, of a configuration further down.
fn configured_folder<'p>(place: &Place, path: &'p str) -> Option<&'p str> {
    let (folder, name) = path.split_at(path.rfind('/')? + 1);
    (config::FILE_NAMES.contains(&name) && path != place.file && folder != place.folder).then_some(folder)
}

/// Age files below the configuration's folder that may be Secrets of ours. They show nothing, so only those are looked for
/// that somebody here can open or that this clone wrote.
pub fn age_files(memory: &Memory, place: &Place, run: &Run) -> Vec<String> {
    let settings = &run.settings;
    let is_used = settings.config.targets.iter().any(|target| target.format == Format::Age);
    let is_remembered = memory.paths().any(|path| path.ends_with(".age"));
    if !is_used && !is_remembered {
        return Vec::new();
    }
    let is_age = |path: &Path| path.extension().is_some_and(|ending| ending == "age");
    let (found, _) = scan::walk_named(&settings.base, settings.scan, is_age, |_| ());
    let below = |path: &Path| shown(path.strip_prefix(&settings.root).unwrap_or(path));
    found.iter().map(|(path, ())| below(path)).filter(|path| place.below(path).is_some()).collect()
}

/// Plans the entries of the kustomizations next to Secrets.
fn list(
    place: &Place,
    wanted: &[Wanted],
    items: &[Item],
    accounts: &Accounts,
    settings: &Settings,
) -> Listing {
    let config = &settings.config;
    let highest = |target: usize| {
        let common = place.folder.clone() + config.targets[target].output.common_folder();
        common.trim_end_matches('/').rsplit_once('/').map_or(String::new(), |(above, _)| above.to_owned())
    };
    let by_path: BTreeMap<&str, &Wanted> =
        wanted.iter().map(|wanted| (wanted.path.as_str(), wanted)).collect();
    let mut listed = Vec::new();
    let mut gone = Vec::new();
    for item in items {
        let Decision { path, action, .. } = &item.decision;
        let is_ours = item.seen.as_ref().is_some_and(|seen| matches!(seen.existing.kind, Kind::Ours(_)));
        match (action, by_path.get(path.as_str())) {
            (Action::Remove, _) => gone.push(path.clone()),
            (action, Some(wanted))
                if config.targets[wanted.target].format == Format::Sops
                    && (is_ours || matches!(action, Action::Write(_))) =>
            {
                listed.push(Listed {
                    path: path.clone(),
                    namespace: wanted.namespace.clone(),
                    highest: highest(wanted.target),
                    is_there: is_ours,
                });
            }
            _ => {}
        }
    }
    for (account, is_there) in &accounts.wanted {
        listed.push(Listed {
            path: account.path.clone(),
            namespace: account.namespace.clone(),
            highest: highest(account.target),
            is_there: *is_there,
        });
    }
    let folders = listed.iter().flat_map(|file| resources::folders(&file.path, &file.highest));
    let folders: BTreeSet<&str> =
        folders.chain(gone.iter().flat_map(|path| resources::folders(path, ""))).collect();
    let read = |folder: &str| {
        let path = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let text = |path: &String| match source::read(&settings.root.join(path)) {
            Ok(Source::Text(text)) => Some(text),
            _ => None,
        };
        let mut there =
            FILE_NAMES.iter().map(|name| path(name)).filter_map(|path| Some((text(&path)?, path)));
        let kustomization = there.next().and_then(|(text, path)| Kustomization::read(&path, text))?;
        let ksops = kustomization.generators().into_iter().find_map(|entry| {
            let path = join(folder, &entry)?;
            kustomization.ksops(&path, text(&path)?)
        });
        Some(ksops.unwrap_or(kustomization))
    };
    let kustomizations =
        folders.into_iter().filter_map(|folder| Some((folder.to_owned(), read(folder)?))).collect();
    resources::plan(&kustomizations, &listed, &gone)
}
