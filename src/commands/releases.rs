//! Releases of charts that are in the repository: what they deploy becomes objects like all others, with room in their values.
//!
//! A chart is rendered with the release's values as the builds leave them, and a value is taken for one of pull secrets only if it has
//! been tried. What is not in the repository, or cannot be read here, stays what the deliveries say of it.

mod asker;
mod findings;
mod inflate;
mod made;
mod objects;
mod outcome;
mod render;
mod tally;
mod umbrella;
mod unclaimed;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::mentions;
use super::settings::{Settings, shown};
use crate::deliveries::delivery::{Delivery, DeliveryAt, DeliveryFacts, Kind};
use crate::deliveries::facts::Facts;
use crate::deliveries::flux::Source;
use crate::deliveries::graph::{self, ChartObject, Deployment, Graph, Pods, Rule, checked};
use crate::deliveries::releases::{self, Chart, Layer, Place, Release, Sources};
use crate::effects::charts;
use crate::objects::object::Object;
use crate::plan::finding::Finding;
use crate::plan::mentions::Mention;
use crate::plan::{File, notices};
use asker::{About, Asker, Use, is_read};
use findings::Sought;
pub use inflate::inflater;
use inflate::{generators, homes};
use lossless_yaml::path::Path;
use lossless_yaml::span::Position;
pub use made::Made;
use offline_kustomize::value::Value;
use outcome::{Outcome, outcomes};
use render::Finished;
pub(super) use render::words;
use tally::Tally;
use unclaimed::{is_for_others, unclaimed};

/// Adds, to the files of objects that ask for charts, an object without pods for each, so that the graph tells where they go.
pub fn announce(files: &mut [File]) {
    for file in files.iter_mut().filter(|file| is_read(file)) {
        let Some(delivery) = &file.delivery else { continue };
        let objects: Vec<Object> = delivery.deliveries.iter().filter(|it| asks(it)).map(bare).collect();
        if let Ok(facts) = &mut file.facts {
            facts.objects.extend(objects);
        }
    }
}

fn asks(delivery: &Delivery) -> bool {
    match delivery.kind {
        Kind::HelmRelease | Kind::Application | Kind::ApplicationSet => true,
        Kind::OtherRelease => delivery.tree.str_at("kind") == Some("HelmChart"),
        _ => false,
    }
}

fn may_ask(facts: &DeliveryFacts) -> bool {
    facts.deliveries.iter().any(asks)
        || facts
            .kustomization
            .as_ref()
            .is_some_and(|fields| !fields.charts.is_empty() || !fields.generators.is_empty())
}

fn bare(delivery: &Delivery) -> Object {
    let text = |keys: &[&str]| delivery.tree.at(keys).and_then(Value::as_str).unwrap_or_default();
    let path = delivery.items.iter().fold(Path::default(), |path, nth| path.key("items").index(*nth));
    let place = (delivery.document, path, delivery.position);
    let mut object = Object::bare(text(&["apiVersion"]), text(&["kind"]), text(&["metadata", "name"]), place);
    let namespace = Some(text(&["metadata", "namespace"])).filter(|namespace| !namespace.is_empty());
    object.namespace = namespace.map(str::to_owned);
    object
}

/// What looking at all releases told.
#[derive(Default)]
pub struct Filled {
    /// What is to be said.
    pub findings: Vec<Finding>,
    /// Images that are named by releases whose charts are not known.
    pub mentions: Vec<Mention>,
    /// The charts that are asked for.
    pub charts: Vec<Chart>,
    /// What charts make that deploys more.
    pub made: Made,
}

/// Renders the charts of all releases and puts what they deploy in the place of what was announced. `digest` is told of files that gain
/// objects, and `told` is what templates already say that they make.
pub fn fill(
    files: &mut [File],
    graph: &mut Graph,
    settings: &Settings,
    own: &Facts,
    told: &Made,
    mut digest: impl FnMut(usize, &str),
) -> Filled {
    let Asked { askers, uses, sought } = asked(files, graph, settings);
    if uses.is_empty() {
        return Filled::default();
    }
    let path = |sought: &Sought| sought.as_ref().ok().and_then(|found| Some(found.as_ref()?.path.clone()));
    let mut found: Vec<Option<PathBuf>> = sought.iter().map(path).collect();
    let mut outcomes = outcomes(files, settings, own, &askers, &uses, &found);
    for ((it, outcome), chart) in uses.iter().zip(&mut outcomes).zip(&mut found) {
        if askers[it.asker].is_for_others && !is_for_others(outcome, chart.as_deref(), settings) {
            (*outcome, *chart) = (Outcome::Nothing, None);
        }
    }
    leave_charts(files, settings, found.iter().flatten());
    let mut tally = Tally::new(files, settings, told);
    for ((it, outcome), sought) in uses.iter().zip(&outcomes).zip(&sought) {
        tally.add(&askers[it.asker], it, outcome, sought);
    }
    let Tally { known, unknown, hidden, findings, merged, made, .. } = tally;
    let is_rendered = |outcome: &Outcome| matches!(outcome, Outcome::Rendered(_));
    let rendered = found.iter().zip(&outcomes).filter(|(_, outcome)| is_rendered(outcome));
    in_folders(files, settings, rendered.filter_map(|(folder, _)| folder.clone()), notices::rendered);
    let known: Vec<&Asker> = known.difference(&unknown).map(|nth| &askers[*nth]).collect();
    let (objects, entries) = settled(files, &known);
    graph.release_known(&objects, &entries);
    merged.finish(files, |file, text| digest(file, text));
    let mentions = mentions::of_releases(files, settings, &hidden);
    let charts = uses.iter().map(|it| it.release.chart.clone()).collect();
    Filled { findings, mentions, charts, made }
}

