//! The program `pullcred`: arguments in, exit status out.

fn main() {}
