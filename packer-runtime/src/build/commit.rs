//! The end of a build: the check that nothing it used has changed, and the placing of its outputs.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::build::{BuildPlan, plan_build};
use packer_domain::config::BuildOptions;
use packer_domain::identity::{AssetUuid, Digest, OperationId};
use packer_domain::path::AssetPath;
use packer_domain::workspace::WorkspaceState;
use packer_events::body::{Phase, Unit};
use packer_events::report::{BuildReport, Ending, Failure, OutcomeReport, Rejection};
use packer_fs::build_record::{BuildRecord, OutputFact, RecordHead, RecordedPayload};
use packer_fs::build_sources::BuildSources;
use packer_fs::disk::{DiskError, DiskOperation, Hashed, HashedFile};
use packer_fs::journal::{
    self, CommittedOutputs, OutputFile, OutputsError, OutputsRequest, RecoverOptions, Recovered,
    create_output_staging, drop_output_staging, prepare_outputs,
};
use packer_fs::layout;
use packer_fs::lock::host;

use super::constants::{self, ConstantsFile, ReadyConstants};
use super::former::options_digest;
use super::write::Written;
use super::{MANIFEST_FILE, PACK_FILE};
use super::{at_once, patch, sources, unchanged};
use crate::lane::{Finale, LaneAccess, Worker, observe_stop, sight_again, sight_held};
use crate::observe::{ObserveError, Sighting};
use crate::operation::{Operation, Stop, io_failure, panic_message};
use crate::progress::Progress;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::sync::lock::BuildGuard;

/// The folder in which a build gathers its outputs. Dropping it removes it, and with it every trace of a build that came
/// to nothing.
pub(super) struct Staging {
    shared: Arc<Shared>,
    folder: Utf8PathBuf,
    path: Utf8PathBuf,
    operation: OperationId,
    /// The folders that were made for it, inner ones first.
    made: Vec<Utf8PathBuf>,
    armed: bool,
}

impl Staging {
    pub(super) fn create(
        shared: &Arc<Shared>,
        folder: &Utf8Path,
        operation: OperationId,
    ) -> Result<Self, Stop> {
        let is_missing = |folder: &&Utf8Path| shared.disk.stat(folder).is_ok_and(|stat| stat.is_none());
        let made = folder.ancestors().take_while(|folder| !folder.as_str().is_empty());
        let made = made.take_while(is_missing).map(Utf8Path::to_owned).collect();
        let path = create_output_staging(&*shared.disk, folder, operation).map_err(outputs_stop)?;
        let (shared, folder) = (Arc::clone(shared), folder.to_owned());
        Ok(Self { shared, folder, path, operation, made, armed: true })
    }

    /// Where the output `name` is staged.
    pub(super) fn path(&self, name: &str) -> Utf8PathBuf {
        self.path.join(name)
    }

    pub(super) fn write_file(&self, name: &str, bytes: &[u8], durable: bool) -> Result<(), Stop> {
        let path = self.path(name);
        let fail = |operation| {
            let path = path.clone();
            move |source| Stop::Failed(io_failure(&DiskError { operation, path, source }))
        };
        let mut file = self.shared.disk.create(&path).map_err(|error| Stop::Failed(io_failure(&error)))?;
        file.write_all(bytes).map_err(fail(DiskOperation::Write))?;
        file.flush().map_err(fail(DiskOperation::Write))?;
        if durable { file.sync().map_err(fail(DiskOperation::Sync)) } else { Ok(()) }
    }

