//! Recovery: what dead processes left in the journal and in their logs is brought to its end, by whoever takes the lane
//! first.
//!
//! Each dead operation that still owes an end gets it in *its own* log, continuing its numbers; the `recover` operation
//! that wrote it has its own id, and names the dead one as its cause.
//!
//! Where that end cannot be stored, the recovery has failed, whatever it finished: nobody was told how the dead operation
//! ended, so whoever takes the lane next tells it, and tells the same.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::identity::{OperationId, SourceId};
use packer_events::body::{EventBody, OperationKind};
use packer_events::replay::{OperationRecord, OperationState, Replay};
use packer_events::report::{
    AbortReport, Ending, Failure, FailureReport, OutcomeReport, RecoverReport, RecoveryResult,
    UnknownOutcomeCause, UnknownOutcomeReport,
};
use packer_events::sequence::{Draft, SourceSequencer};
use packer_events::wire::encode_line;
use packer_fs::disk::{Disk, DiskError};
use packer_fs::event_log::{self, EventLogError, EventLogWriter};
use packer_fs::journal::{self, FrozenCause, HistoryError, RecoverOptions, Recovered};
use packer_fs::layout;
use packer_fs::lock::host;

use crate::clock;
use crate::feed::Bus;
use crate::operation::{Operation, Stop, io_failure, panic_message};
use crate::outcome::Outcome;
use crate::record::read_source;
use crate::sync::lock::{SourceGuard, SourceLock};

/// What recovery did.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    /// The end of each `recover` operation.
    pub outcomes: Vec<Outcome>,
    /// The commit that waits for a decision, if any.
    pub frozen: Option<OperationId>,
}

/// Brings everything that dead processes left to its end. The caller holds the lane.
pub(crate) fn recover_everything(
    root: &Utf8Path,
    disk: &Arc<dyn Disk>,
    bus: &Arc<Bus>,
) -> Result<Recovery, DiskError> {
    let mut dead = DeadLogs::find(root, disk, bus.source())?;
    let boot = host::boot_id().unwrap_or_default();
    let logged = |operation: OperationId, source: SourceId| has_succeeded(disk, &dead, operation, source);
    let found = journal::recover(&**disk, &RecoverOptions { boot: &boot, success_is_logged: &logged })?;

    let mut recovery = Recovery::default();
    let mut settled = BTreeSet::new();
    for recovered in found {
        settled.insert(recovered.operation());
        settle(bus, &mut dead, recovered, &mut recovery)?;
    }
    // What died before it committed anything still owes its end.
    for (source, operation) in dead.running() {
        if settled.contains(&operation) {
            continue;
        }
        let of = DeadOperation { operation, source };
        carry_out(bus, operation, &mut recovery, |run| {
            let done = match left_in_history(&**disk, &dead, of, run.id) {
                Ok((ending, result)) => dead.end(of, ending).map(|()| result),
                Err(failure) => Err(failure),
            };
            (done, Ok(()))
        })?;
    }
    dead.release();
    Ok(recovery)
}

/// How an operation ended of which nothing is in the journal. One in the history has committed or was frozen, and was
/// settled while its log could not be continued.
fn left_in_history(
    disk: &dyn Disk,
    dead: &DeadLogs,
    of: DeadOperation,
    by: OperationId,
) -> Result<(Ending, RecoveryResult), Failure> {
    let unknown = |cause, message: String| {
        let kind = dead.record(of).and_then(|record| record.kind);
        let report = UnknownOutcomeReport { kind, cause, message, path: None };
        Ok((Ending::OutcomeUnknown(report), RecoveryResult::Closed))
    };
    match journal::read_history(disk, of.operation) {
        Ok(intent) => Ok((prepared(&intent.prepared, dead, of, by), RecoveryResult::Closed)),
        Err(HistoryError::Disk { operation: _, source }) => Err(io_failure(&source)),
        Err(error @ HistoryError::Damaged { .. }) => {
            unknown(UnknownOutcomeCause::JournalDamaged, error.to_string())
        }
        Err(HistoryError::Absent { .. } | HistoryError::NoFile { .. } | HistoryError::Pending { .. }) => {
            let frozen = disk.stat(&layout::history_frozen(of.operation));
            if frozen.map_err(|error| io_failure(&error))?.is_some() {
                let message = "it stopped amid its commit, and has been settled since".to_owned();
                unknown(UnknownOutcomeCause::EditedMeanwhile, message)
            } else {
                Ok((aborted(dead, of, by), RecoveryResult::Dropped))
            }
        }
    }
}

