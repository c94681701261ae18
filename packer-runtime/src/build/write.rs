//! Writing a pack: payloads are baked in windows, in parallel, and streamed into the file in payload order, so memory is
//! bounded by two windows whatever the size of the project.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

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
use super::bake::{Kitchen, Made, error_count};
use super::compressors::{Compressors, Lent};
use super::explain::Reasons;
use super::former::{Former, announced};
use crate::operation::{Operation, Stop, io_failure};
use crate::progress::Progress;
use crate::shared::Shared;
use crate::snapshot::Snapshot;

/// How many bytes of inputs one window holds at the most, unless a single asset has more.
const WINDOW_BYTES: u64 = 16 << 20;

/// How many assets one window holds at the most.
const WINDOW_ASSETS: usize = 1024;

/// One pack to write.
pub(super) struct PackJob<'a> {
    pub shared: &'a Arc<Shared>,
    pub operation: &'a Operation,
    pub snapshot: &'a Snapshot,
    pub plan: &'a BuildPlan,
    pub pool: &'a rayon::ThreadPool,
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
        let (sender, windows) = sync_channel::<Vec<Ready<'_>>>(1);
        std::thread::scope(|scope| {
            let baker = scope.spawn(|| {
                let _entered = self.operation.span().enter();
                let sender = sender;
                for window in windows_of(&slots) {
                    if self.operation.is_cancelled() {
                        break;
                    }
                    let baked: Vec<Ready<'_>> = self.pool.install(|| {
                        let bake = |compressor: &mut Lent<'_>, slot| {
                            self.operation.span().in_scope(|| self.fill(&kitchen, compressor, slot, &baking))
                        };
                        window.par_iter().map_init(|| compressors.take(), bake).collect()
                    });
                    if sender.send(baked).is_err() {
                        break;
                    }
                }
            });
            let written = self.receive(writer, windows, slots.len(), &baking);
            match baker.join() {
                Ok(()) => written,
                // It ends this operation as it would have without the thread, and with what it says.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
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
            match self.operation.span().in_scope(|| kitchen.make(entry, compressor)) {
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

    fn fill<'e>(
        &self,
        kitchen: &Kitchen<'_>,
        compressor: &mut Compressor,
        slot: &Slot<'e>,
        baking: &Progress<'_>,
    ) -> Ready<'e> {
        match slot {
            Slot::Absent(id) => {
                baking.advance(1, 0, &|| None);
                Ready::Absent(*id)
            }
            Slot::Carry(entry, payload) => {
                baking.advance(1, 0, &|| None);
                Ready::Carry(entry, *payload)
            }
            // Between two assets is where a cancelled build stops.
            Slot::Bake(entry) if self.operation.is_cancelled() => Ready::Absent(entry.id().get()),
            Slot::Bake(entry) => {
                let made = kitchen.make(entry, compressor);
                baking.advance(1, entry.input_bytes(), &|| Some(entry.name().to_string()));
                Ready::Made(entry, made)
            }
        }
    }

    fn receive(
        &self,
        mut writer: PackWriter,
        windows: std::sync::mpsc::Receiver<Vec<Ready<'_>>>,
        total: usize,
        baking: &Progress<'_>,
    ) -> Result<Written, Stop> {
        let mut written = Written::nothing(total);
        let mut changed: Vec<AssetPath> = Vec::new();
        for window in windows {
            self.operation.check_cancelled(Phase::Bake)?;
            for ready in window {
                // Once the pack cannot come to anything, the rest is baked only to report every error.
                let doomed = !changed.is_empty() || (written.failed > 0 && !self.keep_going);
                match ready {
                    Ready::Absent(id) if !doomed => writer.absent(id).map_err(write_stop)?,
                    Ready::Absent(_) => {}
                    Ready::Carry(_, _) if doomed => {}
                    Ready::Carry(entry, payload) => {
                        let id = entry.id().get();
                        let announced = announced(&payload).ok_or_else(|| damaged_record(entry))?;
                        let placed = writer.carry_over(id, announced, payload.offset).map_err(write_stop)?;
                        written.note(entry, RecordedPayload { offset: placed.offset, ..payload });
                        written.reused += 1;
                    }
                    Ready::Made(entry, made) => {
                        self.take(&mut writer, &mut written, &mut changed, entry, made, doomed)?;
                    }
                }
            }
        }
        self.operation.check_cancelled(Phase::Bake)?;
        if !changed.is_empty() {
            return Err(inputs_changed(changed));
        }
        if written.failed > 0 && !self.keep_going {
            return Err(Stop::Failed(Failure::BakesFailed { failed: written.failed }));
        }
        baking.tell();
        let writing =
            (!self.is_proof).then(|| Progress::begin(self.operation, Phase::Write, Unit::Bytes, None));
        let summary = writer.finish(self.durable).map_err(write_stop)?;
        if let Some(writing) = writing {
            writing.reached(summary.size, 0);
        }
        written.payloads.sort_unstable_by_key(|(uuid, _)| *uuid);
        written.digest = summary.digest;
        written.size = summary.size;
        Ok(written)
    }

    fn take(
        &self,
        writer: &mut PackWriter,
        written: &mut Written,
        changed: &mut Vec<AssetPath>,
        entry: &BuildEntry,
        made: Made,
        doomed: bool,
    ) -> Result<(), Stop> {
        let id = entry.id().get();
        match made {
            Made::Payload { payload, stored, diagnostics, is_fetched } => {
                let how = if is_fetched { How::Fetched } else { How::Baked };
                self.explain(entry, how);
                self.diagnose(&diagnostics);
                match how {
                    How::Baked => written.baked += 1,
                    How::Fetched => written.reused += 1,
                }
                if doomed {
                    return Ok(());
                }
                written.made.push((id, how));
                let Placed { offset, stored_size, .. } =
                    writer.append(id, payload, &stored).map_err(write_stop)?;
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
                self.diagnose(&diagnostics);
                written.failed += 1;
                if self.keep_going && !doomed {
                    writer.absent(id).map_err(write_stop)?;
                }
            }
            Made::Changed(path) => changed.push(path),
            Made::Io(error) => return Err(Stop::Failed(io_failure(&error))),
        }
        Ok(())
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

/// Runs of slots that are small enough to be held in memory together.
fn windows_of<'s, 'a>(slots: &'s [Slot<'a>]) -> impl Iterator<Item = &'s [Slot<'a>]> {
    let mut rest = slots;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let mut count = 0;
        for slot in rest {
            let size = match slot {
                Slot::Bake(entry) => entry.input_bytes(),
                Slot::Carry(..) | Slot::Absent(_) => 0,
            };
            if count > 0 && (bytes + size > WINDOW_BYTES || count == WINDOW_ASSETS) {
                break;
            }
            bytes += size;
            count += 1;
        }
        let (window, after) = rest.split_at(count);
        rest = after;
        (!window.is_empty()).then_some(window)
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
