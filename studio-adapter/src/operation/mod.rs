//! The activity: one row an operation, how far it is, and how it ended.
//!
//! An [`OperationView`] is folded from events by the packer's own reducer, and events prove nothing. So it shows an end
//! through an [`OutcomeView`] and through nothing else: an operation of which an ending was told without its proof is
//! shown as one that goes on, and so is one whose progress is complete.

mod progress;
mod running;

pub use progress::{PhaseView, ProgressView, UnitView};
pub use running::RunningOperation;

use packer_events::body::Behind;
use packer_events::replay::{DiagnosticCounts, OperationRecord, OperationState};
use packer_runtime::api::Outcome;
use serde::Serialize;

use crate::labels;
use crate::outcome::OutcomeView;
use crate::text::counted;

/// One operation, as far as it has come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationView {
    /// Its id.
    pub operation_id: String,
    /// What kind of operation: `build`, `adopt` …; none where its beginning was not told.
    pub kind: Option<String>,
    /// The same for people, with its subject.
    pub title: String,
    /// Where it is.
    pub state: OperationStateView,
    /// The same in words.
    pub state_label: String,
    /// What it waits for, while it does, in words.
    pub waits_for: Option<String>,
    /// The operation that caused it.
    pub caused_by: Option<String>,
    /// How far it is, by part of its work. A part that is complete is no end.
    pub progress: Vec<ProgressView>,
    /// How many errors it found.
    pub errors: u64,
    /// How many warnings.
    pub warnings: u64,
    /// How many findings that are worth knowing.
    pub infos: u64,
    /// When it was accepted: UTC, such as `2026-11-22T09:00:00.123Z`.
    pub accepted_at: Option<String>,
    /// When it started.
    pub started_at: Option<String>,
    /// How it ended; none while it goes on.
    pub outcome: Option<OutcomeView>,
}

/// Where an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationStateView {
    /// It exists.
    Accepted,
    /// It waits.
    Queued,
    /// It works.
    Running,
    /// It ended, as its outcome says.
    Ended,
}

impl OperationView {
    /// The operation of `record`, which ended if `outcome` proves it.
    pub(crate) fn of(record: &OperationRecord, outcome: Option<&Outcome>) -> Self {
        let outcome = outcome.filter(|outcome| outcome.operation_id() == record.operation_id);
        let outcome = outcome.map(OutcomeView::of);
        let (state, state_label) = match &outcome {
            Some(ended) => (OperationStateView::Ended, ended.title().to_owned()),
            None => under_way(record.state),
        };
        let DiagnosticCounts { errors, warnings, infos } = record.diagnostics;
        let title = record.title.clone().or_else(|| Some(labels::kind(record.kind?).to_owned()));
        Self {
            operation_id: record.operation_id.to_string(),
            kind: record.kind.map(|kind| kind.as_str().to_owned()),
            title: title.unwrap_or_else(|| format!("Operation {}", record.operation_id)),
            state,
            state_label,
            waits_for: record.behind.as_ref().filter(|_| outcome.is_none()).map(waits_for),
            caused_by: record.causation_id.as_ref().map(ToString::to_string),
            progress: record
                .progress
                .iter()
                .map(|(phase, progress)| ProgressView::of(*phase, progress))
                .collect(),
            errors,
            warnings,
            infos,
            accepted_at: record.accepted_at.map(|at| at.to_string()),
            started_at: record.started_at.map(|at| at.to_string()),
            outcome,
        }
    }
}

/// What an editor does with a row that it shows.
impl OperationView {
    /// Takes in how far it is with a part of its work, in the place of what was said of that part before.
    pub fn advance(&mut self, told: ProgressView) {
        match self.progress.binary_search_by_key(&told.phase, |part| part.phase) {
            Ok(at) => self.progress[at] = told,
            Err(at) => self.progress.insert(at, told),
        }
    }
}

/// Where an operation is whose end is not proved.
fn under_way(state: OperationState) -> (OperationStateView, String) {
    let (state, label) = match state {
        OperationState::Accepted => (OperationStateView::Accepted, "Accepted"),
        OperationState::Queued => (OperationStateView::Queued, "Waiting"),
        OperationState::Running
        | OperationState::Succeeded
        | OperationState::Rejected
        | OperationState::Failed
        | OperationState::Cancelled
        | OperationState::Aborted
        | OperationState::Recovered
        | OperationState::OutcomeUnknown => (OperationStateView::Running, "Running"),
    };
    (state, label.to_owned())
}

/// What an operation waits for.
fn waits_for(behind: &Behind) -> String {
    let Behind { lock, operations, holder } = behind;
    let lock = labels::lock(*lock);
    match holder {
        Some(holder) => format!(
            "The {lock}, which process {} on {} holds since {} for {}",
            holder.pid, holder.host, holder.since, holder.kind
        ),
        None => format!("The {lock}, behind {}", counted(*operations, "operation")),
    }
}

#[cfg(test)]
pub(crate) mod tests;
