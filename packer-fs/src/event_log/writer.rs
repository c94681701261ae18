//! `EventLogWriter`: appends to the last segment of a log, and begins the next one.

use std::io::{self, SeekFrom};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::SourceId;

use super::{EventLogError, MAX_LINE_BYTES, is_whole, names};
use crate::disk::{Disk, DiskError, DiskOperation, WriteFile};
use crate::layout;

/// Appends to the log of a source that is this process's own, or whose lock it holds.
pub struct EventLogWriter {
    disk: Arc<dyn Disk>,
    source: SourceId,
    /// The last segment.
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
    /// A writer of the log of `source`, which has one segment at most. Touches nothing until the first line.
    pub fn new(disk: Arc<dyn Disk>, source: SourceId) -> Self {
        Self { disk, source, path: layout::event_log(source), open: None }
    }

    /// A writer that goes on with the last segment of the log that is there.
    pub fn continuing(disk: Arc<dyn Disk>, source: SourceId) -> Result<Self, DiskError> {
        let last = names::listing(&*disk)?.get(&source).and_then(|names| names.segments.last().copied());
        let path = layout::event_log_segment(source, last.unwrap_or(1));
        Ok(Self { disk, source, path, open: None })
    }

    /// How many bytes this writer knows the last segment to have.
    pub fn segment_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |log| log.end)
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
        let bytes = joined(lines)?;
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
            Ok(()) if sync => log.make_durable(&*self.disk, &self.path),
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

    /// Ends the last segment, which is durable from then on, and begins the one whose first line will be at position
    /// `first`. `carried` is what whoever reads from there on has to know of the lines before; it and the name of the new
    /// segment are durable when this returns. One that fails can be tried again, and until then nothing has changed.
    pub fn begin_segment(&mut self, first: u64, carried: &[&[u8]]) -> Result<(), EventLogError> {
        let carried = joined(carried)?;
        if let Some(log) = &mut self.open {
            if log.is_torn {
                let fail =
                    |source| DiskError { operation: DiskOperation::Write, path: self.path.clone(), source };
                log.cut().map_err(fail)?;
            }
            log.make_durable(&*self.disk, &self.path)?;
        }
        make_folder(&*self.disk)?;
        if !carried.is_empty() {
            self.write_carried(&layout::event_log_carried(self.source, first), &carried)?;
        }
        let path = layout::event_log_segment(self.source, first);
        let mut log = open(&*self.disk, &path)?;
        self.disk.sync_dir(Utf8Path::new(layout::EVENTS))?;
        log.is_named = true;
        (self.path, self.open) = (path, Some(log));
        Ok(())
    }

    /// Nobody reads it before the segment beside it is the first one, so one that is half there does no harm.
    fn write_carried(&self, path: &Utf8Path, bytes: &[u8]) -> Result<(), DiskError> {
        let fail = |operation| {
            let path = path.to_owned();
            move |source: io::Error| DiskError { operation, path, source }
        };
        let mut file = self.disk.open_write(path)?;
        file.set_len(0).map_err(fail(DiskOperation::Write))?;
        file.write_all(bytes).and_then(|()| file.flush()).map_err(fail(DiskOperation::Write))?;
        file.sync().map_err(fail(DiskOperation::Sync))
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

    fn make_durable(&mut self, disk: &dyn Disk, path: &Utf8Path) -> Result<(), DiskError> {
        let fail = |source| DiskError { operation: DiskOperation::Sync, path: path.to_owned(), source };
        self.file.sync().map_err(fail)?;
        if !self.is_named {
            disk.sync_dir(Utf8Path::new(layout::EVENTS))?;
            self.is_named = true;
        }
        Ok(())
    }
}

fn joined(lines: &[&[u8]]) -> Result<Vec<u8>, EventLogError> {
    let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        if line.is_empty() || line.len() > MAX_LINE_BYTES || !is_whole(line) {
            return Err(EventLogError::NotALine { bytes: line.len() });
        }
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn make_folder(disk: &dyn Disk) -> Result<(), DiskError> {
    let folder = Utf8Path::new(layout::EVENTS);
    if disk.stat(folder)?.is_none() {
        disk.create_dir_all(folder)?;
        if let Some(parent) = folder.parent() {
            disk.sync_dir(parent)?;
        }
    }
    Ok(())
}

fn open(disk: &dyn Disk, path: &Utf8Path) -> Result<OpenLog, DiskError> {
    make_folder(disk)?;
    let mut file = disk.open_write(path)?;
    let end = file.seek(SeekFrom::End(0)).map_err(|source| DiskError {
        operation: DiskOperation::Open,
        path: path.to_owned(),
        source,
    })?;
    Ok(OpenLog { file, end, is_torn: false, is_named: false })
}
