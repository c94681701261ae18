//! Reading: from the index that a scan left to the observation that a state is computed from.
//!
//! Anchors are parsed here, those alone that the observation before does not have. What is the same as in that one is
//! shared with it, so that whoever compares the two looks at the difference only. What any of it means is
//! `packer-domain`'s.

use std::sync::Arc;

use packer_domain::anchor::{ParsedAnchor, parse_anchor};
use packer_domain::config::ProjectConfig;
use packer_domain::diagnostic::Diagnostic;
use packer_domain::kind::KindCatalog;
use packer_domain::observation::{FileFact, Observation};
use packer_domain::path::AssetPath;
use packer_domain::workspace::WorkspaceState;
use packer_fs::index::{FileRole, IndexEntry, StatIndex};
use rayon::prelude::*;

/// What an observation is made of.
pub(crate) struct Reading<'a> {
    pub config: &'a ProjectConfig,
    pub kinds: &'a KindCatalog,
    pub index: &'a StatIndex,
    /// The state before, of the same assets root.
    pub previous: Option<&'a WorkspaceState>,
    pub problems: Vec<Diagnostic>,
    pub ignored: u64,
}

/// One file, as an observation keeps it.
struct Seen {
    path: AssetPath,
    fact: FileFact,
    anchor: Option<Arc<ParsedAnchor>>,
}

/// The files of a folder that differ from the observation before, and how many of those that are there it had.
#[derive(Default)]
struct Differing {
    seen: Vec<Seen>,
    known: usize,
}

impl Reading<'_> {
    pub(crate) fn observation(self, pool: &rayon::ThreadPool) -> Observation {
        match self.previous.map(WorkspaceState::observation) {
            Some(previous) if !previous.files.is_empty() => self.after(previous, pool),
            Some(_) | None => self.anew(pool),
        }
    }

    fn anew(self, pool: &rayon::ThreadPool) -> Observation {
        let span = tracing::Span::current();
        let seen: Vec<Seen> = pool.install(|| {
            let folders = (0..self.index.folder_count()).into_par_iter();
            let see = |(path, entry): (String, IndexEntry<'_>)| span.in_scope(|| self.seen(&path, &entry));
            folders.flat_map_iter(|at| self.files(at).filter_map(see)).collect()
        });
        let folders = self.folders().filter_map(|folder| AssetPath::parse(folder).ok()).collect();
        let files = seen.iter().map(|seen| (seen.path.clone(), seen.fact)).collect();
        let anchors = seen.into_iter().filter_map(|seen| Some((seen.path, seen.anchor?))).collect();
        Observation::new(files, folders, anchors, self.problems, self.ignored)
    }

    /// The same, made from `previous` by what differs.
    fn after(self, previous: &Observation, pool: &rayon::ThreadPool) -> Observation {
        let span = tracing::Span::current();
        let differing = pool.install(|| {
            let folders = (0..self.index.folder_count()).into_par_iter();
            folders.map(|at| span.in_scope(|| self.differing(at, previous))).reduce(
                Differing::default,
                |mut all, more| {
                    all.seen.extend(more.seen);
                    all.known += more.known;
                    all
                },
            )
        });
        let mut next = previous.clone();
        if differing.known < previous.files.len() {
            let is_gone =
                |path: &&AssetPath| !self.index.find(path.as_str()).is_some_and(|found| is_seen(&found));
            for gone in previous.files.keys().filter(is_gone) {
                next.files.remove(gone);
                next.anchors.remove(gone);
            }
        }
        for Seen { path, fact, anchor } in differing.seen {
            match anchor {
                Some(anchor) => next.anchors.insert(path.clone(), anchor),
                None => next.anchors.remove(&path),
            };
            next.files.insert(path, fact);
        }
        let mut known = 0;
        for folder in self.folders() {
            if previous.folders.contains(folder) {
                known += 1;
            } else if let Ok(folder) = AssetPath::parse(folder) {
                next.folders.insert(folder);
            }
        }
        if known < previous.folders.len() {
            let is_gone = |folder: &&AssetPath| self.index.find_folder(folder.as_str()).is_none();
            for gone in previous.folders.iter().filter(is_gone) {
                next.folders.remove(gone);
            }
        }
        Observation { diagnostics: self.problems, ignored: self.ignored, ..next }
    }

    fn differing(&self, at: usize, previous: &Observation) -> Differing {
        let mut differing = Differing::default();
        for (path, entry) in self.files(at) {
            let known = previous.files.get(path.as_str());
            differing.known += usize::from(known.is_some());
            if known != Some(&fact(&entry)) {
                differing.seen.extend(self.seen(&path, &entry));
            }
        }
        differing
    }

    /// The paths of all folders below the assets root.
    fn folders(&self) -> impl Iterator<Item = &str> {
        self.index.folders().skip(1).map(|folder| folder.path)
    }

    /// What an observation has of the files directly in a folder, and their paths.
    fn files(&self, at: usize) -> impl Iterator<Item = (String, IndexEntry<'_>)> {
        let folder = self.index.folder(at);
        let entries = folder.files.map(|at| self.index.entry(at)).filter(is_seen);
        entries.map(move |entry| (path_of(folder.path, entry.name), entry))
    }

    /// A scan reports a name that cannot be a path, and does not index it; a forged index may have one.
    fn seen(&self, path: &str, entry: &IndexEntry<'_>) -> Option<Seen> {
        let path = AssetPath::parse(path).ok()?;
        let text = entry.content.filter(|_| entry.role == FileRole::Anchor);
        let anchor = text.map(|text| self.parsed(&path, text, entry));
        Some(Seen { path, fact: fact(entry), anchor })
    }

    fn parsed(&self, path: &AssetPath, text: &[u8], entry: &IndexEntry<'_>) -> Arc<ParsedAnchor> {
        let known = self.previous.map(WorkspaceState::observation).and_then(|observation| {
            let same = observation.files.get(path).is_some_and(|fact| fact.digest == entry.digest);
            if same { observation.anchors.get(path) } else { None }
        });
        if let Some(parsed) = known {
            return Arc::clone(parsed);
        }
        let file = format!("{}/{path}", self.config.assets);
        Arc::new(parse_anchor(text, path, &file, self.kinds))
    }
}

fn is_seen(entry: &IndexEntry<'_>) -> bool {
    entry.role != FileRole::IgnoreFile
}

fn fact(entry: &IndexEntry<'_>) -> FileFact {
    FileFact { size: entry.stat.size, digest: entry.digest }
}

/// The path of what stands in a folder.
pub(crate) fn path_of(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
