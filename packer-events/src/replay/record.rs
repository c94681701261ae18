//! `OperationRecord`: what the events of one operation tell of it so far.

use std::collections::BTreeMap;

use packer_domain::identity::{OperationId, Revision, SourceId};

use crate::body::{Behind, EventBody, OperationKind, Phase, Unit};
use crate::event::Event;
use crate::record::SeverityRecord;
use crate::report::Ending;
use crate::sequence::OperationNumbers;
use crate::time::Timestamp;

/// Where an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationState {
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

/// How far an operation is with one part of its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseProgress {
    /// How much of the part is done.
    pub done: u64,
    /// How much there is, where that is known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: Unit,
    /// How many bytes that was, where it was said.
    pub bytes: Option<u64>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// What it works on.
    pub subject: Option<String>,
    /// When that was said.
    pub time: Timestamp,
}

/// A shorter time, in milliseconds, tells no rate.
const SHORTEST_FOR_RATE_MS: u64 = 500;

/// A shorter time, in milliseconds, tells nothing of what is to come.
const SHORTEST_FOR_REST_MS: u64 = 2_000;

impl PhaseProgress {
    /// What an event says of the progress of one part, if it does.
    pub fn of(event: &Event) -> Option<(Phase, Self)> {
        let EventBody::Progress { phase, done, total, unit, bytes, elapsed_ms, subject } = &event.body else {
            return None;
        };
        let progress = Self {
            done: *done,
            total: *total,
            unit: *unit,
            bytes: *bytes,
            elapsed_ms: *elapsed_ms,
            subject: subject.clone(),
            time: event.time,
        };
        Some((*phase, progress))
    }

    /// How much of what is counted was done a second, from the beginning of the part; `None` while that means nothing.
    pub fn per_second(&self) -> Option<f64> {
        self.rate_of(self.done)
    }

    /// The same of bytes.
    pub fn bytes_per_second(&self) -> Option<f64> {
        self.rate_of(self.bytes?)
    }

    /// How long the rest takes at this rate, in milliseconds; `None` where there is no total, or not enough was done to tell.
    pub fn remaining_ms(&self) -> Option<u64> {
        let left = self.total?.checked_sub(self.done)?;
        if self.elapsed_ms < SHORTEST_FOR_REST_MS || self.done == 0 {
            return None;
        }
        let ms = u128::from(left) * u128::from(self.elapsed_ms) / u128::from(self.done);
        u64::try_from(ms).ok()
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is for people; its first digits count")]
    fn rate_of(&self, counted: u64) -> Option<f64> {
        (self.elapsed_ms >= SHORTEST_FOR_RATE_MS && counted > 0)
            .then(|| counted as f64 * 1000.0 / self.elapsed_ms as f64)
    }
}

/// How many findings an operation told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiagnosticCounts {
    /// Errors.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// Those worth knowing.
    pub infos: u64,
}

/// What the events of one operation tell of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRecord {
    /// The operation.
    pub operation_id: OperationId,
    /// The source that tells of it.
    pub source: SourceId,
    /// What it does, if its `accepted` was seen.
    pub kind: Option<OperationKind>,
    /// The same for people, if its `accepted` was seen.
    pub title: Option<String>,
    /// The operation that caused it, as the first event says that is more than progress.
    pub causation_id: Option<OperationId>,
    /// Where it is.
    pub state: OperationState,
    /// What it waits for, while it does.
    pub behind: Option<Behind>,
    /// How far it is, by part of its work.
    pub progress: BTreeMap<Phase, PhaseProgress>,
    /// Its findings.
    pub diagnostics: DiagnosticCounts,
    /// The number of its latest commit.
    pub commit: Option<u64>,
    /// The snapshot it started from.
    pub base_revision: Option<Revision>,
    /// The snapshot that is current through it.
    pub result_revision: Option<Revision>,
    /// When it was accepted, if that was seen.
    pub accepted_at: Option<Timestamp>,
    /// When it started, if it did.
    pub started_at: Option<Timestamp>,
    /// When it last said something.
    pub last_at: Timestamp,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
    /// The numbers of its latest event.
    pub last: OperationNumbers,
}

impl OperationRecord {
    /// The record that the first event seen of an operation begins.
    pub(super) fn begin(event: &Event) -> Self {
        let mut record = Self {
            operation_id: event.operation_id,
            source: event.source,
            kind: None,
            title: None,
            causation_id: None,
            state: OperationState::Accepted,
            behind: None,
            progress: BTreeMap::new(),
            diagnostics: DiagnosticCounts::default(),
            commit: None,
            base_revision: None,
            result_revision: None,
            accepted_at: None,
            started_at: None,
            last_at: event.time,
            ended_at: None,
            ending: None,
            last: OperationNumbers::default(),
        };
        record.take(event);
        record
    }

    /// Takes a further event; `false` if it cannot be one of this operation's story.
    pub(super) fn apply(&mut self, event: &Event) -> bool {
        let follows =
            self.source == event.source && self.ending.is_none() && event.sequence > self.last.sequence;
        if follows {
            self.take(event);
        }
        follows
    }

    fn take(&mut self, event: &Event) {
        self.last =
            OperationNumbers { sequence: event.sequence, lifecycle_sequence: event.lifecycle_sequence };
        self.last_at = event.time;
        // Progress may be missed, so what it alone says of a cause would depend on how much of it came through.
        if !matches!(event.body, EventBody::Progress { .. }) {
            self.causation_id = self.causation_id.or(event.causation_id);
        }
        self.base_revision = event.base_revision;
        self.result_revision = event.result_revision;
        match &event.body {
            EventBody::Accepted { kind, title } => {
                self.kind = Some(*kind);
                self.title = Some(title.clone());
                self.accepted_at = Some(event.time);
            }
            EventBody::Queued { behind } => {
                self.state = OperationState::Queued;
                self.behind = Some(behind.clone());
            }
            EventBody::Started {} => {
                self.work();
                self.started_at = Some(event.time);
            }
            EventBody::Progress { .. } => {
                self.work();
                self.progress.extend(PhaseProgress::of(event));
            }
            EventBody::Diagnostic(diagnostic) => match diagnostic.severity {
                SeverityRecord::Error => self.diagnostics.errors += 1,
                SeverityRecord::Warning => self.diagnostics.warnings += 1,
                SeverityRecord::Info => self.diagnostics.infos += 1,
            },
            EventBody::Committed { commit, .. } => self.commit = Some(*commit),
            EventBody::Divergence { .. } | EventBody::Freshness { .. } | EventBody::Published { .. } => {}
            EventBody::Succeeded { .. } => self.end(event, OperationState::Succeeded),
            EventBody::Rejected { .. } => self.end(event, OperationState::Rejected),
            EventBody::Failed { .. } => self.end(event, OperationState::Failed),
            EventBody::Cancelled { .. } => self.end(event, OperationState::Cancelled),
            EventBody::Aborted { .. } => self.end(event, OperationState::Aborted),
            EventBody::Recovered { .. } => self.end(event, OperationState::Recovered),
            EventBody::OutcomeUnknown { .. } => self.end(event, OperationState::OutcomeUnknown),
        }
    }

    fn work(&mut self) {
        self.state = OperationState::Running;
        self.behind = None;
    }

    fn end(&mut self, event: &Event, state: OperationState) {
        self.state = state;
        self.behind = None;
        self.ended_at = Some(event.time);
        self.ending = event.body.ending();
    }
}
