//! Paths of one commit that differ only in case: on some disks they lead to one file.
//!
//! There `A.png` can become `a.png`, for what leaves its place is displaced before anything is placed. But looking at `a.png`
//! shows `A.png` before, and the other way round after. So of such a pair only that path counts as taken whose spelling is
//! the one in the folder's list. Nothing is listed for the paths of other commits. Disks that compare names in yet other
//! ways show something at a path that the commit does not name, and it is refused.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

use super::fingerprint::Fingerprint;
use super::steps::{self, Work};
use crate::disk::{Disk, DiskError};

/// A look at the paths of a commit.
pub(super) struct Spelling<'a> {
    disk: &'a dyn Disk,
    /// Those of the commit that differ from another one only in case, with that one.
    pairs: BTreeMap<&'a Utf8Path, &'a Utf8Path>,
    /// The names in the folders that had to be listed.
    listed: RefCell<BTreeMap<Utf8PathBuf, BTreeSet<String>>>,
}

impl<'a> Spelling<'a> {
    pub(super) fn new(disk: &'a dyn Disk, work: &'a Work) -> Self {
        let mut by_folded: BTreeMap<String, &Utf8Path> = BTreeMap::new();
        let mut pairs = BTreeMap::new();
        for path in work.paths() {
            if let Some(other) = by_folded.insert(path.as_str().to_lowercase(), path) {
                pairs.insert(path, other);
                pairs.insert(other, path);
            }
        }
        Self { disk, pairs, listed: RefCell::default() }
    }

    /// What stands at `path`, under exactly this name.
    pub(super) fn take(&self, path: &Utf8Path) -> Result<Fingerprint, DiskError> {
        let found = Fingerprint::take(self.disk, path)?;
        let Some(other) = self.pairs.get(path).filter(|_| found != Fingerprint::Absent) else {
            return Ok(found);
        };
        let at = |path| self.disk.stat(path).map(|stat| stat.map(|stat| (stat.device, stat.inode)));
        if at(path)? == at(other)? && !self.is_listed(path, other)? {
            return Ok(Fingerprint::Absent);
        }
        Ok(found)
    }

    /// Whether every segment in which `path` differs from `other` is spelled on the disk as it is in `path`.
    fn is_listed(&self, path: &Utf8Path, other: &Utf8Path) -> Result<bool, DiskError> {
        let mut listed = self.listed.borrow_mut();
        for (mine, theirs) in path.ancestors().zip(other.ancestors()) {
            let Some(name) = mine.file_name().filter(|name| Some(*name) != theirs.file_name()) else {
                continue;
            };
            let folder = steps::parent(mine);
            if !listed.contains_key(folder) {
                let entries = self.disk.read_dir(folder)?;
                let names = entries.iter().filter_map(|entry| entry.name.to_str().map(str::to_owned));
                listed.insert(folder.to_owned(), names.collect());
            }
            if !listed.get(folder).is_some_and(|names| names.contains(name)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
