//! Files as builds read them: whole, but for the schemas of custom resource definitions. Those are most of the text of many
//! a repository, no pod is in them, and what a patch does to one changes no namespace and no image.

use memchr::{memchr, memmem};

use super::value::Value;
use lossless_yaml::parse::parse;
use lossless_yaml::span::Span;
use lossless_yaml::split::{Head, head, split};

/// The kind whose schemas are left out.
const DEFINITION: &str = "CustomResourceDefinition";
/// The key of a schema, which builds read as null.
const LEFT_OUT: &str = "openAPIV3Schema";

/// The documents of a text as trees.
///
/// # Errors
/// Why it is no YAML.
pub fn documents(text: &str) -> Result<Vec<Value>, String> {
    // What cannot be read without its schemas is judged with them.
    without_schemas(text).and_then(|brief| trees(&brief).ok()).map_or_else(|| trees(text), Ok)
}

/// Whether a path of a patch or a replacement leads into what is left out of an object.
pub fn leaves_out(object: &Value, path: &str) -> bool {
    path.contains(LEFT_OUT) && object.str_at("kind") == Some(DEFINITION)
}

fn trees(text: &str) -> Result<Vec<Value>, String> {
    let documents = parse(text, Span::new(0, text.len())).map_err(|error| error.reason)?;
    documents
        .iter()
        .map(|document| {
            document.root().map_or(Ok(Value::Null), Value::from_node).map_err(|limit| limit.to_string())
        })
        .collect()
}

/// The text without the schemas of its definitions; none when it has none in block style.
fn without_schemas(text: &str) -> Option<String> {
    memmem::find(text.as_bytes(), LEFT_OUT.as_bytes())?;
    let mut brief = String::new();
    let mut kept = 0;
    for slice in split(text) {
        let source = slice.span.of(text);
        if !matches!(head(source), Some(Head { kind: DEFINITION, .. })) {
            continue;
        }
        for at in memmem::find_iter(source.as_bytes(), LEFT_OUT.as_bytes()).map(|at| slice.span.start + at) {
            if at < kept {
                continue;
            }
            if let Some(schema) = schema(text, at) {
                brief.push_str(&text[kept..schema.start]);
                kept = schema.end;
            }
        }
    }
    (kept > 0).then(|| brief + &text[kept..])
}

/// The lines of the schema whose key stands at an offset: those below it that stand further in.
fn schema(text: &str, key: usize) -> Option<Span> {
    let indent = text[..key].len() - text[..key].trim_end_matches(' ').len();
    if !text[..key - indent].ends_with('\n') {
        return None;
    }
    let start = text[key..].strip_prefix(LEFT_OUT)?.strip_prefix(':')?;
    let start = start.strip_prefix("\r\n").or_else(|| start.strip_prefix('\n'))?;
    let start = text.len() - start.len();
    let mut end = start;
    while let Some(line) = text.get(end..).filter(|rest| !rest.is_empty()) {
        let content = line.trim_start_matches(' ');
        let is_inside = line.len() - content.len() > indent || content.starts_with(['\n', '\r']);
        if !is_inside {
            break;
        }
        end += memchr(b'\n', line.as_bytes()).map_or(line.len(), |at| at + 1);
    }
    Some(Span::new(start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_read_without_its_schema() {
        let text = "kind: CustomResourceDefinition\nspec:\n  versions:\n  - schema:\n      openAPIV3Schema:\n        a: 1\n\n        openAPIV3Schema:\n          b: |\n            x\n    name: v1\n---\nkind: ConfigMap\ndata:\n  openAPIV3Schema:\n    a: 1\n";
        let brief = documents(text).unwrap();
        assert_eq!(
            brief,
            documents("kind: CustomResourceDefinition\nspec:\n  versions:\n  - schema: {openAPIV3Schema: }\n    name: v1\n---\nkind: ConfigMap\ndata: {openAPIV3Schema: {a: 1}}\n").unwrap()
        );
    }

    #[test]
    fn nothing_is_left_out_of_other_objects() {
        let object = |kind| Value::map([("kind", Value::text(kind))]);
        let path = "/spec/versions/0/schema/openAPIV3Schema/type";
        assert!(leaves_out(&object("CustomResourceDefinition"), path));
        assert!(!leaves_out(&object("CustomResourceDefinition"), "/spec/versions/0/name"));
        assert!(!leaves_out(&object("ConfigMap"), "/data/openAPIV3Schema"));
    }

    #[test]
    fn what_cannot_be_cut_is_read_whole() {
        for text in [
            "kind: CustomResourceDefinition\nspec: {openAPIV3Schema: {a: 1}}\n",
            "kind: CustomResourceDefinition\nspec:\n  openAPIV3Schema: # c\n    a: 1\n",
            "kind: CustomResourceDefinition\nspec:\n  openAPIV3Schema:\n    a: \"x\n y\"\n",
        ] {
            assert_eq!(documents(text).unwrap(), trees(text).unwrap(), "{text}");
        }
    }
}
