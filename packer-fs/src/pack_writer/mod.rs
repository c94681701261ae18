//! Streaming payloads into a pack file.
//!
//! Where each payload goes, that equal ones are stored once, and what stands before them is decided by
//! `packer_pack::index`; here is only the file. Payloads come in payload order, from memory or from a range of the pack
//! before, which the system copies without passing it through this process; neighbouring ranges are copied as one.
//!
//! Memory is bounded: one block, whatever the pack's size (the table is held until the end). What waits is written in order,
//! and copying begins only when something else has to be: so a pack that differs from the former in a few places is known
//! before it is copied. The file is no pack until [`finish`](PackWriter::finish) has written its beginning. Placing it beside the others, and checking it, is the
//! caller's business.

use std::io::{self, SeekFrom};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::Digest;
use packer_pack::format::{MAX_ALIGNMENT, MIN_ALIGNMENT};
use packer_pack::index::{IndexLayout, Payload, Place, PlaceError, Placer, Prefix};
use thiserror::Error;

use crate::disk::{Disk, DiskError, DiskOperation, ReadFile, WriteFile};

/// How many steps may wait. Few, and those to the end of a pack that differs from the former in one place.
const MAX_STEPS: usize = 64;

/// Bytes gathered before they are written.
const BLOCK_BYTES: usize = 1 << 20;

/// No pack aligns its payloads to less.
const LEAST_ALIGNMENT: u64 = MIN_ALIGNMENT as u64;

/// A pack that is being written.
pub struct PackWriter {
    path: Utf8PathBuf,
    file: Box<dyn WriteFile>,
    placer: Placer,
    former: Option<Former>,
    waiting: Waiting,
}

/// A pack whose payloads are all placed: what it is is certain, and a part of it is still to be written.
pub struct SettledPack {
    path: Utf8PathBuf,
    file: Box<dyn WriteFile>,
    former: Option<Former>,
    waiting: Waiting,
    prefix: Prefix,
}

/// What is not written yet, in order.
#[derive(Default)]
struct Waiting {
    steps: Vec<Step>,
    /// The bytes of all steps that have some.
    block: Vec<u8>,
}

/// What comes next in the file.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many of the bytes that wait.
    Bytes(usize),
    Copy(Run),
}

/// The pack before, from which ranges are taken over.
struct Former {
    file: Box<dyn ReadFile>,
    size: u64,
}

/// A range of the former pack that is not copied yet.
#[derive(Clone, Copy, Debug)]
struct Run {
    from: u64,
    len: u64,
}

/// Where a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// From the start of the file; 0 for an empty one.
    pub offset: u64,
    /// Bytes there.
    pub stored_size: u64,
    /// Whether an equal payload was there already, or it is empty, so that nothing was written.
    pub shared: bool,
}

/// A finished pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackSummary {
    /// The digest that names the pack.
    pub digest: Digest,
    /// Bytes of the file.
    pub size: u64,
}

/// Why a pack could not be written.
#[derive(Debug, Error)]
pub enum PackWriteError {
    /// A file operation failed.
    #[error(transparent)]
    Disk(DiskError),
    /// A payload has no place.
    #[error(transparent)]
    Place(PlaceError),
    /// The bytes of a payload are not as many as was said.
    #[error("the payload of asset {id} has {found} bytes, not the {expected} that were announced")]
    Size {
        /// The asset's id.
        id: u32,
        /// How many were announced.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// A payload is to be taken over from where the former pack has none.
    #[error("the former pack has no {len} bytes at {offset} for the payload of asset {id}")]
    NotInFormer {
        /// The asset's id.
        id: u32,
        /// Where they should be.
        offset: u64,
        /// How many.
        len: u64,
    },
}

impl PackWriter {
    /// Creates the file at `path`, for a pack laid out as `layout`; `former` is the pack from which payloads may be taken
    /// over.
    pub fn create(
        disk: &dyn Disk,
        path: &Utf8Path,
        layout: IndexLayout,
        former: Option<Box<dyn ReadFile>>,
    ) -> Result<Self, PackWriteError> {
        let failed = |source| PackWriteError::failed(path, source);
        let mut file = disk.create(path).map_err(PackWriteError::Disk)?;
        let first = layout.first_payload_offset();
        file.set_len(first).and_then(|()| file.seek(SeekFrom::Start(first))).map_err(failed)?;
        let former = match former {
            None => None,
            Some(file) => {
                let size = file.stat().map_err(failed)?.size;
                Some(Former { file, size })
            }
        };
        let waiting = Waiting { steps: Vec::new(), block: Vec::with_capacity(BLOCK_BYTES) };
        Ok(Self { path: path.to_owned(), file, placer: layout.into_placer(), former, waiting })
    }

    /// The id whose payload is due; `None` if all have come.
    pub fn due(&self) -> Option<u32> {
        self.placer.due()
    }

    /// Adds the payload of asset `id`, whose stored form is `bytes`.
    pub fn append(&mut self, id: u32, payload: Payload, bytes: &[u8]) -> Result<Placed, PackWriteError> {
        let found = bytes.len() as u64;
        if found != payload.stored_size {
            return Err(PackWriteError::Size { id, expected: payload.stored_size, found });
        }
        match self.placer.place(id, payload).map_err(PackWriteError::Place)? {
            Place::Write { padding, offset } => {
                self.gather(&[0; MAX_ALIGNMENT as usize][..padding as usize])?;
                self.gather(bytes)?;
                Ok(Placed { offset, stored_size: found, shared: false })
            }
            Place::Shared { offset, stored_size } => Ok(Placed { offset, stored_size, shared: true }),
            Place::Empty => Ok(Placed { offset: 0, stored_size: 0, shared: true }),
        }
    }

