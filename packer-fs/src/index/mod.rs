//! The stat index: what the last scan knew of each file, so that the next one reads only what may have changed.
//!
//! One flat file, kept as the bytes it was read as; entries are views into them, and nothing is allocated for one. It
//! also holds the contents of the small files that every scan needs (anchors, `.packerignore`), so that a scan of an
//! unchanged workspace opens no file but this one.
//!
//! It is a cache and never the truth: it is replaced without syncing, and dropped whole when its checksum, version or
//! root does not fit. Deciding what to read is the scan's work; here is only the rule that says when an entry is racy.
//!
//! Limits: 2 GiB. A file system of another device than the stamp's is allowed to round times by up to 2 seconds; one
//! whose clock runs behind by more than that is not noticed.

mod format;

pub use format::IndexRecord;

use std::io::{self, BufWriter, Write};
use std::ops::Range;

use camino::Utf8Path;
use packer_domain::identity::Digest;
use thiserror::Error;

use crate::disk::{Disk, DiskError, DiskOperation, EntryKind, Stat};

use format::{ENTRY_BYTES, Header};

/// An index of more bytes is not read, and so dropped.
pub const MAX_INDEX_BYTES: u64 = 2 << 30;

/// The coarsest rounding of file times in use (FAT): how far the time of a file on another device than the stamp's may
/// lie before its true time.
const OTHER_DEVICE_ROUNDING_NS: i64 = 2_000_000_000;

/// The time, by the file system's own clock, at which a scan began: the time of a file written just before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Nanoseconds since 1970.
    pub ns: i64,
    /// The device whose clock said so.
    pub device: u64,
}

impl Stamp {
    /// Writes the file at `path` and reads back its time.
    pub fn take(disk: &dyn Disk, path: &Utf8Path) -> Result<Self, DiskError> {
        let fail = |source| DiskError { operation: DiskOperation::Write, path: path.to_owned(), source };
        let mut file = disk.open_write(path)?;
        file.write_all(b"\n").and_then(|()| file.flush()).map_err(fail)?;
        let stat = file.stat().map_err(fail)?;
        Ok(Self { ns: stat.mtime_ns, device: stat.device })
    }

    /// Whether a file with this stat, read after the stamp was taken, could be written again without its stat changing:
    /// its times are not older than the stamp, so a later write could fall into the same tick of the clock.
    pub fn is_racy(self, stat: &Stat) -> bool {
        let oldest_doubtful = if stat.device == self.device {
            self.ns
        } else {
            self.ns.saturating_sub(OTHER_DEVICE_ROUNDING_NS)
        };
        stat.mtime_ns.max(stat.ctime_ns) >= oldest_doubtful
    }
}

/// The index of one assets root.
#[derive(Clone, Debug)]
pub struct StatIndex {
    bytes: Vec<u8>,
    header: Header,
}

/// What the index knows of one file; a view into the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    /// Its path below the assets root.
    pub path: &'a str,
    /// Its stat when it was read.
    pub stat: Stat,
    /// The digest of its contents.
    pub digest: Digest,
    /// Its contents, if they are kept.
    pub content: Option<&'a [u8]>,
}

/// Why an index was dropped.
#[derive(Debug, Error)]
pub enum IndexDefect {
    /// It could not be read.
    #[error("the stat index cannot be read: {0}")]
    Unreadable(DiskError),
    /// It is no index, or cut off.
    #[error("the stat index is not one")]
    NotAnIndex,
    /// It was written by another version of the packer.
    #[error("the stat index has version {found}, not {expected}", expected = format::VERSION)]
    OtherVersion {
        /// Its version.
        found: u32,
    },
    /// It describes another assets root.
    #[error("the stat index describes another assets root")]
    OtherRoot,
    /// Its bytes are not those that were written.
    #[error("the stat index is damaged: its checksum does not fit")]
    Checksum,
    /// Its parts do not fit together.
    #[error("the stat index is damaged: its parts do not fit together")]
    Layout,
}

/// Why an index was not replaced. Nothing is lost by it but time.
#[derive(Debug, Error)]
#[error("the stat index was not written: {source}")]
pub struct IndexWriteError {
    /// What failed.
    #[from]
    pub source: DiskError,
}

impl StatIndex {
    /// Reads the index at `path`; `None` if there is none. A defect means the same as none, and says why.
    pub fn load(
        disk: &dyn Disk,
        path: &Utf8Path,
        assets_root: &Utf8Path,
    ) -> Result<Option<Self>, IndexDefect> {
        match disk.read(path, MAX_INDEX_BYTES) {
            Ok(bytes) => Self::parse(bytes, assets_root).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(IndexDefect::Unreadable(error)),
        }
    }

