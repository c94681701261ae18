//! What was done in a project: the operations that its logs tell of, beside what is kept for undoing them. Reads only.
//!
//! What an operation did is told by its ending; whether it can be undone, by what the history has; that it was undone, by
//! the operation that did it, whose cause it is. Where a log is gone, the history still tells what it holds: what each
//! operation did, and which one it took back.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use packer_domain::identity::OperationId;
use packer_events::body::OperationKind;
use packer_events::replay::{OperationRecord, OperationState, Replay};
use packer_events::report::{Ending, OutcomeReport};
use packer_events::time::Timestamp;
use packer_fs::disk::{Disk, DiskError};
use packer_fs::journal::{self, HistoryError};
use packer_fs::undo_record::UndoRecord;

use crate::record::{Unreadable, recorded_logs};

/// One operation of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOperation {
    /// Its id.
    pub operation_id: OperationId,
    /// What it is; none where its beginning is not recorded.
    pub kind: Option<OperationKind>,
    /// When it was accepted, or else drawn.
    pub time: Timestamp,
    /// Where it is. The outcome is unknown also of one that has no end in its log and is not in the history, and whose
    /// source has no lock any more.
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

/// Why a text names no single operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameOperationError {
    /// No id begins or ends so.
    #[error("no operation is called {text:?}")]
    Unknown {
        /// The text.
        text: String,
    },
    /// Several do.
    #[error("{text:?} can be several operations, such as {one} and {other}")]
    Ambiguous {
        /// The text.
        text: String,
        /// One of them.
        one: OperationId,
        /// Another one.
        other: OperationId,
    },
}

/// What was done in a project, as far as its logs can be read.
#[derive(Clone, Debug)]
pub struct ReadableLog {
    /// The operations, the newest first.
    pub operations: Vec<LoggedOperation>,
    /// The logs that cannot be read. What they tell of operations is missing, and that one was undone may be.
    pub unreadable: Vec<Unreadable>,
}

/// The operations of the project in `root`, as far as the logs can be read.
pub(crate) fn readable_log(root: &Utf8Path, disk: &dyn Disk) -> Result<ReadableLog, DiskError> {
    let mut replay = Replay::new();
    let mut gone = BTreeSet::new();
    let mut unreadable = Vec::new();
    for log in recorded_logs(root)? {
        unreadable.extend(log.unreadable.clone());
        for event in log.story() {
            replay.apply(event);
        }
        if !log.may_live {
            gone.insert(log.source);
        }
    }
    let history = journal::list_history(disk)?;
    let kept: BTreeMap<OperationId, u64> = history
        .iter()
        .filter(|entry| !entry.was_frozen)
        .map(|entry| (entry.operation, entry.bytes))
        .collect();
    let mut logged = Vec::new();
    for record in replay.operations() {
        let told = of_record(record);
        // Nobody writes an end of it any more. If it is in the history, it has committed.
        let is_lost = record.ending.is_none() && gone.contains(&record.source);
        let committed = is_lost && kept.contains_key(&record.operation_id);
        let history = if committed { of_history(disk, record.operation_id)? } else { None };
        logged.push(match history {
            Some(LoggedOperation { state, report, .. }) => LoggedOperation { state, report, ..told },
            None if is_lost => LoggedOperation { state: OperationState::OutcomeUnknown, ..told },
            None => told,
        });
    }
    for operation in kept.keys().filter(|operation| replay.operation(**operation).is_none()) {
        logged.extend(of_history(disk, *operation)?);
    }
    let undos = Undos::among(&logged);
    for operation in &mut logged {
        operation.undo = match (undos.of(operation.operation_id), kept.get(&operation.operation_id)) {
            (Some(undo), _) => UndoState::UndoneBy(undo),
            (None, Some(bytes)) => UndoState::Kept { bytes: *bytes },
            (None, None) => UndoState::NotKept,
        };
    }
    // Within a millisecond, the numbers of their commits tell the order.
    logged.sort_by_key(|logged| std::cmp::Reverse((logged.time, logged.commit(), logged.operation_id)));
    Ok(ReadableLog { operations: logged, unreadable })
}

/// The operations of the project in `root`, the newest first. Fails where a log cannot be read: who decides by what it says
/// has to know all of it.
pub(crate) fn operation_log(root: &Utf8Path, disk: &dyn Disk) -> Result<Vec<LoggedOperation>, DiskError> {
    let ReadableLog { operations, unreadable } = readable_log(root, disk)?;
    match unreadable.into_iter().next() {
        Some(unreadable) => Err(unreadable.into_error()),
        None => Ok(operations),
    }
}

