//! Reads a template into nodes, as Go's text/template/parse does, with its rules about variables, and its words for what is wrong.

use super::callee::Callee;
use super::error::TemplateError;
use super::lexer::{Item, Lexer, Token};
use super::node::{Arg, ArgKind, Branch, Command, List, Node, Pipe, Source, Tree, Variable};
use super::quote::{quote, unquote};
use crate::value::{Str, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// Nodes within nodes; Go allows 10,000 parentheses, and no chart comes near.
const DEPTH: usize = 500;

/// Reads a file: its own tree, and one for each `define` and `block`, in their order.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Tree>, TemplateError> {
    let source = Rc::new(Source::new(name, text));
    let mut parser = Parser {
        lexer: Lexer::new(text),
        unread: Vec::new(),
        last: (1, 0),
        source,
        scope: Scope::default(),
        action_line: None,
        depth: 0,
        trees: Vec::new(),
        named: HashMap::new(),
    };
    parser.file(name)?;
    Ok(parser.trees)
}

/// What belongs to one tree while it is read.
struct Scope {
    /// The number of each name, and how many variables of it there are at the moment.
    names: HashMap<Rc<str>, (usize, usize)>,
    /// The variables that there are at the moment.
    variables: Vec<Rc<str>>,
    range_depth: usize,
}

impl Default for Scope {
    fn default() -> Self {
        let dollar: Rc<str> = Rc::from("$");
        Scope { names: HashMap::from([(dollar.clone(), (0, 1))]), variables: vec![dollar], range_depth: 0 }
    }
}

impl Scope {
    /// A new variable of that name.
    fn declare(&mut self, name: &str) -> Variable {
        let next = self.names.len();
        let name: Rc<str> =
            self.names.get_key_value(name).map_or_else(|| Rc::from(name), |(name, _)| name.clone());
        let (id, alive) = self.names.entry(name.clone()).or_insert((next, 0));
        *alive += 1;
        self.variables.push(name.clone());
        Variable { id: *id, name }
    }

    /// The variable of that name, if there is one.
    fn find(&self, name: &str) -> Option<Variable> {
        let (name, (id, alive)) = self.names.get_key_value(name)?;
        (*alive > 0).then(|| Variable { id: *id, name: name.clone() })
    }

    /// Takes the variables away that were declared since there were `mark`.
    fn pop(&mut self, mark: usize) {
        for name in self.variables.drain(mark..) {
            if let Some((_, alive)) = self.names.get_mut(&name) {
                *alive -= 1;
            }
        }
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    unread: Vec<Item<'a>>,
    /// Line and offset of the last item.
    last: (usize, usize),
    source: Rc<Source>,
    scope: Scope,
    action_line: Option<usize>,
    depth: usize,
    trees: Vec<Tree>,
    /// Where in `trees` each name is.
    named: HashMap<String, usize>,
}

/// What ends a list.
enum End {
    End,
    /// `else`; whether an `if` or `with` follows at once.
    Else,
}

/// What an action turns out to be.
enum Action {
    Node(Node),
    End(End),
}

type Parsed<T> = Result<T, TemplateError>;

impl<'a> Parser<'a> {
    fn next(&mut self) -> Item<'a> {
        self.unread.pop().unwrap_or_else(|| {
            let item = self.lexer.next_item();
            self.last = (item.line, item.pos);
            item
        })
    }

