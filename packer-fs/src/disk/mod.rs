//! `Disk`: the file operations that the packer is built from, and nothing above them.
//!
//! All IO of this crate goes through it, except what ARCHITECTURE.md names. There are two implementations: `OsDisk`,
//! and `SimDisk`, which loses un-synced writes on a simulated power cut. What an operation promises about durability is
//! said here once: nothing is durable until [`WriteFile::sync`] (contents) and [`Disk::sync_dir`] (names) returned.
//!
//! Paths are UTF-8, absolute or relative to the disk's root (the project's folder). Links are never followed in the
//! last segment. Names that are not UTF-8 appear in [`Disk::read_dir`] only; nothing can be done with them.

mod copy;
mod hashed;
#[cfg(test)]
pub(crate) mod hooked;
mod os;
pub mod sim;

pub use hashed::{Hashed, HashedFile};
pub use os::OsDisk;
pub(crate) use os::{is_at, open_lockable};

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read, Seek, Write};

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

/// The file operations of one project's disk.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Everything in a folder, in no particular order.
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError>;

    /// What stands at `path`, without following a link; `None` if nothing does.
    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError>;

    /// What stands at each of `names` in `dir`, in their order, as [`stat`](Self::stat) says it. Cheaper than one call a
    /// name where the system can look relative to a folder.
    fn stat_each(
        &self,
        dir: &Utf8Path,
        names: &mut dyn Iterator<Item = &str>,
        each: &mut dyn FnMut(Result<Option<Stat>, DiskError>),
    ) {
        for name in names {
            each(self.stat(&dir.join(name)));
        }
    }

    /// Opens a regular file for reading. A link is refused.
    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError>;

    /// Creates a file that did not exist.
    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError>;

    /// Opens a regular file for writing in place, creating it if it does not exist. Its contents stay. A link is refused.
    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError>;

    /// Creates one folder, whose parent exists and which itself does not.
    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError>;

    /// Removes a file or a link.
    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError>;

    /// Removes an empty folder.
    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError>;

    /// Renames a file or a folder to a path where nothing stands; fails with `AlreadyExists` otherwise.
    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError>;

    /// Renames a file over whatever file stands at `to`. For the packer's own files only.
    fn rename_over(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError>;

    /// Swaps two existing files in one step.
    fn exchange(&self, a: &Utf8Path, b: &Utf8Path) -> Result<(), DiskError>;

    /// Makes the names in a folder durable: what was created, removed or renamed in it.
    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError>;

    /// Reads a whole file; one of more than `max` bytes is refused with `FileTooLarge` before it is read.
    fn read(&self, path: &Utf8Path, max: u64) -> Result<Vec<u8>, DiskError> {
        let fail = |source| DiskError { operation: DiskOperation::Read, path: path.to_owned(), source };
        let mut file = self.open(path)?;
        let size = file.stat_at_open().map_err(fail)?.size;
        if size > max {
            return Err(fail(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("{size} bytes, over {max}"),
            )));
        }
        read_bounded(&mut file, size, max).map_err(fail)
    }

    /// Creates every missing folder on the way to `path`, and `path`. Not durable: [`sync_dir`](Self::sync_dir) the
    /// parents for that.
    fn create_dir_all(&self, path: &Utf8Path) -> Result<(), DiskError> {
        if path.as_str().is_empty() || self.stat(path)?.is_some_and(|stat| stat.kind == EntryKind::Dir) {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.create_dir_all(parent)?;
        }
        match self.create_dir(path) {
            // Somebody else made it meanwhile.
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            result => result,
        }
    }
}

/// Reads a file to its end, which stood at `size` when it was opened, at most `max`; fails with `FileTooLarge` if it has more.
fn read_bounded(file: &mut dyn Read, size: u64, max: u64) -> io::Result<Vec<u8>> {
    // One more than it has: a read that does not fill the room has seen the end, and none is needed to find it.
    let mut bytes = vec![0; size as usize + 1];
    let mut filled = 0;
    loop {
        let room = &mut bytes[filled..];
        let count = match file.read(room) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let is_short = count < room.len();
        filled += count;
        if count == 0 || is_short && filled as u64 >= size {
            bytes.truncate(filled);
            return Ok(bytes);
        }
        // A file that grows while it is read is cut off, not followed.
        if filled as u64 > max {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("grew over {max} bytes")));
        }
        if filled == bytes.len() {
            bytes.resize(bytes.len().saturating_mul(2).min(max as usize).saturating_add(1), 0);
        }
    }
}

/// A regular file open for reading.
pub trait ReadFile: Read + Seek + Send {
    /// What is open, now.
    fn stat(&self) -> io::Result<Stat>;

    /// What was opened, as it was after it was opened and before anything was read.
    fn stat_at_open(&self) -> io::Result<Stat> {
        self.stat()
    }

