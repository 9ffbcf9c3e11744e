//! Which pull secrets each pod spec lacks, and what stands in the way of adding them.

use std::collections::BTreeMap;

use super::finding::{Code, Finding, ObjectRef};
use super::{Addition, File, Into, Plan, Rules};
use crate::image::pattern::needed;
use crate::image::reference::ImageRef;
use crate::kube::object::{ContainerList, Object, PodSpec};
use crate::kube::read::{FileFacts, SkipReason};
use crate::yaml::insert::Slot;
use crate::yaml::span::Position;

/// Plans the references of every selected file.
pub fn plan(files: &[File], rules: &Rules) -> Plan {
    let accounts = Accounts::new(files);
    let mut plan = Plan::default();
    for (index, file) in files.iter().enumerate().filter(|(_, file)| file.selected) {
        match &file.facts {
            Ok(facts) => {
                plan_file(&mut plan, rules, &accounts, index, &file.path, facts);
                skips(&mut plan, &file.path, facts);
            }
            Err(reason) => plan.findings.push(finding(
                Code::ParseError,
                &file.path,
                Position::START,
                reason.clone(),
                None,
            )),
        }
    }
    plan
}

/// The names of the configured secrets that the images of a pod spec need, in configuration order.
pub fn needed_by<'r>(rules: &'r Rules, pod_spec: &PodSpec) -> Vec<&'r str> {
    let images: Vec<Option<ImageRef<'_>>> = pod_spec
        .containers
        .iter()
        .map(|container| ImageRef::parse(&container.image).ok())
        .filter(|image| {
            // What the node pulls by itself needs no secret.
            !image.as_ref().is_some_and(|image| rules.node_identity.iter().any(|key| key.matches(image)))
        })
        .collect();
    let serves = |keys: &[_]| images.iter().any(|image| needed(keys, image.as_ref()));
    rules
        .secrets
        .iter()
        .filter(|secret| serves(&secret.registries))
        .map(|secret| secret.name.as_str())
        .collect()
}

/// The ServiceAccounts of the repository and the pull secrets they list.
struct Accounts<'f>(BTreeMap<(Option<&'f str>, &'f str), Vec<&'f str>>);

impl<'f> Accounts<'f> {
    fn new(files: &'f [File]) -> Self {
        let objects =
            files.iter().filter_map(|file| file.facts.as_ref().ok()).flat_map(|facts| &facts.objects);
        let mut accounts = BTreeMap::<_, Vec<&str>>::new();
        for object in objects.filter(|object| object.is_service_account()) {
            let names = object.pod_specs.iter().flat_map(|place| &place.pull_secrets);
            accounts
                .entry((object.namespace.as_deref(), object.name.as_str()))
                .or_default()
                .extend(names.map(|secret| secret.name.as_str()));
        }
        Self(accounts)
    }

    /// What the ServiceAccount of a pod spec would give its pods, if they had no list of their own.
    fn of<'s>(&'s self, object: &'s Object, pod_spec: &'s PodSpec) -> &'s [&'s str] {
        let name = pod_spec.service_account.as_deref().unwrap_or("default");
        self.0.get(&(object.namespace.as_deref(), name)).map_or(&[], Vec::as_slice)
    }
}

fn plan_file(
    plan: &mut Plan,
    rules: &Rules,
    accounts: &Accounts<'_>,
    file: usize,
    path: &str,
    facts: &FileFacts,
) {
    let mut wanted: Vec<Addition> = Vec::new();
    for (object_index, object) in facts.objects.iter().enumerate() {
        for (index, pod_spec) in object.pod_specs.iter().enumerate() {
            duplicates(plan, path, object, pod_spec);
            let is_account = object.is_service_account();
            let names = if is_account {
                account_needs(rules, facts, object)
            } else if rules.into == Into::ServiceAccounts {
                continue;
            } else {
                needed_by(rules, pod_spec)
            };
            let listed = |name: &str| pod_spec.pull_secrets.iter().any(|secret| secret.name == name);
            let mut names: Vec<&str> = names.into_iter().filter(|name| !listed(name)).collect();
            if names.is_empty() {
                continue;
            }
            if !is_account && pod_spec.pull_secrets.is_empty() {
                // A list of its own switches off the ServiceAccount's: carry its entries over.
                let mut all: Vec<&str> = Vec::new();
                for name in accounts.of(object, pod_spec).iter().copied().chain(names) {
                    if !all.contains(&name) {
                        all.push(name);
                    }
                }
                names = all;
            }
            let names = names.into_iter().map(str::to_owned).collect();
            wanted.push(Addition { file, object: object_index, pod_spec: index, names });
        }
    }
    settle(plan, path, facts, wanted);
}

