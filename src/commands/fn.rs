//! `fn`: `generate` as a KRM function. A ResourceList in, the same list with its items finished out; the function's
//! configuration is the configuration object. Encrypted items stay: who decrypts comes after the build.
//!
//! The list is edited as text, as every file is: fields keep their order, comments and annotations stay.

use anyhow::{Result, anyhow, bail};

use super::args::Common;
use super::ending::is_shown;
use super::exit::Exit;
use super::pipe;
use super::settings::{codes, mistake};
use super::terminal::Terminal;
use crate::config::Config;
use crate::objects::object::group;
use crate::plan::finding::{Code, Finding, Severity};
use crate::report::{krm, text};
use lossless_yaml::layout::column;
use lossless_yaml::parse::{Node, parse};
use lossless_yaml::span::{LineIndex, Span};

/// What messages call the list.
const LIST: &str = "ResourceList";

/// Runs the command. It ends with 0 or 1 and nothing else, as functions do.
///
/// # Errors
/// When the output cannot be written.
pub fn run(common: &Common, terminal: &mut Terminal<'_>) -> Result<Exit> {
    let answer = match pipe::stdin().and_then(|list| answer(&list)) {
        Ok(answer) => answer,
        Err(error) => {
            writeln!(terminal.err, "{}: {error:#}", terminal.err_style.red("error"))?;
            return Ok(Exit::Findings);
        }
    };
    // kustomize drops the results, so people have to be told here.
    for finding in answer.findings.iter().filter(|finding| is_shown(common, finding)) {
        terminal.err.write_all(text::finding(finding, terminal.err_style).as_bytes())?;
    }
    terminal.out.write_all(answer.list.as_bytes())?;
    let failed = answer.findings.iter().any(|finding| {
        finding.severity == Severity::Error
            || common.strict && (finding.severity == Severity::Warning || finding.code.is_skip())
    });
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}

/// The list that goes back, and what there is to say about it.
struct Answer {
    list: String,
    findings: Vec<Finding>,
}

fn answer(list: &str) -> Result<Answer> {
    let config = config(list)?;
    let piped = pipe::finish(LIST, list, &config, None);
    let mut findings = piped.findings;
    findings.retain(|finding| finding.code != Code::PullSecretMissing);
    let stopped = findings.iter().any(|finding| finding.severity == Severity::Error);
    let finished = match piped.finished {
        // With an error the list goes back as it came: nothing is done by halves.
        _ if stopped => list.to_owned(),
        Ok(finished) => finished,
        Err(refused) => bail!("{LIST}:{}: {}", refused.position, refused.reason),
    };
    let results: Vec<String> = findings.iter().map(|finding| krm::result(finding, &piped.objects)).collect();
    Ok(Answer { list: with_results(finished, &results)?, findings })
}

/// The configuration that comes with the list.
fn config(list: &str) -> Result<Config> {
    with_root(list, |root| {
        let group = root.str_at("apiVersion").map(group);
        if (group, root.str_at("kind")) != (Some("config.kubernetes.io"), Some(LIST)) {
            bail!("stdin: not a {LIST}\nhint: for a stream of manifests there is `pullcred generate`");
        }
        let Some(config) = root.get("functionConfig").filter(|config| !config.is_null()) else {
            bail!(
                "{LIST}: no `functionConfig`\nhint: it is the configuration object, kind `PullCredentials`"
            );
        };
        Config::from_node(config.resolved(), &codes()).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(|error| mistake(LIST, error)).collect();
            anyhow!("{}", all.join("\nerror: "))
        })
    })
}

