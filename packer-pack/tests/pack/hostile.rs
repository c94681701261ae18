//! Damage: at every byte and every bit of a small pack, at random under digests that match, and in what is read later.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use packer_pack::format::{Compression, page_list};
use packer_pack::{OpenError, OpenOptions, Pack, Problem, ReadError, Verify};
use proptest::prelude::*;

use crate::support::{
    Asset, Seen, asset, exhaust, expected, feature_packs, open, open_reader, options, read_all, reseal,
    sample, write,
};

type Door = fn(&[u8], Verify) -> Result<Pack, OpenError>;
const DOORS: [Door; 2] = [open, open_reader];

fn all(pack: Result<Pack, OpenError>) -> Result<Vec<Seen>, String> {
    read_all(&pack.map_err(|error| error.to_string())?)
}

/// The bytes of compressed payloads: a bit of one may be such that decompression does not depend on it. Every other bit of a
/// pack is noticed.
fn compressed(bytes: &[u8]) -> Vec<Range<usize>> {
    let pack = open(bytes, Verify::Eager).unwrap();
    let entries = pack.entries().unwrap();
    entries
        .filter(|entry| entry.compression().unwrap() != Compression::None)
        .map(|entry| entry.offset() as usize..(entry.offset() + entry.stored_size()) as usize)
        .collect()
}

