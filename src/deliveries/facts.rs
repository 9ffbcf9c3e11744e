//! What is known of charts that are not here: which values give their pods a pull secret, and which name images.
//!
//! Measured by rendering (`data/charts.json`). A chart is known by its name and by where it comes from, for a name alone may be anybody's.

mod entry;
mod estimate;
mod image;

use serde::Deserialize;

pub use entry::{ChartFacts, Nearness};
pub use estimate::estimate;

/// The facts that come with the program.
const EMBEDDED: &str = include_str!("../../data/charts.json");

/// A file of facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Facts {
    /// The version of this form.
    pub version: u32,
    /// One entry for each chart and version, sorted.
    pub charts: Vec<ChartFacts>,
}

impl Facts {
    /// Reads a file of facts.
    ///
    /// # Errors
    /// It is not one, with line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        let facts: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if facts.version == 1 { Ok(facts) } else { Err(format!("version {} is not known", facts.version)) }
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
        // An address may be a part of the name: `oci://registry/path/chart`.
        let (above, name) = name.rsplit_once('/').map_or((None, name), |(above, name)| (Some(above), name));
        let address = match (repository, above) {
            (Some(repository), Some(above)) => Some(format!("{}/{above}", repository.trim_end_matches('/'))),
            (one, other) => one.or(other).map(str::to_owned),
        };
        let fitting = self.charts.iter().filter(|entry| entry.fits(name, address.as_deref()));
        fitting.map(|entry| (entry, entry.nearness(version))).max_by_key(|(_, nearness)| *nearness)
    }
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
        assert_eq!(nearness("5.1.0"), Some(Nearness::Far));
    }
}
