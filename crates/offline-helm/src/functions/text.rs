//! Sprig's functions over texts, and Go's that escape them.

use super::arguments::{MOST_BYTES, bytes, fixed, int, slice, text, variadic};
use super::fmt::{plain, quote, sprint, sprintf, sprintln};
use super::letters::{self, lower, upper};
use super::signature::{Function, Type};
use crate::value::{Map, MapType, Str, Value};
use Type::{Any, Int};
use memchr::memmem;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    variadic("print", &[], Any, |args| sprint(args).map(Value::str)),
    variadic("println", &[], Any, |args| sprintln(args).map(Value::str)),
    variadic("printf", &[Type::Str], Any, printf),
    fixed("hello", &[], |_| Ok(Value::str("Hello!"))),
    fixed("trim", &[Type::Str], |args| Ok(Value::str(trimmed(bytes(&args[0]), char::is_whitespace)))),
    fixed("upper", &[Type::Str], |args| Ok(Value::str(each_letter(&text(&args[0]), upper)))),
    fixed("lower", &[Type::Str], |args| Ok(Value::str(each_letter(&text(&args[0]), lower)))),
    fixed("repeat", &[Int, Type::Str], repeat),
    fixed("trimall", &[Type::Str, Type::Str], trim_all),
    fixed("trimAll", &[Type::Str, Type::Str], trim_all),
    fixed("trimSuffix", &[Type::Str, Type::Str], |args| {
        Ok(cut(args, |whole, part| whole.strip_suffix(part)))
    }),
    fixed("trimPrefix", &[Type::Str, Type::Str], |args| {
        Ok(cut(args, |whole, part| whole.strip_prefix(part)))
    }),
    fixed("contains", &[Type::Str, Type::Str], |args| {
        Ok(Value::Bool(memmem::find(bytes(&args[1]), bytes(&args[0])).is_some()))
    }),
    fixed("hasPrefix", &[Type::Str, Type::Str], |args| {
        Ok(Value::Bool(bytes(&args[1]).starts_with(bytes(&args[0]))))
    }),
    fixed("hasSuffix", &[Type::Str, Type::Str], |args| {
        Ok(Value::Bool(bytes(&args[1]).ends_with(bytes(&args[0]))))
    }),
    variadic("quote", &[], Any, quoted),
    variadic("squote", &[], Any, single_quoted),
    variadic("cat", &[], Any, cat),
    fixed("indent", &[Int, Type::Str], |args| indent(int(&args[0]), bytes(&args[1]), false)),
    fixed("nindent", &[Int, Type::Str], |args| indent(int(&args[0]), bytes(&args[1]), true)),
    fixed("replace", &[Type::Str, Type::Str, Type::Str], replace),
    fixed("plural", &[Type::Str, Type::Str, Int], |args| Ok(args[usize::from(int(&args[2]) != 1)].clone())),
    fixed("toString", &[Any], |args| string(&args[0]).map(Value::Str)),
    fixed("toStrings", &[Any], |args| strings(&args[0]).map(Value::strings)),
    fixed("join", &[Type::Str, Any], join),
    fixed("sortAlpha", &[Any], sort_alpha),
    fixed("split", &[Type::Str, Type::Str], |args| {
        Ok(numbered(parts(bytes(&args[1]), bytes(&args[0]), None)))
    }),
    fixed("splitList", &[Type::Str, Type::Str], |args| {
        Ok(Value::strings(parts(bytes(&args[1]), bytes(&args[0]), None)))
    }),
    fixed("splitn", &[Type::Str, Int, Type::Str], |args| {
        Ok(numbered(parts(bytes(&args[2]), bytes(&args[0]), Some(int(&args[1])))))
    }),
    fixed("substr", &[Int, Int, Type::Str], substr),
    fixed("trunc", &[Int, Type::Str], trunc),
    fixed("abbrev", &[Int, Type::Str], |args| Ok(Value::str(abbreviate(bytes(&args[1]), 0, int(&args[0]))))),
    fixed("abbrevboth", &[Int, Int, Type::Str], abbrev_both),
    fixed("wrap", &[Int, Type::Str], |args| wrap(bytes(&args[1]), int(&args[0]), b"", false)),
    fixed("wrapWith", &[Int, Type::Str, Type::Str], |args| {
        wrap(bytes(&args[2]), int(&args[0]), bytes(&args[1]), true)
    }),
];

