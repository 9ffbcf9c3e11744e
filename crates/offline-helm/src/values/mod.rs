//! What is given on top of a chart's own values: files, and `--set` with its kin.

mod layers;
pub(crate) mod schema;
mod set;

pub use layers::Layer;
pub(crate) use layers::{merge, overlay};
