//! Constraints on versions, with all the operators that Masterminds/semver knows and its rules for pre-releases.

use super::arguments::quoted;
use super::semver::{Version, compare_pre};
use std::sync::LazyLock;

use regex::Regex;

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
    operator: String,
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

const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
const SPACE: &str = r"[\t\n\x0C\r ]";
const VERSION: &str = concat!(
    r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?",
    r"(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?",
    r"(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?",
);

/// The package's expressions: `1 - 2`, a whole group, and one constraint.
struct Expressions {
    range: Option<Regex>,
    group: Option<Regex>,
    find: Option<Regex>,
    single: Option<Regex>,
}

static EXPRESSIONS: LazyLock<Expressions> = LazyLock::new(|| {
    let compile = |text: String| Regex::new(&text).ok();
    let (s, ops, version) = (SPACE, OPERATORS, VERSION);
    Expressions {
        range: compile(format!("{s}*({version}){s}+-{s}+({version}){s}*")),
        group: compile(format!(
            "^({s}*({ops}){s}*({version}){s}*)((?:{s}+|,{s}*)({ops}){s}*({version}){s}*)*$"
        )),
        find: compile(format!("({ops}){s}*({version})")),
        single: compile(format!("^{s}*({ops}){s}*({version}){s}*$")),
    }
});

impl Constraints {
    /// Reads `>= 1.2, < 2 || ~3.1`.
    pub(super) fn parse(text: &str) -> Result<Constraints, String> {
        if text.len() > MOST_BYTES {
            return Err(format!("constraint string is too long (max {MOST_BYTES} bytes)"));
        }
        let expressions = &*EXPRESSIONS;
        let text = rewrite_ranges(text, expressions);
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > MOST_GROUPS {
            return Err(format!("too many constraint groups (max {MOST_GROUPS})"));
        }
        let groups = groups.into_iter().map(|group| {
            if !expressions.group.as_ref().is_some_and(|expression| expression.is_match(group)) {
                return Err(format!("improper constraint: {}", quoted(group)));
            }
            let found = expressions.find.iter().flat_map(|expression| expression.find_iter(group));
            let all: Vec<Constraint> = found
                .map(|found| Constraint::parse(found.as_str(), expressions))
                .collect::<Result<_, _>>()?;
            let pre = all.iter().any(|constraint| !constraint.version.pre.is_empty());
            Ok(Group { all, pre })
        });
        Ok(Constraints { groups: groups.collect::<Result<_, _>>()? })
    }

    /// Whether a version fits.
    pub(super) fn allow(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            (group.pre || version.pre.is_empty())
                && group.all.iter().all(|constraint| constraint.allows(version))
        })
    }
}

/// `1 - 2` means at least the one and at most the other.
fn rewrite_ranges(text: &str, expressions: &Expressions) -> String {
    let mut out = text.to_owned();
    for groups in expressions.range.iter().flat_map(|expression| expression.captures_iter(text)) {
        let part = |at: usize| groups.get(at).map_or("", |part| part.as_str());
        out = out.replacen(part(0), &format!(">= {}, <= {} ", part(1), part(11)), 1);
    }
    out
}

impl Constraint {
    fn parse(text: &str, expressions: &Expressions) -> Result<Constraint, String> {
        let groups = expressions.single.as_ref().and_then(|expression| expression.captures(text));
        let groups = groups.ok_or_else(|| format!("improper constraint: {}", quoted(text)))?;
        let part = |at: usize| groups.get(at).map_or("", |part| part.as_str());
        let wild = |part: &str| matches!(part, "" | "x" | "X" | "*");
        let (major, minor, patch, pre) = (part(3), part(4), part(5), part(6));
        let (version, open) = if wild(major) {
            (format!("0.0.0{pre}"), Open::Major)
        } else if wild(minor.trim_start_matches('.')) {
            (format!("{major}.0.0{pre}"), Open::Minor)
        } else if wild(patch.trim_start_matches('.')) {
            (format!("{major}{minor}.0{pre}"), Open::Patch)
        } else {
            (part(2).to_owned(), Open::Nothing)
        };
        let version = Version::parse(&version).map_err(|_| "constraint parser error".to_owned())?;
        Ok(Constraint { operator: part(1).to_owned(), version, open })
    }

    fn allows(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        match self.operator.as_str() {
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
