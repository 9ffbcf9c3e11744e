//! One file to facts: which documents matter, what objects they hold, what is passed over and why.
//!
//! Most documents are dismissed by their head alone; the others are parsed, turned into [`Object`]s and dropped.
//! Nothing is decided here that depends on another file.

mod declared;
mod images;
mod relevance;
mod template;
mod ways;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::adders::{Adder, adders};
use super::called::Called;
use super::comments::{self, Ignore};
use super::marks::Marks;
use super::object::{Object, PodSpec, PullSecret, group, texts, version};
use super::remark::{self, Remark};
use super::secret::{self, OwnedSecret};
use super::shipped::{Holds, Shipped, brings_secrets, shipped};
use super::site::{Site, What};
use super::unreadable::{self, Unreadable};
use super::workload::{Kinds, Spot, does_the_work, missing, templates, walk};
use lossless_yaml::elder;
use lossless_yaml::insert::{KeyPlace, Slot};
use lossless_yaml::layout;
use lossless_yaml::parse::{Document, Node, check, find_first, parse};
use lossless_yaml::path::Path;
use lossless_yaml::refusal::Refusal;
use lossless_yaml::span::{LineIndex, Position};
use lossless_yaml::split::{Slice, split};
use ways::{duplicate_above, path_of, users, what_runs};

/// What one file tells.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// Objects with places for pull secrets, in document order.
    pub objects: Vec<Object>,
    /// Secrets with our label, encrypted ones among them.
    pub secrets: Vec<OwnedSecret>,
    /// Secrets that the file brings into the cluster.
    pub shipped: Vec<Shipped>,
    /// Controllers that it tells to add pull secrets.
    pub adders: Vec<Adder>,
    /// Namespaces that the file declares.
    pub namespaces: Vec<Object>,
    /// What is to say of registry credentials in the file.
    pub remarks: Vec<Located>,
    /// Findings that comments want ignored.
    pub ignores: Vec<Ignore>,
    /// What ConfigMaps and Secrets may be called, if there are any.
    pub settings: Option<Called>,
    /// Documents with content.
    pub documents: usize,
    /// What was passed over although it might have mattered.
    pub skips: Vec<Skip>,
    /// Documents that hold an object of interest but are no YAML.
    pub errors: Vec<Unreadable>,
}

/// A remark, its place and its object.
#[derive(Clone, Debug)]
pub struct Located {
    /// The remark.
    pub what: remark::What,
    /// Where the value stands.
    pub position: Position,
    /// `apiVersion`, `kind`, `metadata.name` and `metadata.namespace` of the object, as far as it has them.
    pub object: [Option<String>; 4],
}

/// A document or object that is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Where it starts.
    pub position: Position,
    /// Why.
    pub reason: SkipReason,
    /// What it is about, for people.
    pub detail: String,
}

/// Why something is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// A template of Helm, Jinja or the like: no manifest yet.
    Template,
    /// A patch or fragment: a workload kind without what makes it one.
    Fragment,
    /// Encrypted by SOPS: an edit would break its MAC.
    Encrypted,
    /// Runs containers, but the catalog does not know the kind.
    UnknownKind,
    /// Over the size limit.
    TooLarge,
    /// Opted out by annotation or comment.
    OptOut,
}

/// The annotation that keeps an object out.
const OPT_OUT: &str = "pullcred.dev/inject";

/// Reads the facts of a file that has these marks.
pub fn read(text: &str, marks: Marks, kinds: &Kinds) -> FileFacts {
    let mut reader = Reader {
        text,
        kinds,
        marks,
        lines: OnceCell::new(),
        dashes: OnceCell::new(),
        facts: FileFacts::default(),
        dismissed: Vec::new(),
        unreadable: false,
    };
    let slices = split(text);
    reader.facts.documents = slices.len();
    reader.facts.settings = marks.settings.then(|| Called::of(text));
    for slice in &slices {
        let source = slice.span.of(text);
        if relevance::is_relevant(source, kinds) {
            reader.slice(*slice, &slices);
        } else {
            reader.dismissed.push(*slice);
            if marks.credentials && Marks::of(source).credentials {
                for document in parse(text, slice.span).unwrap_or_default() {
                    reader.facts.remarks.extend(reader.in_clear(&document, &[]));
                }
            }
        }
    }
    reader.settle();
    reader.facts.objects.shrink_to_fit();
    reader.facts
}

struct Reader<'t, 'k> {
    text: &'t str,
    kinds: &'k Kinds,
    marks: Marks,
    lines: OnceCell<LineIndex<'t>>,
    dashes: OnceCell<usize>,
    facts: FileFacts,
    /// Documents that were not parsed.
    dismissed: Vec<Slice>,
    /// Whether one that was parsed is no YAML.
    unreadable: bool,
}

