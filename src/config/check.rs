//! What the types of the object do not tell: names, patterns, and what goes together.
//!
//! Messages quote names, patterns and words of fixed lists; never a registry, a private key or anything below
//! `credentials`, where somebody may have put what belongs elsewhere.

mod secrets;

use super::enumerations::{purpose_names, shape_names, suspect_names};
use super::globs::{Globs, Pattern, PatternError};
use super::located::Located;
use super::model::{Config, CustomResource, FindingRule, Inject, InjectInto, Paths};
use super::names::objection_to_path;
use super::namespaces::{NAMESPACE_HINT, NamespaceError, NamespaceTemplate, Namespaces, Rule};
use super::stored;
use crate::objects::field_path::FieldPath;
use crate::objects::names::{is_label, is_subdomain};
use crate::objects::site::{Purpose, Shape, Site, Suspect};
use lossless_yaml::de::Spanned;
use lossless_yaml::nearest::{listed, nearest, quoted};
use lossless_yaml::span::{LineIndex, Position};

/// Something wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it is.
    pub position: Position,
    /// What it is: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Turns parts of the object into parts of a [`Config`] and keeps what is wrong with them. What it returns for a part
/// with errors only serves to go on.
pub(super) struct Checker<'t> {
    lines: LineIndex<'t>,
    errors: Vec<ConfigError>,
}

