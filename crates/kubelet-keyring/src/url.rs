//! As much of a URL as a keyring looks at: host and path, read as Go's `net/url` and `net` read them.
//!
//! Not the URLs of any standard: which keys a kubelet accepts and what they mean depends on the habits of this one parser
//! (Go 1.26, its colon and bracket rules included). The scheme never matters; the caller has taken it off.

use core::net::Ipv6Addr;
use std::fmt;

/// Host (with port) and path after their escapes are resolved, which can leave bytes that are not UTF-8.
pub(super) struct Url {
    pub host: Vec<u8>,
    /// Empty, or begins with `/`.
    pub path: Vec<u8>,
}

/// Why a kubelet ignores an `auths` key: it is not a URL. The reasons quote nothing, for a key can hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// A byte below 0x20, or 0x7f.
    ControlCharacter,
    /// A `%` without two hexadecimal digits.
    Escape,
    /// An escaped ASCII character in the host.
    HostEscape,
    /// A character that hosts cannot hold.
    HostCharacter,
    /// Something else than digits after the first `:` of the host.
    Port,
    /// A `[` that does not begin the host, or without its `]`: Go keeps brackets for IPv6 addresses.
    Bracket,
    /// No IPv6 address in the brackets.
    Address,
    /// A character that must be escaped in front of `@`.
    UserInfo,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ControlCharacter => "it holds a control character",
            Self::Escape => "a `%` is not followed by two hexadecimal digits",
            Self::HostEscape => "the host holds an escaped ASCII character",
            Self::HostCharacter => "the host holds a space or another character that hosts cannot have",
            Self::Port => "the port is not a number",
            Self::Bracket => "a `[` in the host does not enclose an IPv6 address",
            Self::Address => "the host holds no IPv6 address between `[` and `]`",
            Self::UserInfo => "the part before `@` holds a character that must be escaped",
        })
    }
}

impl std::error::Error for KeyError {}

/// `url.Parse` for a text that follows `https://`.
pub(super) fn parse(text: &[u8]) -> Result<Url, KeyError> {
    let (text, fragment) = cut(text, b'#');
    if text.iter().any(u8::is_ascii_control) {
        return Err(KeyError::ControlCharacter);
    }
    let (text, _query) = cut(text, b'?');
    let (authority, path) = text.split_at(position(text, b'/').unwrap_or(text.len()));
    let host = match authority.iter().rposition(|&b| b == b'@') {
        Some(at) => {
            check_user_info(&authority[..at])?;
            parse_host(&authority[at + 1..])?
        }
        None => parse_host(authority)?,
    };
    let path = unescape(path, Part::Other)?;
    unescape(fragment, Part::Other)?;
    Ok(Url { host, path })
}

/// `net.SplitHostPort`, and what the kubelet does when it fails: everything is the host, and there is no port.
/// So brackets come off only in front of a port.
pub(super) fn split_port(host: &[u8]) -> (&[u8], &[u8]) {
    split_port_strictly(host).unwrap_or((host, b""))
}

/// Whether Go takes the text for an IPv6 address, which may have a zone: `fe80::1%eth0`.
pub(super) fn is_ipv6(text: &[u8]) -> bool {
    let (address, zone) = match position(text, b'%') {
        Some(percent) => (&text[..percent], Some(&text[percent + 1..])),
        None => (text, None),
    };
    zone.is_none_or(|zone| !zone.is_empty())
        && std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn split_port_strictly(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = text.iter().rposition(|&b| b == b':')?;
    let (before, port) = (&text[..colon], &text[colon + 1..]);
    let (host, has_stray) = match before {
        [b'[', inside @ .., b']'] => (inside, holds_any(inside, b"[]")),
        _ => (before, holds_any(before, b"[]:")),
    };
    (!has_stray && !holds_any(port, b"[]")).then_some((host, port))
}

fn parse_host(text: &[u8]) -> Result<Vec<u8>, KeyError> {
    match text.iter().rposition(|&b| b == b'[') {
        Some(0) => parse_ip_literal(text),
        Some(_) => Err(KeyError::Bracket),
        None => {
            check_port(&text[position(text, b':').unwrap_or(text.len())..])?;
            unescape(text, Part::Host)
        }
    }
}

/// `[address]` or `[address%25zone]`, then perhaps a port.
fn parse_ip_literal(text: &[u8]) -> Result<Vec<u8>, KeyError> {
    let close = text.iter().rposition(|&b| b == b']').ok_or(KeyError::Bracket)?;
    let (inside, port) = (&text[1..close], &text[close + 1..]);
    check_port(port)?;
    let zone = inside.windows(3).position(|three| three == b"%25").unwrap_or(inside.len());
    let mut address = unescape(&inside[..zone], Part::Host)?;
    address.extend(unescape(&inside[zone..], Part::Zone)?);
    if !is_ipv6(&address) {
        return Err(KeyError::Address);
    }
    Ok([b"[", address.as_slice(), b"]", port].concat())
}

/// Nothing, or a colon and any number of digits, none included.
fn check_port(text: &[u8]) -> Result<(), KeyError> {
    match text {
        [] => Ok(()),
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => Ok(()),
        _ => Err(KeyError::Port),
    }
}

fn check_user_info(text: &[u8]) -> Result<(), KeyError> {
    if !text.iter().all(|&b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b)) {
        return Err(KeyError::UserInfo);
    }
    unescape(text, Part::Other).map(drop)
}

