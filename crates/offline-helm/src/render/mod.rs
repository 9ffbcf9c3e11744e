//! From a chart to manifests: values, templates, and the order in which Helm prints what they give.

mod error;
mod glob;
mod manifests;
mod objects;

pub use error::Error;
pub use manifests::{Hook, Manifest};

use crate::chart::{self, Chart, ChartError, File};
use crate::template::{Engine, Limits, with_stack};
use crate::value::{Map, Str, Value, into_text, text};
use crate::values::{Layer, merge, schema};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How a chart is rendered: what `helm template` takes as flags.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The version of Kubernetes that templates see, for example `1.35.0`.
    pub kube_version: String,
    /// API versions that the cluster has besides Kubernetes' own.
    pub api_versions: Vec<String>,
    /// Whether it is an upgrade.
    pub is_upgrade: bool,
    /// Whether values.schema.json is left alone.
    pub skip_schema: bool,
    /// What the templates may use.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            release: "release-name".to_owned(),
            namespace: "default".to_owned(),
            kube_version: "1.35.0".to_owned(),
            api_versions: Vec::new(),
            is_upgrade: false,
            skip_schema: false,
            limits: Limits::default(),
        }
    }
}

/// What a chart gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendering {
    /// The files of `crds/`, which are no templates.
    pub crds: Vec<Manifest>,
    /// What is installed, in Helm's order of kinds.
    pub manifests: Vec<Manifest>,
    /// Hooks, in the same order.
    pub hooks: Vec<Hook>,
    /// What was not looked at.
    pub notes: Vec<String>,
    /// The functions whose fixed stand-ins for something random are in the manifests: everybody knows these values.
    pub stand_ins: BTreeSet<&'static str>,
}

/// Renders a chart out of its files, with these values laid over its own, the lowest first.
///
/// # Errors
/// The first thing that Helm would stop at.
pub fn render(files: Vec<File>, values: &[Layer], options: &Options) -> Result<Rendering, Error> {
    // Values are shared within the thread that makes them, so all of it happens there.
    with_stack(|| {
        let mut session = Session::new(files, options)?;
        session.wants_crds = true;
        session.heads = manifests::Heads::of_one_rendering();
        session.render(&merge(values)?)
    })
}

/// A chart that is rendered again and again with other values: its files and templates are read once.
pub(crate) struct Session<'o> {
    chart: Chart,
    options: &'o Options,
    /// The names of the templates that were read last, and what was read.
    engine: Option<(Vec<String>, Engine)>,
    heads: manifests::Heads,
    /// Whether the custom resource definitions of `crds/` are wanted, too.
    wants_crds: bool,
}

impl<'o> Session<'o> {
    /// Reads a chart.
    pub(crate) fn new(files: Vec<File>, options: &'o Options) -> Result<Self, Error> {
        let chart = Chart::read(files)?;
        if chart.is_library() {
            return Err(ChartError::new(Some("Chart.yaml"), "library charts are not installable").into());
        }
        chart::check(&chart)?;
        Ok(Session { chart, options, engine: None, heads: manifests::Heads::default(), wants_crds: false })
    }

    /// The chart as it is written, before any subchart is switched.
    pub(crate) fn chart(&self) -> &Chart {
        &self.chart
    }

    /// What the chart gives for values that are laid over its own.
    pub(crate) fn render(&mut self, values: &Rc<Map>) -> Result<Rendering, Error> {
        let mut chart = self.chart.clone();
        chart::process(&mut chart, values).map_err(Error::Values)?;
        let all = chart::coalesce_values(&chart, values, false).map_err(Error::Values)?;
        let mut notes = Vec::new();
        if !self.options.skip_schema {
            schema::check(&chart, &all, &mut notes)?;
        }
        let kube = objects::KubeVersion::parse(&self.options.kube_version).map_err(Error::Values)?;
        let wanted = &chart.metadata.kube_version;
        if !wanted.is_empty() && !crate::functions::version_fits(wanted, &kube.version) {
            let message = format!(
                "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {}",
                kube.version
            );
            return Err(ChartError::new(Some("Chart.yaml"), message).into());
        }
        let crds = if self.wants_crds { manifests::crds(&chart) } else { Vec::new() };
        let (texts, stand_ins) = self.texts(&chart, &all, kube)?;
        let (manifests, hooks) = manifests::sort(texts, &mut self.heads)?;
        Ok(Rendering { crds, manifests, hooks, notes, stand_ins })
    }