impl<'t> Checker<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { lines: LineIndex::new(text), errors: Vec::new() }
    }

    /// The errors so far, if any, in the order of the file.
    pub(super) fn verdict(&mut self) -> Result<(), Vec<ConfigError>> {
        self.errors.sort_by_key(|error| error.position);
        if self.errors.is_empty() { Ok(()) } else { Err(std::mem::take(&mut self.errors)) }
    }

    pub(super) fn error_at(&mut self, offset: usize, message: String, hint: Option<String>) {
        self.errors.push(ConfigError { position: self.lines.position(offset), message, hint });
    }

    pub(super) fn object(&mut self, object: stored::Object, codes: &[&str]) -> Config {
        let spec = object.spec;
        let several_secrets = spec.secrets.len() > 1;
        let mut config = Config {
            name: object.metadata.name,
            secrets: self.secrets(spec.secrets),
            node_identity: spec.node_identity.iter().filter_map(|key| self.registry(key)).collect(),
            inject: self.inject(spec.inject),
            namespaces: self.namespaces(spec.namespaces),
            paths: Paths {
                include: self.paths(&spec.paths.include),
                exclude: self.paths(&spec.paths.exclude),
                delivered_only: spec.paths.delivered_only,
            },
            charts: spec.charts.iter().map(|folder| self.path(folder).value).collect(),
            findings: self.findings(spec.findings, codes),
            ..Config::default()
        };
        if !spec.targets.is_empty() {
            config.targets = self.targets(spec.targets, several_secrets);
        }
        config
    }

    fn inject(&mut self, inject: stored::Inject) -> Inject {
        let default_service_account =
            inject.default_service_account.as_ref().is_some_and(|wanted| wanted.value);
        if let (Some(wanted), true, InjectInto::Pods) =
            (&inject.default_service_account, default_service_account, inject.into)
        {
            let message = "`defaultServiceAccount` has no effect with `into: pods`";
            self.error(wanted, message, "set `into: serviceAccounts` or `into: both`");
        }
        Inject {
            into: inject.into,
            default_service_account,
            custom_resources: inject
                .custom_resources
                .iter()
                .filter_map(|resource| self.custom_resource(resource))
                .collect(),
            purposes: self.words(&inject.catalog.purposes, &purpose_names(), Purpose::from_name),
            suspects: self.words(&inject.catalog.suspects, &suspect_names(), Suspect::from_name),
        }
    }

    fn custom_resource(&mut self, resource: &stored::CustomResource) -> Option<CustomResource> {
        let (group, kind) = (&resource.group, &resource.kind);
        if !group.is_empty() && !is_subdomain(group) {
            let hint = match group.split_once('/') {
                Some((group, _)) if is_subdomain(group) => format!("write `{group}`, without the version"),
                _ => "write the part of `apiVersion` before the slash; empty for `v1`".to_owned(),
            };
            self.error(group, format!("no API group can be called {}", quoted(group)), hint);
        }
        if !kind.starts_with(|first: char| first.is_ascii_uppercase())
            || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            let message = format!("no kind can be called {}", quoted(kind));
            self.error(kind, message, "write it as in manifests: `Rollout`");
        }
        let shape = self.word(&resource.shape, &shape_names(), Shape::from_name);
        let path = match FieldPath::parse(resource.path.value.clone()) {
            Ok(path) => path,
            Err(reason) => {
                let hint =
                    "names joined by dots, `[]` for each item of a list, `{}` for each value of a mapping";
                self.error(&resource.path, format!("no field path: {reason}"), hint);
                return None;
            }
        };
        let site = Site::custom(path, shape?);
        if site.is_none() {
            let hint = "name the field that holds the pull secrets: `spec.template.spec.imagePullSecrets`";
            self.error(&resource.path, "the path does not end with the name of a field", hint);
        }
        Some(CustomResource { group: group.value.clone(), kind: kind.value.clone(), site: site? })
    }

    fn namespaces(&mut self, stored: stored::Namespaces) -> Namespaces {
        let mut exclude = Vec::new();
        for pattern in &stored.exclude {
            exclude.extend(self.pattern(pattern, Pattern::of_name));
        }
        let exclude = Globs::new(exclude);
        let is_pattern = |name: &&Spanned<String>| name.contains(['*', '?', '[', '{']);
        let (patterns, names): (Vec<_>, Vec<_>) = stored.always.iter().partition(is_pattern);
        let mut always_known = Vec::new();
        for pattern in patterns {
            always_known.extend(self.pattern(pattern, Pattern::of_name));
        }
        for name in names.iter().copied().chain(stored.default.iter().filter(|name| !name.is_empty())) {
            if !is_label(name) {
                self.error(name, format!("no namespace can be called {}", quoted(name)), NAMESPACE_HINT);
            }
        }
        for name in names.iter().copied().filter(|name| exclude.matches(name)) {
            let message = format!("namespace {} is in `exclude` too", quoted(name));
            self.error(name, message, "take it out of one of them");
        }
        Namespaces {
            default: stored.default.filter(|name| !name.is_empty()).map(|name| self.located(&name)),
            always: names.into_iter().map(|name| self.located(name)).collect(),
            always_known: Globs::new(always_known),
            rules: stored.rules.iter().filter_map(|rule| self.namespace_rule(rule)).collect(),
            exclude,
        }
    }

    fn namespace_rule(&mut self, rule: &stored::NamespaceRule) -> Option<Rule> {
        if rule.paths.is_empty() {
            self.error(&rule.paths, "`paths` is empty", "`**` means every file");
        }
        let template = match NamespaceTemplate::parse(&rule.namespace) {
            Ok(template) => template,
            Err(error) => {
                let message = match error {
                    NamespaceError::Name => format!("no namespace can be called {}", quoted(&rule.namespace)),
                    _ => error.to_string(),
                };
                self.error(&rule.namespace, message, error.hint());
                return None;
            }
        };
        let mut paths = Vec::new();
        for text in &rule.paths.value {
            let Some(pattern) = self.pattern(text, Pattern::of_path) else { continue };
            if pattern.wildcards() < template.wildcards() {
                let message = format!("{} has no wildcard for `{{{}}}`", quoted(text), template.wildcards());
                self.error(text, message, "`{1}` is the text of the first wildcard, `{2}` of the second");
            }
            paths.push(pattern);
        }
        let position = self.position(&rule.namespace);
        Some(Rule { paths, namespace: Located { value: template, position } })
    }

    fn findings(&mut self, findings: Vec<stored::Finding>, codes: &[&str]) -> Vec<FindingRule> {
        let mut checked = Vec::new();
        for finding in findings {
            if self.word(&finding.code, codes, |code| codes.contains(&code).then_some(())).is_none() {
                continue;
            }
            if finding.reason.trim().is_empty() {
                self.error(&finding.reason, "the reason is empty", "say why, for the next reader");
            }
            checked.push(FindingRule {
                severity: finding.severity,
                paths: self.paths(&finding.paths),
                position: self.position(&finding.code),
                code: finding.code.value,
                reason: finding.reason.value,
            });
        }
        checked
    }

    fn paths(&mut self, patterns: &[Spanned<String>]) -> Globs {
        Globs::new(patterns.iter().filter_map(|text| self.pattern(text, Pattern::of_path)).collect())
    }

    fn pattern(
        &mut self,
        text: &Spanned<String>,
        parse: fn(&str) -> Result<Pattern, PatternError>,
    ) -> Option<Pattern> {
        parse(text)
            .map_err(|error| {
                self.error_at(text.span.start, error.to_string(), error.hint().map(str::to_owned));
            })
            .ok()
    }

    fn path(&mut self, path: &Spanned<String>) -> Located<String> {
        if let Some(objection) = objection_to_path(path) {
            self.error(path, objection, "write a path below that folder, divided by `/`");
        }
        self.located(path)
    }

    fn words<T>(
        &mut self,
        words: &[Spanned<String>],
        valid: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        words.iter().filter_map(|word| self.word(word, valid, &read)).collect()
    }

    /// One of a list of words.
    fn word<T>(
        &mut self,
        word: &Spanned<String>,
        valid: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = if valid.contains(&word.as_str()) { read(word) } else { None };
        if value.is_none() {
            let hint = match nearest(word, valid.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("valid values: {}", listed(valid.iter().copied())),
            };
            self.error(word, format!("unknown value {}", quoted(word)), hint);
        }
        value
    }

    fn error<T>(&mut self, at: &Spanned<T>, message: impl Into<String>, hint: impl Into<String>) {
        self.error_at(at.span.start, message.into(), Some(hint.into()));
    }

    fn position<T>(&self, at: &Spanned<T>) -> Position {
        self.lines.position(at.span.start)
    }

    fn located<T: Clone>(&self, value: &Spanned<T>) -> Located<T> {
        Located { value: value.value.clone(), position: self.position(value) }
    }
}
