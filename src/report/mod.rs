//! The plan for people and machines: one renderer each, none decides anything.

pub mod baseline;
pub mod diff;
pub mod fingerprint;
pub mod github;
pub mod help;
pub mod json;
pub mod junit;
pub mod krm;
pub mod list;
pub mod sarif;
pub mod style;
pub mod text;
