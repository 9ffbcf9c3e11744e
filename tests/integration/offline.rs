//! pullcred is offline: no crate that `deny.toml` bans is in the lock file, and no source of ours names the standard library's network.
//!
//! The lock file lists every platform, feature and test dependency, so this is stricter than what is linked.

use crate::rust_source::all_sources;

#[test]
fn no_banned_crate_is_locked() {
    let policy = toml(include_str!("../../deny.toml"));
    let lock = toml(include_str!("../../Cargo.lock"));
    let banned = names(&policy["bans"]["deny"], "crate");
    let locked = names(&lock["package"], "name");
    assert!(
        banned.contains(&"reqwest") && banned.contains(&"tokio"),
        "deny.toml: the ban list is gone: {banned:?}"
    );
    assert!(locked.contains(&"pullcred"), "Cargo.lock: no packages found");
    let found: Vec<_> = banned.iter().filter(|name| locked.contains(name)).collect();
    assert!(
        found.is_empty(),
        "Cargo.lock: banned by deny.toml: {found:?}; `cargo tree -i NAME` tells who wants it"
    );
}

#[test]
fn no_source_names_the_network() {
    for source in all_sources() {
        for path in source.paths() {
            let network = match path.head.as_str() {
                // An address is a value like any other; only sockets reach out.
                "std" | "core" => {
                    let address =
                        path.rest.last().is_some_and(|name| name.starts_with("Ip") && name.ends_with("Addr"));
                    path.rest.iter().any(|name| name == "net") && !address
                }
                _ => false,
            };
            assert!(!network, "{}:{}: the network is out of bounds", source.path, path.line);
        }
    }
}

fn toml(text: &str) -> serde_json::Value {
    basic_toml::from_str(text).unwrap()
}

fn names<'a>(list: &'a serde_json::Value, key: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|entry| entry[key].as_str().unwrap()).collect()
}
