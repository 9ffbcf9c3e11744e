//! The nodes of a template, and how Go writes them in errors.

use super::callee::Callee;
use crate::value::{Str, Value};
use std::fmt::{self, Write as _};
use std::rc::Rc;

/// A template that has been read: a file, or what a `define` or `block` in it names.
pub(super) struct Tree {
    /// What `template` and `include` call.
    pub(super) name: String,
    /// Where it was read, for errors.
    pub(super) source: Rc<Source>,
    pub(super) root: List,
}

/// The text that a tree was read from.
pub(super) struct Source {
    /// The file.
    pub(super) name: String,
    /// Offsets of the first byte of each line.
    lines: Vec<usize>,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Self {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Source { name: name.to_owned(), lines: std::iter::once(0).chain(ends).collect() }
    }

    /// Line from 1 and column in bytes from 0.
    pub(super) fn place(&self, pos: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= pos).max(1);
        (line, pos - self.lines[line - 1])
    }
}

/// Nodes one after the other.
pub(super) struct List {
    pub(super) pos: usize,
    pub(super) nodes: Vec<Node>,
}

/// What stands in a list.
pub(super) enum Node {
    Text(usize, Str),
    Action(Pipe),
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template { pos: usize, name: String, pipe: Option<Pipe> },
    Break(usize),
    Continue(usize),
}

/// `if`, `with` or `range`.
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) list: List,
    pub(super) otherwise: Option<List>,
}

/// Commands, each of which gets the value of the one before as its last argument.
pub(super) struct Pipe {
    pub(super) pos: usize,
    /// The variables that get the value.
    pub(super) declared: Vec<Variable>,
    /// Whether they were there before (`=`).
    pub(super) assign: bool,
    pub(super) commands: Vec<Command>,
}

/// A variable: a number within the tree, `$` is 0.
pub(super) struct Variable {
    pub(super) id: usize,
    pub(super) name: Rc<str>,
}

/// A word and its arguments.
pub(super) struct Command {
    pub(super) pos: usize,
    pub(super) args: Vec<Arg>,
}

/// A word of a command.
pub(super) struct Arg {
    pub(super) pos: usize,
    pub(super) kind: ArgKind,
}

pub(super) enum ArgKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    /// As it was written, and what it says.
    Text(String, Value),
    Field(Vec<Str>),
    Variable(Variable, Vec<Str>),
    Function(Callee),
    Chain(Box<Arg>, Vec<Str>),
    Pipe(Box<Pipe>),
}

/// A number constant under all types that can hold it.
pub(super) struct Number {
    pub(super) text: String,
    pub(super) int: Option<i64>,
    pub(super) uint: Option<u64>,
    pub(super) float: Option<f64>,
}

impl List {
    /// Whether there is nothing but space in it.
    pub(super) fn is_blank(&self) -> bool {
        self.nodes.iter().all(|node| match node {
            Node::Text(_, text) => text.text().trim().is_empty(),
            _ => false,
        })
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.nodes.iter().try_for_each(|node| node.fmt(f))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Text(_, text) => f.write_str(&text.text()),
            Node::Action(pipe) => write!(f, "{{{{{pipe}}}}}"),
            Node::If(branch) => branch.write(f, "if"),
            Node::With(branch) => branch.write(f, "with"),
            Node::Range(branch) => branch.write(f, "range"),
            Node::Template { name, pipe, .. } => {
                write!(f, "{{{{template {}", super::quote::quote(name))?;
                if let Some(pipe) = pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
            Node::Break(_) => f.write_str("{{break}}"),
            Node::Continue(_) => f.write_str("{{continue}}"),
        }
    }
}

impl Branch {
    fn write(&self, f: &mut fmt::Formatter<'_>, word: &str) -> fmt::Result {
        write!(f, "{{{{{word} {}}}}}{}", self.pipe, self.list)?;
        if let Some(otherwise) = &self.otherwise {
            write!(f, "{{{{else}}}}{otherwise}")?;
        }
        f.write_str("{{end}}")
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, variable) in self.declared.iter().enumerate() {
            write!(f, "{}{}", if number > 0 { ", " } else { "" }, variable.name)?;
        }
        if !self.declared.is_empty() {
            f.write_str(if self.assign { " = " } else { " := " })?;
        }
        for (number, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if number > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, arg) in self.args.iter().enumerate() {
            if number > 0 {
                f.write_char(' ')?;
            }
            match &arg.kind {
                ArgKind::Pipe(pipe) => write!(f, "({pipe})")?,
                _ => arg.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ArgKind::Dot => f.write_char('.'),
            ArgKind::Nil => f.write_str("nil"),
            ArgKind::Bool(truth) => write!(f, "{truth}"),
            ArgKind::Number(number) => f.write_str(&number.text),
            ArgKind::Text(quoted, _) => f.write_str(quoted),
            ArgKind::Field(fields) => write_fields(f, fields),
            ArgKind::Variable(variable, fields) => {
                f.write_str(&variable.name)?;
                write_fields(f, fields)
            }
            ArgKind::Function(callee) => f.write_str(callee.name()),
            ArgKind::Chain(first, fields) => {
                match &first.kind {
                    ArgKind::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => first.fmt(f)?,
                }
                write_fields(f, fields)
            }
            ArgKind::Pipe(pipe) => pipe.fmt(f),
        }
    }
}

fn write_fields(f: &mut fmt::Formatter<'_>, fields: &[Str]) -> fmt::Result {
    fields.iter().try_for_each(|field| write!(f, ".{}", field.text()))
}
