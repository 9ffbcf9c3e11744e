//! Which pull secrets each pod spec lacks, and what stands in the way of adding them.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Code, Finding, ObjectRef};
use super::place::{self, is_pulled_by_node};
use super::secrets::accounts::NAME as DEFAULT;
use super::service_accounts::{Accounts, is_left_alone};
use super::{Addition, File, Plan};
use crate::config::{Config, InjectInto, PullSecret};
use crate::deliveries::graph::Builds;
use crate::objects::object::{FromChart, Object, PodSpec};
use crate::objects::read::{FileFacts, SkipReason};
use kubelet_keyring::pattern::needed;
use kubelet_keyring::reference::ImageRef;
use lossless_yaml::insert::Slot;
use lossless_yaml::refusal::Refusal;
use lossless_yaml::span::Position;

/// Plans the references of every selected file; `builds` tells what cannot be in one cluster.
pub fn plan(files: &[File], builds: &Builds, config: &Config) -> Plan {
    let accounts = Accounts::new(files, builds, config);
    let mut plan = Plan::default();
    for (index, file) in files.iter().enumerate().filter(|(_, file)| file.selected) {
        match &file.facts {
            Ok(facts) => {
                let accounts = &accounts;
                let mut planner =
                    Planner { plan: &mut plan, config, accounts, index, file, path: &file.path };
                planner.file(facts);
                skips(&mut plan, &file.path, facts);
            }
            Err(reason) => {
                let reason = reason.clone();
                plan.findings.push(finding(Code::ParseError, &file.path, Position::START, reason, None));
            }
        }
    }
    plan
}

/// Plans one file.
struct Planner<'p> {
    plan: &'p mut Plan,
    config: &'p Config,
    accounts: &'p Accounts<'p>,
    index: usize,
    file: &'p File,
    path: &'p str,
}

impl<'p> Planner<'p> {
    fn file(&mut self, facts: &'p FileFacts) {
        let mut wanted = Vec::new();
        for (object_index, object) in facts.objects.iter().enumerate() {
            for (index, pod_spec) in object.pod_specs.iter().enumerate() {
                duplicates(self.plan, self.path, object, pod_spec);
                let names = match object.is_service_account() {
                    true => self.account(object_index, object, pod_spec),
                    false => self.pods(object_index, object, index),
                };
                if !names.is_empty() {
                    // A list that is new in a layer replaces the one below.
                    let carried = pod_spec.chart.iter().flat_map(|chart| &chart.carried).map(String::as_str);
                    let names = carried.filter(|name| !names.contains(name)).chain(names.iter().copied());
                    let names = names.map(str::to_owned).collect();
                    wanted.push(Addition { file: self.index, object: object_index, pod_spec: index, names });
                }
            }
        }
        settle(self.plan, self.config, self.file, facts, &wanted);
    }

