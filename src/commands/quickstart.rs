//! `quickstart`: a small repository to try everything in, with its own age identity, and the commands that a newcomer runs first,
//! run before their eyes.
//!
//! It writes into a folder of its own and nowhere else. The credential in it is made up.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};

use super::args::{self, Cli, Common, QuickstartArgs};
use super::exit::Exit;
use super::settings::directory;
use super::start::now;
use super::terminal::Terminal;
use crate::effects::{identities, source};
use sops_age::recipients::{Recipient, encrypt_file};

/// How a command is run, once its arguments are read.
pub type Dispatch = fn(&Cli, &mut Terminal<'_>) -> Result<Exit>;

/// The private key. Flux wants this ending for the key in its Secret, and `.gitignore` names it.
const IDENTITY: &str = "age.agekey";

/// The encrypted docker configuration that `.pullcred.yaml` names.
const CREDENTIALS: &str = "credentials.age";

/// What is in it: nobody's password.
const SAMPLE: &[u8] =
    br#"{"auths": {"registry.example.com": {"username": "sample", "password": "made-up-by-quickstart"}}}"#;

/// The other files. `RECIPIENT` stands for the public half of the identity.
const FILES: &[(&str, &str)] = &[
    (".gitignore", include_str!("quickstart/gitignore")),
    (".pullcred.yaml", include_str!("quickstart/pullcred.yaml")),
    ("README.md", include_str!("quickstart/README.md")),
    ("base/kustomization.yaml", include_str!("quickstart/base/kustomization.yaml")),
    ("base/web.yaml", include_str!("quickstart/base/web.yaml")),
    (
        "overlays/production/kustomization.yaml",
        include_str!("quickstart/overlays/production/kustomization.yaml"),
    ),
    ("overlays/staging/kustomization.yaml", include_str!("quickstart/overlays/staging/kustomization.yaml")),
];

/// The least that Git takes for a repository: what `git init` writes besides is advice.
const GIT: &[(&str, &str)] = &[
    ("HEAD", "ref: refs/heads/main\n"),
    ("config", "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"),
];

/// Runs the command.
///
/// # Errors
/// A folder that holds something already, or that cannot be written.
pub fn run(
    common: &Common,
    arguments: &QuickstartArgs,
    dispatch: Dispatch,
    terminal: &mut Terminal<'_>,
) -> Result<Exit> {
    let folder = directory(common)?.join(&arguments.folder);
    let name = arguments.folder.display();
    refuse_what_is_there(&folder).with_context(|| name.to_string())?;
    write(&folder)?;
    if !common.quiet {
        writeln!(
            terminal.err,
            "wrote {name}: a small repository, and an age identity of its own, {name}/{IDENTITY}"
        )?;
    }
    // Who is asked about what was made before their eyes learns to say yes.
    run_there(&folder, &["trust", "--quiet"], dispatch, terminal)?;
    let all: [&[&str]; 3] = [&["sync", "--identity", IDENTITY, "--diff"], &["check"], &["list"]];
    let quiet: [&[&str]; 1] = [&["sync", "--identity", IDENTITY]];
    let steps = if common.quiet { &quiet[..] } else { &all[..] };
    for step in steps {
        show(common, &folder, step, dispatch, terminal)?;
    }
    if !common.quiet {
        writeln!(terminal.err, "\n{}", next(&name.to_string()))?;
    }
    Ok(Exit::Clean)
}

/// Only a folder that is not there, or is empty, is written to.
fn refuse_what_is_there(folder: &Path) -> Result<()> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => bail!("the folder is not empty\nhint: name another one, `pullcred quickstart DIR`"),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn write(folder: &Path) -> Result<()> {
    let (key, recipient) = identities::key_file(now());
    for folder in [folder.join(".git/objects"), folder.join(".git/refs")] {
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    for (name, text) in GIT {
        source::write(&folder.join(".git").join(name), text)?;
    }
    for (path, text) in FILES {
        source::write(&folder.join(path), &text.replace("RECIPIENT", &recipient))?;
    }
    source::write_private(&folder.join(IDENTITY), &key)?;
    let recipient = Recipient::parse(&recipient).map_err(|error| anyhow!("{error}"))?;
    let credentials = encrypt_file(SAMPLE, &[recipient]).map_err(|error| anyhow!("{error}"))?;
    source::write(&folder.join(CREDENTIALS), &credentials)
}

/// Runs a command there, as it is shown.
fn show(
    common: &Common,
    folder: &Path,
    step: &[&str],
    dispatch: Dispatch,
    terminal: &mut Terminal<'_>,
) -> Result<()> {
    if common.quiet {
        return run_there(folder, &[step, &["--quiet"]].concat(), dispatch, terminal);
    }
    writeln!(terminal.err, "\n$ pullcred {}", step.join(" "))?;
    run_there(folder, step, dispatch, terminal)
}

/// Runs a command there.
fn run_there(folder: &Path, step: &[&str], dispatch: Dispatch, terminal: &mut Terminal<'_>) -> Result<()> {
    let mut command: Vec<OsString> = ["pullcred", "-C"].map(OsString::from).into();
    command.push(folder.into());
    command.extend(step.iter().map(|word| OsStr::new(word).to_owned()));
    let exit = dispatch(&args::parse(command)?, terminal)?;
    // What comes next is a message: it has to stand below this command's data.
    terminal.out.flush()?;
    if exit == Exit::Clean {
        Ok(())
    } else {
        bail!("`pullcred {}` should have found nothing to say", step.join(" "))
    }
}

/// What to try next, for people; `README.md` there has more of it.
fn next(folder: &str) -> String {
    format!(
        "next, in {folder}:\n  \
           pullcred sync --identity {IDENTITY}   (a second run changes nothing)\n  \
           pullcred explain base/web.yaml   (why it got the pull secret)\n  \
           pullcred show --identity {IDENTITY} overlays/production/registry.sops.yaml\n  \
           SOPS_AGE_KEY_FILE={IDENTITY} sops decrypt overlays/production/registry.sops.yaml\n\
         in a repository of your own:\n  \
           pullcred init"
    )
}
