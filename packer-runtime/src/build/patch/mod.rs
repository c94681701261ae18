//! Builds after a few sources changed: the last build is made again but for them, and nothing else is parsed, evaluated
//! or planned.
//!
//! What the workspace is made of stands in one digest, the frame, and in the digest of each file. Where the frame is that
//! of the last build, and each file that differs is the source of one asset that has to do with no other, the assets of
//! these files are all that can have changed; and of those only the payload, since a source decides neither the name of
//! its asset, nor its kind, its id or its place. They alone are evaluated and planned, by the same code as ever; the rest
//! of the pack, the manifest and the record are taken from the last build's.
//!
//! A shortcut to what planning would give, to the byte, and never more. In any doubt nothing is done here, and everything
//! is evaluated: where somebody has to be told why something is baked, where a bake fails, where an output was touched,
//! where there is something that this does not know. That is also what makes such a build publish nothing: only a process
//! that has read nothing of the project yet comes here, so there is nothing that publishing would correct.

mod pack;
mod part;

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::build::BuildEntry;
use packer_domain::config::BuildOptions;
use packer_domain::diagnostic::Diagnostic;
use packer_domain::identity::Digest;
use packer_events::body::{Phase, Unit};
use packer_events::report::{BuildReport, Ending, OutcomeReport};
use packer_fs::build_parts::How;
use packer_fs::build_record::{OutputFact, RecordedPayload};
use packer_fs::build_sources::{BuildSources, FileUse};
use packer_fs::disk::Hashed;
use packer_fs::layout;
use packer_fs::pack_writer::SettledPack;
use packer_pack::Pack;
use packer_pack::index::Payload;
use rayon::prelude::*;

use super::artifacts::{Artifacts, StorePolicy};
use super::bake::{Kitchen, Made};
use super::commit::{self, Constants, Outputs, Payloads, Staging, Used};
use super::compressors::{Compressors, Lent};
use super::former::Former;
use super::manifest::{self, PackFacts};
use super::write::{Written, damaged, inputs_changed, verify_index, write_stop, wrong_payload};
use super::{BuildRequest, MANIFEST_FILE, PACK_FILE, at_once, bakers, explain, sources, unchanged};
use crate::lane::{Finale, Worker};
use crate::observe::Sighting;
use crate::operation::{Operation, Stop, io_failure};
use crate::progress::Progress;
use crate::shared::Shared;
use crate::sync::lock::BuildGuard;
pub(super) use pack::Records;
use part::Part;

/// Sources of more assets are not held apart: so many are as well planned with the others.
const MAX_ASSETS: usize = 256;

/// How many bytes the sources of several assets may have together: their payloads are held in memory.
const MAX_BYTES: u64 = 16 << 20;

/// What differs from the last build.
pub(super) struct Change {
    sources: BuildSources,
    /// The files whose contents differ, by their numbers, and the digests that they have now.
    files: Vec<(usize, Digest)>,
    /// The assets that they are sources of, by their numbers in the record, each with all of its sources.
    assets: BTreeMap<u32, Vec<usize>>,
}

/// A build of what differs from the last one.
pub(super) struct Patch {
    pub sighting: Sighting,
    pub change: Change,
    pub options: BuildOptions,
    pub folder: Utf8PathBuf,
}

/// What came of a patch.
pub(super) enum Patched<'s> {
    /// The build is at its end.
    Done(Finale<'s>),
    /// Everything has to be evaluated. Nothing was done.
    Not(BuildGuard),
}

/// A payload as it is now.
pub(super) struct New {
    key: Digest,
    how: How,
    payload: Payload,
    stored: Vec<u8>,
}

/// What differs between what was sighted and what the last build was made from; `None` if that takes an evaluation.
pub(super) fn find(
    shared: &Shared,
    request: &BuildRequest,
    sighting: &Sighting,
    options: &BuildOptions,
) -> Option<Change> {
    // What a durable build leaves in place it cannot know to be on the disk.
    let is_plain = request.reuse && !request.prove && !request.explain;
    if !is_plain || options.durable || !sighting.problems.is_empty() {
        return None;
    }
    let sources = BuildSources::load(&*shared.disk, layout::BUILD_SOURCES.into())?;
    let index = &*sighting.index;
    if sources.frame() != sources::frame(sighting.frame, options) || sources.file_count() != index.len() {
        return None;
    }
    let differs = |at: &usize| index.digest(*at) != sources.digest(*at);
    let files: Vec<(usize, Digest)> =
        (0..index.len()).filter(differs).map(|at| (at, index.digest(at))).collect();
    let mut assets = BTreeMap::new();
    for (at, _) in &files {
        match sources.used_for(*at) {
            FileUse::Nothing => {}
            FileUse::Asset(number) => {
                assets.entry(number).or_insert_with(Vec::new);
            }
            FileUse::Unknown => return None,
        }
        if assets.len() > MAX_ASSETS {
            return None;
        }
    }
    if !assets.is_empty() {
        for at in 0..index.len() {
            if let FileUse::Asset(number) = sources.used_for(at)
                && let Some(files) = assets.get_mut(&number)
            {
                files.push(at);
            }
        }
    }
    let bytes: u64 = assets.values().flatten().map(|at| index.stat(*at).size).sum();
    if assets.len() > 1 && bytes > MAX_BYTES {
        return None;
    }
    Some(Change { sources, files, assets })
}

