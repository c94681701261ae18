//! The stat index: everything that the last scan saw, so that the next one reads only what may have changed.
//!
//! One flat file, kept as the bytes it was read as: folders by path, their files by name; entries are views into them,
//! and nothing is allocated for one. It also holds the contents of the small files that every scan needs (anchors,
//! `.packerignore`), so that a scan of an unchanged workspace opens no file but this one. In memory it is the result of a
//! scan: what the next observation is made of, and by its digests what tells in one comparison that nothing changed.
//!
//! On disk it is a cache and never the truth: it is replaced without syncing, and dropped whole when its checksum, version
//! or root does not fit. Deciding what to read is the scan's work; here is only the rule that says when an entry is racy.
//!
//! Limits: 2 GiB. A file system of another device than the stamp's is allowed to round times by up to 2 seconds; one
//! whose clock runs behind by more than that is not noticed.

mod build;
mod format;

pub use build::{DraftFile, DraftFolder, ReadFacts, build, renew};

use std::io;
use std::ops::Range;
use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::identity::Digest;
use thiserror::Error;

use crate::disk::{Disk, DiskError, DiskOperation, Stat};

use format::{ENTRY_BYTES, FOLDER_BYTES, Header};

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
    /// As they were read; shared with the indexes that differ from this one in a few entries.
    bytes: Arc<Vec<u8>>,
    header: Header,
    /// The entries that are not as they stand there, by number.
    renewed: Vec<(u32, [u8; ENTRY_BYTES])>,
}

/// What a file is to a scan, told from its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileRole {
    /// Whatever it is, its contents are not kept.
    Plain,
    /// An anchor.
    Anchor,
    /// A `.packerignore`: it says what is seen, and is not seen itself.
    IgnoreFile,
}

/// What the index knows of one folder; a view into the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFolder<'a> {
    /// Its path below the assets root; empty for the root.
    pub path: &'a str,
    /// The entries of the files directly in it, by name.
    pub files: Range<usize>,
}

