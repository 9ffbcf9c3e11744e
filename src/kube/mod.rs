//! (being written)
pub mod catalog;
pub mod field_path;
pub mod site;
