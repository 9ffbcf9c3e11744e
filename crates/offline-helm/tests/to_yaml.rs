//! `to_yaml` beside what real helm's `toYaml` made of the same values (stored), and what no value and no text may do to them.

use offline_helm::value::{List, ListType, Value};
use offline_helm::yaml::{from_yaml, to_yaml};
use std::rc::Rc;

#[test]
fn equals_what_helm_writes_byte_for_byte() {
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../fixtures/yaml/to-yaml.json")).expect("fixture");
    assert!(rows.len() > 900, "the fixture holds {} values only", rows.len());
    for row in rows {
        let ours = to_yaml(&Value::from_json(row["value"].clone()));
        // Helm's `toYaml` gives nothing where it cannot write a value.
        let helm = row["helm"].as_str().filter(|text| *text != "\n");
        assert_eq!(ours.ok().as_deref(), helm, "{}", row["value"]);
    }
}

#[test]
fn a_map_within_itself_is_refused() {
    let outer = Value::map([]);
    outer.as_map().expect("a map").set("self", outer.clone());
    assert!(to_yaml(&outer).is_err());
    outer.as_map().expect("a map").set("self", Value::Nil);
}

#[test]
fn a_nil_list_is_null_and_bytes_are_base64() {
    let nil = Value::List(Rc::new(List::nil(ListType::Any)));
    assert_eq!(to_yaml(&nil).as_deref(), Ok("null\n"));
    assert_eq!(to_yaml(&Value::Bytes(b"a\xff"[..].into())).as_deref(), Ok("Yf8=\n"));
}

#[test]
fn what_json_cannot_say_is_refused() {
    assert!(to_yaml(&Value::Float(f64::NAN)).is_err());
    assert!(to_yaml(&Value::str("\u{7f}")).is_err());
}

#[test]
fn keys_whose_order_is_a_circle_do_no_harm() {
    let keys = (0..3_000)
        .map(|n| (format!("{}{}{}", n % 7, ["", "o", "_", "x"][n % 4], n % 311).as_str().into(), Value::Nil));
    let text = to_yaml(&Value::map(keys.collect::<Vec<_>>())).expect("written");
    assert!(text.lines().count() > 1_000);
}

#[test]
fn anchors_that_hold_themselves_or_each_other_do_no_harm() {
    assert!(from_yaml("a: &x\n  b: *x\n").is_err());
    assert!(from_yaml("a: &x {b: {<<: *x}}\n").is_err());
    let chain: String = (1..5_000).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    assert!(from_yaml(&format!("a0: &a0 [x]\n{chain}")).is_err());
    let double: String = (1..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect();
    assert!(from_yaml(&format!("a0: &a0 [x]\n{double}")).is_err());
}
