//! Images that a text names although no pod spec of the repository has them: in values of charts above all.
//!
//! Goes by the names of keys, as charts use them: `image: registry/name:tag`, or `registry`, `repository` and `tag` beside each other. Owns
//! no judgement: whether the image is pulled, and with what, is not told by values.

use lossless_yaml::parse::{Node, parse};
use lossless_yaml::span::Span;

/// What a text names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Images, and the byte where each stands.
    pub images: Vec<(String, usize)>,
    /// Names below a key for pull secrets.
    pub pull_secrets: Vec<String>,
}

/// What stands for the part of an image that a text leaves open.
pub const OPEN: &str = "<unknown>";

/// Everything that a YAML text names; nothing of what is no YAML.
pub fn named(text: &str) -> Named {
    let mut named = Named::default();
    // Texts inside of a text: `values: |`. No real file goes deeper.
    let mut inner = Vec::new();
    read(text, None, &mut named, &mut inner);
    for (text, at) in inner {
        read(&text, Some(at), &mut named, &mut Vec::new());
    }
    named.images.sort_by_key(|(_, at)| *at);
    named
}

/// Adds what a text names, at the place that it has itself or everything in one; `inner` gets the texts inside of it.
fn read(text: &str, at: Option<usize>, named: &mut Named, inner: &mut Vec<(String, usize)>) {
    let place = |node: Node<'_, '_>| at.unwrap_or(node.span().start);
    for document in parse(text, Span { start: 0, end: text.len() }).unwrap_or_default() {
        for node in document.nodes() {
            if node.is_mapping() {
                if node.pairs().any(|(key, _)| key.as_str().is_some_and(may_name)) {
                    mapping(node, &place, named);
                }
            } else if let Some(text) = node.as_str().filter(|text| text.contains('\n') && text.contains(": "))
            {
                inner.push((text.to_owned(), place(node)));
            }
        }
    }
}

/// Whether a key may be one that [`mapping`] goes by: most are not, and are told by their end.
fn may_name(key: &str) -> bool {
    let ends = |end: &str| {
        let at = key.len().checked_sub(end.len());
        at.is_some_and(|at| key.as_bytes()[at..].eq_ignore_ascii_case(end.as_bytes()))
    };
    key == "value"
        || ["image", "images", "repository", "registry"].into_iter().any(ends)
        || is_pull_secret(key)
}

fn mapping(node: Node<'_, '_>, place: &dyn Fn(Node<'_, '_>) -> usize, named: &mut Named) {
    let text = |key: &str| node.get(key).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    let parts = ["repository", "image", "name"].into_iter().find_map(|key| {
        let value = node.get(key)?;
        let name = value.as_str().filter(|name| !name.is_empty())?;
        let beside = ["registry", "tag", "digest", "pullPolicy"].iter().any(|key| node.get(key).is_some());
        // A name beside a tag may be anything.
        (beside && (key != "name" || text("registry").is_some())).then_some((value, name))
    });
    if let Some((value, name)) = parts {
        let registry = text("registry").map(|registry| format!("{}/", registry.trim_end_matches('/')));
        let has_tag = name.rsplit('/').next().is_some_and(|end| end.contains([':', '@']));
        let end = match (text("tag"), text("digest")) {
            _ if has_tag => String::new(),
            (_, Some(digest)) => format!("@{digest}"),
            (Some(tag), None) => format!(":{tag}"),
            (None, None) => String::new(),
        };
        let image = format!("{}{name}{end}", registry.unwrap_or_default());
        named.images.extend(is_image(&image).then(|| (image, place(value))));
    }
    for (key, value) in node.pairs() {
        let Some(key) = key.as_str() else { continue };
        let value = value.resolved();
        if is_pull_secret(key) {
            named.pull_secrets.extend(value_texts(value));
        }
        // A parameter of Argo CD: `name: image.repository`, `value: …`.
        let (key, value) = match (key, node.str_at("name"), node.get("value")) {
            ("value", Some(name), Some(value)) => (name.rsplit('.').next().unwrap_or(name), value),
            _ => (key, value),
        };
        let key = key.to_ascii_lowercase();
        if key == "images" {
            let items = value.items().filter_map(|item| Some((item, item.as_str()?)));
            named.images.extend(
                items.filter(|(_, text)| is_full(text)).map(|(item, text)| (text.to_owned(), place(item))),
            );
        }
        let Some(text) = value.as_str() else { continue };
        if parts.is_some_and(|(part, _)| part == value) {
            continue;
        }
        if key.ends_with("image") && is_image(text) || key.ends_with("repository") && is_full(text) {
            named.images.push((text.to_owned(), place(value)));
        } else if key.ends_with("registry") && parts.is_none() && has_host(text) {
            let text = text.trim_end_matches('/');
            named.images.push((format!("{text}/{OPEN}"), place(value)));
        }
    }
}

