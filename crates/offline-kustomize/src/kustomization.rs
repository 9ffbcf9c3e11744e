//! The fields of a kustomization file that reach names, namespaces, images and pull secrets, each with its line.
//!
//! Reads one file and judges it as kustomize would before a build: unknown fields and wrong kinds are refused. What
//! the paths lead to is the work of [`crate::accumulate`].

use crate::selector::Selector;
use crate::transform::ImageRule;
use crate::value::Value;
use crate::vars::Var;
use lossless_yaml::parse::{Node, parse};
use lossless_yaml::span::{LineIndex, Span};

/// Names that kustomize looks for in a folder.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Something written at a line of the file, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<T> {
    /// What is written.
    pub value: T,
    /// The line where it starts.
    pub line: usize,
}

/// One kustomization file.
#[derive(Clone, Debug, Default)]
pub struct Kustomization {
    /// Whether it is a `Component`: applied to what includes it, never built by itself.
    pub component: bool,
    /// `resources`, then `bases`.
    pub resources: Vec<Line<String>>,
    /// `components`.
    pub components: Vec<Line<String>>,
    /// `configurations`.
    pub configurations: Vec<Line<String>>,
    /// `crds`.
    pub crds: Vec<Line<String>>,
    /// `generators`.
    pub generators: Vec<Line<String>>,
    /// `transformers`.
    pub transformers: Vec<Line<String>>,
    /// `validators`.
    pub validators: Vec<Line<String>>,
    /// `openapi.path`.
    pub openapi: Option<Line<String>>,
    /// `namespace`.
    pub namespace: Option<Line<String>>,
    /// `namePrefix`.
    pub name_prefix: Option<Line<String>>,
    /// `nameSuffix`.
    pub name_suffix: Option<Line<String>>,
    /// `labels` and `commonLabels`, one list of pairs per entry.
    pub labels: Vec<Vec<(String, String)>>,
    /// `commonAnnotations`.
    pub annotations: Vec<(String, String)>,
    /// `patchesStrategicMerge`: paths or patches.
    pub merge_patches: Vec<Line<String>>,
    /// `patches`.
    pub patches: Vec<Line<PatchEntry>>,
    /// `patchesJson6902`.
    pub json_patches: Vec<Line<PatchEntry>>,
    /// `images`, then `imageTags`.
    pub images: Vec<Line<ImageRule>>,
    /// `replacements`: entries or `{path}`.
    pub replacements: Vec<Line<Value>>,
    /// `vars`.
    pub vars: Vec<Line<Var>>,
    /// `configMapGenerator`.
    pub config_maps: Vec<Line<Value>>,
    /// `secretGenerator`.
    pub secrets: Vec<Line<Value>>,
    /// `generatorOptions`.
    pub generator_options: Option<Value>,
    /// `helmCharts` and `helmChartInflationGenerator`.
    pub charts: Vec<Line<Value>>,
    /// `helmGlobals.chartHome`: the folder of charts.
    pub chart_home: Option<String>,
    /// What makes kustomize refuse the file.
    pub problem: Option<Line<String>>,
}

/// An entry of `patches` or `patchesJson6902`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatchEntry {
    /// `path`, empty when the patch is inline.
    pub path: String,
    /// `patch`.
    pub patch: String,
    /// `target`.
    pub target: Option<Selector>,
    /// `options.allowNameChange`.
    pub rename: bool,
    /// `options.allowKindChange`.
    pub change_kind: bool,
}

impl PatchEntry {
    /// Reads an entry.
    pub fn read(tree: &Value) -> Self {
        let text = |key| tree.str_at(key).unwrap_or_default().to_owned();
        let option = |key| tree.at(&["options", key]).is_some_and(Value::is_true);
        Self {
            path: text("path"),
            patch: text("patch").trim().to_owned(),
            target: tree.get("target").filter(|target| !target.is_null()).map(Selector::read),
            rename: option("allowNameChange"),
            change_kind: option("allowKindChange"),
        }
    }
}

/// Whether the last part of a path is a name that kustomize looks for.
pub fn is_kustomization(path: &str) -> bool {
    FILE_NAMES.contains(&path.rsplit('/').next().unwrap_or(path))
}

/// Whether an entry of `transformers` or `generators` is an object written in place, not a path.
pub fn is_inline(entry: &str) -> bool {
    entry.contains('\n') || entry.trim_start().starts_with('{')
}

/// Reads a kustomization file; one that kustomize would refuse has a `problem`.
pub fn read(text: &str) -> Kustomization {
    let lines = LineIndex::new(text);
    let mut result = Kustomization::default();
    let refused = |value: String, line| Some(Line { value, line });
    let documents = match parse(text, Span::new(0, text.len())) {
        Ok(documents) => documents,
        Err(error) => {
            result.problem = refused(error.reason, lines.position(error.offset).line);
            return result;
        }
    };
    let Some(root) = documents.first().and_then(|document| document.root()) else {
        result.problem = refused("the file is empty".to_owned(), 1);
        return result;
    };
    let mut reader = Reader { lines: &lines, result };
    let mut empty = true;
    for (key, value) in root.pairs() {
        let Some(name) = key.resolved().as_str() else { continue };
        let value = value.resolved();
        if !value.is_null() && name != "<<" {
            empty &= reader.field(name, key, value);
        }
    }
    reader.check_type(root);
    if !root.is_mapping() && !root.is_null() {
        reader.refuse(root, "a kustomization is a mapping".to_owned());
    } else if empty {
        reader.refuse(root, "the kustomization is empty".to_owned());
    }
    reader.result
}

