//! What pipelines give: commands, fields, variables, and calls with arguments of the types that a function takes.

use super::builtins::{Kind, element, nil_of, values_method};
use super::callee::Callee;
use super::exec::{At, Done, Held, State};
use super::node::{Arg, ArgKind, Command, Number, Pipe};
use super::set::{Set, unknown, without_no_value};
use crate::functions;
use crate::functions::Type;
use crate::value::{IntKind, ListType, MapType, Str, Value};

/// How Go wraps the error of what a function runs.
enum Fault {
    /// A function's own words.
    Words(String),
    /// An error of a template within, and what Go says before it.
    Within(String, Box<super::error::TemplateError>),
}

impl From<String> for Fault {
    fn from(words: String) -> Self {
        Fault::Words(words)
    }
}

impl<'a> State<'a> {
    /// The value of a pipeline, which its variables get too.
    pub(super) fn pipeline(&mut self, dot: &Held, pipe: &'a Pipe) -> Done<Value> {
        self.limit(self.run.enter())?;
        self.at(At::Pipe(pipe));
        let mut last: Option<Value> = None;
        for command in &pipe.commands {
            let value = self.command(dot, command, last.map(Held::plain))?;
            last = Some(value.value);
        }
        let value = last.unwrap_or(Value::Nil);
        for variable in &pipe.declared {
            if pipe.assign {
                self.assign(variable, Held::plain(value.clone()))?;
            } else {
                self.declare(variable, Held::plain(value.clone()));
            }
        }
        self.run.leave();
        Ok(value)
    }

    fn command(&mut self, dot: &Held, command: &'a Command, last: Option<Held>) -> Done<Held> {
        let (first, args) = (&command.args[0], &command.args[1..]);
        match &first.kind {
            ArgKind::Field(fields) => {
                self.at(At::Arg(first));
                return self.fields(dot, dot.clone(), first, fields, args, last);
            }
            ArgKind::Chain(holder, fields) => return self.chain(dot, first, holder, fields, args, last),
            ArgKind::Function(callee) => {
                self.at(At::Arg(first));
                return self.call(dot, *callee, At::Command(command), args, last).map(Held::plain);
            }
            ArgKind::Pipe(pipe) => {
                self.not_a_function(first, args, last.is_some())?;
                return self.pipeline(dot, pipe).map(Held::plain);
            }
            ArgKind::Variable(variable, fields) => {
                self.at(At::Arg(first));
                let value = self.variable(variable).cloned();
                let Some(value) = value else {
                    return Err(self.error(format!("undefined variable: {}", variable.name)));
                };
                if fields.is_empty() {
                    self.not_a_function(first, args, last.is_some())?;
                    return Ok(value);
                }
                return self.fields(dot, value, first, fields, args, last);
            }
            _ => {}
        }
        self.at(At::Arg(first));
        self.not_a_function(first, args, last.is_some())?;
        match &first.kind {
            ArgKind::Bool(truth) => Ok(Held::plain(Value::Bool(*truth))),
            ArgKind::Dot => Ok(dot.clone()),
            ArgKind::Number(number) => self.constant(number).map(Held::plain),
            ArgKind::Text(_, text) => Ok(Held::plain(text.clone())),
            _ => Err(self.error("nil is not a command")),
        }
    }

    fn not_a_function(&self, first: &Arg, args: &[Arg], has_last: bool) -> Done<()> {
        if args.is_empty() && !has_last {
            return Ok(());
        }
        Err(self.error(format!("can't give argument to non-function {first}")))
    }

    /// A number of a type that nobody asks for: what it looks like.
    fn constant(&mut self, number: &Number) -> Done<Value> {
        let hex = number.text.len() > 2
            && number.text.to_ascii_lowercase().starts_with("0x")
            && !number.text.contains(['p', 'P']);
        let looks_float =
            !hex && !number.text.starts_with('\'') && number.text.contains(['.', 'e', 'E', 'p', 'P']);
        match (number.float, number.int) {
            (Some(float), _) if looks_float => Ok(Value::Float(float)),
            (_, Some(int)) => Ok(Value::int(int)),
            _ => Err(self.error(format!("{} overflows int", number.text))),
        }
    }

    fn chain(
        &mut self,
        dot: &Held,
        whole: &'a Arg,
        holder: &'a Arg,
        fields: &'a [Str],
        args: &'a [Arg],
        last: Option<Held>,
    ) -> Done<Held> {
        self.at(At::Arg(whole));
        let value = match &holder.kind {
            ArgKind::Nil => return Err(self.error(format!("indirection through explicit nil in {whole}"))),
            ArgKind::Pipe(pipe) => {
                self.at(At::Arg(holder));
                Held::plain(self.pipeline(dot, pipe)?)
            }
            ArgKind::Function(callee) => {
                self.at(At::Arg(holder));
                Held::plain(self.call(dot, *callee, At::Arg(holder), &[], None)?)
            }
            _ => return Err(self.error(format!("can't evaluate command \"{whole}\""))),
        };
        self.fields(dot, value, whole, fields, args, last)
    }

