//! A stream of manifests as a cluster tool takes it: which documents are Kubernetes objects.
//!
//! Used where every document counts: what a parser does not read is told without one, or refused.

use crate::objects::object::group;
use lossless_yaml::obvious::plain_values;
use lossless_yaml::parse::parse;
use lossless_yaml::span::{LineIndex, Position};
use lossless_yaml::split::split;

/// One document of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'t> {
    /// An object, as it is written, without its marker line.
    Object(&'t str),
    /// An object that SOPS encrypted: applied as it is it would be broken.
    Encrypted {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// As it is written, without its marker line.
        text: &'t str,
    },
    /// No object for a cluster: values, kustomizations, whatever is marked as local configuration.
    Local,
}

/// The documents of `text` in order.
///
/// # Errors
/// Where and why a document is no YAML; nothing may be lost in silence.
pub fn parts(text: &str) -> Result<Vec<Part<'_>>, (Position, String)> {
    let mut parts = Vec::new();
    for slice in split(text) {
        if let Some(object) = plain_object(slice.span.of(text)) {
            parts.push(Part::Object(without_marker(object)));
            continue;
        }
        let documents = parse(text, slice.span)
            .map_err(|error| (LineIndex::new(text).position(error.offset), error.reason))?;
        let refuse = |reason: &str| (LineIndex::new(text).position(slice.span.start), reason.to_owned());
        if documents.len() > 1 {
            return Err(refuse("the end of a document cannot be told"));
        }
        let body = without_directives(slice.span.of(text))
            .ok_or_else(|| refuse("a document with a `%TAG` directive cannot be part of a stream"))?;
        let body = without_marker(body);
        for document in &documents {
            let Some(root) = document.root() else { continue };
            let (Some(api_version), Some(kind)) = (root.str_at("apiVersion"), root.str_at("kind")) else {
                parts.push(Part::Local);
                continue;
            };
            let annotation =
                |key| root.path(&["metadata", "annotations", key]).and_then(|node| node.as_str());
            let name = root.path(&["metadata", "name"]).and_then(|node| node.as_str()).unwrap_or_default();
            parts.push(if root.path(&["sops", "mac"]).is_some() {
                Part::Encrypted { kind: kind.to_owned(), name: name.to_owned(), text: body }
            } else if matches!(group(api_version), "kustomize.config.k8s.io" | "pullcred.dev")
                || annotation("config.kubernetes.io/local-config") == Some("true")
            {
                Part::Local
            } else {
                Part::Object(body)
            });
        }
    }
    Ok(parts)
}

/// A document that is an object for a cluster, as can be told without a parser.
fn plain_object(text: &str) -> Option<&str> {
    // Encrypted ones, and those that are marked as local, are told by more than what stands at the root.
    if text.contains("sops") || text.contains("local-config") {
        return None;
    }
    let [api_version, kind] = plain_values(text, ["apiVersion", "kind"])?;
    kind?;
    let ours = matches!(group(api_version?), "kustomize.config.k8s.io" | "pullcred.dev");
    (!ours).then_some(text)
}

/// A document without the `%YAML` line before its marker, which would end the document before. None if it has other
/// directives: its tags would lose their meaning.
fn without_directives(slice: &str) -> Option<&str> {
    let mut rest = slice.strip_prefix('\u{feff}').unwrap_or(slice);
    let mut directives = false;
    loop {
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        match line.as_bytes().first() {
            Some(b'%') if !line.starts_with("%YAML") => return None,
            Some(b'%') => directives = true,
            Some(b'#' | b'\r' | b'\n') => {}
            _ if directives => return Some(rest),
            _ => return Some(slice),
        }
        rest = &rest[line.len()..];
    }
}

/// A document without the `---` of its marker line; what stands behind the marker stays.
fn without_marker(slice: &str) -> &str {
    let slice = slice.strip_prefix('\u{feff}').unwrap_or(slice);
    let Some(rest) = slice.strip_prefix("---") else { return slice };
    let rest = rest.trim_start_matches([' ', '\t']);
    rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')).unwrap_or(rest)
}
