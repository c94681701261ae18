//! What an event says: one variant each, tagged by `type` on the wire.
//!
//! How an operation ended is in `report`; diagnostics, divergences and freshness as data are in `record`. Who emits
//! what and how often is the runtime's business; which of these may be merged is `coalesce`.

mod bounded;
mod divergences;
mod words;

pub use divergences::divergences;
pub use words::{Behind, Holder, Lock, OperationKind, Phase, Unit};

use packer_domain::identity::{Digest, OperationId, Revision};
use packer_domain::path::AssetPath;
use serde::{Deserialize, Serialize};

use crate::optional;
use crate::record::{Changes, DiagnosticRecord, DivergenceRecord, FreshnessCause, FreshnessRecord};
use crate::report::{
    AbortReport, CancellationReport, FailureReport, OutcomeReport, RejectionReport, UnknownOutcomeReport,
};

/// What an operation says. Every variant but `Progress` is a lifecycle event, and is never dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum EventBody {
    /// The operation exists from now on, and will end with exactly one ending.
    Accepted {
        /// What it does.
        kind: OperationKind,
        /// The same for people, with its subject, in one line: `adopt 12 files below ui`.
        title: String,
    },
    /// It waits. May be said again as the wait changes, and again later for another lock.
    Queued {
        /// What it waits for.
        behind: Behind,
    },
    /// It runs.
    Started {},
    /// How far it is. May be merged with earlier progress: the latest wins.
    Progress {
        /// The part of the work.
        phase: Phase,
        /// How much of the part is done.
        done: u64,
        /// How much there is, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
        #[cfg_attr(feature = "schema", schemars(with = "u64"))]
        total: Option<u64>,
        /// What is counted.
        unit: Unit,
        /// How many bytes that was, where they tell more than what is counted.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
        #[cfg_attr(feature = "schema", schemars(with = "u64"))]
        bytes: Option<u64>,
        /// How long the part has been worked on, in milliseconds. Counts and times are since its beginning, so the latest
        /// progress alone tells the rate, whatever was merged with it.
        elapsed_ms: u64,
        /// What it works on, for people.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        subject: Option<String>,
    },
    /// It found this.
    Diagnostic(DiagnosticRecord),
    /// The differences between registry and disk that are known changed.
    Divergence {
        /// Those that were not there before.
        added: Vec<DivergenceRecord>,
        /// Those that are no more.
        cleared: Vec<DivergenceRecord>,
    },
    /// What is known of the snapshot against the disk changed.
    Freshness {
        /// Before.
        from: FreshnessRecord,
        /// From now on.
        to: FreshnessRecord,
        /// Why.
        cause: FreshnessCause,
        /// The paths that brought it about: those that are dirty from now on and were not before, or, where things were
        /// looked at, those that are dirty no more.
        paths: Vec<AssetPath>,
    },
    /// The workspace was changed, durably.
    Committed {
        /// The number of the commit, as in the project's head.
        commit: u64,
        /// Of the registry after it.
        registry_digest: Digest,
    },
    /// Reads see another snapshot.
    Published {
        /// The one they saw.
        from: Revision,
        /// The one they see.
        to: Revision,
        /// What differs.
        changed: Changes,
    },
    /// Ending: it did what was asked.
    Succeeded {
        /// What that was.
        outcome: OutcomeReport,
    },
    /// Ending: it was refused, and changed nothing.
    Rejected {
        /// Why.
        outcome: RejectionReport,
    },
    /// Ending: it broke, and changed nothing.
    Failed {
        /// How.
        outcome: FailureReport,
    },
    /// Ending: somebody called it off, and it changed nothing.
    Cancelled {
        /// How far it was.
        outcome: CancellationReport,
    },
    /// Ending, written by whoever came next: its process died before the commit point, and nothing changed.
    Aborted {
        /// What is known of it.
        outcome: AbortReport,
    },
    /// Ending, written by whoever came next: its process died after the commit point, and the change is complete.
    Recovered {
        /// What it did, as prepared before the commit.
        outcome: OutcomeReport,
        /// The operation that completed it.
        by: OperationId,
    },
    /// Ending: whether the change is on disk is not known; the lane takes nothing but a recovery.
    OutcomeUnknown {
        /// What is known of it.
        outcome: UnknownOutcomeReport,
    },
}

impl EventBody {
    /// All values of `type` on the wire.
    pub const TYPE_NAMES: &'static [&'static str] = &[
        "accepted",
        "queued",
        "started",
        "progress",
        "diagnostic",
        "divergence",
        "freshness",
        "committed",
        "published",
        "succeeded",
        "rejected",
        "failed",
        "cancelled",
        "aborted",
        "recovered",
        "outcome_unknown",
    ];

    /// Those of endings.
    pub const ENDING_NAMES: &'static [&'static str] =
        &["succeeded", "rejected", "failed", "cancelled", "aborted", "recovered", "outcome_unknown"];

    /// The value of `type` on the wire.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Queued { .. } => "queued",
            Self::Started {} => "started",
            Self::Progress { .. } => "progress",
            Self::Diagnostic(_) => "diagnostic",
            Self::Divergence { .. } => "divergence",
            Self::Freshness { .. } => "freshness",
            Self::Committed { .. } => "committed",
            Self::Published { .. } => "published",
            Self::Succeeded { .. } => "succeeded",
            Self::Rejected { .. } => "rejected",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Aborted { .. } => "aborted",
            Self::Recovered { .. } => "recovered",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
        }
    }

    /// Whether events with this body are never dropped.
    pub fn is_lifecycle(&self) -> bool {
        !matches!(self, Self::Progress { .. })
    }

    /// Whether this ends its operation.
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Accepted { .. }
            | Self::Queued { .. }
            | Self::Started {}
            | Self::Progress { .. }
            | Self::Diagnostic(_)
            | Self::Divergence { .. }
            | Self::Freshness { .. }
            | Self::Committed { .. }
            | Self::Published { .. } => false,
            Self::Succeeded { .. }
            | Self::Rejected { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. }
            | Self::Aborted { .. }
            | Self::Recovered { .. }
            | Self::OutcomeUnknown { .. } => true,
        }
    }
}
