//! What Kubernetes objects mean: kinds, pod specs, images, pull secrets, and where all of it lies in a file.
//!
//! Reads [`lossless_yaml`] trees and turns them into small facts; decides nothing about a repository.

pub mod adders;
pub mod called;
pub mod catalog;
pub mod comments;
pub mod copies;
pub mod dockerconfig;
pub mod field_path;
pub mod marks;
pub mod mentions;
pub mod names;
pub mod object;
pub mod read;
pub mod remark;
pub mod secret;
pub mod shipped;
pub mod site;
pub mod stream;
pub mod token;
pub mod unreadable;
pub mod values;
pub mod workload;
