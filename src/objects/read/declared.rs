//! Namespaces that a repository declares by a `Namespace` object: others may deploy to them.

use crate::objects::object::Object;
use lossless_yaml::parse::Node;
use lossless_yaml::path::Path;
use lossless_yaml::span::Position;

/// Whether objects of a kind declare a namespace.
pub(super) fn is_namespace(api_version: &str, kind: &str) -> bool {
    (api_version, kind) == ("v1", "Namespace")
}

/// The namespace that an object declares; none when its name is yet to be filled in.
pub(super) fn namespace(object: Node<'_, '_>, place: (usize, Path, Position)) -> Option<Object> {
    let name = object.path(&["metadata", "name"]).and_then(Node::as_str)?;
    let is_name = !name.is_empty() && !name.contains(['{', '$']);
    is_name.then(|| Object::bare("v1", "Namespace", name, place))
}
