//! The build record: what the last build put where, so that the next one bakes and copies only what changed.
//!
//! One flat, checksummed file, kept as the bytes it was read as. It says nothing that the outputs and the workspace do not;
//! a damaged one, or one of another version, counts as none. Whether the outputs are still those that it describes is for
//! the caller to check: [`OutputFact::is_unchanged`] compares stats, a digest decides in doubt.
//!
//! ```text
//! magic 8, version u32, length of the head u32, number of entries u64
//! head                   JSON
//! entries    112 bytes   each: uuid 16, build key 32, offset u64, stored size u64, raw size u64, raw digest 32,
//!                        encoding u8, compression u8, six zeros; sorted by uuid
//! checksum   32 bytes    BLAKE3 of everything before it
//! ```
//!
//! Little-endian.

use std::io::Write;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{AssetUuid, Digest, OperationId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::disk::{Disk, DiskError, DiskOperation, EntryKind, Stat};

/// A record of more bytes is not read, and so counts as none.
pub const MAX_RECORD_BYTES: u64 = 2 << 30;

const MAGIC: [u8; 8] = *b"PKRBUILD";
const VERSION: u32 = 1;
const PREFIX_BYTES: usize = 24;
const ENTRY_BYTES: usize = 112;
const CHECKSUM_BYTES: usize = 32;

/// What the last build left.
#[derive(Clone, Debug)]
pub struct BuildRecord {
    head: RecordHead,
    bytes: Vec<u8>,
    entries: Range<usize>,
}

/// What a build as a whole left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordHead {
    /// The build.
    pub operation: OperationId,
    /// The pack.
    pub pack: OutputFact,
    /// The digest that names the pack: of its header, table, names and kinds.
    pub pack_digest: Digest,
    /// The other outputs: the manifest, generated constants.
    pub others: Vec<OutputFact>,
    /// The digest of everything but the workspace that decided the outputs: profile, compression, constants.
    pub options: Digest,
    /// Whether assets are missing from the pack because their bakes failed.
    pub incomplete: bool,
    /// The boot of the machine in which the outputs were written, if they were not synced: after another boot, they are
    /// trusted only by their digests.
    pub unsynced_boot: Option<String>,
}

/// One output file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputFact {
    /// Where it is, as the disk takes it.
    pub path: Utf8PathBuf,
    /// The digest of its bytes; for a pack, the digest that names it.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// When its contents last changed: nanoseconds since 1970.
    pub mtime_ns: i64,
    /// The inode.
    pub inode: u64,
    /// The device.
    pub device: u64,
}

/// What was built of one asset, and where it is in the pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedPayload {
    /// The build key.
    pub build_key: Digest,
    /// Where the payload is, from the start of the pack.
    pub offset: u64,
    /// Bytes there.
    pub stored_size: u64,
    /// Bytes when decompressed.
    pub raw_size: u64,
    /// The digest of the decompressed payload.
    pub raw_digest: Digest,
    /// How it is laid out, among the layouts of its kind.
    pub encoding: u8,
    /// The code of its compression.
    pub compression: u8,
}

/// Why a record counts as none.
#[derive(Debug, Error)]
pub enum RecordDefect {
    /// It could not be read.
    #[error("the build record cannot be read: {0}")]
    Unreadable(DiskError),
    /// It is no build record, or cut off.
    #[error("the build record is not one")]
    NotARecord,
    /// It was written by another version of the packer.
    #[error("the build record has version {found}, not {VERSION}")]
    OtherVersion {
        /// Its version.
        found: u32,
    },
    /// Its bytes are not those that were written.
    #[error("the build record is damaged: its checksum does not fit")]
    Checksum,
    /// Its parts do not fit together.
    #[error("the build record is damaged: its parts do not fit together")]
    Layout,
}

impl OutputFact {
    /// What is to be remembered of the file at `path` with this stat.
    pub fn new(path: Utf8PathBuf, digest: Digest, stat: &Stat) -> Self {
        let Stat { size, mtime_ns, inode, device, .. } = *stat;
        Self { path, digest, size, mtime_ns, inode, device }
    }

