//! What the builds of the repository have to say, as findings; and files that are no manifests because of their role.

use super::File;
use super::finding::{Code, Finding};
use crate::deliveries::graph::{self, Graph, Role};
use crate::objects::read::{Skip, SkipReason};
use lossless_yaml::span::Position;

/// The notices about files of the run.
pub fn findings(graph: &Graph, files: &[File]) -> Vec<Finding> {
    let selected = |name: &str| {
        let found = files.binary_search_by(|file| file.path.as_str().cmp(name));
        found.map_or(true, |nth| files[nth].selected)
    };
    let notices = graph.notices.iter().filter(|notice| selected(&notice.file));
    let finding = |notice: &graph::Notice| {
        let code = match notice.code {
            graph::Code::RemoteBaseUnknown => Code::RemoteBaseUnknown,
            graph::Code::Unknowable => Code::BuildUnknowable,
            graph::Code::BuildFails => Code::BuildFails,
            graph::Code::LoadRestricted => Code::LoadRestricted,
        };
        Finding {
            code,
            severity: code.severity(),
            file: notice.file.clone(),
            position: Position { line: notice.line, column: 1 },
            message: notice.message.clone(),
            hint: (!notice.hint.is_empty()).then(|| notice.hint.clone()),
            object: None,
        }
    };
    notices.map(finding).collect()
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
