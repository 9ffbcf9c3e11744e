//! The program `pullcred`: arguments in, exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    pullcred::cli::main(std::env::args_os()).into()
}
