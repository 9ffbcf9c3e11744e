//! The build itself: gathers what a kustomization names, applies its steps, hands the result to what includes it.
//!
//! Runs on a stack of its own, so that depth is bounded by memory alone. A kustomization that several others include
//! is built once. Where the result would not be what kustomize yields, the build fails and says why.

mod entries;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::config::Config;
use super::generate;
use super::notice::{Code, Notice, Notices};
use super::patch::StepError;
use super::plugin;
use super::references;
use super::repository::{Known, Repository, Target, contains};
use super::resource::{Generated, Place, Resource, Resources, Visit};
use super::step::{Step, Steps};
use super::value::Value;
use super::vars::{self, Var};

/// Resources that one build may have.
const MAX_RESOURCES: usize = 200_000;
/// Resources that the steps of all builds of one builder may go over together.
const MAX_WORK: usize = 20_000_000;
/// Objects with this annotation are for tools only.
const LOCAL: &str = "config.kubernetes.io/local-config";

/// Why a build ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// Sketches are not enough.
    Whole,
    /// It fails, as the notice of this index says.
    Failed(usize),
}

/// What a kustomization yields to what includes it.
#[derive(Clone, Debug, Default)]
struct Gathered {
    resources: Resources,
    config: Option<Arc<Config>>,
    vars: Vec<Var>,
}

/// What a kustomization yields and its place in that, or the notice that says why it fails.
type Memo = Result<(Gathered, Arc<Visit>), usize>;

/// Builds, one after the other; they share what they have in common.
pub struct Builder<'r, 'a> {
    /// What is built from.
    pub repository: &'r Repository<'a>,
    /// What there is to say about the builds.
    pub notices: Notices,
    /// How often each kustomization is included; those included once need not be kept.
    uses: &'r HashMap<usize, usize>,
    standard: Arc<Config>,
    steps: HashMap<usize, Arc<Steps>>,
    whole: HashMap<usize, bool>,
    /// What is kept of kustomizations that are included several times; by index and whether without sketches.
    memo: HashMap<(usize, bool), Memo>,
    work: usize,
    /// Kustomizations of which it has been said that they read what lies outside of their folders.
    restricted: HashSet<Arc<str>>,
}

/// Why a kustomization is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Resource,
    Component,
    /// Its objects configure transformers.
    Plugins,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Resources(usize),
    Generators,
    Components(usize),
    Plugins(usize),
    Steps,
}

/// A kustomization that is being built.
struct Frame<'a> {
    at: usize,
    known: Known<'a>,
    purpose: Purpose,
    /// Where the including kustomization names it.
    line: usize,
    stage: Stage,
    gathered: Gathered,
    visit: Arc<Visit>,
    plugins: Resources,
}

impl Frame<'_> {
    /// Notes that the entry at a line brings in resources that cannot be known.
    fn lacks(&mut self, line: usize) {
        self.gathered.resources.open.get_or_insert((self.at, line));
    }
}

enum Next {
    Again,
    /// Another kustomization comes first.
    Enter {
        at: usize,
        line: usize,
        purpose: Purpose,
    },
    Done,
}

impl<'r, 'a> Builder<'r, 'a> {
    /// A builder over a repository of which the kustomizations include each other so often.
    pub fn new(repository: &'r Repository<'a>, uses: &'r HashMap<usize, usize>) -> Self {
        Self {
            repository,
            uses,
            notices: Notices::default(),
            standard: Config::standard(),
            steps: HashMap::new(),
            whole: HashMap::new(),
            memo: HashMap::new(),
            work: 0,
            restricted: HashSet::new(),
        }
    }

    /// Builds a kustomization as a root of its own; with `whole` without sketches.
    ///
    /// # Errors
    /// The index of the notice that says why it fails.
    pub fn build(&mut self, root: usize, whole: bool) -> Result<Vec<Resource>, usize> {
        let known = self.repository.get(root);
        let folder =
            self.repository.has_kustomization(&known.folder).then(|| self.repository.folder(&known.folder));
        if let Some(Err(dead)) = folder {
            return Err(self.notice(Code::BuildFails, &known, 1, dead.message, dead.hint));
        }
        let whole = whole || self.needs_whole(root);
        let mut result = self.gather(root, whole).and_then(|gathered| self.finish(root, gathered, whole));
        if matches!(result, Err(Stop::Whole)) {
            result = self.gather(root, true).and_then(|gathered| self.finish(root, gathered, true));
        }
        result.map_err(|stop| match stop {
            Stop::Failed(notice) => notice,
            Stop::Whole => {
                self.notice(Code::BuildFails, &known, 1, "the build cannot be followed".to_owned(), "")
            }
        })
    }

