//! Variables that Flux replaces after a build (`postBuild`), as its `envsubst` does.
//!
//! What a variable holds may be unknown here: it comes from an encrypted Secret, or from an object that is not in the repository.
//! The expression then stays as it is written, so that what stands around it still counts. Nothing is read here.
//!
//! Judged by `github.com/fluxcd/pkg/envsubst` 1.9.

use std::collections::{BTreeMap, BTreeSet};

use offline_kustomize::value::Value;

/// What variables hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    known: BTreeMap<String, String>,
    /// Names whose values cannot be read here.
    hidden: BTreeSet<String>,
    /// Whether there may be more, from a source that is not here.
    is_open: bool,
}

/// What a variable is found to hold.
enum Found<'v> {
    /// This; nothing for one that nobody gives.
    Text(&'v str),
    /// Something that is not known here.
    Unknown,
}

impl Variables {
    /// Adds what a source gives; later ones go before earlier ones.
    pub fn add(&mut self, name: &str, value: &str) {
        self.hidden.remove(name);
        self.known.insert(name.to_owned(), value.to_owned());
    }

    /// Adds a variable whose value cannot be read here.
    pub fn hide(&mut self, name: &str) {
        self.known.remove(name);
        self.hidden.insert(name.to_owned());
    }

    /// Notes that a source is not here: what nobody gives may come from there.
    pub fn open(&mut self) {
        self.is_open = true;
    }

    /// Whether nothing is replaced, for Flux does so only where a variable is given.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.hidden.is_empty() && !self.is_open
    }

    fn get(&self, name: &str) -> Found<'_> {
        match self.known.get(name) {
            Some(text) => Found::Text(text),
            None if self.is_open || self.hidden.contains(name) => Found::Unknown,
            None => Found::Text(""),
        }
    }

    /// The text with its variables replaced.
    pub fn replace(&self, text: &str) -> String {
        if self.is_empty() || !text.contains('$') {
            return text.to_owned();
        }
        self.replaced(text, 0)
    }

    /// Every text of a tree with its variables replaced. The way down is a stack of its own.
    pub fn replace_all(&self, tree: &mut Value) {
        if self.is_empty() {
            return;
        }
        let mut waiting = vec![tree];
        while let Some(value) = waiting.pop() {
            if let Some(text) = value.as_str().filter(|text| text.contains('$')) {
                let replaced = self.replace(text);
                *value = Value::text(&replaced);
            }
            waiting.extend(value.values_mut());
        }
    }

    fn replaced(&self, text: &str, depth: usize) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            result.push_str(&rest[..at]);
            rest = &rest[at..];
            if rest.starts_with("$$") {
                // An escape: what follows is no expression.
                result.push('$');
                rest = &rest[2..];
                continue;
            }
            let Some(length) = expression(rest).filter(|_| depth < 8) else {
                result.push('$');
                rest = &rest[1..];
                continue;
            };
            match self.evaluated(&rest[2..length - 1], depth) {
                Some(value) => result.push_str(&value),
                None => result.push_str(&rest[..length]),
            }
            rest = &rest[length..];
        }
        result.push_str(rest);
        result
    }

    /// What stands between the braces, evaluated; none where it is unknown, or not understood.
    fn evaluated(&self, inner: &str, depth: usize) -> Option<String> {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        if let Some(name) =
            inner.strip_prefix('#').filter(|name| !name.is_empty() && name.chars().all(is_name))
        {
            let Found::Text(text) = self.get(name) else { return None };
            return Some(text.chars().count().to_string());
        }
        let end = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
        let (name, operation) = inner.split_at(end);
        if name.is_empty() {
            return None;
        }
        let Found::Text(text) = self.get(name) else { return None };
        let argument = |skip: usize| self.replaced(&operation[skip..], depth + 1);
        let or_else = |skip: usize| if text.is_empty() { argument(skip) } else { text.to_owned() };
        Some(match operation {
            "" => text.to_owned(),
            "^^" => text.to_uppercase(),
            ",," => text.to_lowercase(),
            "^" | "," => {
                let mut letters = text.chars();
                let first = letters.next().map(|c| match operation {
                    "^" => c.to_uppercase().to_string(),
                    _ => c.to_lowercase().to_string(),
                });
                first.unwrap_or_default() + letters.as_str()
            }
            _ if operation.starts_with(":+") => argument(2),
            _ if [":=", ":-", ":?"].iter().any(|mark| operation.starts_with(mark)) => or_else(2),
            _ if operation.starts_with('=') => or_else(1),
            _ if operation.starts_with(':') => part(text, &operation[1..])?,
            _ if operation.starts_with('/') => exchanged(text, &operation[1..])?,
            _ => return None,
        })
    }
}

