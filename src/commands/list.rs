//! `list`: every image, where it runs and what it is pulled with.

use anyhow::Result;

use super::args::{Common, ListArgs, ListOutput};
use super::ending;
use super::exit::Exit;
use super::run::Run;
use super::secrets::{Options, Secrets};
use super::settings::Settings;
use super::start::now;
use super::terminal::Terminal;
use crate::config::Config;
use crate::objects::object::{Object, PodSpec};
use crate::plan::closure::Closure;
use crate::plan::finding::Code;
use crate::plan::mentions::{By, Mention};
use crate::plan::place::{PodRun, is_pulled_by_node, runs};
use crate::report::html::{self, Gap};
use crate::report::json;
use crate::report::list::{self, Deployment, Image, List, Mentioned, Skipped, Source, Workload};
use kubelet_keyring::pattern::needed;
use kubelet_keyring::reference::ImageRef;

/// Runs the command.
///
/// # Errors
/// Settings that make no sense.
pub fn run(common: &Common, arguments: &ListArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let settings = Settings::resolve(common, &arguments.scope.paths, &arguments.scope.secrets)?;
    let mut run = Run::new(settings)?;
    let text = match arguments.output {
        ListOutput::Json => json::pretty(&collect(&run, None).0),
        ListOutput::Table => list::table(&collect(&run, None).0),
        ListOutput::Html => {
            let sealed = Secrets::plan(&run, Options::default())?.map(|it| it.sealed()).unwrap_or_default();
            run.audit(now(), &sealed);
            let (list, gaps) = collect(&run, Some(&run.closure(&sealed)));
            html::page(&list, &gaps)
        }
    };
    terminal.out.write_all(text.as_bytes())?;
    if matches!(arguments.output, ListOutput::Table) && !common.quiet {
        // What the table does not show.
        terminal.out.flush()?;
        ending::skipped(common, &run.summary(), terminal)?;
        ending::undeployed(&run, terminal)?;
    }
    Ok(Exit::Clean)
}

/// The list, and for each of its workloads what keeps its images from being pulled, if the closure is asked.
fn collect(run: &Run, closure: Option<&Closure<'_>>) -> (List, Vec<Vec<Gap>>) {
    let config = &run.settings.config;
    let mut workloads = Vec::new();
    for (index, file) in run.files.iter().enumerate().filter(|(_, file)| file.selected) {
        let Ok(facts) = &file.facts else { continue };
        for (nth, object) in facts.objects.iter().enumerate().filter(|(_, o)| !o.is_service_account()) {
            for (place, pod_spec) in object.pod_specs.iter().enumerate() {
                let added = run.plan.added(index, nth, place);
                let mut runs = runs(file, nth, object, place);
                runs.retain(|run| run.deployment.is_some() || file.deployments.is_empty());
                let deployments = runs.iter().map(|pod| deployment(config, object, pod, added)).collect();
                let mut gaps = Vec::new();
                for (at, pod) in runs.iter().enumerate() {
                    let Some(closure) = closure else { break };
                    gaps.extend(missing(config, at, pod, added));
                    let found = closure.gaps(file, object, pod_spec, pod).into_iter();
                    gaps.extend(found.filter(|gap| run.stands(&gap.finding)).map(|gap| Gap {
                        deployment: at,
                        code: gap.finding.code,
                        message: gap.finding.message,
                        secret: gap.secret,
                        image: gap.image,
                    }));
                }
                workloads.push((workload(&file.path, object, pod_spec, deployments), gaps));
            }
        }
    }
    workloads.sort_by(|(a, _), (b, _)| (&a.file, a.line).cmp(&(&b.file, b.line)));
    let (workloads, gaps) = workloads.into_iter().unzip();
    let skips = run.plan.findings.iter().filter(|finding| finding.code.is_skip());
    let skipped = skips.map(|finding| Skipped {
        file: finding.file.clone(),
        line: finding.position.line,
        code: finding.code.name(),
        reason: finding.message.clone(),
    });
    let mentions = run.mentions.iter().map(|mention| mentioned(config, mention)).collect();
    (List { version: 1, workloads, mentions, skipped: skipped.collect() }, gaps)
}

fn mentioned(config: &Config, mention: &Mention) -> Mentioned {
    let (by, object) = match &mention.by {
        By::Values(object) => ("values", Some(format!("{}/{}", object.kind, object.name))),
        By::Images => ("images", None),
        By::Source(object) => ("source", Some(format!("{}/{}", object.kind, object.name))),
    };
    Mentioned {
        file: mention.file.clone(),
        line: mention.position.line,
        by,
        object,
        cluster: mention.cluster.clone(),
        namespace: mention.namespace.clone(),
        image: mention.image.clone(),
        registry: mention.registry(),
        secret: mention.secret(config).map(str::to_owned),
    }
}

/// The pull secrets that the plan adds and a deployment needs.
fn missing(
    config: &Config,
    deployment: usize,
    pod: &PodRun<'_>,
    added: &[String],
) -> impl Iterator<Item = Gap> {
    let needed = pod.needs(config).into_iter().map(|nth| &config.secrets[nth].name);
    needed.filter(|name| added.contains(name) && !pod.has(name)).map(move |name| Gap {
        deployment,
        code: Code::PullSecretMissing,
        message: format!("pull secret `{name}` is missing"),
        secret: Some(name.clone()),
        image: None,
    })
}

fn workload(file: &str, object: &Object, pod_spec: &PodSpec, deployments: Vec<Deployment>) -> Workload {
    Workload {
        file: file.to_owned(),
        line: object.position.line,
        document: object.document,
        path: pod_spec.path.to_string(),
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        name: object.display_name().to_owned(),
        service_account: pod_spec.account_name().to_owned(),
        pull_secrets: pod_spec.pull_secrets.iter().map(|secret| secret.name.clone()).collect(),
        deployments,
    }
}

fn deployment(config: &Config, object: &Object, pod: &PodRun<'_>, added: &[String]) -> Deployment {
    let name = match pod.deployment {
        Some(deployment) => deployment.name.clone(),
        None => Some(object.display_name().to_owned()),
    };
    let sources = pod.deployment.map_or(&[][..], |deployment| &deployment.source);
    let sources = sources.iter().map(|source| Source {
        rule: source.rule.name(),
        file: source.file.to_string(),
        line: source.line,
    });
    let mut pull_secrets: Vec<Option<String>> =
        pod.pull_secrets.iter().map(|name| name.map(str::to_owned)).collect();
    pull_secrets.extend(added.iter().filter(|name| !pod.has(name)).cloned().map(Some));
    Deployment {
        cluster: pod.cluster().and_then(|cluster| cluster.name.as_deref()).map(str::to_owned),
        namespace: pod.namespace.map(str::to_owned),
        name,
        source: sources.collect(),
        images: pod.images.iter().map(|(name, text)| image(config, pod.namespace, name, text)).collect(),
        pull_secrets,
    }
}

fn image(config: &Config, namespace: Option<&str>, container: &str, image: &str) -> Image {
    let reference = ImageRef::parse_open(image).ok();
    let node_identity = reference.as_ref().is_some_and(|image| is_pulled_by_node(config, image));
    let left_alone = config.namespaces.excludes_known(namespace);
    let secret = config.secrets.iter().find(|secret| needed(&secret.keys, reference.as_ref()));
    Image {
        container: container.to_owned(),
        image: image.to_owned(),
        registry: reference.as_ref().map(|image| image.registry().to_owned()),
        secret: secret.filter(|_| !node_identity && !left_alone).map(|secret| secret.name.clone()),
        node_identity,
    }
}
