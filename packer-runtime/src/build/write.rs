//! Writing a pack: payloads are baked in parallel and streamed into the file in payload order. What waits for a baker or for
//! its turn is bounded by [`MAX_HELD_BYTES`] beside what is being baked, whatever the size of the project.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::Utf8Path;
use packer_domain::build::{BuildEntry, BuildPlan};
use packer_domain::diagnostic::Diagnostic;
use packer_domain::identity::{AssetUuid, Digest};
use packer_domain::path::AssetPath;
use packer_events::body::{Phase, Unit};
use packer_events::report::{Failure, Rejection};
use packer_fs::build_parts::How;
use packer_fs::build_record::RecordedPayload;
use packer_fs::pack_writer::{PackWriteError, PackWriter, Placed};
use packer_pack::compress::Compressor;
use packer_pack::index::{Declared, IndexLayout};
use packer_pack::{OpenError, OpenOptions, Pack, Verify};
use rayon::prelude::*;

use super::artifacts::Artifacts;
use super::bake::{Begun, Kitchen, Made, error_count};
use super::compressors::{Compressors, Lent};
use super::explain::Reasons;
use super::former::{Former, announced};
use super::pipeline::{Broken, Piece, Pipeline};
use crate::operation::{Operation, Stop, io_failure};
use crate::progress::Progress;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::threads;

/// How many bytes of inputs wait for a baker, unless a single asset has more: a run for each of 16 readers, and as many to
/// come.
const MAX_OPEN_BYTES: u64 = 8 << 20;

/// How many bytes of inputs and of what was made of them wait for a baker or for their turn, unless a single asset has more.
const MAX_HELD_BYTES: u64 = 24 << 20;

/// What an asset takes beside its bytes while it waits, about.
const SLOT_BYTES: u64 = 512;

/// How many bytes of inputs are read, and then baked, in one go, unless a single asset has more.
const RUN_BYTES: u64 = 256 << 10;

/// How many assets are read, and then baked, in one go; fewer where there are not many for each thread.
const RUN_BAKES: usize = 64;

/// How many assets are taken on in one go, with those that need no baking.
const RUN_ASSETS: usize = 1024;

/// How many runs there are for each thread that bakes, if there are as many assets to bake: the last one to end should not
/// leave the others without work for long.
const RUNS_A_THREAD: usize = 16;

/// One pack to write.
pub(super) struct PackJob<'a> {
    pub shared: &'a Arc<Shared>,
    pub operation: &'a Operation,
    pub snapshot: &'a Snapshot,
    pub plan: &'a BuildPlan,
    /// On which payloads are checked, and assets baked of which it is only asked whether they can be.
    pub pool: &'a rayon::ThreadPool,
    pub pipeline: Pipeline,
    pub keep_going: bool,
    pub durable: bool,
    /// What earlier bakes gave, if that may be used.
    pub artifacts: Option<&'a Artifacts>,
    /// What tells why each asset is baked, if somebody wants to know.
    pub reasons: Option<&'a Reasons>,
    /// Whether this is the second pack of a proof: what it finds was said when the first one was written.
    pub is_proof: bool,
}

/// A pack that was written.
pub(super) struct Written {
    pub digest: Digest,
    pub size: u64,
    pub baked: u64,
    pub reused: u64,
    pub failed: u64,
    /// What the pack holds of each asset, by uuid; of failed ones nothing. Empty for a patch, whose record is made from the
    /// last one.
    pub payloads: Vec<(AssetUuid, RecordedPayload)>,
    /// The ids of those that were not taken over from the last pack, and how they were made.
    pub made: Vec<(u32, How)>,
}

/// How a pack is made where so many threads are asked for.
pub(super) fn pipeline(jobs: Option<usize>) -> Pipeline {
    let (openers, finishers) = (threads::reading(jobs), threads::computing(jobs));
    Pipeline { openers, finishers, max_open: MAX_OPEN_BYTES, max_bytes: MAX_HELD_BYTES }
}

