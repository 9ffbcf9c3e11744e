//! Decides cases as `e2e/keyring/main.go` does, by pullcred's own code: same lines in, same lines out.

use std::io::{self, BufRead, Write};

use kubelet_keyring::pattern::{KeyError, RegistryKey, lookup};
use kubelet_keyring::reference::ImageRef;

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let words: Vec<String> = serde_json::from_str(&line?)?;
        let (image, keys) = words.split_first().ok_or(io::ErrorKind::UnexpectedEof)?;
        writeln!(out, "{}", decide(image, keys))?;
    }
    out.flush()
}

fn decide(image: &str, keys: &[String]) -> String {
    let image = ImageRef::parse(image).ok();
    let keys: Vec<Result<RegistryKey, KeyError>> = keys.iter().map(|key| RegistryKey::parse(key)).collect();
    let alone: String = keys
        .iter()
        .map(|key| match (key, &image) {
            (Err(_), _) => 'x',
            (Ok(key), Some(image)) if key.matches(image) => '+',
            _ => '-',
        })
        .collect();
    let Some(image) = image else { return format!("invalid\t{alone}\t-") };

    // The keyring holds the readable keys alone, but positions count all of them.
    let (positions, ring): (Vec<usize>, Vec<&RegistryKey>) =
        keys.iter().enumerate().filter_map(|(position, key)| Some((position, key.as_ref().ok()?))).unzip();
    let order: Vec<String> = lookup(ring, &image).into_iter().map(|nth| positions[nth].to_string()).collect();
    let reference =
        [image.lookup_name().as_str(), image.tag().unwrap_or("-"), image.digest().unwrap_or("-")].join(" ");
    let order = if order.is_empty() { "-".to_owned() } else { order.join(" ") };
    format!("{reference}\t{alone}\t{order}")
}
