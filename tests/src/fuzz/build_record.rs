//! The build record: read, looked up in, and written again.
//!
//! An input is a byte and the file's bytes. With bit 0 of the byte, the file lacks its checksum, which is added.

use packer_domain::identity::{AssetUuid, Digest};
use packer_fs::build_record::{BuildRecord, OutputFact, RecordHead, RecordedPayload};

use super::input::{asset, operation, seed_with};
use super::{Seed, Verdict};

const CHECKSUM_BYTES: usize = 32;

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some((options, bytes)) = data.split_first() else { return Verdict::Refused };
    let mut bytes = bytes.to_vec();
    if options & 1 != 0 {
        let checksum = *Digest::of(&bytes).as_bytes();
        bytes.extend_from_slice(&checksum);
    }
    let Ok(record) = BuildRecord::parse(bytes) else { return Verdict::Refused };
    let payloads: Vec<(AssetUuid, RecordedPayload)> = record.iter().collect();
    assert_eq!(payloads.len(), record.len(), "an entry is passed over");
    assert_eq!(record.is_empty(), payloads.is_empty());
    for (uuid, payload) in &payloads {
        assert_eq!(record.get(*uuid), Some(*payload));
    }
    let written = BuildRecord::encode(record.head(), &payloads);
    let again = BuildRecord::parse(written.clone()).expect("what was written is a record");
    assert_eq!(again.head(), record.head());
    assert!(again.iter().eq(payloads.iter().copied()), "what was written reads otherwise");
    let mut shuffled = payloads;
    shuffled.reverse();
    assert_eq!(BuildRecord::encode(record.head(), &shuffled), written, "the order shows");
    Verdict::Taken
}

fn fact(path: &str) -> OutputFact {
    OutputFact {
        path: path.into(),
        digest: Digest::of(path.as_bytes()),
        size: 9,
        mtime_ns: -4,
        inode: 6,
        device: 7,
    }
}

/// The bytes of a record of so many payloads.
pub(super) fn sample(count: u8) -> Vec<u8> {
    let head = RecordHead {
        operation: operation(1),
        pack: fact("build/assets.pack"),
        pack_digest: Digest::of(b"pack"),
        others: vec![fact("build/assets.manifest.json")],
        options: Digest::of(b"options"),
        incomplete: count == 1,
        unsynced_boot: (count > 1).then(|| "boot".to_owned()),
    };
    let payload = |n: u8| RecordedPayload {
        build_key: Digest::of(&[n]),
        offset: u64::from(n) * 16,
        stored_size: 10,
        raw_size: u64::MAX - u64::from(n),
        raw_digest: Digest::of(&[n, n]),
        encoding: n,
        compression: 2,
    };
    let payloads: Vec<_> = (1..=count).map(|n| (asset(n), payload(n))).collect();
    BuildRecord::encode(&head, &payloads)
}

pub(super) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for count in [0, 1, 3] {
        let bytes = sample(count);
        let body = &bytes[..bytes.len() - CHECKSUM_BYTES];
        seeds.push(seed_with(&format!("{count}-whole"), &[0], &bytes));
        seeds.push(seed_with(&format!("{count}-to-seal"), &[1], body));
        seeds.push(seed_with(&format!("{count}-cut"), &[1], &body[..body.len() - 7]));
    }
    let bytes = sample(3);
    let at = |at: usize, value: u8| {
        let mut bytes = bytes[..bytes.len() - CHECKSUM_BYTES].to_vec();
        bytes[at] = value;
        seed_with(&format!("byte-{at}-{value}"), &[1], &bytes)
    };
    // The magic, the version, the length of the head, the count, the head.
    seeds.extend([at(0, 0), at(8, 9), at(12, 1), at(23, 255), at(25, b'x')]);
    seeds
}
