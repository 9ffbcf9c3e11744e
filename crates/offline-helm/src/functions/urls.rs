//! `urlParse` and `urlJoin`, with Go's net/url: it keeps what was written, where the usual crates bring it into a normal form.
//!
//! `getHostByName` is here as well: nothing is looked up, as in `helm template` without a network.

use super::arguments::{NIL_POINTER, bytes, fixed, quoted, text_of};
use super::signature::{Function, Type};
use crate::value::{Str, Value};
use core::net::Ipv6Addr;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("urlParse", &[Type::Str], |args| parse_url(&args[0])),
    fixed("urlJoin", &[Type::Map], join),
    fixed("getHostByName", &[Type::Str], |_| Ok(Value::str(""))),
];

/// The part of a URL that a text is for, which decides what is escaped in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    /// What follows `%25` in an IPv6 address.
    Zone,
    User,
    Fragment,
}

/// A URL without what only matters to writing it as it was.
#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    /// The name, and the password if one is set.
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fragment: Vec<u8>,
}

fn parse_url(value: &Value) -> Result<Value, String> {
    let text = bytes(value);
    let url = Url::parse(text).map_err(|error| format!("unable to parse url: {error}"))?;
    let (hostname, userinfo) = (url.hostname().to_vec(), url.userinfo());
    let Url { scheme, opaque, host, path, query, fragment, .. } = url;
    let fields: [(&str, Vec<u8>); 8] = [
        ("scheme", scheme),
        ("host", host),
        ("hostname", hostname),
        ("path", path),
        ("query", query),
        ("opaque", opaque),
        ("fragment", fragment),
        ("userinfo", userinfo),
    ];
    Ok(Value::map(fields.map(|(name, text)| (Str::from(name), Value::str(text)))))
}

fn join(args: &[Value]) -> Result<Value, String> {
    let field = |name: &str| match args[0].as_map().and_then(|map| map.get(name.as_bytes())) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Nil) => Err(NIL_POINTER.to_owned()),
        Some(other) => Err(format!(
            "unable to parse {name} key, must be of type string, but {} found",
            other.kind_name()
        )),
    };
    let mut url = Url {
        scheme: field("scheme")?,
        host: field("host")?,
        path: field("path")?,
        query: field("query")?,
        opaque: field("opaque")?,
        fragment: field("fragment")?,
        user: None,
    };
    let userinfo = field("userinfo")?;
    if !userinfo.is_empty() {
        let example = [b"proto://", userinfo.as_slice(), b"@host"].concat();
        let parsed = Url::parse(&example);
        url.user = parsed.map_err(|error| format!("unable to parse userinfo in dict: {error}"))?.user;
    }
    text_of(url.written())
}

/// Before and after the first such byte; nothing after it if there is none.
fn cut(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|&byte| byte == at) {
        Some(index) => (&text[..index], &text[index + 1..]),
        None => (text, &[]),
    }
}

impl Url {
    fn parse(text: &[u8]) -> Result<Url, String> {
        let refused =
            |text: &[u8], error: String| format!("parse {}: {error}", quoted(&String::from_utf8_lossy(text)));
        let (before, fragment) = cut(text, b'#');
        let mut url = Url::without_fragment(before).map_err(|error| refused(before, error))?;
        url.fragment = unescape(fragment, Part::Fragment).map_err(|error| refused(text, error))?;
        Ok(url)
    }

    fn without_fragment(text: &[u8]) -> Result<Url, String> {
        let mut url = Url::default();
        if text.iter().any(u8::is_ascii_control) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        if text == b"*" {
            url.path = text.to_vec();
            return Ok(url);
        }
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = cut(rest, b'?');
        url.query = query.to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let mut path = rest;
        if (!url.scheme.is_empty() || !rest.starts_with(b"///")) && rest.starts_with(b"//") {
            let authority = &rest[2..];
            let end = authority.iter().position(|&byte| byte == b'/').unwrap_or(authority.len());
            path = &authority[end..];
            url.set_authority(&authority[..end])?;
        }
        url.path = unescape(path, Part::Path)?;
        Ok(url)
    }

