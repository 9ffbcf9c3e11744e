//! The repository as builds see it: its kustomizations by folder, what an entry of `resources` leads to, and the
//! content of files that only a build can ask for. Of what it has read it keeps a bounded part, so that memory does not
//! grow with the tree. Builds on several threads share it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::documents::documents;
use super::patch::is_object;
use super::value::Value;
use crate::kustomization::{self, FILE_NAMES, Kustomization};

/// Gives the bytes of a file, by its path relative to the repository's root with `/`; none when there is no such
/// file.
pub type Load<'a> = &'a (dyn Fn(&str) -> Option<Vec<u8>> + Sync);

/// A file of the repository that is known before any build.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Path relative to the repository's root, with `/`.
    pub path: &'a str,
    /// Its fields, if it is a kustomization.
    pub kustomization: Option<&'a Kustomization>,
}

/// An object of a file, as far as somebody who has read it before remembers it.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// Position among the documents of the file.
    pub document: usize,
    /// The way through `items` of Lists, outermost first.
    pub items: Vec<usize>,
    /// The object, or what is known of it.
    pub tree: Value,
    /// Whether there may be more in the object than in `tree`.
    pub partial: bool,
}

/// Gives what is remembered of a file, by its index: most builds can be followed on that, so that no file is read twice. None
/// where that does not suffice and the build has to read the file.
pub type Sketches<'a> = &'a (dyn Fn(usize) -> Option<Vec<Sketch>> + Sync);

/// Gives the objects of a chart that a kustomization, by its path, names at a line, as an entry says it; none where nobody knows them.
pub type Charts<'a> = &'a (dyn Fn(&str, usize, &Value) -> Option<Arc<Vec<Value>>> + Sync);

/// A kustomization and where it lies.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// Its file, or the file of what generates it.
    pub file: Arc<str>,
    /// Its folder, empty for the repository's root.
    pub folder: Arc<str>,
    /// Its fields.
    pub fields: Fields<'a>,
}

/// Fields of a kustomization: scanned, or made while building.
#[derive(Clone, Debug)]
pub enum Fields<'a> {
    /// Scanned.
    Scanned(&'a Kustomization),
    /// Made.
    Made(Arc<Kustomization>),
}

impl std::ops::Deref for Fields<'_> {
    type Target = Kustomization;

    fn deref(&self) -> &Kustomization {
        match self {
            Self::Scanned(fields) => fields,
            Self::Made(fields) => fields,
        }
    }
}

/// Why a path of a kustomization leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

/// What an entry of `resources` or `components` leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file, by its path.
    File(String),
    /// A kustomization, by its index.
    Folder(usize),
    /// Something outside of the repository, known only online.
    Remote,
}

type Documents = Result<Arc<Vec<Value>>, String>;
type Folders = HashMap<Arc<str>, Vec<usize>>;

/// Bytes of text of which the trees are kept for the next build that asks for them.
const MAX_KEPT: usize = 1 << 20;

/// Trees of files that were read.
#[derive(Default)]
struct Kept {
    trees: HashMap<String, Documents>,
    bytes: usize,
}

/// What builds read from.
pub struct Repository<'a> {
    load: Load<'a>,
    sketches: Sketches<'a>,
    charts: Charts<'a>,
    by_path: HashMap<&'a str, usize>,
    known: RwLock<Vec<Known<'a>>>,
    /// Kustomizations of a folder, more than one being an error.
    folders: RwLock<Folders>,
    kept: Mutex<Kept>,
}

