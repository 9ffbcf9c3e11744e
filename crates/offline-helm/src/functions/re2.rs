//! Go's regular expressions (RE2 syntax), rewritten for the crate regex, which reads many things otherwise.
//!
//! Classes like `\d` are ASCII in Go, `[` and `&&` within classes are themselves, `{` may be a literal, and `a**` is refused.
//! Refusals have Go's words. What a text that is not UTF-8 matches is not guaranteed to be the same.

use regex::bytes::{Captures, Match, Regex, RegexBuilder};

/// A compiled expression.
pub(super) struct Expression {
    /// What searches.
    pub(super) regex: Regex,
    /// The name of each group, the whole match first; `""` where there is none.
    pub(super) names: Vec<String>,
}

impl Expression {
    /// The first match from there on.
    pub(super) fn find<'t>(&self, text: &'t [u8], mut from: usize) -> Option<Match<'t>> {
        loop {
            let found = self.regex.find_at(text, from)?;
            match within_char(text, found.start()) {
                Some(next) if found.is_empty() => from = next,
                _ => return Some(found),
            }
        }
    }

    /// The same, with the groups.
    pub(super) fn captures<'t>(&self, text: &'t [u8], mut from: usize) -> Option<Captures<'t>> {
        loop {
            let groups = self.regex.captures_at(text, from)?;
            let found = groups.get(0)?;
            match within_char(text, found.start()) {
                Some(next) if found.is_empty() => from = next,
                _ => return Some(groups),
            }
        }
    }
}

/// The length of the character there; 1 where there is none.
pub(super) fn width(text: &[u8], at: usize) -> usize {
    let len = match text.get(at) {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => 1,
    };
    text.get(at..at + len).filter(|bytes| std::str::from_utf8(bytes).is_ok()).map_or(1, <[u8]>::len)
}

/// The end of the character in whose midst the place is. `\B` can match there, but not in Go.
fn within_char(text: &[u8], at: usize) -> Option<usize> {
    (1..4)
        .filter_map(|back| at.checked_sub(back))
        .map(|start| start + width(text, start))
        .find(|&end| end > at)
}

/// Compiles an expression. The error is Go's.
pub(super) fn compile(pattern: &[u8]) -> Result<Expression, String> {
    let refused = |code: &str, part: &str| format!("error parsing regexp: {code}: `{part}`");
    let pattern = std::str::from_utf8(pattern)
        .map_err(|_| refused("invalid UTF-8", &String::from_utf8_lossy(pattern)))?;
    let mut parser = Parser {
        whole: pattern,
        rest: pattern,
        out: String::new(),
        names: vec![String::new()],
        groups: vec![1],
        times: 1,
        repeatable: false,
    };
    parser.run().map_err(|Refused(code, part)| refused(code, &part))?;
    let built = RegexBuilder::new(&parser.out).build();
    let regex = built.map_err(|_| refused("expression too large", pattern))?;
    Ok(Expression { regex, names: parser.names })
}

/// How often a part may be repeated, also by repetitions around it.
const MOST_TIMES: u32 = 1_000;

/// Go's name of what is wrong, and the part of the expression.
struct Refused(&'static str, String);

struct Parser<'a> {
    whole: &'a str,
    rest: &'a str,
    out: String,
    names: Vec<String>,
    /// How often the most repeated part of each open group is repeated, the whole expression first.
    groups: Vec<u32>,
    /// The same of the part just before, and whether it can be repeated.
    times: u32,
    repeatable: bool,
}

