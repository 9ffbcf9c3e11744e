//! Templates end to end: text in, text out, or Go's words for what is wrong.

use offline_helm::template::{Engine, Limits, with_stack};
use offline_helm::value::Value;

fn render(text: &str) -> Result<String, String> {
    let values =
        r#"{"a":{"b":{"c":"deep"}},"list":["x","y","z"],"empty":[],"no":null,"truth":true,"text":"T"}"#;
    with_stack(|| {
        let values = Value::from_json(serde_json::from_str(values).map_err(|error| error.to_string())?);
        let mut engine = Engine::new(Limits { steps: 200_000, ..Limits::default() });
        engine.add("c/t.yaml", text).map_err(|error| error.to_string())?;
        let data = Value::map([("Values".into(), values)]);
        let out = engine.render("c/t.yaml", data).map_err(|error| error.to_string())?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    })
}

#[track_caller]
fn gives(text: &str, expected: &str) {
    assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    assert_eq!(render(text).err().as_deref(), Some(expected), "{text}");
}

#[test]
fn text_and_trim_markers() {
    gives("a {{- `b` -}} c", "abc");
    gives("a\n  {{- /* no */ -}}\n b", "ab");
    gives("{{/* no */}}x", "x");
    gives("{{3 -}} x", "3x");
    gives("{{ \"a\\tb\\u00e9\" }}", "a\tbé");
    gives("{{ 'a' }}{{ 0x10 }}{{ 1_000 }}{{ -3 }}", "97161000-3");
}

#[test]
fn branches() {
    gives("{{ if .Values.truth }}y{{ else }}n{{ end }}", "y");
    gives("{{ if .Values.empty }}y{{ else if .Values.text }}e{{ else }}n{{ end }}", "e");
    gives("{{ with .Values.a.b }}{{ .c }}{{ end }}", "deep");
    gives("{{ with .Values.no }}x{{ else with .Values.text }}{{ . }}{{ end }}", "T");
    gives("{{ with $x := .Values.text }}{{ $x }}{{ end }}", "T");
}

#[test]
fn loops() {
    gives("{{ range .Values.list }}{{ . }},{{ end }}", "x,y,z,");
    gives("{{ range $i, $e := .Values.list }}{{ $i }}{{ $e }}{{ end }}", "0x1y2z");
    gives("{{ range $k, $v := .Values.a }}{{ $k }}{{ $v.c }}{{ end }}", "bdeep");
    gives("{{ range .Values.empty }}x{{ else }}none{{ end }}", "none");
    gives("{{ range 3 }}{{ . }}{{ end }}", "012");
    gives("{{ range .Values.list }}{{ if eq . `y` }}{{ continue }}{{ end }}{{ . }}{{ end }}", "xz");
    gives("{{ range .Values.list }}{{ if eq . `y` }}{{ break }}{{ end }}{{ . }}{{ end }}", "x");
    gives("{{ $n := 0 }}{{ range .Values.list }}{{ $n = . }}{{ end }}{{ $n }}", "z");
}

#[test]
fn templates_within_templates() {
    gives("{{ define `x` }}[{{ . }}]{{ end }}{{ template `x` .Values.text }}", "[T]");
    gives("{{ block `x` .Values.text }}[{{ . }}]{{ end }}", "[T]");
    gives("{{ define `x` }}[{{ . }}]{{ end }}{{ include `x` .Values.text }}", "[T]");
    gives("{{ tpl `{{ .Values.text }}` . }}", "T");
    gives("{{ tpl `{{ define \"y\" }}in{{ end }}{{ include \"y\" . }}` . }}", "in");
    gives("{{ define `v` }}{{ $.Values.text }}{{ end }}{{ template `v` . }}{{ template `v` $ }}", "TT");
}

#[test]
fn nothing_prints_nothing() {
    gives("[{{ .Values.no }}{{ .Values.missing }}{{ .Missing }}]", "[]");
    gives("{{ $x := .Values.no }}[{{ $x.y.z }}]", "[]");
}

#[test]
fn and_and_or_stop_early() {
    gives("{{ or .Values.text (fail `never`) }}", "T");
    gives("{{ and .Values.no (fail `never`) }}", "");
    gives("{{ .Values.text | or .Values.no }}", "T");
    gives(
        "{{ eq .Values.text `A` `T` }} {{ ne 1 2 }} {{ lt 1 2 }} {{ ge `b` `a` }} {{ not 0 }}",
        "true true true true true",
    );
    gives("{{ len .Values.list }} {{ index .Values.list 1 }} {{ index .Values `a` `b` `c` }}", "3 y deep");
}

#[test]
fn errors_name_template_line_and_column() {
    fails(
        "a\n{{ .Values.missing.x }}",
        "template: c/t.yaml:2:10: executing \"c/t.yaml\" at <.Values.missing.x>: nil pointer evaluating interface {}.x",
    );
    fails(
        "{{ .Values.text.x }}",
        "template: c/t.yaml:1:10: executing \"c/t.yaml\" at <.Values.text.x>: can't evaluate field x in type interface {}",
    );
    fails("{{ foo }}", "template: c/t.yaml:1: function \"foo\" not defined");
    fails("{{ if }}x{{ end }}", "template: c/t.yaml:1: missing value for if");
    fails("\n{{ $x }}", "template: c/t.yaml:2: undefined variable \"$x\"");
    fails("{{ end }}", "template: c/t.yaml:1: unexpected {{end}}");
    fails("{{ if 1 }}", "template: c/t.yaml:1: unexpected EOF");
    fails(
        "{{ template `x` }}",
        "template: c/t.yaml:1:12: executing \"c/t.yaml\" at <{{template \"x\"}}>: template \"x\" not defined",
    );
    fails(
        "{{ eq 1 `a` }}",
        "template: c/t.yaml:1:3: executing \"c/t.yaml\" at <eq 1 `a`>: error calling eq: incompatible types for comparison: int and string",
    );
    fails(
        "{{ required `say it` .Values.no }}",
        "template: c/t.yaml:1:3: executing \"c/t.yaml\" at <required `say it` .Values.no>: error calling required: say it",
    );
    fails(
        "{{ include `x` . }}",
        "template: c/t.yaml:1:3: executing \"c/t.yaml\" at <include `x` .>: error calling include: template: no template \"x\" associated with template \"gotpl\"",
    );
    fails(
        "{{ include 3 . }}",
        "template: c/t.yaml:1:11: executing \"c/t.yaml\" at <3>: expected string; found 3",
    );
    fails(
        "{{ range .Values.text }}{{ end }}",
        "template: c/t.yaml:1:16: executing \"c/t.yaml\" at <.Values.text>: range can't iterate over T",
    );
}

#[test]
fn hostile_templates_end() {
    let ends = |text: &str, why: &str| {
        let error = render(text).err().unwrap_or_default();
        assert!(error.contains(why), "{text}: {}", &error[error.len().saturating_sub(300)..]);
    };
    ends(
        "{{ define `x` }}{{ template `x` . }}{{ end }}{{ template `x` . }}",
        "templates nest deeper than 20000 levels",
    );
    ends(
        "{{ define `x` }}{{ include `x` . }}{{ end }}{{ include `x` . }}",
        "rendering template has a nested reference name: x",
    );
    ends("{{ range 100000000000 }}{{ end }}", "the templates take more than");
    ends("{{ range 100000000000 }}a longer text{{ end }}", "the templates ");
    ends(
        &format!("{}1{}", "{{ ".to_owned() + &"(".repeat(100_000), ")".repeat(100_000)),
        "max expression depth exceeded",
    );
}