    /// Writes what `write` says, without holding it as a whole.
    pub(super) fn stream_file(
        &self,
        name: &str,
        durable: bool,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Hashed, Stop> {
        let path = self.path(name);
        let fail = |operation| {
            let path = path.clone();
            move |source| Stop::Failed(io_failure(&DiskError { operation, path, source }))
        };
        let file = self.shared.disk.create(&path).map_err(|error| Stop::Failed(io_failure(&error)))?;
        let mut file = HashedFile::new(file);
        write(&mut file).map_err(fail(DiskOperation::Write))?;
        let (mut file, hashed) = file.finish().map_err(fail(DiskOperation::Write))?;
        if durable {
            file.sync().map_err(fail(DiskOperation::Sync))?;
        }
        Ok(hashed)
    }

    /// Leaves the folder to the commit, which removes it.
    fn hand_over(mut self) {
        self.armed = false;
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let disk = &*self.shared.disk;
        if let Err(error) = drop_output_staging(disk, &self.folder, self.operation) {
            tracing::warn!(%error, "what a build staged is left to the next one to remove");
        }
        // One that somebody put something into stays, and with it those around it.
        let _ = self.made.iter().try_for_each(|folder| disk.remove_dir(folder));
    }
}

/// Everything that a build made.
pub(super) struct Outputs<'a> {
    pub used: Used<'a>,
    pub options: BuildOptions,
    pub folder: Utf8PathBuf,
    pub manifest: Hashed,
    pub constants: Constants,
    pub written: Written,
    pub payloads: Payloads,
    pub report: BuildReport,
    pub staging: Staging,
    pub lock: BuildGuard,
}

/// What a build was made from.
pub(super) enum Used<'a> {
    /// A whole workspace, and its plan.
    Planned { base: &'a Snapshot, plan: &'a BuildPlan },
    /// The last build, and the files that differ.
    Patched { sighting: Box<Sighting>, sources: BuildSources, files: Vec<(usize, Digest)> },
}

/// What the record of a build says of the assets.
pub(super) enum Payloads {
    /// Each, in any order.
    Made(Vec<(AssetUuid, RecordedPayload)>),
    /// What is anew, and the last record, which has the rest.
    Patched { former: Box<BuildRecord>, records: patch::Records },
}

impl Payloads {
    /// The record with this head.
    fn record(self, head: &RecordHead) -> Vec<u8> {
        match self {
            Self::Made(payloads) => BuildRecord::encode(head, &payloads),
            Self::Patched { former, records } => {
                BuildRecord::encode_sorted(head, former.len(), records.all(&former))
            }
        }
    }
}

/// The constants of a build.
pub(super) enum Constants {
    /// They may have to be written.
    Planned(Vec<ConstantsFile>),
    /// They stand as the last build left them.
    Standing(Vec<OutputFact>),
}

impl Used<'_> {
    fn fingerprint(&self) -> Digest {
        match self {
            Self::Planned { base, .. } => base.basis().fingerprint,
            Self::Patched { sighting, .. } => sighting.basis.fingerprint,
        }
    }

    /// Refuses to commit where something that was used has changed. Then gives, for the next build, what says which file was
    /// used for what, once the checksum of the record is known; nothing if that cannot be told.
    fn check(self, shared: &Arc<Shared>, operation: &Operation, options: BuildOptions) -> Result<Next, Stop> {
        match self {
            Self::Planned { base, plan } => {
                let Some(seen) = check_inputs(shared, operation, base, plan)? else { return Ok(None) };
                let Sighting { index, frame, registry, .. } = seen;
                drop(registry);
                let is_whole = plan.errors.is_empty() && plan.absent.is_empty() && plan.left_out == 0;
                if !is_whole {
                    return Ok(None);
                }
                let sources = sources::of_plan(plan, &index, frame, NO_RECORD);
                Ok(sources.map(|sources| (sources, Vec::new())))
            }
            Self::Patched { sighting, sources, files } => {
                check_unevaluated(shared, operation, *sighting, options)?;
                Ok(Some((sources, files)))
            }
        }
    }
}

/// Sources, and what is to be said anew in them.
type Next = Option<(BuildSources, Vec<(usize, Digest)>)>;

/// Stands for the checksum of a record that is not made yet.
const NO_RECORD: Digest = Digest::from_bytes([0; 32]);

