//! The scan: what stands below the assets root, with the digest of every file, and the bytes of every anchor.
//!
//! Folders are listed and files looked at in parallel; contents are read only where the stat index cannot vouch for them.
//! A scan of an unchanged workspace lists each folder once, looks at each file once, and opens none.
//!
//! It reads and reports; it does not parse anchors, and decides nothing: `packer-domain` makes an observation of it. It
//! takes no lock: that no commit of the packer happened meanwhile is for the caller to check. Against other programs it
//! is coherent per file: every digest belongs to the stat beside it.
//!
//! Guarantees: the result does not depend on threads or on the order of folders; nothing is passed over in silence,
//! except what an ignore rule covers, which is counted; links are not followed; memory is bounded by the number of
//! files, not by their sizes; no nesting overflows the stack.

mod content;
mod covered;
pub(crate) mod ignores;
mod walk;

pub use covered::{Coverage, Covered, covered_by};

use std::io;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::diagnostic::{Diagnostic, Subject};
use packer_domain::path::AssetPath;
use thiserror::Error;

use crate::disk::{Disk, DiskError, EntryKind};
use crate::index::{self, DraftFolder, IndexWriteError, Stamp, StatIndex};

/// Anchors and `.packerignore` files of more bytes are reported and not read.
pub const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Paths of more bytes below the assets root are reported and not followed: more than a system call takes.
pub const MAX_PATH_BYTES: usize = 4096;

/// What to scan, and with what.
#[derive(Clone, Copy)]
pub struct ScanRequest<'a> {
    /// The assets root, as the disk takes it: relative to the project's folder.
    pub assets_root: &'a Utf8Path,
    /// A file on the same file system, rewritten before anything is read: its time makes the racy rule.
    pub stamp: &'a Utf8Path,
    /// What the last scan saw.
    pub previous: Option<&'a Arc<StatIndex>>,
    /// The threads.
    pub pool: &'a rayon::ThreadPool,
    /// Asked between files and between blocks of a large file; `true` ends the scan as [`ScanError::Cancelled`].
    pub cancel: &'a (dyn Fn() -> bool + Sync),
    /// Told, from several threads, how far it is; at most once for some dozens of files.
    pub on_progress: &'a (dyn Fn(ScanProgress) + Sync),
}

/// How far a scan is, and in the end what it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanProgress {
    /// Folders listed.
    pub folders: u64,
    /// Files looked at.
    pub files: u64,
    /// Files read, because the index could not vouch for them.
    pub files_read: u64,
    /// Bytes read for them.
    pub bytes_read: u64,
}

/// What a scan saw.
#[derive(Debug)]
pub struct ScanResult {
    /// Every folder and every file that is not ignored, with its digest; of anchors and ignore files, the contents.
    pub index: Arc<StatIndex>,
    /// Whether that is the index it was given, to the last entry, so that none needs to be written.
    pub index_is_current: bool,
    /// What stands there and could not be read: files and folders, by path bytes. Each has a diagnostic.
    pub unread: Vec<AssetPath>,
    /// What is wrong, in the order of diagnostics.
    pub problems: Vec<Diagnostic>,
    /// How many names an ignore rule passed over; a folder counts once.
    pub ignored: u64,
    /// What it cost.
    pub cost: ScanProgress,
}

/// Why a scan ended without a result.
#[derive(Debug, Error)]
pub enum ScanError {
    /// Nothing stands at the assets root.
    #[error("the assets root {path} does not exist")]
    RootMissing {
        /// The assets root.
        path: Utf8PathBuf,
    },
    /// The assets root is no folder.
    #[error("the assets root {path} is not a folder")]
    RootNotAFolder {
        /// The assets root.
        path: Utf8PathBuf,
        /// What stands there.
        kind: EntryKind,
    },
    /// There is more below the assets root than an index can hold.
    #[error("there is more below {path} than can be indexed")]
    TooMuch {
        /// The assets root.
        path: Utf8PathBuf,
    },
    /// The assets root cannot be listed.
    #[error("the assets root cannot be read: {0}")]
    RootUnreadable(DiskError),
    /// The caller cancelled it.
    #[error("the scan was cancelled")]
    Cancelled,
}

/// Scans the assets root.
///
/// # Errors
/// Only what makes a result impossible; everything else is among the result's problems.
pub fn scan(disk: &dyn Disk, request: &ScanRequest<'_>) -> Result<ScanResult, ScanError> {
    let path = || request.assets_root.to_owned();
    match disk.stat(request.assets_root).map_err(ScanError::RootUnreadable)? {
        None => return Err(ScanError::RootMissing { path: path() }),
        Some(stat) if stat.kind != EntryKind::Dir => {
            return Err(ScanError::RootNotAFolder { path: path(), kind: stat.kind });
        }
        Some(_) => {}
    }
    // Before anything is read: what is written after this has a time at or after the stamp's. A project that cannot be
    // written to is scanned all the same; without a stamp, the next scan reads everything again.
    let stamp = Stamp::take(disk, request.stamp).inspect_err(|error| tracing::warn!(%error, "no stamp")).ok();
    let (found, cost) = walk::walk(disk, request)?;
    let walk::Found { folders, mut unread, mut problems, ignored } = found;

    unread.sort_unstable();
    for problem in &mut problems {
        place(problem, request.assets_root);
    }
    problems.sort_unstable();
    let current = request.previous.filter(|index| cost.files_read == 0 && is_all_of(index, &folders));
    let index = if let Some(index) = current {
        Arc::clone(index)
    } else {
        let previous = request.previous.map(AsRef::as_ref);
        let renewed = previous.and_then(|previous| index::renew(previous, stamp, &folders));
        let built = || index::build(request.assets_root, stamp, previous, walk::joined(folders));
        Arc::new(renewed.or_else(built).ok_or_else(|| ScanError::TooMuch { path: path() })?)
    };
    Ok(ScanResult { index, index_is_current: current.is_some(), unread, problems, ignored, cost })
}

/// Whether parts of folders that were seen, nothing of which was read, are all that `index` knows.
fn is_all_of(index: &StatIndex, folders: &[DraftFolder]) -> bool {
    let files: usize = folders.iter().map(|folder| folder.files.len()).sum();
    let is_known = |folder: &DraftFolder| index.find_folder(&folder.path).is_some();
    let mut paths: Vec<&str> = folders.iter().map(|folder| &*folder.path).collect();
    paths.sort_unstable();
    paths.dedup();
    files == index.len() && paths.len() == index.folder_count() && folders.iter().all(is_known)
}

/// Says of a problem with a path in which file it is, relative to the project, where it does not say so already.
fn place(problem: &mut Diagnostic, assets_root: &Utf8Path) {
    if problem.file.is_none() {
        problem.file = match &problem.subject {
            Subject::Path(path) => Some(format!("{assets_root}/{path}")),
            Subject::Unrepresentable(path) => Some(format!("{assets_root}/{path}")),
            Subject::Project | Subject::Asset(_) => None,
        };
    }
}

impl ScanResult {
    /// Writes the index for the next scan to `path`, unless the one that this scan was given is still right.
    pub fn write_index(&self, disk: &dyn Disk, path: &Utf8Path) -> Result<(), IndexWriteError> {
        if self.index_is_current { Ok(()) } else { self.index.store(disk, path) }
    }
}

/// Why something below the assets root could not be read.
fn unreadable_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "access is denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