/// `strval`: the text of any value.
pub(super) fn string(value: &Value) -> Result<Str, String> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        Value::Bytes(bytes) => Ok(Str::from(&**bytes)),
        _ => {
            let mut out = Vec::new();
            plain(value, &mut out)?;
            Ok(Str::from(out))
        }
    }
}

/// `strslice`: the texts of a list, or of one value.
fn strings(value: &Value) -> Result<Vec<Str>, String> {
    match slice(value) {
        Some(items) => items.iter().filter(|item| !item.is_nil()).map(string).collect(),
        None if value.is_nil() => Ok(Vec::new()),
        None => Ok(vec![string(value)?]),
    }
}

fn limited(size: usize) -> Result<(), String> {
    if size > MOST_BYTES { Err(format!("a text of more than {} MiB", MOST_BYTES >> 20)) } else { Ok(()) }
}

fn printf(args: &[Value]) -> Result<Value, String> {
    match args.split_first() {
        Some((Value::Str(format), rest)) => sprintf(format, rest).map(Value::str),
        _ => Ok(Value::str("")),
    }
}

/// Go maps letter by letter: `ß` stays as it is.
pub(super) fn each_letter(text: &str, map: fn(char) -> char) -> String {
    text.chars().map(map).collect()
}

fn repeat(args: &[Value]) -> Result<Value, String> {
    let Ok(count) = usize::try_from(int(&args[0])) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    let text = bytes(&args[1]);
    limited(text.len().saturating_mul(count))?;
    Ok(Value::str(text.repeat(count)))
}

fn trim_all(args: &[Value]) -> Result<Value, String> {
    let cutset = text(&args[0]);
    Ok(Value::str(trimmed(bytes(&args[1]), |letter| cutset.contains(letter))))
}

/// Without what is to go at both ends; a byte that is no letter counts as the replacement character.
fn trimmed(text: &[u8], goes: impl Fn(char) -> bool) -> &[u8] {
    let mut rest = text;
    while let Some((letter, size)) = letters::first(rest).filter(|(letter, _)| goes(*letter)) {
        let _ = letter;
        rest = &rest[size..];
    }
    while let Some((_, size)) = letters::last(rest).filter(|(letter, _)| goes(*letter)) {
        rest = &rest[..rest.len() - size];
    }
    rest
}

fn cut(args: &[Value], strip: for<'a> fn(&'a [u8], &[u8]) -> Option<&'a [u8]>) -> Value {
    let whole = bytes(&args[1]);
    Value::str(strip(whole, bytes(&args[0])).unwrap_or(whole))
}

fn joined(
    args: &[Value],
    write: impl Fn(&Value, &mut Vec<u8>) -> Result<(), String>,
) -> Result<Value, String> {
    let mut out = Vec::new();
    for (number, arg) in args.iter().filter(|arg| !arg.is_nil()).enumerate() {
        if number > 0 {
            out.push(b' ');
        }
        write(arg, &mut out)?;
    }
    Ok(Value::str(out))
}

fn quoted(args: &[Value]) -> Result<Value, String> {
    joined(args, |arg, out| {
        out.extend_from_slice(quote(string(arg)?.as_bytes(), false).as_bytes());
        Ok(())
    })
}

fn single_quoted(args: &[Value]) -> Result<Value, String> {
    joined(args, |arg, out| {
        out.push(b'\'');
        plain(arg, out)?;
        out.push(b'\'');
        Ok(())
    })
}