    /// The operating system's file, where there is one: for copies that stay in the kernel, and for mapping.
    fn os_file(&self) -> Option<&std::fs::File>;
}

/// A regular file open for writing; writes go to its position, which starts at 0.
pub trait WriteFile: Write + Seek + Send {
    /// What is open, now.
    fn stat(&self) -> io::Result<Stat>;

    /// Makes the contents durable (not the name: that is [`Disk::sync_dir`]).
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts or extends (with zeros) the file.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Writes `len` bytes of `source` from `offset` at the position, without passing them through this process where
    /// the system can. Where the position of `source` is then, is open. If it ends before that many bytes, it fails with
    /// `UnexpectedEof`, and what there was has been written.
    fn append_range(&mut self, source: &mut dyn ReadFile, offset: u64, len: u64) -> io::Result<()>;

    /// Lets the same people read, write and execute the file as `like`, as far as the system knows of such and lets this
    /// process say so. Who owns it is not changed. Durable with the next sync.
    fn permit_like(&mut self, like: &dyn ReadFile);
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// The name, as the system has it.
    pub name: OsString,
    /// What stands there.
    pub kind: EntryKind,
}

/// What can stand at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link, to whatever.
    Symlink,
    /// A device, a pipe, a socket.
    Other,
}

/// The facts of a file that tell, without reading it, whether it may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stat {
    /// What it is.
    pub kind: EntryKind,
    /// Bytes.
    pub size: u64,
    /// When its contents last changed, as the system says: nanoseconds since 1970. Programs can set it.
    pub mtime_ns: i64,
    /// When its inode last changed: nanoseconds since 1970. Programs cannot set it.
    pub ctime_ns: i64,
    /// The inode.
    pub inode: u64,
    /// The device.
    pub device: u64,
}

/// A file operation that failed.
#[derive(Debug, Error)]
#[error("cannot {operation} {path}: {source}")]
pub struct DiskError {
    /// What was tried.
    pub operation: DiskOperation,
    /// On which path.
    pub path: Utf8PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl DiskError {
    /// Whether nothing stood at the path.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// The operations of a disk, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum DiskOperation {
    /// Listing a folder.
    #[error("list")]
    ReadDir,
    /// Looking at what stands at a path.
    #[error("look at")]
    Stat,
    /// Opening for reading.
    #[error("open")]
    Open,
    /// Reading.
    #[error("read")]
    Read,
    /// Creating a file.
    #[error("create")]
    Create,
    /// Writing.
    #[error("write")]
    Write,
    /// Syncing a file's contents.
    #[error("sync")]
    Sync,
    /// Creating a folder.
    #[error("create the folder")]
    CreateDir,
    /// Removing a file.
    #[error("remove")]
    RemoveFile,
    /// Removing a folder.
    #[error("remove the folder")]
    RemoveDir,
    /// Renaming.
    #[error("rename")]
    Rename,
    /// Swapping two files.
    #[error("swap")]
    Exchange,
    /// Syncing a folder's names.
    #[error("sync the folder")]
    SyncDir,
    /// Locking.
    #[error("lock")]
    Lock,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives so many bytes a read, whatever the room.
    struct Stingy {
        reads: Vec<usize>,
        asked: usize,
    }

    impl Read for Stingy {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.asked += 1;
            if self.asked == 2 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let count = if self.reads.is_empty() { 0 } else { self.reads.remove(0) };
            let count = count.min(room.len());
            room[..count].fill(7);
            Ok(count)
        }
    }

    fn read(reads: &[usize], size: u64, max: u64) -> (Result<usize, io::ErrorKind>, usize) {
        let mut file = Stingy { reads: reads.to_vec(), asked: 0 };
        let read = read_bounded(&mut file, size, max).map(|bytes| {
            assert!(bytes.iter().all(|byte| *byte == 7), "room that nothing was read into is handed out");
            bytes.len()
        });
        (read.map_err(|error| error.kind()), file.asked)
    }

    #[test]
    fn a_file_as_it_was_opened_takes_one_read() {
        assert_eq!(read(&[5], 5, 10), (Ok(5), 1));
        assert_eq!(read(&[], 0, 0), (Ok(0), 1));
    }

    #[test]
    fn reads_that_give_little_are_gone_on_with_and_a_shorter_file_ends() {
        assert_eq!(read(&[2, 2, 1], 5, 10), (Ok(5), 4));
        assert_eq!(read(&[2, 1], 5, 10), (Ok(3), 4));
    }

    #[test]
    fn one_that_grows_is_read_up_to_the_limit_and_no_further() {
        assert_eq!(read(&[6, 3], 5, 10), (Ok(9), 3));
        assert_eq!(read(&[6, 5, 99], 5, 10), (Err(io::ErrorKind::FileTooLarge), 3));
        assert_eq!(read(&[11], 10, 10), (Err(io::ErrorKind::FileTooLarge), 1));
    }
}
