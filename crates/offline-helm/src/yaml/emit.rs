//! The layout of go-yaml's emitters, v2 and v3: styles of text, folding after column 80, block scalars, indentation by two.

const WIDTH: usize = 80;
const INDENT: isize = 2;

/// What was written, and where the pen stands.
#[derive(Default)]
pub(super) struct Emitter {
    pub(super) out: String,
    column: usize,
    indent: isize,
    /// Whether the last character was white space, or nothing was written yet.
    whitespace: bool,
    /// Whether only indentation and indicators of blocks stand on this line.
    pub(super) indention: bool,
    /// Whether this is go-yaml v3, which folds nothing and takes tabs in blocks.
    pub(super) third: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// What a text allows.
struct Allowed {
    multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

impl Emitter {
    pub(super) fn new(third: bool) -> Self {
        Emitter { indent: -1, whitespace: true, indention: true, third, ..Emitter::default() }
    }

    fn width(&self) -> usize {
        if self.third { usize::MAX } else { WIDTH }
    }

    /// The indentation that a block inside gets; the old one is given back to be restored.
    pub(super) fn enter(&mut self, indentless: bool) -> isize {
        let old = self.indent;
        self.indent = match old {
            ..0 => 0,
            _ if indentless => old,
            _ => old + INDENT,
        };
        old
    }

    pub(super) fn leave(&mut self, old: isize) {
        self.indent = old;
    }

    /// Goes to the indentation of this block, on a new line unless the pen can reach it on this one.
    pub(super) fn start_line(&mut self) {
        let indent = self.indent.max(0) as usize;
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    pub(super) fn indicator(&mut self, text: &str, spaced: bool, is_space: bool, is_indention: bool) {
        if spaced && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = is_space;
        self.indention &= is_indention;
    }

    /// A scalar that is no text: numbers, booleans, null.
    pub(super) fn bare(&mut self, text: &str) {
        self.indicator(text, true, false, false);
    }

    /// A key that fits before its colon.
    pub(super) fn is_simple_key(text: &str) -> bool {
        text.len() <= 128 && !text.chars().any(is_break)
    }

    pub(super) fn text(&mut self, text: &str, key: bool) {
        let allowed = allowed(text, self.third);
        let mut style = match () {
            () if text.contains('\n') => Style::Literal,
            () if super::resolve::needs_quotes(text) => Style::Double,
            () => Style::Plain,
        };
        if key && allowed.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && !allowed.plain {
            style = Style::Single;
        }
        if style == Style::Single && !allowed.single || style == Style::Literal && (!allowed.block || key) {
            style = Style::Double;
        }
        let old = self.indent;
        self.indent = if old < 0 { INDENT } else { old + INDENT };
        match style {
            Style::Plain => self.plain(text, !key),
            Style::Single => self.single(text, !key),
            Style::Double => self.double(text, !key),
            Style::Literal => self.literal(text),
        }
        self.indent = old;
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn write_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
        self.indention = true;
    }

    fn plain(&mut self, text: &str, breaks: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        self.flowing(text, breaks, None);
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, text: &str, breaks: bool) {
        self.indicator("'", true, false, false);
        self.flowing(text, breaks, Some('\''));
        self.indicator("'", false, false, false);
    }

    /// Plain and single-quoted text: single spaces after column 80 become ends of lines.
    fn flowing(&mut self, text: &str, may_break: bool, quote: Option<char>) {
        let (mut spaces, mut breaks) = (false, false);
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|&(_, c)| c);
            if c == ' ' {
                let inner = quote.is_none() || at > 0 && next.is_some();
                if may_break && !spaces && self.column > self.width() && inner && next != Some(' ') {
                    self.start_line();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.line_break();
                }
                self.write_break(c);
                breaks = true;
            } else {
                if breaks {
                    self.start_line();
                }
                if Some(c) == quote {
                    self.put(c);
                }
                self.put(c);
                self.indention = false;
                (spaces, breaks) = (false, false);
            }
        }
    }

    fn double(&mut self, text: &str, may_break: bool) {
        self.indicator("\"", true, false, false);
        let mut spaces = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|&(_, c)| c);
            if !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                escape(c).chars().for_each(|c| self.put(c));
                spaces = false;
            } else if c == ' ' {
                if may_break && !spaces && self.column > self.width() && at > 0 && next.is_some() {
                    self.start_line();
                    if next == Some(' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false, false);
        }
        let mut ends = text.chars().rev().map(is_break);
        match (ends.next(), ends.next()) {
            (Some(false) | None, _) => self.indicator("-", false, false, false),
            (Some(true), None | Some(true)) => self.indicator("+", false, false, false),
            (Some(true), Some(false)) => {}
        }
        self.line_break();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
                breaks = true;
            } else {
                if breaks {
                    self.start_line();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

fn escape(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        other => {
            return match other as u32 {
                code @ ..=0xff => format!("\\x{code:02X}"),
                code @ ..=0xffff => format!("\\u{code:04X}"),
                code => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}

fn allowed(text: &str, third: bool) -> Allowed {
    let dashes = text.starts_with("---") || text.starts_with("...");
    let (mut indicators, mut multiline, mut special, mut tabs) = (dashes, false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut previous_space, mut previous_break, mut after_blank) = (false, false, true);
    let mut chars = text.chars().enumerate().peekable();
    while let Some((at, c)) = chars.next() {
        let before_blank = chars.peek().is_none_or(|&(_, c)| matches!(c, ' ' | '\t'));
        indicators |= match c {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`'
                if at == 0 =>
            {
                true
            }
            '?' | '-' if at == 0 => before_blank,
            ':' => before_blank,
            '#' => after_blank,
            _ => false,
        };
        match c {
            '\t' if third => tabs = true,
            c => special |= !is_printable(c),
        }
        let (space, line) = (c == ' ', is_break(c));
        break_space |= space && previous_break;
        space_break |= line && previous_space;
        multiline |= line;
        (previous_space, previous_break) = (space, line);
        after_blank = space || line || matches!(c, '\t' | '\0');
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
    let edges = edge(text.chars().next()) || edge(text.chars().next_back());
    Allowed {
        multiline,
        plain: !(indicators || multiline || special || tabs || break_space || space_break || edges),
        single: !(break_space || space_break || special || tabs),
        block: !(text.is_empty() || text.ends_with(' ') || space_break || special),
    }
}
