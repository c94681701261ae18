//! Reading a log line by line, also one that is being written and whose first segments are dropped meanwhile; reading it as
//! a whole; and trimming what a crash left at its end.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::SourceId;

use super::names::LogNames;
use super::{EventLogError, LogHole, MAX_LINE_BYTES, is_whole, names};
use crate::disk::{Disk, DiskError, DiskOperation, ReadFile};
use crate::layout;

/// How often a log is read again of which a segment was dropped while it was read.
const MAX_TRIES: u32 = 16;

/// Reads the lines of a log, and can follow one that is being written.
pub struct EventLogReader {
    disk: Arc<dyn Disk>,
    source: SourceId,
    open: OpenSegment,
    /// The position of the next line.
    position: u64,
}

struct OpenSegment {
    first: u64,
    path: Utf8PathBuf,
    file: BufReader<Box<dyn ReadFile>>,
    offset: u64,
}

impl EventLogReader {
    /// Opens the log of `source` at the beginning of the segment that has the line at `position`; where that is gone, of
    /// the first one after it; where the log ends before it, of the last. `None` if there is no log.
    pub fn open(disk: Arc<dyn Disk>, source: SourceId, position: u64) -> Result<Option<Self>, EventLogError> {
        for _ in 0..MAX_TRIES {
            let listing = names::listing(&*disk)?;
            let Some(first) = listing.get(&source).and_then(|names| names.segment_of(position)) else {
                return Ok(None);
            };
            match OpenSegment::open(&*disk, source, first) {
                Ok(open) => return Ok(Some(Self { disk, source, open, position: first })),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// The next line, without its end; `None` if there is none that is ended yet. More may come later. Where lines are
    /// missing, that is said once, as an error, and the reader goes on after them.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, EventLogError> {
        loop {
            if let Some(line) = self.open.next_line()? {
                self.position += 1;
                return Ok(Some(line));
            }
            let after = self.position.saturating_sub(1);
            let Some(next) = self.next_segment()? else { return Ok(None) };
            // What was appended before the next segment was begun may have been missed a moment ago.
            if let Some(line) = self.open.next_line()? {
                self.position += 1;
                return Ok(Some(line));
            }
            self.open = match OpenSegment::open(&*self.disk, self.source, next) {
                Ok(open) => open,
                // Dropped since; the one after it is looked for.
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error.into()),
            };
            let hole = LogHole { after, next };
            if std::mem::replace(&mut self.position, next) != next {
                return Err(EventLogError::Hole { source_id: self.source, hole });
            }
        }
    }

    /// The position of the next line.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// At which position the segment begins that is being read.
    pub fn segment(&self) -> u64 {
        self.open.first
    }

    /// The end of the last line that was read, in its segment.
    pub fn offset(&self) -> u64 {
        self.open.offset
    }

    /// The segment after the one that is being read.
    fn next_segment(&self) -> Result<Option<u64>, DiskError> {
        let next = layout::event_log_segment(self.source, self.position);
        if self.position > self.open.first && self.disk.stat(&next)?.is_some() {
            return Ok(Some(self.position));
        }
        let listing = names::listing(&*self.disk)?;
        let after = |names: &LogNames| names.segments.range(self.open.first + 1..).next().copied();
        Ok(listing.get(&self.source).and_then(after))
    }
}

impl OpenSegment {
    fn open(disk: &dyn Disk, source: SourceId, first: u64) -> Result<Self, DiskError> {
        let path = layout::event_log_segment(source, first);
        let file = BufReader::with_capacity(64 << 10, disk.open(&path)?);
        Ok(Self { first, path, file, offset: 0 })
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, EventLogError> {
        let fail = |path: &Utf8Path, source| DiskError {
            operation: DiskOperation::Read,
            path: path.to_owned(),
            source,
        };
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        (&mut self.file)
            .take(limit)
            .read_until(b'\n', &mut line)
            .map_err(|source| fail(&self.path, source))?;
        if line.last() != Some(&b'\n') {
            if line.len() as u64 == limit {
                return Err(EventLogError::LineTooLong { path: self.path.clone(), offset: self.offset });
            }
            // Not ended: look again from its beginning next time.
            self.file.seek(SeekFrom::Start(self.offset)).map_err(|source| fail(&self.path, source))?;
            return Ok(None);
        }
        self.offset += line.len() as u64;
        line.pop();
        Ok(Some(line))
    }
}

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
    /// What is missing between them.
    pub holes: Vec<LogHole>,
}

impl WholeLog {
    /// The position of the last line that is ended; of the one before the log if there is none.
    pub fn last_position(&self) -> u64 {
        self.segments.last().map_or(0, |(first, bytes)| first.saturating_sub(1).saturating_add(lines(bytes)))
    }
}

/// Reads the log of `source` as it is now; `None` if there is none. A file of more than `max` bytes is refused.
pub fn read_whole(disk: &dyn Disk, source: SourceId, max: u64) -> Result<Option<WholeLog>, DiskError> {
    for _ in 0..MAX_TRIES {
        let listing = names::listing(disk)?;
        let Some(names) = listing.get(&source).filter(|names| !names.segments.is_empty()) else {
            return Ok(None);
        };
        match read_segments(disk, source, names, max) {
            Err(error) if error.is_not_found() => {}
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
        } else if log.last_position() + 1 != first {
            log.holes.push(LogHole { after: log.last_position(), next: first });
        }
        let bytes = disk.read(&layout::event_log_segment(source, first), max)?;
        log.segments.push((first, bytes));
    }
    Ok(log)
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.split(|byte| *byte == b'\n').count() as u64 - 1
}

/// Cuts the log of a dead source back to the lines that can be whole, and says how many bytes that took away. Everything
/// from the first damaged line on goes: it was never synced, for a sync would have covered that line too. Only the last
/// segment can have such a tail: the others were durable before it was there.
pub fn trim_torn_tail(disk: &dyn Disk, source: SourceId) -> Result<u64, EventLogError> {
    let listing = names::listing(disk)?;
    let Some(first) = listing.get(&source).and_then(|names| names.segments.last().copied()) else {
        return Ok(0);
    };
    let mut segment = OpenSegment::open(disk, source, first)?;
    let mut end = 0;
    loop {
        match segment.next_line() {
            Ok(Some(line)) if is_whole(&line) && !line.is_empty() => end = segment.offset,
            Ok(_) | Err(EventLogError::LineTooLong { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    let path = segment.path;
    drop(segment.file);
    let fail = |source| DiskError { operation: DiskOperation::Write, path: path.clone(), source };
    let mut file = disk.open_write(&path)?;
    let size = file.stat().map_err(fail)?.size;
    if size > end {
        file.set_len(end).map_err(fail)?;
    }
    Ok(size.saturating_sub(end))
}
