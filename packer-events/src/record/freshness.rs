//! Freshness as a record: what the runtime can say about its snapshot against the disk, and what moved it.
//!
//! Deciding it is the runtime's business. The dirty paths travel once, in the `freshness` events that name them, not in
//! every state: a state that carried them all would make a log of n changes n² long.

use packer_domain::identity::OperationId;
use serde::{Deserialize, Serialize};

use crate::optional;
use crate::time::Timestamp;

/// What is known of the snapshot against the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum FreshnessRecord {
    /// A completed scan found the disk as the snapshot has it.
    Verified {
        /// When that scan ended.
        at: Timestamp,
        /// Whether a watcher has looked since.
        watched: bool,
    },
    /// These changed, or may have, since.
    Dirty {
        /// How many paths below the assets root.
        paths: u64,
        /// Whether the registry does. On the wire only when true.
        #[serde(default, skip_serializing_if = "optional::is_false")]
        registry: bool,
        /// Whether the project's configuration does. On the wire only when true.
        #[serde(default, skip_serializing_if = "optional::is_false")]
        configuration: bool,
    },
    /// Nothing can be said until a scan completes.
    Unknown {
        /// Why.
        cause: UnknownCause,
    },
    /// An operation stopped amid its commit because somebody edited what it touched.
    RecoveryRequired {
        /// That operation.
        operation_id: OperationId,
    },
}

/// Why nothing can be said of the snapshot against the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnknownCause {
    /// The watcher lost events.
    Overflow,
    /// The watcher is gone.
    WatchLost,
    /// A scan did not complete.
    ScanInterrupted,
    /// Another process committed.
    ChangedOutside,
    /// Nothing was observed yet.
    NotObserved,
}

/// What moved the freshness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FreshnessCause {
    /// The watcher named paths.
    PathsChanged,
    /// What the watcher had named was looked at, and is as the snapshot has it.
    LookedAt,
    /// The watcher lost events.
    Overflow,
    /// The watcher is gone.
    WatchLost,
    /// A scan did not complete.
    ScanInterrupted,
    /// Another process committed.
    ChangedOutside,
    /// A scan completed.
    Observed,
    /// An operation froze the lane.
    Frozen,
    /// A recovery freed it.
    Recovered,
}

/// What differs between two snapshots, in counts; a consumer that wants more asks the later snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Assets that only the later one has.
    pub added: u64,
    /// Assets that both have, and not alike.
    pub changed: u64,
    /// Assets that only the earlier one has.
    pub removed: u64,
    /// Whether the project's configuration differs.
    pub configuration: bool,
}

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
