//! Helm's rendering, offline: a chart in, objects out, as `helm template` makes them.
//!
//! [`folder`] and [`archive`] read the files of a chart, [`render`](render()) makes manifests of them. Below that, [`template`]
//! is Go's text/template with Helm's rules, [`functions`] what templates call, [`yaml`] YAML as Helm writes and reads it.
//! Nothing here opens a connection, starts a program or reads a file that is not part of the chart.

mod chart;
mod float;
pub mod functions;
mod nanos;
pub mod probe;
mod render;
pub mod template;
pub mod value;
mod values;
pub mod yaml;

pub use chart::{ChartError, File, Metadata, Rules, matches_path, unpack, without_mark};
pub use render::{Error, Hook, Manifest, Options, Rendering, render};
pub use values::Layer;
