//! Images that the repository names without a pod spec that has them, as findings: what runs them is not known, nor what they are
//! pulled with.

use std::collections::BTreeSet;

use super::finding::{Code, Finding, ObjectRef};
use super::place::is_pulled_by_node;
use crate::config::Config;
use kubelet_keyring::pattern::needed;
use kubelet_keyring::reference::ImageRef;
use lossless_yaml::span::Position;

/// An image and who names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The file that has the text.
    pub file: String,
    /// Where it stands.
    pub position: Position,
    /// The image as far as it is known.
    pub image: String,
    /// Who names it.
    pub by: By,
    /// The cluster, if it is known.
    pub cluster: Option<String>,
    /// The namespace, if it is known.
    pub namespace: Option<String>,
    /// Names of pull secrets that stand beside it.
    pub pull_secrets: Vec<String>,
    /// Whether the chart is known, though not this image of it.
    pub is_told: bool,
}

/// Who names an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The values of a release whose chart is not known.
    Values(ObjectRef),
    /// `images` of a kustomization, for something that is not known.
    Images,
    /// A source from which charts or manifests are fetched out of a registry: its credential is Flux' business, no pod's.
    Source(ObjectRef),
}

impl Mention {
    /// The secret that serves it, if one does.
    pub fn secret<'c>(&self, config: &'c Config) -> Option<&'c str> {
        let image = ImageRef::parse_open(&self.image).ok()?;
        if is_pulled_by_node(config, &image) || config.namespaces.excludes_known(self.namespace.as_deref()) {
            return None;
        }
        let named = |secret: &&crate::config::PullSecret| {
            needed(&secret.keys, Some(&image)) || secret.keys.iter().any(|key| key.may_match(&image))
        };
        config.secrets.iter().find(named).map(|secret| secret.name.as_str())
    }

    /// Its registry, if it is known.
    pub fn registry(&self) -> Option<String> {
        Some(ImageRef::parse_open(&self.image).ok()?.registry().to_owned())
    }

    /// For people: who names it.
    pub fn who(&self) -> String {
        match &self.by {
            By::Values(object) | By::Source(object) => format!("`{}` `{}`", object.kind, object.name),
            By::Images => "`images` of the kustomization".to_owned(),
        }
    }
}

/// What is to say of those that a configured secret serves and that nothing gives it to.
pub fn findings(config: &Config, mentions: &[Mention], is_selected: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut said = BTreeSet::new();
    for mention in mentions.iter().filter(|mention| is_selected(&mention.file)) {
        let Some(secret) = mention.secret(config) else { continue };
        if mention.pull_secrets.iter().any(|name| name == secret)
            || !said.insert((&mention.file, mention.position, &mention.image))
        {
            continue;
        }
        let (doubt, hint, object) = match &mention.by {
            By::Values(object) => (
                match mention.is_told {
                    true => "what is known of its chart does not tell what it is for, and its values name no such secret",
                    false => "its chart is not known, and its values name no such secret",
                },
                format!("`helm pull` the chart into a folder of `charts` or `pullcred learn` it, or set the chart's value for pull secrets to `{secret}`"),
                Some(object.clone()),
            ),
            By::Images => (
                "what it is for is known only online",
                "keep a copy of what the build takes in, or pipe the finished build through `pullcred generate -`".to_owned(),
                None,
            ),
            By::Source(_) => continue,
        };
        findings.push(Finding {
            code: Code::ImageMentioned,
            severity: Code::ImageMentioned.severity(),
            file: mention.file.clone(),
            position: mention.position,
            message: format!("{} names `{}`, which `{secret}` serves; {doubt}", mention.who(), mention.image),
            hint: Some(hint),
            object,
        });
    }
    findings
}