/// The class of a name like `d`, to stand in brackets.
fn perl_class(name: char) -> Option<&'static str> {
    Some(match name {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => "[\\t\\n\\x0C\\r ]",
        'S' => "[^\\t\\n\\x0C\\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), Refused> {
        let mut last_repeat: Option<&'a str> = None;
        while let Some(first) = self.rest.chars().next() {
            last_repeat = self.step(first, last_repeat)?;
            if let Some(most) = self.groups.last_mut().filter(|_| self.repeatable) {
                *most = self.times.max(*most);
            }
        }
        if self.groups.len() > 1 {
            return Err(Refused("missing closing )", self.whole.to_owned()));
        }
        Ok(())
    }

    /// Reads the next part. Gives what stands from there on if it was a repetition.
    fn step(&mut self, first: char, last_repeat: Option<&'a str>) -> Result<Option<&'a str>, Refused> {
        let before = self.rest;
        match first {
            '(' if before.starts_with("(?") => {
                if self.perl_group()? {
                    self.open();
                }
            }
            '(' => {
                self.names.push(String::new());
                self.copy(1);
                self.open();
            }
            ')' => self.close()?,
            '|' => {
                self.copy(1);
                self.repeatable = false;
            }
            '*' | '+' | '?' => {
                self.repeat(1, last_repeat)?;
                return Ok(Some(before));
            }
            '{' => match self.counted()? {
                Some((len, factor)) => {
                    self.repeat(len, last_repeat)?;
                    self.times *= factor;
                    if self.times > MOST_TIMES {
                        let len = before.len() - self.rest.len();
                        return Err(Refused("invalid repeat count", before[..len].to_owned()));
                    }
                    return Ok(Some(before));
                }
                None => {
                    self.literal(first);
                    self.rest = &before[1..];
                    (self.repeatable, self.times) = (true, 1);
                }
            },
            _ => {
                self.atom(first)?;
                (self.repeatable, self.times) = (true, 1);
            }
        }
        Ok(None)
    }

    fn open(&mut self) {
        self.groups.push(1);
        self.repeatable = false;
    }

    fn close(&mut self) -> Result<(), Refused> {
        if self.groups.len() < 2 {
            return Err(Refused("unexpected )", self.whole.to_owned()));
        }
        self.times = self.groups.pop().unwrap_or(1);
        self.copy(1);
        self.repeatable = true;
        Ok(())
    }

    /// What is neither a group nor a repetition.
    fn atom(&mut self, first: char) -> Result<(), Refused> {
        match first {
            '^' | '$' | '.' => self.copy(1),
            '[' => self.class()?,
            '\\' => self.backslash()?,
            _ => {
                self.literal(first);
                self.rest = &self.rest[first.len_utf8()..];
            }
        }
        Ok(())
    }

    /// Takes bytes over as they are.
    fn copy(&mut self, len: usize) {
        let (taken, rest) = self.rest.split_at(len);
        self.out.push_str(taken);
        self.rest = rest;
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            self.out.push(c);
        } else {
            self.out.push_str(&format!("\\x{{{:X}}}", c as u32));
        }
    }

    /// A repetition of so many bytes, and the `?` that makes it lazy.
    fn repeat(&mut self, len: usize, last: Option<&'a str>) -> Result<(), Refused> {
        let before = self.rest;
        let len = len + usize::from(before[len..].starts_with('?'));
        let after = before.len() - len;
        if let Some(last) = last {
            return Err(Refused("invalid nested repetition operator", last[..last.len() - after].to_owned()));
        }
        if !self.repeatable {
            return Err(Refused("missing argument to repetition operator", before[..len].to_owned()));
        }
        self.copy(len);
        Ok(())
    }

    /// The length of `{2}`, `{2,}` or `{2,3}` and its largest number; `None`: it is no repetition.
    fn counted(&self) -> Result<Option<(usize, u32)>, Refused> {
        let Some(end) = self.rest.find('}') else { return Ok(None) };
        let inside = &self.rest[1..end];
        let (min, max) = inside
            .split_once(',')
            .map_or((inside, Some(inside)), |(min, max)| (min, Some(max).filter(|max| !max.is_empty())));
        let number = |text: &str| {
            let plain =
                text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            (plain && !text.is_empty()).then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let Some(min) = number(min) else { return Ok(None) };
        let max = match max {
            None => None,
            Some(max) => match number(max) {
                None => return Ok(None),
                max => max,
            },
        };
        if min > MOST_TIMES || max.is_some_and(|max| max > MOST_TIMES || min > max) {
            return Err(Refused("invalid repeat count", self.rest[..=end].to_owned()));
        }
        let factor = if max == Some(0) { 0 } else { max.unwrap_or(min).max(1) };
        Ok(Some((end + 1, factor)))
    }

    /// A group with `?`, or flags that stand alone. Whether it opened a group.
    fn perl_group(&mut self) -> Result<bool, Refused> {
        let text = self.rest;
        let named = text.starts_with("(?P<") && text.len() > 4 || text.starts_with("(?<") && text.len() > 3;
        if named {
            let start = if text.starts_with("(?P<") { 4 } else { 3 };
            let end = text.find('>').ok_or_else(|| Refused("invalid named capture", text.to_owned()))?;
            let name = text.get(start..end).unwrap_or("");
            if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
                return Err(Refused("invalid named capture", text[..=end].to_owned()));
            }
            self.names.push(name.to_owned());
            self.out.push('(');
            self.rest = &text[end + 1..];
            return Ok(true);
        }
        let (mut negated, mut flag_seen, mut at) = (false, false, 2);
        for c in text[2..].chars() {
            at += c.len_utf8();
            match c {
                'i' | 'm' | 's' | 'U' => flag_seen = true,
                '-' if !negated => (negated, flag_seen) = (true, false),
                ':' | ')' if !negated || flag_seen => {
                    if &text[..at] == "(?)" {
                        self.rest = &text[at..];
                    } else {
                        self.copy(at);
                    }
                    return Ok(c == ':');
                }
                _ => break,
            }
        }
        Err(Refused("invalid or unsupported Perl syntax", text[..at].to_owned()))
    }

    /// An escape outside of classes.
    fn backslash(&mut self) -> Result<(), Refused> {
        let text = self.rest;
        let name = text[1..].chars().next();
        match name {
            Some('A' | 'z') => self.copy(2),
            Some('b') => self.replace(2, "(?-u:\\b)"),
            Some('B') => self.replace(2, "(?-u:\\B)"),
            Some('C') => return Err(Refused("invalid escape sequence", text[..2].to_owned())),
            Some('Q') => {
                let (quoted, rest) = text[2..].split_once("\\E").unwrap_or((&text[2..], ""));
                quoted.chars().for_each(|c| self.literal(c));
                self.rest = rest;
            }
            Some('p' | 'P') => self.unicode_class()?,
            name => match name.and_then(perl_class) {
                Some(class) => self.replace(2, class),
                None => {
                    let c = self.escape()?;
                    self.literal(c);
                }
            },
        }
        Ok(())
    }

    fn replace(&mut self, len: usize, with: &str) {
        self.out.push_str(with);
        self.rest = &self.rest[len..];
    }

    /// `\pL` or `\p{Greek}`, also negated.
    fn unicode_class(&mut self) -> Result<(), Refused> {
        let text = self.rest;
        let refused = |part: &str| Refused("invalid character class range", part.to_owned());
        let first = text[2..].chars().next();
        let (name, len) = match first {
            Some('{') => {
                let end = text.find('}').ok_or_else(|| refused(text))?;
                (&text[3..end], end + 1)
            }
            Some(letter) => (&text[2..2 + letter.len_utf8()], 2 + letter.len_utf8()),
            None => ("", 2),
        };
        let (name, flip) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
        let known = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '))
            && Regex::new(&format!("\\p{{{name}}}")).is_ok();
        if !known {
            return Err(refused(&text[..len]));
        }
        let letter = if text.starts_with("\\P") != flip { 'P' } else { 'p' };
        self.replace(len, &format!("\\{letter}{{{name}}}"));
        Ok(())
    }

    /// A class in brackets. Its parts are written so that nothing in them means anything else.
    fn class(&mut self) -> Result<(), Refused> {
        let whole = self.rest;
        let negated = whole[1..].starts_with('^');
        self.replace(1 + usize::from(negated), if negated { "[^" } else { "[" });
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if self.rest.starts_with("[:") && self.rest.len() > 2 && self.posix_class()? {
                continue;
            }
            if self.rest.starts_with("\\p") || self.rest.starts_with("\\P") {
                self.unicode_class()?;
                continue;
            }
            let perl = self.rest.strip_prefix('\\').and_then(|rest| rest.chars().next()).and_then(perl_class);
            if let Some(class) = perl {
                self.replace(2, class);
                continue;
            }
            let range = self.rest;
            let low = self.class_char(whole)?;
            let mut high = low;
            if self.rest.len() >= 2 && self.rest.starts_with('-') && !self.rest[1..].starts_with(']') {
                self.rest = &self.rest[1..];
                high = self.class_char(whole)?;
                if high < low {
                    let range = &range[..range.len() - self.rest.len()];
                    return Err(Refused("invalid character class range", range.to_owned()));
                }
            }
            self.out.push_str(&format!("\\x{{{:X}}}-\\x{{{:X}}}", low as u32, high as u32));
        }
        self.copy(1);
        Ok(())
    }

    fn class_char(&mut self, whole: &str) -> Result<char, Refused> {
        match self.rest.chars().next() {
            None => Err(Refused("missing closing ]", whole.to_owned())),
            Some('\\') => self.escape(),
            Some(c) => {
                self.rest = &self.rest[c.len_utf8()..];
                Ok(c)
            }
        }
    }

    /// `[:alpha:]`; whether it was one.
    fn posix_class(&mut self) -> Result<bool, Refused> {
        let Some(end) = self.rest[2..].find(":]").map(|at| at + 4) else { return Ok(false) };
        let name = &self.rest[..end];
        let inner = &name[2..end - 2];
        if !POSIX_CLASSES.contains(&inner.strip_prefix('^').unwrap_or(inner)) {
            return Err(Refused("invalid character class range", name.to_owned()));
        }
        self.copy(end);
        Ok(true)
    }

    /// The character that an escape stands for.
    fn escape(&mut self) -> Result<char, Refused> {
        let text = self.rest;
        let mut chars = text[1..].chars();
        let Some(name) = chars.next() else {
            return Err(Refused("trailing backslash at end of expression", String::new()));
        };
        let after = chars.as_str();
        let octal = after.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        let (code, used) = match name {
            '0'..='7' if name == '0' || octal > 0 => {
                (u32::from_str_radix(&text[1..2 + octal], 8).ok(), 2 + octal)
            }
            'x' if after.starts_with('{') => {
                let end = after.find('}').unwrap_or(1);
                let digits = after.get(1..end).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                (digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()), 2 + end + 1)
            }
            'x' => {
                let digits = after.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                (digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()), 4)
            }
            'a' => (Some(7), 2),
            'f' => (Some(12), 2),
            'n' => (Some(10), 2),
            'r' => (Some(13), 2),
            't' => (Some(9), 2),
            'v' => (Some(11), 2),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => (Some(c as u32), 2),
            _ => (None, 0),
        };
        match code.and_then(char::from_u32) {
            Some(c) => {
                self.rest = &text[used..];
                Ok(c)
            }
            None => {
                // Go shows what it has read until then.
                let digits = |text: &str| text.bytes().take_while(u8::is_ascii_hexdigit).count();
                let shown = match after.strip_prefix('{') {
                    // The digit that makes it too large, or what is no digit.
                    Some(inside) if name == 'x' => {
                        let large = (1..=digits(inside)).find(|&len| {
                            u32::from_str_radix(&inside[..len], 16).is_ok_and(|code| code > 0x10_FFFF)
                        });
                        let end = digits(inside);
                        let next = inside[end..].chars().next().map_or(0, char::len_utf8);
                        3 + large.unwrap_or(end + next)
                    }
                    _ if name == 'x' => 2 + after.chars().take(2).map(char::len_utf8).sum::<usize>(),
                    _ => 1 + name.len_utf8(),
                };
                Err(Refused("invalid escape sequence", text[..shown.min(text.len())].to_owned()))
            }
        }
    }
}
