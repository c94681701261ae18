//! The build stamp: from what the last build was made and how its outputs stood afterwards, in so few bytes that a build
//! with nothing to do reads nothing else of it.
//!
//! It is a shortcut and never the truth (`framed`): it counts as none where it is damaged. Of an output it says all that a
//! stat can tell, with the time of the inode's change, which no program can set back: what it vouches for was not touched
//! since. What the outputs hold is in the build record; what it does not vouch for is compared by digests.

use camino::Utf8Path;
use packer_domain::identity::Digest;
use serde::{Deserialize, Serialize};

use crate::build_record::{OutputFact, RecordHead};
use crate::disk::{Disk, DiskError};
use crate::framed;

/// A stamp of more bytes is not read, and so counts as none.
const MAX_STAMP_BYTES: u64 = 1 << 20;

const MAGIC: [u8; 8] = *b"PKRDONE1";

/// What a build left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildStamp {
    /// The digest of everything that decided the outputs: the workspace, the options, the code. None where the build
    /// lacked something, so that it has to be tried again.
    pub base: Option<Digest>,
    /// The pack.
    pub pack: StampedOutput,
    /// The other outputs.
    pub others: Vec<StampedOutput>,
    /// The digest that names the pack.
    pub pack_digest: Digest,
    /// How many assets it is of.
    pub assets: u64,
    /// The boot of the machine in which the outputs were written, if they were not synced.
    pub unsynced_boot: Option<String>,
}

/// An output as it stood after it was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StampedOutput {
    /// What the record keeps of it.
    pub fact: OutputFact,
    /// When its inode last changed: nanoseconds since 1970.
    pub ctime_ns: i64,
}

impl BuildStamp {
    /// Reads the stamp at `path`; `None` if there is none that can be believed.
    pub fn load(disk: &dyn Disk, path: &Utf8Path) -> Option<Self> {
        Self::decode(&disk.read(path, MAX_STAMP_BYTES).ok()?)
    }

    /// Reads the bytes of a stamp; `None` if they are not those that were written.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        framed::decode(MAGIC, bytes)
    }

    /// The bytes of the stamp.
    pub fn encode(&self) -> Vec<u8> {
        framed::encode(MAGIC, self)
    }

    /// Writes the stamp at `path`, over an earlier one.
    pub fn store(&self, disk: &dyn Disk, path: &Utf8Path) -> Result<(), DiskError> {
        framed::store(disk, path, &self.encode())
    }

    /// The stamp of outputs that stand where `head` says, as they stand now; `None` if one is not the one that was written.
    pub fn of(disk: &dyn Disk, head: &RecordHead, base: Option<Digest>, assets: u64) -> Option<Self> {
        let stamped = |fact: &OutputFact| {
            let stat = disk.stat(&fact.path).ok()?.filter(|stat| fact.is_unchanged(Some(stat)))?;
            Some(StampedOutput { fact: fact.clone(), ctime_ns: stat.ctime_ns })
        };
        Some(Self {
            base,
            pack: stamped(&head.pack)?,
            others: head.others.iter().map(stamped).collect::<Option<_>>()?,
            pack_digest: head.pack_digest,
            assets,
            unsynced_boot: head.unsynced_boot.clone(),
        })
    }

    /// Whether the output `fact` was not touched since the stamp was made. `boot` is the present boot of the machine: what
    /// was not synced before another may have lost its contents and kept its stat.
    pub fn vouches(&self, disk: &dyn Disk, boot: Option<&str>, fact: &OutputFact) -> bool {
        let is_believable = self.unsynced_boot.is_none() || self.unsynced_boot.as_deref() == boot;
        let stamped = std::iter::once(&self.pack).chain(&self.others).find(|output| output.fact == *fact);
        is_believable
            && stamped.is_some_and(|output| match disk.stat(&fact.path) {
                Ok(Some(stat)) => fact.is_unchanged(Some(&stat)) && stat.ctime_ns == output.ctime_ns,
                Ok(None) | Err(_) => false,
            })
    }

    /// Whether it vouches for every output.
    pub fn stands(&self, disk: &dyn Disk, boot: Option<&str>) -> bool {
        let mut outputs = std::iter::once(&self.pack).chain(&self.others);
        outputs.all(|output| self.vouches(disk, boot, &output.fact))
    }
}

#[cfg(test)]
mod tests {
    use packer_domain::identity::{OperationId, UuidDraw};

    use super::*;
    use crate::disk::sim::SimDisk;

    fn stamp(disk: &SimDisk) -> BuildStamp {
        let fact = |path: &str| {
            disk.put(path.into(), path.as_bytes());
            let stat = disk.stat(path.into()).unwrap().unwrap();
            OutputFact::new(path.into(), Digest::of(path.as_bytes()), &stat)
        };
        let head = RecordHead {
            operation: OperationId::drawn(UuidDraw { unix_ms: 1, entropy: [1; 16] }),
            pack: fact("build/assets.pack"),
            pack_digest: Digest::of(b"pack"),
            others: vec![fact("build/assets.manifest.json")],
            options: Digest::of(b"options"),
            incomplete: false,
            unsynced_boot: Some("boot".to_owned()),
        };
        BuildStamp::of(disk, &head, Some(Digest::of(b"base")), 3).unwrap()
    }

    #[test]
    fn is_read_as_it_was_written_and_not_at_all_where_it_is_damaged() {
        let disk = SimDisk::new();
        let path = Utf8Path::new(".packer/build-stamp");
        disk.put_dir(".packer".into());
        assert_eq!(BuildStamp::load(&disk, path), None);
        let stamp = stamp(&disk);
        disk.put(path, &[7; 4000]);
        stamp.store(&disk, path).unwrap();
        assert_eq!(BuildStamp::load(&disk, path).as_ref(), Some(&stamp));
        let bytes = stamp.encode();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(BuildStamp::decode(&damaged), None, "byte {at}");
            assert_eq!(BuildStamp::decode(&bytes[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn stands_while_no_output_was_touched_in_this_boot() {
        let disk = SimDisk::new();
        let stamp = stamp(&disk);
        assert!(stamp.stands(&disk, Some("boot")));
        assert!(!stamp.stands(&disk, Some("other")) && !stamp.stands(&disk, None));
        let synced = BuildStamp { unsynced_boot: None, ..stamp.clone() };
        assert!(synced.stands(&disk, Some("other")));
        for path in ["build/assets.manifest.json", "build/assets.pack"] {
            let stat = disk.stat(path.into()).unwrap().unwrap();
            disk.advance_clock_ns(1_000);
            let bytes = disk.read(path.into(), 1 << 10).unwrap();
            disk.put(path.into(), &bytes);
            disk.set_mtime_ns(path.into(), stat.mtime_ns);
            assert!(!synced.stands(&disk, None), "{path} was written again, and its time set back");
            disk.remove_file(path.into()).unwrap();
            assert!(!synced.stands(&disk, None), "{path} is gone");
        }
    }
}
