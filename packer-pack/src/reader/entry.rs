//! One asset of an open pack: what the table says of it, and its payload.
//!
//! An entry is a cheap copy that borrows from the pack. What the table says is handed out as it is; everything that is
//! followed (a name, a kind, a range) is checked first.

use std::borrow::Cow;

use super::{Pack, ReadError, Verify, decompress};
use crate::format::{ABSENT, Compression, PRELOAD, RawEntry, align_up};

/// An asset in a pack.
#[derive(Clone, Copy)]
pub struct Entry<'p> {
    pack: &'p Pack,
    position: u32,
    raw: &'p RawEntry,
}

impl<'p> Entry<'p> {
    pub(super) fn new(pack: &'p Pack, position: u32, raw: &'p RawEntry) -> Self {
        Self { pack, position, raw }
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.raw.id.get()
    }

    /// Its place in the table, from 0.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Its name. It is no path: who makes a file of it checks it first.
    pub fn name(&self) -> Result<&'p str, ReadError> {
        let damaged = ReadError::Name { id: self.id() };
        let Some(names) = self.pack.names() else { return Err(damaged) };
        let name = names.get_with(self.position, |range| self.pack.believe_names(range))?;
        name.ok_or(damaged)
    }

    /// Its kind.
    pub fn kind(&self) -> Result<&'p str, ReadError> {
        let kind = self.pack.kinds().and_then(|kinds| kinds.get(self.raw.kind));
        kind.ok_or(ReadError::Kind { id: self.id() })
    }

    /// How its payload is laid out, among the layouts of its kind.
    pub fn encoding(&self) -> u8 {
        self.raw.encoding
    }

    /// How its payload is compressed.
    pub fn compression(&self) -> Result<Compression, ReadError> {
        Compression::from_code(self.raw.compression).ok_or(ReadError::Incoherent { id: self.id() })
    }

    /// Whether its payload is among the first in the pack, to be read early.
    pub fn is_preload(&self) -> bool {
        self.raw.has(PRELOAD)
    }

    /// Whether it has no payload, because its bake failed in a build that kept going.
    pub fn is_absent(&self) -> bool {
        self.raw.has(ABSENT)
    }

    /// Where its payload is stored, from the start of the file; 0 if it is empty or absent.
    pub fn offset(&self) -> u64 {
        self.raw.offset.get()
    }

    /// How many bytes it takes there.
    pub fn stored_size(&self) -> u64 {
        self.raw.stored_size.get()
    }

    /// How many bytes its payload has.
    pub fn raw_size(&self) -> u64 {
        self.raw.raw_size.get()
    }

    /// The BLAKE3 digest of its payload.
    pub fn digest(&self) -> &'p [u8; 32] {
        &self.raw.digest
    }

    /// Its payload: borrowed if it is stored uncompressed in a pack that is mapped or in memory.
    pub fn payload(&self) -> Result<Cow<'p, [u8]>, ReadError> {
        if self.pack.options.verify == Verify::OnRead { self.read_checked() } else { self.read() }
    }

    /// Reads its payload into `out`, which must have exactly as many bytes.
    pub fn read_into(&self, out: &mut [u8]) -> Result<(), ReadError> {
        let compression = self.locate()?;
        if out.len() as u64 != self.raw_size() {
            let (id, size) = (self.id(), self.raw_size());
            return Err(ReadError::BufferSize { id, size, buffer: out.len() });
        }
        if compression == Compression::None {
            self.pack.source.read(self.offset(), out).map_err(|error| self.io(error))?;
        } else {
            self.decompress(compression, &self.fetch()?, out)?;
        }
        if self.pack.options.verify == Verify::OnRead {
            self.check(out)?;
        }
        Ok(())
    }

    /// Its bytes as they are stored, for those who copy them into another pack. They are not checked against a digest:
    /// the pack has one of the payload only.
    pub fn stored(&self) -> Result<Cow<'p, [u8]>, ReadError> {
        self.locate()?;
        self.fetch()
    }

    pub(super) fn raw(&self) -> &'p RawEntry {
        self.raw
    }

    /// The payload, not checked against its digest.
    pub(super) fn read(&self) -> Result<Cow<'p, [u8]>, ReadError> {
        match self.locate()? {
            Compression::None => self.fetch(),
            compression => self.decompressed(compression, &self.fetch()?).map(Cow::Owned),
        }
    }

    /// The payload, checked against its digest, and the padding after it checked as well. Who reads a file pays for one
    /// read.
    pub(super) fn read_checked(&self) -> Result<Cow<'p, [u8]>, ReadError> {
        let compression = self.locate()?;
        let (offset, stored_size, padding_size) = (self.offset(), self.stored_size(), self.padding_size());
        let both = stored_size + padding_size as u64;
        if let Some(bytes) = self.pack.source.slice(offset, both) {
            let (stored, padding) = bytes.split_at(stored_size as usize);
            let payload = match compression {
                Compression::None => Cow::Borrowed(stored),
                _ => Cow::Owned(self.decompressed(compression, stored)?),
            };
            self.check_digest(&payload)?;
            self.check_padding(padding)?;
            return Ok(payload);
        }
        let mut stored = self.buffer(both)?;
        self.pack.source.read(offset, &mut stored).map_err(|error| self.io(error))?;
        let mut padding = [0; crate::format::MAX_ALIGNMENT as usize];
        let padding = &mut padding[..padding_size];
        padding.copy_from_slice(&stored[stored.len() - padding_size..]);
        stored.truncate(stored.len() - padding_size);
        let payload = match compression {
            Compression::None => stored,
            _ => self.decompressed(compression, &stored)?,
        };
        self.check_digest(&payload)?;
        self.check_padding(padding)?;
        Ok(Cow::Owned(payload))
    }

    /// Checks the payload against its digest, and the padding after it.
    fn check(&self, payload: &[u8]) -> Result<(), ReadError> {
        self.check_digest(payload)?;
        let mut padding = [0; crate::format::MAX_ALIGNMENT as usize];
        let padding = &mut padding[..self.padding_size()];
        let start = self.offset() + self.stored_size();
        self.pack.source.read(start, padding).map_err(|error| self.io(error))?;
        self.check_padding(padding)
    }

    fn check_digest(&self, payload: &[u8]) -> Result<(), ReadError> {
        let is_right = blake3::hash(payload) == *self.digest();
        if is_right { Ok(()) } else { Err(ReadError::Digest { id: self.id() }) }
    }

    fn check_padding(&self, padding: &[u8]) -> Result<(), ReadError> {
        let is_right = padding.iter().all(|byte| *byte == 0);
        if is_right { Ok(()) } else { Err(ReadError::Padding { id: self.id() }) }
    }

    /// How many bytes stand between its stored bytes and where the next ones may begin, or the end.
    fn padding_size(&self) -> usize {
        if self.stored_size() == 0 {
            return 0;
        }
        let header = &self.pack.header;
        let start = self.offset() + self.stored_size();
        let end = align_up(start, header.alignment).unwrap_or(u64::MAX).min(header.file_size());
        (end - start) as usize
    }

    /// Checks that there is a payload, that it lies where payloads can lie, and that its size is allowed.
    pub(super) fn locate(&self) -> Result<Compression, ReadError> {
        let id = self.id();
        if self.is_absent() {
            return Err(ReadError::Absent { id });
        }
        if !self.raw.is_coherent() {
            return Err(ReadError::Incoherent { id });
        }
        let compression = self.compression()?;
        let (stored, raw) = (self.stored_size(), self.raw_size());
        if raw > self.pack.options.max_payload_size {
            return Err(ReadError::TooLarge { id, size: raw });
        }
        if !decompress::is_possible(compression, stored, raw) {
            return Err(ReadError::Decompress { id });
        }
        if stored > 0 {
            self.place()?;
        }
        Ok(compression)
    }

    /// Checks that its bytes, if it has any, lie where payloads can lie, and gives their end.
    pub(super) fn place(&self) -> Result<u64, ReadError> {
        let (id, offset) = (self.id(), self.offset());
        let header = &self.pack.header;
        let end = offset.checked_add(self.stored_size()).filter(|end| *end <= header.file_size());
        let Some(end) = end.filter(|_| offset >= header.payloads().offset) else {
            return Err(ReadError::Range { id });
        };
        if offset.is_multiple_of(u64::from(header.alignment)) {
            Ok(end)
        } else {
            Err(ReadError::Unaligned { id })
        }
    }

    /// The stored bytes, whose range was checked.
    fn fetch(&self) -> Result<Cow<'p, [u8]>, ReadError> {
        if let Some(bytes) = self.pack.source.slice(self.offset(), self.stored_size()) {
            return Ok(Cow::Borrowed(bytes));
        }
        let mut out = self.buffer(self.stored_size())?;
        self.pack.source.read(self.offset(), &mut out).map_err(|error| self.io(error))?;
        Ok(Cow::Owned(out))
    }

    fn decompressed(&self, compression: Compression, stored: &[u8]) -> Result<Vec<u8>, ReadError> {
        let mut out = self.buffer(self.raw_size())?;
        self.decompress(compression, stored, &mut out)?;
        Ok(out)
    }

    fn decompress(&self, compression: Compression, stored: &[u8], out: &mut [u8]) -> Result<(), ReadError> {
        let id = self.id();
        decompress::decompress(compression, stored, out).map_err(|fault| match fault {
            decompress::Fault::NotCompiled => ReadError::NotCompiled { id, compression },
            decompress::Fault::Damaged => ReadError::Decompress { id },
        })
    }

    fn buffer(&self, size: u64) -> Result<Vec<u8>, ReadError> {
        let error = || ReadError::TooLarge { id: self.id(), size };
        let size = usize::try_from(size).map_err(|_| error())?;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(size).map_err(|_| error())?;
        buffer.resize(size, 0);
        Ok(buffer)
    }

    fn io(&self, source: std::io::Error) -> ReadError {
        ReadError::Io { id: self.id(), path: self.pack.path.clone(), source }
    }
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("position", &self.position)
            .field("raw", self.raw)
            .finish_non_exhaustive()
    }
}
