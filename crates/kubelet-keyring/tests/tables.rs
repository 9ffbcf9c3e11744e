//! The tables of `fixtures/tables`: references, registry keys and keyrings. `e2e/keyring.sh` puts the same rows to a real kubelet's
//! keyring, so a row is right when both agree.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::path::Path;

use kubelet_keyring::pattern::{RegistryKey, lookup, needed};
use kubelet_keyring::reference::ImageRef;

/// The rows of a table with exactly these columns, each with its line number.
fn table<const N: usize>(name: &str, columns: [&str; N]) -> Vec<(usize, [String; N])> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tables").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut rows = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
            let count = cells.len();
            let cells =
                cells.try_into().unwrap_or_else(|_| panic!("{name}:{}: {count} cells, not {N}", index + 1));
            (index + 1, cells)
        });
    assert_eq!(rows.next().expect("a header").1, columns.map(str::to_owned), "{name}: columns");
    let rows: Vec<_> = rows.collect();
    assert!(!rows.is_empty(), "{name} has no rows");
    rows
}

/// The text that a cell stands for.
fn unquote(cell: &str) -> String {
    if cell.starts_with('"') {
        serde_json::from_str(cell).unwrap_or_else(|error| panic!("{cell}: {error}"))
    } else {
        cell.to_owned()
    }
}

fn words(cell: &str) -> Vec<String> {
    match cell {
        "-" => Vec::new(),
        _ if cell.starts_with('"') => vec![unquote(cell)],
        _ => cell.split(' ').map(str::to_owned).collect(),
    }
}

#[test]
fn references_are_read_as_the_runtime_reads_them() {
    for (line, [image, name, tag, digest, error]) in
        table("references.tsv", ["image", "name", "tag", "digest", "error"])
    {
        let image = unquote(&image);
        let found = match ImageRef::parse(&image) {
            Ok(parsed) => [
                parsed.lookup_name(),
                parsed.tag().unwrap_or("-").to_owned(),
                parsed.digest().unwrap_or("-").to_owned(),
                "-".to_owned(),
            ],
            Err(error) => ["-".to_owned(), "-".to_owned(), "-".to_owned(), error.to_string()],
        };
        assert_eq!(found, [name, tag, digest, error], "references.tsv:{line}: {image}");
    }
}

#[test]
fn keys_are_accepted_or_refused_with_a_reason() {
    for (line, [key, error]) in table("keys.tsv", ["key", "error"]) {
        let found =
            RegistryKey::parse(&unquote(&key)).map_or_else(|error| error.to_string(), |_| "-".to_owned());
        assert_eq!(found, error, "keys.tsv:{line}: {key}");
    }
}

#[test]
fn keyrings_are_tried_in_the_order_of_a_kubelet() {
    for (line, [image, keys, tried]) in table("keyring.tsv", ["image", "keys", "tried"]) {
        let at = format!("keyring.tsv:{line}: {image}");
        let (image, keys) = (unquote(&image), words(&keys));
        let ring: Vec<RegistryKey> = keys
            .iter()
            .map(|key| RegistryKey::parse(key).unwrap_or_else(|error| panic!("{at}: {key}: {error}")))
            .collect();
        let image = ImageRef::parse(&image).ok();
        let found: Vec<String> = image
            .iter()
            .flat_map(|image| lookup(&ring, image))
            .map(|position| keys[position].clone())
            .collect();
        assert_eq!(found, words(&tried), "{at}");
        assert_eq!(needed(&ring, image.as_ref()), !found.is_empty(), "{at}: needed");
    }
}
