//! What must hold for every manifest: only insertions, exact meaning, nothing left to do afterwards.
//!
//! Held over thousands of generated manifests and over every fixture. A failure names its seed; `PULLCRED_SEED=N`
//! tests that one alone, `PULLCRED_SAMPLES=N` that many.

use std::ops::Range;
use std::path::{Path, PathBuf};

use pullcred::config::Config;
use pullcred::plan::finding::Code;
use serde::Deserialize as _;
use serde_yaml::{Mapping, Value};

use crate::generator::{Sample, Secret, expect, expect_accounts};
use crate::support::{self, Injected, Tree};

/// Seeds of this run.
fn seeds() -> Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("PULLCRED_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("PULLCRED_SAMPLES").unwrap_or(2_000),
    }
}

/// Runs `test` for every seed on several threads; of all failures the one with the lowest seed is told.
fn for_each_seed(test: impl Fn(u64) -> Result<(), String> + Sync) {
    let seeds = seeds();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let run = |thread| {
        let mut mine = seeds.clone().skip(thread).step_by(threads);
        mine.find_map(|seed| test(seed).err().map(|message| (seed, message)))
    };
    let first = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        running.into_iter().filter_map(|thread| thread.join().unwrap()).min()
    });
    if let Some((seed, message)) = first {
        panic!("PULLCRED_SEED={seed}: {message}");
    }
}

#[test]
fn generated_manifests_gain_their_pull_secrets_and_nothing_else() {
    let for_all: &[Secret] = &[("regcred", None)];
    let for_some: &[Secret] = &[("hub", Some("docker.io")), ("regcred", Some("registry.example"))];
    let both = [for_all, for_some].map(|secrets| (secrets, from_flags(secrets)));
    for_each_seed(|seed| {
        let sample = Sample::new(seed);
        let (secrets, config) = &both[usize::from(seed % 3 == 0)];
        let expected = expect(&sample.documents, secrets);
        compare(&sample, config, &expected.documents, expected.entries > 0)
    });
}

#[test]
fn generated_service_accounts_gain_theirs() {
    let text = "apiVersion: pullcred.dev/v1alpha1\nkind: PullCredentials\nmetadata: {name: x}\n\
                spec: {secrets: [{name: regcred}], inject: {into: serviceAccounts}}\n";
    let config = Config::parse(text, &[]).unwrap();
    for_each_seed(|seed| {
        let sample = Sample::new(seed);
        let expected = expect_accounts(&sample.documents, "regcred");
        compare(&sample, &config, &expected.documents, expected.entries > 0)
    });
}

/// Injects into a sample and compares what a third reader sees then with what it must see.
fn compare(sample: &Sample, config: &Config, expected: &[Value], changes: bool) -> Result<(), String> {
    let before = &sample.text;
    let injected = support::inject(before, config);
    let after = &injected.text;
    let complain = |what: &str| {
        let difference = support::difference(before.as_bytes(), after.as_bytes());
        Err(format!("{what}\n--- before\n{before}\n--- changes\n{difference}"))
    };
    let read = documents(before).or_else(|error| complain(&error).map(|()| Vec::new()))?;
    if read != without_nulls(&sample.documents) {
        return complain(&format!("the generator does not write what it means: {read:#?}"));
    }
    if let Some(refused) = injected.findings.iter().find(|finding| is_refusal(finding.code)) {
        return complain(&format!("refused: {refused:?}"));
    }
    if let Err(error) = judge(before, &injected, config) {
        return complain(&error);
    }
    match documents(after) {
        Err(error) => complain(&error),
        Ok(read) if read != without_nulls(expected) => {
            complain(&format!("it means something else: {read:#?}"))
        }
        Ok(_) if changes != (before != after) => complain("changed without need"),
        Ok(_) => Ok(()),
    }
}

fn is_refusal(code: Code) -> bool {
    matches!(code, Code::EditRefused | Code::AnchorShared | Code::ParseError)
}

fn from_flags(secrets: &[Secret]) -> Config {
    let flag = |(name, registry): &Secret| match registry {
        Some(registry) => format!("{name}={registry}"),
        None => (*name).to_owned(),
    };
    Config::from_flags(&secrets.iter().map(flag).collect::<Vec<_>>()).unwrap()
}

