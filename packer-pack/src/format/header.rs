//! The header: the first 128 bytes of a pack, which say where everything else is.
//!
//! A [`Header`] that was decoded is coherent in itself: its sections follow each other without a gap that the format
//! does not have. Whether the file is as long as it says is the reader's question.

use thiserror::Error;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{ENTRY_SIZE, MAX_ENTRIES, MAX_KINDS, align_up, page_list_size};

/// The size of the header.
pub const HEADER_SIZE: usize = 128;
/// The first bytes of a pack: a byte that is no text, `PAK`, and the line ends that a transfer as text would change.
pub const MAGIC: [u8; 8] = *b"\x89PAK\r\n\x1a\n";
/// The version of the format.
pub const VERSION: u32 = 1;
/// Flag of a pack in which some assets are absent.
pub const INCOMPLETE: u32 = 1;
/// The least alignment of payloads.
pub const MIN_ALIGNMENT: u32 = 16;
/// The greatest alignment of payloads.
pub const MAX_ALIGNMENT: u32 = 4096;

const CHECKED: usize = HEADER_SIZE - 8;

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Where it starts, from the start of the file.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
}

impl Section {
    /// Where it ends; decoding refused a header in which that is past 2⁶⁴.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

/// A header, decoded and coherent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether some assets are absent.
    pub incomplete: bool,
    /// How many entries the table has.
    pub entry_count: u32,
    /// How many kinds there are.
    pub kind_count: u32,
    /// The alignment of payloads.
    pub alignment: u32,
    /// The size of the names section.
    pub names_size: u64,
    /// The size of the kinds section.
    pub kinds_size: u64,
    /// The size of the payloads, padding between them included.
    pub payloads_size: u64,
    /// The BLAKE3 digest of the list of the digests of the index's pages.
    pub index_digest: [u8; 32],
}

/// Why some bytes are not a header.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// They do not start as a pack does.
    #[error("it is not an asset pack")]
    Magic,
    /// They start as a pack does that was changed on the way.
    #[error("it was transferred as text, which changed its bytes")]
    Mangled,
    /// The format has another version.
    #[error("it has format version {version}; this reader knows version {VERSION}")]
    Version {
        /// The version.
        version: u32,
    },
    /// The checksum does not match.
    #[error("the header is damaged: its checksum does not match")]
    Checksum,
    /// A field holds what the format does not have.
    #[error("the header's field `{field}` holds {value}, which format {VERSION} does not have")]
    Field {
        /// The field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawSection {
    offset: U64,
    size: U64,
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    magic: [u8; 8],
    version: U32,
    flags: U32,
    entry_count: U32,
    kind_count: U16,
    alignment: U16,
    table: RawSection,
    names: RawSection,
    kinds: RawSection,
    payloads: RawSection,
    index_digest: [u8; 32],
    checksum: [u8; 8],
}

const _: () = assert!(size_of::<RawHeader>() == HEADER_SIZE);

