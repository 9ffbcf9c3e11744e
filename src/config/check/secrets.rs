//! The parts of the object that Secrets are made from: what they hold, where they are written, who can read them.

use std::collections::BTreeSet;

use super::Checker;
use crate::config::names::{is_subdomain, is_variable, secret_name};
use crate::config::output::OutputTemplate;
use crate::config::{CredentialSource, Located, PullSecret, Recipients, Target, stored};
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
            if !outputs.insert(output.as_str().to_owned()) {
                let start = target.output.as_ref().map_or(target.span.start, |output| output.span.start);
                let hint = "give each target an `output` of its own";
                self.error_at(start, "two targets write the same files".to_owned(), Some(hint.to_owned()));
            }
            checked.push(Target {
                paths: self.paths(&target.paths),
                output,
                format: target.format,
                position: Some(self.position(&target)),
                recipients: self.recipients(target.value),
            });
        }
        checked
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
