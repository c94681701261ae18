//! The stat index: round trips, lookups, the racy rule, and damage of every sort.

use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::identity::Digest;
use proptest::prelude::*;

use super::format::{self, ENTRY_BYTES, FOLDER_BYTES, HEADER_BYTES};
use super::{DraftFile, DraftFolder, FileRole, IndexDefect, ReadFacts, Stamp, StatIndex, build, renew};
use crate::disk::sim::SimDisk;
use crate::disk::{EntryKind, Stat};

const STAMP: Stamp = Stamp { ns: 1_000, device: 5 };

fn stat(size: u64, time: i64) -> Stat {
    Stat { kind: EntryKind::File, size, mtime_ns: time, ctime_ns: time - 1, inode: size + 7, device: 5 }
}

fn facts(number: u32, name: &str, content: Option<&[u8]>) -> DraftFile {
    DraftFile::Read(Box::new(ReadFacts {
        name: name.into(),
        role: if content.is_some() { FileRole::Anchor } else { FileRole::Plain },
        stat: stat(u64::from(number), i64::from(number)),
        digest: Digest::of(name.as_bytes()),
        content: content.map(Into::into),
    }))
}

/// A file's name, and its contents if they are kept.
type File<'a> = (&'a str, Option<&'a [u8]>);

/// Folders with their files; the root has to be among them.
fn index(folders: &[(&str, &[File<'_>])]) -> StatIndex {
    let mut number = 0;
    let draft = |(path, files): &(&str, &[File<'_>])| DraftFolder {
        path: Arc::from(*path),
        files: files
            .iter()
            .map(|(name, content)| {
                number += 1;
                facts(number - 1, name, *content)
            })
            .collect(),
    };
    build("assets".into(), Some(STAMP), None, folders.iter().map(draft).collect()).unwrap()
}

fn small() -> StatIndex {
    index(&[("", &[("a", Some(b"content")), ("b", None)]), ("b c", &[("\u{e4}", None)])])
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
fn gives_back_what_was_entered_in_order() {
    let built = index(&[
        ("ui", &[("x.asset.toml", Some(b"x = 1")), ("b", None), ("a", Some(b""))]),
        ("", &[("z", None)]),
        ("ui/empty", &[]),
        ("ui-old", &[("a", None)]),
    ]);
    let read = parse(built.bytes.to_vec()).unwrap();
    for index in [built, read] {
        assert_eq!((index.len(), index.folder_count(), index.stamp()), (5, 4, Some(STAMP)));
        let folders: Vec<(&str, Vec<&str>)> = index
            .folders()
            .map(|folder| (folder.path, folder.files.map(|at| index.entry(at).name).collect()))
            .collect();
        let expected = [
            ("", vec!["z"]),
            ("ui", vec!["a", "b", "x.asset.toml"]),
            ("ui-old", vec!["a"]),
            ("ui/empty", vec![]),
        ];
        assert_eq!(folders, expected);
        let entry = index.find("ui/x.asset.toml").unwrap();
        assert_eq!(
            (entry.stat, entry.content, entry.role),
            (stat(0, 0), Some(&b"x = 1"[..]), FileRole::Anchor)
        );
        assert_eq!(entry.digest, Digest::of(b"x.asset.toml"));
        assert_eq!(index.find("ui/b").unwrap().content, None);
        assert_eq!(index.find("ui/a").unwrap().content, Some(&b""[..]));
        for absent in ["", "ui", "a", "ui/c", "ui-old/b", "ui/empty/a", "nowhere/a"] {
            assert_eq!(index.find(absent), None, "{absent}");
        }
        assert_eq!((index.find_folder("ui/empty"), index.find_folder("u")), (Some(3), None));
    }
}

#[test]
fn what_an_earlier_index_knows_is_taken_over_whole() {
    let first = small();
    let known = |path: &str| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let files = first.folder(first.find_folder(folder).unwrap()).files;
        DraftFile::Known(u32::try_from(first.find_name(&files, name).unwrap()).unwrap())
    };
    let folders = vec![
        DraftFolder { path: "".into(), files: vec![facts(9, "b2", None), known("b"), known("a")] },
        DraftFolder { path: "b c".into(), files: vec![known("b c/\u{e4}")] },
    ];
    let second = build("assets".into(), None, Some(&first), folders).unwrap();
    for path in ["a", "b", "b c/\u{e4}"] {
        assert_eq!(second.find(path), first.find(path));
    }
    assert_eq!((second.len(), second.stamp()), (4, None));
    assert!(parse(second.bytes.to_vec()).is_ok());
    let beyond = vec![DraftFolder { path: "".into(), files: vec![DraftFile::Known(3)] }];
    assert!(build("assets".into(), None, Some(&first), beyond).is_none());
}

#[test]
fn the_digests_tell_what_differs() {
    let listing = |folders| (index(folders).listing_digest(), index(folders).content_digest());
    let base = listing(&[("", &[("a", None), ("b", None)]), ("c", &[])]);
    assert_eq!(base, listing(&[("c", &[]), ("", &[("b", None), ("a", None)])]));
    let others = [
        listing(&[("", &[("a", None), ("b", None)])]),
        listing(&[("", &[("ab", None)]), ("c", &[])]),
        listing(&[("", &[("a", None)]), ("c", &[("b", None)])]),
    ];
    for other in others {
        assert!(other.0 != base.0 && other.1 != base.1);
    }
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
    let folders = vec![DraftFolder { path: "".into(), files: Vec::new() }];
    let index = parse(build("assets".into(), None, None, folders).unwrap().bytes.to_vec()).unwrap();
    assert_eq!(index.stamp(), None);
    assert!(index.is_racy(&stat(0, i64::MIN + 1)));
}

#[test]
fn says_why_it_was_dropped() {
    let good = small().bytes.to_vec();
    assert!(matches!(parse(Vec::new()), Err(IndexDefect::NotAnIndex)));
    assert!(matches!(parse(good[..good.len() - 1].to_vec()), Err(IndexDefect::Checksum)));
    let mut other = good.clone();
    other[8] = 9;
    assert!(matches!(parse(other), Err(IndexDefect::OtherVersion { found: 9 })));
    assert!(matches!(StatIndex::parse(good, Utf8Path::new("art")), Err(IndexDefect::OtherRoot)));
}

#[test]
fn a_sealed_file_whose_parts_do_not_fit_is_dropped() {
    let good = small().bytes.to_vec();
    let change = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        parse(seal(bytes))
    };
    let folder = HEADER_BYTES;
    let entry = folder + 2 * FOLDER_BYTES;
    let names = entry + 3 * ENTRY_BYTES;
    for (at, byte) in [
        (12, 3),                        // the number of folders
        (16, 4),                        // the number of files
        (23, 255),                      // the number of files, beyond any file
        (24, 9),                        // the bytes of names
        (folder + 8, 1),                // its length
        (folder + 12, 1),               // its number of files
        (folder + 16, 1),               // its first file
        (folder + FOLDER_BYTES + 8, 0), // the path of the second folder, which is not the root
        (entry, 99),                    // a name's offset
        (entry + 7, 255),               // a name's offset, beyond any file
        (entry + 8, 0),                 // a name's length
        (entry + 10, 3),                // a role that there is not
        (entry + 16, 9),                // a content's offset
        (names + 5, b'z'),              // a name after the next one
        (names + 9, 0xff),              // a name that is not UTF-8
    ] {
        assert!(matches!(change(at, byte), Err(IndexDefect::Layout)), "byte {at} = {byte} was taken");
    }
    // A name that ends within a character, though all names together are UTF-8.
    assert!(matches!(change(entry + 2 * ENTRY_BYTES + 8, 1), Err(IndexDefect::Layout)));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), magic: bool, sealed: bool) {
        if magic && bytes.len() >= HEADER_BYTES + 32 {
            bytes[..8].copy_from_slice(&format::MAGIC);
            bytes[8..12].copy_from_slice(&format::VERSION.to_le_bytes());
            bytes[56..88].copy_from_slice(Digest::of(b"assets").as_bytes());
            if sealed {
                bytes = seal(bytes);
            }
        }
        if let Ok(index) = parse(bytes) {
            prop_assert_eq!(index.folders().map(|folder| folder.files.len()).sum::<usize>(), index.len());
        }
    }

    #[test]
    fn no_damage_passes(at in 0_usize..1000, bit in 0_u8..8) {
        let mut bytes = small().bytes.to_vec();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(parse(bytes).is_err());
    }

    #[test]
    fn no_sealed_damage_makes_it_panic(at in 0_usize..1000, byte: u8) {
        let mut bytes = small().bytes.to_vec();
        let at = at % (bytes.len() - 32);
        bytes[at] = byte;
        if let Ok(index) = parse(seal(bytes)) {
            for folder in index.folders() {
                let number = index.find_folder(folder.path).unwrap();
                prop_assert_eq!(index.folder(number), folder.clone());
                for at in folder.files.clone() {
                    prop_assert_eq!(index.find_name(&folder.files, index.entry(at).name), Some(at));
                }
            }
        }
    }
}

#[test]
fn a_renewed_index_is_the_one_that_would_be_built() {
    let many: Vec<String> = (0..5_000).map(|number| format!("f{number:05}")).collect();
    let files: Vec<File<'_>> = many.iter().map(|name| (name.as_str(), None)).collect();
    let anchors: &[File<'_>] = &[("a.asset.toml", Some(b"content")), ("b", None)];
    let folders = [("", anchors), ("c", files.as_slice())];
    let before = index(&folders);
    let later = Some(Stamp { ns: 9_000, device: 5 });
    // Other facts of some files, and of what else there is what is known.
    let drafts = |other: &[(&str, &str)]| -> Vec<DraftFolder> {
        let folders = before.folders().map(|folder| {
            let draft = |at: usize| {
                let name = before.entry(at).name;
                if other.contains(&(folder.path, name)) {
                    let mut facts = match facts(77, name, before.entry(at).content) {
                        DraftFile::Read(facts) => facts,
                        DraftFile::Known(_) => unreachable!(),
                    };
                    facts.digest = Digest::of(b"other");
                    DraftFile::Read(facts)
                } else {
                    DraftFile::Known(at as u32)
                }
            };
            DraftFolder { path: Arc::from(folder.path), files: folder.files.map(draft).collect() }
        });
        folders.collect()
    };
    let check = |before: &StatIndex, other: &[(&str, &str)]| -> StatIndex {
        let built = build("assets".into(), later, Some(before), drafts(other)).unwrap();
        let renewed = renew(before, later, &drafts(other)).unwrap();
        assert_eq!(
            (renewed.content_digest(), renewed.listing_digest()),
            (built.content_digest(), built.listing_digest())
        );
        assert!((0..built.len()).all(|at| renewed.entry(at) == built.entry(at)));
        assert_eq!(build::whole(&renewed), *built.bytes);
        assert_eq!(renewed.stamp(), later);
        renewed
    };
    let once = check(&before, &[("", "b"), ("c", "f04999")]);
    assert_eq!(once.renewed_count(), 2);
    assert_eq!(check(&once, &[("c", "f00000")]).renewed_count(), 3);
    let disk = SimDisk::new();
    once.store(&disk, "index".into()).unwrap();
    let read = StatIndex::load(&disk, "index".into(), "assets".into()).unwrap().unwrap();
    assert_eq!((read.renewed_count(), read.content_digest()), (0, once.content_digest()));
    assert!((0..read.len()).all(|at| read.entry(at) == once.entry(at)));

    assert!(renew(&before, later, &drafts(&[("", "a.asset.toml")])).is_none(), "what is kept");
    let all: Vec<(&str, &str)> = many.iter().map(|name| ("c", name.as_str())).collect();
    assert!(renew(&before, later, &drafts(&all)).is_none(), "much");
    let mut other = drafts(&[]);
    other[1].files.pop();
    assert!(renew(&before, later, &other).is_none(), "a file less");
    other[1].files.push(facts(0, "g", None));
    assert!(renew(&before, later, &other).is_none(), "another file");
    let mut other = drafts(&[]);
    other.push(DraftFolder { path: Arc::from("d"), files: Vec::new() });
    assert!(renew(&before, later, &other).is_none(), "a folder more");
    other.remove(2);
    other.remove(0);
    assert!(renew(&before, later, &other).is_none(), "a folder less");
}
