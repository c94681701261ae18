//! The history: what was done in the project, whether it can be undone, and what waits to be recovered.

use packer_events::replay::OperationState;
use packer_events::report::Ending;
use packer_runtime::api::{
    DiskError, Freshness, LoggedOperation, OperationId, Project, RecoveryChoice, UndoState, next_redo,
    next_undo,
};
use serde::Serialize;

use crate::intent::RecoveryChoiceView;
use crate::labels;
use crate::outcome::Words;

/// What was done in the project, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryView {
    /// How many operations there are in all.
    pub total: u64,
    /// The operation that undoing without a choice takes back.
    pub next_undo: Option<String>,
    /// The undoing that doing again takes back.
    pub next_redo: Option<String>,
    /// The newest of them, as many as were asked for.
    pub rows: Vec<HistoryRow>,
}

/// One operation of the history. Told from the log, which proves nothing: it is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryRow {
    /// Its id.
    pub operation_id: String,
    /// What kind of operation: `build`, `adopt` …; none where its beginning is not recorded.
    pub kind: Option<String>,
    /// The same in words.
    pub label: String,
    /// When it was accepted: UTC, such as `2026-11-22T09:00:00.123Z`.
    pub time: String,
    /// Where it is, as the log tells.
    pub state: LoggedStateView,
    /// What it did, in one sentence without a final period, if the log tells.
    pub did: Option<String>,
    /// The operation that it is about: the one that it undoes, or recovers.
    pub about: Option<String>,
    /// Whether it can be undone.
    pub undo: UndoStateView,
}

/// Where an operation is, as the log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoggedStateView {
    /// It exists.
    Accepted,
    /// It waits.
    Queued,
    /// It works.
    Running,
    /// It ended, having done what was asked.
    Succeeded,
    /// It ended, refused.
    Rejected,
    /// It ended, broken.
    Failed,
    /// It ended, called off.
    Cancelled,
    /// It died before its commit point.
    Aborted,
    /// It died after its commit point, and was completed.
    Recovered,
    /// Nobody can say whether it changed anything.
    OutcomeUnknown,
}

/// Whether an operation can be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UndoStateView {
    /// What it replaced is kept. Whether the workspace has moved on since is said by a preview.
    Kept {
        /// How many bytes that takes.
        bytes: u64,
    },
    /// It is undone already.
    UndoneBy {
        /// By this operation.
        operation_id: String,
    },
    /// Nothing is kept of it: it changed nothing, it builds, or it was dropped.
    NotKept {},
}

/// An operation that was interrupted in the middle of its commit, and the ways to settle it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecoveryView {
    /// Which.
    pub operation_id: String,
    /// What is known of it.
    pub row: Option<HistoryRow>,
    /// The ways that are open, in the packer's order. What each would do is shown by its preview.
    pub choices: Vec<RecoveryChoiceRow>,
}

/// One way to settle an interrupted operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecoveryChoiceRow {
    /// Which.
    pub choice: RecoveryChoiceView,
    /// What it means, in one line without a final period.
    pub title: String,
}

impl HistoryView {
    pub(crate) fn of(logged: &[LoggedOperation], limit: Option<u64>) -> Self {
        let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Self {
            total: logged.len() as u64,
            next_undo: next_undo(logged).as_ref().map(ToString::to_string),
            next_redo: next_redo(logged).as_ref().map(ToString::to_string),
            rows: logged.iter().take(limit).map(HistoryRow::of).collect(),
        }
    }
}

impl HistoryRow {
    fn of(logged: &LoggedOperation) -> Self {
        let LoggedOperation { operation_id, kind, time, state, report, causation_id, undo } = logged;
        let did = kind
            .zip(report.clone())
            .map(|(kind, report)| Words::of(kind, &Ending::Succeeded(report)).message);
        Self {
            operation_id: operation_id.to_string(),
            kind: kind.map(|kind| kind.as_str().to_owned()),
            label: kind.map_or("An operation", labels::kind).to_owned(),
            time: time.to_string(),
            state: LoggedStateView::of(*state),
            did,
            about: causation_id.as_ref().map(ToString::to_string),
            undo: UndoStateView::of(*undo),
        }
    }
}

impl LoggedStateView {
    fn of(state: OperationState) -> Self {
        match state {
            OperationState::Accepted => Self::Accepted,
            OperationState::Queued => Self::Queued,
            OperationState::Running => Self::Running,
            OperationState::Succeeded => Self::Succeeded,
            OperationState::Rejected => Self::Rejected,
            OperationState::Failed => Self::Failed,
            OperationState::Cancelled => Self::Cancelled,
            OperationState::Aborted => Self::Aborted,
            OperationState::Recovered => Self::Recovered,
            OperationState::OutcomeUnknown => Self::OutcomeUnknown,
        }
    }
}

impl UndoStateView {
    fn of(undo: UndoState) -> Self {
        match undo {
            UndoState::Kept { bytes } => Self::Kept { bytes },
            UndoState::UndoneBy(operation) => Self::UndoneBy { operation_id: operation.to_string() },
            UndoState::NotKept => Self::NotKept {},
        }
    }
}

impl RecoveryView {
    /// What waits to be recovered in `project`, if something does.
    pub(crate) fn of(project: &Project) -> Result<Option<Self>, DiskError> {
        let operation: OperationId = match project.status().freshness {
            Freshness::RecoveryRequired { operation_id } => operation_id,
            Freshness::Verified { .. } | Freshness::Dirty { .. } | Freshness::Unknown { .. } => {
                return Ok(None);
            }
        };
        let logged = project.log()?;
        let row = logged.iter().find(|logged| logged.operation_id == operation).map(HistoryRow::of);
        let ways = project.recovery_ways(operation)?;
        let choices = ways.iter().filter(|way| way.is_open()).map(|way| RecoveryChoiceRow::of(way.choice));
        Ok(Some(Self { operation_id: operation.to_string(), row, choices: choices.collect() }))
    }
}

impl RecoveryChoiceRow {
    fn of(choice: RecoveryChoice) -> Self {
        let (choice, title) = match choice {
            RecoveryChoice::KeepTheirs => (
                RecoveryChoiceView::KeepTheirs,
                "Keep what somebody else saved meanwhile; the rest becomes as it was before the operation",
            ),
            RecoveryChoice::FinishOurs => (
                RecoveryChoiceView::FinishOurs,
                "Carry the operation out; what somebody else saved meanwhile goes to the history",
            ),
        };
        Self { choice, title: title.to_owned() }
    }
}

#[cfg(test)]
mod tests;
