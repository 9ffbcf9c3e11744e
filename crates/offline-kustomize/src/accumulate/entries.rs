//! What the entries of a kustomization bring in: objects of files, of generators, of transformer files.

use super::{ASK_KUSTOMIZE, Builder, Frame, KEEP_A_COPY, Next, Purpose, Stop};
use crate::documents::documents;
use crate::generate::{self, Kind};
use crate::kustomization::{Line, is_inline};
use crate::notice::Code;
use crate::patch::StepError;
use crate::repository::{Known, Target, contains, objects};
use crate::resource::{Behavior, Generated, Id, Origin, Place, Resource, Resources, group_version};
use crate::value::Value;
use std::sync::Arc;

/// Whether an object has containers somewhere.
fn runs_containers(value: &Value) -> bool {
    let holds = |key: &str, value: &Value| key == "containers" && !value.items().is_empty();
    value.pairs().iter().any(|(key, value)| holds(key, value) || runs_containers(value))
        || value.items().iter().any(runs_containers)
}

impl<'a> Builder<'_, 'a> {
    pub(super) fn resolve(&mut self, frame: &Frame<'a>, entry: &Line<String>) -> Result<Target, Stop> {
        let target = self.repository.resolve(&frame.known.folder, &entry.value);
        target.map_err(|dead| self.fail(&frame.known, entry.line, dead.message, dead.hint))
    }

    /// Kustomize reads files from its own folder or below, unless told otherwise.
    fn check_restriction(&mut self, known: &Known<'_>, path: &str, line: usize) {
        // One notice says enough: the remedy is the same for all entries.
        if !contains(&known.folder, path) && self.restricted.insert(Arc::clone(&known.file)) {
            let message = format!("`{path}` lies outside of the kustomization's folder");
            let hint = "kustomize needs `--load-restrictor LoadRestrictionsNone` for it; give the file's folder a kustomization";
            self.notice(Code::LoadRestricted, known, line, message, hint);
        }
    }

    /// The objects of a file.
    pub(super) fn add_file(
        &mut self,
        frame: &mut Frame<'a>,
        path: &str,
        line: usize,
        whole: bool,
    ) -> Result<(), Stop> {
        let known = frame.known.clone();
        self.check_restriction(&known, path, line);
        let scanned = self.repository.file(path);
        let here = || Place { line, visit: Arc::clone(&frame.visit) };
        let mut resources = Vec::new();
        match scanned.filter(|_| !whole) {
            Some(file) => {
                for sketch in self.repository.sketches(file).ok_or(Stop::Whole)? {
                    let origin = Origin::Scanned(file, sketch.document, sketch.items);
                    resources.push(Resource::new(origin, sketch.tree, sketch.partial, here()));
                }
            }
            None => {
                let found = self.repository.documents(path).and_then(|trees| objects(&trees));
                let found = found.map_err(|reason| {
                    let message = format!("`{path}`: {reason}");
                    self.fail(&known, line, message, "kustomize takes files of Kubernetes objects only")
                })?;
                if scanned.is_none() && found.iter().any(|found| runs_containers(&found.object)) {
                    let message = format!(
                        "`{path}` brings pods and is not looked at: Git ignores it, or the configuration leaves it out"
                    );
                    let hint =
                        "commit it, or look at it with `--no-ignore`; a clone has no files that Git ignores";
                    self.notice(Code::Unknowable, &known, line, message, hint);
                }
                for found in found {
                    let origin = scanned
                        .map_or(Origin::Read, |file| Origin::Scanned(file, found.document, found.items));
                    resources.push(Resource::new(origin, found.object, false, here()));
                }
            }
        }
        for resource in resources {
            if let Err(conflict) = frame.gathered.resources.push(resource) {
                return Err(self.refused(&known, line, &conflict.into(), whole));
            }
        }
        Ok(())
    }

    /// Adds the objects of a chart, or says that they are not known here.
    fn chart(&mut self, frame: &mut Frame<'a>, chart: &Value, line: usize, whole: bool) -> Result<(), Stop> {
        let known = frame.known.clone();
        if let Some(objects) = self.repository.chart(&known.file, line, chart) {
            let release = chart.str_at("releaseName").filter(|name| !name.is_empty());
            let release: Arc<str> = Arc::from(release.or_else(|| chart.str_at("name")).unwrap_or_default());
            for object in objects.iter() {
                let origin = Origin::Chart(frame.at, line, Arc::clone(&release));
                let place = Place { line, visit: Arc::clone(&frame.visit) };
                let resource = Resource::new(origin, object.clone(), false, place);
                if let Err(conflict) = frame.gathered.resources.push(resource) {
                    return Err(self.refused(&known, line, &conflict.into(), whole));
                }
            }
            return Ok(());
        }
        let name = chart.str_at("name").or_else(|| chart.str_at("chartName")).unwrap_or_default();
        let message = format!("the objects of the Helm chart `{name}` cannot be known offline");
        let hint =
            "`helm pull` it into a folder of `charts`, or pipe its rendered output through `generate -`";
        self.notice(Code::ChartUnknown, &frame.known, line, message, hint);
        frame.lacks(line);
        Ok(())
    }

    /// Runs the generators.
    pub(super) fn generate(&mut self, frame: &mut Frame<'a>, whole: bool) -> Result<(), Stop> {
        let known = frame.known.clone();
        let fields = &known.fields;
        for (kind, entries) in [(Kind::ConfigMap, &fields.config_maps), (Kind::Secret, &fields.secrets)] {
            for entry in entries {
                // Without whole objects nothing can come of a ConfigMap.
                if kind == Kind::Secret || whole {
                    self.generate_one(frame, kind, &entry.value, entry.line, whole)?;
                }
            }
        }
        for chart in &fields.charts {
            self.chart(frame, &chart.value, chart.line, whole)?;
        }
        for entry in &fields.generators {
            for generator in self.plugins(frame, entry)? {
                let kind = match (group_version(generator.api_version()), generator.kind()) {
                    (("", "builtin"), "SecretGenerator") => Kind::Secret,
                    (("", "builtin"), "ConfigMapGenerator") => Kind::ConfigMap,
                    (("viaduct.ai", _), "ksops") => {
                        self.add_decrypted(frame, &generator.object, entry.line, whole)?;
                        continue;
                    }
                    (("", "builtin"), "HelmChartInflationGenerator") => {
                        self.chart(frame, &generator.object, entry.line, whole)?;
                        continue;
                    }
                    (_, name) => {
                        let message = format!("what the generator `{name}` makes cannot be known offline");
                        self.notice(
                            Code::Unknowable,
                            &known,
                            entry.line,
                            message,
                            "commit its output instead",
                        );
                        frame.lacks(entry.line);
                        continue;
                    }
                };
                let mut tree = generator.object.clone();
                for (key, value) in [("name", generator.name()), ("namespace", generator.namespace())] {
                    if tree.get(key).is_none_or(Value::is_empty) {
                        tree.set(key, Value::text(value));
                    }
                }
                self.generate_one(frame, kind, &tree, entry.line, whole)?;
            }
        }
        Ok(())
    }

    /// What ksops makes: the Secrets of its files, of which all but the values is in clear, and those it makes itself.
    fn add_decrypted(
        &mut self,
        frame: &mut Frame<'a>,
        generator: &Value,
        line: usize,
        whole: bool,
    ) -> Result<(), Stop> {
        let known = frame.known.clone();
        let texts =
            |key: &str| generator.get(key).map_or(&[][..], Value::items).iter().filter_map(Value::as_str);
        let here = || Place { line, visit: Arc::clone(&frame.visit) };
        let mut made = Vec::new();
        for entry in texts("files") {
            let path = self.repository.path(&known.folder, entry);
            let path = path.map_err(|dead| self.fail(&known, line, dead.message, dead.hint))?;
            let found = self.repository.documents(&path).and_then(|trees| objects(&trees));
            let found = found.map_err(|reason| {
                self.fail(
                    &known,
                    line,
                    format!("`{path}`: {reason}"),
                    "ksops takes files of encrypted objects",
                )
            })?;
            let file = self.repository.file(&path);
            for found in found {
                let origin =
                    file.map_or(Origin::Read, |file| Origin::Scanned(file, found.document, found.items));
                let mut object = found.object;
                object.remove("sops");
                made.push(Resource::new(origin, object, false, here()));
            }
        }
        for entry in generator.get("secretFrom").map_or(&[][..], Value::items) {
            let mut object = Value::map([("apiVersion", Value::text("v1")), ("kind", Value::text("Secret"))]);
            for key in ["metadata", "type"] {
                if let Some(value) = entry.get(key) {
                    object.set(key, value.clone());
                }
            }
            made.push(Resource::new(Origin::Generated(frame.at, line), object, false, here()));
        }
        for mut resource in made {
            let annotation = |name: &str| {
                let annotations = resource.object.at(&["metadata", "annotations"]);
                annotations
                    .and_then(|all| all.str_at(&format!("kustomize.config.k8s.io/{name}")))
                    .map(str::to_owned)
            };
            let hash = annotation("needs-hash").as_deref() == Some("true");
            let behavior = match annotation("behavior").as_deref() {
                Some("replace") => Behavior::Replace,
                Some("merge") => Behavior::Merge,
                _ => Behavior::Create,
            };
            resource.generated = Some(Generated { hash, known: false, behavior });
            absorb(&mut frame.gathered.resources, resource)
                .map_err(|error| self.refused(&known, line, &error, whole))?;
        }
        Ok(())
    }

    fn generate_one(
        &mut self,
        frame: &mut Frame<'a>,
        kind: Kind,
        entry: &Value,
        line: usize,
        whole: bool,
    ) -> Result<(), Stop> {
        let known = frame.known.clone();
        let read = |path: &str| self.repository.bytes(&self.repository.path(&known.folder, path).ok()?);
        let made = generate::generate(kind, entry, known.fields.generator_options.as_ref(), &read);
        let (object, generated) = made.map_err(|error| self.refused(&known, line, &error, true))?;
        let place = Place { line, visit: Arc::clone(&frame.visit) };
        let mut resource = Resource::new(Origin::Generated(frame.at, line), object, false, place);
        resource.generated = Some(generated);
        absorb(&mut frame.gathered.resources, resource)
            .map_err(|error| self.refused(&known, line, &error, whole))
    }

    /// The objects that an entry of `transformers` or `generators` names: written there, or in a file.
    fn plugins(&mut self, frame: &Frame<'a>, entry: &Line<String>) -> Result<Vec<Resource>, Stop> {
        let known = &frame.known;
        let found = if is_inline(&entry.value) {
            documents(&entry.value).and_then(|trees| objects(&trees))
        } else {
            match self.resolve(frame, entry)? {
                Target::File(path) => self.repository.documents(&path).and_then(|trees| objects(&trees)),
                Target::Folder(_) | Target::Remote => Ok(Vec::new()),
            }
        };
        let found = found.map_err(|reason| {
            self.fail(known, entry.line, format!("`{}`: {reason}", entry.value), ASK_KUSTOMIZE)
        })?;
        let place = || Place { line: entry.line, visit: Arc::clone(&frame.visit) };
        Ok(found.into_iter().map(|found| Resource::new(Origin::Read, found.object, false, place())).collect())
    }

    pub(super) fn add_plugin(&mut self, frame: &mut Frame<'a>, entry: &Line<String>) -> Result<Next, Stop> {
        if !is_inline(&entry.value) {
            match self.resolve(frame, entry)? {
                Target::Folder(at) => {
                    return Ok(Next::Enter { at, line: entry.line, purpose: Purpose::Plugins });
                }
                Target::Remote => {
                    let message = format!("the transformer `{}` is known only online", entry.value);
                    self.notice(Code::RemoteBaseUnknown, &frame.known, entry.line, message, KEEP_A_COPY);
                    let of = Some((frame.at, entry.line));
                    frame.gathered.resources.iter_mut().for_each(|resource| resource.uncertain = of);
                    return Ok(Next::Again);
                }
                Target::File(_) => {}
            }
        }
        for plugin in self.plugins(frame, entry)? {
            if let Err(conflict) = frame.plugins.push(plugin) {
                return Err(self.refused(&frame.known, entry.line, &conflict.into(), true));
            }
        }
        Ok(Next::Again)
    }
}

