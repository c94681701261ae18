//! The event log of one source: one line an event, appended, never changed.
//!
//! Lines are opaque texts; what they say, and when one must be durable, is the runtime's business. The log is made when
//! the first line is appended. A line whose append failed is not in the log: what was written of it is cut off, at the
//! latest by the next append.
//!
//! After a crash, a log can end in the middle of a line, and what was not synced can be anything: [`trim_torn_tail`] cuts
//! it back to the last line that can be whole. A reader that follows a log sees only lines that are ended; one that was
//! cut off again because its sync failed may have been seen.
//!
//! Limits: a line has at most [`MAX_LINE_BYTES`] bytes. Bounding and rotating the files is not done here.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::SourceId;
use thiserror::Error;

use crate::disk::{Disk, DiskError, DiskOperation, EntryKind, ReadFile, WriteFile};
use crate::layout;

/// The most bytes of a line, without its end.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// Why a log could not be written or read.
#[derive(Debug, Error)]
pub enum EventLogError {
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What was to be appended is no line.
    #[error("an event of {bytes} bytes is not one line of text, or too long")]
    NotALine {
        /// Its length.
        bytes: usize,
    },
    /// The file has a line that no packer wrote.
    #[error("{path} has a line of over {MAX_LINE_BYTES} bytes at {offset}")]
    LineTooLong {
        /// The log.
        path: Utf8PathBuf,
        /// Where it begins.
        offset: u64,
    },
}

/// Appends to the log of a source that is this process's own, or whose lock it holds.
pub struct EventLogWriter {
    disk: Arc<dyn Disk>,
    path: Utf8PathBuf,
    open: Option<OpenLog>,
}

struct OpenLog {
    file: Box<dyn WriteFile>,
    /// The end of the last line that was appended.
    end: u64,
    /// Whether the file may have more after `end`, or its position elsewhere.
    is_torn: bool,
    /// Whether the file's name was made durable; also one that was found may not be.
    is_named: bool,
}

impl EventLogWriter {
    /// A writer of the log of `source`. Touches nothing until the first line.
    pub fn new(disk: Arc<dyn Disk>, source: SourceId) -> Self {
        Self { disk, path: layout::event_log(source), open: None }
    }

    /// Appends one line (without its end), to be durable some time.
    pub fn append(&mut self, line: &[u8]) -> Result<(), EventLogError> {
        self.append_lines(&[line], false)
    }

    /// Appends one line (without its end); it, and all before it, are durable when this returns.
    pub fn append_synced(&mut self, line: &[u8]) -> Result<(), EventLogError> {
        self.append_lines(&[line], true)
    }

    /// Appends several lines (without their ends) at once: all of them, or none.
    pub fn append_lines(&mut self, lines: &[&[u8]], sync: bool) -> Result<(), EventLogError> {
        let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
        for line in lines {
            if line.is_empty() || line.len() > MAX_LINE_BYTES || !is_whole(line) {
                return Err(EventLogError::NotALine { bytes: line.len() });
            }
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        let log = match &mut self.open {
            Some(log) => log,
            none => none.insert(open(&*self.disk, &self.path)?),
        };
        let fail = |operation, source| DiskError { operation, path: self.path.clone(), source };
        if log.is_torn {
            log.cut().map_err(|source| fail(DiskOperation::Write, source))?;
        }
        log.is_torn = true;
        let written = log.file.write_all(&bytes).and_then(|()| log.file.flush());
        let durable = match written {
            Err(source) => Err(fail(DiskOperation::Write, source)),
            Ok(()) if sync => make_durable(&*self.disk, log).map_err(|error| match error {
                SyncError::Contents(source) => fail(DiskOperation::Sync, source),
                SyncError::Name(error) => error,
            }),
            Ok(()) => Ok(()),
        };
        if let Err(error) = durable {
            // Best effort, so that readers see as little of it as can be; the next append tries again.
            drop(log.cut());
            return Err(error.into());
        }
        log.end += bytes.len() as u64;
        log.is_torn = false;
        Ok(())
    }
}

impl OpenLog {
    /// Cuts off everything after the last appended line.
    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.is_torn = false;
        Ok(())
    }
}

