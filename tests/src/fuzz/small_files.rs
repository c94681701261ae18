//! The small files beside a project: the head, what the holder of a lock says of itself, and the kept summary.
//!
//! An input is a byte and bytes. Bit 2 of the byte chooses the summary, whose bytes they are, or, with bit 1, the JSON in its
//! frame. Bit 0 chooses the holder's facts; otherwise the bytes are those of the head, or, with bit 1, the fields of its two
//! slots, each sealed with its checksum.

use packer_domain::identity::{Digest, OperationId};
use packer_fs::disk::sim::SimDisk;
use packer_fs::head::{Head, read_head};
use packer_fs::layout;
use packer_fs::lock::HolderFacts;
use packer_fs::summary_file::KeptSummary;

use super::input::{operation, seed_with};
use super::{Seed, Verdict};

const MAGIC: &[u8] = b"PKHEAD\x00\x01";
const SUMMARY_MAGIC: &[u8] = b"PKRSUMM1";
const FIELD_BYTES: usize = 8 + 32 + 16;
const SLOT_STRIDE: usize = 4096;

pub(super) fn run(data: &[u8]) -> Verdict {
    let Some((options, bytes)) = data.split_first() else { return Verdict::Refused };
    match options & 7 {
        4 | 5 => return check_summary(bytes),
        6 | 7 => {
            let framed = [SUMMARY_MAGIC, &(bytes.len() as u64).to_le_bytes(), bytes].concat();
            let checksum = *Digest::of(&framed).as_bytes();
            return check_summary(&[framed.as_slice(), &checksum].concat());
        }
        _ => {}
    }
    match options & 3 {
        0 => check_head(bytes),
        2 => {
            let (first, second) = bytes.split_at(bytes.len().min(FIELD_BYTES));
            let mut file = sealed(first);
            if !second.is_empty() {
                file.resize(SLOT_STRIDE, 0);
                file.extend_from_slice(&sealed(second));
            }
            check_head(&file)
        }
        _ => check_holder(bytes),
    }
}

/// The bytes of a slot with these fields.
fn sealed(fields: &[u8]) -> Vec<u8> {
    let mut slot = [MAGIC, fields].concat();
    let checksum = *Digest::of(&slot).as_bytes();
    slot.extend_from_slice(&checksum);
    slot
}

/// The head is the greater of the slots that are whole, read here a second time from the description of the format.
fn check_head(bytes: &[u8]) -> Verdict {
    let disk = SimDisk::new();
    disk.put(layout::HEAD.into(), bytes);
    let slots = [0, SLOT_STRIDE].map(|at| bytes.get(at..).and_then(slot));
    let expected = slots.into_iter().flatten().max_by_key(|head| head.commit);
    let found = read_head(&disk).expect("the disk does not fail");
    assert_eq!(found.map(|head| head.commit), expected.map(|head| head.commit));
    if let Some(found) = found {
        assert!(slots.contains(&Some(found)), "{found:?} is in neither slot");
        return Verdict::Taken;
    }
    Verdict::Refused
}

fn slot(bytes: &[u8]) -> Option<Head> {
    let fields = bytes.get(MAGIC.len()..MAGIC.len() + FIELD_BYTES)?;
    let whole = sealed(fields);
    if !bytes.starts_with(&whole) {
        return None;
    }
    Some(Head {
        commit: u64::from_le_bytes(*fields.first_chunk()?),
        registry: Digest::from_bytes(*fields[8..].first_chunk()?),
        operation: OperationId::from_bytes(*fields[40..].first_chunk()?)?,
    })
}

fn check_holder(bytes: &[u8]) -> Verdict {
    let Ok(facts) = serde_json::from_slice::<HolderFacts>(bytes) else { return Verdict::Refused };
    let written = serde_json::to_vec(&facts).expect("texts and numbers are JSON");
    let again: HolderFacts = serde_json::from_slice(&written).expect("what was written are facts");
    assert_eq!(again, facts);
    Verdict::Taken
}

fn check_summary(bytes: &[u8]) -> Verdict {
    let Some(kept) = KeptSummary::decode(bytes) else { return Verdict::Refused };
    assert_eq!(KeptSummary::decode(&kept.encode()), Some(kept));
    Verdict::Taken
}

/// The JSON of a kept summary.
fn summary() -> Vec<u8> {
    let zeros = "0000000000000000000000000000000000000000000000000000000000000000";
    format!(
        "{{\"fingerprint\":\"b3:{zeros}\",\"lineage\":\"{}\",\"assets\":[1,2,3,4,5,6],\"kinds\":{{\"image\":7}},\
         \"files\":[8,9,10,11],\"diagnostics\":[12,13,14],\"divergences\":{{\"anchor/moved\":15}},\
         \"unclaimed\":[[\"a b/c.txt\",16]]}}",
        operation(1)
    )
    .into_bytes()
}

fn fields(commit: u64) -> Vec<u8> {
    [commit.to_le_bytes().as_slice(), Digest::of(b"registry").as_bytes(), operation(1).as_bytes()].concat()
}

pub(super) fn seeds() -> Vec<Seed> {
    let (one, two) = (fields(1), fields(2));
    let facts = HolderFacts {
        pid: 4711,
        host: "quay".to_owned(),
        operation: format!("adopt {}", operation(1)),
        since_unix_ms: 1_795_338_000_000,
    };
    let facts = serde_json::to_vec(&facts).expect("texts and numbers are JSON");
    let mut file = sealed(&one);
    file.resize(SLOT_STRIDE, 0);
    file.extend_from_slice(&sealed(&two));
    vec![
        seed_with("head-empty", &[0], b""),
        seed_with("head-first-slot", &[0], &sealed(&two)),
        seed_with("head-two-slots", &[0], &file),
        seed_with("head-torn", &[0], &file[..SLOT_STRIDE + 50]),
        seed_with("head-sealed", &[2], &one),
        seed_with("head-sealed-two", &[2], &[two.as_slice(), &one].concat()),
        seed_with("head-sealed-same", &[2], &[one.as_slice(), &one].concat()),
        seed_with("head-short", &[2], &one[..30]),
        seed_with("holder", &[1], &facts),
        seed_with("holder-more", &[1], br#"{"pid":1,"host":"","operation":"","since_unix_ms":0,"x":[{}]}"#),
        seed_with("summary", &[6], &summary()),
        seed_with("summary-not-framed", &[4], &summary()),
        seed_with("holder-torn", &[1], &facts[..20]),
    ]
}
