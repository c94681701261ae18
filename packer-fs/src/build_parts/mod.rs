//! What the keys of the last builds were made of: so that the packer can say which part of a key differs, and not only
//! that it does.
//!
//! One file, `.packer/build-parts`, to which each build adds what it baked, so that a build that bakes little writes
//! little, and one that bakes nothing writes nothing. Of each asset the last two records count: they tell why it was baked
//! the last time. Where too many others have gathered, the file is written anew without them; that is done frame by
//! frame, so memory does not grow with the project by more than an entry an asset.
//!
//! ```text
//! head       56 bytes  magic, end of what counts u64, number of records u64, BLAKE3 of the 24 bytes before it
//! frames               see `frame`; what stands behind the end was never finished
//! ```
//!
//! Nothing is decided by it, and nothing of it is synced: where it is missing or damaged, the packer says that it does
//! not know. Whoever writes holds the build lock. What the parts mean is `packer-domain`'s.

mod frame;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::build::{BakeReason, BuildEntry, KeyParts};
use packer_domain::identity::{AssetUuid, OperationId};
use packer_domain::kind::KindSpec;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, DiskError, DiskOperation, WriteFile};
use crate::layout::BUILD_PARTS;
use frame::{FrameWriter, Record, Step};

const MAGIC: [u8; 8] = *b"PKRPART1";
const HEAD_BYTES: u64 = 56;

/// The file while it is written anew.
const NEW: &str = ".packer/build-parts.new";

/// How many records may be there for each asset, before those that no longer count are left out.
const RECORDS_PER_ASSET: u64 = 4;

/// So many records are not worth looking through.
const FEW: u64 = 10_000;

/// How an asset came into a pack, if not from the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Its codec ran.
    Baked,
    /// The artifact store had it.
    Fetched,
}

/// How one build made an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// How it came into the pack.
    pub how: How,
    /// Whether the pack before had a payload of it.
    pub was_in_pack: bool,
}

/// The build that a record is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedBuild {
    /// The build.
    pub operation: OperationId,
    /// How it compressed, and with which libraries.
    pub compression: String,
    /// Why it could take over nothing at all, if that was so.
    pub cause: Option<NoFormer>,
}

/// Why a build could take over nothing at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case", deny_unknown_fields)]
pub enum NoFormer {
    /// There was no build before.
    NeverBuilt {},
    /// It was told to.
    NoReuse {},
    /// The last build compressed differently.
    Compression {
        /// How, if that is known.
        from: Option<String>,
        /// How this one does.
        to: String,
    },
    /// The last build wrote into another folder.
    OtherOutput {
        /// The pack that it wrote.
        pack: String,
    },
    /// The last pack was not there.
    PackMissing {
        /// Where it was.
        pack: String,
    },
    /// The last pack was not what was written.
    PackDamaged {
        /// Where it is.
        pack: String,
    },
    /// What the last build left could not be read.
    RecordUnreadable {},
}

impl From<NoFormer> for BakeReason {
    fn from(cause: NoFormer) -> Self {
        match cause {
            NoFormer::NeverBuilt {} => Self::NeverBuilt {},
            NoFormer::NoReuse {} => Self::NoReuse {},
            NoFormer::Compression { from, to } => Self::Compression { from, to },
            NoFormer::OtherOutput { pack } => Self::OtherOutput { pack },
            NoFormer::PackMissing { pack } => Self::PackMissing { pack },
            NoFormer::PackDamaged { pack } => Self::PackDamaged { pack },
            NoFormer::RecordUnreadable {} => Self::RecordUnreadable {},
        }
    }
}

/// An asset as one build made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedParts {
    /// What its key was made of.
    pub parts: KeyParts,
    /// How it came into the pack.
    pub how: How,
    /// Whether the pack before had a payload of it.
    pub was_in_pack: bool,
    /// Which build it was.
    pub build: Arc<RecordedBuild>,
}

/// The last two times that an asset was not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsHistory {
    /// The last time.
    pub last: RecordedParts,
    /// The time before.
    pub before: Option<RecordedParts>,
}

/// What is known of the assets that are `wanted`. What is missing or damaged is not known.
pub fn load(
    disk: &dyn Disk,
    wanted: &dyn Fn(AssetUuid) -> bool,
) -> Result<BTreeMap<AssetUuid, PartsHistory>, DiskError> {
    let mut known: BTreeMap<AssetUuid, PartsHistory> = BTreeMap::new();
    each_frame(disk, &mut |frame| {
        for Record { uuid, made, parts } in frame.records.into_iter().filter(|record| wanted(record.uuid)) {
            let Made { how, was_in_pack } = made;
            let last = RecordedParts { parts, how, was_in_pack, build: Arc::clone(&frame.build) };
            let before = known.remove(&uuid).map(|history| history.last);
            known.insert(uuid, PartsHistory { last, before });
        }
        Ok(())
    })?;
    Ok(known)
}

