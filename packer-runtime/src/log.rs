//! What was done in a project: the operations that its logs tell of, beside what is kept for undoing them. Reads only.
//!
//! What an operation did is told by its ending; whether it can be undone, by what the history has; that it was undone, by
//! the operation that did it, whose cause it is. Where a log is gone, the history still tells what it holds.

use std::collections::BTreeMap;

use camino::Utf8Path;
use packer_domain::identity::OperationId;
use packer_events::body::OperationKind;
use packer_events::replay::{OperationRecord, OperationState, Replay};
use packer_events::report::{Ending, OutcomeReport};
use packer_events::time::Timestamp;
use packer_fs::disk::{Disk, DiskError};
use packer_fs::journal::{self, HistoryError};

use crate::record::recorded_logs;

/// One operation of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOperation {
    /// Its id.
    pub operation_id: OperationId,
    /// What it is; none where its beginning is not recorded.
    pub kind: Option<OperationKind>,
    /// When it was accepted, or else drawn.
    pub time: Timestamp,
    /// Where it is.
    pub state: OperationState,
    /// What it did, if it did something.
    pub report: Option<OutcomeReport>,
    /// The operation that it is about: the one that it undoes, or recovers.
    pub causation_id: Option<OperationId>,
    /// Whether it can be undone.
    pub undo: UndoState,
}

/// Whether an operation can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoState {
    /// What it replaced is kept: so many bytes. Whether the workspace has moved on since is said by a preview.
    Kept {
        /// Bytes.
        bytes: u64,
    },
    /// This operation undid it.
    UndoneBy(OperationId),
    /// Nothing is kept of it: it changed nothing, it builds, or it was dropped.
    NotKept,
}

/// The operations of the project in `root`, the newest first.
pub(crate) fn operation_log(root: &Utf8Path, disk: &dyn Disk) -> Result<Vec<LoggedOperation>, DiskError> {
    let mut replay = Replay::new();
    for log in recorded_logs(root)? {
        for event in &log.events {
            replay.apply(event);
        }
    }
    let history = journal::list_history(disk)?;
    let kept: BTreeMap<OperationId, u64> = history
        .iter()
        .filter(|entry| !entry.was_frozen)
        .map(|entry| (entry.operation, entry.bytes))
        .collect();
    let undo_of = |operation: OperationId| match (undone_by(&replay, operation), kept.get(&operation)) {
        (Some(undo), _) => UndoState::UndoneBy(undo),
        (None, Some(bytes)) => UndoState::Kept { bytes: *bytes },
        (None, None) => UndoState::NotKept,
    };
    let mut logged: BTreeMap<OperationId, LoggedOperation> = replay
        .operations()
        .map(|record| (record.operation_id, of_record(record, undo_of(record.operation_id))))
        .collect();
    for operation in kept.keys().filter(|operation| replay.operation(**operation).is_none()) {
        if let Some(found) = of_history(disk, *operation, undo_of(*operation))? {
            logged.insert(*operation, found);
        }
    }
    let mut logged: Vec<LoggedOperation> = logged.into_values().collect();
    // Within a millisecond, the numbers of their commits tell the order.
    logged.sort_by_key(|logged| std::cmp::Reverse((logged.time, logged.commit(), logged.operation_id)));
    Ok(logged)
}

impl LoggedOperation {
    /// The number of its commit, if it is told.
    pub fn commit(&self) -> Option<u64> {
        match &self.report {
            Some(OutcomeReport::Mutation(report)) => report.commit,
            _ => None,
        }
    }
}

/// The operation that undid this one, and was not undone itself.
fn undone_by(replay: &Replay, operation: OperationId) -> Option<OperationId> {
    let undoes = |record: &&OperationRecord| {
        let done = matches!(record.state, OperationState::Succeeded | OperationState::Recovered);
        // One is later than what it undoes; whatever a log says, following them comes to an end.
        record.kind == Some(OperationKind::Undo) && done && record.operation_id > operation
    };
    let mut undoing = replay.caused_by(operation).filter(undoes);
    undoing.find(|record| undone_by(replay, record.operation_id).is_none()).map(|record| record.operation_id)
}

fn of_record(record: &OperationRecord, undo: UndoState) -> LoggedOperation {
    let report = match &record.ending {
        Some(Ending::Succeeded(report) | Ending::Recovered { outcome: report, .. }) => Some(report.clone()),
        _ => None,
    };
    LoggedOperation {
        operation_id: record.operation_id,
        kind: record.kind,
        time: record.accepted_at.unwrap_or(record.last_at),
        state: record.state,
        report,
        causation_id: record.causation_id,
        undo,
    }
}

/// What the history tells of an operation whose log is gone; none where it can tell nothing.
fn of_history(
    disk: &dyn Disk,
    operation: OperationId,
    undo: UndoState,
) -> Result<Option<LoggedOperation>, DiskError> {
    let intent = match journal::read_history(disk, operation) {
        Ok(intent) => intent,
        Err(HistoryError::Disk { source, .. }) => return Err(source),
        Err(error) => {
            tracing::warn!(%error, "an operation cannot be told of");
            return Ok(None);
        }
    };
    let report: Option<OutcomeReport> = serde_json::from_value(intent.prepared).ok();
    let kind = report.as_ref().and_then(|report| match report {
        OutcomeReport::Mutation(report) => Some(report.mutation),
        OutcomeReport::Recover(_) => Some(OperationKind::Recover),
        OutcomeReport::Build(_) | OutcomeReport::Refresh(_) | OutcomeReport::Watch(_) => None,
    });
    Ok(Some(LoggedOperation {
        operation_id: operation,
        kind,
        time: Timestamp::from_unix_ms(operation.drawn_at_ms()),
        state: OperationState::Succeeded,
        report,
        causation_id: None,
        undo,
    }))
}