    /// Whether the file that now has this stat is, by all that a stat can tell, the one that was written.
    ///
    /// The time of the inode's change is left out: placing an output is a rename, which changes it.
    pub fn is_unchanged(&self, now: Option<&Stat>) -> bool {
        now.is_some_and(|now| {
            now.kind == EntryKind::File
                && (now.size, now.mtime_ns, now.inode, now.device)
                    == (self.size, self.mtime_ns, self.inode, self.device)
        })
    }
}

impl BuildRecord {
    /// Reads the record at `path`; `None` if there is none. A defect means the same as none, and says why.
    pub fn load(disk: &dyn Disk, path: &Utf8Path) -> Result<Option<Self>, RecordDefect> {
        match disk.read(path, MAX_RECORD_BYTES) {
            Ok(bytes) => Self::parse(bytes).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(RecordDefect::Unreadable(error)),
        }
    }

    /// Checks the bytes of a record.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, RecordDefect> {
        if bytes.len() < PREFIX_BYTES + CHECKSUM_BYTES || bytes[..8] != MAGIC {
            return Err(RecordDefect::NotARecord);
        }
        let found = u32::from_le_bytes(array(&bytes, 8));
        if found != VERSION {
            return Err(RecordDefect::OtherVersion { found });
        }
        let (body, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
        if blake3::hash(body).as_bytes() != checksum {
            return Err(RecordDefect::Checksum);
        }
        let (head, entries) = parts(body).ok_or(RecordDefect::Layout)?;
        Ok(Self { head, bytes, entries })
    }

    /// The bytes of a record. `payloads` come in any order, each asset once.
    pub fn encode(head: &RecordHead, payloads: &[(AssetUuid, RecordedPayload)]) -> Vec<u8> {
        let mut sorted: Vec<&(AssetUuid, RecordedPayload)> = payloads.iter().collect();
        sorted.sort_unstable_by_key(|(uuid, _)| *uuid);
        Self::encode_sorted(head, sorted.len(), sorted.into_iter().copied())
    }

    /// The same of `count` payloads that come by uuid.
    pub fn encode_sorted(
        head: &RecordHead,
        count: usize,
        payloads: impl Iterator<Item = (AssetUuid, RecordedPayload)>,
    ) -> Vec<u8> {
        let json = encode_head(head);
        let size = PREFIX_BYTES + json.len() + count * ENTRY_BYTES + CHECKSUM_BYTES;
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(json.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(count as u64).to_le_bytes());
        bytes.extend_from_slice(&json);
        for (uuid, payload) in payloads {
            bytes.extend_from_slice(uuid.as_bytes());
            bytes.extend_from_slice(payload.build_key.as_bytes());
            bytes.extend_from_slice(&payload.offset.to_le_bytes());
            bytes.extend_from_slice(&payload.stored_size.to_le_bytes());
            bytes.extend_from_slice(&payload.raw_size.to_le_bytes());
            bytes.extend_from_slice(payload.raw_digest.as_bytes());
            bytes.extend_from_slice(&[payload.encoding, payload.compression, 0, 0, 0, 0, 0, 0]);
        }
        debug_assert_eq!(bytes.len() + CHECKSUM_BYTES, size, "there are as many as were said");
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        bytes
    }

