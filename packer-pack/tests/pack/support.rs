//! A writer to memory, and a reader of everything, for the tests.

use std::io::Cursor;

use packer_pack::compress::{Compressor, Method};
use packer_pack::format::{HEADER_SIZE, page_list};
use packer_pack::index::{Declared, IndexLayout, Payload, Place, Prefix};
use packer_pack::payload::image::{self, ImageInfo};
use packer_pack::payload::sound::{self, SoundInfo};
use packer_pack::{Entry, OpenError, OpenOptions, Pack, ReadError, Verify};

/// An asset to write.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) preload: bool,
    pub(crate) encoding: u8,
    pub(crate) method: Method,
    /// None makes it absent.
    pub(crate) content: Option<Vec<u8>>,
}

pub(crate) fn asset(id: u32, name: &str, kind: &str, content: impl Into<Vec<u8>>) -> Asset {
    Asset {
        id,
        name: name.to_owned(),
        kind: kind.to_owned(),
        preload: false,
        encoding: 0,
        method: Method::None,
        content: Some(content.into()),
    }
}

/// The bytes of a pack of `assets`, and its prefix.
pub(crate) fn write(alignment: u32, assets: &[Asset]) -> (Vec<u8>, Prefix) {
    let declared: Vec<Declared<'_>> = assets
        .iter()
        .map(|asset| Declared { id: asset.id, name: &asset.name, kind: &asset.kind, preload: asset.preload })
        .collect();
    let layout = IndexLayout::new(alignment, &declared).unwrap();
    let mut bytes = vec![0; layout.first_payload_offset() as usize];
    let mut placer = layout.into_placer();
    let mut compressor = Compressor::new();
    while let Some(id) = placer.due() {
        let asset = assets.iter().find(|asset| asset.id == id).unwrap();
        let Some(content) = &asset.content else {
            placer.absent(id).unwrap();
            continue;
        };
        let stored = compressor.compress(asset.method, content).unwrap();
        let payload = Payload {
            encoding: asset.encoding,
            compression: stored.compression,
            stored_size: stored.bytes.len() as u64,
            raw_size: content.len() as u64,
            digest: *blake3::hash(content).as_bytes(),
        };
        if let Place::Write { padding, offset } = placer.place(id, payload).unwrap() {
            bytes.resize(bytes.len() + padding as usize, 0);
            assert_eq!(bytes.len() as u64, offset);
            bytes.extend_from_slice(&stored.bytes);
        }
    }
    let prefix = placer.finish().unwrap();
    bytes[..prefix.bytes.len()].copy_from_slice(&prefix.bytes);
    assert_eq!(bytes.len() as u64, prefix.file_size);
    (bytes, prefix)
}

/// A small pack with something of everything: each compression, a shared payload, an empty one, an absent one, preload.
pub(crate) fn sample() -> Vec<Asset> {
    let text = "low tide, high tide, low tide, high tide, low tide, high tide";
    let noise = blake3::hash(b"noise");
    vec![
        Asset { preload: true, ..asset(900, "ui/confirm", "image", *noise.as_bytes()) },
        Asset { method: Method::default(), ..asset(7, "text/tides", "text", text) },
        Asset { method: Method::Lz4, encoding: 1, ..asset(8, "data/tides", "data", text) },
        asset(9, "plain", "raw", text),
        asset(10, "plain-copy", "raw", text),
        asset(11, "empty", "raw", ""),
        Asset { content: None, ..asset(4_294_967_295, "broken", "image", "") },
    ]
}

/// Computes anew the digests of the index's pages, that of their list, and the checksum of the header, so that only the
/// structure can tell.
pub(crate) fn reseal(bytes: &mut [u8]) {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let end = word(56).saturating_add(word(64));
    if let Some(index) = bytes.get(HEADER_SIZE..end) {
        let list = page_list(index);
        if let Some(place) = bytes.get_mut(end..end + list.len()) {
            place.copy_from_slice(&list);
            bytes[88..120].copy_from_slice(blake3::hash(&list).as_bytes());
        }
    }
    let checksum = blake3::hash(&bytes[..120]);
    bytes[120..128].copy_from_slice(&checksum.as_bytes()[..8]);
}

pub(crate) fn options(verify: Verify) -> OpenOptions {
    OpenOptions { verify, ..OpenOptions::default() }
}

pub(crate) fn open(bytes: &[u8], verify: Verify) -> Result<Pack, OpenError> {
    Pack::from_bytes(bytes.to_vec(), options(verify))
}

/// The same through something that reads and seeks.
pub(crate) fn open_reader(bytes: &[u8], verify: Verify) -> Result<Pack, OpenError> {
    Pack::from_reader("test.pack", Cursor::new(bytes.to_vec()), options(verify))
}

/// What a pack says of one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) encoding: u8,
    pub(crate) preload: bool,
    pub(crate) payload: Option<Vec<u8>>,
}

