//! The facts of charts that a repository keeps.

use super::source::{self, Source};
use crate::deliveries::facts::{FILE, Facts};
use anyhow::{Result, bail};
use std::io::ErrorKind;
use std::path::Path;

/// The facts beside a configuration in `base`, and the text that they stand in; none where there is no file.
///
/// # Errors
/// A file that cannot be read, or holds something else.
pub fn read(base: &Path) -> Result<(Facts, Option<String>)> {
    let text = match source::read(&base.join(FILE)) {
        Ok(Source::Text(text)) => text,
        Ok(Source::TooLarge(_)) => bail!("{FILE}: too large"),
        Ok(Source::Unusable { reason, .. }) => bail!("{FILE}: {reason}"),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Facts::default(), None)),
        Err(error) => bail!("{FILE}: {error}"),
    };
    match Facts::parse(&text) {
        Ok(facts) => Ok((facts, Some(text))),
        Err((position, reason)) => bail!(
            "{FILE}:{position}: {reason}\nhint: `pullcred learn CHART` writes this file; `pullcred schema --of charts` describes it"
        ),
    }
}
