//! The docker and podman configurations of this machine, and the credential helpers that they name.
//!
//! Every place that docker, podman and their friends look in is read once, in the order below; for each registry the first
//! that has a credential answers. Messages name files, keys and programs, never what stands behind them.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::process;
use crate::objects::dockerconfig::read::{DockerConfig, Entry, Found, helper_answer, keys_of, scope_of};
use crate::plan::credentials::{Objection, Offer};
use kubelet_keyring::reference::DOCKER_HUB;

/// No configuration comes near; memory stays bounded.
const MAX_BYTES: u64 = 4 << 20;
/// What a helper prints when it does not have a credential. [docker-credential-helpers credentials/error.go]
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The configurations of this machine.
pub struct Machine {
    sources: Vec<Result<Source, Objection>>,
    /// Helpers are asked once for each key: they may have to ask a server, or a person.
    asked: Asked,
}

/// What helpers answered, by name and key.
pub type Asked = BTreeMap<(String, String), Result<Option<Entry>, String>>;

struct Source {
    name: String,
    config: DockerConfig,
}

impl Machine {
    /// Reads every configuration there is.
    pub fn read() -> Self {
        let mut machine = Self { sources: Vec::new(), asked: Asked::new() };
        if let Some(text) = variable("DOCKER_AUTH_CONFIG") {
            let text = Zeroizing::new(text);
            machine.add("DOCKER_AUTH_CONFIG", DockerConfig::parse(&text).map_err(|error| error.to_string()));
        }
        for path in places() {
            let is_old = path.ends_with(".dockercfg");
            let name = path.display().to_string();
            match read_text(&path) {
                Ok(text) if is_old => {
                    machine
                        .add(&name, DockerConfig::parse_dockercfg(&text).map_err(|error| error.to_string()));
                }
                Ok(text) => machine.add(&name, DockerConfig::parse(&text).map_err(|error| error.to_string())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => machine.add(&name, Err(error.to_string())),
            }
        }
        machine
    }

    fn add(&mut self, name: &str, config: Result<DockerConfig, String>) {
        self.sources.push(match config {
            Ok(config) => Ok(Source { name: name.to_owned(), config }),
            Err(error) => Err(Objection::malformed(format!("{name}: {error}"))),
        });
    }

    /// What the configurations have for images of a repository, in their order.
    pub fn find(&mut self, registry: &str, repository: &str) -> Vec<Result<Offer, Objection>> {
        let asked = &mut self.asked;
        let offers = self.sources.iter().flat_map(|source| match source {
            Ok(source) => find(&source.config, &source.name, registry, repository, asked),
            Err(objection) => vec![Err(objection.clone())],
        });
        let mut offers: Vec<_> = offers.collect();
        if !offers.iter().any(Result::is_ok) {
            offers.push(Err(Objection::missing(format!("no docker configuration has `{registry}`"))));
        }
        offers
    }
}

/// What one configuration has for images of a repository.
pub fn find(
    config: &DockerConfig,
    name: &str,
    registry: &str,
    repository: &str,
    asked: &mut Asked,
) -> Vec<Result<Offer, Objection>> {
    let keys = keys_of(registry);
    match config.lookup(registry, repository, &keys) {
        Some(Found::Entry(key, entry)) => {
            let scope = scope_of(key).map(str::to_owned);
            vec![Ok(Offer { entry: entry.clone(), scope, from: format!("{name}, `{key}`") })]
        }
        Some(Found::Helper(helper, keys)) => {
            for key in keys {
                let question = (helper.to_owned(), (*key).to_owned());
                match asked.entry(question).or_insert_with(|| ask(helper, key)) {
                    Ok(Some(entry)) => {
                        let from = format!("`docker-credential-{helper}`, `{key}`");
                        return vec![Ok(Offer { entry: entry.clone(), scope: None, from })];
                    }
                    Ok(None) => {}
                    Err(problem) => return vec![Err(Objection::missing(format!("{name}: {problem}")))],
                }
            }
            Vec::new()
        }
        None if registry == DOCKER_HUB && config.has_useless_hub_key() => {
            let text = "`registry-1.docker.io` serves no image of Docker Hub; its key is `https://index.docker.io/v1/`";
            vec![Err(Objection::malformed(format!("{name}: {text}")))]
        }
        None => Vec::new(),
    }
}

/// Asks a credential helper for one key.
fn ask(helper: &str, key: &str) -> Result<Option<Entry>, String> {
    let is_name = !helper.is_empty()
        && helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if !is_name {
        return Err("the name of its credential helper is none".to_owned());
    }
    let program = format!("docker-credential-{helper}");
    let answer =
        process::run(&program, &["get"], &[], key).map_err(|error| format!("`{program}` {error}"))?;
    let text = answer.text().unwrap_or_default();
    match (answer.is_success(), answer.status) {
        (true, _) => {
            helper_answer(text).map(Some).ok_or(format!("`{program}` gave no answer that makes sense"))
        }
        (false, _) if text.trim() == NOT_FOUND => Ok(None),
        (false, Some(status)) => Err(format!("`{program}` failed with status {status}")),
        (false, None) => Err(format!("`{program}` was ended by a signal")),
    }
}

/// Where configurations may be, in the order in which they are asked. A variable that names a place takes that of the
/// usual one.
fn places() -> Vec<PathBuf> {
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let under_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
    let folder = |name: &str| variable(name).map(PathBuf::from);
    let mut places = Vec::new();
    let docker = folder("DOCKER_CONFIG").or_else(|| under_home(".docker"));
    places.extend(docker.map(|folder| folder.join("config.json")));
    match folder("REGISTRY_AUTH_FILE") {
        Some(file) => places.push(file),
        None => {
            let runtime = folder("XDG_RUNTIME_DIR");
            let config = folder("XDG_CONFIG_HOME").or_else(|| under_home(".config"));
            places
                .extend(runtime.into_iter().chain(config).map(|folder| folder.join("containers/auth.json")));
        }
    }
    places.extend(under_home(".dockercfg"));
    places
}

/// A variable of the environment; an empty one counts as missing.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads a text that may be secret, whole.
///
/// # Errors
/// When the system refuses, or it is too large or no text.
pub fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_BYTES {
        return Err(io::Error::other(format!("larger than {} MiB", MAX_BYTES >> 20)));
    }
    // Room for all of it: a buffer that grows leaves copies behind that nobody wipes.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(size).unwrap_or_default() + 1));
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
