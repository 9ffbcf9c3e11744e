//! What the builds of the repository have to say, as findings; and files that are no manifests because of their role.

use std::collections::BTreeSet;

use super::File;
use super::finding::{Code, Finding, Severity};
use super::place::runs;
use crate::config::Config;
use crate::deliveries::graph::Deployment;
use crate::deliveries::graph::{self, Graph, Role};
use crate::objects::object::Object;
use crate::objects::read::{FileFacts, Skip, SkipReason};
use lossless_yaml::span::Position;

/// The notices about files of the run.
///
/// A build that fails is an error where pods with a private image depend on it: nobody here knows what becomes of them.
pub fn findings(graph: &Graph, files: &[File], config: &Config) -> Vec<Finding> {
    let private = doubts(files, config);
    let selected = |name: &str| {
        let found = files.binary_search_by(|file| file.path.as_str().cmp(name));
        found.map_or(true, |nth| files[nth].selected)
    };
    let notices = graph
        .notices
        .iter()
        .enumerate()
        .filter(|(nth, notice)| !graph.settled.contains(nth) && selected(&notice.file));
    let finding = |(nth, notice): (usize, &graph::Notice)| {
        let code = match notice.code {
            graph::Code::RemoteBaseUnknown => Code::RemoteBaseUnknown,
            graph::Code::Unknowable => Code::BuildUnknowable,
            graph::Code::ChartUnknown => Code::ChartUnknown,
            graph::Code::BuildFails => Code::BuildFails,
            graph::Code::LoadRestricted => Code::LoadRestricted,
        };
        Finding {
            code,
            severity: if code == Code::BuildFails && private.contains(&nth) {
                Severity::Error
            } else {
                code.severity()
            },
            file: notice.file.clone(),
            position: Position { line: notice.line, column: 1 },
            message: notice.message.clone(),
            hint: (!notice.hint.is_empty()).then(|| notice.hint.clone()),
            object: None,
        }
    };
    notices.map(finding).collect()
}

/// The notices, by their indexes, that leave the place of a pod in doubt which needs a configured secret.
fn doubts(files: &[File], config: &Config) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    for file in files {
        for (nth, object) in file.objects().iter().enumerate() {
            let doubtful =
                file.deployments.get(nth).is_some_and(|all| all.iter().any(|one| one.doubt.is_some()));
            if object.is_service_account() || !doubtful {
                continue;
            }
            for run in (0..object.pod_specs.len()).flat_map(|at| runs(file, nth, object, at)) {
                if !run.needs(config).is_empty() {
                    found.extend(run.deployment.and_then(|deployment| deployment.doubt));
                }
            }
        }
    }
    found
}

/// Takes out of a file what nothing deploys and no API server would take; `is_listed` is whether a kustomization has the file among
/// its resources. Deployments are those of the objects, in their order.
pub fn drop_fragments(facts: &mut FileFacts, deployments: &mut Vec<Vec<Deployment>>, is_listed: bool) {
    if is_listed || facts.objects.iter().all(|object| !object.is_fragment) {
        return;
    }
    let mut kept = facts.objects.iter().map(|object| !object.is_fragment);
    deployments.retain(|_| kept.next().unwrap_or(true));
    for object in facts.objects.extract_if(.., |object| object.is_fragment) {
        let detail = format!(
            "`{}` `{}` without a selector is a patch or a fragment",
            object.kind,
            object.display_name()
        );
        facts.skips.push(Skip { position: object.position, reason: SkipReason::Fragment, detail });
    }
    facts.skips.sort_by_key(|skip| skip.position);
}

/// Takes out of a template of a chart what looks like objects.
pub fn leave_to_helm(file: &mut File) {
    // That it speaks of deliveries remains known.
    file.delivery = file.delivery.take().map(|_| Box::default());
    let Ok(facts) = &mut file.facts else { return };
    facts.shipped.clear();
    facts.errors.clear();
    let there = facts.objects.first().map(|object| object.position);
    facts.objects.clear();
    if let Some(position) = there.filter(|_| facts.skips.is_empty()) {
        let detail = "a template of a chart".to_owned();
        facts.skips.push(Skip { position, reason: SkipReason::Template, detail });
    }
}

/// Templates of a chart that is rendered are not passed over: what they give is known.
pub fn rendered(file: &mut File) {
    if let Ok(facts) = &mut file.facts {
        facts.skips.retain(|skip| skip.reason != SkipReason::Template);
    }
}

/// Takes the objects out of a file that nothing deploys; whether there were any. An Application that nothing deploys is where deploying begins.
pub fn leave_undelivered(file: &mut File) -> bool {
    file.shipped.clear();
    file.declared.clear();
    let Ok(facts) = &mut file.facts else {
        file.deployments.clear();
        return false;
    };
    let begins = |object: &Object| object.group() == "argoproj.io" && object.kind.starts_with("Application");
    let there = !facts.objects.iter().all(begins) || !facts.shipped.is_empty();
    facts.shipped.clear();
    facts.namespaces.clear();
    let mut kept = facts.objects.iter().map(begins);
    file.deployments.retain(|_| kept.next().unwrap_or(false));
    facts.objects.retain(begins);
    there
}

/// Takes out of a file what is no object to deploy: patches, and what kustomize reads for other reasons.
pub fn apply_role(file: &mut File, role: Role) {
    let what = match role {
        Role::Patch => "a patch of a kustomization",
        Role::Configuration => "configuration of kustomize",
        Role::GeneratorInput => "content of a generated object",
        Role::Kustomization | Role::Component => return,
    };
    let Ok(facts) = &mut file.facts else { return };
    file.deployments.clear();
    file.shipped.clear();
    facts.shipped.clear();
    for object in facts.objects.drain(..) {
        let detail = format!("`{}` `{}` is {what}", object.kind, object.display_name());
        facts.skips.push(Skip { position: object.position, reason: SkipReason::Fragment, detail });
    }
}
