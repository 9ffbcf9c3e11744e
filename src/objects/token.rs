//! What a password gives away of itself: the kind of token it is and when it ends. Nothing is verified and nobody asked.
//!
//! A Secret in Git is read for weeks, so a token that ends within days is worse than none. Offline only what the text,
//! the user name and the host tell can be known; most passwords tell nothing. The time is a parameter. Sources: Azure/acr
//! `docs/AAD-OAuth.md`, AWS "Private registry authentication", Google "Configure authentication to Artifact Registry for
//! Docker", Alibaba Cloud "GetAuthorizationToken", GitHub "Working with the Container registry", GitLab "Token overview".

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::dockerconfig::Credential;

/// A token that ends sooner than this is short-lived: seven days, in seconds.
pub const SHORT: u64 = 7 * 24 * 60 * 60;

/// The user name that goes with a refresh token of Azure's registry.
const ACR_TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";
/// `iss` of its tokens.
const ACR_ISSUER: &str = "Azure Container Registry";

/// What a password looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its kind.
    pub kind: TokenKind,
    /// When it ends, in seconds since 1970, if it says so.
    pub expires: Option<u64>,
}

/// How long a credential will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Nothing speaks against it.
    Lasting,
    /// It ended, in seconds since 1970.
    Expired(u64),
    /// It ends within [`SHORT`]; when, in seconds since 1970, if it says so.
    Short(Option<u64>),
}

macro_rules! kinds {
    ($($kind:ident = $name:literal, $life:literal;)+) => {
        /// Kinds of passwords that can be told apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum TokenKind { $(#[doc = $name] $kind,)+ }

        impl TokenKind {
            /// What people call it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// How long such a token lives at most; empty where its owner decides.
            pub fn lives(self) -> &'static str {
                match self { $(Self::$kind => $life,)+ }
            }
        }
    };
}

kinds! {
    Password = "password", "";
    Jwt = "JSON web token", "";
    AcrKey = "key of an Azure registry", "";
    AcrToken = "token of an Azure registry", "3 hours";
    EcrToken = "ECR token", "12 hours";
    GoogleKey = "Google service account key", "";
    GoogleToken = "Google access token", "1 hour";
    AliyunToken = "temporary Aliyun token", "1 hour";
    GithubToken = "GitHub personal access token", "";
    GithubJobToken = "GitHub job token", "as long as its job";
    GitlabDeployToken = "GitLab deploy token", "";
    GitlabToken = "GitLab personal access token", "";
    GitlabJobToken = "GitLab job token", "as long as its job";
    DockerToken = "Docker access token", "";
}

impl Token {
    /// Recognises the password of a credential for a registry (host, port too).
    pub fn of(registry: &str, credential: &Credential) -> Self {
        let (user, secret) = (credential.username(), credential.password());
        let plain = |kind| Self { kind, expires: None };
        if let Some(claims) = claims(secret) {
            let acr = user == ACR_TOKEN_USER || claims.iss.as_deref() == Some(ACR_ISSUER);
            let kind = if acr { TokenKind::AcrToken } else { TokenKind::Jwt };
            return Self { kind, expires: claims.exp.and_then(seconds) };
        }
        if let Some(expires) = ecr_expiry(secret) {
            return Self { kind: TokenKind::EcrToken, expires };
        }
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| secret.starts_with(prefix));
        plain(match user {
            ACR_TOKEN_USER => TokenKind::AcrToken,
            "AWS" if is_ecr(registry) => TokenKind::EcrToken,
            "_json_key" | "_json_key_base64" => TokenKind::GoogleKey,
            "oauth2accesstoken" => TokenKind::GoogleToken,
            "cr_temp_user" | "temp_user_cr" => TokenKind::AliyunToken,
            "gitlab-ci-token" => TokenKind::GitlabJobToken,
            _ if begins(&["ya29."]) => TokenKind::GoogleToken,
            _ if begins(&["ghs_"]) => TokenKind::GithubJobToken,
            _ if begins(&["ghp_", "gho_", "github_pat_"]) => TokenKind::GithubToken,
            _ if begins(&["glcbt-"]) => TokenKind::GitlabJobToken,
            _ if begins(&["gldt-"]) => TokenKind::GitlabDeployToken,
            _ if begins(&["glpat-"]) => TokenKind::GitlabToken,
            _ if begins(&["dckr_pat_", "dckr_oat_"]) => TokenKind::DockerToken,
            _ if is_acr_key(secret) => TokenKind::AcrKey,
            _ => TokenKind::Password,
        })
    }

    /// How long it will do from `now`, in seconds since 1970.
    pub fn life(self, now: u64) -> Life {
        match self.expires {
            Some(expires) if expires <= now => Life::Expired(expires),
            Some(expires) if expires - now < SHORT => Life::Short(Some(expires)),
            None if !self.kind.lives().is_empty() => Life::Short(None),
            _ => Life::Lasting,
        }
    }
}