    /// Adds the payload of asset `id`, taking its stored form from `offset` of the former pack.
    ///
    /// Nothing is decompressed or hashed: that the range holds this payload is the caller's knowledge.
    pub fn carry_over(&mut self, id: u32, payload: Payload, offset: u64) -> Result<Placed, PackWriteError> {
        let len = payload.stored_size;
        let end = offset.checked_add(len);
        let size = self.former.as_ref().map_or(0, |former| former.size);
        if len > 0 && end.is_none_or(|end| end > size) {
            return Err(PackWriteError::NotInFormer { id, offset, len });
        }
        match self.placer.place(id, payload).map_err(PackWriteError::Place)? {
            Place::Write { padding, offset: placed } => {
                match self.waiting.steps.last_mut() {
                    // What lies between is the former pack's padding: zeros, as here. In a larger gap, a payload could be
                    // that this pack has no more.
                    Some(Step::Copy(run))
                        if padding < LEAST_ALIGNMENT && run.from + run.len + padding == offset =>
                    {
                        run.len += padding + len;
                    }
                    _ => {
                        self.gather(&[0; MAX_ALIGNMENT as usize][..padding as usize])?;
                        self.wait_for(Step::Copy(Run { from: offset, len }))?;
                    }
                }
                Ok(Placed { offset: placed, stored_size: len, shared: false })
            }
            Place::Shared { offset, stored_size } => Ok(Placed { offset, stored_size, shared: true }),
            Place::Empty => Ok(Placed { offset: 0, stored_size: 0, shared: true }),
        }
    }

    /// Leaves asset `id` without a payload, because its bake failed; the pack is then marked incomplete.
    pub fn absent(&mut self, id: u32) -> Result<(), PackWriteError> {
        self.placer.absent(id).map_err(PackWriteError::Place)
    }

    /// Writes what stands before the payloads, once all have come; makes the contents durable if `sync`.
    pub fn finish(self, sync: bool) -> Result<PackSummary, PackWriteError> {
        self.settle()?.write(sync)
    }

    /// Says what the pack is, once all payloads have come, before all of it is written: where most of it is taken over,
    /// that is what takes time.
    pub fn settle(self) -> Result<SettledPack, PackWriteError> {
        let Self { path, file, placer, former, waiting } = self;
        let prefix = placer.finish().map_err(PackWriteError::Place)?;
        Ok(SettledPack { path, file, former, waiting, prefix })
    }

    fn gather(&mut self, bytes: &[u8]) -> Result<(), PackWriteError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.waiting.block.len() + bytes.len() > BLOCK_BYTES {
            self.write_waiting()?;
        }
        if bytes.len() > BLOCK_BYTES {
            return self.file.write_all(bytes).map_err(|source| PackWriteError::failed(&self.path, source));
        }
        self.waiting.block.extend_from_slice(bytes);
        match self.waiting.steps.last_mut() {
            Some(Step::Bytes(count)) => {
                *count += bytes.len();
                Ok(())
            }
            _ => self.wait_for(Step::Bytes(bytes.len())),
        }
    }

    fn wait_for(&mut self, step: Step) -> Result<(), PackWriteError> {
        self.waiting.steps.push(step);
        if self.waiting.steps.len() > MAX_STEPS { self.write_waiting() } else { Ok(()) }
    }

    fn write_waiting(&mut self) -> Result<(), PackWriteError> {
        self.waiting
            .write(&mut *self.file, self.former.as_mut())
            .map_err(|source| PackWriteError::failed(&self.path, source))
    }
}

impl SettledPack {
    /// What it is when it is written.
    pub fn summary(&self) -> PackSummary {
        PackSummary { digest: Digest::from_bytes(self.prefix.pack_digest), size: self.prefix.file_size }
    }

    /// Writes what is left of it; makes the contents durable if `sync`.
    pub fn write(self, sync: bool) -> Result<PackSummary, PackWriteError> {
        let summary = self.summary();
        let Self { path, mut file, mut former, mut waiting, prefix } = self;
        let mut write = || {
            waiting.write(&mut *file, former.as_mut())?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&prefix.bytes)?;
            file.flush()?;
            if sync { file.sync() } else { Ok(()) }
        };
        write().map_err(|source| PackWriteError::failed(&path, source))?;
        let size = file.stat().map_err(|source| PackWriteError::failed(&path, source))?.size;
        if size != summary.size {
            let message = format!("the file has {size} bytes, not {}", summary.size);
            return Err(PackWriteError::failed(&path, io::Error::other(message)));
        }
        Ok(summary)
    }
}

impl Waiting {
    /// Writes all that waits.
    fn write(&mut self, file: &mut dyn WriteFile, mut former: Option<&mut Former>) -> io::Result<()> {
        let mut rest = self.block.as_slice();
        for step in self.steps.drain(..) {
            match step {
                Step::Bytes(count) => {
                    let (bytes, after) = rest.split_at(count);
                    rest = after;
                    file.write_all(bytes)?;
                }
                Step::Copy(run) => {
                    if let Some(former) = former.as_deref_mut() {
                        file.append_range(&mut *former.file, run.from, run.len)?;
                    }
                }
            }
        }
        self.block.clear();
        Ok(())
    }
}

impl PackWriteError {
    fn failed(path: &Utf8Path, source: io::Error) -> Self {
        Self::Disk(DiskError { operation: DiskOperation::Write, path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests;
