//! Freshness: what the runtime can say about its snapshot against the disk right now. It never claims more than it knows.

use packer_domain::identity::OperationId;
use packer_domain::path::AssetPath;
use packer_events::record::{FreshnessRecord, UnknownCause};
use packer_events::time::Timestamp;
use serde::Serialize;

/// What is known of the snapshot against the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Freshness {
    /// A completed observation gave the snapshot.
    Verified {
        /// When it ended.
        at: Timestamp,
        /// Whether changes since then are noticed, each a moment after it happened.
        watched: bool,
    },
    /// These may differ.
    Dirty {
        /// Which paths, in order; a folder that came or went stands for everything in it.
        paths: Vec<AssetPath>,
        /// Whether the registry may.
        registry: bool,
        /// Whether the configuration may.
        configuration: bool,
    },
    /// Anything may differ.
    Unknown {
        /// Why.
        cause: UnknownCause,
    },
    /// A commit neither happened nor did not: somebody has to decide.
    RecoveryRequired {
        /// Of which operation.
        operation_id: OperationId,
    },
}

impl From<&Freshness> for FreshnessRecord {
    fn from(freshness: &Freshness) -> Self {
        match freshness {
            Freshness::Verified { at, watched } => Self::Verified { at: *at, watched: *watched },
            Freshness::Dirty { paths, registry, configuration } => {
                Self::Dirty { paths: paths.len() as u64, registry: *registry, configuration: *configuration }
            }
            Freshness::Unknown { cause } => Self::Unknown { cause: *cause },
            Freshness::RecoveryRequired { operation_id } => {
                Self::RecoveryRequired { operation_id: *operation_id }
            }
        }
    }
}
