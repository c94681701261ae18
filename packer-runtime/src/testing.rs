//! For this crate's own tests: a disk on which something happens at a moment that no test could hit otherwise.
//!
//! Only what the runtime does about it is tested with this. What the journal does when a disk loses or refuses things is
//! tested in `packer-fs`, on a simulated disk.

use std::io;
use std::sync::{Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use packer_fs::disk::{DirEntry, Disk, DiskError, DiskOperation, OsDisk, ReadFile, Stat, WriteFile};

/// Called before an operation on the disk, with its name and its last path. What it answers is what the operation answers,
/// if that is an error.
pub(crate) type Hook = dyn FnMut(&str, &Utf8Path) -> io::Result<()> + Send;

/// A real disk with a hook.
pub(crate) struct HookedDisk {
    disk: OsDisk,
    hook: Mutex<Option<Box<Hook>>>,
}

impl std::fmt::Debug for HookedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookedDisk").finish_non_exhaustive()
    }
}

impl HookedDisk {
    pub(crate) fn new(root: Utf8PathBuf) -> Self {
        Self { disk: OsDisk::new(root), hook: Mutex::new(None) }
    }

    pub(crate) fn hook(&self, hook: impl FnMut(&str, &Utf8Path) -> io::Result<()> + Send + 'static) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    pub(crate) fn unhook(&self) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn meet(&self, name: &str, path: &Utf8Path) -> Result<(), DiskError> {
        match &mut *self.hook.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(hook) => hook(name, path).map_err(|source| DiskError {
                operation: DiskOperation::Write,
                path: path.to_owned(),
                source,
            }),
            None => Ok(()),
        }
    }
}

impl Disk for HookedDisk {
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        self.disk.read_dir(dir)
    }

    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError> {
        self.disk.stat(path)
    }

    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError> {
        self.meet("open", path)?;
        self.disk.open(path)
    }

    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.meet("create", path)?;
        self.disk.create(path)
    }

    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.meet("open_write", path)?;
        self.disk.open_write(path)
    }

    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.disk.create_dir(path)
    }

    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.meet("remove_file", path)?;
        self.disk.remove_file(path)
    }

    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.disk.remove_dir(path)
    }

    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.meet("rename_new", to)?;
        self.disk.rename_new(from, to)
    }

    fn rename_over(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.meet("rename_over", to)?;
        self.disk.rename_over(from, to)
    }

    fn exchange(&self, a: &Utf8Path, b: &Utf8Path) -> Result<(), DiskError> {
        self.meet("exchange", a)?;
        self.disk.exchange(a, b)
    }

    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError> {
        self.disk.sync_dir(dir)
    }
}
