//! Reads our own sources for the tests that judge them: which paths a file names, and on which line.
//!
//! It works on tokens, so comments, strings and line breaks cannot mislead it, and a path written in the middle of an
//! expression counts as much as a `use`. It resolves no names: a local alias of a module is not followed.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A source file of the program or of one of its crates.
pub struct Source {
    /// Relative to the repository's root, with `/`: `src/plan/mod.rs`, `crates/sops-age/src/mac.rs`.
    pub path: String,
    pub text: String,
}

/// A path such as `crate::plan::Plan` or `serde_json::Value`, with `self` and `super` made absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// `crate` or the first name as written.
    pub head: String,
    pub rest: Vec<String>,
    /// Ends in `::*`.
    pub glob: bool,
    pub line: usize,
}

/// Every source file of the program and its crates, sorted.
pub fn all_sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = std::fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = crates.chain([root.to_owned()]).map(|path| path.join("src")).collect();
    assert!(folders.len() > 4, "the crates are gone");
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files.into_iter().map(|file| read(root, &file)).collect()
}

fn read(root: &Path, file: &PathBuf) -> Source {
    let path = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    Source { path, text: std::fs::read_to_string(file).unwrap() }
}

impl Source {
    /// The package that the file belongs to, as Rust code names it.
    pub fn package(&self) -> String {
        let inner = self.path.strip_prefix("crates/").and_then(|path| path.split('/').next());
        inner.unwrap_or("pullcred").replace('-', "_")
    }

    /// The module of its package that the file is: `src/plan/place.rs` → `[plan, place]`, `src/plan/mod.rs` → `[plan]`,
    /// `src/lib.rs` → `[]`.
    pub fn module(&self) -> Vec<String> {
        let (_, inner) = self.path.split_once("src/").unwrap();
        let stem = inner.strip_suffix(".rs").unwrap();
        let stem = stem.strip_suffix("mod").unwrap_or(stem).trim_end_matches('/');
        match stem {
            "lib" | "main" => Vec::new(),
            _ => stem.split('/').map(str::to_owned).collect(),
        }
    }

    /// The paths of two names and more, in order, without those of test code. A file `tests.rs` is test code as a whole.
    pub fn paths(&self) -> Vec<NamedPath> {
        if self.path.ends_with("/tests.rs") {
            return Vec::new();
        }
        let stream: TokenStream = self.text.parse().unwrap_or_else(|error| panic!("{}: {error}", self.path));
        let mut found = Vec::new();
        collect(stream, &self.module(), &[], &mut found);
        found
    }
}

/// Walks one level of tokens. `prefix` is what stands before the braces of a `use` tree.
fn collect(stream: TokenStream, module: &[String], prefix: &[String], found: &mut Vec<NamedPath>) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let in_use_tree = !prefix.is_empty();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_only(&tokens, at) {
            at = item_end(&tokens, at);
        } else if let TokenTree::Group(group) = &tokens[at] {
            let inner = inline_module(&tokens, at).map(|name| [module, &[name]].concat());
            collect(group.stream(), inner.as_deref().unwrap_or(module), &[], found);
            at += 1;
        } else if in_use_tree && ident(&tokens, at).is_some_and(|name| name == "as") {
            at += 2; // the name after it is new, not a path
        } else if ident(&tokens, at).is_some() || in_use_tree && is_punct(&tokens, at, '*') {
            at = path_at(&tokens, at, module, prefix, found);
        } else {
            at += 1;
        }
    }
}

