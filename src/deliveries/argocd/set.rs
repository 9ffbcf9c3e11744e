//! Argo CD `ApplicationSet` objects: the Applications that their generators make.
//!
//! Lists and what lies in this repository (folders and files) are known; clusters, pull requests and the like stand
//! for one unknown set of parameters, so that what does not depend on them is known all the same.

use std::sync::OnceLock;

use super::UNKNOWN;
use super::glob;
use super::template::{Params, normalized, render, render_tree};
use offline_helm::template::with_stack;
use offline_kustomize::documents::documents;
use offline_kustomize::repository::folder;
use offline_kustomize::selector::Expression;
use offline_kustomize::value::Value;

/// Applications that one set may make.
const MAX_APPLICATIONS: usize = 10_000;
/// Generators inside generators that Argo CD takes.
const MAX_NESTING: usize = 3;

/// What the repository has to offer to generators.
pub struct Repository<'r> {
    /// Every path, sorted.
    pub paths: &'r [&'r str],
    /// Every folder that holds a file, without hidden ones, sorted, once a set has asked for them.
    pub folders: &'r OnceLock<Vec<String>>,
    /// The content of a file.
    pub load: &'r (dyn Fn(&str) -> Option<Vec<u8>> + Sync),
    /// Whether a `repoURL` is this repository.
    pub is_own: &'r (dyn Fn(&str) -> bool + Sync),
}

/// What a set makes.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// `Application` objects, texts filled in.
    pub applications: Vec<Value>,
    /// Why there may be others, or others than these.
    pub doubts: Vec<String>,
}

/// Makes the Applications of a set.
pub fn applications(tree: &Value, repository: &Repository<'_>) -> Made {
    match tree.at(&["spec", "goTemplate"]).is_some_and(Value::is_true) {
        // Its templates may be as deep as those of charts.
        true => with_stack(|| made(tree, repository)),
        false => made(tree, repository),
    }
}

fn made(tree: &Value, repository: &Repository<'_>) -> Made {
    let mut maker = Maker {
        repository,
        go: tree.at(&["spec", "goTemplate"]).is_some_and(Value::is_true),
        doubts: Vec::new(),
    };
    let base = tree.at(&["spec", "template"]).cloned().unwrap_or(Value::Null);
    // Argo CD patches only what Go templates made.
    let patch = tree.at(&["spec", "templatePatch"]).and_then(Value::as_str).filter(|patch| !patch.is_empty());
    let patch = patch.filter(|_| maker.go);
    let (mut applications, mut unpatched) = (Vec::new(), false);
    for generator in tree.at(&["spec", "generators"]).map_or(&[][..], Value::items) {
        let own = generator.pairs().iter().find_map(|(_, body)| body.get("template"));
        let template = own.map_or_else(|| base.clone(), |own| filled(own, &base));
        for params in maker.params(generator, None, 0) {
            let application = render_tree(&template, &params, maker.go);
            match patch.map(|patch| patched(&application, patch, &params)) {
                None => applications.push(application),
                Some(Some(application)) => applications.push(application),
                Some(None) => unpatched = true,
            }
        }
    }
    if applications.len() > MAX_APPLICATIONS {
        maker.doubts.push(format!("it makes more than {MAX_APPLICATIONS} Applications"));
        applications.truncate(MAX_APPLICATIONS);
    }
    if unpatched {
        maker.doubts.push("`templatePatch` may change any of its Applications".to_owned());
    }
    Made { applications, doubts: maker.doubts }
}

/// An Application with what a patch makes of it; none where nobody knows the patch. Lists are replaced, as the types of Argo CD have no keys
/// to merge them by. [argo-cd applicationset/utils, applyTemplatePatch]
fn patched(application: &Value, patch: &str, params: &Params) -> Option<Value> {
    let text = render(patch, params, true);
    if text.contains(UNKNOWN) {
        return None;
    }
    match &documents(&text).ok()?[..] {
        [] => Some(application.clone()),
        [patch] => Some(merged(application, patch)),
        _ => None,
    }
}

