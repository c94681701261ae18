//! The reader that games link: opens a pack, finds assets by id or name, hands out payloads.
//!
//! Opening a mapped pack reads its header and a list of digests; a lookup allocates nothing; an uncompressed payload of a
//! mapped pack is borrowed, not copied. Nothing is written, watched or cached: a game that reads a payload twice pays twice.
//!
//! Guarantees: nothing panics, reads out of bounds or allocates past [`OpenOptions::max_payload_size`] and the file's
//! own size, whatever the file holds and whatever was asked to be verified. What is *detected* is up to [`Verify`].

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use zerocopy::FromBytes;

use crate::format::{ENTRY_SIZE, HEADER_SIZE, Header, KindsSection, NamesSection, RawEntry, Section};

mod decompress;
mod entry;
mod error;
mod pages;
mod source;
mod typed;
mod verify;

pub use decompress::decompressed;
pub use entry::Entry;
pub use error::{OpenError, Problem, ReadError};
pub use typed::{Data, Image, Sound};

use pages::CheckedPages;
use source::Source;

/// When a pack's contents are checked against its digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verify {
    /// All of it, when it is opened: time in proportion to the file. What was checked is trusted afterwards.
    Eager,
    /// What is used: of the index the pages that a lookup comes to, each once, and each payload, with the padding after it,
    /// whenever it is read. No damage gives a wrong answer; one that nobody comes to is not noticed.
    #[default]
    OnRead,
    /// Nothing but the header and the sizes: for packs that were verified before, such as by an installer. A damaged
    /// pack may give wrong answers; it still cannot do harm.
    Never,
}

/// How to open a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// When to check.
    pub verify: Verify,
    /// The most bytes that one decompressed payload may have; a larger one is refused before anything is allocated.
    pub max_payload_size: u64,
}

impl Default for OpenOptions {
    /// [`Verify::OnRead`], 2 GiB a payload.
    fn default() -> Self {
        Self { verify: Verify::OnRead, max_payload_size: 1 << 31 }
    }
}

/// An open pack.
pub struct Pack {
    /// What errors of reading call it.
    path: PathBuf,
    header: Header,
    source: Source,
    options: OpenOptions,
    checked: CheckedPages,
}

/// How much memory is taken at the most for what stands before the payloads, in bytes, before any of it is read.
const MAX_RESERVED: u64 = 64 << 20;

impl Pack {
    /// Maps the pack at `path`.
    ///
    /// The file must stay as it is while it is mapped: a program that reads a part that somebody cut off is killed.
    /// The packer never changes a published pack, it puts another in its place. Where that cannot be relied on, use
    /// [`Pack::open_plain`].
    #[cfg(feature = "mmap")]
    pub fn open(path: impl AsRef<Path>, options: OpenOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let io = |error| OpenError::Io { path: path.to_owned(), source: error };
        let file = open_file(path)?;
        let size = file.metadata().map_err(io)?.len();
        if size < HEADER_SIZE as u64 {
            return Err(OpenError::TooShort { size });
        }
        let map = source::map(&file).map_err(io)?;
        let header = decode_header(&map)?;
        Self::checked(path.to_owned(), header, Source::Mapped(map), options)
    }

    /// Opens the pack at `path` without mapping it.
    pub fn open_plain(path: impl AsRef<Path>, options: OpenOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        Self::from_reader(path, open_file(path)?, options)
    }