impl Header {
    /// Reads a header.
    pub fn decode(bytes: &[u8; HEADER_SIZE]) -> Result<Self, HeaderError> {
        let raw: &RawHeader = zerocopy::transmute_ref!(bytes);
        if raw.magic != MAGIC {
            return Err(if raw.magic[1..4] == MAGIC[1..4] {
                HeaderError::Mangled
            } else {
                HeaderError::Magic
            });
        }
        // The version comes first: where another version keeps its checksum is not known.
        if raw.version.get() != VERSION {
            return Err(HeaderError::Version { version: raw.version.get() });
        }
        if raw.checksum != checksum(bytes) {
            return Err(HeaderError::Checksum);
        }
        let check = |field, value: u64, right: bool| {
            if right { Ok(()) } else { Err(HeaderError::Field { field, value }) }
        };
        let (flags, entries, kinds) = (raw.flags.get(), raw.entry_count.get(), raw.kind_count.get());
        let alignment = u32::from(raw.alignment.get());
        check("flags", u64::from(flags), flags & !INCOMPLETE == 0)?;
        check("entry_count", u64::from(entries), entries <= MAX_ENTRIES)?;
        check("kind_count", u64::from(kinds), u32::from(kinds) <= MAX_KINDS)?;
        let valid = alignment.is_power_of_two() && (MIN_ALIGNMENT..=MAX_ALIGNMENT).contains(&alignment);
        check("alignment", u64::from(alignment), valid)?;
        let header = Self {
            incomplete: flags & INCOMPLETE != 0,
            entry_count: entries,
            kind_count: u32::from(kinds),
            alignment,
            names_size: raw.names.size.get(),
            kinds_size: raw.kinds.size.get(),
            payloads_size: raw.payloads.size.get(),
            index_digest: raw.index_digest,
        };
        check("names.size", header.names_size, header.names_size.is_multiple_of(8))?;
        check("kinds.size", header.kinds_size, header.kinds_size.is_multiple_of(8))?;
        let ends = header.table().size.checked_add(HEADER_SIZE as u64);
        let ends = ends.and_then(|end| end.checked_add(header.names_size));
        check("names.size", header.names_size, ends.is_some())?;
        let ends = ends.and_then(|end| end.checked_add(header.kinds_size));
        let ends = ends.and_then(|end| end.checked_add(page_list_size(end - HEADER_SIZE as u64)));
        let ends = ends.and_then(|end| align_up(end, alignment));
        check("kinds.size", header.kinds_size, ends.is_some())?;
        let ends = ends.and_then(|end| end.checked_add(header.payloads_size));
        check("payloads.size", header.payloads_size, ends.is_some())?;
        // Where a section starts follows from the sizes; it is stored for those who read without computing it.
        let table = header.table();
        check("table.offset", raw.table.offset.get(), raw.table.offset.get() == table.offset)?;
        check("table.size", raw.table.size.get(), raw.table.size.get() == table.size)?;
        let stored = [
            ("names.offset", raw.names.offset, header.names()),
            ("kinds.offset", raw.kinds.offset, header.kinds()),
            ("payloads.offset", raw.payloads.offset, header.payloads()),
        ];
        for (field, offset, section) in stored {
            check(field, offset.get(), offset.get() == section.offset)?;
        }
        Ok(header)
    }

    /// The bytes of the header.
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let section =
            |section: Section| RawSection { offset: section.offset.into(), size: section.size.into() };
        let raw = RawHeader {
            magic: MAGIC,
            version: VERSION.into(),
            flags: if self.incomplete { INCOMPLETE } else { 0 }.into(),
            entry_count: self.entry_count.into(),
            kind_count: (self.kind_count as u16).into(),
            alignment: (self.alignment as u16).into(),
            table: section(self.table()),
            names: section(self.names()),
            kinds: section(self.kinds()),
            payloads: section(self.payloads()),
            index_digest: self.index_digest,
            checksum: [0; 8],
        };
        let mut bytes = [0; HEADER_SIZE];
        bytes.copy_from_slice(raw.as_bytes());
        let checksum = checksum(&bytes);
        bytes[CHECKED..].copy_from_slice(&checksum);
        bytes
    }

    /// Where the table is.
    pub fn table(&self) -> Section {
        Section { offset: HEADER_SIZE as u64, size: u64::from(self.entry_count) * ENTRY_SIZE as u64 }
    }

    /// Where the names are.
    pub fn names(&self) -> Section {
        Section { offset: self.table().end(), size: self.names_size }
    }

    /// Where the kinds are.
    pub fn kinds(&self) -> Section {
        Section { offset: self.names().end(), size: self.kinds_size }
    }

    /// Where the payloads are.
    pub fn payloads(&self) -> Section {
        let offset = align_up(self.pages().end(), self.alignment).unwrap_or(u64::MAX);
        Section { offset, size: self.payloads_size }
    }

    /// Where table, names and kinds are together: what the pages are cut from.
    pub fn index(&self) -> Section {
        let start = HEADER_SIZE as u64;
        Section { offset: start, size: self.kinds().end() - start }
    }

    /// Where the digests of the pages are. From their end to the first payload are zeros.
    pub fn pages(&self) -> Section {
        let index = self.index();
        Section { offset: index.end(), size: page_list_size(index.size) }
    }

    /// How long the file is.
    pub fn file_size(&self) -> u64 {
        self.payloads().end()
    }
}