fn cat(args: &[Value]) -> Result<Value, String> {
    joined(args, plain)
}

fn indent(spaces: i64, text: &[u8], newline: bool) -> Result<Value, String> {
    let Ok(spaces) = usize::try_from(spaces) else {
        return Err("strings: negative Repeat count".to_owned());
    };
    let lines = memchr::memchr_iter(b'\n', text).count() + 1;
    limited(lines.saturating_mul(spaces).saturating_add(text.len()))?;
    let mut out = Vec::with_capacity(text.len() + lines * spaces + 1);
    if newline {
        out.push(b'\n');
    }
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            out.push(b'\n');
        }
        out.resize(out.len() + spaces, b' ');
        out.extend_from_slice(line);
    }
    Ok(Value::str(out))
}

fn replace(args: &[Value]) -> Result<Value, String> {
    let (old, new, whole) = (bytes(&args[0]), bytes(&args[1]), bytes(&args[2]));
    let mut out = Vec::with_capacity(whole.len());
    if old.is_empty() {
        // Before each letter, and at the end.
        limited(whole.len().saturating_mul(new.len().saturating_add(1)))?;
        let mut rest = whole;
        while let Some((_, size)) = letters::first(rest) {
            out.extend_from_slice(new);
            out.extend_from_slice(&rest[..size]);
            rest = &rest[size..];
        }
        out.extend_from_slice(new);
        return Ok(Value::str(out));
    }
    let finder = memmem::Finder::new(old);
    limited(finder.find_iter(whole).count().saturating_mul(new.len()))?;
    let mut done = 0;
    for at in finder.find_iter(whole) {
        out.extend_from_slice(&whole[done..at]);
        out.extend_from_slice(new);
        done = at + old.len();
    }
    out.extend_from_slice(&whole[done..]);
    Ok(Value::str(out))
}

fn join(args: &[Value]) -> Result<Value, String> {
    let parts = strings(&args[1])?;
    let separator = bytes(&args[0]);
    limited(parts.len().saturating_mul(separator.len()))?;
    let mut out = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(part.as_bytes());
    }
    Ok(Value::str(out))
}

fn sort_alpha(args: &[Value]) -> Result<Value, String> {
    let mut sorted = strings(&args[0])?;
    if slice(&args[0]).is_some() {
        sorted.sort();
    } else if args[0].is_nil() {
        sorted.push(string(&args[0])?);
    }
    Ok(Value::strings(sorted))
}

/// `strings.SplitN`; without a separator letter by letter.
fn parts(whole: &[u8], separator: &[u8], most: Option<i64>) -> Vec<Str> {
    let most = match most {
        Some(0) => return Vec::new(),
        Some(most) => usize::try_from(most).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let mut parts = Vec::new();
    let mut rest = whole;
    if separator.is_empty() {
        while !rest.is_empty() && parts.len() + 1 < most {
            let length = 1 + rest[1..].iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
            let (letter, after) = rest.split_at(length.min(4));
            parts.push(Str::from(letter));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Str::from(rest));
        }
        return parts;
    }
    let finder = memmem::Finder::new(separator);
    while parts.len() + 1 < most {
        let Some(at) = finder.find(rest) else { break };
        parts.push(Str::from(&rest[..at]));
        rest = &rest[at + separator.len()..];
    }
    parts.push(Str::from(rest));
    parts
}

/// `_0`, `_1` and so on.
fn numbered(parts: Vec<Str>) -> Value {
    let entries: BTreeMap<Str, Value> = parts
        .into_iter()
        .enumerate()
        .map(|(number, part)| (Str::from(format!("_{number}")), Value::Str(part)))
        .collect();
    Value::Map(Rc::new(Map::typed(MapType::Str, entries)))
}

