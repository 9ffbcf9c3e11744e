//! `completions`, `man` and `schema`: what the program says about itself.

use std::path::Path;

use anyhow::{Context, Result};

use super::args::{SchemaOf, Shell, command};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::config;
use crate::deliveries::facts::Facts;
use crate::plan::finding::Code;
use crate::report;

/// Prints the completions of a shell.
pub fn completions(shell: Shell, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut command(), "pullcred", &mut out);
    terminal.out.write_all(&out)?;
    Ok(Exit::Clean)
}

/// Prints the manual page, or writes one for each command into a folder.
pub fn man(folder: Option<&Path>, terminal: &mut Terminal<'_>) -> Result<Exit> {
    match folder {
        None => {
            let mut out = Vec::new();
            clap_mangen::Man::new(command()).render(&mut out)?;
            terminal.out.write_all(&out)?;
        }
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            clap_mangen::generate_to(command(), folder).with_context(|| folder.display().to_string())?;
        }
    }
    Ok(Exit::Clean)
}

/// Prints a JSON Schema.
pub fn schema(of: SchemaOf, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let text = match of {
        SchemaOf::Config => report::json::pretty(&config::schema(&codes)),
        SchemaOf::Check => report::json::pretty(&schemars::schema_for!(report::json::Check)),
        SchemaOf::Charts => report::json::pretty(&schemars::schema_for!(Facts)),
        SchemaOf::List => report::json::pretty(&schemars::schema_for!(report::list::List)),
    };
    terminal.out.write_all(text.as_bytes())?;
    Ok(Exit::Clean)
}