impl<'a> Repository<'a> {
    /// Indexes the files that are known.
    pub fn new(files: &[File<'a>], sketches: Sketches<'a>, load: Load<'a>) -> Self {
        let repository = Self {
            load,
            sketches,
            charts: &|_, _, _| None,
            by_path: files.iter().enumerate().map(|(at, file)| (file.path, at)).collect(),
            known: RwLock::default(),
            folders: RwLock::default(),
            kept: Mutex::default(),
        };
        for file in files {
            if let Some(fields) = file.kustomization {
                repository.enter(file.path, Fields::Scanned(fields));
            }
        }
        repository
    }

    /// The same with charts that somebody renders; without them their objects are unknown.
    pub fn with_charts(self, charts: Charts<'a>) -> Self {
        Self { charts, ..self }
    }

    /// The objects of a chart that a kustomization names at a line.
    pub fn chart(&self, file: &str, line: usize, entry: &Value) -> Option<Arc<Vec<Value>>> {
        (self.charts)(file, line, entry)
    }

    fn enter(&self, path: &str, fields: Fields<'a>) -> usize {
        let folder: Arc<str> = Arc::from(folder(path));
        let at = self.add(Known { file: Arc::from(path), folder: Arc::clone(&folder), fields });
        write(&self.folders).entry(folder).or_default().push(at);
        at
    }

    /// Adds a kustomization that no folder has: what Flux or Argo CD make of one.
    pub fn add(&self, known: Known<'a>) -> usize {
        let mut all = write(&self.known);
        all.push(known);
        all.len() - 1
    }

    /// How many kustomizations are known by now.
    pub fn len(&self) -> usize {
        read(&self.known).len()
    }

    /// Whether there is no kustomization.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A kustomization.
    pub fn get(&self, at: usize) -> Known<'a> {
        read(&self.known)[at].clone()
    }

    /// The index of a scanned file.
    pub fn file(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// What is remembered of a file, by its index; none when it has to be read.
    pub fn sketches(&self, file: usize) -> Option<Vec<Sketch>> {
        (self.sketches)(file)
    }

    /// The kustomization of a folder; kustomize refuses a folder with several.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub fn folder(&self, folder: &str) -> Result<usize, Dead> {
        if !self.has_kustomization(folder) {
            self.discover(folder);
        }
        let folders = read(&self.folders);
        match folders.get(folder).map_or(&[][..], Vec::as_slice) {
            [only] => Ok(*only),
            [] => Err(Dead {
                message: format!("there is no file or kustomization at `{}`", shown(folder)),
                hint: "mend the path, or commit what is missing",
            }),
            several => {
                let known = read(&self.known);
                let names: Vec<&str> = several.iter().map(|&at| &*known[at].file).collect();
                Err(Dead {
                    message: format!("a folder has one kustomization, not `{}`", names.join("`, `")),
                    hint: "keep one of them",
                })
            }
        }
    }

    /// Enters the kustomization of a folder that was not scanned, but that a build would find: excluded paths, links.
    fn discover(&self, folder: &str) {
        let found: Vec<_> = FILE_NAMES
            .iter()
            .filter_map(|name| {
                let path = join(folder, name)?;
                let text = String::from_utf8((self.load)(&path)?).ok()?;
                Some((path, Fields::Made(Arc::new(kustomization::read(&text)))))
            })
            .collect();
        let mut folders = write(&self.folders);
        // Another thread may have been faster.
        if !folders.contains_key(folder) && !found.is_empty() {
            let folder: Arc<str> = Arc::from(folder);
            let enter = |(path, fields): (String, _)| {
                self.add(Known { file: Arc::from(path), folder: Arc::clone(&folder), fields })
            };
            let entered = found.into_iter().map(enter).collect();
            folders.insert(folder, entered);
        }
    }

    /// Whether a folder that was scanned has a kustomization.
    pub fn has_kustomization(&self, folder: &str) -> bool {
        read(&self.folders).contains_key(folder)
    }

    /// What an entry leads to, seen from a folder.
    ///
    /// # Errors
    /// It leads nowhere.
    pub fn resolve(&self, from: &str, entry: &str) -> Result<Target, Dead> {
        let path = self.path(from, entry);
        if let Ok(path) = &path {
            if self.has_kustomization(path) {
                return self.folder(path).map(Target::Folder);
            }
            if self.by_path.contains_key(path.as_str()) {
                return Ok(Target::File(path.clone()));
            }
        }
        if is_remote(entry) {
            return Ok(Target::Remote);
        }
        let path = path?;
        if (self.load)(&path).is_some() {
            return Ok(Target::File(path));
        }
        self.folder(&path).map(Target::Folder)
    }

