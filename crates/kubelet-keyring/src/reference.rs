//! Image references: the text of an `image:` field, taken apart as the container runtime does it.
//!
//! Follows `github.com/distribution/reference` (`ParseNormalizedNamed`) and `ParseImageName` of `k8s.io/kubernetes/pkg/util/parsers`.
//! A kubelet starts no pull of an image that these refuse (`InvalidImageName`), so it never looks for a credential: such an image
//! matches no registry. Templates that were not filled in (`${IMAGE}`, `ko://…`) are refused here like everything else.

use std::borrow::Cow;
use std::fmt;

/// The registry of images that name none.
pub const DOCKER_HUB: &str = "docker.io";

/// The name of Docker Hub before it had this one; still accepted, and rewritten.
const DOCKER_INDEX: &str = "index.docker.io";

/// Longest repository, in bytes.
const REPOSITORY_MAX: usize = 255;

/// A valid image reference in canonical form: `nginx` is `docker.io/library/nginx` with the tag `latest`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageRef<'a> {
    registry: &'a str,
    /// How many bytes of the registry are its host.
    host_length: usize,
    repository: Cow<'a, str>,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
    /// Whether the repository may go on: its end is a placeholder.
    is_open: bool,
}

impl<'a> ImageRef<'a> {
    /// Reads a text that a pipeline has still to fill in: where only the tag, the digest or the end of the path is a placeholder
    /// (`${TAG}`, `$TAG`, `$(tag)`, `#{tag}#`, `<tag>`, `%TAG%`, `{{tag}}`, `@TAG@` and the like), registry and literal beginning are known.
    /// Any other text is read as [`ImageRef::parse`] reads it.
    ///
    /// # Errors
    /// That of [`ImageRef::parse`], where a placeholder leaves not even the registry.
    pub fn parse_open(image: &'a str) -> Result<Self, ReferenceError> {
        Self::parse(image).or_else(|error| Self::literal(image).ok_or(error))
    }

    /// What stands before the first placeholder.
    fn literal(image: &'a str) -> Option<Self> {
        let before = &image[..placeholder(image)?];
        let (path, last) = before.rsplit_once('/').map_or(("", before), |(path, last)| (path, last));
        if let Some(end) = last.find([':', '@']) {
            // `host:${PORT}/web` has its placeholder in the registry.
            let in_registry = path.is_empty() && image[before.len()..].contains('/');
            let name = &before[..before.len() - last.len() + end];
            let named = Self::parse(name).ok().filter(|_| !in_registry)?;
            return Some(Self { tag: None, ..named });
        }
        let (registry, repository) = split_registry(before);
        let length = host_length(registry);
        let is_literal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/._-".contains(&b);
        let is_known = !path.is_empty() && is_host(&registry[..length]) && is_port(&registry[length..]);
        (is_known && repository.bytes().all(is_literal)).then_some(Self {
            registry,
            host_length: length,
            repository: Cow::Borrowed(repository),
            tag: None,
            digest: None,
            is_open: true,
        })
    }

