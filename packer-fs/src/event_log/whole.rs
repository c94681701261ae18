//! Reading a log as a whole, making it durable, and trimming what a crash left at its end.

use std::borrow::Cow;

use camino::Utf8Path;
use packer_domain::identity::SourceId;

use super::names::{self, LogNames};
use super::reader::MAX_TRIES;
use super::segment::OpenSegment;
use super::{EventLogError, is_whole};
use crate::disk::{Disk, DiskError, DiskOperation};
use crate::layout;

/// The carried lines that stand beside the segment that begins at `first`, with their ends; nothing if none do.
pub fn carried(disk: &dyn Disk, source: SourceId, first: u64, max: u64) -> Result<Vec<u8>, DiskError> {
    match disk.read(&layout::event_log_carried(source, first), max) {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        result => result,
    }
}

/// All that there is of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WholeLog {
    /// The lines that stand beside the first segment.
    pub carried: Vec<u8>,
    /// The position at which each segment begins, and its bytes.
    pub segments: Vec<(u64, Vec<u8>)>,
}

/// Reads the log of `source` as it is now; `None` if there is none. A file of more than `max` bytes is refused. `names` is
/// what was listed of it a moment ago; it is listed again if that is gone.
pub fn read_whole(
    disk: &dyn Disk,
    source: SourceId,
    names: &LogNames,
    max: u64,
) -> Result<Option<WholeLog>, DiskError> {
    let mut listed = Cow::Borrowed(names);
    for _ in 0..MAX_TRIES {
        if listed.segments.is_empty() {
            return Ok(None);
        }
        match read_segments(disk, source, &listed, max) {
            Err(error) if error.is_not_found() => {
                listed = Cow::Owned(names::listing(disk)?.remove(&source).unwrap_or_default());
            }
            result => return result.map(Some),
        }
    }
    Ok(None)
}

fn read_segments(
    disk: &dyn Disk,
    source: SourceId,
    names: &LogNames,
    max: u64,
) -> Result<WholeLog, DiskError> {
    let mut log = WholeLog::default();
    for first in names.segments.iter().copied() {
        if log.segments.is_empty() {
            log.carried = carried(disk, source, first, max)?;
        }
        let bytes = disk.read(&layout::event_log_segment(source, first), max)?;
        log.segments.push((first, bytes));
    }
    Ok(log)
}

/// Makes durable what the log of `source` holds; there is one. Writes nothing and cuts nothing off, whoever else appends to it.
pub fn make_durable(disk: &dyn Disk, source: SourceId) -> Result<(), DiskError> {
    let last = names::listing(disk)?.get(&source).and_then(|names| names.segments.last().copied());
    let path = layout::event_log_segment(source, last.unwrap_or(1));
    let synced = disk.open_write(&path)?.sync();
    synced.map_err(|source| DiskError { operation: DiskOperation::Sync, path, source })?;
    disk.sync_dir(Utf8Path::new(layout::EVENTS))
}

/// Cuts the log of a dead source back to the lines that can be whole, and says how many bytes that took away. Everything
/// from the first damaged line on goes: it was never synced, for a sync would have covered that line too. Only the last
/// segment can have such a tail: the others were durable before it was there.
pub fn trim_torn_tail(disk: &dyn Disk, source: SourceId) -> Result<u64, EventLogError> {
    let listing = names::listing(disk)?;
    let Some(first) = listing.get(&source).and_then(|names| names.segments.last().copied()) else {
        return Ok(0);
    };
    let mut segment = OpenSegment::open(disk, source, first, 0)?;
    let mut end = 0;
    while let Some(line) = segment.next_line()?
        && line.text.is_some_and(|text| is_whole(&text) && !text.is_empty())
    {
        end = line.end;
    }
    let path = segment.path;
    let fail = |source| DiskError { operation: DiskOperation::Write, path: path.clone(), source };
    let mut file = disk.open_write(&path)?;
    let size = file.stat().map_err(fail)?.size;
    if size > end {
        file.set_len(end).map_err(fail)?;
    }
    Ok(size.saturating_sub(end))
}