/// `base` with the keys of `patch`, mappings key by key; null takes one away. Depth is bounded by that of `patch`.
fn merged(base: &Value, patch: &Value) -> Value {
    let Value::Map(pairs) = patch else { return patch.clone() };
    let mut result = if matches!(base, Value::Map(_)) { base.clone() } else { Value::map([]) };
    for (key, value) in pairs.iter() {
        if value.is_null() {
            result.remove(key);
        } else {
            let value = merged(result.get(key).unwrap_or(&Value::Null), value);
            result.set(key, value);
        }
    }
    result
}

struct Maker<'r> {
    repository: &'r Repository<'r>,
    go: bool,
    doubts: Vec<String>,
}

impl<'r> Maker<'r> {
    /// The parameter sets of a generator; `outer` are those of the first one in a matrix.
    fn params(&mut self, generator: &Value, outer: Option<&Params>, nesting: usize) -> Vec<Params> {
        if nesting > MAX_NESTING {
            return Vec::new();
        }
        let generator =
            outer.map_or_else(|| generator.clone(), |outer| render_tree(generator, outer, self.go));
        let body = |key: &str| generator.get(key).filter(|body| !body.is_null());
        let mut result = if let Some(list) = body("list") {
            self.list(list)
        } else if let Some(git) = body("git") {
            self.git(git)
        } else if let Some(matrix) = body("matrix") {
            self.matrix(matrix, nesting)
        } else if let Some(merge) = body("merge") {
            self.merge(merge, outer, nesting)
        } else {
            let other = generator.pairs().iter().find(|(key, _)| &**key != "selector");
            let Some((name, body)) = other else { return Vec::new() };
            self.doubts.push(format!("what the generator `{name}` makes is known only to a cluster"));
            let mut values = Value::map([]);
            self.add_values(&mut values, body);
            vec![Params { values, open: true }]
        };
        if let Some(selector) = generator.get("selector").filter(|selector| !selector.is_empty()) {
            result.retain(|params| params.open || selects(selector, &params.values));
        }
        if result.len() > MAX_APPLICATIONS {
            result.truncate(MAX_APPLICATIONS + 1);
        }
        result
    }

    fn list(&self, list: &Value) -> Vec<Params> {
        let written = list.str_at("elementsYaml").and_then(|text| documents(text).ok());
        let written = written.and_then(|trees| trees.first().cloned()).unwrap_or(Value::Null);
        let elements = list.get("elements").map_or(&[][..], Value::items).iter().chain(written.items());
        let set = |element: &Value| {
            if self.go {
                return element.clone();
            }
            let mut flat = Value::map([]);
            for (key, value) in element.pairs() {
                match value {
                    Value::Map(pairs) if &**key == "values" => {
                        pairs
                            .iter()
                            .for_each(|(key, value)| flat.set(&format!("values.{key}"), value.clone()));
                    }
                    _ => flat.set(key, value.clone()),
                }
            }
            flat
        };
        elements.map(|element| Params { values: set(element), open: false }).collect()
    }

    fn git(&mut self, git: &Value) -> Vec<Params> {
        let url = git.str_at("repoURL").unwrap_or_default();
        if !(self.repository.is_own)(url) {
            self.doubts.push(format!("its generator reads another repository, `{url}`"));
            return Vec::new();
        }
        let prefix = git.str_at("pathParamPrefix").unwrap_or_default();
        let (directories, files) = (Patterns::read(git.get("directories")), Patterns::read(git.get("files")));
        let mut result = Vec::new();
        if !directories.is_empty() {
            for path in self.folders().iter().filter(|path| directories.take(path)) {
                let mut values = Value::map([]);
                self.add_path(&mut values, prefix, path, None);
                result.push(values);
            }
        }
        for path in self.repository.paths.iter().filter(|path| !files.is_empty() && files.take(path)) {
            let Some(text) = (self.repository.load)(path).and_then(|bytes| String::from_utf8(bytes).ok())
            else {
                continue;
            };
            let trees = documents(&text).unwrap_or_default();
            let first = trees.first().cloned().unwrap_or(Value::Null);
            let objects = if let Value::List(items) = &first { items.to_vec() } else { vec![first] };
            for object in objects {
                let mut values = if self.go { object } else { flattened(&object) };
                if values.is_null() {
                    values = Value::map([]);
                }
                self.add_path(&mut values, prefix, folder(path), path.rsplit('/').next());
                result.push(values);
            }
        }
        for values in &mut result {
            self.add_values(values, git);
        }
        result.into_iter().map(|values| Params { values, open: false }).collect()
    }