    /// Whether the repository may go on: its end is a placeholder that somebody fills in.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Reads the text of an `image:` field. Allocates only for Docker Hub's short names.
    pub fn parse(image: &'a str) -> Result<Self, ReferenceError> {
        if image.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if is_lower_hex(image, 64) {
            return Err(ReferenceError::ImageId);
        }
        let (registry, rest) = split_registry(image);
        let (named, digest) = split_off(rest, '@');
        let (repository, tag) = split_off(named, ':');

        // A first part such as `my_registry.io` is no host to the grammar; it passes as a part of the repository, and everybody
        // who then looks for the registry takes what stands before the first `/` all the same.
        let host_length = host_length(registry);
        let registry_is_host = is_host(&registry[..host_length]) && is_port(&registry[host_length..]);
        if !registry_is_host && !is_component(registry) {
            return Err(ReferenceError::Registry);
        }
        check_repository(repository)?;
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag);
        }
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(ReferenceError::Digest);
        }

        let repository = if registry == DOCKER_HUB && !repository.contains('/') {
            Cow::Owned(format!("library/{repository}"))
        } else {
            Cow::Borrowed(repository)
        };
        let length = if registry_is_host { 0 } else { registry.len() + 1 } + repository.len();
        if length > REPOSITORY_MAX {
            return Err(ReferenceError::TooLong);
        }
        let tag = if digest.is_none() { tag.or(Some("latest")) } else { tag };
        Ok(Self { registry, host_length, repository, tag, digest, is_open: false })
    }

    /// Host and port as written, `docker.io` for Docker Hub.
    pub fn registry(&self) -> &str {
        self.registry
    }

    /// The registry without its port; an IPv6 address stays in its brackets.
    pub fn host(&self) -> &str {
        &self.registry[..self.host_length]
    }

    /// The digits of the registry's port, if it has one.
    pub fn port(&self) -> Option<&str> {
        self.registry[self.host_length..].strip_prefix(':')
    }

    /// The path below the registry, with `library/` where Docker Hub implies it.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` where neither tag nor digest is written.
    pub fn tag(&self) -> Option<&str> {
        self.tag
    }

    /// The digest with its algorithm: `sha256:…`.
    pub fn digest(&self) -> Option<&str> {
        self.digest
    }

    /// What a kubelet looks up in its keyring: `registry/repository`.
    pub fn lookup_name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
}

/// Why a text is no image reference. A kubelet says `InvalidImageName` to all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceError {
    /// No text at all.
    Empty,
    /// 64 hexadecimal digits: how container engines write the id of a local image.
    ImageId,
    /// The part before the first `/` can be neither a host nor the beginning of a repository.
    Registry,
    /// The repository breaks the grammar.
    Repository,
    /// The repository would be valid in lower case.
    UpperCase,
    /// The repository has more than 255 bytes.
    TooLong,
    /// The part after `:` breaks the grammar.
    Tag,
    /// The part after `@` is not a digest that container runtimes can check.
    Digest,
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the image is empty",
            Self::ImageId => "64 hexadecimal digits are the id of an image, not its name",
            Self::Registry => "the part before the first `/` is not a registry",
            Self::Repository => {
                "a repository is made of lower-case letters and digits, with `.`, `_`, `__` or dashes between them"
            }
            Self::UpperCase => "a repository must be lower case",
            Self::TooLong => "a repository has at most 255 characters",
            Self::Tag => "a tag is made of at most 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two",
            Self::Digest => "a digest is `sha256:` and 64 lower-case hexadecimal digits (`sha384:` 96, `sha512:` 128)",
        })
    }
}

impl std::error::Error for ReferenceError {}

/// Where the first placeholder begins: a character that no reference has, or words between `@` or `__`.
fn placeholder(image: &str) -> Option<usize> {
    let special = image.find(|c: char| "$#<>%{}()!~*\\ ?=&+^|;,'\"`".contains(c) || c.is_control());
    let bracket = image.find('/').and_then(|at| Some(at + image[at..].find('[')?));
    let words = |mark: &str| {
        let start = image.find(mark)?;
        let inner = &image[start + mark.len()..];
        inner.find(mark).filter(|&end| end > 0).map(|_| start)
    };
    [special, bracket, words("@"), words("__")].into_iter().flatten().min()
}

/// Parts registry and rest, by looks alone: the first part is a registry when it could not be one of Docker Hub's names.
fn split_registry(image: &str) -> (&str, &str) {
    let Some((first, rest)) = image.split_once('/') else {
        return (DOCKER_HUB, image);
    };
    if first == DOCKER_INDEX {
        (DOCKER_HUB, rest)
    } else if first == "localhost"
        || first.contains(['.', ':'])
        || first.contains(|c: char| c.is_ascii_uppercase())
    {
        (first, rest)
    } else {
        (DOCKER_HUB, image)
    }
}

