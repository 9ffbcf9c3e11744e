//! The grant of a repository: who may come to read which credentials, and where those come from.
//!
//! Pure. Each right is a line that people can read, so that two grants differ by lines. Everything that a reader of a target could get is in
//! it, whatever the manifests of today ask for: a grant with fewer lines never gives more.

use std::collections::BTreeSet;

use crate::config::{Config, CredentialSource, Format, PullSecret};

/// The first line of the canonical form; another form would need another number.
const HEAD: &str = "pullcred grant 1";

/// What a repository may do with credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant(BTreeSet<String>);

impl Grant {
    /// The grant of a configuration in `folder` (empty, or with a slash at the end). `readers` are the recipients of targets, by the position
    /// of the target.
    pub fn new<'r>(
        config: &Config,
        folder: &str,
        readers: impl IntoIterator<Item = (usize, &'r str)>,
    ) -> Self {
        let mut lines = BTreeSet::new();
        for (target, recipient) in readers {
            let target = &config.targets[target];
            let form = if target.format == Format::Age { " as age files" } else { "" };
            let output = word(&format!("{folder}{}", target.output.as_str()));
            lines.insert(format!("recipient {} reads {output}{form}", word(recipient)));
        }
        for secret in &config.secrets {
            lines.extend(rights(secret));
        }
        Self(lines)
    }

    /// A grant of lines that were kept.
    pub fn of_lines<'l>(lines: impl IntoIterator<Item = &'l str>) -> Self {
        Self(lines.into_iter().map(str::to_owned).collect())
    }

    /// Its rights, in order.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The form whose digest stands for the grant.
    pub fn canonical(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for line in &self.0 {
            text.extend([line, "\n"]);
        }
        text
    }

    /// The rights that `other` has not.
    pub fn beyond(&self, other: &Self) -> Vec<&str> {
        self.lines().filter(|line| !other.0.contains(*line)).collect()
    }

    /// Whether every right of `other` is one of this.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.is_subset(&self.0)
    }

    /// Whether anybody may read anything.
    pub fn has_readers(&self) -> bool {
        self.0.iter().any(|line| line.starts_with("recipient "))
    }
}

/// What a configured secret may hold, and where that comes from.
fn rights(secret: &PullSecret) -> Vec<String> {
    let name = word(&secret.name);
    let right = |text: String| format!("secret {name} {text}");
    let mut lines = Vec::new();
    // Every image, which is more than any list.
    if secret.is_for_every_image() {
        lines.push(right("is for every registry".to_owned()));
    }
    lines.extend(secret.registries.iter().map(|key| right(format!("is for {}", word(key)))));
    lines.extend(secret.aliases.iter().map(|host| right(format!("is for {} too", word(host)))));
    lines.extend(secret.credentials.iter().map(|source| {
        right(match source {
            CredentialSource::Env { username, password } => {
                format!("takes the variables {} and {}", word(username), word(password))
            }
            CredentialSource::DockerConfig => "takes the docker configuration of this machine".to_owned(),
            CredentialSource::File(path) => format!("takes the file {}", word(path)),
        })
    }));
    lines
}

/// A text as one word, so that no text can look like two: quoted where it is not one already.
fn word(text: &str) -> String {
    let is_word =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    if is_word { text.to_owned() } else { format!("\"{}\"", text.escape_default()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(spec: &str, recipients: &[&str]) -> Grant {
        let text = format!(
            "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nmetadata: {{name: x}}\nspec:\n{spec}"
        );
        let config = Config::parse(&text, &[]).unwrap();
        Grant::new(&config, "", recipients.iter().map(|one| (0, *one)))
    }

    const ACR: &str = "  secrets:\n  - name: acr\n    registries: [a.io]\n    credentials: [{env: {username: U, password: P}}, {dockerConfig: {}}]\n";

    #[test]
    fn each_right_is_a_line() {
        assert_eq!(
            grant(ACR, &["age1b", "ssh-ed25519 AAAA"]).canonical(),
            "pullcred grant 1\n\
             recipient \"ssh-ed25519 AAAA\" reads pull-secrets/{namespace}/{name}.sops.yaml\n\
             recipient age1b reads pull-secrets/{namespace}/{name}.sops.yaml\n\
             secret acr is for a.io\n\
             secret acr takes the docker configuration of this machine\n\
             secret acr takes the variables U and P\n"
        );
    }

    #[test]
    fn less_is_covered_and_more_is_named() {
        let (small, large) = (grant(ACR, &["age1a"]), grant(ACR, &["age1a", "age1b"]));
        assert!(large.covers(&small) && !small.covers(&large));
        let new = large.beyond(&small);
        assert_eq!(new, ["recipient age1b reads pull-secrets/{namespace}/{name}.sops.yaml"]);
        assert_eq!(Grant::of_lines(large.lines()), large);
        assert!(large.has_readers() && !Grant::default().has_readers());
    }

    #[test]
    fn a_secret_that_loses_its_registries_is_for_more() {
        let every = grant(&ACR.replace("    registries: [a.io]\n", ""), &["age1a"]);
        assert_eq!(every.beyond(&grant(ACR, &["age1a"])), ["secret acr is for every registry"]);
    }

    #[test]
    fn no_text_looks_like_two() {
        assert_eq!(word("a b"), "\"a b\"");
        assert_eq!(word("a\" is\n"), "\"a\\\" is\\n\"");
        assert_eq!(word(""), "\"\"");
        assert_eq!(word("U\u{202e}"), "\"U\\u{202e}\"");
    }
}
