//! What is to be said of credentials that were not found, or that should not have been used.
//!
//! One finding for each secret and registry, at the secret's place in the configuration, whatever the number of namespaces.

use std::collections::{BTreeMap, BTreeSet};

use super::credentials::Objection;
use super::finding::{Code, Finding, Severity};
use super::secrets::Repository;
use super::secrets::decide::{Decision, Wanted};
use super::secrets::supply::Found;
use crate::config::Config;
use lossless_yaml::span::Position;

/// How many namespaces are named.
const NAMED: usize = 3;

/// The findings about credentials. `file` is the configuration, relative to the repository's root.
pub fn credentials(
    config: &Config,
    file: &str,
    wanted: &[Wanted],
    decisions: &[&Decision],
    found: &Found,
) -> Vec<Finding> {
    let by_path: BTreeMap<&str, &Wanted> = wanted.iter().map(|one| (one.path.as_str(), one)).collect();
    // By secret and registry: the namespaces that go without, and those whose Secret serves the registry all the same.
    let mut lacking: BTreeMap<(usize, &str), [BTreeSet<&str>; 2]> = BTreeMap::new();
    for decision in decisions {
        let Some(wanted) = by_path.get(decision.path.as_str()) else { continue };
        for registry in decision.lacking.union(&wanted.supply.missing) {
            let kept = usize::from(!decision.lacking.contains(registry));
            lacking.entry((wanted.secret, registry)).or_default()[kept].insert(&wanted.namespace);
        }
    }
    let mut findings = Vec::new();
    for ((secret, registry), [without, kept]) in lacking {
        let name = &config.secrets[secret].name;
        let from = Repository::whole(registry.to_owned());
        let objections = found
            .range((secret, from)..)
            .take_while(|((of, repository), _)| *of == secret && repository.registry == registry);
        let mut by_code: BTreeMap<Code, BTreeSet<&str>> = BTreeMap::new();
        for Objection { code, text } in objections.filter_map(|(_, found)| found.as_ref().err()).flatten() {
            by_code.entry(*code).or_default().insert(text);
        }
        // What was tried in vain is only worth saying when nothing was found that is wrong.
        if by_code.len() > 1 {
            by_code.remove(&Code::CredentialMissing);
        }
        if by_code.is_empty() {
            by_code.entry(Code::CredentialMissing).or_default();
        }
        for (code, texts) in by_code {
            let texts = texts.into_iter().collect::<Vec<_>>().join("; ");
            let reason = if texts.is_empty() { String::new() } else { format!(": {texts}") };
            if !without.is_empty() {
                let message =
                    format!("`{name}` has no credential for `{registry}` in {}{reason}", places(&without));
                findings.push(at(config, file, secret, code, code.severity(), message, hint(code)));
            }
            // Whoever brings a credential that is of no use has to know that it was not taken. To have none, or one that
            // does not last, is what most people do who are not in charge of the Secrets.
            if !kept.is_empty() && matches!(code, Code::CredentialMalformed | Code::TokenExpired) {
                let message =
                    format!("`{name}` keeps its credential for `{registry}` in {}{reason}", places(&kept));
                findings.push(at(config, file, secret, code, Severity::Warning, message, hint(code)));
            }
        }
    }
    for ((secret, repository), chosen) in found {
        let Some(objection) = chosen.as_ref().ok().and_then(|chosen| chosen.allowed.as_ref()) else {
            continue;
        };
        let name = &config.secrets[*secret].name;
        let message = format!("`{name}` for `{}`: {}", repository.registry, objection.text);
        let note = at(
            config,
            file,
            *secret,
            objection.code,
            Severity::Note,
            message,
            "run `pullcred sync` again before then",
        );
        if !findings.contains(&note) {
            findings.push(note);
        }
    }
    findings
}

fn at(
    config: &Config,
    file: &str,
    secret: usize,
    code: Code,
    severity: Severity,
    message: String,
    hint: &str,
) -> Finding {
    Finding {
        code,
        severity,
        file: file.to_owned(),
        position: config.secrets[secret].position.unwrap_or(Position::START),
        message,
        hint: Some(hint.to_owned()),
        object: None,
    }
}

fn hint(code: Code) -> &'static str {
    match code {
        Code::TokenShortLived => "use a credential that lasts, or `--allow-expiring`",
        Code::TokenExpired => "get a new one",
        Code::IdentityTokenIgnored => "log in with a password, or with a token that works as one",
        Code::CredentialMalformed => "correct it at its source",
        _ => "whoever has it runs `pullcred sync`; what is there was kept",
    }
}

fn places(namespaces: &BTreeSet<&str>) -> String {
    let named: Vec<String> = namespaces.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let more = namespaces.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} {}{more}", if namespaces.len() == 1 { "namespace" } else { "namespaces" }, named.join(", "))
}