/// The credential that an identity token makes where a registry takes it for a password too, which Azure's does: a kubelet
/// sends user names and passwords only.
pub fn from_identity_token(registry: &str, token: &Zeroizing<String>) -> Option<Credential> {
    let host = registry.split_once(':').map_or(registry, |(host, _)| host);
    let is_acr = [".azurecr.io", ".azurecr.cn", ".azurecr.us"].iter().any(|end| host.ends_with(end));
    let says_so = || claims(token).is_some_and(|claims| claims.iss.as_deref() == Some(ACR_ISSUER));
    let username = Zeroizing::new(ACR_TOKEN_USER.to_owned());
    (is_acr || says_so()).then(|| Credential::new(username, token.clone()).ok()).flatten()
}

#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    iss: Option<String>,
}

/// The claims of a JSON web token: three parts, the first an object that names an algorithm.
fn claims(secret: &str) -> Option<Claims> {
    #[derive(Deserialize)]
    struct Header {
        #[serde(rename = "alg")]
        _algorithm: String,
    }
    let mut parts = secret.split('.');
    let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let part = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
    serde_json::from_slice::<Header>(&part(header)?).ok()?;
    serde_json::from_slice(&part(claims)?).ok()
}

/// `Some` for the base64 of the JSON that ECR makes; its end, if it says so.
fn ecr_expiry(secret: &str) -> Option<Option<u64>> {
    #[derive(Deserialize)]
    struct Ecr {
        #[serde(rename = "type")]
        kind: String,
        expiration: Option<f64>,
    }
    let json = Zeroizing::new(STANDARD.decode(secret).ok()?);
    let ecr: Ecr = serde_json::from_slice(&json).ok()?;
    (ecr.kind == "DATA_KEY").then(|| ecr.expiration.and_then(seconds))
}

/// A number of JSON as whole seconds; none for what is no time.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just before")]
fn seconds(number: f64) -> Option<u64> {
    (0.0..1e12).contains(&number).then_some(number as u64)
}

fn is_ecr(registry: &str) -> bool {
    registry == "public.ecr.aws" || registry.contains(".dkr.ecr") && registry.contains(".amazonaws.com")
}

