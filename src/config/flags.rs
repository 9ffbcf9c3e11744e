//! A configuration from the command line alone: `--secret NAME=REGISTRY[,REGISTRY]` and `--secret NAME`.

use std::fmt;

use super::model::{Config, PullSecret};
use super::names::secret_name;
use crate::objects::names::is_subdomain;
use kubelet_keyring::pattern::{KeyError, RegistryKey};
use lossless_yaml::nearest::quoted;

/// Something wrong with one `--secret`. Only the name of the Secret is ever quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagError {
    name: String,
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Name,
    NoRegistry,
    Registry(KeyError),
}

impl Config {
    /// The configuration that `--secret` flags make. The same name in several flags is one secret for all of their
    /// registries, and for every image when one of them names no registry.
    ///
    /// # Errors
    /// The first flag that is wrong.
    pub fn from_flags<S: AsRef<str>>(flags: &[S]) -> Result<Self, FlagError> {
        let mut config = Self::default();
        for flag in flags {
            let (name, registries) = match flag.as_ref().split_once('=') {
                Some((name, registries)) => (name, Some(registries)),
                None => (flag.as_ref(), None),
            };
            let fail = |problem| FlagError { name: name.to_owned(), problem };
            if !is_subdomain(name) {
                return Err(fail(Problem::Name));
            }
            let mut texts = Vec::new();
            let mut keys = Vec::new();
            for registry in registries.iter().flat_map(|registries| registries.split(',')).map(str::trim) {
                if registry.is_empty() {
                    return Err(fail(Problem::NoRegistry));
                }
                keys.push(RegistryKey::parse(registry).map_err(|reason| fail(Problem::Registry(reason)))?);
                texts.push(registry.to_owned());
            }
            match config.secrets.iter_mut().find(|secret| secret.name == name) {
                Some(secret) if secret.is_for_every_image() || keys.is_empty() => {
                    secret.registries.clear();
                    secret.keys.clear();
                }
                Some(secret) => {
                    secret.registries.extend(texts);
                    secret.keys.extend(keys);
                }
                None => config.secrets.push(PullSecret {
                    name: name.to_owned(),
                    registries: texts,
                    aliases: Vec::new(),
                    keys,
                    credentials: Vec::new(),
                    position: None,
                }),
            }
        }
        Ok(config)
    }
}

impl FlagError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let usage = "write `--secret NAME=REGISTRY[,REGISTRY]`, or `--secret NAME` for every image";
        match (&self.problem, secret_name(&self.name)) {
            (Problem::Name, Some(name)) => format!("did you mean `{name}`?"),
            _ => usage.to_owned(),
        }
    }
}

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = quoted(&self.name);
        match &self.problem {
            Problem::Name if self.name.is_empty() => f.write_str("`--secret` without the name of a Secret"),
            Problem::Name => write!(f, "`--secret`: no Secret can be called {name}"),
            Problem::NoRegistry => write!(f, "`--secret` {name}: a registry is empty"),
            Problem::Registry(reason) => {
                write!(f, "`--secret` {name}: a kubelet ignores the registry: {reason}")
            }
        }
    }
}

impl std::error::Error for FlagError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(flags: &[&str]) -> Vec<(String, Vec<String>)> {
        let config = Config::from_flags(flags).unwrap();
        assert!(config.secrets.iter().all(|secret| secret.keys.len() == secret.registries.len()));
        config.secrets.into_iter().map(|secret| (secret.name, secret.registries)).collect()
    }

    fn error(flag: &str) -> String {
        let error = Config::from_flags(&[flag]).unwrap_err();
        format!("{error} / {}", error.hint())
    }

    #[test]
    fn flags_become_secrets_in_their_order() {
        let found = secrets(&["b=r.io,*.example.com:5000/team", "a", "b=x.io"]);
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let expected = [
            ("b".to_owned(), texts(&["r.io", "*.example.com:5000/team", "x.io"])),
            ("a".to_owned(), texts(&[])),
        ];
        assert_eq!(found, expected);
        assert!(secrets(&[]).is_empty());
    }

    #[test]
    fn every_image_includes_each_registry() {
        for flags in [["a", "a=r.io"], ["a=r.io", "a"]] {
            assert_eq!(secrets(&flags), [("a".to_owned(), Vec::new())]);
        }
    }

    #[test]
    fn what_is_wrong_is_said_of_the_flag() {
        let usage = "write `--secret NAME=REGISTRY[,REGISTRY]`, or `--secret NAME` for every image";
        assert_eq!(error("=r.io"), format!("`--secret` without the name of a Secret / {usage}"));
        assert_eq!(
            error("Acr_Secret=r.io"),
            "`--secret`: no Secret can be called `Acr_Secret` / did you mean `acr-secret`?"
        );
        assert_eq!(error("acr=r.io,,"), format!("`--secret` `acr`: a registry is empty / {usage}"));
        assert_eq!(error("acr="), format!("`--secret` `acr`: a registry is empty / {usage}"));
        assert_eq!(
            error("acr=r.io:port"),
            format!("`--secret` `acr`: a kubelet ignores the registry: the port is not a number / {usage}")
        );
    }
}
