//! Constraints on versions, with all the operators that Masterminds/semver knows and its rules for pre-releases.

use super::arguments::quoted;
use super::semver::{Version, compare_pre};
const MOST_BYTES: usize = 512;
const MOST_GROUPS: usize = 32;

/// Alternatives, of which each is a list of constraints that must all hold.
pub(super) struct Constraints {
    groups: Vec<Group>,
}

struct Group {
    all: Vec<Constraint>,
    /// Whether one of them names a pre-release, so that pre-releases count.
    pre: bool,
}

/// One operator with its version.
struct Constraint {
    operator: &'static str,
    version: Version,
    /// The first part that is left open.
    open: Open,
}

/// Which part of a version is missing or a wildcard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Major,
    Minor,
    Patch,
}

/// Every operator; none at all is one, too.
const OPERATORS: [&str; 12] = ["", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^"];

/// What the package's expression for a version is made of: the `|` got into it by accident.
const IS_NUMBER: fn(char) -> bool =
    |letter| letter.is_ascii_digit() || matches!(letter, '|' | 'x' | 'X' | '*');
const IS_SPACE: fn(char) -> bool = |letter| matches!(letter, '\t' | '\n' | '\x0C' | '\r' | ' ');
const IS_NAME: fn(char) -> bool = |letter| letter.is_ascii_alphanumeric() || letter == '-';

/// A version as a constraint has it.
struct Written<'t> {
    /// All of it.
    whole: &'t str,
    /// Its numbers; what is not there is empty.
    numbers: [&'t str; 3],
    /// Its pre-release, with the dash before it.
    pre: &'t str,
}

/// So much of the start of a text as is made of letters of a kind, and what follows; none where there are none.
fn run(text: &str, is_one: fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|letter| !is_one(letter)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// A mark and names divided by dots, if a text starts with them: their length.
fn names(text: &str, mark: char) -> usize {
    let Some((_, mut rest)) = text.strip_prefix(mark).and_then(|rest| run(rest, IS_NAME)) else { return 0 };
    while let Some((_, after)) = rest.strip_prefix('.').and_then(|rest| run(rest, IS_NAME)) {
        rest = after;
    }
    text.len() - rest.len()
}

/// The version that a text starts with, and what follows.
fn version(text: &str) -> Option<(Written<'_>, &str)> {
    let (major, mut rest) = run(text.strip_prefix('v').unwrap_or(text), IS_NUMBER)?;
    let mut numbers = [major, "", ""];
    for number in &mut numbers[1..] {
        let Some((found, after)) = rest.strip_prefix('.').and_then(|rest| run(rest, IS_NUMBER)) else {
            break;
        };
        (*number, rest) = (found, after);
    }
    let (pre, rest) = rest.split_at(names(rest, '-'));
    let rest = &rest[names(rest, '+')..];
    Some((Written { whole: &text[..text.len() - rest.len()], numbers, pre }, rest))
}

impl Constraints {
    /// Reads `>= 1.2, < 2 || ~3.1`.
    pub(super) fn parse(text: &str) -> Result<Constraints, String> {
        if text.len() > MOST_BYTES {
            return Err(format!("constraint string is too long (max {MOST_BYTES} bytes)"));
        }
        let text = rewrite_ranges(text);
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > MOST_GROUPS {
            return Err(format!("too many constraint groups (max {MOST_GROUPS})"));
        }
        let groups: Vec<Group> = groups.into_iter().map(Group::parse).collect::<Result<_, _>>()?;
        Ok(Constraints { groups })
    }

    /// Whether a version fits.
    pub(super) fn allow(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            (group.pre || version.pre.is_empty())
                && group.all.iter().all(|constraint| constraint.allows(version))
        })
    }
}

impl Group {
    fn parse(text: &str) -> Result<Self, String> {
        let improper = || format!("improper constraint: {}", quoted(text));
        let mut all = Vec::new();
        let mut rest = text.trim_start_matches(IS_SPACE);
        loop {
            let (operator, after) = run(rest, |letter| "=!<>~^".contains(letter)).unwrap_or(("", rest));
            let known = OPERATORS.into_iter().find(|known| *known == operator).ok_or_else(improper)?;
            let (version, after) = version(after.trim_start_matches(IS_SPACE)).ok_or_else(improper)?;
            all.push((known, version));
            rest = after.trim_start_matches(IS_SPACE);
            if rest.is_empty() {
                break;
            }
            match rest.strip_prefix(',') {
                Some(next) => rest = next.trim_start_matches(IS_SPACE),
                None if rest.len() < after.len() => {}
                None => return Err(improper()),
            }
        }
        let all: Vec<Constraint> = all
            .into_iter()
            .map(|(operator, version)| Constraint::new(operator, &version))
            .collect::<Result<_, _>>()?;
        let pre = all.iter().any(|constraint| !constraint.version.pre.is_empty());
        Ok(Group { all, pre })
    }
}

