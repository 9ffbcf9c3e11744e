//! The functions that templates call: Go's, Sprig's and Helm's, by name, with the types of their parameters.
//!
//! The types are those of the Go functions, since they decide which call is refused and how a constant of the template is read.
//! The functions that need the engine itself (`include`, `tpl`, `and`, `or`, …) stand in `template`.

mod arguments;
mod bases;
mod bounds;
mod cast;
mod certificates;
mod constraint;
mod count;
mod date_reader;
mod dates;
mod decimal;
mod default;
mod dictionaries;
mod durations;
mod encode;
mod equal;
mod escape;
mod expressions;
pub(crate) mod fmt;
mod instant;
mod json;
mod json_reader;
mod layout;
pub(crate) mod letters;
mod lists;
mod merge;
mod numbers;
pub(crate) mod paths;
mod re2;
mod reflection;
mod secrets;
mod semver;
mod signature;
mod text;
mod toml;
mod urls;
mod versions;
mod words;
mod zones;

pub(crate) use durations::method as duration_method;

pub use signature::{Function, Type};

use std::collections::HashMap;
use std::sync::OnceLock;

/// Every file's functions.
const FILES: &[&[Function]] = &[
    bases::FUNCTIONS,
    certificates::FUNCTIONS,
    dates::FUNCTIONS,
    default::FUNCTIONS,
    dictionaries::FUNCTIONS,
    durations::FUNCTIONS,
    encode::FUNCTIONS,
    escape::FUNCTIONS,
    expressions::FUNCTIONS,
    lists::FUNCTIONS,
    numbers::FUNCTIONS,
    paths::FUNCTIONS,
    reflection::FUNCTIONS,
    secrets::FUNCTIONS,
    versions::FUNCTIONS,
    text::FUNCTIONS,
    urls::FUNCTIONS,
    words::FUNCTIONS,
];

/// What Helm 4 added: to Helm 3 these names do not exist.
pub const ONLY_HELM_4: [&str; 13] = [
    "mustToYaml",
    "mustToToml",
    "mustToDuration",
    "durationSeconds",
    "durationMilliseconds",
    "durationMicroseconds",
    "durationNanoseconds",
    "durationMinutes",
    "durationHours",
    "durationDays",
    "durationWeeks",
    "durationRoundTo",
    "durationTruncateTo",
];

/// All functions of the table, in no order that means anything.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FILES.iter().flat_map(|file| file.iter())
}

/// The function of that name.
pub fn find(name: &str) -> Option<&'static Function> {
    static TABLE: OnceLock<HashMap<&'static str, &'static Function>> = OnceLock::new();
    let table = TABLE.get_or_init(|| all().map(|function| (function.name, function)).collect());
    table.get(name).copied()
}

/// Whether a version is within a constraint, as Masterminds/semver has it; what cannot be read is not.
pub fn version_fits(constraint: &str, version: &str) -> bool {
    match (constraint::Constraints::parse(constraint), semver::Version::parse(version)) {
        (Ok(constraints), Ok(version)) => constraints.allow(&version),
        _ => false,
    }
}

/// Whether a text is a version, as Masterminds/semver has it.
pub(crate) fn is_version(text: &str) -> bool {
    semver::Version::parse(text).is_ok()
}

/// Whether a function gives something else in each run of Helm, which people may keep secret.
pub(crate) fn is_random(name: &str) -> bool {
    const RANDOM: [&str; 16] = [
        "randAlphaNum",
        "randAlpha",
        "randAscii",
        "randNumeric",
        "randBytes",
        "randInt",
        "shuffle",
        "uuidv4",
        "genPrivateKey",
        "genCA",
        "genCAWithKey",
        "genSelfSignedCert",
        "genSelfSignedCertWithKey",
        "genSignedCert",
        "genSignedCertWithKey",
        "htpasswd",
    ];
    RANDOM.contains(&name)
}
