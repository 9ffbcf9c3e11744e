//! Helm's rendering, offline: a chart in, objects out, as `helm template` makes them.
//!
//! [`render`](render()) makes manifests of the files of a chart and of values; [`unpack`] reads an archive, and [`probe`] finds the
//! values that give its pods a pull secret. Below that, [`template`] is Go's text/template with Helm's rules, [`functions`] what
//! templates call, [`yaml`] YAML as Helm writes and reads it. Refuses to open a connection, to start a program and to read a file: it is
//! given all that it may know, and what Helm gives at random is a fixed text.
//!
//! ```
//! use offline_helm::{File, Layer, Options, render};
//!
//! let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.into() };
//! let chart = vec![
//!     file("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
//!     file("values.yaml", "host: localhost\n"),
//!     file("templates/config.yaml", "kind: ConfigMap\ndata:\n  host: {{ .Values.host | quote }}\n"),
//! ];
//! let values = Layer::File { name: "prod.yaml".to_owned(), text: "host: example.com".to_owned() };
//! let rendering = render(chart, &[values], &Options::default())?;
//! assert_eq!(rendering.manifests[0].text, "kind: ConfigMap\ndata:\n  host: \"example.com\"");
//! # Ok::<(), offline_helm::Error>(())
//! ```

mod candidates;
mod chart;
mod float;
pub mod functions;
pub mod measure;
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
