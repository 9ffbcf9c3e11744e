//! What each code means, in the words of `docs/codes.md`: outputs that carry explanations have them from there.

use crate::plan::finding::Code;

const PAGE: &str = include_str!("../../docs/codes.md");
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// The explanation of a code: Markdown, its lines joined to paragraphs, without the severity that it begins with.
pub fn explanation(code: Code) -> String {
    let section = PAGE
        .split("\n## ")
        .find_map(|section| section.strip_prefix(code.name())?.strip_prefix('\n'))
        .unwrap_or_default();
    let (_severity, text) = section.split_once(". ").unwrap_or_default();
    text.trim().replace('\n', " ").replace("  ", "\n\n")
}

/// Where people find the explanation.
pub fn url(code: Code) -> String {
    format!("{REPOSITORY}/blob/main/docs/codes.md#{code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_explanation_of_its_own() {
        let mut all: Vec<String> = Code::ALL.iter().map(|code| explanation(*code)).collect();
        assert!(all.iter().all(|text| text.len() > 20 && text.ends_with('.')), "{all:#?}");
        assert!(explanation(Code::PullSecretMissing).starts_with("A pod spec has an image"));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), Code::ALL.len());
    }
}