    /// Reads a pack through `reader`, from its start; errors call it `path`. Threads that read payloads take turns.
    pub fn from_reader(
        path: impl Into<PathBuf>,
        mut reader: impl Read + Seek + Send + 'static,
        options: OpenOptions,
    ) -> Result<Self, OpenError> {
        let path = path.into();
        let io = |error| OpenError::Io { path: path.clone(), source: error };
        let size = reader.seek(SeekFrom::End(0)).map_err(io)?;
        reader.seek(SeekFrom::Start(0)).map_err(io)?;
        let mut prefix = Vec::new();
        reader.by_ref().take(HEADER_SIZE as u64).read_to_end(&mut prefix).map_err(io)?;
        let header = decode_header(&prefix)?;
        check_size(&header, size)?;
        let rest = header.payloads().offset - HEADER_SIZE as u64;
        // Beyond that, it grows with what is really there, not with what the header says. Where there is not as much memory,
        // reading says so.
        let _ = prefix.try_reserve_exact(rest.min(MAX_RESERVED) as usize);
        reader.by_ref().take(rest).read_to_end(&mut prefix).map_err(io)?;
        let source = Source::Reader { prefix, size, reader: Mutex::new(Box::new(reader)) };
        Self::checked(path, header, source, options)
    }

    /// Reads a pack from memory: a `Vec<u8>`, or what `include_bytes!` gives.
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>, options: OpenOptions) -> Result<Self, OpenError> {
        let bytes = bytes.into();
        let header = decode_header(&bytes)?;
        Self::checked(PathBuf::from("(memory)"), header, Source::Bytes(bytes), options)
    }

    fn checked(
        path: PathBuf,
        header: Header,
        source: Source,
        options: OpenOptions,
    ) -> Result<Self, OpenError> {
        check_size(&header, source.size())?;
        let checked = CheckedPages::none(&header, options.verify);
        let pack = Self { path, header, source, options, checked };
        let payloads = header.payloads().offset;
        if (pack.source.prefix().len() as u64) < payloads {
            let size = pack.source.prefix().len() as u64;
            return Err(OpenError::Size { expected: header.file_size(), size });
        }
        if pack.names().is_none() {
            return Err(OpenError::Section { section: "names" });
        }
        if pack.kinds().is_none() {
            return Err(OpenError::Section { section: "kinds" });
        }
        match options.verify {
            Verify::Never => {}
            Verify::OnRead => {
                // With it the places of all sections are certain, and the few kinds need no checks later.
                let (names, kinds) = (header.names(), header.kinds());
                let certain = pack.page_list_matches()
                    && pack.believe(names.offset..names.offset + 8).is_ok()
                    && pack.believe(kinds.offset..kinds.end()).is_ok();
                if !certain {
                    return Err(OpenError::IndexDigest);
                }
                if !pack.prefix_padding_is_zero() {
                    return Err(OpenError::Padding);
                }
            }
            Verify::Eager => {
                let problems = pack.verify();
                if !problems.is_empty() {
                    return Err(OpenError::Damaged { problems });
                }
            }
        }
        Ok(pack)
    }

    /// How many assets it has, absent ones included.
    pub fn len(&self) -> usize {
        self.table().len()
    }

    /// Whether it has no assets.
    pub fn is_empty(&self) -> bool {
        self.header.entry_count == 0
    }

    /// Whether some assets are absent, because they could not be baked.
    pub fn is_incomplete(&self) -> bool {
        self.header.incomplete
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The digest that names this pack: that of its header, in constant time. Its digests lead to those
    /// of all that can be read, so what a verified pack holds is what was built under this name.
    pub fn digest(&self) -> [u8; 32] {
        *blake3::hash(self.section(Section { offset: 0, size: HEADER_SIZE as u64 })).as_bytes()
    }

    /// All assets, by increasing id.
    pub fn entries(
        &self,
    ) -> Result<impl ExactSizeIterator<Item = Entry<'_>> + DoubleEndedIterator, ReadError> {
        let table = self.header.table();
        if table.size > 0 {
            self.believe(table.offset..table.end())?;
        }
        Ok(self.all())
    }

    /// The asset with this id, which the pack must have.
    pub fn by_id(&self, id: u32) -> Result<Entry<'_>, ReadError> {
        self.find_id(id)?.ok_or(ReadError::UnknownId { id })
    }

    /// The asset with this name, which the pack must have.
    pub fn by_name(&self, name: &str) -> Result<Entry<'_>, ReadError> {
        self.find_name(name)?.ok_or_else(|| ReadError::UnknownName { name: name.into() })
    }

    /// The asset with this id, for packs that may lack it.
    pub fn find_id(&self, id: u32) -> Result<Option<Entry<'_>>, ReadError> {
        let (mut low, mut high) = (0, self.header.entry_count);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(entry) = self.find_at(middle)? else { return Ok(None) };
            match entry.id().cmp(&id) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(Some(entry)),
                Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    /// The asset with this name, for packs that may lack it.
    pub fn find_name(&self, name: &str) -> Result<Option<Entry<'_>>, ReadError> {
        let Some(names) = self.names() else { return Ok(None) };
        match names.find_with(name, |range| self.believe_names(range))? {
            Some(position) => self.find_at(position),
            None => Ok(None),
        }
    }

    /// The kinds of its assets, in increasing order of their bytes.
    pub fn kind_names(&self) -> impl Iterator<Item = &str> {
        (0..self.header.kind_count).filter_map(|kind| self.kinds()?.get(kind as u8))
    }

    /// Everything that is wrong with it: of the index first, then of the payloads in the order of the table.
    pub fn verify(&self) -> Vec<Problem> {
        let mut problems = self.verify_index();
        problems.extend(self.distinct_payloads().iter().filter_map(|entry| self.verify_payload(entry)));
        problems
    }

    /// All assets, as they stand in the table.
    fn all(&self) -> impl ExactSizeIterator<Item = Entry<'_>> + DoubleEndedIterator {
        self.table().iter().enumerate().map(|(position, raw)| Entry::new(self, position as u32, raw))
    }

    /// The asset at a position of the table, whose bytes are checked if that is asked for.
    fn find_at(&self, position: u32) -> Result<Option<Entry<'_>>, ReadError> {
        let Some(raw) = self.table().get(position as usize) else { return Ok(None) };
        let start = self.header.table().offset + u64::from(position) * ENTRY_SIZE as u64;
        self.believe(start..start + ENTRY_SIZE as u64)?;
        Ok(Some(Entry::new(self, position, raw)))
    }

    fn believe_names(&self, range: Range<usize>) -> Result<(), ReadError> {
        let start = self.header.names().offset;
        self.believe(start + range.start as u64..start + range.end as u64)
    }

    fn table(&self) -> &[RawEntry] {
        <[RawEntry]>::ref_from_bytes(self.section(self.header.table()))
            .expect("the size of the table is a multiple of that of an entry, and entries have no alignment")
    }

    fn names(&self) -> Option<NamesSection<'_>> {
        NamesSection::parse(self.section(self.header.names()), self.header.entry_count)
    }

    fn kinds(&self) -> Option<KindsSection<'_>> {
        KindsSection::parse(self.section(self.header.kinds()), self.header.kind_count)
    }

    /// A section before the payloads. All of them are in memory: opening checked that.
    fn section(&self, section: Section) -> &[u8] {
        &self.source.prefix()[section.offset as usize..(section.offset + section.size) as usize]
    }

    fn prefix_padding_is_zero(&self) -> bool {
        let (start, end) = (self.header.pages().end(), self.header.payloads().offset);
        self.section(Section { offset: start, size: end - start }).iter().all(|byte| *byte == 0)
    }
}

impl fmt::Debug for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pack")
            .field("path", &self.path)
            .field("header", &self.header)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Opens a file, and nothing else: opening a pipe would wait for somebody who writes to it.
fn open_file(path: &Path) -> Result<std::fs::File, OpenError> {
    let io = |error| OpenError::Io { path: path.to_owned(), source: error };
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(OpenError::NotAFile { path: path.to_owned() });
    }
    std::fs::File::open(path).map_err(io)
}

fn decode_header(bytes: &[u8]) -> Result<Header, OpenError> {
    let header = bytes.first_chunk().ok_or(OpenError::TooShort { size: bytes.len() as u64 })?;
    Ok(Header::decode(header)?)
}

fn check_size(header: &Header, size: u64) -> Result<(), OpenError> {
    let expected = header.file_size();
    if expected == size { Ok(()) } else { Err(OpenError::Size { expected, size }) }
}
