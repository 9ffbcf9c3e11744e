//! Go's text/template with Helm's rules: values, and templates that turn them into text.
//!
//! Values are Go's: a number knows its Go type, a map is shared by all who hold it. Refuses to touch anything outside the
//! values and templates that it is given.

mod builtins;
mod callee;
mod engine;
mod error;
mod eval;
mod exec;
mod lexer;
mod limits;
mod node;
mod number;
mod parser;
mod print;
mod quote;
mod run;
mod set;

pub use engine::{Engine, Renderer, with_stack};
pub use error::TemplateError;
pub use limits::Limits;
