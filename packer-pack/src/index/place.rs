//! Placing payloads one after the other, and the bytes that go before them in the end.
//!
//! Equal payloads are stored once, at the place of the first in payload order. That, the padding and the order are
//! decided here and nowhere else, so that every writer gives the same pack.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use thiserror::Error;
use zerocopy::IntoBytes;

use super::IndexLayout;
use crate::format::{ABSENT, Compression, HEADER_SIZE, PRELOAD, RawEntry, align_up, page_list};

/// A payload as it will be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// How it is laid out, among the layouts of its kind.
    pub encoding: u8,
    /// How it is compressed.
    pub compression: Compression,
    /// How many bytes it has when compressed.
    pub stored_size: u64,
    /// How many bytes it has when decompressed.
    pub raw_size: u64,
    /// The BLAKE3 digest of the decompressed payload.
    pub digest: [u8; 32],
}

/// What a writer has to do with a payload.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Write `padding` zeros, then the payload, which is then at `offset`.
    Write {
        /// How many zeros come before it.
        padding: u64,
        /// Where it is, from the start of the file.
        offset: u64,
    },
    /// Nothing: an equal payload is at `offset` already.
    Shared {
        /// Where that is, from the start of the file.
        offset: u64,
        /// How many bytes are stored there.
        stored_size: u64,
    },
    /// Nothing: it is empty.
    Empty,
}

/// Why a payload has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// Payloads come in payload order, each once.
    #[error("the payload of asset {got} came where that of {expected:?} was due")]
    Order {
        /// Whose turn it was; none if all were placed.
        expected: Option<u32>,
        /// Whose payload came.
        got: u32,
    },
    /// The sizes do not go with the compression.
    #[error(
        "the payload of asset {id} has {stored_size} bytes stored with compression {compression}, and {raw_size} raw"
    )]
    Sizes {
        /// The asset's id.
        id: u32,
        /// The compression.
        compression: Compression,
        /// The size as stored.
        stored_size: u64,
        /// The size when decompressed.
        raw_size: u64,
    },
    /// The file would be longer than 2⁶⁴ bytes.
    #[error("the pack has no room for the payload of asset {id}")]
    Overflow {
        /// The asset's id.
        id: u32,
    },
    /// Not all payloads were placed.
    #[error("the payload of asset {next} was not placed")]
    Unfinished {
        /// The first that is due.
        next: u32,
    },
}

/// The bytes that go before the payloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Header, table, names, kinds, the digests of their pages, and zeros up to the first payload.
    pub bytes: Vec<u8>,
    /// The digest of the header, which names the whole pack: through the digests that it leads to, it covers all that can be
    /// read.
    pub pack_digest: [u8; 32],
    /// How long the file is.
    pub file_size: u64,
}

/// Places payloads in payload order.
#[derive(Debug)]
pub struct Placer {
    layout: IndexLayout,
    entries: Vec<RawEntry>,
    /// How many of the payload order have been placed.
    placed: usize,
    /// The end of the last payload.
    end: u64,
    /// Where in the table each distinct payload stands first.
    distinct: Distinct,
}

/// Where in a table the entry of each distinct payload is: what tells payloads apart stands there, and is not held twice.
#[derive(Debug)]
struct Distinct(HashMap<u64, u32, BuildHasherDefault<Spread>>);

impl Distinct {
    fn with_capacity(count: usize) -> Self {
        Self(HashMap::with_capacity_and_hasher(count, BuildHasherDefault::default()))
    }

    /// Where the first entry is that has the payload of `entry`, or under which key to note that it is this one.
    fn find(&self, entries: &[RawEntry], entry: &RawEntry) -> Result<usize, u64> {
        let what = |entry: &RawEntry| (entry.digest, entry.encoding, entry.compression);
        let (beginning, _) = entry.digest.split_first_chunk().expect("a digest has 32 bytes");
        let mut key = u64::from_le_bytes(*beginning);
        while let Some(position) = self.0.get(&key) {
            let position = *position as usize;
            if what(&entries[position]) == what(entry) {
                return Ok(position);
            }
            // Of an equal digest that is laid out in another way, or of one that only begins alike.
            key = key.wrapping_add(1);
        }
        Err(key)
    }

    fn note(&mut self, key: u64, position: usize) {
        self.0.insert(key, u32::try_from(position).expect("ids have 32 bits, and each is in the table once"));
    }
}

