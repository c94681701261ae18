//! Locks between processes: the lane's, the build's, and the one that tells whether an event source is alive.
//!
//! All are exclusive locks of whole files under `.packer/`, given by the system: they end with the process, however it
//! ends, and are never stolen. Since people may delete `.packer/` at any time, a lock counts only while the locked file
//! is the one that its path leads to; whoever is about to commit asks [`LaneGuard::still_valid`] again.
//!
//! Beside the lane's and the build's lock stands who holds it, for display only: nothing is ever decided by it.
//!
//! Order of locks: build, then lane. Nothing here knows what is done under a lock, and nothing here is simulated: the
//! tests lock real files. Outside Unix a deleted lock file is not noticed (such systems do not let it be deleted).

mod file;
mod holder;
pub mod host;
mod source;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

pub use holder::HolderFacts;
pub use source::{SourceGuard, SourceLock};

use crate::disk::{Disk, DiskError, OsDisk};
use crate::layout;
use file::{Attempt, LockedFile};

/// The pause after the first failed try; doubled after each, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// What a waiter may at most be late by, when the lock is released or it is told to stop.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What to do while somebody else holds the lock.
#[derive(Clone, Copy)]
pub enum Wait<'a> {
    /// Fail with [`LockError::Busy`].
    Never,
    /// Try until it is free, or until the function says to stop (asked at each try, at least every 50 ms).
    Block(&'a dyn Fn() -> bool),
}

/// A lock that was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Somebody holds it, and waiting was not asked for.
    #[error("{path} is locked by another process")]
    Busy {
        /// The lock file.
        path: Utf8PathBuf,
        /// Who says to hold it, if that can be read.
        holder: Option<HolderFacts>,
    },
    /// The wait was stopped.
    #[error("stopped waiting for {path}, which another process has locked")]
    Stopped {
        /// The lock file.
        path: Utf8PathBuf,
    },
    /// The filesystem cannot lock.
    #[error("the filesystem of {path} cannot lock files")]
    Unsupported {
        /// The lock file.
        path: Utf8PathBuf,
        /// How it said so.
        source: io::Error,
    },
    /// The file could not be opened or locked.
    #[error("cannot lock {path}: {source}")]
    Io {
        /// The lock file.
        path: Utf8PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder of the lock file could not be made.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// The lock that makes a process the project's single writer.
#[derive(Debug)]
pub struct LaneLock;

/// Holds the lane until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct LaneGuard {
    held: Held,
}

impl LaneLock {
    /// Takes the lane of the project at `root`, and says beside it that `facts` hold it. `on_wait` is called before the
    /// first pause, and again whenever the holder changes, with what is known of the holder. Creates `.packer/` if it is missing.
    pub fn acquire(
        root: &Utf8Path,
        facts: &HolderFacts,
        wait: Wait<'_>,
        on_wait: &mut dyn FnMut(Option<&HolderFacts>),
    ) -> Result<LaneGuard, LockError> {
        let held = Held::acquire(root, [layout::LANE_LOCK, layout::LANE_HOLDER], facts, wait, on_wait)?;
        Ok(LaneGuard { held })
    }
}

impl LaneGuard {
    /// Whether the locked file is still the one that everybody else would lock. Not if `.packer/` was deleted meanwhile: then
    /// somebody else can be in the lane too, and nothing may be committed.
    pub fn still_valid(&self) -> bool {
        self.held.file.is_current()
    }
}

/// The lock that a build holds for its whole run.
#[derive(Debug)]
pub struct BuildLock;

/// Holds the build lock until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct BuildGuard {
    held: Held,
}

impl BuildLock {
    /// Takes the build lock of the project at `root`; otherwise as [`LaneLock::acquire`].
    pub fn acquire(
        root: &Utf8Path,
        facts: &HolderFacts,
        wait: Wait<'_>,
        on_wait: &mut dyn FnMut(Option<&HolderFacts>),
    ) -> Result<BuildGuard, LockError> {
        let held = Held::acquire(root, [layout::BUILD_LOCK, layout::BUILD_HOLDER], facts, wait, on_wait)?;
        Ok(BuildGuard { held })
    }
}

impl BuildGuard {
    /// As [`LaneGuard::still_valid`].
    pub fn still_valid(&self) -> bool {
        self.held.file.is_current()
    }
}

/// A locked file with its holder's facts beside it.
#[derive(Debug)]
struct Held {
    file: LockedFile,
    disk: OsDisk,
    holder: &'static str,
}

impl Held {
    fn acquire(
        root: &Utf8Path,
        [lock, holder]: [&'static str; 2],
        facts: &HolderFacts,
        wait: Wait<'_>,
        on_wait: &mut dyn FnMut(Option<&HolderFacts>),
    ) -> Result<Self, LockError> {
        let disk = OsDisk::new(root.to_owned());
        let path = root.join(lock);
        let mut told: Option<Option<HolderFacts>> = None;
        let mut pause = FIRST_PAUSE;
        loop {
            match file::try_lock(&path, &mut || layout::ensure_operational(&disk))? {
                Attempt::Locked(file) => {
                    holder::write(&disk, holder.into(), facts);
                    return Ok(Self { file, disk, holder });
                }
                Attempt::Busy => {}
            }
            let current = holder::read(&disk, holder.into());
            match wait {
                Wait::Never => return Err(LockError::Busy { path, holder: current }),
                Wait::Block(should_stop) if should_stop() => return Err(LockError::Stopped { path }),
                Wait::Block(_) => {}
            }
            if told.as_ref() != Some(&current) {
                on_wait(current.as_ref());
                told = Some(current);
            }
            std::thread::sleep(pause);
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Of a lock that counts no more, the facts beside it are somebody else's.
        if self.file.is_current()
            && let Err(error) = self.disk.remove_file(self.holder.into())
        {
            tracing::debug!(%error, "the holder's facts stay behind");
        }
    }
}
