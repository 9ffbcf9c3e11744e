//! Argo CD `Application` objects: what they build from this repository and which namespace they fill in.
//!
//! Argo CD edits the kustomization of the folder before it builds, as `kustomize edit` does; a plain folder is
//! applied as it is. A text that only a cluster could tell holds [`UNKNOWN`].

pub mod set;
pub mod template;

use offline_kustomize::kustomization::{Kustomization, Line, PatchEntry};
use offline_kustomize::selector::Expression;
use offline_kustomize::transform::{ImageRule, split_image};
use offline_kustomize::value::Value;

/// Stands in a text for what cannot be known offline. No file that is read holds it.
pub const UNKNOWN: char = '\0';

/// One `Application`.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// `destination.namespace`, for objects without one.
    pub destination: Option<String>,
    /// `destination.name` or `destination.server`: the cluster; `in-cluster` for the one that Argo CD runs in.
    pub cluster: Option<String>,
    /// What it is made from.
    pub sources: Vec<Source>,
}

/// One source of an `Application`.
#[derive(Clone, Debug)]
pub struct Source {
    /// `repoURL`.
    pub repository: String,
    /// `path`, from the repository's root.
    pub path: String,
    /// Whether it is a chart of a Helm repository.
    pub chart: bool,
    tree: Value,
}

/// How Argo CD makes objects from a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `kustomize build`.
    Kustomize,
    /// `helm template`.
    Helm,
    /// A plugin.
    Plugin,
    /// The files as they are.
    Directory,
    /// Told by what lies in the folder.
    Any,
}

impl Application {
    /// Reads an object.
    pub fn read(tree: &Value) -> Self {
        let text = |path: &[&str]| tree.at(path).and_then(Value::as_str).unwrap_or_default();
        let spec = |key: &str| tree.at(&["spec", key]).filter(|value| !value.is_empty());
        let mut sources: Vec<Source> =
            spec("sources").map_or(&[][..], Value::items).iter().map(Source::read).collect();
        if sources.is_empty() {
            let dry = tree.at(&["spec", "sourceHydrator", "drySource"]);
            sources.extend(spec("source").or(dry).map(Source::read));
        }
        let destination = text(&["spec", "destination", "namespace"]);
        Self {
            name: text(&["metadata", "name"]).to_owned(),
            destination: (!destination.is_empty()).then(|| destination.to_owned()),
            cluster: match (text(&["spec", "destination", "name"]), text(&["spec", "destination", "server"]))
            {
                ("", "") => None,
                ("", "https://kubernetes.default.svc" | "https://kubernetes.default.svc/") => {
                    Some("in-cluster".to_owned())
                }
                ("", server) => Some(server.to_owned()),
                (name, _) => Some(name.to_owned()),
            },
            sources,
        }
    }
}

impl Source {
    fn read(tree: &Value) -> Self {
        let text = |key: &str| tree.str_at(key).unwrap_or_default().to_owned();
        Self {
            repository: text("repoURL"),
            path: text("path"),
            chart: !text("chart").is_empty(),
            tree: tree.clone(),
        }
    }

    /// Every file of a folder, as others than Argo CD may deploy it.
    pub fn whole_folder() -> Self {
        let recurse =
            Value::map([("directory", Value::map([("recurse", Value::Scalar("true".into(), true))]))]);
        Self { repository: String::new(), path: String::new(), chart: false, tree: recurse }
    }

    /// The source as a file beside the manifests (`.argocd-source.yaml`) overrides it.
    #[must_use]
    pub fn overridden(&self, file: &Value) -> Self {
        let mut tree = self.tree.clone();
        for (key, value) in
            file.pairs().iter().filter(|(key, _)| !matches!(&**key, "repoURL" | "path" | "chart"))
        {
            let merged = merge_patch(tree.get(key), value);
            tree.set(key, merged);
        }
        Self { tree, ..self.clone() }
    }

    /// What the source asks for.
    pub fn tool(&self) -> Tool {
        let has = |key: &str| self.tree.get(key).is_some_and(|value| !value.is_null());
        match () {
            () if has("kustomize") => Tool::Kustomize,
            () if has("helm") => Tool::Helm,
            () if has("plugin") => Tool::Plugin,
            () if has("directory") => Tool::Directory,
            () => Tool::Any,
        }
    }