/// Checks and commits.
pub(super) fn commit<'s>(
    shared: &'s Arc<Shared>,
    lane: &Worker,
    operation: &Operation,
    outputs: Outputs<'_>,
) -> Result<Finale<'s>, Stop> {
    let Outputs { used, options, folder, manifest, constants, written, payloads, mut report, staging, lock } =
        outputs;
    let fingerprint = used.fingerprint();
    let plan = match &used {
        Used::Planned { plan, .. } => Some(*plan),
        Used::Patched { .. } => None,
    };
    let turn = lane.turn(operation, Some(Phase::Commit))?;
    let access = LaneAccess::enter(shared, operation).map_err(|stop| match stop {
        // It waited for the lane, and had long begun.
        Stop::Cancelled(None) => Stop::Cancelled(Some(Phase::Commit)),
        stop => stop,
    })?;
    let boot = host::boot_id().unwrap_or_default();
    let (incomplete, assets) = (report.incomplete, report.assets);
    // Under the lane: what is left in place is to be there when the rest is placed.
    let prepare = || {
        let (constants, stale) = match (&constants, plan) {
            (Constants::Planned(files), Some(plan)) => {
                let ready = constants::stage(shared, &staging, &folder, plan, files)?;
                (ready, constants::stale(shared, &folder, plan))
            }
            (Constants::Planned(_), None) => (Vec::new(), Vec::new()),
            (Constants::Standing(facts), _) => (standing(shared, facts)?, Vec::new()),
        };
        let head = record_head(
            shared,
            operation,
            &staging,
            &folder,
            &options,
            &written,
            manifest.digest,
            &constants,
            &boot,
            incomplete,
        )?;
        let record = payloads.record(&head);
        Ok((constants, stale, head, record))
    };
    let (prepared, next) = match used {
        Used::Patched { .. } => at_once(prepare, || used.check(shared, operation, options)),
        // One after the other: with a whole workspace in memory, not everything else is to be there too.
        Used::Planned { .. } => {
            let next = used.check(shared, operation, options)?;
            (prepare(), Ok(next))
        }
    };
    let next = next?;
    let (constants, stale, head, record) = prepared?;
    operation.check_cancelled(Phase::Commit)?;
    if !lock.still_valid() {
        let message = "the build lock was deleted while it was held".to_owned();
        return Err(Stop::Failed(Failure::Damaged { message, path: layout::BUILD_LOCK.to_owned() }));
    }
    access.verify(operation)?;

    let checksum = BuildRecord::checksum_of(&record).filter(|_| !incomplete);
    let sources = next.zip(checksum).map(|((sources, files), record)| sources.with(record, files));
    let output =
        |name: &str, size: u64, digest: Option<Digest>| OutputFile { name: name.to_owned(), size, digest };
    let mut files = vec![output(MANIFEST_FILE, manifest.size, Some(manifest.digest))];
    let staged = constants.iter().filter_map(ReadyConstants::staged);
    files.extend(staged.map(|file| output(file.name(), file.size, Some(file.digest))));
    // And the pack.
    let outputs = files.len() as u64 + 1;
    let placing = Progress::begin(operation, Phase::Commit, Unit::Files, Some(outputs));
    report.took_ms = operation.took_ms();
    let outcome = OutcomeReport::Build(report);
    let prepared = prepare_outputs(
        &*shared.disk,
        OutputsRequest {
            operation: operation.id,
            source: operation.bus().source(),
            folder,
            files,
            pack: output(PACK_FILE, written.size, None),
            record,
            durable: options.durable,
            boot: boot.clone(),
            prepared: serde_json::to_value(&outcome)
                .expect("a report is strings and numbers, which serialise"),
        },
    )
    .map_err(outputs_stop)?;
    // From here on recovery finishes what this process does not.
    staging.hand_over();
    let committed = match catch_unwind(AssertUnwindSafe(|| prepared.apply())) {
        Ok(Ok(committed)) => committed,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the outputs of a build could not all be placed");
            finish_or_drop(shared, operation, &boot, Stop::Failed(io_failure(&error)))?
        }
        Err(panic) => {
            let message = panic_message(&*panic);
            tracing::error!(message, "placing the outputs of a build panicked");
            finish_or_drop(shared, operation, &boot, operation.panicked(message))?
        }
    };
    placing.reached(outputs, 0);
    drop(placing);
    constants::remove(shared, &stale);
    let afterwards = move || {
        unchanged::remember(shared, fingerprint, &options, &head, assets, !incomplete);
        if let Some(sources) = sources {
            patch::store(shared, &sources);
        }
        if let Err(error) = committed.finish() {
            tracing::warn!(%error, "cleaning up after a build is left to the next operation");
        }
        drop((access, turn, lock));
    };
    Ok(Finale { ending: Ending::Succeeded(outcome), afterwards: Some(Box::new(afterwards)) })
}

