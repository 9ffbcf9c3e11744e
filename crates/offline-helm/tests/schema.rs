//! Schemas that refer to what is not here: nothing is fetched, the rest of the schema holds, and what was not asked is told.

use offline_helm::{Error, File, Options, Rendering, render};

fn rendered(values: &str) -> Result<Rendering, Error> {
    let schema = r##"{
        "$id": "https://example.com/values.json",
        "definitions": {"own": {"type": "string"}},
        "properties": {
            "part": {"$ref": "https://example.org/kubernetes.json#/definitions/Part"},
            "whole": {"$ref": "http://example.org/all.json"},
            "beside": {"$ref": "parts/pod.json#/options"},
            "own": {"$ref": "https://example.com/values.json#/definitions/own"},
            "number": {"type": "integer"}
        }
    }"##;
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("values.yaml", values),
        ("values.schema.json", schema),
        ("templates/c.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n"),
    ];
    let file = |(name, text): (&str, &str)| File { name: name.to_owned(), data: text.as_bytes().to_vec() };
    render(files.into_iter().map(file).collect(), &[], &Options::default())
}

#[test]
fn what_lies_elsewhere_is_not_fetched_but_told() {
    let rendering = rendered("part: {a: 1}\nwhole: 3\nbeside: 4\nown: text\nnumber: 1\n").expect("rendered");
    assert_eq!(rendering.manifests.len(), 1);
    for url in [
        "https://example.org/kubernetes.json",
        "http://example.org/all.json",
        "https://example.com/parts/pod.json",
    ] {
        assert!(rendering.notes.iter().any(|note| note.contains(url)), "{:?}", rendering.notes);
    }
}

#[test]
fn the_rest_of_the_schema_holds() {
    assert!(rendered("number: many\n").is_err());
    assert!(rendered("own: 3\n").is_err());
}
