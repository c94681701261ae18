//! What operations replaced and removed, once they are done: listing it, reading it back, dropping it.
//!
//! `.packer/history/<operation>/` holds the intent, with the inverse and the replaced registry lines, and the displaced
//! files that went nowhere else, under their numbers. Of an operation that was frozen and has been settled it holds
//! everything that there was, under the names that [`settle`](super::to_settle) says. How long any of it is kept is decided
//! elsewhere. Other names among the operations' folders are nobody's business here.
//!
//! A history is there as a whole or not at all: one that is dropped leaves its place by one rename, which is durable before
//! the first of its files is removed.

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::OperationId;
use thiserror::Error;

use super::apply::absent_is_fine;
use super::intent::{self, Intent, IntentDamage};
use super::list;
use crate::disk::{Disk, DiskError, EntryKind};
use crate::layout;

/// The history of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The operation.
    pub operation: OperationId,
    /// How many bytes its files have together.
    pub bytes: u64,
    /// Whether it was frozen and then settled: then it has no intent that [`read_history`] reads.
    pub was_frozen: bool,
}

/// Why an operation's history cannot be read.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// There is none, or no longer.
    #[error("there is no history of operation {operation}")]
    Absent {
        /// The operation.
        operation: OperationId,
    },
    /// It has no file of this number.
    #[error("the history of operation {operation} has no file {number}")]
    NoFile {
        /// The operation.
        operation: OperationId,
        /// The number.
        number: u32,
    },
    /// The operation has not ended.
    #[error("operation {operation} has no history before it has ended")]
    Pending {
        /// The operation.
        operation: OperationId,
    },
    /// It cannot be trusted.
    #[error("the history of operation {operation} is damaged")]
    Damaged {
        /// The operation.
        operation: OperationId,
        /// How.
        source: IntentDamage,
    },
    /// The disk failed.
    #[error("the history of operation {operation} cannot be read or dropped")]
    Disk {
        /// The operation.
        operation: OperationId,
        /// How.
        source: DiskError,
    },
}

/// The operations that have a history, by their ids: in the order in which they were drawn. Reads no contents.
pub fn list_history(disk: &dyn Disk) -> Result<Vec<HistoryEntry>, DiskError> {
    let pending = list(disk)?.into_iter().filter(|name| name.part.is_intent()).map(|name| name.operation);
    let pending: Vec<OperationId> = pending.collect();
    let entries = match disk.read_dir(layout::HISTORY.into()) {
        Ok(entries) => entries,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Dir) {
        let Some(name) = entry.name.to_str() else { continue };
        let operation = name.parse().ok().filter(|of: &OperationId| of.to_string() == name);
        if let Some(operation) = operation.filter(|of| !pending.contains(of)) {
            found.extend(measure(disk, operation)?);
        }
    }
    found.sort_by_key(|entry| entry.operation);
    Ok(found)
}

/// What `operation` did. Its former contents are at [`layout::history_file`], under the numbers of
/// [`Work::displaced`](super::Work::displaced).
pub fn read_history(disk: &dyn Disk, operation: OperationId) -> Result<Intent, HistoryError> {
    match intent::read(disk, &layout::history_intent(operation), operation) {
        Ok(decoded) => decoded.map_err(|source| HistoryError::Damaged { operation, source }),
        Err(error) if error.is_not_found() => Err(HistoryError::Absent { operation }),
        Err(source) => Err(HistoryError::Disk { operation, source }),
    }
}

/// The former contents that `operation` displaced as `number`. More than `max_bytes` are a failure of the disk's, with
/// `FileTooLarge`.
pub fn read_history_file(
    disk: &dyn Disk,
    operation: OperationId,
    number: u32,
    max_bytes: u64,
) -> Result<Vec<u8>, HistoryError> {
    disk.read(&layout::history_file(operation, number), max_bytes).map_err(|source| {
        if source.is_not_found() {
            HistoryError::NoFile { operation, number }
        } else {
            HistoryError::Disk { operation, source }
        }
    })
}

/// Drops the history of `operation`: it can not be undone any more. The caller holds the lane. What a crash leaves half
/// removed is swept by the next recovery.
pub fn drop_history(disk: &dyn Disk, operation: OperationId) -> Result<(), HistoryError> {
    let failed = |source| HistoryError::Disk { operation, source };
    let history = layout::history_folder(operation);
    if list(disk).map_err(failed)?.iter().any(|name| name.operation == operation) {
        // Its clean-up, or its last dropping, is not done yet.
        return Err(HistoryError::Pending { operation });
    }
    if disk.stat(&history).map_err(failed)?.is_none_or(|stat| stat.kind != EntryKind::Dir) {
        return Err(HistoryError::Absent { operation });
    }
    let dropped = layout::dropped_history(operation);
    disk.create_dir_all(layout::JOURNAL.into()).map_err(failed)?;
    disk.rename_new(&history, &dropped).map_err(failed)?;
    // Or a power cut could bring the folder back without some of its files.
    disk.sync_dir(layout::JOURNAL.into()).map_err(failed)?;
    remove_folder(disk, &dropped).map_err(failed)
}

/// Removes a folder and everything in it. What has a name that cannot be spelled stays, and so do the folders above it.
pub(super) fn remove_folder(disk: &dyn Disk, top: &Utf8Path) -> Result<(), DiskError> {
    let mut folders = vec![top.to_owned()];
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        at += 1;
        let entries = match disk.read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let Some(path) = entry.name.to_str().map(|name| folder.join(name)) else { continue };
            if entry.kind == EntryKind::Dir {
                folders.push(path);
            } else {
                absent_is_fine(disk.remove_file(&path))?;
            }
        }
    }
    // What is in a folder was found after it.
    for folder in folders.iter().rev() {
        match disk.remove_dir(folder) {
            Err(error) if error.source.kind() == std::io::ErrorKind::DirectoryNotEmpty => {
                tracing::warn!(%folder, "something in a dropped history cannot be removed");
            }
            result => absent_is_fine(result)?,
        }
    }
    Ok(())
}

/// The history at its place, unless nothing in the folder is one of ours.
fn measure(disk: &dyn Disk, operation: OperationId) -> Result<Option<HistoryEntry>, DiskError> {
    let folder = layout::history_folder(operation);
    let entries = match disk.read_dir(&folder) {
        Ok(entries) => entries,
        // Dropped since the look.
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let names = entries.iter().filter(|entry| entry.kind == EntryKind::File);
    let names: Vec<&str> =
        names.filter_map(|entry| entry.name.to_str()).filter(|name| is_ours(name)).collect();
    let mut bytes = 0_u64;
    let mut failure = None;
    disk.stat_each(&folder, &mut names.iter().copied(), &mut |stat| match stat {
        Ok(stat) => bytes = bytes.saturating_add(stat.map_or(0, |stat| stat.size)),
        Err(error) => failure = Some(error),
    });
    match failure {
        Some(error) => Err(error),
        None if names.is_empty() => Ok(None),
        None => {
            let has = |path: Utf8PathBuf| names.iter().any(|name| path.file_name() == Some(name));
            let was_frozen =
                has(layout::history_frozen(operation)) && !has(layout::history_intent(operation));
            Ok(Some(HistoryEntry { operation, bytes, was_frozen }))
        }
    }
}

/// Whether a clean-up puts files of this name into a history.
fn is_ours(name: &str) -> bool {
    let kind = name.split('.').next().unwrap_or_default();
    matches!(kind, "intent" | "frozen" | "staged") || kind.parse::<u32>().is_ok()
}
