//! Which of the credentials on offer a Secret gets: the first one that a kubelet can use for long enough.
//!
//! Pure: what is on offer was fetched by somebody else, and the time is a parameter. What is refused is said, by source and
//! key; no user name and no password is ever part of it.

use super::finding::Code;
use crate::objects::dockerconfig::Credential;
use crate::objects::dockerconfig::read::Entry;
use crate::objects::token::{Life, Token, from_identity_token};
use sops_age::document::Timestamp;

/// What one source has for a registry.
#[derive(Clone)]
pub struct Offer {
    /// What it has.
    pub entry: Entry,
    /// The part of the repository that it is limited to, as `team` in `quay.io/team`.
    pub scope: Option<String>,
    /// Which source, for people.
    pub from: String,
}

/// The credential that is used.
#[derive(Clone)]
pub struct Chosen {
    /// The credential.
    pub credential: Credential,
    /// The part of the repository that it is limited to.
    pub scope: Option<String>,
    /// Why it should not have been used, if only leave to do so made it good enough.
    pub allowed: Option<Objection>,
}

/// Why a source does not serve.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Objection {
    /// The finding that it makes when no other source serves.
    pub code: Code,
    /// What it is, for people.
    pub text: String,
}

impl Objection {
    /// A source that has nothing.
    pub fn missing(text: impl Into<String>) -> Self {
        Self { code: Code::CredentialMissing, text: text.into() }
    }

    /// A source that has something that is no credential.
    pub fn malformed(text: impl Into<String>) -> Self {
        Self { code: Code::CredentialMalformed, text: text.into() }
    }
}

/// Chooses the first offer for a registry (host, port too) that will do at `now`, in seconds since 1970.
///
/// # Errors
/// What is wrong with each of them.
pub fn choose(
    registry: &str,
    offers: Vec<Result<Offer, Objection>>,
    now: u64,
    allow_expiring: bool,
) -> Result<Chosen, Vec<Objection>> {
    let mut objections = Vec::new();
    for offer in offers {
        let judged = offer.and_then(|offer| judge(registry, offer, now));
        match judged {
            Ok(chosen) if chosen.allowed.is_none() || allow_expiring => return Ok(chosen),
            Ok(chosen) => objections.extend(chosen.allowed),
            Err(objection) => objections.push(objection),
        }
    }
    objections.dedup();
    Err(objections)
}

fn judge(registry: &str, offer: Offer, now: u64) -> Result<Chosen, Objection> {
    let Offer { entry, scope, from } = offer;
    let credential = match entry {
        Entry::Credential(credential) => credential,
        Entry::IdentityToken(token) => from_identity_token(registry, &token).ok_or_else(|| Objection {
            code: Code::IdentityTokenIgnored,
            text: format!("{from}: there is an identity token only, which a kubelet ignores"),
        })?,
        Entry::Empty => return Err(Objection::missing(format!("{from}: the entry is empty"))),
        Entry::Flawed(flaw) => return Err(Objection::malformed(format!("{from}: {flaw}"))),
    };
    let token = Token::of(registry, &credential);
    let kind = token.kind.name();
    let allowed = match token.life(now) {
        Life::Lasting => None,
        Life::Expired(at) => {
            let text = format!("{from}: the {kind} expired at {}", Timestamp::from_unix(at).as_str());
            return Err(Objection { code: Code::TokenExpired, text });
        }
        Life::Short(Some(at)) => {
            Some(format!("{from}: the {kind} expires at {}", Timestamp::from_unix(at).as_str()))
        }
        Life::Short(None) => Some(format!("{from}: a {kind} lives {}", lives(token))),
    };
    let allowed = allowed.map(|text| Objection { code: Code::TokenShortLived, text });
    Ok(Chosen { credential, scope, allowed })
}

fn lives(token: Token) -> String {
    let lives = token.kind.lives();
    if lives.starts_with("as ") { lives.to_owned() } else { format!("{lives} at most") }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const NOW: u64 = 1_767_323_045;

    fn offer(from: &str, username: &str, password: &str) -> Result<Offer, Objection> {
        let owned = |text: &str| Zeroizing::new(text.to_owned());
        let entry =
            Credential::new(owned(username), owned(password)).map_or_else(Entry::Flawed, Entry::Credential);
        Ok(Offer { entry, scope: None, from: from.to_owned() })
    }

    fn codes(result: Result<Chosen, Vec<Objection>>) -> Vec<&'static str> {
        result.err().unwrap_or_default().iter().map(|objection| objection.code.name()).collect()
    }

    #[test]
    fn the_first_that_will_do_is_chosen() {
        let missing = || Err(Objection::missing("`A` is not set"));
        let chosen = choose("r.io", vec![missing(), offer("x", "u", ""), offer("y", "u", "p")], NOW, false);
        assert!(chosen.is_ok_and(|chosen| chosen.credential.password() == "p" && chosen.allowed.is_none()));
        let none = choose("r.io", vec![missing(), missing(), offer("x", "u", "")], NOW, false);
        assert_eq!(codes(none), ["credential-missing", "credential-malformed"]);
        assert_eq!(codes(choose("r.io", vec![], NOW, false)), [""; 0]);
    }

    #[test]
    fn short_lived_tokens_need_leave() {
        let ecr = || vec![offer("x", "AWS", "opaque")];
        let registry = "1.dkr.ecr.eu-west-1.amazonaws.com";
        assert_eq!(codes(choose(registry, ecr(), NOW, false)), ["token-short-lived"]);
        let allowed = choose(registry, ecr(), NOW, true).ok().and_then(|chosen| chosen.allowed);
        assert_eq!(allowed.map(|why| why.text).as_deref(), Some("x: a ECR token lives 12 hours at most"));
    }

    #[test]
    fn an_identity_token_is_named_or_rewritten() {
        let token = || {
            let entry = Entry::IdentityToken(Zeroizing::new("opaque".to_owned()));
            vec![Ok(Offer { entry, scope: None, from: "x".to_owned() })]
        };
        assert_eq!(codes(choose("r.io", token(), NOW, true)), ["identity-token-ignored"]);
        let rewritten = choose("r.azurecr.io", token(), NOW, true);
        assert!(rewritten.is_ok_and(|chosen| chosen.credential.password() == "opaque"));
        assert_eq!(codes(choose("r.azurecr.io", token(), NOW, false)), ["token-short-lived"]);
    }
}
