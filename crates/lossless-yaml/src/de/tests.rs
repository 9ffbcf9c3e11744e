//! Values that arrive, errors and where they point, limits.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Error, Problem, Spanned, from_node, from_node_reporting_all};
use crate::parse::{Document, parse};
use crate::span::Span;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Shop {
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    open_days: Option<Days>,
    #[serde(default)]
    counts: BTreeMap<String, u32>,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    payment: Vec<Payment>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Days {
    WeekDays,
    WeekEnd,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Payment {
    Cash,
    Card { brand: String },
    Voucher(u8),
    Split(u8, u8),
}

fn one(text: &str) -> Document<'_> {
    parse(text, Span::new(0, text.len())).unwrap().remove(0)
}

fn shop(text: &str) -> Result<Shop, Error> {
    from_node(one(text).root().unwrap())
}

/// `offset-of-what: message / hint` of every error.
fn complaints(text: &str) -> Vec<String> {
    let errors = from_node_reporting_all::<Vec<Shop>>(one(text).root().unwrap()).unwrap_err();
    errors
        .iter()
        .map(|error| {
            let rest = &text[error.offset()..];
            let word = &rest[..rest.find([':', ',', '\n', ']', '}']).unwrap_or(rest.len())];
            match error.hint() {
                Some(hint) => format!("{word}: {error} / {hint}"),
                None => format!("{word}: {error}"),
            }
        })
        .collect()
}

#[test]
fn every_kind_of_value_arrives() {
    let text = "name: \"5\"\ntags: [a, 'true']\nopenDays: weekEnd\ncounts: {a: 1, 8080: 0x10}\nactive: true\n\
                payment: [cash, card: {brand: b}, {voucher: 7}, split: [1, 2]]\n";
    let shop = shop(text).unwrap();
    assert_eq!((shop.name.as_str(), shop.tags), ("5", vec!["a".to_owned(), "true".to_owned()]));
    assert_eq!(shop.open_days, Some(Days::WeekEnd));
    assert_eq!(shop.counts, BTreeMap::from([("a".to_owned(), 1), ("8080".to_owned(), 16)]));
    assert!(shop.active);
    let card = Payment::Card { brand: "b".to_owned() };
    assert_eq!(shop.payment, [Payment::Cash, card, Payment::Voucher(7), Payment::Split(1, 2)]);
}

#[test]
fn null_is_an_empty_collection_and_no_string() {
    let shop = shop("name: x\ntags:\ncounts: ~\nopenDays: null\npayment: # nothing yet\n").unwrap();
    assert!(
        shop.tags.is_empty() && shop.counts.is_empty() && shop.open_days.is_none() && shop.payment.is_empty()
    );
    assert_eq!(complaints("- name:\n"), ["name: expected a string, found nothing"]);
    assert_eq!(complaints("-\n"), [": missing key `name`"]);
}

#[test]
fn a_value_borrows_from_its_document() {
    let text = "a: b\n";
    let document = one(text);
    let map: BTreeMap<&str, &str> = from_node(document.root().unwrap()).unwrap();
    assert_eq!(map, BTreeMap::from([("a", "b")]));
}

#[test]
fn any_value_can_be_read() {
    let text = "a: [1, 2.5, -3, true, ~, yes, \"1\"]\n? b\n: {}\n";
    let value: serde_json::Value = from_node(one(text).root().unwrap()).unwrap();
    assert_eq!(value, serde_json::json!({"a": [1, 2.5, -3, true, null, "yes", "1"], "b": {}}));
}

#[test]
fn each_error_is_about_its_node_and_all_are_found() {
    let text = "\
- nmae: x
- name: a
  tag: [b]
  active: 1
- {name: 5, tags: b, colour: red}
- name: b
  openDays: weekdays
  counts: {x: many}
  name: c
- just a string
- payment: [cash, cheque: 1, {cash: , card: }, card]
  name: [
  ]
";
    assert_eq!(
        complaints(text),
        [
            "nmae: unknown key `nmae` / did you mean `name`?",
            "tag: unknown key `tag` / did you mean `tags`?",
            "1: expected `true` or `false`, found a number",
            "5: expected a string, found a number / put it in quotes",
            "b: expected a list, found a string / put it in brackets",
            "colour: unknown key `colour` / valid keys: `name`, `tags`, `openDays`, `counts`, `active`, `payment`",
            "weekdays: unknown value `weekdays` / did you mean `weekDays`?",
            "many: expected u32, found a string",
            "name: key `name` is there twice / keep one of them",
            "just a string: expected a mapping, found a string",
            "cheque: unknown key `cheque` / valid keys: `cash`, `card`, `voucher`, `split`",
            "{cash: expected a mapping with exactly one key / valid keys: `cash`, `card`, `voucher`, `split`",
            "card: expected a mapping, found a string",
            "[: expected a string, found a list",
        ]
    );
}

#[test]
fn the_first_error_is_enough_where_one_is() {
    let error = shop("name: x\ncolor: red\nactive: 1\n").unwrap_err();
    assert_eq!((error.to_string().as_str(), error.offset()), ("unknown key `color`", 8));
    let error = shop("tags: []\n").unwrap_err();
    assert_eq!((error.problem(), error.offset()), (&Problem::MissingKey("name"), 0));
}

#[test]
fn errors_end_at_twenty() {
    let text = "- {name: x, bad: 1}\n".repeat(1_000);
    assert_eq!(complaints(&text).len(), 20);
}

#[test]
fn spans_are_those_of_the_file() {
    type Items = Option<Vec<Spanned<String>>>;
    #[derive(Deserialize)]
    struct Sites {
        all: BTreeMap<Spanned<String>, Spanned<Items>>,
    }
    let text = "all:\n  a: &l [x, \"y\"]\n  b: *l\n  c:\n";
    let sites: Sites = from_node(one(text).root().unwrap()).unwrap();
    let of = |span: Span| span.of(text);
    let [a, b, c] = [0, 1, 2].map(|nth| sites.all.iter().nth(nth).unwrap());
    assert_eq!((of(a.0.span), of(a.1.span)), ("a", "[x, \"y\"]"));
    let items = a.1.value.as_ref().unwrap();
    assert_eq!((of(items[0].span), of(items[1].span)), ("x", "\"y\""));
    assert_eq!(of(b.1.span), "*l");
    assert_eq!((c.1.span.is_empty(), c.1.span.start), (true, c.0.span.start));
}

#[test]
fn aliases_and_merge_keys_are_followed() {
    let text = "\
a: &a {x: 1, y: 1, z: 1}
b: &b {<<: *a, y: 2}
c:
  z: 3
  <<: [{y: 4}, *b]
  \"<<\": literal
d: *b
";
    let value: serde_json::Value = from_node(one(text).root().unwrap()).unwrap();
    assert_eq!(value["b"], serde_json::json!({"x": 1, "y": 2, "z": 1}));
    assert_eq!(value["c"], serde_json::json!({"x": 1, "y": 4, "z": 3, "<<": "literal"}));
    assert_eq!(value["d"], value["b"]);
    let error = from_node::<serde_json::Value>(one("a: {<<: [{}, 1]}\n").root().unwrap()).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.offset()),
        ("expected a mapping to merge, found a number", 13)
    );
}