/// The text before the first `separator`, and the text after it if there is one.
fn split_off(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Where the host of a registry ends and its port, colon included, begins.
fn host_length(registry: &str) -> usize {
    match registry.find(']') {
        Some(close) if registry.starts_with('[') => close + 1,
        _ => registry.find(':').unwrap_or(registry.len()),
    }
}

/// A domain name, an IPv4 address, or something in brackets that has the looks of an IPv6 address.
fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'),
        None => text.split('.').all(is_label),
    }
}

/// Nothing, or a colon and a number.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// One part of a domain name.
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn check_repository(text: &str) -> Result<(), ReferenceError> {
    if text.split('/').all(is_component) {
        Ok(())
    } else if text.to_ascii_lowercase().split('/').all(is_component) {
        Err(ReferenceError::UpperCase)
    } else {
        Err(ReferenceError::Repository)
    }
}

/// One part of a repository: lower-case letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let mut rest = text;
    loop {
        let tail = rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        if tail.len() == rest.len() {
            return false;
        }
        if tail.is_empty() {
            return true;
        }
        rest = tail.trim_start_matches(['.', '_', '-']);
        let separator = &tail[..tail.len() - rest.len()];
        if !matches!(separator, "." | "_" | "__") && separator.contains(['.', '_']) {
            return false;
        }
    }
}

fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && !text.starts_with(['.', '-'])
}

