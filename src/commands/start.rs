//! What commands take from their surroundings: files as they were named, the clock, the turn to write.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;

use super::args::Common;
use super::settings::{Settings, directory};
use super::terminal::Terminal;
use crate::effects::clone::{Lock, lock};

/// Waits until no other run writes to the repository.
pub fn wait(settings: &Settings, terminal: &mut Terminal<'_>) -> Result<Lock> {
    lock(&settings.root, || {
        let _ = writeln!(terminal.err, "waiting for another run of pullcred in this repository");
    })
}

/// The time, in seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Identity files as they were named, from where the run starts.
pub fn from_start(common: &Common, files: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let start = directory(common)?;
    Ok(files.iter().map(|file| start.join(file)).collect())
}
