//! What builds have to say: places that a user should know of, as plain data.

use std::collections::HashMap;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Something that exists only online takes part in a build.
    RemoteBaseUnknown,
    /// A Helm chart, a function or a generator that no one can follow offline takes part.
    Unknowable,
    /// A Helm chart is deployed that nobody has rendered.
    ChartUnknown,
    /// `kustomize build` fails: nothing of it is deployed.
    BuildFails,
    /// `kustomize build` refuses it unless its load restriction is lifted, as Flux does.
    LoadRestricted,
}

/// A place and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notice {
    /// File, relative to the repository's root.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What it is about.
    pub code: Code,
    /// What is the matter.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Notices, each once: one place may be built several times.
#[derive(Debug, Default)]
pub struct Notices {
    list: Vec<Notice>,
    places: HashMap<Notice, usize>,
}

impl Notices {
    /// All of them, as they came.
    pub fn list(&self) -> &[Notice] {
        &self.list
    }

    /// Adds one unless it is there; its index.
    pub fn add(&mut self, notice: Notice) -> usize {
        if let Some(&at) = self.places.get(&notice) {
            return at;
        }
        self.places.insert(notice.clone(), self.list.len());
        self.list.push(notice);
        self.list.len() - 1
    }
}
