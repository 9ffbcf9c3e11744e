//! Texts of an `ApplicationSet` template with their parameters filled in: `{{name}}` replacement, and Go's templates with Sprig.
//!
//! Fields and pipelines of common functions are filled in here, tag by tag, so that one that nobody knows leaves the others known; what is
//! more goes through the engine of charts, where all parameters are known. Everything else is [`UNKNOWN`].

use std::time::Duration;

use super::UNKNOWN;
use offline_helm::template::{Engine, Limits};
use offline_helm::value::Value as GoValue;
use offline_kustomize::value::Value;

/// The name of a text among templates.
const TEXT: &str = "text";
/// What Go prints where there is nothing.
const NO_VALUE: &str = "<no value>";
/// Functions that give something else each time, by the beginning of their names.
const RANDOM: [&str; 8] = ["bcrypt", "encryptAES", "gen", "htpasswd", "now", "rand", "shuffle", "uuidv4"];

/// One set of parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// The parameters. For plain templates keys are flat (`path.basename`), for Go templates they nest.
    pub values: Value,
    /// Whether there are more, which only a cluster could tell.
    pub open: bool,
}

/// Fills in every text of a tree. Depth is bounded by that of the tree.
pub fn render_tree(tree: &Value, params: &Params, go: bool) -> Value {
    match tree {
        Value::Scalar(text, _) if text.contains("{{") => Value::text(&render(text, params, go)),
        Value::Scalar(..) | Value::Null => tree.clone(),
        Value::List(items) => Value::list(items.iter().map(|item| render_tree(item, params, go)).collect()),
        Value::Map(pairs) => {
            let render = |(key, value): &(std::sync::Arc<str>, Value)| {
                (key.to_string(), render_tree(value, params, go))
            };
            let pairs: Vec<_> = pairs.iter().map(render).collect();
            Value::map(pairs.iter().map(|(key, value)| (key.as_str(), value.clone())))
        }
    }
}

/// Fills in one text.
pub fn render(text: &str, params: &Params, go: bool) -> String {
    let simple = by_tags(text, params, go);
    if !go || params.open || !simple.contains(UNKNOWN) {
        return simple;
    }
    whole(text, params).unwrap_or(simple)
}

/// The text as Go renders it; none where it fails, or gives something at random.
fn whole(text: &str, params: &Params) -> Option<String> {
    // What is in there came by an earlier replacement, which did not know it.
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    if text.contains(UNKNOWN) || words.any(|word| RANDOM.iter().any(|name| word.starts_with(name))) {
        return None;
    }
    let limits =
        Limits { steps: 1_000_000, output: 1 << 20, time: Duration::from_secs(2), ..Limits::default() };
    let mut engine = Engine::new(limits);
    engine.add(TEXT, text).ok()?;
    let rendered = engine.renderer().render_as_go(TEXT, go_value(&params.values)).ok()?;
    Some(String::from_utf8(rendered).ok()?.replace(NO_VALUE, &UNKNOWN.to_string()))
}

/// Parameters as Go reads them from JSON. Depth is bounded by that of the tree.
fn go_value(value: &Value) -> GoValue {
    match value {
        Value::Null => GoValue::Nil,
        Value::Scalar(text, true) if &**text == "true" || &**text == "false" => {
            GoValue::Bool(&**text == "true")
        }
        Value::Scalar(text, plain) => match text.parse::<f64>() {
            Ok(number) if *plain && number.is_finite() => GoValue::Float(number),
            _ => GoValue::str(&**text),
        },
        Value::List(items) => GoValue::list(items.iter().map(go_value).collect()),
        Value::Map(pairs) => {
            GoValue::map(pairs.iter().map(|(key, value)| ((&**key).into(), go_value(value))))
        }
    }
}

/// Fills in each tag of a text for itself.
fn by_tags(text: &str, params: &Params, go: bool) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((tag, more)) = after.split_once("}}") else {
            if go {
                result.push(UNKNOWN);
                return result;
            }
            break;
        };
        result.push_str(before);
        rest = more;
        if go {
            let (tag, trims_before) = tag.strip_prefix("- ").map_or((tag, false), |tag| (tag, true));
            let (tag, trims_after) = tag.strip_suffix(" -").map_or((tag, false), |tag| (tag, true));
            if trims_before {
                result.truncate(result.trim_end().len());
            }
            if trims_after {
                rest = rest.trim_start();
            }
            match pipeline(tag, params) {
                Some(value) => result.push_str(&value),
                None => result.push(UNKNOWN),
            }
        } else {
            match (params.values.str_at(tag.trim()), params.open) {
                (Some(value), _) => result.push_str(value),
                (None, true) => result.push(UNKNOWN),
                (None, false) => {
                    result.push_str("{{");
                    result.push_str(tag);
                    result.push_str("}}");
                }
            }
        }
    }
    result.push_str(rest);
    result
}

/// The value of a Go pipeline; none when it is more than is understood here.
fn pipeline(text: &str, params: &Params) -> Option<String> {
    let mut piped: Option<Value> = None;
    for command in split_outside_quotes(text, '|') {
        let mut words = words(command)?.into_iter();
        let first = words.next()?;
        let mut arguments = words.map(|word| term(&word, params)).collect::<Option<Vec<Value>>>()?;
        arguments.extend(piped.take());
        piped = Some(match term(&first, params) {
            Some(value) if arguments.is_empty() => value,
            Some(_) => return None,
            None => call(&first, &arguments)?,
        });
    }
    match piped? {
        Value::Scalar(text, _) => Some(text.to_string()),
        Value::Null | Value::Map(_) | Value::List(_) => None,
    }
}