/// The operation that is taken back next, of a log with the newest first: the last one that can be undone and is no undoing
/// itself. Asked again and again, everything is taken back, one after the other.
pub fn next_undo(logged: &[LoggedOperation]) -> Option<OperationId> {
    let next =
        logged.iter().find(|logged| logged.can_be_undone() && logged.kind != Some(OperationKind::Undo));
    next.map(|logged| logged.operation_id)
}

/// The undoing that is taken back next, of a log with the newest first: the last one that nothing was done after but
/// undoing and redoing. Taking it back does again what it undid.
pub fn next_redo(logged: &[LoggedOperation]) -> Option<OperationId> {
    let by_id: BTreeMap<OperationId, &LoggedOperation> =
        logged.iter().map(|logged| (logged.operation_id, logged)).collect();
    let undone = |logged: &LoggedOperation| by_id.get(&logged.causation_id?).copied();
    // Whether it undid something that was no undoing, or did so by way of undoings that were taken back in between.
    let takes_back = |logged: &LoggedOperation| {
        let (mut takes_back, mut at) = (true, undone(logged));
        while let Some(of) = at.filter(|of| of.kind == Some(OperationKind::Undo)) {
            // An operation is later than what it undoes, so this comes to an end, whatever a log says.
            (takes_back, at) = (!takes_back, undone(of).filter(|next| next.operation_id < of.operation_id));
        }
        takes_back
    };
    let next = logged.iter().find(|logged| {
        logged.can_be_undone() && (logged.kind != Some(OperationKind::Undo) || takes_back(logged))
    });
    next.filter(|logged| logged.kind == Some(OperationKind::Undo)).map(|logged| logged.operation_id)
}

/// The operation of a log that a text means: an id, or a beginning or an end that only one has. A whole id is taken as it
/// is: whether anything is kept of it is for a plan to say.
pub fn named_operation(text: &str, logged: &[LoggedOperation]) -> Result<OperationId, NameOperationError> {
    if let Ok(operation) = text.parse() {
        return Ok(operation);
    }
    let typed = text.to_ascii_lowercase();
    let ids = logged.iter().map(|logged| logged.operation_id);
    let mut meant = ids.filter(|id| {
        let id = id.to_string();
        !typed.is_empty() && (id.starts_with(&typed) || id.ends_with(&typed))
    });
    let text = text.to_owned();
    match (meant.next(), meant.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(NameOperationError::Unknown { text }),
        (Some(one), Some(other)) => Err(NameOperationError::Ambiguous { text, one, other }),
    }
}

impl LoggedOperation {
    fn can_be_undone(&self) -> bool {
        matches!(self.undo, UndoState::Kept { .. })
    }

    /// The number of its commit, if it is told.
    pub fn commit(&self) -> Option<u64> {
        match &self.report {
            Some(OutcomeReport::Mutation(report)) => report.commit,
            _ => None,
        }
    }
}

/// Which operations took which back.
struct Undos(BTreeMap<OperationId, Vec<OperationId>>);

impl Undos {
    fn among(logged: &[LoggedOperation]) -> Self {
        let mut undos: BTreeMap<OperationId, Vec<OperationId>> = BTreeMap::new();
        for operation in logged {
            let done = matches!(operation.state, OperationState::Succeeded | OperationState::Recovered);
            // One is later than what it undoes; whatever a log says, following them comes to an end.
            if operation.kind == Some(OperationKind::Undo)
                && done
                && let Some(undone) = operation.causation_id.filter(|undone| operation.operation_id > *undone)
            {
                undos.entry(undone).or_default().push(operation.operation_id);
            }
        }
        Self(undos)
    }

    /// The operation that undid this one, and was not undone itself.
    fn of(&self, operation: OperationId) -> Option<OperationId> {
        let undos = self.0.get(&operation)?;
        undos.iter().copied().find(|undo| self.of(*undo).is_none())
    }
}

fn of_record(record: &OperationRecord) -> LoggedOperation {
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
        undo: UndoState::NotKept,
    }
}