/// Who asks for charts, each release wherever it is deployed, and what was found of its chart.
struct Asked {
    askers: Vec<Asker>,
    uses: Vec<Use>,
    sought: Vec<Sought>,
}

/// Takes the announced objects out again; what nothing asks for comes last.
fn asked(files: &mut [File], graph: &Graph, settings: &Settings) -> Asked {
    let (mut askers, mut uses) = take(files, graph, settings);
    let homes = homes(settings);
    let find = |it: &Use| charts::find(&settings.root, &homes, &it.release.chart);
    let mut sought: Vec<Sought> = uses.iter().map(find).collect();
    for (it, sought) in uses.iter_mut().zip(&sought) {
        if askers[it.asker].is_made {
            out_of_the_template(&mut it.release, files);
        }
        if let (Chart::Folder(folder), Ok(Some(found))) = (&it.release.chart, sought)
            && charts::is_wrapper(&settings.root, &found.path)
        {
            let values = format!("{folder}/values.yaml");
            let is_argo = askers[it.asker].kind.starts_with("Application");
            // What Argo CD makes of one folder need not fit the others of an ApplicationSet.
            if is_argo && it.release.layers.is_empty() && files.iter().any(|file| file.path == values) {
                it.release.place = Place::File(values.clone());
            }
            it.release.with_own_values(values);
        }
    }
    let taken: Vec<&PathBuf> =
        sought.iter().flatten().flatten().map(|found| &found.path).chain(&homes).collect();
    for (asker, release) in unclaimed(files, settings, &taken) {
        uses.push(Use { asker: askers.len(), release, deployment: None, built: None });
        askers.push(asker);
    }
    sought.extend(uses[sought.len()..].iter().map(find));
    Asked { askers, uses, sought }
}

/// Lets the values of a release that a chart makes be written into the last file of values that it names, and nobody overrides: its own
/// object is a template.
fn out_of_the_template(release: &mut Release, files: &[File]) {
    let Some(Layer::File { path, .. }) = release.layers.last() else { return };
    let is_own = matches!(&release.chart, Chart::Folder(folder) if *path == format!("{folder}/values.yaml"));
    if !is_own && files.iter().any(|file| file.path == *path) {
        release.place = Place::File(path.clone());
    }
}

/// What the notices are about on charts that are known after all: objects, and entries of kustomizations by file and line.
fn settled(files: &[File], known: &[&Asker]) -> (BTreeSet<DeliveryAt>, BTreeSet<(String, usize)>) {
    let (mut objects, mut entries) = (BTreeSet::new(), BTreeSet::new());
    for asker in known {
        match asker.about.clone() {
            About::Here => drop(entries.insert((files[asker.file].path.clone(), asker.position.line))),
            About::Entry(file, line) => drop(entries.insert((file, line))),
            About::Object(spot) => drop(objects.insert(spot)),
        }
    }
    // What only gives a chart more values is no chart of its own.
    let names: BTreeSet<&str> =
        known.iter().filter(|asker| asker.kind == "HelmChart").map(|asker| &*asker.name).collect();
    for (nth, file) in files.iter().enumerate() {
        let all = file.delivery.iter().flat_map(|facts| &facts.deliveries);
        let configs = all.filter(|it| is_config(&it.tree) && names.contains(name_of(&it.tree)));
        objects.extend(configs.map(|it| it.at(nth)));
    }
    (objects, entries)
}

