//! For this crate's own tests: a disk on which something happens at a moment that no test could hit otherwise.
//!
//! Only what the runtime does about it is tested with this. What the journal does when a disk loses or refuses things is
//! tested in `packer-fs`, on a simulated disk.

use std::io::{self, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use packer_fs::disk::{DirEntry, Disk, DiskError, DiskOperation, OsDisk, ReadFile, Stat, WriteFile};

/// Called before an operation on the disk, with its name and its last path. What it answers is what the operation answers,
/// if that is an error.
pub(crate) type Hook = dyn FnMut(&str, &Utf8Path) -> io::Result<()> + Send;

/// A real disk with a hook.
pub(crate) struct HookedDisk {
    disk: OsDisk,
    hook: Arc<Hooked>,
}

#[derive(Default)]
struct Hooked(Mutex<Option<Box<Hook>>>);

impl Hooked {
    fn meet(&self, name: &str, path: &Utf8Path) -> io::Result<()> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(hook) => hook(name, path),
            None => Ok(()),
        }
    }
}

/// A file whose writes and syncs are operations on the disk, too.
struct HookedFile {
    file: Box<dyn WriteFile>,
    path: Utf8PathBuf,
    hook: Arc<Hooked>,
}

impl std::fmt::Debug for HookedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookedDisk").finish_non_exhaustive()
    }
}

impl HookedDisk {
    pub(crate) fn new(root: Utf8PathBuf) -> Self {
        Self { disk: OsDisk::new(root), hook: Arc::default() }
    }

    pub(crate) fn hook(&self, hook: impl FnMut(&str, &Utf8Path) -> io::Result<()> + Send + 'static) {
        *self.hook.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    pub(crate) fn unhook(&self) {
        *self.hook.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn meet(&self, name: &str, path: &Utf8Path) -> Result<(), DiskError> {
        let operation = DiskOperation::Write;
        self.hook.meet(name, path).map_err(|source| DiskError { operation, path: path.to_owned(), source })
    }

    fn hooked(&self, file: Box<dyn WriteFile>, path: &Utf8Path) -> Box<dyn WriteFile> {
        Box::new(HookedFile { file, path: path.to_owned(), hook: Arc::clone(&self.hook) })
    }
}

impl Write for HookedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hook.meet("write", &self.path)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for HookedFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

impl WriteFile for HookedFile {
    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.hook.meet("sync", &self.path)?;
        self.file.sync()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.hook.meet("set_len", &self.path)?;
        self.file.set_len(len)
    }

    fn append_range(&mut self, source: &mut dyn ReadFile, offset: u64, len: u64) -> io::Result<()> {
        self.hook.meet("append_range", &self.path)?;
        self.file.append_range(source, offset, len)
    }

    fn permit_like(&mut self, like: &dyn ReadFile) {
        self.file.permit_like(like);
    }
}

impl Disk for HookedDisk {
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        self.meet("read_dir", dir)?;
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
        Ok(self.hooked(self.disk.create(path)?, path))
    }

    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.meet("open_write", path)?;
        Ok(self.hooked(self.disk.open_write(path)?, path))
    }

    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.meet("create_dir", path)?;
        self.disk.create_dir(path)
    }

    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.meet("remove_file", path)?;
        self.disk.remove_file(path)
    }

    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.meet("remove_dir", path)?;
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
        self.meet("sync_dir", dir)?;
        self.disk.sync_dir(dir)
    }
}
