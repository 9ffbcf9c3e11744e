//! The patterns of `.Files.Glob`: `*` within a folder, `**` across folders, `?`, `[abc]`, `{a,b}`.

use regex::Regex;

/// Helm takes a pattern that it cannot read for one that matches everything.
pub(super) fn matcher(pattern: &str) -> impl Fn(&str) -> bool + use<> {
    let regex = translate(pattern).and_then(|text| Regex::new(&text).ok());
    move |name| regex.as_ref().is_none_or(|regex| regex.is_match(name))
}

fn translate(pattern: &str) -> Option<String> {
    let mut out = String::from("(?s)^");
    let mut braces = 0usize;
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.peek() == Some(&'*') => {
                while letters.next_if_eq(&'*').is_some() {}
                out.push_str(".*");
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => {
                out.push('[');
                if letters.next_if_eq(&'!').is_some() {
                    out.push('^');
                }
                loop {
                    match letters.next()? {
                        ']' => break,
                        '-' => out.push('-'),
                        '\\' => out.push_str(&regex::escape(&letters.next()?.to_string())),
                        other => out.push_str(&regex::escape(&other.to_string())),
                    }
                }
                out.push(']');
            }
            '{' => {
                braces += 1;
                out.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                out.push(')');
            }
            ',' if braces > 0 => out.push('|'),
            '\\' => out.push_str(&regex::escape(&letters.next()?.to_string())),
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push('$');
    (braces == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::matcher;

    #[test]
    fn patterns_of_files() {
        for (pattern, name, expected) in [
            ("files/*", "files/a.txt", true),
            ("files/*", "files/a/b.txt", false),
            ("files/**", "files/a/b.txt", true),
            ("**.yaml", "a/b.yaml", true),
            ("{a,b}.txt", "b.txt", true),
            ("[ab].txt", "a.txt", true),
            ("[!ab].txt", "a.txt", false),
            ("?.txt", "ab.txt", false),
            ("a{b", "anything", true),
        ] {
            assert_eq!(matcher(pattern)(name), expected, "{pattern} {name}");
        }
    }
}
