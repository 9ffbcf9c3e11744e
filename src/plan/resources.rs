//! The `resources:` of the kustomizations next to Secrets: which one lists a file, and how it comes to list others.
//!
//! Pure. Lossless as every edit: the new text is proved by the second parser. A kustomization is never made, and one that
//! would move a Secret to another namespace never lists it.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Code, Finding};
use lossless_yaml::edit;
use lossless_yaml::insert::{Form, KeyPlace, Slot};
use lossless_yaml::layout::first_dash_distance;
use lossless_yaml::parse::{Node, parse};
use lossless_yaml::path::Path;
use lossless_yaml::remove;
use lossless_yaml::span::{Position, Span};
use lossless_yaml::verify::{Intent, Removal, verify, verify_removal};
use offline_kustomize::repository;

/// The names that a kustomization can have.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const RESOURCES: &str = "resources";
const FILES: &str = "files";
const FORM: Form = Form { list: true, key: None };

/// A kustomization, as far as Secrets next to it go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kustomization {
    /// Path of the file, relative to the repository's root.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The field that lists files: `resources`, or `files` of a ksops generator.
    pub key: &'static str,
    /// The folder that its entries begin at, without a slash at the end.
    folder: String,
    /// What the field lists, as written.
    pub resources: Vec<String>,
    /// `namespace`, which everything listed is moved to.
    pub namespace: Option<String>,
}

impl Kustomization {
    /// Reads one. None for text that is no mapping, which no tool takes for a kustomization.
    pub fn read(path: &str, text: String) -> Option<Self> {
        let (resources, namespace) = {
            let documents = parse(&text, Span::new(0, text.len())).ok()?;
            let root = documents.first()?.root().filter(|root| root.is_mapping())?;
            let namespace = root.str_at("namespace").filter(|name| !name.is_empty()).map(str::to_owned);
            (entries(root, RESOURCES), namespace)
        };
        let folder = repository::folder(path).to_owned();
        Some(Self { path: path.to_owned(), text, key: RESOURCES, folder, resources, namespace })
    }

    /// The files, as written, that it names as generators.
    pub fn generators(&self) -> Vec<String> {
        let documents = parse(&self.text, Span::new(0, self.text.len())).unwrap_or_default();
        let root = documents.first().and_then(|document| document.root());
        let all = root.map_or_else(Vec::new, |root| entries(root, "generators"));
        all.into_iter().filter(|entry| !entry.contains(['\n', '{'])).collect()
    }

    /// The ksops generator in a file that this kustomization names: what opens encrypted Secrets where nothing else does, so that
    /// they are listed there. None for any other generator.
    pub fn ksops(&self, path: &str, text: String) -> Option<Self> {
        let resources = {
            let documents = parse(&text, Span::new(0, text.len())).ok()?;
            let [document] = &documents[..] else { return None };
            let root = document.root().filter(|root| root.str_at("kind") == Some("ksops"))?;
            root.str_at("apiVersion").filter(|version| version.starts_with("viaduct.ai/"))?;
            entries(root, FILES)
        };
        Some(Self { path: path.to_owned(), text, key: FILES, resources, ..self.clone() })
    }

    /// The folder that its entries begin at, without a slash at the end.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// A path relative to the repository's root as an entry of this kustomization; none when it is not below its folder.
    pub fn entry<'p>(&self, path: &'p str) -> Option<&'p str> {
        match self.folder() {
            "" => Some(path),
            folder => path.strip_prefix(folder)?.strip_prefix('/'),
        }
    }

    /// Whether a file, by its path relative to the repository's root, is listed.
    pub fn lists(&self, path: &str) -> bool {
        let entry = self.entry(path);
        self.resources.iter().any(|resource| Some(plain(resource)) == entry)
    }

    /// The text that lists `add` besides what it lists now, without `gone`; both relative to the repository's root.
    ///
    /// # Errors
    /// Why it cannot be edited with certainty.
    pub fn edited(&self, add: &[&str], gone: &[&str]) -> Result<String, String> {
        let gone: Vec<&str> = gone.iter().filter_map(|path| self.entry(path)).collect();
        let text = without(&self.text, self.key, &gone)?;
        let new = add.iter().filter(|path| !self.lists(path)).filter_map(|path| self.entry(path));
        // Entries look as those beside them.
        let is_dotted =
            !self.resources.is_empty() && self.resources.iter().all(|entry| entry.starts_with("./"));
        let mut add: Vec<String> =
            new.map(|entry| if is_dotted { format!("./{entry}") } else { entry.to_owned() }).collect();
        add.sort_unstable();
        add.dedup();
        if add.is_empty() { Ok(text) } else { with(&text, self.key, &add) }
    }
}

