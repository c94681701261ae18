//! All ways in which an operation can end, as one type: what a terminal event says, without the event around it.

use packer_domain::identity::OperationId;

use super::{
    AbortReport, CancellationReport, FailureReport, OutcomeReport, RejectionReport, UnknownOutcomeReport,
};
use crate::body::{EventBody, OperationKind};

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It did what was asked.
    Succeeded(OutcomeReport),
    /// It was refused, and changed nothing.
    Rejected(RejectionReport),
    /// It broke, and changed nothing.
    Failed(FailureReport),
    /// Somebody called it off, and it changed nothing.
    Cancelled(CancellationReport),
    /// Its process died before the commit point, and nothing changed.
    Aborted(AbortReport),
    /// Its process died after the commit point, and another operation completed the change.
    Recovered {
        /// What it did.
        outcome: OutcomeReport,
        /// The operation that completed it.
        by: OperationId,
    },
    /// Whether the change is on disk is not known.
    OutcomeUnknown(UnknownOutcomeReport),
}

impl Ending {
    /// The kind of the operation, where the ending says it: those that somebody else wrote may not know.
    pub fn kind(&self) -> Option<OperationKind> {
        match self {
            Self::Succeeded(report) | Self::Recovered { outcome: report, .. } => Some(report.kind()),
            Self::Rejected(report) => Some(report.kind),
            Self::Failed(report) => Some(report.kind),
            Self::Cancelled(report) => Some(report.kind),
            Self::Aborted(report) => report.kind,
            Self::OutcomeUnknown(report) => report.kind,
        }
    }
}

impl From<Ending> for EventBody {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Succeeded(outcome) => Self::Succeeded { outcome },
            Ending::Rejected(outcome) => Self::Rejected { outcome },
            Ending::Failed(outcome) => Self::Failed { outcome },
            Ending::Cancelled(outcome) => Self::Cancelled { outcome },
            Ending::Aborted(outcome) => Self::Aborted { outcome },
            Ending::Recovered { outcome, by } => Self::Recovered { outcome, by },
            Ending::OutcomeUnknown(outcome) => Self::OutcomeUnknown { outcome },
        }
    }
}

impl EventBody {
    /// The ending that this says; `None` unless it is terminal.
    pub fn ending(&self) -> Option<Ending> {
        match self {
            Self::Accepted { .. }
            | Self::Queued { .. }
            | Self::Started {}
            | Self::Progress { .. }
            | Self::Diagnostic(_)
            | Self::Divergence { .. }
            | Self::Freshness { .. }
            | Self::Committed { .. }
            | Self::Published { .. } => None,
            Self::Succeeded { outcome } => Some(Ending::Succeeded(outcome.clone())),
            Self::Rejected { outcome } => Some(Ending::Rejected(outcome.clone())),
            Self::Failed { outcome } => Some(Ending::Failed(outcome.clone())),
            Self::Cancelled { outcome } => Some(Ending::Cancelled(outcome.clone())),
            Self::Aborted { outcome } => Some(Ending::Aborted(outcome.clone())),
            Self::Recovered { outcome, by } => Some(Ending::Recovered { outcome: outcome.clone(), by: *by }),
            Self::OutcomeUnknown { outcome } => Some(Ending::OutcomeUnknown(outcome.clone())),
        }
    }
}