#[test]
fn every_flipped_bit_is_refused_or_changes_nothing() {
    let mut refused = 0;
    for (name, assets) in feature_packs() {
        let (mut bytes, _) = write(16, &assets);
        let (good, compressed) = (expected(&assets), compressed(&bytes));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let verdicts = [Verify::Eager, Verify::OnRead].map(|verify| {
                let verdicts = DOORS.map(|door| all(door(&bytes, verify)));
                let [memory, reader] = &verdicts;
                assert_eq!(memory.is_ok(), reader.is_ok(), "{name}, bit {bit} with {verify:?}: {verdicts:?}");
                verdicts
            });
            for seen in verdicts.as_flattened() {
                match seen {
                    Err(_) => refused += 1,
                    Ok(seen) => {
                        assert_eq!(*seen, good, "{name}, bit {bit}");
                        let hidden = compressed.iter().any(|range| range.contains(&(bit / 8)));
                        assert!(hidden, "{name}: bit {bit} went unnoticed");
                    }
                }
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
    assert!(refused > 50_000, "{refused} refused");
}

#[test]
fn a_mapped_pack_is_refused_like_one_that_is_read_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assets.pack");
    let (mut bytes, _) = write(16, &sample());
    for bit in (0..bytes.len() * 8).step_by(13) {
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bytes).unwrap();
        for verify in [Verify::Eager, Verify::OnRead] {
            let mapped = all(Pack::open(&path, options(verify)));
            let plain = all(Pack::open_plain(&path, options(verify)));
            assert_eq!(mapped, plain, "bit {bit} with {verify:?}");
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    for size in (0..bytes.len()).step_by(17) {
        std::fs::write(&path, &bytes[..size]).unwrap();
        for verify in [Verify::Eager, Verify::OnRead, Verify::Never] {
            assert!(Pack::open(&path, options(verify)).is_err(), "{size} bytes");
            assert!(Pack::open_plain(&path, options(verify)).is_err(), "{size} bytes");
        }
    }
}

/// A pack whose table, slots, offsets and names have several pages each.
fn many() -> Vec<Asset> {
    (1..=1_500).map(|id| asset(id * 3, &format!("story/line-{id}"), "text", format!("line {id}"))).collect()
}

#[test]
fn a_lookup_answers_rightly_or_not_at_all() {
    let (mut bytes, prefix) = write(16, &many());
    let names = ["story/line-1", "story/line-200", "story/line-400", "story/line-0", "story", ""];
    let ids = [0, 1, 3, 300, 1200, 1201, u32::MAX];
    let ask = |pack: &Pack| -> Vec<Result<Option<u32>, ()>> {
        let by_name = names.map(|name| pack.find_name(name));
        let by_id = ids.map(|id| pack.find_id(id));
        let found = by_name.into_iter().chain(by_id);
        found.map(|found| found.map(|entry| entry.map(|entry| entry.position())).map_err(|_| ())).collect()
    };
    let good = ask(&open(&bytes, Verify::Eager).unwrap());
    assert_eq!(good[..4], [Ok(Some(0)), Ok(Some(199)), Ok(Some(399)), Ok(None)]);
    let (mut refused, mut unaffected) = (0, 0);
    // Everywhere, and closely at what the search for one of the names comes to: its offsets and its text.
    let offsets = open(&bytes, Verify::Eager).unwrap().header().names().offset as usize + 8 + 4 * 4_096;
    let text = bytes.windows(14).position(|window| window == b"story/line-200").unwrap();
    let close = (offsets + 4 * 199..offsets + 4 * 201).chain(text..text + 14);
    for at in (0..prefix.bytes.len()).step_by(211).chain(close) {
        let flip = 1 << (at % 8);
        bytes[at] ^= flip;
        if let Ok(pack) = open(&bytes, Verify::OnRead) {
            for (answer, right) in ask(&pack).into_iter().zip(&good) {
                if answer.is_err() {
                    refused += 1;
                } else {
                    unaffected += 1;
                }
                assert!(answer.is_err() || answer == *right, "byte {at}: {answer:?}, not {right:?}");
            }
            assert!(pack.entries().is_err() || read_all(&pack).is_err(), "byte {at} is never noticed");
        }
        bytes[at] ^= flip;
    }
    assert!(refused > 500 && unaffected > 2_000, "{refused} refused, {unaffected} unaffected");
}

#[test]
fn a_page_with_a_digest_of_its_own_is_not_the_packs() {
    let (mut bytes, _) = write(16, &many());
    let pages = open(&bytes, Verify::Eager).unwrap().header().pages();
    // As if page and digest were of another pack, which the header does not know.
    bytes[128 + 64 * 299 + 40] ^= 1;
    let list = page_list(&bytes[128..pages.offset as usize]);
    bytes[pages.offset as usize..pages.end() as usize].copy_from_slice(&list);
    for door in DOORS {
        assert!(matches!(door(&bytes, Verify::OnRead), Err(OpenError::IndexDigest)));
        let Err(OpenError::Damaged { problems }) = door(&bytes, Verify::Eager) else {
            panic!("it was opened")
        };
        assert!(matches!(problems[..], [Problem::IndexDigest, ..]), "{problems:?}");
    }
}

#[test]
fn only_what_is_looked_up_is_checked() {
    let (mut bytes, _) = write(16, &many());
    // The entry of the 300th asset, in the third page.
    bytes[128 + 64 * 299 + 40] ^= 1;
    for door in DOORS {
        let pack = door(&bytes, Verify::OnRead).unwrap();
        assert_eq!(pack.by_name("story/line-1").unwrap().text().unwrap(), "line 1");
        for _ in 0..2 {
            let error = pack.by_name("story/line-300").unwrap_err();
            assert!(matches!(error, ReadError::Index { offset: 16_512 }), "{error:?}");
        }
        assert!(pack.by_id(900).is_err() && pack.entries().is_err());
    }
}

#[test]
fn an_eager_reader_refuses_at_opening() {
    let (bytes, _) = write(16, &sample());
    let payloads = open(&bytes, Verify::Eager).unwrap().header().payloads().offset as usize;
    // The first payload is stored plainly; it is 32 bytes.
    for at in payloads..payloads + 32 {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(open(&bad, Verify::Eager).is_err(), "byte {at}");
        let late = open(&bad, Verify::OnRead).unwrap();
        let error = late.by_name("ui/confirm").unwrap().payload().unwrap_err();
        assert!(matches!(error, ReadError::Digest { id: 900 }));
    }
}

#[test]
fn a_reader_that_trusts_does_no_harm() {
    for (_, assets) in feature_packs() {
        let (bytes, _) = write(16, &assets);
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            // Once with digests that do not match, once with such that do.
            exhaust(DOORS[bit % 2](&bad, Verify::Never));
            reseal(&mut bad);
            exhaust(DOORS[bit % 2](&bad, Verify::Never));
        }
    }
}

#[test]
fn every_other_length_is_refused() {
    for (name, assets) in feature_packs() {
        let (bytes, _) = write(16, &assets);
        for verify in [Verify::Eager, Verify::OnRead, Verify::Never] {
            for door in DOORS {
                for size in 0..bytes.len() {
                    assert!(door(&bytes[..size], verify).is_err(), "{name}: {size} bytes with {verify:?}");
                }
                for more in [1, 15, 16, 4096] {
                    let mut longer = bytes.clone();
                    longer.resize(bytes.len() + more, 0);
                    assert!(door(&longer, verify).is_err(), "{name}: {more} bytes more with {verify:?}");
                }
            }
        }
    }
}

#[test]
fn sections_of_a_wrong_size_are_refused_even_by_a_reader_that_trusts() {
    let (bytes, _) = write(16, &sample());
    let header = *open(&bytes, Verify::Eager).unwrap().header();
    // The number of slots, the number of bytes of names, and that of kinds.
    let (names, kinds) = (header.names().offset as usize, header.kinds().offset as usize);
    for (at, section) in [(names, "names"), (names + 4, "names"), (kinds, "kinds")] {
        for byte in [0x80, 0xff] {
            let mut bad = bytes.clone();
            bad[at + 3] = byte;
            reseal(&mut bad);
            for (door, verify) in [(open as Door, Verify::Never), (open_reader as Door, Verify::OnRead)] {
                let error = door(&bad, verify).unwrap_err().to_string();
                assert_eq!(error, format!("the pack is damaged: the section of {section} has a wrong size"));
            }
        }
    }
}

/// A reader that says it is longer than it is.
struct Boasting(Cursor<Vec<u8>>, u64);

impl Read for Boasting {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl Seek for Boasting {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::End(_) => Ok(self.1),
            to => self.0.seek(to),
        }
    }
}

