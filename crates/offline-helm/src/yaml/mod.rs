//! YAML as Helm writes and reads it: what `toYaml` gives, byte for byte, since charts hash it into annotations.
//!
//! Helm writes by sigs.k8s.io/yaml: a value becomes JSON, and that JSON becomes YAML by go-yaml v2. `resolve` tells which plain
//! text would be read as something else than text, `order` sorts keys, `emit` lays text out. Refuses what JSON cannot say.

mod emit;
mod number;
mod order;
mod read;
mod resolve;
mod write;

pub(crate) use number::json_float;
pub use read::from_yaml;
pub use write::{to_yaml, to_yaml_pretty};