/// The length of the expression that begins a text, `${` and `}` included.
fn expression(text: &str) -> Option<usize> {
    if !text.starts_with("${") {
        return None;
    }
    let mut depth = 0usize;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'\n' => return None,
            _ => {}
        }
    }
    None
}

/// `position` or `position:length` of a text.
fn part(text: &str, operation: &str) -> Option<String> {
    let (position, length) = match operation.split_once(':') {
        Some((position, length)) => (position, Some(length.parse::<usize>().ok()?)),
        None => (operation, None),
    };
    let rest = text.chars().skip(position.parse::<usize>().ok()?);
    Some(match length {
        Some(length) => rest.take(length).collect(),
        None => rest.collect(),
    })
}

/// `old/new` of a text, with `/`, `#` or `%` before it: all of them, at the beginning, at the end.
fn exchanged(text: &str, operation: &str) -> Option<String> {
    let (mode, operation) = match operation.as_bytes().first()? {
        b'/' | b'#' | b'%' => operation.split_at(1),
        _ => ("", operation),
    };
    let (old, new) = operation.split_once('/')?;
    if old.is_empty() {
        return None;
    }
    Some(match mode {
        "/" => text.replace(old, new),
        "#" => text.strip_prefix(old).map_or_else(|| text.to_owned(), |rest| format!("{new}{rest}")),
        "%" => text.strip_suffix(old).map_or_else(|| text.to_owned(), |rest| format!("{rest}{new}")),
        _ => text.replacen(old, new, 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expressions and what the real `envsubst` makes of them.
    #[test]
    fn as_flux_replaces_them() {
        let mut variables = Variables::default();
        for (name, value) in [("A", "abc"), ("B", "b/b.c"), ("E", ""), ("N", "12345"), ("_u", "U")] {
            variables.add(name, value);
        }
        for (text, expected) in [
            ("$$x", "$x"),
            ("$${A}", "${A}"),
            ("$$$", "$$"),
            ("a$", "a$"),
            ("$A", "$A"),
            ("${A}${B}", "abcb/b.c"),
            ("$$${A}", "$abc"),
            ("$$$${A}", "$${A}"),
            ("${Z}", ""),
            ("${Z:=d}", "d"),
            ("${Z:-d}", "d"),
            ("${Z=d}", "d"),
            ("${A:-d}", "abc"),
            ("${E:=d}", "d"),
            ("${A:+alt}", "alt"),
            ("${Z:?err}", "err"),
            ("${#A}", "3"),
            ("${A^}", "Abc"),
            ("${A^^}", "ABC"),
            ("${A,,}", "abc"),
            ("${N:1}", "2345"),
            ("${N:1:2}", "23"),
            ("${N:9}", ""),
            ("${A:-1}", "abc"),
            ("${B/b/x}", "x/b.c"),
            ("${B//b/x}", "x/x.c"),
            ("${B/#b/x}", "x/b.c"),
            ("${B/%c/x}", "b/b.x"),
            ("${Z:-x${A}y}", "xabcy"),
            ("${Z:=${Y:-q}}", "q"),
            ("x{A}y", "x{A}y"),
            ("$(A)", "$(A)"),
            ("${_u}", "U"),
            ("${Z:=a/b:c@d}", "a/b:c@d"),
        ] {
            assert_eq!(variables.replace(text), expected, "{text}");
        }
        assert_eq!(Variables::default().replace("$${A} ${A:-d}"), "$${A} ${A:-d}");
    }

    #[test]
    fn what_is_unknown_stays_as_it_is_written() {
        let mut variables = Variables::default();
        variables.add("A", "a");
        variables.hide("S");
        assert_eq!(variables.replace("${A}/${S}:${S:-1}/${Z}"), "a/${S}:${S:-1}/");
        variables.open();
        assert_eq!(variables.replace("${A}/${Z}"), "a/${Z}");
        variables.add("S", "s");
        assert_eq!(variables.replace("${S}${A.B}${"), "s${A.B}${");
    }
}
