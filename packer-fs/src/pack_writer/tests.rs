//! Packs written from memory and from a former pack, read back.

use packer_pack::compress::{Method, Stored, compress};
use packer_pack::index::Declared;
use packer_pack::{OpenOptions, Pack};
use proptest::prelude::*;

use super::*;
use crate::disk::OsDisk;
use crate::disk::sim::SimDisk;

const PACK: &str = "build/assets.pack";

fn layout(preload: &[u32], ids: &[u32]) -> IndexLayout {
    aligned(16, preload, ids)
}

fn aligned(alignment: u32, preload: &[u32], ids: &[u32]) -> IndexLayout {
    let names: Vec<String> = ids.iter().map(|id| format!("asset/{id}")).collect();
    let assets: Vec<Declared<'_>> = ids
        .iter()
        .zip(&names)
        .map(|(id, name)| Declared { id: *id, name, kind: "raw", preload: preload.contains(id) })
        .collect();
    IndexLayout::new(alignment, &assets).unwrap()
}

fn stored(raw: &[u8]) -> (Payload, Stored<'_>) {
    let stored = compress(Method::None, raw).unwrap();
    let payload = Payload {
        encoding: 0,
        compression: stored.compression,
        stored_size: stored.bytes.len() as u64,
        raw_size: raw.len() as u64,
        digest: *Digest::of(raw).as_bytes(),
    };
    (payload, stored)
}

fn disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.put_dir("build".into());
    disk
}

/// Writes a pack of ids from 1 with these payloads; says where each is.
fn write(disk: &dyn Disk, path: &str, payloads: &[Vec<u8>]) -> (PackSummary, Vec<(Payload, Placed)>) {
    let ids: Vec<u32> = (1..=payloads.len() as u32).collect();
    let mut writer = PackWriter::create(disk, path.into(), layout(&[], &ids), None).unwrap();
    let mut places = Vec::new();
    for (id, raw) in ids.iter().zip(payloads) {
        let (payload, stored) = stored(raw);
        assert_eq!(writer.due(), Some(*id));
        places.push((payload, writer.append(*id, payload, &stored.bytes).unwrap()));
    }
    (writer.finish(false).unwrap(), places)
}

fn read(disk: &dyn Disk, path: &str) -> (Vec<u8>, Pack) {
    let bytes = disk.read(path.into(), 1 << 30).unwrap();
    let pack = Pack::from_bytes(bytes.clone(), OpenOptions::default()).unwrap();
    assert!(pack.verify().is_empty(), "{:?}", pack.verify());
    (bytes, pack)
}

#[test]
fn a_pack_reads_back_and_says_its_digest_and_size() {
    let disk = disk();
    let payloads = [b"short".to_vec(), vec![7; 100_000], Vec::new(), b"short".to_vec()];
    let (summary, places) = write(&disk, PACK, &payloads);
    let (bytes, pack) = read(&disk, PACK);
    assert_eq!((summary.size, *summary.digest.as_bytes()), (bytes.len() as u64, pack.digest()));
    for (id, raw) in (1..).zip(&payloads) {
        let entry = pack.by_id(id).unwrap();
        assert_eq!(*entry.payload().unwrap(), **raw);
        let Placed { offset, stored_size, .. } = places[id as usize - 1].1;
        assert_eq!((offset, stored_size), (entry.offset(), entry.stored_size()));
    }
    assert_eq!(
        places.iter().map(|(_, placed)| placed.shared).collect::<Vec<_>>(),
        [false, false, true, true]
    );
    assert_eq!(places[3].1.offset, places[0].1.offset);
}