    fn set_authority(&mut self, authority: &[u8]) -> Result<(), String> {
        let at = authority.iter().rposition(|&byte| byte == b'@');
        let strict = self.scheme == b"http" || self.scheme == b"https";
        self.host = host(&authority[at.map_or(0, |at| at + 1)..], strict)?;
        let Some(at) = at else { return Ok(()) };
        let user = &authority[..at];
        if !user.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte)) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = cut(user, b':');
        let password = if user.contains(&b':') { Some(unescape(password, Part::User)?) } else { None };
        self.user = Some((unescape(name, Part::User)?, password));
        Ok(())
    }

    /// The host without port and brackets.
    fn hostname(&self) -> &[u8] {
        let colon = self.host.iter().rposition(|&byte| byte == b':');
        let host = match colon {
            Some(colon) if is_port(&self.host[colon..]) => &self.host[..colon],
            _ => &self.host,
        };
        host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
    }

    fn userinfo(&self) -> Vec<u8> {
        let Some((name, password)) = &self.user else { return Vec::new() };
        let mut out = escape(name, Part::User);
        if let Some(password) = password {
            out.push(b':');
            out.extend(escape(password, Part::User));
        }
        out
    }

    fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.write_place(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Part::Fragment));
        }
        out
    }

    /// User, host and path.
    fn write_place(&self, out: &mut Vec<u8>) {
        let somewhere = !self.host.is_empty() || self.user.is_some();
        if somewhere || !self.scheme.is_empty() && !self.path.is_empty() {
            out.extend_from_slice(b"//");
        }
        if self.user.is_some() {
            out.extend(self.userinfo());
            out.push(b'@');
        }
        out.extend(escape(&self.host, Part::Host));
        let path = if self.path == b"*" { self.path.clone() } else { escape(&self.path, Part::Path) };
        if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
            out.push(b'/');
        }
        if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

/// The scheme, and what follows its colon.
fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let len = text.iter().take_while(|byte| word(byte)).count();
    match text.get(len) {
        Some(b':') if len == 0 => Err("missing protocol scheme".to_owned()),
        Some(b':') if text[0].is_ascii_alphabetic() => Ok((&text[..len], &text[len + 1..])),
        _ => Ok((&[], text)),
    }
}

fn is_port(text: &[u8]) -> bool {
    text.is_empty() || text[0] == b':' && text[1..].iter().all(u8::is_ascii_digit)
}

/// Reads a host with its port. Only some schemes may have several hosts in one.
fn host(text: &[u8], strict: bool) -> Result<Vec<u8>, String> {
    let bad_port =
        |port: &[u8]| Err(format!("invalid port {} after host", quoted(&String::from_utf8_lossy(port))));
    match text.iter().rposition(|&byte| byte == b'[') {
        Some(0) => {
            let close = text.iter().rposition(|&byte| byte == b']').ok_or("missing ']' in host")?;
            let port = &text[close + 1..];
            if !is_port(port) {
                return bad_port(port);
            }
            let address = address(&text[1..close])?;
            return Ok([b"[", address.as_slice(), b"]", port].concat());
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    let mut colons = text.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at);
    if let Some(colon) = if strict { colons.next() } else { colons.next_back() }
        && !is_port(&text[colon..])
    {
        return bad_port(&text[colon..]);
    }
    unescape(text, Part::Host)
}

/// What stands in brackets: an IPv6 address, perhaps with a zone.
fn address(text: &[u8]) -> Result<Vec<u8>, String> {
    let zone = text.windows(3).position(|bytes| bytes == b"%25").unwrap_or(text.len());
    let mut plain = unescape(&text[..zone], Part::Host)?;
    plain.extend(unescape(&text[zone..], Part::Zone)?);
    let shown = String::from_utf8_lossy(&plain).into_owned();
    let (ip, zone) = shown.split_once('%').map_or((shown.as_str(), None), |(ip, zone)| (ip, Some(zone)));
    if ip.parse::<core::net::Ipv4Addr>().is_ok() && zone.is_none() {
        return Err("invalid IP-literal".to_owned());
    }
    if ip.parse::<Ipv6Addr>().is_err() || zone.is_some_and(str::is_empty) {
        return Err(format!("invalid host: ParseAddr({}): unable to parse IP", quoted(&shown)));
    }
    Ok(plain)
}

fn must_escape(byte: u8, part: Part) -> bool {
    let host = matches!(part, Part::Host | Part::Zone);
    match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' => false,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' if host => false,
        b'[' | b']' | b'<' | b'>' | b'"' if host => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => byte == b'?',
            Part::User => b"@/?:".contains(&byte),
            Part::Fragment => false,
            Part::Host | Part::Zone => true,
        },
        b'!' | b'(' | b')' | b'*' => part != Part::Fragment,
        _ => true,
    }
}

fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if must_escape(byte, part) {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            out.push(byte);
        }
    }
    out
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let host = matches!(part, Part::Host | Part::Zone);
        if byte != b'%' {
            if host && byte.is_ascii() && must_escape(byte, part) {
                let shown = quoted(&String::from(byte as char));
                return Err(format!("invalid character {shown} in host name"));
            }
            out.push(byte);
            rest = after;
            continue;
        }
        let escape = &rest[..rest.len().min(3)];
        let refused = || format!("invalid URL escape {}", quoted(&String::from_utf8_lossy(escape)));
        let hex = std::str::from_utf8(&escape[1..]).ok().filter(|hex| hex.len() == 2);
        let hex = hex.filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).ok_or_else(refused)?;
        let allowed = match part {
            Part::Host => code >= 0x80 || code == b'%',
            Part::Zone => code == b'%' || code == b' ' || !must_escape(code, Part::Host),
            _ => true,
        };
        if !allowed {
            return Err(refused());
        }
        out.push(code);
        rest = &rest[3..];
    }
    Ok(out)
}
