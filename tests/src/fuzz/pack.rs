//! The reader of packs: whatever the bytes are, every way to read them agrees, and nothing is believed that was to be checked.
//!
//! An input is a byte and the bytes of a pack. With bit 0 of the byte, the digests of the index and the checksum of the header
//! are computed anew, so that damage below them is reached.

use std::io::Cursor;

use packer_domain::identity::Digest;
use packer_pack::compress::{Compressor, Method};
use packer_pack::format::{HEADER_SIZE, page_list};
use packer_pack::index::{Declared, IndexLayout, Payload, Place};
use packer_pack::{Entry, OpenOptions, Pack, Verify};

use super::input::{check_message, seed_with};
use super::{Seed, Verdict, payload};

/// The most bytes of a payload that are unpacked.
const MAX_PAYLOAD: u64 = 1 << 20;

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some((options, bytes)) = data.split_first() else { return Verdict::Refused };
    let mut bytes = bytes.to_vec();
    if options & 1 != 0 {
        reseal(&mut bytes);
    }
    let [eager, on_read, never] =
        [Verify::Eager, Verify::OnRead, Verify::Never].map(|verify| open(&bytes, verify));
    assert!(on_read.is_some() || eager.is_none(), "all of it is right, and its index is not");
    assert!(never.is_some() || on_read.is_none(), "its index is right, and its header is not");
    let Some(never) = never else { return Verdict::Refused };
    check_unverified(&never);
    if let Some(pack) = &on_read {
        check_on_read(pack);
    }
    let Some(pack) = &eager else {
        assert!(!never.verify().is_empty(), "refused when opened, and nothing is wrong");
        return Verdict::Refused;
    };
    check_verified(pack);
    Verdict::Taken
}

/// Opens a pack from memory, and through something that reads: both or neither.
fn open(bytes: &[u8], verify: Verify) -> Option<Pack> {
    let options = OpenOptions { verify, max_payload_size: MAX_PAYLOAD };
    let pack = Pack::from_bytes(bytes.to_vec(), options);
    let through = Pack::from_reader("a.pack", Cursor::new(bytes.to_vec()), options);
    match (&pack, &through) {
        (Ok(pack), Ok(through)) => {
            assert_eq!(pack.digest(), through.digest());
            for (one, other) in entries(pack).iter().zip(&entries(through)) {
                assert_eq!(read(one), read(other), "read otherwise than from memory");
            }
        }
        (Err(one), Err(other)) => {
            assert!(!one.to_string().is_empty() && !other.to_string().is_empty());
        }
        (one, other) => panic!("{verify:?}: from memory {one:?}, through a reader {other:?}"),
    }
    pack.ok()
}

/// The assets, where the table is believed.
fn entries(pack: &Pack) -> Vec<Entry<'_>> {
    pack.entries().map(Iterator::collect).unwrap_or_default()
}

/// The payload, or the reason why there is none, without the file's name.
fn read(entry: &Entry<'_>) -> Result<Vec<u8>, String> {
    let payload = entry.payload().map_err(|error| error.to_string())?.into_owned();
    let mut buffer = vec![0; payload.len()];
    entry.read_into(&mut buffer).expect("it was read before");
    assert_eq!(buffer, payload);
    assert_eq!(payload.len() as u64, entry.raw_size());
    assert_eq!(entry.stored().expect("it was read before").len() as u64, entry.stored_size());
    Ok(payload)
}

/// Whatever it says, it can be asked everything.
fn check_unverified(pack: &Pack) {
    let all = entries(pack);
    assert_eq!((all.len(), pack.is_empty()), (pack.len(), all.is_empty()));
    for entry in &all {
        check_views(entry);
        if let Ok(name) = entry.name() {
            check_found(pack, name);
        }
        check_found_id(pack, entry.id());
        drop(entry.compression());
    }
    for name in ["", "a", "ui/confirm", "\u{0}"] {
        check_found(pack, name);
    }
    for id in [0, 7, u32::MAX] {
        check_found_id(pack, id);
    }
    assert!(pack.kind_names().count() <= 256);
    for problem in pack.verify() {
        check_message(&problem.to_string());
    }
}

/// What is found by a name or an id has it.
fn check_found(pack: &Pack, name: &str) {
    if let Ok(Some(found)) = pack.find_name(name) {
        assert_eq!(found.name().ok(), Some(name));
    }
}