#[test]
fn preload_comes_first_and_the_failed_are_absent() {
    let disk = disk();
    let mut writer = PackWriter::create(&disk, PACK.into(), layout(&[3], &[1, 2, 3]), None).unwrap();
    let mut add = |id: u32, raw: &[u8]| {
        let (payload, stored) = stored(raw);
        writer.append(id, payload, &stored.bytes)
    };
    assert!(matches!(
        add(1, b"one"),
        Err(PackWriteError::Place(PlaceError::Order { expected: Some(3), got: 1 }))
    ));
    let third = add(3, b"three").unwrap();
    let first = add(1, b"one").unwrap();
    assert!(third.offset < first.offset);
    writer.absent(2).unwrap();
    writer.finish(true).unwrap();
    let (_, pack) = read(&disk, PACK);
    assert!(pack.is_incomplete() && pack.by_id(2).unwrap().is_absent());
    assert!(disk.syncs().len() == 1, "contents are synced when that is asked for");
}

#[test]
fn payloads_larger_than_the_block_are_written_in_place() {
    let disk = disk();
    let noise = |size: usize, seed: u8| {
        let mut bytes = vec![0; size];
        blake3::Hasher::new_keyed(&[seed; 32]).finalize_xof().fill(&mut bytes);
        bytes
    };
    let payloads = [
        noise(5, 1),
        noise(BLOCK_BYTES + 1, 2),
        noise(BLOCK_BYTES, 3),
        noise(BLOCK_BYTES - 1, 4),
        noise(3, 5),
    ];
    write(&disk, PACK, &payloads);
    let (_, pack) = read(&disk, PACK);
    for (id, raw) in (1..).zip(&payloads) {
        assert_eq!(*pack.by_id(id).unwrap().payload().unwrap(), **raw);
    }
}

#[test]
fn what_was_not_announced_is_refused() {
    let disk = disk();
    let (payload, _) = stored(b"five!");
    let mut writer = PackWriter::create(&disk, PACK.into(), layout(&[], &[1]), None).unwrap();
    let size = writer.append(1, payload, b"four");
    assert!(matches!(size, Err(PackWriteError::Size { id: 1, expected: 5, found: 4 })));
    let former = writer.carry_over(1, payload, 0);
    assert!(matches!(former, Err(PackWriteError::NotInFormer { id: 1, offset: 0, len: 5 })));
    let unfinished = writer.finish(false);
    assert!(matches!(unfinished, Err(PackWriteError::Place(PlaceError::Unfinished { next: 1 }))));
}

#[test]
fn a_range_beyond_the_former_pack_is_refused() {
    let disk = disk();
    let (summary, places) = write(&disk, "build/old", &[b"old payload".to_vec()]);
    let former = disk.open("build/old".into()).unwrap();
    let mut writer = PackWriter::create(&disk, PACK.into(), layout(&[], &[1]), Some(former)).unwrap();
    for offset in [summary.size - 10, u64::MAX, u64::MAX - 5] {
        let refused = writer.carry_over(1, places[0].0, offset);
        assert!(matches!(refused, Err(PackWriteError::NotInFormer { .. })), "{offset}");
    }
    writer.carry_over(1, places[0].0, summary.size - 11).unwrap();
    writer.finish(false).unwrap();
    read(&disk, PACK);
}

#[test]
fn an_existing_file_is_not_overwritten() {
    let disk = disk();
    disk.put(PACK.into(), b"somebody's");
    let refused = PackWriter::create(&disk, PACK.into(), layout(&[], &[1]), None);
    assert!(matches!(refused, Err(PackWriteError::Disk(_))));
}

#[test]
fn neighbours_of_the_former_pack_are_copied_as_one() {
    let disk = disk();
    let payloads: Vec<Vec<u8>> = (0..50_u8).map(|i| vec![i; usize::from(i) + 1]).collect();
    let (_, places) = write(&disk, "build/old", &payloads);
    let (old, _) = read(&disk, "build/old");
    let former = disk.open("build/old".into()).unwrap();
    let ids: Vec<u32> = (1..=50).collect();
    let mut writer = PackWriter::create(&disk, PACK.into(), layout(&[], &ids), Some(former)).unwrap();
    let before = disk.operations();
    for (id, (payload, placed)) in ids.iter().zip(&places) {
        writer.carry_over(*id, *payload, placed.offset).unwrap();
    }
    writer.finish(false).unwrap();
    assert_eq!(disk.operations() - before, 2, "one copy, and the beginning");
    assert_eq!(read(&disk, PACK).0, old);
}