/// Puts `results` before the first key: the only place that is certain in every layout, and readers do not mind.
fn with_results(list: String, results: &[String]) -> Result<String> {
    if results.is_empty() {
        return Ok(list);
    }
    let (at, text) = with_root(&list, |root| {
        if root.get("results").is_some() {
            bail!("{LIST}: it has `results` already, which only a function's answer has");
        }
        let Some((first, _)) = root.pairs().next() else { bail!("{LIST}: it is empty") };
        let at = first.span().start;
        let all = results.join(", ");
        let indent = " ".repeat(column(&list, at));
        Ok((
            at,
            if root.is_flow() {
                format!("\"results\": [{all}], ")
            } else {
                let lines: Vec<String> =
                    results.iter().map(|result| format!("{indent}- {result}\n")).collect();
                format!("results:\n{}{indent}", lines.concat())
            },
        ))
    })?;
    Ok(format!("{}{text}{}", &list[..at], &list[at..]))
}

/// Looks at the only document of a list.
fn with_root<T>(list: &str, look: impl FnOnce(Node<'_, '_>) -> Result<T>) -> Result<T> {
    let documents = parse(list, Span::new(0, list.len())).map_err(|error| {
        anyhow!("stdin:{}: {}", LineIndex::new(list).position(error.offset), error.reason)
    })?;
    match documents.as_slice() {
        [document] => match document.root() {
            Some(root) if root.is_mapping() => look(root),
            _ => bail!("stdin: not a {LIST}"),
        },
        [] => bail!("stdin: empty, a {LIST} was expected"),
        _ => bail!("stdin: several documents, one {LIST} was expected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  \
        apiVersion: pullcred.dev/v1alpha1\n  kind: PullCredentials\n  spec: {secrets: [{name: regcred}]}\n";

    fn list(items: &str) -> String {
        format!("{HEAD}items:\n{items}")
    }

    #[test]
    fn only_items_gain_something() {
        let items = "- kind: Pod # a comment\n  apiVersion: v1\n  metadata: {name: a}\n  spec:\n    containers: [{name: a, image: a}]\n";
        let answer = answer(&list(items)).unwrap();
        let expected = items.replace("  spec:\n", "  spec:\n    imagePullSecrets:\n    - name: regcred\n");
        assert_eq!(answer.list, list(&expected));
        assert!(answer.findings.is_empty());
    }

    #[test]
    fn what_is_to_say_stands_in_results_with_severity_object_and_file() {
        let items = "- apiVersion: batch/v1\n  kind: Job\n  metadata:\n    name: a\n    annotations:\n      \
            internal.config.kubernetes.io/path: jobs/a.yaml\n      internal.config.kubernetes.io/index: '1'\n  \
            spec: {template: {spec: {containers: [{name: a, image: a}]}}}\n";
        let answer = answer(&list(items)).unwrap();
        let line = "results:\n- {\"message\":\"`Job` `a` cannot be changed in place once it exists\",\"severity\":\"info\",\
            \"resourceRef\":{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"name\":\"a\"},\
            \"file\":{\"path\":\"jobs/a.yaml\",\"index\":1},\"tags\":{\"code\":\"job-immutable\"}}\napiVersion: config";
        assert!(answer.list.starts_with(line), "{}", answer.list);
        let again = parse(&answer.list, Span::new(0, answer.list.len())).unwrap();
        assert_eq!(again[0].root().unwrap().get("results").unwrap().items().count(), 1);
    }

    #[test]
    fn json_lists_too() {
        let list = r#"{"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "functionConfig": {"apiVersion": "pullcred.dev/v1alpha1", "kind": "PullCredentials",
            "spec": {"secrets": [{"name": "r"}]}}, "items": [{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "a"}]}}}}]}"#;
        let answer = answer(list).unwrap();
        let value: serde_yaml::Value = serde_yaml::from_str(&answer.list).unwrap();
        assert_eq!(value["results"][0]["severity"], "info");
        assert_eq!(value["items"][0]["spec"]["template"]["spec"]["imagePullSecrets"][0]["name"], "r");
    }

    #[test]
    fn mistakes_are_told_by_their_place_in_the_list() {
        let message = |list: &str| answer(list).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message(&list("").replace("name: regcred", "nam: regcred")).contains("ResourceList:6:"));
        assert!(
            message("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n")
                .contains("functionConfig")
        );
        assert!(message("kind: Pod\n").contains("not a ResourceList"));
        assert!(message("").contains("empty"));
    }
}
