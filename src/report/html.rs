//! `list` as one page for a browser: the template beside this file with the data in it, and nothing from anywhere else.
//!
//! The page asks for no network, which its own content policy enforces; texts are put in as texts, never as markup.

use serde::Serialize;

use super::list::List;
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
    // No text of the repository can end the element that the data stands in.
    let json = serde_json::to_string(&Data { list, gaps }).unwrap_or_default().replace('<', "\\u003c");
    PAGE.replacen("[DATA]", &json, 1)
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
            reason: "[DATA] <!--".to_owned(),
        };
        let page = page(
            &List { version: 1, workloads: Vec::new(), mentions: Vec::new(), skipped: vec![skipped] },
            &[],
        );
        assert_eq!(page.matches("</script>").count(), PAGE.matches("</script>").count());
        assert!(page.contains("\\u003c/script>\\u003cb>") && page.contains("[DATA] \\u003c!--"));
    }

    #[test]
    fn nothing_comes_from_elsewhere() {
        for outside in ["http:", "https:", "src=", "url(", "@import", "fetch("] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        assert_eq!(PAGE.matches("[DATA]").count(), 1);
    }
}
