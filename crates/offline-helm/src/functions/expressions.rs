//! Functions of regular expressions: searching and replacing step by step as Go does, which counts empty matches in its own way.

use super::arguments::{MOST_BYTES, MOST_ELEMENTS, bytes, fixed, int, list_of, quoted, too_long, too_many};
use super::re2::{Expression, compile, width};
use super::signature::{Function, Type};
use crate::value::{List, ListType, Value};
use regex::bytes::Captures;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// The functions of this file. Those without `must` fail as well, with more words.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("regexMatch", &[Type::Str, Type::Str], |args| {
        Ok(Value::Bool(expression(args).is_ok_and(|expression| expression.regex.is_match(bytes(&args[1])))))
    }),
    fixed("mustRegexMatch", &[Type::Str, Type::Str], |args| {
        Ok(Value::Bool(expression(args)?.regex.is_match(bytes(&args[1]))))
    }),
    fixed("regexFindAll", &[Type::Str, Type::Str, Type::Int], |args| find_all(args, &*demanded(args)?)),
    fixed("mustRegexFindAll", &[Type::Str, Type::Str, Type::Int], |args| find_all(args, &*expression(args)?)),
    fixed("regexFind", &[Type::Str, Type::Str], |args| Ok(find(args, &*demanded(args)?))),
    fixed("mustRegexFind", &[Type::Str, Type::Str], |args| Ok(find(args, &*expression(args)?))),
    fixed("regexReplaceAll", &[Type::Str; 3], |args| replace_all(args, &*demanded(args)?, true)),
    fixed("mustRegexReplaceAll", &[Type::Str; 3], |args| replace_all(args, &*expression(args)?, true)),
    fixed("regexReplaceAllLiteral", &[Type::Str; 3], |args| replace_all(args, &*demanded(args)?, false)),
    fixed("mustRegexReplaceAllLiteral", &[Type::Str; 3], |args| {
        replace_all(args, &*expression(args)?, false)
    }),
    fixed("regexSplit", &[Type::Str, Type::Str, Type::Int], |args| split(args, &*demanded(args)?)),
    fixed("mustRegexSplit", &[Type::Str, Type::Str, Type::Int], |args| split(args, &*expression(args)?)),
    fixed("regexQuoteMeta", &[Type::Str], quote_meta),
];

type Compiled = Result<Rc<Expression>, String>;

/// The expression of the first argument. Charts use few of them, again and again.
fn expression(args: &[Value]) -> Compiled {
    const MOST: usize = 200;
    thread_local! {
        static COMPILED: RefCell<HashMap<Vec<u8>, Compiled>> = RefCell::default();
    }
    let pattern = bytes(&args[0]);
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(known) = compiled.get(pattern) {
            return known.clone();
        }
        let new = compile(pattern).map(Rc::new);
        if compiled.len() == MOST {
            compiled.clear();
        }
        compiled.insert(pattern.to_vec(), new.clone());
        new
    })
}

/// The same, with the words that Go has where an expression had to be right.
fn demanded(args: &[Value]) -> Compiled {
    expression(args).map_err(|error| {
        let pattern = super::arguments::text(&args[0]);
        let plain = |c: char| c == '\t' || !(c.is_control() || c == '`' || c == '\u{feff}');
        let shown = if pattern.chars().all(plain) { format!("`{pattern}`") } else { quoted(&pattern) };
        format!("regexp: Compile({shown}): {error}")
    })
}

/// Up to so many matches; an empty one right after another does not count.
fn matches(expression: &Expression, text: &[u8], most: usize) -> Result<Vec<Range<usize>>, String> {
    let mut found = Vec::new();
    let (mut position, mut last_end) = (0, None);
    while found.len() < most && position <= text.len() {
        let Some(next) = expression.find(text, position) else { break };
        let refused = next.end() == position && Some(next.start()) == last_end;
        position = if next.end() == position { position + width(text, position) } else { next.end() };
        last_end = Some(next.end());
        if !refused {
            found.push(next.range());
        }
        if found.len() > MOST_ELEMENTS {
            return Err(too_many());
        }
    }
    Ok(found)
}

fn find(args: &[Value], expression: &Expression) -> Value {
    Value::str(expression.find(bytes(&args[1]), 0).map_or(&[][..], |found| found.as_bytes()))
}