impl<'t> Reader<'t, '_> {
    fn position(&self, offset: usize) -> Position {
        self.lines.get_or_init(|| LineIndex::new(self.text)).position(offset)
    }

    /// What concerns the file as a whole: it is handled whole or not at all.
    fn settle(&mut self) {
        if self.marks.comments {
            self.facts.ignores = comments::ignores(self.text);
        }
        let facts = &self.facts;
        let objects = facts.objects.iter().map(|object| object.position);
        let first = objects.chain(facts.errors.iter().map(|error| error.position)).min();
        let skip =
            |reason, detail: &str| first.map(|position| Skip { position, reason, detail: detail.to_owned() });
        let is_heard = self.marks.comments && (first.is_some() || !facts.remarks.is_empty());
        if is_heard && comments::skips_file(self.text) {
            self.facts.skips =
                skip(SkipReason::OptOut, "comment `# pullcred: skip-file`").into_iter().collect();
            self.facts.errors.clear();
            self.facts.objects.clear();
            self.facts.remarks.clear();
        } else if !facts.errors.is_empty() {
            // What could not be read may belong to what could.
            self.facts.objects.clear();
        } else if first.is_some() && template::is_likely(self.text) && !self.is_readable() {
            self.facts.skips.extend(skip(SkipReason::Template, "template syntax"));
            self.facts.objects.clear();
        } else if let (Some(first), Some(at)) = (first, unreadable::lone_carriage_return(self.text)) {
            // YAML takes it for a line break, editors and Git do not: nobody agrees on what a line is.
            let position = first.min(self.position(at));
            let reason = "a carriage return stands alone, without a line feed".to_owned();
            self.facts.errors.push(Unreadable { position, reason, hint: None });
            self.facts.objects.clear();
        } else if let (Some(first), Some(at)) = (first, elder::line_break(self.text)) {
            let position = first.max(self.position(at));
            let reason =
                "a line break of YAML 1.1 (U+0085, U+2028 or U+2029), which not all readers take for one"
                    .to_owned();
            self.facts.errors.push(Unreadable { position, reason, hint: None });
            self.facts.objects.clear();
        }
        self.facts.skips.dedup_by(|b, a| a.reason == SkipReason::Template && b.reason == a.reason);
        let is_template = self.facts.skips.iter().any(|skip| skip.reason == SkipReason::Template);
        if is_template && self.marks.credentials && self.facts.remarks.is_empty() {
            let clear = remark::in_text(self.text).map(|found| (found.what, self.position(found.offset)));
            let located = |(what, position)| Located { what, position, object: Default::default() };
            self.facts.remarks.extend(clear.map(located));
        }
    }

    /// Whether the file is YAML in spite of what looks like template syntax.
    fn is_readable(&self) -> bool {
        let mut doubtful =
            self.dismissed.iter().filter(|slice| template::is_doubtful(slice.span.of(self.text)));
        !self.unreadable && doubtful.all(|slice| check(self.text, slice.span).is_ok())
    }

    fn slice(&mut self, slice: Slice, slices: &[Slice]) {
        let source = slice.span.of(self.text);
        let documents = match parse(self.text, slice.span) {
            Ok(documents) => documents,
            Err(error) => {
                self.unreadable = true;
                let (offset, reason, hint) = unreadable::explain(source, slice.span.start, error);
                let position = self.position(offset);
                if hint.is_none() && template::is_likely(self.text) {
                    let detail = "template syntax".to_owned();
                    self.facts.skips.push(Skip { position, reason: SkipReason::Template, detail });
                } else if hint.is_some() || relevance::looks_like_object(source, self.kinds) {
                    self.facts.errors.push(Unreadable { position, reason, hint });
                }
                return;
            }
        };
        if documents.len() > 1 {
            self.facts.documents += documents.len() - 1;
        }
        for (nth, document) in documents.iter().enumerate() {
            if let Some(root) = document.root() {
                let before = self.facts.remarks.len();
                let number = slice.document + nth;
                self.document(root, &Around { document: number, slices, dashes: OnceCell::new() });
                if self.marks.credentials {
                    let known: Vec<Position> =
                        self.facts.remarks[before..].iter().map(|remark| remark.position).collect();
                    let more = self.in_clear(document, &known);
                    self.facts.remarks.extend(more);
                }
            }
        }
    }

    /// Objects of a document: its root, the items of a List, objects that a custom resource embeds.
    fn document(&mut self, root: Node<'_, 't>, around: &Around<'_>) {
        let mut waiting = vec![Candidate::new(root, Path::default())];
        // Aliases could lead to the same item again and again; no real file comes near.
        let mut budget = 1_000_000usize;
        while let Some(candidate) = waiting.pop() {
            budget = budget.saturating_sub(1);
            let Some((api_version, kind)) = candidate.type_of().filter(|_| budget > 0) else { continue };
            let node = candidate.node;
            if let Some(item_kind) = kind.strip_suffix("List")
                && let Some(items) = node.get("items").filter(|items| items.is_sequence())
            {
                let inherited = (!item_kind.is_empty()).then_some((api_version, item_kind));
                let path = candidate.path.key("items");
                let items: Vec<_> = items.items().enumerate().collect();
                waiting.extend(items.into_iter().rev().map(|(nth, item)| Candidate {
                    inherited,
                    ..Candidate::new(item.resolved(), path.index(nth))
                }));
                continue;
            }
            if declared::is_namespace(api_version, kind) {
                let position = self.position(node.span().start);
                let place = (around.document, candidate.path.clone(), position);
                self.facts.namespaces.extend(declared::namespace(node, place));
            }
            if brings_secrets(api_version, kind) {
                self.secret(&candidate, api_version, kind, around.document);
                self.adders(&candidate, api_version, kind, around.document);
            }
            let sites: Vec<Site> = self.kinds.sites(group(api_version), kind, version(api_version)).collect();
            let embedded = sites.iter().filter(|site| site.what == What::EmbeddedObject);
            let inner: Vec<_> = embedded.flat_map(|site| walk(node, &candidate.path, &site.path)).collect();
            let candidate =
                Candidate { embedded: inner.iter().map(|(_, node)| *node).collect(), ..candidate };
            waiting.extend(inner.into_iter().rev().map(|(path, node)| Candidate::new(node, path)));
            let known = self.kinds.knows(group(api_version), kind);
            self.object(&candidate, api_version, kind, known.then_some(&sites[..]), around);
        }
    }

    /// The Secrets that an object brings, and what is to say of one.
    fn secret(&mut self, candidate: &Candidate<'_, 't>, api_version: &str, kind: &str, document: usize) {
        let node = candidate.node;
        let (holds, remarks) = match kind {
            "Secret" => remark::secret(node),
            _ => (Holds::Unknown, Vec::new()),
        };
        let position = self.position(node.span().start);
        let place = (document, &candidate.path, position);
        self.facts.shipped.extend(shipped(node, api_version, kind, holds, place));
        let remarks: Vec<Located> = remarks.into_iter().map(|remark| self.located(remark, node)).collect();
        self.facts.remarks.extend(remarks);
    }

    /// What an object tells a controller to add.
    fn adders(&mut self, candidate: &Candidate<'_, 't>, api_version: &str, kind: &str, document: usize) {
        let node = candidate.node;
        let meta = |key: &str| node.path(&["metadata", key]).and_then(Node::as_str);
        let place = (document, candidate.path.clone(), self.position(node.span().start));
        let mut object = Object::bare(api_version, kind, meta("name").unwrap_or_default(), place);
        object.namespace = meta("namespace").map(str::to_owned);
        self.facts.adders.extend(adders(node, &object));
    }

    /// Credentials in clear anywhere in a document but at the `known` places.
    fn in_clear(&self, document: &Document<'t>, known: &[Position]) -> Vec<Located> {
        let Some(root) = document.root() else { return Vec::new() };
        let remarks = remark::in_clear(root).into_iter().map(|remark| self.located(remark, root));
        remarks.filter(|located| !known.contains(&located.position)).collect()
    }

    fn located(&self, remark: Remark, object: Node<'_, 't>) -> Located {
        let paths: [&[&str]; 4] =
            [&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];
        let text = |path| object.path(path).and_then(Node::as_str).map(str::to_owned);
        Located { what: remark.what, position: self.position(remark.offset), object: paths.map(text) }
    }

    fn object(
        &mut self,
        candidate: &Candidate<'_, 't>,
        api_version: &str,
        kind: &str,
        sites: Option<&[Site]>,
        around: &Around<'_>,
    ) {
        let node = candidate.node;
        let position = self.position(node.span().start);
        if api_version == "v1" && kind == "Secret" && candidate.path == Path::default() {
            self.facts.secrets.extend(secret::owned(node, position));
        }
        let metadata = node.get("metadata");
        let meta = |key: &str| metadata.and_then(|metadata| metadata.str_at(key));
        let name = meta("name").unwrap_or_default();
        let mut skip = |reason, detail: String| {
            self.facts.skips.push(Skip { position, reason, detail });
        };
        let Some(sites) = sites else {
            if let Some(what) = what_runs(node).filter(|_| !relevance::is_told_elsewhere(api_version, kind)) {
                skip(
                    SkipReason::UnknownKind,
                    format!("`{kind}` `{name}` {what}, but no catalog has `{api_version}` `{kind}`"),
                );
            }
            return;
        };
        if node.path(&["sops", "mac"]).is_some() {
            return skip(SkipReason::Encrypted, format!("`{kind}` `{name}` is encrypted by SOPS"));
        }
        let built_in =
            super::catalog::lookup(group(api_version), kind).is_some_and(|kind| kind.is_built_in());
        let mut pod_specs = self.pod_specs(candidate, sites, built_in, around);
        if pod_specs.is_empty() {
            return;
        }
        let mut skip = |reason, detail: String| {
            self.facts.skips.push(Skip { position, reason, detail });
        };
        if template::is_tree(node) || name.contains("{{") {
            return skip(SkipReason::Template, format!("`{kind}` `{name}` has template syntax"));
        }
        let generate_name = meta("generateName").map(str::to_owned);
        if built_in && name.is_empty() && generate_name.is_none() {
            return skip(SkipReason::Fragment, format!("`{kind}` without a name is a patch or a fragment"));
        }
        let is_fragment = relevance::needs_selector(api_version)
            && node.path(&["spec", "selector"]).is_none()
            && is_workload(&pod_specs);
        if metadata.and_then(|m| m.path(&["annotations", OPT_OUT])).and_then(Node::as_str) == Some("false") {
            return skip(
                SkipReason::OptOut,
                format!("`{kind}` `{name}` is annotated `{OPT_OUT}: \"false\"`"),
            );
        }
        let pairs =
            |key: &str| metadata.and_then(|metadata| metadata.get(key)).map(texts).unwrap_or_default();
        // Facts stay for the whole run, and most lists have one element.
        pod_specs.shrink_to_fit();
        let object = Object {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            generate_name,
            namespace: meta("namespace").map(str::to_owned),
            namespace_line: metadata
                .and_then(|metadata| metadata.get("namespace"))
                .map_or(position, |node| self.position(node.span().start))
                .line,
            labels: pairs("labels"),
            annotations: pairs("annotations"),
            document: around.document,
            path: candidate.path.clone(),
            position,
            pod_specs,
            is_fragment,
        };
        self.facts.objects.push(object);
    }

    /// The places of an object.
    fn pod_specs(
        &self,
        candidate: &Candidate<'_, 't>,
        sites: &[Site],
        built_in: bool,
        around: &Around<'_>,
    ) -> Vec<PodSpec> {
        let node = candidate.node;
        let mut pod_specs = Vec::new();
        let mut known = BTreeSet::new();
        for site in sites {
            let Some((key, _)) = site.field() else { continue };
            let mapping = site.mapping();
            let there = walk(node, &candidate.path, &mapping).into_iter();
            let there =
                there.map(|(path, mapping)| Spot { path, mapping, around: Vec::new(), is_laid_over: false });
            for spot in there.chain(missing(node, &candidate.path, &mapping)) {
                let pod_spec = self.pod_spec(candidate, site, spot, built_in, around);
                // The catalog may name one field twice.
                pod_specs.extend(pod_spec.filter(|pod_spec| known.insert((pod_spec.path.clone(), key))));
            }
        }
        if !built_in {
            self.made_templates(candidate, sites, around, &mut pod_specs);
        }
        if pod_specs.is_empty() && !built_in {
            pod_specs.extend(images::without_room(
                (node, &candidate.embedded),
                &candidate.path,
                sites,
                &|at| self.position(at),
            ));
        }
        pod_specs
    }

    /// Adds the places of templates that are missing and may be made, but for those that another place does the work of: a field
    /// beside or above them, or a template further out.
    fn made_templates(
        &self,
        candidate: &Candidate<'_, 't>,
        sites: &[Site],
        around: &Around<'_>,
        pod_specs: &mut Vec<PodSpec>,
    ) {
        let mut sites: Vec<&Site> = sites.iter().collect();
        sites.sort_by_key(|site| site.path.steps().count());
        for site in sites {
            let mapping = site.mapping();
            for (parent, spot) in templates(candidate.node, &candidate.path, &mapping, site.is_open) {
                if !pod_specs.iter().any(|known| does_the_work(&known.path, &parent)) {
                    pod_specs.extend(self.pod_spec(candidate, site, spot, false, around));
                }
            }
        }
    }

    /// The facts of one place; none where nothing is pulled, which is no place.
    fn pod_spec(
        &self,
        candidate: &Candidate<'_, 't>,
        site: &Site,
        spot: Spot<'_, 't, '_>,
        built_in: bool,
        around: &Around<'_>,
    ) -> Option<PodSpec> {
        let object = candidate.node;
        let (key, shape) = site.field()?;
        let Spot { path, mapping, around: made, is_laid_over } = spot;
        if !mapping.is_mapping() {
            return None;
        }
        let service_account = built_in && site.what != What::PodSpec;
        let mut containers = images::containers(mapping, &|at| self.position(at));
        if !built_in {
            // A field of its own serves the nearest images around it; what only changes what a controller makes those that stand right
            // beside it or above.
            let is_beside = site.what == What::PodSpec || is_laid_over;
            let mut next = Some(mapping);
            while let Some(scope) = next {
                let is_deep = scope == mapping || !is_beside;
                let around = (scope, &candidate.embedded[..]);
                images::other_images(around, is_deep, &mut containers, &|at| self.position(at));
                let climb = containers.is_empty() && scope != object;
                next = if climb { scope.parent() } else { None };
            }
        }
        if containers.is_empty() && !service_account {
            return None;
        }
        let form = shape.form()?;
        let place = if service_account { KeyPlace::Last } else { KeyPlace::First };
        let (present, slot) = match duplicate_above(object, mapping) {
            Some(key) => (Vec::new(), Err(Refusal::DuplicateKey(key))),
            None if !made.is_empty() => (
                Vec::new(),
                Slot::make(
                    mapping,
                    &made,
                    key,
                    form,
                    if is_laid_over { KeyPlace::Last } else { KeyPlace::First },
                    self.dashes(mapping.document(), around),
                ),
            ),
            None => Slot::find(mapping, key, form, place, self.dashes(mapping.document(), around)),
        };
        let pull_secrets = present
            .into_iter()
            .map(|present| PullSecret { position: self.position(present.offset), name: present.name });
        let users = users(mapping.get_own(key).map_or(mapping, Node::resolved));
        let account = |node: Node<'_, 't>| {
            node.str_at("serviceAccountName").or_else(|| node.str_at("serviceAccount")).map(str::to_owned)
        };
        // Custom kinds may name it beside the settings of their pods, as Tekton does.
        let beside = || mapping.parent().filter(|_| !built_in).and_then(account);
        // Only aliases can lead to a place by another way than the one it is written at.
        let written_at = if users > 1 { path_of(mapping) } else { path.clone() };
        Some(PodSpec {
            path: made.iter().fold(path, |path, key| path.key(key)),
            position: self.position(mapping.span().start),
            containers,
            service_account: account(mapping).or_else(beside),
            pull_secrets: pull_secrets.collect(),
            slot,
            written_at,
            users,
            within: None,
            chart: None,
        })
    }

    /// The distance of dashes in the first block sequence of the document, else of the file.
    fn dashes(&self, document: &Document<'_>, around: &Around<'_>) -> usize {
        let of_file = || {
            let slices = around.slices.iter();
            let mut found =
                slices.filter_map(|slice| find_first(self.text, slice.span, layout::dash_distance_of));
            found.next().unwrap_or(2)
        };
        *around.dashes.get_or_init(|| {
            layout::first_dash_distance(document).unwrap_or_else(|| *self.dashes.get_or_init(of_file))
        })
    }
}

/// What surrounds an object.
struct Around<'s> {
    /// Number of its document.
    document: usize,
    /// Documents of its file.
    slices: &'s [Slice],
    /// The distance of dashes in its document, once it is asked for.
    dashes: OnceCell<usize>,
}

#[derive(Clone)]
struct Candidate<'d, 't> {
    node: Node<'d, 't>,
    path: Path,
    /// `apiVersion` and `kind` of items that a typed List leaves out.
    inherited: Option<(&'d str, &'d str)>,
    /// The objects within it, which have places of their own.
    embedded: Vec<Node<'d, 't>>,
}

impl<'d, 't> Candidate<'d, 't> {
    fn new(node: Node<'d, 't>, path: Path) -> Self {
        Self { node, path, inherited: None, embedded: Vec::new() }
    }

    fn type_of(&self) -> Option<(&'d str, &'d str)> {
        let written = self.node.str_at("apiVersion").zip(self.node.str_at("kind"));
        written.or(self.inherited.filter(|_| self.node.is_mapping()))
    }
}

fn is_workload(pod_specs: &[PodSpec]) -> bool {
    pod_specs.iter().any(|pod_spec| !pod_spec.containers.is_empty())
}