/// A file that a kustomization should list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path, relative to the repository's root.
    pub path: String,
    /// The namespace that its object has to stay in.
    pub namespace: String,
    /// The highest folder to look for a kustomization in.
    pub highest: String,
    /// Whether the file is there now; of one to come nobody misses the entry yet.
    pub is_there: bool,
}

/// A kustomization that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// Path of the file, relative to the repository's root.
    pub path: String,
    /// Its text now.
    pub before: String,
    /// Its text then.
    pub after: String,
    /// The field that changes.
    pub key: &'static str,
}

/// Changes of kustomizations and what is to be said of them.
#[derive(Debug, Default)]
pub struct Listing {
    /// The kustomizations that change.
    pub edits: Vec<Edited>,
    /// What the changes answer.
    pub answered: Vec<Finding>,
    /// What remains.
    pub findings: Vec<Finding>,
}

/// The folders to look for a kustomization in, nearest first: from a file's folder up to `highest`.
pub fn folders<'p>(path: &'p str, highest: &str) -> Vec<&'p str> {
    repository::folders(path).take_while(|folder| repository::contains(highest, folder)).collect()
}

/// Plans that every file of `listed` is an entry of the nearest kustomization (by folder) and none of `gone` is one anywhere.
pub fn plan(kustomizations: &BTreeMap<String, Kustomization>, listed: &[Listed], gone: &[String]) -> Listing {
    let mut listing = Listing::default();
    let mut changes: BTreeMap<&str, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for file in listed {
        let nearest = folders(&file.path, &file.highest)
            .into_iter()
            .find_map(|folder| kustomizations.get_key_value(folder));
        let Some((folder, kustomization)) = nearest else { continue };
        if let Some(other) = kustomization.namespace.as_ref().filter(|name| **name != file.namespace) {
            let message = format!(
                "`{}` sets namespace `{other}` and cannot list a Secret of `{}`",
                kustomization.path, file.namespace
            );
            let hint = "keep the Secrets in a folder with a kustomization of its own, and list that folder elsewhere";
            listing.findings.push(unlisted(&file.path, message, hint));
        } else if !kustomization.lists(&file.path) {
            changes.entry(folder).or_default().0.push(&file.path);
            if file.is_there {
                let message = format!("`{}` does not list it", kustomization.path);
                listing.answered.push(unlisted(&file.path, message, "`pullcred sync` adds the entry"));
            }
        }
    }
    for path in gone {
        let lists = |folder: &&str| {
            kustomizations.get(*folder).is_some_and(|kustomization| kustomization.lists(path))
        };
        for folder in folders(path, "").into_iter().filter(lists) {
            changes.entry(folder).or_default().1.push(path);
        }
    }
    for (folder, (add, gone)) in changes {
        let kustomization = &kustomizations[folder];
        match kustomization.edited(&add, &gone) {
            Ok(after) if after == kustomization.text => {}
            Ok(after) => {
                let (path, before) = (kustomization.path.clone(), kustomization.text.clone());
                listing.edits.push(Edited { path, before, after, key: kustomization.key });
            }
            Err(reason) => {
                let affected: BTreeSet<&str> =
                    add.iter().chain(&gone).filter_map(|path| kustomization.entry(path)).collect();
                let names = affected.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let message = format!("`{}` cannot be edited with certainty: {reason}", kustomization.key);
                listing.findings.push(unlisted(
                    &kustomization.path,
                    message,
                    &format!("mend the entries of {names} by hand"),
                ));
            }
        }
    }
    listing
}

