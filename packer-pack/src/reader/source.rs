//! Where a pack's bytes come from: a map, memory, or something that reads and seeks.
//!
//! Holds the one `unsafe` of the crate. Judges nothing: ranges are checked here against the end only.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

/// Something that reads and seeks, and can be handed to another thread.
pub(super) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// The bytes of a pack.
pub(super) enum Source {
    /// A mapped file.
    #[cfg(feature = "mmap")]
    Mapped(memmap2::Mmap),
    /// Memory.
    Bytes(Cow<'static, [u8]>),
    /// A reader, and what stands before the payloads.
    Reader { prefix: Vec<u8>, size: u64, reader: Mutex<Box<dyn ReadSeek>> },
}

impl Source {
    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        if let Self::Reader { size, .. } = self { *size } else { self.prefix().len() as u64 }
    }

    /// What is in memory from the start on: everything before the payloads, or everything.
    pub(super) fn prefix(&self) -> &[u8] {
        match self {
            #[cfg(feature = "mmap")]
            Self::Mapped(map) => map,
            Self::Bytes(bytes) => bytes,
            Self::Reader { prefix, .. } => prefix,
        }
    }

    /// The bytes from `offset`, if they are in memory.
    pub(super) fn slice(&self, offset: u64, size: u64) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        self.prefix().get(start..end)
    }

    /// Copies the bytes from `offset` into `out`.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if let Some(bytes) = self.slice(offset, out.len() as u64) {
            out.copy_from_slice(bytes);
            return Ok(());
        }
        let Self::Reader { reader, .. } = self else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        // A thread that panicked while it read left the position anywhere, and the next one seeks.
        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.seek(SeekFrom::Start(offset))?;
        reader.read_exact(out)
    }
}

/// Maps a file for reading.
#[cfg(feature = "mmap")]
#[expect(
    unsafe_code,
    reason = "mapping a file is unsafe in itself; `Pack::open` tells its callers what they owe"
)]
pub(super) fn map(file: &std::fs::File) -> io::Result<memmap2::Mmap> {
    // SAFETY: the map is private and read-only, and every access goes through its length. That nobody changes the file
    // meanwhile is what `Pack::open` asks of its callers, who map published packs only.
    unsafe { memmap2::Mmap::map(file) }
}
