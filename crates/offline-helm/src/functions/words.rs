//! Sprig's functions that look at words and letters: their case, their first letters, random ones.

use super::arguments::{bytes, fixed, int, text};
use super::letters::{
    is_digit, is_letter, is_lower, is_number, is_punctuation, is_title, is_upper, lower, title, upper,
};
use super::signature::{Function, Type};
use crate::value::Value;
use Type::Int;

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    fixed("title", &[Type::Str], |args| Ok(Value::str(titles(&text(&args[0]))))),
    fixed("untitle", &[Type::Str], |args| Ok(Value::str(untitle(&text(&args[0]))))),
    fixed("swapcase", &[Type::Str], |args| Ok(Value::str(swap_case(&text(&args[0]))))),
    fixed("nospace", &[Type::Str], |args| Ok(Value::str(no_space(bytes(&args[0]))))),
    fixed("initials", &[Type::Str], |args| Ok(Value::str(initials(bytes(&args[0]))))),
    fixed("snakecase", &[Type::Str], |args| Ok(Value::str(joined_lower(&text(&args[0]), '_')))),
    fixed("kebabcase", &[Type::Str], |args| Ok(Value::str(joined_lower(&text(&args[0]), '-')))),
    fixed("camelcase", &[Type::Str], |args| Ok(Value::str(pascal_case(&text(&args[0]))))),
    // What is random in Helm is the same in every run here.
    fixed("shuffle", &[Type::Str], |args| Ok(args[0].clone())),
    fixed("randAlphaNum", &[Int], |args| {
        random(args, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    }),
    fixed("randAlpha", &[Int], |args| random(args, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    fixed("randAscii", &[Int], |args| {
        random(args, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    }),
    fixed("randNumeric", &[Int], |args| random(args, "1234567890")),
];

/// A fixed text of that length, since two runs have to be equal.
fn random(args: &[Value], letters: &str) -> Result<Value, String> {
    let count = usize::try_from(int(&args[0])).unwrap_or(0);
    if count > super::arguments::MOST_BYTES {
        return Err("a random text that is too long".to_owned());
    }
    Ok(Value::str(letters.chars().cycle().take(count).collect::<String>()))
}

/// `strings.Title`: what follows no letter, digit or underscore becomes upper case.
fn titles(text: &str) -> String {
    let mut before = ' ';
    text.chars()
        .map(|letter| {
            let first = is_separator(before);
            before = letter;
            if first { title(letter) } else { letter }
        })
        .collect()
}

fn is_separator(letter: char) -> bool {
    if letter.is_ascii() {
        return !(letter.is_ascii_alphanumeric() || letter == '_');
    }
    !is_letter(letter) && !is_digit(letter) && letter.is_whitespace()
}

fn untitle(text: &str) -> String {
    let mut first = true;
    text.chars()
        .map(|letter| {
            if letter.is_whitespace() {
                first = true;
                letter
            } else if std::mem::take(&mut first) {
                lower(letter)
            } else {
                letter
            }
        })
        .collect()
}

fn swap_case(text: &str) -> String {
    let mut after_space = true;
    text.chars()
        .map(|letter| {
            if is_upper(letter) || is_title(letter) {
                after_space = false;
                lower(letter)
            } else if is_lower(letter) {
                if std::mem::take(&mut after_space) { title(letter) } else { upper(letter) }
            } else {
                after_space = letter.is_whitespace();
                letter
            }
        })
        .collect()
}

/// Sprig takes bytes for letters here: each one is written as a letter of Latin 1, unless nothing has to go.
fn no_space(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|byte| is_space_byte(*byte)) {
        return text.to_vec();
    }
    latin(text.iter().copied().filter(|byte| !is_space_byte(*byte)))
}

fn is_space_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | b' ' | 0x85 | 0xa0)
}

fn latin(bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    bytes.map(char::from).collect::<String>().into_bytes()
}

fn initials(text: &[u8]) -> Vec<u8> {
    let mut gap = true;
    latin(text.iter().copied().filter(|byte| {
        let space = is_space_byte(*byte);
        let first = !space && gap;
        gap = space;
        first
    }))
}

fn is_connector(letter: char) -> bool {
    letter == '-' || letter == '_' || letter.is_whitespace()
}

/// `xstrings.ToPascalCase`
fn pascal_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    let mut current = '\0';
    let mut first_upper = false;
    let mut any = false;
    for letter in letters.by_ref() {
        any = true;
        current = letter;
        if !is_connector(letter) {
            first_upper = is_upper(letter);
            current = upper(letter);
            break;
        }
        out.push(letter);
    }
    if letters.as_str().is_empty() {
        if any {
            out.push(current);
        }
        return out;
    }
    for letter in letters {
        let before = std::mem::replace(&mut current, letter);
        if is_connector(current) && is_connector(before) {
            out.push(before);
            continue;
        }
        if is_connector(before) {
            first_upper = is_upper(current);
            current = upper(current);
        } else {
            if first_upper {
                if is_upper(current) {
                    current = lower(current);
                } else {
                    first_upper = false;
                }
            }
            out.push(before);
        }
    }
    out.push(current);
    out
}