/// What a recovery did, unless the end of the dead operation could not be stored; and whether it could clean up.
type Done = (Result<RecoveryResult, Failure>, Result<(), DiskError>);

/// Runs one recovery to its one end, also where what it does panics: then it failed, and whoever comes next does it again.
fn carry_out(
    bus: &Arc<Bus>,
    dead: OperationId,
    recovery: &mut Recovery,
    work: impl FnOnce(&Operation) -> Done,
) -> Result<(), DiskError> {
    let run = Operation::accept(bus, OperationKind::Recover, title(dead), Some(dead), None);
    run.say(EventBody::Started {});
    let _entered = run.span().enter();
    let (done, cleaned) = match catch_unwind(AssertUnwindSafe(|| work(&run))) {
        Ok(done) => done,
        Err(panic) => {
            let message = panic_message(&*panic);
            tracing::error!(message, "a recovery panicked");
            // That the end could not be stored changes nothing more: the panic goes on.
            let _ = run.end(run.stopped(Stop::Failed(Failure::Panic { message })));
            resume_unwind(panic)
        }
    };
    let ending = match done {
        Ok(result) => {
            tracing::info!(of = %dead, ?result, "recovered");
            let report = RecoverReport { operation_id: dead, result, took_ms: run.took_ms() };
            Ending::Succeeded(OutcomeReport::Recover(report))
        }
        Err(cause) => {
            tracing::warn!(of = %dead, ?cause, "the end of a dead operation could not be stored");
            Ending::Failed(FailureReport { kind: run.kind, cause })
        }
    };
    match run.end(ending) {
        Ok(outcome) => recovery.outcomes.push(outcome),
        Err(error) => tracing::warn!(%error, "a recovery could not be recorded"),
    }
    cleaned
}

/// Gives one operation from the journal the end that it owes.
fn settle(
    bus: &Arc<Bus>,
    dead: &mut DeadLogs,
    recovered: Recovered<'_>,
    recovery: &mut Recovery,
) -> Result<(), DiskError> {
    match recovered {
        Recovered::CleanedUp { operation } => {
            carry_out(bus, operation, recovery, |_| (Ok(RecoveryResult::Closed), Ok(())))
        }
        Recovered::Dropped { intent } => {
            let of = DeadOperation { operation: intent.operation, source: intent.source };
            carry_out(bus, of.operation, recovery, |run| drop_dead(dead, Some(of), run))
        }
        Recovered::OutputsDropped { operation, intent } => {
            let of = intent.map(|intent| DeadOperation { operation, source: intent.source });
            carry_out(bus, operation, recovery, |run| drop_dead(dead, of, run))
        }
        Recovered::Finished(committed) => {
            let intent = committed.intent();
            let of = DeadOperation { operation: intent.operation, source: intent.source };
            carry_out(bus, of.operation, recovery, |run| {
                let ending = prepared(&committed.intent().prepared, dead, of, run.id);
                finish(dead, of, ending, || committed.finish())
            })
        }
        Recovered::OutputsFinished(committed) => {
            let intent = committed.intent();
            let of = DeadOperation { operation: intent.operation, source: intent.source };
            carry_out(bus, of.operation, recovery, |run| {
                let ending = prepared(&committed.intent().prepared, dead, of, run.id);
                finish(dead, of, ending, || committed.finish())
            })
        }
        Recovered::Frozen { operation, intent, cause } => {
            recovery.frozen = Some(operation);
            let source = intent.as_ref().map(|intent| intent.source).or_else(|| dead.source_of(operation));
            let Some(of) = source.map(|source| DeadOperation { operation, source }) else { return Ok(()) };
            // It owes its end once; a project may stay frozen for a long time after that.
            if dead.record(of).is_none_or(|record| record.ending.is_some()) {
                return Ok(());
            }
            carry_out(bus, operation, recovery, |_| {
                let kind = dead.record(of).and_then(|record| record.kind);
                let ended = dead.end(of, Ending::OutcomeUnknown(frozen_report(kind, &cause)));
                (ended.map(|()| RecoveryResult::Frozen), Ok(()))
            })
        }
    }
}