/// What a pack of `plan` holds, before its payloads are known.
pub(super) fn declared(plan: &BuildPlan) -> Vec<Declared<'_>> {
    let entries = plan.entries.iter().map(|entry| Declared {
        id: entry.id().get(),
        name: entry.name().as_str(),
        kind: entry.kind().as_str(),
        preload: entry.preload(),
    });
    let absent = plan.absent.iter().map(|entry| Declared {
        id: entry.id.get(),
        name: entry.name.as_str(),
        kind: entry.kind.as_str(),
        preload: false,
    });
    entries.chain(absent).collect()
}

/// One place in payload order.
enum Slot<'a> {
    Carry(&'a BuildEntry, RecordedPayload),
    Bake(&'a BuildEntry),
    Absent(u32),
}

/// The same, with what is to be baked read or fetched.
enum Opened<'a> {
    Carry(&'a BuildEntry, RecordedPayload),
    Begun(&'a BuildEntry, Begun),
    Absent(u32),
}

enum Ready<'a> {
    Carry(&'a BuildEntry, RecordedPayload),
    Made(&'a BuildEntry, Made),
    Absent(u32),
}

impl PackJob<'_> {
    /// Bakes what `former` does not have and writes the pack to `path`.
    pub(super) fn write(&self, path: &Utf8Path, former: Option<&Former>) -> Result<Written, Stop> {
        let layout = IndexLayout::new(self.plan.options.alignment, &declared(self.plan))
            .map_err(|error| Stop::Failed(Failure::Io { message: error.to_string(), path: None }))?;
        let entries: BTreeMap<u32, &BuildEntry> =
            self.plan.entries.iter().map(|entry| (entry.id().get(), entry)).collect();
        let slots: Vec<Slot<'_>> = layout
            .payload_order()
            .map(|id| match entries.get(&id) {
                None => Slot::Absent(id),
                Some(entry) => match former.and_then(|former| former.payload(entry)) {
                    Some(payload) => Slot::Carry(entry, payload),
                    None => Slot::Bake(entry),
                },
            })
            .collect();
        let pack = former.and_then(Former::take_pack);
        let writer = PackWriter::create(&*self.shared.disk, path, layout, pack).map_err(write_stop)?;
        let kitchen = self.kitchen();
        let compressors = Compressors::default();
        let phase = if self.is_proof { Phase::Prove } else { Phase::Bake };
        let baking = Progress::begin(self.operation, phase, Unit::Assets, Some(slots.len() as u64));
        let mut table =
            Table { job: self, writer, written: Written::nothing(slots.len()), changed: Vec::new() };
        let runs: Vec<_> = runs_of(&slots, self.pipeline.finishers).collect();
        let made = self.pipeline.run(
            &runs,
            |run| self.in_span(|| self.open(&kitchen, run)),
            |run| self.in_span(|| self.finish(&kitchen, &mut compressors.take(), run, &baking)),
            |run| {
                self.operation.check_cancelled(Phase::Bake)?;
                run.into_iter().try_for_each(|ready| table.take(ready))
            },
        );
        match made {
            Ok(()) => table.finish(&baking),
            Err(Broken::Refused(stop)) => Err(stop),
            Err(Broken::Threads(error)) => {
                let message = format!("no thread to bake on: {error}");
                Err(Stop::Failed(Failure::Io { message, path: None }))
            }
        }
    }

    fn in_span<T>(&self, run: impl FnOnce() -> T) -> T {
        self.operation.span().in_scope(run)
    }

    /// Whether none of `entries` can be baked; then says why not. Where one can, nothing is said and nothing kept.
    pub(super) fn all_fail(&self, entries: &[&BuildEntry]) -> Result<bool, Stop> {
        let kitchen = self.kitchen();
        let compressors = Compressors::default();
        let one_bakes = AtomicBool::new(false);
        let bake = |compressor: &mut Lent<'_>, entry: &&BuildEntry| {
            if self.operation.is_cancelled() || one_bakes.load(Ordering::Relaxed) {
                return None;
            }
            match self.in_span(|| kitchen.make(entry, compressor)) {
                Made::Payload { .. } => {
                    one_bakes.store(true, Ordering::Relaxed);
                    None
                }
                made => Some(made),
            }
        };
        let made: Vec<Option<Made>> =
            self.pool.install(|| entries.par_iter().map_init(|| compressors.take(), bake).collect());
        self.operation.check_cancelled(Phase::Bake)?;
        if one_bakes.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let mut diagnostics = Vec::new();
        let mut changed = Vec::new();
        for made in made.into_iter().flatten() {
            match made {
                Made::Failed(found) => diagnostics.extend(found),
                Made::Changed(path) => changed.push(path),
                Made::Io(error) => return Err(Stop::Failed(io_failure(&error))),
                Made::Payload { .. } => {}
            }
        }
        if !changed.is_empty() {
            return Err(inputs_changed(changed));
        }
        self.operation.diagnose(&diagnostics);
        Ok(true)
    }

    /// Checks a pack that was just written before anybody sees it: its index, and every payload that was baked or fetched for it. What
    /// was taken over was vouched for, or checked, in the pack that it came from.
    pub(super) fn verify(&self, path: &Utf8Path, written: &Written) -> Result<(), Stop> {
        let verifying =
            Progress::begin(self.operation, Phase::Verify, Unit::Assets, Some(written.made.len() as u64));
        let pack = verify_index(self.shared, path, written.digest)?;
        let wrong = |(id, _): &(u32, How)| {
            let wrong = wrong_payload(&pack, *id);
            verifying.advance(1, 0, &|| None);
            wrong
        };
        match self.pool.install(|| written.made.par_iter().find_map_first(wrong)) {
            None => Ok(()),
            Some(message) => Err(damaged(path, message)),
        }
    }

    fn kitchen(&self) -> Kitchen<'_> {
        let state = self.snapshot.state();
        Kitchen {
            disk: &*self.shared.disk,
            codecs: &self.shared.codecs,
            state,
            limits: state.config().limits,
            compression: self.plan.options.compression,
            artifacts: self.artifacts,
            operation: self.operation,
        }
    }

    fn diagnose(&self, diagnostics: &[Diagnostic]) {
        if !self.is_proof {
            self.operation.diagnose(diagnostics);
        }
    }

    fn explain(&self, entry: &BuildEntry, how: How) {
        if let Some(reasons) = self.reasons {
            self.operation.diagnose([&reasons.diagnostic(entry, how)]);
        }
    }

    /// Reads or fetches what is to be baked.
    fn open<'e>(&self, kitchen: &Kitchen<'_>, run: &[Slot<'e>]) -> Piece<Vec<Opened<'e>>> {
        let mut bytes = SLOT_BYTES * run.len() as u64;
        let opened = run.iter().map(|slot| match slot {
            Slot::Absent(id) => Opened::Absent(*id),
            Slot::Carry(entry, payload) => Opened::Carry(entry, *payload),
            // Between two assets is where a cancelled build stops.
            Slot::Bake(entry) if self.operation.is_cancelled() => Opened::Absent(entry.id().get()),
            // What the store has of an asset may be much more than its inputs, for which there was room.
            Slot::Bake(entry) if bytes > RUN_BYTES + SLOT_BYTES * run.len() as u64 => {
                Opened::Begun(entry, Begun::Later)
            }
            Slot::Bake(entry) => {
                let begun = kitchen.begin(entry);
                bytes += begun.bytes();
                Opened::Begun(entry, begun)
            }
        });
        let what = opened.collect();
        Piece { what, bytes }
    }

    /// Bakes what was opened.
    fn finish<'e>(
        &self,
        kitchen: &Kitchen<'_>,
        compressor: &mut Compressor,
        opened: Vec<Opened<'e>>,
        baking: &Progress<'_>,
    ) -> Piece<Vec<Ready<'e>>> {
        let mut bytes = SLOT_BYTES * opened.len() as u64;
        let finished = opened.into_iter().map(|opened| match opened {
            // A build that ends does not say that it had done what it did not do.
            Opened::Begun(entry, _) if self.operation.is_cancelled() => Ready::Absent(entry.id().get()),
            Opened::Absent(id) if self.operation.is_cancelled() => Ready::Absent(id),
            Opened::Begun(entry, begun) => {
                let made = kitchen.finish(entry, begun, compressor);
                baking.advance(1, entry.input_bytes(), &|| Some(entry.name().to_string()));
                bytes += made.bytes();
                Ready::Made(entry, made)
            }
            Opened::Carry(entry, payload) => {
                baking.advance(1, 0, &|| None);
                Ready::Carry(entry, payload)
            }
            Opened::Absent(id) => {
                baking.advance(1, 0, &|| None);
                Ready::Absent(id)
            }
        });
        let what = finished.collect();
        Piece { what, bytes }
    }
}

