//! Dropping what of the logs is over their bounds: ended segments of a log that is being written, and whole logs of sources
//! that are gone. What must stay although it is over them is the caller's knowledge.

use camino::Utf8Path;
use packer_domain::identity::SourceId;

use super::names;
use crate::disk::{Disk, DiskError};
use crate::journal::{self, PendingState};
use crate::layout;

/// How much of the logs is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogBounds {
    /// How many bytes a segment may have before the next one is begun. What is appended at once is not divided.
    pub segment_bytes: u64,
    /// How many segments of one source are kept beside the one that is being written.
    pub ended_segments: usize,
    /// How many logs of sources that are gone are kept.
    pub old_logs: usize,
    /// How many bytes they may have together.
    pub old_bytes: u64,
}

impl Default for LogBounds {
    /// Segments of 4 MiB, of which 8 are kept; and 1000 logs of sources that are gone, of 64 MiB together.
    fn default() -> Self {
        Self { segment_bytes: 4 << 20, ended_segments: 8, old_logs: 1000, old_bytes: 64 << 20 }
    }
}

/// Drops the oldest segments of the log of `source` beyond the last `keep` before the one that is being written; none that
/// holds a line after `read_up_to`, and none while a commit is in the journal whose end may have to be looked up. Says at
/// which position the log begins then; `None` if there is no log. To be called after a segment was begun, and before the
/// next one is.
pub fn drop_ended(
    disk: &dyn Disk,
    source: SourceId,
    keep: usize,
    read_up_to: u64,
) -> Result<Option<u64>, DiskError> {
    let listing = names::listing(disk)?;
    let Some(names) = listing.get(&source) else { return Ok(None) };
    let segments: Vec<u64> = names.segments.iter().copied().collect();
    let surplus = segments.len().saturating_sub(1 + keep);
    let unread = segments.windows(2).take(surplus).take_while(|pair| pair[1] <= read_up_to.saturating_add(1));
    let count = unread.count();
    if count > 0 && !is_settled(disk)? {
        return Ok(segments.first().copied());
    }
    // What stands beside a segment is wanted until that one is durably gone: that is so of those dropped earlier, by the sync
    // with which the last segment was begun.
    for first in names.carried.iter().filter(|first| count > 0 && Some(*first) < segments.first()) {
        remove(disk, &layout::event_log_carried(source, *first))?;
    }
    remove_segments(disk, source, &segments[..count])?;
    Ok(segments.get(count).copied())
}

/// The logs that are over the bounds, the oldest first: of those that have no lock and are not `own`. Nothing is over them
/// while a commit is in the journal whose end may have to be looked up.
pub fn surplus_logs(disk: &dyn Disk, own: SourceId, bounds: &LogBounds) -> Result<Vec<SourceId>, DiskError> {
    let (mut surplus, mut count, mut bytes) = (Vec::new(), 0_usize, 0_u64);
    for (source, names) in names::listing(disk)?.into_iter().rev() {
        if names.has_lock || source == own || names.segments.is_empty() {
            continue;
        }
        for first in &names.segments {
            let stat = disk.stat(&layout::event_log_segment(source, *first))?;
            bytes = bytes.saturating_add(stat.map_or(0, |stat| stat.size));
        }
        count += 1;
        if count > bounds.old_logs || bytes > bounds.old_bytes {
            surplus.push(source);
        }
    }
    surplus.reverse();
    if !surplus.is_empty() && !is_settled(disk)? {
        surplus.clear();
    }
    Ok(surplus)
}

/// Removes the log of a source that is gone, from its oldest segment on. The caller holds its lock.
pub fn remove_log(disk: &dyn Disk, source: SourceId) -> Result<(), DiskError> {
    let listing = names::listing(disk)?;
    let Some(names) = listing.get(&source) else { return Ok(()) };
    let segments: Vec<u64> = names.segments.iter().copied().collect();
    remove_segments(disk, source, &segments)?;
    if !names.carried.is_empty() {
        disk.sync_dir(Utf8Path::new(layout::EVENTS))?;
    }
    for first in &names.carried {
        remove(disk, &layout::event_log_carried(source, *first))?;
    }
    Ok(())
}

/// Removes segments in their order, so that a power cut leaves no hole: none leaves before the one before it has durably.
fn remove_segments(disk: &dyn Disk, source: SourceId, segments: &[u64]) -> Result<(), DiskError> {
    for (index, first) in segments.iter().enumerate() {
        if index > 0 {
            disk.sync_dir(Utf8Path::new(layout::EVENTS))?;
        }
        remove(disk, &layout::event_log_segment(source, *first))?;
    }
    Ok(())
}

fn remove(disk: &dyn Disk, path: &Utf8Path) -> Result<(), DiskError> {
    match disk.remove_file(path) {
        Err(error) if error.is_not_found() => Ok(()),
        result => result,
    }
}

/// Whether nothing is in the journal that recovery would look up in a log.
fn is_settled(disk: &dyn Disk) -> Result<bool, DiskError> {
    Ok(journal::pending(disk)?.iter().all(|found| found.state == PendingState::Frozen))
}