fn unlisted(file: &str, message: String, hint: &str) -> Finding {
    Finding {
        code: Code::SecretUnlisted,
        severity: Code::SecretUnlisted.severity(),
        file: file.to_owned(),
        position: Position::START,
        message,
        hint: Some(hint.to_owned()),
        object: None,
    }
}

/// An entry without what does not count.
fn plain(entry: &str) -> &str {
    entry.strip_prefix("./").unwrap_or(entry)
}

/// The texts of a list of a mapping.
fn entries(root: Node<'_, '_>, key: &str) -> Vec<String> {
    let items = root.get(key).into_iter().flat_map(Node::items);
    items.filter_map(|item| item.resolved().as_str().map(str::to_owned)).collect()
}

fn without(text: &str, field: &str, gone: &[&str]) -> Result<String, String> {
    let documents = parse(text, Span::new(0, text.len())).map_err(|error| error.reason)?;
    let root = documents.first().and_then(|document| document.root());
    let found = root.and_then(|root| root.pairs().find(|(key, _)| key.as_str() == Some(field)));
    let Some((key, list)) = found else { return Ok(text.to_owned()) };
    let is_gone =
        |item: Node<'_, '_>| item.resolved().as_str().is_some_and(|entry| gone.contains(&plain(entry)));
    let indexes: Vec<usize> =
        list.items().enumerate().filter(|(_, item)| is_gone(*item)).map(|(index, _)| index).collect();
    if indexes.is_empty() {
        return Ok(text.to_owned());
    }
    let edits = remove::items(key, list, &indexes).map_err(|refusal| refusal.to_string())?;
    let after = edit::apply(text, &edits).map_err(|_| "two edits overlap".to_owned())?;
    let removal = Removal { document: 0, mapping: Path::default(), key: field.to_owned(), items: indexes };
    verify_removal(text, &after, &removal).map_err(|mismatch| mismatch.to_string())?;
    Ok(after)
}

