//! The logs of sources that are gone: how many are kept is bounded, by whoever ends a log of his own.
//!
//! A source that is gone and owes nothing has no lock. One that owes an end is left alone, and gets its lock back if that
//! is gone, so that recovery looks at it.

use camino::Utf8Path;
use packer_domain::identity::SourceId;
use packer_fs::disk::{Disk, DiskError};
use packer_fs::event_log::{self, LogBounds};

use crate::record::read_source;
use crate::sync::lock::SourceLock;

/// Removes the oldest logs beyond the bounds. That one could not be removed is no reason for anything else to fail.
pub(super) fn bound(root: &Utf8Path, disk: &dyn Disk, own: SourceId, bounds: &LogBounds) {
    let removed = event_log::surplus_logs(disk, own, bounds)
        .and_then(|surplus| surplus.into_iter().try_for_each(|source| retire(root, disk, source)));
    if let Err(error) = removed {
        tracing::warn!(%error, "old logs stay behind");
    }
}

fn retire(root: &Utf8Path, disk: &dyn Disk, source: SourceId) -> Result<(), DiskError> {
    // Somebody else removes it, or recovers it.
    let Ok(Some(lock)) = SourceLock::try_take(root, source) else { return Ok(()) };
    if let Some(log) = read_source(disk, source)?
        && log.replay().running().next().is_some()
    {
        // The lock's file stays.
        drop(lock);
        return Ok(());
    }
    event_log::remove_log(disk, source)?;
    if let Err(error) = lock.discard() {
        tracing::debug!(%error, "the lock of a removed log stays behind");
    }
    Ok(())
}
