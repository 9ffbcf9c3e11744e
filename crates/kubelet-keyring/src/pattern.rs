//! Registry keys: which images an `auths` key serves, and which of several keys a kubelet tries first.
//!
//! Repeats `BasicDockerKeyring` of `k8s.io/kubernetes/pkg/credentialprovider`, where `Add` stores a key and `Lookup` reads the
//! stored form once more. Host labels are patterns, the path is a prefix of the text (`/pong` serves `/pongz`), ports must be
//! equal, capitals matter. What a key's credential is, and which Secret holds it, is not known here.

use super::glob::Glob;
use super::reference::{DOCKER_HUB, ImageRef};
use super::url;

pub use super::url::KeyError;

/// The stored form of the key that a kubelet falls back to for images of Docker Hub.
const FALLBACK: &[u8] = b"index.docker.io";

/// One key of an `auths` object, or one entry of a configured secret's `registries`.
///
/// Two keys are equal when a kubelet stores them under the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegistryKey {
    /// Host, port and path as the kubelet stores and sorts them: without scheme, user, `/v1` and `/v2`, and without escapes.
    stored: Vec<u8>,
    /// The stored form read as a URL again. `None` when that fails, and the key matches nothing: resolved escapes can do it.
    rule: Option<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Rule {
    host: Host,
    /// Digits; empty without a port.
    port: Vec<u8>,
    /// Empty, or begins with `/`.
    path: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Host {
    /// Nothing in it is special. Most keys are like this, and every image is held against every key.
    Exact(Vec<u8>),
    /// A pattern for each part between dots.
    Labels(Vec<Glob>),
}

impl RegistryKey {
    /// Reads a key. An error means that a kubelet leaves the key out, with no more than a line in its log.
    pub fn parse(key: &str) -> Result<Self, KeyError> {
        let schemeless = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
        let url = url::parse(schemeless.as_bytes())?;
        let path = match url.path.as_slice() {
            [b'/', b'v', b'1' | b'2', path @ ..] if path.starts_with(b"/") => path,
            path => path,
        };
        let mut stored = url.host;
        if path != b"/" {
            stored.extend_from_slice(path);
        }
        let rule = Rule::parse(&stored);
        Ok(Self { stored, rule })
    }

    /// The key to write into an `auths` object for all images of a registry.
    ///
    /// `registry` is that of an [`ImageRef`]. The key serves its images, with one exception that nothing can help: a kubelet
    /// recognises an IPv6 address only together with a port.
    pub fn auths_key(registry: &str) -> &str {
        if registry == DOCKER_HUB { "https://index.docker.io/v1/" } else { registry }
    }

    /// Whether a kubelet that has this key and no other would use it for the image.
    pub fn matches(&self, image: &ImageRef<'_>) -> bool {
        self.serves(image) || (self.is_fallback() && may_fall_back(image))
    }

    /// Whether the key may match once a placeholder at the end of the path is filled in, though it does not match what is written.
    pub fn may_match(&self, image: &ImageRef<'_>) -> bool {
        image.is_open()
            && !self.matches(image)
            && self.rule.as_ref().is_some_and(|rule| rule.may_match(image))
    }

    fn serves(&self, image: &ImageRef<'_>) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.matches(image))
    }

    fn is_fallback(&self) -> bool {
        self.stored == FALLBACK
    }
}

/// Whether a secret with these keys is needed to pull the image: one of them matches, or there is none and the secret is for
/// every image. `None` stands for a text that is no image reference; only a secret for every image goes with it.
pub fn needed(keys: &[RegistryKey], image: Option<&ImageRef<'_>>) -> bool {
    keys.is_empty() || image.is_some_and(|image| keys.iter().any(|key| key.matches(image)))
}

/// The keyring's answer: positions of the keys whose credentials a kubelet tries for the image, in its order.
///
/// The order is that of the stored keys, greatest first, so that a path comes before its host; keys that are stored alike keep
/// the order given. Docker Hub's own key is left for when nothing else serves the image. A kubelet puts the keys of all pull
/// secrets of a pod into one keyring, so ask with all of them at once to learn which credential wins.
pub fn lookup<'k>(keys: impl IntoIterator<Item = &'k RegistryKey>, image: &ImageRef<'_>) -> Vec<usize> {
    let mut serving: Vec<(usize, &RegistryKey)> = Vec::new();
    let mut fallback = Vec::new();
    for (position, key) in keys.into_iter().enumerate() {
        if key.serves(image) {
            serving.push((position, key));
        } else if key.is_fallback() {
            fallback.push(position);
        }
    }
    if serving.is_empty() && may_fall_back(image) {
        return fallback;
    }
    serving.sort_by(|(_, a), (_, b)| b.stored.cmp(&a.stored));
    serving.into_iter().map(|(position, _)| position).collect()
}

