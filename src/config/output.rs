//! Where a target's Secrets are written: a path with the placeholders `{namespace}` and `{name}`.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::names::objection_to_path;
use super::placeholders::{BraceError, Piece, pieces};
use crate::objects::names::is_label_byte;
use lossless_yaml::nearest::{nearest, quoted};

/// How Secrets are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// A SOPS file: values encrypted, names in clear.
    #[default]
    Sops,
    /// The whole manifest as one armored age file.
    Age,
}

/// A checked path template. Different namespaces never get the same path, nor do different names when there are several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputTemplate(String);

/// Why a text is no such template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OutputError {
    Brace(BraceError),
    Unknown(String),
    Path(&'static str),
    /// The placeholder that is missing.
    Missing(&'static str),
    /// Two Secrets could get the same path: `{namespace}-{name}` with `a`, `b-c` and `a-b`, `c`.
    Ambiguous,
    /// `{1}` stands in one step with another placeholder.
    Shared,
    /// Encrypted manifests are YAML, and sops and Flux tell by the name.
    NotYaml,
}

/// The valid placeholders.
const PLACEHOLDERS: [&str; 3] = ["namespace", "name", WILDCARD];
/// Stands for what the first wildcard of the target's `paths` stands for.
pub(super) const WILDCARD: &str = "1";

impl OutputTemplate {
    /// The path below the configuration's folder that is used when no other is configured.
    pub fn default_for(format: Format) -> Self {
        Self(match format {
            Format::Sops => "pull-secrets/{namespace}/{name}.sops.yaml".to_owned(),
            Format::Age => "pull-secrets/{namespace}/{name}.yaml.age".to_owned(),
        })
    }

    /// Checks a text for use with one configured secret or with several.
    pub(super) fn parse(text: &str, format: Format, several_secrets: bool) -> Result<Self, OutputError> {
        let pieces = pieces(text).map_err(OutputError::Brace)?;
        let mut placeholders = pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(name) => Some(*name),
            Piece::Text(_) => None,
        });
        if let Some(unknown) = placeholders.clone().find(|name| !PLACEHOLDERS.contains(name)) {
            return Err(OutputError::Unknown(unknown.to_owned()));
        }
        // No value of a placeholder has a slash or begins with a dot, so the text itself tells where the path leads.
        if let Some(objection) = objection_to_path(text) {
            return Err(OutputError::Path(objection));
        }
        if !placeholders.clone().any(|name| name == "namespace") {
            return Err(OutputError::Missing("namespace"));
        }
        if several_secrets && !placeholders.any(|name| name == "name") {
            return Err(OutputError::Missing("name"));
        }
        if several_secrets && !are_told_apart(&pieces) {
            return Err(OutputError::Ambiguous);
        }
        // Such a folder holds nothing of another cluster.
        let shares =
            |step: &str| step.contains("{1}") && (step.contains("{namespace}") || step.contains("{name}"));
        if text.split('/').any(shares) {
            return Err(OutputError::Shared);
        }
        if format == Format::Sops && !text.ends_with(".yaml") && !text.ends_with(".yml") {
            return Err(OutputError::NotYaml);
        }
        Ok(Self(text.to_owned()))
    }

    /// The path of a Secret.
    pub fn path(&self, namespace: &str, name: &str) -> String {
        let pieces = pieces(&self.0).unwrap_or_default();
        let fill = |piece: &Piece<'_>| match *piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Placeholder("namespace") => namespace.to_owned(),
            Piece::Placeholder(_) => name.to_owned(),
        };
        pieces.iter().map(fill).collect()
    }

    /// Whether it says `{1}`.
    pub fn varies(&self) -> bool {
        self.0.contains("{1}")
    }

    /// The template with `text` in place of `{1}`.
    #[must_use]
    pub fn with_wildcard(&self, text: &str) -> Self {
        Self(self.0.replace("{1}", text))
    }

    /// Tells which paths can be those of a Secret. Made once, asked often.
    pub fn matcher(&self) -> impl Fn(&str) -> bool + use<> {
        let pieces = pieces(&self.0).unwrap_or_default();
        let mut expression = String::from(r"\A");
        for piece in pieces {
            expression += &match piece {
                Piece::Text(text) => regex::escape(text),
                Piece::Placeholder("namespace") => "[a-z0-9-]+".to_owned(),
                Piece::Placeholder(WILDCARD) => "[^/]+".to_owned(),
                Piece::Placeholder(_) => "[a-z0-9.-]+".to_owned(),
            };
        }
        let expression = regex::Regex::new(&(expression + r"\z")).ok();
        move |path| expression.as_ref().is_some_and(|expression| expression.is_match(path))
    }

    /// The folder that all its paths have in common, without a slash at the end; empty: the configuration's folder.
    pub fn common_folder(&self) -> &str {
        let fixed = &self.0[..self.0.find('{').unwrap_or(self.0.len())];
        fixed.rfind('/').map_or("", |slash| &fixed[..slash])
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a path leads back to one namespace and one name.
///
/// What neither of them can hold divides the path into parts. A part that holds one of them tells it, and then any
/// other part tells the other; a part that holds one of each does when there is a dot between, which no namespace has.
fn are_told_apart(pieces: &[Piece<'_>]) -> bool {
    const NAMESPACE: char = '\u{1}';
    const NAME: char = '\u{2}';
    let mut skeleton = String::new();
    for piece in pieces {
        match *piece {
            Piece::Text(text) => skeleton += text,
            // A step of its own, which tells nothing of the two.
            Piece::Placeholder(WILDCARD) => {}
            Piece::Placeholder("namespace") => skeleton.push(NAMESPACE),
            Piece::Placeholder(_) => skeleton.push(NAME),
        }
    }
    let is_placeholder = |character: char| matches!(character, NAMESPACE | NAME);
    let divides = |character: char| {
        !is_placeholder(character) && character != '.' && !u8::try_from(character).is_ok_and(is_label_byte)
    };
    skeleton.split(divides).any(|part| {
        let between: Vec<&str> = part.split(is_placeholder).collect();
        match (part.contains(NAMESPACE), part.contains(NAME)) {
            (true, true) => matches!(between[..], [_, between, _] if between.contains('.')),
            (namespace, name) => namespace || name,
        }
    })
}

impl OutputError {
    /// What to do about it.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Unknown(name) => match nearest(name, PLACEHOLDERS) {
                Some(meant) => format!("did you mean `{{{meant}}}`?"),
                None => "valid placeholders: `{namespace}`, `{name}`, `{1}`".to_owned(),
            },
            Self::Brace(_) => "valid placeholders: `{namespace}`, `{name}`, `{1}`".to_owned(),
            Self::Shared => {
                "let `{1}` have a folder of its own: `{1}/{namespace}/{name}.sops.yaml`".to_owned()
            }
            Self::Path(_) => "write a path below that folder, divided by `/`".to_owned(),
            Self::Missing("namespace") => "each namespace has Secrets of its own".to_owned(),
            Self::Missing(_) => "several secrets are configured".to_owned(),
            Self::Ambiguous => "put `/`, `_` or `.` between `{namespace}` and `{name}`".to_owned(),
            Self::NotYaml => "let it end in `.sops.yaml`, or set `format: age`".to_owned(),
        }
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Brace(error) => error.fmt(f),
            Self::Unknown(name) => write!(f, "unknown placeholder {}", quoted(&format!("{{{name}}}"))),
            Self::Path(objection) => f.write_str(objection),
            Self::Missing(name) => write!(f, "`{{{name}}}` is missing, so that Secrets would share a file"),
            Self::Shared => {
                f.write_str("`{1}` stands beside another placeholder, so that clusters could share a file")
            }
            Self::Ambiguous => f.write_str("different Secrets could get the same file"),
            Self::NotYaml => f.write_str("the name of a SOPS file does not end in `.yaml` or `.yml`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_filled_in() {
        let template =
            OutputTemplate::parse("clusters/prod/x-{namespace}/{name}.sops.yaml", Format::Sops, true);
        let template = template.unwrap();
        assert_eq!(template.path("shop", "acr"), "clusters/prod/x-shop/acr.sops.yaml");
        assert_eq!(template.common_folder(), "clusters/prod");
        let template = OutputTemplate::parse("{namespace}.yml", Format::Sops, false).unwrap();
        assert_eq!((template.path("a", "b").as_str(), template.common_folder()), ("a.yml", ""));
    }

    #[test]
    fn the_defaults_are_valid() {
        for format in [Format::Sops, Format::Age] {
            let template = OutputTemplate::default_for(format);
            assert_eq!(OutputTemplate::parse(template.as_str(), format, true), Ok(template));
        }
    }

    #[test]
    fn two_secrets_never_share_a_file() {
        for (text, apart) in [
            ("{namespace}/{name}.yaml", true),
            ("{name}/{namespace}.yaml", true),
            ("{namespace}_{name}.yaml", true),
            ("{namespace}.{name}.yaml", true),
            ("{name}.{namespace}.yaml", true),
            ("{namespace}-{name}/{name}.yaml", true),
            ("{namespace}-{name}.yaml", false),
            ("{namespace}{name}.yaml", false),
            ("{namespace}-{name}/{namespace}-{name}.yaml", false),
            ("{name}.{namespace}-{name}.yaml", false),
            ("x/{name}-and-{namespace}/y.yaml", false),
        ] {
            let expected = if apart { Ok(()) } else { Err(OutputError::Ambiguous) };
            assert_eq!(OutputTemplate::parse(text, Format::Sops, true).map(|_| ()), expected, "{text}");
            assert!(OutputTemplate::parse(text, Format::Sops, false).is_ok(), "{text}");
        }
    }

    #[test]
    fn refusals() {
        for (text, error) in [
            ("{namespace}/{nmae}.yaml", OutputError::Unknown("nmae".to_owned())),
            ("{namespace}/{name.yaml", OutputError::Brace(BraceError::Open)),
            ("x/{name}.yaml", OutputError::Missing("namespace")),
            ("x/{namespace}.yaml", OutputError::Missing("name")),
            ("{namespace}/{name}.json", OutputError::NotYaml),
            ("{namespace}/{name}", OutputError::NotYaml),
            ("../{namespace}/{name}.yaml", OutputError::Path("the path leaves the configuration's folder")),
        ] {
            assert_eq!(OutputTemplate::parse(text, Format::Sops, true), Err(error), "{text}");
        }
        assert!(OutputTemplate::parse("{namespace}/{name}.age", Format::Age, true).is_ok());
    }
}