/// The number of matches that a call asks for; less than zero means all.
fn most(args: &[Value]) -> usize {
    usize::try_from(int(&args[2])).unwrap_or(usize::MAX)
}

fn find_all(args: &[Value], expression: &Expression) -> Result<Value, String> {
    let text = bytes(&args[1]);
    let found = matches(expression, text, most(args))?;
    if found.is_empty() {
        return list_of(List::nil(ListType::Str));
    }
    Ok(Value::strings(found.into_iter().map(|range| &text[range])))
}

fn split(args: &[Value], expression: &Expression) -> Result<Value, String> {
    let (text, most) = (bytes(&args[1]), most(args));
    if most == 0 {
        return list_of(List::nil(ListType::Str));
    }
    if text.is_empty() && !bytes(&args[0]).is_empty() {
        return Ok(Value::strings([""]));
    }
    let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
    for found in matches(expression, text, most)? {
        if parts.len() == most - 1 {
            break;
        }
        end = found.start;
        if found.end != 0 {
            parts.push(&text[begin..end]);
        }
        begin = found.end;
    }
    if end != text.len() {
        parts.push(&text[begin..]);
    }
    Ok(Value::strings(parts))
}

fn replace_all(args: &[Value], expression: &Expression, expand: bool) -> Result<Value, String> {
    let (text, replacement) = (bytes(&args[1]), bytes(&args[2]));
    let mut out = Vec::new();
    let (mut position, mut last_end) = (0, 0);
    while position <= text.len() {
        let Some(groups) = expression.captures(text, position) else { break };
        let Some(found) = groups.get(0) else { break };
        out.extend_from_slice(&text[last_end..found.start()]);
        // Not after a match that was not empty, which would be replaced twice.
        if found.end() > last_end || found.start() == 0 {
            if expand {
                fill_in(replacement, expression, &groups, &mut out);
            } else {
                out.extend_from_slice(replacement);
            }
        }
        if out.len() > MOST_BYTES {
            return Err(too_long());
        }
        last_end = found.end();
        position = found.end().max(position + width(text, position));
    }
    out.extend_from_slice(&text[last_end.min(text.len())..]);
    super::arguments::text_of(out)
}

/// Writes the replacement: `$1`, `${name}` and `$$` stand for what they say, everything else for itself.
fn fill_in(mut replacement: &[u8], expression: &Expression, groups: &Captures<'_>, out: &mut Vec<u8>) {
    while let Some(at) = replacement.iter().position(|&byte| byte == b'$') {
        out.extend_from_slice(&replacement[..at]);
        replacement = &replacement[at + 1..];
        if let Some(rest) = replacement.strip_prefix(b"$") {
            out.push(b'$');
            replacement = rest;
            continue;
        }
        let Some((name, rest)) = group_name(replacement) else {
            out.push(b'$');
            continue;
        };
        replacement = rest;
        out.extend_from_slice(group(name, expression, groups));
    }
    out.extend_from_slice(replacement);
}

/// The name after a `$`, the longest there is, and what follows.
fn group_name(text: &[u8]) -> Option<(&str, &[u8])> {
    let (inside, braces) = text.strip_prefix(b"{").map_or((text, false), |inside| (inside, true));
    let valid = match std::str::from_utf8(inside) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&inside[..error.valid_up_to()]).unwrap_or(""),
    };
    let end = valid.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(valid.len());
    if end == 0 || braces && !inside[end..].starts_with(b"}") {
        return None;
    }
    Some((&valid[..end], &inside[end + usize::from(braces)..]))
}

fn group<'t>(name: &str, expression: &Expression, groups: &Captures<'t>) -> &'t [u8] {
    let text = |index: usize| groups.get(index).map(|group| group.as_bytes());
    if name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0')) {
        return name.parse().ok().and_then(text).unwrap_or(&[]);
    }
    let named = expression.names.iter().enumerate().filter(|(_, group)| *group == name);
    named.filter_map(|(index, _)| text(index)).next().unwrap_or(&[])
}

fn quote_meta(args: &[Value]) -> Result<Value, String> {
    let mut out = Vec::new();
    for &byte in bytes(&args[0]) {
        if b"\\.+*?()|[]{}^$".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    super::arguments::text_of(out)
}
