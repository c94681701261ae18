//! Why operations were refused: the workspace, the plan or the lane says no, and nothing was changed.

use packer_domain::identity::{LineageId, OperationId, Revision};
use packer_domain::path::AssetPath;
use serde::{Deserialize, Serialize};

use crate::body::{Holder, Lock, OperationKind};
use crate::optional;
use crate::record::DiagnosticRecord;

/// A refused operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RejectionReport {
    /// What it should have done.
    pub kind: OperationKind,
    /// Why not.
    pub reason: Rejection,
}

/// Why an operation was refused, tagged by `type` on the wire. In brackets: what can be refused for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rejection {
    /// Included assets, or the project, have errors; each was said as a `diagnostic` or `divergence` event. (build)
    WorkspaceErrors {
        /// How many.
        errors: u64,
    },
    /// The workspace changed between the start and the end of a build. (build)
    InputsChanged {
        /// The anchors, inputs and listed folders that changed.
        paths: Vec<AssetPath>,
        /// Whether the registry did.
        registry: bool,
        /// Whether the project's configuration did.
        configuration: bool,
        /// How many more there are than are listed; on the wire only where there are.
        #[serde(default, skip_serializing_if = "optional::is_zero")]
        more: u64,
    },
    /// The plan forbids itself. (mutations, undo, recover)
    Blocked {
        /// What forbids it.
        blockers: Vec<DiagnosticRecord>,
        /// How many more there are than are listed; on the wire only where there are.
        #[serde(default, skip_serializing_if = "optional::is_zero")]
        more: u64,
    },
    /// Planned again, the plan would have other effects than those that were previewed. (applying a plan)
    StalePlan {
        /// The paths that moved meanwhile.
        changed: Vec<AssetPath>,
        /// Whether the registry did.
        registry: bool,
        /// Whether the project's configuration did.
        configuration: bool,
        /// How many more there are than are listed; on the wire only where there are.
        #[serde(default, skip_serializing_if = "optional::is_zero")]
        more: u64,
    },
    /// A stored plan is not what its digests were made of. (applying a plan)
    PlanAltered {},
    /// The plan was made for another project. (applying a plan)
    UnrelatedLineage {
        /// This project's.
        project: LineageId,
        /// The plan's.
        plan: LineageId,
    },
    /// An operation stopped amid its commit, and must be recovered first. (all that commit)
    LaneFrozen {
        /// That operation.
        operation_id: OperationId,
    },
    /// Another process holds the lock, and waiting was not wanted. (all that commit)
    LockHeld {
        /// Which.
        lock: Lock,
        /// By whom, where the holder left its name.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
        #[cfg_attr(feature = "schema", schemars(with = "Holder"))]
        holder: Option<Holder>,
    },
    /// The filesystem cannot lock. (all that commit)
    LockUnsupported {
        /// Which lock was wanted.
        lock: Lock,
    },
    /// The snapshot that the request names is not the current one. (build)
    BaseRevisionGone {
        /// The one it names.
        asked: Revision,
        /// The current one.
        current: Revision,
    },
    /// There is nothing to recover. (recover)
    NothingToRecover {},
}