/// `s[start:end]` with Go's error.
fn part(text: &[u8], start: i64, end: i64) -> Result<&[u8], String> {
    let length = text.len();
    let wrong = |bounds: String| format!("runtime error: slice bounds out of range [{bounds}");
    let Ok(last) = usize::try_from(end) else { return Err(wrong(format!(":{end}]"))) };
    if last > length {
        return Err(wrong(format!(":{last}] with length {length}")));
    }
    match usize::try_from(start) {
        Ok(first) if first <= last => Ok(&text[first..last]),
        _ if end == length as i64 => Err(wrong(format!("{start}:{end}]"))),
        _ => Err(wrong(format!("{start}:{end}]"))),
    }
}

fn substr(args: &[Value]) -> Result<Value, String> {
    let (start, end, text) = (int(&args[0]), int(&args[1]), bytes(&args[2]));
    let length = text.len() as i64;
    let cut = if start < 0 {
        part(text, 0, end)
    } else if end < 0 || end > length {
        part(text, start, length)
    } else {
        part(text, start, end)
    };
    cut.map(Value::str)
}

fn trunc(args: &[Value]) -> Result<Value, String> {
    let (count, text) = (int(&args[0]), bytes(&args[1]));
    let length = text.len() as i64;
    let cut = if count < 0 && length.saturating_add(count) > 0 {
        part(text, length + count, length)?
    } else if count >= 0 && length > count {
        part(text, 0, count)?
    } else {
        text
    };
    Ok(Value::str(cut))
}

/// `goutils.AbbreviateFull`: a part of a text with dots where it goes on.
fn abbreviate(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let length = text.len() as i64;
    if width < 4 || length <= width {
        return text.to_vec();
    }
    let mut offset = offset.min(length);
    // Go's numbers wrap around.
    if length.wrapping_sub(offset) < width - 3 {
        offset = length - (width - 3);
    }
    let until = |end: i64| &text[..usize::try_from(end).unwrap_or(0)];
    if offset <= 4 {
        return [until(width - 3), b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + width - 3 < length {
        let rest = &text[usize::try_from(offset).unwrap_or(0)..];
        return [b"...".as_slice(), &abbreviate(rest, 0, width - 3)].concat();
    }
    [b"...".as_slice(), &text[usize::try_from(length - (width - 3)).unwrap_or(0)..]].concat()
}

fn abbrev_both(args: &[Value]) -> Result<Value, String> {
    let (left, right, text) = (int(&args[0]), int(&args[1]), bytes(&args[2]));
    if right < 4 || (left > 0 && right < 7) {
        return Ok(args[2].clone());
    }
    Ok(Value::str(abbreviate(text, left, right)))
}

/// `goutils.WrapCustom`, which counts bytes.
fn wrap(text: &[u8], width: i64, newline: &[u8], long_words: bool) -> Result<Value, String> {
    let newline = if newline.is_empty() { b"\n" } else { newline };
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    limited((text.len() / width.min(text.len().max(1))).saturating_mul(newline.len()))?;
    let mut out = Vec::with_capacity(text.len());
    let mut offset = 0;
    while text.len() - offset > width {
        if text[offset] == b' ' {
            offset += 1;
            continue;
        }
        if let Some(space) = memchr::memrchr(b' ', &text[offset..offset + width + 1]) {
            out.extend_from_slice(&text[offset..offset + space]);
            offset += space + 1;
        } else if long_words {
            out.extend_from_slice(&text[offset..offset + width]);
            offset += width;
        } else {
            match memchr::memchr(b' ', &text[offset + width..]) {
                None => {
                    out.extend_from_slice(&text[offset..]);
                    offset = text.len();
                    continue;
                }
                Some(space) => {
                    out.extend_from_slice(&text[offset..offset + width + space]);
                    offset += width + space + 1;
                }
            }
        }
        out.extend_from_slice(newline);
    }
    out.extend_from_slice(&text[offset..]);
    Ok(Value::str(out))
}
