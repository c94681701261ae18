//! The stat index: round trips, ranges, the racy rule, and damage of every sort.

use camino::Utf8Path;
use packer_domain::identity::Digest;
use proptest::prelude::*;

use super::format::{self, ENTRY_BYTES, HEADER_BYTES};
use super::{IndexDefect, IndexRecord, Stamp, StatIndex};
use crate::disk::{EntryKind, Stat};

const STAMP: Stamp = Stamp { ns: 1_000, device: 5 };

fn stat(size: u64, time: i64) -> Stat {
    Stat { kind: EntryKind::File, size, mtime_ns: time, ctime_ns: time - 1, inode: size + 7, device: 5 }
}

fn encode(files: &[(&str, Option<&[u8]>)]) -> Vec<u8> {
    let stats: Vec<Stat> = (0_u32..).take(files.len()).map(|i| stat(u64::from(i), i64::from(i))).collect();
    let digests: Vec<Digest> = files.iter().map(|(path, _)| Digest::of(path.as_bytes())).collect();
    let records: Vec<IndexRecord<'_>> = files
        .iter()
        .enumerate()
        .map(|(i, (path, content))| IndexRecord {
            path,
            stat: &stats[i],
            digest: &digests[i],
            content: *content,
        })
        .collect();
    let mut bytes = Vec::new();
    format::encode(&mut bytes, Utf8Path::new("assets"), Some(STAMP), &records).unwrap();
    bytes
}

fn parse(bytes: Vec<u8>) -> Result<StatIndex, IndexDefect> {
    StatIndex::parse(bytes, Utf8Path::new("assets"))
}

/// Makes a changed file pass its checksum, as a hostile writer would.
fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 32;
    let checksum = blake3::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(checksum.as_bytes());
    bytes
}

#[test]
fn gives_back_what_was_written() {
    let index =
        parse(encode(&[("a.png", None), ("a.png.asset.toml", Some(b"x = 1")), ("b", Some(b""))])).unwrap();
    assert_eq!(index.len(), 3);
    assert_eq!(index.stamp(), Some(STAMP));
    let entry = index.find("a.png.asset.toml").unwrap();
    assert_eq!((entry.stat, entry.content), (stat(1, 1), Some(&b"x = 1"[..])));
    assert_eq!(entry.digest, Digest::of(b"a.png.asset.toml"));
    assert_eq!(index.find("a.png").unwrap().content, None);
    assert_eq!(index.find("b").unwrap().content, Some(&b""[..]));
    assert!(index.find("a").is_none() && index.find("c").is_none() && index.find("").is_none());
    let paths: Vec<&str> = index.iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["a.png", "a.png.asset.toml", "b"]);
}

#[test]
fn a_folder_s_range_has_what_is_below_it_and_nothing_else() {
    let files = ["a", "ui", "ui-old/x", "ui.png", "ui/a", "ui/b/c", "ui0", "v/ui/a"];
    let index = parse(encode(&files.map(|path| (path, None)))).unwrap();
    let below = |folder| index.below(folder).map(|at| index.path(at).to_owned()).collect::<Vec<_>>();
    assert_eq!(below("ui"), ["ui/a", "ui/b/c"]);
    assert_eq!(below("ui/b"), ["ui/b/c"]);
    assert_eq!(below("w"), [""; 0]);
    assert_eq!(below("").len(), files.len());
    assert!(index.find_in(index.below("ui"), "ui/b/c").is_some());
    assert!(index.find_in(index.below("ui"), "ui.png").is_none());
}

#[test]
fn racy_is_what_may_change_within_the_stamp_s_tick() {
    assert!(!STAMP.is_racy(&stat(0, 999)));
    assert!(STAMP.is_racy(&stat(0, 1_000)));
    assert!(STAMP.is_racy(&Stat { mtime_ns: 1, ctime_ns: 1_000, ..stat(0, 0) }));
    // Another device may round its times down by two seconds.
    assert!(STAMP.is_racy(&Stat { device: 6, ..stat(0, 999) }));
    assert!(!STAMP.is_racy(&Stat { device: 6, ..stat(0, 999 - 2_000_000_000) }));
}

#[test]
fn without_a_stamp_everything_is_racy() {
    let mut bytes = Vec::new();
    format::encode(&mut bytes, Utf8Path::new("assets"), None, &[]).unwrap();
    let index = parse(bytes).unwrap();
    assert_eq!(index.stamp(), None);
    assert!(index.is_racy(&stat(0, i64::MIN + 1)));
}

#[test]
fn says_why_it_was_dropped() {
    let good = encode(&[("a", None)]);
    assert!(matches!(parse(Vec::new()), Err(IndexDefect::NotAnIndex)));
    assert!(matches!(parse(good[..good.len() - 1].to_vec()), Err(IndexDefect::Checksum)));
    let mut other = good.clone();
    other[8] = 9;
    assert!(matches!(parse(other), Err(IndexDefect::OtherVersion { found: 9 })));
    assert!(matches!(StatIndex::parse(good, Utf8Path::new("art")), Err(IndexDefect::OtherRoot)));
}

#[test]
fn a_sealed_file_whose_parts_do_not_fit_is_dropped() {
    let good = encode(&[("a", Some(b"c")), ("b", None)]);
    let change = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        parse(seal(bytes))
    };
    let entry = HEADER_BYTES;
    for (at, byte) in [
        (16, 3),                         // the count
        (23, 255),                       // the count, beyond any file
        (24, 9),                         // the bytes of paths
        (entry, 9),                      // a path's offset
        (entry + 7, 255),                // a path's offset, beyond any file
        (entry + 8, 3),                  // a path's length
        (entry + 16, 9),                 // a content's offset
        (entry, 1),                      // the same path twice
        (entry + 2 * ENTRY_BYTES, b'c'), // paths out of order
        (entry + 2 * ENTRY_BYTES, 0xff), // a path that is not UTF-8
    ] {
        assert!(matches!(change(at, byte), Err(IndexDefect::Layout)), "byte {at} = {byte} was taken");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), magic: bool, sealed: bool) {
        if magic && bytes.len() >= HEADER_BYTES + 32 {
            bytes[..8].copy_from_slice(&format::MAGIC);
            bytes[8..12].copy_from_slice(&format::VERSION.to_le_bytes());
            bytes[56..88].copy_from_slice(Digest::of(b"assets").as_bytes());
            if sealed {
                bytes = seal(bytes);
            }
        }
        if let Ok(index) = parse(bytes) {
            prop_assert_eq!(index.iter().count(), index.len());
        }
    }

    #[test]
    fn no_damage_passes(at in 0_usize..400, bit in 0_u8..8) {
        let mut bytes = encode(&[("a", Some(b"content")), ("b/c", None)]);
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(parse(bytes).is_err());
    }

    #[test]
    fn no_sealed_damage_makes_it_panic(at in 0_usize..400, byte: u8) {
        let mut bytes = encode(&[("a", Some(b"content")), ("b/c", None)]);
        let at = at % (bytes.len() - 32);
        bytes[at] = byte;
        if let Ok(index) = parse(seal(bytes)) {
            for entry in index.iter() {
                prop_assert!(index.find(entry.path).is_some());
                prop_assert!(index.below(entry.path).end <= index.len());
            }
        }
    }
}
