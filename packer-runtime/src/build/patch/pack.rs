//! The pack of a patch: the table of the last one with other payloads in a few places.
//!
//! Where payloads go and what stands before them is decided by `packer_pack::index`, as for every pack.

use std::collections::BTreeMap;

use camino::Utf8Path;
use packer_domain::config::BuildOptions;
use packer_domain::identity::{AssetId, AssetUuid, Digest};
use packer_events::body::Phase;
use packer_events::report::Failure;
use packer_fs::build_parts::How;
use packer_fs::build_record::{BuildRecord, RecordedPayload};
use packer_fs::build_sources::BuildSources;
use packer_fs::pack_writer::{PackWriter, Placed, SettledPack};
use packer_pack::index::{Declared, IndexLayout, Payload};
use packer_pack::{Entry, OpenOptions, Pack, ReadError, Verify};

use super::super::manifest::Row;
use super::super::write::{Written, write_stop};
use super::{Last, New};
use crate::operation::{Operation, Stop};
use crate::shared::Shared;

/// How many payloads are placed before somebody may call it off.
const STRIDE: usize = 4096;

/// The pack at `path`, of whose index nothing is believed unchecked.
pub(super) fn open(shared: &Shared, path: &Utf8Path) -> Option<Pack> {
    let options = OpenOptions { verify: Verify::OnRead, max_payload_size: u64::MAX };
    let file = shared.disk.open(path).ok()?;
    Pack::from_reader(path.as_std_path(), file, options).ok()
}

/// What the record says of the assets: what the last one said, but for where payloads are, and for those that are new.
pub(in super::super) struct Records {
    /// Where the payload of each asset is now, by its number in the record.
    offsets: Vec<u64>,
    new: BTreeMap<u32, RecordedPayload>,
}

impl Records {
    /// All of them, by uuid, after `former`, the last ones.
    pub(in super::super) fn all(
        &self,
        former: &BuildRecord,
    ) -> impl Iterator<Item = (AssetUuid, RecordedPayload)> {
        let numbered = (0..).zip(&self.offsets).zip(former.iter());
        numbered.map(|((number, offset), (uuid, old))| {
            let now = self.new.get(&number).copied();
            (uuid, now.unwrap_or(RecordedPayload { offset: *offset, ..old }))
        })
    }
}

/// The last pack with what is `new`, all of it placed, and written to `path` only as far as it is too much to hold.
pub(super) fn place(
    shared: &Shared,
    operation: &Operation,
    path: &Utf8Path,
    options: &BuildOptions,
    last: &Last,
    sources: &BuildSources,
    new: &BTreeMap<u32, New>,
) -> Result<(SettledPack, Written, Records), Stop> {
    let damaged = |message: String| {
        Stop::Failed(Failure::Damaged { message, path: last.former.head().pack.path.to_string() })
    };
    let unread = |error: ReadError| damaged(error.to_string());
    let entries: Vec<Entry<'_>> = last.pack.entries().map_err(unread)?.collect();
    let declared = entries.iter().map(declared).collect::<Result<Vec<_>, _>>().map_err(unread)?;
    let layout =
        IndexLayout::new(options.alignment, &declared).map_err(|error| damaged(error.to_string()))?;
    drop(declared);
    let by_place = by_place(sources, new);
    // As the layout has them: preload first, then the rest, each by id, which is how they stand in the table.
    let (first, rest): (Vec<usize>, Vec<usize>) =
        (0..entries.len()).partition(|at| entries[*at].is_preload());

    let former = last.former.take_pack();
    let mut writer = PackWriter::create(&*shared.disk, path, layout, former).map_err(write_stop)?;
    let mut placed_at = vec![0; entries.len()];
    let mut written = Written::nothing(0);
    for (count, at) in first.into_iter().chain(rest).enumerate() {
        if count % STRIDE == 0 {
            operation.check_cancelled(Phase::Write)?;
        }
        let entry = &entries[at];
        let placed = if let Some(new) = by_place.get(&(at as u32)) {
            written.made.push((entry.id(), new.how));
            writer.append(entry.id(), new.payload, &new.stored)
        } else {
            let payload = payload(entry).map_err(unread)?;
            writer.carry_over(entry.id(), payload, entry.offset())
        };
        let Placed { offset, .. } = placed.map_err(write_stop)?;
        placed_at[at] = offset;
    }
    let assets = entries.len() as u64;
    drop(entries);
    let settled = writer.settle().map_err(write_stop)?;
    let summary = settled.summary();
    let offsets: Vec<u64> =
        (0..last.former.record().len()).map(|number| placed_at[sources.place(number) as usize]).collect();
    let record = |(number, New { key, payload, .. }): (&u32, &New)| {
        let payload = RecordedPayload {
            build_key: *key,
            offset: offsets[*number as usize],
            stored_size: payload.stored_size,
            raw_size: payload.raw_size,
            raw_digest: Digest::from_bytes(payload.digest),
            encoding: payload.encoding,
            compression: payload.compression.code(),
        };
        (*number, payload)
    };
    let records = Records { new: new.iter().map(record).collect(), offsets };
    let baked = written.made.iter().filter(|(_, how)| *how == How::Baked).count() as u64;
    let reused = assets - baked;
    let written = Written { digest: summary.digest, size: summary.size, baked, reused, ..written };
    Ok((settled, written, records))
}

/// The rows of the manifest.
pub(super) fn rows<'a>(
    last: &'a Last,
    sources: &BuildSources,
    new: &'a BTreeMap<u32, New>,
) -> impl Iterator<Item = Row<'a>> {
    let by_place = by_place(sources, new);
    // The index was read through when the pack was written.
    let entries = last.pack.entries().ok().into_iter().flatten();
    entries.enumerate().filter_map(move |(at, entry)| {
        let (size, digest) = match by_place.get(&(at as u32)) {
            Some(new) => (new.payload.raw_size, new.payload.digest),
            None => (entry.raw_size(), *entry.digest()),
        };
        Some(Row {
            id: AssetId::new(entry.id())?,
            name: entry.name().ok()?,
            kind: entry.kind().ok()?,
            payload: Some((size, Digest::from_bytes(digest))),
        })
    })
}

/// The new payloads by where they are in the table.
fn by_place<'a>(sources: &BuildSources, new: &'a BTreeMap<u32, New>) -> BTreeMap<u32, &'a New> {
    new.iter().map(|(number, new)| (sources.place(*number as usize), new)).collect()
}

fn declared<'p>(entry: &Entry<'p>) -> Result<Declared<'p>, ReadError> {
    Ok(Declared { id: entry.id(), name: entry.name()?, kind: entry.kind()?, preload: entry.is_preload() })
}

fn payload(entry: &Entry<'_>) -> Result<Payload, ReadError> {
    Ok(Payload {
        encoding: entry.encoding(),
        compression: entry.compression()?,
        stored_size: entry.stored_size(),
        raw_size: entry.raw_size(),
        digest: *entry.digest(),
    })
}
