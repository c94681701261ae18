//! The parts of build keys: whatever the file holds, what is told of an asset is what stands there.
//!
//! An input is a byte and bytes. With bit 0 of the byte, the bytes are the body of a frame, which gets its head and that of
//! the file; with bit 1, the frame stands there twice.

use packer_domain::identity::Digest;
use packer_fs::build_parts::load;
use packer_fs::disk::sim::SimDisk;
use packer_fs::layout;

use super::input::{asset, operation, seed_with};
use super::{Seed, Verdict};

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some((options, bytes)) = data.split_first() else { return Verdict::Refused };
    let twice = options & 2 != 0;
    let bytes = if options & 1 != 0 { file(bytes, if twice { 2 } else { 1 }) } else { bytes.to_vec() };
    let disk = SimDisk::new();
    disk.put(layout::BUILD_PARTS.into(), &bytes);
    let all = load(&disk, &|_| true).expect("the disk does not fail");
    assert!(load(&disk, &|_| false).expect("the disk does not fail").is_empty());
    for (uuid, history) in &all {
        let alone = load(&disk, &|other| other == *uuid).expect("the disk does not fail");
        assert_eq!((alone.len(), alone.get(uuid)), (1, Some(history)));
        if options & 3 == 3 {
            assert!(history.before.is_some(), "{uuid} stands there twice");
        }
    }
    if all.is_empty() { Verdict::Refused } else { Verdict::Taken }
}

/// A file with `body` as so many frames.
fn file(body: &[u8], frames: u64) -> Vec<u8> {
    let frame = [(body.len() as u32).to_le_bytes().as_slice(), Digest::of(body).as_bytes(), body].concat();
    let end = 56 + frame.len() as u64 * frames;
    let facts = [b"PKRPART1".as_slice(), &end.to_le_bytes(), &frames.to_le_bytes()].concat();
    let mut file = [facts.as_slice(), Digest::of(&facts).as_bytes()].concat();
    (0..frames).for_each(|_| file.extend_from_slice(&frame));
    file
}

fn text(text: &str) -> Vec<u8> {
    [(text.len() as u32).to_le_bytes().as_slice(), text.as_bytes()].concat()
}

fn number(number: u32) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

/// The body of a frame: two shapes, and so many records.
fn body(cause: &str, records: u32) -> Vec<u8> {
    let build = format!(r#"{{"operation":"{}","compression":"zstd:3","cause":{cause}}}"#, operation(1));
    let mut body = [text(&build), number(2)].concat();
    for (kind, settings) in [("image", vec![("encoding", "\"rgba8\""), ("max_size", "0")]), ("raw", vec![])] {
        body.extend([text(kind), number(1), number(2), number(settings.len() as u32)].concat());
        for (key, value) in settings {
            body.extend([text(key), text(value)].concat());
        }
    }
    body.extend(number(records));
    for n in 0..records {
        body.extend_from_slice(asset(n as u8 % 3).as_bytes());
        body.push((n % 2) as u8);
        body.extend_from_slice(Digest::of(b"key").as_bytes());
        body.extend([number(n % 2), number(1), text("a.png")].concat());
        body.extend_from_slice(Digest::of(b"input").as_bytes());
        body.extend_from_slice(&9_u64.to_le_bytes());
        body.extend([number(1), text("tileset")].concat());
        body.extend_from_slice(asset(7).as_bytes());
        body.extend([number(77), text("image")].concat());
        body.extend_from_slice(Digest::of(b"other").as_bytes());
    }
    body
}

pub(super) fn seeds() -> Vec<Seed> {
    let causes = [
        ("no-cause", "null"),
        ("never-built", r#"{"cause":"never_built"}"#),
        ("compression", r#"{"cause":"compression","from":null,"to":"none"}"#),
        ("pack-missing", r#"{"cause":"pack_missing","pack":"build/assets.pack"}"#),
    ];
    let mut seeds: Vec<Seed> =
        (1..).zip(causes).map(|(n, (name, cause))| seed_with(name, &[1], &body(cause, n))).collect();
    let whole = file(&body("null", 2), 2);
    let cut = &body("null", 2);
    seeds.extend([
        seed_with("twice", &[3], &body("null", 3)),
        seed_with("empty", &[1], &body("null", 0)),
        seed_with("whole", &[0], &whole),
        seed_with("whole-cut", &[0], &whole[..whole.len() - 40]),
        seed_with("cut", &[1], &cut[..cut.len() - 1]),
        seed_with("other-cause", &[1], &body(r#"{"cause":"weather"}"#, 1)),
        seed_with("head-alone", &[0], &whole[..56]),
    ]);
    let mut longer = cut.clone();
    longer.push(0);
    seeds.push(seed_with("longer", &[1], &longer));
    seeds
}
