//! The plan for people and machines: one renderer each, none decides anything.

pub mod diff;
pub mod github;
pub mod json;
pub mod list;
pub mod style;
pub mod text;