    /// What the pod spec of a workload lacks in any of its deployments.
    fn pods(&mut self, nth: usize, object: &'p Object, index: usize) -> Vec<&'p str> {
        let pod_spec = &object.pod_specs[index];
        let runs = place::runs(self.file, nth, object, index);
        let listed = |name: &str| pod_spec.pull_secrets.iter().any(|secret| secret.name == name);
        let config = self.config;
        let mut missing = BTreeSet::new();
        self.unknown_images(object, pod_spec, &runs);
        for run in &runs {
            missing.extend(run.needs(config).into_iter().filter(|&nth| !run.has(&config.secrets[nth].name)));
        }
        let mut names: Vec<&'p str> = Vec::new();
        for name in missing.into_iter().map(|nth| config.secrets[nth].name.as_str()) {
            if listed(name) {
                self.taken_out(object, pod_spec, name);
            } else {
                names.push(name);
            }
        }
        let account = self.accounts.of(&runs);
        let account = account.as_ref().filter(|account| account.written);
        let inherits = pod_spec.pull_secrets.is_empty();
        if self.config.inject.into == InjectInto::ServiceAccounts {
            if inherits && account.is_none() && !names.is_empty() && !self.is_emitted(&runs) {
                self.lacks_account(object, pod_spec, &names);
            } else if !inherits && !names.is_empty() {
                let hint = "remove the list, or let `inject.into` be `both`";
                self.shadowed(object, pod_spec, &names, hint);
            }
            return Vec::new();
        }
        if inherits && !names.is_empty() && self.needs_cluster_registry(object, pod_spec, &runs, &names) {
            return Vec::new();
        }
        let Some(account) = account else { return names };
        if inherits && !names.is_empty() {
            // A list of its own switches off the ServiceAccount's: carry its entries over.
            let mut all: Vec<&str> = Vec::new();
            for name in account.listed.iter().copied().chain(names) {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
            names = all;
        } else if !inherits {
            let lost: Vec<&str> = account
                .listed
                .iter()
                .copied()
                .filter(|name| !listed(name) && !names.contains(name))
                // What is configured and not missing is for images of other pods.
                .filter(|name| !config.secrets.iter().any(|secret| secret.name == *name))
                .collect();
            if !lost.is_empty() {
                let hint = "add it to the list if an image needs it, or take it from the ServiceAccount";
                self.shadowed(object, pod_spec, &lost, hint);
            }
        }
        names
    }

    /// Nothing in the repository can take the pull secrets of a pod that has no list of its own. What is written next to the Secrets is
    /// said there.
    fn lacks_account(&mut self, object: &Object, pod_spec: &PodSpec, names: &[&str]) {
        let message = format!(
            "`{}` `{}` runs as ServiceAccount `{}`, which is not in the repository to take pull secret {}",
            object.kind,
            object.display_name(),
            pod_spec.account_name(),
            quoted(names),
        );
        let hint = "write a manifest of the ServiceAccount, or let `inject.into` be `both`";
        self.say(Code::ServiceAccountMissing, object, pod_spec, message, hint);
    }

    /// A list of its own takes from a pod what its ServiceAccount has.
    fn shadowed(&mut self, object: &Object, pod_spec: &PodSpec, names: &[&str], hint: &str) {
        let message = format!(
            "the list of `{}` `{}` switches off pull secret {} of its ServiceAccount `{}`",
            object.kind,
            object.display_name(),
            quoted(names),
            pod_spec.account_name(),
        );
        self.say(Code::ServiceAccountShadowed, object, pod_spec, message, hint);
    }

    fn say(&mut self, code: Code, object: &Object, pod_spec: &PodSpec, message: String, hint: &str) {
        let mut finding = finding_at(code, self.path, pod_spec.position, message, hint);
        finding.object = Some(object_ref(object));
        self.plan.findings.push(finding);
    }

    /// Whether a list of its own would take from a pod the pull secret that OpenShift gives its ServiceAccount; that is said.
    fn needs_cluster_registry(
        &mut self,
        object: &Object,
        pod_spec: &PodSpec,
        runs: &[place::PodRun<'_>],
        names: &[&str],
    ) -> bool {
        let mut images = runs.iter().flat_map(|run| &run.images).map(|(_, image)| *image);
        let is_there =
            |text: &&str| ImageRef::parse_open(text).is_ok_and(|image| place::is_in_cluster(&image));
        let Some(image) = images.find(is_there) else { return false };
        let message = format!(
            "`{}` `{}` lacks pull secret {}, but a list of its own would switch off the one that OpenShift gives its ServiceAccount for `{image}`",
            object.kind,
            object.display_name(),
            quoted(names),
        );
        let hint = "let `inject.into` be `serviceAccounts`, or link the Secret to the ServiceAccount";
        let mut finding = finding_at(Code::EditRefused, self.path, pod_spec.position, message, hint);
        finding.object = Some(object_ref(object));
        self.plan.findings.push(finding);
        true
    }

    /// Images of which nothing tells the registry, or not enough to tell whether a secret is meant.
    fn unknown_images(&mut self, object: &Object, pod_spec: &PodSpec, runs: &[place::PodRun<'_>]) {
        let images: BTreeSet<&str> =
            runs.iter().flat_map(|run| &run.images).map(|(_, image)| *image).collect();
        for text in images.into_iter().filter(|text| !text.is_empty()) {
            let (reason, hint) = match ImageRef::parse_open(text) {
                Err(error) => (
                    error.to_string(),
                    "where something fills it in, `pullcred generate -` judges what comes out",
                ),
                Ok(image) => {
                    let mut secrets = self.config.secrets.iter();
                    let may = |secret: &&PullSecret| secret.keys.iter().any(|key| key.may_match(&image));
                    let Some(secret) = secrets.find(may) else { continue };
                    let reason = format!("what fills it in decides whether `{}` is for it", secret.name);
                    (reason, "name the repository, or give the secret a key for the whole registry")
                }
            };
            let (kind, name) = (&object.kind, object.display_name());
            let message = format!("image `{text}` of `{kind}` `{name}` cannot be judged: {reason}");
            let container = pod_spec.containers.iter().find(|container| container.image == text);
            let position = container.map_or(pod_spec.position, |container| container.position);
            let mut finding = finding_at(Code::ImageUnknown, self.path, position, message, hint);
            finding.object = Some(object_ref(object));
            self.plan.findings.push(finding);
        }
    }

    /// Whether the ServiceAccount of a pod spec is one that we write.
    fn is_emitted(&self, runs: &[place::PodRun<'_>]) -> bool {
        let ours = |run: &place::PodRun<'_>| run.account == DEFAULT && run.namespace.is_some();
        self.config.inject.default_service_account && runs.iter().all(ours)
    }

    /// The file lists a pull secret, and a patch takes it out of a build that needs it: no edit of the file helps.
    fn taken_out(&mut self, object: &Object, pod_spec: &PodSpec, name: &str) {
        let message = format!(
            "`{}` `{}` lists pull secret `{name}`, but a build that needs it patches it away",
            object.kind,
            object.display_name(),
        );
        let hint = "`pullcred list` shows the builds; keep the entry in the patch";
        let mut finding = finding_at(Code::EditRefused, self.path, pod_spec.position, message, hint);
        finding.object = Some(object_ref(object));
        self.plan.findings.push(finding);
    }

    /// What a ServiceAccount lacks: what its pods in this repository need, and what is for every image.
    fn account(&self, nth: usize, object: &'p Object, place: &'p PodSpec) -> Vec<&'p str> {
        if self.config.inject.into == InjectInto::Pods || is_left_alone(self.file, nth, object, self.config) {
            return Vec::new();
        }
        let config = self.config;
        let needs = self.accounts.get(self.file, nth, object).needs;
        let wanted = |nth: &usize| config.secrets[*nth].is_for_every_image() || needs.contains(nth);
        (0..config.secrets.len())
            .filter(wanted)
            .map(|nth| config.secrets[nth].name.as_str())
            .filter(|name| !place.pull_secrets.iter().any(|secret| secret.name == *name))
            .collect()
    }
}

/// Turns wishes into additions where the place allows it, and into findings where not.
fn settle(plan: &mut Plan, config: &Config, file: &File, facts: &FileFacts, wanted: &[Addition]) {
    let path = file.path.as_str();
    let place = |addition: &Addition| &facts.objects[addition.object].pod_specs[addition.pod_spec];
    // Places shared by an anchor are one place: all users must agree on what it gains. So many do.
    let mut agreed = BTreeMap::<_, (&[String], usize)>::new();
    for addition in wanted {
        if let Some(spot) = place(addition).place() {
            let (names, users) = agreed.entry(spot).or_insert((&addition.names, 0));
            *users += usize::from(*names == addition.names);
        }
    }
    for addition in wanted {
        let object = &facts.objects[addition.object];
        let pod_spec = place(addition);
        let mut say = |code, message, hint| {
            let mut finding = finding(code, path, pod_spec.position, message, Some(hint));
            finding.object = Some(object_ref(object));
            plan.findings.push(finding);
        };
        let disagreed = pod_spec.place().is_some_and(|spot| agreed[&spot].1 != pod_spec.users);
        if let Some((code, message, hint)) = obstacle(object, pod_spec, &addition.names, disagreed) {
            say(code, message, hint);
            continue;
        }
        let lacking = lacking(pod_spec, &addition.names);
        let runs = place::runs(file, addition.object, object, addition.pod_spec);
        let unproven = if runs.iter().all(|run| run.is_proven) {
            ""
        } else {
            " (as it is written; what the build makes of it is not known)"
        };
        let message = format!(
            "`{}` `{}` lacks pull secret {}{}{unproven}",
            object.kind,
            object.display_name(),
            quoted(&lacking),
            reason(config, pod_spec, &lacking),
        );
        say(Code::PullSecretMissing, message, "run `pullcred inject`".to_owned());
        if object.kind == "Job" && object.group() == "batch" && !is_made_anew(object) {
            let message =
                format!("`Job` `{}` cannot be changed in place once it exists", object.display_name());
            let hint = "delete the Job first, or let your tool replace it (Argo CD `Replace=true,Force=true`, Flux `force`)";
            say(Code::JobImmutable, message, hint.to_owned());
        }
        plan.additions.push(addition.clone());
    }
}

/// The names that are not there yet, without those that are only carried over from another layer.
fn lacking(pod_spec: &PodSpec, names: &[String]) -> Vec<String> {
    let is_carried = |name: &String| pod_spec.chart.iter().any(|chart| chart.carried.contains(name));
    names.iter().filter(|name| !is_carried(name)).cloned().collect()
}

/// The value that gives a chart's pods these pull secrets, as people would write it.
fn by_hand(chart: &FromChart, names: &[String]) -> Option<String> {
    let (keys, form) = chart.takes.as_ref()?;
    let entry = |name: &String| form.key.map_or_else(|| name.clone(), |key| format!("{{{key}: {name}}}"));
    let entries: Vec<String> = names.iter().map(entry).collect();
    let value = if form.list { format!("[{}]", entries.join(", ")) } else { entries.join(", ") };
    let (last, above) = keys.split_last()?;
    Some(above.iter().rev().fold(format!("{last}: {value}"), |below, key| format!("{key}: {{{below}}}")))
}

/// Why a place does not take these names, and what to do; `disagreed` are places that share an anchor.
fn obstacle(
    object: &Object,
    pod_spec: &PodSpec,
    names: &[String],
    disagreed: bool,
) -> Option<(Code, String, String)> {
    let (kind, name) = (&object.kind, object.display_name());
    let slot: &Slot = match &pod_spec.slot {
        Ok(slot) => slot,
        Err(refusal) => {
            let lacking = quoted(&lacking(pod_spec, names));
            let message = format!("`{kind}` `{name}` lacks pull secret {lacking}, but {refusal}");
            let code =
                if matches!(refusal, Refusal::Other(_)) { Code::ChartNoHook } else { Code::EditRefused };
            if let Some(lines) = pod_spec.chart.as_ref().and_then(|chart| by_hand(chart, names)) {
                return Some((code, message, format!("add it by hand: `{lines}`")));
            }
            let hint = match (&pod_spec.chart, kind.as_str()) {
                (Some(chart), _) if chart.value.is_some() => "add the entry by hand",
                (Some(_), "HelmRelease") => {
                    "a patch in `postRenderers` can add it, or the ServiceAccount that the pods run as"
                }
                (Some(_), "Kustomization") => {
                    "a patch of the kustomization can add it, or the ServiceAccount that the pods run as"
                }
                (Some(_), _) => "the ServiceAccount that the pods run as can have it",
                (None, _) => "add the entry by hand",
            };
            return Some((code, message, hint.to_owned()));
        }
    };
    if disagreed && pod_spec.chart.is_some() {
        let users = pod_spec.users;
        let message = format!(
            "the values of `{kind}` `{name}` are shared by {users} releases that differ in what they need"
        );
        let hint = "give each a file of its own, or a list in its own values".to_owned();
        return Some((Code::AnchorShared, message, hint));
    }
    if disagreed {
        let message = format!(
            "the pod spec of `{name}` is shared by {} places that differ in what they need",
            pod_spec.users
        );
        return Some((Code::AnchorShared, message, format!("give `{name}` its own pod spec")));
    }
    let room = if slot.form().list { usize::MAX } else { 1 - pod_spec.pull_secrets.len().min(1) };
    (names.len() > room).then(|| {
        let message = format!(
            "`{}` of `{kind}` `{name}` has room for one name, not for {} besides",
            slot.key(),
            quoted(names)
        );
        (Code::EditRefused, message, "put all registries of this object into one secret".to_owned())
    })
}

/// Whether a Job meets no field that cannot be changed: it is deleted before it is made again, has a new name each time, or
/// carries what has it replaced.
fn is_made_anew(job: &Object) -> bool {
    let has = |key: &str| job.annotation(key).is_some();
    let says = |key: &str, words: &[&str]| {
        job.annotation(key).is_some_and(|text| text.split(',').any(|word| words.contains(&word.trim())))
    };
    let forced = |(key, value): &(String, String)| {
        key == "kustomize.toolkit.fluxcd.io/force" && value.eq_ignore_ascii_case("enabled")
    };
    job.name.is_empty()
        || has("argocd.argoproj.io/hook")
        || has("helm.sh/hook")
        || says("argocd.argoproj.io/sync-options", &["Replace=true", "Force=true"])
        || job.annotations.iter().chain(&job.labels).any(forced)
}

/// For people: which images the missing secrets are for.
fn reason(config: &Config, pod_spec: &PodSpec, names: &[String]) -> String {
    let mut images: Vec<&str> = Vec::new();
    for container in &pod_spec.containers {
        let image = ImageRef::parse_open(&container.image).ok();
        let serves =
            |secret: &PullSecret| names.contains(&secret.name) && needed(&secret.keys, image.as_ref());
        let by_node = image.as_ref().is_some_and(|image| is_pulled_by_node(config, image));
        if !by_node && config.secrets.iter().any(serves) && !images.contains(&container.image.as_str()) {
            images.push(&container.image);
        }
    }
    match images.split_first() {
        None => String::new(),
        Some((first, [])) => format!(" for `{first}`"),
        Some((first, rest)) => format!(" for `{first}` and {}", count(rest.len(), "image")),
    }
}

/// `1 image more`, `2 images more`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{} more", if number == 1 { "" } else { "s" })
}

fn duplicates(plan: &mut Plan, path: &str, object: &Object, pod_spec: &PodSpec) {
    let mut earlier = BTreeSet::new();
    for secret in &pod_spec.pull_secrets {
        if !earlier.insert(&secret.name) {
            let message = format!("pull secret `{}` is listed twice", secret.name);
            let hint = Some("remove one: server-side apply refuses the list".to_owned());
            let mut finding = finding(Code::DuplicateEntry, path, secret.position, message, hint);
            finding.object = Some(object_ref(object));
            plan.findings.push(finding);
        }
    }
}

fn skips(plan: &mut Plan, path: &str, facts: &FileFacts) {
    for skip in &facts.skips {
        let code = match skip.reason {
            SkipReason::Template => Code::TemplateSkipped,
            SkipReason::Fragment => Code::FragmentSkipped,
            SkipReason::Encrypted => Code::EncryptedSkipped,
            SkipReason::UnknownKind => Code::UnknownKindSkipped,
            SkipReason::OptOut => Code::OptOutSkipped,
            SkipReason::TooLarge => Code::FileTooLarge,
        };
        plan.findings.push(finding(code, path, skip.position, skip.detail.clone(), None));
    }
    for error in &facts.errors {
        let (reason, hint) = (error.reason.clone(), error.hint.map(str::to_owned));
        plan.findings.push(finding(Code::ParseError, path, error.position, reason, hint));
    }
}

fn finding(code: Code, path: &str, position: Position, message: String, hint: Option<String>) -> Finding {
    Finding { code, severity: code.severity(), file: path.to_owned(), position, message, hint, object: None }
}

fn finding_at(code: Code, path: &str, position: Position, message: String, hint: &str) -> Finding {
    finding(code, path, position, message, Some(hint.to_owned()))
}

fn object_ref(object: &Object) -> ObjectRef {
    ObjectRef {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        name: object.display_name().to_owned(),
        namespace: object.namespace.clone(),
    }
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}