/// What holds for any text: only insertions, line ends kept, and nothing to do the second time.
fn judge(before: &str, injected: &Injected, config: &Config) -> Result<(), String> {
    let after = &injected.text;
    if !support::only_insertions(before, after) {
        return Err("bytes of the original are gone".to_owned());
    }
    let line_ends = |text: &str| (text.contains("\r\n"), text.replace("\r\n", "").contains('\n'));
    let (old, new) = (line_ends(before), line_ends(after));
    if new.0 && !old.0 || new.1 && !old.1 && before.contains('\n') {
        return Err("line ends of another kind appear".to_owned());
    }
    if before.ends_with('\n') != after.ends_with('\n') {
        return Err("the last line ends otherwise".to_owned());
    }
    let again = support::inject(after, config);
    if again.text != *after {
        return Err("a second run changes something".to_owned());
    }
    if before == after && injected.findings.iter().any(|finding| is_refusal(finding.code)) {
        return Ok(());
    }
    let left = again.findings.iter().find(|finding| finding.code == Code::PullSecretMissing);
    left.map_or(Ok(()), |left| Err(format!("left to do: {left:?}")))
}

/// Documents as a reader that descends from libyaml sees them, as kubectl's does.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    // It counts a byte order mark as a column.
    let text = text.trim_start_matches('\u{feff}');
    let documents = serde_yaml::Deserializer::from_str(text).map(Value::deserialize);
    let documents: Result<Vec<Value>, _> = documents.collect();
    documents.map(|documents| without_nulls(&documents)).map_err(|error| format!("the third reader: {error}"))
}

/// Readers differ in how they count empty documents.
fn without_nulls(documents: &[Value]) -> Vec<Value> {
    documents.iter().filter(|document| !document.is_null()).cloned().collect()
}

#[test]
fn the_program_does_the_same_in_every_command() {
    let tree = Tree::new();
    let samples: Vec<Sample> = (0..120).map(Sample::new).collect();
    let name = |nth: usize| format!("{nth:03}.yaml");
    for (nth, sample) in samples.iter().enumerate() {
        tree.write(&name(nth), &sample.text);
    }
    let run = |arguments: &[&str], status: i32| {
        let ended = tree.pullcred(arguments.iter().chain(&["--secret", "regcred"]));
        assert_eq!(ended.status, status, "{arguments:?}: {}", ended.messages());
        ended
    };
    let before = tree.snapshot();
    let promised = run(&["generate", "."], 0).stdout;
    let list = run(&["list", "-o", "json"], 0).data();
    let diff = run(&["inject", "--dry-run", "--diff"], 0).data();
    run(&["check"], 1);
    assert!(tree.snapshot() == before, "only `inject` may change a file");

    run(&["inject", "-j", "3"], 0);
    let after = tree.snapshot();
    // ServiceAccounts of one file have a say in the others.
    let all: Vec<Value> = samples.iter().flat_map(|sample| sample.documents.clone()).collect();
    let expected = expect(&all, &[("regcred", None)]);
    let found = (0..samples.len()).flat_map(|nth| documents(&support::text(tree.read(&name(nth)))).unwrap());
    assert!(
        found.collect::<Vec<_>>() == without_nulls(&expected.documents),
        "inject: something else is meant"
    );
    let is_object = |document: &&Value| document["apiVersion"].is_string() && document["kind"].is_string();
    let objects: Vec<Value> = expected.documents.iter().filter(is_object).cloned().collect();
    assert!(
        documents(&support::text(promised.clone())).unwrap() == objects,
        "generate: something else is meant"
    );

    assert!(run(&["generate", "."], 0).stdout == promised, "generate promised what inject did not do");
    run(&["check"], 0);
    run(&["inject", "--exit-code", "-j", "1"], 0);
    assert!(tree.snapshot() == after, "a second run changed something");
    let added = diff.lines().filter(|line| line.starts_with('+') && line.contains("regcred")).count();
    assert!(added > 0 && list.contains("regcred"), "{added}");
    for (nth, sample) in samples.iter().enumerate().take(12) {
        let alone = Tree::with("one.yaml", &sample.text);
        let arguments = ["generate", "--secret", "regcred"];
        let piped = support::run(alone.pullcred_command().args(arguments), sample.text.as_bytes());
        let file = alone.pullcred(arguments.iter().chain(&["one.yaml"]));
        assert!(
            (piped.status, piped.stdout) == (file.status, file.stdout),
            "sample {nth}: a pipe is no other way"
        );
    }
}