/// What the index knows of one file; a view into the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    /// Its name in its folder.
    pub name: &'a str,
    /// What it is.
    pub role: FileRole,
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
        Ok(Self { bytes: Arc::new(bytes), header, renewed: Vec::new() })
    }

    /// Writes the index to a temporary file beside `path`, then renames it over. Not synced: a torn one is dropped by its
    /// checksum. Two processes that write at once can cost the index, never its correctness.
    pub fn store(&self, disk: &dyn Disk, path: &Utf8Path) -> Result<(), IndexWriteError> {
        let temporary = path.with_extension("tmp");
        let fail = |source| DiskError { operation: DiskOperation::Write, path: temporary.clone(), source };
        let mut file = match disk.create(&temporary) {
            // Left by a process that died; or one is writing it now, and then one of the two renames fails.
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {
                disk.remove_file(&temporary)?;
                disk.create(&temporary)?
            }
            result => result?,
        };
        let whole = (!self.renewed.is_empty()).then(|| build::whole(self));
        let bytes = whole.as_deref().unwrap_or(&self.bytes);
        if let Err(source) = file.write_all(bytes).and_then(|()| file.flush()) {
            // Best effort: what stays is removed by the next writer.
            drop(disk.remove_file(&temporary));
            return Err(fail(source).into());
        }
        drop(file);
        Ok(disk.rename_over(&temporary, path)?)
    }

    /// How many entries are other than in the index that it was made of, whose bytes it shares.
    pub fn renewed_count(&self) -> usize {
        self.renewed.len()
    }

    /// Whether it describes this assets root.
    pub fn is_of(&self, assets_root: &Utf8Path) -> bool {
        self.header.root == Digest::of(assets_root.as_str().as_bytes())
    }

    /// How many files it knows, those included that say what is ignored.
    pub fn len(&self) -> usize {
        self.header.count
    }

    /// Whether it knows no file.
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

    /// The digest of the paths of all folders and files: what is there, whatever it holds. Where it is equal, entries have
    /// equal numbers.
    pub fn listing_digest(&self) -> Digest {
        self.header.listing
    }

    /// The digest of all paths and contents, which no stat enters: equal for equal workspaces.
    pub fn content_digest(&self) -> Digest {
        self.header.content
    }

    /// How many folders it knows, the root included.
    pub fn folder_count(&self) -> usize {
        self.header.folder_count
    }

    /// The folder at `at`, of [`folder_count`](Self::folder_count) folders by path; the root is the first.
    pub fn folder(&self, at: usize) -> IndexFolder<'_> {
        let raw = self.raw_folder(at);
        IndexFolder { path: self.text(raw.path), files: raw.files }
    }

    /// All folders, by path.
    pub fn folders(&self) -> impl Iterator<Item = IndexFolder<'_>> {
        (0..self.folder_count()).map(|at| self.folder(at))
    }

    /// The number of the folder at `path`.
    pub fn find_folder(&self, path: &str) -> Option<usize> {
        let at = partition_point(0..self.folder_count(), |at| self.text(self.raw_folder(at).path) < path);
        (at < self.folder_count() && self.text(self.raw_folder(at).path) == path).then_some(at)
    }

    /// The number of the file called `name` among `files`, which a folder gave.
    pub fn find_name(&self, files: &Range<usize>, name: &str) -> Option<usize> {
        let name = name.as_bytes();
        let at = partition_point(files.clone(), |at| self.name_bytes(at) < name);
        (files.contains(&at) && self.name_bytes(at) == name).then_some(at)
    }

    /// What it knows of the file at `path`.
    pub fn find(&self, path: &str) -> Option<IndexEntry<'_>> {
        self.find_number(path).map(|at| self.entry(at))
    }

    /// The number of the file at `path`.
    pub fn find_number(&self, path: &str) -> Option<usize> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = self.folder(self.find_folder(folder)?);
        self.find_name(&folder.files, name)
    }

    /// The entry at `at`, of [`len`](Self::len) entries.
    pub fn entry(&self, at: usize) -> IndexEntry<'_> {
        let raw = format::RawEntry::read(self.raw(at));
        let contents = self.header.contents.start;
        let stat = self.stat(at);
        let content = raw.content.map(|range| &self.bytes[contents + range.start..contents + range.end]);
        IndexEntry { name: self.text(raw.name), role: raw.role, stat, digest: raw.digest, content }
    }

    /// The stat of the entry at `at`, alone.
    pub fn stat(&self, at: usize) -> Stat {
        format::stat(self.raw(at))
    }

    /// The digest of the contents of the entry at `at`, alone.
    pub fn digest(&self, at: usize) -> Digest {
        format::digest(self.raw(at))
    }

    fn raw(&self, at: usize) -> &[u8; ENTRY_BYTES] {
        let renewed = self.renewed.binary_search_by(|(number, _)| (*number as usize).cmp(&at));
        if let Ok(renewed) = renewed {
            return &self.renewed[renewed].1;
        }
        let start = self.header.entries.start + at * ENTRY_BYTES;
        self.bytes[start..].first_chunk().expect("checked when it was parsed")
    }

    fn raw_folder(&self, at: usize) -> format::RawFolder {
        let start = self.header.folders.start + at * FOLDER_BYTES;
        format::RawFolder::read(self.bytes[start..].first_chunk().expect("checked when it was parsed"))
    }

    fn name_bytes(&self, at: usize) -> &[u8] {
        let range = format::name_range(self.raw(at));
        let start = self.header.names.start;
        &self.bytes[start + range.start..start + range.end]
    }

    fn text(&self, range: Range<usize>) -> &str {
        let start = self.header.names.start;
        let bytes = &self.bytes[start + range.start..start + range.end];
        std::str::from_utf8(bytes).expect("checked when it was parsed")
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