/// Builds what differs.
pub(super) fn build<'s>(
    shared: &'s Arc<Shared>,
    lane: &Worker,
    operation: &Operation,
    request: &BuildRequest,
    patch: Patch,
    lock: BuildGuard,
) -> Result<Patched<'s>, Stop> {
    let Patch { sighting, change, options, folder } = patch;
    let Some(last) = Last::find(shared, &change, &options, &folder) else { return Ok(Patched::Not(lock)) };
    let assets = change.sources.asset_count() as u64;
    let fingerprint = sighting.basis.fingerprint;
    let head = last.former.head();
    let report = BuildReport {
        assets,
        baked: 0,
        reused: assets,
        failed: 0,
        bytes: head.pack.size,
        pack_digest: head.pack_digest,
        unchanged: true,
        took_ms: operation.took_ms(),
        incomplete: false,
        proved: false,
    };
    if change.assets.is_empty() {
        // What was edited is no source of anything. The next build need not find that out again.
        unchanged::remember(shared, fingerprint, &options, head, assets, true);
        return Ok(Patched::Done(unchanged_end(report)));
    }
    let Some(part) = part::evaluate(shared, &sighting, &change, &last, options) else {
        return Ok(Patched::Not(lock));
    };
    let job = Job { shared, operation, request, change: &change, last: &last, part: &part };
    let Some(baked) = job.bake()? else { return Ok(Patched::Not(lock)) };
    let count = |how| baked.new.values().filter(|new| new.how == how).count() as u64;
    let (fetched, baked_count) = (count(How::Fetched), count(How::Baked));
    debug_assert!(fetched + baked_count <= assets, "each is an asset");
    let report = BuildReport { baked: baked_count, reused: assets - baked_count, ..report };
    if last.has_all(&baked.new) {
        operation.diagnose(&baked.diagnostics);
        // What was baked under other keys turned out equal. The next build need not find that out again.
        if let Some(record) = job.note_keys(&baked.new) {
            unchanged::remember(shared, fingerprint, &options, head, assets, true);
            store(shared, &change.sources.with(record, change.files));
        }
        return Ok(Patched::Done(unchanged_end(report)));
    }

    let staging = Staging::create(shared, &folder, operation.id)?;
    let writing = Progress::begin(operation, Phase::Write, Unit::Bytes, None);
    let (placed, written, records) = job.place(&staging, &baked.new)?;
    let (copied, manifest) = job.write(&staging, placed, &written, &baked.new);
    if copied.is_ok() {
        writing.reached(written.size, 0);
        writing.tell();
    }
    drop(writing);
    let Last { former, pack, manifest: manifest_path } = last;
    // Before as much is read again.
    drop(pack);
    let checked = copied.and_then(|()| check(shared, operation, &staging, &written));
    // What was taken over may be another's by now, and what was fetched may be wrong.
    if !former.is_untouched(shared) || checked.is_err() && written.has_fetched() {
        return Ok(Patched::Not(lock));
    }
    checked?;
    let manifest = manifest?;
    let constants: Vec<OutputFact> = constants(&former, &manifest_path).cloned().collect();
    if !constants.iter().all(|fact| stands(shared, fact)) {
        return Ok(Patched::Not(lock));
    }
    operation.diagnose(&baked.diagnostics);
    operation.check_cancelled(Phase::Verify)?;
    let report = BuildReport {
        bytes: written.size,
        pack_digest: written.digest,
        unchanged: false,
        took_ms: operation.took_ms(),
        ..report
    };
    let registry = explain::LiveLines::of(Arc::clone(&sighting.registry));
    let made = written.made.clone();
    let constants = Constants::Standing(constants);
    let payloads = Payloads::Patched { former: Box::new(former.into_record()), records };
    let Change { sources, files, .. } = change;
    let finale = commit::commit(
        shared,
        lane,
        operation,
        Outputs {
            used: Used::Patched { sighting: Box::new(sighting), sources, files },
            options,
            folder,
            manifest,
            constants,
            written,
            payloads,
            report,
            staging,
            lock,
        },
    )?;
    let committed = explain::Committed {
        plan: &part.plan,
        kinds: part.state.kinds(),
        assets,
        is_live: &|uuid| registry.has(uuid),
        was_in_pack: &|_| true,
        cause: None,
    };
    explain::remember(shared, operation, committed, &made);
    Ok(Patched::Done(finale))
}