/// Takes the announced objects out again, and returns who asks for charts, and each release wherever it is deployed.
fn take(files: &mut [File], graph: &Graph, settings: &Settings) -> (Vec<Asker>, Vec<Use>) {
    let (mut askers, mut uses) = (Vec::new(), Vec::new());
    let deliveries =
        files.iter().filter_map(|file| file.delivery.as_ref()).flat_map(|facts| &facts.deliveries);
    let chart_sources: Vec<Value> = deliveries
        .filter(|it| it.kind == Kind::ChartSource || is_config(&it.tree))
        .map(|it| it.tree.clone())
        .collect();
    for file in 0..files.len() {
        let Some(facts) = files[file].delivery.as_ref().filter(|facts| may_ask(facts)).cloned() else {
            continue;
        };
        if !is_read(&files[file]) {
            continue;
        }
        let mut taken = Vec::new();
        for delivery in facts.deliveries.iter().filter(|it| asks(it)) {
            let object = bare(delivery);
            let is_it = |other: &Object| other.pod_specs.is_empty() && same_place(other, &object);
            let Some(nth) = files[file].objects().iter().position(is_it) else { continue };
            let deployments = files[file].deployments.get(nth).cloned().unwrap_or_default();
            taken.push(nth);
            askers.push(asker_of(&files[file], file, object, delivery));
            deployed(
                files,
                graph,
                askers.len() - 1,
                (file, delivery),
                &deployments,
                &chart_sources,
                &mut uses,
            );
        }
        taken.sort_unstable();
        for nth in taken.into_iter().rev() {
            if let Ok(facts) = &mut files[file].facts {
                facts.objects.remove(nth);
                files[file].deployments.remove(nth);
            }
        }
        if let Some(fields) = facts.kustomization.as_ref().filter(|fields| !fields.charts.is_empty()) {
            let path = files[file].path.clone();
            for (line, release) in releases::charts(&path, fields) {
                let asker = asker_of_entry(file, line, &release);
                uses.extend(in_builds(graph, askers.len(), &path, line, &release));
                askers.push(asker);
            }
        }
        if let Some(fields) = &facts.kustomization {
            for (asker, line, release) in generators(files, file, fields, settings) {
                uses.extend(in_builds(graph, askers.len(), &files[file].path, line, &release));
                askers.push(asker);
            }
        }
    }
    (askers, uses)
}

/// An object of a file as who asks.
fn asker_of(file: &File, nth: usize, object: Object, delivery: &Delivery) -> Asker {
    let template = if delivery.kind == Kind::ApplicationSet { &["spec", "template"][..] } else { &[] };
    Asker {
        document: object.document,
        path: object.path,
        template: template.iter().fold(Path::default(), |path, key| path.key(key)),
        is_made: file.is_made,
        is_guess: file.is_guess,
        about: About::Object(delivery.at(nth)),
        ..Asker::new(nth, [object.api_version, object.kind, object.name], object.position)
    }
}

fn is_config(tree: &Value) -> bool {
    tree.str_at("kind") == Some(releases::CHART_CONFIG)
}

