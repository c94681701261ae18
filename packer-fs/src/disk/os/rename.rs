//! Renames that never replace, and swaps.
//!
//! On Linux and Apple systems both are one atomic step of the kernel. Where the kernel or the filesystem has no such
//! step, a rename checks first (a name that appears between the check and the rename is then replaced), and a swap is
//! three renames over a third name, of files only (a crash in between leaves that name behind, with `a`'s contents).

use std::io;

use camino::Utf8Path;

/// What is added to the first name of a swap to make the third one.
const SWAP_SUFFIX: &str = ".packer-swap";

pub(super) fn rename_new(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    match kernel::rename_new(from, to) {
        Err(error) if is_unsupported(&error) => checked_rename(from, to),
        result => result,
    }
}

pub(super) fn exchange(a: &Utf8Path, b: &Utf8Path) -> io::Result<()> {
    match kernel::exchange(a, b) {
        // A folder may be one that was to be swapped with what is in it, which `EINVAL` says too.
        Err(error) if is_unsupported(&error) && !is_dir(a) && !is_dir(b) => three_renames(a, b),
        result => result,
    }
}

/// `EINVAL` also stands for a folder that would be moved into itself; then the plain rename says so again.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

fn is_dir(path: &Utf8Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn checked_rename(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    std::fs::symlink_metadata(from)?;
    match std::fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::rename(from, to),
        Err(error) => Err(error),
    }
}

fn three_renames(a: &Utf8Path, b: &Utf8Path) -> io::Result<()> {
    std::fs::symlink_metadata(b)?;
    let third = Utf8Path::new(&format!("{a}{SWAP_SUFFIX}")).to_owned();
    checked_rename(a, &third)?;
    if let Err(error) = checked_rename(b, a) {
        // Back to how it was; if that fails too, the first error is the one that tells.
        let _ = checked_rename(&third, a);
        return Err(error);
    }
    checked_rename(&third, b)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod kernel {
    use std::io;

    use camino::Utf8Path;
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    pub(super) fn rename_new(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
        Ok(renameat_with(CWD, from.as_std_path(), CWD, to.as_std_path(), RenameFlags::NOREPLACE)?)
    }

    pub(super) fn exchange(a: &Utf8Path, b: &Utf8Path) -> io::Result<()> {
        Ok(renameat_with(CWD, a.as_std_path(), CWD, b.as_std_path(), RenameFlags::EXCHANGE)?)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod kernel {
    use std::io;

    use camino::Utf8Path;

    pub(super) fn rename_new(_: &Utf8Path, _: &Utf8Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn exchange(_: &Utf8Path, _: &Utf8Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, camino::Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn the_fallback_of_a_rename_replaces_nothing() {
        let (_guard, dir) = folder();
        std::fs::write(dir.join("a"), "a").unwrap();
        std::fs::write(dir.join("b"), "b").unwrap();
        let error = checked_rename(&dir.join("a"), &dir.join("b")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(dir.join("b")).unwrap(), "b");
        checked_rename(&dir.join("a"), &dir.join("c")).unwrap();
        assert_eq!(std::fs::read_to_string(dir.join("c")).unwrap(), "a");
        assert!(!dir.join("a").exists());
    }

    #[test]
    fn the_fallback_of_a_swap_swaps_and_leaves_nothing_behind() {
        let (_guard, dir) = folder();
        std::fs::write(dir.join("a"), "a").unwrap();
        std::fs::write(dir.join("b"), "b").unwrap();
        three_renames(&dir.join("a"), &dir.join("b")).unwrap();
        assert_eq!(std::fs::read_to_string(dir.join("a")).unwrap(), "b");
        assert_eq!(std::fs::read_to_string(dir.join("b")).unwrap(), "a");
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 2);
        let error = three_renames(&dir.join("a"), &dir.join("missing")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(dir.join("a").exists());
    }

    #[test]
    fn a_kernel_that_lacks_the_step_is_told_from_a_failure() {
        for (errno, unsupported) in [
            (rustix::io::Errno::NOSYS, true),
            (rustix::io::Errno::INVAL, true),
            (rustix::io::Errno::OPNOTSUPP, true),
            (rustix::io::Errno::EXIST, false),
            (rustix::io::Errno::NOENT, false),
            (rustix::io::Errno::IO, false),
        ] {
            assert_eq!(is_unsupported(&io::Error::from(errno)), unsupported, "{errno:?}");
        }
    }
}
