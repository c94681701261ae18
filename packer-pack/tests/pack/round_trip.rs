//! What was written is what is read, whatever it was, through every door; and the bytes depend on nothing else.

use std::borrow::Cow;
use std::collections::BTreeMap;

use packer_pack::compress::Method;
use packer_pack::{OpenOptions, Pack, ReadError, Verify};
use proptest::prelude::*;

use crate::support::{Asset, asset, expected, open, open_reader, options, read_all, sample, write};

const MODES: [Verify; 3] = [Verify::Eager, Verify::OnRead, Verify::Never];

/// Opens `bytes` through every door and with every verification.
fn doors(bytes: &[u8]) -> Vec<Pack> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assets.pack");
    std::fs::write(&path, bytes).unwrap();
    MODES
        .into_iter()
        .flat_map(|mode| {
            [
                open(bytes, mode).unwrap(),
                open_reader(bytes, mode).unwrap(),
                Pack::open(&path, options(mode)).unwrap(),
                Pack::open_plain(&path, options(mode)).unwrap(),
            ]
        })
        .collect()
}

#[test]
fn the_sample_comes_back_through_every_door() {
    let (bytes, prefix) = write(16, &sample());
    for pack in doors(&bytes) {
        assert_eq!(read_all(&pack).unwrap(), expected(&sample()));
        assert_eq!(pack.digest(), prefix.pack_digest);
        assert!(pack.verify().is_empty());
        assert!(pack.is_incomplete());
        assert_eq!(pack.kind_names().collect::<Vec<_>>(), ["data", "image", "raw", "text"]);
        for id in [0, 6, 12] {
            assert!(pack.find_id(id).unwrap().is_none());
            assert_eq!(
                pack.by_id(id).unwrap_err().to_string(),
                format!("the pack has no asset with the id {id}")
            );
        }
        for name in ["", "ui", "ui/confirm2"] {
            assert!(pack.find_name(name).unwrap().is_none());
            assert_eq!(
                pack.by_name(name).unwrap_err().to_string(),
                format!("the pack has no asset {name:?}")
            );
        }
    }
}

#[test]
fn the_bytes_of_a_pack_are_those_that_they_were() {
    // A change here is another version of the format.
    let uncompressed: Vec<Asset> =
        sample().into_iter().map(|asset| Asset { method: Method::None, ..asset }).collect();
    let (bytes, prefix) = write(16, &uncompressed);
    let hex = |digest: [u8; 32]| blake3::Hash::from_bytes(digest).to_hex().to_string();
    assert_eq!(
        [hex(prefix.pack_digest), hex(*blake3::hash(&bytes).as_bytes())],
        [
            "46f1658d02906d058b02cde450ad944879063329249aad59bbff4cc7895711e3",
            "4e3c8ac37bcacf79aacb7354454be6c352523cac5c3ab90f5f9e972c0c41882c",
        ]
    );
}

#[test]
fn an_empty_pack_is_a_pack() {
    for alignment in [16, 4096] {
        let (bytes, _) = write(alignment, &[]);
        for pack in doors(&bytes) {
            assert!(pack.is_empty() && !pack.is_incomplete());
            assert_eq!((pack.len(), pack.entries().unwrap().count()), (0, 0));
            assert!(pack.find_id(1).unwrap().is_none() && pack.find_name("a").unwrap().is_none());
        }
    }
}

#[test]
fn equal_payloads_are_stored_once_and_each_encoding_apart() {
    let assets = [
        asset(1, "a", "raw", "tide"),
        Asset { preload: true, ..asset(2, "b", "raw", "tide") },
        asset(3, "c", "text", "tide"),
        Asset { encoding: 1, ..asset(4, "d", "raw", "tide") },
    ];
    let (bytes, _) = write(64, &assets);
    let pack = open(&bytes, Verify::Eager).unwrap();
    let first = pack.header().payloads().offset;
    let offsets: Vec<u64> = pack.entries().unwrap().map(|entry| entry.offset() - first).collect();
    assert_eq!(offsets, [0, 0, 0, 64]);
    assert_eq!(bytes.len() as u64, first + 68);
}