fn check_found_id(pack: &Pack, id: u32) {
    if let Ok(Some(found)) = pack.find_id(id) {
        assert_eq!(found.id(), id);
    }
}

/// A payload can be looked at as what its kind says exactly when there is a view of it.
fn check_views(entry: &Entry<'_>) {
    let typed = [entry.image().is_ok(), entry.sound().is_ok(), entry.text().is_ok(), entry.data().is_ok()];
    let (Ok(payload), Ok(kind)) = (entry.payload(), entry.kind()) else {
        assert_eq!(typed, [false; 4], "{entry:?} has no payload, and can be looked at");
        return;
    };
    let viewed = payload::KINDS.contains(&kind) && payload::view(kind, entry.encoding(), &payload).is_ok();
    let expected = ["image", "sound", "text", "data"].map(|known| known == kind && viewed);
    assert_eq!(typed, expected, "{entry:?} of the kind {kind:?}");
}

/// What is read has the digest that it should have.
fn check_on_read(pack: &Pack) {
    for entry in entries(pack) {
        check_views(&entry);
        if let Ok(name) = entry.name() {
            check_found(pack, name);
        }
        if let Ok(payload) = entry.payload() {
            assert_eq!(Digest::of(&payload).as_bytes(), entry.digest());
        }
    }
}

/// Everything that was checked can be read and found; and written anew, it says the same.
fn check_verified(pack: &Pack) {
    let mut assets = Vec::new();
    let mut compressed = Vec::new();
    for entry in entries(pack) {
        let (name, kind) = (entry.name().expect("it was checked"), entry.kind().expect("it was checked"));
        let by_name = pack.by_name(name).expect("it was checked");
        let by_id = pack.by_id(entry.id()).expect("it was checked");
        assert_eq!((by_name.position(), by_id.position()), (entry.position(), entry.position()));
        if entry.is_absent() {
            compressed.push((entry.id(), None));
        } else {
            assert!(read(&entry).is_ok(), "{entry:?} was checked");
            let bytes = entry.stored().expect("it was checked").into_owned();
            let place = Payload {
                encoding: entry.encoding(),
                compression: entry.compression().expect("it was checked"),
                stored_size: bytes.len() as u64,
                raw_size: entry.raw_size(),
                digest: *entry.digest(),
            };
            compressed.push((entry.id(), Some((place, bytes))));
        }
        assets.push(Declared { id: entry.id(), name, kind, preload: entry.is_preload() });
    }
    let written = write(pack.header().alignment, &assets, &compressed);
    let again = open(&written, Verify::Eager).expect("what was written is a pack");
    let said = |pack: &Pack| -> Vec<Said> {
        let one = |entry: Entry<'_>| {
            let name = entry.name().unwrap_or_default().to_owned();
            (entry.id(), name, entry.is_preload(), entry.is_absent(), read(&entry).ok())
        };
        entries(pack).into_iter().map(one).collect()
    };
    assert_eq!(said(pack), said(&again), "what was written says something else");
}

/// What a pack says of an asset: id, name, whether it is read early, whether it is absent, payload.
type Said = (u32, String, bool, bool, Option<Vec<u8>>);

/// An asset's id, and its payload as it is stored; none for an absent one.
type Stored = (u32, Option<(Payload, Vec<u8>)>);