    /// Walks along fields; the last one gets the arguments.
    fn fields(
        &mut self,
        dot: &Held,
        start: Held,
        node: &'a Arg,
        fields: &'a [Str],
        args: &'a [Arg],
        last: Option<Held>,
    ) -> Done<Held> {
        let Some((end, way)) = fields.split_last() else { return Ok(start) };
        let mut value = start;
        for field in way {
            value = self.field(dot, value, node, field, &[], None)?;
        }
        self.field(dot, value, node, end, args, last)
    }

    fn field(
        &mut self,
        dot: &Held,
        receiver: Held,
        node: &'a Arg,
        name: &Str,
        args: &'a [Arg],
        last: Option<Held>,
    ) -> Done<Held> {
        let has_args = !args.is_empty() || last.is_some();
        match &receiver.value {
            Value::Nil if receiver.held => {
                return Err(self.error(format!("nil pointer evaluating interface {{}}.{}", name.text())));
            }
            Value::Nil => return Ok(Held::plain(Value::Nil)),
            Value::Map(map) => {
                if map.kind() == MapType::Values
                    && matches!(name.as_bytes(), b"AsMap" | b"YAML" | b"Table" | b"PathValue")
                {
                    let args = self.plain_args(dot, args, last)?;
                    if let Some(result) = values_method(map, &name.text(), &args) {
                        return self.method(result, node, name);
                    }
                }
                if has_args {
                    return Err(self.error(format!("{} is not a method but has arguments", name.text())));
                }
                return Ok(Held { value: element(map, name), held: map.kind() != MapType::Str });
            }
            Value::Object(object) => {
                let text = name.text();
                let args = self.plain_args(dot, args, last)?;
                if let Some(result) = object.call(&text, &args) {
                    return self.method(result, node, name);
                }
                if let Some(value) = object.field(&text) {
                    if has_args {
                        return Err(
                            self.error(format!("{text} has arguments but cannot be invoked as function"))
                        );
                    }
                    return Ok(Held::plain(value));
                }
                if object.kind() == crate::value::Kind::Map {
                    return Ok(Held::plain(Value::Nil));
                }
            }
            Value::Int(nanos, IntKind::Duration) => {
                let args = self.plain_args(dot, args, last)?;
                if let Some(result) = crate::functions::duration_method(*nanos, &name.text(), &args) {
                    return self.method(result, node, name);
                }
            }
            _ => {}
        }
        let kind = if receiver.held { "interface {}" } else { receiver.value.type_name() };
        Err(self.error(format!("can't evaluate field {} in type {kind}", name.text())))
    }

    fn method(&mut self, result: Result<Value, String>, node: &'a Arg, name: &Str) -> Done<Held> {
        match result {
            Ok(value) => {
                self.limit(self.run.made(&value))?;
                Ok(Held::plain(value))
            }
            Err(words) => {
                self.at(At::Arg(node));
                Err(self.error(format!("error calling {}: {words}", name.text())))
            }
        }
    }

    /// Arguments of a method, which checks them itself.
    fn plain_args(&mut self, dot: &Held, args: &'a [Arg], last: Option<Held>) -> Done<Vec<Value>> {
        let mut values = Vec::with_capacity(args.len() + 1);
        for arg in args {
            values.push(self.arg(dot, Type::Any, arg)?);
        }
        values.extend(last.map(|last| last.value));
        Ok(values)
    }