enum SyncError {
    Contents(io::Error),
    Name(DiskError),
}

fn make_durable(disk: &dyn Disk, log: &mut OpenLog) -> Result<(), SyncError> {
    log.file.sync().map_err(SyncError::Contents)?;
    if !log.is_named {
        disk.sync_dir(Utf8Path::new(layout::EVENTS)).map_err(SyncError::Name)?;
        log.is_named = true;
    }
    Ok(())
}

fn open(disk: &dyn Disk, path: &Utf8Path) -> Result<OpenLog, DiskError> {
    let folder = Utf8Path::new(layout::EVENTS);
    if disk.stat(folder)?.is_none() {
        disk.create_dir_all(folder)?;
        if let Some(parent) = folder.parent() {
            disk.sync_dir(parent)?;
        }
    }
    let mut file = disk.open_write(path)?;
    let end = file.seek(SeekFrom::End(0)).map_err(|source| DiskError {
        operation: DiskOperation::Open,
        path: path.to_owned(),
        source,
    })?;
    Ok(OpenLog { file, end, is_torn: false, is_named: false })
}

/// Whether a line can be one that was appended: texts have no control characters, zeros that a crash left are some.
fn is_whole(line: &[u8]) -> bool {
    line.iter().all(|byte| *byte >= b' ')
}

/// The sources that have a log, in order.
pub fn list(disk: &dyn Disk) -> Result<Vec<SourceId>, DiskError> {
    let entries = match disk.read_dir(Utf8Path::new(layout::EVENTS)) {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        result => result?,
    };
    let is_log = |entry: &crate::disk::DirEntry| {
        let source = entry.name.to_str()?.strip_suffix(".jsonl")?.parse().ok()?;
        (entry.kind == EntryKind::File).then_some(source)
    };
    let mut sources: Vec<SourceId> = entries.iter().filter_map(is_log).collect();
    sources.sort_unstable();
    Ok(sources)
}

/// Cuts the log of a dead source back to the lines that can be whole, and says how many bytes that took away. Everything
/// from the first damaged line on goes: it was never synced, for a sync would have covered that line too.
pub fn trim_torn_tail(disk: &dyn Disk, source: SourceId) -> Result<u64, EventLogError> {
    let mut reader = EventLogReader::open(disk, source, 0)?;
    let mut end = 0;
    loop {
        match reader.next_line() {
            Ok(Some(line)) if is_whole(&line) && !line.is_empty() => end = reader.offset(),
            Ok(_) | Err(EventLogError::LineTooLong { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    drop(reader);
    let path = layout::event_log(source);
    let fail = |source| DiskError { operation: DiskOperation::Write, path: path.clone(), source };
    let mut file = disk.open_write(&path)?;
    let size = file.stat().map_err(fail)?.size;
    if size > end {
        file.set_len(end).map_err(fail)?;
    }
    Ok(size.saturating_sub(end))
}

/// Reads the lines of a log, and can follow one that is being written.
pub struct EventLogReader {
    path: Utf8PathBuf,
    file: BufReader<Box<dyn ReadFile>>,
    offset: u64,
}

impl EventLogReader {
    /// Opens the log of `source` at `offset`, which is 0 or what [`offset`](Self::offset) gave.
    pub fn open(disk: &dyn Disk, source: SourceId, offset: u64) -> Result<Self, EventLogError> {
        let path = layout::event_log(source);
        let mut file = BufReader::with_capacity(64 << 10, disk.open(&path)?);
        file.seek(SeekFrom::Start(offset)).map_err(|source| DiskError {
            operation: DiskOperation::Read,
            path: path.clone(),
            source,
        })?;
        Ok(Self { path, file, offset })
    }

    /// The next line, without its end; `None` if there is none that is ended yet. More may come later.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, EventLogError> {
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

    /// The end of the last line that was read.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

#[cfg(test)]
mod tests;
