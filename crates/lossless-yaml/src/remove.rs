//! Taking entries out of a list without touching anything else: whole lines of a block list, stretches of a flow list.
//!
//! The counterpart of [`super::insert`]. A comment behind an entry goes with it, one above stays. A layout that leaves a doubt
//! is a [`Refusal`]; the result has to be judged by [`super::verify::verify_removal`] before it is written.

use super::edit::Edit;
use super::layout;
use super::parse::{Kind, Node};
use super::refusal::Refusal;
use super::span::{Span, line_end, line_start};

/// The edits that take the items at these indexes (sorted) out of the list under `key`.
///
/// # Errors
/// The reason why the list must be left alone.
pub fn items(key: Node<'_, '_>, list: Node<'_, '_>, gone: &[usize]) -> Result<Vec<Edit>, Refusal> {
    let all: Vec<Node<'_, '_>> = list.items().collect();
    match list.kind() {
        Kind::Sequence { flow: true } => flow(&all, gone),
        Kind::Sequence { flow: false } => {
            let mut edits =
                gone.iter().map(|&index| lines(list, all[index])).collect::<Result<Vec<_>, _>>()?;
            if gone.len() == all.len() {
                edits.push(brackets(key, list)?);
            }
            Ok(edits)
        }
        _ => Err(Refusal::WrongForm("a list")),
    }
}

/// The lines of one item, with the break that ends them.
fn lines(list: Node<'_, '_>, item: Node<'_, '_>) -> Result<Edit, Refusal> {
    let text = list.document().text();
    let dash =
        layout::dash_of(list, item).filter(|&dash| layout::starts_line(text, dash)).ok_or(Refusal::Layout)?;
    if item.is_anchored() {
        return Err(Refusal::Property);
    }
    let end = line_end(text, layout::content_end(item).ok_or(Refusal::Layout)?);
    let start = line_start(text, dash);
    let span = match text[end..].find('\n') {
        Some(newline) => Span::new(start, end + newline + 1),
        // The last line has no break: the one before it goes, so that no empty line is left.
        None => Span::new(text[..start].trim_end_matches(['\r', '\n']).len(), end),
    };
    Ok(Edit { span, text: String::new() })
}

/// `[]` behind a key that has lost all items of its list: without them it would be null.
fn brackets(key: Node<'_, '_>, list: Node<'_, '_>) -> Result<Edit, Refusal> {
    let text = list.document().text();
    let after = key.span().end;
    let colon = text[after..].find(':').map(|at| after + at + 1).ok_or(Refusal::Layout)?;
    let between = text[colon..line_end(text, colon)].trim_start();
    if !(between.is_empty() || between.starts_with('#')) || !text[after..colon - 1].trim().is_empty() {
        return Err(Refusal::Layout);
    }
    Ok(Edit::insert(colon, " []".to_owned()))
}

/// Stretches of a flow list, each with the comma that goes with it.
fn flow(all: &[Node<'_, '_>], gone: &[usize]) -> Result<Vec<Edit>, Refusal> {
    let is_gone = |index: usize| gone.contains(&index);
    let kept = (0..all.len()).rev().find(|&index| !is_gone(index));
    let mut spans = Vec::new();
    for (index, item) in all.iter().enumerate().filter(|&(index, _)| is_gone(index)) {
        // What follows the last kept item goes in one piece, from that item's end.
        match all.get(index + 1) {
            Some(next) if kept > Some(index) => spans.push(Span::new(item.span().start, next.span().start)),
            _ => {
                let last = all[all.len() - 1].span().end;
                let start = kept.map_or(all[0].span().start, |kept| all[kept].span().end);
                spans.push(Span::new(start, last));
                break;
            }
        }
    }
    let text = |span: Span| all.first().map_or("", |first| span.of(first.document().text()));
    if spans.iter().any(|&span| text(span).contains('#')) {
        return Err(Refusal::Layout);
    }
    Ok(spans.into_iter().map(|span| Edit { span, text: String::new() }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit;
    use crate::parse::parse;
    use crate::path::Path;
    use crate::verify::{Removal, verify_removal};

    /// `text` without the items of `list` that start with `x`, judged by the second parser.
    fn without_x(text: &str) -> Result<String, Refusal> {
        let documents = parse(text, Span::new(0, text.len())).unwrap();
        let root = documents[0].root().unwrap();
        let (key, list) = root.pairs().find(|(key, _)| key.as_str() == Some("list")).unwrap();
        let gone: Vec<usize> = list
            .items()
            .enumerate()
            .filter(|(_, item)| item.span().of(text).contains('x'))
            .map(|(nth, _)| nth)
            .collect();
        let after = edit::apply(text, &items(key, list, &gone)?).unwrap();
        let removal = Removal { document: 0, mapping: Path::default(), key: "list".to_owned(), items: gone };
        assert_eq!(verify_removal(text, &after, &removal), Ok(()), "{after}");
        Ok(after)
    }

    #[test]
    fn lines_of_a_block_list() {
        for (text, expected) in [
            ("list:\n- a\n- x1 # why\n# b\n- b\nend: 1\n", "list:\n- a\n# b\n- b\nend: 1\n"),
            ("list:\r\n  - x\r\n  - a\r\n", "list:\r\n  - a\r\n"),
            ("list:\n  - a\n  - x", "list:\n  - a"),
            ("list:\n  - x\n  - x2\n  # kept\nend: 1\n", "list: []\n  # kept\nend: 1\n"),
            ("list: # why\n- 'x'\n", "list: [] # why\n"),
            ("list:\n- a\n\n- x\n\n- b\n", "list:\n- a\n\n\n- b\n"),
        ] {
            assert_eq!(without_x(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn stretches_of_a_flow_list() {
        for (text, expected) in [
            ("list: [x, a, b]", "list: [a, b]"),
            ("list: [a, x1, x2, b]\n", "list: [a, b]\n"),
            ("list: [ a, x ]\n", "list: [ a ]\n"),
            ("list: [x1, a, x2, x3,]\n", "list: [a,]\n"),
            ("list: [x, x2]\n", "list: []\n"),
            ("{\"list\": [\n  \"a\",\n  \"x\"\n]}\n", "{\"list\": [\n  \"a\"\n]}\n"),
        ] {
            assert_eq!(without_x(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn doubts_are_refusals() {
        assert_eq!(without_x("list: [a, # why\n  x]\n"), Err(Refusal::Layout));
        assert_eq!(without_x("list:\n- &n x\n- a\n"), Err(Refusal::Property));
        assert_eq!(without_x("list: &l\n- x\n"), Err(Refusal::Layout));
        assert_eq!(without_x("? list\n: - x\n"), Err(Refusal::Layout));
    }
}