/// Where what was baked comes together, in payload order.
struct Table<'j> {
    job: &'j PackJob<'j>,
    writer: PackWriter,
    written: Written,
    /// Inputs that are no longer what the build began with.
    changed: Vec<AssetPath>,
}

impl Table<'_> {
    fn take(&mut self, ready: Ready<'_>) -> Result<(), Stop> {
        // Once the pack cannot come to anything, the rest is baked only to report every error.
        let doomed = !self.changed.is_empty() || (self.written.failed > 0 && !self.job.keep_going);
        match ready {
            Ready::Absent(id) if !doomed => self.writer.absent(id).map_err(write_stop),
            Ready::Carry(entry, payload) if !doomed => {
                let id = entry.id().get();
                let announced = announced(&payload).ok_or_else(|| damaged_record(entry))?;
                let placed = self.writer.carry_over(id, announced, payload.offset).map_err(write_stop)?;
                self.written.note(entry, RecordedPayload { offset: placed.offset, ..payload });
                self.written.reused += 1;
                Ok(())
            }
            Ready::Absent(_) | Ready::Carry(..) => Ok(()),
            Ready::Made(entry, made) => self.take_made(entry, made, doomed),
        }
    }

    fn take_made(&mut self, entry: &BuildEntry, made: Made, doomed: bool) -> Result<(), Stop> {
        let (job, written) = (self.job, &mut self.written);
        let id = entry.id().get();
        match made {
            Made::Payload { payload, stored, diagnostics, is_fetched } => {
                let how = if is_fetched { How::Fetched } else { How::Baked };
                job.explain(entry, how);
                job.diagnose(&diagnostics);
                match how {
                    How::Baked => written.baked += 1,
                    How::Fetched => written.reused += 1,
                }
                if doomed {
                    return Ok(());
                }
                written.made.push((id, how));
                let Placed { offset, stored_size, .. } =
                    self.writer.append(id, payload, &stored).map_err(write_stop)?;
                written.note(
                    entry,
                    RecordedPayload {
                        build_key: entry.key,
                        offset,
                        stored_size,
                        raw_size: payload.raw_size,
                        raw_digest: Digest::from_bytes(payload.digest),
                        encoding: payload.encoding,
                        compression: payload.compression.code(),
                    },
                );
            }
            Made::Failed(diagnostics) => {
                debug_assert!(error_count(&diagnostics) > 0, "a failure has an error");
                job.diagnose(&diagnostics);
                written.failed += 1;
                if job.keep_going && !doomed {
                    self.writer.absent(id).map_err(write_stop)?;
                }
            }
            Made::Changed(path) => self.changed.push(path),
            Made::Io(error) => return Err(Stop::Failed(io_failure(&error))),
        }
        Ok(())
    }

    /// Writes the index, if there is to be a pack.
    fn finish(self, baking: &Progress<'_>) -> Result<Written, Stop> {
        let Self { job, writer, mut written, changed } = self;
        job.operation.check_cancelled(Phase::Bake)?;
        if !changed.is_empty() {
            return Err(inputs_changed(changed));
        }
        if written.failed > 0 && !job.keep_going {
            return Err(Stop::Failed(Failure::BakesFailed { failed: written.failed }));
        }
        baking.tell();
        let writing =
            (!job.is_proof).then(|| Progress::begin(job.operation, Phase::Write, Unit::Bytes, None));
        let summary = writer.finish(job.durable).map_err(write_stop)?;
        if let Some(writing) = writing {
            writing.reached(summary.size, 0);
        }
        written.payloads.sort_unstable_by_key(|(uuid, _)| *uuid);
        written.digest = summary.digest;
        written.size = summary.size;
        Ok(written)
    }
}

