//! A disk that counts what is asked of it, and fails or changes on demand.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};

use super::{DirEntry, Disk, DiskError, DiskOperation, ReadFile, Stat, WriteFile};

type Hook = Arc<dyn Fn(DiskOperation, &Utf8Path) -> Option<io::ErrorKind> + Send + Sync>;

/// A disk around another. Its hook is called before each operation that reads, and before each block of a file; what it
/// answers makes the operation fail.
pub(crate) struct HookedDisk<D> {
    inner: D,
    hook: Hook,
    seen: Mutex<Vec<(DiskOperation, String)>>,
}

impl<D: Disk> HookedDisk<D> {
    pub(crate) fn new(inner: D) -> Self {
        Self { inner, hook: Arc::new(|_, _| None), seen: Mutex::default() }
    }

    pub(crate) fn on(
        self,
        hook: impl Fn(DiskOperation, &Utf8Path) -> Option<io::ErrorKind> + Send + Sync + 'static,
    ) -> Self {
        Self { hook: Arc::new(hook), ..self }
    }

    /// The folders that were listed, sorted.
    pub(crate) fn listed(&self) -> Vec<String> {
        self.seen(DiskOperation::ReadDir)
    }

    /// The paths that were looked at, sorted.
    pub(crate) fn looked_at(&self) -> Vec<String> {
        self.seen(DiskOperation::Stat)
    }

    /// The files that were opened for reading, sorted.
    pub(crate) fn opened(&self) -> Vec<String> {
        self.seen(DiskOperation::Open)
    }

    fn seen(&self, of: DiskOperation) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let mut paths: Vec<String> =
            seen.iter().filter(|(operation, _)| *operation == of).map(|(_, path)| path.clone()).collect();
        paths.sort();
        paths
    }

    fn enter(&self, operation: DiskOperation, path: &Utf8Path) -> Result<(), DiskError> {
        self.seen.lock().unwrap().push((operation, path.to_string()));
        match (self.hook)(operation, path) {
            None => Ok(()),
            Some(kind) => Err(DiskError { operation, path: path.to_owned(), source: kind.into() }),
        }
    }
}

impl<D> fmt::Debug for HookedDisk<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookedDisk").field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl<D: Disk> Disk for HookedDisk<D> {
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        self.enter(DiskOperation::ReadDir, dir)?;
        self.inner.read_dir(dir)
    }
    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError> {
        self.enter(DiskOperation::Stat, path)?;
        self.inner.stat(path)
    }
    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError> {
        self.enter(DiskOperation::Open, path)?;
        let (inner, hook) = (self.inner.open(path)?, self.hook.clone());
        Ok(Box::new(HookedFile { inner, hook, path: path.to_owned() }))
    }
    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.inner.create(path)
    }
    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        self.enter(DiskOperation::Write, path)?;
        self.inner.open_write(path)
    }
    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.inner.create_dir(path)
    }
    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.inner.remove_file(path)
    }
    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        self.inner.remove_dir(path)
    }
    fn rename_new(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.inner.rename_new(from, to)
    }
    fn rename_over(&self, from: &Utf8Path, to: &Utf8Path) -> Result<(), DiskError> {
        self.inner.rename_over(from, to)
    }
    fn exchange(&self, a: &Utf8Path, b: &Utf8Path) -> Result<(), DiskError> {
        self.inner.exchange(a, b)
    }
    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError> {
        self.inner.sync_dir(dir)
    }
}

struct HookedFile {
    inner: Box<dyn ReadFile>,
    hook: Hook,
    path: Utf8PathBuf,
}

impl Read for HookedFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match (self.hook)(DiskOperation::Read, &self.path) {
            None => self.inner.read(bytes),
            Some(kind) => Err(kind.into()),
        }
    }
}

impl Seek for HookedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl ReadFile for HookedFile {
    fn stat(&self) -> io::Result<Stat> {
        self.inner.stat()
    }
    fn os_file(&self) -> Option<&std::fs::File> {
        self.inner.os_file()
    }
}
