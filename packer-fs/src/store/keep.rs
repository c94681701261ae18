//! How the store keeps to its limit, and how all of it is checked.
//!
//! What it takes is counted in whole blocks of 4 KiB, as file systems do. The total stands in the file `size`, so that a
//! build need not look at every artifact to know it. The first addition of a build takes that file away and its end writes
//! it anew, so a process that dies in between leaves no wrong total, only none; then the artifacts are counted. A total
//! can be too large, where artifacts were deleted by hand, and is found so as soon as it matters.
//!
//! Where the limit is passed, those that were used longest ago go, until nine tenths of it are taken, so that not every
//! build that follows has to look again.

use std::fs::{DirEntry, File};
use std::io;
use std::sync::PoisonError;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::Digest;

use super::format::{self, Defect};
use super::{ArtifactKey, Store, name};
use crate::layout;

/// How the names of files begin that are being written.
pub(super) const NEW: &str = "new-";

/// The file with the total.
const SIZE: &str = "size";

const BLOCK: u64 = 4096;

/// What keeping to the limit came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many artifacts there were.
    pub artifacts: u64,
    /// Bytes that they took.
    pub bytes: u64,
    /// How many were dropped, or would be.
    pub dropped: u64,
    /// Bytes that those took.
    pub dropped_bytes: u64,
    /// How many files were dropped, or would be, that a dead process was writing.
    pub orphans: u64,
    /// Bytes that those took.
    pub orphaned_bytes: u64,
}

/// An artifact that is not what was written.
#[derive(Debug)]
pub struct DamagedArtifact {
    /// Its file, relative to the project.
    pub path: Utf8PathBuf,
    /// What is wrong with it.
    pub defect: Defect,
}

/// What a file of `bytes` bytes takes.
pub(super) fn taken(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK).saturating_mul(BLOCK)
}

/// One artifact, as its folder tells of it.
struct Found {
    used: SystemTime,
    key: ArtifactKey,
    bytes: u64,
}

impl Store {
    /// Ends a build: notes what the store takes by now, and keeps to the limit if it has passed it. The caller holds the
    /// build lock. Costs nothing where nothing was added, and no look at the artifacts while there is room.
    pub fn settle(&self) -> io::Result<()> {
        let total = {
            let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
            if !added.is_open {
                return Ok(());
            }
            added.is_open = false;
            let bytes = std::mem::take(&mut added.bytes);
            added.before.take().map(|before| before.saturating_add(bytes))
        };
        match total {
            Some(total) if total <= self.max_bytes => self.write_size(total),
            Some(_) | None => self.sweep(false).map(|_| ()),
        }
    }

    /// Drops what dead processes left and, where the limit is passed, the artifacts that were used longest ago. With
    /// `dry_run` nothing is dropped. The caller holds the build lock, so nobody adds anything.
    pub fn sweep(&self, dry_run: bool) -> io::Result<Swept> {
        let mut swept = Swept::default();
        let mut all = Vec::new();
        for entry in list(&self.folder)? {
            let Some(text) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if text.starts_with(NEW) {
                swept.orphans += 1;
                swept.orphaned_bytes += entry.metadata().map_or(0, |facts| taken(facts.len()));
                if !dry_run {
                    remove(&self.folder.join(&text))?;
                }
            } else if is_shard(&text) {
                self.find(&text, &mut all)?;
            }
        }
        swept.artifacts = all.len() as u64;
        swept.bytes = all.iter().map(|found| found.bytes).sum();
        let mut left = swept.bytes;
        if left > self.max_bytes {
            let target = self.max_bytes / 10 * 9;
            all.sort_unstable_by_key(|found| (found.used, found.key));
            for found in all {
                if left <= target {
                    break;
                }
                if !dry_run {
                    remove(&self.path(found.key))?;
                }
                left -= found.bytes;
                swept.dropped += 1;
                swept.dropped_bytes += found.bytes;
            }
        }
        if !dry_run && self.folder.is_dir() {
            self.write_size(left)?;
        }
        Ok(swept)
    }

    /// Checks every artifact and gives those that are damaged, which are removed unless it is a `dry_run`; and how many
    /// were checked.
    pub fn scrub(&self, dry_run: bool) -> io::Result<(u64, Vec<DamagedArtifact>)> {
        let mut all = Vec::new();
        for entry in list(&self.folder)? {
            if let Some(text) = entry.file_name().to_str()
                && is_shard(text)
            {
                self.find(text, &mut all)?;
            }
        }
        let mut damaged = Vec::new();
        for found in &all {
            let path = self.path(found.key);
            let checked = match File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file))) {
                Ok((size, file)) => format::check(file, size, found.key),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => Err(Defect::Unreadable(error)),
            };
            if let Err(defect) = checked {
                if !dry_run {
                    remove(&path)?;
                }
                let path = Utf8Path::new(layout::STORE).join(name(found.key));
                damaged.push(DamagedArtifact { path, defect });
            }
        }
        Ok((all.len() as u64, damaged))
    }

    fn find(&self, shard: &str, all: &mut Vec<Found>) -> io::Result<()> {
        for entry in list(&self.folder.join(shard))? {
            let key = entry.file_name().to_str().and_then(|rest| key(shard, rest));
            // One that is gone by now was removed by somebody who found it damaged.
            if let (Some(key), Ok(facts)) = (key, entry.metadata())
                && facts.is_file()
            {
                let used = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                all.push(Found { used, key, bytes: taken(facts.len()) });
            }
        }
        Ok(())
    }

    /// The total that is written, taken away.
    pub(super) fn take_size(&self) -> Option<u64> {
        let path = self.folder.join(SIZE);
        let text = std::fs::read_to_string(&path).ok();
        // One that cannot be taken away would be believed by the next, though it is wrong by then.
        match std::fs::remove_file(&path) {
            Ok(()) => text?.trim_end().parse().ok(),
            // No store is one that takes nothing.
            Err(_) => (!self.folder.is_dir()).then_some(0),
        }
    }

    fn write_size(&self, total: u64) -> io::Result<()> {
        match std::fs::write(self.folder.join(SIZE), format!("{total}\n")) {
            // The store was deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

fn list(folder: &Utf8Path) -> io::Result<Vec<DirEntry>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn remove(path: &Utf8Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn is_shard(name: &str) -> bool {
    name.len() == 2 && is_hex(name)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn key(shard: &str, rest: &str) -> Option<ArtifactKey> {
    let digest: Digest = format!("b3:{shard}{rest}").parse().ok()?;
    Some(ArtifactKey::new(digest))
}
