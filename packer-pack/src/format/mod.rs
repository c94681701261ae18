//! What pack format 1 is made of: constants, the header, table entries, the sections of strings, the pages of the index.
//!
//! All of it is in `docs/pack-format.md`. Nothing here reads a file or allocates in proportion to a stored number;
//! opening and checking a pack is in [`reader`](crate::reader), laying one out in [`index`](crate::index).

use std::fmt;

mod entry;
mod header;
mod pages;
mod strings;

pub use entry::{ABSENT, ENTRY_SIZE, PRELOAD, RawEntry};
pub use header::{
    HEADER_SIZE, Header, HeaderError, INCOMPLETE, MAGIC, MAX_ALIGNMENT, MIN_ALIGNMENT, Section, VERSION,
};
pub use pages::{DIGEST_SIZE, PAGE_SIZE, page_list, page_list_size};
pub(crate) use strings::has_equal;
pub use strings::{KindsSection, NamesSection, hash_name, names_slots};

/// The alignment of payloads where nothing else is asked for.
pub const DEFAULT_ALIGNMENT: u32 = 16;
/// The most assets that a pack can hold.
pub const MAX_ENTRIES: u32 = 1 << 30;
/// The most kinds that a pack can hold.
pub const MAX_KINDS: u32 = 256;
/// The most bytes that a name or a kind can have.
pub const MAX_STRING_BYTES: usize = 255;

/// How a payload is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None = 0,
    /// Zstandard: one frame.
    Zstd = 1,
    /// LZ4: one block, with no size in front.
    Lz4 = 2,
}

impl Compression {
    /// The compression with this code.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 => Some(Self::Zstd),
            2 => Some(Self::Lz4),
            _ => None,
        }
    }

    /// The code that the table holds.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        })
    }
}

/// The least multiple of `alignment` (a power of two) that is not below `offset`; none past `u64::MAX`.
pub fn align_up(offset: u64, alignment: u32) -> Option<u64> {
    offset.checked_next_multiple_of(u64::from(alignment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back() {
        for compression in [Compression::None, Compression::Zstd, Compression::Lz4] {
            assert_eq!(Compression::from_code(compression.code()), Some(compression));
        }
        assert_eq!(Compression::from_code(3), None);
    }

    #[test]
    fn aligning_does_not_overflow() {
        assert_eq!(align_up(0, 16), Some(0));
        assert_eq!(align_up(17, 16), Some(32));
        assert_eq!(align_up(u64::MAX, 16), None);
    }
}
