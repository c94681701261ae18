//! `Outcome`: the proof that an operation ended, and how.
//!
//! Sealed: private fields, no public constructor, no `Deserialize`. An event can be decoded from text and so forged; an
//! outcome comes only from this runtime, beside a terminal event that it stored, or that it read back from its own log.
//! This stops accidents and shortcuts, not malice.

use std::sync::Arc;

use packer_domain::identity::OperationId;
use packer_events::body::OperationKind;
use packer_events::event::Event;
use packer_events::report::{Ending, OutcomeReport};

/// How one operation ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    event: Arc<Event>,
    ending: Ending,
    kind: OperationKind,
    provenance: Provenance,
}

/// Where an outcome comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The operation ended in this process.
    Live,
    /// Its terminal event was read from the log.
    Replayed,
}

impl Outcome {
    /// The outcome that a stored terminal event stands for; `None` for any other event.
    pub(crate) fn of(event: &Arc<Event>, kind: OperationKind, provenance: Provenance) -> Option<Self> {
        let ending = event.body.ending()?;
        Some(Self { event: Arc::clone(event), ending, kind, provenance })
    }

    /// Which operation.
    pub fn operation_id(&self) -> OperationId {
        self.event.operation_id
    }

    /// What kind of operation.
    pub fn kind(&self) -> OperationKind {
        self.kind
    }

    /// The terminal event.
    pub fn event(&self) -> &Arc<Event> {
        &self.event
    }

    /// How it ended.
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// What it achieved, if it succeeded; also where only recovery could say so.
    pub fn success(&self) -> Option<&OutcomeReport> {
        match &self.ending {
            Ending::Succeeded(report) | Ending::Recovered { outcome: report, .. } => Some(report),
            Ending::Rejected(_)
            | Ending::Failed(_)
            | Ending::Cancelled(_)
            | Ending::Aborted(_)
            | Ending::OutcomeUnknown(_) => None,
        }
    }

    /// Whether it ended in this process or was read from the log.
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }
}

/// An operation ended, and its terminal event could not be stored: nobody was told how.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the end of operation {operation_id} could not be stored: {message}")]
pub struct OutcomeNotDurable {
    /// Which operation.
    pub operation_id: OperationId,
    /// Why.
    pub message: String,
}
