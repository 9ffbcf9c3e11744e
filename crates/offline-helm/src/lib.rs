//! Helm's rendering, offline: a chart in, objects out, as `helm template` makes them.
//!
//! [`template`] is Go's text/template with Helm's rules, [`functions`] what templates call, [`yaml`] YAML as Helm writes and
//! reads it. Nothing here opens a connection, starts a program or reads a file that is not part of the chart.

pub mod functions;
pub mod template;
pub mod yaml;
