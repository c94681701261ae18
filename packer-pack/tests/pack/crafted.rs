//! Packs made by hand to do harm, under digests that match: what no check of a digest can tell.
//!
//! Whatever they say, nothing panics, no search runs for ever, nothing outside of the file is read, and what is found is what was
//! looked for.

use packer_pack::compress::{Method, compress};
use packer_pack::format::Compression;
use packer_pack::{Pack, ReadError, Verify};

use crate::problems::pack;
use crate::support::{Asset, asset, exhaust, open, open_reader, reseal, sample, write};

const MODES: [Verify; 3] = [Verify::Eager, Verify::OnRead, Verify::Never];

/// Every field near every end.
const EXTREMES: [u64; 9] = [0, 1, 127, 128, 1 << 32, 1 << 63, u64::MAX - 4095, u64::MAX - 15, u64::MAX];

fn put(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// The pack through every door with every verification, where it opens.
fn opened(bytes: &[u8]) -> Vec<Pack> {
    MODES.into_iter().flat_map(|verify| [open(bytes, verify), open_reader(bytes, verify)]).flatten().collect()
}

#[test]
fn sections_that_overlap_or_reach_past_every_end_are_refused() {
    let whole = pack();
    for at in (24..88).step_by(8) {
        let right = u64::from_le_bytes(whole[at..at + 8].try_into().unwrap());
        for value in EXTREMES.into_iter().chain([right - 8, right + 8, whole.len() as u64]) {
            if value == right {
                continue;
            }
            let mut bytes = whole.clone();
            put(&mut bytes, at, value);
            reseal(&mut bytes);
            assert!(opened(&bytes).is_empty(), "{value} at {at}");
        }
    }
    for count in [0, 2, 4, 1 << 16, 1 << 30, u32::MAX] {
        let mut bytes = whole.clone();
        bytes[16..20].copy_from_slice(&u32::to_le_bytes(count));
        reseal(&mut bytes);
        assert!(opened(&bytes).is_empty(), "{count} entries");
    }
}

#[test]
fn a_payload_is_read_from_its_place_or_not_at_all() {
    let (whole, _) = write(16, &sample());
    let good = open(&whole, Verify::Eager).unwrap();
    let (mut refused, mut read) = (0, 0);
    for position in 0..good.len() {
        for field in [8, 16, 24] {
            for value in EXTREMES.into_iter().chain([whole.len() as u64 - 1, whole.len() as u64 + 1]) {
                let mut bytes = whole.clone();
                put(&mut bytes, 128 + 64 * position + field, value);
                reseal(&mut bytes);
                for pack in opened(&bytes) {
                    let entry = pack.entries().unwrap().nth(position).unwrap();
                    match entry.payload() {
                        // Of the declared size; whether of the right content is for its digest to tell.
                        Ok(payload) => assert_eq!(payload.len() as u64, entry.raw_size()),
                        Err(_) => refused += 1,
                    }
                    read += 1;
                    exhaust(Ok(pack));
                }
            }
        }
    }
    assert!(refused > 200 && read > refused, "{refused} of {read} refused");
}

#[test]
fn a_table_out_of_order_finds_what_was_looked_for_or_nothing() {
    let ids = [7, 8, 9, 10, 11, 900, u32::MAX];
    for (from, to) in [(0, 6), (6, 0), (3, 4), (1, 5)] {
        let (mut bytes, _) = write(16, &sample());
        let (from, to) = (128 + 64 * from, 128 + 64 * to);
        let moved: [u8; 4] = bytes[from..from + 4].try_into().unwrap();
        bytes.copy_within(to..to + 4, from);
        bytes[to..to + 4].copy_from_slice(&moved);
        reseal(&mut bytes);
        assert!(open(&bytes, Verify::Eager).is_err());
        for pack in opened(&bytes) {
            for id in ids {
                if let Some(entry) = pack.find_id(id).unwrap() {
                    assert_eq!(entry.id(), id);
                }
            }
        }
    }
    // One id twice.
    let mut bytes = pack();
    bytes[128 + 64] = 1;
    reseal(&mut bytes);
    assert!(open(&bytes, Verify::Eager).is_err());
    for pack in opened(&bytes) {
        assert_eq!(pack.find_id(1).unwrap().unwrap().id(), 1);
        assert!(pack.find_id(2).unwrap().is_none());
    }
}

#[test]
fn an_index_of_names_without_an_end_ends() {
    // The names are at 320, their 8 slots at 328.
    for slot in [1, 2, 3, 4, u32::MAX] {
        let mut bytes = pack();
        for at in (328..360).step_by(4) {
            bytes[at..at + 4].copy_from_slice(&slot.to_le_bytes());
        }
        reseal(&mut bytes);
        assert!(open(&bytes, Verify::Eager).is_err());
        for pack in opened(&bytes) {
            for name in ["a", "b", "c"] {
                let found = pack.find_name(name).unwrap();
                assert!(found.is_none_or(|entry| entry.name().unwrap() == name));
            }
            assert!(pack.find_name("d").unwrap().is_none());
        }
    }
}

#[test]
fn names_and_kinds_that_are_no_text_are_not_given_out() {
    let mut bytes = pack();
    let name = bytes.windows(3).position(|window| window == b"abc").unwrap();
    let kind = bytes.windows(7).position(|window| window == b"rawtext").unwrap();
    bytes[name + 1] = 0xff;
    bytes[kind + 3] = 0xff;
    reseal(&mut bytes);
    assert!(open(&bytes, Verify::Eager).is_err());
    for pack in opened(&bytes) {
        let entry = pack.by_id(2).unwrap();
        assert!(matches!(entry.name(), Err(ReadError::Name { id: 2 })));
        assert!(matches!(entry.kind(), Err(ReadError::Kind { id: 2 })));
        assert!(entry.text().is_err() && entry.payload().is_ok());
        assert_eq!(pack.by_id(1).unwrap().name().unwrap(), "a");
        assert!(pack.find_name("b").unwrap().is_none());
    }
}

/// A pack of one payload of a million zeros, whose raw size is said to be `declared`.
fn bomb(method: Method, declared: u64) -> Vec<u8> {
    let (mut bytes, _) = write(16, &[Asset { method, ..asset(1, "bomb", "raw", vec![0; 1_000_000]) }]);
    put(&mut bytes, 128 + 24, declared);
    reseal(&mut bytes);
    bytes
}

#[test]
fn a_payload_decompresses_to_what_was_declared_or_not_at_all() {
    for (method, compression) in [(Method::Lz4, Compression::Lz4), (Method::default(), Compression::Zstd)] {
        let zeros = vec![0; 1_000_000];
        let stored = compress(method, &zeros).unwrap();
        assert_eq!(stored.compression, compression);
        let stored = stored.bytes.len() as u64;
        for declared in [0, 1, stored, stored + 1, 999_999, 1_000_001, 2_000_000, 1 << 31, 1 << 40, u64::MAX]
        {
            let bytes = bomb(method, declared);
            assert!(open(&bytes, Verify::Eager).is_err(), "{declared} bytes declared");
            for pack in opened(&bytes) {
                let error = pack.by_name("bomb").unwrap().payload().unwrap_err();
                let expected = matches!(
                    error,
                    ReadError::Decompress { .. } | ReadError::TooLarge { .. } | ReadError::Incoherent { .. }
                );
                assert!(expected, "{declared} bytes declared: {error}");
            }
        }
        for pack in opened(&bomb(method, 1_000_000)) {
            assert_eq!(pack.by_name("bomb").unwrap().payload().unwrap(), vec![0; 1_000_000]);
        }
    }
}
