//! One test binary for everything that looks at pullcred from outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod cases;
mod config;
mod images;
mod layering;
mod offline;
mod packaging;
mod rust_source;
mod sops;
mod support;