/// Ends an operation that had committed nothing.
fn drop_dead(dead: &mut DeadLogs, of: Option<DeadOperation>, run: &Operation) -> Done {
    let ended = match of {
        Some(of) => {
            let ending = aborted(dead, of, run.id);
            dead.end(of, ending)
        }
        None => Ok(()),
    };
    (ended.map(|()| RecoveryResult::Dropped), Ok(()))
}

fn aborted(dead: &DeadLogs, of: DeadOperation, by: OperationId) -> Ending {
    Ending::Aborted(AbortReport { kind: dead.record(of).and_then(|record| record.kind), by })
}

/// Ends an operation that had committed, and cleans up after it. A clean-up that fails is done again by the next recovery,
/// and is no reason for this one to go without an end.
fn finish(
    dead: &mut DeadLogs,
    of: DeadOperation,
    ending: Ending,
    clean_up: impl FnOnce() -> Result<(), DiskError>,
) -> Done {
    let ended = dead.end(of, ending);
    (ended.map(|()| RecoveryResult::Finished), clean_up())
}

fn title(operation: OperationId) -> String {
    format!("recover operation {operation}")
}

/// The end that a committed operation had prepared for itself.
fn prepared(prepared: &serde_json::Value, dead: &DeadLogs, of: DeadOperation, by: OperationId) -> Ending {
    match serde_json::from_value::<OutcomeReport>(prepared.clone()) {
        Ok(outcome) => Ending::Recovered { outcome, by },
        Err(error) => Ending::OutcomeUnknown(UnknownOutcomeReport {
            kind: dead.record(of).and_then(|record| record.kind),
            cause: UnknownOutcomeCause::JournalDamaged,
            message: format!("it committed, and what it had to report cannot be read: {error}"),
            path: None,
        }),
    }
}

fn frozen_report(kind: Option<OperationKind>, cause: &FrozenCause) -> UnknownOutcomeReport {
    let (cause, message, path) = match cause {
        FrozenCause::Conflicts(conflicts) => {
            let paths: Vec<String> = conflicts.iter().map(|conflict| conflict.path.to_string()).collect();
            let message = format!("{} changed while the commit was interrupted", paths.join(", "));
            (UnknownOutcomeCause::EditedMeanwhile, message, paths.into_iter().next())
        }
        FrozenCause::DiskFailed => {
            (UnknownOutcomeCause::Io, "the disk failed while the commit was carried out".to_owned(), None)
        }
        FrozenCause::Damaged(damage) => (UnknownOutcomeCause::JournalDamaged, damage.to_string(), None),
        FrozenCause::Overtaken { head } => (
            UnknownOutcomeCause::JournalDamaged,
            format!("commit {} of operation {} took its place", head.commit, head.operation),
            None,
        ),
    };
    UnknownOutcomeReport { kind, cause, message, path }
}

/// Whether the log of `source` says durably that `operation` succeeded.
fn has_succeeded(disk: &Arc<dyn Disk>, dead: &DeadLogs, operation: OperationId, source: SourceId) -> bool {
    let succeeded = |replay: &Replay| {
        replay.operation(operation).is_some_and(|record| {
            matches!(record.state, OperationState::Succeeded | OperationState::Recovered)
        })
    };
    match dead.logs.get(&source) {
        Some(log) => succeeded(&log.replay),
        None => match read_source(&**disk, source) {
            Ok(Some(log)) => succeeded(&log.replay()) && event_log::make_durable(&**disk, source).is_ok(),
            Ok(None) | Err(_) => false,
        },
    }
}

#[derive(Clone, Copy)]
struct DeadOperation {
    operation: OperationId,
    source: SourceId,
}

/// The logs of processes that are no more and did not say goodbye.
struct DeadLogs {
    logs: BTreeMap<SourceId, DeadLog>,
}

struct DeadLog {
    lock: SourceGuard,
    replay: Replay,
    sequencer: SourceSequencer,
    writer: EventLogWriter,
}

impl DeadLogs {
    fn find(root: &Utf8Path, disk: &Arc<dyn Disk>, own: SourceId) -> Result<Self, DiskError> {
        let mut logs = BTreeMap::new();
        for source in left_behind(root, &**disk)?.into_iter().filter(|source| *source != own) {
            // A lock that is held belongs to a process that lives.
            let Ok(Some(lock)) = SourceLock::try_take(root, source) else { continue };
            match DeadLog::open(disk, source, lock) {
                Ok(log) => {
                    logs.insert(source, log);
                }
                Err(error) => {
                    tracing::warn!(%source, %error, "the log of a dead process cannot be continued");
                }
            }
        }
        Ok(Self { logs })
    }