fn is_pull_secret(key: &str) -> bool {
    if key.len() < "pullsecret".len() {
        return false;
    }
    let key = key.to_ascii_lowercase();
    key.contains("pullsecret") || key.contains("registrysecret")
}

/// Every text below a node.
fn value_texts(node: Node<'_, '_>) -> Vec<String> {
    let mut texts = Vec::new();
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        texts.extend(node.as_str().map(str::to_owned));
        waiting.extend(
            node.items().chain(node.pairs().map(|(_, value)| value)).filter(|node| node.resolved() == *node),
        );
    }
    texts
}

fn is_image(text: &str) -> bool {
    !text.contains("://") && !text.contains(char::is_whitespace) && text.contains(['/', ':'])
}

/// Whether a text is an image with the host of its registry.
pub(super) fn is_full(text: &str) -> bool {
    is_image(text) && text.split_once('/').is_some_and(|(host, _)| has_host(host))
}

/// Whether it begins with what only a host can be.
fn has_host(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or_default();
    !text.contains("://")
        && !text.contains(char::is_whitespace)
        && host.contains('.')
        && !host.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(text: &str) -> Vec<String> {
        named(text).images.into_iter().map(|(image, _)| image).collect()
    }

    #[test]
    fn images_are_found_as_charts_write_them() {
        for (text, expected) in [
            ("java: {image: 'a.io/b/c:1'}\n", &["a.io/b/c:1"][..]),
            ("image: {registry: a.io, repository: b/c, tag: '2'}\n", &["a.io/b/c:2"]),
            ("image: {repository: a.io/b, tag: v1, digest: 'sha256:1'}\n", &["a.io/b@sha256:1"]),
            ("image: {registry: a.io, name: b}\n", &["a.io/b"]),
            ("global: {imageRegistry: a.io}\n", &["a.io/<unknown>"]),
            ("parameters:\n- {name: web.image.repository, value: a.io/b}\n", &["a.io/b"]),
            ("values: |\n  image: a.io/b:1\n  x: 1\n", &["a.io/b:1"]),
            ("images: [a.io/b:1, plain]\n", &["a.io/b:1"]),
            ("sidecarImage: acme/app:1\n", &["acme/app:1"]),
            ("repository: acme/app\n", &[]),
            ("chart: {repository: 'https://a.io/charts'}\n", &[]),
            ("image: latest\n", &[]),
            ("name: app\ntag: '1'\n", &[]),
            ("image: [\n", &[]),
        ] {
            assert_eq!(images(text), expected, "{text}");
        }
    }

    #[test]
    fn pull_secrets_are_found_whatever_their_form() {
        for text in [
            "imagePullSecrets: [{name: reg}]\n",
            "image: {pullSecrets: [reg]}\n",
            "v: |\n  imagePullSecret: reg\n  a: 1\n",
        ] {
            assert_eq!(named(text).pull_secrets, ["reg"], "{text}");
        }
    }

    #[test]
    fn an_image_stands_where_it_is_written() {
        assert_eq!(named("a:\n  image: b.io/c\n").images, [("b.io/c".to_owned(), 12)]);
    }
}
