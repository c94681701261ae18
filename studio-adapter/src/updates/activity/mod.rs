//! Events folded to the activity: what each tells of its operation.
//!
//! The folding is the packer's own reducer, one for each operation that goes on. What cannot be part of an honest story, a
//! repeat or what follows an end, is no update. Memory grows with the operations that go on, and not with those that ended.
//!
//! The limit of that: of the last 256 operations that ended, nothing begins again, whatever comes. Of those before them, what is
//! told a second time begins nothing either, since positions ascend within a source; only an event at a new position, which
//! no packer says of an operation that has ended, would be taken for the first of one whose beginning was not told.

use std::collections::{BTreeMap, VecDeque};

use packer_events::body::EventBody;
use packer_events::event::Event;
use packer_events::replay::Replay;
use packer_runtime::api::{OperationId, Outcome, SourceId};
use serde::Serialize;

use super::{OperationProgress, Update};
use crate::operation::{OperationView, ProgressView};
use crate::problems::DiagnosticRow;

/// How many of the operations that ended last are still known, so that a late event of theirs begins nothing.
const ENDED: usize = 256;

/// Something that an operation found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingView {
    /// The operation.
    pub operation_id: String,
    /// What it found.
    pub finding: DiagnosticRow,
}

/// The operations that go on.
#[derive(Debug, Default)]
pub(super) struct Activity {
    going_on: BTreeMap<OperationId, Replay>,
    ended: VecDeque<OperationId>,
    /// Up to which position each source was told. A feed has two of them at the most.
    told: BTreeMap<SourceId, u64>,
}

impl Activity {
    /// What an event tells; `outcome` is the proof beside an ending.
    pub(super) fn take(&mut self, event: &Event, outcome: Option<&Outcome>) -> Option<Update> {
        let id = event.operation_id;
        let told = self.told.entry(event.source).or_default();
        let is_repeat = event.position <= *told;
        *told = event.position.max(*told);
        if self.ended.contains(&id) || (is_repeat && !self.going_on.contains_key(&id)) {
            return None;
        }
        let replay = self.going_on.entry(id).or_default();
        if !replay.apply(event) {
            return None;
        }
        let record = replay.operation(id)?;
        let row = || Update::Operation(Box::new(OperationView::of(record, outcome)));
        let update = match &event.body {
            EventBody::Progress { phase, .. } => Some(Update::Progress(OperationProgress {
                operation_id: id.to_string(),
                progress: ProgressView::of(*phase, record.progress.get(phase)?),
            })),
            EventBody::Diagnostic(finding) => Some(Update::Finding(Box::new(FindingView {
                operation_id: id.to_string(),
                finding: DiagnosticRow::of_record(finding),
            }))),
            // These tell of the snapshot; what is published says it.
            EventBody::Divergence { .. } | EventBody::Freshness { .. } | EventBody::Published { .. } => None,
            EventBody::Accepted { .. }
            | EventBody::Queued { .. }
            | EventBody::Started {}
            | EventBody::Committed { .. }
            | EventBody::Succeeded { .. }
            | EventBody::Rejected { .. }
            | EventBody::Failed { .. }
            | EventBody::Cancelled { .. }
            | EventBody::Aborted { .. }
            | EventBody::Recovered { .. }
            | EventBody::OutcomeUnknown { .. } => Some(row()),
        };
        if record.ending.is_some() {
            self.going_on.remove(&id);
            self.ended.push_back(id);
            if self.ended.len() > ENDED {
                self.ended.pop_front();
            }
        }
        update
    }
}

#[cfg(test)]
mod tests;