/// The bytes of a pack.
fn write(alignment: u32, assets: &[Declared<'_>], payloads: &[Stored]) -> Vec<u8> {
    let layout = IndexLayout::new(alignment, assets).expect("the assets fit a pack");
    let mut bytes = vec![0; layout.first_payload_offset() as usize];
    let mut placer = layout.into_placer();
    while let Some(id) = placer.due() {
        let payload = payloads.iter().find(|(of, _)| *of == id).and_then(|(_, payload)| payload.as_ref());
        let Some((payload, stored)) = payload else {
            placer.absent(id).expect("it is due");
            continue;
        };
        if let Place::Write { padding, .. } = placer.place(id, *payload).expect("it is due") {
            bytes.resize(bytes.len() + padding as usize, 0);
            bytes.extend_from_slice(stored);
        }
    }
    let prefix = placer.finish().expect("nothing is due");
    bytes[..prefix.bytes.len()].copy_from_slice(&prefix.bytes);
    bytes
}

/// Computes anew the digests of the index's pages, that of their list, and the checksum of the header.
fn reseal(bytes: &mut [u8]) {
    if bytes.len() < HEADER_SIZE {
        return;
    }
    let word = |at: usize| bytes[at..at + 8].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let end = usize::try_from(word(56).saturating_add(word(64))).unwrap_or(usize::MAX);
    if let Some(index) = bytes.get(HEADER_SIZE..end) {
        let list = page_list(index);
        if let Some(place) = end.checked_add(list.len()).and_then(|list_end| bytes.get_mut(end..list_end)) {
            place.copy_from_slice(&list);
            bytes[88..120].copy_from_slice(Digest::of(&list).as_bytes());
        }
    }
    let checksum = Digest::of(&bytes[..120]);
    bytes[120..128].copy_from_slice(&checksum.as_bytes()[..8]);
}

/// Id, name, kind, whether it is read early, payload.
type Written<'a> = (u32, &'a str, &'a str, bool, Option<&'a [u8]>);

fn sample(alignment: u32, method: Method) -> Vec<u8> {
    let tides = "low tide, high tide, low tide, high tide, low tide, high tide".as_bytes();
    let image = payload::seeds().into_iter().find(|(name, _)| name == "image-rgba8");
    let image = image.expect("there is such a seed").1;
    let sound = payload::seeds().into_iter().find(|(name, _)| name == "sound-stereo");
    let sound = sound.expect("there is such a seed").1;
    let contents: [Written<'_>; 8] = [
        (900, "ui/confirm", "image", true, Some(&image[2..])),
        (7, "text/tides", "text", false, Some(tides)),
        (8, "data/tides", "data", false, Some(b"[1,2]")),
        (9, "sfx/bell", "sound", true, Some(&sound[2..])),
        (10, "plain", "raw", false, Some(tides)),
        (11, "plain-copy", "raw", false, Some(tides)),
        (12, "empty", "raw", false, Some(b"")),
        (u32::MAX, "broken", "image", false, None),
    ];
    let assets = contents.map(|(id, name, kind, preload, _)| Declared { id, name, kind, preload });
    let mut compressor = Compressor::new();
    let payloads = contents.map(|(id, _, _, _, content)| {
        let stored = content.map(|content| {
            let stored = compressor.compress(method, content).expect("memory can be compressed");
            let payload = Payload {
                encoding: 0,
                compression: stored.compression,
                stored_size: stored.bytes.len() as u64,
                raw_size: content.len() as u64,
                digest: *Digest::of(content).as_bytes(),
            };
            (payload, stored.bytes.to_vec())
        });
        (id, stored)
    });
    write(alignment, &assets, &payloads)
}

pub(super) fn seeds() -> Vec<Seed> {
    let plain = sample(16, Method::None);
    let mut seeds = vec![
        seed_with("empty", &[0], &write(16, &[], &[])),
        seed_with("plain", &[0], &plain),
        seed_with("lz4", &[0], &sample(16, Method::Lz4)),
        seed_with("zstd", &[0], &sample(64, Method::default())),
        seed_with("plain-to-seal", &[1], &plain),
        seed_with("lz4-to-seal", &[1], &sample(16, Method::Lz4)),
        seed_with("zstd-to-seal", &[1], &sample(16, Method::default())),
        seed_with("cut", &[1], &plain[..plain.len() - 20]),
        seed_with("no-header", &[1], &plain[..100]),
    ];
    // A count, sizes, an id, a kind, an offset, a size, a digest, a name, each damaged and sealed.
    for at in [16, 24, 48, 56, 64, 72, HEADER_SIZE, HEADER_SIZE + 5, HEADER_SIZE + 9, HEADER_SIZE + 40] {
        let mut bytes = plain.clone();
        bytes[at] ^= 0x41;
        seeds.push(seed_with(&format!("byte-{at}"), &[1], &bytes));
    }
    for back in [1, 40, 300, 500] {
        let mut bytes = sample(16, Method::default());
        let at = bytes.len() - back;
        bytes[at] ^= 0x41;
        seeds.push(seed_with(&format!("byte-{back}-from-the-end"), &[1], &bytes));
    }
    seeds
}
