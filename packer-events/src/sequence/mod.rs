//! Numbering events: the one way in which a source gives positions and sequences, and what it refuses to number.
//!
//! Pure state; the runtime owns it, draws ids, reads the clock and holds a lock around it. Checking events that were
//! numbered elsewhere is [`StreamCheck`].
//!
//! Guarantee: of what a [`SourceSequencer`] numbered, positions are contiguous from 1, an operation's first event is
//! its only `accepted`, both its sequences are contiguous, and nothing follows its ending.

mod check;

pub use check::{StreamCheck, StreamFault, StreamRule};

use std::collections::{BTreeMap, VecDeque};

use packer_domain::identity::{OperationId, Revision, SourceId};
use thiserror::Error;

use crate::body::EventBody;
use crate::event::{Event, Schema};
use crate::time::Timestamp;

/// How many ended operations a source remembers. It notices that the `accepted` of one of these comes again; an id
/// that ended earlier than those is not known to be used, which matters only to a caller that uses ids twice.
pub const ENDED_REMEMBERED: usize = 1024;

/// An event that has no numbers yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The operation that speaks.
    pub operation_id: OperationId,
    /// The operation that caused it, if any.
    pub causation_id: Option<OperationId>,
    /// Now.
    pub time: Timestamp,
    /// The snapshot that the operation started from, once it has one.
    pub base_revision: Option<Revision>,
    /// The snapshot that is current through the operation.
    pub result_revision: Option<Revision>,
    /// What it says.
    pub body: EventBody,
}

/// The numbers of an operation's latest event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationNumbers {
    /// Its `sequence`.
    pub sequence: u64,
    /// Its `lifecycle_sequence`.
    pub lifecycle_sequence: u64,
}

/// Why a draft gets no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("operation {operation_id}: {rule}")]
pub struct SequenceError {
    /// The operation that should have spoken.
    pub operation_id: OperationId,
    /// The rule that the draft breaks.
    pub rule: SequenceRule,
}

/// A rule of numbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SequenceRule {
    /// The operation said something before it was accepted.
    #[error("its first event must be `accepted`")]
    NotAccepted,
    /// The operation was accepted before.
    #[error("it was accepted before")]
    AcceptedAgain,
    /// The operation has ended.
    #[error("it has ended, and nothing follows an ending")]
    Ended,
    /// The numbers are used up, which only numbers read from a damaged file can be.
    #[error("no numbers are left")]
    Exhausted,
}

/// Numbers the events of one operation.
#[derive(Clone, Debug, Default)]
pub struct OperationSequencer {
    last: OperationNumbers,
    accepted: bool,
    ended: bool,
}

impl OperationSequencer {
    /// For an operation that has said nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// For an accepted operation whose latest event has the numbers `last`.
    pub fn continuing(last: OperationNumbers) -> Self {
        Self { last, accepted: true, ended: false }
    }

    /// The numbers of its latest event; zeros before the first.
    pub fn last(&self) -> OperationNumbers {
        self.last
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Gives an event with this body its numbers, or refuses it and stays as it was.
    pub fn number(&mut self, body: &EventBody) -> Result<OperationNumbers, SequenceRule> {
        let accepts = matches!(body, EventBody::Accepted { .. });
        if self.ended {
            return Err(SequenceRule::Ended);
        }
        if accepts && self.accepted {
            return Err(SequenceRule::AcceptedAgain);
        }
        if !accepts && !self.accepted {
            return Err(SequenceRule::NotAccepted);
        }
        let next = |number: u64, step: u64| number.checked_add(step).ok_or(SequenceRule::Exhausted);
        let numbers = OperationNumbers {
            sequence: next(self.last.sequence, 1)?,
            lifecycle_sequence: next(self.last.lifecycle_sequence, u64::from(body.is_lifecycle()))?,
        };
        *self = Self { last: numbers, accepted: true, ended: body.is_terminal() };
        Ok(numbers)
    }
}

/// Numbers the events of one source. Its memory is bounded by the running operations and [`ENDED_REMEMBERED`].
#[derive(Clone, Debug)]
pub struct SourceSequencer {
    source: SourceId,
    position: u64,
    running: BTreeMap<OperationId, OperationSequencer>,
    ended: VecDeque<OperationId>,
}

impl SourceSequencer {
    /// For a source that has said nothing.
    pub fn new(source: SourceId) -> Self {
        Self::continuing(source, 0, [])
    }

    /// For the source of a dead process, whose latest event has `position` and whose unended operations' latest events
    /// have the given numbers: as [`StreamCheck`] tells them of its log, or as an intent recorded them.
    pub fn continuing(
        source: SourceId,
        position: u64,
        running: impl IntoIterator<Item = (OperationId, OperationNumbers)>,
    ) -> Self {
        let running =
            running.into_iter().map(|(id, last)| (id, OperationSequencer::continuing(last))).collect();
        Self { source, position, running, ended: VecDeque::new() }
    }

    /// The source.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// The position of the latest event; 0 before the first.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The operations that have not ended, with the numbers of their latest events, by id.
    pub fn running(&self) -> impl Iterator<Item = (OperationId, OperationNumbers)> {
        self.running.iter().map(|(id, operation)| (*id, operation.last()))
    }

    /// The numbers of the latest event of a running operation: what an intent records.
    pub fn last(&self, operation_id: OperationId) -> Option<OperationNumbers> {
        self.running.get(&operation_id).map(OperationSequencer::last)
    }

    /// Makes an event of `draft`, or refuses it and stays as it was.
    pub fn number(&mut self, draft: Draft) -> Result<Event, SequenceError> {
        let refused = |rule| SequenceError { operation_id: draft.operation_id, rule };
        if self.ended.contains(&draft.operation_id) {
            return Err(refused(SequenceRule::Ended));
        }
        let position = self.position.checked_add(1).ok_or_else(|| refused(SequenceRule::Exhausted))?;
        let mut operation = self.running.get(&draft.operation_id).cloned().unwrap_or_default();
        let numbers = operation.number(&draft.body).map_err(refused)?;
        if operation.has_ended() {
            self.running.remove(&draft.operation_id);
            if self.ended.len() == ENDED_REMEMBERED {
                self.ended.pop_front();
            }
            self.ended.push_back(draft.operation_id);
        } else {
            self.running.insert(draft.operation_id, operation);
        }
        self.position = position;
        Ok(Event {
            schema: Schema,
            source: self.source,
            position,
            operation_id: draft.operation_id,
            sequence: numbers.sequence,
            lifecycle_sequence: numbers.lifecycle_sequence,
            causation_id: draft.causation_id,
            time: draft.time,
            base_revision: draft.base_revision,
            result_revision: draft.result_revision,
            terminal: draft.body.is_terminal(),
            coalesced: None,
            body: draft.body,
        })
    }
}

#[cfg(test)]
mod tests;
