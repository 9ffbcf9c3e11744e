//! `explain`: why a pod spec gets, has or lacks a pull secret, rule by rule.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::args::{Common, ExplainArgs};
use super::exit::Exit;
use super::run::Run;
use super::settings::Settings;
use super::terminal::Terminal;
use crate::config::{Config, PullSecret};
use crate::deliveries::graph::{Graph, Notice, Pods};
use crate::objects::object::{FromChart, Object, PodSpec};
use crate::plan::closure::Closure;
use crate::plan::place::{PodRun, runs};
use crate::plan::{Adding, File};
use crate::report::{plain, plain_lines};
use kubelet_keyring::reference::ImageRef;

/// Runs the command.
///
/// # Errors
/// Nothing to explain at that place.
pub fn run(common: &Common, arguments: &ExplainArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let (file, line) = split_line(&arguments.what);
    let start = super::settings::directory(common)?;
    let on_disk = start.join(file);
    if !on_disk.is_file() {
        let settings = Settings::resolve(common, &[], &arguments.secrets)?;
        return image(settings, &arguments.what, arguments.namespace.as_deref(), terminal);
    }
    let settings = Settings::resolve(common, &[file.into()], &arguments.secrets)?;
    let mut run = Run::new(settings)?;
    // What a release deploys stands where its values are.
    let mut values: Vec<PathBuf> =
        elsewhere(&run, line).map(|file| run.settings.root.join(&file.path)).collect();
    let here = run.files.iter().find(|file| file.selected).map(|file| file.path.clone());
    if !values.is_empty() {
        values.extend(line.is_none().then(|| file.into()));
        run = Run::new(Settings::resolve(common, &values, &arguments.secrets)?)?;
        return explain(&run, None, here.as_deref(), (arguments, terminal));
    }
    explain(&run, line, None, (arguments, terminal))
}

/// The files with the values of a release that stands here, where these are not in it.
fn elsewhere(run: &Run, line: Option<usize>) -> impl Iterator<Item = &File> {
    let is_here = move |asked: &(String, usize)| {
        run.files.iter().any(|file| file.selected && file.path == asked.0)
            && line.is_none_or(|line| line >= asked.1)
    };
    let is_asked_for = move |file: &&File| {
        let pods = file.objects().iter().flat_map(|object| &object.pod_specs);
        pods.filter_map(|pod_spec| pod_spec.chart.as_ref()?.asked_at.as_ref()).any(is_here)
    };
    run.files.iter().filter(is_asked_for)
}

