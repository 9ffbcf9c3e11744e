//! `list` as one page for a browser: the template beside this file with the data in it, and nothing from anywhere else.
//!
//! The page asks for no network, which its own content policy enforces; texts are put in as texts, never as markup.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::list::List;
use super::plain;
use crate::plan::finding::Code;

const PAGE: &str = include_str!("html/list.html");

/// Why an image of a deployment is not pulled as it should be.
#[derive(Serialize)]
pub struct Gap {
    /// The deployment among those of its workload.
    pub deployment: usize,
    /// What kind of gap it is.
    #[serde(serialize_with = "name")]
    pub code: Code,
    /// The gap in words.
    pub message: String,
    /// The pull secret that it is about.
    pub secret: Option<String>,
    /// The image; null where it concerns each one that the pull secret is for.
    pub image: Option<String>,
}

#[derive(Serialize)]
struct Data<'d> {
    list: &'d List,
    /// Of each workload, in the order of the list.
    gaps: &'d [Vec<Gap>],
}

/// The page; `gaps` are those of each workload, in the order of the list.
pub fn page(list: &List, gaps: &[Vec<Gap>]) -> String {
    let mut data = serde_json::to_value(Data { list, gaps }).unwrap_or_default();
    tame(&mut data);
    // No text of the repository can end the element that the data stands in.
    let json = data.to_string().replace('<', "\\u003c");
    PAGE.replacen("[DATA]", &json, 1)
}

/// Writes what people cannot see, or what turns letters around, as in every other text for them.
fn tame(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(tamed) = plain(text) {
                *text = tamed;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tame),
        Value::Object(fields) => fields.values_mut().for_each(tame),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn name<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_place() {
        let skipped = super::super::list::Skipped {
            file: "</script><b>".to_owned(),
            line: 1,
            code: "template-skipped",
            reason: "[DATA] <!-- \u{202e}\u{7}".to_owned(),
        };
        let page = page(
            &List { version: 1, workloads: Vec::new(), mentions: Vec::new(), skipped: vec![skipped] },
            &[],
        );
        assert_eq!(page.matches("</script>").count(), PAGE.matches("</script>").count());
        assert!(page.contains("\\u003c/script>\\u003cb>") && page.contains("[DATA] \\u003c!--"));
        assert!(page.contains(r"\\u{202e}\\x07") && !page.contains('\u{202e}'));
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for outside in ["http:", "https:", "src=", "url(", "@import", "fetch("] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        assert_eq!(PAGE.matches("[DATA]").count(), 1);
    }
}
