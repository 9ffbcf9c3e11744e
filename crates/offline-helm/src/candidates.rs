//! Which values of a chart may be ones for pull secrets: a guess, from its values and its templates, for others to try.

use crate::chart::Chart;
use crate::value::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Values within values that are looked through.
pub(crate) const DEPTH: usize = 12;

/// The field of a pod spec, and how many lines around it tell where its names come from.
const FIELD: &str = "imagepullsecrets";
const BEFORE: usize = 2;
const AFTER: usize = 4;

/// Templates that templates take in, one after the other.
const INCLUDES: usize = 3;

/// How a value holds the names of pull secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// A list of `{name}`.
    ListOfNames,
    /// A list of strings.
    ListOfStrings,
    /// One string.
    OneString,
}

/// Every one, in the order in which they are tried.
pub(crate) const SHAPES: [Shape; 3] = [Shape::ListOfNames, Shape::ListOfStrings, Shape::OneString];

/// A value that may be one for pull secrets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// How it is believed to hold names.
    pub shape: Shape,
}

impl Shape {
    /// Whether these items are names in this form and nothing else.
    pub fn is_names(self, items: &[Value]) -> bool {
        items.iter().all(|item| match (item, self) {
            (Value::Str(_), Self::ListOfStrings) => true,
            (Value::Map(map), Self::ListOfNames) => {
                map.entries().len() == 1 && matches!(map.get(b"name"), Some(Value::Str(_)))
            }
            _ => false,
        })
    }
}

/// Candidates, best first: what the caller knows, then what stands at the top, then in `global`, then deeper ones.
pub(crate) fn candidates(chart: &Chart, values: &Map, known: &[Candidate]) -> Vec<Candidate> {
    let mut paths: BTreeSet<Vec<String>> = BTreeSet::new();
    collect(chart, &[], &mut paths, 0);
    from_values(values, &mut paths);
    let mut paths: Vec<Vec<String>> = paths.into_iter().collect();
    let is_other = |path: &[String]| !path.iter().any(|key| is_likely(key));
    let is_global = |path: &[String]| path.first().is_some_and(|first| first == "global");
    let is_account =
        |path: &[String]| path.iter().any(|key| key.to_ascii_lowercase().contains("serviceaccount"));
    let depth = |path: &[String]| if is_global(path) { 1 } else { path.len() };
    paths.sort_by_key(|path| (is_account(path), is_other(path), depth(path), is_global(path), path.clone()));
    let guessed =
        paths.into_iter().flat_map(|path| SHAPES.map(|shape| Candidate { path: path.clone(), shape }));
    let mut all: Vec<Candidate> = known.to_vec();
    all.extend(guessed.filter(|candidate| !known.contains(candidate)));
    all
}

/// Whether a key may be one of pull secrets.
fn is_likely(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("pullsecret") || key.contains("registrysecret") || key.contains("image_pull_secret")
}

/// Paths of a chart and its subcharts, seen from the top.
fn collect(chart: &Chart, above: &[String], paths: &mut BTreeSet<Vec<String>>, depth: usize) {
    let mut own = BTreeSet::new();
    // A library lays its values under those of the chart that uses it.
    let libraries = chart.dependencies.iter().filter(|subchart| subchart.is_library());
    for chart in std::iter::once(chart).chain(libraries) {
        from_values(&chart.values, &mut own);
        let texts: Vec<Cow<'_, str>> =
            chart.templates.iter().map(|template| String::from_utf8_lossy(&template.data)).collect();
        texts.iter().for_each(|text| from_template(text, &mut own));
        around_the_field(&texts, &mut own);
    }
    // What library charts look for.
    own.insert(vec!["imagePullSecrets".to_owned()]);
    own.insert(vec!["global".to_owned(), "imagePullSecrets".to_owned()]);
    for path in own {
        let global = path.first().is_some_and(|first| first == "global");
        paths.insert(if global { path } else { [above, &path].concat() });
    }
    if depth < DEPTH {
        for (name, subchart) in chart.subcharts().filter(|(_, subchart)| !subchart.is_library()) {
            collect(subchart, &[above, &[name.to_owned()]].concat(), paths, depth + 1);
        }
    }
}

/// Likely keys anywhere in values, and the one that every map with a repository of images may have.
fn from_values(values: &Map, paths: &mut BTreeSet<Vec<String>>) {
    each(values, &mut Vec::new(), 1, &mut |path, value| {
        let is_filled = matches!(value, Value::Map(map) if !map.is_empty());
        if path.last().is_some_and(|key| is_likely(key)) && !is_filled {
            paths.insert(path.to_vec());
        }
    });
}

/// Shows every value with the keys that lead to it; `depth` counts the maps around it.
pub(crate) fn each(
    values: &Map,
    above: &mut Vec<String>,
    depth: usize,
    see: &mut dyn FnMut(&[String], &Value),
) {
    for (key, value) in values.entries().iter() {
        above.push(key.text().into_owned());
        see(above, value);
        if let Value::Map(map) = value
            && depth < DEPTH
        {
            each(map, above, depth + 1, see);
        }
        above.pop();
    }
}

/// `.Values.a.b` with a likely key at the end, anywhere in a template.
fn from_template(text: &str, paths: &mut BTreeSet<Vec<String>>) {
    for keys in named(text) {
        if let Some(at) = keys.iter().position(|key| is_likely(key)) {
            paths.insert(keys[..=at].to_vec());
        }
    }
}

/// What the lines around each `imagePullSecrets` take from values, through the templates that they include: whatever it is called, if that
/// sounds like a credential at all.
fn around_the_field(templates: &[Cow<'_, str>], paths: &mut BTreeSet<Vec<String>>) {
    let is_credential = |keys: &Vec<String>| {
        let path = keys.join(".").to_ascii_lowercase();
        ["secret", "pull", "cred", "registry", "dockerconfig"].iter().any(|word| path.contains(word))
    };
    let mut waiting: Vec<String> = Vec::new();
    for text in templates {
        let lines: Vec<&str> = text.lines().collect();
        for (nth, _) in lines.iter().enumerate().filter(|(_, line)| has_field(line)) {
            let end = (nth + 1 + AFTER).min(lines.len());
            waiting.push(lines[nth.saturating_sub(BEFORE)..end].join("\n"));
        }
    }
    let mut seen = BTreeSet::new();
    for _ in 0..=INCLUDES {
        let mut next = Vec::new();
        for text in &waiting {
            paths.extend(named(text).filter(is_credential));
            for name in included(text) {
                if seen.insert(name.to_owned()) {
                    next.extend(templates.iter().filter_map(|text| defined(text, name)));
                }
            }
        }
        waiting = next.into_iter().map(str::to_owned).collect();
    }
}

fn has_field(line: &str) -> bool {
    // Few lines have it; most have no such letter.
    line.contains("ecrets") && line.to_ascii_lowercase().contains(FIELD)
}

/// The keys of each `.Values.a.b` of a text.
fn named(text: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    text.split(".Values.").skip(1).map(|rest| {
        let is_in = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
        let end = rest.find(|letter| !is_in(letter)).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.').split('.').map(str::to_owned).collect()
    })
}

/// The names of the templates that a text takes in.
fn included(text: &str) -> impl Iterator<Item = &str> + '_ {
    ["include ", "template "].into_iter().flat_map(move |word| {
        text.split(word).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
    })
}

/// What a text defines under a name, up to the next definition.
fn defined<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut parts = text.split("define ").skip(1);
    parts.find(|part| {
        part.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) == Some(name)
    })
}