fn with(text: &str, field: &str, add: &[String]) -> Result<String, String> {
    let documents = parse(text, Span::new(0, text.len())).map_err(|error| error.reason)?;
    let [document] = &documents[..] else { return Err("it holds more than one document".to_owned()) };
    let root = document.root().filter(|root| root.is_mapping()).ok_or("it is no mapping")?;
    let dashes = first_dash_distance(document).unwrap_or(2);
    let (_, slot) = Slot::find(root, field, FORM, KeyPlace::Last, dashes);
    let slot = slot.map_err(|refusal| format!("`{field}`: {refusal}"))?;
    let after = edit::apply(text, &slot.edits(&add.iter().map(String::as_str).collect::<Vec<_>>()))
        .map_err(|_| "two edits overlap".to_owned())?;
    let names = add.to_vec();
    let intent =
        Intent { document: 0, mapping: Path::default(), keys: vec![field.to_owned()], form: FORM, names };
    verify(text, &after, &[intent]).map_err(|mismatch| mismatch.to_string())?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Kustomization {
        Kustomization::read("clusters/prod/kustomization.yaml", text.to_owned()).unwrap()
    }

    const SHOP: &str = "clusters/prod/pull-secrets/shop/acr.sops.yaml";
    const OLD: &str = "clusters/prod/pull-secrets/old/acr.sops.yaml";

    #[test]
    fn entries_come_last_and_go_line_by_line() {
        for (text, expected) in [
            (
                "resources:\n  - ../base # x\n  - ./pull-secrets/old/acr.sops.yaml\nnamespace: a\n",
                "resources:\n  - ../base # x\n  - pull-secrets/shop/acr.sops.yaml\nnamespace: a\n",
            ),
            (
                "kind: Kustomization\n",
                "kind: Kustomization\nresources:\n  - pull-secrets/shop/acr.sops.yaml\n",
            ),
            ("resources: [a.yaml]\n", "resources: [a.yaml, pull-secrets/shop/acr.sops.yaml]\n"),
            ("resources: []\n", "resources: [pull-secrets/shop/acr.sops.yaml]\n"),
            (
                "resources:\n- \"pull-secrets/old/acr.sops.yaml\"\n",
                "resources: [pull-secrets/shop/acr.sops.yaml]\n",
            ),
        ] {
            assert_eq!(read(text).edited(&[SHOP], &[OLD]).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_listed_stays_as_it_is() {
        let text = "resources:\n- ./pull-secrets/shop/acr.sops.yaml\n";
        let kustomization = read(text);
        assert!(kustomization.lists(SHOP) && !kustomization.lists(OLD) && !kustomization.lists("other"));
        assert_eq!(kustomization.edited(&[SHOP, "elsewhere/x.yaml"], &[OLD]).as_deref(), Ok(text));
    }

    #[test]
    fn what_cannot_be_edited_is_refused() {
        for text in ["resources: x\n", "a: 1\n---\nb: 1\n", "resources:\n- a\nresources:\n- b\n"] {
            assert!(read(text).edited(&[SHOP], &[]).is_err(), "{text}");
        }
        assert_eq!(Kustomization::read("kustomization.yaml", "- a\n".to_owned()), None);
        assert_eq!(
            Kustomization::read("kustomization.yaml", "{{ x }}".to_owned()).map(|read| read.resources),
            Some(vec![])
        );
    }

    #[test]
    fn the_nearest_kustomization_up_to_one_folder_above() {
        assert_eq!(folders("a/b/c/d.yaml", "a/b"), ["a/b/c", "a/b"]);
        assert_eq!(folders("a/b/d.yaml", ""), ["a/b", "a", ""]);
        assert_eq!(folders("ab/d.yaml", "a"), [""; 0]);
        assert_eq!(folders("d.yaml", ""), [""]);
    }

    fn listed(path: &str) -> Listed {
        Listed {
            path: path.to_owned(),
            namespace: "shop".to_owned(),
            highest: "clusters/prod".to_owned(),
            is_there: true,
        }
    }

    #[test]
    fn files_are_listed_once_and_removed_wherever_they_are() {
        let inner = "clusters/prod/pull-secrets/kustomization.yaml";
        let outer = "resources:\n- pull-secrets\n- pull-secrets/old/acr.sops.yaml\n";
        let kustomizations: BTreeMap<String, Kustomization> = [
            ("clusters/prod".to_owned(), read(outer)),
            (
                "clusters/prod/pull-secrets".to_owned(),
                Kustomization::read(inner, "resources:\n- x\n".to_owned()).unwrap(),
            ),
        ]
        .into();
        let listing = plan(&kustomizations, &[listed(SHOP)], &[OLD.to_owned()]);
        let after: Vec<&str> = listing.edits.iter().map(|edit| edit.after.as_str()).collect();
        assert_eq!(after, ["resources:\n- pull-secrets\n", "resources:\n- x\n- shop/acr.sops.yaml\n"]);
        assert_eq!((listing.answered.len(), listing.findings.len()), (1, 0));
    }

    #[test]
    fn a_kustomization_that_moves_secrets_lists_none() {
        let other = [("clusters/prod".to_owned(), read("namespace: other\n"))].into();
        let listing = plan(&other, &[listed(SHOP)], &[]);
        assert_eq!((listing.edits.len(), listing.findings.len()), (0, 1));
        let same = [("clusters/prod".to_owned(), read("namespace: shop\n"))].into();
        assert_eq!(plan(&same, &[listed(SHOP)], &[]).edits.len(), 1);
        let odd = [("clusters/prod".to_owned(), read("resources: x\n"))].into();
        assert_eq!(plan(&odd, &[listed(SHOP)], &[]).findings.len(), 1);
    }

    #[test]
    fn entries_of_the_root_are_whole_paths() {
        let root = Kustomization::read("Kustomization", "namespace: shop\n".to_owned()).unwrap();
        assert_eq!(root.entry(SHOP), Some(SHOP));
        assert_eq!(root.namespace.as_deref(), Some("shop"));
    }
}
