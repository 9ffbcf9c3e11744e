//! What a Secret will hold: for each registry that is used the credential that was found, under the key that a kubelet
//! matches.
//!
//! Least privilege: a registry that no image of the namespace comes from has no entry.

use std::collections::{BTreeMap, BTreeSet};

use super::{Need, Repository, group, host_of};
use crate::config::PullSecret;
use crate::objects::dockerconfig::{Auths, Credential};
use crate::plan::credentials::{Chosen, Objection};
use kubelet_keyring::pattern::RegistryKey;

/// What was found for each request.
pub type Found = BTreeMap<(usize, Repository), Result<Chosen, Vec<Objection>>>;

/// The credentials of one Secret.
#[derive(Clone, Default)]
pub struct Supply {
    /// Those that were found.
    pub auths: Auths,
    /// The registries that no credential was found for.
    pub missing: BTreeSet<String>,
    /// All registries that it is for; none when that depends on the credentials themselves.
    pub registries: Option<BTreeSet<String>>,
}

impl Supply {
    /// The credentials, if one was found for everything.
    pub fn whole(&self) -> Option<&Auths> {
        (self.missing.is_empty() && !self.auths.0.is_empty()).then_some(&self.auths)
    }

    /// What to hold when `old` is there: what was found, and what is there for registries that nothing was found for.
    /// Also the registries that neither has a credential for.
    pub fn beside(&self, old: &Auths) -> (Auths, BTreeSet<String>) {
        let mut auths = self.auths.clone();
        let mut missing = self.missing.clone();
        for (key, credential) in &old.0 {
            let Some(host) = host_of(key) else { continue };
            let is_wanted = self.registries.as_ref().is_none_or(|registries| registries.contains(&host));
            let is_found = self.auths.0.keys().any(|found| host_of(found).as_ref() == Some(&host));
            if is_wanted && !is_found {
                missing.remove(&host);
                auths.0.insert(key.clone(), credential.clone());
            }
        }
        (auths, missing)
    }
}

/// Puts the credentials for a need together. `secret` is the one that it is about.
pub fn supply(need: &Need, secret: &PullSecret, found: &Found) -> Supply {
    let chosen =
        |of: &Repository| found.get(&(need.secret, of.clone())).and_then(|found| found.as_ref().ok());
    let mut by_host: BTreeMap<String, Vec<(&Repository, Option<&Chosen>)>> = BTreeMap::new();
    for image in &need.images {
        by_host.entry(image.registry.clone()).or_default().push((image, chosen(image)));
    }
    let group = group(secret);
    let shared = shared_credential(&group, &by_host, &chosen);
    let mut supply = Supply::default();
    for (host, images) in &by_host {
        let held: Vec<&Chosen> = images.iter().filter_map(|(_, chosen)| *chosen).collect();
        let shared = shared.as_ref().filter(|_| group.contains(host));
        match (&held[..], shared) {
            ([], Some(shared)) => supply.hold(host, shared),
            ([], None) => {
                supply.missing.insert(host.clone());
            }
            ([first, ..], _) => {
                let is_one =
                    held.len() == images.len() && held.iter().all(|one| one.credential == first.credential);
                for one in held {
                    match &one.scope {
                        // Where images of one host go by several credentials, the kubelet has to tell them apart.
                        Some(scope) if !is_one => supply.hold(&format!("{host}/{scope}"), &one.credential),
                        _ => supply.hold(host, &one.credential),
                    }
                }
                if images.iter().any(|(_, chosen)| chosen.is_none()) && !is_one {
                    supply.missing.insert(host.clone());
                }
            }
        }
    }
    // Other hosts of a registry that is used get its credential too: nodes may pull by any of them.
    if by_host.keys().any(|host| group.contains(host)) {
        for host in group.iter().filter(|host| !by_host.contains_key(*host)) {
            let own = chosen(&Repository::whole(host.clone())).map(|chosen| chosen.credential.clone());
            if let Some(credential) = own.or_else(|| shared.clone()) {
                supply.hold(host, &credential);
            }
        }
    }
    if secret.is_for_every_image() {
        // It carries what the credentials hold: an image without one is a public one.
        supply.missing = if supply.auths.0.is_empty() { supply.missing } else { BTreeSet::new() };
    } else {
        let used = by_host.keys().any(|host| group.contains(host));
        let others = group.into_iter().filter(|_| used);
        supply.registries = Some(by_host.keys().cloned().chain(others).collect());
    }
    supply
}

impl Supply {
    fn hold(&mut self, host: &str, credential: &Credential) {
        let key = RegistryKey::auths_key(host).to_owned();
        self.auths.0.entry(key).or_insert_with(|| credential.clone());
    }
}

/// The credential of a registry that goes by several hosts: that of the first host that has one.
fn shared_credential<'f>(
    group: &BTreeSet<String>,
    by_host: &BTreeMap<String, Vec<(&Repository, Option<&'f Chosen>)>>,
    chosen: &impl Fn(&Repository) -> Option<&'f Chosen>,
) -> Option<Credential> {
    let used = group.iter().filter_map(|host| by_host.get(host)).flatten().find_map(|(_, chosen)| *chosen);
    let any = || group.iter().find_map(|host| chosen(&Repository::whole(host.clone())));
    used.or_else(any).map(|chosen| chosen.credential.clone())
}