/// Adds a generated object, or puts it in the place of the one that it replaces or adds to.
fn absorb(resources: &mut Resources, mut new: Resource) -> Result<(), StepError> {
    let id = Id::of(&new.object);
    let behavior = new.generated.map_or(Behavior::Create, |generated| generated.behavior);
    let at = match (resources.find(&id)[..].to_vec().as_slice(), behavior) {
        ([], Behavior::Create) => return resources.push(new).map_err(StepError::from),
        // It adds to one that is known only online: so are its data and the hash over them.
        ([], _) if resources.open.is_some() => {
            new.generated = new.generated.map(|generated| Generated { known: false, ..generated });
            return resources.push(new).map_err(StepError::from);
        }
        ([], _) => return Err(StepError::NoMatch(id)),
        ([_], Behavior::Create) => return Err(StepError::Conflict(id)),
        ([at], _) => *at,
        _ => return Err(StepError::Ambiguous(id)),
    };
    let old = resources.get(at).clone();
    let merged = |path: &[&str]| {
        let mut map = old.object.at(path).cloned().unwrap_or(Value::Null);
        new.object
            .at(path)
            .map_or(&[][..], Value::pairs)
            .iter()
            .for_each(|(key, value)| map.set(key, value.clone()));
        (!map.is_empty()).then_some(map)
    };
    let mut object = new.object.clone();
    if behavior == Behavior::Merge {
        for field in ["data", "binaryData"] {
            if let Some(map) = merged(&[field]) {
                object.set(field, map);
            }
        }
    }
    let metadata: Vec<_> =
        ["labels", "annotations"].map(|field| (field, merged(&["metadata", field]))).into();
    new.object = object;
    for (field, map) in metadata {
        if let Some(map) = map {
            new.set_metadata(field, map);
        }
    }
    new.set_metadata("name", Value::text(old.name()));
    if !old.namespace().is_empty() {
        new.set_metadata("namespace", Value::text(old.namespace()));
    }
    let hash = |resource: &Resource| resource.generated.is_some_and(|generated| generated.hash);
    let known = |resource: &Resource| resource.generated.is_none_or(|generated| generated.known);
    let (hash, known) = (hash(&new) && hash(&old), known(&new) && known(&old));
    new.generated = Some(Generated { hash, known, behavior });
    new.former = old.former;
    new.affixes = old.affixes;
    new.vars = old.vars;
    resources.replace(at, new);
    Ok(())
}