fn unchanged_end<'s>(report: BuildReport) -> Finale<'s> {
    Finale::plain(Ending::Succeeded(OutcomeReport::Build(report)))
}

/// Remembers which file was used for what. Without it, the next build evaluates everything.
pub(super) fn store(shared: &Shared, sources: &BuildSources) {
    if let Err(error) = sources.store(&*shared.disk, layout::BUILD_SOURCES.into()) {
        tracing::info!(%error, "the next build evaluates everything");
    }
}

/// The last build, every output of which stands as it was written.
struct Last {
    former: Former,
    pack: Pack,
    manifest: Utf8PathBuf,
}

impl Last {
    /// The build that `change` is a change of.
    fn find(
        shared: &Arc<Shared>,
        change: &Change,
        options: &BuildOptions,
        folder: &Utf8Path,
    ) -> Option<Self> {
        let former = Former::find(shared, folder, options).ok()?;
        let record = former.record();
        let is_it = record.checksum() == change.sources.record()
            && record.len() == change.sources.asset_count()
            && former.is_whole();
        if !is_it {
            return None;
        }
        let pack = pack::open(shared, &former.head().pack.path)?;
        let is_it = pack.digest() == *former.pack_digest().as_bytes()
            && pack.len() == record.len()
            && !pack.is_incomplete();
        is_it.then(|| Self { former, pack, manifest: folder.join(MANIFEST_FILE) })
    }

    /// What the record has of an asset.
    fn recorded(&self, number: u32) -> Option<RecordedPayload> {
        self.former.record().at(number as usize).map(|(_, payload)| payload)
    }

    /// Whether the pack has these very payloads.
    fn has_all(&self, new: &BTreeMap<u32, New>) -> bool {
        new.iter().all(|(number, new)| {
            self.recorded(*number).is_some_and(|old| {
                old.raw_digest.as_bytes() == &new.payload.digest
                    && (old.encoding, old.compression)
                        == (new.payload.encoding, new.payload.compression.code())
                    && (old.stored_size, old.raw_size) == (new.payload.stored_size, new.payload.raw_size)
            })
        })
    }
}

/// The constants beside the pack of `former`: names, ids and kinds are as they were, and so these are.
fn constants<'f>(former: &'f Former, manifest: &Utf8Path) -> impl Iterator<Item = &'f OutputFact> {
    former.head().others.iter().filter(move |fact| fact.path != manifest)
}

fn stands(shared: &Shared, fact: &OutputFact) -> bool {
    shared.disk.stat(&fact.path).is_ok_and(|stat| fact.is_unchanged(stat.as_ref()))
}

/// What was baked, and what was said about it.
struct Baked {
    /// By the number of the asset. What is not here is taken over.
    new: BTreeMap<u32, New>,
    diagnostics: Vec<Diagnostic>,
}

struct Job<'a> {
    shared: &'a Arc<Shared>,
    operation: &'a Operation,
    request: &'a BuildRequest,
    change: &'a Change,
    last: &'a Last,
    part: &'a Part,
}

