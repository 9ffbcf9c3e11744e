//! What is known of charts that are not here: which values give their pods a pull secret, and which name images.
//!
//! Measured by rendering: those that come with the program (`data/charts.json`) and those that a repository keeps (`.pullcred/charts.json`).
//! A chart is known by its name and by where it comes from, for a name alone may be anybody's.

mod entry;
mod estimate;
mod image;
mod measured;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use entry::{ChartFacts, Nearness, major};
pub use estimate::estimate;
pub use image::at;
use lossless_yaml::span::Position;
pub use measured::entry;

/// The file in which a repository keeps facts, beside its configuration.
pub const FILE: &str = ".pullcred/charts.json";

/// The version of the form.
const VERSION: u32 = 1;

/// The facts that come with the program.
const EMBEDDED: &str = include_str!("../../data/charts.json");

/// A file of facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "Facts of charts")]
pub struct Facts {
    /// The version of this form.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// One entry for each chart and version, sorted.
    pub charts: Vec<ChartFacts>,
}

impl Facts {
    /// Reads a file of facts.
    ///
    /// # Errors
    /// It is not one: where, and why.
    pub fn parse(text: &str) -> Result<Self, (Position, String)> {
        let facts: Self = serde_json::from_str(text).map_err(|error| {
            let position = Position { line: error.line().max(1), column: error.column().max(1) };
            let words = error.to_string();
            let words = words.rsplit_once(" at line ").map_or(&*words, |(words, _)| words);
            (position, words.to_owned())
        })?;
        if facts.version == VERSION {
            Ok(facts)
        } else {
            Err((Position::START, format!("version {} is not known", facts.version)))
        }
    }

    /// The text of a file of facts: one entry for each chart and version, sorted, each value on a line of its own.
    ///
    /// # Panics
    /// Never: every key is text.
    pub fn text(&self) -> String {
        let facts = Self { version: VERSION, charts: self.charts.clone() };
        serde_json::to_string_pretty(&facts).unwrap_or_default() + "\n"
    }

    /// Adds what is known of a chart, in the place of what was known of that version from the same addresses.
    pub fn put(&mut self, entry: ChartFacts) {
        let is_it = |other: &ChartFacts| {
            other.chart == entry.chart && other.version == entry.version && other.shares_address(&entry)
        };
        self.charts.retain(|other| !is_it(other));
        self.charts.push(entry);
        self.charts
            .sort_by(|a, b| (&a.chart, &a.seen_at, &a.version).cmp(&(&b.chart, &b.seen_at, &b.version)));
    }

    /// These facts, and those of a repository: where both know as much, the latter hold.
    #[must_use]
    pub fn with(mut self, own: &Self) -> Self {
        self.charts.extend(own.charts.iter().map(|entry| ChartFacts { is_own: true, ..entry.clone() }));
        self
    }

    /// The facts that come with the program.
    pub fn embedded() -> Self {
        // A test reads them.
        Self::parse(EMBEDDED).unwrap_or_default()
    }

    /// What is known of a chart of that name from that repository, with the nearest version.
    pub fn find(
        &self,
        name: &str,
        repository: Option<&str>,
        version: &str,
    ) -> Option<(&ChartFacts, Nearness)> {
        let (name, address) = whence(name, repository);
        let fitting = self.charts.iter().filter(|entry| entry.fits(name, address.as_deref()));
        fitting.map(|entry| (entry, entry.nearness(version))).max_by_key(|(_, nearness)| *nearness)
    }
}

/// The bare name of a chart, and the address that it comes from. An address may be a part of the name: `oci://registry/path/chart`.
pub fn whence<'n>(name: &'n str, repository: Option<&str>) -> (&'n str, Option<String>) {
    let (above, name) = name.rsplit_once('/').map_or((None, name), |(above, name)| (Some(above), name));
    let address = match (repository, above) {
        (Some(repository), Some(above)) => Some(format!("{}/{above}", repository.trim_end_matches('/'))),
        (one, other) => one.or(other).map(str::to_owned),
    };
    (name, address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_that_come_with_the_program_can_be_read() {
        let facts = Facts::parse(EMBEDDED).unwrap();
        assert!(facts.charts.len() > 100);
        let order: Vec<_> = facts.charts.iter().map(|entry| (&entry.chart, &entry.source)).collect();
        assert!(order.is_sorted());
    }

    #[test]
    fn a_chart_is_known_by_its_name_and_where_it_comes_from() {
        let facts = Facts::embedded();
        let known = |name: &str, repository: &str| facts.find(name, Some(repository), "").is_some();
        assert!(known("cert-manager", "https://charts.jetstack.io/"));
        assert!(known("redis", "oci://registry-1.docker.io/bitnamicharts"));
        assert!(known("app-template", "oci://ghcr.io/bjw-s-labs/helm"));
        assert!(!known("cert-manager", "https://charts.example.com"));
        assert!(facts.find("cert-manager", None, "").is_none());
    }

    #[test]
    fn an_entry_takes_the_place_of_the_one_of_its_version() {
        let entry = |version: &str, address: &str| ChartFacts {
            chart: "shop".to_owned(),
            version: version.to_owned(),
            seen_at: vec![address.to_owned()],
            pods: vec![format!("Pod/{address}")],
            ..ChartFacts::default()
        };
        let mut facts = Facts::default();
        for (version, address) in [
            ("2.0.0", "oci://b/shop"),
            ("1.0.0", "oci://b/shop"),
            ("2.0.0", "https://a"),
            ("2.0.0", "https://b/shop/"),
        ] {
            facts.put(entry(version, address));
        }
        let kept: Vec<_> = facts.charts.iter().map(|it| (&*it.version, &*it.seen_at[0])).collect();
        assert_eq!(kept, [("2.0.0", "https://a"), ("2.0.0", "https://b/shop/"), ("1.0.0", "oci://b/shop")]);
        assert_eq!(Facts::parse(&facts.text()).unwrap().charts, facts.charts);
        let all = Facts::embedded().with(&facts);
        let (found, nearness) = all.find("shop", Some("oci://b"), "1.0.0").unwrap();
        assert!(found.is_own && nearness == Nearness::Same);
    }

    #[test]
    fn another_major_version_is_far() {
        let facts = Facts::embedded();
        let nearness = |version: &str| {
            facts
                .find("app-template", Some("oci://ghcr.io/bjw-s-labs/helm"), version)
                .map(|(_, nearness)| nearness)
        };
        assert_eq!(nearness("4.1.1"), Some(Nearness::Same));
        assert_eq!(nearness("4.x"), Some(Nearness::Near));
        assert_eq!(nearness("3.2.0"), Some(Nearness::Near));
        assert_eq!(nearness("5.0.1"), Some(Nearness::Near));
        assert_eq!(nearness("6.0.0"), Some(Nearness::Far));
    }
}