/// Hashes the beginning of a digest, which is a hash already.
#[derive(Debug, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Placer {
    pub(super) fn new(layout: IndexLayout) -> Self {
        let entries = layout
            .assets
            .iter()
            .map(|asset| RawEntry {
                id: asset.id.into(),
                kind: asset.kind,
                encoding: 0,
                compression: Compression::None.code(),
                flags: ABSENT | if asset.preload { PRELOAD } else { 0 },
                offset: 0.into(),
                stored_size: 0.into(),
                raw_size: 0.into(),
                digest: [0; 32],
            })
            .collect();
        let end = layout.first_payload_offset();
        let distinct = Distinct::with_capacity(layout.assets.len());
        Self { layout, entries, placed: 0, end, distinct }
    }

    /// The id whose payload is due; none if all were placed.
    pub fn due(&self) -> Option<u32> {
        let position = self.layout.order.get(self.placed)?;
        Some(self.layout.assets[*position as usize].id)
    }

    /// Places the payload of asset `id`.
    pub fn place(&mut self, id: u32, payload: Payload) -> Result<Place, PlaceError> {
        let Payload { encoding, compression, stored_size, raw_size, digest } = payload;
        let position = self.turn(id)?;
        let entry = self.entries[position];
        let mut placed = RawEntry {
            encoding,
            compression: compression.code(),
            flags: entry.flags & !ABSENT,
            // Any offset that is not zero, to judge the sizes first.
            offset: u64::from(raw_size != 0).into(),
            stored_size: stored_size.into(),
            raw_size: raw_size.into(),
            digest,
            ..entry
        };
        if !placed.is_coherent() {
            return Err(PlaceError::Sizes { id, compression, stored_size, raw_size });
        }
        let place = if raw_size == 0 {
            Place::Empty
        } else {
            match self.distinct.find(&self.entries, &placed) {
                Ok(first) => {
                    let RawEntry { offset, stored_size, .. } = self.entries[first];
                    (placed.offset, placed.stored_size) = (offset, stored_size);
                    Place::Shared { offset: offset.get(), stored_size: stored_size.get() }
                }
                Err(key) => {
                    let offset = align_up(self.end, self.layout.header.alignment)
                        .ok_or(PlaceError::Overflow { id })?;
                    let end = offset.checked_add(stored_size).ok_or(PlaceError::Overflow { id })?;
                    let padding = offset - self.end;
                    self.end = end;
                    self.distinct.note(key, position);
                    placed.offset = offset.into();
                    Place::Write { padding, offset }
                }
            }
        };
        self.entries[position] = placed;
        self.placed += 1;
        Ok(place)
    }

    /// Leaves asset `id` without a payload, because its bake failed; the pack is then incomplete.
    pub fn absent(&mut self, id: u32) -> Result<(), PlaceError> {
        self.turn(id)?;
        self.placed += 1;
        self.layout.header.incomplete = true;
        Ok(())
    }

    /// The bytes that go before the payloads, once all are placed.
    pub fn finish(self) -> Result<Prefix, PlaceError> {
        if let Some(next) = self.due() {
            return Err(PlaceError::Unfinished { next });
        }
        let Self { layout, entries, end, distinct, .. } = self;
        let (first_payload, index_size) = (layout.first_payload_offset() as usize, layout.index_size());
        let IndexLayout { mut header, names, kinds, assets, order } = layout;
        // Each before as much again is made.
        drop((distinct, assets, order));
        let mut bytes = Vec::with_capacity(first_payload);
        bytes.resize(HEADER_SIZE, 0);
        bytes.extend_from_slice(entries.as_bytes());
        drop(entries);
        bytes.extend_from_slice(&names);
        drop(names);
        bytes.extend_from_slice(&kinds);
        debug_assert_eq!(bytes.len(), index_size);
        let pages = page_list(&bytes[HEADER_SIZE..]);
        header.index_digest = *blake3::hash(&pages).as_bytes();
        bytes.extend_from_slice(&pages);
        header.payloads_size = end - header.payloads().offset;
        let encoded = header.encode();
        bytes[..HEADER_SIZE].copy_from_slice(&encoded);
        let pack_digest = *blake3::hash(&encoded).as_bytes();
        bytes.resize(header.payloads().offset as usize, 0);
        Ok(Prefix { bytes, pack_digest, file_size: header.file_size() })
    }

    /// The position in the table of asset `id`, if its payload is due.
    fn turn(&self, id: u32) -> Result<usize, PlaceError> {
        match self.layout.order.get(self.placed) {
            Some(position) if self.layout.assets[*position as usize].id == id => Ok(*position as usize),
            _ => Err(PlaceError::Order { expected: self.due(), got: id }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Declared;
    use super::*;

    fn placer() -> Placer {
        let assets = [(1, "a"), (2, "b"), (3, "c"), (4, "d")].map(|(id, name)| Declared {
            id,
            name,
            kind: "raw",
            preload: id == 3,
        });
        IndexLayout::new(16, &assets).unwrap().into_placer()
    }

    fn payload(content: u8, size: u64) -> Payload {
        Payload {
            encoding: 0,
            compression: Compression::None,
            stored_size: size,
            raw_size: size,
            digest: [content; 32],
        }
    }

    #[test]
    fn payloads_follow_each_other_and_equal_ones_share() {
        let mut placer = placer();
        let first = placer.layout.first_payload_offset();
        assert_eq!(placer.due(), Some(3));
        assert_eq!(placer.place(3, payload(7, 5)), Ok(Place::Write { padding: 0, offset: first }));
        assert_eq!(placer.place(1, payload(8, 20)), Ok(Place::Write { padding: 11, offset: first + 16 }));
        assert_eq!(placer.place(2, payload(7, 5)), Ok(Place::Shared { offset: first, stored_size: 5 }));
        // Equal bytes in another encoding are another payload.
        let other = Payload { encoding: 1, ..payload(7, 5) };
        assert_eq!(placer.place(4, other), Ok(Place::Write { padding: 12, offset: first + 48 }));
        assert_eq!(placer.due(), None);
        let prefix = placer.finish().unwrap();
        assert_eq!((prefix.bytes.len() as u64, prefix.file_size), (first, first + 53));
    }

    #[test]
    fn payloads_whose_digests_only_begin_alike_do_not_share() {
        let mut placer = placer();
        let first = placer.layout.first_payload_offset();
        let alike = |last: u8| {
            let mut payload = payload(7, 16);
            payload.digest[31] = last;
            payload
        };
        assert_eq!(placer.place(3, alike(0)), Ok(Place::Write { padding: 0, offset: first }));
        assert_eq!(placer.place(1, alike(1)), Ok(Place::Write { padding: 0, offset: first + 16 }));
        assert_eq!(placer.place(2, alike(1)), Ok(Place::Shared { offset: first + 16, stored_size: 16 }));
        assert_eq!(placer.place(4, alike(0)), Ok(Place::Shared { offset: first, stored_size: 16 }));
    }

    #[test]
    fn empty_and_absent_payloads_take_no_place() {
        let mut placer = placer();
        let first = placer.layout.first_payload_offset();
        placer.absent(3).unwrap();
        assert_eq!(placer.place(1, payload(1, 0)), Ok(Place::Empty));
        assert_eq!(placer.place(2, payload(2, 9)), Ok(Place::Write { padding: 0, offset: first }));
        placer.absent(4).unwrap();
        let prefix = placer.finish().unwrap();
        assert_eq!(prefix.file_size, first + 9);
        assert_eq!(prefix.bytes[12], 1, "the header says that the pack is incomplete");
    }

    #[test]
    fn the_order_is_kept() {
        let mut placer = placer();
        let error = PlaceError::Order { expected: Some(3), got: 1 };
        assert_eq!(placer.place(1, payload(1, 1)), Err(error));
        assert_eq!(placer.absent(1), Err(error));
        for id in [3, 1, 2] {
            placer.absent(id).unwrap();
        }
        assert_eq!(placer.finish().unwrap_err(), PlaceError::Unfinished { next: 4 });
    }

    #[test]
    fn sizes_go_with_the_compression() {
        let bad = [
            Payload { stored_size: 4, ..payload(1, 5) },
            Payload { compression: Compression::Zstd, ..payload(1, 5) },
            Payload { compression: Compression::Lz4, stored_size: 0, ..payload(1, 5) },
            Payload { compression: Compression::Zstd, ..payload(1, 0) },
        ];
        for bad in bad {
            assert!(matches!(placer().place(3, bad), Err(PlaceError::Sizes { id: 3, .. })), "{bad:?}");
        }
        let mut placer = placer();
        let huge = Payload { stored_size: u64::MAX, ..payload(1, u64::MAX) };
        assert_eq!(placer.place(3, huge), Err(PlaceError::Overflow { id: 3 }));
        assert_eq!(placer.due(), Some(3), "what was refused is due still");
    }
}
