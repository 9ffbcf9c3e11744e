//! Splits a template into items, as Go's text/template/parse does: text, delimiters with their trim markers, and words within.

use memchr::memmem;
use std::borrow::Cow;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub(super) token: Token,
    /// Offset of its first byte.
    pub(super) pos: usize,
    /// Its text; for [`Token::Error`] what is wrong.
    pub(super) text: Cow<'a, str>,
    /// Its line, from 1.
    pub(super) line: usize,
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

/// Reads one item after the other.
pub(super) struct Lexer<'a> {
    input: &'a str,
    pos: usize,
    start: usize,
    start_line: usize,
    paren_depth: usize,
    inside_action: bool,
    failed: bool,
}

/// What reading comes to next: an item, or nothing yet.
enum Step<'a> {
    Item(Item<'a>),
    Text,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str) -> Self {
        Lexer { input, pos: 0, start: 0, start_line: 1, paren_depth: 0, inside_action: false, failed: false }
    }

    /// The next item; after the last one [`Token::Eof`] again and again.
    pub(super) fn next_item(&mut self) -> Item<'a> {
        if self.failed {
            return self.plain(Token::Eof, "EOF");
        }
        if self.inside_action {
            return self.inside();
        }
        loop {
            if let Step::Item(item) = self.text() {
                return item;
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.input[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.pos += next.len_utf8();
        Some(next)
    }

    fn plain(&self, token: Token, text: &'static str) -> Item<'a> {
        Item { token, pos: self.pos, text: Cow::Borrowed(text), line: self.start_line }
    }

    /// The item that ends here.
    fn emit(&mut self, token: Token) -> Item<'a> {
        let item = Item {
            token,
            pos: self.start,
            text: Cow::Borrowed(&self.input[self.start..self.pos]),
            line: self.start_line,
        };
        self.ignore();
        item
    }

    /// Leaves out what lies between the last item and here.
    fn ignore(&mut self) {
        self.start_line +=
            self.input.as_bytes()[self.start..self.pos].iter().filter(|byte| **byte == b'\n').count();
        self.start = self.pos;
    }

    fn error(&mut self, message: String) -> Item<'a> {
        self.failed = true;
        Item { token: Token::Error, pos: self.start, text: Cow::Owned(message), line: self.start_line }
    }

    fn text(&mut self) -> Step<'a> {
        let Some(at) = memmem::find(self.rest().as_bytes(), LEFT.as_bytes()) else {
            self.pos = self.input.len();
            let token = if self.pos > self.start { Token::Text } else { Token::Eof };
            return Step::Item(match token {
                Token::Eof => self.plain(Token::Eof, "EOF"),
                _ => self.emit(token),
            });
        };
        if at > 0 {
            let end = self.pos + at;
            self.pos = end;
            if has_left_trim(&self.input[end + LEFT.len()..]) {
                self.pos = self.start + self.input[self.start..end].trim_end_matches(is_space).len();
            }
            let item = (self.pos > self.start).then(|| self.emit(Token::Text));
            self.pos = end;
            self.ignore();
            if let Some(item) = item {
                return Step::Item(item);
            }
        }
        self.left_delim()
    }

    fn left_delim(&mut self) -> Step<'a> {
        self.pos += LEFT.len();
        let marker = if has_left_trim(self.rest()) { 2 } else { 0 };
        if self.rest()[marker..].starts_with("/*") {
            self.pos += marker;
            self.ignore();
            return self.comment();
        }
        let item = self.emit(Token::LeftDelim);
        self.inside_action = true;
        self.pos += marker;
        self.ignore();
        self.paren_depth = 0;
        Step::Item(item)
    }

    fn comment(&mut self) -> Step<'a> {
        self.pos += 2;
        let Some(end) = memmem::find(self.rest().as_bytes(), b"*/") else {
            return Step::Item(self.error("unclosed comment".to_owned()));
        };
        self.pos += end + 2;
        let Some(trim) = self.at_right_delim() else {
            return Step::Item(self.error("comment ends before closing delimiter".to_owned()));
        };
        self.pos += RIGHT.len() + if trim { 2 } else { 0 };
        if trim {
            self.skip_space();
        }
        self.ignore();
        Step::Text
    }

    /// Whether a right delimiter is here, and with a trim marker.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim(rest) && rest[2..].starts_with(RIGHT) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start_matches(is_space).len();
    }

    fn right_delim(&mut self, trim: bool) -> Item<'a> {
        if trim {
            self.pos += 2;
            self.ignore();
        }
        self.pos += RIGHT.len();
        let item = self.emit(Token::RightDelim);
        if trim {
            self.skip_space();
            self.ignore();
        }
        self.inside_action = false;
        item
    }

    fn inside(&mut self) -> Item<'a> {
        if let Some(trim) = self.at_right_delim() {
            if self.paren_depth == 0 {
                return self.right_delim(trim);
            }
            return self.error("unclosed left paren".to_owned());
        }
        let Some(next) = self.bump() else { return self.error("unclosed action".to_owned()) };
        match next {
            ' ' | '\t' | '\r' | '\n' => self.space(next),
            '=' => self.emit(Token::Assign),
            ':' if self.bump() == Some('=') => self.emit(Token::Declare),
            ':' => self.error("expected :=".to_owned()),
            '|' => self.emit(Token::Pipe),
            '"' => self.quoted('"', Token::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Token::CharConstant, "unterminated character constant"),
            '`' => self.raw_quote(),
            '$' => self.field_or_variable(Token::Variable),
            '.' if !self.peek().is_some_and(|next| next.is_ascii_digit()) && self.pos < self.input.len() => {
                self.field_or_variable(Token::Field)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos -= next.len_utf8();
                self.number()
            }
            _ if is_alphanumeric(next) => self.identifier(),
            '(' => {
                self.paren_depth += 1;
                self.emit(Token::LeftParen)
            }
            ')' if self.paren_depth == 0 => self.error("unexpected right paren".to_owned()),
            ')' => {
                self.paren_depth -= 1;
                self.emit(Token::RightParen)
            }
            ' '..='~' => self.emit(Token::Char),
            _ => self.error(format!("unrecognized character in action: {}", unicode(next))),
        }
    }

    fn space(&mut self, first: char) -> Item<'a> {
        let mut last = first;
        let mut count = 1;
        while let Some(next) = self.peek().filter(|next| is_space(*next)) {
            last = next;
            self.pos += 1;
            count += 1;
        }
        // The last space may belong to a trim marker.
        let from_last = &self.input[self.pos - last.len_utf8()..];
        if has_right_trim(from_last) && from_last[2..].starts_with(RIGHT) {
            self.pos -= last.len_utf8();
            if count == 1 {
                return self.right_delim(true);
            }
        }
        self.emit(Token::Space)
    }

    fn skip_word(&mut self) {
        let rest = self.rest();
        self.pos += rest.find(|next| !is_alphanumeric(next)).unwrap_or(rest.len());
    }

    fn identifier(&mut self) -> Item<'a> {
        self.skip_word();
        if let Some(bad) = self.bad_terminator() {
            return self.error(bad);
        }
        let token = match &self.input[self.start..self.pos] {
            "block" => Token::Block,
            "break" => Token::Break,
            "continue" => Token::Continue,
            "define" => Token::Define,
            "else" => Token::Else,
            "end" => Token::End,
            "if" => Token::If,
            "nil" => Token::Nil,
            "range" => Token::Range,
            "template" => Token::Template,
            "with" => Token::With,
            "true" | "false" => Token::Bool,
            _ => Token::Identifier,
        };
        self.emit(token)
    }

    fn field_or_variable(&mut self, token: Token) -> Item<'a> {
        if self.at_terminator() {
            return self.emit(if token == Token::Variable { Token::Variable } else { Token::Dot });
        }
        self.skip_word();
        match self.bad_terminator() {
            Some(bad) => self.error(bad),
            None => self.emit(token),
        }
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None => true,
            Some(next) => {
                is_space(next)
                    || matches!(next, '.' | ',' | '|' | ':' | ')' | '(')
                    || self.rest().starts_with(RIGHT)
            }
        }
    }

    fn bad_terminator(&self) -> Option<String> {
        let next = self.peek()?;
        (!self.at_terminator()).then(|| format!("bad character {}", unicode(next)))
    }

    fn quoted(&mut self, quote: char, token: Token, unterminated: &str) -> Item<'a> {
        loop {
            match self.bump() {
                Some('\\') if self.peek().is_some_and(|next| next != '\n') => {
                    self.bump();
                }
                Some('\\' | '\n') | None => return self.error(unterminated.to_owned()),
                Some(next) if next == quote => return self.emit(token),
                Some(_) => {}
            }
        }
    }

    fn raw_quote(&mut self) -> Item<'a> {
        match self.rest().find('`') {
            Some(end) => {
                self.pos += end + 1;
                self.emit(Token::RawString)
            }
            None => self.error("unterminated raw quoted string".to_owned()),
        }
    }

    fn number(&mut self) -> Item<'a> {
        let mut token = Token::Number;
        let mut good = self.scan_number();
        if good && matches!(self.peek(), Some('+' | '-')) {
            token = Token::Complex;
            good = self.scan_number() && self.input[..self.pos].ends_with('i');
        }
        if good {
            return self.emit(token);
        }
        let text = super::quote::quote(&self.input[self.start..self.pos]);
        self.error(format!("bad number syntax: {text}"))
    }

    fn accept(&mut self, valid: &str) -> bool {
        let good = self.peek().is_some_and(|next| valid.contains(next));
        if good {
            self.pos += 1;
        }
        good
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEX: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEX;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if (digits == DECIMAL && self.accept("eE")) || (digits == HEX && self.accept("pP")) {
            self.accept("+-");
            self.accept_run(DECIMAL);
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }
}

/// What Go's lexer takes for space.
pub(super) fn is_space(next: char) -> bool {
    matches!(next, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(next: char) -> bool {
    next == '_' || next.is_alphabetic() || next.is_numeric()
}

fn has_left_trim(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 2 && bytes[0] == b'-' && is_space(char::from(bytes[1]))
}

fn has_right_trim(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 2 && is_space(char::from(bytes[0])) && bytes[1] == b'-'
}

/// Go's `%#U`.
fn unicode(next: char) -> String {
    if next.is_control() {
        format!("U+{:04X}", u32::from(next))
    } else {
        format!("U+{:04X} '{next}'", u32::from(next))
    }
}