/// The kubelet's test for Docker Hub is by looks: besides `docker.io` itself every registry without dot and port passes, which
/// `localhost` and hosts in capitals are.
fn may_fall_back(image: &ImageRef<'_>) -> bool {
    image.registry() == DOCKER_HUB || !image.registry().contains(['.', ':'])
}

impl Rule {
    fn parse(stored: &[u8]) -> Option<Self> {
        let url = url::parse(stored).ok()?;
        let (host, port) = url::split_port(&url.host);
        Some(Self { host: Host::parse(host)?, port: port.to_vec(), path: url.path })
    }

    fn matches(&self, image: &ImageRef<'_>) -> bool {
        let Some((host, port)) = host_and_port(image) else { return false };
        let path_is_prefix = match self.path.as_slice() {
            [] => true,
            [_slash, path @ ..] => image.repository().as_bytes().starts_with(path),
        };
        path_is_prefix && self.port == port.as_bytes() && self.host.matches(host)
    }

    /// Whether the path of the key goes on where the image's literal beginning ends.
    fn may_match(&self, image: &ImageRef<'_>) -> bool {
        let Some((host, port)) = host_and_port(image) else { return false };
        let path = self.path.strip_prefix(b"/").unwrap_or_default();
        path.starts_with(image.repository().as_bytes())
            && self.port == port.as_bytes()
            && self.host.matches(host)
    }
}

impl Host {
    fn parse(host: &[u8]) -> Option<Self> {
        if host.iter().any(|b| b"*[".contains(b)) {
            host.split(|&b| b == b'.').map(Glob::new).collect::<Option<_>>().map(Self::Labels)
        } else {
            Some(Self::Exact(host.to_vec()))
        }
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(wanted) => wanted == host.as_bytes(),
            Self::Labels(labels) => {
                let mut parts = host.split('.');
                labels.iter().all(|label| parts.next().is_some_and(|part| label.matches(part)))
                    && parts.next().is_none()
            }
        }
    }
}