    fn call(
        &mut self,
        dot: &Held,
        callee: Callee,
        node: At<'a>,
        args: &'a [Arg],
        last: Option<Held>,
    ) -> Done<Value> {
        self.limit(self.run.step())?;
        let name = callee.name();
        let (params, rest) = callee.signature();
        let given = args.len() + usize::from(last.is_some());
        match rest {
            Some(_) if given < params.len() => {
                let (want, got) = (params.len(), args.len());
                return Err(
                    self.error(format!("wrong number of args for {name}: want at least {want} got {got}"))
                );
            }
            None if given != params.len() => {
                return Err(
                    self.error(format!("wrong number of args for {name}: want {} got {given}", params.len()))
                );
            }
            _ => {}
        }
        if let Callee::Builtin(builtin) = callee
            && matches!(builtin.kind, Kind::And | Kind::Or)
        {
            return self.and_or(dot, matches!(builtin.kind, Kind::Or), args, last);
        }
        let kind_of = |at: usize| params.get(at).copied().or(rest).unwrap_or(Type::Any);
        let mut values = Vec::with_capacity(given);
        for (at, arg) in args.iter().enumerate() {
            values.push(self.arg(dot, kind_of(at), arg)?);
        }
        if let Some(last) = last {
            values.push(self.fit(last, kind_of(args.len()))?);
        }
        let result = match callee {
            Callee::Function(function) => (function.call)(&values).map_err(Fault::from),
            Callee::Builtin(builtin) => match builtin.kind {
                Kind::Plain(plain) => plain(&values).map_err(Fault::from),
                Kind::Tpl => self.tpl(&values),
                _ => self.include(&values),
            },
        };
        match result {
            Ok(value) => {
                self.limit(self.run.made(&value))?;
                if let Callee::Function(function) = callee
                    && functions::is_random(function.name)
                {
                    self.run.stood_in(function.name, &value);
                }
                Ok(value)
            }
            Err(fault) => {
                self.at(node);
                Err(match fault {
                    Fault::Words(words) => self.error_calling(name, &words),
                    Fault::Within(around, inner) => {
                        self.error_within(&format!("error calling {name}: {around}"), &inner)
                    }
                })
            }
        }
    }

    /// A function's own error: what `fail` and `required` say is the whole message.
    fn error_calling(&self, name: &str, words: &str) -> super::exec::Failed {
        let mut error = self.error(format!("error calling {name}: {words}"));
        if matches!(name, "fail" | "required") {
            error.message = words.to_owned();
        }
        error
    }

    /// `and` and `or` look at no more arguments than they need.
    fn and_or(&mut self, dot: &Held, or: bool, args: &'a [Arg], last: Option<Held>) -> Done<Value> {
        let mut value = Value::Nil;
        for arg in args {
            value = self.arg(dot, Type::Reflect, arg)?;
            if value.truth() == or {
                return Ok(value);
            }
        }
        Ok(last.map_or(value, |last| last.value))
    }

    fn include(&mut self, args: &[Value]) -> Result<Value, Fault> {
        let [Value::Str(name), data] = args else { return Ok(Value::Nil) };
        let name = name.text();
        self.run.include(&name)?;
        let Some(tree) = self.set.get(&name) else {
            return Err(Fault::Within(String::new(), Box::new(unknown(&name))));
        };
        let mut out = Vec::new();
        self.run.enter()?;
        State::new(self.run, self.set, tree, data.clone())
            .root(&mut out)
            .map_err(|error| Fault::Within(String::new(), error))?;
        self.run.leave();
        self.run.included(&name);
        Ok(Value::str(out))
    }

    fn tpl(&mut self, args: &[Value]) -> Result<Value, Fault> {
        let [Value::Str(text), data] = args else { return Ok(Value::Nil) };
        let quoted = || super::quote::quote(&text.text());
        if memchr::memmem::find(text.as_bytes(), b"{{").is_none() {
            return Ok(Value::str(without_no_value(text.as_bytes().to_vec())));
        }
        let trees = self.run.read(text).map_err(|error| {
            Fault::Within(format!("cannot parse template {}: ", quoted()), Box::new(error))
        })?;
        let set = Set::over(self.set, &trees);
        let mut out = Vec::new();
        // The text itself comes last, after what it defines.
        if let Some(tree) = trees.last() {
            self.run.enter()?;
            State::new(self.run, &set, tree, data.clone()).root(&mut out).map_err(|error| {
                Fault::Within(format!("error during tpl function execution for {}: ", quoted()), error)
            })?;
            self.run.leave();
        }
        Ok(Value::str(without_no_value(out)))
    }

    /// An argument of a type.
    fn arg(&mut self, dot: &Held, kind: Type, arg: &'a Arg) -> Done<Value> {
        self.at(At::Arg(arg));
        let value = match &arg.kind {
            ArgKind::Dot => dot.clone(),
            ArgKind::Nil => {
                return nil_of(kind)
                    .ok_or_else(|| self.error(format!("cannot assign nil to {}", name_of(kind))));
            }
            ArgKind::Field(fields) => self.fields(dot, dot.clone(), arg, fields, &[], None)?,
            ArgKind::Variable(variable, fields) => {
                let Some(value) = self.variable(variable).cloned() else {
                    return Err(self.error(format!("undefined variable: {}", variable.name)));
                };
                self.fields(dot, value, arg, fields, &[], None)?
            }
            ArgKind::Pipe(pipe) => Held::plain(self.pipeline(dot, pipe)?),
            ArgKind::Function(callee) => Held::plain(self.call(dot, *callee, At::Arg(arg), &[], None)?),
            ArgKind::Chain(holder, fields) => self.chain(dot, arg, holder, fields, &[], None)?,
            ArgKind::Bool(_) | ArgKind::Number(_) | ArgKind::Text(..) => return self.literal(kind, arg),
        };
        self.fit(value, kind)
    }