    /// The path of an entry, seen from a folder.
    ///
    /// # Errors
    /// It is absolute or leaves the repository.
    pub fn path(&self, from: &str, entry: &str) -> Result<String, Dead> {
        if entry.starts_with('/') {
            let message = format!("`{entry}` is an absolute path");
            return Err(Dead { message, hint: "name it from the folder of the kustomization" });
        }
        join(from, entry).ok_or_else(|| Dead {
            message: format!("`{entry}` leaves the repository"),
            hint: "a build of this repository alone cannot have it",
        })
    }

    /// The kustomizations that one includes directly, once for each time.
    pub fn included(&self, at: usize) -> Vec<usize> {
        let known = self.get(at);
        let fields = &known.fields;
        let lists = [&fields.resources, &fields.components, &fields.generators, &fields.transformers];
        let targets = lists.into_iter().flatten().map(|entry| self.resolve(&known.folder, &entry.value));
        targets
            .filter_map(|target| if let Ok(Target::Folder(at)) = target { Some(at) } else { None })
            .collect()
    }

    /// The bytes of a file.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        (self.load)(path)
    }

    /// The documents of a file.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn documents(&self, path: &str) -> Documents {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept().trees.get(path) {
            return known.clone();
        }
        let (bytes, found) = match (self.load)(path).map(String::from_utf8) {
            None => (0, Err("the file is not there".to_owned())),
            Some(Err(_)) => (0, Err("the file is not valid UTF-8".to_owned())),
            Some(Ok(text)) => (text.len(), documents(&text).map(Arc::new)),
        };
        if bytes <= MAX_KEPT {
            let mut kept = kept();
            if kept.bytes + bytes > MAX_KEPT {
                *kept = Kept::default();
            }
            kept.bytes += bytes;
            kept.trees.insert(path.to_owned(), found.clone());
        }
        found
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// An object of a file as kustomize reads it: the document, and the items on the way to it through Lists.
pub struct Found {
    /// Position among the documents of the file.
    pub document: usize,
    /// Indexes into `items`, outermost first.
    pub items: Vec<usize>,
    /// The object.
    pub object: Value,
}

/// The objects of a file's documents; Lists are taken apart.
///
/// # Errors
/// A document that is no object.
pub fn objects(documents: &[Value]) -> Result<Vec<Found>, String> {
    let mut result = Vec::new();
    let mut waiting: std::collections::VecDeque<Found> = documents
        .iter()
        .enumerate()
        .filter(|(_, document)| !document.is_empty())
        .map(|(document, object)| Found { document, items: Vec::new(), object: object.clone() })
        .collect();
    while let Some(found) = waiting.pop_front() {
        if !is_object(&found.object) {
            return Err("a document is no object with a kind and a name".to_owned());
        }
        let is_list = found.object.str_at("kind").is_some_and(|kind| kind.ends_with("List"));
        match found.object.get("items").filter(|_| is_list) {
            None => result.push(found),
            Some(Value::List(items)) => {
                for (at, item) in items.iter().enumerate().filter(|(_, item)| !item.is_empty()) {
                    let path = found.items.iter().copied().chain([at]).collect();
                    waiting.push_back(Found { document: found.document, items: path, object: item.clone() });
                }
            }
            Some(Value::Null) => {}
            Some(_) => return Err("the `items` of a List are no list".to_owned()),
        }
    }
    Ok(result)
}

/// The folder of a path, empty for the repository's root.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folders that a path lies in, innermost first; the last one is the repository's root, which is empty.
pub fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder(path)), |inner| (!inner.is_empty()).then(|| folder(inner)))
}