#[test]
fn what_is_in_memory_is_borrowed() {
    let (bytes, _) = write(4096, &sample());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assets.pack");
    std::fs::write(&path, &bytes).unwrap();
    let mapped = Pack::open(&path, OpenOptions::default()).unwrap();
    let payload = mapped.by_name("ui/confirm").unwrap().payload().unwrap();
    assert!(matches!(payload, Cow::Borrowed(_)));
    assert_eq!(payload.as_ptr() as usize % 4096, 0, "a page of the file is a page of memory");
    assert!(matches!(mapped.by_name("text/tides").unwrap().payload().unwrap(), Cow::Owned(_)));
    let plain = Pack::open_plain(&path, OpenOptions::default()).unwrap();
    assert!(matches!(plain.by_name("ui/confirm").unwrap().payload().unwrap(), Cow::Owned(_)));
}

#[test]
fn a_buffer_has_the_size_of_the_payload() {
    let (bytes, _) = write(16, &sample());
    let pack = open_reader(&bytes, Verify::OnRead).unwrap();
    for name in ["plain", "text/tides", "data/tides"] {
        let entry = pack.by_name(name).unwrap();
        for size in [0, 60, 62] {
            let error = entry.read_into(&mut vec![0; size]).unwrap_err();
            assert!(matches!(error, ReadError::BufferSize { size: 61, buffer, .. } if buffer == size));
        }
    }
}

#[test]
fn a_pack_can_be_read_by_many_threads() {
    fn shared<T: Send + Sync>(value: T) -> T {
        value
    }
    let (bytes, _) = write(16, &sample());
    let pack = shared(open_reader(&bytes, Verify::OnRead).unwrap());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(read_all(&pack).unwrap(), expected(&sample())));
        }
    });
}

fn assets() -> impl Strategy<Value = Vec<Asset>> {
    let content = prop_oneof![
        Just(None),
        // Few different ones, so that many are equal.
        (0_u8..4, 0_usize..200).prop_map(|(byte, len)| Some(vec![byte; len])),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Some),
    ];
    let method =
        prop_oneof![Just(Method::None), Just(Method::Lz4), (1..20).prop_map(|level| Method::Zstd { level }),];
    let one = (any::<bool>(), 0_u8..3, method, "[a-c]", content);
    prop::collection::btree_map(1..=u32::MAX, ("[a-z0-9/é]{1,12}", one), 0..40).prop_map(|all| {
        let mut names = BTreeMap::new();
        all.into_iter()
            .filter(|(id, (name, _))| names.insert(name.clone(), *id).is_none())
            .map(|(id, (name, (preload, encoding, method, kind, content)))| Asset {
                id,
                name,
                kind,
                preload,
                encoding,
                method,
                content,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn any_pack_comes_back(assets in assets(), shift in 4_u32..13) {
        let (bytes, prefix) = write(1 << shift, &assets);
        let pack = open(&bytes, Verify::Eager).unwrap();
        prop_assert_eq!(read_all(&pack).unwrap(), expected(&assets));
        prop_assert_eq!(pack.digest(), prefix.pack_digest);
        let plain = open_reader(&bytes, Verify::OnRead).unwrap();
        prop_assert_eq!(read_all(&plain).unwrap(), expected(&assets));
        prop_assert!(plain.verify().is_empty());
        let incomplete = assets.iter().any(|asset| asset.content.is_none());
        prop_assert_eq!(pack.is_incomplete(), incomplete);
    }

    #[test]
    fn the_order_in_which_assets_are_declared_changes_no_byte(assets in assets()) {
        let reversed: Vec<Asset> = assets.iter().rev().cloned().collect();
        prop_assert_eq!(write(16, &assets), write(16, &reversed));
    }
}
