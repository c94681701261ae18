//! Replay: events in, operations out. The whole story of a project can be told from its log, with nothing running.
//!
//! Pure reducers. Whether the events were complete is [`crate::sequence::StreamCheck`]'s judgement; here each event is
//! taken for what it says. A record is `succeeded` only by a terminal event, and no proof even then: records are made of
//! events, and events can be forged.
//!
//! Guarantee: a stream that was coalesced by the rules of [`crate::coalesce`] folds to the same records as the full one.

mod contract;
mod record;
mod telling;

pub use contract::{RecordFault, RecordRule, record_faults};
pub use record::{DiagnosticCounts, OperationRecord, OperationState, PhaseProgress};
pub use telling::{TellingFault, TellingRule, telling_faults};

use std::collections::BTreeMap;

use packer_domain::identity::OperationId;

use crate::event::Event;

/// The operations that a stream of events tells of. Memory grows with their number, not with their events'.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    records: BTreeMap<OperationId, OperationRecord>,
    ignored: u64,
}

impl Replay {
    /// Nothing told yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The operations that `events` tell of. Events of one source come in the order of their positions; how several
    /// sources interleave does not matter.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Self {
        let mut replay = Self::new();
        for event in events {
            replay.apply(event);
        }
        replay
    }

    /// Takes one more event; `false` if it is ignored.
    ///
    /// Ignored is what cannot be part of an honest story: a repeat, what follows an ending, and what another source says
    /// of an operation.
    pub fn apply(&mut self, event: &Event) -> bool {
        let taken = if let Some(record) = self.records.get_mut(&event.operation_id) {
            record.apply(event)
        } else {
            self.records.insert(event.operation_id, OperationRecord::begin(event));
            true
        };
        self.ignored += u64::from(!taken);
        taken
    }

    /// All operations, by id, which is nearly the order in which they began.
    pub fn operations(&self) -> impl Iterator<Item = &OperationRecord> {
        self.records.values()
    }

    /// The operation with this id.
    pub fn operation(&self, id: OperationId) -> Option<&OperationRecord> {
        self.records.get(&id)
    }

    /// The operations that this one caused, by id.
    pub fn caused_by(&self, id: OperationId) -> impl Iterator<Item = &OperationRecord> {
        self.operations().filter(move |record| record.causation_id == Some(id))
    }

    /// The operations that have no ending so far, by id.
    pub fn running(&self) -> impl Iterator<Item = &OperationRecord> {
        self.operations().filter(|record| record.ending.is_none())
    }

    /// How many events were ignored.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }
}

#[cfg(test)]
mod tests;