    fn record(&self, of: DeadOperation) -> Option<&OperationRecord> {
        self.logs.get(&of.source)?.replay.operation(of.operation)
    }

    fn source_of(&self, operation: OperationId) -> Option<SourceId> {
        let mut logs = self.logs.iter();
        logs.find(|(_, log)| log.replay.operation(operation).is_some()).map(|(source, _)| *source)
    }

    fn running(&self) -> Vec<(SourceId, OperationId)> {
        let running = |(source, log): (&SourceId, &DeadLog)| {
            let operations: Vec<OperationId> =
                log.replay.running().map(|record| record.operation_id).collect();
            operations.into_iter().map(|operation| (*source, operation)).collect::<Vec<_>>()
        };
        self.logs.iter().flat_map(running).collect()
    }

    /// Appends the end that an operation owes to its log. One that has ended, or whose log is gone, owes none.
    fn end(&mut self, of: DeadOperation, ending: Ending) -> Result<(), Failure> {
        let Some(log) = self.logs.get_mut(&of.source) else { return Ok(()) };
        let Some(record) = log.replay.operation(of.operation) else { return Ok(()) };
        if record.ending.is_some() {
            return Ok(());
        }
        let draft = Draft {
            operation_id: of.operation,
            causation_id: record.causation_id,
            time: clock::now(),
            base_revision: record.base_revision,
            result_revision: record.result_revision,
            body: EventBody::from(ending).bounded(),
        };
        let failed = |error: &dyn std::error::Error| Failure::Io {
            message: format!("its end could not be stored: {error}"),
            path: Some(layout::event_log(of.source).into_string()),
        };
        // What is not stored has no numbers: whatever is stored next takes them.
        let mut sequencer = log.sequencer.clone();
        let event = sequencer.number(draft).map_err(|error| failed(&error))?;
        let line = encode_line(&event);
        log.writer.append_synced(line.trim_end().as_bytes()).map_err(|error| failed(&error))?;
        log.sequencer = sequencer;
        log.replay.apply(&event);
        Ok(())
    }

    /// Lets go of the logs; those in which nothing is owed any more are not looked at again.
    fn release(self) {
        for (source, log) in self.logs {
            if log.replay.running().next().is_none()
                && let Err(error) = log.lock.discard()
            {
                tracing::warn!(%source, %error, "the lock of a dead process stays behind");
            }
        }
    }
}

/// The sources whose locks are there: those of processes that live, and of those that did not end as they should.
fn left_behind(root: &Utf8Path, disk: &dyn Disk) -> Result<Vec<SourceId>, DiskError> {
    let entries = match disk.read_dir(layout::EVENTS.into()) {
        Ok(entries) => entries,
        Err(error) if error.is_not_found() => Vec::new(),
        Err(error) => return Err(error),
    };
    let names = || entries.iter().filter_map(|entry| entry.name.to_str());
    for unborn in names().filter(|name| name.ends_with(layout::UNBORN_LOCK_SUFFIX)) {
        if let Err(error) = SourceLock::clear_unborn(root, unborn) {
            tracing::debug!(%error, "what a dead process was making stays behind");
        }
    }
    let source = |name: &str| name.strip_suffix(".lock").and_then(|source| source.parse().ok());
    let mut sources: Vec<SourceId> = names().filter_map(source).collect();
    sources.sort();
    Ok(sources)
}

impl DeadLog {
    fn open(disk: &Arc<dyn Disk>, source: SourceId, lock: SourceGuard) -> Result<Self, EventLogError> {
        if event_log::list(&**disk)?.contains(&source) {
            event_log::trim_torn_tail(&**disk, source)?;
            // What is read may be in memory only, and is about to be acted on.
            event_log::make_durable(&**disk, source)?;
        }
        let (replay, position) = match read_source(&**disk, source)? {
            Some(log) => {
                for hole in &log.holes {
                    tracing::warn!(%source, %hole, "the log of a dead process is damaged");
                }
                (log.replay(), log.last_position)
            }
            None => (Replay::new(), 0),
        };
        let writer = EventLogWriter::continuing(Arc::clone(disk), source)?;
        let running: Vec<_> = replay.running().map(|record| (record.operation_id, record.last)).collect();
        let sequencer = SourceSequencer::continuing(source, position, running);
        Ok(Self { lock, replay, sequencer, writer })
    }
}