/// Adds what `build` made: each asset with its kind and how it was made. `assets` is how many the project has, and
/// `is_live` whether one is still of interest. The caller holds the build lock.
pub fn append<'e>(
    disk: &dyn Disk,
    build: &RecordedBuild,
    made: impl ExactSizeIterator<Item = (&'e BuildEntry, &'e KindSpec, Made)>,
    assets: u64,
    is_live: &dyn Fn(AssetUuid) -> bool,
) -> Result<(), DiskError> {
    if made.len() == 0 {
        return Ok(());
    }
    remove_unfinished(disk)?;
    let head = read_head(disk)?;
    let records = head.map_or(0, |head| head.records) + made.len() as u64;
    match head {
        Some(head) if records <= FEW || records <= assets.saturating_mul(RECORDS_PER_ASSET) => {
            let mut file = disk.open_write(BUILD_PARTS.into())?;
            let write = || {
                file.seek(SeekFrom::Start(head.end))?;
                let end = head.end + write_made(&mut *file, build, made)?;
                write_head(&mut *file, Head { end, records })
            };
            write().map_err(|source| failed(BUILD_PARTS, source))
        }
        Some(_) => rewrite(disk, build, made, is_live),
        // Nothing of what stands there counts: written in place, so that a process that dies leaves nothing else.
        None => {
            let mut file = disk.open_write(BUILD_PARTS.into())?;
            let write = || {
                file.set_len(0)?;
                file.set_len(HEAD_BYTES)?;
                file.seek(SeekFrom::Start(HEAD_BYTES))?;
                let end = HEAD_BYTES + write_made(&mut *file, build, made)?;
                write_head(&mut *file, Head { end, records })
            };
            write().map_err(|source| failed(BUILD_PARTS, source))
        }
    }
}

/// Removes what a process left that died while it wrote the file anew.
fn remove_unfinished(disk: &dyn Disk) -> Result<(), DiskError> {
    match disk.remove_file(NEW.into()) {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

/// Where what counts ends, and how many records there are.
#[derive(Clone, Copy)]
struct Head {
    end: u64,
    records: u64,
}

fn read_head(disk: &dyn Disk) -> Result<Option<Head>, DiskError> {
    let mut file = match disk.open(BUILD_PARTS.into()) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = [0; HEAD_BYTES as usize];
    match file.read_exact(&mut bytes) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(DiskError { operation: DiskOperation::Read, ..failed(BUILD_PARTS, error) }),
    }
    let (facts, checksum) = bytes.split_at(24);
    let is_head = facts[..8] == MAGIC && blake3::hash(facts).as_bytes() == checksum;
    let number = |at: usize| u64::from_le_bytes(frame::array(facts, at));
    let head = Head { end: number(8), records: number(16) };
    let size = file.stat().map_err(|source| failed(BUILD_PARTS, source))?.size;
    Ok((is_head && (HEAD_BYTES..=size).contains(&head.end)).then_some(head))
}

fn write_head(file: &mut dyn WriteFile, head: Head) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES as usize);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&head.end.to_le_bytes());
    bytes.extend_from_slice(&head.records.to_le_bytes());
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)?;
    file.flush()
}

/// Reads the frames one after the other; those that are damaged are passed over.
fn each_frame(
    disk: &dyn Disk,
    take: &mut dyn FnMut(frame::Frame) -> Result<(), DiskError>,
) -> Result<(), DiskError> {
    let Some(head) = read_head(disk)? else { return Ok(()) };
    let mut file = disk.open(BUILD_PARTS.into())?;
    let unreadable = |source| DiskError { operation: DiskOperation::Read, ..failed(BUILD_PARTS, source) };
    file.seek(SeekFrom::Start(HEAD_BYTES)).map_err(unreadable)?;
    let mut reader = BufReader::new(file.take(head.end - HEAD_BYTES));
    loop {
        match frame::read(&mut reader).map_err(unreadable)? {
            Step::Frame(frame) => take(frame)?,
            Step::Damaged => {}
            Step::End => return Ok(()),
        }
    }
}

/// Writes the records of one build; gives their bytes.
fn write_made<'e>(
    file: &mut dyn WriteFile,
    build: &RecordedBuild,
    made: impl Iterator<Item = (&'e BuildEntry, &'e KindSpec, Made)>,
) -> io::Result<u64> {
    let mut frames = FrameWriter::new(build);
    let mut bytes = 0;
    for (entry, spec, made) in made {
        frames.entry(entry, spec, made);
        bytes += frames.write_if_full(file)?;
    }
    bytes += frames.write(file)?;
    Ok(bytes)
}

/// Writes the file anew, with those records that still count and with what was made.
fn rewrite<'e>(
    disk: &dyn Disk,
    build: &RecordedBuild,
    made: impl ExactSizeIterator<Item = (&'e BuildEntry, &'e KindSpec, Made)>,
    is_live: &dyn Fn(AssetUuid) -> bool,
) -> Result<(), DiskError> {
    // The number of the last record of each asset: with the new one, it makes two. One that is not baked now keeps two.
    let mut last: BTreeMap<AssetUuid, [Option<u32>; 2]> = BTreeMap::new();
    let mut number = 0;
    each_frame(disk, &mut |frame| {
        for Record { uuid, .. } in &frame.records {
            if is_live(*uuid) {
                let numbers = last.entry(*uuid).or_default();
                *numbers = [numbers[1], Some(number)];
            }
            number += 1;
        }
        Ok(())
    })?;
    let counting: BTreeSet<u32> = last.into_values().flatten().flatten().collect();

    let mut file = disk.create(NEW.into())?;
    let fail = |source| failed(NEW, source);
    write_head(&mut *file, Head { end: HEAD_BYTES, records: 0 }).map_err(fail)?;
    let mut head = Head { end: HEAD_BYTES, records: made.len() as u64 };
    number = 0;
    each_frame(disk, &mut |frame| {
        let mut kept = FrameWriter::new(&frame.build);
        for record in &frame.records {
            if counting.contains(&number) {
                kept.record(record);
                head.records += 1;
            }
            number += 1;
        }
        head.end += kept.write(&mut *file).map_err(fail)?;
        Ok(())
    })?;
    let finish = || {
        head.end += write_made(&mut *file, build, made)?;
        write_head(&mut *file, head)
    };
    finish().map_err(fail)?;
    drop(file);
    disk.rename_over(NEW.into(), BUILD_PARTS.into())
}

fn failed(path: &str, source: io::Error) -> DiskError {
    DiskError { operation: DiskOperation::Write, path: Utf8Path::new(path).to_owned(), source }
}