struct Reader<'l, 't> {
    lines: &'l LineIndex<'t>,
    result: Kustomization,
}

impl Reader<'_, '_> {
    fn line(&self, node: Node<'_, '_>) -> usize {
        self.lines.position(node.span().start).line
    }

    fn refuse(&mut self, node: Node<'_, '_>, value: String) {
        if self.result.problem.is_none() {
            self.result.problem = Some(Line { value, line: self.line(node) });
        }
    }

    /// Reads a top-level field; false when it asks for something. Go reads names in any case.
    fn field(&mut self, name: &str, key: Node<'_, '_>, node: Node<'_, '_>) -> bool {
        match name.to_ascii_lowercase().as_str() {
            "apiversion" | "kind" => return true,
            "resources" => {
                let list = self.texts(node);
                self.result.resources.splice(0..0, list);
            }
            "bases" => {
                let list = self.texts(node);
                self.result.resources.extend(list);
            }
            "components" => self.result.components = self.texts(node),
            "configurations" => self.result.configurations = self.texts(node),
            "crds" => self.result.crds = self.texts(node),
            "generators" => self.result.generators = self.plugins(node),
            "transformers" => self.result.transformers = self.plugins(node),
            "validators" => self.result.validators = self.texts(node),
            "openapi" => {
                self.result.openapi = node.get("path").and_then(|path| self.text(path));
            }
            "namespace" => self.result.namespace = self.text(node),
            "nameprefix" => self.result.name_prefix = self.text(node),
            "namesuffix" => self.result.name_suffix = self.text(node),
            "labels" => {
                for entry in self.entries(node) {
                    self.result.labels.push(entry.value.get("pairs").map_or_else(Vec::new, pairs));
                }
            }
            // Applied after `labels`, wherever it is written.
            "commonlabels" | "commonannotations" => {
                let found = self.tree(node).map_or_else(Vec::new, |tree| pairs(&tree));
                if name.eq_ignore_ascii_case("commonLabels") {
                    self.result.labels.push(found);
                } else {
                    self.result.annotations = found;
                }
            }
            "patchesstrategicmerge" => self.result.merge_patches = self.texts(node),
            "patches" => self.result.patches = self.patches(node),
            "patchesjson6902" => self.result.json_patches = self.patches(node),
            "images" | "imagetags" => {
                let known = ["name", "newName", "tagSuffix", "newTag", "digest"];
                for entry in self.entries(node) {
                    self.check_keys(node, &entry, &known);
                    self.result.images.push(Line { value: ImageRule::read(&entry.value), line: entry.line });
                }
            }
            "replacements" => self.result.replacements = self.entries(node),
            "vars" => {
                let entries = self.entries(node).into_iter();
                let var = |entry: Line<Value>| Line { value: Var::read(&entry.value), line: entry.line };
                self.result.vars = entries.map(var).collect();
            }
            "configmapgenerator" => self.result.config_maps = self.entries(node),
            "secretgenerator" => self.result.secrets = self.entries(node),
            "generatoroptions" => self.result.generator_options = self.tree(node),
            "helmcharts" | "helmchartinflationgenerator" => {
                let entries = self.entries(node);
                self.result.charts.extend(entries);
            }
            "helmglobals" => {
                let tree = self.tree(node);
                let home = tree.as_ref().and_then(|tree| tree.str_at("chartHome"));
                self.result.chart_home = home.map(str::to_owned);
            }
            "metadata" | "replicas" | "sortoptions" | "buildmetadata" => {}
            _ => {
                self.refuse(key, format!("`{name}` is no field of a kustomization"));
                return true;
            }
        }
        // A list or mapping that is there and empty is something to Go; an empty text is not.
        !node.is_mapping() && !node.is_sequence() && node.as_str().is_none_or(str::is_empty)
    }

    fn check_type(&mut self, root: Node<'_, '_>) {
        let kind = root.str_at("kind").unwrap_or_default();
        let api_version = root.str_at("apiVersion").unwrap_or_default();
        self.result.component = kind == "Component";
        let expected = match kind {
            "" | "Kustomization" => "kustomize.config.k8s.io/v1beta1",
            "Component" => "kustomize.config.k8s.io/v1alpha1",
            _ => {
                let message = format!("`kind: {kind}` is neither `Kustomization` nor `Component`");
                return self.refuse(root, message);
            }
        };
        if !api_version.is_empty() && api_version != expected {
            let message = format!("`apiVersion: {api_version}` should be `{expected}`");
            self.refuse(root, message);
        }
    }

