//! One entry of the table: 64 bytes that say what an asset's payload is and where.
//!
//! It is stored data, not yet judged: the reader checks a range before it follows it.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Compression;

/// The size of an entry.
pub const ENTRY_SIZE: usize = 64;
/// Flag of an entry whose payload is among the first in the pack.
pub const PRELOAD: u8 = 1;
/// Flag of an entry without a payload, because its bake failed in a build that kept going.
pub const ABSENT: u8 = 2;

/// An entry as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RawEntry {
    /// The asset's id, not zero; strictly increasing in the table.
    pub id: U32,
    /// Which of the kinds.
    pub kind: u8,
    /// How the payload is laid out, among the layouts of the kind.
    pub encoding: u8,
    /// The code of a [`Compression`].
    pub compression: u8,
    /// [`PRELOAD`] and [`ABSENT`].
    pub flags: u8,
    /// Where the payload is, from the start of the file; 0 where nothing is stored.
    pub offset: U64,
    /// How many bytes it takes there.
    pub stored_size: U64,
    /// How many bytes it has when decompressed.
    pub raw_size: U64,
    /// The BLAKE3 digest of the decompressed payload; zero for an absent one.
    pub digest: [u8; 32],
}

const _: () = assert!(size_of::<RawEntry>() == ENTRY_SIZE);

impl RawEntry {
    /// Whether it has a flag.
    pub const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether the fields that do not depend on the rest of the pack agree with each other.
    pub fn is_coherent(&self) -> bool {
        let (offset, stored, raw) = (self.offset.get(), self.stored_size.get(), self.raw_size.get());
        if self.id.get() == 0 || self.flags & !(PRELOAD | ABSENT) != 0 {
            return false;
        }
        let Some(compression) = Compression::from_code(self.compression) else { return false };
        if self.has(ABSENT) {
            let nothing = offset == 0 && stored == 0 && raw == 0 && self.digest == [0; 32];
            return nothing && self.encoding == 0 && compression == Compression::None;
        }
        match compression {
            Compression::None => stored == raw && (offset == 0) == (raw == 0),
            // A compressed payload is smaller than the raw one, so neither is empty.
            Compression::Zstd | Compression::Lz4 => 0 < stored && stored < raw && offset != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> RawEntry {
        RawEntry {
            id: 0x0403_0201.into(),
            kind: 5,
            encoding: 6,
            compression: 1,
            flags: PRELOAD,
            offset: 0x30.into(),
            stored_size: 7.into(),
            raw_size: 8.into(),
            digest: [9; 32],
        }
    }

    #[test]
    fn its_bytes_are_those_of_the_format() {
        let mut expected = vec![1, 2, 3, 4, 5, 6, 1, 1];
        expected.extend([0x30, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([9; 32]);
        assert_eq!(entry().as_bytes(), expected);
        assert_eq!(RawEntry::read_from_bytes(&expected).unwrap(), entry());
    }

    #[test]
    fn what_does_not_agree_is_not_coherent() {
        let absent = RawEntry {
            flags: ABSENT,
            encoding: 0,
            compression: 0,
            offset: 0.into(),
            stored_size: 0.into(),
            raw_size: 0.into(),
            digest: [0; 32],
            ..entry()
        };
        let plain = RawEntry { compression: 0, raw_size: 7.into(), ..entry() };
        let empty = RawEntry { offset: 0.into(), stored_size: 0.into(), raw_size: 0.into(), ..plain };
        for good in [entry(), absent, plain, empty] {
            assert!(good.is_coherent(), "{good:?}");
        }
        let bad = [
            RawEntry { id: 0.into(), ..entry() },
            RawEntry { flags: 4, ..entry() },
            RawEntry { compression: 3, ..entry() },
            RawEntry { stored_size: 8.into(), ..entry() },
            RawEntry { stored_size: 0.into(), ..entry() },
            RawEntry { offset: 0.into(), ..entry() },
            RawEntry { raw_size: 8.into(), ..plain },
            RawEntry { offset: 0.into(), ..plain },
            RawEntry { offset: 16.into(), ..empty },
            RawEntry { digest: [1; 32], ..absent },
            RawEntry { offset: 16.into(), ..absent },
            RawEntry { raw_size: 1.into(), ..absent },
            RawEntry { stored_size: 1.into(), ..absent },
            RawEntry { encoding: 1, ..absent },
            RawEntry { compression: 1, ..absent },
        ];
        for bad in bad {
            assert!(!bad.is_coherent(), "{bad:?}");
        }
    }
}