/// `entry` seen from `from`, without `.` and `..`; none when it leaves the repository.
pub fn join(from: &str, entry: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in entry.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether `folder` is `inner` or above it.
pub fn contains(folder: &str, inner: &str) -> bool {
    folder.is_empty()
        || inner == folder
        || inner.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

/// Whether kustomize would fetch an entry: a URL, or what Git and kustomize take for one.
pub fn is_remote(entry: &str) -> bool {
    let lower = entry.to_ascii_lowercase();
    let lower = lower.strip_prefix("git::").unwrap_or(&lower);
    if ["https://", "http://", "ssh://", "file://", "github.com/", "github.com:"]
        .iter()
        .any(|mark| lower.starts_with(mark))
    {
        return true;
    }
    // `user@host:path`
    let user = |user: &str| {
        user.starts_with(|c: char| c.is_ascii_alphabetic())
            && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    lower.split_once('@').is_some_and(|(name, rest)| user(name) && rest.contains([':', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_and_cannot_leave() {
        assert_eq!(join("a/b", "../c/./d"), Some("a/c/d".to_owned()));
        assert_eq!(join("", "./x/"), Some("x".to_owned()));
        assert_eq!(join("a", "../.."), None);
        assert!(contains("a", "a/b") && contains("", "a") && !contains("a", "ab"));
    }

    #[test]
    fn remote_entries() {
        for yes in [
            "https://example.com/a.yaml",
            "github.com/org/repo//path?ref=v1",
            "git@github.com:org/repo",
            "git::https://example.com/org/repo.git",
            "ssh://git@host/org/repo",
        ] {
            assert!(is_remote(yes), "{yes}");
        }
        for no in ["../base", "base", "a@b", "./github.com/x", "a/b?ref=x"] {
            assert!(!is_remote(no), "{no}");
        }
    }

    #[test]
    fn entries_lead_to_files_folders_or_nowhere() {
        let fields = kustomization::read("resources: [web.yaml]\n");
        let file = |path, kustomization| File { path, kustomization };
        let files = [
            file("base/kustomization.yaml", Some(&fields)),
            file("base/web.yaml", None),
            file("two/Kustomization", Some(&fields)),
            file("two/kustomization.yml", Some(&fields)),
        ];
        let load = |path: &str| match path {
            "notes" => Some(Vec::new()),
            "late/kustomization.yaml" => Some(b"namespace: x\n".to_vec()),
            _ => None,
        };
        let repository = Repository::new(&files, &|_| None, &load);
        assert_eq!(repository.resolve("over", "../base"), Ok(Target::Folder(0)));
        assert_eq!(repository.resolve("base", "web.yaml"), Ok(Target::File("base/web.yaml".to_owned())));
        assert_eq!(repository.resolve("base", "../notes"), Ok(Target::File("notes".to_owned())));
        assert_eq!(repository.resolve("base", "../late/"), Ok(Target::Folder(3)));
        assert_eq!(repository.resolve("base", "https://a/b"), Ok(Target::Remote));
        for (entry, message) in [
            ("../two", "a folder has one kustomization, not `two/Kustomization`, `two/kustomization.yml`"),
            ("../none", "there is no file or kustomization at `none`"),
            ("../../x", "`../../x` leaves the repository"),
            ("/etc/passwd", "`/etc/passwd` is an absolute path"),
        ] {
            assert_eq!(repository.resolve("base", entry).unwrap_err().message, message);
        }
    }

    #[test]
    fn lists_are_taken_apart() {
        let text = "kind: List\nitems:\n- {kind: A, metadata: {name: a}}\n- {kind: PodList, items: [{kind: Pod, metadata: {name: p}}]}\n---\n---\nkind: B\nmetadata: {name: b}\n";
        let found = objects(&documents(text).unwrap()).unwrap();
        let seen: Vec<_> = found
            .iter()
            .map(|f| (f.object.str_at("kind").unwrap(), f.document, f.items.as_slice()))
            .collect();
        assert_eq!(seen, [("B", 2, &[][..]), ("A", 0, &[0]), ("Pod", 0, &[1, 0])]);
        assert!(objects(&documents("kind: A\n").unwrap()).is_err());
    }
}