/// `1 - 2` means at least the one and at most the other.
fn rewrite_ranges(text: &str) -> String {
    let mut out = text.to_owned();
    let (mut rest, mut done) = (text, 0);
    while let Some(first) = rest.find(|letter| IS_NUMBER(letter) || letter == 'v') {
        let from = &rest[first..];
        rest = &from[1..];
        let Some((low, after)) = version(from) else { continue };
        let spaced = |text: &'_ str| run(text, IS_SPACE).map(|(_, after)| text.len() - after.len());
        let Some(gap) = spaced(after) else { continue };
        let Some(after) = after[gap..].strip_prefix('-') else { continue };
        let Some(gap) = spaced(after) else { continue };
        let Some((high, after)) = version(&after[gap..]) else { continue };
        let start = text.len() - from.len();
        let start = done + text[done..start].trim_end_matches(IS_SPACE).len();
        rest = after.trim_start_matches(IS_SPACE);
        done = text.len() - rest.len();
        let found = &text[start..done];
        out = out.replacen(found, &format!(">= {}, <= {} ", low.whole, high.whole), 1);
    }
    out
}

impl Constraint {
    fn new(operator: &'static str, written: &Written<'_>) -> Result<Constraint, String> {
        let wild = |part: &str| matches!(part, "" | "x" | "X" | "*");
        let ([major, minor, patch], pre) = (written.numbers, written.pre);
        let (version, open) = if wild(major) {
            (format!("0.0.0{pre}"), Open::Major)
        } else if wild(minor) {
            (format!("{major}.0.0{pre}"), Open::Minor)
        } else if wild(patch) {
            (format!("{major}.{minor}.0{pre}"), Open::Patch)
        } else {
            (written.whole.to_owned(), Open::Nothing)
        };
        let version = Version::parse(&version).map_err(|_| "constraint parser error".to_owned())?;
        Ok(Constraint { operator, version, open })
    }

    fn allows(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        match self.operator {
            "!=" => self.differs(version),
            ">" => self.greater(version),
            "<" => order.is_lt(),
            ">=" | "=>" => order.is_ge(),
            "<=" | "=<" => self.at_most(version),
            "~" | "~>" => self.tilde(version),
            "^" => self.caret(version),
            _ if self.open == Open::Nothing => order.is_eq(),
            _ => self.tilde(version),
        }
    }

    fn differs(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.open {
            Open::Nothing => version.compare(wanted).is_ne(),
            _ if version.major != wanted.major => true,
            _ if version.minor != wanted.minor && self.open != Open::Minor => true,
            Open::Minor => false,
            Open::Patch => {
                (!version.pre.is_empty() || !wanted.pre.is_empty())
                    && compare_pre(&version.pre, &wanted.pre).is_ne()
            }
            Open::Major => version.patch != wanted.patch || version.compare(wanted).is_ne(),
        }
    }

    fn greater(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.open {
            Open::Nothing => version.compare(wanted).is_gt(),
            _ if version.major != wanted.major => version.major > wanted.major,
            Open::Minor => false,
            Open::Patch => version.minor > wanted.minor,
            Open::Major => version.compare(wanted).is_gt(),
        }
    }

    fn at_most(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.open {
            Open::Nothing => version.compare(wanted).is_le(),
            _ if version.major > wanted.major => false,
            open => version.major != wanted.major || version.minor <= wanted.minor || open == Open::Minor,
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version.compare(wanted).is_lt() {
            return false;
        }
        let zero = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0);
        if zero && matches!(self.open, Open::Nothing | Open::Major) {
            return true;
        }
        version.major == wanted.major && (version.minor == wanted.minor || self.open == Open::Minor)
    }

    fn caret(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version.compare(wanted).is_lt() {
            return false;
        }
        if wanted.major > 0 || self.open == Open::Minor {
            return version.major == wanted.major;
        }
        if version.major > 0 {
            return false;
        }
        if wanted.minor > 0 || self.open == Open::Patch {
            return version.minor == wanted.minor;
        }
        version.minor == 0 && version.patch == wanted.patch
    }
}
