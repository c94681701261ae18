//! `OpenSegment`: one segment of a log, open for reading line by line, and whether a line that was read from it still
//! stands there.
//!
//! A line of over [`MAX_LINE_BYTES`] is passed over once it is ended, without being held. Positions are not known here.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};

use camino::Utf8PathBuf;
use packer_domain::identity::SourceId;

use super::MAX_LINE_BYTES;
use super::trail::{CHECKED_BYTES, ReadLine, check};
use crate::disk::{Disk, DiskError, DiskOperation, ReadFile};
use crate::layout;

/// A segment that is being read.
pub(super) struct OpenSegment {
    pub(super) path: Utf8PathBuf,
    file: BufReader<Box<dyn ReadFile>>,
    /// The end of the last line that was read.
    offset: u64,
}

/// A line as it stands in its segment.
pub(super) struct FoundLine {
    /// Without its end; none if it is too long.
    pub(super) text: Option<Vec<u8>>,
    /// Where it begins.
    pub(super) start: u64,
    /// Where the next one begins.
    pub(super) end: u64,
    /// What tells it from another one in its place.
    pub(super) check: u64,
}

impl OpenSegment {
    /// Opens the segment that begins at position `first`, to read on from `offset`, where a line begins.
    pub(super) fn open(
        disk: &dyn Disk,
        source: SourceId,
        first: u64,
        offset: u64,
    ) -> Result<Self, DiskError> {
        let path = layout::event_log_segment(source, first);
        let file = BufReader::with_capacity(64 << 10, disk.open(&path)?);
        let mut segment = Self { path, file, offset: 0 };
        if offset > 0 {
            segment.go_to(offset)?;
        }
        Ok(segment)
    }

    /// Whether the next line was read ahead already, all of it.
    pub(super) fn holds_line(&self) -> bool {
        self.file.buffer().contains(&b'\n')
    }

    /// Whether nothing is there after the last line that was read.
    pub(super) fn is_at_end(&mut self) -> Result<bool, DiskError> {
        loop {
            match self.file.fill_buf().map(<[u8]>::is_empty) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read.map_err(|source| self.failed(source)),
            }
        }
    }

    /// The next line; none if there is none that is ended.
    pub(super) fn next_line(&mut self) -> Result<Option<FoundLine>, DiskError> {
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let read = (&mut self.file).take(limit).read_until(b'\n', &mut line);
        read.map_err(|source| self.failed(source))?;
        let head = check(&line[..line.len().min(CHECKED_BYTES)]);
        let is_too_long = line.len() as u64 == limit && !line.ends_with(b"\n");
        let length =
            if is_too_long { self.pass()?.map(|rest| limit + rest) } else { Some(line.len() as u64) };
        let Some(length) = length.filter(|_| is_too_long || line.ends_with(b"\n")) else {
            // Not ended: it is looked at again from its beginning next time.
            self.go_to(self.offset)?;
            return Ok(None);
        };
        let start = self.offset;
        self.offset += length;
        line.pop();
        let text = (!is_too_long).then_some(line);
        Ok(Some(FoundLine { text, start, end: self.offset, check: head }))
    }

    /// Passes over the rest of a line, and says how many bytes that was; none if it has no end.
    fn pass(&mut self) -> Result<Option<u64>, DiskError> {
        let mut passed = 0;
        loop {
            let (count, ended) = match self.file.fill_buf() {
                Ok([]) => return Ok(None),
                Ok(bytes) => match bytes.iter().position(|byte| *byte == b'\n') {
                    Some(index) => (index + 1, true),
                    None => (bytes.len(), false),
                },
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed(error)),
            };
            self.file.consume(count);
            passed += count as u64;
            if ended {
                return Ok(Some(passed));
            }
        }
    }

    /// Whether a line that was read still stands where it stood. Afterwards, reading goes on after it, with what was read
    /// ahead no earlier than that.
    pub(super) fn has(&mut self, line: &ReadLine) -> Result<bool, DiskError> {
        let has = self.look_for(line).map_err(|source| self.failed(source))?;
        // Where the whole line was looked at, it is there already, with what was read ahead.
        if self.offset != line.end {
            self.go_to(line.end)?;
        }
        Ok(has)
    }

    fn look_for(&mut self, line: &ReadLine) -> io::Result<bool> {
        let length = usize::try_from(line.end - line.start).unwrap_or(CHECKED_BYTES);
        let mut head = vec![0; length.min(CHECKED_BYTES)];
        let mut last = [0];
        self.offset = line.start;
        self.file.seek(SeekFrom::Start(line.start))?;
        let read = self.file.read_exact(&mut head).and_then(|()| {
            if head.len() == length {
                self.offset = line.end;
                return Ok(());
            }
            self.file.seek(SeekFrom::Start(line.end - 1))?;
            self.file.read_exact(&mut last)?;
            self.offset = line.end;
            Ok(())
        });
        match read {
            Ok(()) => Ok(check(&head) == line.check && (head.len() == length || last == *b"\n")),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads on from `offset`, where a line begins. What was read ahead is read again.
    pub(super) fn go_to(&mut self, offset: u64) -> Result<(), DiskError> {
        self.file.seek(SeekFrom::Start(offset)).map_err(|source| self.failed(source))?;
        self.offset = offset;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> DiskError {
        DiskError { operation: DiskOperation::Read, path: self.path.clone(), source }
    }
}