    /// The steps of a kustomization.
    fn steps(&mut self, at: usize) -> Arc<Steps> {
        if let Some(steps) = self.steps.get(&at) {
            return Arc::clone(steps);
        }
        let known = self.repository.get(at);
        let steps = Arc::new(Steps::read(self.repository, &known, at, &self.standard));
        for entry in &steps.remote {
            let message = format!("the patch `{}` is known only online", entry.value);
            self.notice(Code::RemoteBaseUnknown, &known, entry.line, message, KEEP_A_COPY);
        }
        self.steps.insert(at, Arc::clone(&steps));
        steps
    }

    /// Whether the build of a kustomization takes more than sketches.
    fn needs_whole(&mut self, root: usize) -> bool {
        let mut open = vec![(root, false)];
        while let Some((at, seen)) = open.pop() {
            if seen {
                let children = self.repository.included(at);
                let needed = children.iter().any(|child| self.whole.get(child) == Some(&true));
                let needs = needed || self.steps(at).whole;
                self.whole.insert(at, needs);
            } else if let std::collections::hash_map::Entry::Vacant(entry) = self.whole.entry(at) {
                // One that includes itself is found out by the build.
                entry.insert(false);
                open.push((at, true));
                open.extend(self.repository.included(at).into_iter().map(|child| (child, false)));
            }
        }
        self.whole.get(&root) == Some(&true)
    }

    fn notice(&mut self, code: Code, known: &Known<'_>, line: usize, message: String, hint: &str) -> usize {
        let notice = Notice { code, file: known.file.to_string(), line, message, hint: hint.to_owned() };
        self.notices.add(notice)
    }

    fn fail(&mut self, known: &Known<'_>, line: usize, message: String, hint: &str) -> Stop {
        Stop::Failed(self.notice(Code::BuildFails, known, line, message, hint))
    }

    /// A step that does not apply; on sketches the reason may be what they leave out.
    fn refused(&mut self, known: &Known<'_>, line: usize, error: &StepError, whole: bool) -> Stop {
        if whole { self.fail(known, line, error.to_string(), ASK_KUSTOMIZE) } else { Stop::Whole }
    }

    fn gather(&mut self, root: usize, whole: bool) -> Result<Gathered, Stop> {
        let mut stack = vec![self.frame(root, Purpose::Resource, 1)];
        while let Some(frame) = stack.last_mut() {
            match self.advance(frame, whole) {
                Ok(Next::Again) => {}
                Ok(Next::Enter { at, line, purpose }) => {
                    self.check_entry(&stack, at, line, purpose)?;
                    let inner = self.frame(at, purpose, line);
                    self.enter(&mut stack, inner, whole)?;
                }
                Ok(Next::Done) => {
                    let Some(done) = stack.pop() else { break };
                    let Some(outer) = stack.last_mut() else { return Ok(done.gathered) };
                    self.leave(outer, done, whole)?;
                }
                Err(stop) => {
                    if let (Stop::Failed(notice), true) = (stop, frame.purpose != Purpose::Component) {
                        self.memo.insert((frame.at, whole), Err(notice));
                    }
                    return Err(stop);
                }
            }
        }
        Err(Stop::Whole)
    }