fn checksum(bytes: &[u8; HEADER_SIZE]) -> [u8; 8] {
    let mut checksum = [0; 8];
    checksum.copy_from_slice(&blake3::hash(&bytes[..CHECKED]).as_bytes()[..8]);
    checksum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            incomplete: true,
            entry_count: 3,
            kind_count: 2,
            alignment: 64,
            names_size: 72,
            kinds_size: 24,
            payloads_size: 1_000,
            index_digest: [7; 32],
        }
    }

    /// The header with `change` made to its bytes, and a checksum that matches.
    fn sealed(change: impl FnOnce(&mut [u8; HEADER_SIZE])) -> Result<Header, HeaderError> {
        let mut bytes = header().encode();
        change(&mut bytes);
        let checksum = checksum(&bytes);
        bytes[CHECKED..].copy_from_slice(&checksum);
        Header::decode(&bytes)
    }

    #[test]
    fn it_comes_back() {
        assert_eq!(Header::decode(&header().encode()), Ok(header()));
        assert_eq!(header().pages(), Section { offset: 416, size: 32 }, "128 + 192 + 72 + 24 = 416");
        assert_eq!(header().payloads().offset, 448, "aligned to 64");
        assert_eq!(header().file_size(), 1_448);
    }

    #[test]
    fn its_bytes_are_those_of_the_format() {
        let bytes = header().encode();
        assert_eq!(bytes[..8], [0x89, b'P', b'A', b'K', 13, 10, 26, 10]);
        assert_eq!(bytes[8..24], [1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 2, 0, 64, 0]);
        let words: Vec<u64> =
            bytes[24..88].chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect();
        assert_eq!(words, [128, 192, 320, 72, 392, 24, 448, 1_000]);
        assert_eq!(bytes[88..120], [7; 32]);
        assert_eq!(bytes[120..], blake3::hash(&bytes[..120]).as_bytes()[..8]);
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        for bit in 0..HEADER_SIZE * 8 {
            let mut bytes = header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_transfer_as_text_is_named() {
        let mut bytes = header().encode();
        bytes[0] &= 0x7f;
        assert_eq!(Header::decode(&bytes), Err(HeaderError::Mangled));
        let mut bytes = header().encode();
        bytes.copy_within(5..127, 4);
        assert_eq!(Header::decode(&bytes), Err(HeaderError::Mangled), "without the carriage return");
        assert_eq!(Header::decode(&[0; HEADER_SIZE]), Err(HeaderError::Magic));
    }

    #[test]
    fn another_version_is_named_before_anything_else() {
        let mut bytes = header().encode();
        bytes[8] = 2;
        assert_eq!(Header::decode(&bytes), Err(HeaderError::Version { version: 2 }));
    }

    #[test]
    fn fields_are_checked_even_under_a_right_checksum() {
        let field = |at: usize, bytes: &[u8]| match sealed(|header| {
            header[at..at + bytes.len()].copy_from_slice(bytes);
        }) {
            Err(HeaderError::Field { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(12, &[2]), "flags");
        assert_eq!(field(19, &[0x80]), "entry_count");
        assert_eq!(field(20, &[1, 1]), "kind_count");
        assert_eq!(field(22, &[0, 0]), "alignment");
        assert_eq!(field(22, &[8, 0]), "alignment");
        assert_eq!(field(22, &[65, 0]), "alignment");
        assert_eq!(field(22, &[0, 0x20]), "alignment");
        assert_eq!(field(24, &[64]), "table.offset");
        assert_eq!(field(32, &[128]), "table.size");
        assert_eq!(field(40, &[0]), "names.offset");
        assert_eq!(field(48, &[73]), "names.size");
        assert_eq!(field(48, &[0xf8, 255, 255, 255, 255, 255, 255, 255]), "names.size");
        assert_eq!(field(56, &[0]), "kinds.offset");
        assert_eq!(field(64, &[25]), "kinds.size");
        assert_eq!(field(64, &[0xf8, 255, 255, 255, 255, 255, 255, 255]), "kinds.size");
        assert_eq!(field(72, &[0]), "payloads.offset");
        assert_eq!(field(80, &[255; 8]), "payloads.size");
        assert_eq!(sealed(|_| ()), Ok(header()));
    }
}
