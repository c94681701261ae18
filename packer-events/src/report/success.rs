//! What operations did that did what was asked, tagged by `kind` on the wire.

use packer_domain::identity::{Digest, OperationId, Revision};
use serde::{Deserialize, Serialize};

use crate::body::OperationKind;
use crate::optional;
use crate::record::Changes;

/// What an operation did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OutcomeReport {
    /// It built the pack.
    Build(BuildReport),
    /// It changed the workspace.
    Mutation(MutationReport),
    /// It observed the workspace.
    Refresh(RefreshReport),
    /// It settled what another operation left.
    Recover(RecoverReport),
    /// It watched the workspace until the project was closed.
    Watch(WatchReport),
}

impl OutcomeReport {
    /// What kind of operation did it.
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::Build(_) => OperationKind::Build,
            Self::Mutation(report) => report.mutation,
            Self::Refresh(_) => OperationKind::Refresh,
            Self::Recover(_) => OperationKind::Recover,
            Self::Watch(_) => OperationKind::Watch,
        }
    }
}

/// What a build did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BuildReport {
    /// Assets that take part: `baked + reused + failed`.
    pub assets: u64,
    /// Those that were baked.
    pub baked: u64,
    /// Those whose payload was taken over.
    pub reused: u64,
    /// Those that could not be baked and stand as absent; not 0 only in a build that keeps going.
    pub failed: u64,
    /// The size of the pack.
    pub bytes: u64,
    /// The digest of the pack.
    pub pack_digest: Digest,
    /// Whether the outputs already were what they had to be, and nothing was written.
    pub unchanged: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Whether the pack lacks assets that should be in it. On the wire only when true.
    #[serde(default, skip_serializing_if = "optional::is_false")]
    pub incomplete: bool,
    /// Whether a second build from nothing gave the same pack. On the wire only when true.
    #[serde(default, skip_serializing_if = "optional::is_false")]
    pub proved: bool,
}

/// What a mutation did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MutationReport {
    /// Which mutation it was.
    pub mutation: OperationKind,
    /// The number of its commit; absent when there was nothing to change.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub commit: Option<u64>,
    /// Assets that are managed since.
    pub assets_added: u64,
    /// Managed assets that mean something else since.
    pub assets_changed: u64,
    /// Assets that are not managed any more.
    pub assets_removed: u64,
    /// Files that were not there before.
    pub files_created: u64,
    /// Files whose contents changed.
    pub files_changed: u64,
    /// Files that are at another path.
    pub files_moved: u64,
    /// Files that went to history.
    pub files_removed: u64,
    /// Lines of the registry that were inserted, updated, retired or deleted.
    pub registry_changes: u64,
    /// The snapshot that shows it, where one was published.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
    #[cfg_attr(feature = "schema", schemars(with = "Revision"))]
    pub result_revision: Option<Revision>,
    /// Whether everything already was as asked, and nothing was written.
    pub unchanged: bool,
    /// How long it took, in milliseconds; up to the commit point for one that was recovered.
    pub took_ms: u64,
}

/// What a refresh found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshReport {
    /// The snapshot before.
    pub from: Revision,
    /// The snapshot after; the same one when nothing differs.
    pub to: Revision,
    /// What differs.
    pub changed: Changes,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What a recovery did. One recovery settles one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RecoverReport {
    /// The operation that was settled.
    pub operation_id: OperationId,
    /// How.
    pub result: RecoveryResult,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// How a recovery settled an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecoveryResult {
    /// It had not reached its commit point: what it had staged was dropped, and it is told as `aborted`.
    Dropped,
    /// It had reached its commit point: the remaining steps were carried out, and it is told as `recovered`.
    Finished,
    /// Its change was complete: only its ending and the clean-up remained, and it is told as `recovered`.
    Closed,
    /// Somebody edited what it touched: nothing was changed, the lane is frozen, and it is told as `outcome_unknown`.
    Frozen,
    /// A frozen one was given up, on request: the workspace is as people left it.
    KeptTheirs,
    /// A frozen one was completed, on request: what people edited went to history.
    FinishedOurs,
}

/// What a watch saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WatchReport {
    /// How often the freshness changed.
    pub transitions: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}
