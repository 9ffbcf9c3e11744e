//! What is told without a parser (`lossless_yaml::obvious`) is what parsers read, on every fixture and on what becomes of them when they
//! are broken at random places.
//!
//! `PULLCRED_SAMPLES=N` tries N broken texts, `PULLCRED_SEED=N` begins elsewhere, `PULLCRED_MANIFESTS=FOLDER` takes the manifests of a
//! folder, too.

use std::path::PathBuf;

use lossless_yaml::obvious::{self, Found};
use lossless_yaml::parse::{Document, parse, parse_whole};
use lossless_yaml::span::Span;
use serde::Deserialize as _;
use serde::de::IgnoredAny;

use crate::support;

const PIECES: &[&str] = &[
    ": ",
    ":",
    "- ",
    "-",
    "\n",
    "\n\n",
    " ",
    "  ",
    "#",
    " # ",
    "'",
    "\"",
    "''",
    "|",
    ">",
    "|-\n",
    ">+\n",
    "|2\n",
    "\t",
    "\r\n",
    "é",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{7f}",
    "\u{1}",
    "---\n",
    "...\n",
    "--- ",
    "&a ",
    "*a",
    " &b\n",
    "x: &a b\n",
    "y: *a\n",
    "- *a\n",
    "- &c\n",
    "? ",
    "[",
    "]",
    "{}",
    "{",
    "[a, \"b\"]",
    "[a b, 'c, d', ]",
    "{a: b}",
    "{ \"a\": 'b' , c: - }",
    ", ",
    "[- a]",
    "|\n",
    "  |-\n    a\n\n     b\n   ",
    "%",
    "@",
    "`",
    "!!str ",
    "\\",
    "\\n",
    "\\x41",
    "~",
    "<<: ",
    "a: b\n",
    "a:\n",
    "- a\n",
    "-\n",
    "  - - b: c\n",
    "é: 1\n",
];

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// Breaks a text at one place.
    fn mutate(&mut self, text: &mut String) {
        let mut place = |text: &str| {
            let mut at = self.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (one, two) = (place(text), place(text));
        let near = (one..text.len().min(one + 12)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(one);
        match self.below(4) {
            0 => drop(text.drain(one..near)),
            1 => {
                let line = text[two..].split_inclusive('\n').next().unwrap_or_default().to_owned();
                text.insert_str(one, &line);
            }
            2 => text.insert_str(one, PIECES[self.below(PIECES.len())]),
            _ => {
                let start = text[..one].rfind('\n').map_or(0, |at| at + 1);
                if self.below(2) == 0 && text[start..].starts_with(' ') {
                    text.remove(start);
                } else {
                    text.insert_str(start, &"   "[..=self.below(3)]);
                }
            }
        }
    }
}

/// Whether a text is obvious, and what is wrong with that.
fn judge(text: &str) -> Result<bool, String> {
    let mut seen: Vec<(String, Option<String>)> = Vec::new();
    let is_obvious = obvious::read(text, &mut |levels, found| {
        if let [level] = levels
            && let Some(key) = level.key
            && !matches!(found, Found::Nothing if seen.last().is_some_and(|(last, _)| last == key))
        {
            let plain = if let Found::Plain(text) = found { Some(text.to_owned()) } else { None };
            seen.push((key.to_owned(), plain));
        }
    });
    if !is_obvious {
        return Ok(false);
    }
    for document in serde_yaml::Deserializer::from_str(text) {
        if let Err(error) = IgnoredAny::deserialize(document) {
            return Err(format!("libyaml's descendant: {error}"));
        }
    }
    let all = Span::new(0, text.len());
    let documents = parse(text, all).map_err(|error| error.reason)?;
    let parsed = parse_whole(text, all).map_err(|error| error.reason)?;
    if documents != parsed {
        let nodes = |documents: &[Document<'_>]| {
            let nodes = documents.iter().flat_map(Document::nodes);
            nodes
                .map(|node| format!("{:?} {:?} {:?}", node.kind(), node.span(), node.as_str()))
                .collect::<Vec<_>>()
        };
        return Err(format!("told {:#?}\nparsed {:#?}", nodes(&documents), nodes(&parsed)));
    }
    let mut read = Vec::new();
    for root in documents.iter().filter_map(|document| document.root()) {
        read.extend(
            root.pairs().map(|(key, _)| key.as_str().unwrap_or_else(|| key.span().of(text)).to_owned()),
        );
    }
    let mut told: Vec<String> = seen.iter().map(|(key, _)| key.clone()).collect();
    told.dedup();
    read.dedup();
    if told != read {
        return Err(format!("keys {told:?}, but {read:?}"));
    }
    for (key, plain) in seen.iter().filter_map(|(key, plain)| Some((key, plain.as_ref()?))) {
        let mut values =
            documents.iter().filter_map(|document| document.root()).flat_map(|root| root.pairs());
        let is_there =
            |text: &str| text == plain || text == "null" && matches!(plain.as_str(), "~" | "Null" | "NULL");
        if !values.any(|(at, value)| {
            at.as_str() == Some(key)
                && (is_there(value.as_str().unwrap_or("null"))
                    || value.items().any(|item| is_there(item.as_str().unwrap_or("null"))))
        }) {
            return Err(format!("`{key}` is not `{plain}`"));
        }
    }
    Ok(true)
}

#[test]
fn what_is_obvious_is_what_parsers_read() {
    let number = |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let mut folders = vec![support::fixtures("")];
    folders.extend(std::env::var("PULLCRED_MANIFESTS").ok().map(PathBuf::from));
    let mut texts = Vec::new();
    for folder in folders {
        let paths = support::snapshot(&folder).into_keys().map(|path| folder.join(path));
        let yaml =
            paths.filter(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml"));
        texts.extend(yaml.filter_map(|path| std::fs::read_to_string(path).ok()));
    }
    let mut obvious = 0;
    for text in &texts {
        obvious += usize::from(judge(text).unwrap_or_else(|wrong| panic!("{wrong}:\n{text}")));
    }
    assert!(obvious * 3 > texts.len(), "{obvious} of {} texts are obvious", texts.len());
    texts.retain(|text| text.len() < 20_000);
    let seed = number("PULLCRED_SEED", 0);
    for nth in seed..seed + number("PULLCRED_SAMPLES", 20_000) {
        let mut random = Random((nth + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut text = texts[random.below(texts.len())].clone();
        for _ in 0..=random.below(3) {
            random.mutate(&mut text);
        }
        if let Err(wrong) = judge(&text) {
            panic!("PULLCRED_SEED={nth}: {wrong}:\n{text}");
        }
    }
}