/// Where a text stands decides which characters it may hold, plain and escaped.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Host,
    Zone,
    /// User information, path, fragment: everything goes.
    Other,
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, KeyError> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let [high, low, tail @ ..] = tail else { return Err(KeyError::Escape) };
            let value =
                hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low).ok_or(KeyError::Escape)?;
            let allowed = match part {
                Part::Host => value == b'%' || !value.is_ascii(),
                Part::Zone => value == b'%' || value == b' ' || is_host_byte(value),
                Part::Other => true,
            };
            if !allowed {
                return Err(KeyError::HostEscape);
            }
            plain.push(value);
            rest = tail;
        } else {
            if part != Part::Other && byte.is_ascii() && !is_host_byte(byte) {
                return Err(KeyError::HostCharacter);
            }
            plain.push(byte);
            rest = tail;
        }
    }
    Ok(plain)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn cut(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match position(text, separator) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

fn holds_any(text: &[u8], bytes: &[u8]) -> bool {
    text.iter().any(|b| bytes.contains(b))
}

fn position(text: &[u8], byte: u8) -> Option<usize> {
    text.iter().position(|&b| b == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String) {
        let url = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        (String::from_utf8_lossy(&url.host).into_owned(), String::from_utf8_lossy(&url.path).into_owned())
    }

    fn error(text: &str) -> KeyError {
        parse(text.as_bytes()).err().unwrap_or_else(|| panic!("{text} is accepted"))
    }

    #[test]
    fn host_and_path_are_what_is_left() {
        for (text, host, path) in [
            ("", "", ""),
            ("reg.io", "reg.io", ""),
            ("reg.io:80/a/b", "reg.io:80", "/a/b"),
            ("reg.io:", "reg.io:", ""),
            ("ftp://reg.io:x", "ftp:", "//reg.io:x"),
            ("user:p%40ss@reg.io/a", "reg.io", "/a"),
            ("a@b@reg.io", "reg.io", ""),
            ("reg?.io/a", "reg", ""),
            ("reg.io/a?b=%zz#c", "reg.io", "/a"),
            ("reg.io/a%20b%2Fc", "reg.io", "/a b/c"),
            ("reg.io/a b", "reg.io", "/a b"),
            ("reg.io/a@b", "reg.io", "/a@b"),
            ("reg.io#\n", "reg.io", ""),
            ("%C3%A9.io", "é.io", ""),
            ("a%25b", "a%b", ""),
            ("[fe80::1]:80/a", "[fe80::1]:80", "/a"),
            ("[fe80::1%25e%20th]", "[fe80::1%e th]", ""),
            ("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", ""),
            ("a]b", "a]b", ""),
        ] {
            assert_eq!(parts(text), (host.to_owned(), path.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for (text, reason) in [
            ("reg.io\n", KeyError::ControlCharacter),
            ("reg.io/?\u{7f}", KeyError::ControlCharacter),
            ("reg.io/%", KeyError::Escape),
            ("reg.io/%2g", KeyError::Escape),
            ("reg.io#%2", KeyError::Escape),
            ("u%2@reg.io", KeyError::Escape),
            ("reg%2Eio", KeyError::HostEscape),
            ("[::1%25%2F]", KeyError::HostEscape),
            ("my reg.io", KeyError::HostCharacter),
            ("reg\\.io", KeyError::HostCharacter),
            ("${REGISTRY}", KeyError::HostCharacter),
            ("reg.io:http", KeyError::Port),
            ("reg.io:80:80", KeyError::Port),
            ("reg[0-9].io", KeyError::Bracket),
            ("[::1", KeyError::Bracket),
            ("[::1]80", KeyError::Port),
            ("[a-z].io", KeyError::Port),
            ("[a-z]", KeyError::Address),
            ("[1.2.3.4]", KeyError::Address),
            ("[::1%25]", KeyError::Address),
            ("a b@reg.io", KeyError::UserInfo),
            ("é@reg.io", KeyError::UserInfo),
        ] {
            assert_eq!(error(text), reason, "{text}");
        }
    }

    #[test]
    fn brackets_come_off_in_front_of_a_port() {
        for (text, host, port) in [
            ("reg.io:80", "reg.io", "80"),
            ("reg.io:", "reg.io", ""),
            ("reg.io", "reg.io", ""),
            ("[::1]:80", "::1", "80"),
            ("[::1]", "[::1]", ""),
            ("a]b:80", "a]b:80", ""),
            ("a:8]0", "a:8]0", ""),
            ("[::1%]]:80", "[::1%]]:80", ""),
            (":80", "", "80"),
            ("", "", ""),
        ] {
            assert_eq!(split_port(text.as_bytes()), (host.as_bytes(), port.as_bytes()), "{text}");
        }
    }
}