    /// A constant as an argument of a type.
    fn literal(&mut self, kind: Type, arg: &'a Arg) -> Done<Value> {
        let expected = |what: &str| format!("expected {what}; found {arg}");
        match (kind, &arg.kind) {
            (Type::Any | Type::Reflect, ArgKind::Bool(truth)) => Ok(Value::Bool(*truth)),
            (Type::Any | Type::Reflect, ArgKind::Number(number)) => self.constant(number),
            (Type::Any | Type::Reflect, ArgKind::Text(_, text)) => Ok(text.clone()),
            (Type::Bool, ArgKind::Bool(truth)) => Ok(Value::Bool(*truth)),
            (Type::Bool, _) => Err(self.error(expected("bool"))),
            (Type::Str, ArgKind::Text(_, text)) => Ok(text.clone()),
            (Type::Str, _) => Err(self.error(expected("string"))),
            (Type::Int, ArgKind::Number(Number { int: Some(int), .. })) => Ok(Value::int(*int)),
            (Type::Int64, ArgKind::Number(Number { int: Some(int), .. })) => Ok(Value::int64(*int)),
            (Type::Int | Type::Int64, _) => Err(self.error(expected("integer"))),
            (Type::Uint32, ArgKind::Number(Number { uint: Some(uint), .. })) => {
                Ok(Value::Int(*uint as u32 as i64, IntKind::Uint32))
            }
            (Type::Uint32, _) => Err(self.error(expected("unsigned integer"))),
            (Type::Float, ArgKind::Number(Number { float: Some(float), .. })) => Ok(Value::Float(*float)),
            (Type::Float, _) => Err(self.error(expected("float"))),
            _ => Err(self.error(format!("can't handle {arg} for arg of type {}", name_of(kind)))),
        }
    }

    /// A value that a parameter of a type takes.
    fn fit(&mut self, item: Held, kind: Type) -> Done<Value> {
        if item.value.is_nil() && !matches!(kind, Type::Any | Type::Reflect) {
            if item.held {
                return Err(self
                    .error(format!("wrong type for value; expected {}; got interface {{}}", name_of(kind))));
            }
            return nil_of(kind)
                .ok_or_else(|| self.error(format!("invalid value; expected {}", name_of(kind))));
        }
        if fits(&item.value, kind) {
            return Ok(item.value);
        }
        if let (Type::Strings, Value::Object(object)) = (kind, &item.value)
            && object.kind() == crate::value::Kind::Slice
            && let Some(entries) = object.entries()
        {
            return Ok(Value::strings(entries.iter().filter_map(|(_, value)| value.as_str().cloned())));
        }
        let got = item.value.type_name();
        Err(self.error(format!("wrong type for value; expected {}; got {got}", name_of(kind))))
    }
}

fn fits(value: &Value, kind: Type) -> bool {
    match (kind, value) {
        (Type::Any | Type::Reflect, _) => true,
        (Type::Str, Value::Str(_)) | (Type::Bool, Value::Bool(_)) | (Type::Float, Value::Float(_)) => true,
        (Type::Int, Value::Int(_, int)) => *int == IntKind::Int,
        (Type::Int64, Value::Int(_, int)) => *int == IntKind::Int64,
        (Type::Uint32, Value::Int(_, int)) => *int == IntKind::Uint32,
        (Type::Map, Value::Map(map)) => map.kind() != MapType::Str,
        (Type::List, Value::List(list)) => list.kind() == ListType::Any,
        (Type::Strings, Value::List(list)) => list.kind() == ListType::Str,
        (Type::Lists, Value::List(list)) => list.kind() == ListType::Lists,
        (Type::Object(name), Value::Object(object)) => object.type_name() == name,
        _ => false,
    }
}

/// Go's name of a parameter's type.
fn name_of(kind: Type) -> &'static str {
    match kind {
        Type::Any => "interface {}",
        Type::Reflect => "reflect.Value",
        Type::Str => "string",
        Type::Int => "int",
        Type::Int64 => "int64",
        Type::Uint32 => "uint32",
        Type::Bool => "bool",
        Type::Float => "float64",
        Type::Map => "map[string]interface {}",
        Type::List => "[]interface {}",
        Type::Strings => "[]string",
        Type::Lists => "[][]interface {}",
        Type::Object(name) => name,
    }
}