/// The registry that a key of `auths` is about.
pub fn registry_of(key: &str) -> String {
    host_of(key).unwrap_or_else(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::config::Config;
    use crate::plan::secrets::{Deployment, needs, requests};

    fn credential(user: &str) -> Credential {
        let owned = |text: &str| Zeroizing::new(text.to_owned());
        Credential::new(owned(user), owned("p")).unwrap_or_else(|flaw| panic!("{flaw}"))
    }

    /// The keys and user names that the first need gets, then what is missing, when `has` has what it has.
    fn held(secrets: &str, images: &[&str], has: &[(&str, &str)]) -> String {
        let text = format!(
            "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nspec:\n  secrets: [{secrets}]\n"
        );
        let config = Config::parse(&text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
        let images = images.to_vec();
        let deployment =
            Deployment { root: "a.yaml", namespace: "shop", account: "default", images, selected: true };
        let needs = needs(&config, &[deployment], &config.namespaces.always([]));
        let answer = |of: &Repository| {
            let name = format!("{}/{}", of.registry, of.name);
            // As docker configurations do: the longest path first.
            let best = has.iter().filter(|(key, _)| name.starts_with(key)).max_by_key(|(key, _)| key.len());
            let (key, user) = best.ok_or_else(Vec::new)?;
            let scope = key.split_once('/').map(|(_, scope)| scope.to_owned());
            Ok(Chosen { credential: credential(user), scope, allowed: None })
        };
        let found: Found =
            requests(&config, &needs).into_iter().map(|of| (of.clone(), answer(&of.1))).collect();
        let supply = supply(&needs[0], &config.secrets[0], &found);
        let held: Vec<String> = supply
            .auths
            .0
            .iter()
            .map(|(key, credential)| format!("{key}={}", credential.username()))
            .collect();
        let missing: Vec<&str> = supply.missing.iter().map(String::as_str).collect();
        format!("{} -{}", held.join(" "), missing.join(" "))
    }

    #[test]
    fn keys_are_hosts_and_docker_hub_has_its_own() {
        let secrets = "{name: a, registries: [a.io:5000, docker.io, \"*.b.io\", ghcr.io/team]}";
        let images = ["a.io:5000/x", "nginx", "r.b.io/x/y", "ghcr.io/team/x"];
        let has = [("a.io:5000", "a"), ("docker.io", "hub"), ("r.b.io", "b"), ("ghcr.io", "g")];
        assert_eq!(
            held(secrets, &images, &has),
            "a.io:5000=a ghcr.io=g https://index.docker.io/v1/=hub r.b.io=b -"
        );
        assert_eq!(held(secrets, &images[..1], &has), "a.io:5000=a -");
        assert_eq!(held(secrets, &images[..2], &has[..1]), "a.io:5000=a -docker.io");
    }

    #[test]
    fn paths_are_kept_where_one_host_has_several_credentials() {
        let secrets = "{name: a, registries: [quay.io]}";
        let has = [("quay.io/team", "t"), ("quay.io/other", "o")];
        assert_eq!(
            held(secrets, &["quay.io/team/x", "quay.io/other/y"], &has),
            "quay.io/other=o quay.io/team=t -"
        );
        assert_eq!(held(secrets, &["quay.io/team/x"], &has), "quay.io=t -");
        assert_eq!(held(secrets, &["quay.io/team/x", "quay.io/public/y"], &has), "quay.io/team=t -quay.io");
        let has = [("quay.io", "h"), ("quay.io/team", "t")];
        assert_eq!(held(secrets, &["quay.io/team/x", "quay.io/y"], &has), "quay.io=h quay.io/team=t -");
    }

    #[test]
    fn hosts_of_one_registry_share_its_credential() {
        let secrets = "{name: a, registries: [public.io], aliases: [vpc.io]}";
        assert_eq!(held(secrets, &["vpc.io/x"], &[("public.io", "p")]), "public.io=p vpc.io=p -");
        assert_eq!(
            held(secrets, &["public.io/x"], &[("public.io", "p"), ("vpc.io", "v")]),
            "public.io=p vpc.io=v -"
        );
        assert_eq!(held(secrets, &["public.io/x"], &[]), " -public.io");
    }

    #[test]
    fn a_secret_for_every_image_carries_what_there_is() {
        let images = ["a.io/x", "quay.io/public"];
        assert_eq!(held("{name: a}", &images, &[("a.io", "a")]), "a.io=a -");
        assert_eq!(held("{name: a}", &images, &[]), " -a.io quay.io");
    }

    #[test]
    fn what_is_there_fills_what_was_not_found() {
        let auths =
            |keys: &[&str]| Auths(keys.iter().map(|key| ((*key).to_owned(), credential("u"))).collect());
        let registries =
            |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
        let supply = Supply {
            auths: auths(&["a.io"]),
            missing: registries(&["docker.io", "c.io"]).unwrap(),
            registries: registries(&["a.io", "docker.io", "c.io"]),
        };
        let old = auths(&["a.io/team", "https://index.docker.io/v1/", "unused.io"]);
        let (held, missing) = supply.beside(&old);
        assert_eq!(held.0.keys().collect::<Vec<_>>(), ["a.io", "https://index.docker.io/v1/"]);
        assert_eq!(missing.into_iter().collect::<Vec<_>>(), ["c.io"]);
    }
}