/// A literal or a field.
fn term(word: &str, params: &Params) -> Option<Value> {
    if let Some(path) = word.strip_prefix('.') {
        let steps: Vec<&str> = path.split('.').filter(|step| !step.is_empty()).collect();
        return params.values.at(&steps).cloned().filter(|value| !value.is_null());
    }
    let quoted = |mark: char| word.strip_prefix(mark).and_then(|word| word.strip_suffix(mark));
    if let Some(text) = quoted('"').or_else(|| quoted('`')) {
        return (!text.contains('\\')).then(|| Value::text(text));
    }
    word.parse::<i64>().is_ok().then(|| Value::Scalar(word.into(), true))
}

fn call(name: &str, arguments: &[Value]) -> Option<Value> {
    let texts: Vec<&str> = arguments.iter().map(|argument| argument.as_str().unwrap_or_default()).collect();
    Some(match (name, texts.as_slice()) {
        ("index", [_, keys @ ..]) => {
            let step = |value: &Value, key: &&str| match value {
                Value::List(items) => items.get(key.parse::<usize>().ok()?).cloned(),
                _ => value.get(key).cloned(),
            };
            keys.iter().try_fold(arguments[0].clone(), |value, key| step(&value, key))?
        }
        ("lower", [text]) => Value::text(&text.to_lowercase()),
        ("upper", [text]) => Value::text(&text.to_uppercase()),
        ("trim", [text]) => Value::text(text.trim()),
        ("toString", [text]) => Value::text(text),
        ("quote", [text]) => Value::text(&format!("\"{text}\"")),
        ("squote", [text]) => Value::text(&format!("'{text}'")),
        ("normalize", [text]) => Value::text(&normalized(text)),
        ("trimPrefix", [prefix, text]) => Value::text(text.strip_prefix(prefix).unwrap_or(text)),
        ("trimSuffix", [suffix, text]) => Value::text(text.strip_suffix(suffix).unwrap_or(text)),
        ("replace", [old, new, text]) => Value::text(&text.replace(old, new)),
        ("default", [default, text]) => Value::text(if text.is_empty() { default } else { text }),
        ("base", [text]) => Value::text(text.rsplit('/').next().unwrap_or(text)),
        ("dir", [text]) => Value::text(text.rsplit_once('/').map_or(".", |(dir, _)| dir)),
        ("splitList", [separator, text]) => Value::list(text.split(separator).map(Value::text).collect()),
        ("first", [_]) => arguments[0].items().first()?.clone(),
        ("last", [_]) => arguments[0].items().last()?.clone(),
        ("print", parts) => Value::text(&parts.concat()),
        ("printf", [format, parts @ ..]) => Value::text(&printf(format, parts)?),
        _ => return None,
    })
}

/// `printf` with nothing but `%s` and `%v`.
fn printf(format: &str, arguments: &[&str]) -> Option<String> {
    let mut result = String::new();
    let mut rest = format;
    let mut arguments = arguments.iter();
    while let Some((before, after)) = rest.split_once('%') {
        result.push_str(before);
        rest = after.strip_prefix(['s', 'v'])?;
        result.push_str(arguments.next()?);
    }
    result.push_str(rest);
    arguments.next().is_none().then_some(result)
}

/// A text as Argo CD makes it fit for a name.
pub fn normalized(text: &str) -> String {
    let allowed = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' { c } else { '-' };
    let text: String = text.to_lowercase().chars().map(allowed).take(253).collect();
    text.trim_matches(['-', '.']).to_owned()
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote) = (0, None);
    for (at, c) in text.char_indices() {
        match quote {
            Some(mark) if c == mark => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '`') => quote = Some(c),
            None if c == separator => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            None => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The words of a command; none with parentheses, which are not understood.
fn words(command: &str) -> Option<Vec<String>> {
    let words: Vec<String> = split_outside_quotes(command.trim(), ' ')
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let plain = |word: &String| word.starts_with(['"', '`']) || !word.contains(['(', ')', '$']);
    words.iter().all(plain).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use offline_kustomize::documents::documents;

    fn params(text: &str, open: bool) -> Params {
        Params { values: documents(text).unwrap().remove(0), open }
    }

    #[test]
    fn plain_templates() {
        let closed = params("{path.basename: web, 'path[0]': apps}", false);
        assert_eq!(render("x-{{path.basename}}-{{ path[0] }}", &closed, false), "x-web-apps");
        assert_eq!(render("{{none}}", &closed, false), "{{none}}");
        assert_eq!(render("a-{{name}}", &params("{}", true), false), "a-\0");
        assert_eq!(render("a {{ b", &closed, false), "a {{ b");
    }

    #[test]
    fn go_templates() {
        let closed = params("{path: {basename: Web, segments: [apps, web]}, env: '', n: 3}", false);
        for (text, expected) in [
            ("{{.path.basename | lower}}-ns", "web-ns"),
            ("{{ index .path.segments 1 }}", "web"),
            ("{{- .path.basename -}} x", "Webx"),
            ("{{ default \"dev\" .env }}", "dev"),
            ("{{ .path.basename | normalize | trimSuffix \"b\" }}", "we"),
            ("{{ printf \"%s-%v\" .path.basename .n }}", "Web-3"),
            ("{{ .none }}", "\0"),
            ("{{ if .x }}y{{ else }}n{{ end }}", "n"),
            ("{{ trunc 2 .path.basename | lower }}-{{ .none }}", "we-\0"),
            ("{{ randAlpha 3 }}", "\0"),
            ("{{ lower (.a) }}", "\0"),
        ] {
            assert_eq!(render(text, &closed, true), expected, "{text}");
        }
    }
}