#[test]
fn what_aliases_multiply_has_an_end() {
    let mut text = String::from("- &l0 [x]\n");
    for level in 1..60 {
        text += &format!("- &l{level} [*l{0}, *l{0}]\n", level - 1);
    }
    let error = from_node::<serde_json::Value>(one(&text).root().unwrap()).unwrap_err();
    assert_eq!(error.problem(), &Problem::TooLarge);
    assert!(from_node::<Vec<IgnoredAny>>(one(&text).root().unwrap()).is_ok());

    let mut text = String::from("- &l0 {x: 1}\n");
    for level in 1..60 {
        text += &format!("- &l{level} {{<<: [*l{0}, *l{0}]}}\n", level - 1);
    }
    let error = from_node::<serde_json::Value>(one(&text).root().unwrap()).unwrap_err();
    assert_eq!(error.problem(), &Problem::TooLarge);
}

#[test]
fn what_aliases_nest_has_an_end() {
    for link in ["[*l", "{<<: *l"] {
        let mut text = String::from("- &l0 {}\n");
        for level in 1..10_000 {
            let close = if link.starts_with('[') { "]" } else { "}" };
            text += &format!("- &l{level} {link}{}{close}\n", level - 1);
        }
        let error = from_node::<serde_json::Value>(one(&text).root().unwrap()).unwrap_err();
        assert_eq!(error.problem(), &Problem::TooDeep, "{link}");
    }
}

#[test]
fn the_deepest_file_that_parses_can_be_read() {
    let text = format!("{}{}", "[".repeat(255), "]".repeat(255));
    let document = one(&text);
    let mut value: serde_json::Value = from_node(document.root().unwrap()).unwrap();
    let mut depth = 0;
    while let serde_json::Value::Array(mut items) = value {
        depth += 1;
        value = items.pop().unwrap_or_default();
    }
    assert_eq!(depth, 255);
}

#[test]
fn an_item_that_nobody_wrote_is_at_its_dash() {
    for text in ["- a\n-\n- b\n", "- a\n-   # nothing\n- b\n", "- a\n-"] {
        let error = from_node::<Vec<String>>(one(text).root().unwrap()).unwrap_err();
        let line = text[..error.offset()].matches('\n').count();
        assert_eq!((error.to_string().as_str(), line), ("expected a string, found nothing", 1), "{text}");
    }
}