/// What a word is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// `xstrings.ToSnakeCase` and `ToKebabCase`: words in lower case with a connector between them.
fn joined_lower(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            push_lower(&mut out, kind, word, connector);
        }
        let (before, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match before {
            Word::Number => {
                (kind, word, rest) = run_of_letters(&mut out, (kind, word, rest), connector);
                push_between(&mut out, kind, connector, true);
            }
            Word::Connector => push_lower(&mut out, before, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => push_between(&mut out, kind, connector, false),
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Alphabet {
                    // The number belongs to the word before: `Bld4Floor` is `bld4_floor`.
                    push_lower(&mut out, Word::Number, number, connector);
                    push_between(&mut out, kind, connector, false);
                } else {
                    // Lower case follows: `HTTP2xx` is `http_2xx`.
                    out.push(connector);
                    push_lower(&mut out, Word::Number, number, connector);
                    (kind, word, rest) = run_of_letters(&mut out, (kind, word, rest), connector);
                    push_between(&mut out, kind, connector, true);
                }
            }
        }
    }
    push_lower(&mut out, kind, word, connector);
    out
}

/// Writes letters and numbers that follow each other as one word.
fn run_of_letters<'a>(
    out: &mut String,
    mut at: (Word, &'a str, &'a str),
    connector: char,
) -> (Word, &'a str, &'a str) {
    while matches!(at.0, Word::Alphabet | Word::Number) {
        push_lower(out, at.0, at.1, connector);
        at = next_word(at.2);
    }
    at
}

fn push_between(out: &mut String, next: Word, connector: char, not_at_end: bool) {
    let end = not_at_end && next == Word::Invalid;
    if !end && !matches!(next, Word::Connector | Word::Punctuation) {
        out.push(connector);
    }
}

fn push_lower(out: &mut String, kind: Word, word: &str, connector: char) {
    match kind {
        Word::Upper | Word::Connector => {
            out.extend(
                word.chars().map(|letter| if is_connector(letter) { connector } else { lower(letter) }),
            );
        }
        _ => out.push_str(word),
    }
}

fn is_alphabet(letter: char) -> bool {
    is_letter(letter) && !matches!(u32::from(letter), 0x4e00..=0x9fcc | 0x3400..=0x4db5 | 0x20000..=0x2b81d)
}

/// The first word, and what follows it.
fn next_word(text: &str) -> (Word, &str, &str) {
    let Some(first) = text.chars().next() else { return (Word::Invalid, "", "") };
    let after_first = &text[first.len_utf8()..];
    let take = |test: &dyn Fn(char) -> bool| {
        first.len_utf8() + after_first.find(|letter| !test(letter)).unwrap_or(after_first.len())
    };
    let (kind, end) = if is_connector(first) {
        (Word::Connector, take(&is_connector))
    } else if is_punctuation(first) {
        (Word::Punctuation, take(&is_punctuation))
    } else if is_upper(first) {
        (Word::Upper, upper_word(text, first, after_first))
    } else if is_alphabet(first) {
        (Word::Alphabet, take(&|letter| is_alphabet(letter) && !is_upper(letter)))
    } else if is_number(first) {
        (Word::Number, take(&is_number))
    } else {
        let other = |letter: char| {
            !(is_connector(letter) || is_alphabet(letter) || is_number(letter) || is_punctuation(letter))
        };
        (Word::Other, take(&other))
    };
    (kind, &text[..end], &text[end..])
}

/// Where a word ends that begins in upper case: `HTTPStatus` is `HTTP` and `Status`.
fn upper_word(text: &str, first: char, after_first: &str) -> usize {
    let Some(second) = after_first.chars().next() else { return text.len() };
    if is_upper(second) {
        let run = first.len_utf8()
            + after_first.find(|letter: char| !is_upper(letter)).unwrap_or(after_first.len());
        let next = text[run..].chars().next();
        let last = text[..run].chars().next_back().map_or(0, char::len_utf8);
        return if next.is_some_and(is_alphabet) { run - last } else { run };
    }
    if !is_alphabet(second) {
        return first.len_utf8();
    }
    first.len_utf8()
        + after_first
            .find(|letter: char| !is_alphabet(letter) || is_upper(letter))
            .unwrap_or(after_first.len())
}
