//! `StreamCheck`: whether events that were numbered elsewhere keep the contract: nothing lost, one ending, nothing after.
//!
//! It judges numbers and order, not what is said. One check judges one source; events of several sources are handed to
//! one check each. It remembers every operation it saw, so its memory grows with the stream.

use std::collections::{BTreeMap, BTreeSet};

use packer_domain::identity::{OperationId, SourceId};
use thiserror::Error;

use super::OperationNumbers;
use crate::body::EventBody;
use crate::event::{EnvelopeRule, Event};

/// Checks the events of one source as they come.
#[derive(Clone, Debug)]
pub struct StreamCheck {
    whole: bool,
    from_start: bool,
    source: Option<SourceId>,
    position: u64,
    running: BTreeMap<OperationId, OperationNumbers>,
    ended: BTreeSet<OperationId>,
}

/// A break of the contract, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("event {position} of operation {operation_id}: {rule}")]
pub struct StreamFault {
    /// The position of the event.
    pub position: u64,
    /// The operation it belongs to.
    pub operation_id: OperationId,
    /// The rule that it breaks.
    pub rule: StreamRule,
}

/// A rule of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StreamRule {
    /// Envelope and body disagree.
    #[error(transparent)]
    Envelope(EnvelopeRule),
    /// The event is of another source than those before.
    #[error("it is of another source than the events before it")]
    Source,
    /// Positions do not follow each other.
    #[error("it follows position {after}")]
    Position {
        /// The position before.
        after: u64,
    },
    /// A log holds an event that stands for several.
    #[error("a log holds every event, and none that stands for several")]
    CoalescedInLog,
    /// The operation said something before it was accepted.
    #[error("its first event is not `accepted`")]
    NotAccepted,
    /// The operation was accepted before.
    #[error("it was accepted before")]
    AcceptedAgain,
    /// Something follows an ending.
    #[error("it follows the operation's ending")]
    AfterEnding,
    /// `sequence` is not contiguous.
    #[error("it accounts for sequence {found} onwards, where {expected} is next")]
    Sequence {
        /// The next one.
        expected: u64,
        /// The first that the event accounts for.
        found: u64,
    },
    /// `lifecycle_sequence` is not contiguous.
    #[error("its lifecycle_sequence is {found}, where {expected} is next")]
    LifecycleSequence {
        /// The next one.
        expected: u64,
        /// The event's.
        found: u64,
    },
}

impl StreamCheck {
    /// For a log: positions are contiguous and nothing is coalesced.
    pub fn log() -> Self {
        Self { whole: true, ..Self::feed() }
    }

    /// For what a subscriber gets: positions ascend, and coalesced ranges are counted.
    pub fn feed() -> Self {
        Self {
            whole: false,
            from_start: true,
            source: None,
            position: 0,
            running: BTreeMap::new(),
            ended: BTreeSet::new(),
        }
    }

    /// The same for a stream whose beginning is not there: a rotated log, or a subscription that began later. The first
    /// event seen of each operation is taken as it is.
    #[must_use]
    pub fn joined_late(self) -> Self {
        Self { from_start: false, ..self }
    }

    /// Takes the next event, or names the rule it breaks and stays as it was.
    pub fn push(&mut self, event: &Event) -> Result<(), StreamFault> {
        let numbers = self.judge(event).map_err(|rule| StreamFault {
            position: event.position,
            operation_id: event.operation_id,
            rule,
        })?;
        self.source = Some(event.source);
        self.position = event.position;
        if event.body.is_terminal() {
            self.running.remove(&event.operation_id);
            self.ended.insert(event.operation_id);
        } else {
            self.running.insert(event.operation_id, numbers);
        }
        Ok(())
    }

    /// The source, once there was an event.
    pub fn source(&self) -> Option<SourceId> {
        self.source
    }

    /// The latest position; 0 before the first event.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The operations that have no ending so far, with the numbers of their latest events, by id. At the end of a
    /// complete stream there are none.
    pub fn running(&self) -> impl Iterator<Item = (OperationId, OperationNumbers)> {
        self.running.iter().map(|(id, numbers)| (*id, *numbers))
    }

    fn judge(&self, event: &Event) -> Result<OperationNumbers, StreamRule> {
        if let Some(rule) = event.broken_rule() {
            return Err(StreamRule::Envelope(rule));
        }
        if self.source.is_some_and(|source| source != event.source) {
            return Err(StreamRule::Source);
        }
        let unseen_before = self.source.is_none() && !self.from_start;
        let follows = if self.whole {
            self.position.checked_add(1) == Some(event.position)
        } else {
            event.position > self.position
        };
        if !follows && !unseen_before {
            return Err(StreamRule::Position { after: self.position });
        }
        if self.whole && event.coalesced.is_some() {
            return Err(StreamRule::CoalescedInLog);
        }
        if self.ended.contains(&event.operation_id) {
            return Err(StreamRule::AfterEnding);
        }
        let found =
            OperationNumbers { sequence: event.sequence, lifecycle_sequence: event.lifecycle_sequence };
        let accepts = matches!(event.body, EventBody::Accepted { .. });
        let last = match self.running.get(&event.operation_id) {
            Some(_) if accepts => return Err(StreamRule::AcceptedAgain),
            Some(last) => *last,
            None if accepts => OperationNumbers::default(),
            None if self.from_start => return Err(StreamRule::NotAccepted),
            None => return Ok(found),
        };
        let expected = last.sequence.saturating_add(1);
        if event.first_sequence() != expected {
            return Err(StreamRule::Sequence { expected, found: event.first_sequence() });
        }
        let expected = last.lifecycle_sequence.saturating_add(u64::from(event.is_lifecycle()));
        if event.lifecycle_sequence != expected {
            return Err(StreamRule::LifecycleSequence { expected, found: event.lifecycle_sequence });
        }
        Ok(found)
    }
}
