//! The program `pullcred`: arguments in, exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    pullcred::commands::main(std::env::args_os()).into()
}
