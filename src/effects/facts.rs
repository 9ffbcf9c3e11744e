//! The facts of charts that a repository keeps.

use super::source::{self, Source};
use crate::deliveries::facts::{FILE, Facts};
use anyhow::{Result, bail};
use std::io::ErrorKind;
use std::path::Path;

/// The facts beside a configuration in `base`, and the text that they stand in; none where there is no file.
///
/// # Errors
/// A file that cannot be read, lies outside of `root`, or holds something else.
pub fn read(root: &Path, base: &Path) -> Result<(Facts, Option<String>)> {
    let text = match source::read_inside(root, &base.join(FILE)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_out_of_the_repository_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(folder.path()).unwrap().join("repository");
        std::fs::create_dir_all(root.join(".pullcred")).unwrap();
        assert_eq!(read(&root, &root).unwrap(), (Facts::default(), None));
        std::fs::write(root.join("../outside"), "{\"version\": 1, \"charts\": []}").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../../outside", root.join(FILE)).unwrap();
            assert!(read(&root, &root).unwrap_err().to_string().contains("leads out"));
        }
    }
}
