//! A stream on stdin, planned and finished as if it were the whole repository: what `generate -` and `fn` share.

use anyhow::{Context, Result, bail};

use super::run::{sort, weigh};
use super::settings::kinds_of;
use crate::config::Config;
use crate::deliveries::graph::Builds;
use crate::effects::apply::{self, Refused};
use crate::effects::source::{self, Source};
use crate::objects::marks::Marks;
use crate::objects::object::Object;
use crate::objects::read;
use crate::plan::finding::Finding;
use crate::plan::{File, notices, pull_secrets};

/// A stream and what became of it.
pub struct Piped {
    /// Its objects that have places for pull secrets.
    pub objects: Vec<Object>,
    /// What there is to say about it; missing pull secrets, which are there in the finished text, included.
    pub findings: Vec<Finding>,
    /// Its text with everything added.
    pub finished: Result<String, Refused>,
}

/// Reads all of stdin as a stream of manifests.
///
/// # Errors
/// When it is no text.
pub fn stdin() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).context("stdin")?;
    match source::judge(bytes) {
        Source::Text(text) => Ok(text),
        Source::Unusable { reason, .. } => bail!("stdin: {}", reason.replacen("the file", "the stream", 1)),
        Source::TooLarge(_) => bail!("stdin: too large"),
    }
}

/// Plans and finishes `text`, which messages call `name`. Objects without a namespace are deployed to `destination`.
pub fn finish(name: &str, text: &str, config: &Config, destination: Option<&str>) -> Piped {
    let mut facts = read::read(text, Marks::of(text), &kinds_of(config));
    notices::drop_fragments(&mut facts, &mut Vec::new(), false);
    deploy_to(destination, &mut facts.objects);
    let files = [File::new(name.to_owned(), true, Ok(facts))];
    let mut plan = pull_secrets::plan(&files, &Builds::default(), config);
    weigh(&mut plan.findings, config, str::to_owned);
    sort(&mut plan.findings);
    let [File { facts, .. }] = files;
    let facts = facts.unwrap_or_default();
    let additions: Vec<_> = plan.additions.iter().collect();
    let finished = apply::finished(text, &facts, &additions);
    Piped { objects: facts.objects, findings: plan.findings, finished }
}

/// Objects that name no namespace go where the stream is deployed to.
fn deploy_to(destination: Option<&str>, objects: &mut [Object]) {
    let Some(destination) = destination else { return };
    for object in objects.iter_mut().filter(|object| object.namespace.is_none()) {
        object.namespace = Some(destination.to_owned());
    }
}