#[test]
fn a_reader_that_ends_early_is_refused() {
    let (bytes, prefix) = write(16, &sample());
    for size in 0..bytes.len() {
        let reader = Boasting(Cursor::new(bytes[..size].to_vec()), bytes.len() as u64);
        let pack = Pack::from_reader("test.pack", reader, options(Verify::OnRead));
        assert_eq!(pack.is_ok(), size >= prefix.bytes.len(), "{size} bytes");
        if let Ok(pack) = pack {
            assert!(read_all(&pack).is_err(), "{size} bytes");
        }
    }
}

#[test]
fn files_that_are_no_packs_are_refused_by_every_door() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assets.pack");
    for content in [&b""[..], b"PNG", &[0; 200]] {
        std::fs::write(&path, content).unwrap();
        assert!(Pack::open(&path, OpenOptions::default()).is_err());
        assert!(Pack::open_plain(&path, OpenOptions::default()).is_err());
    }
    let missing = folder.path().join("missing.pack");
    for error in [
        Pack::open(&missing, OpenOptions::default()).unwrap_err(),
        Pack::open_plain(&missing, OpenOptions::default()).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), format!("{} cannot be read", missing.display()));
    }
}

#[test]
fn a_payload_above_the_limit_is_refused_before_it_is_read() {
    let mut assets = sample();
    assets.push(asset(12, "long", "raw", vec![0; 5_000]));
    let (bytes, _) = write(16, &assets);
    let limited = OpenOptions { max_payload_size: 4_999, ..OpenOptions::default() };
    let pack = Pack::from_bytes(bytes, limited).unwrap();
    let error = pack.by_name("long").unwrap().payload().unwrap_err();
    assert!(matches!(error, ReadError::TooLarge { id: 12, size: 5_000 }));
    assert!(pack.by_name("plain").unwrap().payload().is_ok());
}

#[test]
fn a_small_payload_cannot_ask_for_a_large_buffer() {
    let (bytes, _) = write(16, &sample());
    // The entry of "text/tides" (id 7) is the first of the table; its raw size is at byte 24 of it.
    for size in [1_u64 << 30, 1 << 50, u64::MAX] {
        let mut bad = bytes.clone();
        bad[128 + 24..128 + 32].copy_from_slice(&size.to_le_bytes());
        reseal(&mut bad);
        let unlimited = OpenOptions { max_payload_size: u64::MAX, verify: Verify::OnRead };
        let pack = Pack::from_bytes(bad, unlimited).unwrap();
        let error = pack.by_id(7).unwrap().payload().unwrap_err();
        assert!(matches!(error, ReadError::Decompress { id: 7 }), "{size} bytes: {error}");
    }
}

/// A reader that fails once it is told to.
struct Failing {
    bytes: Cursor<Vec<u8>>,
    fails: Arc<AtomicBool>,
}

impl Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.fails.load(Ordering::Relaxed) { Err(io::Error::other("gone")) } else { self.bytes.read(out) }
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[test]
fn a_reader_that_fails_later_is_an_error_with_the_path() {
    let (bytes, _) = write(16, &sample());
    let fails = Arc::new(AtomicBool::new(false));
    let reader = Failing { bytes: Cursor::new(bytes), fails: Arc::clone(&fails) };
    let pack = Pack::from_reader("test.pack", reader, options(Verify::OnRead)).unwrap();
    let entry = pack.by_name("plain").unwrap();
    assert!(entry.payload().is_ok());
    fails.store(true, Ordering::Relaxed);
    let error = entry.payload().unwrap_err();
    assert_eq!(error.to_string(), "the payload of asset 9 cannot be read from test.pack");
    assert!(matches!(entry.read_into(&mut [0; 61]), Err(ReadError::Io { id: 9, .. })));
}

proptest! {
    /// Whatever stands before the payloads, under digests that match: nothing panics, and what passes the full check
    /// can be read.
    #[test]
    fn any_index_is_refused_or_readable(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (mut bytes, prefix) = write(16, &sample());
        for (at, value) in changes {
            bytes[at.index(prefix.bytes.len())] = value;
        }
        reseal(&mut bytes);
        for door in DOORS {
            exhaust(door(&bytes, Verify::Never));
            exhaust(door(&bytes, Verify::OnRead));
            if let Ok(pack) = door(&bytes, Verify::Eager) {
                let seen = read_all(&pack);
                prop_assert!(seen.is_ok(), "{:?}", seen);
            }
        }
    }

    #[test]
    fn any_bytes_after_the_magic_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 128..400)) {
        bytes[..8].copy_from_slice(&packer_pack::format::MAGIC);
        bytes[8..12].copy_from_slice(&1_u32.to_le_bytes());
        reseal(&mut bytes);
        for door in DOORS {
            exhaust(door(&bytes, Verify::Never));
            prop_assert!(door(&bytes, Verify::Eager).is_err());
        }
    }
}
