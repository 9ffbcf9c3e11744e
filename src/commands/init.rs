//! `init`: looks at the repository and writes a configuration that explains itself.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::Terminal;
use super::args::{Common, InitArgs};
use super::exit::Exit;
use super::run::Run;
use super::settings::{self, Settings};
use crate::config::{FILE_NAMES, Format, InitFacts, OutputTemplate, template};
use crate::effects::source;
use crate::plan::place::runs;
use crate::report::text;
use kubelet_keyring::reference::ImageRef;
use sops_age::creation_rules::CreationRules;

/// Runs the command.
///
/// # Errors
/// A configuration that is there already, unless it may be replaced.
pub fn run(common: &Common, arguments: &InitArgs, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let start = settings::directory(common)?;
    let root = crate::effects::scan::repository(&start).unwrap_or(start);
    let there = FILE_NAMES.iter().map(|name| root.join(name)).find(|file| file.exists());
    if let Some(there) = there.as_ref().filter(|_| !arguments.force && !arguments.dry_run) {
        bail!("{}: there is a configuration already\nhint: `--force` replaces it", there.display());
    }
    let run = Run::new(Settings::bare(common, &root))?;
    let facts = facts(&run, &root);
    let written = template(&facts);
    if arguments.dry_run {
        terminal.out.write_all(written.as_bytes())?;
        return Ok(Exit::Clean);
    }
    let file = there.unwrap_or_else(|| root.join(FILE_NAMES[0]));
    source::write(&file, &written)?;
    if !common.quiet {
        writeln!(
            terminal.err,
            "wrote {}: {} and {} found\nnext: read it, then `pullcred check` and `pullcred inject`",
            file.display(),
            text::count(facts.registries.len(), "registry"),
            text::count(facts.namespaces.len(), "namespace"),
        )?;
    }
    Ok(Exit::Clean)
}

/// What builds deploy counts, not what stands in their bases.
fn facts(run: &Run, root: &std::path::Path) -> InitFacts {
    let mut registries = BTreeMap::<String, usize>::new();
    let mut namespaces = BTreeSet::new();
    for file in &run.files {
        namespaces.extend(file.declared.iter().cloned());
        for (nth, object) in file.objects().iter().enumerate() {
            for place in 0..object.pod_specs.len() {
                let runs = runs(file, nth, object, place);
                namespaces.extend(runs.iter().filter_map(|run| run.namespace).map(str::to_owned));
                let images: BTreeSet<&str> =
                    runs.iter().flat_map(|run| run.images.iter()).map(|(_, image)| *image).collect();
                for image in images.into_iter().filter_map(|image| ImageRef::parse_open(image).ok()) {
                    *registries.entry(image.registry().to_owned()).or_default() += 1;
                }
            }
        }
    }
    let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Where the Secrets go unless the configuration says otherwise decides which creation rule is theirs.
    let output = OutputTemplate::default_for(Format::Sops).path("default", "secret");
    let rules = std::fs::read_to_string(root.join(".sops.yaml")).ok();
    let rules = rules.and_then(|text| CreationRules::parse(&text).ok().flatten());
    let rule = rules.as_ref().and_then(|rules| rules.of(&output).ok());
    InitFacts {
        name,
        registries: registries.into_iter().collect(),
        namespaces: namespaces.into_iter().collect(),
        recipients: rule.iter().flat_map(|rule| &rule.recipients).map(ToString::to_string).collect(),
    }
}