    /// What each template gives, by name.
    fn texts(
        &mut self,
        chart: &Chart,
        values: &Rc<Map>,
        kube: objects::KubeVersion,
    ) -> Result<(BTreeMap<String, String>, BTreeSet<&'static str>), Error> {
        let options = self.options;
        let release = Value::map([
            ("Name".into(), Value::str(options.release.as_str())),
            ("Namespace".into(), Value::str(options.namespace.as_str())),
            ("IsUpgrade".into(), Value::Bool(options.is_upgrade)),
            ("IsInstall".into(), Value::Bool(!options.is_upgrade)),
            ("Revision".into(), Value::int(1)),
            ("Service".into(), Value::str("Helm")),
        ]);
        let around = Around { release, capabilities: objects::capabilities(kube, &options.api_versions) };
        let mut templates = Vec::new();
        let values = Value::values(values.entries().clone());
        around.collect(chart, values, chart.name(), true, &mut templates);
        sort_templates(&mut templates);
        let renderer = self.engine(&templates)?.renderer();
        let mut texts = BTreeMap::new();
        let mut stand_ins = BTreeSet::new();
        for template in &templates {
            let file = template.name.rsplit('/').next().unwrap_or_default();
            if file.starts_with('_') {
                continue;
            }
            let about = [
                ("Name".into(), Value::str(template.name.as_str())),
                ("BasePath".into(), Value::str(template.base_path.as_str())),
            ];
            template.scope.set("Template", Value::values(about));
            let text = renderer.render(&template.name, Value::Map(template.scope.clone()))?;
            if !template.name.ends_with("NOTES.txt") {
                stand_ins.extend(renderer.stand_ins_in(&text));
                texts.insert(template.name.clone(), into_text(text));
            }
        }
        Ok((texts, stand_ins))
    }

    /// The templates as they are read; those of the last time, if they are the same ones.
    fn engine(&mut self, templates: &[Template<'_>]) -> Result<&Engine, Error> {
        let names: Vec<String> = templates.iter().map(|template| template.name.clone()).collect();
        let engine = match self.engine.take() {
            Some((known, engine)) if known == names => engine,
            _ => {
                let mut engine = Engine::new(self.options.limits.clone());
                for template in templates {
                    engine.add(&template.name, &text(template.text))?;
                }
                engine
            }
        };
        Ok(&self.engine.insert((names, engine)).1)
    }
}

/// A template and what it sees.
struct Template<'c> {
    name: String,
    text: &'c [u8],
    base_path: String,
    scope: Rc<Map>,
}

/// What all charts of a release see alike.
struct Around {
    release: Value,
    capabilities: Value,
}

impl Around {
    /// The templates of a chart and its subcharts; what the chart's own see comes back.
    fn collect<'c>(
        &self,
        chart: &'c Chart,
        values: Value,
        path: &str,
        root: bool,
        templates: &mut Vec<Template<'c>>,
    ) -> Rc<Map> {
        let subcharts = Rc::new(Map::new(BTreeMap::new()));
        let entries = BTreeMap::from([
            (Str::from("Chart"), objects::chart(&chart.metadata, root)),
            (Str::from("Files"), objects::files(&chart.files)),
            (Str::from("Release"), self.release.clone()),
            (Str::from("Capabilities"), self.capabilities.clone()),
            (Str::from("Values"), values.clone()),
            (Str::from("Subcharts"), Value::Map(subcharts.clone())),
        ]);
        let scope = Rc::new(Map::typed(crate::value::MapType::Values, entries));
        for child in &chart.dependencies {
            let below = match values.as_map().and_then(|map| map.get(child.name().as_bytes())) {
                // The same map, so that what a template sets here is seen there.
                Some(Value::Map(below)) => Value::Map(below),
                _ => Value::values([]),
            };
            let path = format!("{path}/charts/{}", child.name());
            let seen = self.collect(child, below, &path, false, templates);
            subcharts.set(child.name(), Value::Map(seen));
        }
        for file in chart.templates.iter() {
            let base = file.name.rsplit('/').next().unwrap_or_default();
            if chart.is_library() && !base.starts_with('_') {
                continue;
            }
            templates.push(Template {
                name: format!("{path}/{}", file.name),
                text: &file.data,
                base_path: format!("{path}/templates"),
                scope: scope.clone(),
            });
        }
        scope
    }
}

/// Helm's order: the deepest first, so that charts above define last; a name that comes twice is the later one's.
fn sort_templates(templates: &mut Vec<Template<'_>>) {
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for (at, template) in templates.iter().enumerate() {
        last.insert(template.name.clone(), at);
    }
    let mut at = 0;
    templates.retain(|template| {
        at += 1;
        last.get(&template.name) == Some(&(at - 1))
    });
    templates.sort_by(|a, b| {
        let depth = |name: &str| name.bytes().filter(|byte| *byte == b'/').count();
        (depth(&b.name), &b.name).cmp(&(depth(&a.name), &a.name))
    });
}