    /// Whether folders below are read too.
    pub fn recurses(&self) -> bool {
        self.tree.at(&["directory", "recurse"]).is_some_and(Value::is_true)
    }

    /// Whether a plain folder's file takes part; `file` is seen from the folder.
    pub fn takes(&self, file: &str) -> bool {
        let text =
            |key| self.tree.at(&["directory", key]).and_then(Value::as_str).filter(|text| !text.is_empty());
        let fits = |pattern: &str| glob(pattern, false).is_some_and(|glob| glob.fits(file));
        (self.recurses() || !file.contains('/'))
            && !text("exclude").is_some_and(fits)
            && text("include").is_none_or(fits)
    }

    fn kustomize(&self, key: &str) -> Option<&Value> {
        self.tree.at(&["kustomize", key]).filter(|value| !value.is_empty())
    }

    /// The namespace that `kustomize.namespace` gives everything.
    pub fn kustomize_namespace(&self) -> Option<&str> {
        self.kustomize("namespace").and_then(Value::as_str)
    }

    /// Adds what the source says to the fields of the folder's kustomization; `line` is where it says so.
    pub fn apply_to(&self, fields: &mut Kustomization, line: usize) {
        let text = |key: &str| {
            let text = self.kustomize(key).and_then(Value::as_str);
            text.map(|value| Line { value: value.to_owned(), line })
        };
        let pairs = |key: &str| -> Vec<(String, String)> {
            let pairs = self.kustomize(key).map_or(&[][..], Value::pairs).iter();
            pairs
                .map(|(key, value)| (key.to_string(), value.as_str().unwrap_or_default().to_owned()))
                .collect()
        };
        let list = |key: &str| self.kustomize(key).map_or(&[][..], Value::items).iter();
        fields.namespace = text("namespace").or(fields.namespace.take());
        fields.name_prefix = text("namePrefix").or(fields.name_prefix.take());
        fields.name_suffix = text("nameSuffix").or(fields.name_suffix.take());
        fields.labels.push(pairs("commonLabels"));
        fields.annotations.extend(pairs("commonAnnotations"));
        let entry = |value: PatchEntry| Line { value, line };
        fields.patches.extend(list("patches").map(|patch| entry(PatchEntry::read(patch))));
        let components = list("components").filter_map(Value::as_str);
        fields.components.extend(components.map(|value| Line { value: value.to_owned(), line }));
        let images: Vec<ImageRule> = list("images").filter_map(Value::as_str).map(image).collect();
        if !images.is_empty() {
            fields.images.retain(|known| images.iter().all(|new| new.name != known.value.name));
            fields.images.extend(images.into_iter().map(|value| Line { value, line }));
            // `kustomize edit` sorts them.
            fields.images.sort_by(|a, b| a.value.name.cmp(&b.value.name));
        }
    }
}

/// The expression of a glob: `*`, `?`, `[…]`, `{a,b}` and, where `*` stops at slashes, `**`.
fn glob(pattern: &str, stops: bool) -> Option<Expression> {
    let any = if stops { "[^/]" } else { "." };
    let mut result = String::from("^(?s:");
    let (mut chars, mut group) = (pattern.chars().peekable(), false);
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => {
                // `**/` stands for no folder too.
                result += if chars.next_if_eq(&'/').is_some() { "(?:.*/)?" } else { ".*" };
            }
            '*' => result += &format!("{any}*"),
            '?' => result += any,
            '[' => {
                let negated = chars.next_if(|c| matches!(c, '^' | '!')).is_some();
                let class: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let class =
                    class.replace('\\', "\\\\").replace('[', "\\[").replace('&', "\\&").replace('~', "\\~");
                result += &if negated { format!("[^{class}]") } else { format!("[{class}]") };
            }
            '{' => {
                group = true;
                result += "(?:";
            }
            '}' if group => {
                group = false;
                result.push(')');
            }
            ',' if group => result.push('|'),
            c => {
                let c = if c == '\\' { chars.next()? } else { c };
                if !c.is_alphanumeric() && c.is_ascii() {
                    result.push('\\');
                }
                result.push(c);
            }
        }
    }
    Expression::new(&(result + ")$"))
}