/// Brings outputs that could not all be placed to an end at once, as recovery would, so that what is told is how it ended:
/// `otherwise` where they are dropped.
fn finish_or_drop<'s>(
    shared: &'s Shared,
    operation: &Operation,
    boot: &str,
    otherwise: Stop,
) -> Result<CommittedOutputs<'s>, Stop> {
    let options = RecoverOptions { boot, success_is_logged: &|_, _| false };
    let recovered =
        journal::recover(&*shared.disk, &options).map_err(|error| Stop::Failed(io_failure(&error)))?;
    let own = recovered.into_iter().find(|recovered| recovered.operation() == operation.id);
    match own {
        Some(Recovered::OutputsFinished(committed)) => Ok(committed),
        Some(Recovered::OutputsOwed(owed)) => {
            if let Err(error) = owed.finish() {
                tracing::warn!(%error, "cleaning up after a build is left to the next operation");
            }
            Err(otherwise)
        }
        _ => Err(otherwise),
    }
}

/// The same of a build that evaluated only a part: where anything differs, everything is evaluated, as it was, to find out
/// whether it matters.
fn check_unevaluated(
    shared: &Arc<Shared>,
    operation: &Operation,
    sighting: Sighting,
    options: BuildOptions,
) -> Result<(), Stop> {
    let basis = sighting.basis;
    if let Ok(now) = sight_again(shared, operation, &sighting)
        && now.basis.fingerprint == basis.fingerprint
    {
        return Ok(());
    }
    let observed = shared.observer.read(sighting, None).map_err(|error| observe_stop(operation, error))?;
    let base = Snapshot::new(shared.status().snapshot.revision(), observed.evaluate(), basis);
    let plan = plan_build(base.state(), options);
    check_inputs(shared, operation, &base, &plan).map(|_| ())
}

/// Constants that stand as the last build left them, if they still do: they were looked at a moment ago.
fn standing(shared: &Shared, facts: &[OutputFact]) -> Result<Vec<ReadyConstants>, Stop> {
    for fact in facts {
        let stat = shared.disk.stat(&fact.path).map_err(|error| Stop::Failed(io_failure(&error)))?;
        if !fact.is_unchanged(stat.as_ref()) {
            let message = format!("{} was written while a build was to leave it in place", fact.path);
            return Err(Stop::Failed(Failure::Damaged { message, path: fact.path.to_string() }));
        }
    }
    Ok(facts.iter().cloned().map(ReadyConstants::Kept).collect())
}

