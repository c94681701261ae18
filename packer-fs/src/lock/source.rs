//! `SourceLock`: held by a process run for its life, so that others can tell whether it is dead.

use camino::Utf8Path;
use packer_domain::identity::SourceId;

use super::LockError;
use super::file::{self, Attempt, LockedFile};
use crate::disk::{Disk, DiskError, OsDisk};
use crate::layout;

/// The lock of one event source.
#[derive(Debug)]
pub struct SourceLock;

/// Holds a source's lock until it is dropped: for its life by the run itself, or while its log is completed by whoever
/// found it dead.
#[derive(Debug)]
#[must_use]
pub struct SourceGuard {
    file: LockedFile,
    source: SourceId,
}

impl SourceLock {
    /// Takes the lock of a source that begins now. [`LockError::Busy`] if somebody holds it, which is a source drawn twice.
    pub fn hold(root: &Utf8Path, source: SourceId) -> Result<SourceGuard, LockError> {
        let disk = OsDisk::new(root.to_owned());
        let unborn = |n| root.join(layout::unborn_event_lock(source, n));
        let name = layout::event_lock(source);
        let rename = |n| disk.rename_new(&layout::unborn_event_lock(source, n), &name);
        let path = root.join(&name);
        match file::lock_new(&path, &mut || make_folder(&disk), &unborn, &rename)? {
            Attempt::Locked(file) => Ok(SourceGuard { file, source }),
            Attempt::Busy => Err(LockError::Busy { path, holder: None }),
        }
    }

    /// Clears away `name`, the lock of a source while it was made, if the process that made it is dead.
    pub fn clear_unborn(root: &Utf8Path, name: &str) -> Result<(), LockError> {
        let disk = OsDisk::new(root.to_owned());
        let path = Utf8Path::new(layout::EVENTS).join(name);
        match file::try_lock(&root.join(&path), &mut || make_folder(&disk))? {
            Attempt::Locked(_held) => Ok(disk.remove_file(&path)?),
            Attempt::Busy => Ok(()),
        }
    }

    /// Takes the lock of a source whose process is dead; `None` if the process is alive (or somebody else is completing
    /// its log). Creates the lock file if it is missing.
    pub fn try_take(root: &Utf8Path, source: SourceId) -> Result<Option<SourceGuard>, LockError> {
        let disk = OsDisk::new(root.to_owned());
        let path = root.join(layout::event_lock(source));
        Ok(match file::try_lock(&path, &mut || make_folder(&disk))? {
            Attempt::Locked(file) => Some(SourceGuard { file, source }),
            Attempt::Busy => None,
        })
    }
}

fn make_folder(disk: &OsDisk) -> Result<(), DiskError> {
    layout::ensure_operational(disk)?;
    disk.create_dir_all(layout::EVENTS.into())
}

impl SourceGuard {
    /// Whose lock it is.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// Whether the locked file is still the one that everybody else would lock.
    pub fn still_valid(&self) -> bool {
        self.file.is_current()
    }

    /// Removes the lock file, then unlocks it: for a source whose log is gone. Somebody who waits for it meanwhile finds
    /// that it is no longer the file at its path, and makes a new one.
    pub fn discard(self) -> Result<(), LockError> {
        if self.file.is_current() {
            let fail = |source| LockError::Io { path: self.file.path().to_owned(), source };
            std::fs::remove_file(self.file.path()).map_err(fail)?;
        }
        Ok(())
    }
}