/// What the history tells of an operation whose log is gone; none where it can tell nothing.
fn of_history(disk: &dyn Disk, operation: OperationId) -> Result<Option<LoggedOperation>, DiskError> {
    let intent = match journal::read_history(disk, operation) {
        Ok(intent) => intent,
        Err(HistoryError::Disk { source, .. }) => return Err(source),
        Err(error) => {
            tracing::warn!(%error, "an operation cannot be told of");
            return Ok(None);
        }
    };
    let report: Option<OutcomeReport> = serde_json::from_value(intent.prepared).ok();
    let kind = report.as_ref().map(OutcomeReport::kind);
    let undoes = UndoRecord::decode(&intent.inverse).ok().and_then(|record| record.undoes);
    Ok(Some(LoggedOperation {
        operation_id: operation,
        kind,
        time: Timestamp::from_unix_ms(operation.drawn_at_ms()),
        state: OperationState::Succeeded,
        report,
        causation_id: undoes,
        undo: UndoState::NotKept,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: UndoState = UndoState::Kept { bytes: 1 };

    fn id(n: u8) -> OperationId {
        format!("01a2027b-d680-7707-8707-0707070707{n:02}").parse().unwrap()
    }

    fn logged(n: u8, kind: OperationKind, of: Option<u8>, undo: UndoState) -> LoggedOperation {
        LoggedOperation {
            operation_id: id(n),
            kind: Some(kind),
            time: Timestamp::from_unix_ms(u64::from(n)),
            state: OperationState::Succeeded,
            report: None,
            causation_id: of.map(id),
            undo,
        }
    }

    /// A log of these, told from the oldest on, and what is next in it: to undo, and to do again.
    fn next(oldest_first: &[(u8, OperationKind, Option<u8>, UndoState)]) -> (Option<u8>, Option<u8>) {
        let newest_first: Vec<LoggedOperation> =
            oldest_first.iter().rev().map(|(n, kind, of, undo)| logged(*n, *kind, *of, *undo)).collect();
        let number = |found: OperationId| (1..=9).find(|n| id(*n) == found);
        (next_undo(&newest_first).and_then(number), next_redo(&newest_first).and_then(number))
    }

    #[test]
    fn an_operation_is_named_by_what_tells_it_apart() {
        let list = [1, 2, 12].map(|n| logged(n, OperationKind::Adopt, None, UndoState::NotKept));
        let named = |text: &str| named_operation(text, &list);
        assert_eq!(named(&id(1).to_string()), Ok(id(1)));
        assert_eq!(named("0701"), Ok(id(1)));
        assert_eq!(named("0712"), Ok(id(12)));
        assert_eq!(named(&id(2).to_string()[1..].to_uppercase()), Ok(id(2)));
        for several in ["2", "01a2027b", "01A2"] {
            assert!(matches!(named(several), Err(NameOperationError::Ambiguous { .. })), "{several}");
        }
        for nobody in ["", "zz", "latest"] {
            assert_eq!(named(nobody), Err(NameOperationError::Unknown { text: nobody.to_owned() }));
        }
        assert_eq!(named(&id(9).to_string()), Ok(id(9)));
    }

    #[test]
    fn asked_again_and_again_everything_is_taken_back_and_done_again() {
        use OperationKind::{Adopt, Build, Relocate, Undo};
        let by = |n| UndoState::UndoneBy(id(n));
        let build = (3, Build, None, UndoState::NotKept);
        let (adopt, relocate) = ((1, Adopt, None, KEPT), (2, Relocate, None, KEPT));
        assert_eq!(next(&[]), (None, None));
        assert_eq!(next(&[adopt, relocate, build]), (Some(2), None));
        // Both are undone, the last one first.
        let (adopt_undone, relocate_undone) = ((1, Adopt, None, by(5)), (2, Relocate, None, by(4)));
        let (first_undo, second_undo) = ((4, Undo, Some(2), KEPT), (5, Undo, Some(1), KEPT));
        assert_eq!(next(&[adopt, relocate_undone, build, first_undo]), (Some(1), Some(4)));
        assert_eq!(next(&[adopt_undone, relocate_undone, build, first_undo, second_undo]), (None, Some(5)));
        // And done again, the one that was undone last first.
        let (second_gone, redo) = ((5, Undo, Some(1), by(6)), (6, Undo, Some(5), KEPT));
        assert_eq!(next(&[adopt, relocate_undone, build, first_undo, second_gone, redo]), (Some(1), Some(4)));
        let (first_gone, again) = ((4, Undo, Some(2), by(7)), (7, Undo, Some(4), KEPT));
        assert_eq!(next(&[adopt, relocate, first_gone, second_gone, redo, again]), (Some(2), None));
        // What was done since ends it.
        let other = (8, Adopt, None, KEPT);
        assert_eq!(next(&[adopt, relocate_undone, build, first_undo, other]), (Some(8), None));
    }

    #[test]
    fn a_log_that_tells_of_a_circle_is_read_to_its_end() {
        let log = [(1, OperationKind::Undo, Some(2), KEPT), (2, OperationKind::Undo, Some(1), KEPT)];
        assert_eq!(next(&log).0, None);
    }
}