    fn check_keys(&mut self, node: Node<'_, '_>, entry: &Line<Value>, known: &[&str]) {
        let unknown = |key: &str| !known.iter().any(|known| known.eq_ignore_ascii_case(key));
        if let Some((key, _)) = entry.value.pairs().iter().find(|(key, _)| unknown(key)) {
            self.refuse(node, format!("`{key}` is no field here; known are `{}`", known.join("`, `")));
        }
    }

    fn text(&mut self, node: Node<'_, '_>) -> Option<Line<String>> {
        if node.is_mapping() || node.is_sequence() {
            self.refuse(node, "a text is expected".to_owned());
        }
        let value = node.as_str().filter(|text| !text.is_empty())?.to_owned();
        Some(Line { value, line: self.line(node) })
    }

    fn texts(&mut self, node: Node<'_, '_>) -> Vec<Line<String>> {
        if !node.is_sequence() {
            self.refuse(node, "a list is expected".to_owned());
        }
        node.items().filter_map(|item| self.text(item.resolved())).collect()
    }

    /// Kustomize takes those that are written in place before those that are files.
    fn plugins(&mut self, node: Node<'_, '_>) -> Vec<Line<String>> {
        let mut entries = self.texts(node);
        entries.sort_by_key(|entry| !is_inline(&entry.value));
        entries
    }

    fn tree(&mut self, node: Node<'_, '_>) -> Option<Value> {
        match Value::from_node(node) {
            Ok(tree) => Some(tree),
            Err(limit) => {
                self.refuse(node, limit.to_string());
                None
            }
        }
    }

    fn entries(&mut self, node: Node<'_, '_>) -> Vec<Line<Value>> {
        if !node.is_sequence() {
            self.refuse(node, "a list is expected".to_owned());
        }
        let items = node.items();
        items.filter_map(|item| Some(Line { value: self.tree(item)?, line: self.line(item) })).collect()
    }

    fn patches(&mut self, node: Node<'_, '_>) -> Vec<Line<PatchEntry>> {
        let mut result = Vec::new();
        for entry in self.entries(node) {
            self.check_keys(node, &entry, &["path", "patch", "target", "options"]);
            result.push(Line { value: PatchEntry::read(&entry.value), line: entry.line });
        }
        result
    }
}

fn pairs(tree: &Value) -> Vec<(String, String)> {
    tree.pairs()
        .iter()
        .map(|(key, value)| (key.to_string(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_carry_their_lines() {
        let text =
            "bases: [../base]\nnamespace: shop\nresources:\n- web.yaml\n- # why\n  db.yaml\nnamePrefix: ''\n";
        let read = read(text);
        let resources: Vec<_> =
            read.resources.iter().map(|entry| (entry.value.as_str(), entry.line)).collect();
        assert_eq!(resources, [("web.yaml", 4), ("db.yaml", 6), ("../base", 1)]);
        assert_eq!(read.namespace, Some(Line { value: "shop".to_owned(), line: 2 }));
        assert_eq!((read.name_prefix, read.problem), (None, None));
    }

    #[test]
    fn names_are_read_in_any_case_and_unknown_ones_refused() {
        assert_eq!(read("nameSpace: shop\n").namespace.unwrap().value, "shop");
        let problem = |text: &str| read(text).problem.map(|problem| (problem.line, problem.value));
        assert_eq!(
            problem("namespace: a\nresource: []\n"),
            Some((2, "`resource` is no field of a kustomization".into()))
        );
        assert_eq!(problem("resources: web.yaml\n"), Some((1, "a list is expected".into())));
        assert_eq!(problem("kind: Deployment\nresources: []\n").unwrap().0, 1);
        assert!(
            problem("kind: Component\napiVersion: kustomize.config.k8s.io/v1beta1\nresources: [a]\n")
                .is_some()
        );
        assert_eq!(problem("kind: Kustomization\n"), Some((1, "the kustomization is empty".into())));
        assert_eq!(problem(""), Some((1, "the file is empty".into())));
        assert!(problem("a: [\n").is_some());
        assert!(problem("images: [{name: a, newImage: b}]\n").is_some());
    }

    #[test]
    fn patches_with_targets_and_options() {
        let text = "patches:\n- path: a.yaml\n  options: {allowNameChange: true}\n- patch: |-\n    - op: remove\n  target: {kind: Deployment, name: web.*}\n";
        let read = read(text);
        assert!(read.patches[0].value.rename && !read.patches[0].value.change_kind);
        let target = read.patches[1].value.target.as_ref().unwrap();
        assert_eq!(
            (target.kind.as_str(), target.name.as_str(), read.patches[1].line),
            ("Deployment", "web.*", 4)
        );
    }

    #[test]
    fn transformers_written_in_place_come_first() {
        let read = read("transformers: [a.yaml, '{kind: B}', c.yaml]\n");
        let order: Vec<_> = read.transformers.iter().map(|entry| entry.value.as_str()).collect();
        assert_eq!(order, ["{kind: B}", "a.yaml", "c.yaml"]);
    }

    #[test]
    fn file_names() {
        assert!(is_kustomization("a/kustomization.yml") && is_kustomization("Kustomization"));
        assert!(!is_kustomization("a/my-kustomization.yaml"));
    }
}
