//! `EventLogReader`: reads a log line by line, also one that is being written, whose first segments are dropped and whose
//! end is cut off meanwhile.
//!
//! It can let go of its file between two lines, and goes on where it was. What it gives stands in the log when it is read;
//! if others took the place of lines that it gave, that is said, and it goes on with those. They are found by what it
//! remembers of the last lines; if more were cut off than it remembers, the whole segment is given again.

use std::collections::BTreeSet;
use std::sync::Arc;

use packer_domain::identity::SourceId;

use super::names::LogNames;
use super::segment::OpenSegment;
use super::trail::{ReadLine, Trail};
use super::{EventLogError, LogHole, names};
use crate::disk::{Disk, DiskError};
use crate::layout;

/// How often a log is read again of which a segment was dropped while it was read, or a line that another took the place of.
pub(super) const MAX_TRIES: u32 = 16;

/// Reads the lines of a log, and can follow one that is being written.
pub struct EventLogReader {
    disk: Arc<dyn Disk>,
    source: SourceId,
    /// The segments, where somebody else says which there are.
    told: Option<BTreeSet<u64>>,
    /// At which position the segment begins that is being read.
    first: u64,
    open: Option<OpenSegment>,
    /// What was read of that segment last.
    trail: Trail,
    /// Whether that stood there when the lines were read that are held now.
    is_checked: bool,
    /// The position of the next line.
    position: u64,
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
            match OpenSegment::open(&*disk, source, first, 0) {
                Ok(open) => return Ok(Some(Self::at(disk, source, first, Some(open), None))),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// The same for one who lists the folder himself, and says what there is from then on with [`tell`](Self::tell): many
    /// logs are read by one listing then. Opens no file yet.
    pub fn open_told(disk: Arc<dyn Disk>, source: SourceId, names: &LogNames, position: u64) -> Option<Self> {
        let first = names.segment_of(position)?;
        Some(Self::at(disk, source, first, None, Some(names.segments.clone())))
    }

    fn at(
        disk: Arc<dyn Disk>,
        source: SourceId,
        first: u64,
        open: Option<OpenSegment>,
        told: Option<BTreeSet<u64>>,
    ) -> Self {
        Self { disk, source, told, first, open, trail: Trail::default(), is_checked: true, position: first }
    }

    /// Says which segments there are now.
    pub fn tell(&mut self, names: &LogNames) {
        self.told = Some(names.segments.clone());
    }

    /// The next line, without its end; `None` if there is none that is ended yet. More may come later. Where lines are
    /// missing, or were cut off after they were read, or one is too long, that is said once, as an error, and the reader
    /// goes on after them.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, EventLogError> {
        loop {
            if let Some(line) = self.read_line()? {
                return Ok(Some(line));
            }
            let Some(next) = self.next_segment()? else { return Ok(None) };
            // What was appended before the next segment was begun may have been missed a moment ago.
            if let Some(line) = self.read_line()? {
                return Ok(Some(line));
            }
            let open = match OpenSegment::open(&*self.disk, self.source, next, 0) {
                Ok(open) => open,
                // Dropped since; the one after it is looked for.
                Err(error) if error.is_not_found() => {
                    if let Some(told) = &mut self.told {
                        told.remove(&next);
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            (self.first, self.open, self.trail, self.is_checked) = (next, Some(open), Trail::default(), true);
            let expected = std::mem::replace(&mut self.position, next);
            if expected < next {
                let hole = LogHole { after: expected.saturating_sub(1), next };
                return Err(EventLogError::Hole { source_id: self.source, hole });
            }
            if expected > next {
                return Err(EventLogError::CutOff { source_id: self.source, position: next });
            }
        }
    }

    /// The position of the next line.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// At which position the segment begins that is being read.
    pub fn segment(&self) -> u64 {
        self.first
    }

    /// The end of the last line that was read, in its segment.
    pub fn offset(&self) -> u64 {
        self.trail.last().map_or(0, |line| line.end)
    }

    /// Whether it has the segment open that it reads. Where there was no next line and it has not, that one is gone.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Lets go of the file; the next line opens it again.
    pub fn close(&mut self) {
        (self.open, self.is_checked) = (None, false);
    }

    /// Says that the log may have been written to since it was read last: what is held of it may stand there no more.
    pub fn look_again(&mut self) {
        self.is_checked = false;
    }

    /// The next line of this segment.
    fn read_line(&mut self) -> Result<Option<Vec<u8>>, EventLogError> {
        for _ in 0..MAX_TRIES {
            let offset = self.offset();
            let segment = match &mut self.open {
                Some(open) => open,
                none => match OpenSegment::open(&*self.disk, self.source, self.first, offset) {
                    Ok(open) => none.insert(open),
                    // Gone, and with it what was not read yet.
                    Err(error) if error.is_not_found() => return Ok(None),
                    Err(error) => return Err(error.into()),
                },
            };
            if self.is_checked && !segment.holds_line() {
                self.is_checked = false;
                if segment.is_at_end()? {
                    return Ok(None);
                }
                // What is read from the file now may be what took the place of lines that were read before.
            }
            if !self.is_checked {
                if let Some(last) = self.trail.last()
                    && !segment.has(last)?
                {
                    return self.cut_off();
                }
                self.is_checked = true;
            }
            let is_held = segment.holds_line();
            let line = match segment.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.is_checked = false;
                    return Ok(None);
                }
                Err(error) => {
                    // It stands somewhere amid a line.
                    self.close();
                    return Err(error.into());
                }
            };
            let read =
                ReadLine { position: self.position, start: line.start, end: line.end, check: line.check };
            // One that took several reads of the file can be made of two that stood there one after the other.
            if !is_held && !segment.has(&read)? {
                segment.go_to(offset)?;
                self.is_checked = false;
                continue;
            }
            self.trail.push(read);
            self.position = self.position.saturating_add(1);
            return match line.text {
                Some(text) => Ok(Some(text)),
                None => Err(EventLogError::LineTooLong { path: segment.path.clone(), offset: line.start }),
            };
        }
        Ok(None)
    }

    /// What was read last does not stand there any more: goes back to what does, once something else stands after it.
    /// Until then nobody knows whether the same lines come again.
    fn cut_off(&mut self) -> Result<Option<Vec<u8>>, EventLogError> {
        let Some(segment) = &mut self.open else { return Ok(None) };
        let mut stands = None;
        for (index, line) in self.trail.backwards() {
            if segment.has(line)? {
                stands = Some(index);
                break;
            }
        }
        let (offset, position) = self.trail.cut_after(stands).unwrap_or((0, self.first));
        segment.go_to(offset)?;
        if segment.next_line()?.is_none() {
            return Ok(None);
        }
        segment.go_to(offset)?;
        self.trail.forget_from(offset);
        (self.position, self.is_checked) = (position, true);
        Err(EventLogError::CutOff { source_id: self.source, position })
    }

    /// The segment after the one that is being read.
    fn next_segment(&self) -> Result<Option<u64>, DiskError> {
        let after = |segments: &BTreeSet<u64>| segments.range(self.first.saturating_add(1)..).next().copied();
        let next = match &self.told {
            Some(told) => after(told),
            None if self.is_begun()? => return Ok(Some(self.position)),
            None => names::listing(&*self.disk)?.get(&self.source).and_then(|names| after(&names.segments)),
        };
        // A listing made while segments are begun can have a later one of them and not an earlier.
        let is_later = next.is_some_and(|next| next > self.position);
        if is_later && self.is_begun()? { Ok(Some(self.position)) } else { Ok(next) }
    }

    /// Whether there is a segment that begins where this one has been read to.
    fn is_begun(&self) -> Result<bool, DiskError> {
        let path = layout::event_log_segment(self.source, self.position);
        Ok(self.position > self.first && self.disk.stat(&path)?.is_some())
    }
}
