//! What is known and to be said of all releases, one after the other.

use std::collections::{BTreeSet, HashSet};

use super::super::mentions::Unknown;
use super::super::settings::Settings;
use super::asker::{Asker, Use, object_of};
use super::findings::{Sought, fails, makes, moved_on, other_version, unclear, unfinished};
use super::made::Made;
use super::objects::Merged;
use super::outcome::Outcome;
use super::render::Rendered;
use super::unclaimed::CHART;
use crate::plan::File;
use crate::plan::finding::{Finding, Severity};

/// The releases so far.
pub(super) struct Tally<'f, 'u> {
    files: &'f [File],
    settings: &'f Settings,
    told: &'f Made,
    /// Who asks for charts that are known.
    pub(super) known: BTreeSet<usize>,
    /// Who asks for others.
    pub(super) unknown: BTreeSet<usize>,
    /// Releases of which not all images are known.
    pub(super) hidden: Vec<Unknown<'u>>,
    pub(super) findings: Vec<Finding>,
    said: HashSet<Finding>,
    /// What they deploy.
    pub(super) merged: Merged,
    /// What their charts make that deploys more.
    pub(super) made: Made,
}

impl<'f, 'u> Tally<'f, 'u> {
    /// Of no release yet; `told` is what templates already say that they make.
    pub(super) fn new(files: &'f [File], settings: &'f Settings, told: &'f Made) -> Self {
        Self {
            files,
            settings,
            told,
            known: BTreeSet::new(),
            unknown: BTreeSet::new(),
            hidden: Vec::new(),
            findings: Vec::new(),
            said: HashSet::new(),
            merged: Merged::default(),
            made: Made::default(),
        }
    }

    /// Adds a release, what became of it, and how its chart was found.
    pub(super) fn add(&mut self, asker: &Asker, it: &'u Use, outcome: &Outcome, sought: &Sought) {
        let path = &self.files[asker.file].path;
        match outcome {
            Outcome::Nothing => {}
            Outcome::Rendered(rendered) => {
                self.is_known(asker, it, rendered);
                if rendered.by_facts {
                    self.hidden.push(unseen(asker, it, Some(rendered)));
                }
                self.makes(asker, it, rendered);
                let stale = other_version(&it.release, sought, Severity::Note);
                stale.iter().for_each(|stale| self.say(moved_on(path, asker, &it.release, stale)));
            }
            Outcome::Told(rendered, stale) => {
                self.is_known(asker, it, rendered);
                // Facts do not tell of every image that values name.
                self.hidden.push(unseen(asker, it, Some(rendered)));
                stale.iter().for_each(|stale| self.say(moved_on(path, asker, &it.release, stale)));
            }
            Outcome::Unknown(_) if asker.kind == CHART => self.say(unclear(path, asker)),
            Outcome::Unknown(stale) => {
                self.is_unknown(asker, it);
                let kept = other_version(&it.release, sought, Severity::Warning);
                let stale = kept.iter().chain(stale).take(1);
                stale.for_each(|stale| self.say(moved_on(path, asker, &it.release, stale)));
            }
            // What a cluster fills in may be what it fails for.
            Outcome::Fails(_) if it.release.is_open() => self.is_unknown(asker, it),
            Outcome::Fails(reason) => {
                self.known.insert(it.asker);
                self.merged.doubt(asker, &it.release);
                let finding = if asker.is_guess { unfinished } else { fails };
                self.say(finding(path, asker, &it.release, reason));
            }
        }
    }

    /// Says something, once.
    fn say(&mut self, finding: Finding) {
        if self.said.insert(finding.clone()) {
            self.findings.push(finding);
        }
    }

    fn is_known(&mut self, asker: &Asker, it: &Use, rendered: &Rendered) {
        self.known.insert(it.asker);
        self.merged.add(self.files, self.settings, asker, it, rendered);
    }

    fn is_unknown(&mut self, asker: &Asker, it: &'u Use) {
        self.unknown.insert(it.asker);
        self.merged.doubt(asker, &it.release);
        self.hidden.push(unseen(asker, it, None));
    }

    /// What a chart makes that deploys more is followed where a template of the repository makes it.
    fn makes(&mut self, asker: &Asker, it: &Use, rendered: &Rendered) {
        for object in &rendered.deliveries {
            if self.files.iter().any(|file| file.path == object.template && file.facts.is_ok()) {
                self.made.add(object, asker.is_guess);
            }
            if !self.told.has(object) {
                self.say(makes(&self.files[asker.file].path, asker, &it.release, object));
                if self.made.is_full() {
                    // One of them stands for all that the release has besides.
                    return;
                }
            }
        }
    }
}

/// A release of which nothing is known but its values.
fn unseen<'u>(asker: &Asker, it: &'u Use, told: Option<&Rendered>) -> Unknown<'u> {
    let images = told.into_iter().flat_map(|told| &told.probed.pods).flat_map(|pod| &pod.images);
    Unknown {
        known: images.map(|(_, image)| image.clone()).collect(),
        file: asker.file,
        position: asker.position,
        object: object_of(asker, &it.release),
        release: &it.release,
        deployment: it.deployment.as_ref(),
    }
}
