//! Trees to text, in as many ways as people have: columns, dashes, flow and block style, quotes, comments, blank lines.
//!
//! Everything written here is read the same by every YAML reader we know of; what only some take has cases of its own.

use std::collections::BTreeMap;

use super::{Random, Tree};

/// The habits of one author.
struct Habits {
    step: usize,
    dash: usize,
    gap: usize,
    /// In so many of a hundred places.
    comments: usize,
    flow: usize,
    quotes: usize,
    oddities: usize,
    json: bool,
    tabs: bool,
}

struct Writer<'r> {
    out: String,
    random: &'r mut Random,
    habits: Habits,
    /// A block scalar was written last: what follows must not become a part of it.
    after_block: bool,
}

/// A whole file: documents, markers, line ends, byte order mark.
pub fn file(trees: &[Tree], random: &mut Random) -> String {
    let mut text = String::new();
    let crlf = random.chance(20);
    if random.chance(20) {
        text.push_str("# licence\n\n");
    }
    let directive = random.chance(3);
    if directive {
        text.push_str("%YAML 1.2\n");
    }
    let mut may_be_cut = false;
    for (nth, tree) in trees.iter().enumerate() {
        if nth > 0 || directive || random.chance(40) {
            let markers = ["---\n", "---\n", "--- # next\n", "---  \n", "---\n# head\n", "---\n\n---\n"];
            text.push_str(random.text(&markers));
        }
        let habits = Habits::new(random);
        let mut writer = Writer { out: String::new(), random: &mut *random, habits, after_block: false };
        writer.document(tree);
        may_be_cut = !writer.after_block;
        text.push_str(&writer.out);
        if random.chance(5) {
            text.push_str("...\n");
            may_be_cut = false;
        }
    }
    if may_be_cut && random.chance(20) {
        text.truncate(text.trim_end_matches('\n').len());
    }
    if crlf {
        text = text.replace('\n', "\r\n");
    }
    if random.chance(10) {
        text.insert(0, '\u{feff}');
    }
    text
}

impl Habits {
    fn new(random: &mut Random) -> Self {
        let step = *random.pick(&[1, 2, 2, 2, 2, 3, 4, 4, 8]);
        Self {
            step,
            dash: *random.pick(&[0, 0, 0, 1, 2, step]),
            gap: *random.pick(&[1, 1, 1, 1, 2, 3, 4]),
            comments: *random.pick(&[0, 5, 30]),
            flow: *random.pick(&[0, 5, 15, 60]),
            quotes: *random.pick(&[0, 10, 50]),
            oddities: *random.pick(&[0, 0, 0, 4]),
            json: random.chance(10),
            tabs: random.chance(30),
        }
    }
}