    fn frame(&self, at: usize, purpose: Purpose, line: usize) -> Frame<'a> {
        Frame {
            at,
            known: self.repository.get(at),
            purpose,
            line,
            stage: Stage::Resources(0),
            gathered: Gathered::default(),
            visit: Visit::new(at),
            plugins: Resources::default(),
        }
    }

    /// Kustomize refuses a folder that is above one that is being built, and components out of place.
    fn check_entry(
        &mut self,
        stack: &[Frame<'a>],
        at: usize,
        line: usize,
        purpose: Purpose,
    ) -> Result<(), Stop> {
        let Some(outer) = stack.last() else { return Ok(()) };
        let (inner, outer) = (self.repository.get(at), outer.known.clone());
        if let Some(frame) = stack.iter().find(|frame| contains(&inner.folder, &frame.known.folder)) {
            let message = format!("`{}` includes `{}`, which is being built", outer.file, inner.file);
            let message = if frame.at == at {
                message
            } else {
                format!("{message}: its folder holds `{}`", frame.known.file)
            };
            return Err(self.fail(
                &outer,
                line,
                message,
                "a kustomization can include neither itself nor a folder above it",
            ));
        }
        let (is, should) = (inner.fields.component, purpose == Purpose::Component);
        if is != should && inner.fields.problem.is_none() {
            let (message, hint) = if is {
                (format!("`{}` is a Component", inner.file), "list it under `components`")
            } else {
                (format!("`{}` is no Component", inner.file), "list it under `resources`")
            };
            return Err(self.fail(&outer, line, message, hint));
        }
        Ok(())
    }

    fn enter(&mut self, stack: &mut Vec<Frame<'a>>, mut inner: Frame<'a>, whole: bool) -> Result<(), Stop> {
        let Some(outer) = stack.last_mut() else { return Ok(()) };
        if inner.purpose == Purpose::Component {
            let place = Place { line: inner.line, visit: Arc::clone(&outer.visit) };
            let _ = inner.visit.from.set(place);
            inner.gathered = std::mem::take(&mut outer.gathered);
        } else {
            match self.memo.get(&(inner.at, whole)) {
                Some(Ok((gathered, visit))) => {
                    (inner.gathered, inner.visit) = replant(gathered, visit);
                    return self.include(outer, inner, whole);
                }
                Some(Err(notice)) => return Err(Stop::Failed(*notice)),
                None => {}
            }
        }
        stack.push(inner);
        Ok(())
    }

    fn leave(&mut self, outer: &mut Frame<'a>, mut inner: Frame<'a>, whole: bool) -> Result<(), Stop> {
        if inner.purpose == Purpose::Component {
            outer.gathered = inner.gathered;
            return Ok(());
        }
        if self.uses.get(&inner.at).is_none_or(|&uses| uses > 1) {
            let (gathered, visit) = replant(&inner.gathered, &inner.visit);
            self.memo.insert((inner.at, whole), Ok((gathered, visit)));
        }
        inner.stage = Stage::Steps;
        self.include(outer, inner, whole)
    }

    /// Adds what an included kustomization yields.
    fn include(&mut self, outer: &mut Frame<'a>, inner: Frame<'a>, whole: bool) -> Result<(), Stop> {
        let Frame { gathered, visit, line, purpose, .. } = inner;
        if purpose == Purpose::Plugins {
            let added = outer.plugins.append(gathered.resources);
            return added.map_err(|conflict| self.refused(&outer.known, line, &conflict.into(), true));
        }
        let _ = visit.from.set(Place { line, visit: Arc::clone(&outer.visit) });
        let Gathered { resources, config, vars } = gathered;
        if outer.gathered.resources.len() + resources.len() > MAX_RESOURCES {
            let message = format!("the build has more than {MAX_RESOURCES} objects");
            return Err(self.fail(&outer.known, line, message, "divide it"));
        }
        if let Err(conflict) = outer.gathered.resources.append(resources) {
            return Err(self.refused(&outer.known, line, &conflict.into(), whole));
        }
        for var in vars {
            self.add_var(outer, var, line)?;
        }
        match config {
            Some(config) => self.add_config(outer, &config, line),
            None => Ok(()),
        }
    }

    fn add_var(&mut self, frame: &mut Frame<'a>, var: Var, line: usize) -> Result<(), Stop> {
        if frame.gathered.vars.iter().any(|known| known.name == var.name) {
            let message = format!("the var `{}` is defined twice", var.name);
            return Err(self.fail(&frame.known, line, message, ASK_KUSTOMIZE));
        }
        frame.gathered.vars.push(var);
        Ok(())
    }

    fn add_config(&mut self, frame: &mut Frame<'a>, config: &Arc<Config>, line: usize) -> Result<(), Stop> {
        let merged = match frame.gathered.config.take() {
            None => Ok(Arc::clone(config)),
            Some(own) => own.merge(config),
        };
        let clash = |path: &str| format!("configurations disagree on `create` of `{path}`");
        frame.gathered.config =
            Some(merged.map_err(|d| self.fail(&frame.known, line, clash(&d.0), ASK_KUSTOMIZE))?);
        Ok(())
    }

    /// Goes one entry or one stage further.
    fn advance(&mut self, frame: &mut Frame<'a>, whole: bool) -> Result<Next, Stop> {
        match frame.stage {
            Stage::Resources(nth) => {
                if let (0, Some(failure)) = (nth, self.steps(frame.at).failure.clone()) {
                    return Err(self.fail(&frame.known, failure.line, failure.value, ASK_KUSTOMIZE));
                }
                let Some(entry) = frame.known.fields.resources.get(nth).cloned() else {
                    frame.stage = Stage::Generators;
                    return Ok(Next::Again);
                };
                frame.stage = Stage::Resources(nth + 1);
                let (line, purpose) = (entry.line, Purpose::Resource);
                match self.resolve(frame, &entry)? {
                    Target::Folder(at) => return Ok(Next::Enter { at, line, purpose }),
                    Target::File(path) => self.add_file(frame, &path, line, whole)?,
                    Target::Remote => {
                        let message = format!("the base `{}` is known only online", entry.value);
                        self.notice(Code::RemoteBaseUnknown, &frame.known, line, message, KEEP_A_COPY);
                        frame.lacks(line);
                    }
                }
                Ok(Next::Again)
            }
            Stage::Generators => {
                let steps = self.steps(frame.at);
                self.add_config(frame, &steps.config, 1)?;
                self.generate(frame, whole)?;
                frame.stage = Stage::Components(0);
                Ok(Next::Again)
            }
            Stage::Components(nth) => {
                let Some(entry) = frame.known.fields.components.get(nth).cloned() else {
                    frame.stage = Stage::Plugins(0);
                    return Ok(Next::Again);
                };
                frame.stage = Stage::Components(nth + 1);
                let line = entry.line;
                match self.resolve(frame, &entry)? {
                    Target::Folder(at) => return Ok(Next::Enter { at, line, purpose: Purpose::Component }),
                    Target::File(_) => {
                        let message = format!("`{}` is a file, not the folder of a Component", entry.value);
                        return Err(self.fail(&frame.known, line, message, "name the folder"));
                    }
                    Target::Remote => {
                        let message = format!("the Component `{}` is known only online", entry.value);
                        self.notice(Code::RemoteBaseUnknown, &frame.known, line, message, KEEP_A_COPY);
                        let of = Some((frame.at, line));
                        frame.gathered.resources.iter_mut().for_each(|resource| resource.uncertain = of);
                        frame.lacks(line);
                    }
                }
                Ok(Next::Again)
            }
            Stage::Plugins(nth) => {
                let Some(entry) = frame.known.fields.transformers.get(nth).cloned() else {
                    frame.stage = Stage::Steps;
                    return Ok(Next::Again);
                };
                frame.stage = Stage::Plugins(nth + 1);
                self.add_plugin(frame, &entry)
            }
            Stage::Steps => {
                self.apply(frame, whole)?;
                Ok(Next::Done)
            }
        }
    }

    /// Applies the steps of a kustomization, then its transformer files; then notes its vars.
    fn apply(&mut self, frame: &mut Frame<'a>, whole: bool) -> Result<(), Stop> {
        let known = frame.known.clone();
        let steps = self.steps(frame.at);
        for step in &steps.steps {
            self.apply_step(frame, &step.value, step.line, whole)?;
        }
        for plugin in std::mem::take(&mut frame.plugins) {
            let of = (frame.at, plugin.place.line);
            let read = |path: &str| {
                let path = self.repository.path(&known.folder, path).map_err(|dead| dead.message)?;
                self.repository.documents(&path)
            };
            match plugin::steps(&plugin, &read, of) {
                Ok(Some(steps)) => {
                    for step in steps {
                        self.apply_step(frame, &step, of.1, whole)?;
                    }
                }
                Ok(None) => {
                    let message =
                        format!("what the transformer `{}` does cannot be known offline", plugin.kind());
                    self.notice(Code::Unknowable, &known, of.1, message, "commit its output instead");
                    self.apply_step(frame, &Step::Unknown, of.1, whole)?;
                }
                Err(error) => return Err(self.refused(&known, of.1, &error, true)),
            }
        }
        for var in &known.fields.vars {
            let marked = var.value.mark(&mut frame.gathered.resources);
            marked.map_err(|error| self.refused(&known, var.line, &error, true))?;
            self.add_var(frame, var.value.clone(), var.line)?;
        }
        Ok(())
    }

    fn apply_step(
        &mut self,
        frame: &mut Frame<'a>,
        step: &Step,
        line: usize,
        whole: bool,
    ) -> Result<(), Stop> {
        self.work += frame.gathered.resources.len();
        if self.work > MAX_WORK {
            let message = "the builds of this repository are too large to follow".to_owned();
            return Err(self.fail(&frame.known, line, message, "name fewer files"));
        }
        let config = frame.gathered.config.as_ref().unwrap_or(&self.standard);
        let config = Arc::clone(config);
        match step.apply(&mut frame.gathered.resources, &config, (frame.at, line)) {
            Ok(true) => {}
            Ok(false) => {
                let message = "the value that is copied here cannot be known offline".to_owned();
                self.notice(Code::Unknowable, &frame.known, line, message, KEEP_A_COPY);
            }
            Err(error) => return Err(self.refused(&frame.known, line, &error, whole)),
        }
        Ok(())
    }

    /// What only the root of a build does: hashes, references, vars, objects for tools left out.
    fn finish(&mut self, root: usize, gathered: Gathered, whole: bool) -> Result<Vec<Resource>, Stop> {
        let known = self.repository.get(root);
        let Gathered { mut resources, config, vars } = gathered;
        let config = config.unwrap_or_else(|| Arc::clone(&self.standard));
        for resource in resources.rename_all() {
            if let Some(Generated { hash: true, known, .. }) = resource.generated {
                let hash = if known { generate::hash(&resource.object) } else { String::new() };
                resource.remember();
                let name = format!("{}-{hash}", resource.name());
                resource.set_metadata("name", Value::text(&name));
            }
        }
        references::follow(&mut resources, &config)
            .map_err(|error| self.refused(&known, 1, &error, whole))?;
        vars::resolve(&mut resources, &vars, &config)
            .map_err(|error| self.refused(&known, 1, &error, true))?;
        resources.retain(|resource| resource.annotation(LOCAL).is_none_or(|value| value == "false"));
        if let Some(conflict) = resources.conflict() {
            return Err(self.refused(&known, 1, &conflict.into(), whole));
        }
        Ok(resources.into_iter().collect())
    }
}