/// Reads the path that starts here, with the tree that may follow it; returns where it ends.
fn path_at(
    tokens: &[TokenTree],
    start: usize,
    module: &[String],
    prefix: &[String],
    found: &mut Vec<NamedPath>,
) -> usize {
    let line = tokens[start].span().start().line;
    let (mut names, mut at) = (prefix.to_vec(), start);
    loop {
        match ident(tokens, at) {
            Some(name) => names.push(name),
            None if is_punct(tokens, at, '*') => {
                found.extend(named(&names, module, true, line));
                return at + 1;
            }
            None => break, // `::<` and the like
        }
        at += 1;
        if !(is_punct(tokens, at, ':') && is_joint(tokens, at) && is_punct(tokens, at + 1, ':')) {
            found.extend(named(&names, module, false, line));
            return at;
        }
        at += 2;
        if let Some(TokenTree::Group(group)) = tokens.get(at)
            && group.delimiter() == Delimiter::Brace
        {
            collect(group.stream(), module, &names, found);
            return at + 1;
        }
    }
    found.extend(named(&names, module, false, line));
    at
}

/// Makes `self` and `super` absolute. One name alone is no path.
fn named(names: &[String], module: &[String], glob: bool, line: usize) -> Option<NamedPath> {
    let ups = names.iter().skip(usize::from(names[0] == "self")).take_while(|name| *name == "super").count();
    let relative = names[0] == "self" || ups > 0;
    if names.len() < 2 && !glob {
        return None;
    }
    let absolute = if relative {
        let skipped = ups + usize::from(names[0] == "self");
        let base = &module[..module.len().saturating_sub(ups)];
        [&["crate".to_owned()], base, &names[skipped..]].concat()
    } else {
        names.to_vec()
    };
    let rest = absolute[1..].iter().filter(|name| *name != "self").cloned().collect();
    Some(NamedPath { head: absolute[0].clone(), rest, glob, line })
}

/// `#[cfg(test)]` or `#[test]` starts here.
fn is_test_only(tokens: &[TokenTree], at: usize) -> bool {
    let Some(TokenTree::Group(group)) = tokens.get(at + 1) else { return false };
    is_punct(tokens, at, '#') && group.delimiter() == Delimiter::Bracket && {
        let attribute = group.stream().to_string().replace(' ', "");
        attribute == "test" || attribute == "cfg(test)" || attribute.starts_with("cfg(all(test,")
    }
}

/// Past the item that the attribute at `at` belongs to: its braces, or its semicolon.
fn item_end(tokens: &[TokenTree], at: usize) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    tokens[at..].iter().position(is_end).map_or(tokens.len(), |offset| at + offset + 1)
}

/// The name of the module whose braces stand at `at`.
fn inline_module(tokens: &[TokenTree], at: usize) -> Option<String> {
    let before = at.checked_sub(2)?;
    (ident(tokens, before)? == "mod").then(|| ident(tokens, before + 1))?
}

fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string().trim_start_matches("r#").to_owned()),
        _ => None,
    }
}

fn is_punct(tokens: &[TokenTree], at: usize, char: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

fn is_joint(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.spacing() == Spacing::Joint)
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let text = "
        use crate::{objects::{self, object as thing}, plan::*};
        use std::fs as files;
        // crate::comment::ignored
        fn body() -> super::Sibling { a as std::time::Instant;
            let text = \"crate::string::ignored\";
            serde_json::from_str::<crate::Plan>(text); self::local(); a * b
        }
        mod inner { use super::super::parse::deep; }
        #[cfg(test)] mod tests { use crate::only::in_tests; }
        #[cfg(test)] use crate::also::in_tests;
    ";
    let source = Source { path: "src/plan/edit.rs".into(), text: text.into() };
    let show = |path: NamedPath| {
        let star = if path.glob { "::*" } else { "" };
        format!("{}:{}::{}{star}", path.line, path.head, path.rest.join("::"))
    };
    let found: Vec<String> = source.paths().into_iter().map(show).collect();
    let expected = [
        "2:crate::objects",
        "2:crate::objects::object",
        "2:crate::plan::*",
        "3:std::fs",
        "5:crate::plan::Sibling",
        "5:std::time::Instant",
        "7:serde_json::from_str",
        "7:crate::Plan",
        "7:crate::plan::edit::local",
        "9:crate::plan::parse::deep",
    ];
    assert_eq!(found, expected);
}