impl Written {
    /// Of a pack of so many assets, before there is any.
    pub(super) fn nothing(assets: usize) -> Self {
        Self {
            digest: Digest::of(&[]),
            size: 0,
            baked: 0,
            reused: 0,
            failed: 0,
            payloads: Vec::with_capacity(assets),
            made: Vec::new(),
        }
    }

    /// What the pack holds of one asset.
    pub(super) fn payload(&self, uuid: AssetUuid) -> Option<&RecordedPayload> {
        let at = self.payloads.binary_search_by_key(&uuid, |(uuid, _)| *uuid).ok()?;
        Some(&self.payloads[at].1)
    }

    /// Whether payloads came from the artifact store.
    pub(super) fn has_fetched(&self) -> bool {
        self.made.iter().any(|(_, how)| *how == How::Fetched)
    }

    fn note(&mut self, entry: &BuildEntry, payload: RecordedPayload) {
        self.payloads.push((entry.uuid(), payload));
    }
}

/// Runs of slots that are worked on in one go, where so many threads bake.
fn runs_of<'s, 'a>(slots: &'s [Slot<'a>], threads: usize) -> impl Iterator<Item = Piece<&'s [Slot<'a>]>> {
    let all_bakes = slots.iter().filter(|slot| matches!(slot, Slot::Bake(_))).count();
    let most_bakes = all_bakes.div_ceil(RUNS_A_THREAD * threads).clamp(1, RUN_BAKES);
    let mut rest = slots;
    std::iter::from_fn(move || {
        let (mut bytes, mut bakes, mut count) = (0, 0, 0);
        for slot in rest.iter().take(RUN_ASSETS) {
            if let Slot::Bake(entry) = slot {
                if bakes == most_bakes || (bakes > 0 && bytes + entry.input_bytes() > RUN_BYTES) {
                    break;
                }
                bytes += entry.input_bytes();
                bakes += 1;
            }
            count += 1;
        }
        let (what, after) = rest.split_at(count);
        rest = after;
        (!what.is_empty()).then_some(Piece { what, bytes: bytes + SLOT_BYTES * count as u64 })
    })
}