const KEEP_A_COPY: &str = "keep a copy of it in the repository";
const ASK_KUSTOMIZE: &str = "`kustomize build` fails here too";

/// A copy of what a kustomization yields, whose places can be hung below another one.
fn replant(gathered: &Gathered, visit: &Arc<Visit>) -> (Gathered, Arc<Visit>) {
    let mut copy = gathered.clone();
    let mut moved: HashMap<*const Visit, Arc<Visit>> = HashMap::new();
    let top = Visit::new(visit.kustomization);
    moved.insert(Arc::as_ptr(visit), Arc::clone(&top));
    for resource in copy.resources.iter_mut() {
        // From the innermost inclusion outwards until one that has been copied already.
        let mut chain = Vec::new();
        let mut at = Arc::clone(&resource.place.visit);
        let mut outer = loop {
            if let Some(known) = moved.get(&Arc::as_ptr(&at)) {
                break Some(Arc::clone(known));
            }
            chain.push(Arc::clone(&at));
            match at.from.get() {
                Some(place) => at = Arc::clone(&place.visit),
                None => break None,
            }
        };
        while let Some(old) = chain.pop() {
            let new = Visit::new(old.kustomization);
            if let (Some(outer), Some(place)) = (outer, old.from.get()) {
                let _ = new.from.set(Place { line: place.line, visit: outer });
            }
            moved.insert(Arc::as_ptr(&old), Arc::clone(&new));
            outer = Some(new);
        }
        if let Some(visit) = outer {
            resource.place.visit = visit;
        }
    }
    (copy, top)
}
