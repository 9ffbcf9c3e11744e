//! Walks the nodes of a template and writes what they give: text, branches, loops, and templates within.

use super::error::TemplateError;
use super::node::{Arg, Branch, Command, List, Node, Pipe, Tree, Variable};
use super::print;
use super::run::Run;
use super::set::Set;
use crate::value::Kind;
use crate::value::{IntKind, Str, Value};

/// A value, and whether Go holds it in an interface: what comes out of a map or list is held, and a nil that is held is not the
/// same as no value.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) value: Value,
    pub(super) held: bool,
}

impl Held {
    /// A value of its own type.
    pub(super) fn plain(value: Value) -> Self {
        Held { value, held: false }
    }
}

/// The node that an error is told of.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    List(&'a List),
    Node(&'a Node),
    Pipe(&'a Pipe),
    Command(&'a Command),
    Arg(&'a Arg),
}

pub(super) type Failed = Box<TemplateError>;
pub(super) type Done<T> = Result<T, Failed>;

/// What a list ends with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Break,
    Continue,
}

/// A template that is running.
pub(super) struct State<'a> {
    pub(super) run: &'a Run,
    pub(super) set: &'a Set<'a>,
    tree: &'a Tree,
    /// The values of each name, the innermost last.
    variables: Vec<Vec<Held>>,
    /// The names in the order in which they got values.
    order: Vec<usize>,
    at: At<'a>,
}

impl<'a> State<'a> {
    pub(super) fn new(run: &'a Run, set: &'a Set<'a>, tree: &'a Tree, data: Value) -> Self {
        State {
            run,
            set,
            tree,
            variables: vec![vec![Held::plain(data)]],
            order: vec![0],
            at: At::List(&tree.root),
        }
    }

    /// Runs the whole template; `$` is where dot begins.
    pub(super) fn root(mut self, out: &mut Vec<u8>) -> Done<()> {
        let dot = self.variables[0][0].clone();
        self.list(&dot, &self.tree.root, out).map(drop)
    }

    /// Errors from here on are told of this node.
    pub(super) fn at(&mut self, at: At<'a>) {
        self.at = at;
    }

    pub(super) fn error(&self, message: impl Into<String>) -> Failed {
        let message = message.into();
        self.error_around(message.clone(), |words| words.message = message.clone())
    }

    /// An error of a template that this one has called: it keeps its place and message.
    pub(super) fn error_within(&self, around: &str, inner: &TemplateError) -> Failed {
        self.error_around(format!("{around}{}", inner.go), |words| {
            words.template.clone_from(&inner.template);
            (words.line, words.column) = (inner.line, inner.column);
            words.message.clone_from(&inner.message);
        })
    }

    fn error_around(&self, words: String, set: impl FnOnce(&mut TemplateError)) -> Failed {
        let (pos, context) = match self.at {
            At::List(list) => (list.pos, list.to_string()),
            At::Node(node) => (node.pos(), node.to_string()),
            At::Pipe(pipe) => (pipe.pos, pipe.to_string()),
            At::Command(command) => (command.pos, command.to_string()),
            At::Arg(arg) => (arg.pos, arg.to_string()),
        };
        let (line, column) = self.tree.source.place(pos);
        let (file, name) = (&self.tree.source.name, super::quote::quote(&self.tree.name));
        let mut error = TemplateError {
            template: file.clone(),
            line,
            column: column + 1,
            message: String::new(),
            go: format!("template: {file}:{line}:{column}: executing {name} at <{context}>: {words}"),
        };
        set(&mut error);
        Box::new(error)
    }

    pub(super) fn limit<T>(&self, result: Result<T, String>) -> Done<T> {
        result.map_err(|message| self.error(message))
    }

    pub(super) fn variable(&self, variable: &Variable) -> Option<&Held> {
        self.variables.get(variable.id)?.last()
    }

    pub(super) fn declare(&mut self, variable: &Variable, value: Held) {
        if self.variables.len() <= variable.id {
            self.variables.resize_with(variable.id + 1, Vec::new);
        }
        self.variables[variable.id].push(value);
        self.order.push(variable.id);
    }

    pub(super) fn assign(&mut self, variable: &Variable, value: Held) -> Done<()> {
        match self.variables.get_mut(variable.id).and_then(|values| values.last_mut()) {
            Some(place) => *place = value,
            None => return Err(self.error(format!("undefined variable: {}", variable.name))),
        }
        Ok(())
    }

    /// Takes away the variables that were declared since `mark`.
    fn pop(&mut self, mark: usize) {
        for id in self.order.drain(mark..) {
            self.variables[id].pop();
        }
    }

    fn write(&self, text: &[u8], out: &mut Vec<u8>) -> Done<()> {
        self.limit(self.run.count(text.len()))?;
        out.extend_from_slice(text);
        Ok(())
    }

    fn list(&mut self, dot: &Held, list: &'a List, out: &mut Vec<u8>) -> Done<Flow> {
        self.limit(self.run.enter())?;
        for node in &list.nodes {
            let flow = self.node(dot, node, out)?;
            if flow != Flow::On {
                self.run.leave();
                return Ok(flow);
            }
        }
        self.run.leave();
        Ok(Flow::On)
    }

    fn node(&mut self, dot: &Held, node: &'a Node, out: &mut Vec<u8>) -> Done<Flow> {
        self.at(At::Node(node));
        self.limit(self.run.step())?;
        match node {
            Node::Text(_, text) => self.write(text.as_bytes(), out)?,
            Node::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.declared.is_empty() {
                    self.at(At::Node(node));
                    let before = out.len();
                    self.limit(print::print(&value, out))?;
                    self.limit(self.run.count(out.len() - before))?;
                }
            }
            Node::If(branch) => return self.branch(dot, branch, false, out),
            Node::With(branch) => return self.branch(dot, branch, true, out),
            Node::Range(branch) => return self.range(dot, branch, out),
            Node::Template { name, pipe, .. } => self.template(dot, name, pipe.as_ref(), out)?,
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn branch(&mut self, dot: &Held, branch: &'a Branch, with: bool, out: &mut Vec<u8>) -> Done<Flow> {
        let mark = self.order.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.truth() {
            if with {
                self.list(&Held::plain(value), &branch.list, out)?
            } else {
                self.list(dot, &branch.list, out)?
            }
        } else if let Some(otherwise) = &branch.otherwise {
            self.list(dot, otherwise, out)?
        } else {
            Flow::On
        };
        self.pop(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Held, branch: &'a Branch, out: &mut Vec<u8>) -> Done<Flow> {
        let mark = self.order.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        if let Value::Int(..) = value
            && branch.pipe.declared.len() > 1
        {
            return Err(self
                .error(format!("can't use {} to iterate over more than one variable", print::text(&value))));
        }
        let mut flow = Flow::On;
        if !self.each(&value, branch, out)?
            && let Some(otherwise) = &branch.otherwise
        {
            flow = self.list(dot, otherwise, out)?;
        }
        self.pop(mark);
        Ok(flow)
    }

    /// Runs the list for each element; whether there was any.
    fn each(&mut self, value: &Value, branch: &'a Branch, out: &mut Vec<u8>) -> Done<bool> {
        match value {
            Value::Nil => return Ok(false),
            Value::Int(count, kind) => {
                for number in 0..(*count).max(0) {
                    let element = Held::plain(Value::Int(number, *kind));
                    if !self.once(Held::plain(Value::Nil), element, branch, out)? {
                        break;
                    }
                }
                return Ok(*count > 0);
            }
            Value::List(list) => {
                let held = list.kind() == crate::value::ListType::Any;
                for (number, element) in list.items().iter().enumerate() {
                    let element = Held { value: element.clone(), held };
                    if !self.once(Held::plain(Value::int(number as i64)), element, branch, out)? {
                        break;
                    }
                }
                return Ok(!list.items().is_empty());
            }
            Value::Bytes(bytes) => {
                for (number, byte) in bytes.iter().enumerate() {
                    let element = Held::plain(Value::Int(i64::from(*byte), IntKind::Uint8));
                    if !self.once(Held::plain(Value::int(number as i64)), element, branch, out)? {
                        break;
                    }
                }
                return Ok(!bytes.is_empty());
            }
            _ => {}
        }
        let Some((entries, held)) = pairs(value) else {
            return Err(self.error(format!("range can't iterate over {}", print::text(value))));
        };
        let any = !entries.is_empty();
        for (key, element) in entries {
            if !self.once(Held::plain(key), Held { value: element, held }, branch, out)? {
                break;
            }
        }
        Ok(any)
    }

    /// Runs the list of a `range` once; whether to go on.
    fn once(&mut self, key: Held, element: Held, branch: &'a Branch, out: &mut Vec<u8>) -> Done<bool> {
        self.limit(self.run.step())?;
        let declared = &branch.pipe.declared;
        match (declared.as_slice(), branch.pipe.assign) {
            ([one], true) => self.assign(one, element.clone())?,
            ([first, second], true) => {
                self.assign(first, key)?;
                self.assign(second, element.clone())?;
            }
            ([one], false) => self.replace(one, element.clone()),
            ([first, second], false) => {
                self.replace(second, element.clone());
                self.replace(first, key);
            }
            _ => {}
        }
        let mark = self.order.len();
        let flow = self.list(&element, &branch.list, out)?;
        self.pop(mark);
        Ok(flow != Flow::Break)
    }

    /// Gives a variable of the loop its next value.
    fn replace(&mut self, variable: &Variable, value: Held) {
        if let Some(place) = self.variables.get_mut(variable.id).and_then(|values| values.last_mut()) {
            *place = value;
        }
    }

    fn template(&mut self, dot: &Held, name: &str, pipe: Option<&'a Pipe>, out: &mut Vec<u8>) -> Done<()> {
        let Some(tree) = self.set.get(name) else {
            return Err(self.error(format!("template {} not defined", super::quote::quote(name))));
        };
        let data = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        self.limit(self.run.enter())?;
        State::new(self.run, self.set, tree, data).root(out)?;
        self.run.leave();
        Ok(())
    }
}

/// The pairs of a map, sorted, and whether it holds values of any type.
fn pairs(value: &Value) -> Option<(Vec<(Value, Value)>, bool)> {
    match value {
        Value::Map(map) => {
            let entries = map.entries();
            let pairs =
                entries.iter().map(|(key, value)| (Value::Str(Str::clone(key)), value.clone())).collect();
            Some((pairs, map.kind() != crate::value::MapType::Str))
        }
        Value::Object(object) if matches!(object.kind(), Kind::Map | Kind::Slice) => {
            Some((object.entries()?, false))
        }
        _ => None,
    }
}

impl Node {
    fn pos(&self) -> usize {
        match self {
            Node::Text(pos, _) | Node::Break(pos) | Node::Continue(pos) | Node::Template { pos, .. } => *pos,
            Node::Action(pipe) => pipe.pos,
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => branch.pipe.pos,
        }
    }
}
