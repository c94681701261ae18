//! What a game's reads allocate: nothing for a lookup, and nothing for what is borrowed from a mapped pack.
//!
//! The allocator that counts replaces the global one of this program, so these tests are a program of their own. What is
//! counted is the allocations of the thread that measures.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, which clippy does not see")]

use std::borrow::Cow;

use allocation_counter::{AllocationInfo, measure};
use packer_pack::compress::{Method, compress};
use packer_pack::index::{Declared, IndexLayout, Payload, Place};
use packer_pack::payload::image::{self, ImageInfo, ImagePixels};
use packer_pack::payload::sound::{self, SoundInfo};
use packer_pack::{OpenOptions, Pack, Verify};

const COUNT: u32 = 2_000;

/// A pack of a few pages: texts, and at its end a picture, a sound and a text that is compressed.
fn pack() -> Vec<u8> {
    let info = ImageInfo { width: 4, height: 2, premultiplied: false, opaque: false };
    let picture = image::encode_rgba8(info, &[7; 32]).unwrap();
    let info = SoundInfo { sample_rate: 8_000, channels: 2, speakers: 3, frames: 4, looping: None };
    let bell = sound::encode_pcm16(info, &[1, -1, 2, -2, 3, -3, 4, -4]).unwrap();
    let names: Vec<String> = (1..=COUNT).map(|id| format!("story/line-{id}")).collect();
    let mut assets: Vec<(&str, &str, Vec<u8>, Method)> =
        names.iter().map(|name| (name.as_str(), "text", name.as_bytes().to_vec(), Method::None)).collect();
    assets.push(("picture", "image", picture, Method::None));
    assets.push(("bell", "sound", bell, Method::None));
    assets.push(("tides", "text", b"low tide, high tide, ".repeat(50), Method::default()));

    let declared: Vec<Declared<'_>> = (1..)
        .zip(&assets)
        .map(|(id, (name, kind, ..))| Declared { id, name, kind, preload: false })
        .collect();
    let layout = IndexLayout::new(16, &declared).unwrap();
    let mut bytes = vec![0; layout.first_payload_offset() as usize];
    let mut placer = layout.into_placer();
    for (id, (_, _, content, method)) in (1..).zip(&assets) {
        let stored = compress(*method, content).unwrap();
        let payload = Payload {
            encoding: 0,
            compression: stored.compression,
            stored_size: stored.bytes.len() as u64,
            raw_size: content.len() as u64,
            digest: *blake3::hash(content).as_bytes(),
        };
        if let Place::Write { padding, .. } = placer.place(id, payload).unwrap() {
            bytes.resize(bytes.len() + padding as usize, 0);
            bytes.extend_from_slice(&stored.bytes);
        }
    }
    let prefix = placer.finish().unwrap();
    bytes[..prefix.bytes.len()].copy_from_slice(&prefix.bytes);
    bytes
}

/// The pack mapped, and read plainly, with every verification.
fn packs(folder: &tempfile::TempDir) -> Vec<(Pack, bool)> {
    let path = folder.path().join("assets.pack");
    std::fs::write(&path, pack()).unwrap();
    let modes = [Verify::Eager, Verify::OnRead, Verify::Never];
    modes
        .into_iter()
        .flat_map(|verify| {
            let options = OpenOptions { verify, ..OpenOptions::default() };
            [(Pack::open(&path, options).unwrap(), true), (Pack::open_plain(&path, options).unwrap(), false)]
        })
        .collect()
}

fn allocations(read: impl FnOnce()) -> u64 {
    let AllocationInfo { count_total, .. } = measure(read);
    count_total
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1);
}

#[test]
fn a_lookup_allocates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (pack, _) in packs(&folder) {
        let names: Vec<String> = (1..=COUNT).map(|id| format!("story/line-{id}")).collect();
        let count = allocations(|| {
            for (id, name) in (1..).zip(&names) {
                let (by_name, by_id) = (pack.by_name(name).unwrap(), pack.by_id(id).unwrap());
                assert_eq!(
                    (by_name.id(), by_id.name().unwrap(), by_id.kind().unwrap()),
                    (id, &**name, "text")
                );
            }
            assert!(pack.find_name("story/line-0").unwrap().is_none());
            assert!(pack.find_id(u32::MAX).unwrap().is_none());
            assert_eq!(pack.entries().unwrap().filter(|entry| entry.raw_size() > 0).count(), pack.len());
            assert_eq!(pack.kind_names().count(), 3);
        });
        assert_eq!(count, 0, "{pack:?}");
    }
}

#[test]
fn what_a_mapped_pack_holds_uncompressed_is_borrowed() {
    let folder = tempfile::tempdir().unwrap();
    for (pack, mapped) in packs(&folder) {
        let count = allocations(|| {
            let picture = pack.by_name("picture").unwrap().image().unwrap();
            assert!(matches!(picture.pixels(), ImagePixels::Rgba8(pixels) if pixels == [7; 32]));
            let bell = pack.by_name("bell").unwrap().sound().unwrap();
            assert_eq!(bell.info().duration().as_micros(), 500);
            let text = pack.by_name("story/line-5").unwrap().text().unwrap();
            assert_eq!(text, "story/line-5");
            assert_eq!((picture.is_borrowed(), bell.is_borrowed()), (mapped, mapped));
            assert_eq!(matches!(text, Cow::Borrowed(_)), mapped);
        });
        assert_eq!(count == 0, mapped, "{count} allocations of {pack:?}");
    }
}

#[test]
fn what_is_compressed_costs_its_own_size_and_the_decompressor() {
    let folder = tempfile::tempdir().unwrap();
    for (pack, _) in packs(&folder) {
        let tides = pack.by_name("tides").unwrap();
        let mut text = Cow::Borrowed("");
        let AllocationInfo { bytes_current, .. } = measure(|| text = tides.text().unwrap());
        assert_eq!(bytes_current, 21 * 50, "{pack:?}");
        assert_eq!(text.len(), 21 * 50);
    }
}
