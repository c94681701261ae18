//! `LockedFile`: one exclusively locked file that is, when it is locked, the one that its path leads to.

use std::fs::{File, TryLockError};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::LockError;
use crate::disk::{self, DiskError};

/// How often a lock file is opened again that somebody deletes at the same time.
const MAX_TRIES: u32 = 64;

/// What became of a try.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It is ours.
    Locked(LockedFile),
    /// It is somebody else's.
    Busy,
}

/// A file locked until this is dropped.
#[derive(Debug)]
pub(super) struct LockedFile {
    pub(super) file: File,
    path: Utf8PathBuf,
}

/// Locks the file at `path` if nobody holds it, creating it in the folder that `make_folder` makes.
///
/// Each try opens the file anew: a waiter must not stay with a deleted one.
pub(super) fn try_lock(
    path: &Utf8Path,
    make_folder: &mut dyn FnMut() -> Result<(), DiskError>,
) -> Result<Attempt, LockError> {
    let fail = |source| LockError::Io { path: path.to_owned(), source };
    for _ in 0..MAX_TRIES {
        match make_folder() {
            // The folder was deleted while it was made.
            Err(error) if error.is_not_found() => continue,
            made => made?,
        }
        let file = match disk::open_lockable(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file.map_err(fail)?,
        };
        if let Some(attempt) = lock_open(file, path)? {
            return Ok(attempt);
        }
    }
    Err(fail(io::Error::new(io::ErrorKind::NotFound, "it is deleted again and again")))
}

/// Locks a file that appears at `path` only once it is locked: no one who looks there finds it free. It is locked at
/// `unborn` first, another place at each try, and gets its name by `rename`, which replaces nothing. Where something is at `path`
/// already, as [`try_lock`].
pub(super) fn lock_new(
    path: &Utf8Path,
    make_folder: &mut dyn FnMut() -> Result<(), DiskError>,
    unborn: &dyn Fn(u32) -> Utf8PathBuf,
    rename: &dyn Fn(u32) -> Result<(), DiskError>,
) -> Result<Attempt, LockError> {
    for n in 0..MAX_TRIES {
        let unborn = unborn(n);
        // Busy is only one who clears away what dead processes were making.
        let Attempt::Locked(mut locked) = try_lock(&unborn, make_folder)? else { continue };
        match rename(n) {
            Ok(()) => {}
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {
                let fail = |source| LockError::Io { path: unborn.clone(), source };
                std::fs::remove_file(&unborn).map_err(fail)?;
                return try_lock(path, make_folder);
            }
            // Cleared away, or the folder was deleted.
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error.into()),
        }
        path.clone_into(&mut locked.path);
        if locked.is_current() {
            return Ok(Attempt::Locked(locked));
        }
    }
    let source = io::Error::new(io::ErrorKind::NotFound, "it is deleted again and again");
    Err(LockError::Io { path: path.to_owned(), source })
}

/// Locks the open `file`; `None` if it has to be opened again, because it is no longer the one at `path`.
fn lock_open(file: File, path: &Utf8Path) -> Result<Option<Attempt>, LockError> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Some(Attempt::Busy)),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
        Err(TryLockError::Error(source)) if is_unsupported(&source) => {
            return Err(LockError::Unsupported { path: path.to_owned(), source });
        }
        Err(TryLockError::Error(source)) => return Err(LockError::Io { path: path.to_owned(), source }),
    }
    let locked = LockedFile { file, path: path.to_owned() };
    Ok(locked.is_current().then_some(Attempt::Locked(locked)))
}

impl LockedFile {
    /// Whether the path still leads to the locked file. If that cannot be told, it counts as no.
    pub(super) fn is_current(&self) -> bool {
        disk::is_at(&self.file, &self.path).unwrap_or(false)
    }

    /// Where it was locked.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Closing is not enough: a process started meanwhile can have inherited the open file, and keep it locked.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(path = %self.path, %error, "cannot unlock");
        }
    }
}

/// Whether the system says that locks do not exist there, rather than that this one failed.
fn is_unsupported(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        // No lock daemon on a network filesystem, or no locks at all.
        if let Some(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP) = Errno::from_io_error(error) {
            return true;
        }
    }
    error.kind() == io::ErrorKind::Unsupported
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_file_deleted_between_open_and_lock_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().join("lock");
        let file = disk::open_lockable(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(lock_open(file, &path).unwrap().is_none(), "nothing is there");
        let file = disk::open_lockable(&path).unwrap();
        std::fs::rename(&path, folder.path().join("aside")).unwrap();
        let other = disk::open_lockable(&path).unwrap();
        assert!(lock_open(file, &path).unwrap().is_none(), "another one is there");
        assert!(matches!(lock_open(other, &path).unwrap(), Some(Attempt::Locked(_))));
    }

    #[test]
    fn a_filesystem_without_locks_is_told_from_a_failure() {
        for (errno, unsupported) in [
            (Errno::NOLCK, true),
            (Errno::NOSYS, true),
            (Errno::OPNOTSUPP, true),
            (Errno::IO, false),
            (Errno::ACCESS, false),
        ] {
            assert_eq!(is_unsupported(&errno.into()), unsupported, "{errno:?}");
        }
    }
}