/// Explains what the run is about; of files of values only what is asked for in the file `here`, if one is given.
fn explain(
    run: &Run,
    line: Option<usize>,
    here: Option<&str>,
    (arguments, terminal): (&ExplainArgs, &mut Terminal<'_>),
) -> Result<Exit> {
    let is_of = |file: &File, pod_spec: &PodSpec| {
        let asked = pod_spec.chart.as_ref().and_then(|chart| chart.asked_at.as_ref());
        here.is_none_or(|here| file.path == here || asked.is_some_and(|asked| asked.0 == here))
    };
    let closure = run.closure(&[]);
    let mut explained = 0;
    for (index, file) in run.files.iter().enumerate().filter(|(_, file)| file.selected) {
        let Ok(facts) = &file.facts else { continue };
        for (nth, object) in facts.objects.iter().enumerate() {
            // The line belongs to the last object that starts at or before it.
            let next = facts.objects.get(nth + 1).map(|next| next.position.line);
            if line.is_some_and(|line| line < object.position.line || next.is_some_and(|next| line >= next)) {
                continue;
            }
            let pods = object.pod_specs.iter().enumerate();
            for (place, _) in pods.filter(|(_, pod_spec)| is_of(file, pod_spec)) {
                let added = run.plan.added(index, nth, place);
                explained += 1;
                terminal.out.write_all(pod(run, &closure, file, (nth, place), added).as_bytes())?;
            }
        }
    }
    for finding in &run.plan.findings {
        if line.is_none() || line == Some(finding.position.line) || finding.code.is_skip() {
            explained += 1;
            terminal.out.write_all(crate::report::text::finding(finding, terminal.out_style).as_bytes())?;
        }
    }
    if explained == 0 {
        bail!("{}: no pod spec here\nhint: `pullcred list` shows every workload", arguments.what);
    }
    Ok(Exit::Clean)
}

/// `FILE:LINE` to its parts; a file name may hold colons too.
fn split_line(what: &str) -> (&str, Option<usize>) {
    match what.rsplit_once(':') {
        Some((file, line)) if !line.is_empty() => match line.parse() {
            Ok(line) => (file, Some(line)),
            Err(_) => (what, None),
        },
        _ => (what, None),
    }
}

fn pod(
    run: &Run,
    closure: &Closure<'_>,
    file: &File,
    (nth, place): (usize, usize),
    added: &[String],
) -> String {
    let Run { graph, settings, .. } = run;
    let config = &settings.config;
    let object = &file.objects()[nth];
    let pod_spec = &object.pod_specs[place];
    let mut out = format!(
        "{}:{}: `{}` `{}`, {}\n",
        plain(&file.path),
        pod_spec.position,
        plain(&object.kind),
        plain(object.display_name()),
        if pod_spec.path.0.is_empty() { "the object itself".to_owned() } else { pod_spec.path.to_string() },
    );
    let mut say = |text: String| {
        out.push_str("  ");
        // Some reasons have lines of their own.
        out.push_str(&plain_lines(&text));
        out.push('\n');
    };
    pod_spec.chart.iter().flat_map(|from| made_by(from)).for_each(&mut say);
    for container in &pod_spec.containers {
        let reasons = why(config, &container.image);
        say(format!(
            "container `{}` at line {}: image `{}`",
            container.name, container.position.line, container.image
        ));
        for reason in reasons {
            say(format!("  {reason}"));
        }
    }
    let mut brought = BTreeSet::new();
    for run in runs(file, nth, object, place) {
        brought.extend(pod_spec.pull_secrets.iter().flat_map(|secret| closure.brought(&secret.name, &run)));
        deployed(object, pod_spec, &run, graph, config).into_iter().for_each(&mut say);
    }
    let present: Vec<String> =
        pod_spec.pull_secrets.iter().map(|secret| format!("`{}`", secret.name)).collect();
    say(match present.len() {
        0 => "has no pull secrets".to_owned(),
        _ => format!("has {}", present.join(", ")),
    });
    brought.into_iter().for_each(|how| say(format!("  {how}")));
    let added: Vec<String> = added.iter().map(|name| format!("`{name}`")).collect();
    say(match added.len() {
        0 => "gets nothing".to_owned(),
        _ => format!("gets {}", added.join(", ")),
    });
    out
}

/// The chart that makes pods, and what gives them pull secrets.
fn made_by(from: &FromChart) -> [String; 2] {
    let values =
        if from.values.is_empty() { String::new() } else { format!(" with {}", from.values.join(", then ")) };
    let pods = from.pods.join(", ");
    let what = match &from.value {
        Some(value) => format!("the value `{value}` gives pull secrets to {pods}"),
        None => format!("stands for {pods}"),
    };
    [format!("made by the chart {}{values}", from.chart), what]
}

/// One deployment of a pod spec: where it goes, who adds pull secrets there, and which images it has there only.
fn deployed(
    object: &Object,
    pod_spec: &PodSpec,
    run: &PodRun<'_>,
    graph: &Graph,
    config: &Config,
) -> Vec<String> {
    let mut lines = vec![chain(object, run, graph)];
    for Adding { adder, file, .. } in &run.added {
        let names: Vec<String> = adder.names.iter().map(|name| format!("`{name}`")).collect();
        let object = &adder.object;
        let (kind, name, line) = (&object.kind, object.display_name(), object.position.line);
        lines.push(format!(
            "  {} adds {}: `{kind}` `{name}` ← {file}:{line}",
            adder.controller,
            names.join(", ")
        ));
    }
    if let Some(namespace) = run.namespace.filter(|namespace| config.namespaces.excludes(namespace)) {
        lines.push(format!("  `namespaces.exclude` has `{namespace}`: it is left alone"));
    }
    // An overlay may move an image to another registry: what is deployed decides, not what is written.
    let written = |image: &str| pod_spec.containers.iter().any(|container| container.image == image);
    for (container, image) in run.images.iter().filter(|(_, image)| !written(image)) {
        lines.push(format!("  container `{container}`: image `{image}` in this build"));
        lines.extend(why(config, image).into_iter().map(|reason| format!("    {reason}")));
    }
    lines
}

/// Where one deployment of an object goes, and through which files it got there.
fn chain(object: &Object, run: &PodRun<'_>, graph: &Graph) -> String {
    let namespace = match run.namespace {
        Some(namespace) => format!("namespace `{namespace}`"),
        None => "a namespace that nothing tells".to_owned(),
    };
    let Some(deployment) = run.deployment else {
        return format!("nothing deploys it; as written it goes to {namespace}");
    };
    let name = match deployment.name.as_deref() {
        Some(name) if name != object.name => format!(" as `{name}`"),
        _ => String::new(),
    };
    let cluster = deployment.cluster.name.as_deref();
    let cluster = cluster.map_or_else(String::new, |cluster| format!(" of cluster `{cluster}`"));
    let way = deployment.source.iter();
    let way: Vec<String> =
        way.map(|step| format!("{} {}:{}", step.rule.name(), step.file, step.line)).collect();
    let way = if way.is_empty() { String::new() } else { format!(" ← {}", way.join(" ← ")) };
    let doubt = deployment.doubt.and_then(|at| graph.notices.get(at));
    match doubt.filter(|_| deployment.pods == Pods::Unknown) {
        Some(Notice { file, line, message, .. }) => {
            format!("deployed in a way that cannot be followed{way}\n    {file}:{line}: {message}")
        }
        None => format!("deployed to {namespace}{cluster}{name}{way}"),
    }
}

/// Rule by rule what a configured secret has to do with an image.
fn why(config: &Config, image: &str) -> Vec<String> {
    let Ok(reference) = ImageRef::parse(image) else {
        let any = config.secrets.iter().filter(|secret| secret.keys.is_empty());
        let mut reasons = vec!["is no image reference: matches no registry".to_owned()];
        reasons.extend(any.map(|secret| format!("`{}` serves every image", secret.name)));
        return reasons;
    };
    let mut reasons =
        vec![format!("registry `{}`, repository `{}`", reference.registry(), reference.repository())];
    if config.node_identity.iter().any(|key| key.matches(&reference)) {
        reasons.push("`nodeIdentity` matches: the node pulls it by itself".to_owned());
        return reasons;
    }
    reasons.extend(config.secrets.iter().map(|secret| verdict(secret, &reference)));
    reasons
}

fn verdict(secret: &PullSecret, image: &ImageRef<'_>) -> String {
    if secret.keys.is_empty() {
        return format!("`{}` serves every image", secret.name);
    }
    let written = secret.registries.iter().chain(&secret.aliases);
    match secret.keys.iter().zip(written).find(|(key, _)| key.matches(image)) {
        Some((_, written)) => format!("`{}` serves it: registry `{written}` matches", secret.name),
        None => format!("`{}` does not serve it", secret.name),
    }
}

fn image(
    settings: Settings,
    image: &str,
    namespace: Option<&str>,
    terminal: &mut Terminal<'_>,
) -> Result<Exit> {
    if ImageRef::parse(image).is_err() {
        bail!("{image}: neither a file nor an image reference");
    }
    let place = namespace.map(|namespace| format!(" in namespace `{namespace}`")).unwrap_or_default();
    writeln!(terminal.out, "image `{image}`{place}")?;
    for reason in why(&settings.config, image) {
        writeln!(terminal.out, "  {reason}")?;
    }
    let run = Run::new(settings)?;
    let places = places(&run, image, namespace);
    for place in &places {
        writeln!(terminal.out, "  {}", plain(place))?;
    }
    if places.is_empty() {
        writeln!(terminal.out, "  nothing in this repository names it{place}")?;
    }
    Ok(Exit::Clean)
}

/// Where an image runs, and where it is named for what is not known.
fn places(run: &Run, image: &str, namespace: Option<&str>) -> Vec<String> {
    let mut places = Vec::new();
    let is_there = |other: Option<&str>| namespace.is_none() || other.is_none() || other == namespace;
    let same = |other: &str| match (ImageRef::parse(image), ImageRef::parse(other)) {
        (Ok(one), Ok(other)) => {
            let name = |it: &ImageRef<'_>| {
                (it.lookup_name(), it.tag().map(str::to_owned), it.digest().map(str::to_owned))
            };
            name(&one) == name(&other)
        }
        _ => false,
    };
    let whereabouts = |cluster: Option<&str>, namespace: Option<&str>| {
        let cluster = cluster.map(|cluster| format!(" of cluster `{cluster}`")).unwrap_or_default();
        match namespace {
            Some(namespace) => format!(" in namespace `{namespace}`{cluster}"),
            None => format!(" in a namespace that nothing tells{cluster}"),
        }
    };
    for file in &run.files {
        for (nth, object) in file.objects().iter().enumerate() {
            for pod in (0..object.pod_specs.len()).flat_map(|place| runs(file, nth, object, place)) {
                if !is_there(pod.namespace) || !pod.images.iter().any(|(_, other)| same(other)) {
                    continue;
                }
                let cluster = pod.cluster().and_then(|cluster| cluster.name.as_deref());
                places.push(format!(
                    "{}:{}: `{}` `{}` runs it{}",
                    file.path,
                    object.position.line,
                    object.kind,
                    object.display_name(),
                    whereabouts(cluster, pod.namespace)
                ));
            }
        }
    }
    for mention in &run.mentions {
        if is_there(mention.namespace.as_deref()) && same(&mention.image) {
            places.push(format!(
                "{}:{}: {} names it{}, but what runs it is not known",
                mention.file,
                mention.position,
                mention.who(),
                whereabouts(mention.cluster.as_deref(), mention.namespace.as_deref())
            ));
        }
    }
    places.dedup();
    places
}
