//! Go's own functions that escape a text: for HTML, for scripts, and for the query of a URL.

use super::arguments::{text_of, variadic};
use super::fmt::sprint;
use super::letters::{self, is_print};
use super::signature::{Function, Type::Any};
use crate::value::Value;
use std::borrow::Cow;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    variadic("html", &[], Any, |args| escaped(args, html)),
    variadic("js", &[], Any, |args| escaped(args, js)),
    variadic("urlquery", &[], Any, |args| escaped(args, url_query)),
];

/// What is done to the printed arguments, of which a missing one is told as where a template prints it.
fn escaped(args: &[Value], escape: fn(&[u8]) -> Vec<u8>) -> Result<Value, String> {
    let shown = |arg: &Value| if arg.is_nil() { Value::str("<no value>") } else { arg.clone() };
    let args: Vec<Value> = args.iter().map(shown).collect();
    text_of(escape(&sprint(&args)?))
}

fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        let escape: &[u8] = match byte {
            b'\0' => "\u{fffd}".as_bytes(),
            b'"' => b"&#34;",
            b'\'' => b"&#39;",
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            other => std::slice::from_ref(other),
        };
        out.extend_from_slice(escape);
    }
    out
}

fn js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((letter, size)) = letters::first(rest) {
        let plain = &rest[..size];
        rest = &rest[size..];
        let code = || Cow::Owned(format!("\\u{:04X}", u32::from(letter)).into_bytes());
        let escape: Cow<'_, [u8]> = match letter {
            '\\' => Cow::Borrowed(b"\\\\"),
            '\'' => Cow::Borrowed(b"\\'"),
            '"' => Cow::Borrowed(b"\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\u{1f}' => code(),
            letter if !letter.is_ascii() && !is_print(letter) => code(),
            _ => Cow::Borrowed(plain),
        };
        out.extend_from_slice(&escape);
    }
    out
}

fn url_query(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            b' ' => out.push(b'+'),
            other => out.extend_from_slice(format!("%{other:02X}").as_bytes()),
        }
    }
    out
}
