//! Registry credentials that stand in the repository in clear, and Secrets that no kubelet can use, as findings.
//!
//! Needs no configuration and no key. Names registries, never a value.

use super::File;
use super::finding::{Code, Finding, ObjectRef};
use crate::objects::read::Located;
use crate::objects::remark::What;
use crate::objects::token::{Life, Token};
use sops_age::document::Timestamp;

/// What is to say of the selected files at `now`, in seconds since 1970.
pub fn findings(files: &[File], now: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.selected) {
        let remarks = file.facts.iter().flat_map(|facts| &facts.remarks);
        findings.extend(remarks.filter_map(|remark| finding(&file.path, remark, now)));
    }
    findings
}

fn finding(path: &str, remark: &Located, now: u64) -> Option<Finding> {
    let [api_version, kind, name, namespace] = &remark.object;
    let object = match (api_version, kind) {
        (Some(api_version), Some(kind)) => Some(ObjectRef {
            api_version: api_version.clone(),
            kind: kind.clone(),
            name: name.clone().unwrap_or_default(),
            namespace: namespace.clone(),
        }),
        _ => None,
    };
    let subject = match &object {
        Some(object) => format!("`{}` `{}`", object.kind, object.name),
        None => "the file".to_owned(),
    };
    let (code, message, hint) = match &remark.what {
        What::Plaintext(keys) => (
            Code::SecretPlaintext,
            format!("{subject} holds the credential of {} in clear", listed(keys)),
            "change it at the registry, for Git keeps it; `pullcred adopt` encrypts registry Secrets where they stand",
        ),
        What::Malformed(key, why) => (
            Code::SecretMalformed,
            match key {
                Some(key) => format!("{subject} is of no use for key `{key}`: {why}"),
                None => format!("{subject} is of no use: {why}"),
            },
            "make it anew with `kubectl create secret docker-registry --dry-run=client`, and encrypt it",
        ),
        What::IdentityToken(key) => (
            Code::IdentityTokenIgnored,
            format!("{subject} has an identity token only for `{key}`, which a kubelet ignores"),
            "log in with a password or a token that works as one",
        ),
        What::Token(key, token) => {
            let (code, text) = ends(*token, now)?;
            let message = format!("the {} of {subject} for `{key}` {text}", token.kind.name());
            (code, message, "use a lasting credential, or let the node pull by its own identity")
        }
    };
    Some(Finding {
        code,
        severity: code.severity(),
        file: path.to_owned(),
        position: remark.position,
        message,
        hint: Some(hint.to_owned()),
        object,
    })
}

/// What is to say of the end of a token, if it comes too soon.
fn ends(token: Token, now: u64) -> Option<(Code, String)> {
    let at = |seconds| Timestamp::from_unix(seconds);
    Some(match token.life(now) {
        Life::Lasting => return None,
        Life::Expired(end) => (Code::TokenExpired, format!("expired at {}", at(end).as_str())),
        Life::Short(Some(end)) => (Code::TokenShortLived, format!("expires at {}", at(end).as_str())),
        Life::Short(None) => (Code::TokenShortLived, format!("lives no longer than {}", token.kind.lives())),
    })
}

/// `a`, or `a` and 2 more.
fn listed(keys: &[String]) -> String {
    match keys {
        [] => "a registry".to_owned(),
        [one] => format!("`{one}`"),
        [first, rest @ ..] => format!("`{first}` and {} more", rest.len()),
    }
}