    /// Every folder that holds a file, without hidden ones. Sets ask for them again and again.
    fn folders(&self) -> &'r [String] {
        let repository = self.repository;
        repository.folders.get_or_init(|| {
            let mut folders = std::collections::BTreeSet::new();
            for path in repository.paths {
                let mut at = folder(path);
                while !at.is_empty() && folders.insert(at) {
                    at = folder(at);
                }
            }
            let is_hidden = |path: &str| path.split('/').any(|part| part.starts_with('.'));
            folders.into_iter().filter(|path| !is_hidden(path)).map(str::to_owned).collect()
        })
    }

    /// Adds what is to be known of a path; of a file with its name.
    fn add_path(&self, values: &mut Value, prefix: &str, path: &str, file: Option<&str>) {
        let path = if path.is_empty() { "." } else { path };
        let base = path.rsplit('/').next().unwrap_or(path);
        let mut parts = vec![("basename", base.to_owned()), ("basenameNormalized", normalized(base))];
        if let Some(file) = file {
            parts.extend([("filename", file.to_owned()), ("filenameNormalized", normalized(file))]);
        }
        if self.go {
            let mut map = Value::map([("path", Value::text(path))]);
            parts.iter().for_each(|(key, text)| map.set(key, Value::text(text)));
            map.set("segments", Value::list(path.split('/').map(Value::text).collect()));
            if prefix.is_empty() {
                values.set("path", map);
            } else {
                values.set(prefix, Value::map([("path", map)]));
            }
            return;
        }
        let name = if prefix.is_empty() { "path".to_owned() } else { format!("{prefix}.path") };
        values.set(&name, Value::text(path));
        parts.iter().for_each(|(key, text)| values.set(&format!("{name}.{key}"), Value::text(text)));
        for (nth, part) in path.split('/').enumerate() {
            values.set(&format!("{name}[{nth}]"), Value::text(part));
        }
    }

    /// Adds the `values` of a generator, which may use its parameters.
    fn add_values(&self, values: &mut Value, body: &Value) {
        let Some(more) = body.get("values") else { return };
        let params = Params { values: values.clone(), open: false };
        let mut map = values.get("values").cloned().unwrap_or(Value::Null);
        for (key, value) in more.pairs() {
            let text = Value::text(&render(value.as_str().unwrap_or_default(), &params, self.go));
            if self.go {
                map.set(key, text);
            } else {
                values.set(&format!("values.{key}"), text);
            }
        }
        if !map.is_null() {
            values.set("values", map);
        }
    }

    fn matrix(&mut self, matrix: &Value, nesting: usize) -> Vec<Params> {
        let [first, second] = matrix.get("generators").map_or(&[][..], Value::items) else {
            return Vec::new();
        };
        let mut result = Vec::new();
        for outer in self.params(first, None, nesting + 1) {
            for inner in self.params(second, Some(&outer), nesting + 1) {
                // The first generator's parameters win.
                let values = overridden(&inner.values, &outer.values);
                result.push(Params { values, open: inner.open || outer.open });
                if result.len() > MAX_APPLICATIONS {
                    return result;
                }
            }
        }
        result
    }

    fn merge(&mut self, merge: &Value, outer: Option<&Params>, nesting: usize) -> Vec<Params> {
        let keys: Vec<&str> =
            merge.get("mergeKeys").map_or(&[][..], Value::items).iter().filter_map(Value::as_str).collect();
        let mut generators = merge.get("generators").map_or(&[][..], Value::items).iter();
        let Some(first) = generators.next() else { return Vec::new() };
        let mut base = self.params(first, outer, nesting + 1);
        for generator in generators {
            let more = self.params(generator, outer, nesting + 1);
            let key = |params: &Params| -> Vec<Option<String>> {
                keys.iter().map(|key| params.values.str_at(key).map(str::to_owned)).collect()
            };
            for params in &mut base {
                let own = key(params);
                if let Some(found) = more.iter().find(|other| key(other) == own) {
                    params.values = overridden(&params.values, &found.values);
                    params.open |= found.open;
                } else if more.iter().any(|other| other.open) {
                    params.open = true;
                }
            }
        }
        base
    }
}

