//! `list`: every image, where it runs and what it is pulled with.

use anyhow::Result;

use super::Terminal;
use super::args::{Common, ListArgs, ListOutput};
use super::exit::Exit;
use super::run::Run;
use super::settings::Settings;
use crate::config::Config;
use crate::image::pattern::needed;
use crate::image::reference::ImageRef;
use crate::kube::object::{Container, Object, PodSpec};
use crate::plan::pull_secrets::is_pulled_by_node;
use crate::report::json;
use crate::report::list::{self, Deployment, Image, List, Skipped, Source, Workload};

/// Runs the command.
///
/// # Errors
/// Settings that make no sense.
pub fn run(common: &Common, arguments: &ListArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let settings = Settings::resolve(common, &arguments.scope.paths, &arguments.scope.secrets)?;
    let run = Run::new(settings)?;
    let list = collect(&run);
    let text = match arguments.output {
        ListOutput::Json => json::pretty(&list),
        ListOutput::Table => list::table(&list),
    };
    terminal.out.write_all(text.as_bytes())?;
    Ok(Exit::Clean)
}

fn collect(run: &Run) -> List {
    let mut workloads = Vec::new();
    for (index, file) in run.files.iter().enumerate().filter(|(_, file)| file.selected) {
        let Ok(facts) = &file.facts else { continue };
        for (nth, object) in facts.objects.iter().enumerate().filter(|(_, o)| !o.is_service_account()) {
            for (place, pod_spec) in object.pod_specs.iter().enumerate() {
                let added = run.plan.added(index, nth, place);
                workloads.push(workload(&run.settings.config, &file.path, object, pod_spec, added));
            }
        }
    }
    workloads.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    let skips = run.plan.findings.iter().filter(|finding| finding.code.is_skip());
    let skipped = skips.map(|finding| Skipped {
        file: finding.file.clone(),
        line: finding.position.line,
        code: finding.code.name(),
        reason: finding.message.clone(),
    });
    List { version: 1, workloads, skipped: skipped.collect() }
}

fn workload(config: &Config, file: &str, object: &Object, pod_spec: &PodSpec, added: &[String]) -> Workload {
    let written: Vec<String> = pod_spec.pull_secrets.iter().map(|secret| secret.name.clone()).collect();
    let source = object.namespace.as_ref().map(|_| Source {
        rule: "metadata",
        file: file.to_owned(),
        line: object.position.line,
    });
    let deployment = Deployment {
        namespace: object.namespace.clone(),
        name: Some(object.display_name().to_owned()),
        source: source.into_iter().collect(),
        images: pod_spec.containers.iter().map(|container| image(config, container)).collect(),
        pull_secrets: written.iter().chain(added).cloned().collect(),
    };
    Workload {
        file: file.to_owned(),
        line: object.position.line,
        document: object.document,
        path: pod_spec.path.to_string(),
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        name: object.display_name().to_owned(),
        service_account: pod_spec.service_account.clone().unwrap_or_else(|| "default".to_owned()),
        pull_secrets: written,
        deployments: vec![deployment],
    }
}

fn image(config: &Config, container: &Container) -> Image {
    let reference = ImageRef::parse(&container.image).ok();
    let node_identity = reference.as_ref().is_some_and(|image| is_pulled_by_node(config, image));
    let secret = config.secrets.iter().find(|secret| needed(&secret.keys, reference.as_ref()));
    Image {
        container: container.name.clone(),
        image: container.image.clone(),
        registry: reference.as_ref().map(|image| image.registry().to_owned()),
        secret: secret.filter(|_| !node_identity).map(|secret| secret.name.clone()),
        node_identity,
    }
}
