//! `SimFile`: one simulated file, open for reading or for writing.
//!
//! Like a real one it holds on to the file and not to its name: it survives a rename and a removal.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use camino::Utf8PathBuf;

use super::SimDisk;
use super::tree::{Content, Inode};
use crate::disk::copy::copy_range;
use crate::disk::{ReadFile, Stat, WriteFile};

#[derive(Debug)]
pub(super) struct SimFile {
    disk: SimDisk,
    inode: Inode,
    /// Where it was opened: for messages.
    path: Utf8PathBuf,
    position: u64,
}

impl SimFile {
    pub(super) fn new(disk: SimDisk, inode: Inode, path: Utf8PathBuf) -> Self {
        Self { disk, inode, path, position: 0 }
    }

    fn look(&self) -> io::Result<Stat> {
        let mut state = self.disk.lock();
        state.begin_read()?;
        Ok(state.live.stat(self.inode))
    }
}

impl Read for SimFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.lock();
        state.begin_read()?;
        let Content::File(bytes) = &state.live.node(self.inode).content else { return Ok(0) };
        let start = usize::try_from(self.position).unwrap_or(usize::MAX).min(bytes.len());
        let count = buffer.len().min(bytes.len() - start);
        buffer[..count].copy_from_slice(&bytes[start..start + count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Write for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.disk.lock().write(self.inode, &self.path, self.position, bytes)?;
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SimFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let target = match position {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
            SeekFrom::End(delta) => self.disk.lock().live.stat(self.inode).size.checked_add_signed(delta),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl ReadFile for SimFile {
    fn stat(&self) -> io::Result<Stat> {
        self.look()
    }

    fn os_file(&self) -> Option<&File> {
        None
    }
}

impl WriteFile for SimFile {
    fn stat(&self) -> io::Result<Stat> {
        self.look()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.lock().sync_file(self.inode, &self.path)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.disk.lock().set_len(self.inode, &self.path, len)
    }

    fn append_range(&mut self, source: &mut dyn ReadFile, offset: u64, len: u64) -> io::Result<()> {
        copy_range(self, source, offset, len)
    }

    /// Everybody may do everything here.
    fn permit_like(&mut self, _like: &dyn ReadFile) {}
}