/// The grammar of digests is wider, but what is not one of these three is refused in a second step (`opencontainers/go-digest`).
fn is_digest(text: &str) -> bool {
    match text.split_once(':') {
        Some(("sha256", hex)) => is_lower_hex(hex, 64),
        Some(("sha384", hex)) => is_lower_hex(hex, 96),
        Some(("sha512", hex)) => is_lower_hex(hex, 128),
        _ => false,
    }
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:2d4e459f4ecb5329407ae3e47cbc107a2fbace221354ca75960af4c047b3cb13";

    /// Lookup name, tag and digest of a valid reference, joined by spaces.
    fn parts(image: &str) -> String {
        let parsed = ImageRef::parse(image).unwrap_or_else(|error| panic!("{image}: {error}"));
        [Some(parsed.lookup_name().as_str()), parsed.tag(), parsed.digest()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn error(image: &str) -> ReferenceError {
        ImageRef::parse(image).expect_err(image)
    }

    #[test]
    fn short_names_are_docker_hub() {
        for image in ["nginx", "docker.io/nginx", "index.docker.io/nginx", "library/nginx"] {
            assert_eq!(parts(image), "docker.io/library/nginx latest");
        }
        assert_eq!(parts("org/app"), "docker.io/org/app latest");
        assert_eq!(parts("index.docker.io/org/app:1"), "docker.io/org/app 1");
        assert_eq!(parts("localhost"), "docker.io/library/localhost latest");
        assert_eq!(parts("registry.example.com"), "docker.io/library/registry.example.com latest");
        assert_eq!(parts("registry:5000"), "docker.io/library/registry 5000");
    }

    #[test]
    fn a_first_part_with_dot_port_or_capital_is_a_registry() {
        for image in [
            "localhost/app",
            "localhost:5000/app",
            "registry:5000/app",
            "Registry/app",
            "Docker.IO/app",
            "1.2.3.4/app",
        ] {
            assert_eq!(parts(image), format!("{image} latest"));
        }
        let long = format!("reg.example.com/a/b:1@{DIGEST}");
        assert_eq!(parts(&long), format!("reg.example.com/a/b 1 {DIGEST}"));
        assert_eq!(parts("[fe80::1]:5000/app:2"), "[fe80::1]:5000/app 2");
        assert_eq!(parts("[:]/app"), "[:]/app latest");
        for (image, host, port) in [
            ("nginx:1", "docker.io", None),
            ("registry:5000/app", "registry", Some("5000")),
            ("[::1]:80/app", "[::1]", Some("80")),
            ("[::1]/app", "[::1]", None),
        ] {
            let parsed = ImageRef::parse(image).unwrap();
            assert_eq!((parsed.host(), parsed.port()), (host, port), "{image}");
        }
    }

    #[test]
    fn tag_and_digest_are_kept_apart() {
        assert_eq!(parts(&format!("app@{DIGEST}")), format!("docker.io/library/app {DIGEST}"));
        assert_eq!(parts("reg:80/app:_-.v"), "reg:80/app _-.v");
        let sha512 = format!("sha512:{}", "0f".repeat(64));
        assert_eq!(parts(&format!("a.io/app@{sha512}")), format!("a.io/app {sha512}"));
        let sha384 = format!("sha384:{}", "a".repeat(96));
        assert_eq!(parts(&format!("a.io/a.b_c__d---e@{sha384}")), format!("a.io/a.b_c__d---e {sha384}"));
        let longest = "t".repeat(128);
        assert_eq!(parts(&format!("app:{longest}")), format!("docker.io/library/app {longest}"));
    }

    /// The grammar of hosts has no `_`, that of repositories has.
    #[test]
    fn a_registry_that_is_no_host_counts_as_repository() {
        assert_eq!(parts("my_registry.io/app"), "my_registry.io/app latest");
        assert_eq!(error("my_registry.io:80/app"), ReferenceError::Registry);
        assert_eq!(error("My_registry/app"), ReferenceError::Registry);
        let fits = "a".repeat(255 - "my_registry.io/".len());
        assert!(ImageRef::parse(&format!("my_registry.io/{fits}")).is_ok());
        assert_eq!(error(&format!("my_registry.io/{fits}a")), ReferenceError::TooLong);
        assert!(ImageRef::parse(&format!("my-registry.io/{}", "a".repeat(255))).is_ok());
    }

    #[test]
    fn templates_and_schemes_are_no_references() {
        assert_eq!(error("${IMAGE}"), ReferenceError::Repository);
        assert_eq!(error("${REGISTRY}/app"), ReferenceError::Registry);
        assert_eq!(error("ko://github.com/org/app"), ReferenceError::Registry);
        assert_eq!(error("https://reg.example.com/app"), ReferenceError::Registry);
        assert_eq!(error("{{ .Values.image }}"), ReferenceError::Repository);
    }

    #[test]
    fn whatever_breaks_the_grammar_is_named() {
        assert_eq!(error(""), ReferenceError::Empty);
        assert_eq!(error(&"a".repeat(64)), ReferenceError::ImageId);
        assert_eq!(error("Nginx"), ReferenceError::UpperCase);
        assert_eq!(error("reg.io/org/App"), ReferenceError::UpperCase);
        for image in [
            " nginx",
            "nginx ",
            "a//b",
            "/a",
            "a/",
            "a..b",
            "a___b",
            "-a",
            "a-",
            "reg.io/",
            "reg.io/a._b",
            "[]/a",
        ] {
            assert_eq!(error(image), ReferenceError::Repository, "{image}");
        }
        for image in [
            ".io/a",
            "reg-.io/a",
            "reg:/a",
            "reg:x/a",
            "[::1/a",
            "[::1]5/a",
            "[::1]é:80/a",
            "[1.2.3.4]/a",
            "é.io/a",
        ] {
            assert_eq!(error(image), ReferenceError::Registry, "{image}");
        }
        let too_long = format!("app:{}", "t".repeat(129));
        for image in ["app:", "app:-1", "app:.1", "app:a:b", "app:é", too_long.as_str()] {
            assert_eq!(error(image), ReferenceError::Tag, "{image}");
        }
        let upper = format!("app@{}", DIGEST.to_ascii_uppercase());
        let short = format!("app@{}", &DIGEST[..70]);
        for image in
            ["app@", "app@sha256", upper.as_str(), short.as_str(), "app@md5:0123456789abcdef0123456789abcdef"]
        {
            assert_eq!(error(image), ReferenceError::Digest, "{image}");
        }
        assert_eq!(
            error(&format!("docker.io/{}", "a".repeat(256 - "library/".len()))),
            ReferenceError::TooLong
        );
    }
}
