//! Listing and syncing a folder.
//!
//! On Linux a listing takes the kinds from the folder itself and looks at a file only where the filesystem does not say
//! them there. It is as coherent as the system makes it: a name that comes or goes meanwhile may be in it or not.

use std::io;

use camino::Utf8Path;

use crate::disk::DirEntry;

#[cfg(target_os = "linux")]
pub(super) fn list(dir: &Utf8Path) -> io::Result<Vec<DirEntry>> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use rustix::fs::{AtFlags, FileType, RawDir, statat};
    use rustix::io::Errno;

    use crate::disk::EntryKind;

    let folder = open(dir)?;
    let mut entries = Vec::new();
    // Larger than any one entry, whose name has at most 255 bytes.
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut raw = RawDir::new(&folder, buffer.spare_capacity_mut());
    while let Some(entry) = raw.next() {
        let entry = match entry {
            Err(Errno::INTR) => continue,
            entry => entry?,
        };
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let file_type = match entry.file_type() {
            FileType::Unknown => match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                // Gone between the listing and the look.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            },
            known => known,
        };
        let kind = match file_type {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Dir,
            FileType::Symlink => EntryKind::Symlink,
            _ => EntryKind::Other,
        };
        entries.push(DirEntry { name: OsStr::from_bytes(name.to_bytes()).to_owned(), kind });
    }
    Ok(entries)
}

/// A folder that names are looked up in, without resolving its own path for each.
#[cfg(target_os = "linux")]
pub(super) struct Looked {
    folder: rustix::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Looked {
    pub(super) fn open(dir: &Utf8Path) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags, open};

        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self { folder: open(dir.as_str(), flags, Mode::empty())? })
    }

    /// What stands at `name`, without following a link.
    pub(super) fn stat(&self, name: &str) -> io::Result<Option<crate::disk::Stat>> {
        use rustix::fs::{AtFlags, FileType, statat};
        use rustix::io::Errno;

        use crate::disk::{EntryKind, Stat};

        let stat = match statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Ok(Some(Stat {
            kind: match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => EntryKind::File,
                FileType::Directory => EntryKind::Dir,
                FileType::Symlink => EntryKind::Symlink,
                _ => EntryKind::Other,
            },
            size: stat.st_size.cast_unsigned(),
            mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec.cast_signed()),
            ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec.cast_signed()),
            inode: stat.st_ino,
            device: stat.st_dev,
        }))
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn list(dir: &Utf8Path) -> io::Result<Vec<DirEntry>> {
    use crate::disk::EntryKind;

    if !dir.as_str().ends_with('/') && std::fs::symlink_metadata(dir)?.is_symlink() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let entry = |entry: io::Result<std::fs::DirEntry>| {
        let entry = entry?;
        let file_type = entry.file_type()?;
        let kind = if file_type.is_file() {
            EntryKind::File
        } else if file_type.is_dir() {
            EntryKind::Dir
        } else if file_type.is_symlink() {
            EntryKind::Symlink
        } else {
            EntryKind::Other
        };
        Ok(DirEntry { name: entry.file_name(), kind })
    };
    std::fs::read_dir(dir)?.map(entry).collect()
}

#[cfg(unix)]
pub(super) fn sync(dir: &Utf8Path) -> io::Result<()> {
    match open(dir)?.sync_all() {
        // A filesystem that has no such thing.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INVAL.raw_os_error()) => Ok(()),
        result => result,
    }
}

#[cfg(not(unix))]
pub(super) fn sync(dir: &Utf8Path) -> io::Result<()> {
    if std::fs::metadata(dir)?.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

#[cfg(unix)]
fn open(dir: &Utf8Path) -> io::Result<std::fs::File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;

    let flags = OFlags::NOFOLLOW | OFlags::DIRECTORY;
    std::fs::OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(dir)
}