impl Writer<'_> {
    fn document(&mut self, tree: &Tree) {
        if self.habits.json {
            let spread = self.random.chance(60);
            self.flow(&tree.expanded(&mut BTreeMap::new()), 0, spread);
            self.out.push('\n');
            return;
        }
        match tree {
            Tree::Map(_) if self.random.chance(self.habits.flow / 10) => {
                self.flow(tree, 0, true);
                self.end_line();
            }
            Tree::Map(pairs) => self.map(pairs, 0, false),
            _ => unreachable!("a document is a mapping"),
        }
    }

    fn pad(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }

    /// Blank lines and comments before a line.
    fn filler(&mut self, column: usize) {
        while self.random.chance(self.habits.comments) {
            if self.random.chance(40) {
                self.out.push('\n');
            } else {
                let column =
                    if self.after_block { 0 } else { *self.random.pick(&[0, column, column + 1, 30]) };
                self.pad(column);
                self.out.push_str(self.random.text(&[
                    "# comment\n",
                    "#\n",
                    "# - name: regcred\n",
                    "#: {ünï\n",
                ]));
            }
        }
        self.after_block = false;
    }

    /// Perhaps blanks and a comment, and the line end.
    fn end_line(&mut self) {
        if self.random.chance(self.habits.comments) {
            self.out.push_str(self.random.text(&[" # why", "  #", "   ", " # imagePullSecrets: []"]));
        }
        self.out.push('\n');
    }

    /// A block mapping whose keys stand at `column`; `inline` when the first one is where we are.
    fn map(&mut self, pairs: &[(String, Tree)], column: usize, inline: bool) {
        for (nth, (key, tree)) in pairs.iter().enumerate() {
            if nth > 0 || !inline {
                self.filler(column);
                self.pad(column);
            }
            self.after_block = false;
            let collection = matches!(tree, Tree::Map(pairs) if !pairs.is_empty());
            if collection && self.random.chance(self.habits.oddities) {
                self.out.push_str("? ");
                self.key(key, false);
                self.end_line();
                self.pad(column);
                self.out.push(':');
                self.item(tree, column);
                continue;
            }
            if self.random.chance(self.habits.oddities) {
                self.out.push_str("&unused ");
            }
            self.key(key, false);
            if self.random.chance(self.habits.oddities) {
                self.out.push(' ');
            }
            self.out.push(':');
            self.value(key, tree, column);
        }
    }

    /// What follows the colon of a key at `column`.
    fn value(&mut self, key: &str, tree: &Tree, column: usize) {
        let step = if self.random.chance(5) { 1 + self.random.below(6) } else { self.habits.step };
        match tree {
            Tree::Map(pairs) if !pairs.is_empty() && !self.random.chance(self.habits.flow) => {
                self.properties(column + step);
                self.map(pairs, column + step, false);
            }
            Tree::List(items) if !items.is_empty() && !self.random.chance(self.habits.flow) => {
                let dash = if self.random.chance(10) { self.random.below(5) } else { self.habits.dash };
                if dash > 0 {
                    self.properties(column + dash);
                } else {
                    self.end_line();
                }
                self.list(items, column + dash, false);
            }
            Tree::Map(_) | Tree::List(_) => {
                let below = self.random.chance(5);
                if below {
                    self.end_line();
                    self.pad(column + step);
                } else {
                    self.out.push(' ');
                }
                let spread = self.random.chance(30);
                self.flow(tree, column, spread);
                self.end_line();
            }
            Tree::Text(text) if key != "name" && is_block(text) && self.random.chance(50) => {
                self.out.push(' ');
                self.block_scalar(text, column + step);
            }
            Tree::Text(text) if self.random.chance(3) => {
                self.end_line();
                self.pad(column + step);
                let scalar = self.scalar(text, false);
                self.out.push_str(&scalar);
                self.end_line();
            }
            Tree::Word("") => self.end_line(),
            Tree::Anchor(name, tree) => {
                self.out.push_str(" &");
                self.out.push_str(name);
                let had = std::mem::take(&mut self.habits.oddities);
                self.value(key, tree, column);
                self.habits.oddities = had;
            }
            Tree::Text(_) | Tree::Word(_) | Tree::Alias(_) => {
                self.out.push_str(self.random.text(&[" ", " ", " ", "  "]));
                self.leaf(tree, false);
                self.end_line();
            }
        }
    }

    /// The end of a key's line, perhaps with an anchor that nobody uses, there or on a line of its own.
    fn properties(&mut self, column: usize) {
        if !self.random.chance(self.habits.oddities) {
            return self.end_line();
        }
        if self.random.chance(50) {
            self.end_line();
            self.pad(column);
        } else {
            self.out.push(' ');
        }
        self.out.push_str("&nobody");
        self.end_line();
    }

    /// A block sequence whose dashes stand at `column`.
    fn list(&mut self, items: &[Tree], column: usize, inline: bool) {
        for (nth, item) in items.iter().enumerate() {
            if nth > 0 || !inline {
                self.filler(column);
                self.pad(column);
            }
            self.after_block = false;
            self.out.push('-');
            self.item(item, column);
        }
    }

    /// What follows a dash, or the colon of an explicit key, at `column`.
    fn item(&mut self, tree: &Tree, column: usize) {
        let gap = self.habits.gap;
        match tree {
            Tree::Map(pairs) if !pairs.is_empty() && !self.random.chance(self.habits.flow) => {
                if self.random.chance(8) {
                    self.end_line();
                    let step = self.habits.step.max(1);
                    return self.map(pairs, column + step, false);
                }
                self.pad(gap);
                self.map(pairs, column + 1 + gap, true);
            }
            Tree::List(items) if !items.is_empty() && !self.random.chance(self.habits.flow) => {
                self.pad(gap);
                self.list(items, column + 1 + gap, true);
            }
            Tree::Map(_) | Tree::List(_) => {
                self.pad(gap);
                let spread = self.random.chance(30);
                self.flow(tree, column, spread);
                self.end_line();
            }
            Tree::Text(text) if is_block(text) && self.random.chance(50) => {
                self.pad(gap);
                self.block_scalar(text, column + self.habits.step);
            }
            Tree::Anchor(name, tree) => {
                self.out.push_str(" &");
                self.out.push_str(name);
                self.end_line();
                let Tree::Map(pairs) = &**tree else { unreachable!("only mappings are shared in lists") };
                self.map(pairs, column + 2, false);
            }
            Tree::Word("") => self.end_line(),
            Tree::Text(_) | Tree::Word(_) | Tree::Alias(_) => {
                self.pad(gap);
                self.leaf(tree, false);
                self.end_line();
            }
        }
    }

    fn block_scalar(&mut self, text: &str, column: usize) {
        self.out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
        self.end_line();
        for line in text.lines() {
            self.pad(column);
            self.out.push_str(line);
            self.out.push('\n');
        }
        self.after_block = true;
    }

    /// A collection in braces or brackets, or a leaf among others; `spread` over several lines.
    fn flow(&mut self, tree: &Tree, column: usize, spread: bool) {
        let (open, close, number) = match tree {
            Tree::Map(pairs) => ('{', '}', pairs.len()),
            Tree::List(items) => ('[', ']', items.len()),
            Tree::Anchor(name, tree) => {
                self.out.push_str(&format!("&{name} "));
                return self.flow(tree, column, spread);
            }
            _ => return self.leaf(tree, true),
        };
        let inner = column + if self.habits.json { self.habits.step } else { 1 + self.random.below(4) };
        let blank = !spread && self.random.chance(20);
        self.out.push(open);
        if blank && number > 0 {
            self.out.push(' ');
        }
        for nth in 0..number {
            if spread {
                self.break_line(inner);
            }
            let inner_spread = spread && self.random.chance(50);
            match tree {
                Tree::Map(pairs) => {
                    let (key, value) = &pairs[nth];
                    self.key(key, true);
                    self.out.push_str(": ");
                    self.flow(value, inner, inner_spread);
                }
                Tree::List(items) => self.flow(&items[nth], inner, inner_spread),
                _ => {}
            }
            let last = nth + 1 == number;
            let comma = !last || !self.habits.json && self.random.chance(10);
            if comma {
                self.out.push(',');
            }
            if !last && !spread {
                self.out.push(' ');
            }
        }
        if spread && number > 0 {
            self.break_line(column);
        } else if blank {
            self.out.push(' ');
        }
        self.out.push(close);
    }

    /// A line end inside of a flow collection, and the next line's indent.
    fn break_line(&mut self, column: usize) {
        if self.habits.json {
            self.out.push('\n');
            let indent =
                if self.habits.tabs { "\t".repeat(column / self.habits.step) } else { " ".repeat(column) };
            self.out.push_str(&indent);
            return;
        }
        self.end_line();
        if self.random.chance(self.habits.comments) {
            self.pad(column + 1);
            self.out.push_str("# in between\n");
        }
        // Strict readers want what is inside further in than the key.
        self.pad(column + 1);
    }

    fn key(&mut self, key: &str, flow: bool) {
        let key = match self.habits.json {
            true => double_quoted(key),
            false if self.random.chance(self.habits.quotes / 5) => self.quoted(key),
            false => self.scalar(key, flow),
        };
        self.out.push_str(&key);
    }

    fn leaf(&mut self, tree: &Tree, flow: bool) {
        let json = self.habits.json;
        let written = match tree {
            Tree::Text(text) if json => double_quoted(text),
            Tree::Text(text) => self.scalar(text, flow),
            Tree::Word("" | "~" | "Null" | "NULL") if json => "null".to_owned(),
            Tree::Word(word) => (*word).to_owned(),
            Tree::Alias(name) => format!("*{name} "),
            _ => unreachable!("collections have their own ways"),
        };
        self.out.push_str(&written);
    }

    fn scalar(&mut self, text: &str, flow: bool) -> String {
        if is_plain(text, flow) && !self.random.chance(self.habits.quotes) {
            return text.to_owned();
        }
        self.quoted(text)
    }

    fn quoted(&mut self, text: &str) -> String {
        let single = !text.contains(['\n', '\t']) && self.random.chance(50);
        if single { format!("'{}'", text.replace('\'', "''")) } else { double_quoted(text) }
    }
}

fn double_quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Whether a text can be a literal block scalar as it is.
fn is_block(text: &str) -> bool {
    text.contains('\n') && !text.starts_with(' ') && !text.ends_with("\n\n")
}

/// Whether every reader takes a text without quotes for that text.
fn is_plain(text: &str, flow: bool) -> bool {
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let rest = text.chars().all(|c| c.is_ascii_alphanumeric() || "./-_:@".contains(c));
    let word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    first && rest && !word && !text.ends_with(':') && !(flow && text.contains('@'))
}