/// Refuses to commit unless registry, configuration, and every anchor, input and folder listing that the build used are
/// as they were.
fn check_inputs(
    shared: &Arc<Shared>,
    operation: &Operation,
    base: &Snapshot,
    plan: &BuildPlan,
) -> Result<Option<Sighting>, Stop> {
    let changed = |paths: BTreeSet<AssetPath>, registry, configuration| {
        let paths = paths.into_iter().collect();
        Err(Stop::Rejected(Rejection::InputsChanged { paths, registry, configuration, more: 0 }))
    };
    let observed = match sight_held(shared, operation) {
        // Nothing that the base was computed from differs.
        Ok(sighting) if sighting.basis.fingerprint == base.basis().fingerprint => return Ok(Some(sighting)),
        Ok(sighting) => shared.observer.read(sighting, Some(base)),
        Err(error) => Err(error),
    };
    let observed = match observed {
        Ok(observed) => observed,
        // What could be read at the beginning of the build and cannot be now has changed.
        Err(ObserveError::Config { diagnostics }) => {
            operation.diagnose(&diagnostics);
            return changed(BTreeSet::new(), false, true);
        }
        Err(ObserveError::Registry { diagnostics }) => {
            operation.diagnose(&diagnostics);
            return changed(BTreeSet::new(), true, false);
        }
        Err(error) => return Err(observe_stop(operation, error)),
    };
    let registry = observed.basis.registry != base.basis().registry;
    let configuration = observed.basis.config != base.basis().config;
    let (state, _) = base.state().next(observed.inputs);
    let now = plan_build(&state, plan.options);
    if !registry && !configuration && now == *plan {
        return Ok(None);
    }
    let used = |plan: &BuildPlan, state: &WorkspaceState| -> BTreeSet<AssetPath> {
        let entries = plan.entries.iter().flat_map(|entry| {
            std::iter::once(entry.anchor().clone()).chain(entry.inputs().map(|input| input.path.clone()))
        });
        let held_back = plan.absent.iter().filter_map(|entry| state.asset(entry.uuid)?.anchor().cloned());
        entries.chain(held_back).collect()
    };
    let before = base.state();
    let mut paths = used(plan, before);
    paths.extend(used(&now, &state));
    let differs =
        |path: &AssetPath| before.observation().files.get(path) != state.observation().files.get(path);
    changed(paths.into_iter().filter(|path| differs(path)).collect(), registry, configuration)
}

#[expect(clippy::too_many_arguments, reason = "the head is made of just these, and nowhere else")]
fn record_head(
    shared: &Shared,
    operation: &Operation,
    staging: &Staging,
    folder: &Utf8Path,
    options: &BuildOptions,
    written: &Written,
    manifest: Digest,
    constants: &[ReadyConstants],
    boot: &str,
    incomplete: bool,
) -> Result<RecordHead, Stop> {
    // Placing is a rename: everything that the record keeps of a file stays as it is in the staging folder.
    let fact = |name: &str, digest: Digest| -> Result<OutputFact, Stop> {
        let staged = staging.path(name);
        let stat = shared.disk.stat(&staged).map_err(|error| Stop::Failed(io_failure(&error)))?;
        let missing = || {
            let message = format!("{staged} is gone");
            Stop::Failed(Failure::Damaged { message, path: staged.to_string() })
        };
        Ok(OutputFact::new(folder.join(name), digest, &stat.ok_or_else(missing)?))
    };
    let mut others = vec![fact(MANIFEST_FILE, manifest)?];
    for ready in constants {
        others.push(match ready {
            ReadyConstants::Kept(fact) => fact.clone(),
            ReadyConstants::Staged(file) => fact(file.name(), file.digest)?,
        });
    }
    Ok(RecordHead {
        operation: operation.id,
        pack: fact(PACK_FILE, written.digest)?,
        pack_digest: written.digest,
        others,
        options: options_digest(options),
        incomplete,
        unsynced_boot: (!options.durable).then(|| boot.to_owned()),
    })
}

fn outputs_stop(error: OutputsError) -> Stop {
    let message = error.to_string();
    match error {
        OutputsError::Failed { source } => Stop::Failed(io_failure(&source)),
        OutputsError::Pending { operation } => {
            Stop::Rejected(Rejection::LaneFrozen { operation_id: operation })
        }
        OutputsError::Inconsistent { path, .. }
        | OutputsError::NotStaged { path }
        | OutputsError::InTheWay { path } => {
            Stop::Failed(Failure::Io { message, path: Some(path.to_string()) })
        }
    }
}
