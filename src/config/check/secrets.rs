//! The parts of the object that Secrets are made from: what they hold, where they are written, who can read them.

use std::collections::BTreeSet;

use super::Checker;
use crate::config::globs::Pattern;
use crate::config::located::Located;
use crate::config::model::{CredentialSource, PullSecret, Recipients, Target};
use crate::config::names::{is_variable, secret_name};
use crate::config::output::OutputTemplate;
use crate::config::stored;
use crate::objects::names::is_subdomain;
use kubelet_keyring::pattern::RegistryKey;
use lossless_yaml::de::Spanned;
use lossless_yaml::nearest::quoted;
use sops_age::recipients::{Recipient, RecipientError};

impl Checker<'_> {
    pub(super) fn secrets(&mut self, secrets: Vec<stored::Secret>) -> Vec<PullSecret> {
        let mut names = BTreeSet::new();
        let mut checked = Vec::new();
        for secret in secrets {
            if !is_subdomain(&secret.name) {
                let meant = secret_name(&secret.name).map(|name| format!("did you mean `{name}`?"));
                let hint = meant.unwrap_or_else(|| "lower-case letters, digits, `-` and `.`".to_owned());
                self.error(&secret.name, format!("no Secret can be called {}", quoted(&secret.name)), hint);
            } else if !names.insert(secret.name.value.clone()) {
                let message = format!("secret {} is configured twice", quoted(&secret.name));
                self.error(&secret.name, message, "merge their `registries`, or rename one");
            }
            checked.push(self.secret(secret));
        }
        checked
    }

    fn secret(&mut self, secret: stored::Secret) -> PullSecret {
        let registries = secret.registries.as_ref().map_or(&[][..], |registries| &registries.value);
        if let Some(empty) = secret.registries.as_ref().filter(|registries| registries.is_empty()) {
            self.error(empty, "`registries` is empty", "leave it out for every image, or name a registry");
        }
        if let (None, Some(alias)) = (&secret.registries, secret.aliases.first()) {
            self.error(
                alias,
                "`aliases` without `registries`",
                "a secret for every image has no need of aliases",
            );
        }
        let texts = |keys: &[Spanned<String>]| keys.iter().map(|key| key.value.clone()).collect();
        PullSecret {
            keys: registries.iter().chain(&secret.aliases).filter_map(|key| self.registry(key)).collect(),
            registries: texts(registries),
            aliases: texts(&secret.aliases),
            credentials: secret.credentials.iter().filter_map(|source| self.credential(source)).collect(),
            position: Some(self.position(&secret.name)),
            name: secret.name.value,
        }
    }

    pub(super) fn registry(&mut self, key: &Spanned<String>) -> Option<RegistryKey> {
        let hint = "a registry is a host, with port and path where needed: `registry.example.com:5000/team`";
        if key.is_empty() {
            self.error(key, "the registry is empty", hint);
            return None;
        }
        let parsed = RegistryKey::parse(key);
        parsed
            .map_err(|reason| self.error(key, format!("a kubelet ignores this registry: {reason}"), hint))
            .ok()
    }

    fn credential(&mut self, source: &Spanned<stored::Credential>) -> Option<CredentialSource> {
        match &source.value {
            stored::Credential { env: Some(env), docker_config: None, file: None } => {
                for variable in [&env.username, &env.password] {
                    if !is_variable(variable) {
                        let hint = "write the name of the variable; what it holds stays in the environment";
                        self.error(variable, "no environment variable can be called that", hint);
                    }
                }
                let (username, password) = (env.username.value.clone(), env.password.value.clone());
                Some(CredentialSource::Env { username, password })
            }
            stored::Credential { env: None, docker_config: Some(_), file: None } => {
                Some(CredentialSource::DockerConfig)
            }
            stored::Credential { env: None, docker_config: None, file: Some(file) } => {
                Some(CredentialSource::File(self.path(file).value))
            }
            _ => {
                let hint = "write a list item for each of `env`, `dockerConfig` and `file`";
                self.error(source, "a credential comes from exactly one place", hint);
                None
            }
        }
    }

    pub(super) fn targets(
        &mut self,
        targets: Vec<Spanned<stored::Target>>,
        several_secrets: bool,
    ) -> Vec<Target> {
        let mut outputs = BTreeSet::new();
        let mut checked = Vec::new();
        for target in targets {
            let Some(output) = self.output(&target, several_secrets) else { continue };
            self.wildcard(&target, &output);
            if !outputs.insert(output.as_str().to_owned()) {
                let start = target.output.as_ref().map_or(target.span.start, |output| output.span.start);
                let hint = "give each target an `output` of its own";
                self.error_at(start, "two targets write the same files".to_owned(), Some(hint.to_owned()));
            }
            checked.push(Target {
                paths: self.paths(&target.paths),
                cluster: self.cluster(&target),
                wildcard: None,
                output,
                format: target.format,
                position: Some(self.position(&target)),
                recipients: self.recipients(target.value),
            });
        }
        checked
    }

    /// `{1}` needs a wildcard in every pattern, and clusters that are told apart by it need files of their own.
    fn wildcard(&mut self, target: &stored::Target, output: &OutputTemplate) {
        let said = |text: &Option<Spanned<String>>| {
            text.as_ref().filter(|text| text.contains("{1}")).map(|text| text.span.start)
        };
        let (file, cluster) = (said(&target.recipients_file), said(&target.cluster));
        let Some(place) = said(&target.output).or(file).or(cluster) else { return };
        let without =
            |text: &&Spanned<String>| Pattern::of_path(text).is_ok_and(|pattern| pattern.wildcards() == 0);
        if target.paths.is_empty() {
            let hint = "write `paths: [\"clusters/*/**\"]`; `{1}` is what the first `*` stands for";
            self.error_at(
                place,
                "`{1}` has no wildcard to stand for: there are no `paths`".to_owned(),
                Some(hint.to_owned()),
            );
        } else if let Some(pattern) = target.paths.iter().find(without) {
            let message = format!("`{{1}}` has no wildcard to stand for in {}", quoted(pattern));
            let hint = "each pattern needs one, as `clusters/*/**`";
            self.error_at(pattern.span.start, message, Some(hint.to_owned()));
        } else if let Some(pattern) = target.paths.iter().find(|text| crosses_folders(text)) {
            let message = format!("the first wildcard of {} may stand for several folders", quoted(pattern));
            self.error_at(pattern.span.start, message, Some("let the first one be `*`".to_owned()));
        } else if !output.varies() {
            let message = "clusters are told apart by `{1}`, but their Secrets would share files";
            self.error_at(place, message.to_owned(), Some("put `{1}` into `output` too".to_owned()));
        }
    }

    /// The name of the cluster: what is configured, else the last folder that the first pattern names.
    fn cluster(&mut self, target: &stored::Target) -> Option<String> {
        if let Some(name) = &target.cluster {
            if name.is_empty() || name.chars().any(char::is_control) {
                self.error(
                    name,
                    "the cluster has no name that can be shown",
                    "leave `cluster` out, or give it a name",
                );
            }
            return Some(name.value.clone());
        }
        let pattern = target.paths.first()?;
        let mut fixed: Vec<&str> =
            pattern.split('/').take_while(|step| !step.contains(['*', '?', '[', '{'])).collect();
        if fixed.len() == pattern.split('/').count() && fixed.last().is_some_and(|last| last.contains('.')) {
            fixed.pop();
        }
        fixed.last().map(|last| (*last).to_owned())
    }

    fn output(&mut self, target: &stored::Target, several_secrets: bool) -> Option<OutputTemplate> {
        let Some(output) = &target.output else { return Some(OutputTemplate::default_for(target.format)) };
        let parsed = OutputTemplate::parse(output, target.format, several_secrets);
        parsed.map_err(|error| self.error(output, error.to_string(), error.hint())).ok()
    }

    fn recipients(&mut self, target: stored::Target) -> Recipients {
        match (target.recipients, target.recipients_file) {
            (None, None) => Recipients::CreationRule,
            (None, Some(file)) => Recipients::File(self.path(&file)),
            (Some(listed), file) => {
                if let Some(file) = file {
                    self.error(&file, "both `recipients` and `recipientsFile`", "keep one of them");
                }
                if listed.is_empty() {
                    self.error(
                        &listed,
                        "`recipients` is empty",
                        "leave it out to take those of `.sops.yaml`",
                    );
                }
                Recipients::Listed(listed.value.iter().filter_map(|text| self.recipient(text)).collect())
            }
        }
    }

    fn recipient(&mut self, text: &Spanned<String>) -> Option<Located<Recipient>> {
        let error = match Recipient::parse(text) {
            Ok(value) => return Some(Located { value, position: self.position(text) }),
            Err(error) => error,
        };
        let hint = match &error {
            RecipientError::PrivateKey => "make a new key pair: whoever reads this file knows this one",
            _ if text.contains(',') => "write each recipient as an item of its own",
            _ => "write a public key: `age1…`, `ssh-ed25519 …` or `ssh-rsa …`",
        };
        self.error(text, error.to_string(), hint);
        None
    }
}

/// Whether the first wildcard of a pattern can stand for more than one folder.
fn crosses_folders(pattern: &str) -> bool {
    let first = pattern.find(['*', '?', '[', '{']);
    first.is_some_and(|at| pattern[at..].starts_with("**"))
}
