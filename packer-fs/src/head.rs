//! `.packer/head`: the last commit of a project, in a file of fixed size that is written in place.
//!
//! Two slots, in different 4 KiB blocks, are written in turn, each with its own checksum: a torn write leaves the
//! other one, which holds the commit before. The name of the file is made durable by the journal, before the first
//! commit; from then on one sync of the file makes a commit durable.
//!
//! Who may write is not decided here: the lane's holder, inside a transaction.

use std::io::{Read, Seek, SeekFrom, Write};

use camino::Utf8Path;
use packer_domain::identity::{Digest, OperationId};

use crate::disk::{Disk, DiskError, DiskOperation, WriteFile};
use crate::layout;

/// The last commit of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; every commit adds one.
    pub commit: u64,
    /// The digest of the registry that it left.
    pub registry: Digest,
    /// The operation that committed.
    pub operation: OperationId,
}

const MAGIC: &[u8; 8] = b"PKHEAD\x00\x01";
const CHECKED_BYTES: usize = 8 + 8 + 32 + 16;
const SLOT_BYTES: usize = CHECKED_BYTES + 32;
/// Slots are a block apart, so that no torn write reaches both.
const SLOT_STRIDE: u64 = 4096;
const SLOTS: usize = 2;

/// The last commit; `None` if there was none, or nothing valid is left of it.
pub fn read_head(disk: &dyn Disk) -> Result<Option<Head>, DiskError> {
    Ok(read_slots(disk)?.into_iter().flatten().max_by_key(|head| head.commit))
}

/// Writes `head` and syncs it. The name must be durable already.
pub(crate) fn write_head(disk: &dyn Disk, head: &Head) -> Result<(), DiskError> {
    let slots = read_slots(disk)?;
    // The slot of the commit before stays as it is; the same commit again goes where it was.
    let slot = match slots {
        [Some(a), _] if a.commit == head.commit => 0,
        [_, Some(b)] if b.commit == head.commit => 1,
        [Some(a), Some(b)] => usize::from(a.commit > b.commit),
        [Some(_), None] => 1,
        [None, _] => 0,
    };
    let mut file = disk.open_write(layout::HEAD.into())?;
    file.seek(SeekFrom::Start(slot as u64 * SLOT_STRIDE)).map_err(failed(DiskOperation::Write))?;
    file.write_all(&encode(head)).map_err(failed(DiskOperation::Write))?;
    file.sync().map_err(failed(DiskOperation::Sync))
}

/// Makes durable what stands in the file now, whoever wrote it.
pub(crate) fn sync_head(disk: &dyn Disk) -> Result<(), DiskError> {
    let mut file: Box<dyn WriteFile> = disk.open_write(layout::HEAD.into())?;
    file.sync().map_err(failed(DiskOperation::Sync))
}

fn read_slots(disk: &dyn Disk) -> Result<[Option<Head>; SLOTS], DiskError> {
    let mut slots = [None; SLOTS];
    let mut file = match disk.open(Utf8Path::new(layout::HEAD)) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(slots),
        Err(error) => return Err(error),
    };
    for (n, slot) in slots.iter_mut().enumerate() {
        file.seek(SeekFrom::Start(n as u64 * SLOT_STRIDE)).map_err(failed(DiskOperation::Read))?;
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        (&mut file).take(SLOT_BYTES as u64).read_to_end(&mut bytes).map_err(failed(DiskOperation::Read))?;
        *slot = decode(&bytes);
    }
    Ok(slots)
}

fn failed(operation: DiskOperation) -> impl Fn(std::io::Error) -> DiskError {
    move |source| DiskError { operation, path: layout::HEAD.into(), source }
}

fn encode(head: &Head) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SLOT_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&head.commit.to_le_bytes());
    bytes.extend_from_slice(head.registry.as_bytes());
    bytes.extend_from_slice(head.operation.as_bytes());
    let checksum = Digest::of(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Head> {
    let (checked, checksum) = bytes.split_at_checked(CHECKED_BYTES)?;
    if checksum != Digest::of(checked).as_bytes() {
        return None;
    }
    let rest = checked.strip_prefix(MAGIC)?;
    let (commit, rest) = rest.split_first_chunk::<8>()?;
    let (registry, rest) = rest.split_first_chunk::<32>()?;
    let (operation, _) = rest.split_first_chunk::<16>()?;
    Some(Head {
        commit: u64::from_le_bytes(*commit),
        registry: Digest::from_bytes(*registry),
        operation: OperationId::from_bytes(*operation)?,
    })
}

#[cfg(test)]
mod tests {
    use packer_domain::identity::UuidDraw;

    use super::*;
    use crate::disk::sim::SimDisk;

    fn head(commit: u64) -> Head {
        let draw = UuidDraw { unix_ms: commit, entropy: [3; 16] };
        Head { commit, registry: Digest::of(&commit.to_le_bytes()), operation: OperationId::drawn(draw) }
    }

    fn project() -> SimDisk {
        let disk = SimDisk::new();
        disk.put_dir(layout::OPERATIONAL.into());
        disk
    }

    #[test]
    fn the_last_commit_counts() {
        let disk = project();
        assert_eq!(read_head(&disk).unwrap(), None);
        for commit in [1, 2, 3, 3, 7] {
            write_head(&disk, &head(commit)).unwrap();
            assert_eq!(read_head(&disk).unwrap(), Some(head(commit)));
        }
    }

    #[test]
    fn a_torn_write_leaves_the_commit_before() {
        let disk = project();
        disk.put(layout::HEAD.into(), b"");
        for commit in 1..5 {
            write_head(&disk, &head(commit)).unwrap();
            let before = Some(head(commit));
            let torn = disk.fork();
            torn.ignore_sync(0);
            write_head(&torn, &head(commit + 1)).unwrap();
            let states: Vec<_> = torn.crash_states(64).map(|state| read_head(&state).unwrap()).collect();
            assert!(states.len() > 1, "a write that is not synced can be lost");
            assert!(
                states.iter().all(|found| *found == before || *found == Some(head(commit + 1))),
                "{states:?}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_head_are_none() {
        let disk = project();
        write_head(&disk, &head(1)).unwrap();
        let good = disk.read(layout::HEAD.into(), 1 << 20).unwrap();
        assert_eq!(good.len(), SLOT_BYTES);
        for n in 0..good.len() {
            let mut bad = good.clone();
            bad[n] ^= 0x80;
            disk.put(layout::HEAD.into(), &bad);
            assert_eq!(read_head(&disk).unwrap(), None, "byte {n}");
            disk.put(layout::HEAD.into(), &good[..n]);
            assert_eq!(read_head(&disk).unwrap(), None, "{n} bytes");
        }
    }
}