/// The host and port that a kubelet compares with those of a key: brackets come off in front of a port alone. `None` for brackets
/// without an IPv6 address: the grammar of images lets them pass, but the kubelet reads an image as a URL too.
fn host_and_port<'i>(image: &'i ImageRef<'_>) -> Option<(&'i str, &'i str)> {
    let (host, port) = (image.host(), image.port());
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) if !url::is_ipv6(address.as_bytes()) => None,
        Some(address) => Some(port.map_or((host, ""), |port| (address, port))),
        None => Some((host, port.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> ImageRef<'_> {
        ImageRef::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn key(text: &str) -> RegistryKey {
        RegistryKey::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn matches(pattern: &str, text: &str) -> bool {
        key(pattern).matches(&image(text))
    }

    /// The keys that serve an image, in the kubelet's order.
    fn tried<'k>(keys: &[&'k str], text: &str) -> Vec<&'k str> {
        let ring: Vec<RegistryKey> = keys.iter().map(|text| key(text)).collect();
        lookup(&ring, &image(text)).into_iter().map(|position| keys[position]).collect()
    }

    /// The cases of the kubelet's own test of its keyring; where a case there is a bare host, an image stands below it here.
    #[test]
    fn labels_are_patterns_and_paths_are_prefixes() {
        for (pattern, text) in [
            ("*.kubernetes.io", "prefix.kubernetes.io/app"),
            ("prefix.*.io", "prefix.kubernetes.io/app"),
            ("prefix.kubernetes.*", "prefix.kubernetes.io/app"),
            ("*-good.kubernetes.io", "prefix-good.kubernetes.io/app"),
            ("*.kubernetes.io/blah", "prefix.kubernetes.io/blah"),
            ("prefix.*.io/foo", "prefix.kubernetes.io/foo/bar"),
            ("*.kubernetes.io:1111", "prefix.kubernetes.io:1111/app"),
            ("*.kubernetes.io:1111/blah", "prefix.kubernetes.io:1111/blah"),
            ("prefix.*.io:1111/foo", "prefix.kubernetes.io:1111/foo/bar"),
            ("*.*.*.kubernetes.io", "a.b.c.kubernetes.io/app"),
            ("*kubernetes.io", "kubernetes.io/app"),
            ("https://quay.io/v1/", "quay.io/foo"),
            ("https://*.docker.io/v1/", "prefix.docker.io/foo"),
            ("https://*.docker.io/v2/", "prefix.docker.io/foo"),
            ("https://prefix.docker.*/path", "prefix.docker.io/path/foo"),
            ("https://prefix.*.io:8888", "prefix.docker.io:8888/foo/bar"),
        ] {
            assert!(matches(pattern, text), "{pattern} serves {text}");
        }
        for (pattern, text) in [
            ("*.kubernetes.io", "kubernetes.io/app"),
            ("*.*.kubernetes.io", "prefix.kubernetes.io/app"),
            ("*.*.kubernetes.io", "kubernetes.io/app"),
            ("*kubernetes.io", "a.kubernetes.io/app"),
            ("prefix.kubernetes", "prefix.kubernetes.io/app"),
            ("kubernetes.io", "kubernetes.com/app"),
            ("k*.io", "quay.io/app"),
            ("*.kubernetes.io", "prefix.kubernetes.io:1111/app"),
            ("*.kubernetes.io:1234/blah", "prefix.kubernetes.io:1111/blah"),
            ("prefix.*.io/foo", "prefix.kubernetes.io:1111/foo/bar"),
            ("https://prefix.*.io/path:1111", "prefix.docker.io/path/subpath:1111"),
            ("https://hello.kubernetes.io", "world.mesos.org/foo/bar"),
            ("https://prefix.docker.c*", "prefix.docker.io/foo"),
        ] {
            assert!(!matches(pattern, text), "{pattern} does not serve {text}");
        }
    }

    #[test]
    fn longer_paths_come_before_their_host() {
        let keys = ["bar.example.com", "bar.example.com/pong"];
        for text in ["bar.example.com/pong", "bar.example.com/pongz", "bar.example.com/pong/pang"] {
            assert_eq!(tried(&keys, text), ["bar.example.com/pong", "bar.example.com"], "{text}");
        }
        assert_eq!(tried(&keys, "bar.example.com/ping"), ["bar.example.com"]);
        for text in ["example.com", "example.com/pong", "foo.example.com/pong"] {
            assert!(tried(&keys, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn keys_that_are_stored_alike_keep_their_order() {
        let keys = ["quay.io/v3", "http://quay.io/v2/", "*.io", "https://quay.io", "quay.io/v1/"];
        assert_eq!(
            tried(&keys, "quay.io/app"),
            ["http://quay.io/v2/", "https://quay.io", "quay.io/v1/", "*.io"]
        );
        assert_eq!(key("http://user@quay.io/v2/?q#f"), key("quay.io"));
    }

    #[test]
    fn docker_hub_is_the_last_resort() {
        const HUB: &str = "https://index.docker.io/v1/";
        let by_looks =
            ["foo", "foo/bar", "docker.io/foo/bar", "index.docker.io/foo/bar", "localhost/foo", "Host/foo"];
        for text in by_looks {
            assert!(matches(HUB, text), "{text}");
        }
        for text in ["registry.tld/foo", "registry:5000/foo", "myhostdocker.io/foo", "localhost:5000/foo"] {
            assert!(!matches(HUB, text), "{text}");
        }
        for pattern in ["docker.io", "docker.io/library", "*.io/lib"] {
            assert!(matches(pattern, "nginx"), "{pattern}");
            assert_eq!(tried(&[HUB, pattern], "nginx"), [pattern]);
        }
        for pattern in [
            "registry-1.docker.io",
            "index.docker.io/library",
            "index.docker.io:443",
            "index.docker.*",
            "Index.docker.io",
        ] {
            assert!(!matches(pattern, "nginx"), "{pattern}");
        }
        assert_eq!(tried(&["index.docker.io", "quay.io", HUB], "nginx"), ["index.docker.io", HUB]);
    }

    #[test]
    fn stored_keys_are_read_a_second_time() {
        assert!(matches("reg.io/a%2Fb", "reg.io/a/bc"));
        assert!(matches("reg.io/a%3Fb", "reg.io/abc"), "an escaped `?` begins a query the second time");
        assert!(matches("reg.io/%76%31/a", "reg.io/abc"), "`/v1/` is taken off after escapes are resolved");
        for pattern in ["reg.io/%25zz", "reg.io/%0A", "*%25.io", "[::1%25eth0]:80"] {
            assert_eq!(key(pattern).rule, None, "{pattern}");
        }
    }

    #[test]
    fn addresses_need_a_port() {
        assert!(matches("[fe80::1]:5000", "[fe80::1]:5000/app"));
        assert!(matches("*:5000", "[fe80::1]:5000/app"));
        assert!(!matches("[fe80::1]:5000", "[FE80::1]:5000/app"));
        assert!(!matches("[fe80::1]", "[fe80::1]/app"));
        assert!(matches("*", "[fe80::1]/app") && matches("*]", "[fe80::1]/app"));
        assert!(!matches("*", "[:]/app"), "the grammar of images lets it pass, that of URLs does not");
        assert!(matches("[::A]", "A/app"), "brackets without a port are a character class");
    }

    #[test]
    fn odd_keys_match_what_they_say() {
        assert!(matches("quay.io:", "quay.io/app"), "no digits are no port");
        assert!(matches("quay.io/", "quay.io/app") && !matches("quay.io//", "quay.io/app"));
        assert!(!matches("quay.io:443", "quay.io/app") && !matches("quay.io/APP", "quay.io/app"));
        assert!(!matches("HTTPS://quay.io", "quay.io/app") && !matches("Quay.io", "quay.io/app"));
        assert!(
            matches("quay.io/v1", "quay.io/v1/app") && !matches("quay.io/v1", "quay.io/app"),
            "no slash, no version"
        );
        assert!(matches("my_registry.io", "my_registry.io/app"));
        for pattern in ["", "/", "/app", "https://"] {
            assert!(!matches(pattern, "app"), "{pattern}");
        }
    }

    #[test]
    fn a_secret_without_keys_is_for_everything() {
        let quay = [key("quay.io")];
        assert!(needed(&[], Some(&image("nginx"))) && needed(&[], None));
        assert!(needed(&quay, Some(&image("quay.io/app"))));
        assert!(!needed(&quay, Some(&image("nginx"))) && !needed(&quay, None));
    }

    #[test]
    fn auths_keys_serve_their_registry() {
        for text in [
            "nginx",
            "org/app:1",
            "quay.io/app",
            "reg.io:5000/app",
            "localhost/app",
            "my_registry.io/a",
            "[::1]:80/a",
        ] {
            let image = image(text);
            assert!(key(RegistryKey::auths_key(image.registry())).matches(&image), "{text}");
        }
        assert_eq!(RegistryKey::auths_key("docker.io"), "https://index.docker.io/v1/");
        assert_eq!(RegistryKey::auths_key("reg.io:5000"), "reg.io:5000");
    }
}
