//! `OsDisk`: the operating system's files behind the [`Disk`] trait.
//!
//! It adds no policy and keeps no state but the root. What it sees to: no link is followed in the last segment (the
//! root itself may be one), an open never hangs on a pipe, nothing but a regular file is ever handed out, and a name
//! that is taken is never replaced by [`rename_new`](Disk::rename_new). How renames do that is in `rename`; how folders are
//! listed is in `list`.
//!
//! [`WriteFile::sync`] is `fsync`, not `fdatasync`: a file overwritten in place could otherwise come back from a power
//! cut with new contents and old times, which is what the stat index takes for an unchanged file. (On Apple systems the
//! standard library asks for `F_FULLFSYNC`.)
//!
//! Limits. Only Linux is tested. A filesystem that cannot sync a folder (it answers `EINVAL`, as some network
//! filesystems do) is taken to order names by itself. Outside Unix there is no folder sync, no change time and no inode,
//! and a link in the last segment is refused by a check before the open, not by the open.

mod list;
mod rename;

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};

use super::copy::copy_range;
use super::{DirEntry, Disk, DiskError, DiskOperation, EntryKind, ReadFile, Stat, WriteFile};

/// The operating system's disk.
#[derive(Clone, Debug)]
pub struct OsDisk {
    root: Utf8PathBuf,
}

impl OsDisk {
    /// The disk whose relative paths start at `root`. Nothing is touched.
    pub fn new(root: Utf8PathBuf) -> Self {
        Self { root }
    }

    /// Where relative paths start.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The path for the system. A trailing `/` would have it follow a link; the root's is wanted.
    fn full(&self, path: &Utf8Path) -> Utf8PathBuf {
        let text = path.as_str();
        let trimmed = text.trim_end_matches('/');
        if trimmed.is_empty() && !text.is_empty() { "/".into() } else { self.root.join(trimmed) }
    }
}

impl Disk for OsDisk {
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        list::list(&self.full(dir)).map_err(fail(DiskOperation::ReadDir, dir))
    }

    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError> {
        // The standard library's `lstat` is `statx` where there is one.
        match std::fs::symlink_metadata(self.full(path)) {
            Ok(metadata) => Ok(Some(stat_of(&metadata))),
            // Below a file stands nothing either.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(fail(DiskOperation::Stat, path)(error)),
        }
    }

    #[cfg(target_os = "linux")]
    fn stat_each(
        &self,
        dir: &Utf8Path,
        names: &mut dyn Iterator<Item = &str>,
        each: &mut dyn FnMut(Result<Option<Stat>, DiskError>),
    ) {
        let folder = list::Looked::open(&self.full(dir));
        for name in names {
            let path = || dir.join(name);
            each(match &folder {
                Ok(folder) => folder.stat(name).map_err(|error| fail(DiskOperation::Stat, &path())(error)),
                // One path may be too long, or the folder gone: looked at one by one, each says so for itself.
                Err(_) => self.stat(&path()),
            });
        }
    }

    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError> {
        let file = open_regular(OpenOptions::new().read(true), &self.full(path));
        let (file, at_open) = file.map_err(fail(DiskOperation::Open, path))?;
        Ok(Box::new(OsReadFile { file, at_open }))
    }

    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        // An exclusive creation follows no link.
        let file = OpenOptions::new().write(true).create_new(true).open(self.full(path));
        Ok(Box::new(OsFile { file: file.map_err(fail(DiskOperation::Create, path))? }))
    }

    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = open_regular(&mut options, &self.full(path));
        let (file, _) = file.map_err(fail(DiskOperation::Open, path))?;
        Ok(Box::new(OsFile { file }))
    }

    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        std::fs::create_dir(self.full(path)).map_err(fail(DiskOperation::CreateDir, path))
    }

    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        std::fs::remove_file(self.full(path)).map_err(fail(DiskOperation::RemoveFile, path))
    }

    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        std::fs::remove_dir(self.full(path)).map_err(fail(DiskOperation::RemoveDir, path))
    }

    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        rename::rename_new(&self.full(from), &self.full(to)).map_err(fail(DiskOperation::Rename, from))
    }

    fn rename_over(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        std::fs::rename(self.full(from), self.full(to)).map_err(fail(DiskOperation::Rename, from))
    }

    fn exchange(&self, a: &Utf8Path, b: &Utf8Path) -> Result<(), DiskError> {
        rename::exchange(&self.full(a), &self.full(b)).map_err(fail(DiskOperation::Exchange, a))
    }

    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError> {
        list::sync(&self.full(dir)).map_err(fail(DiskOperation::SyncDir, dir))
    }
}

fn fail(operation: DiskOperation, path: &Utf8Path) -> impl FnOnce(io::Error) -> DiskError {
    move |source| DiskError { operation, path: path.to_owned(), source }
}

