//! Who asks for a chart, and where what it asks for goes.

use std::sync::Arc;

use super::render::Finished;
use crate::deliveries::delivery::DeliveryAt;
use crate::deliveries::graph::Deployment;
use crate::deliveries::releases::Release;
use crate::objects::read::SkipReason;
use crate::plan::File;
use crate::plan::finding::ObjectRef;
use lossless_yaml::path::Path;
use lossless_yaml::span::Position;

/// The object that asks for a chart.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    /// Its file.
    pub(super) file: usize,
    /// Position among the documents of the file.
    pub(super) document: usize,
    /// Where it lies there.
    pub(super) path: Path,
    /// Where it starts.
    pub(super) position: Position,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    /// Where the template of what is deployed lies in it: of an ApplicationSet.
    pub(super) template: Path,
    /// Whether a chart makes it, so that nothing is written into it.
    pub(super) is_made: bool,
    /// Whether nothing here tells that it is deployed, or with which values.
    pub(super) is_guess: bool,
    /// Whether it is asked only for what it makes that deploys more.
    pub(super) is_for_others: bool,
    /// What a notice on its chart is about.
    pub(super) about: About,
}

impl Asker {
    /// One that is written as it is, at the top of a file, by its `apiVersion`, kind and name.
    pub(super) fn new(file: usize, [api_version, kind, name]: [String; 3], position: Position) -> Self {
        Self {
            file,
            document: 0,
            path: Path::default(),
            position,
            api_version,
            kind,
            name,
            template: Path::default(),
            is_made: false,
            is_guess: false,
            is_for_others: false,
            about: About::Here,
        }
    }
}

/// What a notice on a chart is about.
#[derive(Clone, Debug)]
pub(super) enum About {
    /// The line on which who asks starts.
    Here,
    /// An entry of a kustomization, by its file and line.
    Entry(String, usize),
    /// A delivery object.
    Object(DeliveryAt),
}

/// A release in one deployment.
pub(super) struct Use {
    pub(super) asker: usize,
    pub(super) release: Release,
    /// None for what nothing deploys: it counts as it is written.
    pub(super) deployment: Option<Deployment>,
    /// What the build that takes the chart in makes of its pods, if one does.
    pub(super) built: Option<Arc<Finished>>,
}

/// Whether what a file says can be taken as it is.
pub(super) fn is_read(file: &File) -> bool {
    let passed_over = |reason| matches!(reason, SkipReason::Template | SkipReason::OptOut);
    file.facts.as_ref().is_ok_and(|facts| {
        facts.errors.is_empty() && !facts.skips.iter().any(|skip| passed_over(skip.reason))
    })
}

/// What findings call a release.
pub(super) fn object_of(asker: &Asker, release: &Release) -> ObjectRef {
    ObjectRef {
        api_version: asker.api_version.clone(),
        kind: asker.kind.clone(),
        name: asker.name.clone(),
        namespace: release.namespace.clone(),
    }
}