/// `directories` or `files` of a generator.
struct Patterns(Vec<Pattern>);

struct Pattern {
    /// What it starts with literally: most paths are told by that.
    start: String,
    glob: Expression,
    excludes: bool,
}

impl Patterns {
    fn read(list: Option<&Value>) -> Self {
        let entry = |entry: &Value| {
            let path = entry.str_at("path")?;
            let end = path.find(['*', '?', '[', '{', '\\']).unwrap_or(path.len());
            Some(Pattern {
                start: path[..end].to_owned(),
                glob: glob(path, true)?,
                excludes: entry.get("exclude").is_some_and(Value::is_true),
            })
        };
        Self(list.map_or(&[][..], Value::items).iter().filter_map(entry).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&self, path: &str) -> bool {
        let fits = |excludes: bool| {
            let mut patterns =
                self.0.iter().filter(|it| it.excludes == excludes && path.starts_with(&it.start));
            patterns.any(|it| it.glob.fits(path))
        };
        fits(false) && !fits(true)
    }
}

/// Nested keys joined by dots. Depth is bounded by that of the tree.
fn flattened(tree: &Value) -> Value {
    fn add(prefix: &str, tree: &Value, result: &mut Value) {
        let name = |key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        match tree {
            Value::Map(pairs) => pairs.iter().for_each(|(key, value)| add(&name(key), value, result)),
            Value::List(items) => {
                items.iter().enumerate().for_each(|(nth, value)| add(&name(&nth.to_string()), value, result));
            }
            Value::Scalar(..) if !prefix.is_empty() => result.set(prefix, tree.clone()),
            Value::Scalar(..) | Value::Null => {}
        }
    }
    let mut result = Value::map([]);
    add("", tree, &mut result);
    result
}

/// `base` with the keys of `over`, mappings key by key. Depth is bounded by that of `over`.
fn overridden(base: &Value, over: &Value) -> Value {
    match (base, over) {
        (Value::Map(_), Value::Map(pairs)) => {
            let mut result = base.clone();
            for (key, value) in pairs.iter() {
                let value = base.get(key).map_or_else(|| value.clone(), |base| overridden(base, value));
                result.set(key, value);
            }
            result
        }
        _ => over.clone(),
    }
}

/// `own` with what only `base` has.
fn filled(own: &Value, base: &Value) -> Value {
    overridden(base, own)
}

/// Whether a label selector fits parameters; one that is not understood fits.
fn selects(selector: &Value, values: &Value) -> bool {
    let flat = flattened(values);
    let labels = selector.get("matchLabels").map_or(&[][..], Value::pairs);
    let expressions = selector.get("matchExpressions").map_or(&[][..], Value::items);
    labels.iter().all(|(key, value)| flat.str_at(key) == value.as_str())
        && expressions.iter().all(|expression| {
            let found = expression.str_at("key").and_then(|key| flat.str_at(key));
            let listed = || {
                let values = expression.get("values").map_or(&[][..], Value::items);
                values.iter().any(|value| value.as_str() == found)
            };
            match expression.str_at("operator") {
                Some("In") => listed(),
                Some("NotIn") => !listed(),
                Some("Exists") => found.is_some(),
                Some("DoesNotExist") => found.is_none(),
                _ => true,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: &[&str] =
        &["apps/db/k.yaml", "apps/web/deep/x.yaml", "apps/web/k.yaml", "envs/dev.yaml", "envs/prod.yaml"];

    fn made(spec: &str) -> (Vec<String>, usize) {
        let load = |path: &str| match path {
            "envs/dev.yaml" => Some(b"cluster: {name: d}\nns: dev\n".to_vec()),
            "envs/prod.yaml" => Some(b"[{ns: p1}, {ns: p2}]".to_vec()),
            _ => None,
        };
        let is_own = |url: &str| url != "other";
        let repository = Repository { paths: PATHS, folders: &OnceLock::new(), load: &load, is_own: &is_own };
        let made = applications(&documents(&format!("spec: {spec}")).unwrap()[0], &repository);
        let text = |tree: &Value| {
            let at = |path: &[&str]| tree.at(path).and_then(Value::as_str).unwrap_or_default().to_owned();
            format!("{}>{}", at(&["spec", "source", "path"]), at(&["spec", "destination", "namespace"]))
        };
        (made.applications.iter().map(text).collect(), made.doubts.len())
    }

    fn template(path: &str, namespace: &str) -> String {
        format!(
            "template: {{spec: {{source: {{path: '{path}'}}, destination: {{namespace: '{namespace}'}}}}}}"
        )
    }

    #[test]
    fn lists() {
        let plain = template("apps/{{app}}", "{{values.ns}}");
        let spec = format!(
            "{{generators: [{{list: {{elements: [{{app: web, values: {{ns: shop}}}}, {{app: db}}]}}}}], {plain}}}"
        );
        assert_eq!(made(&spec), (vec!["apps/web>shop".into(), "apps/db>{{values.ns}}".into()], 0));
    }

    #[test]
    fn folders_of_the_repository() {
        let plain = template("{{path}}", "{{path.basename}}");
        let git = "{git: {directories: [{path: 'apps/*'}, {path: apps/db, exclude: true}]}}";
        assert_eq!(made(&format!("{{generators: [{git}], {plain}}}")), (vec!["apps/web>web".into()], 0));
        let go = template("{{.path.path}}", "{{index .path.segments 0}}-{{.path.basename}}");
        let expected = vec!["apps/db>apps-db".into(), "apps/web>apps-web".into()];
        let git = "{git: {directories: [{path: 'apps/*'}]}}";
        assert_eq!(made(&format!("{{goTemplate: true, generators: [{git}], {go}}}")), (expected, 0));
        assert_eq!(
            made(&format!(
                "{{generators: [{{git: {{repoURL: other, directories: [{{path: '*'}}]}}}}], {plain}}}"
            )),
            (vec![], 1)
        );
    }

    #[test]
    fn files_of_the_repository() {
        let plain = template("apps/web", "{{ns}}-{{path.filename}}");
        let spec = format!("{{generators: [{{git: {{files: [{{path: 'envs/*.yaml'}}]}}}}], {plain}}}");
        let expected = ["dev-dev.yaml", "p1-prod.yaml", "p2-prod.yaml"].map(|ns| format!("apps/web>{ns}"));
        assert_eq!(made(&spec), (expected.to_vec(), 0));
    }

    #[test]
    fn combinations() {
        let plain = template("{{path}}", "{{env}}-{{path.basename}}");
        let list = "{list: {elements: [{env: dev}, {env: prod}]}}";
        let git = "{git: {directories: [{path: 'apps/*'}]}}";
        let (found, _) =
            made(&format!("{{generators: [{{matrix: {{generators: [{git}, {list}]}}}}], {plain}}}"));
        assert_eq!(found, ["apps/db>dev-db", "apps/db>prod-db", "apps/web>dev-web", "apps/web>prod-web"]);
        let over = "{list: {elements: [{path: apps/web, env: special}]}}";
        let base = "{git: {directories: [{path: 'apps/*'}], values: {}}}";
        let merge = format!("{{merge: {{mergeKeys: [path], generators: [{base}, {over}]}}}}");
        let (found, _) = made(&format!("{{generators: [{merge}], {plain}}}"));
        assert_eq!(found, ["apps/db>{{env}}-db", "apps/web>special-web"]);
    }

    #[test]
    fn what_only_a_cluster_knows_is_unknown_and_the_rest_is_known() {
        let plain = template("apps/web", "{{name}}");
        assert_eq!(
            made(&format!("{{generators: [{{clusters: {{}}}}], {plain}}}")),
            (vec!["apps/web>\0".into()], 1)
        );
        let go = template("apps/web", "{{.name}}-x");
        assert_eq!(
            made(&format!("{{goTemplate: true, generators: [{{clusters: {{}}}}], {go}}}")),
            (vec!["apps/web>\0-x".into()], 1)
        );
    }
}