/// Opens what must be a regular file, and says what it is: not through a link, and without waiting for the other end of a
/// pipe.
fn open_regular(options: &mut OpenOptions, path: &Utf8Path) -> io::Result<(File, Stat)> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    #[cfg(not(unix))]
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(a_link());
    }
    let file = options.open(path).map_err(|error| {
        let link = error.kind() != io::ErrorKind::NotFound
            && std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        if link { a_link() } else { error }
    })?;
    let stat = stat_of(&file.metadata()?);
    match stat.kind {
        EntryKind::File => Ok((file, stat)),
        EntryKind::Dir => Err(io::ErrorKind::IsADirectory.into()),
        EntryKind::Symlink | EntryKind::Other => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
        }
    }
}

/// Opens a file for [`lock`](crate::lock), creating it if it does not exist.
pub(crate) fn open_lockable(path: &Utf8Path) -> io::Result<File> {
    let file = open_regular(OpenOptions::new().read(true).write(true).create(true).truncate(false), path);
    file.map(|(file, _)| file)
}

/// Whether `path` leads to the open `file`.
pub(crate) fn is_at(file: &File, path: &Utf8Path) -> io::Result<bool> {
    let open = stat_of(&file.metadata()?);
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => {
            let there = stat_of(&metadata);
            Ok((there.kind, there.device, there.inode) == (open.kind, open.device, open.inode))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn a_link() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a symbolic link, which is not followed")
}

fn stat_of(metadata: &Metadata) -> Stat {
    let file_type = metadata.file_type();
    let kind = if file_type.is_file() {
        EntryKind::File
    } else if file_type.is_dir() {
        EntryKind::Dir
    } else if file_type.is_symlink() {
        EntryKind::Symlink
    } else {
        EntryKind::Other
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // Times out of the range (before 1678, after 2262) stay different from all others' as far as they can.
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Stat {
            kind,
            size: metadata.len(),
            mtime_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }
    #[cfg(not(unix))]
    {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let mtime_ns = since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        Stat { kind, size: metadata.len(), mtime_ns, ctime_ns: mtime_ns, inode: 0, device: 0 }
    }
}

/// A regular file of the system, open for reading.
#[derive(Debug)]
struct OsReadFile {
    file: File,
    at_open: Stat,
}

impl Read for OsReadFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for OsReadFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// A regular file of the system, open for writing.
#[derive(Debug)]
struct OsFile {
    file: File,
}

impl Write for OsFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for OsFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

impl ReadFile for OsReadFile {
    fn stat(&self) -> io::Result<Stat> {
        self.file.metadata().map(|metadata| stat_of(&metadata))
    }

    fn stat_at_open(&self) -> io::Result<Stat> {
        Ok(self.at_open)
    }

    fn os_file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

impl WriteFile for OsFile {
    fn stat(&self) -> io::Result<Stat> {
        self.file.metadata().map(|metadata| stat_of(&metadata))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn append_range(&mut self, source: &mut dyn ReadFile, offset: u64, len: u64) -> io::Result<()> {
        let copied = copy_in_kernel(&self.file, source, offset, len)?;
        copy_range(&mut self.file, source, offset.saturating_add(copied), len - copied)
    }

    #[cfg(unix)]
    fn permit_like(&mut self, like: &dyn ReadFile) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |file: &File| file.metadata().map(|metadata| metadata.permissions().mode() & 0o777);
        let Some(Ok(wanted)) = like.os_file().map(mode) else { return };
        if mode(&self.file).is_ok_and(|found| found == wanted) {
            return;
        }
        // Some filesystems have no modes, and some files are another's: their bytes count, and are not lost for that.
        if let Err(error) = self.file.set_permissions(std::fs::Permissions::from_mode(wanted)) {
            tracing::debug!(%error, "the mode of a file could not be kept");
        }
    }

    #[cfg(not(unix))]
    fn permit_like(&mut self, _like: &dyn ReadFile) {}
}

/// Copies as much of the range as the system can without this process, and says how much that was.
#[cfg(target_os = "linux")]
fn copy_in_kernel(target: &File, source: &dyn ReadFile, offset: u64, len: u64) -> io::Result<u64> {
    use rustix::io::Errno;

    let Some(source) = source.os_file() else { return Ok(0) };
    let (mut from, mut copied) = (offset, 0);
    while copied < len {
        let rest = usize::try_from(len - copied).unwrap_or(usize::MAX);
        match rustix::fs::copy_file_range(source, Some(&mut from), target, None, rest) {
            // The source's end, or a filesystem that cannot tell: reading finds out which.
            Ok(0) => break,
            Ok(count) => copied += count as u64,
            Err(Errno::INTR) => {}
            // Not between these filesystems, not on this one, not with this file, or not this kernel.
            Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM | Errno::BADF) => {
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(copied)
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as where the system can copy")]
fn copy_in_kernel(_: &File, _: &dyn ReadFile, _: u64, _: u64) -> io::Result<u64> {
    Ok(0)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
