//! Go's `path` over texts; nothing looks at a file.

use super::arguments::{fixed, text};
use super::{Function, Type};
use crate::template::Value;
use Type::Str;

/// The functions of this file. `os…` are those of a Unix.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("base", &[Str], |args| Ok(Value::str(base(&text(&args[0]))))),
    fixed("dir", &[Str], |args| Ok(Value::str(dir(&text(&args[0]))))),
    fixed("clean", &[Str], |args| Ok(Value::str(clean(&text(&args[0]))))),
    fixed("ext", &[Str], |args| Ok(Value::str(ext(&text(&args[0]))))),
    fixed("isAbs", &[Str], |args| Ok(Value::Bool(text(&args[0]).starts_with('/')))),
    fixed("osBase", &[Str], |args| Ok(Value::str(base(&text(&args[0]))))),
    fixed("osDir", &[Str], |args| Ok(Value::str(dir(&text(&args[0]))))),
    fixed("osClean", &[Str], |args| Ok(Value::str(clean(&text(&args[0]))))),
    fixed("osExt", &[Str], |args| Ok(Value::str(ext(&text(&args[0]))))),
    fixed("osIsAbs", &[Str], |args| Ok(Value::Bool(text(&args[0]).starts_with('/')))),
];

/// `path.Clean`
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
        (true, _) => format!("/{}", parts.join("/")),
    }
}

/// `path.Base`
pub(crate) fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return "/".to_owned();
    }
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

fn ext(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or(String::new(), |at| name[at..].to_owned())
}
