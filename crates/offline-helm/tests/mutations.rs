//! Charts and templates that somebody broke: whatever comes in, there is an answer or an error, never a panic.
//!
//! `MUTATIONS=1000000 SEED=7 CHARTS=FOLDER cargo test --release -p offline-helm --test mutations` tries so many, on the charts of a folder too. What
//! is found becomes a case of its own.

mod folder;

use offline_helm::probe::probe;
use offline_helm::{File, Layer, Options, render};
use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Pieces that mean something to a template, to YAML, or to a function.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{ end }}",
    "{{ else }}",
    "{{ break }}",
    "{{ continue }}",
    "{{ range . }}",
    "{{ with .Values }}",
    "{{ if true }}",
    "{{ define \"x\" }}",
    "{{ template \"x\" . }}",
    "{{ include \"x\" . }}",
    "{{/*",
    "*/}}",
    "|",
    "(",
    ")",
    "\"",
    "`",
    "'",
    "$",
    "$x := ",
    "$x = ",
    ".",
    "..",
    ".Values",
    ".Values.a.b",
    "nil",
    "true",
    "0",
    "-1",
    "1e309",
    "9223372036854775807",
    "-9223372036854775808",
    "0x7fffffffffffffff",
    "1_000",
    "'\\xff'",
    "'€'",
    "\"\\u00e9\"",
    "\"%v %d %s %q %!\"",
    "printf",
    "index",
    "slice",
    "len",
    "eq",
    "lt",
    "and",
    "or",
    "not",
    "call",
    "tpl",
    "toYaml",
    "fromYaml",
    "fromJson",
    "toJson",
    "nindent -1",
    "indent 99",
    "trunc -3",
    "substr 5 1",
    "repeat 9",
    "splitn \"\" 0",
    "regexFind",
    "regexReplaceAll",
    "dict",
    "dig",
    "set",
    "merge",
    "mergeOverwrite",
    "concat",
    "list",
    "until",
    "untilStep 0 10 0",
    "seq 1 -1 9",
    "semver",
    "semverCompare",
    "date",
    "dateModify",
    "duration",
    "b64dec",
    "b32dec",
    "urlParse",
    "genCA",
    "lookup",
    "required",
    "fail",
    "round",
    "ceil",
    "div",
    "mod",
    "add",
    "mul",
    "max",
    "biggest",
    "atoi",
    "int64",
    "chunk",
    "&a",
    "*a",
    "<<: *a",
    "? ",
    ": ",
    "- ",
    "---\n",
    "...\n",
    "!!binary",
    "!!int",
    "\n",
    "\r\n",
    "\t",
    "\u{feff}",
    "\u{2028}",
    "é",
    "[",
    "]",
    "{",
    "}",
    "#",
    "~",
    "null",
    "|2-\n",
    ">+\n",
    "condition: a.b",
    "alias: x",
    "import-values: [a]",
    "tags: [b]",
    "version: ^0",
];

/// Numbers without any order, the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a length");
        usize::try_from(self.next() % end).expect("less than a length")
    }
}

/// The charts of a folder, and those in its folders.
fn charts(folder: &Path, found: &mut Vec<Vec<File>>) {
    if folder.join("Chart.yaml").is_file() {
        found.extend(folder::read(folder));
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.iter().filter(|path| path.is_dir()).for_each(|path| charts(path, found));
}

/// The templates of the cases about functions, each a chart.
fn lines(fixtures: &Path) -> Vec<Vec<File>> {
    let file = |name: &str, text: String| File { name: name.to_owned(), data: text.into_bytes() };
    let mut found = Vec::new();
    let mut paths: Vec<PathBuf> = fs::read_dir(fixtures.join("functions"))
        .expect("cases about functions")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "tmpl")) {
        let text = fs::read_to_string(path).expect("a text");
        found.extend(text.lines().filter(|line| line.contains("{{")).map(|line| {
            vec![
                file("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n".to_owned()),
                file("templates/a.yaml", format!("a: {line}\n")),
            ]
        }));
    }
    found
}

fn mutate(text: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(text.len() + 1);
    let length = random.below(40).min(text.len() - at);
    match random.below(5) {
        0 => drop(text.drain(at..at + length)),
        1 => {
            let copy = text[at..at + length].to_vec();
            let to = random.below(text.len() + 1);
            text.splice(to..to, copy);
        }
        2 => {
            let piece = PIECES[random.below(PIECES.len())];
            text.splice(at..at + random.below(6).min(text.len() - at), piece.bytes());
        }
        3 => {
            let piece = format!(" {} ", PIECES[random.below(PIECES.len())]);
            text.splice(at..at, piece.bytes());
        }
        _ => {
            if at < text.len() {
                text[at] ^= 1 << random.below(8);
            }
        }
    }
}

#[test]
fn a_broken_chart_is_an_answer_or_an_error() {
    let number = |name: &str, usual: u64| env::var(name).map_or(usual, |text| text.parse().unwrap());
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut known = Vec::new();
    charts(&fixtures.join("charts"), &mut known);
    if let Ok(more) = env::var("CHARTS") {
        charts(Path::new(&more), &mut known);
    }
    let lines = lines(&fixtures);
    assert!(known.len() > 50 && lines.len() > 500, "{} charts, {} templates", known.len(), lines.len());
    let seed = number("SEED", 20_261_127);
    for nth in 0..number("MUTATIONS", 1500) {
        let mut random = Random((seed << 20 ^ nth).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        let from = if nth % 2 == 0 { &lines } else { &known };
        let mut files = from[random.below(from.len())].clone();
        if files.is_empty() {
            continue;
        }
        let at = random.below(files.len());
        for _ in 0..=random.below(4) {
            mutate(&mut files[at].data, &mut random);
        }
        let broken = files[at].clone();
        let probes = nth % 16 == 1;
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let options = Options::default();
            if probes {
                return probe(files, &[], &options, &[], &|_| true).is_ok();
            }
            let values = Layer::File { name: "values".to_owned(), text: "a: {b: 1}\nc: [1, x]\n".to_owned() };
            render(files, &[values], &options).is_ok()
        }));
        let text = String::from_utf8_lossy(&broken.data);
        assert!(ended.is_ok(), "mutation {nth} of seed {seed}, {}:\n{text}", broken.name);
    }
}