    /// Checks the bytes of an index of `assets_root`.
    pub fn parse(bytes: Vec<u8>, assets_root: &Utf8Path) -> Result<Self, IndexDefect> {
        let header = format::check(&bytes, assets_root)?;
        Ok(Self { bytes, header })
    }

    /// Writes the index of `assets_root` to a temporary file beside `path`, then renames it over. Not synced: a torn one
    /// is dropped by its checksum.
    ///
    /// `records` are sorted by path bytes, without repeats. Two processes that write at once can cost the index, never
    /// its correctness.
    pub fn store(
        disk: &dyn Disk,
        path: &Utf8Path,
        assets_root: &Utf8Path,
        stamp: Option<Stamp>,
        records: &[IndexRecord<'_>],
    ) -> Result<(), IndexWriteError> {
        let temporary = path.with_extension("tmp");
        let fail = |source| DiskError { operation: DiskOperation::Write, path: temporary.clone(), source };
        let file = match disk.create(&temporary) {
            // Left by a process that died; or one is writing it now, and then one of the two renames fails.
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {
                disk.remove_file(&temporary)?;
                disk.create(&temporary)?
            }
            result => result?,
        };
        let mut out = BufWriter::with_capacity(1 << 18, file);
        let written = format::encode(&mut out, assets_root, stamp, records).and_then(|()| out.flush());
        if let Err(source) = written {
            // Best effort: what stays is removed by the next writer.
            drop(disk.remove_file(&temporary));
            return Err(fail(source).into());
        }
        drop(out);
        Ok(disk.rename_over(&temporary, path)?)
    }

    /// How many files it knows.
    pub fn len(&self) -> usize {
        self.header.count
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the scan that took it began; `None` if that is not known, and so every entry is racy.
    pub fn stamp(&self) -> Option<Stamp> {
        self.header.stamp
    }

    /// Whether an entry with this stat has to be read again although the file's stat is the same.
    pub fn is_racy(&self, stat: &Stat) -> bool {
        self.stamp().is_none_or(|stamp| stamp.is_racy(stat))
    }

    /// The entries, by path bytes.
    pub fn iter(&self) -> impl Iterator<Item = IndexEntry<'_>> {
        (0..self.len()).map(|at| self.entry(at))
    }

    /// What it knows of the file at `path`.
    pub fn find(&self, path: &str) -> Option<IndexEntry<'_>> {
        self.find_in(0..self.len(), path)
    }

    /// Where the entries below `folder` stand (`""` is the root), so that many of them can be found quickly.
    pub fn below(&self, folder: &str) -> Range<usize> {
        if folder.is_empty() {
            return 0..self.len();
        }
        // Paths below `folder` are those from `folder/` up to, not including, `folder0` (`0` follows `/`).
        let order = |at: usize, end: u8| {
            let path = self.path(at).as_bytes();
            let (head, rest) = path.split_at(path.len().min(folder.len()));
            head.cmp(folder.as_bytes()).then_with(|| rest.first().cmp(&Some(&end)))
        };
        let bound = |end: u8| partition_point(0..self.len(), |at| order(at, end).is_lt());
        bound(b'/')..bound(b'0')
    }

    /// The same as [`find`](Self::find), looking only at `range`, which [`below`](Self::below) gave.
    pub fn find_in(&self, range: Range<usize>, path: &str) -> Option<IndexEntry<'_>> {
        let end = range.end.min(self.len());
        let at = partition_point(range.start..end, |at| self.path(at).as_bytes() < path.as_bytes());
        (at < end && self.path(at) == path).then(|| self.entry(at))
    }

    fn path(&self, at: usize) -> &str {
        let raw = self.raw(at);
        let bytes =
            &self.bytes[self.header.paths.start + raw.path.start..self.header.paths.start + raw.path.end];
        std::str::from_utf8(bytes).expect("checked when it was parsed")
    }

    fn raw(&self, at: usize) -> format::RawEntry {
        let start = self.header.entries.start + at * ENTRY_BYTES;
        format::RawEntry::read(&self.bytes[start..start + ENTRY_BYTES])
    }

    fn entry(&self, at: usize) -> IndexEntry<'_> {
        let raw = self.raw(at);
        let contents = self.header.contents.start;
        let stat = Stat {
            kind: EntryKind::File,
            size: raw.size,
            mtime_ns: raw.mtime_ns,
            ctime_ns: raw.ctime_ns,
            inode: raw.inode,
            device: raw.device,
        };
        let content = raw.content.map(|range| &self.bytes[contents + range.start..contents + range.end]);
        IndexEntry { path: self.path(at), stat, digest: raw.digest, content }
    }
}

fn partition_point(range: Range<usize>, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests;