/// The secrets a ServiceAccount should list: those of its pods in this repository, and those for every image.
fn account_needs<'r>(rules: &'r Rules, _facts: &FileFacts, _account: &Object) -> Vec<&'r str> {
    if rules.into == Into::Pods {
        return Vec::new();
    }
    rules.secrets.iter().map(|secret| secret.name.as_str()).collect()
}

/// Turns wishes into additions where the place allows it, and into findings where not.
fn settle(plan: &mut Plan, path: &str, facts: &FileFacts, wanted: Vec<Addition>) {
    let place = |addition: &Addition| &facts.objects[addition.object].pod_specs[addition.pod_spec];
    // Places shared by an anchor are one place: all users must agree on what it gains.
    let mut shared = BTreeMap::<usize, Vec<&Addition>>::new();
    for addition in &wanted {
        if let Ok(slot) = &place(addition).slot {
            shared.entry(slot.offset()).or_default().push(addition);
        }
    }
    for addition in &wanted {
        let object = &facts.objects[addition.object];
        let pod_spec = place(addition);
        let names = || quoted(&addition.names);
        let about = |code, message, hint| {
            let mut finding = finding(code, path, pod_spec.position, message, hint);
            finding.object = Some(object_ref(object));
            finding
        };
        let slot: &Slot = match &pod_spec.slot {
            Ok(slot) => slot,
            Err(refusal) => {
                let message = format!(
                    "`{}` `{}` lacks pull secret {}, but {refusal}",
                    object.kind,
                    object.display_name(),
                    names()
                );
                let hint = Some("add the entry by hand".to_owned());
                plan.findings.push(about(Code::EditRefused, message, hint));
                continue;
            }
        };
        let peers = &shared[&slot.offset()];
        if peers.len() != pod_spec.users || peers.iter().any(|peer| peer.names != addition.names) {
            let message = format!(
                "the pod spec of `{}` is shared by {} places that differ in what they need",
                object.display_name(),
                pod_spec.users
            );
            let hint = Some(format!("give `{}` its own pod spec", object.display_name()));
            plan.findings.push(about(Code::AnchorShared, message, hint));
            continue;
        }
        let room = if slot.form().list { usize::MAX } else { 1 - pod_spec.pull_secrets.len().min(1) };
        if addition.names.len() > room {
            let message = format!(
                "`{}` of `{}` `{}` holds one name only, but {} is needed",
                slot.key(),
                object.kind,
                object.display_name(),
                names()
            );
            let hint = Some("put all registries of this object into one secret".to_owned());
            plan.findings.push(about(Code::EditRefused, message, hint));
            continue;
        }
        let message = format!(
            "`{}` `{}` lacks pull secret {}{}",
            object.kind,
            object.display_name(),
            names(),
            reason(pod_spec),
        );
        plan.findings.push(about(Code::PullSecretMissing, message, Some("run `pullcred inject`".to_owned())));
        if object.kind == "Job" && object.group() == "batch" {
            let message =
                format!("`Job` `{}` cannot be changed in place once it exists", object.display_name());
            let hint = "delete the Job first, or let your tool replace it (Argo CD `Replace=true,Force=true`, Flux `force`)";
            plan.findings.push(about(Code::JobImmutable, message, Some(hint.to_owned())));
        }
        plan.additions.push(addition.clone());
    }
}

/// For people: the first image that is pulled there.
fn reason(pod_spec: &PodSpec) -> String {
    let first = pod_spec.containers.iter().find(|container| container.list != ContainerList::Volume);
    match first.or(pod_spec.containers.first()) {
        Some(container) if pod_spec.containers.len() == 1 => format!(" for `{}`", container.image),
        Some(container) => format!(" for `{}` and {} more", container.image, pod_spec.containers.len() - 1),
        None => String::new(),
    }
}

fn duplicates(plan: &mut Plan, path: &str, object: &Object, pod_spec: &PodSpec) {
    for (nth, secret) in pod_spec.pull_secrets.iter().enumerate() {
        if pod_spec.pull_secrets[..nth].iter().any(|earlier| earlier.name == secret.name) {
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
        plan.findings.push(finding(Code::ParseError, path, error.position, error.reason.clone(), None));
    }
}

fn finding(code: Code, path: &str, position: Position, message: String, hint: Option<String>) -> Finding {
    Finding { code, severity: code.severity(), file: path.to_owned(), position, message, hint, object: None }
}

fn object_ref(object: &Object) -> ObjectRef {
    ObjectRef {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        name: object.display_name().to_owned(),
        namespace: object.namespace.clone(),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
