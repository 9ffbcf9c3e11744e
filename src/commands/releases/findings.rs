//! What there is to say of releases and their charts.

use super::asker::{Asker, object_of};
use super::made::Object;
use super::outcome::Stale;
use crate::deliveries::releases::{Chart, Release};
use crate::effects::charts::Found;
use crate::plan::finding::{Code, Finding, Severity};

/// Where a chart was looked for: found, or in which versions it is there instead.
pub(super) type Sought = Result<Option<Found>, Vec<String>>;

/// That charts which are kept are of other versions than a release asks for, or too many.
pub(super) fn other_version(release: &Release, sought: &Sought, severity: Severity) -> Option<Stale> {
    let Chart::Named { name, version, .. } = &release.chart else { return None };
    let asks = match version.as_str() {
        "" => "the newest".to_owned(),
        version => format!("`{version}`"),
    };
    let (kept, consequence) = match sought {
        Ok(found) => (format!("the version `{}` is", found.as_ref()?.other_version.as_ref()?), ""),
        Err(versions) => {
            let all = versions.iter().map(|version| format!("`{version}`")).collect::<Vec<_>>().join(", ");
            let kept = match versions.len() {
                1 => format!("the version {all} is"),
                _ => format!("the versions {all} are"),
            };
            (kept, ": nothing is written")
        }
    };
    let message =
        format!("of the chart `{name}` {kept} kept here, and the release asks for {asks}{consequence}");
    Some(Stale { severity, message })
}

fn finding(code: Code, path: &str, asker: &Asker, message: String, hint: &str) -> Finding {
    let (file, hint) = (path.to_owned(), Some(hint.to_owned()));
    Finding { code, severity: code.severity(), file, position: asker.position, message, hint, object: None }
}

/// That facts, or a chart that is kept, are of another version.
pub(super) fn moved_on(path: &str, asker: &Asker, release: &Release, stale: &Stale) -> Finding {
    let hint = "`pullcred learn` that version of the chart, or `helm pull` it into a folder of `charts`: then it is rendered";
    let finding = finding(Code::ChartFactsStale, path, asker, stale.message.clone(), hint);
    Finding { severity: stale.severity, object: Some(object_of(asker, release)), ..finding }
}

/// That a chart makes an object that deploys more: an app of apps.
pub(super) fn makes(path: &str, asker: &Asker, release: &Release, made: &Object) -> Finding {
    let message = format!(
        "the chart of `{}` `{}` makes the {} `{}`, and what that deploys is not followed",
        asker.kind, asker.name, made.kind, made.name
    );
    let hint = "keep such objects as files; or pipe what it deploys through `pullcred generate -`";
    let finding = finding(Code::ChartUnknown, path, asker, message, hint);
    Finding { object: Some(object_of(asker, release)), ..finding }
}

/// That what a chart names is not known, and neither is who deploys it.
pub(super) fn unclear(path: &str, asker: &Asker) -> Finding {
    let message = format!("of the charts that the chart `{}` names not all are known", asker.name);
    finding(
        Code::ChartUnknown,
        path,
        asker,
        message,
        "`helm dependency build` it, or `pullcred learn` what it names",
    )
}

/// That a chart whose values may come from elsewhere does not render with those that are here.
pub(super) fn unfinished(path: &str, asker: &Asker, release: &Release, reason: &str) -> Finding {
    let chart = if asker.is_made {
        format!("of `{}` `{}`", asker.kind, asker.name)
    } else {
        format!("`{}`", asker.name)
    };
    let message = format!(
        "what the chart {chart} deploys is not known: with the values that are here it does not render: {reason}"
    );
    let hint = "keep what deploys it, or the values that it gets, in the repository, too";
    let finding = finding(Code::ChartUnknown, path, asker, message, hint);
    Finding { object: Some(object_of(asker, release)), ..finding }
}

/// That a chart does not render.
pub(super) fn fails(path: &str, asker: &Asker, release: &Release, reason: &str) -> Finding {
    let message =
        format!("the chart of `{}` `{}` does not render with its values: {reason}", asker.kind, asker.name);
    let finding = finding(Code::ChartFails, path, asker, message, "`pullcred generate CHART` shows more");
    Finding { object: Some(object_of(asker, release)), ..finding }
}