/// The index of a pack that was just written, read back and checked: it is the one that was to be written.
pub(super) fn verify_index(shared: &Shared, path: &Utf8Path, digest: Digest) -> Result<Pack, Stop> {
    let pack = open_pack(shared, path).map_err(|error| damaged(path, error.to_string()))?;
    if pack.digest() != *digest.as_bytes() {
        return Err(damaged(path, "the pack read back is not the one that was written".to_owned()));
    }
    match pack.verify_index().first() {
        Some(problem) => Err(damaged(path, problem.to_string())),
        None => Ok(pack),
    }
}

/// What is wrong with the payload of an asset that was made for a pack.
pub(super) fn wrong_payload(pack: &Pack, id: u32) -> Option<String> {
    match pack.by_id(id) {
        Ok(entry) => pack.verify_payload(&entry).map(|problem| problem.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

/// A pack that was written is not as it was written.
pub(super) fn damaged(path: &Utf8Path, message: String) -> Stop {
    Stop::Failed(Failure::Damaged { message, path: path.to_string() })
}

/// Opens a pack through the disk. Read and not mapped: the pages of a map would count as this process's memory, and
/// whoever cut the file meanwhile would end it.
pub(super) fn open_pack(shared: &Shared, path: &Utf8Path) -> Result<Pack, OpenError> {
    let options = OpenOptions { verify: Verify::Never, max_payload_size: u64::MAX };
    match shared.disk.open(path) {
        Ok(file) => Pack::from_reader(path.as_std_path(), file, options),
        Err(error) => Err(OpenError::Io { path: path.as_std_path().to_owned(), source: error.source }),
    }
}

/// These inputs are no longer what the build began with.
pub(super) fn inputs_changed(mut paths: Vec<AssetPath>) -> Stop {
    paths.sort();
    paths.dedup();
    Stop::Rejected(Rejection::InputsChanged { paths, registry: false, configuration: false, more: 0 })
}

fn damaged_record(entry: &BuildEntry) -> Stop {
    let message = format!("the build record of {} names a compression that does not exist", entry.name());
    Stop::Failed(Failure::Damaged { message, path: packer_fs::layout::BUILD_RECORD.to_owned() })
}

pub(super) fn write_stop(error: PackWriteError) -> Stop {
    match error {
        PackWriteError::Disk(error) => Stop::Failed(io_failure(&error)),
        other @ (PackWriteError::Place(_)
        | PackWriteError::Size { .. }
        | PackWriteError::NotInFormer { .. }) => {
            Stop::Failed(Failure::Io { message: other.to_string(), path: None })
        }
    }
}
