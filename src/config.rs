//! The configuration object `pullcred.dev/v1alpha1 PullCredentials`, checked, and what the rest of the program asks of it.
//!
//! Everything that can be wrong with it is found here, each with its place and what to do. Reads no file, no
//! environment and no credential: only names of places that credentials come from are ever in it.

mod check;
mod enumerations;
mod flags;
mod globs;
mod located;
mod model;
mod names;
mod namespaces;
mod output;
mod placeholders;
mod read;
mod schema;
mod stored;
mod template;

pub use crate::objects::names::{is_label, is_subdomain};
pub use check::ConfigError;
pub use flags::FlagError;
pub use globs::Globs;
pub use located::Located;
pub use model::{
    API_VERSION, Config, CredentialSource, CustomResource, FILE_NAMES, FindingRule, Inject, InjectInto, KIND,
    Paths, PullSecret, Recipients, Severity, Target,
};
pub use names::secret_name;
pub use namespaces::Namespaces;
pub use output::{Format, OutputTemplate};
pub use schema::schema;
pub use template::{Images, InitFacts, InitTarget, template};

#[cfg(test)]
mod tests;
