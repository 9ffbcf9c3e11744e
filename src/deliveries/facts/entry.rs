//! What is known of one chart, and whether it is the one that is meant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ChartFacts {
    /// Its name.
    pub chart: String,
    /// The version that was measured; none where its repository has a placeholder.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// More versions for which `set` was tried and holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Versions for which `set` was tried and does not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<String>,
    /// The GitHub repository that it is made in, as `owner/name`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Helm repositories and OCI addresses that it is fetched from. Without `source` and these the chart is known by its name alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen_at: Vec<String>,
    /// Pods that it deploys, as `Kind/name`, for a release `rel`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<String>,
    /// Pods of parts that are off unless values ask for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub optional_pods: Vec<String>,
    /// The fewest values that reach every pod that any value reaches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<Value>,
    /// Every value that reaches pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Place>,
    /// Values that name images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Values that move the images of `all` or of so many to another registry.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub global_registry: BTreeMap<String, String>,
    /// Images that no value moves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_images: Vec<String>,
    /// A map of values each entry of which is a workload; `*` stands for its key in the first place of a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controllers: Option<String>,
    /// Whether the repository itself keeps them.
    #[serde(skip)]
    pub is_own: bool,
}

/// A value that holds names of pull secrets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// The keys that lead to it, joined by dots.
    pub path: String,
    /// How it holds names.
    pub shape: Form,
}

/// A value that reaches pods.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Place {
    /// The keys that lead to it, joined by dots.
    pub path: String,
    /// How it holds names.
    pub shape: Form,
    /// The pods; all where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<Vec<String>>,
    /// Pods for which another value takes the place of this one: `true`, or their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loses: Option<Loses>,
    /// Whether it goes through a ServiceAccount, which a list of the pod's own switches off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub service_account: bool,
}

/// For which pods a value loses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Loses {
    /// For all of them.
    All(bool),
    /// For these.
    Some(Vec<String>),
}

/// How a value holds names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A list of `{name}`.
    ListName,
    /// A list of strings.
    ListString,
    /// One string.
    String,
}

/// A value that names an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Image {
    /// The keys that lead to it, joined by dots.
    pub path: String,
    /// The key below that changes the registry; none where the value is the whole image.
    #[serde(default, rename = "move", skip_serializing_if = "Option::is_none")]
    pub moves: Option<String>,
    /// The keys beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// What it is by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default: Vec<String>,
    /// Whether no pod has it unless values ask for one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// How near the version that is wanted is to the one that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// Another major version, or one for which the facts do not hold.
    Far,
    /// Another version of the same major.
    Near,
    /// The same.
    Same,
}

impl ChartFacts {
    /// Whether it is what is called so at an address.
    pub(super) fn fits(&self, name: &str, address: Option<&str>) -> bool {
        if self.chart != name {
            return false;
        }
        if self.seen_at.is_empty() && self.source.is_empty() {
            return true;
        }
        let Some(address) = address else { return false };
        let address = plain(address);
        let whole = format!("{address}/{}", name.to_ascii_lowercase());
        let is_seen = |seen: &String| plain(seen) == address || plain(seen) == whole;
        self.seen_at.iter().any(is_seen) || self.is_of_owner(&format!("{address}/"))
    }

    /// Pods that no value of `set` reaches.
    pub fn unreached(&self) -> impl Iterator<Item = &str> {
        let of_set = |place: &&Place| self.set.iter().any(|value| value.path == place.path);
        let places: Vec<&Place> = self.paths.iter().filter(of_set).collect();
        let is_left = move |pod: &&String| {
            !places.iter().any(|place| place.pods.as_ref().is_none_or(|pods| pods.contains(pod)))
        };
        self.pods.iter().chain(&self.optional_pods).filter(is_left).map(String::as_str)
    }

    /// Whether both may be the chart that is fetched from one address.
    pub(super) fn shares_address(&self, other: &Self) -> bool {
        let is_shared = |one: &String| other.seen_at.iter().any(|two| plain(one) == plain(two));
        self.seen_at.is_empty() || other.seen_at.is_empty() || self.seen_at.iter().any(is_shared)
    }

    /// Whether an address is one that nobody but the owner of the chart's repository can publish at.
    fn is_of_owner(&self, address: &str) -> bool {
        let Some((owner, _)) = self.source.split_once('/') else { return false };
        let owner = owner.to_ascii_lowercase();
        address.starts_with(&format!("{owner}.github.io/"))
            || address.starts_with(&format!("ghcr.io/{owner}/"))
    }

    /// How near it is to the version that is wanted.
    pub(super) fn nearness(&self, wanted: &str) -> Nearness {
        let wanted = wanted.trim();
        if !self.version.is_empty() && wanted.trim_start_matches('v') == self.version.trim_start_matches('v')
        {
            return Nearness::Same;
        }
        let Some(major) = major(wanted) else { return Nearness::Near };
        let has = |versions: &[String]| versions.iter().any(|version| self::major(version) == Some(major));
        let own = std::slice::from_ref(&self.version);
        if has(own) || has(&self.also) || self.version.is_empty() && !has(&self.not) {
            Nearness::Near
        } else {
            Nearness::Far
        }
    }
}

/// An address without what says nothing about where it is.
fn plain(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.trim_end_matches('/').to_ascii_lowercase()
}

/// The first number of a version, or of what versions will do.
pub fn major(version: &str) -> Option<u64> {
    let start = version.find(|c: char| c.is_ascii_digit())?;
    let digits = version[start..].split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
