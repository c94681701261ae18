//! The build sources: read, and written again with other contents of a few files.
//!
//! An input is a byte and the file's bytes. With bit 0 of the byte, the file lacks its checksum, which is added.

use packer_domain::identity::Digest;
use packer_fs::build_sources::{BuildSources, FileUse};

use super::input::seed_with;
use super::{Seed, Verdict};

const CHECKSUM_BYTES: usize = 32;

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some((options, bytes)) = data.split_first() else { return Verdict::Refused };
    let mut bytes = bytes.to_vec();
    if options & 1 != 0 {
        let checksum = *Digest::of(&bytes).as_bytes();
        bytes.extend_from_slice(&checksum);
    }
    let Some(sources) = BuildSources::parse(bytes.clone()) else { return Verdict::Refused };
    assert_eq!(sources.bytes(), bytes);
    let (files, assets) = (sources.file_count(), sources.asset_count());
    let uses: Vec<FileUse> = (0..files).map(|at| sources.used_for(at)).collect();
    let places: Vec<u32> = (0..assets).map(|asset| sources.place(asset)).collect();
    for used in &uses {
        assert!(
            !matches!(used, FileUse::Asset(number) if *number as usize >= assets),
            "{used:?} of {assets}"
        );
    }
    assert!(places.iter().all(|place| (*place as usize) < assets), "a place beyond the pack");
    let made = BuildSources::new(
        sources.frame(),
        sources.record(),
        (0..files).map(|at| (sources.digest(at), sources.used_for(at))),
        places.iter().copied(),
    );
    assert_eq!(made.expect("as many were numbered").bytes(), bytes, "made anew, it reads otherwise");

    let (record, content) = (Digest::of(b"another record"), Digest::of(b"another content"));
    let last = files.checked_sub(1);
    let changed = sources.clone().with(record, last.map(|at| (at, content)));
    let read = BuildSources::parse(changed.bytes().to_vec()).expect("what was changed is sealed");
    assert_eq!((read.record(), read.frame()), (record, sources.frame()));
    for (at, used) in uses.into_iter().enumerate() {
        let expected = if Some(at) == last { content } else { sources.digest(at) };
        assert_eq!((read.digest(at), read.used_for(at)), (expected, used));
    }
    Verdict::Taken
}

/// The bytes for so many files and assets.
fn sample(files: u32, assets: u32) -> Vec<u8> {
    let used = |at: u32| match at % 3 {
        0 if at < assets => FileUse::Asset(at),
        1 => FileUse::Nothing,
        _ => FileUse::Unknown,
    };
    let of_files: Vec<(Digest, FileUse)> =
        (0..files).map(|at| (Digest::of(&at.to_le_bytes()), used(at))).collect();
    let places: Vec<u32> = (0..assets).rev().collect();
    let (frame, record) = (Digest::of(b"frame"), Digest::of(b"record"));
    let made = BuildSources::new(frame, record, of_files.into_iter(), places.into_iter());
    made.expect("so few can be numbered").bytes().to_vec()
}

pub(super) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (files, assets) in [(0, 0), (1, 1), (7, 4)] {
        let bytes = sample(files, assets);
        let body = &bytes[..bytes.len() - CHECKSUM_BYTES];
        seeds.push(seed_with(&format!("{files}-whole"), &[0], &bytes));
        seeds.push(seed_with(&format!("{files}-to-seal"), &[1], body));
        if files > 0 {
            seeds.push(seed_with(&format!("{files}-cut"), &[1], &body[..body.len() - 5]));
        }
    }
    let bytes = sample(7, 4);
    let at = |at: usize, value: u8| {
        let mut bytes = bytes[..bytes.len() - CHECKSUM_BYTES].to_vec();
        bytes[at] = value;
        seed_with(&format!("byte-{at}-{value}"), &[1], &bytes)
    };
    // The magic, how many files, how many assets, a use, a place.
    seeds.extend([at(0, 0), at(8, 8), at(11, 255), at(12, 3), at(80 + 7 * 32, 9), at(80 + 7 * 36, 4)]);
    seeds
}