/// Fixtures that are changed although the third reader refuses them: it takes no key twice, anywhere, and no tab in a
/// blank line.
const UNREAD: &[&str] = &["cases/inject/duplicate-key-elsewhere/in/manifest.yaml"];

#[test]
fn every_fixture_gains_pull_secrets_only() {
    let config = from_flags(&[("regcred", None)]);
    let (mut read, mut changed, mut unread) = (0, 0, Vec::new());
    for path in fixtures() {
        let Ok(before) = String::from_utf8(std::fs::read(&path).unwrap()) else { continue };
        let name = path.strip_prefix(support::fixtures("")).unwrap().display().to_string();
        read += 1;
        let injected = support::inject(&before, &config);
        judge(&before, &injected, &config).unwrap_or_else(|error| panic!("{name}: {error}"));
        if injected.text == before {
            continue;
        }
        changed += 1;
        match (documents(&before), documents(&injected.text)) {
            (Ok(before), Ok(after)) => {
                let (before, after) = (Value::Sequence(before), Value::Sequence(after));
                gained("", &before, &after).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            (Err(_), Err(_)) => unread.push(name),
            (before, after) => {
                panic!("{name}: readable before: {}, after: {}", before.is_ok(), after.is_ok())
            }
        }
    }
    assert!(read > 200 && changed > 100, "{read} fixtures, {changed} changed");
    assert_eq!(unread, UNREAD, "fixtures that are changed although the third reader cannot read them");
}

/// Every manifest of the fixtures, wherever it lies.
fn fixtures() -> Vec<PathBuf> {
    let is_manifest = |path: &Path| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        ["yaml", "yml", "json", "YAML"].contains(&ending) || path.ends_with("stdin")
    };
    let root = support::fixtures("");
    let files = support::snapshot(&root).into_keys().map(|path| root.join(path));
    files.filter(|path| is_manifest(path)).collect()
}

/// Whether `after` is `before` with entries at the end of pull secret fields, and nothing else.
fn gained(path: &str, before: &Value, after: &Value) -> Result<(), String> {
    // The name alone may be what a single entry lacked.
    let field = if before.is_null() { path.trim_end_matches(".name") } else { path };
    let field = field.rsplit('.').next().unwrap_or_default().to_lowercase();
    let is_field = field.contains("pull") && (field.contains("secret") || field.contains("credential"));
    let is_template = |path: &str| ["podTemplate", "podTemplateSpec"].iter().any(|key| path.ends_with(key));
    let is_settings = is_template(path)
        || [".pod", ".template"].iter().any(|key| path.ends_with(key))
        || path.ends_with("taskRunTemplate")
        || path.strip_suffix(".spec").is_some_and(is_template);
    match (before, after) {
        (Value::Null, Value::Mapping(_)) if is_settings => {
            gained(path, &Value::Mapping(Mapping::new()), after)
        }
        (Value::Sequence(old), Value::Sequence(new)) if is_field && new.starts_with(old) => Ok(()),
        (Value::Null, Value::Sequence(_) | Value::Mapping(_) | Value::String(_)) if is_field => Ok(()),
        (Value::Sequence(old), Value::Sequence(new)) if old.len() == new.len() => {
            let mut items = old.iter().zip(new).enumerate();
            items.try_for_each(|(nth, (old, new))| gained(&format!("{path}[{nth}]"), old, new))
        }
        (Value::Mapping(old), Value::Mapping(new)) if old.keys().all(|key| new.contains_key(key)) => {
            new.iter().try_for_each(|(key, new)| {
                let key_text = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
                gained(&format!("{path}.{key_text}"), old.get(key).unwrap_or(&Value::Null), new)
            })
        }
        _ if before == after => Ok(()),
        _ => Err(format!("`{path}` was {before:?} and is {after:?}")),
    }
}
