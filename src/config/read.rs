//! From text to a [`Config`] or to everything that is wrong with the text.
//!
//! YAML and head first, then types, then meaning: a stage only starts when the one before found nothing, because what it
//! would say of a broken object helps nobody.

use super::check::{Checker, ConfigError};
use super::model::{API_VERSION, Config, KIND};
use super::stored;
use lossless_yaml::de;
use lossless_yaml::nearest::quoted;
use lossless_yaml::parse::{Node, parse};
use lossless_yaml::span::{LineIndex, Span};

impl Config {
    /// Reads and checks a configuration file.
    ///
    /// `codes` are those of all findings.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn parse(text: &str, codes: &[&str]) -> Result<Self, Vec<ConfigError>> {
        let error = |offset: usize, message: String, hint: Option<&str>| {
            let position = LineIndex::new(text).position(offset);
            vec![ConfigError { position, message, hint: hint.map(str::to_owned) }]
        };
        let documents = parse(text, Span::new(0, text.len()))
            .map_err(|problem| error(problem.offset, format!("no YAML: {problem}"), None))?;
        if let Some(second) = documents.get(1) {
            let offset = second.root().map_or(text.len(), |root| root.span().start);
            let message = "a second document follows the configuration".to_owned();
            return Err(error(offset, message, Some("keep one object in the file")));
        }
        match documents.first().and_then(|document| document.root()) {
            Some(root) if !root.is_null() => Self::from_node(root, codes),
            _ => Err(error(0, "the configuration is empty".to_owned(), Some("`pullcred init` writes one"))),
        }
    }

    /// Checks a configuration object that is part of a larger file, as the `functionConfig` of a KRM function is.
    ///
    /// # Errors
    /// Everything that is wrong with it, by positions in that file.
    pub fn from_node(node: Node<'_, '_>, codes: &[&str]) -> Result<Self, Vec<ConfigError>> {
        let mut checker = Checker::new(node.document().text());
        for (key, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
            let Some(value) = node.get(key) else { continue };
            let Some(text) = value.as_str().filter(|text| *text != expected) else { continue };
            let hint = format!("this program reads `{expected}`");
            checker.error_at(value.span().start, format!("unknown {key} {}", quoted(text)), Some(hint));
        }
        checker.verdict()?;
        let object: Result<stored::Object, _> = de::from_node_reporting_all(node);
        let object = object.map_err(|errors| {
            errors.iter().for_each(|e| checker.error_at(e.offset(), e.to_string(), e.hint()));
            checker.verdict().err().unwrap_or_default()
        })?;
        let config = checker.object(object, codes);
        checker.verdict()?;
        Ok(config)
    }
}