/// An entry of `kustomize.images`: `name:tag`, `name@digest`, `name=new:tag`.
fn image(text: &str) -> ImageRule {
    let (name, new) = text.split_once('=').map_or((None, text), |(name, new)| (Some(name), new));
    let (new_name, tag, digest) = split_image(new);
    ImageRule {
        name: name.unwrap_or(new_name).to_owned(),
        new_name: name.map_or_else(String::new, |_| new_name.to_owned()),
        new_tag: tag.to_owned(),
        digest: digest.to_owned(),
        tag_suffix: String::new(),
    }
}

/// JSON merge patch (RFC 7386). Depth is bounded by that of the patch.
fn merge_patch(target: Option<&Value>, patch: &Value) -> Value {
    if !matches!(patch, Value::Map(_)) {
        return patch.clone();
    }
    let mut result =
        target.filter(|target| matches!(target, Value::Map(_))).cloned().unwrap_or_else(|| Value::map([]));
    for (key, value) in patch.pairs() {
        if value.is_null() {
            result.remove(key);
        } else {
            let merged = merge_patch(result.get(key), value);
            result.set(key, merged);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use offline_kustomize::documents::documents;
    use offline_kustomize::kustomization;

    fn application(spec: &str) -> Application {
        let text = format!("metadata: {{name: app}}\nspec: {spec}\n");
        Application::read(&documents(&text).unwrap()[0])
    }

    #[test]
    fn sources_and_destination() {
        let app = application(
            "{destination: {namespace: shop}, sources: [{path: a}, {path: b, directory: {recurse: true, exclude: '*test*'}}, {chart: x}]}",
        );
        assert_eq!(app.destination.as_deref(), Some("shop"));
        let tools: Vec<Tool> = app.sources.iter().map(Source::tool).collect();
        assert_eq!(tools, [Tool::Any, Tool::Directory, Tool::Any]);
        assert!(app.sources[2].chart);
        let (plain, below) = (&app.sources[0], &app.sources[1]);
        assert!(plain.takes("x.yaml") && !plain.takes("d/x.yaml"));
        assert!(below.takes("d/x.yaml") && !below.takes("d/a-test.yaml"));
    }

    #[test]
    fn globs() {
        let fits = |pattern: &str, stops: bool, path: &str| glob(pattern, stops).unwrap().fits(path);
        assert!(fits("apps/*", true, "apps/web") && !fits("apps/*", true, "apps/web/x"));
        assert!(fits("*.yaml", false, "a/b.yaml") && !fits("*.yaml", true, "a/b.yaml"));
        assert!(fits("**/c.json", true, "a/b/c.json") && fits("**/c.json", true, "c.json"));
        assert!(fits("{a,b-?}[0-9].y", true, "b-x7.y") && !fits("a[!0-9]", true, "a1"));
        assert!(fits("a.b", true, "a.b") && !fits("a.b", true, "axb"));
    }

    #[test]
    fn kustomize_options_edit_the_kustomization() {
        let app = application(
            "{source: {path: a, kustomize: {namespace: shop, namePrefix: p-, images: ['web=reg:5000/web:2', 'db@sha256:1', 'x:3']}}}",
        );
        let mut fields =
            kustomization::read("namespace: own\nimages: [{name: web, newTag: '1'}, {name: zoo}]\n");
        app.sources[0].apply_to(&mut fields, 4);
        let images: Vec<_> = fields
            .images
            .iter()
            .map(|i| {
                (
                    i.value.name.as_str(),
                    i.value.new_name.as_str(),
                    i.value.new_tag.as_str(),
                    i.value.digest.as_str(),
                )
            })
            .collect();
        assert_eq!(
            images,
            [
                ("db", "", "", "sha256:1"),
                ("web", "reg:5000/web", "2", ""),
                ("x", "", "3", ""),
                ("zoo", "", "", "")
            ]
        );
        assert_eq!(fields.namespace.unwrap().value, "shop");
    }

    #[test]
    fn a_file_beside_the_manifests_overrides() {
        let app = application("{source: {path: a, kustomize: {namespace: shop, images: [a:1]}}}");
        let file = documents("kustomize: {images: [a:2], namespace: null}\npath: elsewhere\n").unwrap();
        let source = app.sources[0].overridden(&file[0]);
        assert_eq!((source.path.as_str(), source.kustomize_namespace()), ("a", None));
        let mut fields = Kustomization::default();
        source.apply_to(&mut fields, 1);
        assert_eq!(fields.images[0].value.new_tag, "2");
    }
}
