//! What a Git repository says of itself to those who fetch it: where it comes from, and what Flux leaves out of what it fetches.

use std::fs;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::index::clone_folder;

/// Flux leaves these out where an object says nothing else. [fluxcd/pkg/sourceignore]
const DEFAULTS: [&str; 5] = [
    ".git/\n.gitignore\n.gitmodules\n.gitattributes",
    "*.jpg\n*.jpeg\n*.gif\n*.png\n*.wmv\n*.flv\n*.tar.gz\n*.zip",
    ".github/\n.circleci/\n.travis.yml\n.gitlab-ci.yml\nappveyor.yml\n.drone.yml\ncloudbuild.yaml",
    "codeship-services.yml\ncodeship-steps.yml",
    "**/.goreleaser.yml\n**/.sops.yaml\n**/.flux.yaml",
];

/// The URLs of the remotes of the repository at `root`; none without Git.
pub fn remotes(root: &Path) -> Vec<String> {
    let text = clone_folder(root).and_then(|folder| fs::read_to_string(folder.join("config")).ok());
    let mut is_remote = false;
    let mut urls = Vec::new();
    for line in text.as_deref().unwrap_or_default().lines().map(str::trim) {
        if line.starts_with('[') {
            is_remote = line.starts_with("[remote ");
        } else if let Some(("url", url)) = line.split_once('=').map(|(key, url)| (key.trim(), url.trim())) {
            urls.extend(is_remote.then(|| url.to_owned()));
        }
    }
    urls
}

/// What `.sourceignore` files keep out of what Flux fetches.
pub struct SourceIgnore(Vec<(String, Gitignore)>);

impl SourceIgnore {
    /// Reads the `.sourceignore` of each folder (by its path relative to `root`), and what is left out everywhere; `own` are the rules of
    /// the GitRepository itself, which go over all others. [fluxcd/source-controller, gitrepository_controller.go]
    pub fn read<'f>(root: &Path, folders: impl Iterator<Item = &'f str>, own: &str) -> Self {
        let defaults = DEFAULTS.join("\n");
        let mut all: Vec<(String, Gitignore)> =
            built(&defaults).map(|rules| (String::new(), rules)).into_iter().collect();
        for folder in folders {
            let text = fs::read_to_string(root.join(folder).join(".sourceignore")).ok();
            all.extend(text.and_then(|text| Some((folder.to_owned(), built(&text)?))));
        }
        all.extend(built(own).map(|rules| (String::new(), rules)));
        Self(all)
    }

    /// Whether a file, by its path relative to the root, is left out. The innermost rule that speaks of it decides.
    pub fn leaves_out(&self, path: &str) -> bool {
        let mut left_out = false;
        for (folder, rules) in &self.0 {
            let inner = match folder.as_str() {
                "" => Some(path),
                folder => path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
            };
            match inner.map(|inner| rules.matched_path_or_any_parents(inner, false)) {
                Some(Match::Ignore(_)) => left_out = true,
                Some(Match::Whitelist(_)) => left_out = false,
                Some(Match::None) | None => {}
            }
        }
        left_out
    }
}

fn built(text: &str) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new("");
    for line in text.lines() {
        // A line that nobody can read leaves nothing out.
        let _ = builder.add_line(None, line);
    }
    builder.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_those_of_the_configuration() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(remotes(root.path()), [""; 0]);
        fs::create_dir(root.path().join(".git")).unwrap();
        let text = "[core]\n\turl = no\n[remote \"origin\"]\n\turl = git@example.com:a/b.git\n\tfetch = x\n";
        fs::write(root.path().join(".git/config"), text).unwrap();
        assert_eq!(remotes(root.path()), ["git@example.com:a/b.git"]);
    }

    #[test]
    fn what_flux_leaves_out() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("apps")).unwrap();
        fs::write(root.path().join(".sourceignore"), "/apps/old/\n*.example.yaml\n").unwrap();
        fs::write(root.path().join("apps/.sourceignore"), "!keep.example.yaml\n").unwrap();
        let ignore = SourceIgnore::read(root.path(), ["", "apps"].into_iter(), "/apps/own\n!/apps/old/\n");
        assert!(ignore.leaves_out("apps/own/d.yaml") && !ignore.leaves_out("apps/old/d.yaml"));
        let ignore = SourceIgnore::read(root.path(), ["", "apps"].into_iter(), "");
        for (path, left_out) in [
            ("apps/old/d.yaml", true),
            ("old/d.yaml", false),
            ("apps/x.example.yaml", true),
            ("apps/keep.example.yaml", false),
            (".github/workflows/ci.yaml", true),
            ("apps/.sops.yaml", true),
            ("apps/d.yaml", false),
        ] {
            assert_eq!(ignore.leaves_out(path), left_out, "{path}");
        }
    }
}
