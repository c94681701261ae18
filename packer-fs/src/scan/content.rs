//! Reading one file between two stats that agree.
//!
//! Bounded memory: a file is streamed through one block, and kept only if it is small and wanted. Which files are read
//! is decided in `walk`.

use std::io::{self, Read};

use camino::Utf8Path;
use packer_domain::identity::Digest;

use crate::disk::{Disk, DiskError, DiskOperation, EntryKind, Stat};

/// How often a file that changes while it is read is tried.
const ATTEMPTS: usize = 4;

/// Bytes read at once.
const BLOCK_BYTES: usize = 128 << 10;

/// A file's contents, as far as they are wanted.
#[derive(Debug)]
pub(super) struct FileContent {
    /// The stat, the same before and after reading.
    pub(super) stat: Stat,
    /// The digest of what was read.
    pub(super) digest: Digest,
    /// What was read, if it was wanted and is small enough.
    pub(super) bytes: Option<Vec<u8>>,
    /// How much was read, also in vain.
    pub(super) bytes_read: u64,
}

/// Why a file has no content.
#[derive(Debug)]
pub(super) enum NoContent {
    /// It is gone.
    Gone,
    /// It cannot be read.
    Unreadable(DiskError),
    /// It changed each time while it was read, or is no longer a file.
    Unstable,
    /// The caller cancelled.
    Cancelled,
}

/// Reads the file at `path`; keeps the bytes if there are at most `keep` of them.
pub(super) fn read(
    disk: &dyn Disk,
    path: &Utf8Path,
    keep: Option<u64>,
    cancel: &(dyn Fn() -> bool + Sync),
) -> Result<FileContent, NoContent> {
    let mut bytes_read = 0;
    for _ in 0..ATTEMPTS {
        match attempt(disk, path, keep, cancel, &mut bytes_read)? {
            Some(content) => return Ok(FileContent { bytes_read, ..content }),
            // Whoever writes it gets a chance to finish.
            None => std::thread::yield_now(),
        }
    }
    Err(NoContent::Unstable)
}

fn attempt(
    disk: &dyn Disk,
    path: &Utf8Path,
    keep: Option<u64>,
    cancel: &(dyn Fn() -> bool + Sync),
    bytes_read: &mut u64,
) -> Result<Option<FileContent>, NoContent> {
    let fail = |source| {
        NoContent::Unreadable(DiskError { operation: DiskOperation::Read, path: path.to_owned(), source })
    };
    let mut file = match disk.open(path) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Err(NoContent::Gone),
        Err(error) => return Err(NoContent::Unreadable(error)),
    };
    let before = file.stat_at_open().map_err(fail)?;
    if before.kind != EntryKind::File {
        return Ok(None);
    }
    let mut kept =
        keep.is_some_and(|keep| before.size <= keep).then(|| Vec::with_capacity(before.size as usize));
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; BLOCK_BYTES.min(before.size as usize + 1)];
    let mut size = 0_u64;
    let mut ended = false;
    while !ended {
        if cancel() {
            return Err(NoContent::Cancelled);
        }
        let count = match file.read(&mut block) {
            Ok(0) => break,
            // Of a regular file fewer bytes than there is room for are the last ones; were they not, its size would tell.
            Ok(count) => {
                ended = count < block.len() && size + count as u64 >= before.size;
                count
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(fail(error)),
        };
        size += count as u64;
        *bytes_read += count as u64;
        // It grew: what was read is worth nothing, and may never end.
        if size > before.size {
            return Ok(None);
        }
        hasher.update(&block[..count]);
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(&block[..count]);
        }
    }
    let after = file.stat().map_err(fail)?;
    if after != before || size != before.size {
        return Ok(None);
    }
    let digest = Digest::from_bytes(*hasher.finalize().as_bytes());
    Ok(Some(FileContent { stat: before, digest, bytes: kept, bytes_read: 0 }))
}
