//! The command line: arguments to settings, settings to a run, a run to output and exit status.

pub mod adopt;
pub mod args;
mod chart;
pub mod check;
pub mod decrypt;
pub mod deploy;
pub mod ending;
pub mod exit;
pub mod explain;
pub mod r#fn;
pub mod generate;
pub mod init;
pub mod inject;
mod inside;
pub mod keys;
pub mod learn;
mod list;
mod mentions;
mod own_key;
mod parallel;
pub mod pipe;
pub mod progress;
pub mod quickstart;
mod releases;
pub mod run;
pub mod secrets;
pub mod settings;
pub mod shell;
pub mod show;
pub mod start;
pub mod sync;
pub mod terminal;
pub mod trust;

use std::ffi::OsString;
use std::io::{self, Write};

use anyhow::Result;
use args::{Cli, Command};
use exit::Exit;
use keys::Way;
use terminal::Terminal;

use crate::report::plain_lines;
use crate::report::style::{Color, Style};

/// Runs the program and returns its exit status. Messages go to `err`; a broken pipe on `out` is a quiet end.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match args::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data; all else is a message.
            let _ = error.print();
            return if error.use_stderr() { Exit::Error } else { Exit::Clean };
        }
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let color = Color::from(cli.common.color);
    let (mut out, mut err) = (io::BufWriter::new(io::stdout().lock()), io::stderr());
    let mut terminal = Terminal {
        out_style: Style::of(color, &io::stdout(), no_color),
        err_style: Style::of(color, &io::stderr(), no_color),
        out: &mut out,
        err: &mut err,
    };
    let result = dispatch(&cli, &mut terminal).and_then(|exit| Ok(terminal.out.flush().map(|()| exit)?));
    match result {
        Ok(exit) => exit,
        Err(error) if is_broken_pipe(&error) => Exit::Clean,
        Err(error) => {
            // Errors have lines of their own; whatever else is in them comes from names.
            let text = plain_lines(&format!("{error:#}"));
            let _ = writeln!(io::stderr(), "{}: {text}", terminal.err_style.red("error"));
            Exit::Error
        }
    }
}

fn dispatch(cli: &Cli, terminal: &mut Terminal<'_>) -> Result<Exit> {
    match &cli.command {
        Command::Sync(arguments) => sync::run(&cli.common, arguments, terminal),
        Command::Encrypt(arguments) => sync::encrypt(&cli.common, arguments, terminal),
        Command::Adopt(arguments) => adopt::run(&cli.common, arguments, terminal),
        Command::Inject(arguments) => inject::run(&cli.common, arguments, terminal),
        Command::Learn(arguments) => learn::run(&cli.common, arguments, terminal),
        Command::Check(arguments) => check::run(&cli.common, arguments, terminal),
        Command::Generate(arguments) => generate::run(&cli.common, arguments, terminal),
        Command::Fn => r#fn::run(&cli.common, terminal),
        Command::List(arguments) => list::run(&cli.common, arguments, terminal),
        Command::Explain(arguments) => explain::run(&cli.common, arguments, terminal),
        Command::Show(arguments) => show::run(&cli.common, arguments, terminal),
        Command::Updatekeys(arguments) => keys::run(&cli.common, arguments, Way::Update, terminal),
        Command::Rotate(arguments) => keys::run(&cli.common, arguments, Way::Rotate, terminal),
        Command::Trust(arguments) => trust::run(&cli.common, arguments, terminal),
        Command::Init(arguments) => init::run(&cli.common, arguments, terminal),
        Command::Quickstart(arguments) => quickstart::run(&cli.common, arguments, dispatch, terminal),
        Command::Completions { shell } => shell::completions(*shell, terminal),
        Command::Man { folder } => shell::man(folder.as_deref(), terminal),
        Command::Schema { of } => shell::schema(*of, terminal),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