/// The keys of Azure registries carry a mark. [microsoft/security-utilities, SEC101/176]
fn is_acr_key(secret: &str) -> bool {
    let bytes = secret.as_bytes();
    let base64 = |bytes: &[u8]| bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte));
    bytes.len() == 52 && base64(bytes) && bytes[42..46] == *b"+ACR" && (b'A'..=b'D').contains(&bytes[46])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_767_323_045;

    fn token(registry: &str, user: &str, secret: &str) -> Token {
        let owned = |text: &str| Zeroizing::new(text.to_owned());
        let credential = Credential::new(owned(user), owned(secret)).unwrap_or_else(|flaw| panic!("{flaw}"));
        Token::of(registry, &credential)
    }

    fn jwt(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", part(r#"{"alg":"RS256","typ":"JWT"}"#), part(claims))
    }

    #[test]
    fn kinds_by_text_user_name_and_host() {
        let acr_key = format!("{}+ACRB01234", "a".repeat(42));
        for (registry, user, secret, kind) in [
            ("r.azurecr.io", "app-id", "Xy8Q~secret", TokenKind::Password),
            ("r.azurecr.io", "r", acr_key.as_str(), TokenKind::AcrKey),
            ("r.azurecr.io", ACR_TOKEN_USER, "opaque", TokenKind::AcrToken),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", "AWS", "opaque", TokenKind::EcrToken),
            ("1.dkr.ecr-fips.us-east-1.amazonaws.com.cn", "AWS", "opaque", TokenKind::EcrToken),
            ("public.ecr.aws", "AWS", "opaque", TokenKind::EcrToken),
            ("r.io", "AWS", "opaque", TokenKind::Password),
            ("gcr.io", "_json_key", "{\"type\":\"service_account\"}", TokenKind::GoogleKey),
            ("gcr.io", "_json_key_base64", "e30=", TokenKind::GoogleKey),
            ("gcr.io", "oauth2accesstoken", "x", TokenKind::GoogleToken),
            ("gcr.io", "u", "ya29.a0", TokenKind::GoogleToken),
            ("registry.cn-hangzhou.aliyuncs.com", "cr_temp_user", "eyJ9:0a", TokenKind::AliyunToken),
            ("ghcr.io", "u", "ghp_x", TokenKind::GithubToken),
            ("ghcr.io", "u", "ghs_x", TokenKind::GithubJobToken),
            ("registry.gitlab.com", "gitlab+deploy-token-1", "gldt-x", TokenKind::GitlabDeployToken),
            ("registry.gitlab.com", "gitlab-ci-token", "x", TokenKind::GitlabJobToken),
            ("docker.io", "u", "dckr_pat_x", TokenKind::DockerToken),
        ] {
            assert_eq!(token(registry, user, secret).kind, kind, "{registry} {user}");
        }
    }

    #[test]
    fn ends_are_read_where_they_are_written() {
        let acr = jwt(r#"{"iss":"Azure Container Registry","aud":"r.azurecr.io","exp":1767333845}"#);
        let seen = token("r.azurecr.io", "u", &acr);
        assert_eq!(seen, Token { kind: TokenKind::AcrToken, expires: Some(1_767_333_845) });
        let ecr =
            STANDARD.encode(r#"{"payload":"x","version":"2","type":"DATA_KEY","expiration":1767366245}"#);
        let seen = token("mirror.example.com", "AWS", &ecr);
        assert_eq!(seen, Token { kind: TokenKind::EcrToken, expires: Some(1_767_366_245) });
        for odd in ["{}", r#"{"exp":-1}"#, r#"{"exp":1e30}"#] {
            assert_eq!(token("r", "u", &jwt(odd)), Token { kind: TokenKind::Jwt, expires: None }, "{odd}");
        }
        for none in ["a.b.c", "e30.e30.x", &jwt("no json"), &format!("{}.x", jwt("{}"))] {
            assert_eq!(token("r", "u", none).kind, TokenKind::Password, "{none}");
        }
    }

    #[test]
    fn life_is_judged_by_the_time_given() {
        let jwt = |expires| Token { kind: TokenKind::Jwt, expires };
        assert_eq!(jwt(None).life(NOW), Life::Lasting);
        assert_eq!(jwt(Some(NOW + SHORT)).life(NOW), Life::Lasting);
        assert_eq!(jwt(Some(NOW + SHORT - 1)).life(NOW), Life::Short(Some(NOW + SHORT - 1)));
        assert_eq!(jwt(Some(NOW)).life(NOW), Life::Expired(NOW));
        let ecr = Token { kind: TokenKind::EcrToken, expires: None };
        assert_eq!(ecr.life(NOW), Life::Short(None));
    }

    #[test]
    fn an_identity_token_becomes_a_password_where_that_works() {
        let token = Zeroizing::new(jwt(r#"{"iss":"Azure Container Registry"}"#));
        for registry in ["r.azurecr.io", "r.azurecr.cn:443", "own-domain.example.com"] {
            let credential = from_identity_token(registry, &token);
            assert!(
                credential.is_some_and(|made| made.username() == ACR_TOKEN_USER && made.password() == *token)
            );
        }
        assert!(from_identity_token("r.io", &Zeroizing::new("opaque".to_owned())).is_none());
    }
}