impl Job<'_> {
    /// Bakes what the last pack does not have; `None` if not all of it can be baked.
    fn bake(&self) -> Result<Option<Baked>, Stop> {
        let Self { shared, operation, part, .. } = self;
        let state = &part.state;
        let wanted: Vec<(u32, &BuildEntry)> = part
            .entries()
            .filter(|(number, entry)| {
                self.last.recorded(*number).is_none_or(|payload| payload.build_key != entry.key)
            })
            .collect();
        let policy = self.request.store;
        let policy = if self.request.reuse { policy } else { StorePolicy::Off };
        let artifacts = Artifacts::open(&shared.root, state.config(), &part.plan.options, policy);
        let kitchen = Kitchen {
            disk: &*shared.disk,
            codecs: &shared.codecs,
            state,
            limits: state.config().limits,
            compression: part.plan.options.compression,
            artifacts: artifacts.as_ref(),
            operation,
        };
        let total = wanted.len() as u64;
        let baking = Progress::begin(operation, Phase::Bake, Unit::Assets, Some(total));
        let compressors = Compressors::default();
        let bake = |compressor: &mut Lent<'_>, wanted: &(u32, &BuildEntry)| {
            let bake_it = || operation.span().in_scope(|| kitchen.make(wanted.1, compressor));
            let made = (!operation.is_cancelled()).then(bake_it);
            baking.advance(1, wanted.1.input_bytes(), &|| Some(wanted.1.name().to_string()));
            made
        };
        let made: Vec<Option<Made>> = if wanted.len() == 1 {
            wanted.iter().map(|entry| bake(&mut compressors.take(), entry)).collect()
        } else {
            let pool = bakers(shared, self.request)?;
            pool.install(|| wanted.par_iter().map_init(|| compressors.take(), bake).collect())
        };
        operation.check_cancelled(Phase::Bake)?;
        let mut baked = Baked { new: BTreeMap::new(), diagnostics: Vec::new() };
        let mut changed = Vec::new();
        let mut has_failed = false;
        for ((number, entry), made) in wanted.into_iter().zip(made) {
            let Some(made) = made else { continue };
            match made {
                Made::Payload { payload, stored, diagnostics, is_fetched } => {
                    let how = if is_fetched { How::Fetched } else { How::Baked };
                    baked.diagnostics.extend(diagnostics);
                    baked.new.insert(number, New { key: entry.key, how, payload, stored });
                }
                Made::Failed(_) => has_failed = true,
                Made::Changed(path) => changed.push(path),
                Made::Io(error) => return Err(Stop::Failed(io_failure(&error))),
            }
        }
        artifacts.iter().for_each(Artifacts::settle);
        if !changed.is_empty() {
            return Err(inputs_changed(changed));
        }
        drop(baking);
        Ok((!has_failed).then_some(baked))
    }

    /// Notes under which keys payloads have been made now that stand in the pack already; gives the checksum of the record
    /// that says so.
    fn note_keys(&self, new: &BTreeMap<u32, New>) -> Option<Digest> {
        let records = (0..).zip(self.last.former.record().iter());
        let payloads: Vec<_> = records
            .map(|(number, (uuid, old))| {
                let build_key = new.get(&number).map_or(old.build_key, |new| new.key);
                (uuid, RecordedPayload { build_key, ..old })
            })
            .collect();
        self.last.former.note_payloads(self.shared, &payloads)
    }

    /// Places all payloads. What is new is written, and what goes before it taken over, where that is too much to hold.
    fn place(
        &self,
        staging: &Staging,
        new: &BTreeMap<u32, New>,
    ) -> Result<(SettledPack, Written, Records), Stop> {
        let Self { shared, operation, change, last, part, .. } = self;
        let path = staging.path(PACK_FILE);
        pack::place(shared, operation, &path, &part.plan.options, last, &change.sources, new)
    }

    /// Writes the rest of the pack, and the manifest.
    fn write(
        &self,
        staging: &Staging,
        placed: SettledPack,
        written: &Written,
        new: &BTreeMap<u32, New>,
    ) -> (Result<(), Stop>, Result<Hashed, Stop>) {
        let Self { change, last, part, .. } = self;
        let durable = part.plan.options.durable;
        let rows = pack::rows(last, &change.sources, new);
        let facts = PackFacts::new(written.digest, written.size, false);
        // What the manifest says is known before the pack is copied.
        at_once(
            || placed.write(durable).map(|_| ()).map_err(write_stop),
            || staging.stream_file(MANIFEST_FILE, durable, |out| manifest::write(out, facts, rows)),
        )
    }
}

/// Checks the pack that was written: all that stands before the payloads, and the payloads that are new.
fn check(
    shared: &Arc<Shared>,
    operation: &Operation,
    staging: &Staging,
    written: &Written,
) -> Result<(), Stop> {
    let path = staging.path(PACK_FILE);
    let checking = Progress::begin(operation, Phase::Verify, Unit::Assets, Some(written.made.len() as u64));
    let pack = verify_index(shared, &path, written.digest)?;
    let wrong = written.made.iter().find_map(|(id, _)| {
        let wrong = wrong_payload(&pack, *id);
        checking.advance(1, 0, &|| None);
        wrong
    });
    wrong.map_or(Ok(()), |message| Err(damaged(&path, message)))
}