/// Everything that a pack says, in every way that it can be asked.
pub(crate) fn read_all(pack: &Pack) -> Result<Vec<Seen>, String> {
    let read = |entry: Entry<'_>| -> Result<Seen, ReadError> {
        let payload = if entry.is_absent() {
            assert!(matches!(entry.payload(), Err(ReadError::Absent { .. })));
            None
        } else {
            let payload = entry.payload()?.into_owned();
            let mut buffer = vec![0; payload.len()];
            entry.read_into(&mut buffer)?;
            assert_eq!(payload, buffer);
            entry.stored()?;
            Some(payload)
        };
        Ok(Seen {
            id: entry.id(),
            name: entry.name()?.to_owned(),
            kind: entry.kind()?.to_owned(),
            encoding: entry.encoding(),
            preload: entry.is_preload(),
            payload,
        })
    };
    let entries = pack.entries().map_err(|error| error.to_string())?;
    let all: Result<Vec<Seen>, String> =
        entries.map(|entry| read(entry).map_err(|error| error.to_string())).collect();
    let all = all?;
    for (position, seen) in (0..).zip(&all) {
        let by_id = pack.by_id(seen.id).map(|entry| entry.position()).ok();
        let by_name = pack.by_name(&seen.name).map(|entry| entry.position()).ok();
        if (by_id, by_name) != (Some(position), Some(position)) {
            return Err(format!("{seen:?} is found at {by_id:?} by id and at {by_name:?} by name"));
        }
    }
    Ok(all)
}

/// What a pack of `assets` must say.
pub(crate) fn expected(assets: &[Asset]) -> Vec<Seen> {
    let mut all: Vec<Seen> = assets
        .iter()
        .map(|asset| Seen {
            id: asset.id,
            name: asset.name.clone(),
            kind: asset.kind.clone(),
            encoding: if asset.content.is_some() { asset.encoding } else { 0 },
            preload: asset.preload,
            payload: asset.content.clone(),
        })
        .collect();
    all.sort_by_key(|seen| seen.id);
    all
}

/// Small packs that together have every feature of the format, each with a name.
pub(crate) fn feature_packs() -> Vec<(&'static str, Vec<Asset>)> {
    let text = "low tide, high tide, low tide, high tide, low tide, high tide";
    let info = ImageInfo { width: 2, height: 2, premultiplied: false, opaque: true };
    let picture = image::encode_rgba8(info, &[7; 16]).unwrap();
    let indexed = image::encode_indexed8(info, &[[1, 2, 3, 255]], &[0; 4]).unwrap();
    let info = SoundInfo { sample_rate: 48_000, channels: 1, speakers: 4, frames: 5, looping: None };
    let sound = sound::encode_pcm16(info, &[1, -2, 3, -4, 5]).unwrap();
    let nothing = |id, name| Asset { content: None, ..asset(id, name, "image", "") };
    vec![
        ("everything", sample()),
        ("no assets", vec![]),
        ("one asset", vec![asset(1, "a", "raw", "x")]),
        ("nothing baked", vec![nothing(3, "a"), nothing(4, "b")]),
        (
            "typed payloads",
            vec![
                asset(1, "picture", "image", picture),
                Asset { method: Method::Lz4, encoding: 1, ..asset(2, "palette", "image", indexed) },
                Asset { preload: true, ..asset(3, "bell", "sound", sound) },
                asset(4, "story", "text", "sjö"),
                asset(5, "numbers", "data", "[1,2]"),
                Asset { encoding: 1, ..asset(6, "numbers.bin", "data", [0x92, 1, 2]) },
            ],
        ),
        (
            "shared payloads",
            vec![
                asset(5, "one", "raw", text),
                Asset { preload: true, ..asset(6, "two", "text", text) },
                Asset { method: Method::Lz4, ..asset(7, "three", "raw", text) },
                Asset { method: Method::Lz4, ..asset(8, "four", "raw", text) },
                asset(9, "empty", "raw", ""),
                asset(10, "empty too", "text", ""),
            ],
        ),
    ]
}

/// Asks a pack everything, and takes any answer.
pub(crate) fn exhaust(pack: Result<Pack, OpenError>) {
    let Ok(pack) = pack else { return };
    for problem in pack.verify() {
        assert!(!problem.to_string().is_empty());
    }
    for entry in pack.entries().into_iter().flatten() {
        let _ = (entry.kind(), entry.payload().map(|payload| payload.len()), entry.stored().is_ok());
        let _ = (entry.image().is_ok(), entry.sound().is_ok(), entry.text().is_ok(), entry.data().is_ok());
        let _ = pack.by_id(entry.id()).is_ok();
        if let Ok(name) = entry.name() {
            let _ = pack.by_name(name).is_ok();
        }
    }
    let _ = (pack.by_name("ui/confirm").is_ok(), pack.find_name("no such name").is_ok());
    let _ = (pack.digest(), pack.kind_names().count());
}