    fn next_non_space(&mut self) -> Item<'a> {
        loop {
            let item = self.next();
            if item.token != Token::Space {
                return item;
            }
        }
    }

    fn peek(&mut self) -> &Item<'a> {
        if self.unread.is_empty() {
            let item = self.next();
            self.unread.push(item);
        }
        &self.unread[self.unread.len() - 1]
    }

    fn peek_non_space(&mut self) -> &Item<'a> {
        let item = self.next_non_space();
        self.unread.push(item);
        &self.unread[self.unread.len() - 1]
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let message = message.into();
        let (line, pos) = self.last;
        let (at, column) = self.source.place(pos);
        let name = self.source.name.clone();
        Err(TemplateError {
            go: format!("template: {name}:{line}: {message}"),
            template: name,
            line,
            column: if at == line { column + 1 } else { 0 },
            message,
        })
    }

    fn unexpected<T>(&self, item: &Item<'a>, context: &str) -> Parsed<T> {
        if item.token != Token::Error {
            return self.error(format!("unexpected {} in {context}", describe(item)));
        }
        let extra = match self.action_line {
            Some(line) if line != item.line => {
                let started = format!(" in action started at {}:{line}", self.source.name);
                if item.text.ends_with(" action") {
                    started[" in action".len()..].to_owned()
                } else {
                    started
                }
            }
            _ => String::new(),
        };
        self.error(format!("{}{extra}", item.text))
    }

    fn expect(&mut self, expected: Token, context: &str) -> Parsed<Item<'a>> {
        let item = self.next_non_space();
        if item.token == expected { Ok(item) } else { self.unexpected(&item, context) }
    }

    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH { self.error("max expression depth exceeded") } else { Ok(()) }
    }

    fn file(&mut self, name: &str) -> Parsed<()> {
        let mut root = List { pos: self.peek().pos, nodes: Vec::new() };
        loop {
            match self.peek().token {
                Token::Eof => break,
                Token::LeftDelim => {
                    let delim = self.next();
                    let item = self.next_non_space();
                    if item.token == Token::Define {
                        self.definition()?;
                        continue;
                    }
                    self.unread.push(item);
                    self.unread.push(delim);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Action::Node(node) => root.nodes.push(node),
                Action::End(End::End) => return self.error("unexpected {{end}}"),
                Action::End(End::Else) => return self.error("unexpected {{else}}"),
            }
        }
        self.add(name.to_owned(), root)
    }

    /// Adds a tree; a second one of the same name only where one of both is blank.
    fn add(&mut self, name: String, root: List) -> Parsed<()> {
        if let Some(old) = self.named.get(&name).and_then(|at| self.trees.get_mut(*at)) {
            if old.root.is_blank() {
                old.root = root;
            } else if !root.is_blank() {
                return self.error(format!("template: multiple definition of template {}", quote(&name)));
            }
            return Ok(());
        }
        self.named.insert(name.clone(), self.trees.len());
        self.trees.push(Tree { name, source: self.source.clone(), root });
        Ok(())
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        self.expect(Token::RightDelim, CONTEXT)?;
        self.tree(name, CONTEXT)
    }

    /// Reads what `define` and `block` hold, with variables of its own.
    fn tree(&mut self, name: String, context: &str) -> Parsed<()> {
        let outer = std::mem::take(&mut self.scope);
        let (root, end) = self.item_list()?;
        self.scope = outer;
        match end {
            End::End => self.add(name, root),
            End::Else => self.error(format!("unexpected {{{{else}}}} in {context}")),
        }
    }

    fn item_list(&mut self) -> Parsed<(List, End)> {
        self.enter()?;
        let mut list = List { pos: self.peek_non_space().pos, nodes: Vec::new() };
        while self.peek_non_space().token != Token::Eof {
            match self.text_or_action()? {
                Action::Node(node) => list.nodes.push(node),
                Action::End(end) => {
                    self.depth -= 1;
                    return Ok((list, end));
                }
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Action> {
        let item = self.next_non_space();
        match item.token {
            Token::Text => Ok(Action::Node(Node::Text(item.pos, Str::from(&*item.text)))),
            Token::LeftDelim => {
                self.action_line = Some(item.line);
                let action = self.action();
                if action.is_ok() {
                    self.action_line = None;
                }
                action
            }
            _ => self.unexpected(&item, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Action> {
        let item = self.next_non_space();
        let node = match item.token {
            Token::Block => self.block()?,
            Token::Break => self.jump(&item, "break")?,
            Token::Continue => self.jump(&item, "continue")?,
            Token::Else => {
                // `else if` and `else with` leave their word, so that it is read as a node of its own.
                if !matches!(self.peek_non_space().token, Token::If | Token::With) {
                    self.expect(Token::RightDelim, "else")?;
                }
                return Ok(Action::End(End::Else));
            }
            Token::End => {
                self.expect(Token::RightDelim, "end")?;
                return Ok(Action::End(End::End));
            }
            Token::If => Node::If(Box::new(self.control("if")?)),
            Token::Range => Node::Range(Box::new(self.control("range")?)),
            Token::With => Node::With(Box::new(self.control("with")?)),
            Token::Template => self.template()?,
            _ => {
                self.unread.push(item);
                Node::Action(self.pipeline("command", Token::RightDelim)?)
            }
        };
        Ok(Action::Node(node))
    }

    fn jump(&mut self, word: &Item<'a>, name: &str) -> Parsed<Node> {
        let item = self.next_non_space();
        if item.token != Token::RightDelim {
            return self.unexpected(&item, &format!("{{{{{name}}}}}"));
        }
        if self.scope.range_depth == 0 {
            return self.error(format!("{{{{{name}}}}} outside {{{{range}}}}"));
        }
        Ok(if name == "break" { Node::Break(word.pos) } else { Node::Continue(word.pos) })
    }

    fn control(&mut self, word: &str) -> Parsed<Branch> {
        self.enter()?;
        let mark = self.scope.variables.len();
        let pipe = self.pipeline(word, Token::RightDelim)?;
        let in_range = usize::from(word == "range");
        self.scope.range_depth += in_range;
        let (list, end) = self.item_list()?;
        self.scope.range_depth -= in_range;
        let otherwise = match end {
            End::End => None,
            End::Else => Some(self.otherwise(word)?),
        };
        self.scope.pop(mark);
        self.depth -= 1;
        Ok(Branch { pipe, list, otherwise })
    }

    fn otherwise(&mut self, word: &str) -> Parsed<List> {
        let item = self.peek();
        let pos = item.pos;
        let node = match item.token {
            Token::If if word == "if" => {
                self.next();
                Node::If(Box::new(self.control("if")?))
            }
            Token::With if word == "with" => {
                self.next();
                Node::With(Box::new(self.control("with")?))
            }
            _ => {
                let (list, end) = self.item_list()?;
                return match end {
                    End::End => Ok(list),
                    End::Else => self.error("expected end; found {{else}}"),
                };
            }
        };
        Ok(List { pos, nodes: vec![node] })
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Token::RightDelim)?;
        self.tree(name.clone(), CONTEXT)?;
        Ok(Node::Template { pos: item.pos, name, pipe: Some(pipe) })
    }

    fn template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let after = self.next_non_space();
        let pipe = if after.token == Token::RightDelim {
            None
        } else {
            self.unread.push(after);
            Some(self.pipeline(CONTEXT, Token::RightDelim)?)
        };
        Ok(Node::Template { pos: item.pos, name, pipe })
    }

    fn template_name(&self, item: &Item<'a>, context: &str) -> Parsed<String> {
        match item.token {
            Token::String | Token::RawString => match unquote(&item.text) {
                Some(name) => Ok(String::from_utf8_lossy(&name).into_owned()),
                None => self.error("invalid syntax"),
            },
            _ => self.unexpected(item, context),
        }
    }

    fn pipeline(&mut self, context: &str, end: Token) -> Parsed<Pipe> {
        let mut pipe = Pipe {
            pos: self.peek_non_space().pos,
            declared: Vec::new(),
            assign: false,
            // Most have one.
            commands: Vec::with_capacity(1),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let item = self.next_non_space();
            match item.token {
                token if token == end => break,
                Token::Bool
                | Token::CharConstant
                | Token::Complex
                | Token::Dot
                | Token::Field
                | Token::Identifier
                | Token::Number
                | Token::Nil
                | Token::RawString
                | Token::String
                | Token::Variable
                | Token::LeftParen => {
                    self.unread.push(item);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        self.check_pipeline(&pipe, context)?;
        Ok(pipe)
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            if self.peek_non_space().token != Token::Variable {
                return Ok(());
            }
            let variable = self.next();
            let after = self.peek().clone();
            let next = self.peek_non_space().clone();
            let comma = next.token == Token::Char && next.text == ",";
            if !comma && !matches!(next.token, Token::Assign | Token::Declare) {
                if after.token == Token::Space {
                    self.unread.push(after);
                }
                self.unread.push(variable);
                return Ok(());
            }
            self.next_non_space();
            pipe.assign = next.token == Token::Assign;
            pipe.declared.push(self.scope.declare(&variable.text));
            if !comma {
                return Ok(());
            }
            if context != "range" || pipe.declared.len() >= 2 {
                return self.error(format!("too many declarations in {context}"));
            }
            if !matches!(self.peek_non_space().token, Token::Variable | Token::RightDelim | Token::RightParen)
            {
                return self.error("range can only initialize variables");
            }
        }
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        let constant = |kind: &ArgKind| {
            matches!(
                kind,
                ArgKind::Bool(_) | ArgKind::Dot | ArgKind::Nil | ArgKind::Number(_) | ArgKind::Text(..)
            )
        };
        match pipe.commands.iter().skip(1).position(|command| constant(&command.args[0].kind)) {
            Some(at) => self.error(format!("non executable command in pipeline stage {}", at + 2)),
            None => Ok(()),
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        let mut command = Command { pos: self.peek_non_space().pos, args: Vec::with_capacity(2) };
        loop {
            self.peek_non_space();
            if let Some(arg) = self.operand()? {
                command.args.push(arg);
            }
            let item = self.next();
            match item.token {
                Token::Space => continue,
                Token::RightDelim | Token::RightParen => self.unread.push(item),
                Token::Pipe => {}
                _ => return self.unexpected(&item, "operand"),
            }
            break;
        }
        if command.args.is_empty() { self.error("empty command") } else { Ok(command) }
    }

    fn operand(&mut self) -> Parsed<Option<Arg>> {
        let Some(mut arg) = self.term()? else { return Ok(None) };
        if self.peek().token != Token::Field {
            return Ok(Some(arg));
        }
        let pos = self.peek().pos;
        let mut fields = Vec::new();
        while self.peek().token == Token::Field {
            fields.push(Str::from(&self.next().text[1..]));
        }
        arg = match arg.kind {
            ArgKind::Field(mut first) => {
                first.append(&mut fields);
                Arg { pos, kind: ArgKind::Field(first) }
            }
            ArgKind::Variable(variable, mut first) => {
                first.append(&mut fields);
                Arg { pos, kind: ArgKind::Variable(variable, first) }
            }
            ArgKind::Bool(_) | ArgKind::Text(..) | ArgKind::Number(_) | ArgKind::Nil | ArgKind::Dot => {
                return self.error(format!("unexpected . after term {}", quote(&arg.to_string())));
            }
            _ => Arg { pos, kind: ArgKind::Chain(Box::new(arg), fields) },
        };
        Ok(Some(arg))
    }

    fn term(&mut self) -> Parsed<Option<Arg>> {
        let item = self.next_non_space();
        let kind = match item.token {
            Token::Identifier => match Callee::find(&item.text) {
                Some(callee) => ArgKind::Function(callee),
                None => return self.error(format!("function {} not defined", quote(&item.text))),
            },
            Token::Dot => ArgKind::Dot,
            Token::Nil => ArgKind::Nil,
            Token::Variable => match self.scope.find(&item.text) {
                Some(variable) => ArgKind::Variable(variable, Vec::new()),
                None => return self.error(format!("undefined variable {}", quote(&item.text))),
            },
            Token::Field => ArgKind::Field(vec![Str::from(&item.text[1..])]),
            Token::Bool => ArgKind::Bool(item.text == "true"),
            Token::CharConstant | Token::Complex | Token::Number => {
                let read = if item.token == Token::CharConstant {
                    super::number::rune(&item.text)
                } else {
                    super::number::number(&item.text)
                };
                match read {
                    Ok(number) => ArgKind::Number(number),
                    Err(message) => return self.error(message),
                }
            }
            Token::LeftParen => {
                self.enter()?;
                let pipe = self.pipeline("parenthesized pipeline", Token::RightParen)?;
                self.depth -= 1;
                // A pipeline stands where its first word does.
                return Ok(Some(Arg { pos: pipe.pos, kind: ArgKind::Pipe(Box::new(pipe)) }));
            }
            Token::String | Token::RawString => match unquote(&item.text) {
                Some(text) => ArgKind::Text(item.text.to_string(), Value::str(text)),
                None => return self.error("invalid syntax"),
            },
            _ => {
                self.unread.push(item);
                return Ok(None);
            }
        };
        Ok(Some(Arg { pos: item.pos, kind }))
    }
}

/// How Go names an item in errors.
fn describe(item: &Item<'_>) -> String {
    match item.token {
        Token::Eof => "EOF".to_owned(),
        Token::Error => item.text.to_string(),
        Token::Block
        | Token::Break
        | Token::Continue
        | Token::Dot
        | Token::Define
        | Token::Else
        | Token::End
        | Token::If
        | Token::Nil
        | Token::Range
        | Token::Template
        | Token::With => format!("<{}>", item.text),
        _ if item.text.len() > 10 => format!("{}...", quote(&item.text.chars().take(10).collect::<String>())),
        _ => quote(&item.text),
    }
}
