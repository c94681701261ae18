//! Watching a project for changes: hints that something may have changed, and never more than that.
//!
//! A hint names where to look; what stands there is for the caller to find out, and so is what that means. [`Hints`] takes
//! them in from whoever notices something, bounded and without ever waiting; [`Watcher`] follows the folders of a project
//! as they come and go, so that there is somebody to notice. [`FolderWatcher`] is the one on the system's notifications.
//!
//! What a watcher guarantees: whatever changes below the assets root after [`FolderWatcher::start`] returned, and is not
//! passed over by an ignore rule, is named sooner or later by a hint that arrives after the change, or there is an
//! overflow, or the watch is lost. What is in a folder that has just come is named as a whole, because systems tell
//! nothing of what was put there before they were asked.

mod folders;
mod hints;
mod sort;

pub use folders::{FolderWatcher, WatchRequest};
pub use hints::{Heard, Hints, News};

use std::ffi::OsStr;

use camino::Utf8PathBuf;
use packer_domain::path::AssetPath;
use thiserror::Error;

use crate::disk::DiskError;

/// Follows the folders of a project.
pub trait Watcher: Send {
    /// Follows what a hint named: begins to watch folders that have come, names what is in them, and lets go of those
    /// that are gone. Says whether the path is passed over by an ignore rule, so that the hint means nothing.
    ///
    /// To be called with every path of a [`Heard`], outer ones first.
    fn follow(&mut self, path: &AssetPath, news: News) -> Result<Followed, WatchError>;

    /// Follows the packer's own folder, which was made, moved or removed.
    fn follow_operational(&mut self) -> Result<(), WatchError>;

    /// Whether a hint on this path means nothing, as far as that can be told without looking at the disk.
    fn passes_over(&self, path: &AssetPath) -> bool;

    /// Whether an ignore rule passes over a name in a folder; the assets root for `None`.
    fn covers(&self, folder: Option<&AssetPath>, name: &OsStr, is_dir: bool) -> bool;
}

/// What following a hint gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The path is one that a scan looks at.
    Taken,
    /// An ignore rule covers it.
    PassedOver,
}

/// Why there is no watch, or none any more.
#[derive(Debug, Error)]
pub enum WatchError {
    /// The system watches no more folders for this user.
    #[error("the system's limit of watched folders is reached at {path}")]
    Limit {
        /// The folder that was one too many.
        path: Utf8PathBuf,
    },
    /// The assets root, or a folder on the way to it, is not there.
    #[error("{path} is not there")]
    Missing {
        /// The folder.
        path: Utf8PathBuf,
    },
    /// The system's notifications do not arrive.
    #[error("nothing is heard of changes in {path}")]
    Silent {
        /// What was changed in vain.
        path: Utf8PathBuf,
    },
    /// The system refuses to watch.
    #[error("{path} cannot be watched: {message}")]
    Refused {
        /// What was to be watched.
        path: Utf8PathBuf,
        /// Why not.
        message: String,
    },
    /// A file operation failed.
    #[error(transparent)]
    Disk(DiskError),
}

#[cfg(test)]
mod tests;