    /// Puts the bytes of a record in the place of the one at `path`: written beside it, then renamed over. Not synced: a
    /// torn one counts as none.
    pub fn replace(disk: &dyn Disk, path: &Utf8Path, record: &[u8]) -> Result<(), DiskError> {
        let temporary = path.with_extension("tmp");
        let fail = |source| DiskError { operation: DiskOperation::Write, path: temporary.clone(), source };
        match disk.remove_file(&temporary) {
            // Left by a process that died; builds take turns, so nobody is writing it.
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
        let mut file = disk.create(&temporary)?;
        file.write_all(record).and_then(|()| file.flush()).map_err(fail)?;
        drop(file);
        disk.rename_over(&temporary, path)
    }

    /// What the build as a whole left.
    pub fn head(&self) -> &RecordHead {
        &self.head
    }

    /// The checksum that tells these bytes of a record from any others.
    pub fn checksum(&self) -> Digest {
        Digest::from_bytes(array(&self.bytes, self.bytes.len() - CHECKSUM_BYTES))
    }

    /// The checksum of the bytes that [`encode`](Self::encode) gave.
    pub fn checksum_of(bytes: &[u8]) -> Option<Digest> {
        bytes.last_chunk().map(|checksum| Digest::from_bytes(*checksum))
    }

    /// How many assets it has.
    pub fn len(&self) -> usize {
        self.entries.len() / ENTRY_BYTES
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What was built of `uuid`.
    pub fn get(&self, uuid: AssetUuid) -> Option<RecordedPayload> {
        let (entries, []) = self.bytes[self.entries.clone()].as_chunks::<ENTRY_BYTES>() else { return None };
        let at = entries.binary_search_by(|entry| entry[..16].cmp(uuid.as_bytes())).ok()?;
        Some(payload(&entries[at]))
    }

    /// The asset at `at`, of [`len`](Self::len) assets by uuid, and what was built of it.
    pub fn at(&self, at: usize) -> Option<(AssetUuid, RecordedPayload)> {
        let (entries, []) = self.bytes[self.entries.clone()].as_chunks::<ENTRY_BYTES>() else { return None };
        let entry = entries.get(at)?;
        Some((AssetUuid::from_bytes(array(entry, 0))?, payload(entry)))
    }

    /// What was built, by uuid.
    pub fn iter(&self) -> impl Iterator<Item = (AssetUuid, RecordedPayload)> {
        let entries = self.bytes[self.entries.clone()].chunks_exact(ENTRY_BYTES);
        entries.filter_map(|entry| Some((AssetUuid::from_bytes(array(entry, 0))?, payload(entry))))
    }
}

/// The head, and where the entries are, if everything fits.
fn parts(body: &[u8]) -> Option<(RecordHead, Range<usize>)> {
    let head_end = PREFIX_BYTES.checked_add(u32::from_le_bytes(array(body, 12)) as usize)?;
    let count = usize::try_from(u64::from_le_bytes(array(body, 16))).ok()?;
    let end = count.checked_mul(ENTRY_BYTES)?.checked_add(head_end)?;
    if end != body.len() {
        return None;
    }
    let head = serde_json::from_slice(&body[PREFIX_BYTES..head_end]).ok()?;
    let mut last: Option<&[u8]> = None;
    for entry in body[head_end..].chunks_exact(ENTRY_BYTES) {
        let uuid = &entry[..16];
        AssetUuid::from_bytes(array(entry, 0))?;
        if last.is_some_and(|last| last >= uuid) {
            return None;
        }
        last = Some(uuid);
    }
    Some((head, head_end..end))
}

fn encode_head(head: &RecordHead) -> Vec<u8> {
    serde_json::to_vec(head).expect("texts and numbers are JSON")
}

fn payload(entry: &[u8]) -> RecordedPayload {
    RecordedPayload {
        build_key: Digest::from_bytes(array(entry, 16)),
        offset: u64::from_le_bytes(array(entry, 48)),
        stored_size: u64::from_le_bytes(array(entry, 56)),
        raw_size: u64::from_le_bytes(array(entry, 64)),
        raw_digest: Digest::from_bytes(array(entry, 72)),
        encoding: entry[104],
        compression: entry[105],
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

#[cfg(test)]
mod tests {
    use packer_domain::identity::UuidDraw;
    use proptest::prelude::*;

    use super::*;

    const DRAW: UuidDraw = UuidDraw { unix_ms: 1_790_000_000_000, entropy: [3; 16] };
    const STAT: Stat =
        Stat { kind: EntryKind::File, size: 9, mtime_ns: -4, ctime_ns: 5, inode: 6, device: 7 };

    fn head() -> RecordHead {
        RecordHead {
            operation: OperationId::drawn(DRAW),
            pack: OutputFact::new("build/assets.pack".into(), Digest::of(b"pack"), &STAT),
            pack_digest: Digest::of(b"pack"),
            others: vec![OutputFact::new("build/assets.manifest.json".into(), Digest::of(b"m"), &STAT)],
            options: Digest::of(b"options"),
            incomplete: false,
            unsynced_boot: Some("boot".to_owned()),
        }
    }

    fn payloads(count: u8) -> Vec<(AssetUuid, RecordedPayload)> {
        let one = |i: u8| RecordedPayload {
            build_key: Digest::of(&[i]),
            offset: u64::from(i) * 16,
            stored_size: 10,
            raw_size: u64::MAX - u64::from(i),
            raw_digest: Digest::of(&[i, i]),
            encoding: i,
            compression: 2,
        };
        (0..count).map(|i| (DRAW.asset_uuid(&i.to_string()), one(i))).collect()
    }

    fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
        let end = bytes.len() - CHECKSUM_BYTES;
        let checksum = blake3::hash(&bytes[..end]);
        bytes[end..].copy_from_slice(checksum.as_bytes());
        bytes
    }

    #[test]
    fn gives_back_what_was_written() {
        let payloads = payloads(40);
        let record = BuildRecord::parse(BuildRecord::encode(&head(), &payloads)).unwrap();
        assert_eq!(record.head(), &head());
        assert_eq!(record.len(), 40);
        for (uuid, payload) in &payloads {
            assert_eq!(record.get(*uuid), Some(*payload));
        }
        assert_eq!(record.get(DRAW.asset_uuid("other")), None);
        assert_eq!(record.iter().count(), 40);
        assert!(record.iter().eq((0..40).map(|at| record.at(at).unwrap())) && record.at(40).is_none());
        let bytes = BuildRecord::encode(&head(), &payloads);
        assert_eq!(BuildRecord::checksum_of(&bytes), Some(record.checksum()));
        assert_ne!(BuildRecord::checksum_of(&BuildRecord::encode(&head(), &[])), Some(record.checksum()));
        assert!(record.iter().all(|pair| payloads.contains(&pair)));
        assert!(BuildRecord::parse(BuildRecord::encode(&head(), &[])).unwrap().is_empty());
    }

    #[test]
    fn its_bytes_do_not_depend_on_the_order_of_payloads() {
        let mut payloads = payloads(9);
        let bytes = BuildRecord::encode(&head(), &payloads);
        payloads.reverse();
        assert_eq!(BuildRecord::encode(&head(), &payloads), bytes);
    }

    #[test]
    fn every_difference_of_a_stat_counts_but_that_of_a_rename() {
        let fact = OutputFact::new("a".into(), Digest::of(b""), &STAT);
        assert!(fact.is_unchanged(Some(&STAT)) && fact.is_unchanged(Some(&Stat { ctime_ns: 6, ..STAT })));
        let changed = [
            None,
            Some(Stat { kind: EntryKind::Dir, ..STAT }),
            Some(Stat { size: 1, ..STAT }),
            Some(Stat { mtime_ns: 1, ..STAT }),
            Some(Stat { inode: 1, ..STAT }),
            Some(Stat { device: 1, ..STAT }),
        ];
        for stat in changed {
            assert!(!fact.is_unchanged(stat.as_ref()), "{stat:?}");
        }
    }

    #[test]
    fn says_why_it_counts_as_none() {
        let good = BuildRecord::encode(&head(), &payloads(2));
        assert!(matches!(BuildRecord::parse(Vec::new()), Err(RecordDefect::NotARecord)));
        let mut other = good.clone();
        other[8] = 2;
        assert!(matches!(BuildRecord::parse(other), Err(RecordDefect::OtherVersion { found: 2 })));
        assert!(matches!(BuildRecord::parse(good[..good.len() - 1].to_vec()), Err(RecordDefect::Checksum)));
        let first = good.len() - CHECKSUM_BYTES - 2 * ENTRY_BYTES;
        for (at, byte) in [
            (12, 0),              // the length of the head
            (16, 1),              // the count
            (23, 255),            // the count, beyond any file
            (PREFIX_BYTES, b'['), // the head
            (first + 6, 0x40),    // the version of a uuid
            (first, 0xff),        // the order: the second uuid is now the lesser
        ] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            assert!(
                matches!(BuildRecord::parse(seal(bytes)), Err(RecordDefect::Layout)),
                "byte {at} = {byte}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_damage_passes_and_no_sealed_damage_makes_it_panic(at in 0_usize..2000, byte: u8) {
            let mut bytes = BuildRecord::encode(&head(), &payloads(5));
            let at = at % (bytes.len() - CHECKSUM_BYTES);
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            prop_assert!(BuildRecord::parse(bytes.clone()).is_err());
            if let Ok(record) = BuildRecord::parse(seal(bytes)) {
                prop_assert_eq!(record.iter().count(), record.len());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..2000) {
            drop(BuildRecord::parse(bytes));
            let good = BuildRecord::encode(&head(), &payloads(3));
            prop_assert!(BuildRecord::parse(good[..cut.min(good.len() - 1)].to_vec()).is_err());
        }
    }
}
