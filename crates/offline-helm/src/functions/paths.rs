//! Go's `path` over texts; nothing looks at a file.

use super::arguments::{bytes, fixed};
use super::signature::{Function, Type};
use crate::value::Value;
use Type::Str;

/// The functions of this file. `os…` are those of a Unix.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("base", &[Str], |args| Ok(Value::str(base(bytes(&args[0]))))),
    fixed("dir", &[Str], |args| Ok(Value::str(dir(bytes(&args[0]))))),
    fixed("clean", &[Str], |args| Ok(Value::str(clean(bytes(&args[0]))))),
    fixed("ext", &[Str], |args| Ok(Value::str(ext(bytes(&args[0]))))),
    fixed("isAbs", &[Str], |args| Ok(Value::Bool(bytes(&args[0]).starts_with(b"/")))),
    fixed("osBase", &[Str], |args| Ok(Value::str(base(bytes(&args[0]))))),
    fixed("osDir", &[Str], |args| Ok(Value::str(dir(bytes(&args[0]))))),
    fixed("osClean", &[Str], |args| Ok(Value::str(clean(bytes(&args[0]))))),
    fixed("osExt", &[Str], |args| Ok(Value::str(ext(bytes(&args[0]))))),
    fixed("osIsAbs", &[Str], |args| Ok(Value::Bool(bytes(&args[0]).starts_with(b"/")))),
];

/// `path.Clean`
pub(crate) fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (false, true) => b".".to_vec(),
        (false, false) => parts.join(&b'/'),
        (true, _) => [b"/".as_slice(), &parts.join(&b'/')].concat(),
    }
}

/// `path.Base`
pub(crate) fn base(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    match (path, &path[..end]) {
        (b"", _) => b".",
        (_, b"") => b"/",
        (_, path) => after_slash(path),
    }
}

fn after_slash(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(path, |at| &path[at + 1..])
}

fn dir(path: &[u8]) -> Vec<u8> {
    clean(&path[..path.len() - after_slash(path).len()])
}

fn ext(path: &[u8]) -> &[u8] {
    let name = after_slash(path);
    name.iter().rposition(|byte| *byte == b'.').map_or(b"", |at| &name[at..])
}