fn name_of(tree: &Value) -> &str {
    tree.at(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default()
}

fn same_place(one: &Object, other: &Object) -> bool {
    one.document == other.document && one.path == other.path && one.kind == other.kind
}

/// The entry of a kustomization as who asks.
fn asker_of_entry(file: usize, line: usize, release: &Release) -> Asker {
    let path = match &release.place {
        releases::Place::Inline(path) => Path(path.0[..path.0.len() - 1].to_vec()),
        releases::Place::File(_) | releases::Place::Text(_) => Path::default(),
    };
    let called = ["kustomize.config.k8s.io/v1beta1", "Kustomization", &release.name].map(str::to_owned);
    Asker { path, ..Asker::new(file, called, Position { line, column: 1 }) }
}

/// Where the charts of a kustomization go. It moves none of their objects: what a template gives no namespace has none.
/// [kustomize api/internal/builtins/NamespaceTransformer.go]
fn of_kustomization(path: &str, line: usize, release: &Release) -> Deployment {
    let source = vec![graph::Source { rule: Rule::Kustomize, file: Arc::from(path), line }];
    let unknown = Deployment::unknown(graph::Cluster::default(), source, Some(Arc::from(path)));
    Deployment { name: Some(release.name.clone()), pods: Pods::Written, ..unknown }
}

/// A chart of a kustomization in each build that takes it in.
fn in_builds(graph: &Graph, asker: usize, path: &str, line: usize, release: &Release) -> Vec<Use> {
    let of_it = |object: &&ChartObject| {
        *object.file == *path && object.line == line && *object.release == *release.name
    };
    let mut builds: Vec<(&Deployment, Vec<&ChartObject>)> = Vec::new();
    for object in graph.charts.iter().filter(of_it) {
        match builds.iter_mut().find(|(deployment, _)| **deployment == object.deployment) {
            Some((_, objects)) => objects.push(object),
            None => builds.push((&object.deployment, vec![object])),
        }
    }
    let of = |deployment, built| Use { asker, release: release.clone(), deployment: Some(deployment), built };
    if builds.is_empty() {
        return vec![of(of_kustomization(path, line, release), None)];
    }
    let built = |objects: Vec<&ChartObject>| Arc::new(Finished::of_build(&objects));
    builds.into_iter().map(|(deployment, objects)| of(deployment.clone(), Some(built(objects)))).collect()
}

/// The releases of one object, wherever it is deployed.
fn deployed(
    files: &[File],
    graph: &Graph,
    asker: usize,
    (file, delivery): (usize, &Delivery),
    deployments: &[Deployment],
    chart_sources: &[Value],
    uses: &mut Vec<Use>,
) {
    let find = |source: &Source| {
        chart_sources.iter().find(|tree| {
            let text = |keys: &[&str]| tree.at(keys).and_then(Value::as_str).unwrap_or_default();
            let namespace = text(&["metadata", "namespace"]);
            text(&["kind"]) == if source.kind.is_empty() { "HelmRepository" } else { &source.kind }
                && text(&["metadata", "name"]) == source.name
                && (namespace == source.namespace || namespace.is_empty() || source.namespace.is_empty())
        })
    };
    let sources = Sources {
        is_own_url: &|url| graph.is_own_url(url),
        is_own: &|source| graph.is_own_source(source),
        find: &find,
    };
    let made = graph.applications.get(&delivery.at(file));
    let mut add = |deployment: Option<&Deployment>, tree: &Value| {
        for mut release in releases::read(delivery.kind, tree, &sources) {
            let namespace = |tree: &Value| tree.at(&["metadata", "namespace"]).cloned();
            let is_own = |it: &&Value| {
                is_config(it) && name_of(it) == name_of(tree) && namespace(it) == namespace(tree)
            };
            if let Some(config) =
                chart_sources.iter().find(is_own).filter(|_| delivery.kind == Kind::OtherRelease)
            {
                releases::configured(&mut release, config);
            }
            let deployment = deployment.map(|deployment| placed(deployment, &release, files, file, delivery));
            uses.push(Use { asker, release, deployment, built: None });
        }
    };
    let variants: Vec<Option<&Deployment>> =
        if deployments.is_empty() { vec![None] } else { deployments.iter().map(Some).collect() };
    for deployment in variants {
        if delivery.kind == Kind::ApplicationSet {
            made.into_iter().flatten().for_each(|tree| add(deployment, tree));
        } else {
            let built = deployment.and_then(|deployment| deployment.tree.clone());
            add(deployment, built.as_deref().unwrap_or(&delivery.tree));
        }
    }
}

/// Where a release goes whose object goes there.
fn placed(
    object: &Deployment,
    release: &Release,
    files: &[File],
    file: usize,
    delivery: &Delivery,
) -> Deployment {
    let mut deployment = object.clone();
    deployment.tree = None;
    if release.is_fixed {
        (deployment.namespace, deployment.misnamed) = checked(release.namespace.clone());
    }
    if let Some(cluster) = &release.cluster {
        let is_own = cluster == "in-cluster" && deployment.cluster.name.is_some();
        if !is_own {
            deployment.cluster.name = Some(Arc::from(cluster.as_str()));
        }
    }
    if matches!(delivery.kind, Kind::Application | Kind::ApplicationSet) {
        // The namespace of the Application itself says nothing of what it deploys.
        deployment.source.retain(|step| step.rule != Rule::Metadata);
        let line = delivery.destination_line.unwrap_or(delivery.position.line);
        let step = graph::Source { rule: Rule::ArgoCd, file: Arc::from(files[file].path.as_str()), line };
        if deployment.source.last() != Some(&step) {
            deployment.source.push(step);
        }
    }
    deployment
}

/// Charts that releases use, or that are kept for them, are somebody else's: nothing in them is edited.
fn leave_charts<'c>(files: &mut [File], settings: &Settings, found: impl Iterator<Item = &'c PathBuf>) {
    in_folders(files, settings, found.cloned().chain(homes(settings)), notices::leave_to_helm);
}

/// Does something with each file below folders of charts.
fn in_folders(
    files: &mut [File],
    settings: &Settings,
    folders: impl Iterator<Item = PathBuf>,
    what: fn(&mut File),
) {
    let below = |folder: PathBuf| Some(shown(folder.strip_prefix(&settings.root).ok()?) + "/");
    let folders: BTreeSet<String> = folders.filter_map(below).filter(|path| path != "/").collect();
    if folders.is_empty() {
        return;
    }
    for file in files {
        if file.path.match_indices('/').any(|(at, _)| folders.contains(&file.path[..=at])) {
            what(file);
        }
    }
}
