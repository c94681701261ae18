//! Looking at what a hint named: is it as the snapshot has it?
//!
//! Contents decide, not times: a file that was touched, or saved without a change, is the same. A folder is the same if the
//! names directly in it are; what is deeper has hints of its own. What cannot be compared cheaply counts as different: it
//! is dirty until a scan says otherwise, which is never wrong.

use std::ffi::OsStr;

use packer_domain::diagnostic::Subject;
use packer_domain::identity::Digest;
use packer_domain::path::AssetPath;
use packer_domain::toml_text::MAX_TOML_BYTES;
use packer_fs::disk::{DirEntry, Disk, EntryKind};
use packer_fs::layout;
use packer_fs::registry_file::MAX_REGISTRY_BYTES;
use packer_fs::watch::Watcher;

use super::doubts::{Asked, Place};
use crate::snapshot::Snapshot;

/// Of more places than these at once, none is looked at.
const MAX_PLACES: usize = 256;

/// How much is read at the most for one round of looking.
const MAX_BYTES: u64 = 32 << 20;

/// Folders with more names than these are not compared.
const MAX_NAMES: usize = 10_000;

/// What looks.
pub(super) struct Looker<'a> {
    pub disk: &'a dyn Disk,
    pub snapshot: &'a Snapshot,
    /// Knows the ignore rules; without one, nothing is passed over.
    pub watcher: Option<&'a dyn Watcher>,
    left: u64,
}

impl<'a> Looker<'a> {
    pub(super) fn new(disk: &'a dyn Disk, snapshot: &'a Snapshot, watcher: Option<&'a dyn Watcher>) -> Self {
        Self { disk, snapshot, watcher, left: MAX_BYTES }
    }

    /// Says of each place whether it is as the snapshot has it.
    pub(super) fn look(mut self, places: Vec<Asked>) -> Vec<(Asked, bool)> {
        let too_many = places.len() > MAX_PLACES;
        let mut look = |place: &Place| !too_many && self.is_same(place);
        places
            .into_iter()
            .map(|asked| {
                let same = look(&asked.0);
                (asked, same)
            })
            .collect()
    }

    fn is_same(&mut self, place: &Place) -> bool {
        let basis = self.snapshot.basis();
        match place {
            Place::Registry => self.digest(layout::REGISTRY, MAX_REGISTRY_BYTES) == Some(basis.registry),
            Place::Configuration => self.digest(layout::CONFIG, MAX_TOML_BYTES as u64) == Some(basis.config),
            Place::Path(path) => self.is_same_path(path),
        }
    }

    fn is_same_path(&mut self, path: &AssetPath) -> bool {
        let seen = self.snapshot.state().observation();
        let Ok(stat) = self.disk.stat(self.snapshot.project_path(path).as_str().into()) else { return false };
        let (file, is_folder) = (seen.files.get(path).copied(), seen.folders.contains(path));
        match stat.map(|stat| (stat.kind, stat.size)) {
            None => file.is_none() && !is_folder && !has_children(self.snapshot, path),
            Some((EntryKind::File, size)) => file.is_some_and(|fact| {
                fact.size == size && self.digest(&self.snapshot.project_path(path), size) == Some(fact.digest)
            }),
            Some((EntryKind::Dir, _)) => is_folder && self.is_same_folder(path),
            Some((EntryKind::Symlink | EntryKind::Other, _)) => false,
        }
    }

    /// Whether the names directly in a folder are those that the snapshot has.
    fn is_same_folder(&self, folder: &AssetPath) -> bool {
        let seen = self.snapshot.state().observation();
        let Some(entries) = self.entries(Some(folder)) else { return false };
        let is_known = |entry: &DirEntry| {
            let path = entry.name.to_str().and_then(|name| folder.join(name).ok());
            path.is_some_and(|path| match entry.kind {
                EntryKind::File => seen.files.contains_key(&path),
                EntryKind::Dir => seen.folders.contains(&path),
                EntryKind::Symlink | EntryKind::Other => false,
            })
        };
        let is_in = |path: &AssetPath| path.parent().as_ref() == Some(folder);
        let files = seen.files_below(Some(folder)).filter(|(path, _)| is_in(path)).count();
        let folders = seen.folders.iter().filter(|path| is_in(path)).count();
        entries.len() == files + folders && entries.iter().all(is_known)
    }

    /// Whether the assets root holds those names that are no asset paths which the snapshot knows of. All others have hints
    /// of their own.
    pub(super) fn is_same_root(&self) -> bool {
        let Some(entries) = self.entries(None) else { return false };
        let is_path = |name: &OsStr| name.to_str().is_some_and(|name| AssetPath::parse(name).is_ok());
        let unnamed = entries.iter().filter(|entry| !is_path(&entry.name)).count();
        let is_in_root = |subject: &Subject| match subject {
            Subject::Unrepresentable(path) => !path.contains('/'),
            Subject::Project | Subject::Asset(_) | Subject::Path(_) => false,
        };
        let known = &self.snapshot.state().observation().diagnostics;
        unnamed == known.iter().filter(|diagnostic| is_in_root(&diagnostic.subject)).count()
    }

    /// What stands directly in a folder and is not passed over, unless that cannot be read, or is very much.
    fn entries(&self, folder: Option<&AssetPath>) -> Option<Vec<DirEntry>> {
        let root = &self.snapshot.state().config().assets;
        let path = folder.map_or_else(|| root.to_string(), |folder| self.snapshot.project_path(folder));
        let mut entries = self.disk.read_dir(path.as_str().into()).ok()?;
        let covers = |entry: &DirEntry| {
            let is_dir = entry.kind == EntryKind::Dir;
            self.watcher.is_some_and(|watcher| watcher.covers(folder, &entry.name, is_dir))
        };
        entries.retain(|entry| !covers(entry));
        (entries.len() <= MAX_NAMES).then_some(entries)
    }

    /// The digest of a file, if it can be read and there is budget left for it.
    fn digest(&mut self, path: &str, max: u64) -> Option<Digest> {
        let bytes = self.disk.read(path.into(), max.min(self.left)).ok()?;
        self.left = self.left.saturating_sub(bytes.len() as u64);
        Some(Digest::of(&bytes))
    }
}

fn has_children(snapshot: &Snapshot, folder: &AssetPath) -> bool {
    snapshot.state().observation().files_below(Some(folder)).next().is_some()
}
