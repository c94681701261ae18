//! Recovery: what dead processes left in the journal and in their logs is brought to its end, by whoever takes the lane
//! first.
//!
//! Each dead operation that still owes an end gets it in *its own* log, continuing its numbers; the `recover` operation
//! that wrote it has its own id, and names the dead one as its cause.
//!
//! Where that end cannot be stored, the recovery has failed, whatever it finished: nobody was told how the dead operation
//! ended, so whoever takes the lane next tells it, and tells the same.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::identity::{OperationId, SourceId};
use packer_events::body::{EventBody, OperationKind};
use packer_events::report::{
    AbortReport, Ending, Failure, FailureReport, OutcomeReport, RecoverReport, RecoveryResult,
    UnknownOutcomeCause, UnknownOutcomeReport,
};
use packer_fs::disk::{Disk, DiskError};
use packer_fs::journal::{
    self, FrozenCause, HistoryError, IntentDamage, OutputsIntent, OwedOutputs, RecoverOptions, Recovered,
};
use packer_fs::layout;
use packer_fs::lock::host;

use super::dead_logs::{DeadLogs, DeadOperation, Ended, Owes};
use crate::feed::Bus;
use crate::operation::{Operation, Stop, io_failure, panic_message};
use crate::outcome::Outcome;

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
    let logged = |operation: OperationId, source: SourceId| dead.has_succeeded(disk, operation, source);
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
                Ok((ending, result)) => dead.end(of, ending).map(|_| result),
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
            carry_out(bus, of.operation, recovery, |run| drop_dead(dead, of, run))
        }
        Recovered::OutputsDropped { intent } => {
            let of = DeadOperation { operation: intent.operation, source: intent.source };
            carry_out(bus, of.operation, recovery, |run| drop_dead(dead, of, run))
        }
        Recovered::OutputsOwed(owed) => settle_owed(bus, dead, owed, recovery),
        Recovered::Finished(committed) => {
            let intent = committed.intent();
            let of = DeadOperation { operation: intent.operation, source: intent.source };
            carry_out(bus, of.operation, recovery, |run| {
                let ending = prepared(&committed.intent().prepared, dead, of, run.id);
                // Also where its end is not stored: the history tells of it then.
                finish(dead, of, ending, |_| committed.finish())
            })
        }
        Recovered::OutputsFinished(committed) => {
            let intent = committed.intent();
            let of = DeadOperation { operation: intent.operation, source: intent.source };
            carry_out(bus, of.operation, recovery, |run| {
                let ending = prepared(&committed.intent().prepared, dead, of, run.id);
                finish(
                    dead,
                    of,
                    ending,
                    |is_stored| {
                        if is_stored { committed.finish() } else { committed.put_aside() }
                    },
                )
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
                (ended.map(|_| RecoveryResult::Frozen), Ok(()))
            })
        }
    }
}

/// Ends an operation that had committed nothing.
fn drop_dead(dead: &mut DeadLogs, of: DeadOperation, run: &Operation) -> Done {
    let ending = aborted(dead, of, run.id);
    (dead.end(of, ending).map(|_| RecoveryResult::Dropped), Ok(()))
}

/// Ends a build with whose outputs nothing is to be done any more: they cannot be completed, or its end could not be stored.
fn settle_owed(
    bus: &Arc<Bus>,
    dead: &mut DeadLogs,
    owed: OwedOutputs<'_>,
    recovery: &mut Recovery,
) -> Result<(), DiskError> {
    let operation = owed.operation();
    let source = owed.intent().ok().map(|intent| intent.source).or_else(|| dead.source_of(operation));
    let of = source.map(|source| DeadOperation { operation, source });
    if owed.was_put_aside() {
        match dead.owes(of) {
            Owes::Nothing => return owed.finish(),
            // Its log is tried again with the next recovery.
            Owes::Elsewhere => return Ok(()),
            Owes::Here => {}
        }
    }
    let result = if owed.is_mixed() { RecoveryResult::Dropped } else { RecoveryResult::Closed };
    carry_out(bus, operation, recovery, |run| {
        let ended = match of {
            Some(of) => {
                let ending = match owed.intent() {
                    Ok(intent) if !owed.is_mixed() => prepared(&intent.prepared, dead, of, run.id),
                    intent => Ending::OutcomeUnknown(mixed_report(intent)),
                };
                dead.end(of, ending)
            }
            // Nothing says in whose log it stands.
            None if dead.owes(None) == Owes::Nothing => Ok(Ended::Stored),
            None => Ok(Ended::OwedByTheLiving),
        };
        let cleaned = if let Ok(Ended::Stored) = ended { owed.finish() } else { owed.put_aside() };
        (ended.map(|_| result), cleaned)
    })
}

fn mixed_report(intent: Result<&OutputsIntent, &IntentDamage>) -> UnknownOutcomeReport {
    let (cause, message, path) = match intent {
        Ok(intent) => {
            let message =
                "it died while it put its outputs in place, and they cannot be completed: some may be new";
            (UnknownOutcomeCause::Io, message.to_owned(), Some(intent.folder.to_string()))
        }
        Err(damage) => (UnknownOutcomeCause::JournalDamaged, damage.to_string(), None),
    };
    UnknownOutcomeReport { kind: Some(OperationKind::Build), cause, message, path }
}

fn aborted(dead: &DeadLogs, of: DeadOperation, by: OperationId) -> Ending {
    Ending::Aborted(AbortReport { kind: dead.record(of).and_then(|record| record.kind), by })
}

/// Ends an operation that had committed, and cleans up after it, which depends on whether its end is stored. A clean-up that
/// fails is done again by the next recovery, and is no reason for this one to go without an end.
fn finish(
    dead: &mut DeadLogs,
    of: DeadOperation,
    ending: Ending,
    clean_up: impl FnOnce(bool) -> Result<(), DiskError>,
) -> Done {
    let ended = dead.end(of, ending);
    let cleaned = clean_up(matches!(ended, Ok(Ended::Stored)));
    (ended.map(|_| RecoveryResult::Finished), cleaned)
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
