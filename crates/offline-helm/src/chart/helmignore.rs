//! `.helmignore`: which files of a folder are not part of its chart.

/// The rules of a `.helmignore` file, and Helm's own.
pub struct Rules {
    patterns: Vec<Pattern>,
}

struct Pattern {
    text: String,
    negate: bool,
    folders_only: bool,
    /// How a path is held against the text.
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// `/name`: from the top.
    Rooted,
    /// With a slash within: the whole path.
    Path,
    /// Without a slash: the last name.
    Name,
}

impl Rules {
    /// Reads the file; the text is empty where there is none.
    ///
    /// # Errors
    /// A pattern that Helm refuses: `**`, or brackets that do not close.
    pub fn parse(text: &str) -> Result<Rules, String> {
        let mut rules = Rules { patterns: Vec::new() };
        for line in text.trim_start_matches('\u{feff}').lines() {
            rules.add(line)?;
        }
        rules.add("templates/.?*")?;
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let rule = line.trim();
        if rule.is_empty() || rule.starts_with('#') {
            return Ok(());
        }
        if rule.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        if !well_formed(rule) {
            return Err(format!("syntax error in pattern: {rule}"));
        }
        let (negate, rule) = rule.strip_prefix('!').map_or((false, rule), |rule| (true, rule));
        let (folders_only, rule) = rule.strip_suffix('/').map_or((false, rule), |rule| (true, rule));
        let (how, text) = match rule.strip_prefix('/') {
            Some(rest) => (How::Rooted, rest),
            None if rule.contains('/') => (How::Path, rule),
            None => (How::Name, rule),
        };
        self.patterns.push(Pattern { text: text.to_owned(), negate, folders_only, how });
        Ok(())
    }

    /// Whether a file or folder is left out.
    pub fn ignores(&self, path: &str, folder: bool) -> bool {
        if matches!(path, "" | "." | "./") {
            return false;
        }
        for pattern in &self.patterns {
            let matches = pattern.matches(path);
            if pattern.negate {
                if (pattern.folders_only && !folder) || !matches {
                    return true;
                }
            } else if matches && (folder || !pattern.folders_only) {
                return true;
            }
        }
        false
    }
}

impl Pattern {
    fn matches(&self, path: &str) -> bool {
        let subject = match self.how {
            How::Name => path.rsplit('/').next().unwrap_or(path),
            How::Rooted | How::Path => path,
        };
        matches(self.text.as_bytes(), subject.as_bytes())
    }
}

/// Whether a path matches a pattern, as `--show-only` takes them.
pub fn matches_path(pattern: &str, path: &str) -> bool {
    well_formed(pattern) && matches(pattern.as_bytes(), path.as_bytes())
}

fn well_formed(pattern: &str) -> bool {
    let mut bytes = pattern.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if bytes.next().is_none() => return false,
            b'[' => {
                let mut any = false;
                loop {
                    match bytes.next() {
                        Some(b']') if any => break,
                        Some(b'\\') if bytes.next().is_none() => return false,
                        Some(_) => any = true,
                        None => return false,
                    }
                }
            }
            _ => {}
        }
    }
    true
}

/// Go's `filepath.Match`: `*` and `?` match no slash. Going back to the last `*` is enough, so time is bounded.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, t));
            p += 1;
            continue;
        }
        if let Some((next_p, width)) = one(pattern, p, &text[t..]) {
            p = next_p;
            t += width;
            continue;
        }
        match star {
            Some((after, from)) if text[from] != b'/' => {
                star = Some((after, from + 1));
                p = after;
                t = from + 1;
            }
            _ => return false,
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Matches one letter; where the pattern goes on, and how many bytes it took.
fn one(pattern: &[u8], at: usize, text: &[u8]) -> Option<(usize, usize)> {
    let width = 1 + text[1..].iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
    match *pattern.get(at)? {
        b'?' => (text[0] != b'/').then_some((at + 1, width)),
        b'[' => {
            let letter = text[0];
            let mut p = at + 1;
            let negate = pattern.get(p) == Some(&b'^');
            p += usize::from(negate);
            let (mut found, mut first) = (false, true);
            while first || pattern.get(p) != Some(&b']') {
                first = false;
                let (low, next) = bracket(pattern, p)?;
                let (high, next) =
                    if pattern.get(next) == Some(&b'-') { bracket(pattern, next + 1)? } else { (low, next) };
                found |= (low..=high).contains(&letter);
                p = next;
            }
            (found != negate && letter != b'/').then_some((p + 1, width))
        }
        b'\\' => (pattern.get(at + 1) == Some(&text[0])).then_some((at + 2, 1)),
        plain => (plain == text[0]).then_some((at + 1, 1)),
    }
}

fn bracket(pattern: &[u8], at: usize) -> Option<(u8, usize)> {
    match *pattern.get(at)? {
        b'\\' => pattern.get(at + 1).map(|letter| (*letter, at + 2)),
        letter => Some((letter, at + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Rules, matches};

    #[test]
    fn patterns_as_go_has_them() {
        for (pattern, text, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a/b.txt", false),
            ("a*b*c", "axxbyyc", true),
            ("?", "é", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("a\\*", "a*", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn rules_of_a_file() -> Result<(), String> {
        let rules = Rules::parse("# no\n*.md\n/top\nsub/\ndeep/*.txt\n")?;
        assert!(rules.ignores("a/b.md", false));
        assert!(rules.ignores("top", false) && !rules.ignores("a/top", false));
        assert!(rules.ignores("sub", true) && !rules.ignores("sub", false));
        assert!(rules.ignores("deep/x.txt", false) && !rules.ignores("x.txt", false));
        assert!(rules.ignores("templates/.hidden", false) && !rules.ignores("templates/shown", false));
        assert!(Rules::parse("a/**/b").is_err());
        Ok(())
    }
}