#[test]
fn what_stood_between_two_payloads_is_not_taken_for_padding() {
    let disk = disk();
    let payloads = [vec![1; 10], vec![2; 10], vec![3; 10]];
    let (_, places) = write(&disk, "build/old", &payloads);
    assert_eq!(places[2].1.offset - places[0].1.offset, 32);
    let pack = |path: &str, is_carried: bool| {
        let former = disk.open("build/old".into()).unwrap();
        let layout = aligned(32, &[], &[1, 2, 3]);
        let mut writer = PackWriter::create(&disk, path.into(), layout, Some(former)).unwrap();
        for (id, (raw, (payload, placed))) in (1..).zip(payloads.iter().zip(&places)) {
            if id == 2 {
                writer.append(id, stored(b"").0, b"").unwrap();
            } else if is_carried {
                writer.carry_over(id, *payload, placed.offset).unwrap();
            } else {
                writer.append(id, *payload, raw).unwrap();
            }
        }
        writer.finish(false).unwrap();
        read(&disk, path).0
    };
    assert_eq!(pack("build/carried", true), pack("build/clean", false));
}

#[test]
fn a_real_file_is_the_same_as_a_simulated_one() {
    let folder = tempfile::tempdir().unwrap();
    let real = OsDisk::new(Utf8Path::from_path(folder.path()).unwrap().to_owned());
    let payloads: Vec<Vec<u8>> = (0..20_u8).map(|i| vec![i; usize::from(i) * 37]).collect();
    let (summary, places) = write(&real, "old", &payloads);
    let former = real.open("old".into()).unwrap();
    let ids: Vec<u32> = (1..=20).collect();
    let mut writer = PackWriter::create(&real, "new".into(), layout(&[], &ids), Some(former)).unwrap();
    for (id, (payload, placed)) in ids.iter().zip(&places) {
        if id % 5 == 0 {
            let raw = &payloads[*id as usize - 1];
            writer.append(*id, *payload, &stored(raw).1.bytes).unwrap();
        } else {
            writer.carry_over(*id, *payload, placed.offset).unwrap();
        }
    }
    assert_eq!(writer.finish(true).unwrap(), summary);
    assert_eq!(read(&real, "new").0, read(&real, "old").0);
    assert_eq!(write(&disk(), PACK, &payloads).0, summary);
}

proptest! {
    /// A pack that takes over whatever did not change is the same, to the byte, as one made of nothing.
    #[test]
    fn an_incremental_pack_is_the_same_as_a_clean_one(
        old in proptest::collection::vec((0_u8..6, 0_usize..70), 0..30),
        changes in proptest::collection::vec((0_usize..30, 0_u8..6, 0_usize..70), 0..6),
    ) {
        let disk = disk();
        let old: Vec<Vec<u8>> = old.into_iter().map(|(byte, size)| vec![byte; size]).collect();
        let (_, places) = write(&disk, "build/old", &old);
        let mut new = old.clone();
        for (at, byte, size) in changes {
            if let Some(payload) = new.get_mut(at) {
                *payload = vec![byte; size];
            } else {
                new.push(vec![byte; size]);
            }
        }
        let former = disk.open("build/old".into()).unwrap();
        let ids: Vec<u32> = (1..=new.len() as u32).collect();
        let mut writer = PackWriter::create(&disk, PACK.into(), layout(&[], &ids), Some(former)).unwrap();
        for (at, raw) in new.iter().enumerate() {
            let id = at as u32 + 1;
            if old.get(at) == Some(raw) {
                writer.carry_over(id, places[at].0, places[at].1.offset).unwrap();
            } else {
                let (payload, stored) = stored(raw);
                writer.append(id, payload, &stored.bytes).unwrap();
            }
        }
        writer.finish(false).unwrap();
        write(&disk, "build/clean", &new);
        prop_assert_eq!(read(&disk, PACK).0, read(&disk, "build/clean").0);
    }
}
