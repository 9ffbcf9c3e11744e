//! What stands on one line of an obvious text: keys, scalars, comments, flow collections of words.

use memchr::{memchr, memchr_iter};

/// Spaces at the beginning.
pub(super) fn indent(line: &str) -> usize {
    line.bytes().take_while(|byte| *byte == b' ').count()
}

/// Whether there are but letters that all readers take for such: no control characters, no line breaks of YAML 1.1.
pub(super) fn is_printable(text: &str, tabs: bool) -> bool {
    // Without a branch, so that many bytes are looked at in one step.
    if text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~')) {
        return true;
    }
    text.chars().all(|letter| match letter {
        '\t' => tabs,
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        _ => matches!(letter, ' '..='~' | '\u{a0}'..='\u{fffd}'),
    })
}

/// Whether a plain scalar, or a line of one, has nothing in it that would end it.
pub(super) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr_iter(b':', bytes).all(|at| bytes.get(at + 1).is_some_and(|next| *next != b' '))
        && memchr_iter(b'#', bytes).all(|at| at > 0 && bytes[at - 1] != b' ')
}

/// Where a quoted scalar ends on a line, if it does; none at all for escapes that not every reader knows.
pub(super) fn closing(line: &[u8], quote: u8) -> Option<Option<usize>> {
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            b'\\' if quote == b'"' => {
                matches!(line.get(at + 1), None | Some(b'"' | b'\\' | b'n' | b't')).then_some(())?;
                at += 1;
            }
            b'\'' if quote == b'\'' && line.get(at + 1) == Some(&b'\'') => at += 1,
            byte if byte == quote => return Some(Some(at)),
            _ => {}
        }
        at += 1;
    }
    Some(None)
}

/// A key and what stands behind its colon.
pub(super) fn key(content: &str) -> Option<(&str, &str)> {
    let bytes = content.as_bytes();
    let (key, end) = match bytes[0] {
        quote @ (b'"' | b'\'') => {
            let end = 1 + memchr(quote, &bytes[1..])?;
            (&content[1..end], end + 1)
        }
        first if first.is_ascii_alphanumeric() || b"_/.$".contains(&first) => {
            let in_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_/.$-".contains(byte);
            let end = bytes.iter().take_while(|byte| in_key(byte)).count();
            (&content[..end], end)
        }
        _ => return None,
    };
    let value = content[end..].strip_prefix(':')?;
    let plain = key.len() < 512 && !key.contains('\\') && (value.is_empty() || value.starts_with(' '));
    plain.then(|| (key, value.trim_start_matches(' ')))
}

/// A value of one line without the comment behind it, if there is one.
pub(super) fn without_comment(value: &str) -> Option<&str> {
    let at = memchr_iter(b'#', value.as_bytes()).find(|at| *at > 0 && value.as_bytes()[at - 1] == b' ')?;
    Some(value[..at].trim_end_matches(' '))
}

/// Shows the scalars of a flow collection of one line, as they are written, those of a mapping in turn: `[get, "list"]`, `{type: Recreate}`.
pub(crate) fn words<'t>(flow: &'t str, mut each: impl FnMut(&'t str)) -> Option<()> {
    let is_mapping = flow.starts_with('{');
    let inner = flow.strip_prefix(if is_mapping { '{' } else { '[' })?;
    let mut rest = inner.strip_suffix(if is_mapping { '}' } else { ']' })?.trim_matches(' ');
    while !rest.is_empty() {
        let mut next = |rest: &mut &'t str| {
            let word = word(rest)?;
            each(word);
            *rest = &rest[word.len()..];
            Some(())
        };
        next(&mut rest)?;
        if is_mapping {
            rest = rest.strip_prefix(": ")?.trim_start_matches(' ');
            next(&mut rest)?;
        }
        rest = rest.trim_start_matches(' ');
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start_matches(' ');
            // A comma at the end is the business of a parser.
            (!rest.is_empty()).then_some(())?;
        }
    }
    Some(())
}

/// The scalar at the beginning of what is within a flow collection.
fn word(text: &str) -> Option<&str> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_/.".contains(byte);
    let bytes = text.as_bytes();
    match bytes.first()? {
        quote @ (b'"' | b'\'') => {
            let end = 1 + memchr(*quote, &bytes[1..])?;
            // Neither an escape nor a quote that stands for itself.
            let plain = memchr(b'\\', &bytes[1..end]).is_none() && bytes.get(end + 1) != Some(quote);
            plain.then(|| &text[..=end])
        }
        first => {
            let begins = is_word(first) || *first == b'-' && bytes.get(1).is_some_and(is_word);
            let end = bytes.iter().take_while(|byte| is_word(byte) || b"- ".contains(byte)).count();
            begins.then(|| text[..end].trim_end_matches(' '))
        }
    }
}
